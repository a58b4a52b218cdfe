package search

import (
	"slices"
	"strings"
)

// entry is a hit before it is explained: a document of the segment, or a record.
type entry struct {
	doc   uint32
	rec   *record
	match Match
}

// result cuts the page out of what was found and lists the counts.
func (r *run) result() Result {
	res := Result{Totals: r.totals, Chips: r.chips, Seq: r.view.seq}
	for _, n := range r.totals {
		res.Total += n
	}
	var entries []entry
	for m := Exact; m < none && len(entries) < r.need; m++ {
		entries = r.merge(entries, m)
	}
	entries = entries[min(r.offset, len(entries)):]
	for _, e := range entries[:min(r.limit, len(entries))] {
		switch {
		case e.rec != nil:
			res.Hits = append(res.Hits, r.explain(e.rec, e.match))
		case e.match == Corrected:
			res.Hits = append(res.Hits, r.explain(r.seg.record(e.doc, r.schema.fields()), e.match))
		default:
			res.Hits = append(res.Hits, Hit{ID: r.seg.ids[e.doc], Match: e.match})
		}
	}
	for _, f := range r.wanted {
		res.Facets = append(res.Facets, FacetCounts{Facet: f, Values: r.list(f)})
	}
	return res
}

// merge appends the hits of one match in order: the sorted ones of the segment and the loose ones, then the unsorted.
func (r *run) merge(entries []entry, m Match) []entry {
	loose := r.loose[m]
	slices.SortFunc(loose, r.compare)
	for _, doc := range r.ordered[m] {
		if len(entries) >= r.need {
			return entries
		}
		for len(loose) > 0 && r.sorted(loose[0]) && r.precedes(loose[0], doc) {
			entries = append(entries, entry{rec: loose[0], match: m})
			loose = loose[1:]
		}
		entries = append(entries, entry{doc: doc, match: m})
	}
	for len(loose) > 0 && r.sorted(loose[0]) {
		entries = append(entries, entry{rec: loose[0], match: m})
		loose = loose[1:]
	}
	first := len(entries)
	for _, doc := range r.unsorted[m] {
		entries = append(entries, entry{doc: doc, match: m})
	}
	for _, rec := range loose {
		entries = append(entries, entry{rec: rec, match: m})
	}
	slices.SortFunc(entries[first:], func(a, b entry) int { return compareIDs(r.idOf(a), r.idOf(b)) })
	return entries
}

func (r *run) idOf(e entry) [16]byte {
	if e.rec != nil {
		return e.rec.id
	}
	return r.seg.ids[e.doc]
}

// precedes reports whether a record comes before a document of the segment.
func (r *run) precedes(rec *record, doc uint32) bool {
	key := string(r.seg.key(doc))
	if c := strings.Compare(rec.key, key); c != 0 {
		return c < 0
	}
	return compareIDs(rec.id, r.seg.ids[doc]) < 0
}

// list makes the counts of a facet readable. Values of the segment are in order; those that only the delta has are put among them.
func (r *run) list(facet int) []Count {
	counts := r.counts[facet]
	demanded := r.selected[facet]
	var out []Count
	for number := 1; number < len(counts); number++ {
		value := r.view.value(facet, number)
		selected := len(demanded) > 0 && slices.Contains(demanded, value)
		if counts[number] != 0 || selected {
			out = append(out, Count{Value: value, N: int(counts[number]), Selected: selected})
		}
	}
	for _, value := range demanded {
		if !slices.ContainsFunc(out, func(c Count) bool { return c.Value == value }) {
			out = append(out, Count{Value: value, Selected: true})
		}
	}
	if len(r.view.extra[facet]) > 0 || len(demanded) > 0 {
		slices.SortFunc(out, func(a, b Count) int { return strings.Compare(a.Value, b.Value) })
	}
	return out
}
