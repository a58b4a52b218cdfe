package newsletters

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// Source keeps what it has given out: the courier's leases are short, and are prolonged while it lives.
var _ outbox.Keeper = (*Source)(nil)

// Hold prolongs the leases of claimed recipients.
func (s *Source) Hold(ctx context.Context, list []outbox.Parcel, until time.Time) error {
	_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET next_at = ? WHERE state = 'queued' AND next_at < ? AND id IN (`+db.In(len(list))+`)`,
		append([]any{until, until}, rowsOf(list)...)...)
	return errs.Wrap("newsletters.Hold", err)
}

// PutOff is Release with the reason.
func (s *Source) PutOff(ctx context.Context, list []outbox.Parcel, at time.Time, why mail.Reply) error {
	class := mail.Temporary
	if why.Code != 0 {
		class = mail.Classify(why)
	}
	_, err := s.DB.Exec(ctx, `
		UPDATE campaign_recipients SET next_at = ?, attempts = attempts - 1, class = ?, reply = ? WHERE state = 'queued' AND attempts > 0 AND id IN (`+db.In(len(list))+`)`,
		append([]any{at, string(class), db.ToJSON(why)}, rowsOf(list)...)...)
	return errs.Wrap("newsletters.PutOff", err)
}

// Recover makes due what a dead process held.
func (s *Source) Recover(ctx context.Context, until time.Time) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE campaign_recipients SET next_at = ? WHERE state = 'queued' AND attempts > 0 AND next_at > ? AND next_at <= ?
			AND campaign_id IN (SELECT id FROM campaigns WHERE state IN ('sending', 'paused'))`, s.Now(), s.Now(), until)
	return errs.Wrap("newsletters.Recover", err)
}

// Waiting is what waits for each domain, of the campaigns that are sending.
func (s *Source) Waiting(ctx context.Context) ([]outbox.Waiting, error) {
	list, err := db.All[outbox.Waiting](ctx, s.DB, `
		SELECT domain, count(*) AS count, min(created_at) AS oldest FROM campaign_recipients
		WHERE state = 'queued' AND campaign_id IN (SELECT id FROM campaigns WHERE state = 'sending') GROUP BY domain`)
	return list, errs.Wrap("newsletters.Waiting", err)
}

func rowsOf(list []outbox.Parcel) []any {
	out := make([]any, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}
