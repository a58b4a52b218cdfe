package search

import (
	"encoding/binary"
	"fmt"
	"slices"

	"amicale/internal/id"
)

// table holds documents in a few large arrays without pointers: what a segment is made of, what a snapshot stores, and what
// the workers of a build fill. Documents are numbered from 0; in a segment in name order, elsewhere as they came.
type table struct {
	ids      []id.ID
	keys     []byte // sort keys, end to end
	keyEnd   []uint32
	rows     cells    // for each document: its profile, then a code for each facet
	words    []uint32 // for each document: its words as term<<8 | fields, ascending
	wordEnd  []uint32
	terms    []string // in a segment sorted
	facets   []dictionary
	profiles []Mask // for each profile: a mask for each field
}

// A facet's code in a row is 0 for none, the number of its one value, or setFlag plus the number of a set of values.
// Distinct sets are stored once: two diplomas are rare, and the same two schools are common.
const setFlag = 1 << 31

// maxTerm bounds a word's number, which shares its 32 bits with the field set.
const maxTerm = 1<<24 - 1

// dictionary holds the values of a facet. Value numbers begin at 1; in a segment values are sorted.
type dictionary struct {
	values []string
	sets   []uint32 // the values of all sets, end to end, ascending in each set
	setEnd []uint32
}

func (d *dictionary) set(code uint32) []uint32 {
	i := code &^ setFlag
	return d.sets[before(d.setEnd, i):d.setEnd[i]]
}

// before is where the i-th of several runs, stored end to end, begins.
func before(end []uint32, i uint32) uint32 {
	if i == 0 {
		return 0
	}
	return end[i-1]
}

func (t *table) len() int                    { return len(t.ids) }
func (t *table) stride() int                 { return 1 + len(t.facets) }
func (t *table) key(doc uint32) []byte       { return t.keys[before(t.keyEnd, doc):t.keyEnd[doc]] }
func (t *table) wordsOf(doc uint32) []uint32 { return t.words[before(t.wordEnd, doc):t.wordEnd[doc]] }

// profile is which of the table's sets of masks a document has.
func (t *table) profile(doc uint32) uint32 { return t.rows.at(int(doc) * t.stride()) }

// code is the row code of a document's facet.
func (t *table) code(doc uint32, facet int) uint32 { return t.rows.at(int(doc)*t.stride() + 1 + facet) }

// codes returns the value numbers of a document's facet, in the place given when there is but one.
func (t *table) codes(doc uint32, facet int, one *[1]uint32) []uint32 {
	one[0] = t.code(doc, facet)
	switch {
	case one[0] == 0:
		return nil
	case one[0]&setFlag == 0:
		return one[:]
	}
	return t.facets[facet].set(one[0])
}

// record makes the record of a document again.
func (t *table) record(doc uint32, fields int) *record {
	p := int(t.profile(doc)) * fields
	r := &record{
		id:     t.ids[doc],
		key:    string(t.key(doc)),
		masks:  t.profiles[p : p+fields],
		values: make([][]string, len(t.facets)),
		codes:  make([][]uint32, len(t.facets)),
	}
	packed := t.wordsOf(doc)
	r.words = make([]word, len(packed))
	for i, w := range packed {
		r.words[i] = word{t.terms[w>>8], uint8(w)}
	}
	for f := range t.facets {
		codes := t.codes(doc, f, new([1]uint32))
		values := make([]string, len(codes))
		for i, c := range codes {
			values[i] = t.facets[f].values[c-1]
		}
		r.codes[f], r.values[f] = codes, values
	}
	return r
}

// filler adds records to a table in the order they come.
type filler struct {
	table
	terms    map[string]uint32
	values   []map[string]uint32
	sets     []map[string]uint32
	profiles map[string]uint32
	scratch  []byte
	codes    []uint32
}

func newFiller(s *Schema) *filler {
	f := &filler{
		table:    table{facets: make([]dictionary, len(s.Facets))},
		terms:    map[string]uint32{},
		profiles: map[string]uint32{},
	}
	for range s.Facets {
		f.values = append(f.values, map[string]uint32{})
		f.sets = append(f.sets, map[string]uint32{})
	}
	return f
}

func (f *filler) add(r *record) error {
	f.ids = append(f.ids, r.id)
	f.keys = append(f.keys, r.key...)
	f.keyEnd = append(f.keyEnd, uint32(len(f.keys)))
	f.scratch = f.scratch[:0]
	for _, m := range r.masks {
		f.scratch = append(f.scratch, byte(m))
	}
	profile := intern(f.profiles, string(f.scratch), func() { f.table.profiles = append(f.table.profiles, r.masks...) })
	f.rows.wide = append(f.rows.wide, profile)
	for facet, values := range r.values {
		f.rows.wide = append(f.rows.wide, f.codeOf(facet, values))
	}
	for _, w := range r.words {
		term := intern(f.terms, w.text, func() { f.table.terms = append(f.table.terms, w.text) })
		if term > maxTerm {
			return fmt.Errorf("search: more than %d distinct words", maxTerm)
		}
		f.words = append(f.words, term<<8|uint32(w.fields))
	}
	f.wordEnd = append(f.wordEnd, uint32(len(f.words)))
	return nil
}

// codeOf returns the row code of a facet's values.
func (f *filler) codeOf(facet int, values []string) uint32 {
	d := &f.facets[facet]
	f.codes = f.codes[:0]
	for _, v := range values {
		n := intern(f.values[facet], v, func() { d.values = append(d.values, v) })
		f.codes = append(f.codes, n+1)
	}
	slices.Sort(f.codes)
	return d.intern(f.sets[facet], f.codes, &f.scratch)
}

// intern returns the code of a sorted list of value numbers, adding a set when there are several.
func (d *dictionary) intern(known map[string]uint32, codes []uint32, scratch *[]byte) uint32 {
	switch len(codes) {
	case 0:
		return 0
	case 1:
		return codes[0]
	}
	b := (*scratch)[:0]
	for _, c := range codes {
		b = binary.LittleEndian.AppendUint32(b, c)
	}
	*scratch = b
	return setFlag | intern(known, string(b), func() {
		d.sets = append(d.sets, codes...)
		d.setEnd = append(d.setEnd, uint32(len(d.sets)))
	})
}

// intern returns the number of a key; for a new one, the next number, after add has stored it.
func intern(known map[string]uint32, key string, add func()) uint32 {
	n, ok := known[key]
	if !ok {
		n = uint32(len(known))
		known[key] = n
		add()
	}
	return n
}
