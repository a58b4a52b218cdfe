package bounces

import (
	"context"
	"time"

	"amicale/internal/errs"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
)

const (
	judgeJob = "bounces.judge_now"
	healJob  = "bounces.heal"
	undoJob  = "bounces.undo_day"
)

// Jobs are what happens behind the pages.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register names them to the runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(judgeJob, jobs.Typed(func(ctx context.Context, _ struct{}) error { return j.store.Judge(ctx) }))
	r.Handle(healJob, jobs.Typed(j.store.heal))
	r.Handle(undoJob, jobs.Typed(j.store.undoDay))
	r.Every("bounces.judge", jobs.Interval(time.Hour), j.store.Judge)
	r.Every("bounces.alert", jobs.Interval(time.Hour), j.store.Alert)
	r.Every("bounces.sweep", jobs.Interval(day), j.store.sweep)
}

// JudgeSoon asks for the verdicts without waiting for the hour, for the federation's admins.
func (s *Store) JudgeSoon(ctx context.Context, by viewer.Actor) error {
	if !by.IsFederationAdmin() {
		return errs.E("bounces.JudgeSoon", errs.Forbidden, nil)
	}
	return s.queue.Add(ctx, judgeJob, nil, jobs.Options{UniqueKey: "now"})
}

// Alert writes to those who should act: to the federation's admins about destinations that blame us, each once a day;
// to the staff of each school, and to the ambassadors of the classes, about people who cannot be reached any more.
func (s *Store) Alert(ctx context.Context) error {
	if err := s.db.Tx(ctx, s.alertFrozen); err != nil {
		return errs.Wrap("bounces.Alert", err)
	}
	return errs.Wrap("bounces.Alert", s.db.Tx(ctx, s.alertLost))
}
