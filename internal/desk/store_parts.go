package desk

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "desk"

// exported is what "download my data" tells of a case.
type exported struct {
	Kind     Kind         `json:"kind"`
	Claim    people.Claim `json:"claim,omitzero"` // once it is settled that he made it
	OpenedAt time.Time    `json:"opened_at"`
	ClosedAt time.Time    `json:"closed_at,omitzero"`
	Outcome  Outcome      `json:"outcome,omitempty"`
}

// Exporter gives a person the cases about him. Whoever claimed to be him may be somebody else, whose address and number
// are not his to have: a claim is given out once the desk sent him the link for it.
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		rows, err := db.All[caseRow](ctx, s.db, `SELECT `+caseColumns+` FROM cases WHERE person_id = ? ORDER BY opened_at, id`, person)
		if err != nil || len(rows) == 0 {
			return nil, errs.Wrap("desk.Export", err)
		}
		out := make([]exported, len(rows))
		for i, r := range rows {
			c := r.toCase()
			out[i] = exported{Kind: c.Kind, OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt, Outcome: c.Outcome}
			if c.Outcome == LinkSent || c.Outcome == Created {
				out[i].Claim = c.Claim
			}
		}
		return out, nil
	}}
}

// Eraser removes the cases about a person, with what was claimed, written and sent in them.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		keys, err := db.All[string](ctx, s.db, `SELECT scan_key FROM cases WHERE (person_id = ? OR other_id = ?) AND scan_key <> ''`, person, person)
		if err != nil {
			return errs.Wrap("desk.Erase", err)
		}
		for _, key := range keys {
			if err := s.queue.Add(ctx, forgetScanJob, forgetScan{key}, jobs.Options{}); err != nil {
				return err
			}
		}
		_, err = s.db.Exec(ctx, `DELETE FROM cases WHERE person_id = ? OR other_id = ?`, person, person)
		return errs.Wrap("desk.Erase", err)
	}}
}

// Merger makes a double's cases those of the person he is; a proposal to merge just these two is settled by it.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		now := s.now()
		if _, err := s.db.Exec(ctx, `
			UPDATE cases SET state = 'closed', outcome = 'merged', closed_at = ?, updated_at = ?, version = version + 1, person_id = ?, other_id = NULL
			WHERE kind = 'duplicate' AND state <> 'closed' AND (person_id = ? AND other_id = ? OR person_id = ? AND other_id = ?)`,
			now, now, into, from, into, into, from); err != nil {
			return errs.Wrap("desk.Merge", err)
		}
		for _, q := range []string{
			`UPDATE cases SET person_id = ? WHERE person_id = ?`,
			`UPDATE cases SET other_id = ? WHERE other_id = ?`,
		} {
			if _, err := s.db.Exec(ctx, q, into, from); err != nil {
				return errs.Wrap("desk.Merge", err)
			}
		}
		return nil
	}}
}
