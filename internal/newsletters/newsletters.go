// Package newsletters is letters to many: what an association or the federation writes to its own, to whom, and what
// became of it.
//
// It owns the campaigns, one row for each of their recipients, the pictures in them and how often their links were
// followed. It promises that a campaign that was started reaches each recipient once, whatever dies on the way; that
// pausing and stopping take effect within a second; that somebody who no longer wants a kind of letter gets none, also
// when his row was made before he said so; and that nothing tells who opened a letter or followed a link.
package newsletters

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters/compose"
	"amicale/internal/newsletters/segments"
	"amicale/internal/people"
)

// Kind is what a letter is about; people say yes or no to each kind.
type Kind string

// The kinds.
const (
	News     Kind = "news"
	Events   Kind = "events"
	Careers  Kind = "careers"
	Magazine Kind = "magazine"
	Network  Kind = "network"
)

// Kinds are all, in the order forms show them.
func Kinds() []Kind { return []Kind{News, Events, Careers, Magazine, Network} }

// Message is the key of the text people read for it.
func (k Kind) Message() string { return "newsletters.kind." + string(k) }

// local is the local part of the address that letters of a kind come from, and the beginning of their List-Id.
func (k Kind) local() string {
	return map[Kind]string{News: "actualites", Events: "evenements", Careers: "carrieres", Magazine: "magazine", Network: "reseau"}[k]
}

// State is where a campaign stands.
type State string

// The states.
const (
	Draft     State = "draft"
	Scheduled State = "scheduled"
	Sending   State = "sending"
	Paused    State = "paused"
	Sent      State = "sent"    // everybody was written to, or was tried for as long as letters are
	Stopped   State = "stopped" // for good; those not written to yet never are
)

// Message is the key of the text people read for it.
func (s State) Message() string { return "newsletters.state." + string(s) }

// Started reports whether copies may have left: from then on the letter does not change.
func (s State) Started() bool { return s != Draft && s != Scheduled }

// step is a change of state that the staff brings about.
type step struct {
	from   []State
	to     State
	action string // in the trail
}

var (
	schedule   = step{[]State{Draft}, Scheduled, "newsletter.scheduled"}
	unschedule = step{[]State{Scheduled}, Draft, "newsletter.unscheduled"}
	start      = step{[]State{Draft, Scheduled}, Sending, "newsletter.started"}
	pause      = step{[]State{Sending}, Paused, "newsletter.paused"}
	resume     = step{[]State{Paused}, Sending, "newsletter.resumed"}
	stop       = step{[]State{Sending, Paused}, Stopped, "newsletter.stopped"}
)

// failures is why a campaign paused by itself.
const failures = "failures"

// When too many of the first letters fail, something is wrong with the letter, the list or our name: no more leave
// until somebody has looked.
const (
	earlyLetters = 200
	earlyLimit   = earlyLetters / 10
)

// tooManyFail reports whether these failures, on top of those before, stop the first letters.
func tooManyFail(before, now int) bool { return before <= earlyLimit && before+now > earlyLimit }

// Campaign is a letter to many.
type Campaign struct {
	ID           id.ID
	SenderID     id.ID // an association; zero is the federation
	Kind         Kind
	Title        string                     // for the staff's list
	Versions     map[string]compose.Written // by language
	FromName     string                     // "" is the sender's name
	ReplyTo      string                     // "" is the address it comes from
	Segment      segments.Segment
	Public       bool // the web shows it, without a word about anybody
	State        State
	Reason       string // of a pause: "" by hand, "failures" by itself
	ScheduledAt  time.Time
	StartedAt    time.Time
	ResumedAt    time.Time // when it last began to leave
	FinishedAt   time.Time
	MadeTo       id.ID     // every person up to this one has a row or was left out
	MadeAt       time.Time // all have
	LeftOut      map[segments.Left]int
	Recipients   int // rows made
	Sent         int
	Failed       int
	Skipped      int // left out after their row was made
	EarlyFailed  int // of the first letters
	Unsubscribed int // ended this kind of letters through this one
	Version      int
	AccountID    id.ID // who began it
	EditedBy     id.ID // account that changed it last
	Author       string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Ask is the campaign's segment.
func (c Campaign) Ask() segments.Ask {
	return segments.Ask{Sender: c.SenderID, Kind: string(c.Kind), Segment: c.Segment}
}

// Langs are the languages it is written in, French first.
func (c Campaign) Langs() []string {
	var out []string
	for _, lang := range []string{"fr", "en"} {
		if !c.Versions[lang].Empty() {
			out = append(out, lang)
		}
	}
	return out
}

// Lang is the language in which somebody gets it who reads that one.
func (c Campaign) Lang(wanted string) string {
	langs := c.Langs()
	if slices.Contains(langs, wanted) || len(langs) == 0 {
		return wanted
	}
	return langs[0]
}

// Waiting are those not written to yet.
func (c Campaign) Waiting() int { return max(0, c.Recipients-c.Sent-c.Failed-c.Skipped) }

// Over reports whether nothing is left to do.
func (c Campaign) Over() bool { return !c.MadeAt.IsZero() && c.Waiting() == 0 }

// Limits of what is typed, in octets.
const (
	maxTitle = 200
	maxName  = 100
)

// check brings a campaign's texts to their form and says, field by field, what is wrong.
func (c *Campaign) check() error {
	f := errs.Fields{}
	c.Title, c.FromName, c.ReplyTo = oneLine(c.Title), oneLine(c.FromName), strings.TrimSpace(c.ReplyTo)
	if c.Title == "" {
		f.Add("title", "people.required")
	} else if len(c.Title) > maxTitle {
		f.Add("title", "newsletters.compose.too_long")
	}
	if len(c.FromName) > maxName {
		f.Add("from_name", "newsletters.compose.too_long")
	}
	if !slices.Contains(Kinds(), c.Kind) {
		f.Add("kind", "newsletters.need_kind")
	}
	if c.ReplyTo != "" {
		if a, err := mail.ParseAddress(c.ReplyTo); err != nil || a.Name != "" {
			f.Add("reply_to", "newsletters.need_address")
		}
	}
	for lang, w := range c.Versions {
		for name, m := range errs.FieldsOf(w.Check()) {
			f.Add(lang+"_"+name, m.Key, m.Data)
		}
	}
	return f.Err()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Sender is in whose name a letter comes.
type Sender struct {
	ID     id.ID // zero for the federation
	Code   string
	Name   string
	Accent string
	Domain string // the mail domain: letters come from its own below it
}

// senderOf is an association as a sender.
func senderOf(a people.Association) Sender {
	return Sender{ID: a.ID, Code: a.Code, Name: a.Name, Accent: a.Color, Domain: a.MailDomain}
}

// from is the address a kind of letter comes from.
func (s Sender) from(k Kind) string { return k.local() + "@" + mail.LettersDomain(s.Domain) }

// code names the sender in a Feedback-ID.
func (s Sender) code() string {
	if s.Code == "" {
		return "federation"
	}
	return s.Code
}
