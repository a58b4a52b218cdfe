package people

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// eachBatch is how many dossiers EachDossier holds of one reading; it holds at most three.
const eachBatch = 1000

// EachDossier hands every person after that one to fn, in the order of identifiers; a zero identifier begins. It is
// for building an index: memory stays flat, the next batch is read while fn works, and fn may keep what it is given.
// Each batch is read as it stands at its moment, so whoever needs to be exact replays the change feed afterwards.
// Background work only.
func (s *Store) EachDossier(ctx context.Context, v viewer.Viewer, after id.ID, fn func(*Dossier) error) error {
	if v.Kind != viewer.System {
		return errs.E("people.EachDossier", errs.Forbidden, nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type batch struct {
		list []Dossier
		err  error
	}
	ahead := make(chan batch, 1)
	go func() {
		defer close(ahead)
		for {
			last, list, err := s.batch(ctx, after)
			if err == nil && last.IsZero() {
				return
			}
			select {
			case ahead <- batch{list, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			after = last
		}
	}()
	for b := range ahead {
		if b.err != nil {
			return errs.Wrap("people.EachDossier", b.err)
		}
		for i := range b.list {
			if err := fn(&b.list[i]); err != nil {
				return err
			}
		}
	}
	return errs.Wrap("people.EachDossier", ctx.Err())
}

// batch reads the dossiers that follow; last is zero at the end.
func (s *Store) batch(ctx context.Context, after id.ID) (last id.ID, list []Dossier, err error) {
	ids, err := s.IDs(ctx, viewer.ForSystem("a batch of dossiers"), after, eachBatch)
	if err != nil || len(ids) == 0 {
		return id.ID{}, nil, err
	}
	last = ids[len(ids)-1]
	between := []any{after.String(), last.String()}
	list, err = s.loadWhere(ctx, `id > ? AND id <= ? ORDER BY id`, between, `person_id > ? AND person_id <= ?`, between)
	return last, list, err
}
