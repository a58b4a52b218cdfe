package search

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"amicale/internal/fold"
	"amicale/internal/id"
)

// alignment is the optimal string alignment distance by the book.
func alignment(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestOneErrorIsAlignmentDistanceOne(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("abé日本")
	near := 0
	for range 200_000 {
		draw := func() string {
			w := make([]rune, r.IntN(6))
			for i := range w {
				w[i] = letters[r.IntN(len(letters))]
			}
			return string(w)
		}
		a, b := draw(), draw()
		want := alignment([]rune(a), []rune(b)) == 1
		if got := oneError(a, b); got != want {
			t.Fatalf("oneError(%q, %q) = %v, want %v", a, b, got, want)
		}
		if want {
			near++
		}
	}
	if near < 1000 {
		t.Errorf("only %d pairs were one error apart", near)
	}
}

// TestWords holds what people are promised about names.
func TestWords(t *testing.T) {
	t.Parallel()
	s := testSchema()
	s.Fold = fold.Name
	ix, err := New(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{ // usage surname, first names
		"Durand|Jean-Pierre", "Durant|Éloïse", "Duran|Zoé", "Dupont|Anne", "L’HAME|Pierre-Henri",
		"Lavaut|Anne-Laure", "Li|Wei", "Müller-Œuf|Łukasz", "Martin|Marie", "Marin|Léo",
	}
	var docs []Doc
	for i, n := range names {
		last, given, _ := strings.Cut(n, "|")
		docs = append(docs, Doc{
			ID: id.ID{15: byte(i + 1)}, Mask: Everyone, SortMask: Everyone, SortKey: fold.Name(last + " " + given),
			Texts:  []Text{{last, Everyone}, {}, {given, Everyone}, {fold.Name(given) + "." + fold.Name(last) + ".ly2010", Only(3)}},
			Facets: []Values{{}, {[]string{"2010"}, Everyone}, {}, {}},
		})
	}
	if err := ix.Build(1, feed(docs)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		text string
		tier Tier
		want string
	}{
		{"durand", 0, "Durand exact, Duran corrected, Durant corrected"},
		{"duran", 0, "Duran exact, Durand prefix, Durant prefix"},
		{"DURAND jean pierre", 0, "Durand exact"},
		{"jeanpierre durand", 0, "Durand exact"},
		{"pierre jean", 0, "Durand exact"},
		{"jen-pierre", 0, ""}, // jen has three letters: not corrected, and begins no name
		{"eloise", 0, "Durant exact"},
		{"Éloïze", 0, "Durant corrected"},
		{"l'hame", 0, "L’HAME exact"},
		{"lhame", 0, "L’HAME exact"},
		{"pierre-henri l`hame", 0, "L’HAME exact"},
		{"lavuat", 0, "Lavaut corrected"},
		{"lav anne-l", 0, "Lavaut prefix"},
		{"anne", 0, "Dupont exact, Lavaut exact"},
		{"lo", 0, ""},
		{"l", 0, "L’HAME exact, Lavaut prefix, Li prefix, Marin prefix, Müller-Œuf prefix"},
		{"lukasz mullerœuf", 0, "Müller-Œuf exact"},
		{"martin", 0, "Martin exact, Marin corrected"},
		{"martin promo 2010", 0, "Martin exact, Marin corrected"},
		{"martin 2011", 0, ""},
		{"laure ly2010", 0, ""},
		{"laure ly2010", 3, "Lavaut exact"},
		{"laure ly2011", 3, ""},
	}
	for _, tt := range tests {
		res, err := ix.Search(Query{Tier: tt.tier, Text: tt.text, Limit: 10})
		var got []string
		for _, h := range res.Hits {
			last, _, _ := strings.Cut(names[h.ID[15]-1], "|")
			got = append(got, last+" "+h.Match.String())
		}
		if s := strings.Join(got, ", "); err != nil || s != tt.want {
			t.Errorf("Search(%q) = %s, %v, want %s", tt.text, s, err, tt.want)
		}
	}
}

func TestCorrectionsAndChipsAreSaid(t *testing.T) {
	t.Parallel()
	d := Doc{ID: id.ID{1}, Mask: Everyone, Texts: []Text{{"Dupont", Everyone}, {}, {"Laure", Everyone}, {}},
		Facets: []Values{{}, {[]string{"2010"}, Everyone}, {}, {}}}
	ix := newIndex(t, Options{}, []Doc{d})
	res, err := ix.Search(Query{Text: "dupond promo 2010 laur", Limit: 5, Facets: []int{class}})
	want := Result{
		Hits:   []Hit{{ID: d.ID, Match: Corrected, Corrections: []Correction{{"dupond", "dupont"}}}},
		Total:  1,
		Totals: [3]int{0, 0, 1},
		Facets: []FacetCounts{{class, []Count{{"2010", 1, true}}}},
		Chips:  []Chip{{[]string{"promo", "2010"}, []Filter{{class, []string{"2010"}}}}},
		Seq:    1,
	}
	if err != nil || !reflect.DeepEqual(res, want) {
		t.Errorf("Search() = %+v, %v, want %+v", res, err, want)
	}
	if res, err := ix.Search(Query{Text: "dupond", Strict: true}); err != nil || res.Total != 0 {
		t.Errorf("Search(strict) = %d found, %v, want none", res.Total, err)
	}
}

func TestRecordOfADocument(t *testing.T) {
	t.Parallel()
	s := testSchema()
	d := Doc{ID: id.ID{1}, Mask: 0xff, SortKey: "k", SortMask: Only(1), Texts: []Text{
		{"Jean-Pierre Martin", Only(1)}, {"martin", Only(2)}, {"", Everyone}, {"jean.martin", Only(3, 7)},
	}, Facets: []Values{{[]string{"b", "", "a", "b"}, Everyone}, {nil, 0}, {[]string{""}, 0}, {[]string{"x"}, Only(0)}}}
	got, err := newPreparer(&s).record(&d)
	want := &record{
		id: d.ID, key: "k", masks: []Mask{15, 2, 2, 4, 15, 8, 15, 0, 0, 1},
		words:  []word{{"jean", 1<<usage | 1<<login}, {"jeanpierre", 1 << usage}, {"martin", 1<<usage | 1<<birth | 1<<login}, {"pierre", 1 << usage}},
		values: [][]string{{"a", "b"}, nil, nil, {"x"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("record() = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []Doc{{Texts: d.Texts, Facets: d.Facets}, {ID: d.ID, Facets: d.Facets}, {ID: d.ID, Texts: d.Texts}} {
		if _, err := newPreparer(&s).record(&bad); err == nil {
			t.Errorf("record(%+v) succeeded, want an error", bad)
		}
	}
}

func TestQueriesTheSchemaDoesNotAllow(t *testing.T) {
	t.Parallel()
	ix := newIndex(t, Options{}, nil)
	for _, q := range []Query{
		{Tier: 4}, {Limit: -1}, {Offset: -1}, {Facets: []int{4}}, {Facets: []int{-1}},
		{Filters: []Filter{{Facet: 4}}}, {Filters: []Filter{{Facet: -1}}},
	} {
		if _, err := ix.Search(q); err == nil {
			t.Errorf("Search(%+v) succeeded, want an error", q)
		}
	}
}

// FuzzQuery types anything at all: the engine must answer as the definition, and read no more than it promises.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "durand", "promo 2010", "promo", "l'hame jean-pierre", "\xff\xfe", "日本 人", strings.Repeat("a ", 300), strings.Repeat("é", 300)} {
		f.Add(s, uint8(1))
	}
	w := newWorld(5)
	w.populate(120)
	docs := w.all()
	ix := newIndex(f, Options{}, docs)
	f.Fuzz(func(t *testing.T, text string, tier uint8) {
		q := Query{Tier: Tier(tier % 4), Text: text, Limit: 10, Facets: []int{class}}
		same(t, "fuzz", ix, docs, q)
		words, chips := ix.schema.parse(text, false)
		if len(words)+len(chips) > maxWords {
			t.Errorf("parse(%q) = %d words and %d chips, want at most %d", text, len(words), len(chips), maxWords)
		}
		for _, word := range words {
			if word.text == "" || !utf8.ValidString(word.text) || word.fuzzy && utf8.RuneCountInString(word.text) > maxFuzzy {
				t.Errorf("parse(%q) has the word %+v", text, word)
			}
		}
		if clipped := clip(text, maxText); len(clipped) > maxText || !strings.HasPrefix(text, clipped) {
			t.Errorf("clip(%q) = %q", text, clipped)
		}
		if !slices.IsSortedFunc(ix.mustFind(t, q), func(a, b Hit) int { return int(a.Match) - int(b.Match) }) {
			t.Errorf("Search(%q): hits are not ordered by match", text)
		}
	})
}

func (ix *Index) mustFind(t *testing.T, q Query) []Hit {
	t.Helper()
	res, err := ix.Search(q)
	if err != nil {
		t.Fatalf("Search(%+v) = %v", q, err)
	}
	return res.Hits
}
