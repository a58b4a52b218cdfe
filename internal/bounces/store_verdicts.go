package bounces

import (
	"context"
	"errors"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// Judge finds the addresses that are broken and hands over, each in a transaction of its own: what fails for one does
// not hold up the others.
func (s *Store) Judge(ctx context.Context) error {
	if err := s.endDoubts(ctx); err != nil {
		return errs.Wrap("bounces.Judge", err)
	}
	list, err := s.candidates(ctx)
	if err != nil || len(list) == 0 {
		return errs.Wrap("bounces.Judge", err)
	}
	hours, err := s.hours(ctx, s.now().Add(-keepFor))
	if err != nil {
		return errs.Wrap("bounces.Judge", err)
	}
	frozen, _ := Freeze(hours)
	var failed []error
	for _, address := range list {
		if err := s.judge(ctx, address, frozen); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errs.Wrap("bounces.Judge", errors.Join(failed...))
}

// judge decides over one address. It reads the failures inside the transaction: a message may just have arrived.
func (s *Store) judge(ctx context.Context, address string, frozen Frozen) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		list, err := s.failuresOf(ctx, address)
		if err != nil {
			return err
		}
		v, broken := Judge(list, frozen, s.today())
		if !broken {
			return nil
		}
		owners, err := s.people.PersonsByContact(ctx, robot(), address)
		if err != nil {
			return err
		}
		for _, person := range owners[address] {
			if err := s.breakFor(ctx, person, address, v); err != nil {
				return err
			}
		}
		if err := s.reroute(ctx, address, v); err != nil {
			return err
		}
		_, err = s.db.Exec(ctx, `DELETE FROM bounce_failures WHERE address = ? AND class <> 'reputation'`, address)
		return err
	})
}

// breakFor hands over from an address of a person, and tells him. Where his mail goes is settled first: of who never said
// anything that is the address preferred until now.
func (s *Store) breakFor(ctx context.Context, person id.ID, address string, v Verdict) error {
	to, err := s.forwarding.AddressBroken(ctx, person, address)
	if err != nil {
		return err
	}
	t, err := s.people.MarkBroken(ctx, robot(), person, address)
	if err != nil || t.From.ID.IsZero() {
		return err
	}
	d, err := s.people.Dossier(ctx, robot(), person)
	if err != nil {
		return err
	}
	row := v.newSwitch(person, Spare, address, s.now())
	if t.From.Preferred {
		row.What, row.Took = Contact, t.To.ValueKey
	}
	if err := s.addSwitch(ctx, row); err != nil {
		return err
	}
	if to.Target {
		fwd := v.newSwitch(person, Forwarding, address, s.now())
		fwd.Took = to.Took
		if err := s.addSwitch(ctx, fwd); err != nil {
			return err
		}
	}
	if err := s.trail.Record(ctx, audit.Entry{Actor: robot(), Action: "address.broken", Person: person, Association: d.NewestAssociation(),
		Detail: map[string]any{"cause": string(v.Cause), "days": v.Days, "took_over": row.Took != "", "lost": t.Lost}}); err != nil {
		return err
	}
	return s.tellBroken(ctx, d, row, to)
}

// reroute hands over from an address for those who do not have it among their own; it may be nobody's target.
func (s *Store) reroute(ctx context.Context, address string, v Verdict) error {
	to, err := s.forwarding.AddressBroken(ctx, id.ID{}, address)
	if errors.Is(err, errs.NotFound) || err == nil && !to.Target {
		return nil
	}
	if err != nil {
		return err
	}
	row := v.newSwitch(id.ID{}, Forwarding, address, s.now())
	row.Took = to.Took
	return s.addSwitch(ctx, row)
}

func (v Verdict) newSwitch(person id.ID, what What, address string, now time.Time) Switch {
	return Switch{ID: id.New(), PersonID: person, What: what, Address: address, Cause: v.Cause, Destination: v.Destination, Reported: v.Reported,
		Failures: v.Failures, Days: v.Days, Since: v.Since, At: now}
}

func (s *Store) addSwitch(ctx context.Context, w Switch) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO bounce_switches (`+switchColumns+`) VALUES (`+db.In(15)+`)`,
		w.ID, w.PersonID, string(w.What), w.Address, w.Took, string(w.Cause), w.Destination, w.Reported, w.Failures, w.Days, w.Since, w.At,
		w.EndedAt, string(w.EndedHow), w.EndedBy)
	return err
}

// endDoubts settles what waited for a report that did not come: those messages arrived.
func (s *Store) endDoubts(ctx context.Context) error {
	before := s.now().Add(-grace)
	if _, err := s.db.Exec(ctx, `DELETE FROM bounce_failures WHERE doubt_at < ?`, before); err != nil {
		return err
	}
	healed, err := db.All[string](ctx, s.db, `SELECT DISTINCT address FROM bounce_switches WHERE doubt_at < ? AND ended_at IS NULL`, before)
	if err != nil {
		return err
	}
	for _, address := range healed {
		if err := s.heal(ctx, toHeal{address}); err != nil {
			return err
		}
	}
	return s.endSettled(ctx)
}
