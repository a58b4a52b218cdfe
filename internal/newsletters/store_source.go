package newsletters

import (
	"context"
	"sync/atomic"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters/compose"
	"amicale/internal/outbox"
)

// Source is the recipients of campaigns as parcels that leave.
type Source struct {
	*Store
	turn atomic.Uint32
}

// NewSource makes the source; one a process.
func NewSource(s *Store) *Source { return &Source{Store: s} }

// parcelKind is what a campaign's parcels are to whom it concerns.
const parcelKind = "campaign"

// claimed is a recipient whose turn has come.
type claimed struct {
	ID         id.ID
	CampaignID id.ID
	PersonID   id.ID
	Address    string
	Lang       string
	Fields     db.JSON[compose.Person]
	Attempts   int
	CreatedAt  time.Time
}

// Claim takes recipients of the campaigns that are sending, of each in its turn. Who no longer wants this kind of letter
// is passed over for good.
func (s *Source) Claim(ctx context.Context, lease time.Duration, n int, without []string) ([]outbox.Parcel, error) {
	open, err := db.All[id.ID](ctx, s.DB, `SELECT id FROM campaigns WHERE state = 'sending' ORDER BY started_at, id`)
	if err != nil || len(open) == 0 || n <= 0 {
		return nil, errs.Wrap("newsletters.Claim", err)
	}
	var out []outbox.Parcel
	first := int(s.turn.Add(1)) % len(open)
	for i := range open {
		campaign := open[(first+i)%len(open)]
		share := (n - len(out) + len(open) - i - 1) / (len(open) - i)
		for share > 0 { // those passed over leave room for others
			list, took, err := s.claimOf(ctx, campaign, lease, share, without)
			if err != nil {
				return nil, errs.Wrap("newsletters.Claim", err)
			}
			out = append(out, list...)
			if share -= len(list); took == 0 {
				break
			}
		}
	}
	return out, nil
}

// claimOf takes at most n recipients of one campaign; took is how many rows that were, with those passed over.
//
// Here and below, rows named by their identifiers are compared under IS TRUE, so that no other index is chosen for them:
// SQLite, which has no figures of a table that was empty yesterday, would walk through all that is queued.
func (s *Source) claimOf(ctx context.Context, campaign id.ID, lease time.Duration, n int, without []string) (list []outbox.Parcel, took int, err error) {
	now := s.Now()
	around := ``
	args := []any{now.Add(lease), campaign, now}
	if len(without) > 0 {
		around = ` AND domain NOT IN (` + db.In(len(without)) + `)`
		args = append(args, db.Args(without)...)
	}
	rows, err := db.All[claimed](ctx, s.DB, `
		UPDATE campaign_recipients SET attempts = attempts + 1, next_at = ?
		WHERE id IN (
			WITH due AS MATERIALIZED (
				SELECT id FROM campaign_recipients WHERE campaign_id = ? AND state = 'queued' AND next_at <= ?`+around+`
				ORDER BY next_at, id LIMIT ?`+s.skipLocked()+`)
			SELECT id FROM due)
			AND (state = 'queued' AND next_at <= ?) IS TRUE
		RETURNING id, campaign_id, person_id, address, lang, fields, attempts, created_at`, append(args, n, now)...)
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	r, err := s.readied(ctx, campaign)
	if err != nil {
		return nil, 0, err
	}
	took = len(rows)
	if rows, err = s.passOver(ctx, r, rows); err != nil {
		return nil, 0, err
	}
	for _, row := range rows {
		list = append(list, s.parcel(ctx, r, row))
	}
	return list, took, nil
}

// skipLocked lets several couriers claim beside each other.
func (s *Source) skipLocked() string {
	if s.DB.Postgres() {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// passOver leaves out those who said no since their row was made.
func (s *Source) passOver(ctx context.Context, r *ready, rows []claimed) ([]claimed, error) {
	persons := make([]id.ID, len(rows))
	for i, row := range rows {
		persons[i] = row.PersonID
	}
	refusing, err := s.Subscriptions.Refusing(ctx, r.c.SenderID, string(r.c.Kind), persons)
	if err != nil || len(refusing) == 0 {
		return rows, err
	}
	var kept []claimed
	var gone []id.ID
	for _, row := range rows {
		if refusing[row.PersonID] {
			gone = append(gone, row.ID)
		} else {
			kept = append(kept, row)
		}
	}
	return kept, s.skip(ctx, r.c.ID, gone, "refused")
}

// skip settles rows that get no letter after all.
func (s *Store) skip(ctx context.Context, campaign id.ID, rows []id.ID, why string) error {
	if len(rows) == 0 {
		return nil
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		n, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET state = 'skipped', class = ?, fields = '{}', done_at = ? WHERE id IN (`+db.In(len(rows))+`) AND (state = 'queued') IS TRUE`,
			append([]any{why, s.Now()}, db.Args(rows)...)...)
		if err != nil || n == 0 {
			return err
		}
		if _, err := s.DB.Exec(ctx, `UPDATE campaigns SET skipped = skipped + ? WHERE id = ?`, n, campaign); err != nil {
			return err
		}
		return s.finish(ctx, campaign)
	})
}

// parcel is a recipient's letter, composed when its turn has come.
func (s *Source) parcel(ctx context.Context, r *ready, row claimed) outbox.Parcel {
	p := outbox.Parcel{ID: row.ID, Stream: mail.Campaigns, Kind: parcelKind, Ref: row.CampaignID, Person: row.PersonID,
		From: s.envelope(r, row.ID), To: row.Address, Attempts: row.Attempts, Since: row.CreatedAt}
	if row.Attempts == 1 {
		p.Since = s.Now() // it may have waited long behind others, or for its campaign
	} else if r.c.ResumedAt.After(p.Since) {
		p.Since = r.c.ResumedAt
	}
	in := s.Bundle.With(context.WithoutCancel(ctx), row.Lang)
	p.Message = func(ctx context.Context) ([]byte, error) {
		on, err := s.running(ctx, r)
		if err != nil {
			return nil, err
		}
		if !on {
			s.held.Store(row.ID, true)
			return nil, errHeld
		}
		return s.message(in, r, row)
	}
	return p
}

// errHeld keeps back a letter whose campaign was paused or stopped after its turn had come. Settle knows it again and
// counts no attempt.
var errHeld = errs.E("newsletters: the campaign does not send", errs.Unavailable, nil)

// envelope is where reports about a row come back to.
func (s *Store) envelope(r *ready, row id.ID) string {
	if s.Returns == nil {
		return r.from.Address
	}
	return s.Returns.Make(mail.CampaignToken, row) + "@" + mail.LettersDomain(r.sender.Domain)
}

// message composes one letter; the context speaks its language.
func (s *Store) message(ctx context.Context, r *ready, row claimed) ([]byte, error) {
	t := r.templates[row.Lang]
	if t == nil {
		return nil, errs.E("newsletters.message "+row.Lang, errs.Internal, nil)
	}
	oneClick, all := s.Subscriptions.Links(ctx, row.PersonID, r.c.SenderID, string(r.c.Kind))
	h := compose.Head{From: r.from.String(), ReplyTo: r.c.ReplyTo, To: row.Address, MessageID: mail.MessageID(row.ID, r.from), Date: row.CreatedAt,
		ListID: r.listID[row.Lang], Feedback: r.feedback, OneClick: oneClick}
	if s.Returns != nil {
		h.Mailto = "mailto:" + s.envelope(r, row.ID) + "?subject=" + mail.UnsubscribeSubject
	}
	return t.Message(h, compose.Values{Person: row.Fields.V, Unsubscribe: oneClick, All: all}), nil
}

// Release gives back recipients that were not tried.
func (s *Source) Release(ctx context.Context, list []outbox.Parcel, at time.Time) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET next_at = ?, attempts = attempts - 1 WHERE id IN (`+db.In(len(list))+`) AND (state = 'queued' AND attempts > 0) IS TRUE`,
		append([]any{at}, rowsOf(list)...)...)
	return errs.Wrap("newsletters.Release", err)
}

// PutOff is Release with the reason.
func (s *Source) PutOff(ctx context.Context, list []outbox.Parcel, at time.Time, why mail.Reply) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET next_at = ?, attempts = attempts - 1, reply = ? WHERE id IN (`+db.In(len(list))+`) AND (state = 'queued' AND attempts > 0) IS TRUE`,
		append([]any{at, db.ToJSON(why)}, rowsOf(list)...)...)
	return errs.Wrap("newsletters.PutOff", err)
}

// Hold prolongs the leases of claimed recipients until that time.
func (s *Source) Hold(ctx context.Context, list []outbox.Parcel, until time.Time) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET next_at = ? WHERE id IN (`+db.In(len(list))+`) AND (state = 'queued' AND next_at < ?) IS TRUE`,
		append(append([]any{until}, rowsOf(list)...), until)...)
	return errs.Wrap("newsletters.Hold", err)
}

// Recover makes due what a dead process held: leases that end before that time. What was put off by less than a lease is
// due too; nobody can tell the two apart, and it does no harm.
func (s *Source) Recover(ctx context.Context, until time.Time) error {
	now := s.Now()
	_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET next_at = ? WHERE state = 'queued' AND next_at > ? AND next_at <= ? AND attempts > 0`, now, now, until)
	return errs.Wrap("newsletters.Recover", err)
}

func rowsOf(list []outbox.Parcel) []any {
	out := make([]any, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}

// Waiting is what waits for each domain in the campaigns that are sending.
func (s *Source) Waiting(ctx context.Context) ([]outbox.Waiting, error) {
	list, err := db.All[outbox.Waiting](ctx, s.DB, `
		SELECT r.domain, count(*) AS count, min(r.created_at) AS oldest FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id
		WHERE r.state = 'queued' AND c.state = 'sending' GROUP BY r.domain`)
	return list, errs.Wrap("newsletters.Waiting", err)
}

// A source whose leases the courier prolongs, and that tells what waits.
var (
	_ outbox.Source = (*Source)(nil)
	_ outbox.Keeper = (*Source)(nil)
	_ outbox.Waiter = (*Source)(nil)
)
