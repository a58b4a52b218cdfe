package forwarding

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Tally is how many messages came for somebody in thirty days, and what became of them.
type Tally struct {
	Taken   int
	Refused int // at the door
	Waiting int // taken, and waiting here or for another attempt
	Failed  int // taken, and refused for good by a target or given up, and not sent on again
}

// Tally is the viewer's own.
func (s *Store) Tally(ctx context.Context, v viewer.Viewer) (Tally, error) {
	if err := own("forwarding.Tally", v); err != nil {
		return Tally{}, err
	}
	return s.tally(ctx, v.Person)
}

// tally: the caller has checked who asks.
func (s *Store) tally(ctx context.Context, person id.ID) (Tally, error) {
	const deliveries = `FROM outbox_deliveries d LEFT JOIN forwarding_held h ON h.delivery_id = d.id WHERE d.ref = i.id AND d.kind = ?`
	t, err := db.One[Tally](ctx, s.DB, `
		SELECT count(CASE WHEN i.state = 'taken' THEN 1 END) AS taken, count(CASE WHEN i.state = 'refused' THEN 1 END) AS refused,
			count(CASE WHEN EXISTS (SELECT 1 `+deliveries+` AND (d.state = 'queued' AND d.attempts > 0 OR d.state = 'held' AND h.given_up_at IS NULL)) THEN 1 END) AS waiting,
			count(CASE WHEN EXISTS (SELECT 1 `+deliveries+` AND (d.state = 'failed' OR d.state = 'held' AND h.given_up_at IS NOT NULL)) THEN 1 END) AS failed
		FROM inbox i WHERE i.owner_id = ? AND i.box = ? AND i.at >= ?`, kindForward, kindForward, person, boxForwarding, s.Now().Add(-keptFor))
	return t, errs.Wrap("forwarding.tally", err)
}
