package outbox

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/mail"
	"amicale/internal/viewer"
)

// Hour is how a destination answered in one hour.
type Hour struct {
	Destination string
	Hour        time.Time // its beginning
	Sent        int
	Reputation  int // answers that blame our reputation
	Failed      int // other refusals for good
}

// countHours adds outcomes to their hours, in the transaction that settles them.
func (o *Outbox) countHours(ctx context.Context, list []Outcome) error {
	hour := o.clock().Truncate(time.Hour)
	by := map[string]*Hour{}
	for _, one := range list {
		if one.Destination == "" {
			continue
		}
		h := by[one.Destination]
		if h == nil {
			h = &Hour{Destination: one.Destination, Hour: hour}
			by[one.Destination] = h
		}
		switch {
		case one.State == Sent:
			h.Sent++
		case one.Class == mail.Reputation:
			h.Reputation++
		case one.State == Failed:
			h.Failed++
		}
	}
	var args []any
	for _, key := range slices.Sorted(maps.Keys(by)) { // in the same order in every process: they wait for one another
		if h := by[key]; h.Sent+h.Reputation+h.Failed > 0 {
			args = append(args, h.Destination, h.Hour, h.Sent, h.Reputation, h.Failed)
		}
	}
	if len(args) == 0 {
		return nil
	}
	const one = `(?, ?, ?, ?, ?)`
	_, err := o.db.Exec(ctx, `
		INSERT INTO outbox_hours (destination, hour, sent, reputation, failed) VALUES `+strings.Repeat(one+`, `, len(args)/5-1)+one+`
		ON CONFLICT (destination, hour) DO UPDATE SET sent = outbox_hours.sent + excluded.sent,
			reputation = outbox_hours.reputation + excluded.reputation, failed = outbox_hours.failed + excluded.failed`, args...)
	return errs.Wrap("outbox.countHours", err)
}

// Hours is how destinations answered since then, the latest first, for the federation's admins.
func (o *Outbox) Hours(ctx context.Context, v viewer.Viewer, since time.Time) ([]Hour, error) {
	if !v.IsFederationAdmin() {
		return nil, errs.E("outbox.Hours", errs.Forbidden, nil)
	}
	list, err := db.All[Hour](ctx, o.db, `
		SELECT destination, hour, sent, reputation, failed FROM outbox_hours WHERE hour >= ? ORDER BY hour DESC, destination`, since.Truncate(time.Hour))
	return list, errs.Wrap("outbox.Hours", err)
}
