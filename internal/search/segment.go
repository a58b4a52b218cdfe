package search

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/RoaringBitmap/roaring/v2"

	"amicale/internal/id"
)

// segment is a sorted table with what makes it fast. It never changes. Everything here derives from the table, so that a
// snapshot stores the table alone.
type segment struct {
	*table
	schema *Schema

	// vis says for each tier and profile which fields are seen: bit n for field n, none at all when the document is hidden.
	vis [MaxTiers][]uint64

	// open holds for each tier the documents that hide no text from it: nearly all, so that rows are seldom looked at.
	open [MaxTiers]bitset

	slots      []uint32 // hash table from ID to document+1, 0 for empty; a power of two long
	postings   []uint32 // for each term: its documents as document<<8 | fields, ascending
	postingEnd []uint32
	typos      []uint64            // ascending: hash of a term without one letter, or whole, in the high half; term in the low one
	values     [][]*roaring.Bitmap // by facet and value number - 1: the documents that have it, whoever may see it
	roots      [MaxTiers]census

	scratch sync.Pool // of *planes
}

// census counts what a tier sees when it asks for nothing.
type census struct {
	total  int
	counts [][]int32 // by facet and value number
}

func newSegment(s *Schema, t *table) (*segment, error) {
	g := &segment{table: t, schema: s}
	g.scratch.New = func() any { return newPlanes(t.len()) }
	g.makeVis()
	if err := g.makeSlots(); err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		g.makePostings()
		g.makeTypos()
	})
	wg.Go(func() {
		g.values = make([][]*roaring.Bitmap, len(t.facets))
		for f := range t.facets {
			g.values[f] = t.bitmaps(f)
		}
		for tier := range s.Tiers {
			g.roots[tier] = g.count(Tier(tier))
		}
	})
	wg.Wait()
	return g, nil
}

// seen says which fields of a profile are visible to a set of tiers.
func (g *segment) seen(profile uint32, sees Mask) (v uint64) {
	fields := g.schema.fields()
	for i, m := range g.profiles[int(profile)*fields:][:fields] {
		if m&sees != 0 {
			v |= 1 << i
		}
	}
	if v&(1<<docField) == 0 {
		return 0
	}
	return v
}

func (g *segment) makeVis() {
	for t := range g.schema.Tiers {
		g.vis[t] = make([]uint64, len(g.profiles)/g.schema.fields())
		for p := range g.vis[t] {
			g.vis[t][p] = g.seen(uint32(p), Only(Tier(t)))
		}
		g.open[t] = newBitset(g.len())
		all := uint64(1<<len(g.schema.Texts)-1) << textField
		for doc := range uint32(g.len()) {
			if g.vis[t][g.profile(doc)]&all == all {
				g.open[t].add(doc)
			}
		}
	}
}

func (g *segment) slot(x id.ID) uint64 {
	h := (binary.LittleEndian.Uint64(x[:8]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(x[8:]), 23)) * 0x9e3779b97f4a7c15
	return h >> (64 - bits.Len(uint(len(g.slots)-1)))
}

func (g *segment) makeSlots() error {
	g.slots = make([]uint32, 1<<bits.Len(uint(2*g.len()+1)))
	for doc, x := range g.ids {
		i := g.slot(x)
		for ; g.slots[i] != 0; i = (i + 1) & uint64(len(g.slots)-1) {
			if g.ids[g.slots[i]-1] == x {
				return fmt.Errorf("search: document %v occurs twice", x)
			}
		}
		g.slots[i] = uint32(doc) + 1
	}
	return nil
}

// find returns the number of a document.
func (g *segment) find(x id.ID) (doc uint32, ok bool) {
	for i := g.slot(x); g.slots[i] != 0; i = (i + 1) & uint64(len(g.slots)-1) {
		if doc = g.slots[i] - 1; g.ids[doc] == x {
			return doc, true
		}
	}
	return 0, false
}

func (g *segment) makePostings() {
	g.postingEnd = make([]uint32, len(g.terms))
	for _, w := range g.words {
		g.postingEnd[w>>8]++
	}
	var sum uint32
	next := make([]uint32, len(g.terms))
	for i, n := range g.postingEnd {
		next[i] = sum
		sum += n
		g.postingEnd[i] = sum
	}
	g.postings = make([]uint32, sum)
	for doc := range uint32(g.len()) {
		for _, w := range g.wordsOf(doc) {
			g.postings[next[w>>8]] = doc<<8 | w&0xff
			next[w>>8]++
		}
	}
}

// documents returns the postings of a run of terms.
func (g *segment) documents(lo, hi uint32) []uint32 {
	if lo >= hi {
		return nil
	}
	return g.postings[before(g.postingEnd, lo):g.postingEnd[hi-1]]
}

// makeTypos lists every name, whole and with each letter left out (symmetric delete): two words are one error apart only
// if they share such a form.
func (g *segment) makeTypos() {
	names := g.schema.names()
	for term, text := range g.terms {
		n := utf8.RuneCountInString(text)
		if n < minFuzzy-1 || n > maxFuzzy+1 || !g.inFields(uint32(term), names) {
			continue
		}
		forms(text, func(hash uint32) { g.typos = append(g.typos, uint64(hash)<<32|uint64(term)) })
	}
	slices.Sort(g.typos)
	g.typos = slices.Clip(slices.Compact(g.typos))
}

func (g *segment) inFields(term uint32, fields uint8) bool {
	for _, p := range g.documents(term, term+1) {
		if uint8(p)&fields != 0 {
			return true
		}
	}
	return false
}

// forms hashes a word, whole and with each letter left out.
func forms(text string, visit func(hash uint32)) {
	runes := []rune(text)
	for skip := -1; skip < len(runes); skip++ {
		h := uint64(14695981039346656037)
		for i, r := range runes {
			if i != skip {
				h = (h ^ uint64(r)) * 1099511628211
			}
		}
		visit(uint32((h ^ h>>29) * 0xbf58476d1ce4e5b9 >> 32))
	}
}

// near returns the names one typing error away from a word, ascending.
func (g *segment) near(text string) []uint32 {
	var out []uint32
	forms(text, func(hash uint32) {
		i := sort.Search(len(g.typos), func(i int) bool { return g.typos[i]>>32 >= uint64(hash) })
		for ; i < len(g.typos) && g.typos[i]>>32 == uint64(hash); i++ {
			if term := uint32(g.typos[i]); oneError(text, g.terms[term]) {
				out = append(out, term)
			}
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// prefixed returns the run of terms that begin with a word, and whether the first of them is the word itself.
func (g *segment) prefixed(text string) (lo, hi uint32, whole bool) {
	i := sort.SearchStrings(g.terms, text)
	n := sort.Search(len(g.terms)-i, func(n int) bool { return !strings.HasPrefix(g.terms[i+n], text) })
	return uint32(i), uint32(i + n), n > 0 && g.terms[i] == text
}

// bitmaps makes a bitmap of documents for each value of a facet.
func (t *table) bitmaps(facet int) []*roaring.Bitmap {
	n := len(t.facets[facet].values)
	next := make([]int, n+1)
	var one [1]uint32
	for doc := range uint32(t.len()) {
		for _, v := range t.codes(doc, facet, &one) {
			next[v]++
		}
	}
	sum := 0
	for v, c := range next {
		next[v] = sum
		sum += c
	}
	docs := make([]uint32, sum)
	for doc := range uint32(t.len()) {
		for _, v := range t.codes(doc, facet, &one) {
			docs[next[v]] = doc
			next[v]++
		}
	}
	out := make([]*roaring.Bitmap, n)
	for v := 1; v <= n; v++ {
		out[v-1] = roaring.New()
		out[v-1].AddMany(docs[next[v-1]:next[v]])
		out[v-1].RunOptimize()
	}
	return out
}

// count takes the census of a tier.
func (g *segment) count(tier Tier) census {
	c := census{counts: make([][]int32, len(g.facets))}
	for f := range g.facets {
		c.counts[f] = make([]int32, len(g.facets[f].values)+1)
	}
	for doc := range uint32(g.len()) {
		g.enter(&c, tier, doc, 1)
	}
	return c
}

// enter adds a document to the census of a tier, or takes it out with n = -1.
func (g *segment) enter(c *census, tier Tier, doc uint32, n int32) {
	v := g.vis[tier][g.profile(doc)]
	if v == 0 {
		return
	}
	c.total += int(n)
	first := g.schema.facetField(0)
	for f := range g.facets {
		if v>>(first+f)&1 != 0 {
			g.facets[f].tally(c.counts[f], g.code(doc, f), n)
		}
	}
}

// tally adds n to the count of each value of a row code. Slot 0 counts documents without a value.
func (d *dictionary) tally(counts []int32, code uint32, n int32) {
	if code&setFlag == 0 {
		counts[code] += n
		return
	}
	for _, v := range d.set(code) {
		counts[v] += n
	}
}
