package ambassadors

import "amicale/internal/jobs"

// Jobs are what happens behind the pages.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register names them to the runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Every("ambassadors.sweep", jobs.Interval(keepEnded), j.store.sweep)
}
