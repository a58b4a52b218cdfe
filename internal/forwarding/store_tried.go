package forwarding

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// legOf is the way of one of the viewer's messages to one target, and the viewer as its owner.
func (s *Store) legOf(ctx context.Context, v viewer.Viewer, message, delivery id.ID, as people.Associations) (Leg, holder, error) {
	h, err := s.holder(ctx, v.Person, as)
	if err != nil {
		return Leg{}, h, err
	}
	sl, err := s.Arrivals.ByID(ctx, boxForwarding, v.Person, message)
	if err != nil {
		return Leg{}, h, err
	}
	legs, err := s.legs(ctx, []id.ID{sl.ID})
	if err != nil {
		return Leg{}, h, err
	}
	for _, l := range legs[sl.ID] {
		if l.Delivery == delivery {
			return l, h, nil
		}
	}
	return Leg{}, h, errs.NotFound
}

type triedRow struct {
	DeliveryID id.ID
	Address    string
	Class      mail.Class
	At         time.Time
}

// triedOf are the targets that refused these deliveries before, by delivery.
func (s *Store) triedOf(ctx context.Context, traces []outbox.Trace) (map[id.ID][]Leg, error) {
	ids := make([]id.ID, len(traces))
	for i, t := range traces {
		ids[i] = t.ID
	}
	out := map[id.ID][]Leg{}
	err := db.Each(ctx, s.DB, `SELECT delivery_id, address, class, at FROM forwarding_tried WHERE delivery_id IN (`+db.In(len(ids))+`) ORDER BY at, address_key`,
		db.Args(ids), func(r *triedRow) error {
			out[r.DeliveryID] = append(out[r.DeliveryID], Leg{Delivery: r.DeliveryID, To: r.Address, State: outbox.Failed, Class: r.Class, DoneAt: r.At})
			return nil
		})
	return out, errs.Wrap("forwarding.triedOf", err)
}

// tried notes that a target refused a delivery for good, and gives all that did.
func (s *Store) tried(ctx context.Context, o outbox.Outcome) ([]string, error) {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO forwarding_tried (delivery_id, address_key, address, class, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (delivery_id, address_key) DO UPDATE SET class = excluded.class, at = excluded.at`,
		o.ID, fold.Email(o.To), o.To, string(o.Class), s.Now())
	if err != nil {
		return nil, errs.Wrap("forwarding.tried", err)
	}
	list, err := db.All[string](ctx, s.DB, `SELECT address FROM forwarding_tried WHERE delivery_id = ?`, o.ID)
	return list, errs.Wrap("forwarding.tried", err)
}

func (s *Store) forgetTried(ctx context.Context, delivery id.ID) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM forwarding_tried WHERE delivery_id = ?`, delivery)
	return errs.Wrap("forwarding.forgetTried", err)
}

// firstReport notes that the sender of a message is told that it did not arrive; false when he was told before.
func (s *Store) firstReport(ctx context.Context, slip id.ID) (bool, error) {
	n, err := s.DB.Exec(ctx, `INSERT INTO forwarding_reports (slip_id, at) VALUES (?, ?) ON CONFLICT (slip_id) DO NOTHING`, slip, s.Now())
	return n > 0, errs.Wrap("forwarding.firstReport", err)
}

// Sweep forgets what is kept no longer.
func (s *Store) Sweep(ctx context.Context) error {
	before := s.Now().Add(-keptFor)
	for _, q := range []string{
		`DELETE FROM forwarding_tried WHERE at < ?`, `DELETE FROM forwarding_reports WHERE at < ?`,
		`DELETE FROM forwarding_held WHERE given_up_at < ?`,
	} {
		if _, err := s.DB.Exec(ctx, q, before); err != nil {
			return errs.Wrap("forwarding.Sweep", err)
		}
	}
	return nil
}
