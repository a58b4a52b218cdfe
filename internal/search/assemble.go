package search

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// source is a table of which some documents are to be left out.
type source struct {
	*table
	dead bitset
}

// ref is a document of a source. The prefix is the beginning of its sort key, so that most comparisons touch nothing else.
type ref struct {
	prefix uint64
	source uint32
	doc    uint32
}

// renumber maps what a source calls a term, value, set or profile to its number in the assembled table.
type renumber struct {
	terms    []uint32
	profiles []uint32
	values   [][]uint32
	sets     [][]uint32
}

// assemble makes one table, sorted in every respect, of the living documents of several. The sources stay as they are.
func assemble(s *Schema, sources []source) (*table, error) {
	out := &table{facets: make([]dictionary, len(s.Facets))}
	maps := make([]renumber, len(sources))
	for i, src := range sources {
		maps[i] = src.used(s)
	}
	var order []ref
	var wg sync.WaitGroup
	wg.Go(func() { order = inOrder(sources) })
	wg.Go(func() {
		out.terms = mergeTerms(sources, maps)
		for f := range s.Facets {
			out.facets[f] = mergeFacet(sources, maps, f)
		}
		out.profiles = mergeProfiles(sources, maps, s.fields())
	})
	wg.Wait()
	if len(order) > MaxDocuments || len(out.terms) > maxTerm {
		return nil, fmt.Errorf("search: %d documents with %d words, at most %d with %d", len(order), len(out.terms), MaxDocuments, maxTerm)
	}
	if err := out.allocate(s, sources, order); err != nil {
		return nil, err
	}
	half := len(order) / 2
	wg.Go(func() { out.emit(sources, maps, order, 0, half) })
	wg.Go(func() { out.emit(sources, maps, order, half, len(order)) })
	wg.Wait()
	return out, nil
}

// unused marks what no living document refers to: it gets no number.
const unused = ^uint32(0)

// used finds what the living documents of a source refer to: 0 in the maps, unused elsewhere.
func (src source) used(s *Schema) renumber {
	m := renumber{terms: allUnused(len(src.terms)), profiles: allUnused(len(src.profiles) / s.fields())}
	for _, d := range src.facets {
		m.values = append(m.values, allUnused(len(d.values)))
		m.sets = append(m.sets, allUnused(len(d.setEnd)))
	}
	for doc := range uint32(src.len()) {
		if src.dead.has(doc) {
			continue
		}
		for _, w := range src.wordsOf(doc) {
			m.terms[w>>8] = 0
		}
		m.profiles[src.profile(doc)] = 0
		for f := range src.facets {
			switch code := src.code(doc, f); {
			case code == 0:
			case code&setFlag == 0:
				m.values[f][code-1] = 0
			case m.sets[f][code&^setFlag] == unused:
				m.sets[f][code&^setFlag] = 0
				for _, v := range src.facets[f].set(code) {
					m.values[f][v-1] = 0
				}
			}
		}
	}
	return m
}

func allUnused(n int) []uint32 {
	m := make([]uint32, n)
	for i := range m {
		m[i] = unused
	}
	return m
}

// inOrder sorts the living documents by sort key and ID, each half on its own core.
func inOrder(sources []source) []ref {
	var refs []ref
	for i, src := range sources {
		for doc := range uint32(src.len()) {
			if !src.dead.has(doc) {
				var head [8]byte
				copy(head[:], src.key(doc))
				refs = append(refs, ref{binary.BigEndian.Uint64(head[:]), uint32(i), doc})
			}
		}
	}
	compare := func(a, b ref) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		x, y := sources[a.source], sources[b.source]
		return cmp.Or(bytes.Compare(x.key(a.doc), y.key(b.doc)), compareIDs(x.ids[a.doc], y.ids[b.doc]))
	}
	half := len(refs) / 2
	var wg sync.WaitGroup
	wg.Go(func() { slices.SortFunc(refs[:half], compare) })
	wg.Go(func() { slices.SortFunc(refs[half:], compare) })
	wg.Wait()
	out := make([]ref, 0, len(refs))
	a, b := refs[:half], refs[half:]
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// named is a string of a source, to be given a number.
type named struct {
	text   string
	source uint32
	number uint32
}

// mergeStrings sorts the used strings of all sources, numbers the distinct ones from 0 and copies them into one new block, so
// that nothing of the sources stays in memory.
func mergeStrings(all []named, assign func(n named, number uint32)) []string {
	slices.SortFunc(all, func(a, b named) int { return strings.Compare(a.text, b.text) })
	var block strings.Builder
	var ends []int
	last := ""
	for i, n := range all {
		if i == 0 || n.text != last {
			block.WriteString(n.text)
			ends = append(ends, block.Len())
			last = n.text
		}
		assign(n, uint32(len(ends)-1))
	}
	return cut(block.String(), ends)
}

// cut makes the strings of a block out of where each ends.
func cut(block string, ends []int) []string {
	out := make([]string, len(ends))
	start := 0
	for i, end := range ends {
		out[i] = block[start:end]
		start = end
	}
	return out
}

func mergeTerms(sources []source, maps []renumber) []string {
	var all []named
	for i, src := range sources {
		for n, text := range src.terms {
			if maps[i].terms[n] != unused {
				all = append(all, named{text, uint32(i), uint32(n)})
			}
		}
	}
	return mergeStrings(all, func(n named, number uint32) { maps[n.source].terms[n.number] = number })
}

func mergeFacet(sources []source, maps []renumber, facet int) dictionary {
	var all []named
	for i, src := range sources {
		for n, text := range src.facets[facet].values {
			if maps[i].values[facet][n] != unused {
				all = append(all, named{text, uint32(i), uint32(n)})
			}
		}
	}
	var d dictionary
	d.values = mergeStrings(all, func(n named, number uint32) { maps[n.source].values[facet][n.number] = number + 1 })
	known := map[string]uint32{}
	var codes []uint32
	var scratch []byte
	for i, src := range sources {
		for set := range maps[i].sets[facet] {
			if maps[i].sets[facet][set] == unused {
				continue
			}
			codes = codes[:0]
			for _, v := range src.facets[facet].set(uint32(set)) {
				codes = append(codes, maps[i].values[facet][v-1])
			}
			slices.Sort(codes)
			maps[i].sets[facet][set] = d.intern(known, codes, &scratch)
		}
	}
	return d
}

func mergeProfiles(sources []source, maps []renumber, fields int) []Mask {
	var out []Mask
	known := map[string]uint32{}
	key := make([]byte, fields)
	for i, src := range sources {
		for p := range maps[i].profiles {
			if maps[i].profiles[p] == unused {
				continue
			}
			masks := src.profiles[p*fields : (p+1)*fields]
			for j, m := range masks {
				key[j] = byte(m)
			}
			maps[i].profiles[p] = intern(known, string(key), func() { out = append(out, masks...) })
		}
	}
	return out
}

// allocate makes room for the documents and lays out where each one's key and words go.
func (t *table) allocate(s *Schema, sources []source, order []ref) error {
	var keys, words uint64
	t.keyEnd, t.wordEnd = make([]uint32, len(order)), make([]uint32, len(order))
	for i, r := range order {
		keys += uint64(len(sources[r.source].key(r.doc)))
		words += uint64(len(sources[r.source].wordsOf(r.doc)))
		if keys > 1<<32-1 || words > 1<<32-1 {
			return fmt.Errorf("search: more than %d bytes of sort keys or words", uint32(1<<32-1))
		}
		t.keyEnd[i], t.wordEnd[i] = uint32(keys), uint32(words)
	}
	t.ids = slices.Grow(t.ids, len(order))[:len(order)]
	t.rows = newCells(len(order)*t.stride(), t.largest(s), s.wide)
	t.keys, t.words = make([]byte, keys), make([]uint32, words)
	return nil
}

// largest is the greatest number that a row may hold, the set flag aside.
func (t *table) largest(s *Schema) int {
	n := len(t.profiles) / s.fields()
	for _, d := range t.facets {
		n = max(n, len(d.values), len(d.setEnd))
	}
	return n
}

// emit writes the documents from one number up to another.
func (t *table) emit(sources []source, maps []renumber, order []ref, from, to int) {
	for i := from; i < to; i++ {
		r, doc := order[i], uint32(i)
		src, m := sources[r.source], maps[r.source]
		t.ids[i] = src.ids[r.doc]
		copy(t.key(doc), src.key(r.doc))
		cell := i * t.stride()
		t.rows.put(cell, m.profiles[src.profile(r.doc)])
		for f := range t.facets {
			cell++
			switch code := src.code(r.doc, f); {
			case code == 0:
			case code&setFlag == 0:
				t.rows.put(cell, m.values[f][code-1])
			default:
				t.rows.put(cell, m.sets[f][code&^setFlag])
			}
		}
		words := t.wordsOf(doc)
		for j, w := range src.wordsOf(r.doc) {
			words[j] = m.terms[w>>8]<<8 | w&0xff // ascending, since a record's words are sorted as terms are
		}
	}
}
