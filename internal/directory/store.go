package directory

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"amicale/internal/changes"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/viewer"
)

// Store answers questions about the base from memory and keeps that memory true.
type Store struct {
	people   *people.Store
	feed     *changes.Store
	index    *search.Index
	follower *changes.Follower
	snapshot string // file of the snapshot; "" for none
	log      *slog.Logger
	cards    cards
	saved    uint64 // position of the snapshot on disk
}

// NewStore makes an empty directory; Open fills it. instance names the database that a snapshot belongs to.
func NewStore(p *people.Store, feed *changes.Store, instance, snapshot string, log *slog.Logger) (*Store, error) {
	ix, err := search.New(schema(instance), search.Options{})
	if err != nil {
		return nil, errs.E("directory.NewStore", errs.Internal, err)
	}
	return &Store{people: p, feed: feed, index: ix, snapshot: snapshot, log: log, cards: newCards()}, nil
}

// reader is who builds the index.
func reader() viewer.Viewer { return viewer.ForSystem("directory index") }

// Open makes the directory ready: from the snapshot where there is a good one, else from the base; then it applies
// what changed since. It may be called again, as tests do, and only catches up then.
func (s *Store) Open(ctx context.Context) error {
	if s.follower == nil {
		from, err := s.load(ctx)
		if err != nil {
			return err
		}
		s.follower = s.feed.Follower(from, []string{people.Kind}, s.apply, s.log)
	}
	return errs.Wrap("directory.Open", s.follower.CatchUp(ctx))
}

// load fills the index and says up to which change.
func (s *Store) load(ctx context.Context) (int64, error) {
	latest, err := s.feed.Latest(ctx)
	if err != nil {
		return 0, errs.Wrap("directory.Open", err)
	}
	if s.snapshot != "" {
		if err := s.index.Load(s.snapshot); err == nil && s.reaches(ctx, int64(s.index.Seq()), latest) {
			s.saved = s.index.Seq()
			return int64(s.index.Seq()), nil
		}
	}
	start := time.Now()
	if err := s.build(ctx, latest); err != nil {
		return 0, err
	}
	s.log.Info("directory built", "people", s.index.Stats().Documents, "ms", time.Since(start).Milliseconds())
	return latest, s.Save()
}

// reaches reports whether the feed still holds every change after a snapshot's position.
func (s *Store) reaches(ctx context.Context, from, latest int64) bool {
	if from > latest {
		return false // of another database, or of one that was restored since
	}
	next, err := s.feed.After(ctx, from, 1)
	return err == nil && (len(next) == 0 && from == latest || len(next) == 1 && next[0].Seq == from+1)
}

func (s *Store) build(ctx context.Context, seq int64) error {
	codes, err := s.codes(ctx)
	if err != nil {
		return err
	}
	var docs iter.Seq2[search.Doc, error] = func(yield func(search.Doc, error) bool) {
		err := s.people.EachDossier(ctx, reader(), id.ID{}, func(d *people.Dossier) error {
			if !yield(document(d, codes), nil) {
				return context.Canceled
			}
			return nil
		})
		if err != nil {
			yield(search.Doc{}, err)
		}
	}
	return errs.Wrap("directory.build", s.index.Build(uint64(seq), docs))
}

func (s *Store) codes(ctx context.Context) (map[id.ID]string, error) {
	list, err := s.people.Associations(ctx)
	if err != nil {
		return nil, errs.Wrap("directory.codes", err)
	}
	out := make(map[id.ID]string, len(list))
	for _, a := range list {
		out[a.ID] = a.Code
	}
	return out, nil
}

// apply brings a batch of the feed into the index.
func (s *Store) apply(ctx context.Context, list []changes.Change) error {
	ids := make([]id.ID, 0, len(list))
	seen := make(map[id.ID]bool, len(list))
	for _, c := range list {
		if !seen[c.Entity] {
			seen[c.Entity] = true
			ids = append(ids, c.Entity)
		}
	}
	dossiers, err := s.people.Dossiers(ctx, reader(), ids)
	if err != nil {
		return errs.Wrap("directory.apply", err)
	}
	codes, err := s.codes(ctx)
	if err != nil {
		return err
	}
	found := make(map[id.ID]*people.Dossier, len(dossiers))
	for i := range dossiers {
		found[dossiers[i].ID] = &dossiers[i]
	}
	out := make([]search.Change, 0, len(ids))
	for _, i := range ids {
		c := search.Change{ID: i}
		if d := found[i]; d != nil {
			doc := document(d, codes)
			c.Doc = &doc
		}
		out = append(out, c)
	}
	s.cards.forget(ids)
	return errs.Wrap("directory.apply", s.index.Apply(uint64(list[len(list)-1].Seq), out))
}

// Follow replays the feed until ctx ends, saves a snapshot now and then, and once more at the end.
func (s *Store) Follow(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(10 * time.Minute)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if err := s.Save(); err != nil {
					s.log.Warn("directory snapshot", "error", err)
				}
			}
		}
	}()
	err := s.follower.Follow(ctx)
	<-done
	s.index.Wait()
	if e := s.Save(); e != nil {
		s.log.Warn("directory snapshot", "error", e)
	}
	return err
}

// Save writes the snapshot when something changed; a missing one only costs a rebuild.
func (s *Store) Save() error {
	seq := s.index.Seq()
	if s.snapshot == "" || seq == s.saved && seq != 0 {
		return nil
	}
	if err := s.index.Save(s.snapshot); err != nil {
		return fmt.Errorf("directory.Save: %w", err)
	}
	s.saved = seq
	return nil
}

// Ready reports whether the directory has caught up, for /readyz.
func (s *Store) Ready() bool {
	if s.follower == nil {
		return false
	}
	_, age := s.follower.Lag()
	return age < 30*time.Second
}

// Lag is how many changes wait, for /metrics.
func (s *Store) Lag() int64 {
	if s.follower == nil {
		return 0
	}
	n, _ := s.follower.Lag()
	return n
}

// Documents is how many people the directory knows, for /metrics.
func (s *Store) Documents() int { return s.index.Stats().Documents }

// Found is a page of people as the viewer may see them, with what the search counted.
type Found struct {
	People []people.Seen
	Hits   []search.Hit // beside People, in the same order
	search.Result
}

// Search answers a question. Total and counts are exact for what the viewer may see.
func (s *Store) Search(ctx context.Context, v viewer.Viewer, a Ask) (Found, error) {
	res, err := s.Count(ctx, v, a)
	if err != nil {
		return Found{}, err
	}
	return s.withPeople(ctx, v, res)
}

// Count is Search without drawing the people: who they are, how many, and the facets.
func (s *Store) Count(ctx context.Context, v viewer.Viewer, a Ask) (search.Result, error) {
	own, err := s.kept(ctx, v)
	if err != nil {
		return search.Result{}, err
	}
	q := a.query(v, own)
	if own != nil {
		q.Filters = keep(q.Filters, own)
	}
	res, err := s.index.Search(q)
	if err != nil {
		return search.Result{}, errs.E("directory.Count", errs.Internal, err)
	}
	if own != nil {
		onlyOwn(&res, own)
	}
	return res, nil
}

// keep makes sure that a staff account is kept to the people of its own associations.
func keep(filters []search.Filter, own []string) []search.Filter {
	for _, f := range filters {
		if f.Facet == School {
			return filters // Ask.query has already kept it within
		}
	}
	return append(filters, search.Filter{Facet: School, Values: own})
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

// Classmates are the people of one class of one school, by name.
func (s *Store) Classmates(ctx context.Context, v viewer.Viewer, code string, year int, withoutNews bool, page int) (Found, error) {
	q := search.Query{Tier: search.Tier(v.Tier()), Limit: PageSize, Offset: (max(1, page) - 1) * PageSize, Facets: []int{News},
		Contacts: []search.Contact{{ID: v.Person, As: search.Everyone}},
		Filters:  []search.Filter{{Facet: Promo, Values: []string{fmt.Sprintf("%s%d", code, year)}}}}
	if withoutNews {
		q.Filters = append(q.Filters, search.Filter{Facet: News, Values: []string{noNews}})
	}
	res, err := s.index.Search(q)
	if err != nil {
		return Found{}, errs.E("directory.Classmates", errs.Internal, err)
	}
	return s.withPeople(ctx, v, res)
}

// withPeople draws the people of a result.
func (s *Store) withPeople(ctx context.Context, v viewer.Viewer, res search.Result) (out Found, err error) {
	out.Result = res
	out.People, out.Hits, err = s.draw(ctx, v, res.Hits)
	return out, err
}

// onlyOwn takes other schools out of the counts that a staff account is shown.
func onlyOwn(res *search.Result, own []string) {
	for i := range res.Facets {
		if res.Facets[i].Facet != School {
			continue
		}
		var left []search.Count
		for _, c := range res.Facets[i].Values {
			for _, o := range own {
				if c.Value == o {
					left = append(left, c)
				}
			}
		}
		res.Facets[i].Values = left
	}
}

// draw turns hits into people as the viewer may see them now. The rule is asked again on the person: a hit whose
// audience changed a moment ago is left out rather than shown.
func (s *Store) draw(ctx context.Context, v viewer.Viewer, hits []search.Hit) ([]people.Seen, []search.Hit, error) {
	ids := make([]id.ID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	dossiers, err := s.cards.get(ctx, ids, func(ctx context.Context, missing []id.ID) ([]people.Dossier, error) {
		return s.people.Dossiers(ctx, reader(), missing)
	})
	if err != nil {
		return nil, nil, errs.Wrap("directory.draw", err)
	}
	today := s.people.Today()
	seen := make([]people.Seen, 0, len(hits))
	left := make([]search.Hit, 0, len(hits))
	for _, h := range hits {
		d := dossiers[h.ID]
		if d == nil {
			continue
		}
		if one, ok := d.SeenBy(v, today); ok {
			seen = append(seen, one)
			left = append(left, h)
		}
	}
	return seen, left, nil
}
