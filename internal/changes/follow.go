package changes

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// Poll is how often a follower looks for what other processes committed; its own process wakes it at once.
const Poll = 500 * time.Millisecond

// batch is how many changes a follower hands over at most at once.
const batch = 1000

// Apply takes over a batch of changes, in order. When it fails, the same batch comes again.
type Apply func(ctx context.Context, list []Change) error

// Follower replays the feed for one reader, say the index of people.
type Follower struct {
	store *Store
	kinds []string
	apply Apply
	log   *slog.Logger

	position atomic.Int64 // the last change applied or passed over
	seen     atomic.Int64 // the last change known to exist
	behind   atomic.Int64 // since when it lags, Unix microseconds; 0 when it does not
}

// Follower makes a reader that stands after from and cares for those kinds (none: all). Its methods CatchUp and
// Follow must not run at the same time.
func (s *Store) Follower(from int64, kinds []string, apply Apply, log *slog.Logger) *Follower {
	f := &Follower{store: s, kinds: kinds, apply: apply, log: log}
	f.position.Store(from)
	f.seen.Store(from)
	return f
}

// Position is the number of the last change applied.
func (f *Follower) Position() int64 { return f.position.Load() }

// Lag is how many changes wait to be applied, and for how long the oldest has been known to wait.
func (f *Follower) Lag() (count int64, age time.Duration) {
	since := f.behind.Load()
	if since == 0 {
		return 0, 0
	}
	return max(0, f.seen.Load()-f.position.Load()), max(0, f.store.clock().Sub(time.UnixMicro(since)))
}

// CatchUp applies everything there is now and returns.
func (f *Follower) CatchUp(ctx context.Context) error {
	for {
		more, err := f.step(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// Follow applies changes as they come until the context ends (then it returns nil) or the feed has a gap
// (ErrGap: build anew). What fails is logged and tried again, more and more slowly.
func (f *Follower) Follow(ctx context.Context) error {
	pause := Poll
	for {
		bell := f.store.next()
		err := f.CatchUp(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrGap):
			return err
		case err != nil:
			f.log.ErrorContext(ctx, "following changes", "position", f.Position(), "kinds", f.kinds, "error", err)
			pause, bell = min(2*pause, 30*time.Second), nil // no use to hurry
		default:
			pause = Poll
		}
		if !wait(ctx, bell, pause) {
			return nil
		}
	}
}

func wait(ctx context.Context, bell <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-bell:
	case <-timer.C:
	}
	return true
}

// step applies one batch and says whether there was one.
func (f *Follower) step(ctx context.Context) (bool, error) {
	list, err := f.store.After(ctx, f.position.Load(), batch)
	if err != nil {
		return false, err
	}
	if len(list) == 0 {
		f.behind.Store(0)
		return false, nil
	}
	last := list[len(list)-1].Seq
	f.seen.Store(max(last, f.seen.Load()))
	f.behind.CompareAndSwap(0, f.store.clock().UnixMicro())
	if len(f.kinds) > 0 {
		list = slices.DeleteFunc(list, func(c Change) bool { return !slices.Contains(f.kinds, c.Kind) })
	}
	if len(list) > 0 {
		if err := f.apply(ctx, list); err != nil {
			return false, err
		}
	}
	f.position.Store(last)
	return true, nil
}
