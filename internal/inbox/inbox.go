// Package inbox is mail arriving: servers that speak SMTP, LMTP and submission, the checks of who sends and what, the
// acceptance, which is said only once it is on the disk, and the report to who sent what then did not arrive.
//
// It owns the table inbox: one row a message and recipient, refused or taken, never the message itself. It knows no
// feature: each kind of recipient is a Box, which the app lists. What a box takes it keeps in the transaction of
// the acceptance.
package inbox

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"amicale/internal/id"
	"amicale/internal/mail"
)

// Envelope is what the sender's server said before the message.
type Envelope struct {
	ID      id.ID      // of the message, for all recipients
	From    string     // "" is the null sender <>
	Remote  netip.Addr // who handed it over; not valid behind LMTP
	Hello   string     // the name it gave
	TLS     bool
	Account id.ID // who signed in to submit; zero for mail from outside
	Key     id.ID // what he signed in with, which may be taken back while he is connected
	At      time.Time
}

// Result is what one check of the sender said (RFC 8601 §2.7).
type Result string

const (
	Pass      Result = "pass"
	Fail      Result = "fail"
	SoftFail  Result = "softfail"
	Neutral   Result = "neutral"
	None      Result = "none"
	TempError Result = "temperror"
	PermError Result = "permerror"
)

// Auth is what SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 9989) said of a message.
type Auth struct {
	SPF        Result   `json:"spf"`
	SPFDomain  string   `json:"spf_domain,omitempty"`
	DKIM       Result   `json:"dkim"`
	DKIMDomain []string `json:"dkim_domain,omitempty"` // of the signatures that verify
	DMARC      Result   `json:"dmarc"`
	Policy     string   `json:"policy,omitempty"` // "none", "quarantine", "reject"; "" without a record
	Domain     string   `json:"domain,omitempty"` // of the From header
	// BySPFOnly: it passes DMARC only through SPF, which no forwarding keeps.
	BySPFOnly bool `json:"by_spf_only,omitempty"`
}

// Authenticated reports whether the sender is who it says: only then may it be answered.
func (a Auth) Authenticated() bool { return a.DMARC == Pass }

// Message is a message whose bytes are in.
type Message struct {
	Envelope
	Raw     []byte // as it came, byte for byte, but for Authentication-Results that pretend to be ours
	Head    mail.Header
	Trace   string // the Received and Authentication-Results lines to put before it, with CRLF
	From    string // of the header, for people to read
	Subject string
	Key     string // its Message-ID
	Auth    Auth
	Score   int      // of the spam checks, in tenths: 0 is clean
	Marks   []string // the checks that gave points

	body int // where it begins in what came
}

// Rcpt is a recipient that a box has found.
type Rcpt struct {
	Box     string // the box's name, set by the server
	Address string // as the sender wrote it
	Owner   id.ID  // whose mail it is; may be zero
	Data    any    // what the box needs again at the acceptance
}

// Arrival is a message for one recipient, accepted.
type Arrival struct {
	ID      id.ID // of its row in inbox
	Message *Message
	Rcpt    Rcpt
}

// Refusal is an answer that refuses.
type Refusal struct{ mail.Reply }

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text) }

// Refuse makes a refusal, e.g. Refuse(550, "5.1.1", "no such address").
func Refuse(code int, enhanced, text string) *Refusal {
	return &Refusal{mail.Reply{Code: code, Enhanced: enhanced, Text: text}}
}

// Box is one kind of recipient. Its methods are called from many conversations at once. One of the name "submission" is
// offered the recipients of people who signed in, before the others, and nobody else's.
type Box interface {
	Name() string
	// Find says whether the address is one of its own. NotFound: it is not, others are asked. A *Refusal is the answer;
	// one of 5.1.1 is counted as a guess, like an address that nobody has; one of 5.7.8 says that whoever signed in may
	// do nothing any more, and ends the connection. Any other error is answered with 451.
	Find(ctx context.Context, e Envelope, address string) (Rcpt, error)
	// Screen may refuse the whole message before it is taken, with a *Refusal; it must not keep anything. SMTP has one
	// answer for all recipients of a message: if one puts it off (4xx) nobody gets it yet; if some refuse it for good,
	// the others get it, the sender reads 250, and the refusal stands in the list of those who refused.
	Screen(ctx context.Context, m *Message, to Rcpt) error
	// Accept keeps what it needs, inside the transaction of the acceptance, of which the messages are many. An error
	// undoes all of it; the messages are then tried one by one, so that it may be called again with the same arrival.
	Accept(ctx context.Context, list []Arrival) error
}

// Slip is what is told of a message that arrived, for one recipient, without its words but for the subject.
type Slip struct {
	ID         id.ID
	MessageID  id.ID // the same for all recipients of one message
	Box        string
	OwnerID    id.ID
	Recipient  string
	Sender     string // of the envelope; "" is <>
	HeaderFrom string
	Subject    string
	MessageKey string // its Message-ID
	Size       int64  // octets
	Remote     string // address of who handed it over; empty when it was submitted, or behind LMTP
	Auth       Auth
	Score      int
	State      SlipState
	Reason     string // the answer of a refusal
	At         time.Time
}

// SlipState is what the server answered.
type SlipState string

const (
	Taken   SlipState = "taken"
	Refused SlipState = "refused"
)

// Page is a part of a list.
type Page struct {
	Number int // from 1; 0 means 1
	Size   int // 0 means 50
}

func (p Page) limits() (size, offset int) {
	size = p.Size
	if size <= 0 {
		size = 50
	}
	return size, (max(1, p.Number) - 1) * size
}

// List is a page with the number of all.
type List struct {
	Rows  []Slip
	Total int
}

// Count is how many messages one kind of recipient took or refused.
type Count struct {
	Box   string
	State SlipState
	N     int
}

// Kept is for how long it is told what arrived.
const Kept = 30 * 24 * time.Hour
