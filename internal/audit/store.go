package audit

import (
	"context"
	"strings"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Trail writes and reads the trail.
type Trail struct {
	db    *db.DB
	clock clock.Clock
}

// NewTrail makes the trail over d.
func NewTrail(d *db.DB, c clock.Clock) *Trail { return &Trail{db: d, clock: c} }

// Record adds entries; they join the transaction in the context, and so stand or fall with the change.
func (t *Trail) Record(ctx context.Context, entries ...Entry) error {
	for _, e := range entries {
		if err := t.record(ctx, e); err != nil {
			return errs.Wrap("audit.Record "+e.Action, err)
		}
	}
	return nil
}

func (t *Trail) record(ctx context.Context, e Entry) error {
	now, row := t.clock(), id.New()
	if e.Coalesced {
		seen, err := t.seen(ctx, e)
		if err != nil || seen {
			return err
		}
		row = e.viewID(now)
	}
	_, err := t.db.Exec(ctx, `
		INSERT INTO audit (id, at, account_id, actor, action, person_id, object, association_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO NOTHING`,
		row, now, e.Actor.Account, e.actor(), e.Action, e.Person, nonEmpty(e.Object), e.Association, db.ToJSON(e.Detail))
	return err
}

// seen only reads, so that looking at a page twice writes once.
func (t *Trail) seen(ctx context.Context, e Entry) (bool, error) {
	n, err := db.One[int](ctx, t.db, `
		SELECT count(*) FROM audit
		WHERE person_id IS NOT DISTINCT FROM ? AND at > ? AND account_id IS NOT DISTINCT FROM ? AND action = ? AND coalesce(object, '') = ? AND actor = ?`,
		e.Person, t.clock().Add(-Window), e.Actor.Account, e.Action, e.Object, e.actor())
	return n > 0, err
}

func nonEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ForPerson is the trail of one person's data, for that person (without details) and for the staff of his
// associations. The caller names the associations of s as the database has them.
func (t *Trail) ForPerson(ctx context.Context, v viewer.Viewer, s viewer.Subject, p Page) (List, error) {
	details, err := mayRead(v, s)
	if err != nil {
		return List{}, errs.Wrap("audit.ForPerson", err)
	}
	l, err := t.list(ctx, `person_id = ?`, []any{s.Person}, p, details)
	return l, errs.Wrap("audit.ForPerson", err)
}

// ForObject is the trail of a thing, say a case, for the staff of the associations it concerns.
func (t *Trail) ForObject(ctx context.Context, v viewer.Viewer, object string, associations []id.ID, p Page) (List, error) {
	details, err := mayRead(v, viewer.Subject{Associations: associations})
	if err != nil || !details {
		return List{}, errs.Wrap("audit.ForObject", errs.Forbidden)
	}
	l, err := t.list(ctx, `object = ?`, []any{object}, p, true)
	return l, errs.Wrap("audit.ForObject", err)
}

// Recent is the latest of these associations, or, with none named, of all that the viewer is staff of; the
// federation's own rows are for its admins.
func (t *Trail) Recent(ctx context.Context, v viewer.Viewer, p Page, associations ...id.ID) (List, error) {
	own, all := v.Associations(viewer.Webmaster, viewer.Secretary)
	if !all && len(own) == 0 {
		return List{}, errs.Wrap("audit.Recent", errs.Forbidden)
	}
	if !all && len(associations) > 0 {
		for _, a := range associations {
			if !v.HasAt(a, viewer.Webmaster, viewer.Secretary) {
				return List{}, errs.Wrap("audit.Recent", errs.Forbidden)
			}
		}
	} else if !all {
		associations = own
	}
	where, args := `at IS NOT NULL`, []any(nil)
	if len(associations) > 0 {
		where, args = `association_id IN (`+db.In(len(associations))+`)`, db.Args(associations)
	}
	l, err := t.list(ctx, where, args, p, true)
	return l, errs.Wrap("audit.Recent", err)
}

type stored struct {
	Row
	Raw db.JSON[map[string]any] `db:"detail"`
}

func (t *Trail) list(ctx context.Context, where string, args []any, p Page, details bool) (List, error) {
	if len(p.Actions) > 0 {
		where += ` AND action IN (` + db.In(len(p.Actions)) + `)`
		args = append(args, db.Args(p.Actions)...)
	}
	total, err := db.One[int](ctx, t.db, `SELECT count(*) FROM audit WHERE `+where, args...)
	if err != nil || total == 0 {
		return List{}, err
	}
	columns := []string{"id", "at", "account_id", "actor", "action", "person_id", "object", "association_id"}
	if details {
		columns = append(columns, "detail")
	}
	size, offset := p.limits()
	rows, err := db.All[stored](ctx, t.db, `
		SELECT `+strings.Join(columns, ", ")+` FROM audit WHERE `+where+`
		ORDER BY at DESC, id DESC LIMIT ? OFFSET ?`, append(args, size, offset)...)
	if err != nil {
		return List{}, err
	}
	out := List{Total: total, Rows: make([]Row, len(rows))}
	for i, r := range rows {
		out.Rows[i] = r.Row
		out.Rows[i].Detail = r.Raw.V
	}
	return out, nil
}

// Merge makes one person's trail another's, when the two turn out to be one.
func (t *Trail) Merge(ctx context.Context, from, to id.ID) error {
	_, err := t.db.Exec(ctx, `UPDATE audit SET person_id = ? WHERE person_id = ?`, to, from)
	return errs.Wrap("audit.Merge", err)
}

// Erase blanks what the trail says of a person who asks to be forgotten: details about him, and his name where
// he acted. That something happened, and when, stays.
func (t *Trail) Erase(ctx context.Context, person, account id.ID) error {
	err := t.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := t.db.Exec(ctx, `UPDATE audit SET detail = NULL WHERE person_id = ?`, person); err != nil {
			return err
		}
		if account.IsZero() {
			return nil
		}
		_, err := t.db.Exec(ctx, `UPDATE audit SET actor = '–' WHERE account_id = ?`, account)
		return err
	})
	return errs.Wrap("audit.Erase", err)
}
