package newsletters

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Numbers are what is told of a campaign: sums, and nobody's name.
type Numbers struct {
	Campaign
	Causes []Cause // of those that failed, the most frequent first
	Links  []Link
}

// Cause is why letters failed.
type Cause struct {
	Class mail.Class
	Count int
}

// Numbers are a campaign's, for those who may write in its sender's name.
func (s *Store) Numbers(ctx context.Context, v viewer.Viewer, campaign id.ID) (Numbers, error) {
	c, err := s.ByID(ctx, v, campaign)
	if err != nil {
		return Numbers{}, err
	}
	out := Numbers{Campaign: c}
	out.Causes, err = db.All[Cause](ctx, s.DB, `
		SELECT class, count(*) AS count FROM campaign_recipients WHERE campaign_id = ? AND state = 'failed' GROUP BY class ORDER BY count(*) DESC, class`, campaign)
	if err != nil {
		return Numbers{}, errs.Wrap("newsletters.Numbers", err)
	}
	out.Links, err = s.links(ctx, campaign)
	return out, err
}

// MaySeeFailures reports whether the viewer may know whose letters failed: it needs a right to coordinates.
func MaySeeFailures(v viewer.Viewer, sender id.ID) bool {
	if sender.IsZero() {
		return v.IsFederationAdmin()
	}
	return v.HasAt(sender, viewer.Webmaster, viewer.Secretary)
}

// Failure is one letter that did not arrive.
type Failure struct {
	Person  people.Person
	Login   string
	Address string
	Class   mail.Class
	Reply   mail.Reply
	At      time.Time
}

// Failures are the letters of a campaign that did not arrive, as far as the viewer may manage those they were for, the
// latest first; total counts them all. Reading them leaves a line in the trail, once an hour.
func (s *Store) Failures(ctx context.Context, by viewer.Actor, campaign id.ID, size, offset int) (list []Failure, total int, err error) {
	c, err := s.campaign(ctx, campaign)
	if err == nil && !MaySeeFailures(by.Viewer, c.SenderID) {
		err = errs.NotFound
	}
	if err != nil {
		return nil, 0, errs.Wrap("newsletters.Failures", err)
	}
	type row struct {
		PersonID id.ID
		Address  string
		Class    mail.Class
		Reply    db.JSON[mail.Reply]
		DoneAt   time.Time
	}
	total, err = db.One[int](ctx, s.DB, `SELECT count(*) FROM campaign_recipients WHERE campaign_id = ? AND state = 'failed' AND person_id IS NOT NULL`, campaign)
	if err != nil {
		return nil, 0, errs.Wrap("newsletters.Failures", err)
	}
	rows, err := db.All[row](ctx, s.DB, `
		SELECT person_id, address, class, reply, done_at FROM campaign_recipients WHERE campaign_id = ? AND state = 'failed' AND person_id IS NOT NULL
		ORDER BY done_at DESC, id LIMIT ? OFFSET ?`, campaign, size, offset)
	if err != nil {
		return nil, 0, errs.Wrap("newsletters.Failures", err)
	}
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.PersonID
	}
	dossiers, err := s.People.Dossiers(ctx, by.Viewer, ids)
	if err != nil {
		return nil, 0, err
	}
	known := map[id.ID]people.Dossier{}
	for _, d := range dossiers {
		known[d.ID] = d
	}
	for _, r := range rows {
		if d, ok := known[r.PersonID]; ok {
			list = append(list, Failure{d.Person, d.CurrentLogin(), r.Address, r.Class, r.Reply.V, r.DoneAt})
		}
	}
	err = s.Trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "newsletter.failures_seen", Object: campaign.String(), Association: c.SenderID,
		Detail: map[string]any{"title": c.Title}, Coalesced: true})
	return list, total, err
}
