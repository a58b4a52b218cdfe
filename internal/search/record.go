package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"amicale/internal/id"
)

// record is a document made ready: words folded, values sorted, masks in field order. It never changes once published.
type record struct {
	id     id.ID
	key    string
	masks  []Mask     // by field number
	words  []word     // distinct, sorted by text
	values [][]string // by facet; distinct, sorted
	codes  [][]uint32 // by facet: the values as numbers of the view that holds the record
}

// word is a word of a document and the set of text fields, one bit each, that contain it.
type word struct {
	text   string
	fields uint8
}

// compareRecords is the order of hits whose sort key is seen.
func compareRecords(a, b *record) int {
	return cmp.Or(strings.Compare(a.key, b.key), compareIDs(a.id, b.id))
}

func compareIDs(a, b id.ID) int { return slices.Compare(a[:], b[:]) }

// preparer makes records out of documents. It remembers how words fold, since names repeat; one goroutine owns it.
type preparer struct {
	schema *Schema
	folded map[string][]string
}

// maxFolded bounds a preparer's memory.
const maxFolded = 1 << 16

func newPreparer(s *Schema) *preparer {
	return &preparer{schema: s, folded: map[string][]string{}}
}

func (p *preparer) record(d *Doc) (*record, error) {
	s := p.schema
	if d.ID.IsZero() {
		return nil, fmt.Errorf("search: document without ID")
	}
	if len(d.Texts) != len(s.Texts) || len(d.Facets) != len(s.Facets) {
		return nil, fmt.Errorf("search: document %v with %d texts and %d facets, schema has %d and %d",
			d.ID, len(d.Texts), len(d.Facets), len(s.Texts), len(s.Facets))
	}
	r := &record{id: d.ID, key: d.SortKey, masks: make([]Mask, s.fields()), values: make([][]string, len(s.Facets))}
	used := Mask(1<<s.Tiers - 1)
	r.masks[docField], r.masks[sortField] = d.Mask&used, d.SortMask&used
	for i, t := range d.Texts {
		r.masks[textField+i] = t.Mask & used
		r.words = p.appendWords(r.words, t.Value, i)
	}
	r.words = mergeWords(r.words)
	for i, v := range d.Facets {
		r.masks[s.facetField(i)] = v.Mask & used
		r.values[i] = distinct(v.Values)
	}
	return r, nil
}

// appendWords cuts the text of a field into words.
func (p *preparer) appendWords(out []word, text string, field int) []word {
	if p.schema.Texts[field].Kind == Code {
		for _, w := range p.schema.words(text) {
			out = append(out, word{w, 1 << field})
		}
		return out
	}
	for _, raw := range strings.Fields(text) {
		for _, w := range p.name(raw) {
			out = append(out, word{w, 1 << field})
		}
	}
	return out
}

// name folds a name. A compound also counts written in one word.
func (p *preparer) name(raw string) []string {
	words, ok := p.folded[raw]
	if !ok {
		if words = p.schema.words(raw); len(words) > 1 {
			words = append(words, strings.Join(words, ""))
		}
		if len(p.folded) < maxFolded {
			p.folded[raw] = words
		}
	}
	return words
}

// mergeWords sorts words and unites the fields of equal ones.
func mergeWords(words []word) []word {
	slices.SortFunc(words, func(a, b word) int { return strings.Compare(a.text, b.text) })
	out := words[:0]
	for _, w := range words {
		if n := len(out); n > 0 && out[n-1].text == w.text {
			out[n-1].fields |= w.fields
		} else {
			out = append(out, w)
		}
	}
	return out
}

// distinct returns the values sorted, without empty and repeated ones.
func distinct(values []string) []string {
	if len(values) == 1 && values[0] != "" {
		return []string{values[0]}
	}
	var out []string
	for _, v := range values {
		if v != "" {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
