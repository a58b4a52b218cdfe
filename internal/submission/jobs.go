package submission

import (
	"time"

	"amicale/internal/jobs"
)

// Jobs is the work behind the box: forgetting what is counted no longer.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register says who does what.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Every("submission.sweep", jobs.Interval(24*time.Hour), j.store.Sweep)
}
