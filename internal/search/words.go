package search

import "slices"

// termSet is what a typed word may stand for in a segment.
type termSet struct {
	lo, hi    uint32 // the terms that begin with it
	whole     bool   // the first of them is the word itself
	corrected []uint32
	size      int     // how many postings
	found     *planes // the documents that have it, when collected beforehand
}

// farther is how many postings may be collected for one document less to look up: a look-up misses the cache, a list runs on.
const farther = 16

func (r *run) terms(w queryWord) termSet {
	var t termSet
	t.lo, t.hi, t.whole = r.seg.prefixed(w.text)
	t.size = len(r.seg.documents(t.lo, t.hi))
	if w.fuzzy {
		for _, term := range r.seg.near(w.text) {
			if term < t.lo || term >= t.hi {
				t.corrected = append(t.corrected, term)
				t.size += len(r.seg.documents(term, term+1))
			}
		}
	}
	return t
}

// byText walks the documents of the rarest word and looks the other words up in each, or in what was collected for them.
func (r *run) byText() {
	sets := make([]termSet, len(r.words))
	for i, w := range r.words {
		if sets[i] = r.terms(w); sets[i].size == 0 {
			return
		}
	}
	slices.SortFunc(sets, func(a, b termSet) int { return a.size - b.size })
	r.sets = sets
	for i := range sets {
		if sets[i].size <= farther*sets[0].size {
			sets[i].found = r.seg.scratch.Get().(*planes)
			r.gather(sets[i].found, &sets[i])
		}
	}
	sets[0].found.drain(func(doc uint32, m Match) {
		for i := range sets[1:] {
			if m = max(m, r.best(doc, &sets[1+i])); m == none {
				return
			}
		}
		r.consider(doc, m)
	})
	for i := range sets {
		if sets[i].found != nil {
			sets[i].found.clear()
			r.seg.scratch.Put(sets[i].found)
			sets[i].found = nil
		}
	}
}

// gather collects the documents that visibly have one of the terms.
func (r *run) gather(p *planes, t *termSet) {
	lo := t.lo
	if t.whole {
		r.collect(p, r.seg.documents(lo, lo+1), Exact, 0xff)
		lo++
	}
	r.collect(p, r.seg.documents(lo, t.hi), Prefix, 0xff)
	for _, term := range t.corrected {
		r.collect(p, r.seg.documents(term, term+1), Corrected, r.names)
	}
}

func (r *run) collect(p *planes, postings []uint32, m Match, fields uint8) {
	plane := p.plane(m)
	open := r.seg.open[r.tier]
	for _, posting := range postings {
		doc, in := posting>>8, uint8(posting)&fields
		if in != 0 && (open.has(doc) || uint64(in)<<textField&r.vis[r.seg.profile(doc)] != 0) {
			plane.add(doc)
			p.summary.add(doc >> 6)
		}
	}
}

// best says how well the words of a document that the tier sees answer a typed word.
func (r *run) best(doc uint32, t *termSet) Match {
	if t.found != nil {
		return t.found.at(doc)
	}
	return r.lookUp(doc, t, r.vis[r.seg.profile(doc)])
}

// lookUp says how well the visible words of a document answer a typed word.
func (r *run) lookUp(doc uint32, t *termSet, vis uint64) Match {
	texts := uint8(vis >> textField)
	m := none
	for _, packed := range r.seg.wordsOf(doc) {
		term, fields := packed>>8, uint8(packed)&texts
		switch {
		case fields == 0:
		case term == t.lo && t.whole:
			return Exact
		case term >= t.lo && term < t.hi:
			m = Prefix
		case m == none && fields&r.names != 0 && slices.Contains(t.corrected, term):
			m = Corrected
		}
	}
	return m
}
