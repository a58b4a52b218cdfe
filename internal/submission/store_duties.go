package submission

import (
	"context"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "submission"

type exportedPassword struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at,omitzero"`
}

// Exporter gives the passwords of mail programs, without their secrets.
func (s *Store) Exporter() people.Exporter {
	type exported struct {
		Passwords []exportedPassword `json:"mail_program_passwords"`
	}
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		list, err := s.passwords(ctx, person)
		var out exported
		for _, p := range list {
			out.Passwords = append(out.Passwords, exportedPassword{p.Name, p.CreatedAt, p.UsedAt})
		}
		return out, errs.Wrap("submission.Exporter", err)
	}}
}

// Eraser forgets the passwords and what a person sent, wherever it is.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		if err := s.forgetMail(ctx, person); err != nil {
			return errs.Wrap("submission.Eraser", err)
		}
		for _, table := range []string{`forwarding_passwords`, `forwarding_submissions`} {
			if _, err := s.DB.Exec(ctx, `DELETE FROM `+table+` WHERE person_id = ?`, person); err != nil {
				return errs.Wrap("submission.Eraser", err)
			}
		}
		return nil
	}}
}

func (s *Store) forgetMail(ctx context.Context, person id.ID) error {
	slips, err := db.All[id.ID](ctx, s.DB, `SELECT id FROM inbox WHERE owner_id = ? AND box = ?`, person, boxName)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(slips, 400) {
		for _, kind := range []string{kind, inbox.ReportKind} {
			if err := s.Outbox.Forget(ctx, kind, part); err != nil {
				return err
			}
		}
	}
	return s.Arrivals.Erase(ctx, boxName, person)
}

// Merger makes over to the one who stays what the double had; both their days count together.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		return errs.Wrap("submission.Merger", s.merge(ctx, from, into))
	}}
}

func (s *Store) merge(ctx context.Context, from, into id.ID) error {
	if _, err := s.DB.Exec(ctx, `
		INSERT INTO forwarding_submissions (person_id, day, named) SELECT ?, day, named FROM forwarding_submissions WHERE person_id = ?
		ON CONFLICT (person_id, day) DO UPDATE SET named = forwarding_submissions.named + excluded.named`, into, from); err != nil {
		return err
	}
	if _, err := s.DB.Exec(ctx, `DELETE FROM forwarding_submissions WHERE person_id = ?`, from); err != nil {
		return err
	}
	if _, err := s.DB.Exec(ctx, `UPDATE forwarding_passwords SET person_id = ? WHERE person_id = ?`, into, from); err != nil {
		return err
	}
	return s.Arrivals.Merge(ctx, boxName, from, into)
}
