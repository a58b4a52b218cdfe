package people

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// SaveDegree adds or changes a degree and gives it a login. It is for the webmaster of its association who manages
// the person already; only the federation's admins give a degree to somebody of other schools alone.
func (s *Store) SaveDegree(ctx context.Context, v viewer.Viewer, g *Degree) error {
	return s.change(ctx, "people.SaveDegree", v, g.PersonID, func(ctx context.Context, d Dossier) error {
		old, known := d.degree(g.ID)
		switch {
		case !known && !g.ID.IsZero():
			return errs.NotFound
		case !v.HasAt(g.AssociationID, viewer.Webmaster), known && !v.HasAt(old.AssociationID, viewer.Webmaster):
			return errs.Forbidden
		case !known:
			g.ID, g.CreatedAt = id.New(), s.now()
			if _, err := s.db.Exec(ctx, `INSERT INTO degrees (`+degreeColumns+`) VALUES (`+db.In(8)+`)`, degreeArgs(*g)...); err != nil {
				return err
			}
		default:
			if err := s.updateDegree(ctx, old, g); err != nil {
				return err
			}
		}
		return s.GenerateLoginsFor(ctx, g.PersonID)
	})
}

// updateDegree changes a degree; another year or school asks for another login.
func (s *Store) updateDegree(ctx context.Context, old Degree, g *Degree) error {
	g.CreatedAt = old.CreatedAt
	if g.ClassYear != old.ClassYear || g.AssociationID != old.AssociationID {
		if _, err := s.db.Exec(ctx, `UPDATE logins SET current = FALSE WHERE degree_id = ?`, g.ID); err != nil {
			return err
		}
	}
	return s.db.ExecOne(ctx, `UPDATE degrees SET association_id = ?, class_year = ?, diploma = ?, study_year = ?, department = ? WHERE id = ? AND person_id = ?`,
		g.AssociationID, g.ClassYear, string(g.Diploma), g.StudyYear, g.Department, g.ID, g.PersonID)
}

// RemoveDegree takes back one that was recorded by mistake. Its login stays the person's and keeps opening the door,
// but is no longer shown.
func (s *Store) RemoveDegree(ctx context.Context, v viewer.Viewer, person, degree id.ID) error {
	return s.change(ctx, "people.RemoveDegree", v, person, func(ctx context.Context, d Dossier) error {
		g, known := d.degree(degree)
		if !known {
			return errs.NotFound
		}
		if !v.HasAt(g.AssociationID, viewer.Webmaster) {
			return errs.Forbidden
		}
		if _, err := s.db.Exec(ctx, `UPDATE logins SET current = FALSE, degree_id = NULL WHERE degree_id = ?`, degree); err != nil {
			return err
		}
		if err := s.db.ExecOne(ctx, `DELETE FROM degrees WHERE id = ?`, degree); err != nil {
			return err
		}
		return s.GenerateLoginsFor(ctx, person) // another of the same school and year may have shared it
	})
}

func (d Dossier) degree(i id.ID) (Degree, bool) {
	for _, g := range d.Degrees {
		if g.ID == i {
			return g, true
		}
	}
	return Degree{}, false
}

// AddMembership records dues paid; the webmaster and the membership secretary of the association may, for anybody.
func (s *Store) AddMembership(ctx context.Context, v viewer.Viewer, m *Membership) error {
	if !v.HasAt(m.AssociationID, viewer.Webmaster, viewer.Secretary) {
		return errs.E("people.AddMembership", errs.Forbidden, nil)
	}
	if err := m.validate(); err != nil {
		return err
	}
	m.ID, m.CreatedAt, m.RecordedBy = id.New(), s.now(), v.Account
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.lock(ctx, viewer.ForSystem("dues are recorded"), m.PersonID); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO memberships (`+membershipColumns+`) VALUES (`+db.In(8)+`)`, membershipArgs(*m)...); err != nil {
			return err
		}
		return s.Touch(ctx, m.PersonID)
	})
	return errs.Wrap("people.AddMembership", err)
}

func (m *Membership) validate() error {
	m.StartsOn, m.EndsOn = day(m.StartsOn), day(m.EndsOn)
	f := errs.Fields{}
	if m.StartsOn.IsZero() {
		f.Add("starts_on", "people.required")
	}
	if m.EndsOn.IsZero() {
		f.Add("ends_on", "people.required")
	} else if m.EndsOn.Before(m.StartsOn) {
		f.Add("ends_on", "people.membership.ends_before")
	}
	return f.Err()
}
