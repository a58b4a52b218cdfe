package demo

import (
	"context"
	"errors"
	"iter"
	"slices"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Options say which population to load.
type Options struct {
	People   int      // 2,000 when 0
	Seed     uint64   // 1 when 0
	Places   []string // names of communes, see Population
	Progress func(done, total int)
}

// batch is how many people one transaction takes.
const batch = 4000

// Load saves the associations that are missing and inserts the population, in transactions of a few thousand
// people. It goes on where a load of the same population was interrupted; a base that holds anything else is
// Conflict. Whether a load came to its end, the caller keeps.
func Load(ctx context.Context, d *db.DB, store *people.Store, o Options) error {
	if o.People == 0 {
		o.People = 2000
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	v := viewer.ForSystem("loading the demonstration")
	as, err := saveAssociations(ctx, store, v)
	if err != nil {
		return errs.Wrap("demo.Load", err)
	}
	there, err := store.Count(ctx)
	if err != nil {
		return errs.Wrap("demo.Load", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done, resuming := 0, there > 0
	for list := range ahead(ctx, Population(o.Seed, o.People, store.Today(), o.Places, as)) {
		resuming = resuming && isThere(ctx, store, v, list)
		if done == 0 && there > 0 && !resuming {
			return errs.E("demo.Load", errs.Conflict, errors.New("the base holds other people than this demonstration"))
		}
		if !resuming {
			if err := store.Insert(ctx, v, list); err != nil {
				return errs.Wrap("demo.Load", err)
			}
		}
		done += len(list)
		if o.Progress != nil {
			o.Progress(done, o.People)
		}
	}
	if err := ctx.Err(); err != nil {
		return errs.Wrap("demo.Load", err)
	}
	return errs.Wrap("demo.Load", d.Analyze(ctx))
}

// isThere reports whether the last of a batch is in the base, and with it the whole batch.
func isThere(ctx context.Context, store *people.Store, v viewer.Viewer, list []people.Dossier) bool {
	_, err := store.Dossier(ctx, v, list[len(list)-1].ID)
	return err == nil
}

// ahead makes the next batch while one is written.
func ahead(ctx context.Context, population iter.Seq[people.Dossier]) iter.Seq[[]people.Dossier] {
	return func(yield func([]people.Dossier) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		batches := make(chan []people.Dossier, 1)
		go func() {
			defer close(batches)
			var list []people.Dossier
			send := func() bool {
				select {
				case batches <- list:
					list = nil
					return true
				case <-ctx.Done():
					return false
				}
			}
			for d := range population {
				if list = append(list, d); len(list) == batch && !send() {
					return
				}
			}
			if len(list) > 0 {
				send()
			}
		}()
		for list := range batches {
			if !yield(list) {
				return
			}
		}
	}
}

func saveAssociations(ctx context.Context, store *people.Store, v viewer.Viewer) (people.Associations, error) {
	have, err := store.Associations(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range Associations() {
		if _, ok := have.ByCode(a.Code); ok {
			continue
		}
		a.ID = id.ID{}
		if err := store.SaveAssociation(ctx, v, &a); err != nil {
			return nil, err
		}
		have = append(have, a)
	}
	return slices.Clip(have), nil
}
