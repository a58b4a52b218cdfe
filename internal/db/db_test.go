package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
)

type job struct {
	ID         id.ID
	Kind       string
	Payload    db.JSON[map[string]int]
	RunAt      time.Time
	Attempts   int
	LeaseUntil time.Time
	Worker     string
}

const insertJob = `INSERT INTO jobs (id, kind, payload, unique_key, run_at, attempts, lease_until, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

func TestRowsComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		paris := time.FixedZone("", 7200)
		at := time.Date(2026, 6, 1, 12, 0, 0, 987654321, paris)
		want := job{ID: id.New(), Kind: "what?'s", Payload: db.ToJSON(map[string]int{"n": 7}), RunAt: clock.Trim(at), Attempts: 3}
		if _, err := d.Exec(ctx, insertJob, want.ID, want.Kind, want.Payload, nil, at, 3, time.Time{}, at); err != nil {
			t.Fatal(err)
		}
		got, err := db.One[job](ctx, d, `SELECT id, kind, payload, run_at, attempts, lease_until, worker FROM jobs WHERE id = ? AND kind <> 'a?b'`, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Payload.V["n"] != 7 {
			t.Errorf("payload = %v, want n=7", got.Payload.V)
		}
		got.Payload, want.Payload = db.JSON[map[string]int]{}, db.JSON[map[string]int]{}
		if got.ID != want.ID || got.Kind != want.Kind || !got.RunAt.Equal(want.RunAt) || got.RunAt.Location() != time.UTC || got.Attempts != 3 || !got.LeaseUntil.IsZero() || got.Worker != "" {
			t.Errorf("One() = %+v, want %+v", got, want)
		}
		latest, err := db.One[time.Time](ctx, d, `SELECT max(run_at) FROM jobs`)
		if err != nil || !latest.Equal(want.RunAt) {
			t.Errorf("max(run_at) = %v, %v, want %v", latest, err, want.RunAt)
		}
	})
}

func TestErrorsHaveKinds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		now := clock.System()
		add := func(key any) error {
			_, err := d.Exec(ctx, insertJob, id.New(), "k", db.ToJSON(map[string]int{}), key, now, 0, nil, now)
			return err
		}
		if err := add("one"); err != nil {
			t.Fatal(err)
		}
		if err := add("one"); !errors.Is(err, errs.Conflict) {
			t.Errorf("a second row under a unique key: %v, want conflict", err)
		}
		if _, err := db.One[job](ctx, d, `SELECT id FROM jobs WHERE kind = ?`, "none"); !errors.Is(err, errs.NotFound) {
			t.Errorf("no row: %v, want not found", err)
		}
		if err := d.ExecOne(ctx, `UPDATE jobs SET attempts = 1 WHERE kind = ?`, "none"); !errors.Is(err, errs.NotFound) {
			t.Errorf("no row touched: %v, want not found", err)
		}
	})
}

func TestTxTravelsInTheContext(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		now := clock.System()
		boom := errors.New("boom")
		woken := false
		err := d.Tx(ctx, func(ctx context.Context) error {
			return d.Tx(ctx, func(ctx context.Context) error {
				for range 3 { // the second use prepares the statement
					if _, err := d.Exec(ctx, insertJob, id.New(), "tx", db.ToJSON(map[string]int{}), nil, now, 0, nil, now); err != nil {
						return err
					}
				}
				if n, err := db.One[int](ctx, d, `SELECT count(*) FROM jobs`); err != nil || n != 3 {
					t.Errorf("inside: %d, %v, want 3", n, err)
				}
				d.AfterCommit(ctx, func() { woken = true })
				return boom
			})
		})
		if !errors.Is(err, boom) || woken {
			t.Errorf("Tx() = %v, woken %v; want boom and nobody woken", err, woken)
		}
		if n, err := db.One[int](ctx, d, `SELECT count(*) FROM jobs`); err != nil || n != 0 {
			t.Errorf("after rollback: %d, %v, want 0", n, err)
		}
	})
}

func TestInsertMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		var rows []any
		for i := range 3001 {
			rows = append(rows, int64(i), "person", id.New(), clock.System())
		}
		err := d.Tx(ctx, func(ctx context.Context) error {
			return d.InsertMany(ctx, "changes (seq, kind, entity, at)", 4, rows, "ON CONFLICT (seq) DO NOTHING")
		})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.One[int](ctx, d, `SELECT count(*) FROM changes`); err != nil || n != 3001 {
			t.Errorf("count = %d, %v, want 3001", n, err)
		}
	})
}
