package imports

import (
	"context"
	"time"

	"amicale/internal/errs"
	"amicale/internal/jobs"
)

// Jobs are what happens behind the pages.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register names them to the runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(runJob, jobs.Typed(j.store.perform))
	r.Every("imports.sweep", jobs.Interval(24*time.Hour), j.store.sweep)
}

// sweep removes files that nobody needs any longer.
func (s *Store) sweep(ctx context.Context) error {
	list, err := s.stale(ctx)
	if err != nil {
		return errs.Wrap("imports.sweep", err)
	}
	for _, i := range list {
		if err := s.discard(ctx, i); err != nil {
			return err
		}
	}
	return nil
}
