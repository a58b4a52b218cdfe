package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"amicale/internal/id"
)

// ask is a query read against a schema: all that the definition of a match needs.
type ask struct {
	schema   *Schema
	tier     Tier
	contacts map[id.ID]Mask
	words    []queryWord
	names    uint8      // text fields that forgive a typing error
	selected [][]string // by facet: the values demanded; nil demands nothing
	wanted   []int      // facets to count
	limit    int
	offset   int
	chips    []Chip
}

// hitsAll is the missed facet of a document that passes all filters.
const hitsAll = -1

// match is the definition of a match. It says how well a document answers, none when it does not, and which one
// facet's filter it misses (hitsAll when it misses none): the document is then no hit but counts in that very facet.
func (a *ask) match(r *record) (m Match, missed int) {
	sees := a.sees(r.id)
	if r.masks[docField]&sees == 0 {
		return none, hitsAll
	}
	texts := visibleTexts(r, len(a.schema.Texts), sees)
	for _, w := range a.words {
		best, _ := a.matchWord(w, r, texts)
		if m = max(m, best); m == none {
			return none, hitsAll
		}
	}
	missed = hitsAll
	for facet, demanded := range a.selected {
		if demanded == nil || a.has(r, facet, demanded, sees) {
			continue
		}
		if missed != hitsAll {
			return none, hitsAll
		}
		missed = facet
	}
	return m, missed
}

// matchWord says how well the best word of a document, in the text fields given, answers a typed word; for a corrected one, which it is (of
// several the first in byte order).
func (a *ask) matchWord(typed queryWord, r *record, texts uint8) (best Match, found string) {
	best = none
	for _, have := range r.words {
		fields := have.fields & texts
		switch {
		case fields == 0:
		case have.text == typed.text:
			return Exact, ""
		case strings.HasPrefix(have.text, typed.text):
			best = Prefix
		case best == none && typed.fuzzy && fields&a.names != 0 && oneError(typed.text, have.text):
			best, found = Corrected, have.text
		}
	}
	return best, found
}

// sees is the set of tiers that apply between the viewer and a document.
func (a *ask) sees(doc id.ID) Mask {
	m := Only(a.tier)
	if len(a.contacts) > 0 {
		m |= a.contacts[doc]
	}
	return m
}

// has reports whether a document visibly has one of the demanded values.
func (a *ask) has(r *record, facet int, demanded []string, sees Mask) bool {
	if r.masks[a.schema.facetField(facet)]&sees == 0 {
		return false
	}
	return slices.ContainsFunc(r.values[facet], func(v string) bool { return slices.Contains(demanded, v) })
}

func visibleTexts(r *record, texts int, sees Mask) (fields uint8) {
	for i := range texts {
		if r.masks[textField+i]&sees != 0 {
			fields |= 1 << i
		}
	}
	return fields
}

// explain makes the hit of a matching document.
func (a *ask) explain(r *record, m Match) Hit {
	h := Hit{ID: r.id, Match: m}
	if m != Corrected {
		return h
	}
	texts := visibleTexts(r, len(a.schema.Texts), a.sees(r.id))
	for _, w := range a.words {
		if best, found := a.matchWord(w, r, texts); best == Corrected {
			h.Corrections = append(h.Corrections, Correction{Typed: w.text, Found: found})
		}
	}
	return h
}

// sorted reports whether the viewer sees what a document is sorted by.
func (a *ask) sorted(r *record) bool { return r.masks[sortField]&a.sees(r.id) != 0 }

// compare is the order of two documents of equal match.
func (a *ask) compare(x, y *record) int {
	switch sx, sy := a.sorted(x), a.sorted(y); {
	case sx && sy:
		return compareRecords(x, y)
	case sx != sy && sx:
		return -1
	case sx != sy:
		return 1
	}
	return compareIDs(x.id, y.id)
}

// newAsk reads a query.
func newAsk(s *Schema, q Query) (*ask, error) {
	if int(q.Tier) >= s.Tiers || q.Limit < 0 || q.Offset < 0 {
		return nil, fmt.Errorf("search: query with tier %d, limit %d, offset %d", q.Tier, q.Limit, q.Offset)
	}
	a := &ask{schema: s, tier: q.Tier, names: s.names(), wanted: q.Facets, limit: q.Limit, offset: q.Offset}
	a.words, a.chips = s.parse(q.Text, q.Strict)
	a.selected = make([][]string, len(s.Facets))
	filters := q.Filters
	for _, c := range a.chips {
		filters = append(filters[:len(filters):len(filters)], c.Filters...)
	}
	for _, f := range filters {
		if f.Facet < 0 || f.Facet >= len(s.Facets) {
			return nil, fmt.Errorf("search: filter on facet %d of %d", f.Facet, len(s.Facets))
		}
		if len(f.Values) > 0 {
			a.selected[f.Facet] = distinctAll(append(a.selected[f.Facet], f.Values...))
		}
	}
	for _, f := range q.Facets {
		if f < 0 || f >= len(s.Facets) {
			return nil, fmt.Errorf("search: count of facet %d of %d", f, len(s.Facets))
		}
	}
	for _, c := range q.Contacts {
		if a.contacts == nil {
			a.contacts = make(map[id.ID]Mask, len(q.Contacts))
		}
		a.contacts[c.ID] |= c.As & Mask(1<<s.Tiers-1)
	}
	return a, nil
}

// distinctAll is distinct that keeps the empty value: to demand it is to demand what no document has.
func distinctAll(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// Scan answers a query by looking at every document: the definition of what an Index answers, and the yardstick of how fast.
func Scan(s *Schema, docs []Doc, q Query) (Result, error) {
	p := newPreparer(s)
	records := make([]*record, len(docs))
	for i := range docs {
		r, err := p.record(&docs[i])
		if err != nil {
			return Result{}, err
		}
		records[i] = r
	}
	return scan(s, records, q)
}

func scan(s *Schema, records []*record, q Query) (Result, error) {
	a, err := newAsk(s, q)
	if err != nil {
		return Result{}, err
	}
	type found struct {
		r *record
		m Match
	}
	var hits []found
	res := Result{Chips: a.chips}
	counts := make([]map[string]int, len(s.Facets))
	for i := range counts {
		counts[i] = map[string]int{}
	}
	for _, r := range records {
		m, missed := a.match(r)
		if m == none {
			continue
		}
		for facet := range counts {
			if missed != hitsAll && missed != facet || r.masks[s.facetField(facet)]&a.sees(r.id) == 0 {
				continue
			}
			for _, v := range r.values[facet] {
				counts[facet][v]++
			}
		}
		if missed == hitsAll {
			hits = append(hits, found{r, m})
			res.Total++
			res.Totals[m]++
		}
	}
	slices.SortFunc(hits, func(x, y found) int { return cmp.Or(cmp.Compare(x.m, y.m), a.compare(x.r, y.r)) })
	hits = hits[min(a.offset, len(hits)):]
	for _, h := range hits[:min(a.limit, len(hits))] {
		res.Hits = append(res.Hits, a.explain(h.r, h.m))
	}
	for _, facet := range a.wanted {
		res.Facets = append(res.Facets, FacetCounts{Facet: facet, Values: a.list(facet, counts[facet])})
	}
	return res, nil
}

// list orders the counts of a facet and adds the selected values that do not occur.
func (a *ask) list(facet int, counts map[string]int) []Count {
	var out []Count
	for v, n := range counts {
		out = append(out, Count{Value: v, N: n, Selected: slices.Contains(a.selected[facet], v)})
	}
	for _, v := range a.selected[facet] {
		if counts[v] == 0 {
			out = append(out, Count{Value: v, Selected: true})
		}
	}
	slices.SortFunc(out, func(x, y Count) int { return strings.Compare(x.Value, y.Value) })
	return out
}
