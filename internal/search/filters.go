package search

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// filter is a demanded facet.
type filter struct {
	facet  int
	bit    uint64 // of the facet's field in vis
	ok     []bool // by value number
	values []*roaring.Bitmap
	size   int // at most so many documents of the segment
}

func (r *run) newFilter(facet int, demanded []string) filter {
	f := filter{facet: facet, bit: 1 << r.schema.facetField(facet), ok: make([]bool, r.view.slots(facet))}
	for _, value := range demanded {
		if i, ok := slices.BinarySearch(r.seg.facets[facet].values, value); ok {
			f.ok[i+1] = true
			f.values = append(f.values, r.seg.values[facet][i])
			f.size += int(r.seg.values[facet][i].GetCardinality())
		}
	}
	return f
}

func (r *run) passes(f *filter, doc uint32, v uint64) bool {
	if v&f.bit == 0 {
		return false
	}
	code := r.seg.code(doc, f.facet)
	if code&setFlag == 0 {
		return f.ok[code]
	}
	for _, c := range r.seg.facets[f.facet].set(code) {
		if f.ok[c] {
			return true
		}
	}
	return false
}

// missesMore is the missed facet of a document that misses several.
const missesMore = -2

// missed is the one facet whose filter a document of the segment misses, or hitsAll, or missesMore.
func (r *run) missed(doc uint32, v uint64) int {
	missed := hitsAll
	for i := range r.filters {
		if r.passes(&r.filters[i], doc, v) {
			continue
		}
		if missed != hitsAll {
			return missesMore
		}
		missed = r.filters[i].facet
	}
	return missed
}

// byFilter answers a query without text. The smallest filter is walked, the others are looked up in the rows. What misses the
// smallest alone still counts in its own facet: a second walk along the next one, or the census.
func (r *run) byFilter() {
	first := &r.filters[0]
	if first.size > r.seg.len()/2 {
		r.byExclusion()
		return
	}
	counts := r.counts[first.facet]
	if len(r.filters) == 1 && counts != nil {
		r.rootCounts([]int{first.facet})
		r.setColumns(slices.DeleteFunc(slices.Clone(r.counted), func(f int) bool { return f == first.facet }))
	}
	r.walk(first, func(doc uint32) { r.consider(doc, Exact) })
	if len(r.filters) == 1 || counts == nil {
		return
	}
	r.walk(&r.filters[1], func(doc uint32) {
		v := r.vis[r.seg.profile(doc)]
		if v != 0 && !r.skip.has(doc) && r.missed(doc, v) == first.facet {
			r.countOne(doc, v, first.facet, 1)
		}
	})
}

// byExclusion answers filters that most documents pass: it counts those that do not, and takes them from the census. In the facet
// of the only filter that it misses, a document stays counted.
func (r *run) byExclusion() {
	for doc := range uint32(r.seg.len()) {
		v := r.vis[r.seg.profile(doc)]
		if v == 0 || r.skip.has(doc) {
			continue
		}
		missed := r.missed(doc, v)
		if missed == hitsAll {
			r.hit(doc, Exact, v)
			continue
		}
		if missed != missesMore && r.counts[missed] != nil {
			r.countOne(doc, v, missed, -1)
		}
		r.found(doc)
	}
	r.countBatch()
	excluded := make([][]int32, len(r.counts))
	for _, f := range r.counted {
		excluded[f] = slices.Clone(r.counts[f])
	}
	r.rootCounts(r.counted)
	for _, f := range r.counted {
		for i, n := range excluded[f] {
			r.counts[f][i] -= n
		}
	}
}

// walk visits the documents that have a value of a filter, ascending.
func (r *run) walk(f *filter, visit func(doc uint32)) {
	var docs *roaring.Bitmap
	switch len(f.values) {
	case 0:
		return
	case 1:
		docs = f.values[0]
	default:
		docs = roaring.FastOr(f.values...)
	}
	var buf [512]uint32
	for it := docs.ManyIterator(); ; {
		n := it.NextMany(buf[:])
		if n == 0 {
			return
		}
		for _, doc := range buf[:n] {
			visit(doc)
		}
	}
}
