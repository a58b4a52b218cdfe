package jobs

import (
	"context"
	"sync"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// Queue is where jobs are added. One a process, so that its runner wakes as soon as one is committed.
type Queue struct {
	db    *db.DB
	clock clock.Clock

	mu   sync.Mutex
	bell chan struct{} // closed, and replaced, at each commit that added
}

// NewQueue makes the queue over d.
func NewQueue(d *db.DB, c clock.Clock) *Queue {
	return &Queue{db: d, clock: c, bell: make(chan struct{})}
}

// Options of one job; the zero value is a job of its own, to be run now.
type Options struct {
	// RunAt is the earliest moment; zero means now.
	RunAt time.Time
	// UniqueKey, within the kind: while such a job waits, this one melts into it (the earlier moment and the
	// newer payload count); while it runs, it will run once more afterwards. So no request is ever answered by
	// a run that began before it.
	UniqueKey string
}

// Add adds a job to the transaction in the context: nothing runs for what is rolled back. The payload is an
// object, a list, or nil.
func (q *Queue) Add(ctx context.Context, kind string, payload any, o Options) error {
	body, err := encode(payload)
	if err != nil {
		return errs.Wrap("jobs.Add "+kind, err)
	}
	now := q.clock()
	if o.RunAt.IsZero() {
		o.RunAt = now
	}
	key := &o.UniqueKey
	if o.UniqueKey == "" {
		key = nil
	} else {
		o.UniqueKey = kind + ":" + o.UniqueKey
	}
	// A row that runs keeps its lease; attempts = 0 tells its worker that it was asked for again. The row stays
	// locked until this transaction ends, so no worker answers the request with what it cannot see yet.
	_, err = q.db.Exec(ctx, `
		INSERT INTO jobs (id, kind, payload, unique_key, run_at, attempts, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND failed_at IS NULL DO UPDATE SET
			payload = excluded.payload,
			attempts = 0,
			run_at = CASE WHEN jobs.lease_until IS NULL AND jobs.run_at < excluded.run_at THEN jobs.run_at ELSE excluded.run_at END`,
		id.New(), kind, db.ToJSON(body), key, o.RunAt, now)
	if err != nil {
		return errs.Wrap("jobs.Add "+kind, err)
	}
	q.db.AfterCommit(ctx, q.ring)
	return nil
}

func (q *Queue) next() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bell
}

func (q *Queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.bell)
	q.bell = make(chan struct{})
}

// addPeriodic makes sure of the one row of a periodic job. A schedule that comes sooner than the row counts.
func (q *Queue) addPeriodic(ctx context.Context, kind string, next time.Time) error {
	_, err := q.db.Exec(ctx, `
		INSERT INTO jobs (id, kind, payload, unique_key, run_at, attempts, created_at) VALUES (?, ?, '{}', ?, ?, 0, ?)
		ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND failed_at IS NULL DO UPDATE SET run_at = excluded.run_at
		WHERE jobs.lease_until IS NULL AND jobs.run_at > excluded.run_at`,
		id.New(), kind, kind, next, q.clock())
	return errs.Wrap("jobs.addPeriodic "+kind, err)
}

// due reports whether there is anything to claim, without writing.
func (q *Queue) due(ctx context.Context, kinds []string) (bool, error) {
	now := q.clock()
	args := append([]any{now, now}, db.Args(kinds)...)
	n, err := db.One[int](ctx, q.db, `
		SELECT count(*) FROM (SELECT 1 FROM jobs
			WHERE failed_at IS NULL AND run_at <= ? AND (lease_until IS NULL OR lease_until < ?) AND kind IN (`+db.In(len(kinds))+`)
			LIMIT 1) AS one`, args...)
	return n > 0, err
}

// claim takes at most limit due jobs for this worker. The conditions stand twice on purpose: on PostgreSQL a
// row that another worker took in between is tested again by the outer ones; and the list is materialized, else
// its plan may draw it once a row and take more than limit.
func (q *Queue) claim(ctx context.Context, worker string, lease time.Duration, kinds []string, limit int) ([]Job, error) {
	now := q.clock()
	args := append([]any{worker, now.Add(lease), now, now}, db.Args(kinds)...)
	args = append(args, limit, now)
	skip := ""
	if q.db.Postgres() {
		skip = "FOR UPDATE SKIP LOCKED" // else every worker waits behind a long transaction that added under a unique key
	}
	list, err := db.All[Job](ctx, q.db, `
		UPDATE jobs SET worker = ?, lease_until = ?, attempts = attempts + 1
		WHERE id IN (
			WITH due AS MATERIALIZED (
				SELECT id FROM jobs
				WHERE failed_at IS NULL AND run_at <= ? AND (lease_until IS NULL OR lease_until < ?) AND kind IN (`+db.In(len(kinds))+`)
				ORDER BY run_at LIMIT ? `+skip+`)
			SELECT id FROM due)
			AND failed_at IS NULL AND (lease_until IS NULL OR lease_until < ?)
		RETURNING id, kind, payload, run_at, attempts, lease_until, worker, last_error, created_at`, args...)
	return list, err
}

// renew prolongs the leases of what this worker runs and says which it still has.
func (q *Queue) renew(ctx context.Context, worker string, lease time.Duration, ids []id.ID) ([]id.ID, error) {
	args := append([]any{q.clock().Add(lease), worker}, db.Args(ids)...)
	return db.All[id.ID](ctx, q.db, `UPDATE jobs SET lease_until = ? WHERE worker = ? AND id IN (`+db.In(len(ids))+`) RETURNING id`, args...)
}

// finish removes jobs that are done; those asked for again meanwhile (attempts = 0) go back to wait.
func (q *Queue) finish(ctx context.Context, worker string, ids []id.ID) error {
	args := append([]any{worker}, db.Args(ids)...)
	in := db.In(len(ids))
	n, err := q.db.Exec(ctx, `DELETE FROM jobs WHERE worker = ? AND id IN (`+in+`) AND attempts > 0`, args...)
	if err != nil || n == int64(len(ids)) {
		return err
	}
	args = append([]any{worker}, db.Args(ids)...)
	_, err = q.db.Exec(ctx, `UPDATE jobs SET lease_until = NULL, worker = NULL WHERE worker = ? AND id IN (`+in+`)`, args...)
	return err
}

// comeBack sets a job aside until that moment; failed is when it was given up, or zero. A job asked for again
// meanwhile comes back as that request says.
func (q *Queue) comeBack(ctx context.Context, worker string, j id.ID, at, failed time.Time, text string) error {
	_, err := q.db.Exec(ctx, `
		UPDATE jobs SET lease_until = NULL, worker = NULL, last_error = ?,
			run_at = CASE WHEN attempts = 0 THEN run_at ELSE ? END,
			failed_at = CASE WHEN attempts = 0 THEN failed_at ELSE ? END
		WHERE id = ? AND worker = ?`, text, at, failed, j, worker)
	return err
}

// reschedule sets a periodic job to its next moment.
func (q *Queue) reschedule(ctx context.Context, worker string, j id.ID, at time.Time, text string) error {
	_, err := q.db.Exec(ctx, `
		UPDATE jobs SET lease_until = NULL, worker = NULL, attempts = 0, last_error = ?, run_at = ? WHERE id = ? AND worker = ?`,
		nonEmpty(text), at, j, worker)
	return err
}

// release gives back a job that was claimed and not begun, or stopped half-way with the process.
func (q *Queue) release(ctx context.Context, worker string, ids []id.ID) error {
	if len(ids) == 0 {
		return nil
	}
	args := append([]any{worker}, db.Args(ids)...)
	_, err := q.db.Exec(ctx, `
		UPDATE jobs SET lease_until = NULL, worker = NULL, attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END
		WHERE worker = ? AND id IN (`+db.In(len(ids))+`)`, args...)
	return err
}

func nonEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Waiting lists the jobs not given up, the next to run first; for tests and the staff.
func (q *Queue) Waiting(ctx context.Context, limit int) ([]Job, error) {
	list, err := db.All[Job](ctx, q.db, `
		SELECT id, kind, payload, run_at, attempts, lease_until, worker, last_error, created_at
		FROM jobs WHERE failed_at IS NULL ORDER BY run_at, id LIMIT ?`, limit)
	return list, errs.Wrap("jobs.Waiting", err)
}

// Failed lists the jobs given up, the latest first.
func (q *Queue) Failed(ctx context.Context, limit int) ([]Job, error) {
	list, err := db.All[Job](ctx, q.db, `
		SELECT id, kind, payload, run_at, attempts, last_error, failed_at, created_at
		FROM jobs WHERE failed_at IS NOT NULL ORDER BY failed_at DESC, id LIMIT ?`, limit)
	return list, errs.Wrap("jobs.Failed", err)
}

// Retry lets a job that was given up run again. Conflict when another with its key waits already.
func (q *Queue) Retry(ctx context.Context, job id.ID) error {
	err := q.db.ExecOne(ctx, `UPDATE jobs SET failed_at = NULL, attempts = 0, run_at = ? WHERE id = ? AND failed_at IS NOT NULL`, q.clock(), job)
	if err == nil {
		q.db.AfterCommit(ctx, q.ring)
	}
	return errs.Wrap("jobs.Retry", err)
}

// Forget removes what was given up before that time.
func (q *Queue) Forget(ctx context.Context, before time.Time) (int64, error) {
	n, err := q.db.Exec(ctx, `DELETE FROM jobs WHERE failed_at < ?`, before)
	return n, errs.Wrap("jobs.Forget", err)
}

// Stat is what the metrics say of a kind.
type Stat struct {
	Kind    string
	Waiting int       // due or for later, running ones included
	Failed  int       // given up
	Oldest  time.Time // the earliest moment among those waiting
}

// Stats counts the queue by kind.
func (q *Queue) Stats(ctx context.Context) ([]Stat, error) {
	list, err := db.All[Stat](ctx, q.db, `
		SELECT kind, count(*) FILTER (WHERE failed_at IS NULL) AS waiting, count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed,
			min(run_at) FILTER (WHERE failed_at IS NULL) AS oldest
		FROM jobs GROUP BY kind ORDER BY kind`)
	return list, errs.Wrap("jobs.Stats", err)
}
