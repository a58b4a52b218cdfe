package search

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
)

// Tiers of the benchmark's population.
const (
	guest Tier = iota
	network
	member
	staff
)

// benchFacets are twelve facets and how many values each has.
var benchFacets = []struct {
	name   string
	values int
	none   float64 // share of documents without a value
}{
	{"school", 6, 0}, {"class", 75, 0.02}, {"department", 24, 0.05}, {"diploma", 6, 0},
	{"status", 3, 0}, {"region", 18, 0.3}, {"country", 120, 0.2}, {"sector", 30, 0.5},
	{"role", 40, 0.5}, {"group", 60, 0.6}, {"language", 12, 0.4}, {"available", 4, 0.7},
}

func benchSchema() Schema {
	s := Schema{
		Version: "bench",
		Texts:   []TextField{{"usage", Name}, {"birth", Name}, {"first", Name}, {"login", Code}},
		Tiers:   4,
		Fold:    fold.Name,
	}
	for _, f := range benchFacets {
		s.Facets = append(s.Facets, FacetField{f.name})
	}
	return s
}

// population draws people as an alumni base has them: tens of thousands of surnames and a few thousand first names of Zipf's
// frequency, few schools, skewed facets, masks mostly as they are by default.
type population struct {
	*rand.Rand
	surnames, firsts       []string
	surname, forename      *rand.Zipf
	facets                 []*rand.Zipf
	network, members, mine Mask
}

func newPopulation(n int) *population {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	p := &population{Rand: r, network: Only(network, member, staff), members: Only(member, staff), mine: Only(staff)}
	p.surnames = p.invent(20000+n/8, []string{"", "", "", "", "t", "d", "x", "s", "ert", "ier", "eau", "in", "on", "ez", "and", "el", "y"})
	p.firsts = p.invent(3000, []string{"", "e", "a", "ine", "ette", "ie", "ien", "o"})
	p.surname = rand.NewZipf(r, 1.05, 30, uint64(len(p.surnames)-1))
	p.forename = rand.NewZipf(r, 1.2, 20, uint64(len(p.firsts)-1))
	for _, f := range benchFacets {
		p.facets = append(p.facets, rand.NewZipf(r, 1.3, 4, uint64(f.values-1)))
	}
	return p
}

func (p *population) invent(n int, ends []string) []string {
	heads := []string{"b", "br", "c", "ch", "cl", "d", "dr", "f", "fr", "g", "gr", "j", "l", "m", "n", "p", "pl", "r", "s", "t", "tr", "v", "", "gu", "h"}
	hearts := []string{"a", "e", "i", "o", "u", "ou", "ai", "au", "é", "an", "en", "on", "in", "oi", "er", "ar", "al", "or"}
	known := map[string]bool{}
	var out []string
	for len(out) < n {
		word := ""
		for range 1 + (p.IntN(5)+1)/2 {
			word += heads[p.IntN(len(heads))] + hearts[p.IntN(len(hearts))]
		}
		if word += ends[p.IntN(len(ends))]; len(word) > 2 && !known[word] {
			known[word] = true
			out = append(out, word)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return len(a)/3 - len(b)/3 }) // short names are the frequent ones
	return out
}

func (p *population) pick(some *rand.Zipf, from []string) string {
	s := from[some.Uint64()]
	if p.IntN(25) == 0 {
		s += "-" + from[some.Uint64()]
	}
	return s
}

func (p *population) doc() Doc {
	last, first := p.pick(p.surname, p.surnames), p.pick(p.forename, p.firsts)
	d := Doc{ID: id.New(), Mask: p.network, SortMask: Everyone, SortKey: fold.Name(last) + " " + fold.Name(first)}
	if p.IntN(3) == 0 {
		d.Mask = Everyone
	}
	birth := Text{Mask: p.network}
	if p.IntN(5) == 0 {
		birth.Value = p.pick(p.surname, p.surnames)
		if p.IntN(4) == 0 {
			birth.Mask = p.mine
		}
	}
	for f, spec := range benchFacets {
		v := Values{Mask: p.network}
		if f >= 5 && p.IntN(4) == 0 {
			v.Mask = p.members
		}
		if p.Float64() >= spec.none {
			v.Values = append(v.Values, strconv.Itoa(1000+int(p.facets[f].Uint64())))
			if p.IntN(12) == 0 {
				v.Values = append(v.Values, strconv.Itoa(1000+int(p.facets[f].Uint64())))
			}
		}
		d.Facets = append(d.Facets, v)
	}
	if d.Mask == Everyone {
		d.Facets[0].Mask, d.Facets[1].Mask = Everyone, Everyone
	}
	login := fold.Name(first) + "." + fold.Name(last) + ".ly2010"
	d.Texts = []Text{{last, Everyone}, birth, {first + " " + p.pick(p.forename, p.firsts), Everyone}, {login, p.network}}
	return d
}

func (p *population) seq(n int) iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		for range n {
			if !yield(p.doc(), nil) {
				return
			}
		}
	}
}

// A benchWorld is built once for each size.
type benchWorld struct {
	*population
	ix    *Index
	docs  []Doc
	build time.Duration
	heap  float64 // MB held by the index alone
}

func heapMB() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

func newBenchWorld(b *testing.B, n int) *benchWorld {
	w := &benchWorld{population: newPopulation(n)}
	for d := range w.seq(n) {
		w.docs = append(w.docs, d)
	}
	before := heapMB()
	ix, err := New(benchSchema(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := ix.Build(1, feed(w.docs)); err != nil {
		b.Fatal(err)
	}
	w.ix, w.build = ix, time.Since(start)
	w.heap = heapMB() - before
	return w
}

// classes draw the queries that SEARCH classifies.
var classes = []struct {
	name string
	draw func(*benchWorld, *Query)
}{
	{"name", func(w *benchWorld, q *Query) { q.Text = w.typedName() }},
	{"keystroke", func(w *benchWorld, q *Query) { q.Text = w.someone().Texts[usage].Value[:1] }},
	{"typo", func(w *benchWorld, q *Query) { q.Text = w.misspelt(w.someone().Texts[usage].Value) }},
	{"name+class", func(w *benchWorld, q *Query) {
		d := w.someone()
		q.Text, q.Filters = d.Texts[usage].Value, []Filter{{class, d.Facets[class].Values}}
	}},
	{"filters", func(w *benchWorld, q *Query) {
		d := w.someone()
		for _, f := range w.Perm(len(benchFacets))[:2+w.IntN(2)] {
			q.Filters = append(q.Filters, Filter{f, d.Facets[f].Values})
		}
	}},
	{"broad", func(w *benchWorld, q *Query) { q.Filters = []Filter{{w.IntN(5) &^ 1, []string{"1000"}}} }},
	{"most", func(w *benchWorld, q *Query) { q.Filters = []Filter{{4, []string{"1000", "1001"}}} }},
	{"all", func(w *benchWorld, q *Query) {}},
	{"contacts", func(w *benchWorld, q *Query) { // a network viewer with 300 contacts, of whom one sees what members see
		q.Text = w.typedName()
		for range 300 {
			q.Contacts = append(q.Contacts, Contact{w.someone().ID, Only(member)})
		}
	}},
}

func (w *benchWorld) someone() *Doc { return &w.docs[w.IntN(len(w.docs))] }

func (w *benchWorld) typedName() string {
	d := w.someone()
	last, first := []rune(d.Texts[usage].Value), d.Texts[first].Value
	switch w.IntN(4) {
	case 0:
		return first + " " + string(last)
	case 1:
		return string(last) + " " + string([]rune(first)[:2])
	case 2:
		return string(last[:min(len(last), 2+w.IntN(len(last)))])
	}
	return string(last)
}

func (w *benchWorld) misspelt(s string) string {
	r := []rune(s)
	switch i := w.IntN(len(r)); w.IntN(3) {
	case 0:
		return string(slices.Delete(r, i, i+1))
	case 1:
		return string(slices.Insert(r, i, 'z'))
	default:
		r[i] = 'w'
		return string(r)
	}
}

func (w *benchWorld) queries(draw func(*benchWorld, *Query)) []Query {
	all := make([]Query, 2000)
	for i := range all {
		all[i] = Query{Tier: network, Limit: 20}
		for f := range benchFacets {
			all[i].Facets = append(all[i].Facets, f)
		}
		draw(w, &all[i])
	}
	return all
}

// measure reports how long single queries take.
func measure(b *testing.B, queries []Query, search func(Query) (Result, error)) {
	times := make([]time.Duration, 0, b.N)
	total, n := 0, 0
	for b.Loop() {
		start := time.Now()
		res, err := search(queries[n%len(queries)])
		times = append(times, time.Since(start))
		if err != nil {
			b.Fatal(err)
		}
		total += res.Total
		n++
	}
	slices.Sort(times)
	ms := func(share float64) float64 { return times[int(share*float64(len(times)-1))].Seconds() * 1000 }
	b.ReportMetric(ms(0.5), "p50_ms")
	b.ReportMetric(ms(0.95), "p95_ms")
	b.ReportMetric(float64(total)/float64(n), "found/op")
}

func benchmarkSearch(b *testing.B, n int) {
	w := newBenchWorld(b, n)
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(w.build.Seconds(), "build_s")
		b.ReportMetric(w.heap, "heap_MB")
		b.ReportMetric(0, "ns/op")
	})
	for _, c := range classes {
		b.Run(c.name, func(b *testing.B) { measure(b, w.queries(c.draw), w.ix.Search) })
	}
	b.Run("keystroke/forgotten", func(b *testing.B) {
		measure(b, w.queries(classes[1].draw), func(q Query) (Result, error) {
			w.ix.view.Store(w.ix.view.Load().next(nil, nil, 1))
			return w.ix.Search(q)
		})
	})
	for range w.ix.deltaLimit(w.ix.view.Load()) - 1 {
		d := w.doc()
		d.ID = w.someone().ID
		if err := w.ix.Apply(2, []Change{{d.ID, &d}}); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range classes {
		b.Run("delta/"+c.name, func(b *testing.B) { measure(b, w.queries(c.draw), w.ix.Search) })
	}
	records := make([]*record, len(w.docs))
	p := newPreparer(w.ix.schema)
	for i := range w.docs {
		records[i], _ = p.record(&w.docs[i])
	}
	for _, c := range classes {
		b.Run("scan/"+c.name, func(b *testing.B) {
			measure(b, w.queries(c.draw), func(q Query) (Result, error) { return scan(w.ix.schema, records, q) })
		})
	}
}

// BenchmarkSearch measures the engine and, in the same run, its alternative, the scan of all documents.
func BenchmarkSearch(b *testing.B) { benchmarkSearch(b, 80_000) }

// BenchmarkMillion is BenchmarkSearch at the scale of a country.
func BenchmarkMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("a million documents: not with -short")
	}
	benchmarkSearch(b, 1_000_000)
}

// BenchmarkBuild builds from a stream that nobody keeps, compacts, saves and loads. It reports the memory held after and the
// highest seen meanwhile.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{80_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 100_000 && testing.Short() {
				b.Skip("a million documents: not with -short")
			}
			for b.Loop() {
				buildOnce(b, n)
			}
		})
	}
}

func buildOnce(b *testing.B, n int) {
	base := heapMB()
	peak := watchHeap()
	took := map[string]float64{}
	timed := func(what string, f func() error) {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		took[what] = time.Since(start).Seconds()
	}
	p := newPopulation(n)
	ix, err := New(benchSchema(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "snapshot")
	timed("build_s", func() error { return ix.Build(1, p.seq(n)) })
	d := p.doc()
	timed("apply_s", func() error { return ix.Apply(2, []Change{{d.ID, &d}}) })
	timed("compact_s", ix.Compact)
	timed("save_s", func() error { return ix.Save(path) })
	timed("load_s", func() error { return ix.Load(path) })
	b.ReportMetric(peak()-base, "peak_MB")
	for what, s := range took {
		b.ReportMetric(s, what)
	}
	p = nil
	b.ReportMetric(heapMB()-base, "heap_MB")
	if info, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(info.Size())/1e6, "file_MB")
	}
	runtime.KeepAlive(ix)
}

// watchHeap samples the heap until the returned function is called, which says how large it was at most.
func watchHeap() func() float64 {
	stop := make(chan struct{})
	var top uint64
	var wg sync.WaitGroup
	wg.Go(func() {
		var m runtime.MemStats
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.ReadMemStats(&m)
				top = max(top, m.HeapAlloc)
			}
		}
	})
	return func() float64 {
		close(stop)
		wg.Wait()
		return float64(top) / 1e6
	}
}
