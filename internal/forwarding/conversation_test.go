package forwarding_test

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

// serve runs a real server over the boxes and gives its two addresses: of mail from outside, and of submission.
func (w *world) serve() (mx, submission string) {
	w.t.Helper()
	s := inbox.NewServer(inbox.New(w.db, w.now), inbox.Options{Hostname: "mx.ly-alumni.example", Boxes: []inbox.Box{w.door, w.box}, Door: w.door,
		TLS: certificate(w.t), Resolver: nothing{}, Slow: time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	listen := func(run func(net.Listener) error) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		w.must(err)
		go func() { done <- run(ln) }()
		return ln.Addr().String()
	}
	mx = listen(func(ln net.Listener) error { return s.ServeSMTP(ctx, ln) })
	submission = listen(func(ln net.Listener) error { return s.ServeSubmission(ctx, ln, false) })
	w.t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				w.t.Error(err)
			}
		}
	})
	return mx, submission
}

// say is a whole conversation; it gives the first refusal.
func (w *world) say(addr string, auth smtp.Auth, from, message string, to ...string) string {
	w.t.Helper()
	return strings.ReplaceAll(w.converse(addr, auth, from, message, to...), `"`, "")
}

func (w *world) converse(addr string, auth smtp.Auth, from, message string, to ...string) string {
	w.t.Helper()
	c, err := smtp.Dial(addr)
	w.must(err)
	defer c.Close()
	if auth != nil {
		w.must(c.StartTLS(&tls.Config{InsecureSkipVerify: true}))
		if err := c.Auth(auth); err != nil {
			return err.Error()
		}
	}
	if err := c.Mail(from); err != nil {
		return err.Error()
	}
	for _, r := range to {
		if err := c.Rcpt(r); err != nil {
			return err.Error()
		}
	}
	body, err := c.Data()
	w.must(err)
	_, err = body.Write([]byte(message))
	w.must(err)
	if err := body.Close(); err != nil {
		return err.Error()
	}
	w.must(c.Quit())
	return ""
}

func TestConversations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.someone("Nemo", "Perdu", nobodyKnows)
		secret, err := w.store.MakePassword(t.Context(), self(p), "Thunderbird")
		w.must(err)
		mx, submission := w.serve()
		message := "From: ami@ailleurs.fr\r\nTo: " + laure + "\r\nSubject: Salut\r\nDate: Mon, 01 Jun 2026 12:00:00 +0000\r\nMessage-ID: <1@ailleurs.fr>\r\n\r\n.un point\r\n"
		for _, tt := range []struct {
			name, to, message string
			want              string
		}{
			{"taken", laure, message, ""},
			{"in another form", "Laure.Lavaut.LY.2010@LY-Alumni.example", message, ""},
			{"nobody", "personne@ly-alumni.example", message, "550 5.1.1 no such address here"},
			{"another school's", "laure.lavaut.ly2010@re-alumni.example", message, "550 5.1.1 no such address here"},
			{"nothing known", "nemo.perdu.ly2010@ly-alumni.example", message, "550 5.2.1 this address takes no mail at present"},
			{"round and round", laure, "Delivered-To: " + laure + "\r\n" + message, "554 5.4.6 this message was here before: it goes round in circles"},
			{"elsewhere", "ami@ailleurs.fr", message, "550 5.1.1 no such address here"},
		} {
			if got := w.say(mx, nil, "ami@ailleurs.fr", tt.message, tt.to); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		list := w.sent("forward")
		if len(list) != 2 || string(list[0].Raw) != message || !strings.Contains(list[0].Head, "Received: from ") || !strings.HasSuffix(list[0].Head, "\r\nDelivered-To: "+laure+"\r\n") {
			t.Errorf("what left: %+v", list)
		}
		if passages, total, err := w.store.Passages(t.Context(), self(p).Viewer, "", 10, 0); err != nil || total != 3 || passages[0].Refused == "" && passages[1].Refused == "" && passages[2].Refused == "" {
			t.Errorf("Passages() = %+v, %d, %v; want the two and the one refused", passages, total, err)
		}

		own := "From: " + laure + "\r\nSubject: x\r\nBcc: cache@ailleurs.fr\r\n\r\nx\r\n"
		auth := smtp.PlainAuth("", laure, secret, "127.0.0.1")
		for _, tt := range []struct {
			name          string
			auth          smtp.Auth
			from, message string
			want          string
		}{
			{"his own", auth, laure, own, ""},
			{"a wrong password", smtp.PlainAuth("", laure, "abcde-fghij-kmnpq-rstuv", "127.0.0.1"), laure, own, "535"},
			{"another's envelope", auth, "autre@ly-alumni.example", own, "553 5.7.1"},
			{"another's header", auth, laure, strings.Replace(own, "laure", "autre", 1), "553 5.7.1"},
		} {
			if got := w.say(submission, tt.auth, tt.from, tt.message, "ami@ailleurs.fr", "cache@ailleurs.fr"); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		if got := w.sent("submission"); brief(got) != "ami@ailleurs.fr queued, cache@ailleurs.fr queued" || strings.Contains(string(got[0].Raw), "cache@") || strings.Contains(got[0].Head, "127.0.0.1:") {
			t.Errorf("what was submitted: %+v", got)
		}
		if got := w.say(mx, nil, laure, own, "ami@ailleurs.fr"); !strings.HasPrefix(got, "550 5.1.1") {
			t.Errorf("the other port sends anywhere: %q", got)
		}
	})
}
