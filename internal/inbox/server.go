package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/web"
)

// Options tune a server; a zero field takes the value named.
type Options struct {
	Hostname string      // the name we greet with, which our Authentication-Results carry too
	Boxes    []Box       // asked in this order
	Door     Door        // who may submit; nil: nobody
	TLS      *tls.Config // nil: no STARTTLS, and no submission
	MaxSize  int64       // of a message in octets: 25 MiB
	Resolver Resolver    // nil: the machine's, behind a cache
	Rspamd   string      // address of an rspamd, e.g. http://127.0.0.1:11333; empty: none is asked
	Log      *slog.Logger
	// Observe is told of everything answered that is worth counting. It may be nil.
	Observe func(Event)

	Connections int           // at once in all: 500
	PerAddress  int           // at once from one IPv4 address or IPv6 /64, but for LMTP: 50
	Recipients  int           // a message: 50
	Errors      int           // refused commands of a session before it is cut: 25
	Idle        time.Duration // without an octet: 5 minutes (RFC 5321 §4.5.3.2.7)
	Transfer    time.Duration // for the octets of one message: 30 minutes
	Grace       time.Duration // for messages under way once told to stop: 20 seconds
	Checks      time.Duration // for SPF, DKIM and DMARC together: 10 seconds
	Slow        time.Duration // what one more guessed address costs the guesser: 1 second
	Banned      time.Duration // for how long who guesses on is not let in: 15 minutes
	Memory      int64         // octets of messages under way in all: 256 MiB
}

func (o Options) filled() Options {
	for d, v := range map[*time.Duration]time.Duration{
		&o.Idle: 5 * time.Minute, &o.Transfer: 30 * time.Minute, &o.Grace: 20 * time.Second, &o.Checks: 10 * time.Second,
		&o.Slow: time.Second, &o.Banned: 15 * time.Minute,
	} {
		if *d == 0 {
			*d = v
		}
	}
	for n, v := range map[*int]int{&o.Connections: 500, &o.PerAddress: 50, &o.Recipients: 50, &o.Errors: 25} {
		if *n == 0 {
			*n = v
		}
	}
	for n, v := range map[*int64]int64{&o.MaxSize: 25 << 20, &o.Memory: 256 << 20} {
		if *n == 0 {
			*n = v
		}
	}
	if o.Hostname == "" {
		o.Hostname = "localhost"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return o
}

// Event is something that was answered, for the metrics.
type Event struct {
	What string        // "taken", "refused", "later", "unknown", "cut", "busy", "signed in", "not signed in"
	Box  string        // of what was taken or refused; may be empty
	Took time.Duration // from the last octet to the answer, for messages
}

// Server speaks SMTP, submission and LMTP, and takes messages into the inbox. Any number of processes may serve one
// database; limits are each process's own.
type Server struct {
	box    *Inbox
	o      Options
	boxes  map[string]Box
	guard  *guard
	memory *budget
	slates sync.Pool // *[]byte that messages are read into
	take   *committer
	rules  []rule
	rspamd *rspamd // nil: none is asked

	triesFrom, triesFor *web.Limits // wrong passwords, by network and by user
}

// NewServer makes a server that takes messages into the inbox.
func NewServer(box *Inbox, o Options) *Server {
	o = o.filled()
	if o.Resolver == nil {
		o.Resolver = NewResolver(net.DefaultResolver, box.clock)
	}
	s := &Server{box: box, o: o, boxes: map[string]Box{}}
	for _, b := range o.Boxes {
		s.boxes[b.Name()] = b
	}
	s.guard = newGuard(box.clock, o)
	s.memory = &budget{most: o.Memory}
	s.slates.New = func() any { b := make([]byte, 0, slate); return &b }
	s.take = newCommitter(box, s.boxes, o)
	s.rules, s.rspamd = rules(), newRspamd(o.Rspamd)
	s.triesFrom, s.triesFor = web.NewLimits(box.clock, time.Minute, triesFrom), web.NewLimits(box.clock, time.Minute, triesFor)
	return s
}

// Connected is how many connections are open.
func (s *Server) Connected() int {
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	return s.guard.all
}

// protocol is what a listener speaks.
type protocol struct {
	name       string // as RFC 3848 writes it: "ESMTP", "LMTP"
	lmtp       bool   // a neighbour's Postfix hands over: it knows the remote server, we do not
	submission bool   // of people who sign in
	implicit   bool   // TLS from the first octet
}

// ServeSMTP takes mail from other servers until ctx ends; then it finishes the messages that are being taken and
// tells everybody else to come again.
func (s *Server) ServeSMTP(ctx context.Context, ln net.Listener) error {
	return s.serve(ctx, ln, protocol{name: "ESMTP"})
}

// ServeSubmission takes mail from people who sign in: over implicit TLS (RFC 8314 §3.3), else after STARTTLS.
func (s *Server) ServeSubmission(ctx context.Context, ln net.Listener, implicitTLS bool) error {
	if s.o.TLS == nil || s.o.Door == nil {
		ln.Close()
		return errors.New("inbox.ServeSubmission: it needs TLS and a door")
	}
	return s.serve(ctx, ln, protocol{name: "ESMTP", submission: true, implicit: implicitTLS})
}

// ServeLMTP takes mail from a mail server that stands in front (RFC 2033), with an answer for each recipient.
func (s *Server) ServeLMTP(ctx context.Context, ln net.Listener) error {
	return s.serve(ctx, ln, protocol{name: "LMTP", lmtp: true})
}

func (s *Server) serve(ctx context.Context, ln net.Listener, p protocol) error {
	release := s.take.hold()
	defer release()
	door := &doorway{Listener: ln, s: s, p: p, halt: make(chan struct{}), wires: map[*wire]struct{}{}}
	var use net.Listener = door
	if p.implicit {
		use = tls.NewListener(door, s.o.TLS)
	}
	srv := s.library(p)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(use) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	door.stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Grace)
	defer cancel()
	if e := srv.Shutdown(grace); errors.Is(e, context.DeadlineExceeded) {
		door.cutAll()
		s.o.Log.Warn("inbox: connections were cut while they still sent", "protocol", p.name)
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("inbox.serve %s: %w", p.name, err)
	}
	return nil
}

// library is the protocol's machine, with what we ask of it.
func (s *Server) library(p protocol) *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return s.newSession(c, p) }))
	srv.Domain = s.o.Hostname
	srv.LMTP = p.lmtp
	srv.MaxRecipients = s.o.Recipients
	srv.MaxMessageBytes = s.o.MaxSize
	srv.MaxLineLength = 0 // wires bound what comes before an answer; real HTML mail has lines of any length
	srv.EnableSMTPUTF8 = true
	srv.TLSConfig = s.o.TLS
	srv.WriteTimeout = s.o.Idle
	srv.ErrorLog = errorLog{s.o.Log}
	return srv
}

// errorLog gives what the library complains of to the log. Most of it are peers that hang up.
type errorLog struct{ log *slog.Logger }

func (l errorLog) Printf(format string, v ...any) {
	l.log.Debug("inbox: " + fmt.Sprintf(format, v...))
}
func (l errorLog) Println(v ...any) { l.log.Debug("inbox: " + fmt.Sprint(v...)) }

// budget bounds the octets of messages held in memory.
type budget struct {
	mu   sync.Mutex
	used int64
	most int64
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.most {
		return false
	}
	b.used += n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}
