package outbox

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
)

// Stats are for the metrics.
type Stats struct {
	Queued int
	Failed int
	Oldest time.Time // of those queued
}

// Stats counts what waits and what failed.
func (o *Outbox) Stats(ctx context.Context) (Stats, error) {
	s, err := db.One[Stats](ctx, o.db, `
		SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
			min(created_at) FILTER (WHERE state = 'queued') AS oldest
		FROM outbox WHERE state <> 'sent'`)
	return s, errs.Wrap("outbox.Stats", err)
}
