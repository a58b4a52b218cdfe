package subscriptions

import (
	"context"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "subscriptions"

// Exporter gives all that a person said of his subscriptions, the oldest first.
func (s *Store) Exporter() people.Exporter {
	type said struct {
		Sender string    `json:"sender"` // its name
		Kind   Kind      `json:"kind"`
		Wants  bool      `json:"wants"`
		Until  time.Time `json:"until,omitzero"`
		Origin Origin    `json:"origin"`
		Basis  Basis     `json:"basis"`
		At     time.Time `json:"at"`
	}
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		rows, err := s.choices(ctx, person)
		if err != nil || len(rows) == 0 {
			return nil, errs.Wrap("subscriptions.Exporter", err)
		}
		out := make([]said, len(rows))
		for i, r := range rows {
			name, err := s.SenderName(ctx, r.SenderID)
			if err != nil && errs.KindOf(err) != errs.NotFound {
				return nil, err
			}
			out[i] = said{name, r.Kind, r.Wants, r.UntilAt, r.Origin, r.Basis, r.At}
		}
		return out, nil
	}}
}

// Eraser forgets what a person said. Links in his letters then stop nothing, for nothing is sent any more.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		_, err := s.db.Exec(ctx, `DELETE FROM subscription_choices WHERE person_id = ?`, person)
		return errs.Wrap("subscriptions.Eraser", err)
	}}
}

// Merger makes one history of two; the newest word of either counts.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		for _, q := range []string{
			`UPDATE subscription_choices SET current = FALSE WHERE person_id = ? OR person_id = ?`,
			`UPDATE subscription_choices SET person_id = ? WHERE person_id = ?`,
		} {
			if _, err := s.db.Exec(ctx, q, into, from); err != nil {
				return errs.Wrap("subscriptions.Merger", err)
			}
		}
		_, err := s.db.Exec(ctx, `UPDATE subscription_choices SET current = TRUE WHERE person_id = ? AND NOT EXISTS (
			SELECT 1 FROM subscription_choices n WHERE n.person_id = subscription_choices.person_id AND n.sender_id = subscription_choices.sender_id
				AND n.kind = subscription_choices.kind AND (n.at > subscription_choices.at OR n.at = subscription_choices.at AND n.id > subscription_choices.id))`, into)
		return errs.Wrap("subscriptions.Merger", err)
	}}
}
