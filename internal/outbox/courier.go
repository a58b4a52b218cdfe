package outbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"amicale/internal/config"
	"amicale/internal/mail"
	"amicale/internal/outbox/client"
)

// CourierOptions tune a courier; a zero field takes the value named.
type CourierOptions struct {
	Smarthost   config.Smarthost // the way out; in the demonstration nothing leaves, whatever it is
	Sources     []Source         // besides the letters and the messages passed on
	Observers   []Observer       // told of every outcome, after the watchers of its kind
	Signer      Signer           // nil: nothing is signed
	Hello       string           // the name we greet with, that of our address in the DNS: "localhost"
	Connections int              // at once to the smarthost: what it likes, else 8; or to each destination without a preset: 4
	Lease       time.Duration    // how long a dead courier's mail stays untouched: 1 minute
	Poll        time.Duration    // how often to look for what came due or was posted by another process: 2 seconds
	Idle        time.Duration    // how long a connection is kept without a message: 10 seconds
	Grace       time.Duration    // how long a message under way may take once told to stop: 10 seconds
	Answer      time.Duration    // how long a server may take for an answer: 2 minutes, five times that for a whole message
	TLS         *tls.Config      // nil: the machine's authorities
	Resolver    Resolver         // nil: the machine's
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
	Log         *slog.Logger
	// Observe is told of every message that was sent, put off or refused, for the metrics. It may be nil.
	Observe func(Sending)
}

// Signer signs messages.
type Signer interface {
	// Sign gives the header lines to put before the message, each with CRLF; empty when it has no key for the domain.
	Sign(stream mail.Stream, fromDomain string, message []byte) (signatureHeaders string, err error)
}

// Sending is one attempt, for the metrics.
type Sending struct {
	Stream      mail.Stream
	State       State
	Class       mail.Class
	Destination string // a preset's name, 'smarthost', 'mailbox' or 'other'
	Took        time.Duration
}

func (o CourierOptions) filled() CourierOptions {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Lease, time.Minute)
	set(&o.Poll, 2*time.Second)
	set(&o.Idle, 10*time.Second)
	set(&o.Grace, 10*time.Second)
	set(&o.Answer, 2*time.Minute)
	if o.Hello == "" {
		o.Hello = "localhost"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Sending) {}
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext // IPv6 first, IPv4 soon after (RFC 8305)
	}
	return o
}

// longLease is for sources whose leases nobody prolongs: a message with every timeout of its conversation fits in.
const longLease = 20 * time.Minute

// feed is a source as the courier uses it. The courier's lock guards hand.
type feed struct {
	Source
	index  int
	keeper Keeper // nil: its leases are long
	lease  time.Duration
	hand   int // claimed, and not settled

	pause     time.Duration // after it failed; 0: it did not
	notBefore time.Time
}

// Courier takes mail to where it goes. Any number of them, in any number of processes, may share a database.
type Courier struct {
	box    *Outbox
	o      CourierOptions
	route  router
	dial   *client.Dialer
	feeds  []*feed
	relays *feed         // of them, that of messages passed on
	room   chan struct{} // holds a token when a claim may be worth while
	once   bool          // DeliverDue: one connection, and no waiting
	made   time.Time     // leases taken before are a dead process's

	lookups chan struct{} // a place a look-up at once
	heavy   chan struct{} // a place a large message in memory

	mu      sync.Mutex
	dests   map[string]*destination
	inHand  map[*item]struct{}
	looking map[string][]*item // domains that are being looked up, and what waits for the answer
	refused error              // the last failure of a destination to serve us
}

// NewCourier makes a courier of the outbox.
func NewCourier(box *Outbox, o CourierOptions) *Courier {
	o = o.filled()
	c := &Courier{box: box, o: o, made: box.clock(), room: make(chan struct{}, 1),
		lookups: make(chan struct{}, 16), heavy: make(chan struct{}, 4), dests: map[string]*destination{}, inHand: map[*item]struct{}{}, looking: map[string][]*item{}}
	c.dial = client.NewDialer(client.Options{Hello: o.Hello, Dial: o.Dial, TLS: o.TLS, Answer: o.Answer, Grace: o.Grace})
	c.route = c.newRoute()
	for i, s := range append([]Source{box.Letters(), box.Deliveries()}, o.Sources...) {
		f := &feed{Source: s, index: i, lease: longLease}
		if k, ok := s.(Keeper); ok {
			f.keeper, f.lease = k, o.Lease
		}
		c.feeds = append(c.feeds, f)
	}
	c.relays = c.feeds[1]
	return c
}

func (c *Courier) newRoute() router {
	connections := func(n int) int {
		if c.o.Connections > 0 {
			return c.o.Connections
		}
		return n
	}
	switch {
	case c.box.o.Demo:
		return fixed{target{key: mailboxKey, lane: mailboxKey, preset: Preset{Name: mailboxKey, Connections: 2}.filled()}}
	case c.o.Smarthost.Direct:
		return &mxRoute{resolver: c.o.Resolver, clock: c.box.clock, self: strings.ToLower(c.o.Hello),
			small: Preset{Connections: connections(4), Messages: 100}.filled()}
	case !c.o.Smarthost.IsZero():
		p := Preset{Name: smarthostKey, Connections: connections(cmp.Or(c.o.Smarthost.Connections, 8)), Longest: 5 * time.Minute}.filled()
		return fixed{target{key: smarthostKey, lane: smarthostKey, preset: p}}
	}
	return nil
}

// Run delivers until the context ends; then each connection finishes the message under way. Without a way out mail
// waits.
func (c *Courier) Run(ctx context.Context) error {
	if c.route == nil {
		<-ctx.Done()
		return nil
	}
	return c.work(ctx)
}

// DeliverDue delivers what is due now, each message once, over one connection a destination. It is for tests and for
// commands, while the courier does not Run. Its error is a destination's that served nobody, or the database's.
func (c *Courier) DeliverDue(ctx context.Context) error {
	if c.route == nil {
		return nil
	}
	c.once, c.refused = true, nil
	defer func() { c.once = false }()
	if err := c.work(ctx); err != nil {
		return err
	}
	return c.refused
}
