// Package dbtest gives each test a real, migrated database of its own: SQLite always, PostgreSQL too when one
// is found (AMICALE_TEST_POSTGRES). The real database is the test double.
package dbtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"amicale/internal/db"
)

// Each runs fn on a fresh SQLite database and, when there is a server, on a fresh PostgreSQL one.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, New(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, Postgres(t)) })
}

// template is a migrated SQLite file that fresh databases are copies of.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "amicale-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "t.db")
	d, err := db.Open(context.Background(), "sqlite:"+path, db.Options{Unsafe: true})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(context.Background()); err != nil {
		d.Close()
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// New is a fresh SQLite database.
func New(t testing.TB) *db.DB {
	t.Helper()
	content, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "amicale.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), "sqlite:"+path, db.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// pgTemplate migrates a template database once a process; fresh ones are clones of it.
var pgTemplate = sync.OnceValues(func() (string, error) {
	server := os.Getenv("AMICALE_TEST_POSTGRES")
	name := fmt.Sprintf("amicale_tpl_%d", os.Getpid())
	ctx := context.Background()
	admin, err := db.Open(ctx, server, db.Options{Readers: 2})
	if err != nil {
		return "", err
	}
	defer admin.Close()
	if _, err := admin.Exec(ctx, `CREATE DATABASE `+name); err != nil {
		return "", err
	}
	d, err := db.Open(ctx, withName(server, name), db.Options{Readers: 2})
	if err != nil {
		return "", err
	}
	defer d.Close()
	return name, d.Migrate(ctx)
})

// pgNext numbers the clones of this process.
var pgNext atomic.Int64

// Postgres is a fresh PostgreSQL database, or a skip that says why; with AMICALE_NO_SKIP it is a failure.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	server := os.Getenv("AMICALE_TEST_POSTGRES")
	if server == "" {
		Skip(t, "no PostgreSQL: set AMICALE_TEST_POSTGRES=postgres://… to run this on it")
	}
	tpl, err := pgTemplate()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("amicale_t_%d_%d", os.Getpid(), pgNext.Add(1))
	admin, err := db.Open(t.Context(), server, db.Options{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), `CREATE DATABASE `+name+` TEMPLATE `+tpl); err != nil {
		t.Fatal(err)
	}
	admin.Close()
	d, err := db.Open(t.Context(), withName(server, name), db.Options{Readers: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		ctx := context.Background()
		if admin, err := db.Open(ctx, server, db.Options{Readers: 1}); err == nil {
			_, _ = admin.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
			admin.Close()
		}
	})
	return d
}

func withName(server, name string) string {
	head, query, _ := strings.Cut(server, "?")
	at := strings.LastIndex(head, "/")
	out := head[:at+1] + name
	if query != "" {
		out += "?" + query
	}
	return out
}

// Skip skips with the reason, or fails where skipping is forbidden (AMICALE_NO_SKIP=1, as CI sets).
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("AMICALE_NO_SKIP") != "" {
		t.Fatal("skipping is forbidden here: " + reason)
	}
	t.Skip(reason)
}

// Samples is the folder of real inputs, or a skip.
func Samples(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("AMICALE_SAMPLES")
	if dir == "" {
		Skip(t, "no real inputs: set AMICALE_SAMPLES to their folder")
	}
	return dir
}
