// Package people is the common base: persons, associations, degrees, logins, contact points, memberships.
//
// It is the one domain package that features may import. It owns the tables of migration 0002, the rule of what
// a viewer sees of a person (Seen), the giving of logins, the merging of doubles, "download my data" and "erase
// me" (to which features add their part: Merger, Exporter, Eraser), and writes the change feed in the same
// transaction as every change. Whoever is a graduate of two schools is one Person with two Degrees.
package people

import (
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Status says what somebody is to the schools.
type Status string

const (
	Student  Status = "student"
	Graduate Status = "graduate"
	Deceased Status = "deceased"
	Other    Status = "other" // neither: a teacher, an honorary member
)

// Diploma is the type of a degree.
type Diploma string

const (
	Engineer       Diploma = "engineer"
	Architect      Diploma = "architect"
	Master         Diploma = "master"
	Doctorate      Diploma = "doctorate"
	StudentDiploma Diploma = "student" // not yet: StudyYear says in which year
	OtherDiploma   Diploma = "other"
)

// Diplomas are all types in the order lists show them.
func Diplomas() []Diploma {
	return []Diploma{Engineer, Architect, Master, Doctorate, StudentDiploma, OtherDiploma}
}

// Person is somebody in the base; he exists before any account.
type Person struct {
	ID           id.ID
	Civility     string // "", "m" or "mme"
	FirstNames   string // all, as in the register
	FirstName    string // the one in use
	BirthSurname string
	UsageSurname string    // "" when it is the birth surname
	BirthDate    time.Time // zero when unknown or when only the year is
	BirthYear    int       // 0 when unknown
	Status       Status
	DeceasedOn   time.Time // zero unless Status is Deceased and the day is known
	Headline     string    // one line
	Presentation string    // plain text, paragraphs
	Photo        string    // blob key prefix; "" when there is none
	ActivatedAt  time.Time // first sign-in; zero: only name, school and class are shown
	ConfirmedAt  time.Time // last said "this is right" or changed something
	MergedInto   id.ID     // set when the row was found to be somebody else's double
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Surname is the one in use.
func (p Person) Surname() string {
	if p.UsageSurname != "" {
		return p.UsageSurname
	}
	return p.BirthSurname
}

// Name is first name and surname as people read them.
func (p Person) Name() string { return strings.TrimSpace(p.FirstName + " " + p.Surname()) }

// SortKey orders people as a directory does: surname, then first name, folded.
func (p Person) SortKey() string { return fold.Name(p.Surname()) + "\x00" + fold.Name(p.FirstName) }

// Activated reports whether the person has ever signed in.
func (p Person) Activated() bool { return !p.ActivatedAt.IsZero() }

// Degree is one diploma, earned or under way, at one association's school.
type Degree struct {
	ID            id.ID
	PersonID      id.ID
	AssociationID id.ID
	ClassYear     int // "promo"; 0 when unknown: no login then
	Diploma       Diploma
	StudyYear     int // 1 to 8 while a student; 0 otherwise
	Department    string
	CreatedAt     time.Time
}

// Login opens the door and is the local part of the lifetime address. It is never given to anybody else.
type Login struct {
	Login     string
	PersonID  id.ID
	DegreeID  id.ID // zero for a former one that an import brought
	Current   bool
	Origin    string
	CreatedAt time.Time
}

// Membership is dues paid to an association for a time; EndsOn is the last day that counts.
type Membership struct {
	ID            id.ID
	PersonID      id.ID
	AssociationID id.ID
	StartsOn      time.Time
	EndsOn        time.Time
	Origin        string
	RecordedBy    id.ID // account; zero for an import
	CreatedAt     time.Time
}

// On reports whether the membership counts on that day.
func (m Membership) On(day time.Time) bool {
	return !day.Before(m.StartsOn) && day.Before(m.EndsOn.AddDate(0, 0, 1))
}

// LegacyID is the person's identifier in an older system.
type LegacyID struct {
	Source string
	Value  string
}

// Consent is something said yes or no to; the newest of a kind counts.
type Consent struct {
	ID       id.ID
	PersonID id.ID
	Kind     string
	Granted  bool
	At       time.Time
	Origin   string
}

// Dossier is a person with all that the base holds of him. It is for what may see everything: imports, staff
// screens, "export my data". Pages for others use Seen.
type Dossier struct {
	Person
	Audiences   map[Field]viewer.Audience
	Note        map[string]string // columns of an import that have no place of their own
	Degrees     []Degree
	Logins      []Login
	Contacts    []ContactPoint
	Memberships []Membership
	LegacyIDs   []LegacyID
	Consents    []Consent
	Redirects   []string // targets of the lifetime address in the older system
}

// Associations are those of the degrees.
func (d *Dossier) Associations() []id.ID { return associationsOf(d.Degrees) }

// NewestAssociation is that of the newest degree: whose staff sees what happens to the person; zero without a degree.
func (d *Dossier) NewestAssociation() id.ID {
	for _, g := range d.Degrees {
		return g.AssociationID
	}
	return id.ID{}
}

// Subject is the person as the audiences' rule needs to know him.
func (d *Dossier) Subject() viewer.Subject {
	return viewer.Subject{Person: d.ID, Associations: d.Associations()}
}

// MemberOn reports whether dues to at least one association are paid that day.
func (d Dossier) MemberOn(day time.Time) bool {
	for _, m := range d.Memberships {
		if m.On(day) {
			return true
		}
	}
	return false
}

func associationsOf(degrees []Degree) []id.ID {
	var out []id.ID
	for _, g := range degrees {
		seen := false
		for _, a := range out {
			seen = seen || a == g.AssociationID
		}
		if !seen {
			out = append(out, g.AssociationID)
		}
	}
	return out
}
