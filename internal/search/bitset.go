package search

import "math/bits"

// bitset is a set of document numbers, one bit each. The nil set is empty.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) has(doc uint32) bool {
	return b != nil && b[doc>>6]>>(doc&63)&1 != 0
}

func (b bitset) add(doc uint32) { b[doc>>6] |= 1 << (doc & 63) }

// planes collects documents in any order with a match each, and gives them back in order with the best. It takes time
// only for what was touched: a summary has one bit for every 64 documents.
type planes struct {
	exact, prefix, corrected bitset
	summary                  bitset
}

func newPlanes(n int) *planes {
	return &planes{newBitset(n), newBitset(n), newBitset(n), newBitset((n + 63) / 64)}
}

// plane is the set of documents of one match.
func (p *planes) plane(m Match) bitset {
	switch m {
	case Exact:
		return p.exact
	case Prefix:
		return p.prefix
	}
	return p.corrected
}

// at is the best match of one document.
func (p *planes) at(doc uint32) Match {
	switch {
	case p.exact.has(doc):
		return Exact
	case p.prefix.has(doc):
		return Prefix
	case p.corrected.has(doc):
		return Corrected
	}
	return none
}

// clear leaves the planes empty.
func (p *planes) clear() {
	for i, s := range p.summary {
		for ; s != 0; s &= s - 1 {
			w := i<<6 | bits.TrailingZeros64(s)
			p.exact[w], p.prefix[w], p.corrected[w] = 0, 0, 0
		}
		p.summary[i] = 0
	}
}

// drain visits the documents collected, ascending.
func (p *planes) drain(visit func(doc uint32, best Match)) {
	for i, s := range p.summary {
		for ; s != 0; s &= s - 1 {
			w := i<<6 | bits.TrailingZeros64(s)
			exact, prefix, corrected := p.exact[w], p.prefix[w], p.corrected[w]
			for all := exact | prefix | corrected; all != 0; all &= all - 1 {
				bit := all & -all
				best := Corrected
				if exact&bit != 0 {
					best = Exact
				} else if prefix&bit != 0 {
					best = Prefix
				}
				visit(uint32(w<<6|bits.TrailingZeros64(all)), best)
			}
		}
	}
}
