package people

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// change runs fn for somebody who may manage the person, in one transaction that others wait for, and tells the
// feed. What the person changes himself confirms his data.
func (s *Store) change(ctx context.Context, op string, v viewer.Viewer, person id.ID, fn func(ctx context.Context, d Dossier) error) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.lock(ctx, v, person)
		if err != nil {
			return err
		}
		if err := fn(ctx, d); err != nil {
			return err
		}
		return s.Touch(ctx, person)
	})
	return errs.Wrap(op+" "+person.String(), err)
}

// edit is change for what the membership secretary does not touch: everything but coordinates and consents.
func (s *Store) edit(ctx context.Context, op string, v viewer.Viewer, person id.ID, fn func(ctx context.Context, d Dossier) error) error {
	return s.change(ctx, op, v, person, func(ctx context.Context, d Dossier) error {
		if v.Person != person && !v.HasAtAny(d.Associations(), viewer.Webmaster) {
			return errs.Forbidden
		}
		return fn(ctx, d)
	})
}

// lock reads a person that the viewer manages, as he stays until the transaction ends.
func (s *Store) lock(ctx context.Context, v viewer.Viewer, person id.ID) (Dossier, error) {
	now, confirmed := s.now(), time.Time{}
	if v.SignedIn() && v.Person == person {
		confirmed = now
	}
	err := s.db.ExecOne(ctx, `UPDATE persons SET updated_at = ?, confirmed_at = COALESCE(?, confirmed_at) WHERE id = ? AND merged_into IS NULL`,
		now, confirmed, person)
	if err != nil {
		return Dossier{}, err
	}
	return s.Dossier(ctx, v, person)
}

// Names are what a person is called; SaveNames changes them.
type Names struct {
	Civility     string
	FirstNames   string
	FirstName    string
	BirthSurname string
	UsageSurname string
}

// SaveNames changes the names. A new usage name or first name in use adds a login for every degree.
func (s *Store) SaveNames(ctx context.Context, v viewer.Viewer, person id.ID, n Names) error {
	return s.edit(ctx, "people.SaveNames", v, person, func(ctx context.Context, d Dossier) error {
		_, err := s.db.Exec(ctx, `
			UPDATE persons SET civility = ?, first_names = ?, first_name = ?, birth_surname = ?, usage_surname = ?,
				first_key = ?, birth_key = ?, usage_key = ? WHERE id = ?`,
			n.Civility, n.FirstNames, n.FirstName, n.BirthSurname, n.UsageSurname,
			fold.Name(n.FirstName), fold.Name(n.BirthSurname), fold.Name(n.UsageSurname), person)
		if err != nil {
			return err
		}
		after := Person{FirstName: n.FirstName, BirthSurname: n.BirthSurname, UsageSurname: n.UsageSurname}
		if fold.LoginPart(after.FirstName) == fold.LoginPart(d.FirstName) && fold.LoginPart(after.Surname()) == fold.LoginPart(d.Surname()) {
			return nil
		}
		return s.RenewLogins(ctx, person)
	})
}

// SaveText changes headline and presentation.
func (s *Store) SaveText(ctx context.Context, v viewer.Viewer, person id.ID, headline, presentation string) error {
	return s.edit(ctx, "people.SaveText", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET headline = ?, presentation = ? WHERE id = ?`, headline, presentation, person)
		return err
	})
}

// SavePhoto points to the photo's files; "" removes it.
func (s *Store) SavePhoto(ctx context.Context, v viewer.Viewer, person id.ID, key string) error {
	return s.edit(ctx, "people.SavePhoto", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET photo = ? WHERE id = ?`, key, person)
		return err
	})
}

// SaveBirth changes the date of birth; a zero date with a year keeps the year alone.
func (s *Store) SaveBirth(ctx context.Context, v viewer.Viewer, person id.ID, date time.Time, year int) error {
	if !date.IsZero() {
		year = date.Year()
	}
	return s.edit(ctx, "people.SaveBirth", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET birth_date = ?, birth_year = ? WHERE id = ?`, day(date), year, person)
		return err
	})
}

// SaveStatus changes what somebody is to the schools.
func (s *Store) SaveStatus(ctx context.Context, v viewer.Viewer, person id.ID, status Status, deceasedOn time.Time) error {
	if v.Person == person && v.Kind != viewer.System {
		return errs.E("people.SaveStatus", errs.Forbidden, nil)
	}
	return s.edit(ctx, "people.SaveStatus", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET status = ?, deceased_on = ? WHERE id = ?`, string(status), day(deceasedOn), person)
		return err
	})
}

// SaveAudiences changes who sees the fields; only the person himself decides that.
func (s *Store) SaveAudiences(ctx context.Context, v viewer.Viewer, person id.ID, audiences map[Field]viewer.Audience) error {
	if v.Person != person && v.Kind != viewer.System {
		return errs.E("people.SaveAudiences", errs.Forbidden, nil)
	}
	return s.edit(ctx, "people.SaveAudiences", v, person, func(ctx context.Context, d Dossier) error {
		merged := map[Field]viewer.Audience{}
		for _, f := range Fields() {
			a, ok := audiences[f]
			if !ok {
				a = d.Audiences[f]
			}
			if a != "" && a != DefaultFieldAudience(f) {
				merged[f] = a
			}
		}
		_, err := s.db.Exec(ctx, `UPDATE persons SET audiences = ? WHERE id = ?`, db.ToJSON(merged), person)
		return err
	})
}

// Activate notes the first sign-in; later calls change nothing.
func (s *Store) Activate(ctx context.Context, person id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `UPDATE persons SET activated_at = ? WHERE id = ? AND activated_at IS NULL`, s.now(), person)
		if err != nil || n == 0 {
			return errs.Wrap("people.Activate", err)
		}
		return s.Touch(ctx, person)
	})
}

// SaveNote replaces the columns of an import that have no place of their own.
func (s *Store) SaveNote(ctx context.Context, v viewer.Viewer, person id.ID, note map[string]string) error {
	return s.edit(ctx, "people.SaveNote", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET note = ? WHERE id = ?`, db.ToJSON(note), person)
		return err
	})
}

// AddConsent records what somebody said yes or no to.
func (s *Store) AddConsent(ctx context.Context, v viewer.Viewer, c Consent) error {
	if c.At.IsZero() {
		c.At = s.now()
	}
	return s.change(ctx, "people.AddConsent", v, c.PersonID, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `INSERT INTO consents (id, person_id, kind, granted, at, origin, created_at) VALUES (`+db.In(7)+`)`,
			id.New(), c.PersonID, c.Kind, c.Granted, c.At, c.Origin, s.now())
		return err
	})
}

// AddLegacyID notes the person's identifier in an older system; one that is somebody else's is Conflict.
func (s *Store) AddLegacyID(ctx context.Context, person id.ID, l LegacyID) error {
	owner, err := db.One[id.ID](ctx, s.db, `
		INSERT INTO legacy_ids (source, value, person_id) VALUES (?, ?, ?)
		ON CONFLICT (source, value) DO UPDATE SET person_id = legacy_ids.person_id RETURNING person_id`, l.Source, l.Value, person)
	if err == nil && owner != person {
		err = errs.Conflict
	}
	return errs.Wrap("people.AddLegacyID", err)
}

// AddRedirect notes where a lifetime address went in the older system.
func (s *Store) AddRedirect(ctx context.Context, person id.ID, target, origin string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO redirect_targets (id, person_id, target, origin, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (person_id, target) DO NOTHING`, id.New(), person, target, origin, s.now())
	return errs.Wrap("people.AddRedirect", err)
}

// ByLegacyID finds the person with an older system's identifier; background work and staff only.
func (s *Store) ByLegacyID(ctx context.Context, v viewer.Viewer, l LegacyID) (id.ID, error) {
	if !mayLookUp(v) {
		return id.ID{}, errs.E("people.ByLegacyID", errs.Forbidden, nil)
	}
	p, err := db.One[id.ID](ctx, s.db, `SELECT person_id FROM legacy_ids WHERE source = ? AND value = ?`, l.Source, l.Value)
	return p, errs.Wrap("people.ByLegacyID", err)
}
