package newsletters_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/outbox"
	"amicale/internal/subscriptions"
)

// host is a mail server on loopback.
type host struct {
	mu    sync.Mutex
	got   map[string][][]byte // by recipient
	tries map[string]int
	// at is asked what to answer to the nth try of a recipient; nil is 250. errDrop cuts the line.
	at func(to string, n int) error
	// taken is told of each letter taken; it may be nil.
	taken func(n int)
}

var errDrop = errors.New("drop")

type session struct {
	h  *host
	c  *smtp.Conn
	to string
}

func (h *host) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{h: h, c: c}, nil }

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.to = to
	s.h.tries[to]++
	if s.h.at == nil {
		return nil
	}
	err := s.h.at(to, s.h.tries[to])
	if errors.Is(err, errDrop) {
		s.c.Conn().Close()
	}
	return err
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.h.mu.Lock()
	s.h.got[s.to] = append(s.h.got[s.to], b)
	n, taken := len(s.h.got), s.h.taken
	s.h.mu.Unlock()
	if taken != nil {
		taken(n)
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// letters are how many recipients got a letter, and how many got more than one.
func (h *host) letters() (recipients, twice int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, list := range h.got {
		if len(list) > 1 {
			twice++
		}
	}
	return len(h.got), twice
}

func (h *host) serve(t *testing.T) config.Smarthost {
	t.Helper()
	h.got, h.tries = map[string][][]byte{}, map[string]int{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(h)
	s.Domain, s.ErrorLog = "host.example", log.New(io.Discard, "", 0)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return config.Smarthost{Host: "127.0.0.1", Port: port, TLS: config.NoTLS}
}

// courier is one with the campaigns among its sources.
func (w *world) courier(to config.Smarthost) *outbox.Courier {
	w.t.Helper()
	box := outbox.New(w.db, w.now, outbox.Options{From: mail.Address{Address: "site@site.example"}})
	return outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Sources: []outbox.Source{newsletters.NewSource(w.another())}})
}

// TestACampaignOverARealCourier goes from the draft to the numbers, with the real subscriptions.
func TestACampaignOverARealCourier(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		subs := subscriptions.NewStore(subscriptions.Deps{DB: d, People: w.people, Trail: w.trail, Now: w.now, Secret: []byte("sixteen octets and more"), Origin: "https://site.example",
			Federation: func(context.Context) (string, error) { return "La Fédération", nil }})
		w.subscribe(subs)
		w.crowd(w.ly, 60)
		c := w.started(nil)

		gone := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		busy := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
		h := &host{at: func(to string, n int) error {
			switch {
			case to == "nombre7@exemple.fr":
				return gone
			case to == "nombre11@exemple.fr" && n <= 3, to == "nombre12@exemple.fr" && n == 1:
				return busy
			case to == "nombre13@exemple.fr" && n == 1:
				return errDrop
			}
			return nil
		}}
		to := h.serve(t)
		for range 6 {
			w.must(w.courier(to).DeliverDue(ctx))
			w.pass(20 * time.Minute)
		}
		recipients, twice := h.letters()
		if c = w.show(c.ID); c.State != newsletters.Sent || c.Sent != 59 || c.Failed != 1 || recipients != 59 || twice != 0 {
			t.Fatalf("%s: %d sent, %d failed; %d got it, %d twice", c.State, c.Sent, c.Failed, recipients, twice)
		}
		n, err := w.Numbers(ctx, w.editor().Viewer, c.ID)
		if err != nil || len(n.Causes) != 1 || n.Causes[0].Class != mail.Dead {
			t.Errorf("Numbers = %+v, %v", n.Causes, err)
		}

		// One click in a letter: the next of that kind leaves him out, another kind does not.
		head, _, _ := bytes.Cut(h.got["nombre20@exemple.fr"][0], []byte("\r\n\r\n"))
		token := regexp.MustCompile(`https://site\.example/desabonnement/([^>\s]+)>`).FindSubmatch(head)
		if token == nil {
			t.Fatalf("no way out in:\n%s", head)
		}
		link, err := subs.ReadLink(ctx, string(token[1]))
		w.must(err)
		w.must(subs.Leave(ctx, link.Letter))
		for kind, want := range map[newsletters.Kind]int{newsletters.News: 59, newsletters.Events: 60} {
			again := w.draft(func(c *newsletters.Campaign) { c.Kind = kind })
			count, err := w.segments.Count(ctx, w.editor().Viewer, again.Ask())
			if err != nil || count.Reached != want {
				t.Errorf("%s: %d reached, %v, want %d", kind, count.Reached, err, want)
			}
		}
	})
}

// TestACourierThatDiesInTheMiddle is stopped again and again; each time another goes on.
func TestACourierThatDiesInTheMiddle(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.crowd(w.ly, 120)
		c := w.started(nil)
		h := &host{}
		to := h.serve(t)
		for goal := 25; w.show(c.ID).State == newsletters.Sending; goal += 25 {
			ctx, stop := context.WithCancel(t.Context())
			h.mu.Lock()
			h.taken = func(n int) {
				if n >= min(goal, 120) {
					stop()
				}
			}
			h.mu.Unlock()
			w.must(w.courier(to).Run(ctx))
			stop()
			if goal > 200 {
				t.Fatal("it never ends")
			}
		}
		recipients, twice := h.letters()
		if c = w.show(c.ID); c.Sent != 120 || recipients != 120 || twice != 0 {
			t.Errorf("%d sent; %d got it, %d twice", c.Sent, recipients, twice)
		}
	})
}

// TestAPauseStopsTheCourier pauses while letters leave.
func TestAPauseStopsTheCourier(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.crowd(w.ly, 300)
	c := w.started(nil)
	h := &host{}
	var once sync.Once
	h.taken = func(n int) {
		if n >= 10 {
			once.Do(func() { w.must(w.Pause(context.WithoutCancel(t.Context()), w.editor(), c.ID)) })
		}
	}
	to := h.serve(t)
	box := outbox.New(w.db, w.now, outbox.Options{From: mail.Address{Address: "site@site.example"}})
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Sources: []outbox.Source{w.source}})
	w.must(k.DeliverDue(t.Context()))
	before, _ := h.letters()
	if c = w.show(c.ID); c.State != newsletters.Paused || before == 300 || c.Failed != 0 || c.Sent != before {
		t.Fatalf("%s: %d got it, %d sent, %d failed", c.State, before, c.Sent, c.Failed)
	}
	w.must(w.Resume(t.Context(), w.editor(), c.ID))
	w.must(k.DeliverDue(t.Context()))
	recipients, twice := h.letters()
	if c = w.show(c.ID); c.State != newsletters.Sent || recipients != 300 || twice != 0 {
		t.Errorf("%s: %d got it, %d twice", c.State, recipients, twice)
	}
}

// TestInTheDemonstration lands in its mailbox.
func TestInTheDemonstration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.crowd(w.ly, 2)
	c := w.started(nil)
	w.must(outbox.NewCourier(w.box, outbox.CourierOptions{Sources: []outbox.Source{w.source}}).DeliverDue(t.Context()))
	letters, err := w.box.Mailbox(t.Context(), 10)
	if err != nil || len(letters) != 2 || letters[0].Subject != "Ada, les nouvelles" || !strings.Contains(letters[0].HTML, "Bonjour Ada") {
		t.Errorf("%+v, %v", letters, err)
	}
	if c = w.show(c.ID); c.State != newsletters.Sent {
		t.Errorf("%s", c.State)
	}
}
