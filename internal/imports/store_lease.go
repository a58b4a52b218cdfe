package imports

import (
	"context"
	"errors"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// lease is how long an import that died keeps others out.
const lease = 30 * time.Second

// errLost says that another import took over; it can only happen to one that stood still for longer than the lease.
var errLost = errors.New("imports: another import took over")

// begin takes the lease and writes the entry of the history. Two imports at once are refused: each would judge
// duplicates and logins by a base that the other is changing.
func (r *run) begin(ctx context.Context, src Source) error {
	return r.db.Tx(ctx, func(ctx context.Context) error {
		now := r.now()
		n, err := r.db.Exec(ctx, `
			UPDATE import_lease SET holder = ?, held_until = ?, logins_after = COALESCE(logins_after, ?)
			WHERE id = 1 AND (held_until IS NULL OR held_until < ? OR holder = ?)`, r.id, now.Add(lease), id.New(), now, r.id)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "imports.busy")
		}
		return r.record(ctx, src)
	})
}

// abandon undoes a beginning that was interrupted: it may have been committed before the interruption.
func (r *run) abandon(ctx context.Context, why error) error {
	if ctx.Err() == nil {
		return nil // it failed and was rolled back
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	state, problem := outcomeOf(why, r.report)
	return r.db.Tx(ctx, func(ctx context.Context) error {
		if err := r.conclude(ctx, state, problem); err != nil {
			return err
		}
		return r.release(ctx)
	})
}

func (r *run) release(ctx context.Context) error {
	_, err := r.db.Exec(ctx, `UPDATE import_lease SET holder = NULL, held_until = NULL WHERE id = 1 AND holder = ?`, r.id)
	return err
}

// renew keeps the lease, in the transaction of what it guards.
func (r *run) renew(ctx context.Context) error {
	err := r.db.ExecOne(ctx, `UPDATE import_lease SET held_until = ? WHERE id = 1 AND holder = ?`, r.now().Add(lease), r.id)
	if errors.Is(err, errs.NotFound) {
		return errLost
	}
	return err
}

// giveLogins gives a login to every degree that an import has added and that has none. What an earlier import that
// died had still to do is done too: the mark in the lease stands before it.
func (r *run) giveLogins(ctx context.Context) error {
	after, err := db.One[id.ID](ctx, r.db, `SELECT logins_after FROM import_lease WHERE id = 1`)
	if err != nil {
		return err
	}
	for given := 1; given > 0; {
		err := r.db.Tx(ctx, func(ctx context.Context) (err error) {
			from, since := after, r.now()
			if err = r.renew(ctx); err != nil {
				return err
			}
			if after, given, err = r.people.GenerateLogins(ctx, system(), from, r.batch); err != nil || given == 0 {
				return err
			}
			if err = r.announce(ctx, from, after, since); err != nil {
				return err
			}
			if _, err = r.db.Exec(ctx, `UPDATE import_lease SET logins_after = ? WHERE id = 1`, after); err != nil {
				return err
			}
			return r.note(ctx, GivingOut, Counts{Logins: given}, 0)
		})
		if err != nil {
			return err
		}
		r.report.Logins += given
		r.tell(GivingOut)
	}
	_, err = r.db.Exec(ctx, `UPDATE import_lease SET logins_after = NULL WHERE id = 1 AND holder = ?`, r.id)
	return err
}

// announce tells the change feed whose pages have an address from now on. The CROSS JOIN, and that
// nothing is asked to be distinct (Touch sees to that), keep SQLite from walking through a whole table for each batch.
func (r *run) announce(ctx context.Context, from, to id.ID, since time.Time) error {
	persons, err := db.All[id.ID](ctx, r.db, `
		SELECT g.person_id FROM degrees g CROSS JOIN logins l
		WHERE g.id > ? AND g.id <= ? AND l.person_id = g.person_id AND l.degree_id = g.id AND l.created_at >= ?`, from.String(), to.String(), since)
	if err != nil {
		return err
	}
	return r.people.Touch(ctx, persons...)
}

// end writes how the run ended and gives the lease back, also when the context is over.
func (r *run) end(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	state, problem := Done, Problem{}
	if why != nil {
		state, problem = outcomeOf(why, r.report)
	}
	err := r.db.Tx(ctx, func(ctx context.Context) error {
		if err := r.conclude(ctx, state, problem); err != nil {
			return err
		}
		if err := r.release(ctx); err != nil {
			return err
		}
		return r.trail.Record(ctx, audit.Entry{Actor: r.viewer, ActorName: r.options.Actor, Action: "import." + string(state), Object: "import:" + r.id.String(),
			Association: r.school.ID, Detail: map[string]any{"file": r.file, "rows": r.report.Rows, "inserted": r.report.Inserted, "updated": r.report.Updated,
				"unchanged": r.report.Unchanged, "rejected": r.report.Rejected}})
	})
	switch {
	case why == nil:
		return err
	case problem.Key != "":
		return &errs.Error{Kind: errs.KindOf(why), Msg: errs.Message{Key: problem.Key, Data: problem.data()}, Err: why}
	}
	return why
}
