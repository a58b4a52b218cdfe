package newsletters

import (
	"context"
	"time"

	"amicale/internal/jobs"
)

// Jobs are what happens behind the pages.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register names them to the runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(makeJob, jobs.Typed(func(ctx context.Context, m made) error { return j.store.MakeRecipients(ctx, m.Campaign) }))
	r.Handle(alarmJob, jobs.Typed(j.store.raise))
	r.Every("newsletters.due", jobs.Interval(time.Minute), j.store.startDue)
}
