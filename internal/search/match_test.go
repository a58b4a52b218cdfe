package search

import (
	"reflect"
	"sync"
	"testing"
)

// same demands that the engine answers a query exactly as the definition does on these documents.
func same(t *testing.T, what string, ix *Index, docs []Doc, q Query) {
	t.Helper()
	got, err := ix.Search(q)
	if err != nil {
		t.Fatalf("%s: Search(%+v) = %v", what, q, err)
	}
	want, err := Scan(ix.schema, docs, q)
	if err != nil {
		t.Fatalf("%s: Scan(%+v) = %v", what, q, err)
	}
	want.Seq = got.Seq
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: Search(%+v) =\n%+v, want\n%+v", what, q, got, want)
	}
	if again, err := ix.Search(q); err != nil || again.Seq == got.Seq && !reflect.DeepEqual(again, want) {
		t.Fatalf("%s: Search(%+v) again =\n%+v, %v, want\n%+v", what, q, again, err, want)
	}
}

// TestEngineIsTheDefinition draws populations, viewers, queries and updates and demands that the engine answers as the
// definition: with an empty delta, a full one, after compaction, after a rebuild and after a reload.
func TestEngineIsTheDefinition(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		w := newWorld(seed)
		w.populate(w.IntN(400))
		ix := newIndex(t, Options{Delta: 1 << (2 * w.IntN(6))}, w.all())
		for step := range 25 {
			what := w.move(t, ix, uint64(step))
			docs := w.all()
			for range 12 {
				if len(w.known) > 0 {
					same(t, what, ix, docs, w.query())
				}
			}
		}
		ix.Wait()
	}
}

// move changes the index in one of the ways there are.
func (w *world) move(t *testing.T, ix *Index, seq uint64) string {
	t.Helper()
	var err error
	what := "apply"
	switch w.IntN(8) {
	case 0:
		what, err = "compact", ix.Compact()
	case 1:
		what, err = "build", ix.Build(seq, feed(w.all()))
	case 2:
		what = "reload"
		path := t.TempDir() + "/snapshot"
		if err = ix.Save(path); err == nil {
			err = ix.Load(path)
		}
	default:
		var changes []Change
		for range w.IntN(30) {
			changes = append(changes, w.change())
		}
		err = ix.Apply(seq, changes)
	}
	if err != nil {
		t.Fatalf("%s = %v", what, err)
	}
	return what
}

// TestReadersDuringSwaps reads while changes, compactions and rebuilds go on: every answer must be that of the definition for
// the very state that the answer names.
func TestReadersDuringSwaps(t *testing.T) {
	t.Parallel()
	w := newWorld(99)
	w.populate(500)
	ix := newIndex(t, Options{Delta: 60}, w.all())
	var mu sync.Mutex
	states := map[uint64][]Doc{1: w.all()}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for reader := range uint64(2) {
		mine := newWorld(1000 + reader)
		mine.known = append(mine.known, w.known...)
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					if n > 50 {
						return
					}
				default:
				}
				q := mine.query()
				got, err := ix.Search(q)
				mu.Lock()
				docs := states[got.Seq]
				mu.Unlock()
				want, wantErr := Scan(ix.schema, docs, q)
				want.Seq = got.Seq
				if err != nil || wantErr != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("at %d: Search(%+v) =\n%+v, %v, want\n%+v, %v", got.Seq, q, got, err, want, wantErr)
					return
				}
			}
		})
	}
	for seq := uint64(2); seq < 150; seq++ {
		var changes []Change
		for range w.IntN(20) {
			changes = append(changes, w.change())
		}
		mu.Lock()
		states[seq] = w.all()
		mu.Unlock()
		var err error
		if seq%40 == 0 {
			err = ix.Build(seq, feed(w.all()))
		} else {
			err = ix.Apply(seq, changes)
		}
		if err != nil {
			t.Fatalf("change %d = %v", seq, err)
		}
	}
	close(done)
	wg.Wait()
	ix.Wait()
	if s := ix.Stats(); s.Failure != nil || s.Documents != len(w.docs) || s.Delta > 120 {
		t.Errorf("Stats() = %+v, want %d documents, no failure and a small delta", s, len(w.docs))
	}
}
