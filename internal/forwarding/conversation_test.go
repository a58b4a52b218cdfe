package forwarding_test

import (
	"context"
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

// serve runs a real server over the box and gives its address.
func (w *world) serve() string {
	w.t.Helper()
	s := inbox.NewServer(inbox.New(w.db, w.now), inbox.Options{Hostname: "mx.ly-alumni.example", Boxes: []inbox.Box{w.box}, Resolver: nothing{}, Slow: time.Millisecond})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.ServeSMTP(ctx, ln) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	return ln.Addr().String()
}

// say is a whole conversation; it gives the first refusal.
func (w *world) say(addr, from, message string, to ...string) string {
	w.t.Helper()
	return strings.ReplaceAll(w.converse(addr, from, message, to...), `"`, "")
}

func (w *world) converse(addr, from, message string, to ...string) string {
	w.t.Helper()
	c, err := smtp.Dial(addr)
	w.must(err)
	defer c.Close()
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
		mx := w.serve()
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
			if got := w.say(mx, "ami@ailleurs.fr", tt.message, tt.to); got != tt.want {
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
		if got := w.say(mx, laure, message, "ami@ailleurs.fr"); !strings.HasPrefix(got, "550 5.1.1") {
			t.Errorf("this port sends anywhere: %q", got)
		}
	})
}
