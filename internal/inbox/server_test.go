package inbox_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/inbox"
)

var (
	hello    = []string{"< 220 mx.ly.example", "> EHLO there.example", "< 250"}
	envelope = []string{"> MAIL FROM:<anne@there.example>", "< 250", "> RCPT TO:<laure@ly.example>", "< 250"}
)

func TestTaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d, inbox.Options{}, overSMTP)
		k := call(t, s.addr).say(hello...)
		for range 2 { // one connection, two messages
			k.say(envelope...).say("> DATA", "< 354", letter("Hello"), "< 250 2.0.0 taken as ")
		}
		k.say("> QUIT", "< 221", "< closed")
		if n := s.rows(t, inbox.Taken); n != 2 || len(s.shelf.all()) != 2 {
			t.Fatalf("%d rows and %d kept after 250, want 2 and 2", n, len(s.shelf.all()))
		}
		a := s.shelf.all()[0]
		m := a.Message
		if m.From != "Anne <anne@there.example>" || m.Subject != "News" || m.Key != "<1@there.example>" || m.Envelope.From != "anne@there.example" ||
			m.Hello != "there.example" || !m.Remote.IsLoopback() || m.TLS || !m.Account.IsZero() || a.Rcpt.Box != "shelf" || a.Rcpt.Address != "laure@ly.example" {
			t.Errorf("the box was given %+v for %+v", m, a.Rcpt)
		}
		want := "Received: from there.example ([127.0.0.1])\r\n\tby mx.ly.example with ESMTP id " + m.ID.String() + "\r\n\tfor <laure@ly.example>;\r\n\t"
		if !strings.Contains(m.Trace, want) || !strings.HasPrefix(m.Trace, "Authentication-Results: mx.ly.example;\r\n\tspf=none") {
			t.Errorf("Trace = %q", m.Trace)
		}
	})
}

// TestAnswers are the answers to what goes wrong, each with what stands in the database afterwards.
func TestAnswers(t *testing.T) {
	t.Parallel()
	script := func(parts ...[]string) (out []string) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	to := func(rcpt, answer string) []string {
		return script(hello, []string{"> MAIL FROM:<anne@there.example>", "< 250", "> RCPT TO:<" + rcpt + ">", "< " + answer})
	}
	data := func(message, answer string) []string {
		return script(hello, envelope, []string{"> DATA", "< 354", message, "< " + answer})
	}
	loop := strings.Repeat("Received: from a by b; Fri, 27 Nov 2026 10:00:00 +0000\r\n", 51)
	for _, c := range []struct {
		name           string
		script         []string
		taken, refused int
	}{
		{"nobody's domain", to("laure@elsewhere.example", "550 5.1.1 no such address here"), 0, 0},
		{"nobody", to("no-body@ly.example", "550 5.1.1 no such address here"), 0, 0},
		{"deceased, in the same words", to("deceased@ly.example", "550 5.1.1 no such address here"), 0, 0},
		{"refused by its box", to("refuse-550@ly.example", "550 5.2.0 the box said 550"), 0, 0},
		{"not yet", to("refuse-450@ly.example", "450 4.2.0 the box said 450"), 0, 0},
		{"the box breaks", to("break-find@ly.example", "451 4.3.0"), 0, 0},
		{"no such address can be", to("a\x01b@ly.example", "553 5.1.3"), 0, 0},
		{"too long an address", to(strings.Repeat("a", 300)+"@ly.example", "553 5.1.3"), 0, 0},
		{"UTF-8 without SMTPUTF8", script(hello, []string{"> MAIL FROM:<é@there.example>", "< 553 5.6.7"}), 0, 0},
		{"UTF-8 with it", script(hello, []string{"> MAIL FROM:<é@there.example> SMTPUTF8", "< 250"}), 0, 0},
		{"no greeting", []string{"< 220", "> MAIL FROM:<a@there.example>", "< 50"}, 0, 0},
		{"RCPT first", script(hello, []string{"> RCPT TO:<laure@ly.example>", "< 50"}), 0, 0},
		{"DATA first", script(hello, []string{"> DATA", "< 50"}), 0, 0},
		{"DATA without a recipient", script(to("no-body@ly.example", "550"), []string{"> DATA", "< 50"}), 0, 0},
		{"two MAIL", script(hello, []string{"> MAIL FROM:<a@there.example>", "< 250", "> MAIL FROM:<b@there.example>", "< 503 5.5.1"}), 0, 0},
		{"RSET forgets", script(hello, envelope, []string{"> RSET", "< 250", "> DATA", "< 50"}), 0, 0},
		{"EHLO forgets", script(hello, envelope, []string{"> EHLO again.example", "< 250", "> DATA", "< 50"}), 0, 0},
		{"no sign-in here", script(hello, []string{"> AUTH PLAIN AGEAYg==", "< 5"}), 0, 0},
		{"VRFY tells nothing", script(hello, []string{"> VRFY laure", "< 252"}), 0, 0},
		{"nonsense", script(hello, []string{"> HELP ME NOW", "< 50", "> XYZZY", "< 50"}), 0, 0},
		{"SIZE at MAIL", script(hello, []string{"> MAIL FROM:<a@there.example> SIZE=200001", "< 552 5.3.4"}), 0, 0},
		{"SIZE at DATA", script(data(letter(strings.Repeat("0123456789abcdef\r\n", 20000)), "552 5.3.4"), []string{"> NOOP", "< 250"}), 0, 0},
		{"goes round", data(loop+letter("x"), "554 5.4.6"), 0, 1},
		{"refused by its box at the end", script(to("screen-550@ly.example", "250"), []string{"> DATA", "< 354", letter("x"), "< 550 5.2.0 the box said"}), 0, 1},
		{"put off by its box at the end", script(to("screen-450@ly.example", "250"), []string{"> DATA", "< 354", letter("x"), "< 450 4.2.0"}), 0, 0},
		{"its box breaks at the end", script(to("break-screen@ly.example", "250"), []string{"> DATA", "< 354", letter("x"), "< 451 4.3.0"}), 0, 0},
		{"cannot be kept", script(to("break-accept@ly.example", "250"), []string{"> DATA", "< 354", letter("x"), "< 451 4.3.0", "> NOOP", "< 250"}), 0, 0},
		{"keeping panics", script(to("panic@ly.example", "250"), []string{"> DATA", "< 354", letter("x"), "< 451 4.3.0", "> NOOP", "< 250"}), 0, 0},
		{"one of two refuses", script(to("screen-550@ly.example", "250"), []string{"> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354", letter("x"), "< 250 2.0.0 taken as"}), 1, 1},
		{"one of two not yet", script(to("screen-450@ly.example", "250"), []string{"> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354", letter("x"), "< 450 4.2.0 the box said"}), 0, 0},
		{"the other one not yet", script(to("laure@ly.example", "250"), []string{"> RCPT TO:<screen-450@ly.example>", "< 250", "> RCPT TO:<screen-550@ly.example>", "< 250", "> DATA", "< 354", letter("x"), "< 450 4.2.0 the box said"}), 0, 0},
		{"named twice, taken once", script(to("laure@ly.example", "250"), []string{"> RCPT TO:<Laure@ly.example>", "< 250", "> DATA", "< 354", letter("x"), "< 250"}), 1, 0},
		{"null sender", script(hello, []string{"> MAIL FROM:<>", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354", letter("x"), "< 250"}), 1, 0},
		{"8BITMIME", script(hello, []string{"> MAIL FROM:<a@there.example> BODY=8BITMIME", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354", letter("é\xff"), "< 250"}), 1, 0},
		{"a program", data(strings.Replace(letter("x"), "\r\n\r\n", "\r\nContent-Type: application/x; name=\"photo.jpg.exe\"\r\n\r\n", 1), "554 5.7.1 an attachment is a program (.exe)"), 0, 1},
		{"chunks", script(hello, envelope, []string{"> BDAT 12", "Subject: a\r\n", "< 250", "> BDAT 5 LAST", "\r\nabc", "< 250 2.0.0 taken as"}), 1, 0},
		{"chunks given up", script(hello, envelope, []string{"> BDAT 12", "Subject: a\r\n", "< 250", "> RSET", "< 250", "> NOOP", "< 250"}), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, dbtest.New(t), inbox.Options{MaxSize: 200_000}, overSMTP)
			call(t, s.addr).say(c.script...)
			if taken, refused := s.rows(t, inbox.Taken), s.rows(t, inbox.Refused); taken != c.taken || refused != c.refused || len(s.shelf.all()) != c.taken {
				t.Errorf("%d taken (%d kept), %d refused, want %d and %d", taken, len(s.shelf.all()), refused, c.taken, c.refused)
			}
		})
	}
}

// TestBytes: what comes is what is kept, octet for octet, or nothing is.
func TestBytes(t *testing.T) {
	t.Parallel()
	for _, over := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", over), func(t *testing.T) { t.Parallel(); testBytes(t, over) })
	}
}

func testBytes(t *testing.T, over bool) {
	head := "From: a@there.example\r\n\r\n"
	for _, c := range []struct {
		name, sent string // with its end
		kept       string // empty: refused
	}{
		{"plain", head + "Hello\r\n.\r\n", head + "Hello\r\n"},
		{"dots", head + "..\r\n..a\r\n...\r\nb.\r\n.\r\n", head + ".\r\n.a\r\n..\r\nb.\r\n"},
		{"trailing white space and 8 bits", head + "a \t\r\n\x00\xff\xc3\xa9\r\n\r\n\r\n.\r\n", head + "a \t\r\n\x00\xff\xc3\xa9\r\n\r\n\r\n"},
		{"a line of 100,000 octets", head + strings.Repeat("x", 100_000) + "\r\n.\r\n", head + strings.Repeat("x", 100_000) + "\r\n"},
		{"a lone CR", head + "a\rb\r\n.\r\n", head + "a\rb\r\n"},
		{"empty", ".\r\n", ""},
		{"head alone", "From: a@there.example\r\n.\r\n", "From: a@there.example\r\n"},
		{"a lone LF", head + "a\nb\r\n.\r\n", ""},
		{"LF . LF", head + "a\n.\nMAIL FROM:<x@y.example>\r\n.\r\n", ""},
		{"LF . CRLF", head + "a\n.\r\nMAIL FROM:<x@y.example>\r\n.\r\n", ""},
		{"CRLF . LF", head + "a\r\n.\nMAIL FROM:<x@y.example>\r\n.\r\n", ""},
		{"CR . CR", head + "a\r.\rMAIL FROM:<x@y.example>\r\n.\r\n", ""},
		{"CR . CRLF", head + "a\r.\r\nMAIL FROM:<x@y.example>\r\n.\r\n", ""},
		{"LF . CR", head + "a\n.\rMAIL FROM:<x@y.example>\r\n.\r\n", ""},
		{"CR CR LF", head + "a\r\r\nb\r\n.\r\n", ""},
		{"CR CR LF at the end", head + "a\r\r\n.\r\n", ""}, // whose end the library does not see
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, dbtest.New(t), inbox.Options{TLS: withTLS()}, overSMTP)
			k := call(t, s.addr).say(hello...)
			if over {
				k.startTLS()
			}
			k.say(envelope...).say("> DATA", "< 354", c.sent)
			got := k.answer()
			kept := s.shelf.all()
			if c.kept == "" && c.name != "empty" {
				if !strings.HasPrefix(got, "554 5.6.0") || len(kept) != 0 {
					t.Fatalf("answer %q, %d kept, want a refusal", got, len(kept))
				}
				// What followed was not taken for commands: either all of it belonged to the message, or the line is cut.
				_, _ = k.conn.Write([]byte("NOOP\r\n"))
				if next := k.answer(); !strings.HasPrefix(next, "250") && next != "closed" {
					t.Errorf("then %q", next)
				}
				return
			}
			if !strings.HasPrefix(got, "250") || len(kept) != 1 || string(kept[0].Message.Raw) != c.kept {
				t.Fatalf("answer %q, %d kept, want %.80q", got, len(kept), c.kept)
			}
			k.say("> NOOP", "< 250")
		})
	}
}

func TestPipelined(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{}, overSMTP)
	k := call(t, s.addr).say(hello...)
	k.send("MAIL FROM:<a@there.example>\r\nRCPT TO:<no-body@ly.example>\r\nRCPT TO:<laure@ly.example>\r\nDATA\r\n")
	k.say("< 250", "< 550 5.1.1", "< 250", "< 354")
	k.send(letter("one") + "MAIL FROM:<>\r\nRCPT TO:<laure@ly.example>\r\nDATA\r\n")
	k.say("< 250 2.0.0 taken", "< 250", "< 250", "< 354")
	k.send(letter("two") + "QUIT\r\n")
	k.say("< 250 2.0.0 taken", "< 221")
	if n := s.rows(t, inbox.Taken); n != 2 {
		t.Errorf("%d taken, want 2", n)
	}
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{TLS: withTLS()}, overSMTP)
	k := call(t, s.addr).say(hello...).startTLS().say(envelope...).say("> DATA", "< 354", letter("x"), "< 250")
	m := s.shelf.all()[0].Message
	if !m.TLS || !strings.Contains(m.Trace, " with ESMTPS tls TLS_") {
		t.Errorf("TLS %v, trace %q", m.TLS, m.Trace)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	k.say("< 421 4.3.2", "< closed") // said over TLS too
}

// TestInjected: what was sent in clear behind STARTTLS is not taken for commands inside it (CVE-2011-0411).
func TestInjected(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{TLS: withTLS()}, overSMTP)
	k := call(t, s.addr).say(hello...)
	k.send("STARTTLS\r\nMAIL FROM:<evil@there.example>\r\n")
	k.say("< 220")
	c := tls.Client(k.conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	speak(t, c).say("> EHLO there.example", "< 250", "> RCPT TO:<laure@ly.example>", "< 50")
	// Nor does anything go on in clear when TLS does not come about.
	k = call(t, s.addr).say(hello...).say("> STARTTLS", "< 220")
	k.send("EHLO there.example\r\n" + strings.Join([]string{envelope[0][2:], envelope[2][2:], "DATA", letter("x")}, "\r\n"))
	for k.answer() != "closed" {
	}
	if n := s.rows(t, inbox.Taken); n != 0 {
		t.Errorf("%d taken in clear", n)
	}
}

// TestCut: whoever hangs up, wherever, leaves nothing half taken.
func TestCut(t *testing.T) {
	t.Parallel()
	whole := strings.Join([]string{"EHLO there.example", "MAIL FROM:<a@there.example>", "RCPT TO:<laure@ly.example>", "DATA", letter("x")}, "\r\n")
	s := open(t, dbtest.New(t), inbox.Options{}, overSMTP)
	last := len(whole) - 2 // without the last LF the message is not whole
	for at := 0; at < last; at += 7 {
		k := call(t, s.addr).say("< 220")
		k.send(whole[:at])
		_ = k.conn.(*net.TCPConn).CloseWrite()
		for k.answer() != "closed" {
		}
	}
	if n := s.rows(t, inbox.Taken) + s.rows(t, inbox.Refused) + len(s.shelf.all()); n != 0 {
		t.Errorf("%d taken from connections that were cut", n)
	}
	// Sent whole, and gone before the answer: it is taken, or not, but not half.
	k := call(t, s.addr).say("< 220")
	k.send(whole)
	k.conn.Close()
	_ = s.stop()
	if n, kept := s.rows(t, inbox.Taken), len(s.shelf.all()); n != kept {
		t.Errorf("%d rows and %d kept", n, kept)
	}
}

func TestHangs(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Idle: 100 * time.Millisecond, Transfer: 300 * time.Millisecond}, overSMTP)
	call(t, s.addr).say("< 220", "< 421 4.4.2", "< closed")
	call(t, s.addr).say(hello...).say(envelope...).say("> DATA", "< 354", "From: a@b.example\r\n", "< 421 4.4.2", "< closed")
	// Who sends an octet now and then is not waited for longer than a message may take.
	k := call(t, s.addr).say(hello...).say(envelope...).say("> DATA", "< 354")
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for range 1000 {
			if _, err := k.conn.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond) // the slow sender itself
		}
	}()
	k.say("< 421 4.4.2", "< closed")
	<-gone
	if n := s.rows(t, inbox.Taken); n != 0 {
		t.Errorf("%d taken", n)
	}
}

func TestEndlessLine(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{}, overSMTP)
	k := call(t, s.addr).say("< 220")
	line := bytes.Repeat([]byte("x"), 1<<20)
	go func() { _, _ = k.conn.Write(line) }()
	if got := k.answer(); got != "closed" && !strings.HasPrefix(got, "421") {
		t.Errorf("a command without an end was answered %q", got)
	}
}

func TestTooManyErrors(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Errors: 3}, overSMTP)
	k := call(t, s.addr).say(hello...).say("> MAIL FROM:<a@there.example>", "< 250")
	for range 3 {
		k.say("> RCPT TO:<refuse-550@ly.example>", "< 550")
	}
	k.say("> RCPT TO:<refuse-550@ly.example>", "< 421 4.7.0", "< closed")
}

// TestGuessing: who tries addresses waits longer and longer, is cut, and then not let in. What comes behind the cut in
// the same breath is not answered as before either.
func TestGuessing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	counts := map[string]int{}
	s := open(t, dbtest.New(t), inbox.Options{Slow: time.Millisecond, Errors: 100, Observe: func(e inbox.Event) {
		mu.Lock()
		defer mu.Unlock()
		counts[e.What]++
	}}, overSMTP)
	k := call(t, s.addr).say(hello...).say("> MAIL FROM:<a@there.example>", "< 250")
	k.send(strings.Repeat("RCPT TO:<no-body@ly.example>\r\n", 12) + "RCPT TO:<no-body@ly.example>\r\nRCPT TO:<laure@ly.example>\r\n")
	for range 12 {
		k.say("< 550 5.1.1 no such address here")
	}
	k.say("< 421 4.7.0 too many unknown recipients", "< 421", "< closed")
	call(t, s.addr).say("< 421 4.7.0 mx.ly.example too many unknown recipients", "< closed")
	mu.Lock()
	defer mu.Unlock()
	if counts["unknown"] != 13 || counts["cut"] != 1 || counts["busy"] != 1 {
		t.Errorf("observed %v", counts)
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{PerAddress: 2}, overSMTP)
	a := call(t, s.addr).say("< 220")
	call(t, s.addr).say("< 220")
	call(t, s.addr).say("< 421 4.7.0 mx.ly.example too many connections from you", "< closed")
	a.say("> QUIT", "< 221", "< closed")
	call(t, s.addr).say("< 220")
	all := open(t, dbtest.New(t), inbox.Options{Connections: 1}, overLMTP)
	call(t, all.addr).say("< 220")
	call(t, all.addr).say("< 421 4.7.0 mx.ly.example too many connections", "< closed")
}

func TestTooManyRecipients(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Recipients: 2}, overSMTP)
	call(t, s.addr).say(hello...).say("> MAIL FROM:<a@there.example>", "< 250", "> RCPT TO:<a@ly.example>", "< 250", "> RCPT TO:<b@ly.example>", "< 250",
		"> RCPT TO:<c@ly.example>", "< 452 4.5.3", "> DATA", "< 354", letter("x"), "< 250")
	if n := s.rows(t, inbox.Taken); n != 2 {
		t.Errorf("%d taken, want 2", n)
	}
	if trace := s.shelf.all()[0].Message.Trace; strings.Contains(trace, "for <") {
		t.Errorf("one recipient reads the other's name: %q", trace)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Memory: 64 << 10}, overSMTP)
	k := call(t, s.addr).say(hello...)
	for range 3 { // what is refused is given back
		k.say(envelope...).say("> DATA", "< 354", letter(strings.Repeat("0123456789abcdef\r\n", 5000)), "< 452 4.3.1")
		k.say(envelope...).say("> DATA", "< 354", letter("small"), "< 250")
	}
}

// TestStop: the message under way is taken, everybody else is told to come again, nobody new is let in.
func TestStop(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{}, overSMTP)
	idle, between := call(t, s.addr).say(hello...), call(t, s.addr).say(hello...).say(envelope...)
	sending := call(t, s.addr).say(hello...).say(envelope...).say("> DATA", "< 354", "From: a@b.example\r\n")
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	idle.say("< 421 4.3.2", "< closed")
	between.say("< 421 4.3.2", "< closed")
	sending.say("\r\nHello\r\n.\r\n", "< 250 2.0.0 taken as", "< 421 4.3.2", "< closed")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := s.rows(t, inbox.Taken); n != 1 {
		t.Errorf("%d taken, want 1", n)
	}
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// TestStopCuts: who never ends does not hold up the stop for ever.
func TestStopCuts(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Grace: 50 * time.Millisecond}, overSMTP)
	k := call(t, s.addr).say(hello...).say(envelope...).say("> DATA", "< 354", "From: a@b.example\r\n")
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if got := k.answer(); got != "closed" && !strings.HasPrefix(got, "421") {
		t.Errorf("then %q", got)
	}
}

// TestBatch: messages that wait are committed together; one that cannot be kept does not hold up the others.
func TestBatch(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d, inbox.Options{}, overSMTP)
		most, first, release := 0, make(chan struct{}), make(chan struct{})
		var once sync.Once
		s.shelf.accept = func(_ context.Context, list []inbox.Arrival) error {
			most = max(most, len(list)) // one transaction at a time
			once.Do(func() { close(first); <-release })
			return nil
		}
		send := func(rcpt string) *talk {
			k := call(t, s.addr).say(hello...).say("> MAIL FROM:<a@there.example>", "< 250", "> RCPT TO:<"+rcpt+"@ly.example>", "< 250", "> DATA", "< 354")
			k.send(letter("x"))
			return k
		}
		talks := []*talk{send("laure")}
		<-first // the first is being committed; the others come meanwhile
		for i := range 10 {
			rcpt := fmt.Sprintf("person%d", i)
			if i == 4 {
				rcpt = "break-accept"
			}
			talks = append(talks, send(rcpt))
		}
		for inbox.Waiting(s.srv) < 10 {
			runtime.Gosched()
		}
		close(release)
		for i, k := range talks {
			want := "< 250 2.0.0 taken as"
			if i == 5 {
				want = "< 451 4.3.0"
			}
			k.say(want)
		}
		if n := s.rows(t, inbox.Taken); n != 10 || len(s.shelf.all()) != 10 || most != 10 {
			t.Errorf("%d rows and %d kept, at most %d at once, want 10 each", n, len(s.shelf.all()), most)
		}
	})
}

func TestLMTP(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{}, overLMTP)
	k := call(t, s.addr).say("< 220", "> EHLO there.example", "< 500", "> LHLO front.example", "< 250", "> MAIL FROM:<anne@there.example>", "< 250",
		"> RCPT TO:<laure@ly.example>", "< 250", "> RCPT TO:<screen-550@ly.example>", "< 250", "> RCPT TO:<no-body@ly.example>", "< 550 5.1.1",
		"> RCPT TO:<screen-450@ly.example>", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354", letter("x"),
		"< 250 2.0.0 <laure@ly.example> taken as", "< 550 5.2.0 <screen-550@ly.example> the box", "< 450 4.2.0 <screen-450@ly.example>", "< 250 2.0.0 <laure@ly.example> taken as")
	k.say("> QUIT", "< 221")
	if taken, refused := s.rows(t, inbox.Taken), s.rows(t, inbox.Refused); taken != 1 || refused != 1 {
		t.Errorf("%d taken, %d refused, want 1 and 1", taken, refused)
	}
	m := s.shelf.all()[0].Message
	if m.Remote.IsValid() || m.Auth.SPF != inbox.None || !strings.Contains(m.Trace, "with LMTP id ") {
		t.Errorf("remote %v, SPF %s, trace %q", m.Remote, m.Auth.SPF, m.Trace)
	}
}
