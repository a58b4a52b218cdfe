package imports

import (
	"strconv"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/people"
)

// update is what a row changes of somebody whom the base knows. A field that only the list changed since it was last
// imported is taken over; one that the person or the staff changed meanwhile becomes a conflict, and stays.
type update struct {
	names       *people.Names
	birth       *lists.Date
	status      *people.Person // Status and DeceasedOn only
	degrees     []people.Degree
	contacts    []people.ContactPoint
	memberships []people.Membership
	consents    []people.Consent
	logins      []people.Login
	legacy      []people.LegacyID
	redirects   []string
	note        map[string]string // the whole of it; nil if it stays
	conflicts   []conflict
	mints       bool // a login may come of it, so every kept one must be in before
}

// conflict is a field of which list and base say different things.
type conflict struct {
	field      string // as the desk knows it
	base, file string
	degree     id.ID
}

// empty reports that the person stays as he is.
func (u *update) empty() bool {
	return u.names == nil && u.birth == nil && u.status == nil && u.note == nil &&
		len(u.degrees)+len(u.contacts)+len(u.memberships)+len(u.consents)+len(u.logins)+len(u.legacy)+len(u.redirects) == 0
}

// comparison is one row beside what lists said last and what the base says now.
type comparison struct {
	last    *lists.Record // empty if no list said anything in this row's name before
	file    *lists.Record
	base    *people.Dossier
	schools people.Associations
	update
}

// compare decides what a row changes. Nothing is ever emptied: a cell without a value says nothing.
func compare(last, file *lists.Record, base *people.Dossier, schools people.Associations) update {
	c := comparison{last: last, file: file, base: base, schools: schools}
	if file.Named() {
		c.names()
		c.lifespan()
	}
	c.degrees()
	for _, kind := range []people.ContactKind{people.Email, people.Phone, people.Postal} {
		for _, purpose := range []people.Purpose{people.Personal, people.Professional, people.Temporary} {
			c.contacts(kind, purpose)
		}
	}
	c.memberships()
	c.refusals()
	c.others()
	return c.update
}

// somebodyElse reports a row whose identifier is a person's, while neither its first name nor its surname is, or ever
// was to a list: it numbers its rows in a way of its own, and would write one person over another.
func somebodyElse(file, last *lists.Record, base *people.Dossier) bool {
	if !file.Named() || len(file.Legacy) == 0 {
		return false
	}
	first, surname := fold.Name(file.FirstName), fold.Name(file.Surname())
	known := first == "" || first == fold.Name(last.FirstName) || strings.Contains(" "+fold.Name(base.FirstName+" "+base.FirstNames)+" ", " "+first+" ")
	for _, s := range []string{last.BirthSurname, last.UsageSurname, base.BirthSurname, base.UsageSurname} {
		known = known || surname == fold.Name(s)
	}
	return !known
}

// take settles one text; ok says that the list's is to be taken.
func (c *comparison) take(field, last, file, base string) bool {
	switch {
	case file == "" || file == last || file == base:
		return false
	case base == last:
		return true
	case fold.Name(file) == fold.Name(base):
		return false // only accents or capitals, and the base's were chosen by hand
	}
	c.conflicts = append(c.conflicts, conflict{field: field, base: base, file: file})
	return false
}

func (c *comparison) names() {
	b := c.base
	n := people.Names{Civility: b.Civility, FirstNames: b.FirstNames, FirstName: b.FirstName, BirthSurname: b.BirthSurname, UsageSurname: b.UsageSurname}
	changed := false
	for _, t := range []struct {
		field      string
		last, file string
		base       *string
	}{
		{"civility", c.last.Civility, c.file.Civility, &n.Civility},
		{"first_names", c.last.FirstNames, c.file.FirstNames, &n.FirstNames},
		{"first_name", c.last.FirstName, c.file.FirstName, &n.FirstName},
		{"birth_surname", c.last.BirthSurname, c.file.BirthSurname, &n.BirthSurname},
		{"usage_surname", c.last.UsageSurname, c.file.UsageSurname, &n.UsageSurname},
	} {
		if t.field == "birth_surname" && c.file.UsageSurname == "" && fold.Name(t.file) == fold.Name(b.Surname()) {
			continue // a list with one column of names gives the one in use, and the base has it
		}
		if c.take(t.field, t.last, t.file, *t.base) {
			*t.base, changed = t.file, true
		}
	}
	if !changed {
		return
	}
	c.update.names = &n
	after := people.Person{FirstName: n.FirstName, BirthSurname: n.BirthSurname, UsageSurname: n.UsageSurname}
	c.mints = c.mints || fold.LoginPart(after.FirstName) != fold.LoginPart(b.FirstName) || fold.LoginPart(after.Surname()) != fold.LoginPart(b.Surname())
}

// lifespan compares dates as the base keeps them: a day, or a year.
func (c *comparison) lifespan() {
	base := dateOf(c.base.BirthDate)
	if base.IsZero() {
		base.Year = c.base.BirthYear
	}
	if file := c.file.Birth; c.take("birth_date", kept(c.last.Birth).String(), kept(file).String(), base.String()) {
		c.birth = &file
	}
	say := func(s people.Status, died lists.Date) string {
		if s != people.Deceased || died.Day == 0 {
			return string(s)
		}
		return string(s) + " " + died.String()
	}
	lastSaid, fileSaid := say(c.last.Status, c.last.Death), say(c.file.Status, c.file.Death)
	baseSaid := say(c.base.Status, dateOf(c.base.DeceasedOn))
	if lastSaid == "" && c.file.Status != people.Deceased && c.base.Status != "" {
		return // a status that nothing but the class year suggests is no news
	}
	before := len(c.conflicts)
	if c.take("status", lastSaid, fileSaid, baseSaid) {
		c.status = &people.Person{Status: c.file.Status, DeceasedOn: c.file.Death.Time()}
	}
	if len(c.conflicts) > before && c.file.Status != c.base.Status { // not about the day: the desk can take the status alone
		c.conflicts[before].base, c.conflicts[before].file = string(c.base.Status), string(c.file.Status)
	}
}

// kept is as much of a date as the base keeps.
func kept(d lists.Date) lists.Date {
	if d.Day == 0 {
		return lists.Date{Year: d.Year}
	}
	return d
}

func dateOf(t time.Time) lists.Date {
	if t.IsZero() {
		return lists.Date{}
	}
	return lists.Date{Year: t.Year(), Month: int(t.Month()), Day: t.Day()}
}

// degrees pairs the row's degrees with those it had, and those with the base's.
func (c *comparison) degrees() {
	used := map[id.ID]bool{}
	for i, file := range c.file.Degrees {
		last, before := lists.Degree{}, false
		if i < len(c.last.Degrees) && c.last.Degrees[i].Association == file.Association {
			last, before = c.last.Degrees[i], true
		}
		if before && last == file {
			if held := c.heldDegree(last, used); held != nil {
				used[held.ID] = true
			}
			continue
		}
		want := last
		if !before {
			want = file
		}
		held := c.heldDegree(want, used)
		switch {
		case held != nil:
			used[held.ID] = true
			c.changeDegree(last, file, *held)
		case before: // removed by hand
			c.conflicts = append(c.conflicts, conflict{field: "degree", file: degreeText(file)})
		case file.ClassYear == 0 && c.base.Degrees != nil:
			// the list names no class: it says nothing that the base's other degrees do not say
		default:
			added := newDegree(file, c.schools)
			added.ID, added.PersonID = id.ID{}, c.base.ID
			c.update.degrees = append(c.update.degrees, added)
			c.mints = true
		}
	}
}

// heldDegree is the base's degree that a list's is: of the same school, class and diploma, else of the same school
// and class, else the only one of the school where one of the two has no class.
func (c *comparison) heldDegree(g lists.Degree, used map[id.ID]bool) *people.Degree {
	a, _ := c.schools.ByCode(g.Association)
	var sameClass, sameSchool *people.Degree
	schools := 0
	for i := range c.base.Degrees {
		held := &c.base.Degrees[i]
		if held.AssociationID != a.ID || used[held.ID] {
			continue
		}
		schools++
		sameSchool = held
		if held.ClassYear != g.ClassYear {
			continue
		}
		if held.Diploma == g.Diploma {
			return held
		}
		sameClass = held
	}
	if sameClass == nil && schools == 1 && (sameSchool.ClassYear == 0 || g.ClassYear == 0) {
		return sameSchool
	}
	return sameClass
}

func (c *comparison) changeDegree(last, file lists.Degree, held people.Degree) {
	before, from := held, len(c.conflicts)
	if c.take("class_year", number(last.ClassYear), number(file.ClassYear), number(held.ClassYear)) {
		held.ClassYear, c.mints = file.ClassYear, true
	}
	if c.take("diploma", string(last.Diploma), string(file.Diploma), string(held.Diploma)) {
		held.Diploma = file.Diploma
	}
	if c.take("study_year", number(last.StudyYear), number(file.StudyYear), number(held.StudyYear)) {
		held.StudyYear = file.StudyYear
	}
	if c.take("department", last.Department, file.Department, held.Department) {
		held.Department = file.Department
	}
	for i := from; i < len(c.conflicts); i++ {
		c.conflicts[i].degree = held.ID
	}
	if held != before {
		c.update.degrees = append(c.update.degrees, held)
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func degreeText(g lists.Degree) string {
	return strings.Join(strings.Fields(g.Association+" "+number(g.ClassYear)+" "+string(g.Diploma)+" "+g.Department), " ")
}
