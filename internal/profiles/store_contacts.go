package profiles

import (
	"context"
	"errors"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// AddContact adds a way to reach the actor. An e-mail address counts once the link sent to it was followed.
func (s *Store) AddContact(ctx context.Context, a viewer.Actor, c people.ContactPoint) error {
	_, err := s.change(ctx, a, string(c.Kind), func(ctx context.Context, d people.Dossier) (done, error) {
		c.ID, c.PersonID, c.Origin = id.ID{}, d.ID, "person"
		as, err := s.Associations(ctx)
		if err == nil {
			err = checkContact(d, as, &c, s.Today())
		}
		if err == nil {
			err = s.People.SaveContact(ctx, a.Viewer, &c)
		}
		if err == nil && c.Kind == people.Email {
			err = s.askToConfirm(ctx, c, true)
		}
		return done{changed: true}, err
	})
	return err
}

// ChangeContact changes what may change: all of a phone or an address; purpose and audience of an e-mail address,
// which is another one when its text changes.
func (s *Store) ChangeContact(ctx context.Context, a viewer.Actor, c people.ContactPoint, version string) (undo id.ID, err error) {
	return s.change(ctx, a, "contact", func(ctx context.Context, d people.Dossier) (done, error) {
		old, ok := contactOf(d, c.ID)
		if !ok || old.Kind != c.Kind {
			return done{}, errs.New(errs.NotFound, "profile.contact_gone")
		}
		if c.Kind == people.Email {
			c.Value = old.Value
		}
		c.PersonID, c.Preferred = d.ID, old.Preferred
		as, err := s.Associations(ctx)
		if err == nil {
			err = checkContact(d, as, &c, s.Today())
		}
		if err == nil && ContactVersion(old) != version {
			err = errChanged()
		}
		if err != nil || ContactVersion(c) == ContactVersion(old) {
			return done{}, err
		}
		return done{true, &before{Contact: &old}}, s.People.SaveContact(ctx, a.Viewer, &c)
	})
}

// RemoveContact takes a way to reach the actor away; the last confirmed e-mail address stays. The owner of an address
// that was confirmed is told.
func (s *Store) RemoveContact(ctx context.Context, a viewer.Actor, contact id.ID) (undo id.ID, err error) {
	return s.change(ctx, a, "contact", func(ctx context.Context, d people.Dossier) (done, error) {
		old, ok := contactOf(d, contact)
		if !ok {
			return done{}, errs.New(errs.NotFound, "profile.contact_gone")
		}
		if lastWayIn(d, old) {
			return done{}, errs.Msg("profile.email_last")
		}
		if old.Kind == people.Email && !old.ConfirmedAt.IsZero() && old.BrokenAt.IsZero() {
			if err := s.tellRemoved(ctx, d, old); err != nil {
				return done{}, err
			}
		}
		return done{true, &before{Contact: &old, Removed: true}}, s.People.RemoveContact(ctx, a.Viewer, d.ID, contact)
	})
}

// Prefer makes a confirmed e-mail address the one to write to.
func (s *Store) Prefer(ctx context.Context, a viewer.Actor, contact id.ID) (undo id.ID, err error) {
	return s.change(ctx, a, "contact", func(ctx context.Context, d people.Dossier) (done, error) {
		c, ok := contactOf(d, contact)
		switch {
		case !ok || c.Kind != people.Email:
			return done{}, errs.New(errs.NotFound, "profile.contact_gone")
		case c.ConfirmedAt.IsZero():
			return done{}, errs.Msg("profile.email_unconfirmed")
		case !c.BrokenAt.IsZero():
			return done{}, errs.Msg("profile.email_broken")
		case c.Preferred:
			return done{}, nil
		}
		did := done{changed: true}
		if old, ok := d.PreferredEmail(); ok {
			did.before = &before{Contact: &old}
		}
		c.Preferred = true
		return did, s.People.SaveContact(ctx, a.Viewer, &c)
	})
}

const confirmJob = "profile.confirm_email"

// toConfirm asks for the letters about an address that is not confirmed.
type toConfirm struct {
	Person  id.ID  `json:"person"`
	Contact id.ID  `json:"contact"`
	Lang    string `json:"lang"`
	New     bool   `json:"new"` // the other addresses are told of it
}

func (s *Store) askToConfirm(ctx context.Context, c people.ContactPoint, isNew bool) error {
	return s.Queue.Add(ctx, confirmJob, toConfirm{c.PersonID, c.ID, i18n.Lang(ctx), isNew}, jobs.Options{})
}

// confirmable reports whether a link makes sense for an address: it was never confirmed, or mail to it comes back since.
func confirmable(c people.ContactPoint) bool {
	return c.Kind == people.Email && (c.ConfirmedAt.IsZero() || !c.BrokenAt.IsZero())
}

// SendLinkAgain sends another link to an address that is not confirmed yet, or that came to be broken; nothing else.
func (s *Store) SendLinkAgain(ctx context.Context, a viewer.Actor, contact id.ID) error {
	d, err := s.Own(ctx, a.Viewer)
	if err != nil {
		return err
	}
	c, ok := contactOf(d, contact)
	if !ok || c.Kind != people.Email {
		return errs.New(errs.NotFound, "profile.contact_gone")
	}
	if !confirmable(c) {
		return nil
	}
	return s.askToConfirm(ctx, c, false)
}

// LinkedEmail is the address that a link confirms, while the link is good.
func (s *Store) LinkedEmail(ctx context.Context, token string) (email string, err error) {
	person, email, err := s.Links.PeekEmailLink(ctx, token)
	if err != nil {
		return "", err
	}
	return email, s.stillHas(ctx, person, email)
}

// ConfirmEmail uses the link up and confirms its address. Who follows it need not be signed in: the link is the proof.
func (s *Store) ConfirmEmail(ctx context.Context, token string) (email string, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		person, linked, err := s.Links.UseEmailLink(ctx, token)
		if err != nil {
			return err
		}
		email = linked
		if err := s.stillHas(ctx, person, email); err != nil {
			return err
		}
		if err := s.People.ConfirmEmail(ctx, person, email, "person"); err != nil || s.Confirmed == nil {
			return err
		}
		return s.Confirmed(ctx, person, email)
	})
	return email, errs.Wrap("profiles.ConfirmEmail", err)
}

// stillHas refuses a link whose address was taken away since.
func (s *Store) stillHas(ctx context.Context, person id.ID, email string) error {
	d, err := s.People.Dossier(ctx, linkReader(), person)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return err
	}
	for _, c := range d.Contacts {
		if c.Kind == people.Email && c.ValueKey == emailKey(email) {
			return nil
		}
	}
	return errs.New(errs.NotFound, "profile.link_dead")
}
