package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/viewer"
)

// deliveries is the source of messages that are passed on.
type deliveries struct{ *Outbox }

// Deliveries is the messages passed on as a source.
func (o *Outbox) Deliveries() Source { return deliveries{o} }

// forwardKind are deliveries whose every octet stays as it came, so that the sender's own signature holds.
const forwardKind = "forward"

type claimedDelivery struct {
	ID        id.ID
	BodyID    id.ID
	Stream    string
	Kind      string
	Ref       id.ID
	Sender    string
	Recipient string
	Attempts  int
	CreatedAt time.Time
}

func (s deliveries) Claim(ctx context.Context, lease time.Duration, n int, without []string) ([]Parcel, error) {
	list, err := persist(len(without) == 0, func() ([]claimedDelivery, bool, error) { return s.claim(ctx, lease, n, without) })
	if err != nil {
		return nil, errs.Wrap("outbox.deliveries.Claim", err)
	}
	out := make([]Parcel, 0, len(list))
	for _, d := range list {
		out = append(out, s.parcel(d))
	}
	slices.SortFunc(out, earlier)
	return out, nil
}

func (s deliveries) parcel(d claimedDelivery) Parcel {
	return Parcel{
		ID: d.ID, Stream: mail.Stream(d.Stream), Kind: d.Kind, Ref: d.Ref, From: d.Sender, To: d.Recipient,
		Attempts: d.Attempts, Since: d.CreatedAt, body: d.BodyID, untouch: d.Kind == forwardKind,
		Message: func(ctx context.Context) ([]byte, error) { return s.message(ctx, d.ID) },
	}
}

func (s deliveries) claim(ctx context.Context, lease time.Duration, n int, without []string) ([]claimedDelivery, bool, error) {
	now := s.clock()
	if due, err := s.due(ctx, `outbox_deliveries`, now); err != nil || !due {
		return nil, false, err
	}
	around, args := ``, []any{now.Add(lease), now}
	if len(without) > 0 {
		around = ` AND domain NOT IN (` + db.In(len(without)) + `)`
		args = append(args, db.Args(without)...)
	}
	list, err := db.All[claimedDelivery](ctx, s.db, `
		UPDATE outbox_deliveries SET attempts = attempts + 1, next_at = ?
		WHERE id IN (
			WITH due AS MATERIALIZED (
				SELECT id FROM outbox_deliveries WHERE state = 'queued' AND next_at <= ?`+around+` ORDER BY next_at, id LIMIT ?)
			SELECT id FROM due)
			AND state = 'queued' AND next_at <= ?
		RETURNING id, body_id, stream, kind, ref, sender, recipient, attempts, created_at`, append(args, n, now)...)
	return list, true, err
}

// message is the head that was put before the body, and the body. A large one waits for its place in memory.
func (s deliveries) message(ctx context.Context, delivery id.ID) ([]byte, error) {
	type parts struct {
		Head string
		Size int
		Raw  []byte // empty when it is large
	}
	p, err := db.One[parts](ctx, s.db, `
		SELECT d.head, octet_length(b.raw) AS size, CASE WHEN octet_length(b.raw) < ? THEN b.raw END AS raw
		FROM outbox_deliveries d JOIN outbox_bodies b ON b.id = d.body_id WHERE d.id = ?`, heavyMessage, delivery)
	if err == nil && p.Size >= heavyMessage {
		if err := bear(ctx); err != nil {
			return nil, err
		}
		p.Raw, err = db.One[[]byte](ctx, s.db, `SELECT raw FROM outbox_bodies WHERE id = (SELECT body_id FROM outbox_deliveries WHERE id = ?)`, delivery)
	}
	if err != nil {
		return nil, errs.Wrap("outbox: delivery "+delivery.String(), err)
	}
	if p.Head == "" {
		return p.Raw, nil
	}
	return mail.Prepend(p.Raw, p.Head), nil
}

func (s deliveries) Settle(ctx context.Context, list []Outcome) error {
	var sent, bodies []any
	for _, o := range list {
		if o.State == Sent {
			sent, bodies = append(sent, o.ID), append(bodies, o.body)
		}
	}
	if len(sent) > 0 {
		if err := s.sent(ctx, sent, bodies); err != nil {
			return errs.Wrap("outbox.deliveries.Settle", err)
		}
	}
	for _, o := range list {
		if o.State == Sent {
			continue
		}
		if err := s.unsent(ctx, o); err != nil {
			return errs.Wrap("outbox.deliveries.Settle", err)
		}
	}
	return nil
}

// sent also lets go of the words that nobody needs any more: most rows of thirty days are these. One that failed, or is held, keeps its message: it may
// be sent again.
func (s deliveries) sent(ctx context.Context, sent, bodies []any) error {
	taken := db.ToJSON(mail.Reply{Code: 250, Stage: "data"})
	_, err := s.db.Exec(ctx, `UPDATE outbox_deliveries SET state = 'sent', head = '', done_at = ?, class = ?, reply = ? WHERE id IN (`+db.In(len(sent))+`)`,
		append([]any{s.clock(), string(mail.Delivered), taken}, sent...)...)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `
		DELETE FROM outbox_bodies WHERE id IN (`+db.In(len(bodies))+`)
			AND NOT EXISTS (SELECT 1 FROM outbox_deliveries d WHERE d.body_id = outbox_bodies.id AND d.state <> 'sent')`, bodies...)
	return err
}

func (s deliveries) unsent(ctx context.Context, o Outcome) error {
	state, at, done := Queued, o.NextAt, time.Time{}
	if o.State == Failed {
		state, at, done = Failed, s.clock(), s.clock()
	}
	_, err := s.db.Exec(ctx, `
		UPDATE outbox_deliveries SET state = ?, next_at = ?, attempts = ?, class = ?, reply = ?, done_at = ? WHERE id = ? AND state = 'queued'`,
		string(state), at, o.counted(), string(o.Class), db.ToJSON(o.Reply), done, o.ID)
	return err
}

func (s deliveries) Release(ctx context.Context, list []Parcel, at time.Time) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.db.Exec(ctx, `UPDATE outbox_deliveries SET next_at = ?, attempts = attempts - 1 WHERE state = 'queued' AND attempts > 0 AND id IN (`+
		db.In(len(list))+`)`, append([]any{at}, parcelIDs(list)...)...)
	return errs.Wrap("outbox.deliveries.Release", err)
}

func (s deliveries) PutOff(ctx context.Context, list []Parcel, at time.Time, why mail.Reply) error {
	if len(list) == 0 {
		return nil
	}
	class := mail.Temporary
	if why.Code != 0 {
		class = mail.Classify(why)
	}
	_, err := s.db.Exec(ctx, `
		UPDATE outbox_deliveries SET next_at = ?, attempts = attempts - 1, class = ?, reply = ? WHERE state = 'queued' AND attempts > 0 AND id IN (`+
		db.In(len(list))+`)`, append([]any{at, string(class), db.ToJSON(why)}, parcelIDs(list)...)...)
	return errs.Wrap("outbox.deliveries.PutOff", err)
}

func (s deliveries) Hold(ctx context.Context, list []Parcel, until time.Time) error {
	return s.hold(ctx, `outbox_deliveries`, list, until)
}

func (s deliveries) Recover(ctx context.Context, until time.Time) error {
	return s.makeDue(ctx, `outbox_deliveries`, until)
}

// RetryDelivery is Again for the federation's admins.
func (o *Outbox) RetryDelivery(ctx context.Context, v viewer.Viewer, delivery id.ID) error {
	if !v.IsFederationAdmin() {
		return errs.E("outbox.RetryDelivery", errs.Forbidden, nil)
	}
	return errs.Wrap(fmt.Sprintf("outbox.RetryDelivery %s", delivery), o.Again(ctx, delivery, ""))
}

// ListDeliveries is the latest messages passed on in a state, for the federation's admins.
func (o *Outbox) ListDeliveries(ctx context.Context, v viewer.Viewer, state State, limit int) ([]Trace, error) {
	if !v.IsFederationAdmin() {
		return nil, errs.E("outbox.ListDeliveries", errs.Forbidden, nil)
	}
	return o.traces(ctx, `state = ?`, `created_at DESC, id DESC LIMIT ?`, []any{string(state), limit})
}
