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

// change runs fn for somebody who may manage the person, in one transaction, and tells the feed.
func (s *Store) change(ctx context.Context, op string, v viewer.Viewer, person id.ID, fn func(ctx context.Context, d Dossier) error) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.Dossier(ctx, v, person)
		if err != nil {
			return err
		}
		if err := fn(ctx, d); err != nil {
			return err
		}
		now := s.now()
		if v.Kind == viewer.System {
			now = d.ConfirmedAt // background work confirms nothing
		}
		if _, err := s.db.Exec(ctx, `UPDATE persons SET updated_at = ?, confirmed_at = ? WHERE id = ?`, s.now(), now, person); err != nil {
			return err
		}
		return s.Touch(ctx, person)
	})
	return errs.Wrap(op+" "+person.String(), err)
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
	return s.change(ctx, "people.SaveNames", v, person, func(ctx context.Context, d Dossier) error {
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
	return s.change(ctx, "people.SaveText", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET headline = ?, presentation = ? WHERE id = ?`, headline, presentation, person)
		return err
	})
}

// SavePhoto points to the photo's files; "" removes it.
func (s *Store) SavePhoto(ctx context.Context, v viewer.Viewer, person id.ID, key string) error {
	return s.change(ctx, "people.SavePhoto", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET photo = ? WHERE id = ?`, key, person)
		return err
	})
}

// SaveBirth changes the date of birth; a zero date with a year keeps the year alone.
func (s *Store) SaveBirth(ctx context.Context, v viewer.Viewer, person id.ID, date time.Time, year int) error {
	if !date.IsZero() {
		year = date.Year()
	}
	return s.change(ctx, "people.SaveBirth", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET birth_date = ?, birth_year = ? WHERE id = ?`, date, year, person)
		return err
	})
}

// SaveStatus changes what somebody is to the schools.
func (s *Store) SaveStatus(ctx context.Context, v viewer.Viewer, person id.ID, status Status, deceasedOn time.Time) error {
	if v.Person == person && v.Kind != viewer.System {
		return errs.E("people.SaveStatus", errs.Forbidden, nil)
	}
	return s.change(ctx, "people.SaveStatus", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET status = ?, deceased_on = ? WHERE id = ?`, string(status), deceasedOn, person)
		return err
	})
}

// SaveAudiences changes who sees the fields; only the person himself decides that.
func (s *Store) SaveAudiences(ctx context.Context, v viewer.Viewer, person id.ID, audiences map[Field]viewer.Audience) error {
	if v.Person != person && v.Kind != viewer.System {
		return errs.E("people.SaveAudiences", errs.Forbidden, nil)
	}
	return s.change(ctx, "people.SaveAudiences", v, person, func(ctx context.Context, d Dossier) error {
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
	return s.change(ctx, "people.SaveNote", v, person, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `UPDATE persons SET note = ? WHERE id = ?`, db.ToJSON(note), person)
		return err
	})
}

// SaveContact adds or changes a contact point. Making it preferred takes that from the others of its kind.
func (s *Store) SaveContact(ctx context.Context, v viewer.Viewer, c *ContactPoint) error {
	if !c.Normalize() {
		return errs.Msg("people.contact.bad")
	}
	return s.change(ctx, "people.SaveContact", v, c.PersonID, func(ctx context.Context, _ Dossier) error {
		now := s.now()
		c.UpdatedAt = now
		if c.Preferred {
			if _, err := s.db.Exec(ctx, `UPDATE contact_points SET preferred = FALSE WHERE person_id = ? AND kind = ?`, c.PersonID, string(c.Kind)); err != nil {
				return err
			}
		}
		if c.ID.IsZero() {
			c.ID, c.CreatedAt = id.New(), now
			_, err := s.db.Exec(ctx, `INSERT INTO contact_points (`+contactColumns+`) VALUES (`+db.In(18)+`)`, contactArgs(*c)...)
			return err
		}
		return s.db.ExecOne(ctx, `
			UPDATE contact_points SET purpose = ?, value = ?, value_key = ?, street = ?, postcode = ?, city = ?, country = ?,
				valid_from = ?, valid_to = ?, audience = ?, preferred = ?, confirmed_at = ?, updated_at = ?
			WHERE id = ? AND person_id = ?`,
			string(c.Purpose), c.Value, c.ValueKey, c.Street, c.Postcode, c.City, c.Country,
			c.ValidFrom, c.ValidTo, string(c.Audience), c.Preferred, c.ConfirmedAt, now, c.ID, c.PersonID)
	})
}

// RemoveContact deletes a contact point.
func (s *Store) RemoveContact(ctx context.Context, v viewer.Viewer, person, contact id.ID) error {
	return s.change(ctx, "people.RemoveContact", v, person, func(ctx context.Context, _ Dossier) error {
		return s.db.ExecOne(ctx, `DELETE FROM contact_points WHERE id = ? AND person_id = ?`, contact, person)
	})
}

// ConfirmEmail notes that the link sent to this address was followed; the address is added when the person has
// it not yet, as activation needs. The proof is the caller's single-use token.
func (s *Store) ConfirmEmail(ctx context.Context, person id.ID, email, origin string) error {
	key := fold.Email(email)
	return s.db.Tx(ctx, func(ctx context.Context) error {
		now := s.now()
		n, err := s.db.Exec(ctx, `UPDATE contact_points SET confirmed_at = ?, updated_at = ? WHERE person_id = ? AND kind = 'email' AND value_key = ?`, now, now, person, key)
		if err != nil {
			return errs.Wrap("people.ConfirmEmail", err)
		}
		if n > 0 {
			return s.Touch(ctx, person)
		}
		preferred, err := db.One[bool](ctx, s.db, `SELECT NOT EXISTS (SELECT 1 FROM contact_points WHERE person_id = ? AND kind = 'email' AND preferred)`, person)
		if err != nil {
			return errs.Wrap("people.ConfirmEmail", err)
		}
		c := ContactPoint{ID: id.New(), PersonID: person, Kind: Email, Purpose: Personal, Value: email, Preferred: preferred,
			ConfirmedAt: now, Origin: origin, CreatedAt: now, UpdatedAt: now}
		if !c.Normalize() {
			return errs.Msg("people.contact.bad")
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO contact_points (`+contactColumns+`) VALUES (`+db.In(18)+`)`, contactArgs(c)...); err != nil {
			return errs.Wrap("people.ConfirmEmail", err)
		}
		return s.Touch(ctx, person)
	})
}

// SaveDegree adds or changes a degree, which is the staff's to do, and gives it a login.
func (s *Store) SaveDegree(ctx context.Context, v viewer.Viewer, g *Degree) error {
	if !v.HasAt(g.AssociationID, viewer.Webmaster) {
		return errs.E("people.SaveDegree", errs.Forbidden, nil)
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if g.ID.IsZero() {
			g.ID, g.CreatedAt = id.New(), s.now()
			if _, err := s.db.Exec(ctx, `INSERT INTO degrees (`+degreeColumns+`) VALUES (`+db.In(8)+`)`,
				g.ID, g.PersonID, g.AssociationID, g.ClassYear, string(g.Diploma), g.StudyYear, g.Department, g.CreatedAt); err != nil {
				return errs.Wrap("people.SaveDegree", err)
			}
		} else if err := s.updateDegree(ctx, g); err != nil {
			return errs.Wrap("people.SaveDegree", err)
		}
		if err := s.GenerateLoginsFor(ctx, g.PersonID); err != nil {
			return err
		}
		return s.Touch(ctx, g.PersonID)
	})
}

// updateDegree changes a degree of an association; another year or school asks for another login.
func (s *Store) updateDegree(ctx context.Context, g *Degree) error {
	moved, err := db.One[bool](ctx, s.db, `SELECT class_year <> ? OR association_id <> ? FROM degrees WHERE id = ? AND person_id = ?`,
		g.ClassYear, g.AssociationID, g.ID, g.PersonID)
	if err != nil {
		return err
	}
	if moved {
		if _, err := s.db.Exec(ctx, `UPDATE logins SET current = FALSE WHERE degree_id = ?`, g.ID); err != nil {
			return err
		}
	}
	return s.db.ExecOne(ctx, `UPDATE degrees SET association_id = ?, class_year = ?, diploma = ?, study_year = ?, department = ? WHERE id = ? AND person_id = ?`,
		g.AssociationID, g.ClassYear, string(g.Diploma), g.StudyYear, g.Department, g.ID, g.PersonID)
}

// AddMembership records dues paid; the membership secretary of the association may.
func (s *Store) AddMembership(ctx context.Context, v viewer.Viewer, m *Membership) error {
	if !v.HasAt(m.AssociationID, viewer.Webmaster, viewer.Secretary) {
		return errs.E("people.AddMembership", errs.Forbidden, nil)
	}
	if m.EndsOn.Before(m.StartsOn) {
		f := errs.Fields{}
		f.Add("ends_on", "people.membership.ends_before")
		return f.Err()
	}
	m.ID, m.CreatedAt, m.RecordedBy = id.New(), s.now(), v.Account
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `INSERT INTO memberships (`+membershipColumns+`) VALUES (`+db.In(8)+`)`,
			m.ID, m.PersonID, m.AssociationID, m.StartsOn, m.EndsOn, m.Origin, m.RecordedBy, m.CreatedAt); err != nil {
			return errs.Wrap("people.AddMembership", err)
		}
		return s.Touch(ctx, m.PersonID)
	})
}

// AddConsent records what somebody said yes or no to.
func (s *Store) AddConsent(ctx context.Context, v viewer.Viewer, c Consent) error {
	return s.change(ctx, "people.AddConsent", v, c.PersonID, func(ctx context.Context, _ Dossier) error {
		_, err := s.db.Exec(ctx, `INSERT INTO consents (id, person_id, kind, granted, at, origin, created_at) VALUES (`+db.In(7)+`)`,
			id.New(), c.PersonID, c.Kind, c.Granted, c.At, c.Origin, s.now())
		return err
	})
}

// AddLegacyID notes the person's identifier in an older system.
func (s *Store) AddLegacyID(ctx context.Context, person id.ID, l LegacyID) error {
	_, err := s.db.Exec(ctx, `INSERT INTO legacy_ids (source, value, person_id) VALUES (?, ?, ?) ON CONFLICT (source, value) DO NOTHING`, l.Source, l.Value, person)
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
	if !v.IsStaff() {
		return id.ID{}, errs.E("people.ByLegacyID", errs.Forbidden, nil)
	}
	p, err := db.One[id.ID](ctx, s.db, `SELECT person_id FROM legacy_ids WHERE source = ? AND value = ?`, l.Source, l.Value)
	return p, errs.Wrap("people.ByLegacyID", err)
}
