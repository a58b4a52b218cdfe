package forwarding

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

// keptFor is how long anybody can see what became of his mail, and send on what failed.
const keptFor = 30 * 24 * time.Hour

// Passage is one message that came for somebody, and what became of it.
type Passage struct {
	ID      id.ID
	At      time.Time
	From    string // as the message says
	Sender  string // of the envelope; "" for a machine's report
	To      string // the address for life
	Subject string
	Refused string // the answer it was refused with; "" when it was taken
	Legs    []Leg  // where it went
}

// Leg is a message's way to one target.
type Leg struct {
	Delivery id.ID
	To       string // "" while nobody said where to
	State    outbox.State
	Why      Way   // of what is held
	GivenUp  bool  // of what is held: its sender was told that it did not arrive
	Refused  []Leg // targets that refused it for good before, where they are tried in turn
	Class    mail.Class
	Reply    mail.Reply
	NextAt   time.Time // of what waits
	DoneAt   time.Time
}

// MayResend reports whether the owner may send it on once more.
func (l Leg) MayResend() bool { return l.State == outbox.Failed || l.State == outbox.Held && l.GivenUp }

// Passages are a page of what came for the viewer in thirty days, the latest first, and how many there are in all. A
// sender, or a part of one, leaves only what came from there.
func (s *Store) Passages(ctx context.Context, v viewer.Viewer, sender string, limit, offset int) ([]Passage, int, error) {
	if err := own("forwarding.Passages", v); err != nil {
		return nil, 0, err
	}
	return s.passages(ctx, v.Person, sender, limit, offset)
}

// passages: the caller has checked who asks.
func (s *Store) passages(ctx context.Context, person id.ID, sender string, limit, offset int) ([]Passage, int, error) {
	where := `box = ? AND at >= ? AND owner_id = ?`
	args := []any{boxForwarding, s.Now().Add(-keptFor), person}
	if sender = strings.ToLower(strings.TrimSpace(sender)); sender != "" {
		like := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(sender) + "%"
		where += ` AND (lower(sender) LIKE ? ESCAPE '!' OR lower(header_from) LIKE ? ESCAPE '!')`
		args = append(args, like, like)
	}
	total, err := db.One[int](ctx, s.DB, `SELECT count(*) FROM inbox WHERE `+where, args...)
	if err != nil || total == 0 {
		return nil, 0, errs.Wrap("forwarding.Passages", err)
	}
	list, err := db.All[id.ID](ctx, s.DB, `SELECT id FROM inbox WHERE `+where+` ORDER BY at DESC, id DESC LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	if err != nil {
		return nil, 0, errs.Wrap("forwarding.Passages", err)
	}
	out, err := s.withLegs(ctx, list)
	return out, total, err
}

// withLegs are the passages of messages, in their order.
func (s *Store) withLegs(ctx context.Context, list []id.ID) ([]Passage, error) {
	const atOnce = 400
	out := make([]Passage, 0, len(list))
	for part := range slices.Chunk(list, atOnce) {
		slips, err := s.Arrivals.ByIDs(ctx, part)
		if err != nil {
			return nil, err
		}
		legs, err := s.legs(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, one := range part {
			sl, kept := slips[one]
			if !kept { // forgotten since
				continue
			}
			p := Passage{ID: sl.ID, At: sl.At, From: sl.HeaderFrom, Sender: sl.Sender, To: sl.Recipient, Subject: sl.Subject, Legs: legs[sl.ID]}
			if sl.State == inbox.Refused {
				p.Refused = sl.Reason
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// legs are the ways of messages, by message.
func (s *Store) legs(ctx context.Context, slips []id.ID) (map[id.ID][]Leg, error) {
	traces, err := s.Outbox.TracesOf(ctx, kindForward, slips)
	if err != nil {
		return nil, err
	}
	waits, err := s.heldOf(ctx, slips)
	if err != nil {
		return nil, err
	}
	tried, err := s.triedOf(ctx, traces)
	if err != nil {
		return nil, err
	}
	out := map[id.ID][]Leg{}
	for _, t := range traces {
		h := waits[t.ID]
		out[t.Ref] = append(out[t.Ref], Leg{Delivery: t.ID, To: t.Recipient, State: t.State, Why: h.Why, GivenUp: !h.GivenUpAt.IsZero(),
			Refused: tried[t.ID], Class: t.Class, Reply: t.Reply, NextAt: t.NextAt, DoneAt: t.DoneAt})
	}
	return out, nil
}

// Resend sends the viewer's message that failed for good, or was given up, on its way once more: to where it went, else
// to where his mail goes now.
func (s *Store) Resend(ctx context.Context, v viewer.Viewer, message, delivery id.ID) error {
	if err := own("forwarding.Resend", v); err != nil {
		return err
	}
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		leg, h, err := s.legOf(ctx, v, message, delivery, as)
		if err != nil {
			return err
		}
		route := h.Route()
		switch {
		case !leg.MayResend():
			return errs.New(errs.Conflict, "forwarding.not_failed")
		case len(route) == 0:
			return errs.New(errs.Conflict, "forwarding.nowhere")
		}
		to := h.goals()
		switch {
		case slices.ContainsFunc(route, func(a string) bool { return strings.EqualFold(a, leg.To) }):
			to = []string{leg.To}
		case leg.To != "": // the other targets have, or had, copies of their own
			to = to[:1]
		}
		if _, err := s.DB.Exec(ctx, `DELETE FROM forwarding_held WHERE delivery_id = ?`, delivery); err != nil {
			return err
		}
		if err := s.forgetTried(ctx, delivery); err != nil {
			return err
		}
		return s.sendOn(ctx, delivery, to)
	})
	if err != nil && errs.KindOf(err) == errs.NotFound {
		err = errs.New(errs.NotFound, "forwarding.message_gone")
	}
	return errs.Wrap("forwarding.Resend", err)
}
