package search

import (
	"errors"
	"testing"

	"amicale/internal/id"
)

func TestSchemasThatAreNone(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Schema){
		"no fold":         func(s *Schema) { s.Fold = nil },
		"no tier":         func(s *Schema) { s.Tiers = 0 },
		"nine tiers":      func(s *Schema) { s.Tiers = 9 },
		"nine texts":      func(s *Schema) { s.Texts = make([]TextField, 9) },
		"too many facets": func(s *Schema) { s.Facets = make([]FacetField, MaxFacets+1) },
	} {
		s := testSchema()
		spoil(&s)
		if _, err := New(s, Options{}); err == nil {
			t.Errorf("%s: New() succeeded, want an error", name)
		}
	}
}

func TestFailedBuildChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(8)
	w.populate(20)
	ix := newIndex(t, Options{}, w.all())
	d := w.doc()
	broken := errors.New("broken")
	sources := map[string]func(yield func(Doc, error) bool){
		"a source that fails": func(yield func(Doc, error) bool) {
			_ = yield(d, nil) && yield(Doc{}, broken)
		},
		"a document twice": func(yield func(Doc, error) bool) {
			for range 2 {
				if !yield(d, nil) {
					return
				}
			}
		},
		"a document without texts": func(yield func(Doc, error) bool) {
			yield(Doc{ID: d.ID, Facets: d.Facets}, nil)
		},
	}
	for name, source := range sources {
		err := ix.Build(9, source)
		if s := ix.Stats(); err == nil || s.Documents != len(w.docs) || s.Seq != 1 {
			t.Errorf("%s: Build() = %v, then %+v, want an error and nothing changed", name, err, s)
		}
	}
	if err := ix.Build(9, sources["a source that fails"]); !errors.Is(err, broken) {
		t.Errorf("Build() = %v, want the source's error", err)
	}
}

func TestFailedApplyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(9)
	w.populate(20)
	ix := newIndex(t, Options{}, w.all())
	d := w.doc()
	for name, bad := range map[string]Change{
		"no texts":   {d.ID, &Doc{ID: d.ID, Facets: d.Facets}},
		"another ID": {id.ID{1, 2, 3}, &d},
	} {
		err := ix.Apply(7, []Change{{ID: w.known[0]}, bad})
		if s := ix.Stats(); err == nil || s.Documents != len(w.docs) || s.Seq != 1 {
			t.Errorf("%s: Apply() = %v, then %+v, want an error and nothing changed", name, err, s)
		}
	}
}

// TestDeltaIsBuiltIn: past its limit the delta goes into the segment by itself, and what is dead leaves it.
func TestDeltaIsBuiltIn(t *testing.T) {
	t.Parallel()
	w := newWorld(10)
	w.populate(100)
	ix := newIndex(t, Options{Delta: 10}, w.all())
	var changes []Change
	for x := range w.docs {
		changes = append(changes, Change{ID: x})
	}
	if err := ix.Apply(2, changes[:50]); err != nil {
		t.Fatal(err)
	}
	ix.Wait()
	want := Stats{Documents: len(w.docs) - 50, Seq: 2}
	if got := ix.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
	if err := ix.Apply(1, changes[50:55]); err != nil {
		t.Fatal(err)
	}
	want = Stats{Documents: len(w.docs) - 55, Dead: 5, Seq: 2}
	if got := ix.Stats(); got != want || ix.Seq() != 2 {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}
