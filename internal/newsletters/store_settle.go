package newsletters

import (
	"context"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// settled are the outcomes of one campaign, in the order they came about.
type settled struct {
	sent, failed int
	fails        []bool // one for each that is settled: whether it failed
}

// Settle writes outcomes down, those that arrived in one statement a campaign.
func (s *Source) Settle(ctx context.Context, list []outbox.Outcome) error {
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		by := map[id.ID][]outbox.Outcome{}
		var held []outbox.Parcel
		for _, o := range list {
			if _, kept := s.held.LoadAndDelete(o.ID); kept && o.State != outbox.Sent {
				held = append(held, o.Parcel)
				continue
			}
			by[o.Ref] = append(by[o.Ref], o)
		}
		for _, campaign := range sorted(by) {
			if err := s.settleOf(ctx, campaign, by[campaign]); err != nil {
				return err
			}
		}
		return s.Release(ctx, held, s.Now())
	})
	return errs.Wrap("newsletters.Settle", err)
}

// sorted: rows are locked in one order, whoever else settles.
func sorted(by map[id.ID][]outbox.Outcome) []id.ID {
	var out []id.ID
	for campaign := range by {
		out = append(out, campaign)
	}
	slices.SortFunc(out, func(a, b id.ID) int { return slices.Compare(a[:], b[:]) })
	return out
}

func (s *Source) settleOf(ctx context.Context, campaign id.ID, list []outbox.Outcome) error {
	var done settled
	var arrived []id.ID
	for _, o := range list {
		switch o.State {
		case outbox.Sent:
			arrived = append(arrived, o.ID)
			done.fails = append(done.fails, false)
		case outbox.Failed:
			n, err := s.markFailed(ctx, o)
			if err != nil {
				return err
			}
			done.failed += int(n)
			if n > 0 {
				done.fails = append(done.fails, true)
			}
		default:
			if err := s.putOff(ctx, o); err != nil {
				return err
			}
		}
	}
	if len(arrived) > 0 {
		n, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET state = 'sent', class = 'delivered', fields = '{}', done_at = ? WHERE id IN (`+db.In(len(arrived))+`) AND (state = 'queued') IS TRUE`,
			append([]any{s.Now()}, db.Args(arrived)...)...)
		if err != nil {
			return err
		}
		done.sent = int(n)
	}
	return s.count(ctx, campaign, done)
}

func (s *Source) markFailed(ctx context.Context, o outbox.Outcome) (int64, error) {
	return s.DB.Exec(ctx, `UPDATE campaign_recipients SET state = 'failed', class = ?, reply = ?, fields = '{}', done_at = ? WHERE id = ? AND state = 'queued'`,
		string(classOf(o.Class)), db.ToJSON(o.Reply), s.Now(), o.ID)
}

func (s *Source) putOff(ctx context.Context, o outbox.Outcome) error {
	_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET next_at = ?, attempts = ?, class = ?, reply = ? WHERE id = ? AND state = 'queued'`,
		o.NextAt, o.Attempts, string(classOf(o.Class)), db.ToJSON(o.Reply), o.ID)
	return err
}

func classOf(c mail.Class) mail.Class {
	if c == "" {
		return mail.Unknown
	}
	return c
}

// standing is a campaign's counts after an addition to them, which locks its row.
type standing struct{ Sent, Failed, EarlyFailed int }

// count adds outcomes to a campaign's numbers, and ends it or pauses it when they say so.
func (s *Source) count(ctx context.Context, campaign id.ID, done settled) error {
	if done.sent+done.failed == 0 {
		return nil
	}
	now, err := db.One[standing](ctx, s.DB, `UPDATE campaigns SET sent = sent + ?, failed = failed + ? WHERE id = ? RETURNING sent, failed, early_failed`,
		done.sent, done.failed, campaign)
	if err != nil {
		return err
	}
	room := max(0, earlyLetters-(now.Sent+now.Failed-done.sent-done.failed))
	early := 0
	for _, failed := range done.fails[:min(room, len(done.fails))] {
		if failed {
			early++
		}
	}
	if early > 0 {
		if err := s.countEarly(ctx, campaign, now.EarlyFailed, early); err != nil {
			return err
		}
	}
	return s.finish(ctx, campaign)
}

// countEarly adds to the failures among the first letters, and pauses the campaign when they are too many.
func (s *Source) countEarly(ctx context.Context, campaign id.ID, before, early int) error {
	if _, err := s.DB.Exec(ctx, `UPDATE campaigns SET early_failed = early_failed + ? WHERE id = ?`, early, campaign); err != nil {
		return err
	}
	if !tooManyFail(before, early) {
		return nil
	}
	n, err := s.DB.Exec(ctx, `UPDATE campaigns SET state = 'paused', reason = '`+failures+`', version = version + 1 WHERE id = ? AND state = 'sending'`, campaign)
	if err != nil || n == 0 {
		return err
	}
	s.DB.AfterCommit(ctx, func() { s.forget(campaign) })
	return s.alarm(ctx, campaign, failures)
}

const alarmJob = "newsletters.alarm"

// alarmed names a campaign about which its staff must know.
type alarmed struct {
	Campaign id.ID  `json:"campaign"`
	Why      string `json:"why"` // 'failures', 'stuck'
}

// alarm has the staff told, in the transaction of the context.
func (s *Store) alarm(ctx context.Context, campaign id.ID, why string) error {
	return s.Queue.Add(ctx, alarmJob, alarmed{campaign, why}, jobs.Options{})
}

// Recipient is whom a return token of a campaign names.
type Recipient struct {
	Campaign id.ID `db:"campaign_id"`
	Sender   id.ID `db:"sender_id"` // zero for the federation
	Kind     Kind
	Person   id.ID  `db:"person_id"` // zero once erased
	Address  string // "" once erased
}

// RecipientOf is the recipient of a row; NotFound when there is none.
func (s *Store) RecipientOf(ctx context.Context, row id.ID) (Recipient, error) {
	r, err := db.One[Recipient](ctx, s.DB, `
		SELECT r.campaign_id, c.sender_id, c.kind, r.person_id, r.address FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id WHERE r.id = ?`, row)
	return r, errs.Wrap("newsletters.RecipientOf", err)
}

// Failed notes a report that came back later about a letter that had left. What says nothing about the letter's arrival
// (a holiday notice, a delay, a complaint) changes nothing.
func (s *Store) Failed(ctx context.Context, row id.ID, class mail.Class, reply mail.Reply) error {
	switch class {
	case mail.Dead, mail.Full, mail.Policy, mail.Reputation, mail.Unknown:
	default:
		return nil
	}
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		campaign, err := db.One[id.ID](ctx, s.DB, `UPDATE campaign_recipients SET state = 'failed', class = ?, reply = ? WHERE id = ? AND state = 'sent' RETURNING campaign_id`,
			string(class), db.ToJSON(reply), row)
		if errs.KindOf(err) == errs.NotFound && err != nil {
			return nil // told already
		}
		if err != nil {
			return err
		}
		_, err = s.DB.Exec(ctx, `UPDATE campaigns SET sent = sent - 1, failed = failed + 1 WHERE id = ?`, campaign)
		return err
	})
	return errs.Wrap("newsletters.Failed", err)
}

// leftFor is how long after a letter an end of the subscription is taken as an answer to it.
const leftFor = 30 * 24 * time.Hour

// Left notes, in the transaction of the context, that a person ended a kind of letters from a sender by the link in a
// letter, or with stays that this was taken back: the latest one he got counts it. Nobody is named with it.
func (s *Store) Left(ctx context.Context, person, sender id.ID, kind string, stays bool) error {
	n := 1
	if stays {
		n = -1
	}
	_, err := s.DB.Exec(ctx, `
		UPDATE campaigns SET unsubscribed = unsubscribed + ? WHERE unsubscribed + ? >= 0 AND id = (
			SELECT c.id FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id
			WHERE r.person_id = ? AND c.sender_id IS NOT DISTINCT FROM ? AND c.kind = ? AND r.state = 'sent' AND r.done_at > ?
			ORDER BY r.done_at DESC, r.id DESC LIMIT 1)`, n, n, person, sender, kind, s.Now().Add(-leftFor))
	return errs.Wrap("newsletters.Left", err)
}
