package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"amicale/internal/errs"
)

// One reads one row into a T: a struct whose fields match the columns by name (tag `db:"…"`, else the field's
// name in snake case; embedded structs are flattened), or a single value. No row is NotFound.
func One[T any](ctx context.Context, d *DB, query string, args ...any) (T, error) {
	var out T
	found := false
	err := Each(ctx, d, query, args, func(v *T) error {
		if !found {
			out, found = *v, true
		}
		return nil
	})
	if err == nil && !found {
		err = errs.NotFound
	}
	return out, err
}

// All reads every row into a slice of T.
func All[T any](ctx context.Context, d *DB, query string, args ...any) ([]T, error) {
	var out []T
	err := Each(ctx, d, query, args, func(v *T) error {
		out = append(out, *v)
		return nil
	})
	return out, err
}

// Each streams rows into fn, which must not keep the pointer. Inside a transaction fn must not query again:
// there is one connection.
func Each[T any](ctx context.Context, d *DB, query string, args []any, fn func(*T) error) error {
	rows, release, err := d.query(ctx, query, args)
	if err != nil {
		return err
	}
	defer release()
	defer rows.Close()
	var v T
	dests, err := destinations(reflect.ValueOf(&v).Elem(), rows)
	if err != nil {
		return err
	}
	var zero T
	for rows.Next() {
		v = zero
		if err := rows.Scan(dests...); err != nil {
			return fmt.Errorf("db: %w", err)
		}
		if err := fn(&v); err != nil {
			return err
		}
	}
	return classify(rows.Err())
}

type planKey struct {
	t    reflect.Type
	cols string
}

// plans caches which field each column goes to. It is a cache of facts about types, not state.
var plans sync.Map // planKey → [][]int

func destinations(v reflect.Value, rows *sql.Rows) ([]any, error) {
	cols, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("db: %w", err)
	}
	t := v.Type()
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || isScanner(v) {
		if len(cols) != 1 {
			return nil, fmt.Errorf("db: %d columns for one %s", len(cols), t)
		}
		return []any{dest(v)}, nil
	}
	key := planKey{t, strings.Join(cols, ",")}
	plan, ok := plans.Load(key)
	if !ok {
		fields := map[string][]int{}
		walk(t, nil, fields)
		p := make([][]int, len(cols))
		for i, c := range cols {
			if p[i], ok = fields[c]; !ok {
				return nil, fmt.Errorf("db: %s has no field for column %s", t, c)
			}
		}
		plan, _ = plans.LoadOrStore(key, p)
	}
	out := make([]any, len(cols))
	for i, index := range plan.([][]int) {
		out[i] = dest(v.FieldByIndex(index))
	}
	return out, nil
}

func walk(t reflect.Type, at []int, fields map[string][]int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, at...), i)
		tag := f.Tag.Get("db")
		if f.Anonymous && f.Type.Kind() == reflect.Struct && tag == "" {
			walk(f.Type, index, fields)
			continue
		}
		if !f.IsExported() || tag == "-" {
			continue
		}
		if tag == "" {
			tag = snake(f.Name)
		}
		if _, taken := fields[tag]; !taken {
			fields[tag] = index
		}
	}
}

func snake(s string) string {
	var b strings.Builder
	for i, r := range s {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (s[i-1] < 'A' || s[i-1] > 'Z' || i+1 < len(s) && s[i+1] >= 'a' && s[i+1] <= 'z') {
			b.WriteByte('_')
		}
		if upper {
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isScanner(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(sql.Scanner)
	return ok
}

func dest(v reflect.Value) any {
	if isScanner(v) {
		return v.Addr().Interface()
	}
	return cell{v}
}

// cell reads a column into a plain field; NULL is the zero value.
type cell struct{ v reflect.Value }

func (c cell) Scan(src any) error {
	if src == nil {
		c.v.SetZero()
		return nil
	}
	if c.v.Type() == reflect.TypeFor[time.Time]() {
		t, err := toTime(src)
		if err == nil {
			c.v.Set(reflect.ValueOf(t))
		}
		return err
	}
	switch c.v.Kind() {
	case reflect.String:
		return c.text(src)
	case reflect.Bool:
		return c.boolean(src)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return c.integer(src)
	case reflect.Float64:
		return c.float(src)
	case reflect.Slice:
		if b, ok := src.([]byte); ok && c.v.Type().Elem().Kind() == reflect.Uint8 {
			c.v.SetBytes(append([]byte(nil), b...))
			return nil
		}
		if s, ok := src.(string); ok && c.v.Type().Elem().Kind() == reflect.Uint8 {
			c.v.SetBytes([]byte(s))
			return nil
		}
	}
	return fmt.Errorf("%T does not fit %s", src, c.v.Type())
}

func (c cell) text(src any) error {
	switch s := src.(type) {
	case string:
		c.v.SetString(s)
	case []byte:
		c.v.SetString(string(s))
	case int64:
		c.v.SetString(strconv.FormatInt(s, 10))
	default:
		return fmt.Errorf("%T does not fit text", src)
	}
	return nil
}

func (c cell) boolean(src any) error {
	switch b := src.(type) {
	case bool:
		c.v.SetBool(b)
	case int64:
		c.v.SetBool(b != 0)
	default:
		return fmt.Errorf("%T does not fit a boolean", src)
	}
	return nil
}

func (c cell) integer(src any) error {
	n, ok := src.(int64)
	if !ok {
		var s string
		switch x := src.(type) {
		case string:
			s = x
		case []byte:
			s = string(x)
		case float64:
			s = strconv.FormatFloat(x, 'f', -1, 64)
		case bool:
			s = map[bool]string{true: "1", false: "0"}[x]
		}
		var err error
		if n, err = strconv.ParseInt(s, 10, 64); err != nil {
			return fmt.Errorf("%T does not fit an integer", src)
		}
	}
	if c.v.CanUint() {
		c.v.SetUint(uint64(n))
	} else {
		c.v.SetInt(n)
	}
	return nil
}

func (c cell) float(src any) error {
	switch f := src.(type) {
	case float64:
		c.v.SetFloat(f)
	case int64:
		c.v.SetFloat(float64(f))
	default:
		x, err := strconv.ParseFloat(fmt.Sprintf("%s", src), 64)
		if err != nil {
			return fmt.Errorf("%T does not fit a number", src)
		}
		c.v.SetFloat(x)
	}
	return nil
}

// toTime reads a time; an expression over times arrives as text on SQLite.
func toTime(src any) (time.Time, error) {
	switch x := src.(type) {
	case time.Time:
		return x.UTC(), nil
	case []byte:
		return parseTime(string(x))
	case string:
		return parseTime(x)
	}
	return time.Time{}, fmt.Errorf("%T does not fit a time", src)
}

func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999", "2006-01-02", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time", s)
}

// JSON is a column that holds an object or an array; the two engines treat bare scalars differently.
type JSON[T any] struct{ V T }

// Scan reads the column; NULL is the zero value.
func (j *JSON[T]) Scan(src any) error {
	var zero T
	j.V = zero
	switch b := src.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(b, &j.V)
	case string:
		return json.Unmarshal([]byte(b), &j.V)
	}
	return fmt.Errorf("%T does not fit JSON", src)
}
