package outbox

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
)

// Relay passes messages on, in the transaction in the context: nothing leaves for what is rolled back. A message
// without a delivery is not kept. What the courier of this process has room for is written down as claimed already, and
// handed to it at the commit.
func (o *Outbox) Relay(ctx context.Context, list []Relayed) error {
	b := relaying{o: o, now: o.clock(), to: o.taker(list)}
	for i := range list {
		if len(list[i].Each) > 0 {
			b.add(&list[i])
		}
	}
	err := o.db.Tx(ctx, func(ctx context.Context) error {
		if err := o.db.InsertMany(ctx, `outbox_bodies (id, raw, created_at)`, 3, b.bodies, ``); err != nil {
			return err
		}
		return b.insert(ctx)
	})
	if err != nil {
		return errs.Wrap("outbox.Relay", err)
	}
	o.db.AfterCommit(ctx, func() {
		if b.to != nil {
			b.to.handOut(b.to.relays, b.parcels, b.until)
		} else {
			o.Wake()
		}
	})
	return nil
}

// relaying is messages on their way into the tables.
type relaying struct {
	o                  *Outbox
	now                time.Time
	bodies, deliveries []any // of rows

	to      *run      // the courier that takes what may leave now; nil: whoever claims it
	until   time.Time // when its lease ends
	parcels []Parcel  // that it takes
}

func (b *relaying) add(r *Relayed) {
	if r.ID.IsZero() {
		r.ID = id.New()
	}
	b.bodies = append(b.bodies, r.ID, r.Raw, b.now)
	for i := range r.Each {
		b.addOne(r, &r.Each[i])
	}
}

func (b *relaying) addOne(r *Relayed, d *Delivery) {
	if d.ID.IsZero() {
		d.ID = id.New()
	}
	state, due, attempts := Queued, d.DueAt, 0
	switch {
	case d.Held:
		state = Held
	case due.IsZero() && b.to != nil:
		b.until = b.now.Add(b.to.relays.lease)
		due, attempts = b.until, 1
		b.parcels = append(b.parcels, b.parcel(r, d))
	}
	if due.IsZero() {
		due = b.now
	}
	b.deliveries = append(b.deliveries, d.ID, r.ID, string(d.Stream), d.Kind, d.Ref, d.Head, d.From, d.To, mail.DomainOf(d.To), string(state),
		attempts, due, "", db.ToJSON(mail.Reply{}), b.now)
}

func (b *relaying) insert(ctx context.Context) error {
	return b.o.db.InsertMany(ctx, `outbox_deliveries (id, body_id, stream, kind, ref, head, sender, recipient, domain, state,
		attempts, next_at, class, reply, created_at)`, 15, b.deliveries, ``)
}

// parcel is a delivery as the courier claims it; the bytes of a small one stay in memory.
func (b *relaying) parcel(r *Relayed, d *Delivery) Parcel {
	p := deliveries{b.o}.parcel(claimedDelivery{ID: d.ID, BodyID: r.ID, Stream: string(d.Stream), Kind: d.Kind, Ref: d.Ref,
		Sender: d.From, Recipient: d.To, Attempts: 1, CreatedAt: b.now})
	if len(r.Raw) < shelfMessage {
		raw, head := r.Raw, d.Head
		p.ready, p.Message = true, func(context.Context) ([]byte, error) { return mail.Prepend(raw, head), nil }
	}
	return p
}

const traceColumns = `id, body_id, kind, ref, sender, recipient, state, attempts, next_at, class, reply, created_at, done_at`

// TracesOf is what became of the deliveries about these things, the oldest first. The caller owns the things and has
// checked who asks.
func (o *Outbox) TracesOf(ctx context.Context, kind string, refs []id.ID) ([]Trace, error) {
	return o.traces(ctx, `kind = ? AND ref IN (`+db.In(len(refs))+`)`, `created_at, id`, append([]any{kind}, db.Args(refs)...))
}

// TraceOf is one delivery, by the row that its return token names.
func (o *Outbox) TraceOf(ctx context.Context, delivery id.ID) (Trace, error) {
	list, err := o.traces(ctx, `id = ?`, `id`, []any{delivery})
	if err == nil && len(list) == 0 {
		err = errs.E("outbox.TraceOf", errs.NotFound, nil)
	}
	if err != nil {
		return Trace{}, err
	}
	return list[0], nil
}

func (o *Outbox) traces(ctx context.Context, where, order string, args []any) ([]Trace, error) {
	type row struct {
		Reply db.JSON[mail.Reply] // before the field of that name in Trace
		Trace
	}
	var out []Trace
	err := db.Each(ctx, o.db, `SELECT `+traceColumns+` FROM outbox_deliveries WHERE `+where+` ORDER BY `+order, args, func(r *row) error {
		r.Trace.Reply = r.Reply.V
		out = append(out, r.Trace)
		return nil
	})
	return out, errs.Wrap("outbox.traces", err)
}

// Again sends a delivery that failed for good, or is held, on its way once more, to another target where one is
// named, while the message is still kept; NotFound when it is not.
func (o *Outbox) Again(ctx context.Context, delivery id.ID, to string) error {
	now := o.clock()
	err := o.db.Tx(ctx, func(ctx context.Context) error {
		if to != "" {
			if err := o.db.ExecOne(ctx, `UPDATE outbox_deliveries SET recipient = ?, domain = ? WHERE id = ? AND state IN ('failed', 'held')`,
				to, mail.DomainOf(to), delivery); err != nil {
				return err
			}
		}
		return o.db.ExecOne(ctx, `
			UPDATE outbox_deliveries SET state = 'queued', attempts = 0, next_at = ?, created_at = ?, done_at = NULL
			WHERE id = ? AND state IN ('failed', 'held') AND EXISTS (SELECT 1 FROM outbox_bodies b WHERE b.id = body_id)`, now, now, delivery)
	})
	if err == nil {
		o.db.AfterCommit(ctx, o.Wake)
	}
	return errs.Wrap("outbox.Again", err)
}

// Copy sends the message of a delivery to others too, with the same lines before it; NotFound when it is kept no longer.
// It joins the transaction in the context.
func (o *Outbox) Copy(ctx context.Context, delivery id.ID, each []Delivery) error {
	type kept struct {
		ID   id.ID
		Head string
	}
	k, err := db.One[kept](ctx, o.db, `SELECT b.id, d.head FROM outbox_deliveries d JOIN outbox_bodies b ON b.id = d.body_id WHERE d.id = ?`, delivery)
	if err == nil {
		b := relaying{o: o, now: o.clock()}
		for i := range each {
			each[i].Head = k.Head
			b.addOne(&Relayed{ID: k.ID}, &each[i])
		}
		err = b.insert(ctx)
	}
	if err == nil {
		o.db.AfterCommit(ctx, o.Wake)
	}
	return errs.Wrap("outbox.Copy "+delivery.String(), err)
}

// Watch names whom the outcomes of deliveries of a kind are told, inside the transaction that settles them. It is
// called before anything leaves.
func (o *Outbox) Watch(kind string, w Observer) { o.watchers[kind] = w }

// Returned is told of a report that came back on a delivery long after a server had taken it: it failed after all, and
// whom it concerns is told like of any other outcome. A delivery that failed already, or is tried again, stays as it is.
// It joins the transaction in the context.
func (o *Outbox) Returned(ctx context.Context, delivery id.ID, class mail.Class, reply mail.Reply) error {
	t, err := o.TraceOf(ctx, delivery)
	if err != nil {
		return err
	}
	n, err := o.db.Exec(ctx, `UPDATE outbox_deliveries SET state = 'failed', class = ?, reply = ?, done_at = ? WHERE id = ? AND state = 'sent'`,
		string(class), db.ToJSON(reply), o.clock(), delivery)
	if err != nil || n == 0 {
		return errs.Wrap("outbox.Returned", err)
	}
	w := o.watchers[t.Kind]
	if w == nil {
		return nil
	}
	return w(ctx, []Outcome{{
		Parcel: Parcel{ID: t.ID, Kind: t.Kind, Ref: t.Ref, From: t.Sender, To: t.Recipient, Attempts: t.Attempts, Since: t.CreatedAt, body: t.BodyID},
		State:  Failed, Reply: reply, Class: class,
	}})
}
