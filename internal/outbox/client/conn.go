package client

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"amicale/internal/mail"
)

// Conn is one connection to a mail server that serves us, kept for the next messages. It is one goroutine's.
type Conn struct {
	conn   net.Conn
	raw    net.Conn // below TLS; it never changes, so that stop may come from elsewhere
	r      *bufio.Reader
	w      *bufio.Writer
	server string // its name as we looked it up
	ext    extensions
	answer time.Duration // how long it may take for an answer

	handed int  // messages it took from us
	dirty  bool // a transaction was begun and refused
	stopAt atomic.Int64
	unstop func() bool // ends the waiting for the end of the context
}

// extensions are what the server offers (RFC 5321 §4.1.1.1).
type extensions struct {
	pipelining, eightBit, utf8, size, startTLS bool
	auth                                       []string
}

func newConn(conn net.Conn, server string, answer time.Duration) *Conn {
	return &Conn{conn: conn, raw: conn, r: bufio.NewReaderSize(conn, mostReplyLine), w: bufio.NewWriterSize(conn, 16<<10), server: server, answer: answer}
}

// within bounds what is read and written next.
func (c *Conn) within(d time.Duration) {
	at := time.Now().Add(d)
	if stop := c.stopAt.Load(); stop != 0 && stop < at.UnixNano() {
		at = time.Unix(0, stop)
	}
	_ = c.raw.SetDeadline(at) // a connection that refuses it fails at once
}

// stop lets the connection finish what is under way until that moment.
func (c *Conn) stop(at time.Time) {
	c.stopAt.Store(at.UnixNano())
	_ = c.raw.SetDeadline(at)
}

// command says one line and hears the answer.
func (c *Conn) command(stage string, keep bool, words ...string) (mail.Reply, string, error) {
	c.within(c.answer)
	for _, w := range words {
		c.w.WriteString(w)
	}
	c.w.WriteString("\r\n")
	if err := c.w.Flush(); err != nil {
		return mail.Reply{}, "", c.broken(stage, err)
	}
	return c.hear(stage, keep)
}

func (c *Conn) hear(stage string, keep bool) (mail.Reply, string, error) {
	code, text, err := c.read(keep)
	if err != nil {
		return mail.Reply{}, "", c.broken(stage, err)
	}
	if code < 400 {
		return mail.Reply{Code: code, Stage: stage, Server: c.server}, text, nil
	}
	return replied(stage, c.server, code, text), text, nil
}

func (c *Conn) broken(stage string, err error) error {
	return &Failure{Stage: stage, Server: c.server, Err: err}
}

// Handed is how many messages the server took over this connection.
func (c *Conn) Handed() int { return c.handed }

// Hand gives one message over. What the server answered is the reply of the first command that it refused, or of the
// whole. An error is a *Failure, of a connection that broke: nobody answers for the message.
func (c *Conn) Hand(m Message) (mail.Reply, error) {
	e := m.envelope
	if e.utf8 && !c.ext.utf8 { // RFC 6531 §3.5
		return mail.Reply{Code: 553, Enhanced: "5.6.7", Text: "the server does not take addresses beyond ASCII", Stage: "mail", Server: c.server}, nil
	}
	c.within(c.answer)
	reply, err := c.begin(e)
	if err != nil || reply.Code != 354 {
		return reply, err
	}
	if err := c.body(m.parts); err != nil {
		return mail.Reply{}, err
	}
	c.within(5 * c.answer) // RFC 5321 §4.5.3.2.6: it may take long, and asking again makes two of one
	reply, _, err = c.hear("data", false)
	if err == nil && reply.Code < 300 {
		c.handed++
		c.dirty = false
	}
	return reply, err
}

// The steps of a transaction before the message, and the first digit of a good answer to each.
var steps = [...]struct {
	stage string
	good  int
}{{"mail", 2}, {"mail", 2}, {"rcpt", 2}, {"data", 3}}

func (c *Conn) say(step int, e envelope) {
	switch step {
	case 0:
		c.w.WriteString("RSET\r\n")
	case 1:
		c.sayMail(e)
	case 2:
		c.w.WriteString("RCPT TO:<")
		c.w.WriteString(e.to)
		c.w.WriteString(">\r\n")
	case 3:
		c.w.WriteString("DATA\r\n")
	}
}

// begin says MAIL, RCPT and DATA, at once where the server can (RFC 2920). Code 354 lets the message follow.
func (c *Conn) begin(e envelope) (mail.Reply, error) {
	first := 1
	if c.dirty {
		first = 0
	}
	c.dirty = true
	for i := first; c.ext.pipelining && i < len(steps); i++ {
		c.say(i, e)
	}
	var refused, last mail.Reply
	for i := first; i < len(steps); i++ {
		if !c.ext.pipelining {
			c.say(i, e)
		}
		if err := c.w.Flush(); err != nil {
			return mail.Reply{}, c.broken(steps[i].stage, err)
		}
		var err error
		if last, _, err = c.hear(steps[i].stage, false); err != nil {
			if refused.Code != 0 { // it closed behind its answer
				return refused, nil
			}
			return mail.Reply{}, err
		}
		if refused.Code == 0 && last.Code/100 != steps[i].good {
			refused = last
		}
		if refused.Code == 421 || refused.Code != 0 && !c.ext.pipelining {
			return refused, nil
		}
	}
	if refused.Code != 0 && last.Code == 354 { // RFC 2920 §3.1: it waits for a message to nobody
		return refused, c.nothing()
	}
	if refused.Code != 0 {
		return refused, nil
	}
	return last, nil
}

func (c *Conn) nothing() error {
	_, _, err := c.command("data", false, ".")
	return err
}

func (c *Conn) sayMail(e envelope) {
	c.w.WriteString("MAIL FROM:<")
	c.w.WriteString(e.from)
	c.w.WriteByte('>')
	if c.ext.size {
		c.w.WriteString(" SIZE=")
		c.w.Write(strconv.AppendInt(c.w.AvailableBuffer(), int64(e.size), 10))
	}
	if c.ext.eightBit && (e.eightBit || e.utf8) {
		c.w.WriteString(" BODY=8BITMIME")
	}
	if c.ext.utf8 && (e.utf8 || e.headUTF8) {
		c.w.WriteString(" SMTPUTF8")
	}
	c.w.WriteString("\r\n")
}

// body writes the message as it is, a dot added where a line begins with one (RFC 5321 §4.5.2), and its end.
func (c *Conn) body(parts [][]byte) error {
	s := stuffing{begin: true}
	for _, p := range parts {
		if err := s.write(c, p); err != nil {
			return c.broken("data", err)
		}
	}
	if !s.begin {
		c.w.WriteString("\r\n")
	}
	c.w.WriteString(".\r\n")
	if err := c.w.Flush(); err != nil {
		return c.broken("data", err)
	}
	return nil
}

// stuffing is where in a line the last written octet stands.
type stuffing struct {
	begin   bool // behind CRLF, or at the very beginning
	cr      bool // behind a CR
	written int  // since the deadline was set
}

// atOnce is how much is written under one deadline.
const atOnce = 128 << 10

func (s *stuffing) write(c *Conn, p []byte) error {
	for len(p) > 0 {
		n := len(p)
		switch {
		case s.begin && p[0] == '.':
			c.w.WriteByte('.')
			n = 1
		case s.cr && p[0] == '\n':
			n = 1
		default:
			if at := bytes.Index(p, []byte("\r\n.")); at >= 0 {
				n = at + 2
			}
		}
		n = min(n, atOnce)
		if s.written += n; s.written > atOnce {
			c.within(c.answer)
			s.written = n
		}
		if _, err := c.w.Write(p[:n]); err != nil {
			return err
		}
		s.begin = p[n-1] == '\n' && (n > 1 && p[n-2] == '\r' || n == 1 && s.cr)
		s.cr = p[n-1] == '\r'
		p = p[n:]
	}
	return nil
}

// HangUp says goodbye and closes; whether it is heard does not matter.
func (c *Conn) HangUp() {
	c.within(5 * time.Second)
	c.w.WriteString("QUIT\r\n")
	if c.w.Flush() == nil {
		_, _, _ = c.read(false)
	}
	c.Close()
}

// Close closes without a word.
func (c *Conn) Close() {
	c.unstop()
	_ = c.conn.Close()
}
