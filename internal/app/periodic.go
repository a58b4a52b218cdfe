package app

import (
	"context"
	"time"

	"amicale/internal/jobs"
)

// How long what is over is kept.
const (
	keepChanges = 30 * 24 * time.Hour // a process or a snapshot that stood still for longer builds its index anew
	keepFailed  = 90 * 24 * time.Hour // jobs given up, for the staff to see
	keepWords   = 7 * 24 * time.Hour  // of letters that left: they hold links and names
	keepMail    = 30 * 24 * time.Hour // what is told of mail that arrived
)

// registerPeriodic names to the runner the sweeping of what no feature owns. Sessions and links are swept by the
// accounts' own jobs.
func (a *App) registerPeriodic() {
	night := jobs.Daily(3, 20, homeZone())
	a.runner.Every("app.prune_changes", night, func(ctx context.Context) error {
		_, err := a.changes.Prune(ctx, a.o.Now().Add(-keepChanges))
		return err
	})
	a.runner.Every("app.forget_jobs", night, func(ctx context.Context) error {
		_, err := a.queue.Forget(ctx, a.o.Now().Add(-keepFailed))
		return err
	})
	a.runner.Every("app.purge_letters", night, func(ctx context.Context) error {
		_, err := a.outbox.Purge(ctx, a.o.Now().Add(-keepWords))
		return err
	})
	a.runner.Every("app.purge_inbox", night, func(ctx context.Context) error {
		_, err := a.inbox.Purge(ctx, a.o.Now().Add(-keepMail))
		return err
	})
}

// homeZone is where the federation lives: nights are its nights.
func homeZone() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return zone
}
