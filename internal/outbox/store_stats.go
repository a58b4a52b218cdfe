package outbox

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/mail"
)

// Stats are for the metrics.
type Stats struct {
	Queued int // letters
	Failed int
	Oldest time.Time // of those queued

	Relayed Relays // messages passed on, of the last thirty days
}

// Relays counts deliveries.
type Relays struct {
	Queued int
	Failed int
	Held   int       // until somebody says where to
	Oldest time.Time // of those queued
}

// Stats counts what waits and what failed.
func (o *Outbox) Stats(ctx context.Context) (Stats, error) {
	s, err := db.One[Stats](ctx, o.db, `
		SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
			min(created_at) FILTER (WHERE state = 'queued') AS oldest
		FROM outbox WHERE state <> 'sent'`)
	if err != nil {
		return Stats{}, errs.Wrap("outbox.Stats", err)
	}
	s.Relayed, err = db.One[Relays](ctx, o.db, `
		SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
			count(*) FILTER (WHERE state = 'held') AS held, min(created_at) FILTER (WHERE state = 'queued') AS oldest
		FROM outbox_deliveries WHERE state <> 'sent'`)
	return s, errs.Wrap("outbox.Stats", err)
}

// Waiting is what waits for a domain.
type Waiting struct {
	Domain string
	Count  int
	Oldest time.Time // when the first attempt of the oldest was due
}

// Waiter is a Source that can tell what waits in it.
type Waiter interface {
	Waiting(ctx context.Context) ([]Waiting, error)
}

// Waiting reads every letter that waits, for the table has no column for the domain; they are few.
func (s letters) Waiting(ctx context.Context) ([]Waiting, error) {
	type one struct {
		Recipient string
		CreatedAt time.Time
	}
	by := map[string]*Waiting{}
	err := db.Each(ctx, s.db, `SELECT recipient, created_at FROM outbox WHERE state = 'queued' ORDER BY created_at`, nil, func(o *one) error {
		domain := mail.DomainOf(o.Recipient)
		if by[domain] == nil {
			by[domain] = &Waiting{Domain: domain, Oldest: o.CreatedAt}
		}
		by[domain].Count++
		return nil
	})
	out := make([]Waiting, 0, len(by))
	for _, w := range by {
		out = append(out, *w)
	}
	return out, errs.Wrap("outbox.letters.Waiting", err)
}

func (s deliveries) Waiting(ctx context.Context) ([]Waiting, error) {
	list, err := db.All[Waiting](ctx, s.db, `
		SELECT domain, count(*) AS count, min(created_at) AS oldest FROM outbox_deliveries WHERE state = 'queued' GROUP BY domain`)
	return list, errs.Wrap("outbox.deliveries.Waiting", err)
}
