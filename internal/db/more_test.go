package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
)

func TestASecondServerIsRefused(t *testing.T) {
	t.Parallel()
	path := "sqlite:" + filepath.Join(t.TempDir(), "a.db")
	open := func() *db.DB {
		d, err := db.Open(t.Context(), path, db.Options{Unsafe: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	first, second := open(), open()
	unlock, err := first.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Lock(); !errors.Is(err, errs.Conflict) {
		t.Errorf("a second lock: %v, want conflict", err)
	}
	unlock()
	again, err := second.Lock()
	if err != nil {
		t.Fatalf("after the first went: %v", err)
	}
	again()
}

func TestCachedForgetsWithTheCommit(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var c db.Cached[int]
	stored := 1
	read := func(ctx context.Context) int {
		v, err := c.Read(ctx, d, func(context.Context) (int, error) { return stored, nil })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	ctx := t.Context()
	read(ctx)
	boom := errors.New("boom")
	for _, fail := range []error{boom, nil} {
		before := read(ctx)
		err := d.Tx(ctx, func(ctx context.Context) error {
			stored++
			c.Forget(ctx, d)
			if got := read(ctx); got != stored {
				t.Errorf("inside the transaction: %d, want %d", got, stored)
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
		want := stored
		if fail != nil {
			stored, want = before, before
		}
		if got := read(ctx); got != want {
			t.Errorf("after %v: %d, want %d", fail, got, want)
		}
	}
}

func TestManyReadersOneWriter(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					if _, err := db.One[int](ctx, d, `SELECT count(*) FROM settings WHERE name <> ?`, "x"); err != nil {
						t.Error(err)
						return
					}
				}
			})
			wg.Go(func() {
				for range 20 {
					err := d.Tx(ctx, func(ctx context.Context) error {
						_, err := d.Exec(ctx, `UPDATE change_counter SET seq = seq + 1 WHERE id = 1`)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if n, err := db.One[int](ctx, d, `SELECT seq FROM change_counter`); err != nil || n != 80 {
			t.Errorf("80 transactions counted %d, %v", n, err)
		}
	})
}

func TestAQuestionMarkInTextIsNoPlaceholder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for range 3 { // the second use of a text is prepared
			got, err := db.One[string](t.Context(), d, `SELECT 'what?' || CAST(? AS TEXT)`, "!")
			if err != nil || got != "what?!" {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
}

func TestACancelledTransactionSaysSo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Tx(ctx, func(ctx context.Context) error {
			for i := range 1000 {
				if i == 3 {
					cancel()
				}
				if _, err := d.Exec(ctx, `UPDATE change_counter SET seq = seq + 1 WHERE id = 1`); err != nil {
					return errs.Wrap("test", err)
				}
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Tx() = %v, want cancelled", err)
		}
	})
}
