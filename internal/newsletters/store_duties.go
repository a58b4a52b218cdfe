package newsletters

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters/compose"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "newsletters"

// exported is a letter as "download my data" tells it.
type exported struct {
	Sender  string    `json:"sender"`
	Kind    Kind      `json:"kind"`
	Subject string    `json:"subject"`
	To      string    `json:"to"`
	State   string    `json:"state"`
	At      time.Time `json:"at"`
}

// Exporter gives the letters a person got, or was to get, the oldest first.
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		type row struct {
			SenderID             id.ID
			Kind                 Kind
			Versions             db.JSON[map[string]compose.Written]
			Lang, Address, State string
			CreatedAt, DoneAt    time.Time
		}
		rows, err := db.All[row](ctx, s.DB, `
			SELECT c.sender_id, c.kind, c.versions, r.lang, r.address, r.state, r.created_at, r.done_at
			FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id WHERE r.person_id = ? ORDER BY r.created_at, r.id`, person)
		if err != nil || len(rows) == 0 {
			return nil, errs.Wrap("newsletters.Exporter", err)
		}
		out := make([]exported, len(rows))
		for i, r := range rows {
			sender, err := s.sender(ctx, r.SenderID)
			if err != nil && errs.KindOf(err) != errs.NotFound {
				return nil, err
			}
			if r.DoneAt.IsZero() {
				r.DoneAt = r.CreatedAt
			}
			out[i] = exported{sender.Name, r.Kind, r.Versions.V[r.Lang].Subject, r.Address, r.State, r.DoneAt}
		}
		return out, nil
	}}
}

// Eraser keeps that a letter left, for the numbers, and forgets to whom.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		if err := s.dropWaiting(ctx, `person_id = ?`, []any{person}, "erased"); err != nil {
			return errs.Wrap("newsletters.Eraser", err)
		}
		_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET person_id = NULL, address = '', domain = '', fields = '{}', reply = '{}' WHERE person_id = ?`, person)
		return errs.Wrap("newsletters.Eraser", err)
	}}
}

// Merger makes a double's letters those of the person he is. Of a campaign that goes to both one copy leaves.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		const both = `person_id = ? AND campaign_id IN (SELECT o.campaign_id FROM campaign_recipients o WHERE o.person_id = ?)`
		if err := s.dropWaiting(ctx, both, []any{from, into}, "merged"); err != nil {
			return errs.Wrap("newsletters.Merger", err)
		}
		if _, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET person_id = NULL, fields = '{}' WHERE `+both, from, into); err != nil {
			return errs.Wrap("newsletters.Merger", err)
		}
		_, err := s.DB.Exec(ctx, `UPDATE campaign_recipients SET person_id = ? WHERE person_id = ?`, into, from)
		return errs.Wrap("newsletters.Merger", err)
	}}
}

// dropWaiting settles the rows under a condition whose letters have not left.
func (s *Store) dropWaiting(ctx context.Context, where string, args []any, why string) error {
	type row struct{ ID, CampaignID id.ID }
	rows, err := db.All[row](ctx, s.DB, `SELECT id, campaign_id FROM campaign_recipients WHERE state = 'queued' AND `+where, args...)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.skip(ctx, r.CampaignID, []id.ID{r.ID}, why); err != nil {
			return err
		}
	}
	return nil
}
