// Package bounces is the health of addresses: what came back from each, when one counts as broken, and how its owner is
// kept in reach.
//
// It owns the tables of migration 0009. An address is broken by what its own servers say of the mailbox, on several days
// and with nothing delivered since; never by what they say of us, nor by a single day, nor by one person's word. Verdicts
// take days that are over, so that a day on which a destination blamed our reputation counts for nobody. A verdict hands
// over to the next address at once, tells the person, and of one with no address left the staff and the ambassadors of
// the class; it can be taken back by a click, a delivery, or the staff: one address, or a whole day.
package bounces

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/id"
	"amicale/internal/mail"
)

// Rules of the verdict.
const (
	deadFailures = 3  // at least so many, with no success since…
	deadDays     = 2  // …on so many distinct days
	fullDays     = 10 // distinct days on which the mailbox was full or suspended

	keepFor     = 60 * day  // what came back is forgotten after that
	keepSettled = 365 * day // and what was settled after that
	grace       = day       // a server that took a message reports on it within that, or the message arrived
	day         = 24 * time.Hour
)

// claimed is the class under which a member's word is kept.
const claimed mail.Class = "claim"

// Failure is what came back from an address in one hour.
type Failure struct {
	Address     string    // fold.Email
	Hour        time.Time // its beginning
	Class       mail.Class
	Destination string
	Reported    bool // by a report, not in the conversation
	Failures    int
	DoubtAt     time.Time // set while a later message may have arrived
}

// Verdict says that an address is broken, and by what.
type Verdict struct {
	Cause       mail.Class // mail.Dead or mail.Full
	Failures    int
	Days        int // distinct ones
	Since       time.Time
	Destination string // of the latest failure
	Reported    bool   // no server said so in a conversation
}

// Judge decides over an address by its failures since the last success. Those of today wait until the day is over, and
// those of an hour in which the destination blamed us count for nobody.
func Judge(list []Failure, f Frozen, today time.Time) (Verdict, bool) {
	var dead, full, claims []Failure
	for _, one := range list {
		switch {
		case !one.DoubtAt.IsZero():
			return Verdict{}, false
		case !one.Hour.Before(today) || f.Holds(one.Destination, one.Hour):
		case one.Class == mail.Dead:
			dead = append(dead, one)
		case one.Class == mail.Full:
			full = append(full, one)
		case one.Class == claimed:
			claims = append(claims, one)
		}
	}
	if v := weigh(mail.Dead, dead, claims); len(dead) > 0 && v.Failures >= deadFailures && v.Days >= deadDays {
		return v, true
	}
	if v := weigh(mail.Full, full, nil); v.Days >= fullDays {
		return v, true
	}
	return Verdict{}, false
}

// weigh adds up what servers said, and one claim at most.
func weigh(cause mail.Class, list, claims []Failure) Verdict {
	v := Verdict{Cause: cause, Reported: true}
	days := map[time.Time]bool{}
	slices.SortFunc(list, func(a, b Failure) int { return a.Hour.Compare(b.Hour) })
	for _, one := range list {
		if v.Since.IsZero() {
			v.Since = one.Hour
		}
		v.Failures += one.Failures
		v.Destination = one.Destination
		v.Reported = v.Reported && one.Reported
		days[dayOf(one.Hour)] = true
	}
	v.Days = len(days)
	if len(claims) == 0 {
		return v
	}
	v.Failures++
	for _, c := range claims {
		if !days[dayOf(c.Hour)] {
			v.Days++
			break
		}
	}
	return v
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(day) }

func hourOf(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }

// What is what an address that broke was for.
type What string

const (
	Contact    What = "contact"    // the one to write to
	Spare      What = "spare"      // another one of the person's: nothing moved
	Forwarding What = "forwarding" // a target of the lifetime address
)

// Message is the key of the text people read for it.
func (w What) Message() string { return "bounces.what." + string(w) }

// End is how a switch came to its end.
type End string

const (
	Undone    End = "undone"    // by the staff
	Confirmed End = "confirmed" // its owner followed the link sent there
	Delivered End = "delivered" // a message arrived
	Removed   End = "removed"   // it is nobody's any more
)

// Message is the key of the text people read for it.
func (e End) Message() string { return "bounces.end." + string(e) }

// Switch is an address that was found broken, with what took its place.
type Switch struct {
	ID          id.ID
	PersonID    id.ID // zero: nobody has it among his addresses, mail is only passed on to it
	What        What
	Address     string // fold.Email
	Took        string // fold.Email of what took over; "" when nothing did
	Cause       mail.Class
	Destination string
	Reported    bool
	Failures    int
	Days        int
	Since       time.Time
	At          time.Time
	EndedAt     time.Time // zero while it stands
	EndedHow    End
	EndedBy     string // of the staff, as it read then
}

// Open reports whether the address is still taken for broken.
func (s Switch) Open() bool { return s.EndedAt.IsZero() }

// Lost reports whether nothing took the place of the address to write to.
func (s Switch) Lost() bool { return s.What == Contact && s.Took == "" }

// Causes are what breaks an address.
func Causes() []mail.Class { return []mail.Class{mail.Dead, mail.Full} }

// Filter narrows the list of switches.
type Filter struct {
	Association id.ID // zero: all that the viewer may see
	Day         time.Time
	Cause       mail.Class
	Destination string
	Open        bool // only those that stand
}

// The addresses that letters and other features lead to.
const (
	Path     = "/admin/adresses"
	lostPath = Path + "/perdus"
	hotPath  = Path + "/destinations"
)

// Mask is an address for the eyes of somebody who may not be its owner: l…@exemple.fr.
func Mask(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	first, n := utf8.DecodeRuneInString(local)
	if n == len(local) {
		return "…@" + domain
	}
	return string(first) + "…@" + domain
}
