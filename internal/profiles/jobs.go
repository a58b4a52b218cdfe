package profiles

import (
	"errors"
	"time"

	"amicale/internal/errs"
	"amicale/internal/jobs"
)

// Jobs is the work behind the pages: letters that confirm addresses, files of photos that nobody shows any more,
// ways back that ran out.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register says who does what.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(confirmJob, jobs.Typed(j.store.sendConfirmation))
	r.Handle(dropPhotoJob, jobs.Typed(j.store.DropPhoto))
	r.Handle(dropPhotosJob, jobs.Typed(j.store.DropPhotosOf))
	r.Every("profile.sweep", jobs.Interval(time.Hour), j.store.SweepUndos)
}

// gone makes a person who is no longer there no error: a job about him has nothing left to do.
func gone(err error) error {
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
