package activation

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "activation"

// exported is what "download my data" tells of a request that was about the person.
type exported struct {
	CreatedAt time.Time `json:"asked_at"`
	Outcome   string    `json:"outcome"`
	Email     string    `json:"sent_to,omitempty"`
	StoppedAt time.Time `json:"stopped_at,omitzero"`
}

// Exporter gives a person the requests to activate his account.
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		list, err := db.All[exported](ctx, s.db, `SELECT created_at, outcome, email, stopped_at FROM activations WHERE person_id = ? ORDER BY created_at, id`, person)
		if err != nil || len(list) == 0 {
			return nil, errs.Wrap("activation.Export", err)
		}
		return list, nil
	}}
}

// Eraser removes the requests about a person.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		_, err := s.db.Exec(ctx, `DELETE FROM activations WHERE person_id = ?`, person)
		return errs.Wrap("activation.Erase", err)
	}}
}

// Merger makes a double's requests those of the person he is.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		_, err := s.db.Exec(ctx, `UPDATE activations SET person_id = ? WHERE person_id = ?`, into, from)
		return errs.Wrap("activation.Merge", err)
	}}
}

// requestTTL is how long a request is remembered.
const requestTTL = 365 * day

// sweep forgets old requests.
func (s *Store) sweep(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM activations WHERE created_at < ?`, s.now().Add(-requestTTL))
	return errs.Wrap("activation.sweep", err)
}
