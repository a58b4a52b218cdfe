package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// many are n messages, each to an address of its own.
func many(n int) []outbox.Relayed {
	list := make([]outbox.Relayed, n)
	for i := range list {
		list[i] = forward(simple, fmt.Sprintf("n%d@d%d.example", i, i%7))
	}
	return list
}

// arrivals counts how often each address was delivered to.
func arrivals(h *host) map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]int{}
	for _, to := range h.to {
		out[to]++
	}
	return out
}

func lostAndTwice(t *testing.T, h *host, n int) (lost, twice int) {
	t.Helper()
	got := arrivals(h)
	for _, times := range got {
		twice += times - 1
	}
	return n - len(got), twice
}

// TestADeadCourierLosesNothing cuts the database off under a courier at work, as the death of its process does: what
// it had handed over and not written down leaves again, at most one message a connection; nothing is lost.
func TestADeadCourierLosesNothing(t *testing.T) {
	t.Parallel()
	const n, connections = 2000, 20
	path := filepath.Join(t.TempDir(), "amicale.db")
	open := func() *db.DB {
		d, err := db.Open(t.Context(), "sqlite:"+path, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d
	}
	h := &host{}
	to := serve(t, h, nil)
	d := open()
	relay(t, outbox.New(d, clock.System, options(false)), many(n)...)
	deaths := 0
	for h.letters() < n && deaths < 4 {
		limit := h.letters() + 300 + rand.IntN(100)
		ctx, stop := context.WithCancel(t.Context())
		dying := d
		h.mu.Lock()
		h.at = func(h *host, stage string) error {
			if stage == "message" && len(h.got) == limit {
				dying.Close() // in the middle of whatever the others do
				stop()
			}
			return nil
		}
		h.mu.Unlock()
		k := outbox.NewCourier(outbox.New(d, clock.System, options(false)), outbox.CourierOptions{Smarthost: to, Connections: connections, Lease: time.Minute})
		_ = k.Run(ctx) // it ends in errors: the database is gone
		stop()
		d = open()
		deaths++
	}
	h.mu.Lock()
	h.at = nil
	h.mu.Unlock()
	box := outbox.New(d, clock.System, options(false))
	left, err := box.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runUntil(t, box, outbox.CourierOptions{Smarthost: to, Connections: connections, Lease: time.Hour}, int64(left.Relayed.Queued))
	d.Close()
	lost, twice := lostAndTwice(t, h, n)
	if lost != 0 || twice > deaths*connections {
		t.Errorf("after %d deaths: %d lost, %d twice; want none and at most %d", deaths, lost, twice, deaths*connections)
	}
	t.Logf("%d deaths: %d lost, %d twice", deaths, lost, twice)
}

// TestOneInAHundredFails: refused for now or cut off at any stage, each message is there once in the end.
func TestOneInAHundredFails(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const n = 3000
		tc := newTurning()
		box := outbox.New(d, tc.clock, options(false))
		var step atomic.Int64
		h := &host{at: func(_ *host, stage string) error {
			if stage == "connect" {
				return nil
			}
			switch i := step.Add(1); {
			case i%501 == 0:
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now"}
			case i%499 == 0:
				return errDrop
			}
			return nil
		}}
		to := serve(t, h, nil)
		relay(t, box, many(n)...)
		for round := 0; ; round++ {
			s, err := box.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s.Relayed.Queued == 0 {
				break
			}
			if round == 20 {
				t.Fatalf("%d still wait", s.Relayed.Queued)
			}
			runOnce(t, box, outbox.CourierOptions{Smarthost: to, Connections: 20})
			tc.forward(8 * time.Hour)
		}
		lost, twice := lostAndTwice(t, h, n)
		if lost != 0 || twice != 0 {
			t.Errorf("%d lost, %d twice, want each message once", lost, twice)
		}
	})
}

// runOnce runs a courier with all its connections until nothing is due.
func runOnce(t *testing.T, box *outbox.Outbox, o outbox.CourierOptions) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	due, err := box.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var tried atomic.Int64
	o.Observe = func(outbox.Sending) {
		if tried.Add(1) == int64(due.Relayed.Queued+due.Queued) {
			stop()
		}
	}
	if err := outbox.NewCourier(box, o).Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestTwoCouriersShareADatabase: each message leaves once, and both work.
func TestTwoCouriersShareADatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	const n = 3000
	h := &host{}
	to := serve(t, h, nil)
	relay(t, outbox.New(d, clock.System, options(false)), many(n)...)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var sent [2]atomic.Int64
	var all sync.WaitGroup
	for i := range sent {
		k := outbox.NewCourier(outbox.New(d, clock.System, options(false)), outbox.CourierOptions{Smarthost: to, Connections: 5, Observe: func(s outbox.Sending) {
			if s.State != outbox.Sent {
				t.Errorf("%+v, want it sent", s)
			}
			if sent[i].Add(1); sent[0].Load()+sent[1].Load() == n {
				stop()
			}
		}})
		all.Go(func() {
			if err := k.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	lost, twice := lostAndTwice(t, h, n)
	if lost != 0 || twice != 0 || sent[0].Load() == 0 || sent[1].Load() == 0 {
		t.Errorf("%d lost, %d twice; one courier sent %d, the other %d", lost, twice, sent[0].Load(), sent[1].Load())
	}
	hours, err := outbox.New(d, clock.System, options(false)).Hours(t.Context(), admin, clock.System().Add(-time.Hour))
	total := 0
	for _, hour := range hours {
		total += hour.Sent
	}
	if err != nil || total != n {
		t.Errorf("Hours() = %+v, %v, want %d sent", hours, err, n)
	}
}

// TestALeaseIsProlongedWhileTheServerThinks: another courier does not take what this one has in hand.
func TestALeaseIsProlongedWhileTheServerThinks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		thinking, go_on := make(chan struct{}), make(chan struct{})
		var once sync.Once
		h := &host{}
		slow := &stalling{host: h, at: func() {
			once.Do(func() { close(thinking) })
			<-go_on
		}}
		to := serveBackend(t, h, slow, nil)
		box := outbox.New(d, clock.System, options(false))
		relay(t, box, many(3)...)
		const lease = 200 * time.Millisecond
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var ended sync.WaitGroup
		ended.Go(func() {
			if err := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Connections: 1, Lease: lease}).Run(ctx); err != nil {
				t.Error(err)
			}
		})
		<-thinking
		held := func() time.Time {
			var first time.Time
			list, err := box.ListDeliveries(t.Context(), admin, outbox.Queued, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				if first.IsZero() || one.NextAt.Before(first) {
					first = one.NextAt
				}
			}
			return first
		}
		for begun := held(); !held().After(begun.Add(2 * lease)); { // it ends, or the test does
			if err := t.Context().Err(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(lease / 10)
		}
		if err := courier(box, to).DeliverDue(t.Context()); err != nil || h.letters() != 0 {
			t.Errorf("another courier found something due: %v, %d messages", err, h.letters())
		}
		close(go_on)
		stop()
		ended.Wait()
		if err := courier(box, to).DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if lost, twice := lostAndTwice(t, h, 3); lost != 0 || twice != 0 {
			t.Errorf("%d lost, %d twice", lost, twice)
		}
	})
}

// stalling is a host that waits before it answers a message.
type stalling struct {
	*host
	at func()
}

type stalled struct {
	*session
	at func()
}

func (s *stalling) NewSession(c *smtp.Conn) (smtp.Session, error) {
	one, err := s.host.NewSession(c)
	if err != nil {
		return nil, err
	}
	return stalled{one.(*session), s.at}, nil
}

func (s stalled) Rcpt(to string, o *smtp.RcptOptions) error {
	s.at()
	return s.session.Rcpt(to, o)
}

// TestOutcomesAreToldInTheirTransaction is about observers and watchers, and what happens when they refuse.
func TestOutcomesAreToldInTheirTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		box := outbox.New(d, clock.System, options(false))
		h := &host{}
		var told, watched []outbox.Outcome
		fails := 2
		box.Watch("forward", func(ctx context.Context, list []outbox.Outcome) error {
			for _, o := range list {
				if got, err := box.TraceOf(ctx, o.ID); err != nil || got.State != o.State {
					t.Errorf("inside of the transaction the row says %s, %v, want %s", got.State, err, o.State)
				}
			}
			if fails--; fails >= 0 {
				return errors.New("not today")
			}
			return keepOutcomes(&watched)(ctx, list)
		})
		box.Watch("report", func(context.Context, []outbox.Outcome) error { panic("never") })
		o := outbox.CourierOptions{Smarthost: serve(t, h, nil), Observers: []outbox.Observer{keepOutcomes(&told)}}
		m := forward(simple, "a@d.example")
		relay(t, box, m)
		send(t, box, 1)
		if err := outbox.NewCourier(box, o).DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(watched) != 1 || watched[0].ID != m.Each[0].ID || watched[0].Ref != m.Each[0].Ref || watched[0].Destination != "smarthost" || watched[0].Class != mail.Delivered {
			t.Errorf("the watcher was told %+v", watched)
		}
		kinds := map[string]int{}
		for _, one := range told {
			kinds[one.Kind]++
		}
		if kinds["forward"] != 1 || kinds["activation.link"] != 1 {
			t.Errorf("the observer was told %v, want both, once each as committed", kinds)
		}
		stubborn := forward(simple, "b@d.example")
		stubborn.Each[0].Kind = "report"
		relay(t, box, stubborn)
		if err := outbox.NewCourier(box, o).DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := trace(t, box, stubborn.Each[0].ID); got.State != outbox.Sent || h.letters() != 3 {
			t.Errorf("%+v, %d messages: one that left is written down whoever refuses to hear of it", got, h.letters())
		}
	})
}
