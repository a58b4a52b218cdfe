package imports

import (
	"maps"
	"slices"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/imports/lists"
	"amicale/internal/people"
)

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
		key := keyOf(f)
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

func keysOf(r *lists.Record, kind people.ContactKind, purpose people.Purpose) []string {
	var out []string
	for _, c := range r.Contacts {
		if c.Kind == kind && c.Purpose == purpose {
			out = append(out, keyOf(c))
		}
	}
	return out
}

// keyOf is what two ways of writing the same contact have in common.
func keyOf(c lists.Contact) string {
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
		at := slices.IndexFunc(c.last.Memberships, func(l lists.Membership) bool { return l.Association == file.Association && l.From == file.From })
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
			m.StartsOn = last.To.AddDays(0, 1).Time()
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
	for _, l := range loginsOf(c.file, c.base.Degrees, c.schools) {
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
	note, last := maps.Clone(c.base.Note), noteOf(c.last)
	for name, value := range noteOf(c.file) {
		if c.base.Note[name] == value || last[name] == value {
			continue
		}
		if note == nil {
			note = map[string]string{}
		}
		note[name], c.note = value, note
	}
}
