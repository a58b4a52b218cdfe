package imports

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// update is what a row changes of somebody whom the base knows. A field that only the list changed since it was last
// imported is taken over; one that the person or the staff changed meanwhile becomes a conflict, and stays.
type update struct {
	names       *people.Names
	birth       *Date
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
	last    *Record // empty if no list said anything in this row's name before
	file    *Record
	base    *people.Dossier
	schools people.Associations
	update
}

// compare decides what a row changes. Nothing is ever emptied: a cell without a value says nothing.
func compare(last, file *Record, base *people.Dossier, schools people.Associations) update {
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
	say := func(s people.Status, died Date) string {
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
	if c.take("status", lastSaid, fileSaid, baseSaid) {
		c.status = &people.Person{Status: c.file.Status, DeceasedOn: c.file.Death.Time()}
	}
}

// kept is as much of a date as the base keeps.
func kept(d Date) Date {
	if d.Day == 0 {
		return Date{Year: d.Year}
	}
	return d
}

func dateOf(t time.Time) Date {
	if t.IsZero() {
		return Date{}
	}
	return Date{t.Year(), int(t.Month()), t.Day()}
}

// degrees pairs the row's degrees with those it had, and those with the base's.
func (c *comparison) degrees() {
	used := map[id.ID]bool{}
	for i, file := range c.file.Degrees {
		last, before := Degree{}, false
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
			c.conflicts = append(c.conflicts, conflict{field: "degree", file: file.text()})
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
func (c *comparison) heldDegree(g Degree, used map[id.ID]bool) *people.Degree {
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

func (c *comparison) changeDegree(last, file Degree, held people.Degree) {
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

func (g Degree) text() string {
	return strings.Join(strings.Fields(g.Association+" "+number(g.ClassYear)+" "+string(g.Diploma)+" "+g.Department), " ")
}

// contacts settles the e-mails, phones or addresses of one purpose. A new one takes the place of one that the list no
// longer has; it is added where the base holds nothing of its own beside what the list gave.
func (c *comparison) contacts(kind people.ContactKind, purpose people.Purpose) {
	last, file := keysOf(c.last, kind, purpose), keysOf(c.file, kind, purpose)
	held, everywhere := map[string]people.ContactPoint{}, map[string]bool{}
	own := "" // one of the base's that no list gave
	for _, b := range c.base.Contacts {
		if b.Kind != kind {
			continue
		}
		key := heldKey(b)
		everywhere[key] = true
		if b.Purpose != purpose {
			continue
		}
		held[key] = b
		if !slices.Contains(last, key) {
			own = showContact(b)
		}
	}
	gone := slices.DeleteFunc(slices.Clone(last), func(key string) bool { return slices.Contains(file, key) })
	for _, f := range c.file.Contacts {
		key := f.key()
		if f.Kind != kind || f.Purpose != purpose || everywhere[key] || slices.Contains(last, key) {
			continue
		}
		point := contactPoint(f)
		point.PersonID = c.base.ID
		switch {
		case len(gone) > 0:
			old, there := held[gone[0]]
			gone = gone[1:]
			if !there || !old.ConfirmedAt.IsZero() { // removed, or confirmed by its owner
				c.conflicts = append(c.conflicts, conflict{field: string(kind), base: showContact(old), file: showContact(point)})
				continue
			}
			point.ID, point.Audience, point.Preferred = old.ID, old.Audience, old.Preferred
		case own != "":
			c.conflicts = append(c.conflicts, conflict{field: string(kind), base: own, file: showContact(point)})
			continue
		}
		c.update.contacts = append(c.update.contacts, point)
		everywhere[key] = true
	}
}

func keysOf(r *Record, kind people.ContactKind, purpose people.Purpose) []string {
	var out []string
	for _, c := range r.Contacts {
		if c.Kind == kind && c.Purpose == purpose {
			out = append(out, c.key())
		}
	}
	return out
}

// key is what two ways of writing the same contact have in common.
func (c Contact) key() string {
	if c.Kind != people.Postal {
		return c.Value
	}
	return postalKey(c.Street, c.Postcode, c.City, c.Country) + "|" + c.From.First().String() + "|" + c.To.Last().String()
}

func heldKey(b people.ContactPoint) string {
	if b.Kind != people.Postal {
		return b.ValueKey
	}
	return postalKey(b.Street, b.Postcode, b.City, b.Country) + "|" + dateOf(b.ValidFrom).String() + "|" + dateOf(b.ValidTo).String()
}

func postalKey(street, postcode, city, country string) string {
	return fold.Name(street) + "|" + strings.ToUpper(postcode) + "|" + fold.Name(city) + "|" + strings.ToUpper(country)
}

// showContact is a contact as the desk shows it.
func showContact(b people.ContactPoint) string {
	if b.Kind != people.Postal {
		return b.Value
	}
	parts := []string{strings.ReplaceAll(b.Street, "\n", ", "), strings.TrimSpace(b.Postcode + " " + b.City), b.Country}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// memberships adds dues that the base does not have. An end that moved on adds the time in between; one that came
// nearer is not taken: what was once granted is taken back by people.
func (c *comparison) memberships() {
	for _, file := range c.file.Memberships {
		m := membership(file, c.schools)
		m.PersonID = c.base.ID
		at := slices.IndexFunc(c.last.Memberships, func(l Membership) bool { return l.Association == file.Association && l.From == file.From })
		if at >= 0 && c.last.Memberships[at].To == file.To {
			continue
		}
		if at >= 0 {
			last := c.last.Memberships[at]
			if file.To.Before(last.To) {
				if !last.Open {
					c.conflicts = append(c.conflicts, conflict{field: "membership", base: last.To.String(), file: file.To.String()})
				}
				continue
			}
			m.StartsOn = last.To.addDays(0, 1).Time()
		}
		if !slices.ContainsFunc(c.base.Memberships, func(b people.Membership) bool {
			return b.AssociationID == m.AssociationID && !b.StartsOn.After(m.StartsOn) && !b.EndsOn.Before(m.EndsOn)
		}) {
			c.update.memberships = append(c.update.memberships, m)
		}
	}
}

// refusals adds what the list newly says no to, unless the person said yes since.
func (c *comparison) refusals() {
	for _, f := range c.file.Refusals {
		if slices.Contains(c.last.Refusals, f) {
			continue
		}
		for _, no := range consents(f) {
			granted, _, said := people.StatusOn(c.base.Consents, no.Kind)
			switch {
			case said && granted && no.At.IsZero():
				c.conflicts = append(c.conflicts, conflict{field: "consent", base: no.Kind + ": +", file: no.Kind + ": −"})
				continue
			case said && !granted && (no.At.IsZero() || c.hasConsent(no)):
				continue
			}
			no.PersonID = c.base.ID
			c.consents = append(c.consents, no)
		}
	}
}

func (c *comparison) hasConsent(no people.Consent) bool {
	return slices.ContainsFunc(c.base.Consents, func(b people.Consent) bool {
		return b.Kind == no.Kind && b.At.Equal(no.At) && b.Granted == no.Granted
	})
}

// others adds what is only ever added: logins, identifiers, redirections, notes.
func (c *comparison) others() {
	for _, l := range c.file.logins(c.base.Degrees, c.schools) {
		if slices.Contains(c.last.Logins, l.Login) || !l.Current && slices.Contains(c.last.FormerLogins, l.Login) {
			continue // it is his already, and what is current now came after it
		}
		key := fold.TypedLogin(l.Login)
		if !slices.ContainsFunc(c.base.Logins, func(b people.Login) bool {
			return fold.TypedLogin(b.Login) == key && (b.Current || !l.Current)
		}) {
			l.PersonID = c.base.ID
			c.logins = append(c.logins, l)
		}
	}
	for _, l := range c.file.Legacy {
		if !slices.Contains(c.base.LegacyIDs, l) && !slices.Contains(c.last.Legacy, l) {
			c.legacy = append(c.legacy, l)
		}
	}
	for _, target := range c.file.Redirects {
		if !slices.Contains(c.base.Redirects, target) && !slices.Contains(c.last.Redirects, target) {
			c.redirects = append(c.redirects, target)
		}
	}
	note, last := maps.Clone(c.base.Note), c.last.note()
	for name, value := range c.file.note() {
		if c.base.Note[name] == value || last[name] == value {
			continue
		}
		if note == nil {
			note = map[string]string{}
		}
		note[name], c.note = value, note
	}
}

// over is what lists have said so far: a row laid over what stood there. What a row leaves out stays.
func over(last, file *Record) *Record {
	out := *file
	texts := func(to *string, old string) {
		if *to == "" {
			*to = old
		}
	}
	texts(&out.Civility, last.Civility)
	texts(&out.FirstNames, last.FirstNames)
	texts(&out.FirstName, last.FirstName)
	texts(&out.BirthSurname, last.BirthSurname)
	texts(&out.UsageSurname, last.UsageSurname)
	if out.Birth.IsZero() {
		out.Birth = last.Birth
	}
	if out.Status == "" {
		out.Status = last.Status
	}
	if out.Status == people.Deceased && out.Death.IsZero() {
		out.Death = last.Death
	}
	if len(out.Degrees) == 0 {
		out.Degrees = last.Degrees
	}
	out.Contacts = contactsOver(last, file)
	out.Legacy = union(last.Legacy, file.Legacy)
	out.Logins = union(last.Logins, file.Logins)
	out.FormerLogins = union(last.FormerLogins, file.FormerLogins)
	out.Redirects = union(last.Redirects, file.Redirects)
	out.Refusals = union(last.Refusals, file.Refusals)
	out.Memberships = membershipsOver(last, file)
	if len(last.Note) > 0 {
		out.Note = maps.Clone(last.Note)
		maps.Copy(out.Note, file.Note)
	}
	return &out
}

// contactsOver replaces the contacts of a kind and purpose where the row has some.
func contactsOver(last, file *Record) []Contact {
	out := slices.Clone(file.Contacts)
	for _, c := range last.Contacts {
		if len(keysOf(file, c.Kind, c.Purpose)) == 0 {
			out = append(out, c)
		}
	}
	sortContacts(out)
	return out
}

// sortContacts brings kinds and purposes into one order and leaves that of the row within them, so that the same
// contacts always read the same.
func sortContacts(list []Contact) {
	slices.SortStableFunc(list, func(a, b Contact) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(string(a.Purpose), string(b.Purpose)))
	})
}

func membershipsOver(last, file *Record) []Membership {
	out := slices.Clone(last.Memberships)
	for _, m := range file.Memberships {
		at := slices.IndexFunc(out, func(l Membership) bool { return l.Association == m.Association && l.From == m.From })
		if at < 0 {
			out = append(out, m)
		} else {
			out[at] = m
		}
	}
	return out
}

func union[T comparable](first, then []T) []T {
	out := slices.Clone(first)
	for _, v := range then {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
