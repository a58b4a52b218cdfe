package outbox

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"amicale/internal/mail"
)

// line is one connection to a mail server, kept for the next messages. We speak SMTP ourselves: go-smtp's client turns
// a bare LF into CRLF, which breaks the signatures of what is passed on, and hides what the server answered where.
type line struct {
	conn   net.Conn
	raw    net.Conn // below TLS; it never changes, so that stop may come from elsewhere
	r      *bufio.Reader
	w      *bufio.Writer
	server string // its name as we looked it up
	ext    extensions
	answer time.Duration // how long it may take for an answer

	handed int       // messages it took from us
	dirty  bool      // a transaction was begun and refused
	used   time.Time // when the last message was handed over; zero for a new line
	stopAt atomic.Int64
	unstop func() bool // ends the waiting for the courier's end
}

// extensions are what the server offers (RFC 5321 §4.1.1.1).
type extensions struct {
	pipelining, eightBit, utf8, size, startTLS bool
	auth                                       []string
}

func newLine(conn net.Conn, server string, answer time.Duration) *line {
	return &line{conn: conn, raw: conn, r: bufio.NewReaderSize(conn, mostReplyLine), w: bufio.NewWriterSize(conn, 16<<10), server: server, answer: answer}
}

// within bounds what is read and written next.
func (l *line) within(d time.Duration) {
	at := time.Now().Add(d)
	if stop := l.stopAt.Load(); stop != 0 && stop < at.UnixNano() {
		at = time.Unix(0, stop)
	}
	_ = l.raw.SetDeadline(at) // a connection that refuses it fails at once
}

// stop lets the line finish what is under way until that moment.
func (l *line) stop(at time.Time) {
	l.stopAt.Store(at.UnixNano())
	_ = l.raw.SetDeadline(at)
}

// command says one line and hears the answer.
func (l *line) command(stage string, keep bool, words ...string) (mail.Reply, string, error) {
	l.within(l.answer)
	for _, w := range words {
		l.w.WriteString(w)
	}
	l.w.WriteString("\r\n")
	if err := l.w.Flush(); err != nil {
		return mail.Reply{}, "", l.broken(stage, err)
	}
	return l.hear(stage, keep)
}

func (l *line) hear(stage string, keep bool) (mail.Reply, string, error) {
	code, text, err := l.read(keep)
	if err != nil {
		return mail.Reply{}, "", l.broken(stage, err)
	}
	if code < 400 {
		return mail.Reply{Code: code, Stage: stage, Server: l.server}, text, nil
	}
	return replied(stage, l.server, code, text), text, nil
}

func (l *line) broken(stage string, err error) error {
	return &failure{stage: stage, server: l.server, err: err}
}

// envelope is what stands outside of a message.
type envelope struct {
	from, to string
	size     int
	utf8     bool // an address holds more than ASCII
	headUTF8 bool // a header does
	eightBit bool
}

// hand gives one message over, whose parts follow one another. What the server answered is the reply of the first
// command that it refused, or of the whole. An error is a line that broke: nobody answers for the message.
func (l *line) hand(e envelope, parts ...[]byte) (mail.Reply, error) {
	if e.utf8 && !l.ext.utf8 { // RFC 6531 §3.5
		return mail.Reply{Code: 553, Enhanced: "5.6.7", Text: "the server does not take addresses beyond ASCII", Stage: "mail", Server: l.server}, nil
	}
	l.within(l.answer)
	reply, err := l.begin(e)
	if err != nil || reply.Code != 354 {
		return reply, err
	}
	if err := l.body(parts); err != nil {
		return mail.Reply{}, err
	}
	l.within(5 * l.answer) // RFC 5321 §4.5.3.2.6: it may take long, and asking again makes two of one
	reply, _, err = l.hear("data", false)
	if err == nil && reply.Code < 300 {
		l.handed++
		l.used, l.dirty = time.Now(), false
	}
	return reply, err
}

// The steps of a transaction before the message, and the first digit of a good answer to each.
var steps = [...]struct {
	stage string
	good  int
}{{"mail", 2}, {"mail", 2}, {"rcpt", 2}, {"data", 3}}

func (l *line) say(step int, e envelope) {
	switch step {
	case 0:
		l.w.WriteString("RSET\r\n")
	case 1:
		l.sayMail(e)
	case 2:
		l.w.WriteString("RCPT TO:<")
		l.w.WriteString(e.to)
		l.w.WriteString(">\r\n")
	case 3:
		l.w.WriteString("DATA\r\n")
	}
}

// begin says MAIL, RCPT and DATA, at once where the server can (RFC 2920). Code 354 lets the message follow.
func (l *line) begin(e envelope) (mail.Reply, error) {
	first := 1
	if l.dirty {
		first = 0
	}
	l.dirty = true
	for i := first; l.ext.pipelining && i < len(steps); i++ {
		l.say(i, e)
	}
	var refused, last mail.Reply
	for i := first; i < len(steps); i++ {
		if !l.ext.pipelining {
			l.say(i, e)
		}
		if err := l.w.Flush(); err != nil {
			return mail.Reply{}, l.broken(steps[i].stage, err)
		}
		var err error
		if last, _, err = l.hear(steps[i].stage, false); err != nil {
			if refused.Code != 0 { // it closed behind its answer
				return refused, nil
			}
			return mail.Reply{}, err
		}
		if refused.Code == 0 && last.Code/100 != steps[i].good {
			refused = last
		}
		if refused.Code == 421 || refused.Code != 0 && !l.ext.pipelining {
			return refused, nil
		}
	}
	if refused.Code != 0 && last.Code == 354 { // RFC 2920 §3.1: it waits for a message to nobody
		return refused, l.nothing()
	}
	if refused.Code != 0 {
		return refused, nil
	}
	return last, nil
}

func (l *line) nothing() error {
	_, _, err := l.command("data", false, ".")
	return err
}

func (l *line) sayMail(e envelope) {
	l.w.WriteString("MAIL FROM:<")
	l.w.WriteString(e.from)
	l.w.WriteByte('>')
	if l.ext.size {
		l.w.WriteString(" SIZE=")
		l.w.Write(strconv.AppendInt(l.w.AvailableBuffer(), int64(e.size), 10))
	}
	if l.ext.eightBit && (e.eightBit || e.utf8) {
		l.w.WriteString(" BODY=8BITMIME")
	}
	if l.ext.utf8 && (e.utf8 || e.headUTF8) {
		l.w.WriteString(" SMTPUTF8")
	}
	l.w.WriteString("\r\n")
}

// body writes the message as it is, a dot added where a line begins with one (RFC 5321 §4.5.2), and its end.
func (l *line) body(parts [][]byte) error {
	s := stuffing{begin: true}
	for _, p := range parts {
		if err := s.write(l, p); err != nil {
			return l.broken("data", err)
		}
	}
	if !s.begin {
		l.w.WriteString("\r\n")
	}
	l.w.WriteString(".\r\n")
	if err := l.w.Flush(); err != nil {
		return l.broken("data", err)
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

func (s *stuffing) write(l *line, p []byte) error {
	for len(p) > 0 {
		n := len(p)
		switch {
		case s.begin && p[0] == '.':
			l.w.WriteByte('.')
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
			l.within(l.answer)
			s.written = n
		}
		if _, err := l.w.Write(p[:n]); err != nil {
			return err
		}
		s.begin = p[n-1] == '\n' && (n > 1 && p[n-2] == '\r' || n == 1 && s.cr)
		s.cr = p[n-1] == '\r'
		p = p[n:]
	}
	return nil
}

// ambiguous reports whether a message holds a dot alone behind a bare CR or LF: some servers would end the message
// there and take what follows as commands of ours.
func ambiguous(message []byte) bool {
	for _, end := range []string{"\n.", "\r."} {
		for at := 0; ; {
			i := bytes.Index(message[at:], []byte(end))
			if i < 0 {
				break
			}
			at += i + len(end)
			bare := end[0] == '\r' || at < 3 || message[at-3] != '\r'
			if bare && at < len(message) && (message[at] == '\r' || message[at] == '\n') {
				return true
			}
		}
	}
	return false
}

// hangUp says goodbye; whether it is heard does not matter.
func (l *line) hangUp() {
	l.within(5 * time.Second)
	l.w.WriteString("QUIT\r\n")
	if l.w.Flush() == nil {
		_, _, _ = l.read(false)
	}
	l.close()
}

func (l *line) close() {
	l.unstop()
	_ = l.conn.Close()
}
