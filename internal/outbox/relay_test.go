package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

const simple = "From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n"

// forward is a message passed on to targets.
func forward(raw string, to ...string) outbox.Relayed {
	r := outbox.Relayed{Raw: []byte(raw)}
	for _, one := range to {
		r.Each = append(r.Each, outbox.Delivery{ID: id.New(), Stream: mail.Forwarding, Kind: "forward", Ref: id.New(), From: "r-token@retour.ail.example", To: one,
			Head: "Delivered-To: laure@ail.example\r\n"})
	}
	return r
}

func relay(t testing.TB, box *outbox.Outbox, list ...outbox.Relayed) {
	t.Helper()
	if err := box.Relay(context.Background(), list); err != nil {
		t.Fatal(err)
	}
}

func trace(t *testing.T, box *outbox.Outbox, delivery id.ID) outbox.Trace {
	t.Helper()
	got, err := box.TraceOf(t.Context(), delivery)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func bodies(t *testing.T, d *db.DB) int {
	t.Helper()
	n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM outbox_bodies`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestBytesLeaveAsTheyCame: whoever signed the message must find every octet where it was.
func TestBytesLeaveAsTheyCame(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		head := "From: a@b.example\r\nSubject: x  \r\n\tfolded\r\n\r\n"
		messages := []string{
			head + ".\r\n..\r\n.a\r\n\r\n.\r\n",
			head + "white space at the end \t \r\n   \r\n\r\n\r\n",
			head + "caf\xe9 and café and \x80\xff\r\n",
			head + "a NUL \x00 here\r\n\x00\r\n",
			head + "a bare CR \r here\r\n",
			head + "a bare LF \n here\n.and a dot\r\n",
			head + strings.Repeat("x", 100_000) + "\r\n" + strings.Repeat(".", 100_000) + "\r\n",
			strings.ReplaceAll(head, "\r\n", "\n") + "all in LF\n\n.\x00\n",
			head + strings.Repeat("0123456789abcde\r\n.", 100_000) + "\r\n", // large: it waits for its place in memory
			".\r\n",
			head + "without a line end",
		}
		box := outbox.New(d, clock.System, options(false))
		h := &host{}
		to := serve(t, h, nil)
		for i, m := range messages {
			relay(t, box, forward(m, fmt.Sprintf("n%d@d.example", i)))
		}
		signer := signerFunc(func(mail.Stream, string, []byte) (string, error) { return "DKIM-Signature: ours\r\n", nil })
		k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Signer: signer})
		if err := k.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h.letters() != len(messages) {
			t.Fatalf("%d messages arrived, want %d", h.letters(), len(messages))
		}
		for i, m := range messages {
			at := slices.Index(h.to, fmt.Sprintf("n%d@d.example", i))
			want := "Delivered-To: laure@ail.example\r\n" + m
			if !strings.HasSuffix(want, "\r\n") {
				want += "\r\n" // SMTP knows no message without
			}
			if at < 0 || string(h.got[at]) != want {
				t.Errorf("message %d (%.60q) changed on its way", i, m)
			}
		}
		if n := bodies(t, d); n != 0 {
			t.Errorf("%d messages are still kept, want none", n)
		}
	})
}

type signerFunc func(mail.Stream, string, []byte) (string, error)

func (f signerFunc) Sign(s mail.Stream, domain string, m []byte) (string, error) {
	return f(s, domain, m)
}

func TestWhatIsSigned(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	o := options(false)
	o.Tokens = mail.NewTokens([]byte("0123456789abcdef"))
	o.Returns = func(s mail.Stream, domain string) (string, bool) {
		return mail.ReturnDomain(domain), s == mail.Notifications && domain == "amicale.example"
	}
	h := &host{}
	broken := true
	signer := signerFunc(func(s mail.Stream, domain string, m []byte) (string, error) {
		if broken {
			return "", errors.New("no key today")
		}
		if domain == "unknown.example" {
			return "", nil
		}
		return fmt.Sprintf("DKIM-Signature: %s %s %d\r\n", s, domain, len(m)), nil
	})
	tc := newTurning()
	box := outbox.New(dbtest.New(t), tc.clock, o)
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: serve(t, h, nil), Signer: signer})
	send(t, box, 1)
	other := sample()
	other.From = mail.Address{Address: "x@unknown.example"}
	if err := box.Send(ctx, other); err != nil {
		t.Fatal(err)
	}
	for kind, to := range map[string]string{"forward": "f@d.example", "submission": "s@d.example", "report": "r@d.example"} {
		m := forward(simple, to)
		m.Each[0].Kind = kind
		relay(t, box, m)
	}
	if err := k.DeliverDue(ctx); err != nil || h.letters() != 1 { // the forwarded one needs no signature
		t.Fatalf("DeliverDue() without a key = %v, %d messages, want only what needs none", err, h.letters())
	}
	broken = false
	tc.forward(time.Minute)
	if err := k.DeliverDue(ctx); err != nil || h.letters() != 5 {
		t.Fatalf("DeliverDue() = %v, %d messages, want 5", err, h.letters())
	}
	const head = "Delivered-To: laure@ail.example\r\n"
	for to, want := range map[string]string{
		"f@d.example": head, "s@d.example": fmt.Sprintf("DKIM-Signature: forwarding b.example %d\r\n", len(head+simple)),
		"r@d.example": "DKIM-Signature: forwarding b.example",
	} {
		if i := slices.Index(h.to, to); i < 0 || !bytes.HasPrefix(h.got[i], []byte(want)) {
			t.Errorf("to %s: %.80q, want it to begin with %q", to, h.got[max(0, i)], want)
		}
	}
	for i, to := range h.to {
		if to != "laure@exemple.fr" {
			continue
		}
		if strings.HasPrefix(h.from[i], "r-") {
			kind, letter, ok := o.Tokens.Parse(strings.TrimSuffix(h.from[i], "@retour.amicale.example"))
			whose, err := box.LetterOf(ctx, letter)
			if !ok || kind != mail.LetterToken || err != nil || whose.Recipient != to || whose.PersonID.IsZero() || whose.Kind != "activation.link" {
				t.Errorf("the token %s names %+v, %v", h.from[i], whose, err)
			}
			if !bytes.HasPrefix(h.got[i], []byte("DKIM-Signature: notifications amicale.example ")) {
				t.Errorf("%.80q, want it signed", h.got[i])
			}
		} else if h.from[i] != "x@unknown.example" || bytes.HasPrefix(h.got[i], []byte("DKIM")) {
			t.Errorf("from %s: %.80q, want the sender's address and no signature", h.from[i], h.got[i])
		}
	}
	if _, err := box.LetterOf(ctx, id.New()); !errors.Is(err, errs.NotFound) {
		t.Errorf("LetterOf() of none = %v, want not found", err)
	}
}

// TestABodyStaysAsLongAsItIsNeeded follows one message to four targets.
func TestABodyStaysAsLongAsItIsNeeded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		tc := newTurning()
		box := outbox.New(d, tc.clock, options(false))
		healed := false
		h := &host{}
		refusing := &refusals{host: h, answers: map[string]*smtp.SMTPError{
			"gone@d.example": {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"},
			"soon@d.example": {Code: 451, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "later"},
		}, healed: &healed}
		k := courier(box, serveBackend(t, h, refusing, nil))
		m := forward(simple, "fine@d.example", "gone@d.example", "soon@d.example", "held@d.example")
		m.Each[3].Held = true
		relay(t, box, m, outbox.Relayed{Raw: []byte("nobody needs it")})
		deliver := func() {
			t.Helper()
			if err := k.DeliverDue(ctx); err != nil {
				t.Fatal(err)
			}
		}
		state := func(want ...outbox.State) {
			t.Helper()
			for i, each := range m.Each {
				if got := trace(t, box, each.ID); got.State != want[i] {
					t.Errorf("%s is %s, want %s: %+v", each.To, got.State, want[i], got)
				}
			}
		}
		deliver()
		state(outbox.Sent, outbox.Failed, outbox.Queued, outbox.Held)
		gone := trace(t, box, m.Each[1].ID)
		if gone.Class != mail.Dead || gone.Reply.Code != 550 || gone.Reply.Enhanced != "5.1.1" || gone.Reply.Stage != "rcpt" || gone.DoneAt.IsZero() || gone.Attempts != 1 {
			t.Errorf("the refused one: %+v", gone)
		}
		if soon := trace(t, box, m.Each[2].ID); soon.Reply.Text != "later" || !soon.NextAt.Equal(tc.clock().Add(time.Minute)) || !soon.DoneAt.IsZero() {
			t.Errorf("the one put off: %+v", soon)
		}
		if got, err := box.Stats(ctx); err != nil || got.Relayed.Queued != 1 || got.Relayed.Failed != 1 || got.Relayed.Held != 1 || !got.Relayed.Oldest.Equal(tc.clock()) {
			t.Errorf("Stats() = %+v, %v", got.Relayed, err)
		}
		healed = true
		tc.forward(time.Minute)
		deliver()
		state(outbox.Sent, outbox.Failed, outbox.Sent, outbox.Held)
		if n := bodies(t, d); n != 1 {
			t.Errorf("%d messages are kept, want the one", n)
		}
		graduate := viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()}
		if err := box.RetryDelivery(ctx, graduate, m.Each[1].ID); !errors.Is(err, errs.Forbidden) {
			t.Errorf("RetryDelivery() by a graduate = %v, want forbidden", err)
		}
		if err := box.RetryDelivery(ctx, admin, m.Each[0].ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("RetryDelivery() of one that is there = %v, want not found", err)
		}
		if err := box.RetryDelivery(ctx, admin, m.Each[1].ID); err != nil {
			t.Error(err)
		}
		if err := box.Again(ctx, m.Each[3].ID, "reserve@d.example"); err != nil {
			t.Error(err)
		}
		deliver()
		state(outbox.Sent, outbox.Sent, outbox.Sent, outbox.Sent)
		if n := bodies(t, d); n != 0 || !slices.Contains(h.to, "reserve@d.example") || slices.Contains(h.to, "held@d.example") {
			t.Errorf("%d messages are kept; they went to %v", n, h.to)
		}
	})
}

func TestPurgeForgetsWhatWasPassedOn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		tc := newTurning()
		box := outbox.New(d, tc.clock, options(false))
		h := &host{at: func(_ *host, stage string) error {
			if stage == "rcpt" {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 2, 1}, Message: "no"}
			}
			return nil
		}}
		old := forward(simple, "a@d.example", "b@d.example")
		old.Each[1].Held = true
		relay(t, box, old)
		if err := courier(box, serve(t, h, nil)).DeliverDue(ctx); err != nil {
			t.Fatal(err)
		}
		tc.forward(29 * 24 * time.Hour)
		fresh := forward(simple, "c@d.example")
		relay(t, box, fresh)
		if _, err := box.Purge(ctx, tc.clock()); err != nil || bodies(t, d) != 2 {
			t.Errorf("Purge() after 29 days: %v, %d messages kept, want 2", err, bodies(t, d))
		}
		tc.forward(2 * 24 * time.Hour)
		if n, err := box.Purge(ctx, tc.clock()); err != nil || n != 3 || bodies(t, d) != 1 {
			t.Errorf("Purge() after 31 days = %d, %v, %d messages kept, want 3 rows gone and one message kept", n, err, bodies(t, d))
		}
		if _, err := box.TraceOf(ctx, old.Each[0].ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("TraceOf() of a purged one = %v, want not found", err)
		}
		if got := trace(t, box, fresh.Each[0].ID); got.State != outbox.Queued {
			t.Errorf("the fresh one is %s, want it to wait", got.State)
		}
		tc.forward(90 * 24 * time.Hour)
		if _, err := box.Purge(ctx, tc.clock()); err != nil {
			t.Fatal(err)
		}
		if hours, err := box.Hours(ctx, admin, time.Time{}); err != nil || len(hours) != 0 {
			t.Errorf("Hours() after Purge() = %v, %v, want none", hours, err)
		}
	})
}
