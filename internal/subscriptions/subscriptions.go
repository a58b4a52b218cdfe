// Package subscriptions is who wants to be written to by whom, and about what: by sender (the federation, an
// association, later a group) and kind (news, events, careers …), on one page and in one click from a letter.
//
// It owns the table subscription_choices, a row a word of somebody's, the newest counting, and reads the refusals that
// older lists brought into the base (people's consents). It promises that whoever never said anything is written to,
// since an association may write to its own graduates; that a refusal of an older list holds until the person himself
// says otherwise here; and that a link in a letter stops that kind from that sender and nothing else. Letters about
// somebody's own account are no subscription and are not asked about here.
package subscriptions

import (
	"slices"
	"time"

	"amicale/internal/id"
)

// Kind is a sort of letter.
type Kind string

// The kinds. Paper is whatever comes by post.
const (
	News     Kind = "news"
	Events   Kind = "events"
	Careers  Kind = "careers"
	Magazine Kind = "magazine"
	Network  Kind = "network"
	Paper    Kind = "paper"
)

// pause stands for all kinds of all senders in a choice that ends by itself.
const pause Kind = "pause"

// Kinds are all, in the order the page shows them.
func Kinds() []Kind { return []Kind{News, Events, Careers, Network, Magazine, Paper} }

// Known reports whether a text names a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Message is the key of what people call the kind.
func (k Kind) Message() string { return "subscriptions.kind." + string(k) }

// consent is the kind under which people's consents keep a refusal of older lists.
func (k Kind) consent() string {
	if k == Paper {
		return consentPaper
	}
	return consentMailing
}

// The consents that are about letters.
const (
	consentMailing = "mailing"
	consentPaper   = "paper"
)

// Federation is the federation as a sender; associations, and later groups, are named by their own identifiers.
var Federation = id.ID{}

// Sender is who writes.
type Sender struct {
	ID   id.ID
	Name string
}

// Origin is how a choice came to us.
type Origin string

const (
	ByPerson    Origin = "person"    // on the page
	ByOneClick  Origin = "one-click" // from a letter, whoever held it
	ByImport    Origin = "import"    // from an older list; stands in people's consents
	ByComplaint Origin = "complaint" // the mail provider said that the person called a letter unwanted
	ByStaff     Origin = "staff"     // told to the staff, on the phone say
)

// Basis is why we write, or no longer do (GDPR).
type Basis string

const (
	Interest  Basis = "interest"  // art. 6 (1) f: an association writes to its own graduates and members
	Consent   Basis = "consent"   // art. 6 (1) a: the person asked for it
	Objection Basis = "objection" // art. 21 (2): the person objected
)

// basisOf is the basis that a choice gives. Who only takes a click back is where he was before: no wish of his own.
func basisOf(wants bool, from Origin) Basis {
	switch {
	case !wants:
		return Objection
	case from == ByPerson:
		return Consent
	}
	return Interest
}

// Choice is something a person said.
type Choice struct {
	Sender  id.ID
	Kind    Kind
	Wants   bool
	UntilAt time.Time // of a pause; zero otherwise
	Origin  Origin
	Basis   Basis
	At      time.Time

	row id.ID // of the table; zero before it is there
}

// Standing is what a person said so far that still counts.
type Standing struct {
	Choices []Choice             // the current ones, one a sender and kind at most
	Asked   map[Cell]time.Time   // what he ever asked for on the page: when he last did
	Lists   map[string]time.Time // refusals of older lists, by the consent's kind: when they were said
}

// PauseFor is how long everything can be stopped, in months.
const PauseFor = 3

// Choice is what was said of a sender and kind.
func (s Standing) Choice(sender id.ID, k Kind) (c Choice, said bool) {
	for _, c := range s.Choices {
		if c.Sender == sender && c.Kind == k {
			return c, true
		}
	}
	return Choice{}, false
}

// Subscribed is the rule, but for a pause: everybody gets everything that he did not refuse. What he asks for on the
// page is stronger than what an older list says, unless the list's refusal is newer; a click in a letter is not, for
// whoever holds the letter can make it.
func (s Standing) Subscribed(sender id.ID, k Kind) bool {
	if c, said := s.Choice(sender, k); said && !c.Wants {
		return false
	}
	return s.listed(sender, k).IsZero()
}

// listed is when an older list's refusal that stands in the way was said; zero when there is none.
func (s Standing) listed(sender id.ID, k Kind) time.Time {
	refused, listed := s.Lists[k.consent()]
	if asked, ok := s.Asked[Cell{sender, k}]; !listed || ok && !asked.Before(refused) {
		return time.Time{}
	}
	return refused
}

// refusal is whose word it is that a sender and kind that is not subscribed to is refused, and of when.
func (s Standing) refusal(c Cell) (Origin, time.Time) {
	if said, ok := s.Choice(c.Sender, c.Kind); ok && !said.Wants {
		return said.Origin, said.At
	}
	return ByImport, s.listed(c.Sender, c.Kind)
}

// PausedUntil is when the pause ends; zero when there is none at that moment.
func (s Standing) PausedUntil(now time.Time) time.Time {
	if c, said := s.Choice(Federation, pause); said && !c.Wants && c.UntilAt.After(now) {
		return c.UntilAt
	}
	return time.Time{}
}

// Wants is the whole rule: whether that kind may be sent by that sender now.
func (s Standing) Wants(sender id.ID, k Kind, now time.Time) bool {
	return s.Subscribed(sender, k) && s.PausedUntil(now).IsZero()
}

// Basis is the ground on which the person is written to, or no longer.
func (s Standing) Basis(sender id.ID, k Kind) Basis {
	c, said := s.Choice(sender, k)
	switch {
	case !s.Subscribed(sender, k):
		return Objection
	case said:
		return c.Basis
	}
	return Interest
}

// Event is a line of the history.
type Event struct {
	Choice
	// List is the consent's kind when an older list said it of everybody's letters; "" for the person's own words.
	List string
	// Whence is what the list says of its origin.
	Whence string
}

// Pause reports whether the line is about a pause.
func (e Event) Pause() bool { return e.Kind == pause }

// Overview is one person's subscriptions.
type Overview struct {
	Person   id.ID
	Senders  []Sender // the federation, then the associations he belongs to
	Standing Standing
	History  []Event // the newest first
}

// Cell is one switch of the page: a sender and a kind.
type Cell struct {
	Sender id.ID
	Kind   Kind
}
