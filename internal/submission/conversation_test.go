package submission_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/inbox"
)

// nothing is a DNS in which there is nothing.
type nothing struct{}

func notFound(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
func (nothing) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, notFound(name)
}
func (nothing) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return nil, notFound(name)
}
func (nothing) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	return nil, notFound(host)
}
func (nothing) LookupAddr(_ context.Context, addr string) ([]string, error) {
	return nil, notFound(addr)
}

// certificate is one that nobody signed.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"mx.ly-alumni.example"}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// serve runs a real server over the box and gives its address.
func (w *world) serve() string {
	w.t.Helper()
	s := inbox.NewServer(w.inbox, inbox.Options{Hostname: "mx.ly-alumni.example", Boxes: []inbox.Box{w.box}, Door: w.box,
		TLS: certificate(w.t), Resolver: nothing{}, Slow: time.Millisecond})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.ServeSubmission(ctx, ln, false) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	return ln.Addr().String()
}

// program is a mail program that is connected.
type program struct {
	w *world
	c *smtp.Client
}

// connect opens a connection and signs in; it gives the refusal.
func (w *world) connect(addr, user, secret string) (program, string) {
	w.t.Helper()
	c, err := smtp.Dial(addr)
	w.must(err)
	w.t.Cleanup(func() { _ = c.Close() })
	w.must(c.StartTLS(&tls.Config{InsecureSkipVerify: true}))
	return program{w, c}, said(c.Auth(smtp.PlainAuth("", user, secret, "127.0.0.1")))
}

// send hands a message in; it gives the first refusal.
func (p program) send(from, message string, to ...string) string {
	p.w.t.Helper()
	if err := p.c.Mail(from); err != nil {
		return said(err)
	}
	for _, r := range to {
		if err := p.c.Rcpt(r); err != nil {
			return said(err)
		}
	}
	body, err := p.c.Data()
	p.w.must(err)
	_, err = body.Write([]byte(message))
	p.w.must(err)
	return said(body.Close())
}

// said is an answer without what quotes it in an error; "" for none.
func said(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), `"`, "")
}

const letter = "From: " + laure + "\r\nSubject: x\r\nBcc: cache@ailleurs.fr\r\n\r\nx\r\n"

// A connection that stays open ends with what let it in.
func TestTakenBackWhileConnected(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		addr, secrets := w.serve(), []string{w.makePassword(p, "Thunderbird"), w.makePassword(p, "Mutt")}
		var open []program
		for _, secret := range secrets {
			one, no := w.connect(addr, laure, secret)
			if no == "" {
				no = one.send(laure, letter, "ami@ailleurs.fr")
			}
			if no != "" {
				t.Fatal(no)
			}
			open = append(open, one)
		}
		const again = "535 5.7.8 the password you signed in with was taken back, please sign in with another"
		want := func(what string, i int, want string) {
			t.Helper()
			if got := open[i].send(laure, letter, "ami@ailleurs.fr"); got != want {
				t.Errorf("%s, %s: %q, want %q", what, secrets[i], got, want)
			}
		}
		w.must(w.store.RevokePassword(t.Context(), self(p), w.own(p)[0].ID))
		want("one was taken back", 0, again)
		want("one was taken back", 1, "")
		if err := open[0].c.Noop(); err == nil {
			t.Error("the connection is still open")
		}
		if _, no := w.connect(addr, laure, secrets[0]); !strings.HasPrefix(no, "535") {
			t.Errorf("signing in with it: %q", no)
		}
		w.must(w.store.RevokePasswords(t.Context(), p.ID, time.Time{})) // as when the account is closed
		want("all were", 1, again)
		if got := len(w.sent("submission")); got != 3 {
			t.Errorf("%d messages left, want 3", got)
		}
	})
}

func TestConversations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		secret := w.makePassword(w.someone("Laure", "Lavaut"), "Thunderbird")
		addr := w.serve()
		for _, tt := range []struct{ name, secret, from, message, want string }{
			{"his own", secret, laure, letter, ""},
			{"a wrong password", "abcde-fghij-kmnpq-rstuv", laure, letter, "535"},
			{"another's envelope", secret, "autre@ly-alumni.example", letter, "553 5.7.1"},
			{"another's header", secret, laure, strings.Replace(letter, "laure", "autre", 1), "553 5.7.1"},
		} {
			p, got := w.connect(addr, laure, tt.secret)
			if got == "" {
				got = p.send(tt.from, tt.message, "ami@ailleurs.fr", "cache@ailleurs.fr")
			}
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		if got := w.sent("submission"); brief(got) != "ami@ailleurs.fr queued, cache@ailleurs.fr queued" || strings.Contains(string(got[0].Raw), "cache@") || strings.Contains(got[0].Head, "127.0.0.1:") {
			t.Errorf("what was submitted: %+v", got)
		}
	})
}
