package people

import (
	"slices"
	"time"

	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Field is a part of a profile with an audience of its own. Contact points carry theirs themselves.
type Field string

const (
	FieldIdentity     Field = "identity" // name, school, class: the page exists for those who may see it
	FieldPhoto        Field = "photo"
	FieldBirthSurname Field = "birth_surname"
	FieldStudies      Field = "studies" // diploma and department
	FieldHeadline     Field = "headline"
	FieldPresentation Field = "presentation"
	FieldBirthDate    Field = "birth_date"
	FieldLifetime     Field = "lifetime" // the lifetime address: a coordinate, with the audiences of one
)

// Fields are all, in the order the profile form shows them.
func Fields() []Field {
	return []Field{FieldIdentity, FieldPhoto, FieldBirthSurname, FieldStudies, FieldHeadline, FieldPresentation, FieldBirthDate, FieldLifetime}
}

// DefaultFieldAudience is who sees a field until its owner says otherwise: fellow graduates and students, and
// nobody a date of birth. Nothing is public unless a person says so.
func DefaultFieldAudience(f Field) viewer.Audience {
	switch f {
	case FieldBirthDate:
		return viewer.OnlyMe
	case FieldLifetime:
		return DefaultAudience(Email)
	}
	return viewer.InNetwork
}

// FieldAudience is the audience in force for a field. Somebody who never activated an account shows name,
// school and class to the network and nothing else to anybody, whatever an import said.
func (d *Dossier) FieldAudience(f Field) viewer.Audience {
	if !d.Activated() {
		if f == FieldIdentity {
			return viewer.InNetwork
		}
		return viewer.OnlyMe
	}
	if a, ok := d.Audiences[f]; ok {
		return a
	}
	return DefaultFieldAudience(f)
}

// Seen is a person as one viewer may see him: what he may not is not there, and nothing tells that it exists.
type Seen struct {
	ID           id.ID
	Login        string // of the newest degree; "" when there is none yet
	FirstName    string
	Surname      string
	BirthSurname string // only where it differs from Surname
	Civility     string
	Status       Status
	Degrees      []Degree // Diploma, StudyYear and Department are empty where they may not be seen
	Photo        string
	Headline     string
	Presentation string
	BirthDate    time.Time
	Contacts     []ContactPoint
	LifetimeAt   id.ID // the association at whose mail domain Login is the lifetime address; zero where that may not be seen
	Activated    bool
	Own          bool // the viewer's own page
	ByStaff      bool // a coordinate is shown only because the viewer is staff: it leaves a trail
}

// Name is first name and surname.
func (s Seen) Name() string { return s.FirstName + " " + s.Surname }

// SeenBy is the one rule of what a viewer sees of a person on a day. ok is false when he may not even know
// that the person is in the base; the page then answers as for somebody who does not exist.
func (d *Dossier) SeenBy(v viewer.Viewer, today time.Time) (s Seen, ok bool) {
	if s, ok = d.OutlineSeenBy(v); !ok {
		return Seen{}, false
	}
	sub := d.Subject()
	if d.FieldAudience(FieldPresentation).Allows(v, sub) {
		s.Presentation = d.Presentation
	}
	if d.FieldAudience(FieldBirthDate).Allows(v, sub) {
		s.BirthDate = d.BirthDate
	}
	s.Contacts = d.contactsSeenBy(v, sub, today)
	if a := d.FieldAudience(FieldLifetime); a.OneOf(viewer.CoordinateAudiences()) && d.Status != Deceased && a.Allows(v, sub) {
		s.LifetimeAt = d.LifetimeAt()
	}
	if v.Kind != viewer.System && len(v.Roles) > 0 {
		plain := v
		plain.Roles = nil
		s.ByStaff = len(s.Contacts) > len(d.contactsSeenBy(plain, sub, today))
	}
	return s, true
}

// OutlineSeenBy is SeenBy for lists: without coordinates, presentation and date of birth.
func (d *Dossier) OutlineSeenBy(v viewer.Viewer) (s Seen, ok bool) {
	sub := d.Subject()
	may := func(f Field) bool { return d.FieldAudience(f).Allows(v, sub) }
	if !may(FieldIdentity) {
		return Seen{}, false
	}
	s = Seen{
		ID: d.ID, Login: d.CurrentLogin(), FirstName: d.FirstName, Surname: d.Surname(), Civility: d.Civility,
		Status: d.Status, Activated: d.Activated(), Own: v.SignedIn() && v.Person == d.ID && !v.Person.IsZero(),
		Degrees: slices.Clone(d.Degrees),
	}
	if !may(FieldStudies) {
		for i := range s.Degrees {
			g := &s.Degrees[i]
			g.Diploma, g.StudyYear, g.Department = "", 0, ""
		}
	}
	if may(FieldBirthSurname) && d.BirthSurname != d.Surname() {
		s.BirthSurname = d.BirthSurname
	}
	if may(FieldPhoto) {
		s.Photo = d.Photo
	}
	if may(FieldHeadline) {
		s.Headline = d.Headline
	}
	return s, true
}

// contactsSeenBy leaves out what is hidden, and for others than the person what does not hold that day.
func (d *Dossier) contactsSeenBy(v viewer.Viewer, sub viewer.Subject, today time.Time) []ContactPoint {
	var out []ContactPoint
	for _, c := range d.Contacts {
		a := c.Audience
		if !d.Activated() || d.Status == Deceased || !a.OneOf(viewer.CoordinateAudiences()) {
			a = viewer.OnlyMe
		}
		own := v.SignedIn() && v.Person == d.ID
		if !a.Allows(v, sub) || !own && !c.CurrentOn(today) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// CurrentLogin is the login in use of the newest degree that has one.
func (d *Dossier) CurrentLogin() string {
	best, year := "", -1
	for _, l := range d.Logins {
		if !l.Current {
			continue
		}
		y := 0
		for _, g := range d.Degrees {
			if g.ID == l.DegreeID {
				y = g.ClassYear
			}
		}
		if y > year || y == year && l.Login < best {
			best, year = l.Login, y
		}
	}
	return best
}
