// Package forwarding is the address for life: login@ the mail domain of the login's school, for everybody in the base
// and for every login he ever had. Mail to it goes on to the addresses its owner chose; mail from it comes in from
// mail programs with passwords of their own.
//
// It owns the tables of migration 0008 and two boxes of the inbox, "forwarding" and "submission". It promises that a
// message is passed on byte for byte behind a few lines of ours, that none of those lines, no answer and no report
// tells where an address leads, and that mail which cannot go on now waits, is seen by its owner and is never lost in
// silence.
package forwarding

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Actor is who acts, with the name that the trail shows.
type Actor struct {
	viewer.Viewer
	Name string
}

// Mode says what several targets are.
type Mode string

const (
	ToAll  Mode = "all"   // each gets the message
	InTurn Mode = "order" // the next one gets it only when the one before refused it for good
)

// Modes are all.
func Modes() []Mode { return []Mode{ToAll, InTurn} }

// Message is the key of the text people read for it.
func (m Mode) Message() string { return "forwarding.mode." + string(m) }

// Strictness says how much a message may look like spam and still be taken.
type Strictness string

const (
	Lax    Strictness = "lax"
	Normal Strictness = "normal"
	Strict Strictness = "strict"
)

// Strictnesses are all, the laxest first.
func Strictnesses() []Strictness { return []Strictness{Lax, Normal, Strict} }

// Message is the key of the text people read for it.
func (s Strictness) Message() string { return "forwarding.strictness." + string(s) }

// limit is the score of inbox, in tenths, from which a message is refused.
func (s Strictness) limit() int {
	switch s {
	case Lax:
		return 150
	case Strict:
		return 60
	}
	return 100
}

// Role is what an address is for.
type Role string

const (
	Goal    Role = "target"
	Reserve Role = "reserve" // takes over when no target can be used any more
)

// State says whether an address can be used.
type State string

const (
	Good State = "good"
	Dead State = "dead" // mail to it failed for too long
	Gone State = "gone" // it is no longer a confirmed address of the person, or has become one of ours
)

// Target is an address that mail goes to, or may.
type Target struct {
	Address string
	Role    Role
	State   State
	// Known: it counts without being a confirmed contact point, because an older system sent there, until the person
	// says otherwise.
	Known bool
}

// Key is the form addresses are compared by.
func (t Target) Key() string { return fold.Email(t.Address) }

// envelope is the address as mail servers take it, its domain in ASCII.
func (t Target) envelope() string {
	if a, err := mail.ParseAddress(t.Address); err == nil {
		return a.Address
	}
	return t.Address
}

// Settings are what decides where somebody's mail goes.
type Settings struct {
	Mode        Mode
	Strictness  Strictness
	PausedUntil time.Time // zero or past: not paused
	Chosen      bool      // the targets are the person's word
	Preferred   bool      // it is the preferred one of the person's addresses: letters go where it leads first
	Targets     []Target  // in their order
}

// Defaults are the settings of who never said anything, but for the targets.
func Defaults() Settings { return Settings{Mode: ToAll, Strictness: Normal} }

// Route is where mail goes, in its order: the targets that can be used, else the reserve.
func (s Settings) Route() []string {
	for _, role := range []Role{Goal, Reserve} {
		var out []string
		for _, t := range s.Targets {
			if t.Role == role && t.State == Good {
				out = append(out, t.envelope())
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// PausedAt reports whether mail waits because its owner said so.
func (s Settings) PausedAt(now time.Time) bool { return now.Before(s.PausedUntil) }

// askedFor is how long mail waits for somebody who was asked for a target; most servers give a message up after the
// same time (RFC 5321 §4.5.4.1).
const askedFor = 5 * 24 * time.Hour

// Way is what becomes of mail.
type Way string

const (
	Open   Way = "open"   // it goes on
	Paused Way = "paused" // it waits until the pause ends
	Asked  Way = "asked"  // it waits for a target; the person is asked for one
	Closed Way = "closed" // nobody gave a target: it is refused
)

// Standing is what decides about mail besides the settings; of who has a target nobody looks it up.
type Standing struct {
	AskedAt   time.Time // when the person was first asked for a target; zero: not yet
	Reachable bool      // there is a way to ask: an account, or an address of his
}

// WayAt is what becomes of mail at that moment.
func (s Settings) WayAt(now time.Time, h Standing) Way {
	switch {
	case s.PausedAt(now):
		return Paused
	case len(s.Route()) > 0:
		return Open
	case h.AskedAt.IsZero() && !h.Reachable, !h.AskedAt.IsZero() && !now.Before(h.AskedAt.Add(askedFor)):
		return Closed
	}
	return Asked
}

// goals are where a message goes at first: to every target, or to the first where they are tried in turn.
func (s Settings) goals() []string {
	to := s.Route()
	if s.Mode == InTurn && len(to) > 1 {
		return to[:1]
	}
	return to
}

// next is where a delivery goes that these refused for good; "" when nothing is left.
func (s Settings) next(refused []string) string {
	for _, a := range s.Route() {
		if !slices.ContainsFunc(refused, func(r string) bool { return fold.Email(r) == fold.Email(a) }) {
			return a
		}
	}
	return ""
}

// Ours reports whether an address is at one of our mail domains, or below one: mail to it would come back to us for
// ever.
func Ours(address string, as people.Associations) bool {
	_, domain, _ := strings.Cut(fold.Email(address), "@")
	return slices.ContainsFunc(as, func(a people.Association) bool {
		return a.MailDomain != "" && (domain == a.MailDomain || strings.HasSuffix(domain, "."+a.MailDomain))
	})
}

// routable reports whether mail servers take an address, and it is not one of ours.
func routable(address string, as people.Associations) bool {
	a, err := mail.ParseAddress(address)
	return err == nil && !Ours(a.Address, as)
}

// domainsOf are the associations at whose mail domains a login is right: that of its degree, and the one whose code it
// ends in, should the degree have been corrected since; a login without a degree is right at all schools of its owner.
func domainsOf(key string, school id.ID, schools []id.ID, as people.Associations) []people.Association {
	var out []people.Association
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

// localPart is a login as it stands before the @: as it was given, but for what no mail server takes.
func localPart(login string) string {
	if low := strings.ToLower(login); fold.ValidEmail(low+"@domain.example") && isASCII(low) {
		return low
	}
	return fold.TypedLogin(login)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0
}

// Address is one address for life.
type Address struct {
	Address string
	School  people.Association
	Current bool // of a login in use; the others are former ones
}

// Addresses are all of a person, those of logins in use first. A person who died has none.
func Addresses(d people.Dossier, as people.Associations) []Address {
	var out []Address
	if d.Status == people.Deceased {
		return nil
	}
	for _, l := range d.Logins {
		for _, a := range domainsOf(fold.TypedLogin(l.Login), schoolOf(d, l), d.Associations(), as) {
			out = append(out, Address{localPart(l.Login) + "@" + a.MailDomain, a, l.Current})
		}
	}
	slices.SortStableFunc(out, func(a, b Address) int {
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

func schoolOf(d people.Dossier, l people.Login) id.ID {
	for _, g := range d.Degrees {
		if g.ID == l.DegreeID {
			return g.AssociationID
		}
	}
	return id.ID{}
}

// owns reports whether an address is one of these.
func owns(list []Address, address string) bool {
	return slices.ContainsFunc(list, func(a Address) bool { return strings.EqualFold(a.Address, address) })
}

// mayAnswer reports whether a report may go to the sender of the envelope: only where it is certain that he wrote the
// message, for anybody else would be told of mail he never sent.
func mayAnswer(a inbox.Auth, sender string) bool {
	i := strings.LastIndexByte(sender, '@')
	if i < 1 || !a.Authenticated() {
		return false
	}
	domain := strings.ToLower(sender[i+1:])
	return a.SPF == inbox.Pass && strings.EqualFold(a.SPFDomain, domain) || within(domain, a.Domain) ||
		slices.ContainsFunc(a.DKIMDomain, func(signed string) bool { return within(domain, signed) })
}

// within reports whether a domain is that one or below it.
func within(domain, of string) bool {
	of = strings.ToLower(of)
	return of != "" && (domain == of || strings.HasSuffix(domain, "."+of))
}
