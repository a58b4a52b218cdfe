package forwarding

import (
	"context"
	"fmt"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

// The boxes of the inbox, and the kinds of what leaves.
const (
	boxForwarding = "forwarding"
	kindForward   = "forward"
)

// Box takes mail for the addresses for life.
type Box struct{ store *Store }

// NewBox makes the box.
func NewBox(s *Store) *Box { return &Box{s} }

// Name is what the inbox calls it.
func (b *Box) Name() string { return boxForwarding }

// route is what the box found out of a recipient, as it stood when the sender named him.
type route struct {
	alias string   // the address as we write it
	home  string   // the mail domain that reports come back below
	limit int      // the spam score from which a message is refused, in tenths
	to    []string // where it goes now
	wait  Way      // Paused or Asked: it waits here instead
}

// Find says whose address for life it is. A login that nobody has, that is right at another domain, or whose owner
// died is none: whoever asks is told the same of all of them, by the inbox.
func (b *Box) Find(ctx context.Context, _ inbox.Envelope, address string) (inbox.Rcpt, error) {
	const op = "forwarding.Find"
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return inbox.Rcpt{}, errs.E(op, errs.NotFound, nil)
	}
	as, err := b.store.People.Associations(ctx)
	if err != nil {
		return inbox.Rcpt{}, err
	}
	domain := mail.DomainOf(address)
	if !as.HaveMailDomain(domain) {
		return inbox.Rcpt{}, errs.E(op, errs.NotFound, nil)
	}
	h, err := b.store.byLogin(ctx, address[:at], as)
	if err != nil {
		return inbox.Rcpt{}, errs.Wrap(op, err)
	}
	if h.Status == people.Deceased || !as.OfLogin(fold.TypedLogin(h.Login), h.School, h.Schools).HaveMailDomain(domain) {
		return inbox.Rcpt{}, errs.E(op, errs.NotFound, nil)
	}
	r := &route{alias: people.LifetimePart(h.Login) + "@" + domain, home: domain, limit: h.Strictness.limit()}
	switch way := h.WayAt(b.store.Now(), h.Standing); way {
	case Closed:
		return inbox.Rcpt{}, inbox.Refuse(550, "5.2.1", "this address takes no mail at present")
	case Open:
		r.to = h.goals()
	default:
		r.wait = way
	}
	return inbox.Rcpt{Address: address, Owner: h.Person, Data: r}, nil
}

// Screen refuses what came round, what looks too much like spam to its owner, and what would fill the room where mail
// waits.
func (b *Box) Screen(ctx context.Context, m *inbox.Message, to inbox.Rcpt) error {
	r, err := routeOf(to)
	if err != nil {
		return err
	}
	if err := r.bars(m); err != nil || r.wait == "" {
		return err
	}
	room, err := b.store.room(ctx, to.Owner, int64(len(m.Raw)))
	if err == nil && !room {
		return inbox.Refuse(452, "4.2.2", "too much mail waits at this address")
	}
	return err
}

// bars refuses what came round, and what looks too much like spam.
func (r *route) bars(m *inbox.Message) error {
	switch {
	case m.Head.DeliveredTo(r.alias):
		return inbox.Refuse(554, "5.4.6", "this message was here before: it goes round in circles")
	case m.Score >= r.limit:
		return inbox.Refuse(550, "5.7.1", "this message looks like spam")
	}
	return nil
}

func routeOf(to inbox.Rcpt) (*route, error) {
	r, ok := to.Data.(*route)
	if !ok {
		return nil, errs.E("forwarding", errs.Internal, fmt.Errorf("a recipient of another box: %T", to.Data))
	}
	return r, nil
}

// Accept passes messages on to each target, or to the first where they are tried in turn, and keeps those that wait.
func (b *Box) Accept(ctx context.Context, list []inbox.Arrival) error {
	var relayed []outbox.Relayed
	var waits []held
	at := map[*inbox.Message]int{}
	for _, a := range list {
		r, err := routeOf(a.Rcpt)
		if err != nil {
			return err
		}
		i, known := at[a.Message]
		if !known {
			i = len(relayed)
			at[a.Message] = i
			relayed = append(relayed, outbox.Relayed{Raw: a.Message.Raw})
		}
		each := b.store.deliveries(a, r, kindForward)
		relayed[i].Each = append(relayed[i].Each, each...)
		if r.wait != "" {
			waits = append(waits, held{DeliveryID: each[0].ID, SlipID: a.ID, PersonID: a.Rcpt.Owner, Size: int64(len(a.Message.Raw)), Why: r.wait})
		}
	}
	if err := b.store.Outbox.Relay(ctx, relayed); err != nil || len(waits) == 0 {
		return err
	}
	return b.store.hold(ctx, waits)
}

// deliveries are the copies of a message that leave, each with a return address of its own; one alone, held, of a
// message that waits.
func (s *Store) deliveries(a inbox.Arrival, r *route, kind string) []outbox.Delivery {
	to := r.to
	if r.wait != "" {
		to = []string{""}
	}
	head := a.Message.Trace + mail.DeliveredTo(r.alias)
	out := make([]outbox.Delivery, len(to))
	for i, target := range to {
		out[i] = outbox.Delivery{ID: id.New(), Stream: mail.Forwarding, Kind: kind, Ref: a.ID, Head: head, To: target, Held: r.wait != ""}
		if a.Message.Envelope.From != "" { // <> stays <>: nobody wants to hear of a report that did not arrive
			out[i].From = s.returnTo(out[i].ID, r.home)
		}
	}
	return out
}

// returnTo is the envelope sender of a delivery: what comes back to it names the delivery and nobody.
func (s *Store) returnTo(delivery id.ID, domain string) string {
	return s.Tokens.Make(mail.DeliveryToken, delivery) + "@" + mail.ReturnDomain(domain)
}
