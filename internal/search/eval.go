package search

import "slices"

// run is one query on its way over one view.
type run struct {
	*ask
	view     *view
	seg      *segment
	vis      []uint64 // what the viewer's tier sees, by profile
	skip     bitset   // documents of the segment not to look at: dead, or judged one by one
	contacts []uint32 // documents of the segment judged one by one
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

// pickContacts finds the contacts of whom the viewer sees more than the tier does. They are few, and are judged one by one.
func (r *run) pickContacts() {
	for x, as := range r.ask.contacts {
		doc, ok := r.seg.find(x)
		if !ok || r.view.dead.has(doc) {
			continue
		}
		profile := r.seg.profile(doc)
		if r.seg.seen(profile, Only(r.tier)|as) == r.vis[profile] {
			continue
		}
		if len(r.contacts) == 0 {
			r.skip = newBitset(r.seg.len())
			copy(r.skip, r.view.dead)
		}
		r.skip.add(doc)
		r.contacts = append(r.contacts, doc)
	}
}

func (r *run) do() {
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
	for _, rec := range r.view.delta {
		r.judge(rec)
	}
	for _, doc := range r.contacts {
		r.judge(r.seg.record(doc, r.schema.fields()))
	}
}

// judge takes a document that is not in the segment's order by the definition itself.
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
	missed := hitsAll
	for i := range r.filters {
		if r.passes(&r.filters[i], doc, v) {
			continue
		}
		if missed != hitsAll {
			return
		}
		missed = r.filters[i].facet
	}
	if missed != hitsAll {
		if r.counts[missed] != nil {
			r.countOne(doc, v, missed, 1)
		}
		return
	}
	r.hit(doc, m, v)
	r.found(doc)
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
	root := &r.view.roots[r.tier]
	r.rootCounts(r.counted)
	total := root.total - len(r.visibleContacts())
	for doc := uint32(0); doc < uint32(r.seg.len()) && len(r.ordered[Exact]) < r.need; doc++ {
		if v := r.vis[r.seg.profile(doc)]; v != 0 && !r.skip.has(doc) {
			r.hit(doc, Exact, v)
		}
	}
	r.totals[Exact] = total
}

// visibleContacts are those that the census of the viewer's tier has counted.
func (r *run) visibleContacts() []uint32 {
	var out []uint32
	for _, doc := range r.contacts {
		if r.vis[r.seg.profile(doc)] != 0 {
			out = append(out, doc)
		}
	}
	return out
}

// rootCounts counts facets over all that the tier sees in the segment.
func (r *run) rootCounts(facets []int) {
	for _, f := range facets {
		copy(r.counts[f], r.view.roots[r.tier].counts[f])
		for _, doc := range r.contacts {
			if r.vis[r.seg.profile(doc)]>>r.schema.facetField(f)&1 != 0 {
				r.seg.facets[f].tally(r.counts[f], r.seg.code(doc, f), -1)
			}
		}
	}
}
