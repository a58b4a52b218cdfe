package outbox

import (
	"context"
	"time"

	"amicale/internal/id"
	"amicale/internal/mail"
)

// Parcel is one message to one recipient, about to leave.
type Parcel struct {
	ID       id.ID // of its row in the source
	Stream   mail.Stream
	Kind     string    // what it is to whom it concerns: 'activation.link', 'forward', 'campaign'
	Ref      id.ID     // what it is about, in the tables of whom it concerns; may be zero
	Person   id.ID     // to whom it goes; zero when nobody's in the base
	From     string    // of the envelope; "" is the null sender <>
	To       string    // of the envelope
	Attempts int       // begun, with this one
	Since    time.Time // when the first attempt was due: five days later it is given up
	// Message gives the bytes, signed by nobody yet, when its turn has come. Its error gives the parcel up.
	Message func(ctx context.Context) ([]byte, error)

	body    id.ID // of a delivery: the row that holds the message
	untouch bool  // its bytes leave as they came: no signature of ours
	ready   bool  // its bytes are in memory
}

// Outcome is what became of a parcel in one attempt.
type Outcome struct {
	Parcel
	State       State      // Sent; Failed for good; Queued: tried again at NextAt
	Reply       mail.Reply // of the last server that answered; zero Code when none did
	Class       mail.Class
	Destination string // whose servers these are: the MX's domain or a preset's name; "" when none was reached
	NextAt      time.Time
	// Uncounted: the destination refused because of us, whatever the message; the attempt does not count against it.
	Uncounted bool
}

// counted is how many attempts count after this one.
func (o Outcome) counted() int {
	if o.Uncounted && o.Attempts > 0 {
		return o.Attempts - 1
	}
	return o.Attempts
}

// Source is a table of parcels. The courier claims from several, each in its turn.
type Source interface {
	// Claim takes at most n parcels that are due; until the lease ends nobody else does. Recipients at the domains
	// named are left for later: their destination is full or closed.
	Claim(ctx context.Context, lease time.Duration, n int, without []string) ([]Parcel, error)
	// Settle writes several outcomes down. It runs in a transaction that holds what else follows from them.
	Settle(ctx context.Context, list []Outcome) error
	// Release gives claimed parcels back that were not tried: they are due at that moment, and no attempt counts.
	Release(ctx context.Context, list []Parcel, at time.Time) error
}

// Keeper is a Source whose leases may be short, because the courier prolongs them while it lives: what a dead process
// held is due again soon. Others are given long ones.
type Keeper interface {
	// Hold prolongs the leases of claimed parcels until that time.
	Hold(ctx context.Context, list []Parcel, until time.Time) error
	// PutOff is Release with the reason: the destination serves nobody.
	PutOff(ctx context.Context, list []Parcel, at time.Time, why mail.Reply) error
	// Recover makes due what a dead process held: leases that end before that time. It is called only where no other
	// process can live.
	Recover(ctx context.Context, until time.Time) error
}

// Observer is told of settled outcomes, in their transaction.
type Observer func(ctx context.Context, list []Outcome) error

// Relayed is a message to be passed on as it came.
type Relayed struct {
	ID   id.ID  // of the body; made here when zero
	Raw  []byte // byte for byte; at least one delivery needs it
	Each []Delivery
}

// Delivery is one target of a relayed message.
type Delivery struct {
	ID     id.ID // its return token holds it; made here when zero
	Stream mail.Stream
	Kind   string // whose watcher is told the outcome
	Ref    id.ID
	Head   string // header lines put before the message, each with CRLF
	From   string // of the envelope; "" is <>
	To     string
	Held   bool      // waits until Again
	DueAt  time.Time // zero: now
}

// Trace is what became of a delivery, for whom it concerns.
type Trace struct {
	ID        id.ID
	BodyID    id.ID
	Kind      string
	Ref       id.ID
	Sender    string
	Recipient string
	State     State
	Attempts  int
	NextAt    time.Time
	Class     mail.Class
	Reply     mail.Reply
	CreatedAt time.Time
	DoneAt    time.Time // zero while it waits
}

// Held is the state of a delivery that waits until somebody says where to.
const Held State = "held"
