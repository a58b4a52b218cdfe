package newsletters

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters/segments"
)

const makeJob = "newsletters.make"

// made names a campaign whose recipients are to be made.
type made struct {
	Campaign id.ID `json:"campaign"`
}

// madeAtOnce is how many persons one transaction looks at.
const madeAtOnce = 500

// MakeRecipients makes a row for each person of the campaign's segment, some hundred at a time; each step notes how far it
// came, so that whoever takes over after a death goes on from there. Copies leave while rows are still made.
func (s *Store) MakeRecipients(ctx context.Context, campaign id.ID) error {
	for {
		more, err := s.makeSome(ctx, campaign)
		if err != nil || !more {
			return errs.Wrap("newsletters.MakeRecipients "+campaign.String(), err)
		}
	}
}

// makeSome reads outside the transaction, which SQLite has one of, and writes only if nobody else came further meanwhile.
func (s *Store) makeSome(ctx context.Context, campaign id.ID) (more bool, err error) {
	c, err := s.campaign(ctx, campaign)
	if err != nil {
		return false, err
	}
	if c.State != Sending && c.State != Paused || !c.MadeAt.IsZero() {
		return false, nil
	}
	list, err := s.Segments.After(ctx, c.Ask(), c.MadeTo, madeAtOnce)
	if err != nil {
		return false, err
	}
	rows, left := s.recipientRows(c, list)
	next := c
	next.LeftOut = filled(c.LeftOut)
	for why, n := range left {
		next.LeftOut[why] += n
	}
	if len(list) > 0 {
		next.MadeTo = list[len(list)-1].ID
	}
	if len(list) < madeAtOnce {
		next.MadeAt = s.Now()
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		n, err := s.DB.Exec(ctx, `
			UPDATE campaigns SET made_to = ?, made_at = ?, left_out = ?, recipients = recipients + ?
			WHERE id = ? AND state IN ('sending', 'paused') AND made_at IS NULL AND made_to IS NOT DISTINCT FROM ?`,
			next.MadeTo, next.MadeAt, db.ToJSON(next.LeftOut), len(rows)/recipientColumnCount, campaign, c.MadeTo)
		if err != nil || n == 0 {
			return err
		}
		s.DB.AfterCommit(ctx, s.Post.Wake)
		if err := s.DB.InsertMany(ctx, `campaign_recipients (`+recipientColumns+`)`, recipientColumnCount, rows, ``); err != nil {
			return err
		}
		if next.MadeAt.IsZero() {
			return nil
		}
		return s.finish(ctx, campaign)
	})
	return next.MadeAt.IsZero(), err
}

const (
	recipientColumns = `id, campaign_id, person_id, address, domain, lang, fields, state, attempts, next_at, class, reply, created_at`

	recipientColumnCount = 13
)

// recipientRows are the rows of those who get a letter, and how many of the others there are by reason.
func (s *Store) recipientRows(c Campaign, list []segments.Candidate) (rows []any, left map[segments.Left]int) {
	now, none := s.Now(), db.ToJSON(mail.Reply{})
	left = map[segments.Left]int{}
	for _, p := range list {
		if p.Left != "" {
			left[p.Left]++
			continue
		}
		rows = append(rows, id.New(), c.ID, p.ID, p.Address, mail.DomainOf(p.Address), c.Lang(p.Lang), db.ToJSON(p.Person), "queued", 0, now, "", none, now)
	}
	return rows, left
}
