package imports

import (
	"context"
	"encoding/json"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Said is what a list last said of a person.
type Said struct {
	Source string          `json:"source"`
	Line   int             `json:"line"`
	At     time.Time       `json:"at"`
	Record json.RawMessage `json:"record"`
}

// Exporter gives what lists said of a person, for "download my data".
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: "imports", Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		type row struct {
			Source    string
			Line      int
			UpdatedAt time.Time
			Record    string
		}
		var out []Said
		err := db.Each(ctx, s.db, `SELECT source, line, updated_at, record FROM import_records WHERE person_id = ? ORDER BY updated_at, identity`, []any{person}, func(r *row) error {
			out = append(out, Said{r.Source, r.Line, r.UpdatedAt, json.RawMessage(r.Record)})
			return nil
		})
		if err != nil || out == nil {
			return nil, errs.Wrap("imports.Export", err)
		}
		return out, nil
	}}
}

// Eraser forgets what lists said of a person, and keeps that he asked: the same rows do not bring him back.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: "imports", Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		_, err := s.db.Exec(ctx, `
			UPDATE import_records SET person_id = NULL, source = '', line = 0, record = ?, updated_at = ?
			WHERE person_id IN (SELECT id FROM persons WHERE id = ? OR merged_into = ?)`, db.ToJSON(struct{}{}), s.now(), person, person)
		return errs.Wrap("imports.Erase", err)
	}}
}

// Merger makes what lists said of a double count for the one who stays.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: "imports", Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		_, err := s.db.Exec(ctx, `UPDATE import_records SET person_id = ? WHERE person_id = ?`, into, from)
		return errs.Wrap("imports.Merge", err)
	}}
}
