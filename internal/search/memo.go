package search

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// memo remembers, for one view, what the segment answers to the first keystrokes: a letter or two that everybody types, that
// a large part of all documents match, and whose counts are as much a property of the view as the census.
type memo struct {
	answers sync.Map // from key to *answer
	size    atomic.Int32
}

// What a memo takes. The view's next change forgets all.
const (
	memoText  = 2 // bytes of the only word
	memoNeed  = 200
	memoLimit = 512
)

// answer is what a run found in the segment. It never changes.
type answer struct {
	totals            [3]int
	ordered, unsorted [3][]uint32
	counts            [][]int32
}

// memoKey names the query when it is one to remember.
func (r *run) memoKey() (key string, ok bool) {
	if len(r.words) != 1 || len(r.words[0].text) > memoText || r.need > memoNeed || len(r.filters) > 0 || len(r.contacts) > 0 {
		return "", false
	}
	return fmt.Sprintf("%q %d %d %v", r.words[0].text, r.tier, r.need, r.counted), true
}

// remembered is do for the segment, from memory where possible.
func (r *run) remembered(evaluate func()) {
	key, ok := r.memoKey()
	if !ok {
		evaluate()
		return
	}
	if known, ok := r.view.memo.answers.Load(key); ok {
		a := known.(*answer)
		r.totals, r.ordered, r.unsorted = a.totals, a.ordered, a.unsorted
		for _, f := range r.counted {
			copy(r.counts[f], a.counts[f])
		}
		return
	}
	evaluate()
	if r.view.memo.size.Add(1) > memoLimit {
		return
	}
	a := &answer{totals: r.totals, ordered: r.ordered, unsorted: r.unsorted, counts: make([][]int32, len(r.counts))}
	for f, counts := range r.counts {
		a.counts[f] = slices.Clone(counts)
	}
	r.view.memo.answers.Store(key, a)
}
