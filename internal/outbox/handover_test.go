package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/outbox"
)

// TestARunningCourierIsHandedWhatIsRelayed: what is passed on leaves at its commit, whole, and only then.
func TestARunningCourierIsHandedWhatIsRelayed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &host{}
		box := outbox.New(d, clock.System, options(false))
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: serve(t, h, nil), Poll: time.Hour})
		all.Go(func() {
			if err := k.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		large := simple + strings.Repeat("0123456789abcdef\r\n", 10_000)
		waits := forward(simple, "")
		waits.Each[0].Held = true
		relay(t, box, forward(simple, "small@d.example", "second@d.example"), forward(large, "large@d.example"), waits)
		undone := errors.New("undone")
		if err := d.Tx(t.Context(), func(ctx context.Context) error {
			return errors.Join(box.Relay(ctx, []outbox.Relayed{forward(simple, "undone@d.example")}), undone)
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		for i := range 50 {
			relay(t, box, forward(simple, fmt.Sprintf("n%d@d.example", i)))
		}
		for end := time.Now().Add(20 * time.Second); h.letters() < 53 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		stop()
		all.Wait()
		seen := arrivals(h)
		if len(seen) != 53 || h.letters() != 53 || seen["undone@d.example"] != 0 {
			t.Errorf("%d messages arrived for %d recipients, want 53, and none of what was undone", h.letters(), len(seen))
		}
		for i, to := range h.to {
			want := "Delivered-To: laure@ail.example\r\n" + simple
			if to == "large@d.example" {
				want = "Delivered-To: laure@ail.example\r\n" + large
			}
			if string(h.got[i]) != want {
				t.Errorf("the message to %s changed on its way", to)
			}
		}
		if s, err := box.Stats(t.Context()); err != nil || s.Relayed.Queued != 0 || bodies(t, d) != 1 {
			t.Errorf("%+v, %v, %d messages kept; want only the one that waits", s.Relayed, err, bodies(t, d))
		}
	})
}

// TestAStoppingCourierGivesBackWhatItIsHanded: whatever the moment, nothing is left to a lease.
func TestAStoppingCourierGivesBackWhatItIsHanded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &host{}
		to := serve(t, h, nil)
		box := outbox.New(d, clock.System, options(false))
		const n = 200
		var all sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		all.Go(func() {
			if err := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Poll: time.Hour}).Run(ctx); err != nil {
				t.Error(err)
			}
		})
		for i := range n {
			if i == n/2 {
				stop() // the rest comes while it stops, and after
			}
			relay(t, box, forward(simple, fmt.Sprintf("n%d@d.example", i)))
		}
		all.Wait()
		var due []int
		due, err := db.All[int](t.Context(), d, `SELECT attempts FROM outbox_deliveries WHERE state = 'queued' AND next_at <= ?`, clock.System())
		if err != nil || len(due)+h.letters() != n {
			t.Fatalf("%d left and %d are due, %v; want %d in all", h.letters(), len(due), err, n)
		}
		for _, attempts := range due {
			if attempts != 0 {
				t.Errorf("%d attempts of one that nobody tried", attempts)
			}
		}
		if err := courier(box, to).DeliverDue(t.Context()); err != nil || h.letters() != n || len(arrivals(h)) != n {
			t.Errorf("in the end %d messages for %d recipients, %v, want each of %d once", h.letters(), len(arrivals(h)), err, n)
		}
	})
}
