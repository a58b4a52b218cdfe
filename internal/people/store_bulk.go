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

// Insert adds new persons with all that comes with them, in one transaction. Identifiers and creation times that
// are missing are made here. The logins of each dossier are kept as given; those that its degrees lack are not
// generated: call GenerateLogins once every given one is in. Imports, the demonstration and staff screens use it.
func (s *Store) Insert(ctx context.Context, v viewer.Viewer, list []Dossier) error {
	for i := range list {
		if !mayAdd(v, &list[i]) {
			return errs.E("people.Insert", errs.Forbidden, nil)
		}
		if err := s.complete(&list[i]); err != nil {
			return errs.Wrap("people.Insert", err)
		}
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.insertAll(ctx, list); err != nil {
			return errs.Wrap("people.Insert", err)
		}
		ids := make([]id.ID, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		return s.Touch(ctx, ids...)
	})
}

// mayAdd is for the webmaster of every school that a new person's degrees and memberships name.
func mayAdd(v viewer.Viewer, d *Dossier) bool {
	if v.IsFederationAdmin() {
		return true
	}
	named := d.Associations()
	for _, m := range d.Memberships {
		named = append(named, m.AssociationID)
	}
	for _, a := range named {
		if !v.HasAt(a, viewer.Webmaster) {
			return false
		}
	}
	return len(d.Degrees) > 0
}

// complete fills what may be left out of a new dossier.
func (s *Store) complete(d *Dossier) error {
	now := s.now()
	fill(&d.ID)
	if d.CreatedAt.IsZero() {
		d.CreatedAt = now
	}
	d.UpdatedAt = now
	if d.Status == "" {
		d.Status = Graduate
	}
	if !d.BirthDate.IsZero() {
		d.BirthYear = d.BirthDate.Year()
	}
	for i := range d.Degrees {
		g := &d.Degrees[i]
		fill(&g.ID)
		g.PersonID, g.CreatedAt = d.ID, now
		if g.Diploma == "" {
			g.Diploma = Engineer
		}
	}
	for i := range d.Memberships {
		m := &d.Memberships[i]
		fill(&m.ID)
		m.PersonID, m.CreatedAt = d.ID, now
	}
	for i := range d.Logins {
		d.Logins[i].PersonID, d.Logins[i].CreatedAt = d.ID, now
	}
	for i := range d.Consents {
		c := &d.Consents[i]
		fill(&c.ID)
		c.PersonID = d.ID
		if c.At.IsZero() {
			c.At = now
		}
	}
	return d.completeContacts(now)
}

// completeContacts folds the values that are not folded yet and leaves one preferred contact point of a kind.
func (d *Dossier) completeContacts(now time.Time) error {
	preferred := map[ContactKind]bool{}
	for i := range d.Contacts {
		c := &d.Contacts[i]
		fill(&c.ID)
		c.PersonID, c.CreatedAt, c.UpdatedAt = d.ID, now, now
		if c.Purpose == "" {
			c.Purpose = Personal
		}
		c.fillAudience()
		if c.ValueKey == "" && !c.Normalize() {
			return errs.Msg("people.contact.bad")
		}
		c.Preferred = c.Preferred && !preferred[c.Kind]
		preferred[c.Kind] = preferred[c.Kind] || c.Preferred
	}
	for i := range d.Contacts {
		if c := &d.Contacts[i]; c.Kind == Email && !preferred[Email] {
			c.Preferred, preferred[Email] = true, true
		}
	}
	return nil
}

// fill gives an identifier to what has none.
func fill(i *id.ID) {
	if i.IsZero() {
		*i = id.New()
	}
}

// day is the date of a time: SQLite keeps what it is given, PostgreSQL the date alone.
func day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func (s *Store) insertAll(ctx context.Context, list []Dossier) error {
	var persons, degrees, contacts, memberships, logins, legacy, consents, redirects []any
	now := s.now()
	for i := range list {
		d := &list[i]
		persons = append(persons, personArgs(d)...)
		for _, g := range d.Degrees {
			degrees = append(degrees, degreeArgs(g)...)
		}
		for _, c := range d.Contacts {
			contacts = append(contacts, contactArgs(c)...)
		}
		for _, m := range d.Memberships {
			memberships = append(memberships, membershipArgs(m)...)
		}
		for _, l := range d.Logins {
			logins = append(logins, loginArgs(l)...)
		}
		for _, l := range d.LegacyIDs {
			legacy = append(legacy, l.Source, l.Value, d.ID)
		}
		for _, c := range d.Consents {
			consents = append(consents, c.ID, c.PersonID, c.Kind, c.Granted, c.At, c.Origin, now)
		}
		for _, r := range d.Redirects {
			redirects = append(redirects, id.New(), d.ID, r, "import", now)
		}
	}
	for _, t := range []struct {
		into    string
		columns int
		rows    []any
		tail    string
	}{
		{`persons (` + personColumns + `, first_key, birth_key, usage_key, audiences, note)`, 23, persons, ``},
		{`degrees (` + degreeColumns + `)`, 8, degrees, ``},
		{`contact_points (` + contactColumns + `)`, 19, contacts, ``},
		{`memberships (` + membershipColumns + `)`, 8, memberships, ``},
		{`logins (login_key, ` + loginColumns + `)`, 7, logins, ``},
		{`legacy_ids (source, value, person_id)`, 3, legacy, ``},
		{`consents (id, person_id, kind, granted, at, origin, created_at)`, 7, consents, ``},
		{`redirect_targets (id, person_id, target, origin, created_at)`, 5, redirects, `ON CONFLICT (person_id, target) DO NOTHING`},
	} {
		if err := s.db.InsertMany(ctx, t.into, t.columns, t.rows, t.tail); err != nil {
			return err
		}
	}
	return nil
}

func personArgs(d *Dossier) []any {
	audiences, note := d.Audiences, d.Note
	if audiences == nil {
		audiences = map[Field]viewer.Audience{}
	}
	if note == nil {
		note = map[string]string{}
	}
	return []any{d.ID, d.Civility, d.FirstNames, d.FirstName, d.BirthSurname, d.UsageSurname, day(d.BirthDate), d.BirthYear, string(d.Status),
		day(d.DeceasedOn), d.Headline, d.Presentation, d.Photo, d.ActivatedAt, d.ConfirmedAt, d.MergedInto, d.CreatedAt, d.UpdatedAt,
		fold.Name(d.FirstName), fold.Name(d.BirthSurname), fold.Name(d.UsageSurname), db.ToJSON(audiences), db.ToJSON(note)}
}

func degreeArgs(g Degree) []any {
	return []any{g.ID, g.PersonID, g.AssociationID, g.ClassYear, string(g.Diploma), g.StudyYear, g.Department, g.CreatedAt}
}

func membershipArgs(m Membership) []any {
	return []any{m.ID, m.PersonID, m.AssociationID, day(m.StartsOn), day(m.EndsOn), m.Origin, m.RecordedBy, m.CreatedAt}
}

func contactArgs(c ContactPoint) []any {
	return []any{c.ID, c.PersonID, string(c.Kind), string(c.Purpose), c.Value, c.ValueKey, c.Street, c.Postcode, c.City, c.Country,
		day(c.ValidFrom), day(c.ValidTo), string(c.Audience), c.Preferred, c.ConfirmedAt, c.BrokenAt, c.Origin, c.CreatedAt, c.UpdatedAt}
}
