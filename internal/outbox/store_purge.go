package outbox

import (
	"context"
	"time"

	"amicale/internal/errs"
)

// How long what was passed on is kept: the traces, and the messages of what failed, which may be sent again.
const (
	keepDeliveries = 30 * 24 * time.Hour
	keepHours      = 90 * 24 * time.Hour
)

// Purge blanks the words of letters that left, or failed, before that time: they hold single-use links. That they
// were sent stays. It also forgets what was passed on more than thirty days ago. It says how many rows it touched.
func (o *Outbox) Purge(ctx context.Context, before time.Time) (int64, error) {
	total, err := o.db.Exec(ctx, `
		UPDATE outbox SET body_text = '', body_html = '' WHERE state <> 'queued' AND created_at < ? AND coalesce(sent_at, created_at) < ? AND body_text <> ''`, before, before)
	if err != nil {
		return total, errs.Wrap("outbox.Purge", err)
	}
	old := o.clock().Add(-keepDeliveries)
	for _, step := range []struct {
		statement string
		before    time.Time
	}{
		{`DELETE FROM outbox_deliveries WHERE id IN (SELECT id FROM outbox_deliveries WHERE created_at < ? AND state <> 'queued' LIMIT ?)`, old},
		{`DELETE FROM outbox_bodies WHERE id IN (
			SELECT b.id FROM outbox_bodies b WHERE b.created_at < ? AND NOT EXISTS (
				SELECT 1 FROM outbox_deliveries d WHERE d.body_id = b.id AND d.state <> 'sent') LIMIT ?)`, old},
		{`DELETE FROM outbox_hours WHERE (destination, hour) IN (SELECT destination, hour FROM outbox_hours WHERE hour < ? LIMIT ?)`, o.clock().Add(-keepHours)},
	} {
		n, err := o.inHandfuls(ctx, step.statement, step.before)
		total += n
		if err != nil {
			return total, errs.Wrap("outbox.Purge", err)
		}
	}
	return total, nil
}

// inHandfuls repeats a DELETE with a LIMIT until nothing is left: one for a whole day's mail would keep everybody else
// from writing.
func (o *Outbox) inHandfuls(ctx context.Context, statement string, before time.Time) (int64, error) {
	const handful = 1000
	var total int64
	for {
		n, err := o.db.Exec(ctx, statement, before, handful)
		total += n
		if err != nil || n < handful {
			return total, err
		}
	}
}
