package jobs

import (
	"context"
	"slices"
	"time"

	"amicale/internal/id"
)

// crew is one Run of a runner: what it runs at the moment. Only the loop touches it; the jobs, each in a
// goroutine, report through ended.
type crew struct {
	*Runner
	worker  string
	running map[id.ID]context.CancelCauseFunc
	ended   chan result
	done    []result // ended, and not yet written
	renewed time.Time
}

// Run does jobs until the context ends; then it takes no more, finishes what runs, and returns. What does not
// end within the grace is told to stop and given back.
func (r *Runner) Run(ctx context.Context) error {
	if len(r.kinds) == 0 {
		<-ctx.Done()
		return nil
	}
	c := &crew{
		Runner:  r,
		worker:  id.New().String(),
		running: map[id.ID]context.CancelCauseFunc{},
		ended:   make(chan result, r.o.Workers),
		renewed: time.Now(),
	}
	base := context.WithoutCancel(ctx)
	pause := r.o.Poll
	for announced := false; ctx.Err() == nil; {
		bell := r.q.next()
		err := error(nil)
		if !announced {
			err = r.ensurePeriodic(base)
			announced = err == nil
		}
		more := false
		if err == nil {
			more, err = c.turn(base)
		}
		if err != nil {
			r.o.Log.ErrorContext(ctx, "the job queue does not answer", "error", err)
			pause, bell = min(2*pause, 30*time.Second), nil
		} else {
			pause = r.o.Poll
		}
		if !more {
			c.wait(ctx, bell, pause)
		}
	}
	c.stop(base)
	return nil
}

// turn writes what ended, claims and begins what is due, and says whether more may be due at once.
func (c *crew) turn(ctx context.Context) (bool, error) {
	if err := c.renewLeases(ctx); err != nil {
		return false, err
	}
	free := c.o.Workers - len(c.running)
	claimed, err := c.round(ctx, c.worker, c.done, free)
	if err != nil {
		return false, err
	}
	c.done = c.done[:0]
	for _, j := range claimed {
		if c.running[j.ID] == nil { // its lease ran out while this process was held up: it still runs
			c.begin(ctx, j)
		}
	}
	return free > 0 && len(claimed) == free && len(c.running) < c.o.Workers, nil
}

func (c *crew) begin(ctx context.Context, j Job) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.running[j.ID] = cancel
	go func() {
		res := c.do(ctx, j)
		if cause := context.Cause(ctx); cause != nil && res.err != nil {
			res.err = cause // it ended because it was told to
		}
		c.ended <- res
	}()
}

func (c *crew) take(ctx context.Context, res result) {
	c.running[res.job.ID](nil)
	delete(c.running, res.job.ID)
	c.done = append(c.done, res)
	c.log(ctx, res)
}

// wait returns when there is something to do. Everything that has ended by then is taken together.
func (c *crew) wait(ctx context.Context, bell <-chan struct{}, pause time.Duration) {
	if len(c.running) >= c.o.Workers {
		bell = nil // nobody is free
	}
	timer := time.NewTimer(min(pause, c.o.Lease/3))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-bell:
	case <-timer.C:
	case res := <-c.ended:
		c.take(ctx, res)
	}
	for {
		select {
		case res := <-c.ended:
			c.take(ctx, res)
		default:
			return
		}
	}
}

func (c *crew) renewLeases(ctx context.Context) error {
	if len(c.running) == 0 || time.Since(c.renewed) < c.o.Lease/3 {
		return nil
	}
	ids := make([]id.ID, 0, len(c.running))
	for i := range c.running {
		ids = append(ids, i)
	}
	kept, err := c.q.renew(ctx, c.worker, c.o.Lease, ids)
	if err != nil {
		return err
	}
	c.renewed = time.Now()
	for i, cancel := range c.running {
		if !slices.Contains(kept, i) {
			cancel(errLost)
		}
	}
	return nil
}

// stop finishes what runs, at most for the grace and a little more.
func (c *crew) stop(ctx context.Context) {
	deadline := time.Now().Add(c.o.Grace)
	told := false
	for len(c.running) > 0 {
		left := time.Until(deadline)
		if left <= 0 && told {
			break
		}
		if left <= 0 {
			told, deadline = true, time.Now().Add(2*time.Second)
			for _, cancel := range c.running {
				cancel(errStopped)
			}
			continue
		}
		c.wait(ctx, nil, left)
		if err := c.renewLeases(ctx); err != nil {
			c.o.Log.ErrorContext(ctx, "renewing the leases of jobs while stopping", "error", err)
		}
	}
	c.giveBack(ctx)
}

// giveBack writes the last results and releases what would not stop.
func (c *crew) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for i := range c.running {
		c.done = append(c.done, result{Job{ID: i}, errStopped})
	}
	if len(c.done) == 0 {
		return
	}
	err := c.q.db.Tx(ctx, func(ctx context.Context) error { return c.settle(ctx, c.worker, c.done) })
	if err != nil {
		c.o.Log.ErrorContext(ctx, "writing the last results of jobs: they will run again", "error", err)
	}
}
