// Package db is the one place that knows which database runs: SQLite (default) or PostgreSQL.
//
// It owns the connection pools, the transaction carried in the context, the rewriting of `?` placeholders, the
// reading of rows into structs, and the migrations. Statements are one text for both engines; identifiers and
// times are made in Go. Times go in and come out in UTC, whole microseconds; a zero time or identifier is NULL.
package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	pgxstdlib "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // registers "sqlite"

	"amicale/internal/errs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is a database with its pools. It is safe for concurrent use.
type DB struct {
	write    *sql.DB // SQLite: one connection, immediate transactions
	read     *sql.DB // SQLite: several, query only; PostgreSQL: the same pool as write
	postgres bool
	path     string   // SQLite file; empty on PostgreSQL
	queries  sync.Map // text with ? → text for the engine
	stmts    sync.Map // text of a read → *sql.Stmt, or true after its first use
	kepts    sync.Map // text of a transaction's statement → *sql.Stmt on the writing connection, or true after its first use
	wanted   sync.Map // text of a transaction's statement that the next one finds prepared → true
	texts    atomic.Int64
	closers  []func()
}

// Options tune a database. The zero value is right for production.
type Options struct {
	// Readers is the size of the reader pool; 0 means 4 on SQLite, 16 on PostgreSQL.
	Readers int
	// Unsafe lets SQLite skip fsync. For tests and throw-away measurements only: a power cut may lose data.
	Unsafe bool
}

// Open opens `sqlite:PATH` or `postgres://…` without migrating it.
func Open(ctx context.Context, target string, o Options) (*DB, error) {
	if path, ok := strings.CutPrefix(target, "sqlite:"); ok {
		return openSQLite(ctx, path, o)
	}
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		return openPostgres(ctx, target, o)
	}
	return nil, fmt.Errorf("db.Open: %q is neither sqlite:PATH nor postgres://…", redact(target))
}

func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	sync := "FULL" // what was acknowledged survives a power cut
	if o.Unsafe {
		sync = "OFF"
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous(" + sync + ")" +
		"&_pragma=cache_size(-16384)&_time_format=sqlite&_timezone=UTC"
	w, err := sql.Open("sqlite", dsn+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	w.SetMaxOpenConns(1)
	if err := w.PingContext(ctx); err != nil {
		w.Close()
		return nil, fmt.Errorf("db.Open %s: %w", path, err)
	}
	r, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	n := o.Readers
	if n == 0 {
		n = 4
	}
	r.SetMaxOpenConns(n)
	r.SetMaxIdleConns(n)
	return &DB{write: w, read: r, path: path}, nil
}

// private makes a new file for its owner alone, whatever the folder and the umask allow; SQLite gives its journal the
// same mode. A file that is there keeps the mode its operator gave it, and is not opened here: closing it again would
// drop the locks that this process may hold on it (fcntl(2)).
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func openPostgres(ctx context.Context, target string, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(target)
	if err != nil {
		return nil, fmt.Errorf("db.Open: the postgres address cannot be read")
	}
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.MaxConns = int32(o.Readers)
	if o.Readers == 0 {
		cfg.MaxConns = 16
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	w := pgxstdlib.OpenDBFromPool(pool)
	if err := w.PingContext(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	w.SetMaxOpenConns(int(cfg.MaxConns))
	return &DB{write: w, read: w, postgres: true, closers: []func(){pool.Close}}, nil
}

func redact(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "…"
	}
	return u.Redacted()
}

// Migrate brings the schema up to this program's. Several processes may call it at once on PostgreSQL.
func (d *DB) Migrate(ctx context.Context) error {
	p, err := d.goose()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("db.Migrate: %w", classify(err))
	}
	return nil
}

func (d *DB) goose() (*goose.Provider, error) {
	sub, err := subMigrations()
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithSlog(slog.New(slog.DiscardHandler))}
	dialect := goose.DialectSQLite3
	if d.postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("db.Migrate: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, d.write, sub, opts...)
	if err != nil {
		return nil, fmt.Errorf("db.Migrate: %w", err)
	}
	return p, nil
}

// Close gives the connections back.
func (d *DB) Close() error {
	for _, prepared := range []*sync.Map{&d.stmts, &d.kepts} {
		prepared.Range(func(_, v any) bool {
			if s, ok := v.(*sql.Stmt); ok {
				s.Close()
			}
			return true
		})
	}
	err := d.write.Close()
	if d.read != d.write {
		if e := d.read.Close(); err == nil {
			err = e
		}
	}
	for _, c := range d.closers {
		c()
	}
	return err
}

// Postgres reports which engine runs; for `backup`, `doctor` and the tests of this package's promises.
func (d *DB) Postgres() bool { return d.postgres }

// Pools are the connection pools by name, for the metrics.
func (d *DB) Pools() map[string]*sql.DB {
	if d.postgres {
		return map[string]*sql.DB{"postgres": d.write}
	}
	return map[string]*sql.DB{"write": d.write, "read": d.read}
}

// Path is the SQLite file, empty on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Ping tells whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := One[int](ctx, d, `SELECT 1`)
	return errs.Wrap("db.Ping", err)
}

// Analyze refreshes the planner's statistics after a bulk load. SQLite's samples of values are dropped again: with them
// it plans a statement anew for every value it is given, which takes longer than running it.
func (d *DB) Analyze(ctx context.Context) error {
	_, err := d.Exec(ctx, `ANALYZE`)
	if err == nil && !d.postgres {
		_, err = d.Exec(ctx, `DROP TABLE IF EXISTS sqlite_stat4`)
	}
	return err
}
