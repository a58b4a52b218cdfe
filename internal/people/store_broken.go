package people

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Takeover is what became of the address to write to when one of a person's addresses broke.
type Takeover struct {
	From ContactPoint // the one that broke, as it was; zero when he has it no more, or it was broken before
	To   ContactPoint // the one preferred from now on; zero where From was not the preferred one, or none is left
	Lost bool         // none is left that works
}

// MarkBroken notes that mail to an address of a person comes back. Where it was the preferred one the next takes over
// at once. For background work, which has counted the failures.
func (s *Store) MarkBroken(ctx context.Context, v viewer.Viewer, person id.ID, email string) (out Takeover, err error) {
	const op = "people.MarkBroken"
	if v.Kind != viewer.System {
		return out, errs.E(op, errs.Forbidden, nil)
	}
	err = s.change(ctx, op, v, person, func(ctx context.Context, d Dossier) error {
		now, key := s.now(), fold.Email(email)
		for i := range d.Contacts {
			c := &d.Contacts[i]
			if c.Kind != Email || c.ValueKey != key || !c.BrokenAt.IsZero() {
				continue
			}
			if out.From.ID.IsZero() || c.Preferred {
				out.From = *c
			}
			c.BrokenAt = now
		}
		if out.From.ID.IsZero() {
			return nil
		}
		if _, err := s.db.Exec(ctx, `UPDATE contact_points SET broken_at = ?, updated_at = ? WHERE person_id = ? AND kind = 'email' AND value_key = ? AND broken_at IS NULL`,
			now, now, person, key); err != nil {
			return err
		}
		next, ok := d.nextEmail(out.From.ID)
		out.Lost = !ok
		if !ok || !out.From.Preferred {
			return nil
		}
		out.To = next
		return s.prefer(ctx, person, next.ValueKey)
	})
	return out, err
}

// MarkWorking takes back that mail to an address of a person comes back. It is preferred again where no other is that
// works. Background work and the staff of his associations say so.
func (s *Store) MarkWorking(ctx context.Context, v viewer.Viewer, person id.ID, email string) error {
	return s.change(ctx, "people.MarkWorking", v, person, func(ctx context.Context, d Dossier) error {
		key := fold.Email(email)
		n, err := s.db.Exec(ctx, `UPDATE contact_points SET broken_at = NULL, updated_at = ? WHERE person_id = ? AND kind = 'email' AND value_key = ?`,
			s.now(), person, key)
		if err != nil || n == 0 || d.hasPreferred(Email) {
			return err
		}
		return s.prefer(ctx, person, key)
	})
}

// PreferEmail makes an address that works the one to write to.
func (s *Store) PreferEmail(ctx context.Context, v viewer.Viewer, person id.ID, email string) error {
	return s.change(ctx, "people.PreferEmail", v, person, func(ctx context.Context, d Dossier) error {
		key := fold.Email(email)
		for _, c := range d.Contacts {
			if c.Kind == Email && c.ValueKey == key && c.BrokenAt.IsZero() {
				return s.prefer(ctx, person, key)
			}
		}
		return errs.NotFound
	})
}
