package inbox_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/inbox"
)

// answerLine is what a server may say (RFC 5321 §4.2): a code, and text, in which the library repeats what it was told.
var answerLine = regexp.MustCompile(`^[2345][0-9][0-9]([ -][^\n]*)?$`)

// FuzzSession sends whatever to the server, over SMTP or LMTP. It must come to an end, answer in whole lines, and hold
// exactly the messages for which it said so.
func FuzzSession(f *testing.F) {
	whole := "MAIL FROM:<a@b.example>\r\nRCPT TO:<laure@ly.example>\r\nDATA\r\n" + letter("x")
	for _, seed := range []string{
		whole, whole + whole, "QUIT\r\n" + whole, "QUIT\r\nEHLO x\r\n" + whole, "STARTTLS\r\n" + whole, strings.ReplaceAll(whole, "\r\n", "\n"), strings.ReplaceAll(whole, "\r\n.\r\n", "\n.\n"),
		"MAIL FROM:<>\r\nRCPT TO:<laure@ly.example>\r\nRCPT TO:<screen-550@ly.example>\r\nBDAT 5\r\nab\r\n\r\nBDAT 0 LAST\r\n",
		"MAIL FROM:<a@b.example> SIZE=99999999999 BODY=8BITMIME SMTPUTF8\r\n", "RCPT TO:<\"a b\"@ly.example>\r\n", "AUTH LOGIN\r\n*\r\n",
		"MAIL FROM:<a@b.example>\r\nRCPT TO:<laure@ly.example>\r\nBDAT 10\r\nabc\r\n.\r\nabRSET\r\n" + whole, strings.Repeat("XYZZY\r\n", 10) + whole,
		"MAIL FROM:<\"\r\"@b.example>\r\nRCPT TO:<laure@ly.example\x7f>\r\nHELO \x00\r\n",
		strings.Replace(whole, "From:", "DKIM-Signature: v=1; a=rsa-sha256; d=there.example; s=rsa; h=from; bh=AAAA; b=AAAA\r\nFrom:", 1),
		strings.Replace(whole, "From:", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: x; name=\"a.exe\r\n--b--\r\nFrom:", 1),
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	d := dbtest.New(f)
	var hours atomic.Int64 // each session comes an hour later, so that no guess is remembered
	box := inbox.New(d, func() time.Time { return clock.System().Add(time.Duration(hours.Load()) * time.Hour) })
	srv := inbox.NewServer(box, inbox.Options{Boxes: []inbox.Box{&shelf{forget: true}}, Resolver: world(nil), TLS: withTLS(), Slow: 1, Idle: 2 * time.Second})
	addr := map[bool]string{}
	for lmtp, serve := range map[bool]serving{false: overSMTP, true: overLMTP} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			f.Fatal(err)
		}
		addr[lmtp] = ln.Addr().String()
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- serve(srv, ctx, ln) }()
		f.Cleanup(func() { cancel(); <-ended })
	}
	held := func(t *testing.T) int {
		n, err := db.One[int](t.Context(), d, `SELECT count(DISTINCT message_id) FROM inbox WHERE state = 'taken'`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	f.Fuzz(func(t *testing.T, in []byte, lmtp bool) {
		hours.Add(1)
		before := held(t)
		c, err := net.Dial("tcp", addr[lmtp])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		greet := map[bool]string{false: "EHLO there.example\r\n", true: "LHLO there.example\r\n"}[lmtp]
		go func() {
			_, _ = c.Write(append([]byte(greet), in...))
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		out, err := io.ReadAll(c)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatalf("it does not end; so far %q", out)
		}
		if i := bytes.Index(out, []byte(" Ready to start TLS\r\n")); i >= 0 {
			out = out[:i+len(" Ready to start TLS\r\n")] // then octets of TLS follow; without it nothing is taken
		}
		said := map[string]bool{}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\r\n"), "\r\n") {
			if err == nil && !answerLine.MatchString(line) {
				t.Errorf("it said %q", line)
			}
			if _, m, ok := strings.Cut(line, "taken as "); ok && strings.HasPrefix(line, "250 2.0.0 ") {
				said[m] = true
			}
		}
		if n := held(t) - before; n != len(said) && err == nil {
			t.Errorf("it holds %d messages more and said so of %d: %q", n, len(said), out)
		}
	})
}
