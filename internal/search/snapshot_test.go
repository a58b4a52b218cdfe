package search

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// snapshotOf returns the bytes of a saved index.
func snapshotOf(t testing.TB, ix *Index) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := ix.Save(path); err != nil {
		t.Fatalf("Save() = %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(path + "*"); len(files) != 1 {
		t.Errorf("Save() left %v", files)
	}
	return b
}

// sealed gives bytes the checksum that they should have.
func sealed(b []byte) []byte {
	sum := newChecksum()
	sum.Write(b[:len(b)-4])
	return binary.LittleEndian.AppendUint32(bytes.Clone(b[:len(b)-4]), sum.Sum32())
}

func TestSnapshotKeepsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(3)
	w.populate(300)
	ix := newIndex(t, Options{}, w.all())
	if err := ix.Apply(41, []Change{w.change(), w.change(), w.change()}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := ix.Save(path); err != nil {
		t.Fatal(err)
	}
	other := newIndex(t, Options{}, nil)
	if err := other.Load(path); err != nil {
		t.Fatal(err)
	}
	if got := other.Stats(); got.Seq != 41 || got.Documents != len(w.docs) || got.Delta != 0 {
		t.Errorf("Stats() = %+v after Load, want %d documents at 41", got, len(w.docs))
	}
	for range 200 {
		q := w.query()
		got, err := other.Search(q)
		want, wantErr := ix.Search(q)
		if err != nil || wantErr != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("Search(%+v) = %+v, %v after Load, want %+v, %v", q, got, err, want, wantErr)
		}
	}
}

// TestUnusableSnapshots: whatever is wrong with a file, it says to rebuild, and the index stays as it was.
func TestUnusableSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(4)
	w.populate(50)
	ix := newIndex(t, Options{}, w.all())
	good := snapshotOf(t, ix)
	changed := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	tests := map[string][]byte{
		"empty":            {},
		"head only":        good[:8],
		"cut":              good[:len(good)-1],
		"cut in half":      good[:len(good)/2],
		"too long":         append(bytes.Clone(good), 0),
		"another magic":    sealed(changed(0)),
		"another version":  sealed(changed(7)),
		"another schema":   sealed(changed(8)),
		"one bit in an ID": changed(40),
		"one bit inside":   changed(len(good) / 2),
		"one bit at last":  changed(len(good) - 1),
	}
	dir := t.TempDir()
	for name, b := range tests {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := ix.Load(path); !errors.Is(err, ErrRebuild) {
			t.Errorf("%s: Load() = %v, want ErrRebuild", name, err)
		}
	}
	if err := ix.Load(filepath.Join(dir, "missing")); !errors.Is(err, ErrRebuild) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: Load() = %v, want ErrRebuild and ErrNotExist", err)
	}
	if got := ix.Stats().Documents; got != len(w.docs) {
		t.Errorf("%d documents after failed loads, want %d", got, len(w.docs))
	}
}

func TestSaveWhereNoFileCanBe(t *testing.T) {
	t.Parallel()
	ix := newIndex(t, Options{}, nil)
	if err := ix.Save(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("Save() succeeded without a folder")
	}
}

// FuzzSnapshot reads anything under a right checksum: it is refused, or makes an index that answers without panic.
func FuzzSnapshot(f *testing.F) {
	w := newWorld(6)
	w.populate(12)
	f.Add(snapshotOf(f, newIndex(f, Options{}, w.all())))
	f.Add(snapshotOf(f, newIndex(f, Options{}, w.all()[:3])))
	f.Add(snapshotOf(f, newIndex(f, Options{}, nil)))
	s := testSchema()
	queries := []Query{w.query(), w.query(), w.query(), {Facets: []int{0, 1, 2, 3}, Limit: 50}, {Text: "a", Limit: 50, Facets: []int{class}}}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 28 {
			return
		}
		b = bytes.Clone(b)
		copy(b, snapshotMagic)
		b[len(snapshotMagic)] = snapshotVersion
		binary.LittleEndian.PutUint64(b[8:], s.fingerprint())
		b = sealed(b)
		table, seq, err := readSnapshot(bytes.NewReader(b), int64(len(b)), &s)
		if err != nil {
			return
		}
		g, err := newSegment(&s, table)
		if err != nil {
			return
		}
		for _, q := range queries {
			a, err := newAsk(&s, q)
			if err != nil {
				t.Fatal(err)
			}
			r := newRun(a, newView(g, seq))
			r.do()
			if res := r.result(); len(res.Hits) > res.Total {
				t.Errorf("%d hits of %d", len(res.Hits), res.Total)
			}
		}
		if _, err := newView(g, seq).compacted(); err != nil {
			t.Errorf("compacted() = %v", err)
		}
	})
}
