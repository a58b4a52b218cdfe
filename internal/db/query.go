package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"amicale/internal/clock"
	"amicale/internal/errs"
)

func subMigrations() (fs.FS, error) { return fs.Sub(migrations, "migrations") }

type txKey struct{ d *DB }

// txn is the transaction in a context, with what to do once it is committed.
type txn struct {
	db    *DB // nil for a snapshot: its connection only reads, and kept statements are of the one that writes
	tx    *sql.Tx
	mu    sync.Mutex // one statement at a time on the connection
	stmts map[string]*stmt
	after []func()
}

type stmt struct {
	uses     int
	prepared *sql.Stmt
}

// Tx runs fn in one transaction, carried in the context that fn is given: every read and write made with that
// context joins it, and a nested Tx joins too. An error or a panic rolls everything back.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	if d.current(ctx) != nil {
		return fn(ctx)
	}
	d.keepWrites(ctx)
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("db.Tx: %w", classify(err))
	}
	t := &txn{db: d, tx: tx, stmts: map[string]*stmt{}}
	done := false
	defer func() {
		if !done {
			_ = tx.Rollback() // the error or panic under way says more
		}
	}()
	if err := fn(context.WithValue(ctx, txKey{d}, t)); err != nil {
		if gone := ctx.Err(); gone != nil && !errors.Is(err, gone) {
			return fmt.Errorf("db.Tx: %w: %w", gone, err) // the driver only says that the statement was closed under it
		}
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("db.Tx: %w", classify(err))
	}
	for _, f := range t.after {
		f()
	}
	return nil
}

// AfterCommit runs f once the transaction in the context is committed, at once when there is none. It is for
// waking somebody up: what must not be lost is a row.
func (d *DB) AfterCommit(ctx context.Context, f func()) {
	if t := d.current(ctx); t != nil {
		t.after = append(t.after, f)
		return
	}
	f()
}

func (d *DB) current(ctx context.Context) *txn {
	t, _ := ctx.Value(txKey{d}).(*txn)
	return t
}

// Exec runs a statement and says how many rows it touched.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	q, a := d.rewrite(query), clean(args)
	var res sql.Result
	var err error
	if t := d.current(ctx); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if s := t.statement(ctx, q, d.postgres); s != nil {
			res, err = s.ExecContext(ctx, a...)
		} else {
			res, err = t.tx.ExecContext(ctx, q, a...)
		}
	} else {
		res, err = d.write.ExecContext(ctx, q, a...)
	}
	if err != nil {
		return 0, classify(err)
	}
	return res.RowsAffected()
}

// ExecOne is Exec for a statement that must touch a row; touching none is NotFound.
func (d *DB) ExecOne(ctx context.Context, query string, args ...any) error {
	n, err := d.Exec(ctx, query, args...)
	if err == nil && n == 0 {
		return errs.NotFound
	}
	return err
}

// statement prepares a text that is used for the second time in a transaction, or was in an earlier one (pgx does so by
// itself).
func (t *txn) statement(ctx context.Context, q string, postgres bool) *sql.Stmt {
	if postgres {
		return nil
	}
	s := t.stmts[q]
	if s == nil {
		s = &stmt{}
		t.stmts[q] = s
		if t.db != nil {
			if kept := t.db.kept(q); kept != nil {
				s.prepared = t.tx.StmtContext(ctx, kept)
			}
		}
	}
	s.uses++
	if s.prepared == nil && s.uses > 1 {
		p, err := t.tx.PrepareContext(ctx, q)
		if err != nil {
			return nil
		}
		s.prepared = p
	}
	return s.prepared
}

func (d *DB) query(ctx context.Context, query string, args []any) (*sql.Rows, func(), error) {
	q, a := d.rewrite(query), clean(args)
	if t := d.current(ctx); t != nil {
		t.mu.Lock()
		var rows *sql.Rows
		var err error
		if s := t.statement(ctx, q, d.postgres); s != nil {
			rows, err = s.QueryContext(ctx, a...)
		} else {
			rows, err = t.tx.QueryContext(ctx, q, a...)
		}
		if err != nil {
			t.mu.Unlock()
			return nil, nil, classify(err)
		}
		return rows, t.mu.Unlock, nil
	}
	if writes(query) {
		rows, err := d.write.QueryContext(ctx, q, a...)
		return rows, func() {}, classify(err)
	}
	if s := d.prepared(ctx, q); s != nil {
		rows, err := s.QueryContext(ctx, a...)
		return rows, func() {}, classify(err)
	}
	rows, err := d.read.QueryContext(ctx, q, a...)
	return rows, func() {}, classify(err)
}

// keptTexts bounds how many texts are kept prepared; longer ones than keptLength are lists that seldom come again.
const (
	keptTexts  = 400
	keptLength = 2000
	keptWrite  = 12_000 // the longest of InsertMany
)

// prepared keeps the texts of reads prepared on SQLite, whose parser costs as much as a short query (pgx does so by
// itself). The first use of a text only counts it.
func (d *DB) prepared(ctx context.Context, q string) *sql.Stmt {
	if d.postgres || len(q) > keptLength {
		return nil
	}
	if v, ok := d.stmts.Load(q); ok {
		if s, ok := v.(*sql.Stmt); ok {
			return s
		}
		s, err := d.read.PrepareContext(ctx, q)
		if err != nil {
			return nil // running it will say why
		}
		if !d.stmts.CompareAndSwap(q, v, s) {
			s.Close()
			return nil
		}
		return s
	}
	if d.texts.Add(1) <= keptTexts {
		d.stmts.Store(q, true)
	}
	return nil
}

// kept is a text of transactions that is kept prepared on SQLite's one writing connection. The second transaction that
// asks for it has it prepared before the next one begins: within a transaction the connection is taken.
func (d *DB) kept(q string) *sql.Stmt {
	if len(q) > keptWrite {
		return nil
	}
	v, ok := d.kepts.Load(q)
	if s, prepared := v.(*sql.Stmt); prepared {
		return s
	}
	if ok {
		d.wanted.Store(q, true)
	} else if d.texts.Add(1) <= keptTexts {
		d.kepts.Store(q, true)
	}
	return nil
}

// keepWrites prepares what transactions asked for.
func (d *DB) keepWrites(ctx context.Context) {
	if d.postgres {
		return
	}
	d.wanted.Range(func(q, _ any) bool {
		if _, mine := d.wanted.LoadAndDelete(q); !mine {
			return true // another transaction that is about to begin prepares it
		}
		if s, err := d.write.PrepareContext(ctx, q.(string)); err == nil { // else running it will say why
			d.kepts.Store(q, s)
		}
		return true
	})
}

// writes tells a statement with RETURNING from a plain read.
func writes(q string) bool {
	q = strings.TrimSpace(q)
	if len(q) < 6 {
		return false
	}
	switch strings.ToUpper(q[:6]) {
	case "INSERT", "UPDATE", "DELETE":
		return true
	}
	return false
}

// rewrite turns `?` into `$1`, `$2`… for PostgreSQL; SQLite binds plain `?` fastest.
func (d *DB) rewrite(q string) string {
	if !d.postgres {
		return q
	}
	if v, ok := d.queries.Load(q); ok {
		return v.(string)
	}
	var b strings.Builder
	n, quoted := 0, false
	for i := 0; i < len(q); i++ {
		switch c := q[i]; {
		case c == '\'':
			quoted = !quoted
			b.WriteByte(c)
		case c == '?' && !quoted:
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		default:
			b.WriteByte(c)
		}
	}
	out := b.String()
	if n < 200 { // bulk texts are long and many; they are not worth keeping
		d.queries.Store(q, out)
	}
	return out
}

// clean brings arguments to what both engines store alike.
func clean(args []any) []any {
	for i, a := range args {
		switch v := a.(type) {
		case time.Time:
			if v.IsZero() {
				args[i] = nil
			} else {
				args[i] = clock.Trim(v)
			}
		case *time.Time:
			if v == nil || v.IsZero() {
				args[i] = nil
			} else {
				args[i] = clock.Trim(*v)
			}
		}
	}
	return args
}

// In is the `?,?,?` of an IN list of n values.
func In(n int) string {
	if n <= 0 {
		return "NULL"
	}
	return strings.Repeat("?,", n-1) + "?"
}

// Args makes an argument list from values of one type.
func Args[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// InsertMany inserts rows in batches: into is "table (a, b, c)", each row has its values in that order, tail is
// an ON CONFLICT clause or empty. It is for bulk loads; call it inside Tx.
func (d *DB) InsertMany(ctx context.Context, into string, columns int, rows []any, tail string) error {
	const maxArgs = 3000 // well below both engines' limit of bound values
	per := max(1, maxArgs/columns)
	one := "(" + In(columns) + ")"
	for start := 0; start < len(rows); start += per * columns {
		end := min(start+per*columns, len(rows))
		n := (end - start) / columns
		q := "INSERT INTO " + into + " VALUES " + strings.Repeat(one+",", n-1) + one + " " + tail
		if _, err := d.Exec(ctx, q, rows[start:end]...); err != nil {
			return err
		}
	}
	return nil
}

// classify maps a driver's error to the house's kinds by its code, never by its text.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return &errs.Error{Kind: errs.NotFound, Err: err}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "23505", "23503", "23001", "40001", "40P01":
			return &errs.Error{Kind: errs.Conflict, Err: err}
		case "53100":
			return &errs.Error{Kind: errs.Unavailable, Msg: errs.Message{Key: "web.disk_full"}, Err: err}
		case "53300", "57P01", "57P02", "57P03": // too many connections, shut down, crashed, starting
			return &errs.Error{Kind: errs.Unavailable, Err: err}
		}
		return err
	}
	if away(err) {
		return &errs.Error{Kind: errs.Unavailable, Err: err}
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch code := lite.Code(); {
		case code == sqlitelib.SQLITE_CONSTRAINT_UNIQUE, code == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY,
			code == sqlitelib.SQLITE_CONSTRAINT_FOREIGNKEY, code&0xff == sqlitelib.SQLITE_BUSY:
			return &errs.Error{Kind: errs.Conflict, Err: err}
		case code&0xff == sqlitelib.SQLITE_FULL, code&0xff == sqlitelib.SQLITE_IOERR:
			return &errs.Error{Kind: errs.Unavailable, Msg: errs.Message{Key: "web.disk_full"}, Err: err}
		}
	}
	return err
}

// away reports whether the server could not be reached, or the connection broke: another try may do.
func away(err error) bool {
	var wire *net.OpError
	var connect *pgconn.ConnectError
	return errors.As(err, &wire) || errors.As(err, &connect) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF)
}
