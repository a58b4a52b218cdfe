package people

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Moved is what a merge did, for the audit trail.
type Moved struct {
	From        id.ID    `json:"from"`
	Into        id.ID    `json:"into"`
	Name        string   `json:"name"` // of the double
	Degrees     int      `json:"degrees"`
	Collapsed   int      `json:"collapsed"` // degrees that both had
	Logins      []string `json:"logins"`
	Contacts    int      `json:"contacts"`
	Memberships int      `json:"memberships"`
	LegacyIDs   int      `json:"legacy_ids"`
	Consents    int      `json:"consents"`
	Redirects   int      `json:"redirects"`
	Filled      []string `json:"filled"` // fields that only the double had
}

// mayMergeOrErase is stricter than MayManage: what touches a person as a whole is for the federation's admins and
// for whoever is webmaster of every school of his.
func mayMergeOrErase(v viewer.Viewer, d Dossier) bool {
	if v.IsFederationAdmin() {
		return true
	}
	for _, a := range d.Associations() {
		if !v.HasAt(a, viewer.Webmaster) {
			return false
		}
	}
	return len(d.Degrees) > 0
}

// mergePlan says what of a double goes where; it is made without a database.
type mergePlan struct {
	person    Person // what the row of the one who stays will say
	audiences map[Field]viewer.Audience
	note      map[string]string
	filled    []string

	twins       map[id.ID]Degree       // degree of the double → the one that takes its place, completed
	contacts    map[id.ID]ContactPoint // contact point of the double → the same one of the other, completed
	unprefer    []id.ID                // contact points that are preferred no more: there is one a kind
	memberships map[id.ID]bool         // memberships of the double that the other has too
	renamed     map[id.ID]bool         // degrees whose login stays, but is shown no more
}

func planMerge(from, into Dossier) mergePlan {
	p := mergePlan{person: into.Person, audiences: maps.Clone(from.Audiences), note: maps.Clone(from.Note)}
	if p.audiences == nil {
		p.audiences = map[Field]viewer.Audience{}
	}
	if p.note == nil {
		p.note = map[string]string{}
	}
	maps.Copy(p.audiences, into.Audiences)
	maps.Copy(p.note, into.Note)
	p.fill(from.Person)
	p.degrees(from, into)
	p.contactPoints(from, into)
	p.memberships = map[id.ID]bool{}
	for _, m := range from.Memberships {
		p.memberships[m.ID] = slices.ContainsFunc(into.Memberships, func(o Membership) bool {
			return o.AssociationID == m.AssociationID && o.StartsOn.Equal(m.StartsOn) && o.EndsOn.Equal(m.EndsOn)
		})
	}
	return p
}

// fill takes from the double what the other lacks. Names that both have stay as they are: which of two is right,
// nobody can tell from here.
func (p *mergePlan) fill(from Person) {
	to := &p.person
	p.text("civility", &to.Civility, from.Civility)
	p.text("first_names", &to.FirstNames, from.FirstNames)
	p.text("first_name", &to.FirstName, from.FirstName)
	p.text("birth_surname", &to.BirthSurname, from.BirthSurname)
	p.text("headline", &to.Headline, from.Headline)
	p.text("presentation", &to.Presentation, from.Presentation)
	p.text("photo", &to.Photo, from.Photo)
	if to.UsageSurname == "" && from.UsageSurname != "" && fold.Name(from.BirthSurname) == fold.Name(to.BirthSurname) {
		p.text("usage_surname", &to.UsageSurname, from.UsageSurname)
	}
	if to.BirthDate.IsZero() && !from.BirthDate.IsZero() && (to.BirthYear == 0 || to.BirthYear == from.BirthYear) {
		to.BirthDate, to.BirthYear = from.BirthDate, from.BirthYear
		p.filled = append(p.filled, "birth_date")
	} else if to.BirthYear == 0 && from.BirthYear != 0 {
		to.BirthYear = from.BirthYear
		p.filled = append(p.filled, "birth_year")
	}
	// Who ever signed in, did so as the one who stays; a death that one row knows of is true unless he signs in.
	if from.Status == Deceased && to.Status != Deceased && !to.Activated() {
		to.Status, to.DeceasedOn = Deceased, from.DeceasedOn
		p.filled = append(p.filled, "status")
	}
	if from.Activated() && (!to.Activated() || from.ActivatedAt.Before(to.ActivatedAt)) {
		to.ActivatedAt = from.ActivatedAt
	}
	if from.ConfirmedAt.After(to.ConfirmedAt) {
		to.ConfirmedAt = from.ConfirmedAt
	}
}

func (p *mergePlan) text(name string, to *string, from string) {
	if *to == "" && from != "" {
		*to = from
		p.filled = append(p.filled, name)
	}
}

// degrees finds those that both have: the same school, year and diploma. Of two logins of one school and year, that
// of the one who stays goes on being shown.
func (p *mergePlan) degrees(from, into Dossier) {
	p.twins, p.renamed = map[id.ID]Degree{}, map[id.ID]bool{}
	for _, g := range from.Degrees {
		for _, o := range into.Degrees {
			if o.AssociationID != g.AssociationID || o.ClassYear != g.ClassYear {
				continue
			}
			if into.opensBy(o) {
				p.renamed[g.ID] = true
			}
			if o.Diploma == g.Diploma {
				o.Department = cmp.Or(o.Department, g.Department)
				o.StudyYear = cmp.Or(o.StudyYear, g.StudyYear)
				p.twins[g.ID] = o
			}
		}
	}
}

// opensBy reports whether a degree, or another of the same school and year, has a login in use.
func (d Dossier) opensBy(g Degree) bool {
	return slices.ContainsFunc(d.Logins, func(l Login) bool {
		o, ok := d.degree(l.DegreeID)
		return ok && l.Current && o.AssociationID == g.AssociationID && o.ClassYear == g.ClassYear
	})
}

// contactPoints finds those that both have. The other's purpose and audience stay; a confirmation counts for both, and
// so does it that an address works. Of two preferred ones that of the one who stays is kept, unless it alone is broken.
func (p *mergePlan) contactPoints(from, into Dossier) {
	p.contacts = map[id.ID]ContactPoint{}
	for _, c := range from.Contacts {
		i := slices.IndexFunc(into.Contacts, func(o ContactPoint) bool { return sameContact(o, c) })
		if i >= 0 {
			o := into.Contacts[i]
			if o.ConfirmedAt.IsZero() {
				o.ConfirmedAt = c.ConfirmedAt
			}
			if c.BrokenAt.IsZero() {
				o.BrokenAt = c.BrokenAt
			}
			p.contacts[c.ID] = o
		} else if c.Preferred {
			p.unprefer = append(p.unprefer, into.overtaken(c)...)
		}
	}
}

// overtaken are the contact points that are preferred no more when another preferred one joins: it, or those here.
func (d Dossier) overtaken(by ContactPoint) (out []id.ID) {
	for _, c := range d.Contacts {
		if c.Kind != by.Kind || !c.Preferred {
			continue
		}
		if c.BrokenAt.IsZero() || !by.BrokenAt.IsZero() {
			return []id.ID{by.ID}
		}
		out = append(out, c.ID)
	}
	return out
}

func sameContact(a, b ContactPoint) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind != Postal {
		return a.ValueKey == b.ValueKey
	}
	sameTime := func(x, y time.Time) bool { return x.Equal(y) }
	return fold.Name(a.Street) == fold.Name(b.Street) && a.Postcode == b.Postcode && fold.Name(a.City) == fold.Name(b.City) &&
		a.Country == b.Country && sameTime(a.ValidFrom, b.ValidFrom) && sameTime(a.ValidTo, b.ValidTo)
}
