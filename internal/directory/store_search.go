package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/viewer"
)

// Found is a page of people as the viewer may see them, with what the search counted.
type Found struct {
	People []people.Seen // without coordinates
	Hits   []search.Hit  // beside People, in the same order
	search.Result
}

// Search answers a question. Total and counts are exact for what the viewer may see.
func (s *Store) Search(ctx context.Context, v viewer.Viewer, a Ask) (Found, error) {
	own, err := s.kept(ctx, v)
	if err != nil {
		return Found{}, err
	}
	found, err := s.find(ctx, v, a.query(v, own))
	onlyOwn(&found.Result, own, a.Filters[School])
	return found, err
}

// Count is Search without drawing the people and without waiting for what was committed a moment ago: who they are,
// how many, and the facets.
func (s *Store) Count(ctx context.Context, v viewer.Viewer, a Ask) (search.Result, error) {
	own, err := s.kept(ctx, v)
	if err != nil {
		return search.Result{}, err
	}
	res, err := s.ask(a.query(v, own))
	onlyOwn(&res, own, a.Filters[School])
	return res, err
}

// Classmates are the people of one class of one school, by name.
func (s *Store) Classmates(ctx context.Context, v viewer.Viewer, code string, year int, withoutNews bool, page int) (Found, error) {
	q := search.Query{Tier: search.Tier(v.Tier()), Limit: PageSize, Offset: (max(1, page) - 1) * PageSize, Facets: []int{News},
		Contacts: []search.Contact{{ID: v.Person, As: search.Everyone}},
		Filters:  []search.Filter{{Facet: Promo, Values: []string{fmt.Sprintf("%s%d", code, year)}}}}
	if withoutNews {
		q.Filters = append(q.Filters, search.Filter{Facet: News, Values: []string{noNews}})
	}
	return s.find(ctx, v, q)
}

func (s *Store) ask(q search.Query) (search.Result, error) {
	res, err := s.index.Search(q)
	if err != nil {
		return search.Result{}, errs.E("directory.ask", errs.Internal, err)
	}
	return res, nil
}

func (s *Store) find(ctx context.Context, v viewer.Viewer, q search.Query) (out Found, err error) {
	current, err := s.current(ctx)
	if err != nil {
		return Found{}, err
	}
	if out.Result, err = s.ask(q); err != nil {
		return Found{}, err
	}
	out.People, out.Hits, err = s.draw(ctx, v, out.Result.Hits, current)
	return out, err
}

// How long a question waits for changes that were committed before it, and how many those may be: who saves his
// profile and searches finds what he saved; while an import runs nobody waits.
const (
	patience   = 100 * time.Millisecond
	impatience = 50
)

// current reports whether the memory holds every change that was committed before the question.
func (s *Store) current(ctx context.Context) (bool, error) {
	f := s.follower.Load()
	if f == nil {
		return false, errs.E("directory.current", errs.Unavailable, nil)
	}
	latest, err := s.feed.Latest(context.WithoutCancel(ctx)) // one row: over before anybody could stop it
	if err != nil {
		return false, errs.Wrap("directory.current", err)
	}
	for end := time.Now().Add(patience); f.Position() < latest; {
		if !s.following.Load() || latest-f.Position() > impatience || time.Now().After(end) || !wait(ctx, time.Millisecond) {
			return false, ctx.Err()
		}
	}
	return f.Position() == latest || f.Position() > latest && s.following.Load(), nil
}

// kept are the codes of the associations that a staff account is kept to; nil for everybody else.
func (s *Store) kept(ctx context.Context, v viewer.Viewer) ([]string, error) {
	if v.Tier() != viewer.TierStaff {
		return nil, nil
	}
	ids, all := v.Associations(viewer.Webmaster, viewer.Secretary)
	if all {
		return nil, nil
	}
	codes, err := s.codes(ctx)
	if err != nil {
		return nil, err
	}
	own := []string{}
	for _, i := range ids {
		own = append(own, codes[i])
	}
	return own, nil
}

// onlyOwn takes other schools out of the counts that a staff account is shown; only what was asked for is selected.
func onlyOwn(res *search.Result, own, asked []string) {
	if own == nil {
		return
	}
	for i, f := range res.Facets {
		if f.Facet != School {
			continue
		}
		res.Facets[i].Values = slices.DeleteFunc(f.Values, func(c search.Count) bool { return !slices.Contains(own, c.Value) })
		for j, c := range res.Facets[i].Values {
			res.Facets[i].Values[j].Selected = slices.Contains(asked, c.Value)
		}
	}
}

// draw turns hits into people as the viewer may see them now, without coordinates. The rule is asked again on the
// person: a hit whose audience changed a moment ago is left out rather than shown. What was kept of the people is
// used only while the memory is current.
func (s *Store) draw(ctx context.Context, v viewer.Viewer, hits []search.Hit, current bool) ([]people.Seen, []search.Hit, error) {
	ids := make([]id.ID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	if !current {
		s.cards.forget(ids)
	}
	dossiers, err := s.cards.get(ctx, ids, func(ctx context.Context, missing []id.ID) ([]people.Dossier, error) {
		return s.people.Dossiers(ctx, reader(), missing)
	})
	if err != nil {
		return nil, nil, errs.Wrap("directory.draw", err)
	}
	if v.Kind == viewer.Network {
		v.Roles = nil // who is a graduate searches as one: what he sees as staff is on the staff's screens
	}
	seen := make([]people.Seen, 0, len(hits))
	left := make([]search.Hit, 0, len(hits))
	for i, d := range dossiers {
		if d == nil {
			continue
		}
		if one, ok := d.OutlineSeenBy(v); ok {
			seen = append(seen, one)
			left = append(left, hits[i])
		}
	}
	return seen, left, nil
}
