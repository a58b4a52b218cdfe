package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

// campaign is a source in memory, with what any source has to do.
type campaign struct {
	mu       sync.Mutex
	clock    clock.Clock
	due      map[id.ID]time.Time
	parcels  map[id.ID]outbox.Parcel
	outcomes map[id.ID]outbox.Outcome
	released int
	without  []string
}

func newCampaign(c clock.Clock, message string, to ...string) *campaign {
	s := &campaign{clock: c, due: map[id.ID]time.Time{}, parcels: map[id.ID]outbox.Parcel{}, outcomes: map[id.ID]outbox.Outcome{}}
	for _, one := range to {
		p := outbox.Parcel{ID: id.New(), Stream: mail.Campaigns, Kind: "campaign", Person: id.New(), From: "r-x@lettres.ail.example", To: one, Since: c(),
			Message: func(context.Context) ([]byte, error) { return []byte(message), nil }}
		s.parcels[p.ID], s.due[p.ID] = p, c()
	}
	return s
}

func (s *campaign) Claim(_ context.Context, lease time.Duration, n int, without []string) ([]outbox.Parcel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.without = without
	var out []outbox.Parcel
	for _, p := range s.parcels {
		_, domain, _ := strings.Cut(p.To, "@")
		if len(out) == n || s.due[p.ID].After(s.clock()) || slices.Contains(without, domain) {
			continue
		}
		p.Attempts++
		s.parcels[p.ID], s.due[p.ID] = p, s.clock().Add(lease)
		out = append(out, p)
	}
	return out, nil
}

func (s *campaign) Settle(_ context.Context, list []outbox.Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range list {
		s.outcomes[o.ID] = o
		if o.State == outbox.Queued {
			s.due[o.ID] = o.NextAt
		} else {
			delete(s.parcels, o.ID)
		}
	}
	return nil
}

func (s *campaign) Release(_ context.Context, list []outbox.Parcel, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range list {
		s.released++
		p.Attempts--
		s.parcels[p.ID], s.due[p.ID] = p, at
	}
	return nil
}

const twoParts = "From: AIL Alumni <lettres@lettres.ail.example>\r\nTo: laure@exemple.fr\r\nSubject: =?utf-8?q?L'=C3=A9t=C3=A9?=\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Voil=E0 l'=E9t=E9 : https://ail.example/a\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Voilà <a href=\"https://ail.example/b\">l'été</a></p>\r\n--x--\r\n"

// TestTheDemonstrationKeepsEverything: what would leave stands in the mailbox, and no connection is opened.
func TestTheDemonstrationKeepsEverything(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		tc := newTurning()
		box := outbox.New(d, tc.clock, options(true))
		h := &host{}
		s := newCampaign(tc.clock, twoParts, "laure@exemple.fr", "jean@exemple.fr")
		m := forward("Subject: plain\r\n\r\nhello\r\n", "target@d.example")
		garbled := forward("\x00\xff no header at all", "other@d.example")
		send(t, box, 1)
		relay(t, box, m, garbled)
		o := outbox.CourierOptions{Smarthost: serve(t, h, nil), Sources: []outbox.Source{s}}
		k := outbox.NewCourier(box, o)
		for range 2 {
			if err := k.DeliverDue(ctx); err != nil {
				t.Fatal(err)
			}
		}
		list, err := box.Mailbox(ctx, 10)
		if err != nil || len(list) != 5 || h.calls() != 0 {
			t.Fatalf("Mailbox() = %d letters, %v, want 5; %d connections, want none", len(list), err, h.calls())
		}
		by := map[string]outbox.Posted{}
		for _, p := range list {
			by[p.To] = p
		}
		if p := by["jean@exemple.fr"]; p.Subject != "L'été" || p.Text != "Voilà l'été : https://ail.example/a" || !strings.HasPrefix(p.HTML, "<p>Voilà") || p.Kind != "campaign" ||
			p.From != `"AIL Alumni" <lettres@lettres.ail.example>` || !slices.Equal(p.Links, []string{"https://ail.example/a", "https://ail.example/b"}) || !p.SentAt.Equal(tc.clock()) {
			t.Errorf("the campaign's: %+v", p)
		}
		if p := by["target@d.example"]; p.Subject != "plain" || p.Text != "hello\n" || p.Kind != "forward" {
			t.Errorf("the one passed on: %+v", p)
		}
		if p := by["other@d.example"]; !strings.Contains(p.Text, "no header at all") {
			t.Errorf("one that is no message: %+v", p)
		}
		if got := trace(t, box, m.Each[0].ID); got.State != outbox.Sent || len(s.parcels) != 0 {
			t.Errorf("%+v, %d of the campaign left, want all of them sent", got, len(s.parcels))
		}
		hours, err := box.Hours(ctx, admin, tc.clock())
		if err != nil || len(hours) != 1 || hours[0].Destination != "mailbox" || hours[0].Sent != 4 {
			t.Errorf("Hours() = %+v, %v", hours, err)
		}
		graduate := viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()}
		_, hoursErr := box.Hours(ctx, graduate, tc.clock())
		_, queuesErr := k.Queues(ctx, graduate)
		_, listErr := box.ListDeliveries(ctx, graduate, outbox.Sent, 10)
		for _, err := range []error{hoursErr, queuesErr, listErr} {
			if !errors.Is(err, errs.Forbidden) {
				t.Errorf("a graduate reads how mail leaves: %v, want forbidden", err)
			}
		}
		if got, err := box.ListDeliveries(ctx, admin, outbox.Sent, 10); err != nil || len(got) != 2 {
			t.Errorf("ListDeliveries() = %d, %v, want 2", len(got), err)
		}
	})
}

// TestASourceOfOthers: a campaign beside letters, some of it refused, some of it for who is down.
func TestASourceOfOthers(t *testing.T) {
	t.Parallel()
	tc := newTurning()
	healed := false
	h := &host{}
	r := &refusals{host: h, healed: &healed, answers: map[string]*smtp.SMTPError{
		"gone@mx.example": {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"},
		"soon@mx.example": {Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later"},
	}}
	n := &names{mx: map[string][]string{"mx.example": {"mx.mx.example"}, "down.example": {"mx.down.example"}}}
	w := &network{ports: map[string]string{"mx.mx.example": serveBackend(t, h, r, nil).Port}}
	to := []string{"gone@mx.example", "soon@mx.example"}
	for i := range 500 {
		to = append(to, fmt.Sprintf("n%d@mx.example", i), fmt.Sprintf("n%d@down.example", i))
	}
	s := newCampaign(tc.clock, twoParts, to...)
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	send(t, box, 1) // to a domain that nobody knows
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: n.resolver(t), Dial: w.dial, Sources: []outbox.Source{s}})
	if err := k.DeliverDue(t.Context()); err == nil {
		t.Error("DeliverDue() = nil, want that servers are down")
	}
	if h.letters() != 500 || w.calls["mx.down.example"] != 1 || s.released == 0 || !slices.Contains(s.without, "down.example") {
		t.Errorf("%d messages, %d calls of who is down, %d put off, claimed around %v; want 500, one, and no more claimed for it", h.letters(),
			w.calls["mx.down.example"], s.released, s.without)
	}
	count := map[outbox.State]int{}
	for _, o := range s.outcomes {
		count[o.State]++
	}
	if count[outbox.Sent] != 500 || count[outbox.Failed] != 1 || count[outbox.Queued] != 1 {
		t.Errorf("outcomes %v, want 500 sent, one failed, one put off", count)
	}
	for _, p := range s.parcels {
		down := strings.HasSuffix(p.To, "@down.example")
		if at := s.due[p.ID]; down && p.Attempts != 0 || !down && (p.Attempts != 1 || !at.Equal(tc.clock().Add(time.Minute))) {
			t.Fatalf("%s is due at %v after %d attempts", p.To, at, p.Attempts)
		}
	}
	healed = true
	w.mu.Lock()
	w.ports["mx.down.example"] = w.ports["mx.mx.example"]
	w.mu.Unlock()
	tc.forward(time.Hour)
	if err := k.DeliverDue(t.Context()); err != nil || h.letters() != 1001 || len(s.parcels) != 0 {
		t.Errorf("in the end: %v, %d messages, %d wait, want 1001 and none", err, h.letters(), len(s.parcels))
	}
	if failed := slips(t, box, outbox.Failed); len(failed) != 1 || !strings.Contains(failed[0].LastError, "5.4.4") {
		t.Errorf("the letter to nowhere: %+v", failed)
	}
}

// TestAMessageThatCannotBeMade is given up, and keeps no other from leaving.
func TestAMessageThatCannotBeMade(t *testing.T) {
	t.Parallel()
	tc := newTurning()
	h := &host{}
	s := newCampaign(tc.clock, twoParts, "fine@mx.example", "error@mx.example", "panic@mx.example", "away@mx.example")
	for row, p := range s.parcels {
		switch p.To {
		case "error@mx.example":
			p.Message = func(context.Context) ([]byte, error) { return nil, errors.New("no words") }
		case "panic@mx.example":
			p.Message = func(context.Context) ([]byte, error) { panic("a fault") }
		case "away@mx.example":
			p.Message = func(context.Context) ([]byte, error) { return nil, errs.E("files", errs.Unavailable, nil) }
		}
		s.parcels[row] = p
	}
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: serve(t, h, nil), Sources: []outbox.Source{s}})
	if err := k.DeliverDue(t.Context()); err != nil || h.letters() != 1 {
		t.Fatalf("DeliverDue() = %v, %d messages, want the one that can be made", err, h.letters())
	}
	for _, o := range s.outcomes {
		want := map[string]outbox.State{"fine@mx.example": outbox.Sent, "error@mx.example": outbox.Failed, "panic@mx.example": outbox.Failed, "away@mx.example": outbox.Queued}[o.To]
		if o.State != want || o.State != outbox.Sent && (o.Reply.Stage != "message" || o.Destination != "") {
			t.Errorf("%s: %+v, want %s", o.To, o, want)
		}
	}
}

// TestADoorThatStaysShut: who hangs up, or turns us away, before a word was said.
func TestADoorThatStaysShut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		greeting, says string
	}{
		"hangs up":     {"-", ""},
		"turns away":   {"554 5.7.1 no mail from you", "554 5.7.1 no mail from you"},
		"busy":         {"421 4.3.2 too many of you", "421 4.3.2"},
		"talks rubish": {"hello there", "an answer that is none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc := newTurning()
			box := outbox.New(dbtest.New(t), tc.clock, options(false))
			h := &host{greeting: c.greeting}
			k := courier(box, serve(t, h, nil))
			send(t, box, 30)
			if err := k.DeliverDue(t.Context()); err == nil {
				t.Error("DeliverDue() = nil, want an error")
			}
			if h.calls() != 1 {
				t.Errorf("%d connections for thirty letters, want one", h.calls())
			}
			for _, s := range slips(t, box, outbox.Queued) {
				if s.Attempts != 0 || !strings.HasPrefix(s.LastError, "connect:") || !strings.Contains(s.LastError, c.says) || !s.NextAt.After(tc.clock()) {
					t.Fatalf("%+v, want it to wait without an attempt", s)
				}
			}
			tc.forward(6 * 24 * time.Hour)
			if err := k.DeliverDue(t.Context()); err == nil {
				t.Error("DeliverDue() after six days = nil, want an error")
			}
			if failed := slips(t, box, outbox.Failed); len(failed) != 30 {
				t.Errorf("%d given up after six days, want all", len(failed))
			}
		})
	}
}

// TestASilentServer: it is waited for as long as the options say, and a courier told to stop does not wait.
func TestASilentServer(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) })
	heard := make(chan struct{}, 100)
	h := &host{}
	to := serveBackend(t, h, &stalling{host: h, at: func() { heard <- struct{}{}; <-silent }}, nil)
	tc := newTurning()
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	send(t, box, 1)
	if err := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Answer: 50 * time.Millisecond}).DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-heard
	if got := slips(t, box, outbox.Queued); len(got) != 1 || got[0].Attempts != 1 || !strings.HasPrefix(got[0].LastError, "rcpt:") || !got[0].NextAt.Equal(tc.clock().Add(time.Minute)) {
		t.Errorf("%+v, want it put off for a minute", got)
	}
	tc.forward(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Grace: time.Millisecond}).Run(ctx); err != nil {
			t.Error(err)
		}
	})
	<-heard
	stop()
	ended.Wait()
	if got := slips(t, box, outbox.Queued); len(got) != 1 || got[0].Attempts != 2 {
		t.Errorf("%+v, want it put off again", got)
	}
}
