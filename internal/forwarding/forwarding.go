// Package forwarding is the address for life: login@ the mail domain of the login's school, for everybody in the base
// and for every login he ever had. Mail to it goes on to the addresses its owner chose.
//
// It owns the tables of migration 0008 but for those of submission, and two boxes of the inbox, "forwarding" and
// "postmaster". It promises that a message is passed on byte for byte behind a few lines of ours, that none of those
// lines, no answer and no report tells where an address leads, and that mail which cannot go on now waits, is seen by
// its owner and is never lost in silence.
package forwarding

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/people"
)

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

// routable reports whether mail servers take an address, and it is not one of ours.
func routable(address string, as people.Associations) bool {
	a, err := mail.ParseAddress(address)
	return err == nil && !as.Ours(a.Address)
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
