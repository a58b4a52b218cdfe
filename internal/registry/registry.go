// Package registry is the staff's view of the base: finding people, and one person's record with everything held of
// him, where it came from, and who read or changed it.
//
// It owns no table: people writes, and checks the rights. It promises that whoever reads a record's coordinates and
// whoever changes anything in it leaves a line in the trail, in the same transaction.
package registry

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Invite asks for the link that opens an account to be sent to somebody.
type Invite struct {
	By     viewer.Actor
	Person id.ID
	Email  string
	Lang   string
}

// Record is one person as the staff sees him.
type Record struct {
	people.Dossier
	Schools people.Associations
	Trail   []audit.Row
	// MayEdit is for a webmaster of one of his schools: names, degrees, status. A membership secretary changes
	// coordinates and memberships.
	MayEdit bool
}

// Association is the school in whose name the viewer deals with a person: the first of his where the viewer holds
// a role, else the first.
func Association(v viewer.Viewer, d *people.Dossier) id.ID {
	all := d.Associations()
	for _, a := range all {
		if v.HasAt(a, viewer.Webmaster, viewer.Secretary) {
			return a
		}
	}
	return id.ID{}
}

// Query is what was typed to find somebody, taken apart.
type Query struct {
	Words []string // folded, of a name
	Year  int      // a class year, 0 for none
	Email string   // folded; "" when what was typed is no address
	Login string   // the key of a login
}

// maxWords bounds a query's conditions.
const maxWords = 5

// ParseQuery takes apart a name, a class year, a login, an e-mail or lifetime address.
func ParseQuery(typed string) Query {
	typed = strings.TrimSpace(typed)
	if len(typed) > 200 {
		typed = strings.ToValidUTF8(typed[:200], "")
	}
	q := Query{Login: fold.TypedLogin(typed)}
	if local, _, ok := strings.Cut(typed, "@"); ok {
		q.Email, q.Login = fold.Email(typed), fold.TypedLogin(local)
		return q
	}
	for _, w := range strings.Fields(fold.Name(typed)) {
		if y := yearOf(w); y > 0 && q.Year == 0 {
			q.Year = y
		} else if len(q.Words) < maxWords {
			q.Words = append(q.Words, w)
		}
	}
	return q
}

// Empty reports whether there is nothing to look for.
func (q Query) Empty() bool { return len(q.Words) == 0 && q.Year == 0 && q.Email == "" }

func yearOf(w string) int {
	if len(w) != 4 {
		return 0
	}
	n := 0
	for _, c := range w {
		if c < '0' || c > '9' {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// Statuses are what somebody can be to the schools, in the order lists show them.
func Statuses() []people.Status {
	return []people.Status{people.Graduate, people.Student, people.Deceased, people.Other}
}

const maxText = 100 // octets of a name or a department

// checkNames brings names to their form; somebody without a surname cannot be found.
func checkNames(n *people.Names) error {
	f := errs.Fields{}
	for field, text := range map[string]*string{"first_names": &n.FirstNames, "first_name": &n.FirstName, "birth_surname": &n.BirthSurname, "usage_surname": &n.UsageSurname} {
		if *text = strings.TrimSpace(*text); len(*text) > maxText {
			f.Add(field, "registry.too_long")
		}
	}
	if fold.Name(n.FirstName) == "" {
		f.Add("first_name", "people.required")
	}
	if fold.Name(n.BirthSurname) == "" {
		f.Add("birth_surname", "people.required")
	}
	if !slices.Contains([]string{"", "m", "mme"}, n.Civility) {
		f.Add("civility", "people.required")
	}
	if n.FirstNames == "" {
		n.FirstNames = n.FirstName
	}
	if fold.Name(n.UsageSurname) == fold.Name(n.BirthSurname) {
		n.UsageSurname = ""
	}
	return f.Err()
}

// checkDegree brings a degree to its form.
func checkDegree(g *people.Degree, now time.Time) error {
	f := errs.Fields{}
	if g.AssociationID.IsZero() {
		f.Add("association", "registry.need_school")
	}
	if g.ClassYear < 1850 || g.ClassYear > now.Year()+10 {
		f.Add("class_year", "registry.need_year")
	}
	if !slices.Contains(people.Diplomas(), g.Diploma) {
		f.Add("diploma", "registry.need_diploma")
	}
	if g.StudyYear < 0 || g.StudyYear > 8 {
		f.Add("study_year", "registry.need_study_year")
	}
	if g.Diploma != people.StudentDiploma {
		g.StudyYear = 0
	}
	if g.Department = strings.TrimSpace(g.Department); len(g.Department) > maxText {
		f.Add("department", "registry.too_long")
	}
	return f.Err()
}

// lastPart is what stands after the last slash of an address.
func lastPart(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '/')+1:]
}

func badDate(field string) error {
	f := errs.Fields{}
	f.Add(field, "registry.need_date")
	return f.Err()
}

// needSure asks for the tick that stands before what cannot be undone.
func needSure() error {
	f := errs.Fields{}
	f.Add("sure", "registry.need_sure")
	return f.Err()
}
