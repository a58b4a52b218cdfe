package forwarding

import (
	"context"
	"slices"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Switch is what became of somebody's forwarding when an address died.
type Switch struct {
	Was   bool     // mail went there, or was to go there in reserve
	Route []string // where it goes now; empty: it waits, and the person is asked
}

// Died notes that an address of a person is dead: mail goes there no more, the reserve that he named takes over when
// no other target is left, and without one mail waits. It comes before another address is preferred, for who never
// said anything gets his mail at the preferred one. For background work and for who manages the person; it joins the
// transaction in the context.
func (s *Store) Died(ctx context.Context, v viewer.Viewer, person id.ID, address string) (out Switch, err error) {
	err = s.mark(ctx, whose{v, person}, "forwarding.target_dead", func(ctx context.Context, d people.Dossier, h holder, as people.Associations) (bool, error) {
		key := fold.Email(address)
		for _, t := range h.Targets {
			out.Was = out.Was || t.Key() == key && t.State == Good
		}
		if !out.Was {
			out.Route = h.Route()
			return false, nil
		}
		if err := s.markDead(ctx, d.ID, address); err != nil {
			return false, err
		}
		after, err := s.holder(ctx, d.ID, as)
		if err != nil {
			return false, err
		}
		if out.Route = after.Route(); len(out.Route) == 0 {
			err = s.ask(ctx, d.ID)
		}
		return true, err
	})
	return out, errs.Wrap("forwarding.Died", err)
}

// Revived takes that back: mail goes there again, and the reserve is a reserve again.
func (s *Store) Revived(ctx context.Context, v viewer.Viewer, person id.ID, address string) error {
	err := s.mark(ctx, whose{v, person}, "forwarding.target_revived", func(ctx context.Context, d people.Dossier, h holder, _ people.Associations) (bool, error) {
		if !h.isDead(fold.Email(address)) {
			return false, nil
		}
		if err := s.markLive(ctx, d.ID, address); err != nil {
			return false, err
		}
		return true, s.found(ctx, d.ID)
	})
	return errs.Wrap("forwarding.Revived", err)
}

// Aiming are the persons who have an address for a target in that state and not among their contact details: one that
// an older system knew, say. For background work.
func (s *Store) Aiming(ctx context.Context, v viewer.Viewer, address string, state State) (out []id.ID, err error) {
	const op = "forwarding.Aiming"
	if v.Kind != viewer.System {
		return nil, errs.E(op, errs.Forbidden, nil)
	}
	as, err := s.People.Associations(ctx)
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	key := fold.Email(address)
	list, err := db.All[id.ID](ctx, s.DB, `
		SELECT p.id FROM persons p
		WHERE p.id IN (SELECT person_id FROM forwarding_targets WHERE address_key = ? UNION SELECT person_id FROM redirect_targets WHERE lower(target) = ?)
			AND NOT EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email' AND c.value_key = ?)
		ORDER BY p.id`, key, key, key)
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	for _, person := range list {
		h, err := s.holder(ctx, person, as)
		if err != nil {
			return nil, errs.Wrap(op, err)
		}
		if slices.ContainsFunc(h.Targets, func(t Target) bool { return t.Key() == key && t.State == state }) {
			out = append(out, person)
		}
	}
	return out, nil
}

// whose is a person's forwarding, changed in somebody's name.
type whose struct {
	by     viewer.Viewer
	person id.ID
}

// mark runs fn on the settings of somebody whom the viewer manages, as change does on one's own.
func (s *Store) mark(ctx context.Context, w whose, action string, fn func(ctx context.Context, d people.Dossier, h holder, as people.Associations) (bool, error)) error {
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		d, err := s.People.Dossier(ctx, w.by, w.person)
		if err != nil {
			return err
		}
		if err := s.lock(ctx, d.ID); err != nil {
			return err
		}
		h, err := s.holder(ctx, d.ID, as)
		if err != nil {
			return err
		}
		changed, err := fn(ctx, d, h, as)
		if err != nil || !changed {
			return err
		}
		return s.Trail.Record(ctx, audit.Entry{Actor: w.by, Action: action, Person: d.ID, Association: d.NewestAssociation()})
	})
}

func (s *Store) markDead(ctx context.Context, person id.ID, address string) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO forwarding_targets (person_id, address_key, address, role, position, known, dead_at) VALUES (?, ?, ?, 'target', 1, TRUE, ?)
		ON CONFLICT (person_id, address_key) DO UPDATE SET dead_at = excluded.dead_at`, person, fold.Email(address), address, s.Now())
	return err
}

func (s *Store) markLive(ctx context.Context, person id.ID, address string) error {
	_, err := s.DB.Exec(ctx, `UPDATE forwarding_targets SET dead_at = NULL WHERE person_id = ? AND address_key = ?`, person, fold.Email(address))
	return err
}
