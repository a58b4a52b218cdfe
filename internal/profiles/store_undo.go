package profiles

import (
	"context"
	"errors"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// before is what a section said, to be put back; only the parts of that section are set.
type before struct {
	Identity  *Identity                        `json:"identity,omitempty"`
	BirthYear int                              `json:"birth_year,omitempty"`
	Text      *Text                            `json:"text,omitempty"`
	Photo     *string                          `json:"photo,omitempty"`
	Audiences map[people.Field]viewer.Audience `json:"audiences,omitempty"`
	Contact   *people.ContactPoint             `json:"contact,omitempty"`
	Removed   bool                             `json:"removed,omitempty"` // the contact point is to be added again
}

type undoRow struct {
	PersonID  id.ID
	Section   string
	Before    db.JSON[before]
	CreatedAt time.Time
}

func (s *Store) keepUndo(ctx context.Context, person id.ID, section string, b before) (id.ID, error) {
	i := id.New()
	_, err := s.DB.Exec(ctx, `INSERT INTO profile_undos (id, person_id, section, before, created_at) VALUES (?, ?, ?, ?, ?)`,
		i, person, section, db.ToJSON(b), s.Now())
	return i, errs.Wrap("profiles.keepUndo", err)
}

// Undo puts back what a change replaced, once. When it is too late, or somebody else's, it is NotFound with the
// words for it.
func (s *Store) Undo(ctx context.Context, a viewer.Actor, undo id.ID) error {
	gone := errs.New(errs.NotFound, "profile.undo_gone")
	_, err := s.change(ctx, a, "undo", func(ctx context.Context, d people.Dossier) (done, error) {
		row, err := db.One[undoRow](ctx, s.DB, `
			DELETE FROM profile_undos WHERE id = ? AND person_id = ? AND created_at > ? RETURNING person_id, section, before, created_at`,
			undo, a.Person, s.Now().Add(-UndoFor))
		if errors.Is(err, errs.NotFound) {
			return done{}, gone
		}
		if err != nil {
			return done{}, err
		}
		return done{changed: true}, s.putBack(ctx, a, d, row.Before.V)
	})
	return err
}

func (s *Store) putBack(ctx context.Context, a viewer.Actor, d people.Dossier, b before) error {
	switch {
	case b.Identity != nil:
		return s.putIdentity(ctx, a, d, *b.Identity, b.BirthYear)
	case b.Text != nil:
		return s.putText(ctx, a, *b.Text)
	case b.Photo != nil:
		if err := s.dropPhoto(ctx, d.ID, d.Photo); err != nil {
			return err
		}
		return s.People.SavePhoto(ctx, a.Viewer, d.ID, *b.Photo)
	case b.Audiences != nil:
		return s.People.SaveAudiences(ctx, a.Viewer, d.ID, b.Audiences)
	case b.Contact != nil:
		return s.putContactBack(ctx, d, *b.Contact, b.Removed)
	}
	return nil
}

// putContactBack restores a contact point as it was, its confirmation included: it was proven, and no other value
// than the one proven comes back.
func (s *Store) putContactBack(ctx context.Context, d people.Dossier, c people.ContactPoint, removed bool) error {
	system := viewer.ForSystem("a change to a contact point is taken back")
	if _, there := contactOf(d, c.ID); !there && !removed {
		return errs.New(errs.NotFound, "profile.undo_gone")
	} else if !there {
		c.ID = id.ID{}
		as, err := s.Associations(ctx)
		if err != nil {
			return err
		}
		confirmed, dates := c.ConfirmedAt, [2]time.Time{c.ValidFrom, c.ValidTo}
		if err := checkContact(d, as, &c, time.Time{}); err != nil {
			return errs.New(errs.Conflict, "profile.undo_no_room")
		}
		c.ConfirmedAt, c.ValidFrom, c.ValidTo = confirmed, dates[0], dates[1]
	}
	return s.People.SaveContact(ctx, system, &c)
}

// SweepUndos forgets what can no longer be taken back, and requests for erasure that ran out.
func (s *Store) SweepUndos(ctx context.Context) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM profile_undos WHERE created_at < ?`, s.Now().Add(-UndoFor)); err != nil {
		return errs.Wrap("profiles.SweepUndos", err)
	}
	_, err := s.DB.Exec(ctx, `DELETE FROM profile_erasures WHERE expires_at < ?`, s.Now())
	return errs.Wrap("profiles.SweepUndos", err)
}
