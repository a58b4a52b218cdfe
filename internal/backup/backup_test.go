package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/backup"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// everyType has each type of a migration's column, and refers to itself and to another table.
var everyType = []string{
	`CREATE TABLE zoo (id UUID PRIMARY KEY, label TEXT NOT NULL UNIQUE)`,
	`CREATE TABLE animals (id UUID PRIMARY KEY, zoo_id UUID REFERENCES zoo (id), "order" BIGINT, tame BOOLEAN, picture BYTEA, weight DOUBLE PRECISION,
		born DATE, seen_at TIMESTAMP, note JSON, name TEXT, name_length BIGINT GENERATED ALWAYS AS (length(name)) STORED,
		mother UUID REFERENCES animals (id) DEFERRABLE INITIALLY DEFERRED)`,
}

func fill(t *testing.T, d *db.DB) {
	t.Helper()
	ctx := t.Context()
	for _, q := range everyType {
		if _, err := d.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	if d.Path() == "" && !d.Postgres() {
		t.Fatal("no database")
	}
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := d.Exec(ctx, q, args...); err != nil {
			t.Fatal(err)
		}
	}
	zoo, mother, child := id.New(), id.New(), id.New()
	at := time.Date(2026, 6, 1, 12, 30, 15, 123456000, time.UTC)
	insert := `INSERT INTO animals (id, zoo_id, "order", tame, picture, weight, born, seen_at, note, name, mother) VALUES (` + db.In(11) + `)`
	exec(`INSERT INTO zoo (id, label) VALUES (?, ?)`, zoo, "<Tête d'Or> & \"co\"\u2028\n\t😀")
	err := d.Tx(ctx, func(ctx context.Context) error { // the child comes before its mother
		if _, err := d.Exec(ctx, insert, child, zoo, int64(9007199254740993), true, []byte{0, 1, 0xff, '\''}, 0.1, at.Truncate(24*time.Hour), at,
			db.ToJSON(map[string]any{"a": []int{1, 2}, "é": "</script>"}), "", mother); err != nil {
			return err
		}
		_, err := d.Exec(ctx, insert, mother, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		exec(`INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?)`, fmt.Sprint("s", i), db.ToJSON([]string{strings.Repeat("x", 3000)}), at)
	}
}

// dump is what a backup holds, table by table, whatever the order of the rows.
func dump(t *testing.T, archive []byte) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for name, content := range entries(t, archive) {
		switch {
		case strings.HasPrefix(name, "tables/"):
			table := strings.Split(name, "/")[1]
			out[table] = append(out[table], strings.Split(strings.TrimSpace(string(content)), "\n")...)
		case strings.HasPrefix(name, "blobs/"):
			out[name] = []string{string(content)}
		}
	}
	for _, rows := range out {
		slices.Sort(rows)
	}
	return out
}

func entries(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func disk(t *testing.T, files map[string]string) blob.Store {
	t.Helper()
	s, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for key, content := range files {
		if err := s.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), "image/jpeg"); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func save(t *testing.T, d *db.DB, blobs blob.Store) ([]byte, backup.Manifest) {
	t.Helper()
	var b bytes.Buffer
	m, err := backup.Backup(t.Context(), d, blobs, &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m
}

func engines() map[string]func(testing.TB) *db.DB {
	return map[string]func(testing.TB) *db.DB{"sqlite": dbtest.New, "postgres": dbtest.Postgres}
}

func TestThereAndBack(t *testing.T) {
	t.Parallel()
	files := map[string]string{"photo/a": strings.Repeat("jpeg", 10_000), "photo/é b": "", "cv/" + strings.Repeat("long/", 30) + "z": "pdf"}
	for from, open := range engines() {
		for into, reopen := range engines() {
			t.Run(from+" into "+into, func(t *testing.T) {
				t.Parallel()
				source, target := open(t), reopen(t)
				fill(t, source)
				for _, q := range everyType {
					if _, err := target.Exec(t.Context(), q); err != nil {
						t.Fatal(err)
					}
				}
				archive, saved := save(t, source, disk(t, files))
				blobs := disk(t, nil)
				restored, err := backup.Restore(t.Context(), target, blobs, bytes.NewReader(archive))
				if err != nil {
					t.Fatal(err)
				}
				if !maps.Equal(saved.Rows, restored.Rows) || saved.Rows["settings"] != 3000 || saved.Rows["animals"] != 2 || restored.Blobs != 3 {
					t.Errorf("saved %v, restored %v", saved.Rows, restored.Rows)
				}
				again, _ := save(t, target, blobs)
				want, got := dump(t, archive), dump(t, again)
				for _, table := range slices.Sorted(maps.Keys(want)) {
					if !slices.Equal(want[table], got[table]) {
						t.Errorf("%s came back as\n%.500q\nwant\n%.500q", table, got[table], want[table])
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d tables and files came back, want %d", len(got), len(want))
				}
				if info, err := blobs.Stat(t.Context(), "photo/a"); err != nil || info.ContentType != "image/jpeg" || info.Size != 40_000 {
					t.Errorf("Stat() = %+v, %v", info, err)
				}
				if n, err := db.One[int](t.Context(), target, `SELECT count(*) FROM animals WHERE tame AND weight = 0.1 AND name_length = 0 AND mother IS NOT NULL AND "order" = 9007199254740993`); err != nil || n != 1 {
					t.Errorf("the child: %d, %v", n, err)
				}
			})
		}
	}
}

// Every transaction adds a job and the line of the trail that tells of it: at no moment is there one without the other.
func TestTheRowsAreOfOneMoment(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var mu sync.Mutex
		written := 0
		for range 3 {
			wg.Go(func() {
				for ctx.Err() == nil {
					err := d.Tx(t.Context(), func(ctx context.Context) error {
						job, now := id.New(), clock.System()
						if _, err := d.Exec(ctx, `INSERT INTO jobs (id, kind, payload, run_at, attempts, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
							job, "k", db.ToJSON(map[string]int{}), now, 0, now); err != nil {
							return err
						}
						_, err := d.Exec(ctx, `INSERT INTO audit (id, at, actor, action, object) VALUES (?, ?, ?, ?, ?)`, id.New(), now, "a", "b", job.String())
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					written++
					mu.Unlock()
				}
			})
		}
		before := 0
		for before < 50 {
			mu.Lock()
			before = written
			mu.Unlock()
		}
		for range 5 {
			_, m := save(t, d, disk(t, nil))
			if m.Rows["jobs"] != m.Rows["audit"] || m.Rows["jobs"] < before {
				t.Errorf("%d jobs, %d lines of the trail, %d before", m.Rows["jobs"], m.Rows["audit"], before)
			}
		}
		mu.Lock()
		after := written
		mu.Unlock()
		if after == before {
			t.Error("nothing was written during the backups")
		}
		stop()
		wg.Wait()
	})
}

func TestRestoreIntoAnEmptyDatabaseOnly(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		archive, _ := save(t, d, disk(t, map[string]string{"a": "b"}))
		if _, err := d.Exec(t.Context(), `INSERT INTO settings (name, value, updated_at) VALUES ('x', '{}', ?)`, clock.System()); err != nil {
			t.Fatal(err)
		}
		blobs := disk(t, nil)
		_, err := backup.Restore(t.Context(), d, blobs, bytes.NewReader(archive))
		if !errors.Is(err, backup.ErrNotEmpty) || !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "settings") {
			t.Errorf("Restore() = %v, want not empty", err)
		}
		if _, err := blobs.Stat(t.Context(), "a"); !errors.Is(err, errs.NotFound) {
			t.Errorf("a file was put: %v", err)
		}
	})
}

func TestRestoreIntoANewFile(t *testing.T) {
	t.Parallel()
	source := dbtest.New(t)
	if _, err := source.Exec(t.Context(), `INSERT INTO settings (name, value, updated_at) VALUES ('x', '{}', ?)`, clock.System()); err != nil {
		t.Fatal(err)
	}
	archive, _ := save(t, source, disk(t, nil))
	fresh, err := db.Open(t.Context(), "sqlite:"+t.TempDir()+"/new.db", db.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fresh.Close() })
	if _, err := backup.Restore(t.Context(), fresh, disk(t, nil), bytes.NewReader(archive)); err != nil {
		t.Fatal(err)
	}
	if n, err := db.One[int](t.Context(), fresh, `SELECT count(*) FROM settings`); err != nil || n != 1 {
		t.Errorf("%d settings, %v; want 1", n, err)
	}
}

// rewrite makes another archive of one, entry by entry; a nil content leaves the entry out.
func rewrite(t *testing.T, archive []byte, change func(name string, content []byte) []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	w := tar.NewWriter(zw)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if content = change(h.Name, content); content == nil {
			continue
		}
		h.Size = int64(len(content))
		if err := errors.Join(w.WriteHeader(h), func() error { _, err := w.Write(content); return err }()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	source := dbtest.New(t)
	if _, err := source.Exec(t.Context(), `INSERT INTO settings (name, value, updated_at) VALUES ('x', '{}', ?)`, clock.System()); err != nil {
		t.Fatal(err)
	}
	archive, _ := save(t, source, disk(t, map[string]string{"photo/a": "jpeg", "photo/b": "jpeg"}))
	header := func(change func(h *backup.Header)) func(string, []byte) []byte {
		return func(name string, content []byte) []byte {
			if name != "header.json" {
				return content
			}
			var h backup.Header
			if err := json.Unmarshal(content, &h); err != nil {
				t.Fatal(err)
			}
			change(&h)
			b, _ := json.Marshal(h)
			return b
		}
	}
	only := func(which, old, now string) func(string, []byte) []byte {
		return func(name string, content []byte) []byte {
			if strings.HasPrefix(name, which) {
				return bytes.Replace(content, []byte(old), []byte(now), 1)
			}
			return content
		}
	}
	without := func(which string) func(string, []byte) []byte {
		return func(name string, content []byte) []byte {
			if strings.HasPrefix(name, which) {
				return nil
			}
			return content
		}
	}
	for name, c := range map[string]struct {
		archive []byte
		want    error
	}{
		"no gzip":              {[]byte("hello"), backup.ErrDamaged},
		"nothing":              {nil, backup.ErrDamaged},
		"cut short":            {archive[:len(archive)*2/3], backup.ErrDamaged},
		"without manifest":     {rewrite(t, archive, without("manifest")), backup.ErrDamaged},
		"without header":       {rewrite(t, archive, without("header")), backup.ErrDamaged},
		"without a file":       {rewrite(t, archive, without("blobs/photo/b")), backup.ErrDamaged},
		"without a table":      {rewrite(t, archive, without("tables/settings")), backup.ErrDamaged},
		"another value":        {rewrite(t, archive, only("tables/settings", `"x"`, `"y"`)), backup.ErrDamaged},
		"another file":         {rewrite(t, archive, only("blobs/photo/a", "jpeg", "gpej")), backup.ErrDamaged},
		"no row":               {rewrite(t, archive, only("tables/settings", `[`, `{`)), backup.ErrDamaged},
		"a name that is SQL":   {rewrite(t, archive, header(func(h *backup.Header) { h.Tables[0].Name = `jobs" (id) SELECT 1; --` })), backup.ErrDamaged},
		"a column that is SQL": {rewrite(t, archive, header(func(h *backup.Header) { h.Tables[0].Columns[0].Name = `id") --` })), backup.ErrDamaged},
		"a newer program's":    {rewrite(t, archive, header(func(h *backup.Header) { h.Schema = 1_000_000 })), backup.ErrNewer},
		"a newer format":       {rewrite(t, archive, header(func(h *backup.Header) { h.Format = 2 })), backup.ErrNewer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, blobs := dbtest.New(t), disk(t, map[string]string{"photo/a": "mine"})
			_, err := backup.Restore(t.Context(), d, blobs, bytes.NewReader(c.archive))
			if !errors.Is(err, c.want) || !errors.Is(err, errs.Invalid) {
				t.Errorf("Restore() = %v, want %v", err, c.want)
			}
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM settings`); err != nil || n != 0 {
				t.Errorf("%d settings are there, %v; want 0", n, err)
			}
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM change_counter`); err != nil || n != 1 {
				t.Errorf("the migrations' own row is gone: %d, %v", n, err)
			}
			if _, err := blobs.Stat(t.Context(), "photo/b"); !errors.Is(err, errs.NotFound) {
				t.Errorf("a file stayed: %v", err)
			}
			if _, err := blobs.Stat(t.Context(), "photo/a"); err != nil {
				t.Errorf("a file that was there before is gone: %v", err)
			}
			if _, err := backup.Restore(t.Context(), d, blobs, bytes.NewReader(archive)); err != nil {
				t.Errorf("Restore() of the whole one afterwards = %v", err)
			}
		})
	}
}

// Whatever an entry is called and holds, even under a manifest that fits: an error or its rows, never a panic.
func FuzzRestore(f *testing.F) {
	source := dbtest.New(f)
	s, err := blob.OpenDisk(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := backup.Backup(f.Context(), source, s, &b); err != nil {
		f.Fatal(err)
	}
	f.Add("tables/settings/000001.jsonl", []byte(`["x","{}","2026-06-01T12:00:00Z"]`))
	f.Add("tables/audit/1", []byte(`["`+id.New().String()+`",null,null,"a","b",null,null,null]`))
	f.Add("tables/", []byte(`[1,2.5,true,{}]`))
	f.Add("blobs/photo/a", []byte("jpeg"))
	f.Add("blobs/../a", []byte("jpeg"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		var m backup.Manifest
		archive := rewrite(t, b.Bytes(), func(entry string, old []byte) []byte {
			if entry != "manifest.json" {
				return old
			}
			if err := json.Unmarshal(old, &m); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(content)
			m.Files = append(m.Files, backup.File{Name: name, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])})
			if table, _, ok := strings.Cut(strings.TrimPrefix(name, "tables/"), "/"); ok {
				m.Rows[table] += bytes.Count(content, []byte("["))
			}
			if strings.HasPrefix(name, "blobs/") {
				m.Blobs++
			}
			out, _ := json.Marshal(m)
			return out
		})
		archive, ok := insert(archive, name, content)
		if !ok {
			t.Skip("no tar can hold such a name")
		}
		d := dbtest.New(t)
		if _, err := backup.Restore(t.Context(), d, disk(t, nil), bytes.NewReader(archive)); err == nil {
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM change_counter`); err != nil || n < 1 {
				t.Errorf("%d rows, %v", n, err)
			}
		}
	})
}

// insert puts an entry before the manifest.
func insert(archive []byte, name string, content []byte) ([]byte, bool) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, false
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	w := tar.NewWriter(zw)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return b.Bytes(), err == io.EOF && w.Close() == nil && zw.Close() == nil
		}
		if h.Name == "manifest.json" {
			if w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Format: tar.FormatPAX}) != nil {
				return nil, false
			}
			_, _ = w.Write(content)
		}
		_ = w.WriteHeader(h)
		_, _ = io.Copy(w, r)
	}
}
