package db

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"amicale/internal/clock"
	"amicale/internal/errs"
)

// Snapshot runs fn in a read-only transaction in which the whole database stands still, as it was when the first
// statement ran; writers go on meanwhile. Everything read with the context that fn is given sees that moment.
func (d *DB) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	var o *sql.TxOptions // SQLite in WAL mode: every read transaction is a snapshot
	if d.postgres {
		o = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := d.read.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("db.Snapshot: %w", classify(err))
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return fn(context.WithValue(ctx, txKey{d}, &txn{tx: tx, stmts: map[string]*stmt{}}))
}

// Table is a table with the columns that can be written.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Column has a type of the migrations' DDL: UUID, TEXT, BIGINT, BOOLEAN, BYTEA, DOUBLE PRECISION, TIMESTAMP, DATE
// or JSON.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// names is the quoted list of the columns, in their order.
func (t Table) names() string {
	var b strings.Builder
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + c.Name + `"`)
	}
	return b.String()
}

// Into is the table and its columns as InsertMany takes them.
func (t Table) Into() string { return `"` + t.Name + `" (` + t.names() + `)` }

const (
	liteTables = `
		SELECT m.name AS owner, x.name, x.type FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'goose_db_version' AND x.hidden = 0
		ORDER BY m.name, x.cid`
	liteParents = `
		SELECT m.name AS owner, f."table" AS name, '' AS type FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
		WHERE m.type = 'table'`
	postgresTables = `
		SELECT c.table_name AS owner, c.column_name AS name, c.data_type AS type FROM information_schema.columns c
		JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
		WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name <> 'goose_db_version' AND c.is_generated = 'NEVER'
		ORDER BY c.table_name, c.ordinal_position`
	postgresParents = `
		SELECT a.relname AS owner, b.relname AS name, '' AS type FROM pg_constraint k
		JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
		WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace`
)

// Tables are all that the migrations made, those that others refer to first. A database that was never migrated
// has none.
func (d *DB) Tables(ctx context.Context) ([]Table, error) {
	tables, parents := liteTables, liteParents
	if d.postgres {
		tables, parents = postgresTables, postgresParents
	}
	type row struct{ Owner, Name, Type string }
	columns, err := All[row](ctx, d, tables)
	if err != nil {
		return nil, errs.Wrap("db.Tables", err)
	}
	links, err := All[row](ctx, d, parents)
	if err != nil {
		return nil, errs.Wrap("db.Tables", err)
	}
	var list []Table
	for _, c := range columns {
		if len(list) == 0 || list[len(list)-1].Name != c.Owner {
			list = append(list, Table{Name: c.Owner})
		}
		t := &list[len(list)-1]
		t.Columns = append(t.Columns, Column{c.Name, typeOf(c.Type)})
	}
	slices.SortFunc(list, func(a, b Table) int { return strings.Compare(a.Name, b.Name) }) // one order, whatever the collation
	refersTo := map[string][]string{}
	for _, l := range links {
		refersTo[l.Owner] = append(refersTo[l.Owner], l.Name)
	}
	return parentsFirst(list, refersTo), nil
}

// typeOf is the DDL's word for a type, as both engines tell it.
func typeOf(s string) string {
	s = strings.ToUpper(s)
	if strings.HasPrefix(s, "TIMESTAMP") {
		return "TIMESTAMP"
	}
	return s
}

func parentsFirst(list []Table, refersTo map[string][]string) []Table {
	byName := map[string]Table{}
	for _, t := range list {
		byName[t.Name] = t
	}
	var out []Table
	done := map[string]bool{}
	var visit func(t Table)
	visit = func(t Table) {
		if done[t.Name] || t.Name == "" {
			return
		}
		done[t.Name] = true
		for _, p := range refersTo[t.Name] {
			visit(byName[p])
		}
		out = append(out, t)
	}
	for _, t := range list {
		visit(t)
	}
	return out
}

// Rows streams a table. A value is nil, a string (UUID, TEXT, JSON), int64, bool, float64, []byte or time.Time; fn
// must not keep the slice.
func (d *DB) Rows(ctx context.Context, t Table, fn func(values []any) error) error {
	rows, release, err := d.query(ctx, `SELECT `+t.names()+` FROM "`+t.Name+`"`, nil)
	if err != nil {
		return errs.Wrap("db.Rows "+t.Name, err)
	}
	defer release()
	defer rows.Close()
	cells, dests, values := make([]typed, len(t.Columns)), make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i, c := range t.Columns {
		cells[i].column, dests[i] = c, &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(dests...); err != nil {
			return errs.Wrap("db.Rows "+t.Name, err)
		}
		for i := range cells {
			values[i] = cells[i].value
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	return errs.Wrap("db.Rows "+t.Name, classify(rows.Err()))
}

// typed reads a column as its type, NULL included.
type typed struct {
	column Column
	value  any
}

func (c *typed) Scan(src any) error {
	if b, ok := src.([]byte); ok && c.column.Type != "BYTEA" {
		src = string(b)
	}
	var err error
	switch x := src.(type) {
	case nil:
		c.value = nil
	case []byte:
		c.value = slices.Clone(x)
	default:
		c.value, err = c.convert(x)
	}
	return err
}

func (c *typed) convert(src any) (any, error) {
	switch c.column.Type {
	case "UUID", "TEXT", "JSON":
		return as[string](src)
	case "BIGINT":
		return as[int64](src)
	case "BOOLEAN":
		return as[bool](src)
	case "DOUBLE PRECISION":
		return as[float64](src)
	case "TIMESTAMP", "DATE":
		t, err := toTime(src)
		return clock.Trim(t), err
	}
	return nil, fmt.Errorf("%s: no column of a migration is %s", c.column.Name, c.column.Type)
}

func as[T any](src any) (any, error) {
	var v T
	err := cell{reflect.ValueOf(&v).Elem()}.Scan(src)
	return v, err
}

// SchemaVersion is the number of the newest migration that the database has seen; 0 when none.
func (d *DB) SchemaVersion(ctx context.Context) (int64, error) {
	tables, err := d.Tables(ctx)
	if err != nil || len(tables) == 0 {
		return 0, err
	}
	n, err := One[int64](ctx, d, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`)
	return n, errs.Wrap("db.SchemaVersion", err)
}

// LatestSchema is the number of this program's newest migration.
func (d *DB) LatestSchema() (int64, error) {
	p, err := d.goose()
	if err != nil {
		return 0, err
	}
	list := p.ListSources()
	return list[len(list)-1].Version, nil
}

// MigrateTo brings the schema up to that of an older program, for its backup; Migrate goes on from there.
func (d *DB) MigrateTo(ctx context.Context, version int64) error {
	p, err := d.goose()
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fmt.Errorf("db.MigrateTo %d: %w", version, classify(err))
	}
	return nil
}
