package search

import "slices"

// run is one query on its way over one view.
type run struct {
	*ask
	view     *view
	seg      *segment
	vis      []uint64 // what the viewer's tier sees, by profile
	skip     bitset   // documents of the segment not to look at: dead, or judged one by one
	contacts []contact
	sets     []termSet // what the words stand for in the segment, the rarest first; none when one stands for nothing
	filters  []filter
	counted  []int    // the facets to count, each once
	columns  []column // where each of them is counted
	batch    []uint32 // documents found and not yet counted
	need     int      // how many hits of each match are worth keeping

	totals   [3]int
	ordered  [3][]uint32 // by match: documents of the segment, ascending, at most need
	unsorted [3][]uint32 // those whose sort key the viewer does not see
	loose    [3][]*record
	counts   [][]int32 // by facet and value number; nil when not wanted
}

func newRun(a *ask, v *view) *run {
	r := &run{ask: a, view: v, seg: v.seg, vis: v.seg.vis[a.tier], skip: v.dead, counts: make([][]int32, len(v.extra))}
	n := v.len()
	r.need = min(a.offset, n) + min(a.limit, n)
	for _, f := range a.wanted {
		if r.counts[f] == nil {
			r.counts[f] = make([]int32, v.slots(f))
			r.counted = append(r.counted, f)
		}
	}
	for f, demanded := range a.selected {
		if demanded != nil {
			r.filters = append(r.filters, r.newFilter(f, demanded))
		}
	}
	slices.SortStableFunc(r.filters, func(x, y filter) int { return x.size - y.size })
	r.pickContacts()
	return r
}

func (r *run) do() {
	r.remembered(r.segment)
	for _, rec := range r.view.delta {
		r.judge(rec)
	}
	r.judgeContacts()
}

// segment answers from the segment, but for the contacts.
func (r *run) segment() {
	r.setColumns(r.counted)
	r.batch = make([]uint32, 0, 1024)
	switch {
	case len(r.words) > 0:
		r.byText()
	case len(r.filters) > 0:
		r.byFilter()
	default:
		r.everything()
	}
	r.countBatch()
}

// judge takes a document of the delta, by the definition itself.
func (r *run) judge(rec *record) {
	m, missed := r.match(rec)
	if m == none {
		return
	}
	sees := r.sees(rec.id)
	for _, f := range r.counted {
		if missed != hitsAll && missed != f || rec.masks[r.schema.facetField(f)]&sees == 0 {
			continue
		}
		for _, code := range rec.codes[f] {
			r.counts[f][code]++
		}
	}
	if missed == hitsAll {
		r.totals[m]++
		r.loose[m] = append(r.loose[m], rec)
	}
}

// consider takes a document of the segment whose text matches.
func (r *run) consider(doc uint32, m Match) {
	v := r.vis[r.seg.profile(doc)]
	if v == 0 || r.skip.has(doc) {
		return
	}
	switch missed := r.missed(doc, v); {
	case missed == hitsAll:
		r.hit(doc, m, v)
		r.found(doc)
	case missed != missesMore && r.counts[missed] != nil:
		r.countOne(doc, v, missed, 1)
	}
}

// found puts a document among those whose facets are to be counted.
func (r *run) found(doc uint32) {
	if r.batch = append(r.batch, doc); len(r.batch) == cap(r.batch) {
		r.countBatch()
	}
}

func (r *run) hit(doc uint32, m Match, v uint64) {
	r.totals[m]++
	if v&(1<<sortField) == 0 {
		r.unsorted[m] = append(r.unsorted[m], doc)
	} else if len(r.ordered[m]) < r.need {
		r.ordered[m] = append(r.ordered[m], doc)
	}
}

// setColumns chooses the facets that countBatch counts.
func (r *run) setColumns(facets []int) {
	r.columns = r.columns[:0]
	for _, f := range facets {
		r.columns = append(r.columns, column{1 + f, r.schema.facetField(f), r.counts[f], &r.seg.facets[f]})
	}
}

// countBatch counts the facets of the documents found.
func (r *run) countBatch() {
	switch rows := &r.seg.rows; {
	case len(r.columns) == 0:
	case rows.narrow != nil:
		countRows(rows.narrow, narrowFlag, r.seg.stride(), r.batch, r.vis, r.columns)
	default:
		countRows(rows.wide, setFlag, r.seg.stride(), r.batch, r.vis, r.columns)
	}
	r.batch = r.batch[:0]
}

// countOne adds n to the counts of one facet of a document.
func (r *run) countOne(doc uint32, v uint64, facet int, n int32) {
	if v>>r.schema.facetField(facet)&1 != 0 {
		r.seg.facets[facet].tally(r.counts[facet], r.seg.code(doc, facet), n)
	}
}

// everything answers a query that demands nothing: the census knows, only the page is looked for.
func (r *run) everything() {
	r.rootCounts(r.counted)
	total := r.view.roots[r.tier].total
	for _, c := range r.contacts {
		if r.vis[r.seg.profile(c.doc)] != 0 {
			total--
		}
	}
	for doc := uint32(0); r.totals[Exact] < total && len(r.ordered[Exact]) < r.need; doc++ {
		if v := r.vis[r.seg.profile(doc)]; v != 0 && !r.skip.has(doc) {
			r.hit(doc, Exact, v)
		}
	}
	r.totals[Exact] = total
}

// rootCounts counts facets over all that the tier sees in the segment, contacts aside.
func (r *run) rootCounts(facets []int) {
	for _, f := range facets {
		copy(r.counts[f], r.view.roots[r.tier].counts[f])
		for _, c := range r.contacts {
			r.countOne(c.doc, r.vis[r.seg.profile(c.doc)], f, -1)
		}
	}
}
