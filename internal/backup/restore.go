package backup

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"amicale/internal/blob"
	"amicale/internal/db"
	"amicale/internal/errs"
)

// What Restore refuses with; each is also an errs kind.
var (
	// ErrNotEmpty says that the database already holds something. It is errs.Conflict.
	ErrNotEmpty = errors.New("the database is not empty: restore into a new one")
	// ErrDamaged says that the backup was cut short or changed. It is errs.Invalid.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrNewer says that a newer program made the backup. It is errs.Invalid.
	ErrNewer = errors.New("the backup was made by a newer version of this program")
)

// Restore brings a backup back into an empty database, which it migrates, and puts its files where they were.
// Everything is checked against the manifest before anything counts; after an error the database is as empty as it
// was, and the files that it had put are gone again.
func Restore(ctx context.Context, d *db.DB, blobs blob.Store, r io.Reader) (Manifest, error) {
	in, err := open(r)
	if err != nil {
		return Manifest{}, refuse(err)
	}
	in.db, in.blobs = d, blobs
	err = in.prepare(ctx)
	if err == nil {
		err = d.Tx(ctx, in.restore)
	}
	if err != nil {
		return Manifest{}, refuse(errors.Join(err, in.removeBlobs(ctx)))
	}
	if err := d.Migrate(ctx); err != nil { // an older program's backup is brought up to date
		return in.seen, refuse(err)
	}
	return in.seen, refuse(d.Analyze(ctx))
}

// refuse adds the kind that a caller asks for.
func refuse(err error) error {
	const op = "backup.Restore"
	switch {
	case errors.Is(err, ErrNotEmpty):
		return errs.E(op, errs.Conflict, err)
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrNewer):
		return errs.E(op, errs.Invalid, err)
	}
	return errs.Wrap(op, err)
}

func damaged(text string, args ...any) error {
	return fmt.Errorf("%w: "+text, append([]any{ErrDamaged}, args...)...)
}

// reader takes a backup in, entry by entry.
type reader struct {
	db     *db.DB
	blobs  blob.Store
	tar    *tar.Reader
	header Header
	tables map[string]db.Table
	seen   Manifest // of what was read, to be compared with what the backup says of itself
	put    []string // keys of files that were not there before
}

// open reads as far as the header.
func open(r io.Reader) (*reader, error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return nil, damaged("%v", err)
	}
	in := &reader{tar: tar.NewReader(z), tables: map[string]db.Table{}, seen: Manifest{Rows: map[string]int{}}}
	h, err := in.tar.Next()
	if err != nil || h.Name != headerName {
		return nil, damaged("it does not begin with %s", headerName)
	}
	if err := in.readJSON(h, &in.header); err != nil {
		return nil, err
	}
	if in.header.Format > format {
		return nil, ErrNewer
	}
	for _, t := range in.header.Tables {
		in.tables[t.Name] = t
		in.seen.Rows[t.Name] = 0
	}
	return in, nil
}

// prepare makes sure that the database is empty and has the schema of the backup.
func (in *reader) prepare(ctx context.Context) error {
	latest, err := in.db.LatestSchema()
	if err != nil {
		return err
	}
	if in.header.Schema > latest {
		return ErrNewer
	}
	have, err := in.db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if have > 0 {
		if err := in.checkEmpty(ctx); err != nil {
			return err
		}
	}
	if have > in.header.Schema {
		return fmt.Errorf("%w, without tables: those here have version %d, those of the backup %d", ErrNotEmpty, have, in.header.Schema)
	}
	return in.db.MigrateTo(ctx, in.header.Schema)
}

// checkEmpty compares the tables with those of a new database, into which the migrations put a few rows.
func (in *reader) checkEmpty(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "amicale-empty")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	virgin, err := db.Open(ctx, "sqlite:"+filepath.Join(dir, "empty.db"), db.Options{Unsafe: true})
	if err != nil {
		return err
	}
	defer virgin.Close()
	if err := virgin.Migrate(ctx); err != nil {
		return err
	}
	want, err := counts(ctx, virgin)
	if err != nil {
		return err
	}
	have, err := counts(ctx, in.db)
	if err != nil {
		return err
	}
	for table, n := range have {
		if n > want[table] {
			return fmt.Errorf("%w (%d rows in %s)", ErrNotEmpty, n, table)
		}
	}
	return nil
}

func counts(ctx context.Context, d *db.DB) (map[string]int, error) {
	tables, err := d.Tables(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, t := range tables {
		if out[t.Name], err = db.One[int](ctx, d, `SELECT count(*) FROM "`+t.Name+`"`); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// restore runs in the one transaction.
func (in *reader) restore(ctx context.Context) error {
	here, err := in.db.Tables(ctx)
	if err != nil {
		return err
	}
	if err := in.checkTables(here); err != nil {
		return err
	}
	for _, t := range slices.Backward(here) { // the rows that the migrations put there are in the backup too
		if _, err := in.db.Exec(ctx, `DELETE FROM "`+t.Name+`"`); err != nil {
			return err
		}
	}
	for {
		h, err := in.tar.Next()
		if err != nil {
			return damaged("it ends before its manifest: %v", err)
		}
		switch {
		case h.Name == manifestName:
			return in.compare(h)
		case strings.HasPrefix(h.Name, tablesFolder):
			err = in.rows(ctx, h)
		case strings.HasPrefix(h.Name, blobsFolder):
			err = in.blob(ctx, h)
		default:
			err = damaged("it holds %q", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

// checkTables makes sure that every table and column of the backup is one of the database: their names become SQL.
func (in *reader) checkTables(here []db.Table) error {
	for _, t := range in.header.Tables {
		at := slices.IndexFunc(here, func(o db.Table) bool { return o.Name == t.Name })
		if at < 0 {
			return damaged("no table is called %q", t.Name)
		}
		for _, c := range t.Columns {
			if !slices.Contains(here[at].Columns, c) {
				return damaged("%s has no column %q of type %s", t.Name, c.Name, c.Type)
			}
		}
	}
	return nil
}

// compare holds what was read against what the backup says of itself.
func (in *reader) compare(h *tar.Header) error {
	files := in.seen.Files
	var said Manifest
	if err := in.readJSON(h, &said); err != nil {
		return err
	}
	in.seen.Files = files
	if !slices.Equal(files, said.Files) {
		for i, f := range said.Files {
			if i >= len(files) || files[i] != f {
				return damaged("%s is not what was saved", f.Name)
			}
		}
		return damaged("it holds more than was saved")
	}
	for table, n := range said.Rows {
		if in.seen.Rows[table] != n {
			return damaged("%d rows of %s, want %d", in.seen.Rows[table], table, n)
		}
	}
	if in.seen.Blobs != said.Blobs {
		return damaged("%d files, want %d", in.seen.Blobs, said.Blobs)
	}
	return nil
}

// content is an entry that notes its checksum once it was read to the end.
func (in *reader) content(h *tar.Header) (r io.Reader, done func() error) {
	sum := sha256.New()
	return io.TeeReader(in.tar, sum), func() error {
		if _, err := io.Copy(sum, in.tar); err != nil {
			return damaged("%s: %v", h.Name, err)
		}
		in.seen.Files = append(in.seen.Files, File{h.Name, h.Size, digest(sum)})
		return nil
	}
}

func (in *reader) readJSON(h *tar.Header, v any) error {
	r, done := in.content(h)
	if err := json.NewDecoder(r).Decode(v); err != nil {
		return damaged("%s: %v", h.Name, err)
	}
	return done()
}

// rowsAtOnce bounds what is held of a part besides the part itself.
const rowsAtOnce = 1000

func (in *reader) rows(ctx context.Context, h *tar.Header) error {
	name, _, _ := strings.Cut(strings.TrimPrefix(h.Name, tablesFolder), "/")
	t, ok := in.tables[name]
	if !ok {
		return damaged("it does not say what %s is", h.Name)
	}
	r, done := in.content(h)
	lines := json.NewDecoder(r)
	lines.UseNumber()
	var args []any
	n := 0
	insert := func() error {
		err := in.db.InsertMany(ctx, t.Into(), len(t.Columns), args, "")
		args = args[:0]
		return err
	}
	for {
		var row []any
		err := lines.Decode(&row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(row) != len(t.Columns) {
			return damaged("%s, row %d", h.Name, n+1)
		}
		for i, v := range row {
			if row[i], err = decode(t.Columns[i].Type, v); err != nil {
				return damaged("%s, row %d, %s", h.Name, n+1, t.Columns[i].Name)
			}
		}
		args = append(args, row...)
		if n++; n%rowsAtOnce == 0 {
			if err := insert(); err != nil {
				return err
			}
		}
	}
	in.seen.Rows[name] += n
	if err := insert(); err != nil {
		return err
	}
	return done()
}

// decode makes a value of a column from its JSON form.
func decode(columnType string, v any) (any, error) {
	switch x := v.(type) {
	case nil, bool:
		return x, nil
	case json.Number:
		if columnType == "DOUBLE PRECISION" {
			return x.Float64()
		}
		return x.Int64()
	case string:
		switch columnType {
		case "BYTEA":
			return base64.StdEncoding.DecodeString(x)
		case "TIMESTAMP":
			return time.Parse(time.RFC3339Nano, x)
		case "DATE":
			return time.Parse(time.DateOnly, x)
		}
		return x, nil
	}
	return nil, fmt.Errorf("%T", v)
}

func (in *reader) blob(ctx context.Context, h *tar.Header) error {
	key := strings.TrimPrefix(h.Name, blobsFolder)
	_, err := in.blobs.Stat(ctx, key)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return err
	}
	if err != nil {
		in.put = append(in.put, key)
	}
	r, done := in.content(h)
	if err := in.blobs.Put(ctx, key, r, h.Size, h.PAXRecords[typeRecord]); err != nil {
		return err
	}
	in.seen.Blobs++
	return done()
}

// removeBlobs takes back what was put, also when ctx is over.
func (in *reader) removeBlobs(ctx context.Context) error {
	var all error
	for _, key := range in.put {
		all = errors.Join(all, in.blobs.Delete(context.WithoutCancel(ctx), key))
	}
	return all
}
