package imports

import (
	"cmp"
	"maps"
	"strconv"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/people"
)

// origin marks what an import wrote.
const origin = "import"

// newDossier is the person whom a record makes.
func newDossier(r *lists.Record, schools people.Associations) people.Dossier {
	d := people.Dossier{Person: people.Person{
		ID: id.New(), Civility: r.Civility, FirstNames: r.FirstNames, FirstName: r.FirstName, BirthSurname: r.BirthSurname, UsageSurname: r.UsageSurname,
		BirthDate: r.Birth.Time(), BirthYear: r.Birth.Year, Status: r.Status, DeceasedOn: r.Death.Time(),
	}, Note: noteOf(r), LegacyIDs: r.Legacy, Redirects: r.Redirects}
	for _, g := range r.Degrees {
		d.Degrees = append(d.Degrees, newDegree(g, schools))
	}
	for _, c := range r.Contacts {
		d.Contacts = append(d.Contacts, contactPoint(c))
	}
	for _, m := range r.Memberships {
		d.Memberships = append(d.Memberships, membership(m, schools))
	}
	for _, f := range r.Refusals {
		d.Consents = append(d.Consents, consents(f)...)
	}
	d.Logins = loginsOf(r, d.Degrees, schools)
	return d
}

// noteOf is what has no place of its own, and what a date that is not a whole day says besides the year.
func noteOf(r *lists.Record) map[string]string {
	partial := func(d lists.Date) bool { return !d.IsZero() && d.Day == 0 }
	birth, death := partial(r.Birth) && r.Birth.Month > 0, partial(r.Death)
	if !birth && !death {
		return r.Note
	}
	note := maps.Clone(r.Note)
	if note == nil {
		note = map[string]string{}
	}
	if birth {
		note[string(lists.BirthDate)] = r.Birth.String()
	}
	if death {
		note[string(lists.DeathDate)] = r.Death.String()
	}
	return note
}

func newDegree(g lists.Degree, schools people.Associations) people.Degree {
	a, _ := schools.ByCode(g.Association)
	return people.Degree{ID: id.New(), AssociationID: a.ID, ClassYear: g.ClassYear, Diploma: g.Diploma, StudyYear: g.StudyYear, Department: g.Department}
}

func contactPoint(c lists.Contact) people.ContactPoint {
	return people.ContactPoint{Kind: c.Kind, Purpose: c.Purpose, Value: c.Value, ValueKey: c.Value, Street: c.Street, Postcode: c.Postcode, City: c.City,
		Country: c.Country, ValidFrom: c.From.First().Time(), ValidTo: c.To.Last().Time(), Origin: origin}
}

func membership(m lists.Membership, schools people.Associations) people.Membership {
	a, _ := schools.ByCode(m.Association)
	return people.Membership{AssociationID: a.ID, StartsOn: m.From.Time(), EndsOn: m.To.Time(), Origin: cmp.Or(m.Origin, origin)}
}

// consentKinds are the kinds of consent that a column of refusal takes back.
func consentKinds(f lists.Field) []string {
	switch f {
	case lists.RefuseMailing:
		return []string{"mailing"}
	case lists.RefusePost:
		return []string{"paper"}
	case lists.RefusePhone:
		return []string{"phone"}
	case lists.RefuseDirectory:
		return []string{"directory"}
	}
	return []string{"mailing", "paper", "phone", "directory"}
}

// consents are what a refusal is in the base. One without a date counts from the import.
func consents(f lists.Refusal) []people.Consent {
	var out []people.Consent
	for _, kind := range consentKinds(f.Kind) {
		out = append(out, people.Consent{Kind: kind, At: f.Date.First().Time(), Origin: cmp.Or(f.Origin, origin)})
	}
	return out
}

// loginsOf are the record's, verbatim. A current one belongs to the degree whose school and year it ends with, else to
// the first degree that has none yet.
func loginsOf(r *lists.Record, degrees []people.Degree, schools people.Associations) []people.Login {
	if len(r.Logins)+len(r.FormerLogins) == 0 {
		return nil
	}
	served := make([]bool, len(degrees))
	var out []people.Login
	seen := map[string]bool{}
	add := func(login string, of func(key string) int) {
		key := fold.TypedLogin(login)
		if seen[key] {
			return
		}
		seen[key] = true
		l := people.Login{Login: login, Origin: origin}
		if at := of(key); at >= 0 {
			served[at], l.DegreeID, l.Current = true, degrees[at].ID, true
		}
		out = append(out, l)
	}
	for _, login := range r.Logins {
		add(login, func(key string) int { return degreeFor(key, degrees, served, schools) })
	}
	for _, login := range r.FormerLogins {
		add(login, func(string) int { return -1 })
	}
	return out
}

func degreeFor(loginKey string, degrees []people.Degree, served []bool, schools people.Associations) int {
	free := -1
	for i, g := range degrees {
		if served[i] {
			continue
		}
		a, _ := schools.ByID(g.AssociationID)
		if g.ClassYear > 0 && strings.HasSuffix(loginKey, "."+a.Code+strconv.Itoa(g.ClassYear)) {
			return i
		}
		if free < 0 {
			free = i
		}
	}
	return free
}
