package changes

import (
	"context"
	"errors"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// Append says that these entities changed. It joins the transaction in the context and should be its last
// writing: from here to the commit no other transaction appends. The same identifier twice counts once.
func (s *Store) Append(ctx context.Context, kind string, ids ...id.ID) error {
	ids, err := distinct(ids)
	if err != nil || len(ids) == 0 {
		return errs.Wrap("changes.Append "+kind, err)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		last, err := db.One[int64](ctx, s.db, `UPDATE change_counter SET seq = seq + ? WHERE id = 1 RETURNING seq`, len(ids))
		if err != nil {
			return err
		}
		now := s.clock()
		rows := make([]any, 0, 4*len(ids))
		for i, entity := range ids {
			rows = append(rows, last-int64(len(ids)-1-i), kind, entity, now)
		}
		if err := s.db.InsertMany(ctx, "changes (seq, kind, entity, at)", 4, rows, ""); err != nil {
			return err
		}
		s.db.AfterCommit(ctx, s.ring)
		return nil
	})
	return errs.Wrap("changes.Append "+kind, err)
}

func distinct(ids []id.ID) ([]id.ID, error) {
	seen := make(map[id.ID]bool, len(ids))
	out := make([]id.ID, 0, len(ids))
	for _, i := range ids {
		if i.IsZero() {
			return nil, errors.New("an entity without identifier")
		}
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	return out, nil
}

// Latest is the number of the last change, 0 when there was none. A reader that builds from the rows takes it
// before reading them, and follows from it.
func (s *Store) Latest(ctx context.Context) (int64, error) {
	n, err := db.One[int64](ctx, s.db, `SELECT seq FROM change_counter WHERE id = 1`)
	return n, errs.Wrap("changes.Latest", err)
}

// After is what follows seq, in order, at most limit changes. ErrGap when the feed does not hold them any more.
func (s *Store) After(ctx context.Context, seq int64, limit int) ([]Change, error) {
	latest, err := s.Latest(ctx) // first: whatever is committed after this only makes the list longer
	if err != nil || latest == seq {
		return nil, err
	}
	if latest < seq {
		return nil, errs.Wrap("changes.After", ErrGap)
	}
	list, err := db.All[Change](ctx, s.db, `SELECT seq, kind, entity, at FROM changes WHERE seq > ? ORDER BY seq LIMIT ?`, seq, limit)
	if err != nil {
		return nil, errs.Wrap("changes.After", err)
	}
	if len(list) == 0 || list[0].Seq != seq+1 {
		return nil, errs.Wrap("changes.After", ErrGap)
	}
	return list, nil
}

// Prune forgets the changes made before that time and says how many they were. A reader that stood still for
// longer meets ErrGap.
func (s *Store) Prune(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.db.Exec(ctx, `
		DELETE FROM changes
		WHERE seq < coalesce((SELECT min(seq) FROM changes WHERE at >= ?), (SELECT seq + 1 FROM change_counter WHERE id = 1))`, before)
	return n, errs.Wrap("changes.Prune", err)
}
