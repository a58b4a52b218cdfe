package ambassadors

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "ambassadors"

// exported is what "download my data" tells of a class that the person looks after, or did a day ago.
type exported struct {
	Association string    `json:"association"`
	ClassYear   int       `json:"class_year"`
	Since       time.Time `json:"since"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
}

// Exporter gives the classes that a person looks after.
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		list, err := db.All[exported](ctx, s.db, `SELECT s.name AS association, a.class_year, a.since, a.ended_at
			FROM class_ambassadors a JOIN associations s ON s.id = a.association_id WHERE a.person_id = ? ORDER BY a.since, a.id`, person)
		if err != nil || len(list) == 0 {
			return nil, errs.Wrap("ambassadors.Exporter", err)
		}
		return list, nil
	}}
}

// Eraser forgets that a person looked after a class.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		_, err := s.db.Exec(ctx, `DELETE FROM class_ambassadors WHERE person_id = ?`, person)
		return errs.Wrap("ambassadors.Eraser", err)
	}}
}

// Merger makes a double's classes those of the person he is, each once.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		if _, err := s.db.Exec(ctx, `DELETE FROM class_ambassadors WHERE person_id = ? AND ended_at IS NULL AND EXISTS (SELECT 1 FROM class_ambassadors o
			WHERE o.person_id = ? AND o.ended_at IS NULL AND o.association_id = class_ambassadors.association_id AND o.class_year = class_ambassadors.class_year)`, from, into); err != nil {
			return errs.Wrap("ambassadors.Merger", err)
		}
		_, err := s.db.Exec(ctx, `UPDATE class_ambassadors SET person_id = ? WHERE person_id = ?`, into, from)
		return errs.Wrap("ambassadors.Merger", err)
	}}
}
