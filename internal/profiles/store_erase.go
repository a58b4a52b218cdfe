package profiles

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const (
	featureName   = "profiles"
	dropPhotosJob = "profile.drop_photos"
)

// eraseFor is how long the link of an erasure is good.
const eraseFor = time.Hour

// Export is all that the house holds of the viewer.
func (s *Store) Export(ctx context.Context, v viewer.Viewer) (people.Export, error) {
	if !v.SignedIn() || v.Person.IsZero() {
		return people.Export{}, errs.E("profiles.Export", errs.Forbidden, nil)
	}
	return s.People.Export(ctx, v, v.Person, s.Exporters()...)
}

// AskErasure sends the link that erases the actor to his preferred confirmed address, and says which it is. The link
// works for him alone, signed in, for an hour; a newer one replaces it.
func (s *Store) AskErasure(ctx context.Context, a viewer.Actor) (to string, err error) {
	d, err := s.Own(ctx, a.Viewer)
	if err != nil {
		return "", err
	}
	if to = proven(d); to == "" {
		return "", errs.Msg("profile.erase.no_email")
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", errs.E("profiles.AskErasure", errs.Internal, err)
	}
	token := base64.RawURLEncoding.EncodeToString(raw)
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		_, err := s.DB.Exec(ctx, `
			INSERT INTO profile_erasures (person_id, token_hash, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (person_id) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at`,
			d.ID, tokenHash(token), s.Now().Add(eraseFor))
		if err != nil {
			return errs.Wrap("profiles.AskErasure", err)
		}
		return s.letter(ctx, d, "erase", to, ErasePath(token), nil)
	})
	return to, err
}

// proven is the confirmed address to write to: the preferred one, else another; "" when there is none.
func proven(d people.Dossier) string {
	if c, ok := d.PreferredEmail(); ok && !c.ConfirmedAt.IsZero() {
		return c.Value
	}
	for _, c := range Contacts(d.Contacts, people.Email) {
		if !c.ConfirmedAt.IsZero() && c.BrokenAt.IsZero() {
			return c.Value
		}
	}
	return ""
}

func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// MayErase reports whether a link is good for this viewer; NotFound with the words for it otherwise.
func (s *Store) MayErase(ctx context.Context, v viewer.Viewer, token string) error {
	_, err := db.One[id.ID](ctx, s.DB, `SELECT person_id FROM profile_erasures WHERE person_id = ? AND token_hash = ? AND expires_at > ?`,
		v.Person, tokenHash(token), s.Now())
	if errors.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "profile.link_dead")
	}
	return errs.Wrap("profiles.MayErase", err)
}

// Erase removes the actor and all that any feature holds of him, in one transaction. His logins stay, as nobody's.
func (s *Store) Erase(ctx context.Context, a viewer.Actor, token string) error {
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.MayErase(ctx, a.Viewer, token); err != nil {
			return err
		}
		d, err := s.Own(ctx, a.Viewer)
		if err != nil {
			return err
		}
		to := proven(d)
		if err := s.People.Erase(ctx, a.Viewer, a.Person, s.Erasers()...); err != nil || to == "" {
			return err
		}
		d.Person.ID = id.ID{} // the letter is nobody's
		return s.letter(ctx, d, "erased", to, "", nil)
	})
}

// Exporter gives what can still be taken back, and when.
func (s *Store) Exporter() people.Exporter {
	type pending struct {
		Section string    `json:"section"`
		Before  before    `json:"before"`
		At      time.Time `json:"at"`
	}
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		rows, err := db.All[undoRow](ctx, s.DB, `
			SELECT person_id, section, before, created_at FROM profile_undos WHERE person_id = ? ORDER BY created_at, id`, person)
		if err != nil || len(rows) == 0 {
			return nil, errs.Wrap("profiles.Exporter", err)
		}
		out := make([]pending, len(rows))
		for i, r := range rows {
			out[i] = pending{r.Section, r.Before.V, r.CreatedAt}
		}
		return out, nil
	}}
}

// Eraser removes the ways back and the photos.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		d, err := s.People.Dossier(ctx, linkReader(), person)
		if err != nil {
			return err
		}
		if err := s.forget(ctx, person); err != nil {
			return err
		}
		return s.Queue.Add(ctx, dropPhotosJob, dropped{person, d.Photo}, jobs.Options{})
	}}
}

// Merger lets the double's ways back go, and his photo where the other has one.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		both, err := s.People.Dossiers(ctx, linkReader(), []id.ID{from, into})
		if err != nil {
			return err
		}
		for _, d := range both {
			if d.ID != from {
				continue
			}
			if err := s.dropPhoto(ctx, into, d.Photo); err != nil { // unless it becomes the other's
				return err
			}
		}
		return s.forget(ctx, from)
	}}
}

func (s *Store) forget(ctx context.Context, person id.ID) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM profile_undos WHERE person_id = ?`, person); err != nil {
		return errs.Wrap("profiles.forget", err)
	}
	_, err := s.DB.Exec(ctx, `DELETE FROM profile_erasures WHERE person_id = ?`, person)
	return errs.Wrap("profiles.forget", err)
}
