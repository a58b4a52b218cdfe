package newsletters

import (
	"context"
	"slices"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters/compose"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Shown is a letter as somebody would get it.
type Shown struct{ Subject, Text, HTML string }

// Show is one version of a campaign as a person of its segment would get it, or, with a zero one, as an example. Somebody
// whom the viewer may not know of is NotFound.
func (s *Store) Show(ctx context.Context, v viewer.Viewer, campaign id.ID, lang string, as id.ID) (Shown, error) {
	c, err := s.ByID(ctx, v, campaign)
	if err != nil {
		return Shown{}, err
	}
	values := s.sample(ctx, lang)
	if !as.IsZero() {
		if _, err := s.People.See(ctx, v, as); err != nil {
			return Shown{}, err
		}
		who, err := s.Segments.One(ctx, c.Ask(), as)
		if err != nil {
			return Shown{}, err
		}
		values.Person = who.Person
	}
	t, err := s.template(ctx, c, lang, nil)
	if err != nil {
		return Shown{}, err
	}
	return Shown{t.Subject(values), t.Text(values), t.HTML(values)}, nil
}

// Recipients are persons of the campaign's segment whose name begins like this, as far as the viewer may see them.
func (s *Store) Recipients(ctx context.Context, v viewer.Viewer, campaign id.ID, typed string, n int) ([]people.Seen, error) {
	c, err := s.ByID(ctx, v, campaign)
	if err != nil {
		return nil, err
	}
	return s.Segments.Named(ctx, v, c.Ask(), typed, n)
}

// Public is what the web shows of a campaign whose author wished it, once it has begun to leave: nobody's version.
func (s *Store) Public(ctx context.Context, campaign id.ID, lang string) (Shown, error) {
	const op = "newsletters.Public"
	c, err := s.campaign(ctx, campaign)
	if err == nil && (!c.Public || !c.State.Started()) {
		err = errs.NotFound
	}
	if err != nil {
		return Shown{}, errs.Wrap(op, err)
	}
	if lang = c.Lang(lang); !slices.Contains(c.Langs(), lang) {
		return Shown{}, errs.E(op, errs.NotFound, nil)
	}
	sender, err := s.sender(ctx, c.SenderID)
	if err != nil {
		return Shown{}, err
	}
	set, err := s.setting(ctx, c, sender, lang)
	if err != nil {
		return Shown{}, err
	}
	set.Why, set.Browser = "", ""
	t, err := compose.Prepare(c.Versions[lang].Nobodys(), set)
	if err != nil {
		return Shown{}, errs.Wrap(op, err)
	}
	return Shown{t.Subject(compose.Values{}), t.Text(compose.Values{}), t.HTML(compose.Values{})}, nil
}

// Copy begins a draft with the words, the pictures and the segment of another campaign.
func (s *Store) Copy(ctx context.Context, by viewer.Actor, campaign id.ID, title string) (id.ID, error) {
	c, err := s.ByID(ctx, by.Viewer, campaign)
	if err != nil {
		return id.ID{}, err
	}
	c.Title = title
	var made id.ID
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		if made, err = s.Create(ctx, by, c); err != nil {
			return err
		}
		moved, err := s.copyImages(ctx, campaign, made)
		if err != nil || len(moved) == 0 {
			return err
		}
		next, err := s.campaign(ctx, made)
		if err != nil {
			return err
		}
		for lang, w := range next.Versions {
			for from, to := range moved {
				w.Body = strings.ReplaceAll(w.Body, from, to)
			}
			next.Versions[lang] = w
		}
		return s.Save(ctx, by, next)
	})
	return made, errs.Wrap("newsletters.Copy", err)
}
