package profiles

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/errs"
	"amicale/internal/geo"
	"amicale/internal/id"
	"amicale/internal/people"
)

// Purposes are what a contact point of a kind can be for.
func Purposes(k people.ContactKind) []people.Purpose {
	if k == people.Postal {
		return []people.Purpose{people.Personal, people.Professional, people.Temporary}
	}
	return []people.Purpose{people.Personal, people.Professional}
}

// Most is how many contact points of a kind and purpose one may add; what an import brought beyond stays.
func Most(k people.ContactKind, p people.Purpose) int {
	switch {
	case k == people.Email:
		return 2
	case p == people.Temporary:
		return 4
	}
	return 3
}

// Limits of a postal address, in characters.
const (
	maxStreet   = 300
	maxPostcode = 16
	maxCity     = 80
)

// checkContact brings a contact point to its form and says, field by field, what is wrong with it in this dossier.
func checkContact(d people.Dossier, as people.Associations, c *people.ContactPoint, today time.Time) error {
	f := errs.Fields{}
	if !slices.Contains(Purposes(c.Kind), c.Purpose) {
		f.Add("purpose", "profile.choice_bad")
	} else if others(d, *c) >= Most(c.Kind, c.Purpose) {
		f.Add("purpose", "profile."+string(c.Kind)+"_too_many", map[string]any{"Max": Most(c.Kind, c.Purpose)})
	}
	stored := c.Audience
	if old, ok := contactOf(d, c.ID); ok {
		stored = old.Audience
	} else if !stored.OneOf(CoordinateChoices("")) {
		stored = ""
	}
	if !c.Audience.OneOf(CoordinateChoices(stored)) {
		f.Add("audience", "profile.audience_bad")
	}
	if c.Kind == people.Postal {
		checkPostal(f, c, today)
	} else {
		checkValue(f, d, as, c)
	}
	return f.Err()
}

func checkValue(f errs.Fields, d people.Dossier, as people.Associations, c *people.ContactPoint) {
	c.ValidFrom, c.ValidTo = time.Time{}, time.Time{}
	switch {
	case strings.TrimSpace(c.Value) == "":
		f.Add("value", "profile.required")
	case utf8.RuneCountInString(c.Value) > 254 || !c.Normalize():
		f.Add("value", "profile."+string(c.Kind)+"_bad")
	case slices.ContainsFunc(d.Contacts, func(o people.ContactPoint) bool {
		return o.Kind == c.Kind && o.ID != c.ID && o.ValueKey == c.ValueKey
	}):
		f.Add("value", "profile."+string(c.Kind)+"_twice")
	case c.Kind == people.Email && as.Ours(c.ValueKey):
		f.Add("value", "profile.email_lifetime")
	}
}

func checkPostal(f errs.Fields, c *people.ContactPoint, today time.Time) {
	c.Street = lines(c.Street)
	c.Postcode, c.City = oneLine(c.Postcode), oneLine(c.City)
	if _, ok := geo.CountryByCode(c.Country, "fr"); !ok {
		f.Add("country", "profile.country_bad")
	}
	for _, t := range []struct {
		field, text string
		most        int
	}{{"street", c.Street, maxStreet}, {"postcode", c.Postcode, maxPostcode}, {"city", c.City, maxCity}} {
		if utf8.RuneCountInString(t.text) > t.most {
			f.Add(t.field, "profile.too_long", map[string]any{"Max": t.most})
		}
	}
	if c.City == "" {
		switch towns := Towns(*c); len(towns) {
		case 0:
			f.Add("city", "profile.required")
		case 1:
			c.City = towns[0]
		default:
			f.Add("city", "profile.city_choose")
		}
	}
	checkDates(f, c, today)
	c.Normalize()
}

func checkDates(f errs.Fields, c *people.ContactPoint, today time.Time) {
	if c.Purpose != people.Temporary {
		c.ValidFrom, c.ValidTo = time.Time{}, time.Time{}
		return
	}
	if c.ValidFrom.IsZero() {
		f.Add("from", "profile.required")
	}
	switch {
	case c.ValidTo.IsZero():
		f.Add("to", "profile.required")
	case c.ValidTo.Before(c.ValidFrom):
		f.Add("to", "profile.dates_crossed")
	case c.ValidTo.Before(today):
		f.Add("to", "profile.dates_over")
	}
}

// Towns are those of an address's French postcode, the largest first; none where the postcode is not whole.
func Towns(c people.ContactPoint) []string {
	const most, whole = 40, 5
	digits := strings.ReplaceAll(c.Postcode, " ", "")
	if len(digits) != whole || strings.Trim(digits, "0123456789") != "" {
		return nil
	}
	var out []string
	for _, p := range geo.Suggest(digits, c.Country, most) {
		out = append(out, p.Name)
	}
	return out
}

// lines is a text of several lines, each on its own and none of them empty.
func lines(s string) string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = oneLine(l); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// others counts the contact points of the same kind and purpose besides c.
func others(d people.Dossier, c people.ContactPoint) (n int) {
	for _, o := range d.Contacts {
		if o.Kind == c.Kind && o.Purpose == c.Purpose && o.ID != c.ID {
			n++
		}
	}
	if old, ok := contactOf(d, c.ID); ok && old.Purpose == c.Purpose {
		return 0 // it has its place already
	}
	return n
}

func contactOf(d people.Dossier, i id.ID) (people.ContactPoint, bool) {
	for _, c := range d.Contacts {
		if c.ID == i && !i.IsZero() {
			return c, true
		}
	}
	return people.ContactPoint{}, false
}

// Contacts are those of a kind.
func Contacts(list []people.ContactPoint, k people.ContactKind) []people.ContactPoint {
	var out []people.ContactPoint
	for _, c := range list {
		if c.Kind == k {
			out = append(out, c)
		}
	}
	return out
}

// lastWayIn reports whether no confirmed e-mail address that works is left without a contact point: a forgotten password
// could not be replaced.
func lastWayIn(d people.Dossier, c people.ContactPoint) bool {
	return c.Kind == people.Email && !c.ConfirmedAt.IsZero() && !slices.ContainsFunc(d.Contacts, func(o people.ContactPoint) bool {
		return o.Kind == people.Email && o.ID != c.ID && !o.ConfirmedAt.IsZero() && o.BrokenAt.IsZero()
	})
}

// editable are the parts of a contact point that a form shows.
type editable struct {
	Value, Street, Postcode, City, Country string
	Purpose                                people.Purpose
	From, To                               string
	Audience                               string
}

// ContactVersion is Version for a contact point.
func ContactVersion(c people.ContactPoint) string {
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.DateOnly)
	}
	return Version(editable{c.Value, c.Street, c.Postcode, c.City, c.Country, c.Purpose, day(c.ValidFrom), day(c.ValidTo), string(c.Audience)})
}
