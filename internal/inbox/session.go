package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/errs"
	"amicale/internal/id"
)

// session is one conversation.
type session struct {
	s    *Server
	p    protocol
	c    *smtp.Conn
	w    *wire
	ctx  context.Context // ends with the conversation
	end  context.CancelFunc
	over string // cipher suite of TLS; empty without

	in     Admission // who signed in
	errors int
	failed int // tries to sign in

	mu sync.Mutex
	tx *transaction // between MAIL and its end
}

// transaction is a message on its way in. It is the session's until its octets come; then its own, for over BDAT the
// client may give up while it is being read.
type transaction struct {
	*session
	from Envelope
	to   []Rcpt
	said []string // the recipients as the library knows them
}

func (s *Server) newSession(c *smtp.Conn, p protocol) (smtp.Session, error) {
	x := &session{s: s, p: p, c: c, w: wireOf(c)}
	if x.w.isCut() {
		return nil, x.goodbye()
	}
	x.ctx, x.end = context.WithCancel(context.Background())
	if state, ok := c.TLSConnectionState(); ok {
		x.over = tls.CipherSuiteName(state.CipherSuite)
	}
	x.w.talk(c.Conn())
	return x, nil
}

// wireOf is the connection below TLS.
func wireOf(c *smtp.Conn) *wire {
	conn := c.Conn()
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	return conn.(*wire)
}

// Reset ends the transaction under way.
func (x *session) Reset() { x.begin(nil) }

func (x *session) begin(t *transaction) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tx = t
}

func (x *session) under() *transaction {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tx
}

// Logout ends the session: the connection closes, or TLS begins.
func (x *session) Logout() error {
	x.end()
	x.w.talk(nil)
	return nil
}

// Mail begins a message.
func (x *session) Mail(from string, o *smtp.MailOptions) error {
	switch {
	case x.w.isCut():
		return x.goodbye()
	case x.p.submission && x.over == "":
		return x.refuse(Refuse(530, "5.7.0", "STARTTLS first"))
	case x.p.submission && x.in.Account.IsZero():
		return x.refuse(Refuse(530, "5.7.0", "sign in first"))
	case x.under() != nil:
		return x.refuse(Refuse(503, "5.5.1", "there is a MAIL already"))
	case cleaned(x.c.Hostname(), mostAddress) != x.c.Hostname():
		return x.refuse(Refuse(501, "5.5.2", "that is no name of a server"))
	case !wellFormed(from) && from != "":
		return x.refuse(Refuse(553, "5.1.7", "that address cannot be"))
	case !ascii(from) && !o.UTF8:
		return x.refuse(Refuse(553, "5.6.7", "an address in UTF-8 needs SMTPUTF8"))
	}
	x.begin(&transaction{session: x, from: Envelope{ID: id.New(), From: requote(from), Remote: x.remote(),
		Hello: x.c.Hostname(), TLS: x.over != "", Account: x.in.Account, Key: x.in.Key, At: x.s.box.clock()}})
	return nil
}

// remote is who the mail comes from; behind another server nobody knows.
func (x *session) remote() netip.Addr {
	if x.p.lmtp {
		return netip.Addr{}
	}
	return x.w.from
}

// Rcpt asks the boxes for a recipient.
func (x *session) Rcpt(to string, o *smtp.RcptOptions) error {
	if x.w.isCut() {
		return x.goodbye()
	}
	t := x.under()
	if t == nil || !wellFormed(to) {
		return x.refuse(Refuse(553, "5.1.3", "that address cannot be"))
	}
	rcpt, err := x.s.find(x.ctx, t.from, requote(to))
	var no *Refusal
	switch {
	case errors.As(err, &no):
		switch no.Enhanced {
		case unknown:
			return x.guessed(no)
		case lapsed:
			return x.cut(no)
		}
		return x.refuse(no)
	case err != nil:
		x.s.o.Log.Error("inbox: a recipient cannot be looked up", "message", t.from.ID.String(), "error", err)
		return x.refuse(broken())
	}
	t.said = append(t.said, to)
	t.to = append(t.to, rcpt)
	return nil
}

// unknown is the status of an address that does not exist (RFC 3463 §3.2).
const unknown = "5.1.1"

// lapsed is the status of who signed in with what was taken back since. He can sign in again, though not in the same
// session (RFC 4954 §4).
const lapsed = "5.7.8"

// NoSuchAddress is the answer about an address that nobody has. A box gives it too for one that several have or whose
// owner died: in the same words, so that it tells a stranger nothing.
func NoSuchAddress() *Refusal { return Refuse(550, unknown, "no such address here") }

// broken is the answer when it is our fault.
func broken() *Refusal { return Refuse(451, "4.3.0", "our fault, please try again later") }

// boxWithin is how long a box may think about a recipient, or about a message.
const boxWithin = 30 * time.Second

// find asks the boxes in order.
func (s *Server) find(ctx context.Context, e Envelope, address string) (Rcpt, error) {
	ctx, cancel := context.WithTimeout(ctx, boxWithin)
	defer cancel()
	if b := s.boxes[submissionBox]; b != nil && !e.Account.IsZero() {
		r, err := s.findIn(ctx, b, e, address)
		if !errors.Is(err, errs.NotFound) {
			return r, err
		}
	}
	for _, b := range s.o.Boxes {
		if b.Name() == submissionBox {
			continue
		}
		r, err := s.findIn(ctx, b, e, address)
		if errors.Is(err, errs.NotFound) {
			continue
		}
		return r, err
	}
	return Rcpt{}, NoSuchAddress()
}

func (s *Server) findIn(ctx context.Context, b Box, e Envelope, address string) (Rcpt, error) {
	r, err := b.Find(ctx, e, address)
	if err != nil {
		return Rcpt{}, err
	}
	r.Box = b.Name()
	if r.Address == "" {
		r.Address = address
	}
	return r, nil
}

// guessed answers a guess: later and later, in the end for the last time.
func (x *session) guessed(no *Refusal) error {
	x.s.o.Observe(Event{What: "unknown"})
	if x.p.lmtp { // the server in front answers for its own clients
		return answerOf(no)
	}
	wait, last := x.s.guard.wrong(x.w.from)
	if last {
		x.s.o.Log.Warn("inbox: somebody guesses addresses", "remote", x.w.from.String())
		return x.cut(Refuse(421, "4.7.0", "too many unknown recipients"))
	}
	x.wait(wait)
	return x.refuse(no)
}

// wait lets an answer come late, but does not hold up a server that stops.
func (x *session) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.w.d.halt:
	}
}

// refuse counts an error; too many end the session.
func (x *session) refuse(r *Refusal) error {
	if x.errors++; x.errors > x.s.o.Errors {
		return x.cut(Refuse(421, "4.7.0", "too many errors"))
	}
	return answerOf(r)
}

// cut ends the connection after this answer.
func (x *session) cut(r *Refusal) *smtp.SMTPError {
	x.s.o.Observe(Event{What: "cut"})
	x.w.cutOff()
	return answerOf(r)
}

func (x *session) goodbye() *smtp.SMTPError { return answerOf(Refuse(421, "4.7.0", "closing")) }

// answerOf is a refusal as the library writes it: on one line, in ASCII.
func answerOf(r *Refusal) *smtp.SMTPError {
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: enhanced(r.Enhanced), Message: oneLine(r.Text)}
}

func enhanced(s string) smtp.EnhancedCode {
	var out smtp.EnhancedCode
	for i, part := range strings.SplitN(s, ".", 3) {
		n := 0
		for _, c := range part {
			if c < '0' || c > '9' || n > 99 {
				return smtp.EnhancedCodeNotSet
			}
			n = 10*n + int(c-'0')
		}
		out[i] = n
	}
	return out
}
