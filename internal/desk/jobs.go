package desk

import (
	"context"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
)

// Jobs are what happens behind the pages.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register names them to the runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(forgetScanJob, jobs.Typed(j.store.forgetScan))
	r.Every("desk.alarms", jobs.Interval(time.Hour), j.store.raiseAlarms)
	r.Every("desk.sweep", jobs.Interval(day), j.store.sweep)
}

// raiseAlarms writes to those who should know about cases that wait too long: the webmaster after one day, the
// secretary too after three, the federation after seven; one letter a school and stage, each case once a stage.
func (s *Store) raiseAlarms(ctx context.Context) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		due, err := s.dueAlarms(ctx)
		if err != nil {
			return err
		}
		for _, a := range due {
			if err := s.raise(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
	return errs.Wrap("desk.raiseAlarms", err)
}

func (s *Store) raise(ctx context.Context, a alarm) error {
	if err := s.noteAlarm(ctx, a); err != nil {
		return err
	}
	to, err := s.alarmed(ctx, a)
	if err != nil {
		return err
	}
	school, err := s.schoolOf(ctx, a.association)
	if err != nil {
		return err
	}
	for _, h := range to {
		in := s.bundle.With(ctx, h.Lang)
		l := letter{name: "alarm", to: h.Email, lang: h.Lang, school: school, path: Path, data: i18n.Data{
			"Waiting": i18n.N(in, "desk.alarm_cases", len(a.cases)), "Since": i18n.N(in, "desk.days", a.stage), "School": school.School}}
		if err := s.send(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// alarmed are those whom an alarm reaches, each once.
func (s *Store) alarmed(ctx context.Context, a alarm) ([]Holder, error) {
	roles := []viewer.RoleName{viewer.Webmaster}
	if a.stage >= secondAlarm {
		roles = append(roles, viewer.Secretary)
	}
	if a.stage >= lastAlarm {
		roles = append(roles, viewer.FederationAdmin)
	}
	var out []Holder
	known := map[string]bool{}
	for _, role := range roles {
		list, err := s.reachable(ctx, role, a.association)
		if err != nil {
			return nil, err
		}
		for _, h := range list {
			if !known[h.Email] {
				known[h.Email] = true
				out = append(out, h)
			}
		}
	}
	return out, nil
}
