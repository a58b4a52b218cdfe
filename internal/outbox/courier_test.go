package outbox_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/clock"
	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/outbox"
)

func send(t *testing.T, box *outbox.Outbox, n int) {
	t.Helper()
	for range n {
		if err := box.Send(t.Context(), sample()); err != nil {
			t.Fatal(err)
		}
	}
}

func slips(t *testing.T, box *outbox.Outbox, s outbox.State) []outbox.Slip {
	t.Helper()
	list, err := box.List(t.Context(), admin, s, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func courier(box *outbox.Outbox, to config.Smarthost) *outbox.Courier {
	return outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to})
}

func TestDeliveredOverOneConnection(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newTurning()
		box := outbox.New(d, c.clock, options(false))
		h := &host{}
		to := serve(t, h, nil)
		send(t, box, 50)
		if err := courier(box, to).DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.letters() != 50 || h.calls() != 1 {
			t.Errorf("%d letters over %d connections, want 50 over 1", h.letters(), h.calls())
		}
		ids := map[string]bool{}
		for _, raw := range h.got {
			m, err := netmail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			ids[m.Header.Get("Message-Id")] = true
		}
		if len(ids) != 50 {
			t.Errorf("%d Message-IDs, want 50", len(ids))
		}
		if got := slips(t, box, outbox.Sent); len(got) != 50 || got[0].SentAt.IsZero() || got[0].Attempts != 1 {
			t.Errorf("%d rows sent, want 50", len(got))
		}
	})
}

// TestAnswers is about one letter and what the smarthost says to its first tries.
func TestAnswers(t *testing.T) {
	t.Parallel()
	soon, never := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	busy := &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "closing"}
	for _, c := range []struct {
		name  string
		stage string
		err   error
		first outbox.State // after one failing try
		says  string
	}{
		{"451 at rcpt", "rcpt", soon, outbox.Queued, "greylisted"},
		{"451 at message", "message", soon, outbox.Queued, "greylisted"},
		{"421 at mail", "mail", busy, outbox.Queued, "closing"},
		{"550 at mail", "mail", never, outbox.Failed, "no such user"},
		{"550 at rcpt", "rcpt", never, outbox.Failed, "no such user"},
		{"550 at message", "message", never, outbox.Failed, "no such user"},
		{"dropped at connect", "connect", errDrop, outbox.Queued, ""},
		{"refused at connect", "connect", never, outbox.Queued, "no such user"},
		{"dropped at mail", "mail", errDrop, outbox.Queued, ""},
		{"dropped at rcpt", "rcpt", errDrop, outbox.Queued, ""},
		{"dropped at data", "data", errDrop, outbox.Queued, ""},
		{"dropped in the body", "body", errDrop, outbox.Queued, ""},
		{"dropped after the last byte", "message", errDrop, outbox.Queued, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			tc := newTurning()
			box := outbox.New(dbtest.New(t), tc.clock, options(false))
			failing := true
			h := &host{at: func(_ *host, stage string) error {
				if failing && stage == c.stage {
					return c.err
				}
				return nil
			}}
			k := courier(box, serve(t, h, nil))
			send(t, box, 1)
			err := k.DeliverDue(ctx)
			if (err != nil) != (c.stage == "connect") {
				t.Errorf("DeliverDue() = %v", err)
			}
			got := slips(t, box, c.first)
			if len(got) != 1 || !strings.Contains(got[0].LastError, c.says) || got[0].LastError == "" || h.letters() != 0 {
				t.Fatalf("after the first try: %+v, want %s with the answer", got, c.first)
			}
			h.mu.Lock()
			failing = false
			h.mu.Unlock()
			if err := k.DeliverDue(ctx); err != nil || h.letters() != 0 {
				t.Errorf("tried again at once: %v, %d letters", err, h.letters())
			}
			tc.forward(61 * time.Second)
			if err := k.DeliverDue(ctx); err != nil {
				t.Error(err)
			}
			want := 1
			if c.first == outbox.Failed {
				want = 0
			}
			if h.letters() != want || len(slips(t, box, outbox.Sent)) != want {
				t.Errorf("after a minute: %d letters, %d sent, want %d", h.letters(), len(slips(t, box, outbox.Sent)), want)
			}
			if c.first == outbox.Failed {
				if err := box.Retry(ctx, admin, got[0].ID); err != nil {
					t.Error(err)
				}
				if err := k.DeliverDue(ctx); err != nil || h.letters() != 1 {
					t.Errorf("after Retry(): %v, %d letters, want 1", err, h.letters())
				}
			}
		})
	}
}

func TestGivenUpAfterFiveDays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		tc := newTurning()
		box := outbox.New(d, tc.clock, options(false))
		h := &host{at: func(_ *host, stage string) error {
			if stage == "rcpt" {
				return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "later"}
			}
			return nil
		}}
		k := courier(box, serve(t, h, nil))
		send(t, box, 1)
		start := tc.clock()
		for range 100 {
			if err := k.DeliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			waiting := slips(t, box, outbox.Queued)
			if len(waiting) == 0 {
				break
			}
			if gap := waiting[0].NextAt.Sub(tc.clock()); gap < time.Minute && !waiting[0].NextAt.Equal(start.Add(5*24*time.Hour)) || gap > 8*time.Hour {
				t.Errorf("attempt %d comes after %v", waiting[0].Attempts+1, gap)
			}
			tc.forward(waiting[0].NextAt.Sub(tc.clock()))
		}
		failed := slips(t, box, outbox.Failed)
		if len(failed) != 1 || tc.clock().Sub(start) != 5*24*time.Hour || failed[0].Attempts < 15 || !strings.Contains(failed[0].LastError, "later") {
			t.Errorf("given up after %v: %+v, want five days", tc.clock().Sub(start), failed)
		}
	})
}

// TestADeadSmarthostBlamesNoLetter lets the smarthost refuse everybody for a day: letters stay, and the first
// minute it serves again they leave.
func TestADeadSmarthostBlamesNoLetter(t *testing.T) {
	t.Parallel()
	tc := newTurning()
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	h := &host{password: "right"}
	to := serve(t, h, nil)
	to.User, to.Password = "amicale", "wrong"
	send(t, box, 30)
	for range 20 {
		if err := courier(box, to).DeliverDue(t.Context()); err == nil {
			t.Fatal("DeliverDue() with a wrong password = nil, want an error")
		}
		tc.forward(time.Hour)
	}
	if h.tries != 0 {
		t.Errorf("%d MAIL commands without signing in, want none", h.tries)
	}
	for _, s := range slips(t, box, outbox.Queued) {
		if s.Attempts != 0 || s.LastError == "" || s.NextAt.After(tc.clock()) {
			t.Fatalf("%+v, want no attempt counted, the reason kept, and due", s)
		}
	}
	to.Password = "right"
	if err := courier(box, to).DeliverDue(t.Context()); err != nil || h.letters() != 30 {
		t.Errorf("DeliverDue() = %v, %d letters, want 30", err, h.letters())
	}
}

func TestAKeptLineThatWasClosedIsOpenedAgain(t *testing.T) {
	t.Parallel()
	tc := newTurning()
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	h := &host{at: func(h *host, stage string) error {
		if stage == "mail" && len(h.got) == 1 && h.connections == 1 {
			return errDrop // as a server that grew tired of us
		}
		return nil
	}}
	send(t, box, 3)
	if err := courier(box, serve(t, h, nil)).DeliverDue(t.Context()); err != nil || h.letters() != 3 || h.calls() != 2 {
		t.Errorf("DeliverDue() = %v, %d letters over %d connections, want 3 over 2", err, h.letters(), h.calls())
	}
	for _, s := range slips(t, box, outbox.Sent) {
		if s.Attempts != 1 {
			t.Errorf("%d attempts, want 1", s.Attempts)
		}
	}
}

func TestSeveralCouriersAndAGracefulStop(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &host{at: func(_ *host, stage string) error {
			if stage == "data" {
				time.Sleep(time.Millisecond)
			}
			return nil
		}}
		to := serve(t, h, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var all sync.WaitGroup
		boxes := []*outbox.Outbox{outbox.New(d, clock.System, options(false)), outbox.New(d, clock.System, options(false))}
		for _, box := range boxes {
			k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Poll: time.Hour}) // only the bell wakes it
			all.Go(func() {
				if err := k.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		for i := range 100 {
			send(t, boxes[i%2], 1)
		}
		for end := time.Now().Add(20 * time.Second); h.letters() < 30 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		cancel()
		all.Wait()
		sent, queued := slips(t, boxes[0], outbox.Sent), slips(t, boxes[0], outbox.Queued)
		if len(sent) != h.letters() || len(sent)+len(queued) != 100 {
			t.Errorf("stopped: %d taken, %d written down, %d waiting; want as many taken as written", h.letters(), len(sent), len(queued))
		}
		for _, s := range queued {
			if s.Attempts != 0 || s.NextAt.After(clock.System()) {
				t.Fatalf("%+v, want it untried and due", s)
			}
		}
		if err := courier(boxes[0], to).DeliverDue(t.Context()); err != nil || h.letters() != 100 {
			t.Errorf("in the end %d letters, %v, want each of 100 once", h.letters(), err)
		}
	})
}

func TestStartTLSAndSignIn(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	box := outbox.New(dbtest.New(t), clock.System, options(false))
	h := &host{password: "right"}
	to := serve(t, h, &cert)
	to.TLS, to.User, to.Password = config.StartTLS, "amicale", "right"
	send(t, box, 1)
	if err := courier(box, to).DeliverDue(t.Context()); err == nil || h.letters() != 0 {
		t.Errorf("DeliverDue() to an unknown authority = %v, %d letters, want an error and none", err, h.letters())
	}
	plain := serve(t, &host{}, nil)
	plain.TLS = config.StartTLS
	send(t, box, 1)
	if err := courier(box, plain).DeliverDue(t.Context()); err == nil {
		t.Error("DeliverDue() without STARTTLS offered = nil, want an error: nothing may leave in clear")
	}
	send(t, box, 1)
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, TLS: &tls.Config{RootCAs: roots}})
	if err := k.DeliverDue(t.Context()); err != nil || h.letters() != 1 {
		t.Errorf("DeliverDue() = %v, %d letters, want 1", err, h.letters())
	}
}

func TestRetryIsForAdmins(t *testing.T) {
	t.Parallel()
	box := outbox.New(dbtest.New(t), clock.System, options(false))
	send(t, box, 1)
	letter := slips(t, box, outbox.Queued)[0].ID
	if err := box.Retry(t.Context(), admin, letter); !errors.Is(err, errs.NotFound) {
		t.Errorf("Retry() of a letter that waits = %v, want not found", err)
	}
}
