package people

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// eachBatch is how many dossiers EachDossier reads at once; at most three batches are held besides the one that is
// handed out.
const eachBatch = 1000

// dossiers is a batch that is being read.
type dossiers struct {
	list []Dossier
	err  error
}

// EachDossier hands every person after that one to fn, in the order of identifiers; a zero identifier begins. It is
// for building an index: memory stays flat, the next batches are read while fn works, and fn may keep what it is
// given. Each batch is read as it stands at its moment, so whoever needs to be exact replays the change feed
// afterwards. Background work only.
func (s *Store) EachDossier(ctx context.Context, v viewer.Viewer, after id.ID, fn func(*Dossier) error) error {
	if v.Kind != viewer.System {
		return errs.E("people.EachDossier", errs.Forbidden, nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for coming := range s.batches(ctx, v, after) {
		b := <-coming
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

// batches reads two batches at a time and gives them in order. It ends with the base or with ctx.
func (s *Store) batches(ctx context.Context, v viewer.Viewer, after id.ID) <-chan chan dossiers {
	out := make(chan chan dossiers, 1)
	go func() {
		defer close(out)
		for {
			ids, err := s.IDs(ctx, v, after, eachBatch)
			if err == nil && len(ids) == 0 {
				return
			}
			coming := make(chan dossiers, 1)
			select {
			case out <- coming:
			case <-ctx.Done():
				return
			}
			if err != nil {
				coming <- dossiers{err: err}
				return
			}
			last := ids[len(ids)-1]
			between := []any{after.String(), last.String()}
			go func() {
				list, err := s.loadWhere(ctx, `id > ? AND id <= ? ORDER BY id`, between, `person_id > ? AND person_id <= ?`, between)
				coming <- dossiers{list, err}
			}()
			after = last
		}
	}()
	return out
}
