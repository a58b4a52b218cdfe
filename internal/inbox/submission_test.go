package inbox_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
)

var laure, key = id.New(), id.New()

// porter lets laure in.
type porter struct{}

func (porter) SignIn(_ context.Context, user, password string, from netip.Addr) (inbox.Admission, error) {
	switch {
	case user == "broken":
		return inbox.Admission{}, errors.New("broken")
	case user == "limited":
		return inbox.Admission{}, errs.E("porter", errs.Limited, nil)
	case user == "laure.lavaut.ly2010" && password == "pass word" && from.IsLoopback():
		return inbox.Admission{Account: laure, Key: key}, nil
	}
	return inbox.Admission{}, errs.E("porter", errs.Unauthorized, nil)
}

// outgoing is the box of submission: it takes recipients anywhere but in one domain. At late@ it finds that what let in was
// taken back.
type outgoing struct{ shelf }

func (*outgoing) Name() string { return "submission" }

func (o *outgoing) Find(_ context.Context, e inbox.Envelope, address string) (inbox.Rcpt, error) {
	if strings.HasSuffix(address, "@ly.example") {
		return inbox.Rcpt{}, errs.NotFound
	}
	if address == "late@away.example" {
		return inbox.Rcpt{}, inbox.Refuse(535, "5.7.8", "taken back")
	}
	if e.Account != laure || e.Key != key || e.From != "laure@ly.example" {
		return inbox.Rcpt{}, inbox.Refuse(553, "5.7.1", "that is not your address")
	}
	return inbox.Rcpt{Owner: laure, Data: address}, nil
}

func submitting(t *testing.T, implicit bool) (*site, *outgoing) {
	t.Helper()
	out := &outgoing{}
	s := open(t, dbtest.New(t), inbox.Options{TLS: withTLS(), Door: porter{}, Slow: time.Millisecond, Boxes: []inbox.Box{out}},
		func(s *inbox.Server, ctx context.Context, ln net.Listener) error {
			return s.ServeSubmission(ctx, ln, implicit)
		})
	return s, out
}

func plainOf(user, password string) string {
	return "> AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password))
}

func b64(s string) string { return "> " + base64.StdEncoding.EncodeToString([]byte(s)) }

func TestSubmission(t *testing.T) {
	t.Parallel()
	s, out := submitting(t, false)
	k := call(t, s.addr).say(hello...).say(plainOf("laure.lavaut.ly2010", "pass word"), "< 523 5.7.10", "> MAIL FROM:<laure@ly.example>", "< 530 5.7.0 STARTTLS first")
	k.startTLS().say("> MAIL FROM:<laure@ly.example>", "< 530 5.7.0 sign in first", plainOf("laure.lavaut.ly2010", "wrong"), "< 535 5.7.8",
		plainOf("laure.lavaut.ly2010", "pass word"), "< 235", "> MAIL FROM:<else@ly.example>", "< 250", "> RCPT TO:<friend@away.example>", "< 553 5.7.1 that is not your address", "> RSET", "< 250")
	k.say("> MAIL FROM:<laure@ly.example>", "< 250", "> RCPT TO:<friend@away.example>", "< 250", "> RCPT TO:<jean@ly.example>", "< 250", "> RCPT TO:<no-body@ly.example>", "< 550 5.1.1",
		"> DATA", "< 354", message("laure@ly.example")+".\r\n", "< 250 2.0.0 taken as")
	list := append(out.all(), s.shelf.all()...)
	if len(list) != 2 || list[0].Rcpt.Box != "submission" || list[1].Rcpt.Box != "shelf" || list[0].Message.ID != list[1].Message.ID {
		t.Fatalf("kept %+v", list)
	}
	m := list[0].Message
	if m.Account != laure || m.Score != 0 || strings.Contains(m.Trace, "there.example") || !strings.Contains(m.Trace, "with ESMTPSA tls TLS_") || strings.Contains(m.Trace, "Authentication-Results") {
		t.Errorf("account %s, score %d, trace %q", m.Account, m.Score, m.Trace)
	}
	rows, err := s.box.ByOwner(t.Context(), "submission", laure, time.Time{}, inbox.Page{})
	if err != nil || rows.Total != 1 || rows.Rows[0].Remote != "" {
		t.Errorf("the row %+v, %v: where she sat is in it", rows, err)
	}
}

// Who may no longer do what he signed in for must sign in again, which takes another connection.
func TestAdmissionTakenBack(t *testing.T) {
	t.Parallel()
	s, out := submitting(t, false)
	call(t, s.addr).say(hello...).startTLS().say(plainOf("laure.lavaut.ly2010", "pass word"), "< 235", "> MAIL FROM:<laure@ly.example>", "< 250",
		"> RCPT TO:<friend@away.example>", "< 250", "> RCPT TO:<late@away.example>", "< 535 5.7.8 taken back", "< closed")
	if list := append(out.all(), s.shelf.all()...); len(list) > 0 {
		t.Errorf("kept %+v", list)
	}
}

func TestImplicitTLS(t *testing.T) {
	t.Parallel()
	s, _ := submitting(t, true)
	c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	k := speak(t, c).say(hello...).say("> AUTH LOGIN", "< 334 "+base64.StdEncoding.EncodeToString([]byte("Username:")), b64("laure.lavaut.ly2010"),
		"< 334 "+base64.StdEncoding.EncodeToString([]byte("Password:")), b64("pass word"), "< 235", "> AUTH LOGIN", "< 503",
		"> MAIL FROM:<laure@ly.example>", "< 250", "> RCPT TO:<jean@ly.example>", "< 250", "> DATA", "< 354", letter("x"), "< 250")
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	k.say("< 421 4.3.2", "< closed")
}

func TestWrongPasswords(t *testing.T) {
	t.Parallel()
	s, _ := submitting(t, false)
	tls := func() *talk { return call(t, s.addr).say(hello...).startTLS() }
	tls().say("> AUTH LOGIN "+strings.TrimPrefix(b64("laure.lavaut.ly2010"), "> "), "< 334", "> *", "< 501",
		"> AUTH CRAM-MD5", "< 504", "> AUTH PLAIN !!!", "< 454", plainOf("broken", "x"), "< 454 4.7.0", plainOf("limited", "x"), "< 454 4.7.0")
	for range 3 { // three tries a connection
		k := tls()
		for range 3 {
			k.say(plainOf("laure.lavaut.ly2010", "wrong"), "< 535 5.7.8")
		}
		k.say("< closed")
	}
	k := tls().say(plainOf("laure.lavaut.ly2010", "wrong"), "< 535 5.7.8") // the tenth
	k.say(plainOf("laure.lavaut.ly2010", "pass word"), "< 454 4.7.0 too many tries", "< closed")
}

// TestNoRelay: nobody who has not signed in is offered to the box that takes everything, on any port.
func TestNoRelay(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]serving{"SMTP": overSMTP, "LMTP": overLMTP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &everything{}
			s := open(t, dbtest.New(t), inbox.Options{Boxes: []inbox.Box{out}}, serve)
			greet := map[string]string{"SMTP": "> EHLO there.example", "LMTP": "> LHLO there.example"}[name]
			k := call(t, s.addr).say("< 220", greet, "< 250", "> MAIL FROM:<laure@ly.example>", "< 250")
			for _, to := range []string{"friend@away.example", "@ly.example:friend@away.example", "friend%away.example@mx.ly.example", `"friend@away.example"@mx.ly.example`, "away.example!friend@mx.ly.example"} {
				k.say("> RCPT TO:<"+to+">", "< 550 5.1.1")
			}
		})
	}
}

// everything is a careless box of submission.
type everything struct{ shelf }

func (*everything) Name() string { return "submission" }
func (*everything) Find(context.Context, inbox.Envelope, string) (inbox.Rcpt, error) {
	return inbox.Rcpt{}, nil
}
