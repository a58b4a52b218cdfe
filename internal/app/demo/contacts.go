package demo

import (
	"fmt"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// contacts are what an older system knew and what the person added.
func (g *generator) contacts(d *people.Dossier, code string) {
	if d.Activated() || g.chance(35) {
		d.Contacts = append(d.Contacts, g.email(d, code))
	}
	if d.Activated() && d.Status == people.Graduate && g.chance(30) && len(d.Logins) > 0 {
		head, tail := mailParts(d.CurrentLogin())
		c := people.ContactPoint{Kind: people.Email, Purpose: people.Professional, Value: head + "." + tail + "@" + fold.LoginPart(pickOne(g.Rand, g.companies)) + ".example",
			ConfirmedAt: d.ConfirmedAt, Origin: "person"}
		c.ValueKey = c.Value
		d.Contacts = append(d.Contacts, c)
	}
	if g.chance(55) {
		d.Contacts = append(d.Contacts, g.phone())
	}
	if g.chance(85) {
		d.Contacts = append(d.Contacts, g.address(code))
	}
	if d.Activated() && g.chance(1) {
		c := g.address("abroad")
		c.Purpose, c.Origin = people.Temporary, "person"
		c.ValidFrom = g.now.AddDate(0, -g.IntN(6), 0)
		c.ValidTo = c.ValidFrom.AddDate(1, 0, 0)
		d.Contacts = append(d.Contacts, c)
	}
	for i := range d.Contacts {
		c := &d.Contacts[i]
		c.ID = g.id()
		if d.Activated() && g.chance(20) {
			c.Audience = pickOne(g.Rand, viewer.CoordinateAudiences())
		}
		if c.Kind == people.Email && c.Purpose == people.Personal && g.chance(40) {
			d.Redirects = append(d.Redirects, c.Value)
		}
	}
}

// mailParts takes a login apart: jean.martin-2 and ly98.
func mailParts(login string) (head, tail string) {
	i := strings.LastIndexByte(login, '.')
	return login[:i], login[i+1:len(login)-4] + login[len(login)-2:]
}

// email is an address that nobody else has: it is made of the login in one of two ways, of which one goes with the
// school's own provider.
func (g *generator) email(d *people.Dossier, code string) people.ContactPoint {
	providers := []string{"exemple.fr", "mail.example", "courriel.example", "poste.example", "boite.example", "message.example"}
	local, domain := fmt.Sprintf("personne.%d", g.next), pickOne(g.Rand, providers)
	if login := d.CurrentLogin(); login != "" {
		head, tail := mailParts(login)
		local = head + "." + tail
		if g.chance(50) {
			local, domain = head+tail[len(tail)-2:], providers[strings.Index("ly re ro to st cv", tail[:len(tail)-2])/3]
		}
	}
	c := people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: local + "@" + domain, Preferred: true, Origin: "import"}
	if d.Activated() {
		c.ConfirmedAt = d.ActivatedAt
	}
	c.ValueKey = c.Value
	return c
}

// phone lies in the ranges that are never given to anybody: Arcep decision 2018-0881, annex, 2.5.12.
func (g *generator) phone() people.ContactPoint {
	prefix := pickOne(g.Rand, []string{"01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49"})
	number := 100 + g.IntN(9900) // the first hundred are for Inactives
	value := fmt.Sprintf("%s %02d %02d", prefix, number/100, number%100)
	return people.ContactPoint{Kind: people.Phone, Purpose: people.Personal, Value: value,
		ValueKey: "+33" + strings.ReplaceAll(value, " ", "")[1:], Origin: "import"}
}

// address lies near the school, near Paris, somewhere else in France or abroad.
func (g *generator) address(code string) people.ContactPoint {
	towns := g.abroad
	if code != "abroad" {
		switch x := g.Float64() * 100; {
		case x < 52:
			towns = g.towns[code]
		case x < 76:
			towns = g.towns["idf"]
		case x < 88:
			towns = g.towns["fr"]
		case x < 92:
			towns = g.towns[pickOne(g.Rand, g.schools).code]
		}
	}
	t := towns.pick(g.Rand)
	street := fmt.Sprintf("%d %s %s", 1+g.IntN(120), pickOne(g.Rand, g.streetKinds), pickOne(g.Rand, g.streets))
	if t.country != "FR" {
		street = fmt.Sprintf("%s 7%02d", pickOne(g.Rand, g.companies), g.IntN(100))
	}
	return people.ContactPoint{Kind: people.Postal, Purpose: people.Personal, Street: street, Postcode: t.postcode, City: t.name, Country: t.country, Origin: "import"}
}

// memberships: about 35 of a hundred pay their dues today, most of them people who use the site.
func (g *generator) memberships(d *people.Dossier, code string, year int) {
	paying, former := 8.0, 15.0
	if d.Activated() {
		paying, former = 52, 30
	}
	if d.Status == people.Deceased {
		paying = 0
	}
	last := g.now.Year()
	switch {
	case g.chance(paying):
	case g.chance(former):
		last -= 1 + g.IntN(6)
	default:
		return
	}
	for y := last; y > last-1-g.IntN(3) && y >= year-4; y-- {
		d.Memberships = append(d.Memberships, people.Membership{ID: g.id(), AssociationID: g.as[code],
			StartsOn: time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), EndsOn: time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC), Origin: "import"})
	}
}

// words are a headline and a presentation, of those who use the site.
func (g *generator) words(d *people.Dossier, woman bool, year int) {
	if !d.Activated() || !g.chance(72) {
		return
	}
	titles := g.titles
	if g.now.Year()-year <= 5 {
		titles = g.beginnings
	}
	field, title := pickOne(g.Rand, g.fields), pickOne(g.Rand, titles).of(woman)
	switch {
	case d.Status == people.Student && g.chance(50):
		d.Headline = "Cherche un stage, " + field
	case d.Status == people.Student:
		d.Headline = gendered{"Élève ingénieur", "Élève ingénieure"}.of(woman) + ", " + field
	case g.now.Year()-year > 41:
		d.Headline = gendered{"Retraité, ancien ", "Retraitée, ancienne "}.of(woman) + lowerFirst(title)
	case g.chance(45):
		d.Headline = title + ", " + field
	default:
		d.Headline = title + ", " + field + ", chez " + pickOne(g.Rand, g.companies)
	}
	if g.chance(35) {
		d.Presentation = pickOne(g.Rand, g.about).of(woman)
		if more := pickOne(g.Rand, g.about).of(woman); g.chance(40) && more != d.Presentation {
			d.Presentation += "\n\n" + more
		}
	}
}

func lowerFirst(s string) string {
	r := []rune(s)
	if len(r) > 1 && r[1] >= 'A' && r[1] <= 'Z' {
		return s
	}
	return strings.ToLower(string(r[:1])) + string(r[1:])
}
