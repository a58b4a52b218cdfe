package app

import (
	"strings"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/jobs"
)

func TestPeriodicForgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		if err := o.changes.Append(t.Context(), "person", id.New(), id.New()); err != nil {
			t.Fatal(err)
		}
		o.giveUp(t)
		start := clock.System()
		after := func(days int) (changes, failed, words int) {
			t.Helper()
			now := func() time.Time { return start.Add(time.Duration(days) * 24 * time.Hour) }
			a := *o.App
			a.o.Now = now
			a.queue = jobs.NewQueue(d, now)
			a.runner = jobs.NewRunner(a.queue, jobs.RunnerOptions{})
			a.registerPeriodic()
			if err := a.runner.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			return count(t, d, `SELECT count(*) FROM changes`), count(t, d, `SELECT count(*) FROM jobs WHERE kind = 'test.broken'`),
				count(t, d, `SELECT count(*) FROM outbox WHERE body_text <> ''`)
		}
		for _, row := range []struct{ days, changes, failed, words int }{
			{0, 2, 1, 1}, {2, 2, 1, 1}, {9, 2, 1, 0}, {29, 2, 1, 0}, {33, 0, 1, 0}, {89, 0, 1, 0}, {93, 0, 0, 0},
		} {
			if c, f, w := after(row.days); c != row.changes || f != row.failed || w != row.words {
				t.Errorf("after %d days: %d changes, %d jobs, %d letters with words; want %d, %d, %d", row.days, c, f, w, row.changes, row.failed, row.words)
			}
		}
	})
}

func TestPeriodicRunsAtNight(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.New(t))
	o.runner = jobs.NewRunner(o.queue, jobs.RunnerOptions{})
	o.registerPeriodic()
	if err := o.runner.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := o.queue.Waiting(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, j := range list {
		if strings.HasPrefix(j.Kind, "every:app.") {
			n++
			if at := j.RunAt.In(homeZone()); at.Hour() != 3 {
				t.Errorf("%s runs at %s, want the night", j.Kind, at)
			}
		}
	}
	if n != 4 {
		t.Errorf("%d periodic jobs, want 4", n)
	}
}

func count(t *testing.T, d *db.DB, query string) int {
	t.Helper()
	n, err := db.One[int](t.Context(), d, query)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
