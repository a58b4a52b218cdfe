package outbox

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"amicale/internal/errs"
)

// result is an outcome on its way into the database. Each walker has one, and waits for it.
type result struct {
	Outcome
	feed   *feed
	posted *Posted // in the demonstration: what its mailbox shows
	done   chan error
}

// committer writes outcomes down, those of many walkers in one transaction: an fsync costs more than a message.
type committer struct {
	box    *Outbox
	told   []Observer
	log    *slog.Logger
	in     chan *result
	ended  chan struct{}
	busy   atomic.Int64    // walkers between a parcel and its result
	giveUp <-chan struct{} // closed: what cannot be written down soon never will
}

// Bounds of one transaction.
const (
	mostOutcomes = 500
	gatherFor    = 2 * time.Millisecond
)

func newCommitter(box *Outbox, told []Observer, log *slog.Logger, giveUp <-chan struct{}) *committer {
	return &committer{box: box, told: told, log: log, in: make(chan *result, mostOutcomes), ended: make(chan struct{}), giveUp: giveUp}
}

// settle returns when the outcome is durable.
func (k *committer) settle(r *result) error {
	k.in <- r
	return <-r.done
}

// run writes down what comes until in is closed.
func (k *committer) run(ctx context.Context) {
	defer close(k.ended)
	var batch []*result
	for first := range k.in {
		batch = k.gather(append(batch[:0], first))
		k.commit(ctx, batch)
	}
}

// gather waits a moment for those who are about to come too.
func (k *committer) gather(batch []*result) []*result {
	var timer *time.Timer
	var late <-chan time.Time
	for len(batch) < mostOutcomes {
		select {
		case r, ok := <-k.in:
			if !ok {
				return batch
			}
			batch = append(batch, r)
			continue
		default:
		}
		if int64(len(batch))*4 >= 3*k.busy.Load() {
			break
		}
		if timer == nil {
			timer = time.NewTimer(gatherFor)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case r, ok := <-k.in:
			if !ok {
				return batch
			}
			batch = append(batch, r)
		case <-late:
			return batch
		}
	}
	return batch
}

// commit writes a batch down and tells each who waits. It insists: what is forgotten here would leave twice. When one
// of those who are told refuses again and again, it is told no more: that a message left is worth more.
func (k *committer) commit(ctx context.Context, batch []*result) {
	const patience = 3
	wait := 20 * time.Millisecond
	for try := 1; ; try++ {
		err := k.write(ctx, batch, true)
		if err == nil {
			finish(batch, nil)
			return
		}
		k.log.ErrorContext(ctx, "outcomes of mail cannot be written down", "outcomes", len(batch), "try", try, "error", err)
		if try >= patience && !errors.Is(err, errs.Unavailable) {
			if k.apart(ctx, batch) {
				return
			}
		}
		select {
		case <-k.giveUp:
			if try >= patience {
				finish(batch, err)
				return
			}
		default:
		}
		time.Sleep(wait)
		wait = min(2*wait, 5*time.Second)
	}
}

// apart writes each outcome down by itself, if need be without telling anybody. It is false when even that fails for
// the first: then it is the database.
func (k *committer) apart(ctx context.Context, batch []*result) bool {
	for i, r := range batch {
		one := batch[i : i+1]
		err := k.write(ctx, one, true)
		if err != nil {
			k.log.ErrorContext(ctx, "the outcome of a message is told to nobody", "parcel", r.ID.String(), "kind", r.Kind, "error", err)
			err = k.write(ctx, one, false)
		}
		if err != nil && i == 0 {
			return false
		}
		finish(one, err)
	}
	return true
}

func finish(batch []*result, err error) {
	for _, r := range batch {
		r.done <- err
	}
}

// write is the transaction: what became of the parcels, and all that follows from it.
func (k *committer) write(ctx context.Context, batch []*result, tell bool) (err error) {
	defer func() {
		if p := recover(); p != nil { // the transaction is rolled back
			k.log.ErrorContext(ctx, "panic while outcomes were told", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	all := make([]Outcome, 0, len(batch))
	byFeed, byKind := map[*feed][]Outcome{}, map[string][]Outcome{}
	for _, r := range batch {
		all = append(all, r.Outcome)
		byFeed[r.feed] = append(byFeed[r.feed], r.Outcome)
		if k.box.watchers[r.Kind] != nil {
			byKind[r.Kind] = append(byKind[r.Kind], r.Outcome)
		}
	}
	return k.box.db.Tx(ctx, func(ctx context.Context) error {
		if err := k.box.keepPosted(ctx, batch); err != nil {
			return err
		}
		for feed, list := range byFeed {
			if err := feed.Settle(ctx, list); err != nil {
				return err
			}
		}
		if tell {
			for kind, list := range byKind {
				if err := k.box.watchers[kind](ctx, list); err != nil {
					return errs.Wrap("outbox: the watcher of "+kind, err)
				}
			}
			for _, told := range k.told {
				if err := told(ctx, all); err != nil {
					return errs.Wrap("outbox: an observer", err)
				}
			}
		}
		return k.box.countHours(ctx, all)
	})
}
