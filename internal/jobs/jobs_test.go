package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/jobs"
)

type note struct {
	N int `json:"n"`
}

// turning is a clock that tests turn.
type turning struct{ now atomic.Int64 }

func newTurning() *turning {
	c := &turning{}
	c.now.Store(time.Date(2026, 6, 1, 12, 0, 30, 0, time.UTC).UnixMicro())
	return c
}

func (c *turning) clock() time.Time         { return time.UnixMicro(c.now.Load()).UTC() }
func (c *turning) forward(by time.Duration) { c.now.Add(by.Microseconds()) }

func add(t *testing.T, q *jobs.Queue, kind string, payload any, o jobs.Options) {
	t.Helper()
	if err := q.Add(t.Context(), kind, payload, o); err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T, q *jobs.Queue) []jobs.Job {
	t.Helper()
	list, err := q.Waiting(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// start runs r until the returned function is called, which waits for its end.
func start(t *testing.T, r *jobs.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal("never: " + what)
}

func TestAddJoinsTheTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := jobs.NewQueue(d, clock.System)
		boom := errors.New("boom")
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			if err := q.Add(ctx, "k", note{1}, jobs.Options{}); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) || len(waiting(t, q)) != 0 {
			t.Errorf("after a rollback: %v, %d jobs, want none", err, len(waiting(t, q)))
		}
		add(t, q, "k", note{2}, jobs.Options{})
		add(t, q, "later", nil, jobs.Options{RunAt: clock.System().Add(time.Hour)})
		if err := q.Add(t.Context(), "k", 7, jobs.Options{}); err == nil {
			t.Error("Add(7) = nil, want an error: scalars are no payload")
		}
		var got []int
		r := jobs.NewRunner(q, jobs.RunnerOptions{})
		r.Handle("k", jobs.Typed(func(_ context.Context, n note) error { got = append(got, n.N); return nil }))
		r.Handle("later", func(context.Context, json.RawMessage) error { t.Error("ran before its time"); return nil })
		if err := r.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0] != 2 {
			t.Errorf("ran %v, want [2]", got)
		}
		if list := waiting(t, q); len(list) != 1 || list[0].Kind != "later" || string(list[0].Payload) != "{}" {
			t.Errorf("left %+v, want the later one", list)
		}
	})
}

func TestUniqueKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newTurning()
		q := jobs.NewQueue(d, c.clock)
		add(t, q, "k", note{1}, jobs.Options{UniqueKey: "a", RunAt: c.clock().Add(time.Hour)})
		add(t, q, "k", note{2}, jobs.Options{UniqueKey: "a"})
		add(t, q, "k", note{3}, jobs.Options{UniqueKey: "a", RunAt: c.clock().Add(time.Minute)})
		add(t, q, "other", note{9}, jobs.Options{UniqueKey: "a"})
		list := waiting(t, q)
		if len(list) != 2 || !list[0].RunAt.Equal(c.clock()) {
			t.Fatalf("waiting = %+v, want two, due now", list)
		}
		var got []int
		r := jobs.NewRunner(q, jobs.RunnerOptions{})
		r.Handle("k", jobs.Typed(func(ctx context.Context, n note) error {
			got = append(got, n.N)
			if n.N == 3 { // asked for again while it runs: it must run once more
				return q.Add(ctx, "k", note{4}, jobs.Options{UniqueKey: "a"})
			}
			return nil
		}))
		if err := r.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || got[0] != 3 || got[1] != 4 {
			t.Errorf("ran %v, want [3 4]", got)
		}
		if list := waiting(t, q); len(list) != 1 || list[0].Kind != "other" {
			t.Errorf("left %+v, want the other kind's", list)
		}
	})
}

func TestFailuresComeBackAndAreGivenUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		c := newTurning()
		q := jobs.NewQueue(d, c.clock)
		runs := map[string]int{}
		r := jobs.NewRunner(q, jobs.RunnerOptions{MaxAttempts: 3})
		fail := true
		r.Handle("flaky", func(context.Context, json.RawMessage) error {
			runs["flaky"]++
			if fail {
				return errors.New("not yet \x00 \xff" + strings.Repeat("é", 1200))
			}
			return nil
		})
		r.Handle("panics", func(context.Context, json.RawMessage) error { runs["panics"]++; panic("ouch") })
		r.Handle("never", func(context.Context, json.RawMessage) error {
			runs["never"]++
			return jobs.Permanent(errors.New("no"))
		})
		r.Handle("typed", jobs.Typed(func(context.Context, note) error { runs["typed"]++; return nil }))
		for _, kind := range []string{"flaky", "panics", "never"} {
			add(t, q, kind, nil, jobs.Options{UniqueKey: "x"})
		}
		add(t, q, "typed", map[string]string{"n": "seven"}, jobs.Options{})
		if err := r.RunDue(ctx); err == nil || !strings.Contains(err.Error(), "ouch") {
			t.Errorf("RunDue() = %v, want the failures, the panic among them", err)
		}
		list := waiting(t, q)
		if len(list) != 2 || list[0].Attempts != 1 || !list[0].RunAt.After(c.clock()) || list[0].LastError == "" || list[0].Worker != "" {
			t.Fatalf("waiting = %+v, want two that come back later", list)
		}
		for range 4 {
			c.forward(2 * time.Hour)
			_ = r.RunDue(ctx) // what fails is read from the table
		}
		failed, err := q.Failed(ctx, 10)
		if err != nil || len(failed) != 4 || runs["flaky"] != 3 || runs["panics"] != 3 || runs["never"] != 1 || runs["typed"] != 0 {
			t.Fatalf("Failed() = %d rows, %v after %v, want 4 after 3, 3, 1 and 0 runs", len(failed), err, runs)
		}
		stats, err := q.Stats(ctx)
		if err != nil || len(stats) != 4 || stats[0].Kind != "flaky" || stats[0].Failed != 1 || stats[0].Waiting != 0 || !stats[0].Oldest.IsZero() {
			t.Errorf("Stats() = %+v, %v", stats, err)
		}
		fail = false
		for _, j := range failed {
			if j.Kind == "flaky" {
				if err := q.Retry(ctx, j.ID); err != nil {
					t.Error(err)
				}
			}
		}
		if err := r.RunDue(ctx); err != nil || runs["flaky"] != 4 {
			t.Errorf("RunDue() after Retry = %v, %d runs, want 4", err, runs["flaky"])
		}
		if n, err := q.Forget(ctx, c.clock().Add(time.Hour)); err != nil || n != 3 {
			t.Errorf("Forget() = %d, %v, want 3", n, err)
		}
	})
}

func TestBackoffGrowsToAnHour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attempts int
		base     time.Duration
	}{{1, 5 * time.Second}, {2, 10 * time.Second}, {5, 80 * time.Second}, {11, time.Hour}, {500, time.Hour}} {
		for range 50 {
			if got := jobs.Backoff(c.attempts); got < c.base*3/4 || got > c.base*5/4 {
				t.Errorf("backoff(%d) = %v, want %v give or take a quarter", c.attempts, got, c.base)
			}
		}
	}
}

func TestThreeRunnersDoEachJobOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const n = 400
		var mu sync.Mutex
		runs := map[int]int{}
		queues := make([]*jobs.Queue, 3) // as three processes
		for i := range queues {
			queues[i] = jobs.NewQueue(d, clock.System)
			r := jobs.NewRunner(queues[i], jobs.RunnerOptions{Poll: 5 * time.Millisecond})
			r.Handle("k", jobs.Typed(func(_ context.Context, v note) error {
				mu.Lock()
				defer mu.Unlock()
				runs[v.N]++
				return nil
			}))
			start(t, r)
		}
		for i := range n {
			add(t, queues[i%3], "k", note{i}, jobs.Options{})
		}
		eventually(t, "all jobs done", func() bool { return len(waiting(t, queues[0])) == 0 })
		mu.Lock()
		defer mu.Unlock()
		if len(runs) != n {
			t.Errorf("%d jobs ran, want %d", len(runs), n)
		}
		for i, times := range runs {
			if times != 1 {
				t.Errorf("job %d ran %d times, want 1", i, times)
			}
		}
	})
}

func TestAKilledWorkersJobIsTakenOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		c := newTurning()
		q := jobs.NewQueue(d, c.clock)
		add(t, q, "k", note{1}, jobs.Options{})
		ran := 0
		r := jobs.NewRunner(q, jobs.RunnerOptions{MaxAttempts: 3})
		r.Handle("k", func(context.Context, json.RawMessage) error { ran++; return nil })
		for i := range 4 {
			list, err := jobs.Claim(q, ctx, "dead", time.Minute, []string{"k"}, 10)
			if err != nil || len(list) != 1 || list[0].Attempts != i+1 {
				t.Fatalf("claim = %+v, %v, want attempt %d", list, err, i+1)
			}
			if i == 1 { // the second time a living one takes over
				c.forward(59 * time.Second)
				if err := r.RunDue(ctx); err != nil || ran != 0 {
					t.Fatalf("RunDue() under the lease = %v, %d runs, want none", err, ran)
				}
				c.forward(2 * time.Second)
				if err := r.RunDue(ctx); err != nil || ran != 1 || len(waiting(t, q)) != 0 {
					t.Fatalf("RunDue() after the lease = %v, %d runs, want one", err, ran)
				}
				break
			}
			c.forward(2 * time.Minute)
		}
		add(t, q, "k", note{2}, jobs.Options{}) // a job that kills whoever does it
		for range 3 {
			if _, err := jobs.Claim(q, ctx, "dead", time.Minute, []string{"k"}, 10); err != nil {
				t.Fatal(err)
			}
			c.forward(2 * time.Minute)
		}
		if err := r.RunDue(ctx); err == nil || ran != 1 {
			t.Errorf("RunDue() of a killer = %v, %d runs, want it given up unseen", err, ran)
		}
		if failed, err := q.Failed(ctx, 10); err != nil || len(failed) != 1 {
			t.Errorf("Failed() = %v, %v, want the killer", failed, err)
		}
	})
}

func TestClaimTakesNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := jobs.NewQueue(d, clock.System)
		for range 50 {
			add(t, q, "k", nil, jobs.Options{UniqueKey: id.New().String()})
		}
		for range 10 {
			if list, err := jobs.Claim(q, t.Context(), "w", time.Minute, []string{"k"}, 3); err != nil || len(list) != 3 {
				t.Errorf("claim(limit 3) = %d jobs, %v, want 3", len(list), err)
			}
		}
	})
}

func TestTheLeaseIsRenewedWhileAJobRuns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var ran atomic.Int64
		q := jobs.NewQueue(d, clock.System)
		for range 2 {
			r := jobs.NewRunner(q, jobs.RunnerOptions{Lease: 300 * time.Millisecond, Poll: 10 * time.Millisecond})
			r.Handle("k", func(context.Context, json.RawMessage) error {
				ran.Add(1)
				time.Sleep(time.Second)
				return nil
			})
			start(t, r)
		}
		add(t, q, "k", nil, jobs.Options{})
		eventually(t, "the job is done", func() bool { return len(waiting(t, q)) == 0 })
		if n := ran.Load(); n != 1 {
			t.Errorf("ran %d times, want once", n)
		}
	})
}

func TestStopFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		q := jobs.NewQueue(d, clock.System)
		r := jobs.NewRunner(q, jobs.RunnerOptions{Poll: time.Hour, Grace: 300 * time.Millisecond})
		begun := make(chan string, 2)
		var told atomic.Bool
		r.Handle("short", func(ctx context.Context, _ json.RawMessage) error {
			begun <- "short"
			time.Sleep(50 * time.Millisecond)
			return ctx.Err()
		})
		r.Handle("long", func(ctx context.Context, _ json.RawMessage) error {
			begun <- "long"
			<-ctx.Done()
			told.Store(true)
			return ctx.Err()
		})
		stop := start(t, r)
		add(t, q, "short", nil, jobs.Options{}) // only the bell can wake the runner
		add(t, q, "long", nil, jobs.Options{})
		<-begun
		<-begun
		stop()
		list := waiting(t, q)
		if len(list) != 1 || list[0].Kind != "long" || list[0].Worker != "" || list[0].Attempts != 0 || !told.Load() {
			t.Errorf("left %+v, want the long one given back", list)
		}
	})
}

func TestPeriodicJobsRunOnceASlot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		c := newTurning()
		ran, fail := 0, false
		runners := make([]*jobs.Runner, 2)
		for i := range runners {
			runners[i] = jobs.NewRunner(jobs.NewQueue(d, c.clock), jobs.RunnerOptions{MaxAttempts: 2})
			runners[i].Every("tidy", jobs.Interval(time.Minute), func(context.Context) error {
				ran++
				if fail {
					return errors.New("not today")
				}
				return nil
			})
		}
		both := func() (err error) {
			for _, r := range runners {
				err = errors.Join(err, r.RunDue(ctx))
			}
			return err
		}
		for _, step := range []struct {
			forward time.Duration
			want    int
		}{{0, 0}, {29 * time.Second, 0}, {time.Second, 1}, {59 * time.Second, 1}, {time.Second, 2}, {10 * time.Minute, 3}, {time.Minute, 4}} {
			c.forward(step.forward)
			if err := both(); err != nil || ran != step.want {
				t.Errorf("%v later: %d runs, %v, want %d", step.forward, ran, err, step.want)
			}
		}
		fail = true
		for range 5 {
			c.forward(time.Minute)
			if err := both(); err == nil {
				t.Error("RunDue() = nil, want the failure")
			}
		}
		fail = false
		c.forward(time.Minute)
		if err := both(); err != nil {
			t.Errorf("a periodic job was given up: %v", err)
		}
	})
}

func TestDaily(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	s := jobs.Daily(3, 30, paris)
	for _, c := range []struct{ after, want string }{
		{"2026-06-01T00:00:00Z", "2026-06-01T01:30:00Z"},
		{"2026-06-01T01:30:00Z", "2026-06-02T01:30:00Z"},
		{"2026-10-24T12:00:00Z", "2026-10-25T02:30:00Z"}, // winter time begins that night
	} {
		after, _ := time.Parse(time.RFC3339, c.after)
		if got := s(after).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("Daily(3:30)(%s) = %s, want %s", c.after, got, c.want)
		}
	}
}

func BenchmarkJobs(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *db.DB
	}{{"sqlite", dbtest.New}, {"postgres", dbtest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			q := jobs.NewQueue(engine.open(b), clock.System)
			const batch = 5000
			for b.Loop() {
				b.StopTimer()
				err := addMany(b.Context(), q, batch)
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				var left atomic.Int64
				left.Store(batch)
				r := jobs.NewRunner(q, jobs.RunnerOptions{Workers: 32})
				r.Handle("k", func(context.Context, json.RawMessage) error {
					if left.Add(-1) == 0 {
						cancel()
					}
					return nil
				})
				b.StartTimer()
				if err := r.Run(ctx); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

func addMany(ctx context.Context, q *jobs.Queue, n int) error {
	for i := range n {
		if err := q.Add(ctx, "k", note{i}, jobs.Options{}); err != nil {
			return err
		}
	}
	return nil
}
