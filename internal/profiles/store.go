package profiles

import (
	"context"
	"maps"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Links are the single-use secrets by which an e-mail address is confirmed. Issue and Use join the transaction in
// the context; a link that is no good is NotFound, with the words for it.
type Links interface {
	IssueEmailLink(ctx context.Context, person id.ID, email string) (token string, err error)
	PeekEmailLink(ctx context.Context, token string) (person id.ID, email string, err error)
	UseEmailLink(ctx context.Context, token string) (person id.ID, email string, err error)
}

// Deps are what the store works with.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Queue  *jobs.Queue
	Trail  *audit.Trail
	Outbox *outbox.Outbox
	Blobs  blob.Store
	Photos *Photos
	Links  Links
	Bundle *i18n.Bundle
	Origin string // the canonical address, without a slash at its end
	Now    clock.Clock
	// Exporters and Erasers are those of every feature, this one included; they are asked for when needed.
	Exporters func() []people.Exporter
	Erasers   func() []people.Eraser
	// Confirmed is told, in the same transaction, of an address whose link was followed; it may be nil.
	Confirmed func(ctx context.Context, person id.ID, email string) error
	// Prefers reports whether the viewer's lifetime address is the preferred one of his addresses; it may be nil.
	Prefers func(ctx context.Context, v viewer.Viewer) (bool, error)
	// ActionKey is the i18n key of what the trail calls an action, of whatever feature; nil, or a key without words,
	// leaves this package's own few words.
	ActionKey func(action string) string
}

// Store changes what people tell of themselves. It writes people's tables through people alone.
type Store struct {
	Deps
}

// NewStore makes the store.
func NewStore(d Deps) *Store { return &Store{d} }

// UndoFor is how long a change can be taken back.
const UndoFor = 30 * time.Minute

// actionChanged is what the trail calls a change to one's own profile.
const actionChanged = "profile.changed"

// Own is all that the base holds of the viewer himself.
func (s *Store) Own(ctx context.Context, v viewer.Viewer) (people.Dossier, error) {
	if !v.SignedIn() || v.Person.IsZero() {
		return people.Dossier{}, errs.E("profiles.Own", errs.Forbidden, nil)
	}
	return s.People.Dossier(ctx, v, v.Person)
}

// Associations are all of the federation.
func (s *Store) Associations(ctx context.Context) (people.Associations, error) {
	return s.People.Associations(ctx)
}

// Today is the day by which dates are judged.
func (s *Store) Today() time.Time { return s.People.Today() }

// done is what a change did: whether there was any, and what stood there before, when it can be taken back.
type done struct {
	changed bool
	before  *before
}

// change runs fn on the actor's own dossier, which nobody else changes meanwhile, in one transaction with the trail
// and the way back. The zero ID stands for no way back.
func (s *Store) change(ctx context.Context, a viewer.Actor, section string, fn func(ctx context.Context, d people.Dossier) (done, error)) (undo id.ID, err error) {
	if !a.SignedIn() || a.Person.IsZero() {
		return id.ID{}, errs.E("profiles."+section, errs.Forbidden, nil)
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		d, err := s.hold(ctx, a)
		if err != nil {
			return err
		}
		did, err := fn(ctx, d)
		if err != nil || !did.changed {
			return err
		}
		err = s.Trail.Record(ctx, audit.Entry{Actor: a.Viewer, ActorName: a.Name, Action: actionChanged, Person: d.ID,
			Association: d.NewestAssociation(), Detail: map[string]any{"section": section}})
		if err == nil && did.before != nil {
			undo, err = s.keepUndo(ctx, d.ID, section, *did.before)
		}
		return err
	})
	return undo, errs.Wrap("profiles."+section, err)
}

// hold reads the actor's dossier and keeps others from changing it until the transaction ends; it also notes that
// the person looked at his data today. (Saving no audience changes none.)
func (s *Store) hold(ctx context.Context, a viewer.Actor) (people.Dossier, error) {
	if err := s.People.SaveAudiences(ctx, a.Viewer, a.Person, nil); err != nil {
		return people.Dossier{}, err
	}
	return s.People.Dossier(ctx, a.Viewer, a.Person)
}

// errChanged says that the section was changed elsewhere since the form was shown.
func errChanged() error { return errs.New(errs.Conflict, "profile.changed_elsewhere") }

// Confirm notes that the person says: all of this is right.
func (s *Store) Confirm(ctx context.Context, a viewer.Actor) error {
	_, err := s.change(ctx, a, "confirm", func(context.Context, people.Dossier) (done, error) { return done{changed: true}, nil })
	return err
}

// SaveIdentity changes names, date of birth and their audiences.
func (s *Store) SaveIdentity(ctx context.Context, a viewer.Actor, in Identity, version string) (undo id.ID, err error) {
	return s.change(ctx, a, "identity", func(ctx context.Context, d people.Dossier) (done, error) {
		if err := in.Validate(d, s.Today()); err != nil {
			return done{}, err
		}
		old := IdentityOf(d)
		if Version(old) != version {
			return done{}, errChanged()
		}
		if in.Names == old.Names && in.BirthDate.Equal(old.BirthDate) && maps.Equal(in.Audiences, old.Audiences) {
			return done{}, nil
		}
		return done{true, &before{Identity: &old, BirthYear: d.BirthYear}}, s.putIdentity(ctx, a, d, in, d.BirthYear)
	})
}

func (s *Store) putIdentity(ctx context.Context, a viewer.Actor, d people.Dossier, in Identity, year int) error {
	if in.Names != IdentityOf(d).Names {
		if err := s.People.SaveNames(ctx, a.Viewer, d.ID, in.Names); err != nil {
			return err
		}
	}
	if !in.BirthDate.Equal(d.BirthDate) {
		if err := s.People.SaveBirth(ctx, a.Viewer, d.ID, in.BirthDate, year); err != nil {
			return err
		}
	}
	return s.People.SaveAudiences(ctx, a.Viewer, d.ID, in.Audiences)
}

// SaveText changes headline, presentation and their audiences.
func (s *Store) SaveText(ctx context.Context, a viewer.Actor, in Text, version string) (undo id.ID, err error) {
	return s.change(ctx, a, "text", func(ctx context.Context, d people.Dossier) (done, error) {
		if err := in.Validate(d); err != nil {
			return done{}, err
		}
		old := TextOf(d)
		if Version(old) != version {
			return done{}, errChanged()
		}
		if in.Headline == old.Headline && in.Presentation == old.Presentation && maps.Equal(in.Audiences, old.Audiences) {
			return done{}, nil
		}
		return done{true, &before{Text: &old}}, s.putText(ctx, a, in)
	})
}

func (s *Store) putText(ctx context.Context, a viewer.Actor, in Text) error {
	if err := s.People.SaveText(ctx, a.Viewer, a.Person, in.Headline, in.Presentation); err != nil {
		return err
	}
	return s.People.SaveAudiences(ctx, a.Viewer, a.Person, in.Audiences)
}

// SaveAudience changes who sees one field that the person does not write himself here: studies or photo.
func (s *Store) SaveAudience(ctx context.Context, a viewer.Actor, field people.Field, to viewer.Audience) (undo id.ID, err error) {
	return s.change(ctx, a, string(field), func(ctx context.Context, d people.Dossier) (done, error) {
		f := errs.Fields{}
		checkAudiences(f, d, map[people.Field]viewer.Audience{field: to})
		old := audiencesOf(d, []people.Field{field})
		if err := f.Err(); err != nil || old[field] == to {
			return done{}, err
		}
		return done{true, &before{Audiences: old}}, s.People.SaveAudiences(ctx, a.Viewer, d.ID, map[people.Field]viewer.Audience{field: to})
	})
}
