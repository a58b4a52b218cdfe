package outbox

import (
	"context"
	"slices"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// Forget drops the deliveries of a kind about these things, whatever their state, and the messages that nobody else
// needs: what they were about is erased. It joins the transaction in the context.
func (o *Outbox) Forget(ctx context.Context, kind string, refs []id.ID) error {
	const atOnce = 100 // keeps the lists of one statement short
	for part := range slices.Chunk(refs, atOnce) {
		bodies, err := db.All[id.ID](ctx, o.db, `DELETE FROM outbox_deliveries WHERE kind = ? AND ref IN (`+db.In(len(part))+`) RETURNING body_id`,
			append([]any{kind}, db.Args(part)...)...)
		if err == nil {
			_, err = o.db.Exec(ctx, `DELETE FROM outbox_bodies WHERE id IN (`+db.In(len(bodies))+`)
				AND NOT EXISTS (SELECT 1 FROM outbox_deliveries d WHERE d.body_id = outbox_bodies.id)`, db.Args(bodies)...)
		}
		if err != nil {
			return errs.Wrap("outbox.Forget "+kind, err)
		}
	}
	return nil
}
