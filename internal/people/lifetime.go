package people

import (
	"slices"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/id"
)

// LifetimeAddress is one address for life: a login at the mail domain of a school where it is right.
type LifetimeAddress struct {
	Address string
	School  Association
	Current bool // of a login in use; the others are former ones
}

// LifetimeAddresses are all of a person, those of logins in use first. A person who died has none.
func (d *Dossier) LifetimeAddresses(as Associations) []LifetimeAddress {
	var out []LifetimeAddress
	if d.Status == Deceased {
		return nil
	}
	for _, l := range d.Logins {
		g, _ := d.degree(l.DegreeID)
		for _, a := range as.OfLogin(fold.TypedLogin(l.Login), g.AssociationID, d.Associations()) {
			out = append(out, LifetimeAddress{LifetimePart(l.Login) + "@" + a.MailDomain, a, l.Current})
		}
	}
	slices.SortStableFunc(out, func(a, b LifetimeAddress) int {
		switch {
		case a.Current == b.Current:
			return 0
		case a.Current:
			return -1
		}
		return 1
	})
	return out
}

// LifetimeAt is the association at whose mail domain CurrentLogin is the lifetime address; zero without one.
func (d *Dossier) LifetimeAt() id.ID {
	current := d.CurrentLogin()
	for _, l := range d.Logins {
		for _, g := range d.Degrees {
			if l.Login == current && l.DegreeID == g.ID {
				return g.AssociationID
			}
		}
	}
	return id.ID{}
}

// Lifetime is the lifetime address of a login at an association; "" where there is no login or no such association.
func (as Associations) Lifetime(login string, at id.ID) string {
	a, ok := as.ByID(at)
	if !ok || login == "" {
		return ""
	}
	return login + "@" + a.MailDomain
}

// OfLogin are the associations at whose mail domains a login, folded, is right: that of its degree, and the one whose
// code it ends in, should the degree have been corrected since; a login without a degree is right at all schools of its
// owner.
func (as Associations) OfLogin(key string, school id.ID, schools []id.ID) Associations {
	var out Associations
	for _, a := range as {
		if a.MailDomain == "" {
			continue
		}
		if a.ID == school || endsIn(key, a.Code) || school.IsZero() && slices.Contains(schools, a.ID) {
			out = append(out, a)
		}
	}
	return out
}

// endsIn reports whether a login is of the rule's form, with that association's code: …ly2010.
func endsIn(key, code string) bool {
	i := strings.LastIndexByte(key, '.')
	year, ok := strings.CutPrefix(key[i+1:], code)
	return i > 0 && ok && len(year) == 4 && strings.Trim(year, "0123456789") == ""
}

// HaveMailDomain reports whether a domain is that of the addresses for life of one of them.
func (as Associations) HaveMailDomain(domain string) bool {
	return domain != "" && slices.ContainsFunc(as, func(a Association) bool { return a.MailDomain == domain })
}

// Ours reports whether an e-mail address is at one of their mail domains, or below one: mail that is passed on to it
// would come back for ever.
func (as Associations) Ours(address string) bool {
	_, domain, _ := strings.Cut(fold.Email(address), "@")
	return slices.ContainsFunc(as, func(a Association) bool {
		return a.MailDomain != "" && (domain == a.MailDomain || strings.HasSuffix(domain, "."+a.MailDomain))
	})
}

// LifetimePart is a login as it stands before the @: as it was given, but for what no mail server takes.
func LifetimePart(login string) string {
	if low := strings.ToLower(login); fold.ValidEmail(low+"@domain.example") && isASCII(low) {
		return low
	}
	return fold.TypedLogin(login)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0
}
