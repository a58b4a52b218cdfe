package search

import (
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"amicale/internal/id"
)

// testFold is a folding rule small enough to be seen through: lower case, a handful of accents, separators to one space.
func testFold(s string) string {
	s = strings.NewReplacer("é", "e", "è", "e", "ï", "i", "ç", "c", "œ", "oe", "’", " ", "'", " ", "-", " ", ".", " ").Replace(strings.ToLower(s))
	return strings.Join(strings.Fields(s), " ")
}

// Facets and texts of the test schema.
const (
	school = iota
	class
	department
	diploma
)

const (
	usage = iota
	birth
	first
	login
)

func testSchema() Schema {
	return Schema{
		Version: "test",
		Texts:   []TextField{{"usage", Name}, {"birth", Name}, {"first", Name}, {"login", Code}},
		Facets:  []FacetField{{"school"}, {"class"}, {"department"}, {"diploma"}},
		Tiers:   4,
		Fold:    testFold,
		Understand: func(words []string) (int, []Filter) {
			n := 0
			if words[0] == "promo" && len(words) > 1 {
				n = 1
			}
			if year, err := strconv.Atoi(words[n]); err != nil || year < 1950 || year > 2030 {
				return 0, nil
			}
			return n + 1, []Filter{{Facet: class, Values: []string{words[n]}}}
		},
	}
}

// world draws populations, viewers and queries in which everything collides: names, sort keys, values, masks.
type world struct {
	*rand.Rand
	names []string
	known []id.ID
	docs  map[id.ID]Doc
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 7)), docs: map[id.ID]Doc{}}
	w.names = strings.Fields("Durand Durant Duran Dupont Dupond Du Martin Martine Marin Anne Ann Ane Jean Jean-Pierre Pierre Pierrot " +
		"L’Hame Éloïse Eloise Lavaut Laval Çelik œuvrard œuvrad Li Ly Lyon ly2010 Ôô Ōō 日本 日本人 日本人名 日本名人")
	for range 40 {
		w.names = append(w.names, w.letters(1+w.IntN(7)))
	}
	return w
}

func (w *world) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abc"[w.IntN(3)]
	}
	return string(b)
}

func (w *world) mask() Mask {
	switch w.IntN(8) {
	case 0:
		return 0
	case 1, 2:
		return Mask(w.IntN(256))
	case 3:
		return Only(1, 2, 3)
	}
	return Everyone
}

func (w *world) some(from []string, atMost int) []string {
	var out []string
	for range w.IntN(atMost + 1) {
		out = append(out, from[w.IntN(len(from))])
	}
	return out
}

func (w *world) text(words int) string { return strings.Join(w.some(w.names, words), " ") }

func (w *world) values(facet int) []string {
	pools := [][]string{{"ly", "re", "st", ""}, nil, {"gc", "if", "gm"}, {"ing", "arch"}}
	if facet == department && w.IntN(10) == 0 {
		return []string{w.letters(3)}
	}
	if facet != class {
		return w.some(pools[facet], 3)
	}
	var out []string
	for range w.IntN(3) {
		out = append(out, strconv.Itoa(1990+w.IntN(30)))
	}
	return out
}

// doc draws a document; it replaces one that the world knows, or is new.
func (w *world) doc() Doc {
	x := id.ID{0: byte(w.IntN(3)), 7: byte(w.IntN(256)), 15: byte(w.IntN(256))}
	if len(w.known) > 0 && w.IntN(3) == 0 {
		x = w.known[w.IntN(len(w.known))]
	}
	if x.IsZero() {
		x[15] = 1
	}
	d := Doc{ID: x, Mask: w.mask(), SortKey: w.letters(w.IntN(12)), SortMask: Everyone}
	if w.IntN(10) == 0 {
		d.SortMask = w.mask()
	}
	for range 4 {
		d.Texts = append(d.Texts, Text{w.text(3), w.mask()})
	}
	for f := range 4 {
		d.Facets = append(d.Facets, Values{w.values(f), w.mask()})
	}
	return d
}

// change draws a change and makes it in the world.
func (w *world) change() Change {
	if len(w.known) > 0 && w.IntN(4) == 0 {
		x := w.known[w.IntN(len(w.known))]
		delete(w.docs, x)
		return Change{ID: x}
	}
	d := w.doc()
	w.put(d)
	return Change{ID: d.ID, Doc: &d}
}

func (w *world) put(d Doc) {
	w.docs[d.ID] = d
	w.known = append(w.known, d.ID)
}

func (w *world) populate(n int) {
	for range n {
		w.put(w.doc())
	}
}

func (w *world) query() Query {
	q := Query{Tier: Tier(w.IntN(4)), Limit: w.IntN(12), Strict: w.IntN(5) == 0, Facets: []int{school, class, department, diploma}}
	if w.IntN(3) == 0 {
		q.Facets = []int{w.IntN(4), w.IntN(4)}
	}
	if w.IntN(3) == 0 {
		q.Offset = w.IntN(30)
	}
	switch w.IntN(6) {
	case 0, 1, 2:
		q.Text = w.typed()
	case 3: // few enough that one query meets what an other left in memory
		q.Text, q.Limit, q.Offset = []string{"a", "l", "é"}[w.IntN(3)], 10, 0
	}
	for w.IntN(2) == 0 {
		f := w.IntN(4)
		q.Filters = append(q.Filters, Filter{Facet: f, Values: append(w.values(f), w.some([]string{"nowhere", ""}, 1)...)})
	}
	if w.IntN(2) == 0 {
		for range w.IntN(20) {
			q.Contacts = append(q.Contacts, Contact{w.known[w.IntN(len(w.known))], Mask(w.IntN(256))})
		}
	}
	return q
}

// typed draws what somebody might type: names, begun ones, misspelt ones, years.
func (w *world) typed() string {
	var out []string
	for range 1 + w.IntN(3) {
		word := []rune(w.names[w.IntN(len(w.names))])
		i := w.IntN(len(word))
		switch w.IntN(7) {
		case 0:
			word = word[:i+1]
		case 1:
			word = slices.Delete(word, i, i+1)
		case 2:
			word = slices.Insert(word, i, 'b')
		case 3:
			word[i] = 'a'
		case 4:
			if i > 0 {
				word[i], word[i-1] = word[i-1], word[i]
			}
		case 5:
			if w.IntN(3) == 0 {
				out = append(out, "promo")
			}
			word = []rune(strconv.Itoa(1990 + w.IntN(30)))
		}
		out = append(out, string(word))
	}
	return strings.Join(out, " ")
}

func (w *world) all() []Doc {
	var out []Doc
	for _, d := range w.docs {
		out = append(out, d)
	}
	return out
}

// feed makes the documents a source for Build.
func feed(docs []Doc) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func newIndex(t testing.TB, o Options, docs []Doc) *Index {
	t.Helper()
	s := testSchema()
	s.wide = len(docs)%2 == 0
	ix, err := New(s, o)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	if err := ix.Build(1, feed(docs)); err != nil {
		t.Fatalf("Build() = %v", err)
	}
	return ix
}
