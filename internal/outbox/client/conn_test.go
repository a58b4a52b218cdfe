package client

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"amicale/internal/mail"
)

func TestReplied(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", mail.MostReplyText)
	for _, c := range []struct {
		code           int
		text           string
		enhanced, want string
	}{
		{550, "5.1.1 no such user\n", "5.1.1", "no such user"},
		{550, "5.7.1 one\n5.7.1 two\n", "5.7.1", "one two"},
		{550, "5.7.1 one\n5.7.2 two\n", "5.7.1", "one 5.7.2 two"},
		{451, "5.1.1 of another class\n", "", "5.1.1 of another class"},
		{421, "4.7.28 slow\n", "4.7.28", "slow"},
		{550, "10.2.3.4 is listed\n", "", "10.2.3.4 is listed"},
		{550, "5.1 no\n", "", "5.1 no"},
		{550, "5.1.1\n", "5.1.1", ""},
		{550, "", "", ""},
		{550, "\xff\x00\n", "", "\uFFFD"},
	} {
		got := replied("rcpt", "mx.example", c.code, c.text)
		want := mail.Reply{Code: c.code, Enhanced: c.enhanced, Text: c.want, Stage: "rcpt", Server: "mx.example"}
		if got != want {
			t.Errorf("replied(%d, %q) = %+v, want %+v", c.code, c.text, got, want)
		}
	}
	if got := replied("rcpt", "", 550, long).Text; len(got) > mail.MostReplyText || !utf8.ValidString(got) {
		t.Errorf("a long answer became %d octets, want at most %d and valid", len(got), mail.MostReplyText)
	}
}

// piped is a connection whose server says what stands here.
func piped(t testing.TB, says string) *Conn {
	here, there := net.Pipe()
	l := newConn(here, "mx.example", time.Minute)
	l.unstop = func() bool { return true }
	go func() {
		_, _ = io.WriteString(there, says)
		there.Close()
	}()
	t.Cleanup(func() { here.Close(); there.Close() })
	return l
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		says string
		code int
		text string
		ok   bool
	}{
		{"250 fine\r\n", 250, "fine\n", true},
		{"250\r\n", 250, "\n", true},
		{"250-one\r\n250-two\n250 three\r\n", 250, "one\ntwo\nthree\n", true},
		{"550 5.1.1 no\r\n", 550, "5.1.1 no\n", true},
		{"hello\r\n", 0, "", false},
		{"\r\n", 0, "", false},
		{"25x no\r\n", 0, "", false},
		{"2500 no\r\n", 0, "", false},
		{"150 no\r\n", 0, "", false},
		{"250 cut", 0, "", false},
		{"250 " + strings.Repeat("x", mostReplyLine) + "\r\n", 0, "", false},
		{strings.Repeat("250-more\r\n", mostReplyLines+1), 0, "", false},
	} {
		code, text, err := piped(t, c.says).read(true)
		if code != c.code || text != c.text || (err == nil) != c.ok {
			t.Errorf("read(%.40q) = %d, %q, %v, want %d, %q, ok %v", c.says, code, text, err, c.code, c.text, c.ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("250-a\r\n250 b\r\n", 250)
	f.Add("550 5.7.1 \xff no\r\n", 550)
	f.Fuzz(func(t *testing.T, says string, code int) {
		_, text, err := piped(t, says).read(true)
		r := replied("data", "mx.example", code, text)
		if len(r.Text) > mail.MostReplyText || !utf8.ValidString(r.Text) || strings.ContainsAny(r.Text, "\x00\n") {
			t.Errorf("%q (%v) became %q", says, err, r.Text)
		}
	})
}

// sent is what stands on the wire for a message in parts.
func sentParts(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	here, there := net.Pipe()
	l := newConn(here, "mx.example", time.Minute)
	all := make(chan []byte)
	go func() {
		b, err := io.ReadAll(there)
		if err != nil && !errors.Is(err, io.EOF) {
			b = []byte(err.Error())
		}
		all <- b
	}()
	if err := l.body(parts); err != nil {
		t.Error(err)
	}
	here.Close()
	return <-all
}

// received undoes what RFC 5321 §4.5.2 adds, as a server that knows no line end but CRLF does.
func received(t testing.TB, wire []byte) []byte {
	t.Helper()
	var out []byte
	for len(wire) > 0 {
		n := bytes.Index(wire, []byte("\r\n"))
		if n < 0 {
			t.Fatalf("no end of the message: %q", wire)
		}
		l := wire[:n+2]
		if wire = wire[n+2:]; string(l) == ".\r\n" {
			if len(wire) > 0 {
				t.Fatalf("%q stands behind the end", wire)
			}
			return out
		}
		if l[0] == '.' {
			l = l[1:]
		}
		out = append(out, l...)
	}
	t.Fatal("no end of the message")
	return nil
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{"", ".", "..", ".\r\n", "a\r\n.\r\nb", "a\n.b", "a\r.b", "\r\n.\r\n.\r\n", "a\r\r\n.b", "x\r", "\x00\xff \t\r\n"} {
		f.Add([]byte(s), 1)
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, message []byte, cut int) {
		cut = min(max(cut, 0), len(message))
		got := received(t, sentParts(t, message[:cut], message[cut:]))
		want := message
		if len(message) > 0 && !bytes.HasSuffix(message, []byte("\r\n")) {
			want = append(bytes.Clone(message), "\r\n"...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%q in parts of %d arrived as %q", message, cut, got)
		}
	})
}

func TestAmbiguous(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]bool{
		"a\r\n.\r\nb": false, "a\r\n.\nb": false, ".\r\n": false, "a\n.b\r\n": false, "a\nb\rc\r\n": false, "\r\n.": false, "a\r\n.\r": false,
		"a\n.\r\nb": true, "a\n.\nb": true, "a\r.\r\nb": true, "a\r.\rb": true, "\n.\n": true, "x\n.\r": true,
	} {
		if got := ambiguous([]byte(message)); got != want {
			t.Errorf("ambiguous(%q) = %v, want %v", message, got, want)
		}
	}
}

func TestNewMessage(t *testing.T) {
	t.Parallel()
	message := func(s string) [][]byte { return [][]byte{[]byte("Signature: x\r\n"), []byte(s)} }
	for _, c := range []struct {
		from, to, message string
		want              envelope
		refused           string
	}{
		{"a@b.fr", "c@d.fr", "Subject: x\r\n\r\nx", envelope{from: "a@b.fr", to: "c@d.fr"}, ""},
		{"", "c@d.fr", "Subject: x\r\n\r\né", envelope{to: "c@d.fr", eightBit: true}, ""},
		{"", "c@d.fr", "Subject: é\r\n\r\nx", envelope{to: "c@d.fr", eightBit: true, headUTF8: true}, ""},
		{"", "c@été.fr", "\r\n", envelope{to: "c@xn--t-9fab.fr"}, ""},
		{"", "é@été.fr", "\r\n", envelope{to: "é@été.fr", utf8: true}, ""},
		{"", "", "\r\n", envelope{}, "5.1.3"},
		{"a@b.fr\r\nRCPT TO:<x@y.fr>", "c@d.fr", "\r\n", envelope{}, "5.1.3"},
		{"", "c@d.fr> NOTIFY=NEVER", "\r\n", envelope{}, "5.1.3"},
		{"", "c@d.fr", "\r\nx\n.\r\nMAIL FROM:<x@y.fr>\r\n", envelope{}, "5.6.0"},
	} {
		m, reply := NewMessage(c.from, c.to, message(c.message))
		if c.refused == "" {
			c.want.size = len("Signature: x\r\n") + len(c.message)
		}
		if got := m.envelope; got != c.want || reply.Enhanced != c.refused {
			t.Errorf("NewMessage(%q, %q, %q) = %+v, %+v, want %+v, refused %q", c.from, c.to, c.message, got, reply, c.want, c.refused)
		}
	}
}

// connected are the two ends of a connection over loopback.
func connected(t *testing.T) (here net.Conn, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if here, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); conn.Close() })
	return here, conn.(*net.TCPConn)
}

// TestHand is about what stands in the commands, and what each answer becomes.
func TestHand(t *testing.T) {
	t.Parallel()
	all := extensions{pipelining: true, eightBit: true, utf8: true, size: true}
	for _, c := range []struct {
		name string
		ext  extensions
		e    envelope
		says string
		want mail.Reply
		wire string
	}{
		{"plain", extensions{}, envelope{from: "a@b.fr", to: "c@d.fr", size: 3, eightBit: true}, "250 a\r\n250 b\r\n354 c\r\n250 d\r\n",
			mail.Reply{Code: 250, Stage: "data"}, "MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\nx\r\n.\r\n"},
		{"all", all, envelope{to: "é@d.fr", size: 3, utf8: true}, "250 a\r\n250 b\r\n354 c\r\n250 d\r\n",
			mail.Reply{Code: 250, Stage: "data"}, "MAIL FROM:<> SIZE=3 BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<é@d.fr>\r\nDATA\r\nx\r\n.\r\n"},
		{"no UTF-8", extensions{}, envelope{to: "é@d.fr", utf8: true}, "", mail.Reply{Code: 553, Enhanced: "5.6.7", Text: "the server does not take addresses beyond ASCII", Stage: "mail"}, ""},
		{"refused at once", extensions{}, envelope{to: "c@d.fr"}, "250 a\r\n550 5.1.1 no\r\n",
			mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "no", Stage: "rcpt"}, "MAIL FROM:<>\r\nRCPT TO:<c@d.fr>\r\n"},
		{"refused in a row", extensions{pipelining: true}, envelope{to: "c@d.fr"}, "250 a\r\n550 5.1.1 no\r\n503 5.5.1 why\r\n",
			mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "no", Stage: "rcpt"}, "MAIL FROM:<>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n"},
		{"a message to nobody", extensions{pipelining: true}, envelope{to: "c@d.fr"}, "250 a\r\n550 5.1.1 no\r\n354 go on\r\n554 nobody\r\n",
			mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "no", Stage: "rcpt"}, "MAIL FROM:<>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n.\r\n"},
		{"closing", extensions{pipelining: true}, envelope{to: "c@d.fr"}, "421 4.3.2 bye\r\n",
			mail.Reply{Code: 421, Enhanced: "4.3.2", Text: "bye", Stage: "mail"}, "MAIL FROM:<>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n"},
		{"closing without 421", extensions{pipelining: true}, envelope{to: "c@d.fr"}, "550 5.7.1 go away\r\n",
			mail.Reply{Code: 550, Enhanced: "5.7.1", Text: "go away", Stage: "mail"}, "MAIL FROM:<>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			here, there := connected(t)
			l := newConn(here, "", time.Minute)
			l.ext = c.ext
			heard := make(chan string)
			go func() {
				_, _ = io.WriteString(there, c.says)
				_ = there.CloseWrite()
				b, _ := io.ReadAll(there)
				heard <- string(b)
			}()
			got, err := l.Hand(Message{c.e, [][]byte{[]byte("x\r\n")}})
			here.Close()
			if err != nil || got != c.want {
				t.Errorf("Hand() = %+v, %v, want %+v", got, err, c.want)
			}
			if wire := <-heard; wire != c.wire {
				t.Errorf("said %q, want %q", wire, c.wire)
			}
		})
	}
}
