package desk

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// FillYear closes a case of a missing class year with the year; the degree gets its login.
func (s *Store) FillYear(ctx context.Context, by viewer.Actor, on At, degree id.ID, year int) error {
	if !people.ValidYear(year, s.now()) {
		f := errs.Fields{}
		f.Add("year", "people.claim.need_year", map[string]any{"Example": "2010"})
		return f.Err()
	}
	return s.change(ctx, by, on, "case.year_filled", func(ctx context.Context, c *Case) (map[string]any, error) {
		d, err := s.people.Dossier(ctx, by.Viewer, c.PersonID)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(d.Degrees, func(g people.Degree) bool { return g.ID == degree })
		if at < 0 {
			return nil, errs.E("desk.FillYear", errs.NotFound, nil)
		}
		d.Degrees[at].ClassYear = year
		if err := s.people.SaveDegree(ctx, by.Viewer, &d.Degrees[at]); err != nil {
			return nil, err
		}
		left := slices.ContainsFunc(d.Degrees, func(g people.Degree) bool { return g.ClassYear == 0 })
		if left {
			return map[string]any{"year": year}, nil
		}
		return map[string]any{"year": year}, s.close(ctx, by, c, Completed)
	})
}

// Settle closes an import conflict: with the file's value taken, or the base's kept.
func (s *Store) Settle(ctx context.Context, by viewer.Actor, on At, takeFile bool) error {
	action, outcome := "case.kept_base", KeptBase
	if takeFile {
		action, outcome = "case.took_file", TookFile
	}
	return s.change(ctx, by, on, action, func(ctx context.Context, c *Case) (map[string]any, error) {
		if c.Kind != ImportConflict {
			return nil, errs.E("desk.Settle", errs.Invalid, nil)
		}
		if takeFile {
			if err := s.takeField(ctx, by, c); err != nil {
				return nil, err
			}
		}
		return map[string]any{"field": c.Detail.Field}, s.close(ctx, by, c, outcome)
	})
}

// takeField writes the file's value of a conflict.
func (s *Store) takeField(ctx context.Context, by viewer.Actor, c *Case) error {
	d, err := s.people.Dossier(ctx, by.Viewer, c.PersonID)
	if err != nil {
		return err
	}
	value := c.Detail.File
	names := people.Names{Civility: d.Civility, FirstNames: d.FirstNames, FirstName: d.FirstName, BirthSurname: d.BirthSurname, UsageSurname: d.UsageSurname}
	texts := map[string]*string{"civility": &names.Civility, "first_names": &names.FirstNames, "first_name": &names.FirstName,
		"birth_surname": &names.BirthSurname, "usage_surname": &names.UsageSurname}
	if to := texts[c.Detail.Field]; to != nil {
		*to = value
		return s.people.SaveNames(ctx, by.Viewer, d.ID, names)
	}
	switch c.Detail.Field {
	case "birth_date":
		day, year, ok := parseBirth(value)
		if !ok {
			return errs.New(errs.Conflict, "desk.cannot_take")
		}
		return s.people.SaveBirth(ctx, by.Viewer, d.ID, day, year)
	case "status":
		status, died, ok := parseStatus(value)
		if !ok {
			return errs.New(errs.Conflict, "desk.cannot_take")
		}
		if status == people.Deceased && d.Status != people.Deceased { // his account closes
			if err := s.links.MayInvite(ctx, by, d); errs.KindOf(err) == errs.Conflict && err != nil {
				return errs.New(errs.Conflict, "desk.cannot_take")
			} else if err != nil {
				return err
			}
		}
		return s.people.SaveStatus(ctx, by.Viewer, d.ID, status, died)
	case "email", "phone":
		return s.takeContact(ctx, by, c, d)
	}
	return s.takeDegreeField(ctx, by, c, d)
}

// takeContact puts the file's address or number in place of the base's.
func (s *Store) takeContact(ctx context.Context, by viewer.Actor, c *Case, d people.Dossier) error {
	p := people.ContactPoint{PersonID: d.ID, Kind: people.ContactKind(c.Detail.Field), Purpose: people.Personal, Origin: "import"}
	for _, held := range d.Contacts {
		if held.Kind == p.Kind && held.Value == c.Detail.Base {
			p = held
		}
	}
	p.Value = c.Detail.File
	return s.people.SaveContact(ctx, by.Viewer, &p)
}

func (s *Store) takeDegreeField(ctx context.Context, by viewer.Actor, c *Case, d people.Dossier) error {
	if len(d.Degrees) == 0 {
		return errs.New(errs.Conflict, "desk.cannot_take")
	}
	g := d.Degrees[0]
	for _, other := range d.Degrees {
		if other.ID == c.Detail.Degree {
			g = other
		}
	}
	switch value := strings.TrimSpace(c.Detail.File); c.Detail.Field {
	case "department":
		g.Department = value
	case "diploma":
		if !slices.Contains(people.Diplomas(), people.Diploma(value)) {
			return errs.New(errs.Conflict, "desk.cannot_take")
		}
		g.Diploma = people.Diploma(value)
	case "class_year":
		year, err := strconv.Atoi(value)
		if err != nil || !people.ValidYear(year, s.now()) {
			return errs.New(errs.Conflict, "desk.cannot_take")
		}
		g.ClassYear = year
	case "study_year":
		year, err := strconv.Atoi(value)
		if err != nil || year < 0 || year > 8 {
			return errs.New(errs.Conflict, "desk.cannot_take")
		}
		g.StudyYear = year
	default:
		return errs.New(errs.Conflict, "desk.cannot_take")
	}
	return s.people.SaveDegree(ctx, by.Viewer, &g)
}

// MergeInto closes a proposed merge by making the two one; into is the one who stays.
func (s *Store) MergeInto(ctx context.Context, by viewer.Actor, on At, into id.ID) error {
	return s.change(ctx, by, on, "case.merged", func(ctx context.Context, c *Case) (map[string]any, error) {
		from := c.PersonID
		if into == c.PersonID {
			from = c.OtherID
		}
		if c.Kind != Duplicate || into != c.PersonID && into != c.OtherID || from == into {
			return nil, errs.E("desk.MergeInto", errs.Invalid, nil)
		}
		if err := stillOpen(c); err != nil {
			return nil, err
		}
		if err := s.merge(ctx, by.Viewer, from, into); err != nil {
			return nil, err
		}
		c.PersonID = into
		return map[string]any{"from": from.String()}, s.close(ctx, by, c, Merged)
	})
}

// KeepApart closes a proposed merge: they are two.
func (s *Store) KeepApart(ctx context.Context, by viewer.Actor, on At) error {
	return s.change(ctx, by, on, "case.not_same", func(ctx context.Context, c *Case) (map[string]any, error) {
		if c.Kind != Duplicate {
			return nil, errs.E("desk.KeepApart", errs.Invalid, nil)
		}
		return nil, s.close(ctx, by, c, NotSame)
	})
}
