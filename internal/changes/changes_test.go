package changes_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
)

func seqs(list []changes.Change) (out []int64) {
	for _, c := range list {
		out = append(out, c.Seq)
	}
	return out
}

func TestAppendAndAfter(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s := changes.NewStore(d, clock.System)
		a, b := id.New(), id.New()
		if err := s.Append(ctx, "person", a, b, a); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		err := d.Tx(ctx, func(ctx context.Context) error {
			if err := s.Append(ctx, "person", id.New()); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if err := s.Append(ctx, "company", b); err != nil {
			t.Fatal(err)
		}
		got, err := s.After(ctx, 0, 10)
		if err != nil || !slices.Equal(seqs(got), []int64{1, 2, 3}) || got[0].Entity != a || got[1].Entity != b || got[2].Kind != "company" {
			t.Errorf("After(0) = %+v, %v; want 1 a, 2 b, 3 company", got, err)
		}
		if got, err := s.After(ctx, 1, 1); err != nil || !slices.Equal(seqs(got), []int64{2}) {
			t.Errorf("After(1, limit 1) = %v, %v, want 2", seqs(got), err)
		}
		if got, err := s.After(ctx, 3, 10); err != nil || len(got) != 0 {
			t.Errorf("After(3) = %v, %v, want nothing", seqs(got), err)
		}
		if n, err := s.Latest(ctx); err != nil || n != 3 {
			t.Errorf("Latest() = %d, %v, want 3", n, err)
		}
		if err := s.Append(ctx, "person", id.ID{}); err == nil {
			t.Error("Append(zero) = nil, want an error")
		}
		if err := s.Append(ctx, "person"); err != nil {
			t.Errorf("Append() of nothing = %v, want nil", err)
		}
	})
}

func TestPruneLeavesAGapForTheLate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
		s := changes.NewStore(d, func() time.Time { return now })
		for range 3 {
			if err := s.Append(ctx, "person", id.New()); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Hour)
		}
		if n, err := s.Prune(ctx, now.Add(-90*time.Minute)); err != nil || n != 2 {
			t.Errorf("Prune() = %d, %v, want 2", n, err)
		}
		if _, err := s.After(ctx, 1, 10); !errors.Is(err, changes.ErrGap) {
			t.Errorf("After(1) = %v, want a gap", err)
		}
		if got, err := s.After(ctx, 2, 10); err != nil || !slices.Equal(seqs(got), []int64{3}) {
			t.Errorf("After(2) = %v, %v, want 3", seqs(got), err)
		}
		if n, err := s.Prune(ctx, now.Add(time.Hour)); err != nil || n != 1 {
			t.Errorf("Prune(all) = %d, %v, want 1", n, err)
		}
		if _, err := s.After(ctx, 2, 10); !errors.Is(err, changes.ErrGap) {
			t.Errorf("After(2) = %v, want a gap once all is pruned", err)
		}
		if _, err := s.After(ctx, 4, 10); !errors.Is(err, changes.ErrGap) {
			t.Errorf("After(4) = %v, want a gap: the database is older than its reader", err)
		}
		if err := s.Append(ctx, "person", id.New()); err != nil {
			t.Fatal(err)
		}
		if got, err := s.After(ctx, 3, 10); err != nil || !slices.Equal(seqs(got), []int64{4}) {
			t.Errorf("After(3) = %v, %v, want 4", seqs(got), err)
		}
	})
}

// TestFollowersMissNothing lets several writers append through two stores (as two processes would) while a
// follower of each replays: both must see every number once, in order.
func TestFollowersMissNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		stores := []*changes.Store{changes.NewStore(d, clock.System), changes.NewStore(d, clock.System)}
		const writers, each = 4, 25
		type result struct {
			mu   sync.Mutex
			got  []int64
			done chan struct{}
		}
		results := make([]*result, len(stores))
		var followers sync.WaitGroup
		for i, s := range stores {
			r := &result{done: make(chan struct{})}
			results[i] = r
			failed := false
			f := s.Follower(0, []string{"person"}, func(_ context.Context, list []changes.Change) error {
				r.mu.Lock()
				defer r.mu.Unlock()
				if len(r.got) > 20 && !failed {
					failed = true
					return errors.New("once")
				}
				r.got = append(r.got, seqs(list)...)
				if len(r.got) == writers*each {
					close(r.done)
				}
				return nil
			}, slog.New(slog.DiscardHandler))
			followers.Go(func() {
				if err := f.Follow(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		var w sync.WaitGroup
		for n := range writers {
			w.Go(func() {
				for i := range each {
					err := d.Tx(ctx, func(ctx context.Context) error {
						if i%5 == 0 {
							time.Sleep(time.Millisecond)
						}
						return stores[n%2].Append(ctx, "person", id.New())
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		w.Wait()
		for i, r := range results {
			select {
			case <-r.done:
			case <-time.After(20 * time.Second):
				t.Errorf("follower %d is stuck", i)
			}
			r.mu.Lock()
			for n, seq := range r.got {
				if seq != int64(n+1) {
					t.Errorf("follower %d: change %d has number %d", i, n+1, seq)
					break
				}
			}
			r.mu.Unlock()
		}
		cancel()
		followers.Wait()
	})
}

func TestLagAndCatchUp(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	s := changes.NewStore(d, func() time.Time { return now })
	broken := true
	var got []int64
	f := s.Follower(0, []string{"person"}, func(_ context.Context, list []changes.Change) error {
		if broken {
			return errors.New("broken")
		}
		got = append(got, seqs(list)...)
		return nil
	}, slog.New(slog.DiscardHandler))
	for _, kind := range []string{"person", "company", "person"} {
		if err := s.Append(ctx, kind, id.New()); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.CatchUp(ctx); err == nil {
		t.Error("CatchUp() = nil, want what apply said")
	}
	now = now.Add(time.Minute)
	if n, age := f.Lag(); n != 3 || age != time.Minute {
		t.Errorf("Lag() = %d, %v, want 3, 1m", n, age)
	}
	broken = false
	if err := f.CatchUp(ctx); err != nil || !slices.Equal(got, []int64{1, 3}) || f.Position() != 3 {
		t.Errorf("CatchUp() = %v, %v at %d, want 1 and 3 at 3", got, err, f.Position())
	}
	if n, age := f.Lag(); n != 0 || age != 0 {
		t.Errorf("Lag() = %d, %v, want none", n, age)
	}
}
