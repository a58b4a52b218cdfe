package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"amicale/internal/id"
)

// RunnerOptions tune a runner; a zero field takes the value named.
type RunnerOptions struct {
	Workers     int           // jobs at once: 4
	MaxAttempts int           // then a job is given up: 12 (about 9 hours)
	Lease       time.Duration // how long a dead worker's job stays untouched: 1 minute
	Poll        time.Duration // how often to look for what came due or was added by another process: 1 second
	Grace       time.Duration // how long Run waits for what runs, once told to stop: 20 seconds
	Log         *slog.Logger
	// Observe is told of every run, for the metrics. It may be nil.
	Observe func(kind string, took time.Duration, err error)
}

func (o RunnerOptions) filled() RunnerOptions {
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 12
	}
	if o.Lease == 0 {
		o.Lease = time.Minute
	}
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	if o.Grace == 0 {
		o.Grace = 20 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, error) {}
	}
	return o
}

// Runner does the jobs. Register every handler before Run or RunDue; any number of runners, in any number of
// processes, may share a database.
type Runner struct {
	q        *Queue
	o        RunnerOptions
	handlers map[string]Handler
	periodic map[string]Schedule
	kinds    []string
}

// NewRunner makes a runner on the queue.
func NewRunner(q *Queue, o RunnerOptions) *Runner {
	return &Runner{q: q, o: o.filled(), handlers: map[string]Handler{}, periodic: map[string]Schedule{}}
}

// Handle says who does the jobs of a kind. A second handler for it is a programmer's fault and panics. Jobs of a
// kind nobody handles here wait for a process that does.
func (r *Runner) Handle(kind string, h Handler) {
	if r.handlers[kind] != nil {
		panic("jobs: two handlers for " + kind)
	}
	r.handlers[kind] = h
	r.kinds = append(r.kinds, kind)
}

// Every runs fn at each moment of the schedule, in one of the processes. A moment missed while none ran is made
// up for once; one that fails is tried again, and never given up.
func (r *Runner) Every(name string, s Schedule, fn func(ctx context.Context) error) {
	kind := periodicKind(name)
	r.Handle(kind, func(ctx context.Context, _ json.RawMessage) error { return fn(ctx) })
	r.periodic[kind] = s
}

func (r *Runner) ensurePeriodic(ctx context.Context) error {
	for kind, s := range r.periodic {
		if err := r.q.addPeriodic(ctx, kind, s(r.q.clock())); err != nil {
			return err
		}
	}
	return nil
}

// result is a run that ended.
type result struct {
	job Job
	err error
}

// errStopped is why a job's context ends when the process cannot wait for it any longer.
var errStopped = errors.New("jobs: the process stops")

// do runs one job. A panic is an error of that job alone.
func (r *Runner) do(ctx context.Context, j Job) (res result) {
	res.job = j
	if j.Attempts > r.o.MaxAttempts {
		res.err = Permanent(fmt.Errorf("jobs: its worker died in each of %d attempts; last error: %s", j.Attempts-1, j.LastError))
		return res
	}
	start, ended := time.Now(), false
	defer func() {
		if !ended {
			res.err = fmt.Errorf("jobs: panic: %v\n%s", recover(), debug.Stack())
		}
		r.o.Observe(j.Kind, time.Since(start), res.err)
	}()
	res.err = r.handlers[j.Kind](ctx, j.Payload)
	ended = true
	return res
}

// settle writes what became of the jobs that ended.
func (r *Runner) settle(ctx context.Context, worker string, done []result) error {
	var finished []id.ID
	for _, d := range done {
		if d.err == nil && r.periodic[d.job.Kind] == nil {
			finished = append(finished, d.job.ID)
			continue
		}
		if err := r.settleOne(ctx, worker, d); err != nil {
			return err
		}
	}
	if len(finished) == 0 {
		return nil
	}
	return r.q.finish(ctx, worker, finished)
}

func (r *Runner) settleOne(ctx context.Context, worker string, d result) error {
	now := r.q.clock()
	again := now.Add(backoff(d.job.Attempts))
	schedule := r.periodic[d.job.Kind]
	var final permanent
	switch {
	case errors.Is(d.err, errLost):
		return nil
	case errors.Is(d.err, errStopped):
		return r.q.release(ctx, worker, []id.ID{d.job.ID})
	case d.err == nil:
		return r.q.reschedule(ctx, worker, d.job.ID, schedule(now), "")
	case schedule != nil && !again.Before(schedule(now)):
		return r.q.reschedule(ctx, worker, d.job.ID, schedule(now), errorText(d.err))
	case schedule == nil && (d.job.Attempts >= r.o.MaxAttempts || errors.As(d.err, &final)):
		return r.q.comeBack(ctx, worker, d.job.ID, now, now, errorText(d.err))
	}
	return r.q.comeBack(ctx, worker, d.job.ID, again, time.Time{}, errorText(d.err))
}

func (r *Runner) log(ctx context.Context, d result) {
	if d.err != nil && !errors.Is(d.err, errStopped) {
		r.o.Log.WarnContext(ctx, "job failed", "kind", d.job.Kind, "job", d.job.ID.String(), "attempt", d.job.Attempts, "error", d.err)
	}
}

// RunDue does everything that is due now, one after the other, also what those jobs add, and returns what
// failed. It is for tests and for commands that wait for their effects.
func (r *Runner) RunDue(ctx context.Context) error {
	const most = 100_000 // jobs that add themselves for now would never end
	if err := r.ensurePeriodic(ctx); err != nil {
		return err
	}
	if len(r.kinds) == 0 {
		return nil
	}
	worker := id.New().String()
	var failed []error
	for range most {
		list, err := r.q.claim(ctx, worker, r.o.Lease, r.kinds, 1)
		if err != nil {
			return fmt.Errorf("jobs.RunDue: %w", err)
		}
		if len(list) == 0 {
			return errors.Join(failed...)
		}
		d := r.do(ctx, list[0])
		if d.err != nil {
			failed = append(failed, fmt.Errorf("jobs.RunDue %s: %w", d.job.Kind, d.err))
		}
		if err := r.q.db.Tx(ctx, func(ctx context.Context) error { return r.settle(ctx, worker, []result{d}) }); err != nil {
			return fmt.Errorf("jobs.RunDue: %w", err)
		}
	}
	return fmt.Errorf("jobs.RunDue: still not done after %d jobs", most)
}

// round settles what ended and claims what is due, in one transaction.
func (r *Runner) round(ctx context.Context, worker string, done []result, free int) (claimed []Job, err error) {
	if free > 0 {
		due, err := r.q.due(ctx, r.kinds) // without writing: most rounds find nothing
		if err != nil {
			return nil, err
		}
		if !due {
			free = 0
		}
	}
	if free == 0 && len(done) == 0 {
		return nil, nil
	}
	err = r.q.db.Tx(ctx, func(ctx context.Context) error {
		if err := r.settle(ctx, worker, done); err != nil || free == 0 {
			return err
		}
		claimed, err = r.q.claim(ctx, worker, r.o.Lease, r.kinds, free)
		return err
	})
	if err != nil {
		return nil, err // claimed rows are rolled back too
	}
	return claimed, nil
}
