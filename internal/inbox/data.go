package inbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/mail"
)

// mostReceived is how many servers a message may have passed before it is taken for one that goes round (RFC 5321 §6.3).
const mostReceived = 50

// Data takes the message for all recipients, or for none.
func (x *session) Data(r io.Reader) error {
	t := x.under()
	if t == nil || x.w.isCut() {
		return x.goodbye()
	}
	return whole(t.take(r))
}

// LMTPData takes the message for each recipient on its own.
func (x *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	t := x.under()
	if t == nil || x.w.isCut() {
		return x.goodbye()
	}
	for i, a := range t.take(r) {
		status.SetStatus(t.said[i], a)
	}
	return nil
}

// whole is one answer from those of all recipients: what one takes is taken, so that nobody gets it twice; who refused
// it for good has that in its own list. Only if all refuse is it refused.
func whole(each []*smtp.SMTPError) error {
	for _, a := range each {
		if a.Code/100 != 5 {
			return a
		}
	}
	return each[0]
}

// take reads the message, judges it and, if it is taken, has it written down. There is one answer a recipient.
func (x *transaction) take(r io.Reader) []*smtp.SMTPError {
	o := x.s.o
	_, chunked := r.(*io.PipeReader)
	x.w.begin(2*o.MaxSize+mostUnanswered, o.Transfer, !chunked)
	taken := false
	defer func() { x.w.judged(taken) }()
	raw, held, err := x.s.read(r)
	defer func() { x.s.memory.give(held) }()
	if err != nil {
		return x.all(x.broke(err))
	}
	begun := time.Now()
	each := x.judge(raw)
	for i, a := range each {
		what := map[int]string{2: "taken", 4: "later", 5: "refused"}[a.Code/100]
		taken = taken || what == "taken"
		o.Observe(Event{What: what, Box: x.to[i].Box, Took: time.Since(begun)})
	}
	if taken && !x.p.lmtp {
		x.s.guard.right(x.w.from)
	}
	return each
}

func (x *transaction) all(a *smtp.SMTPError) []*smtp.SMTPError {
	out := make([]*smtp.SMTPError, len(x.to))
	for i := range out {
		out[i] = a
	}
	return out
}

// broke is the answer to a message that did not come in whole, or cannot. What is not the sender's decision to end
// the message ends the connection too: nobody knows where in the conversation it stands.
func (x *transaction) broke(err error) *smtp.SMTPError {
	var no *Refusal
	switch {
	case errors.Is(err, smtp.ErrDataTooLarge):
		return smtp.ErrDataTooLarge
	case errors.Is(err, smtp.ErrDataReset):
		return x.goodbye()
	case errors.Is(err, errLost):
		return x.cut(badLines())
	case errors.As(err, &no):
		return answerOf(no)
	}
	return x.cut(Refuse(421, "4.4.2", "the message did not come in whole"))
}

// judge says for each recipient what becomes of the message.
func (x *transaction) judge(raw []byte) []*smtp.SMTPError {
	// What was sent whole is judged and taken even if the sender hangs up now: it may not wait for the answer long.
	ctx := context.WithoutCancel(x.ctx)
	head, body := mail.ReadHeader(raw)
	m := &Message{Envelope: x.from, Raw: raw, Head: head, body: body}
	describe(m)
	verdicts := make([]*Refusal, len(x.to))
	no := x.s.check(ctx, m, x.to)
	for i := range verdicts {
		verdicts[i] = no
	}
	if no == nil {
		m.Trace += x.received()
		x.screen(ctx, m, verdicts)
	}
	out := x.settle(m, verdicts)
	x.s.o.Log.InfoContext(ctx, "inbox: a message", "message", m.ID.String(), "remote", m.Remote.String(), "octets", len(m.Raw),
		"recipients", len(x.to), "answer", out[0].Code, "dmarc", string(m.Auth.DMARC), "score", m.Score, "took", time.Since(m.At))
	return out
}

// screen asks each recipient's box.
func (x *transaction) screen(ctx context.Context, m *Message, verdicts []*Refusal) {
	ctx, cancel := context.WithTimeout(ctx, boxWithin)
	defer cancel()
	for i, to := range x.to {
		err := x.s.boxes[to.Box].Screen(ctx, m, to)
		var no *Refusal
		switch {
		case errors.As(err, &no):
			verdicts[i] = no
		case err != nil:
			x.s.o.Log.Error("inbox: a message cannot be screened", "message", m.ID.String(), "box", to.Box, "error", err)
			verdicts[i] = broken()
		}
	}
}

// received is our own trace line. Of somebody who submitted it says neither the address nor the name of the machine:
// where one sits and writes is nobody's affair. It names the recipient only if there is one.
func (x *transaction) received() string {
	t := mail.Trace{Hello: x.from.Hello, Remote: x.from.Remote, By: x.s.o.Hostname, With: x.p.name, TLS: x.over, ID: x.from.ID.String(), At: x.from.At}
	if x.from.TLS {
		t.With += "S"
	}
	if !x.from.Account.IsZero() {
		t.With, t.Hello, t.Remote = t.With+"A", "authenticated", netip.Addr{}
	} else if len(x.to) == 1 {
		t.For = x.to[0].Address
	}
	return t.Received()
}

// check is what holds for every recipient.
func (s *Server) check(ctx context.Context, m *Message, to []Rcpt) *Refusal {
	if m.Head.CountReceived() > mostReceived {
		return Refuse(554, "5.4.6", "this message goes round in circles: it passed more than 50 servers")
	}
	if m.Account.IsZero() {
		signed := s.authenticate(ctx, m)
		m.Trace = s.results(m, signed)
		m.Raw = withoutForged(m, s.o.Hostname)
		if a := m.Auth; a.DMARC == Fail && a.Policy == "reject" {
			return Refuse(550, "5.7.1", fmt.Sprintf("%s asks to refuse mail in its name that is not authenticated (DMARC p=reject); "+
				"this message is not: SPF is %s, DKIM is %s, and neither agrees with its From", a.Domain, a.SPF, a.DKIM))
		}
		s.score(m, len(to))
	} else { // who signed in is known
		m.Auth = Auth{SPF: None, DKIM: None, DMARC: None}
	}
	if kind := programIn(m.Raw); kind != "" {
		return Refuse(554, "5.7.1", "an attachment is a program ("+kind+"); please send it another way")
	}
	if s.rspamd != nil {
		points, action, err := s.rspamd.ask(ctx, m, to)
		if err != nil {
			s.o.Log.WarnContext(ctx, "inbox: rspamd says nothing", "message", m.ID.String(), "error", err)
		} else if points > 0 {
			m.Score += points
			m.Marks = append(m.Marks, "rspamd: "+action)
		}
	}
	return nil
}

// settle has the verdicts written down and answers when they are.
func (x *transaction) settle(m *Message, verdicts []*Refusal) []*smtp.SMTPError {
	if !x.p.lmtp {
		if i := slices.IndexFunc(verdicts, temporary); i >= 0 {
			// The whole message comes again: nothing is kept, nor written, or it would be there twice.
			return x.all(answerOf(verdicts[i]))
		}
	}
	out := make([]*smtp.SMTPError, len(verdicts))
	w := work{m: m}
	for i, no := range verdicts {
		to := x.to[i]
		switch {
		case no == nil:
			out[i] = &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "taken as " + m.ID.String()}
			if !w.has(to) { // named twice, delivered once
				w.add(to)
			}
			continue
		case !temporary(no):
			w.refused = append(w.refused, rejected{to, no})
		}
		out[i] = answerOf(no)
	}
	if no := x.s.take.do(w); no != nil {
		for i, a := range out {
			if a.Code == 250 {
				out[i] = answerOf(no)
			}
		}
	}
	return out
}

func temporary(no *Refusal) bool { return no != nil && no.Code/100 == 4 }

// errLost says that the reader lost its place in the conversation.
var errLost = errors.New("the end of the message cannot be told")

// slate is how much of a message is read before it is known to be a long one.
const slate = 32 << 10

// read reads a message whole, within the budget. held octets are to be given back.
func (s *Server) read(r io.Reader) (raw []byte, held int64, err error) {
	if !s.memory.take(slate) {
		return nil, 0, full()
	}
	held = slate
	keep := s.slates.Get().(*[]byte)
	defer s.slates.Put(keep)
	buf := (*keep)[:0]
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			break
		}
		if errors.Is(err, pause{}) {
			// The library does not see that CR CR LF ends a line, nor then that the message ends: both would wait.
			if bytes.Contains(buf, []byte("\r\r\n")) {
				return nil, held, errLost
			}
			err = nil
		}
		if err != nil {
			return nil, held, err
		}
		if len(buf) == cap(buf) {
			more := int64(cap(buf))
			if !s.memory.take(more) {
				return nil, held, full()
			}
			held += more
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
	}
	if !goodLines(buf) {
		return nil, held, badLines()
	}
	if cap(buf) == slate {
		buf = bytes.Clone(buf)
	}
	return buf, held, nil
}

func full() *Refusal { return Refuse(452, "4.3.1", "too much mail at once, please try again later") }

// badLines: RFC 5321 §2.3.8 forbids CR and LF but as CRLF. Servers differ in what they take for the end of a message
// when they meet others, and a message that ends early for the next server smuggles a second one in, from whom it
// likes, in our name. We end a message at CRLF "." CRLF alone, and do not pass on what others may end earlier.
func badLines() *Refusal {
	return Refuse(554, "5.6.0", "a line of this message does not end with CRLF (RFC 5321 section 2.3.8)")
}

// goodLines reports whether no server could take a part of the message for its end: each LF ends a CRLF, before
// which no CR stands, and no dot stands alone between CRs. Other lone CRs are some programs' dirt and harm nobody.
func goodLines(raw []byte) bool {
	for at := 0; ; {
		n := bytes.IndexByte(raw[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
		if at < 2 || raw[at-2] != '\r' {
			return false
		}
	}
	return !bytes.Contains(raw, []byte("\r.\r")) && !bytes.Contains(raw, []byte("\r\r\n"))
}
