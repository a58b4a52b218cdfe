package search

import (
	"slices"

	"amicale/internal/id"
)

// view is what readers see: one state of the index. It never changes, but for what it remembers.
type view struct {
	seg   *segment
	dead  bitset     // documents of the segment that are gone or stand in the delta
	gone  int        // how many are dead
	delta []*record  // sorted by sort key and ID
	extra [][]string // by facet: values of the delta that the segment does not know; they are numbered on
	roots [MaxTiers]census
	seq   uint64
	memo  memo
}

func newView(g *segment, seq uint64) *view {
	return &view{seg: g, extra: make([][]string, len(g.facets)), roots: g.roots, seq: seq}
}

func (v *view) len() int { return v.seg.len() - v.gone + len(v.delta) }

// next makes the view that follows when the documents given died and the delta became this one.
func (v *view) next(died []id.ID, delta map[id.ID]*record, seq uint64) *view {
	n := &view{seg: v.seg, dead: v.dead, gone: v.gone, roots: v.roots, seq: seq, extra: slices.Clone(v.extra)}
	n.kill(died)
	n.delta = make([]*record, 0, len(delta))
	for x, r := range delta {
		if r.codes == nil {
			r = n.numbered(r)
			delta[x] = r
		}
		n.delta = append(n.delta, r)
	}
	slices.SortFunc(n.delta, compareRecords)
	return n
}

// kill takes documents of the segment out.
func (v *view) kill(ids []id.ID) {
	copied := false
	for _, x := range ids {
		doc, ok := v.seg.find(x)
		if !ok || v.dead.has(doc) {
			continue
		}
		if !copied {
			if v.dead == nil {
				v.dead = newBitset(v.seg.len())
			}
			v.dead = slices.Clone(v.dead)
			for t := range v.seg.schema.Tiers {
				v.roots[t] = v.roots[t].clone()
			}
			copied = true
		}
		v.dead.add(doc)
		v.gone++
		for t := range v.seg.schema.Tiers {
			v.seg.enter(&v.roots[t], Tier(t), doc, -1)
		}
	}
}

func (c census) clone() census {
	counts := make([][]int32, len(c.counts))
	for f := range counts {
		counts[f] = slices.Clone(c.counts[f])
	}
	c.counts = counts
	return c
}

// numbered returns the record with its values numbered for this view, in which new values get the next numbers.
func (v *view) numbered(r *record) *record {
	out := *r
	out.codes = make([][]uint32, len(r.values))
	for f, values := range r.values {
		for _, value := range values {
			out.codes[f] = append(out.codes[f], v.number(f, value))
		}
	}
	return &out
}

func (v *view) number(facet int, value string) uint32 {
	known := v.seg.facets[facet].values
	if i, ok := slices.BinarySearch(known, value); ok {
		return uint32(i + 1)
	}
	i := slices.Index(v.extra[facet], value)
	if i < 0 {
		i = len(v.extra[facet])
		v.extra[facet] = append(slices.Clip(v.extra[facet]), value)
	}
	return uint32(len(known) + 1 + i)
}

// value is the text of a value number.
func (v *view) value(facet int, number int) string {
	known := v.seg.facets[facet].values
	if number <= len(known) {
		return known[number-1]
	}
	return v.extra[facet][number-1-len(known)]
}

// slots is how long an array of counts by value number must be.
func (v *view) slots(facet int) int {
	return 1 + len(v.seg.facets[facet].values) + len(v.extra[facet])
}

// sources are the tables whose living documents are those of the view.
func (v *view) sources() ([]source, error) {
	f := newFiller(v.seg.schema)
	for _, r := range v.delta {
		if err := f.add(r); err != nil {
			return nil, err
		}
	}
	return []source{{v.seg.table, v.dead}, {&f.table, nil}}, nil
}
