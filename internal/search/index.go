package search

import (
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"amicale/internal/id"
)

// Index holds documents and answers queries. Its methods may be called at any time from any goroutine; Search never waits.
type Index struct {
	schema  *Schema
	options Options
	view    atomic.Pointer[view]

	mu    sync.Mutex // held by writers
	delta map[id.ID]*record
	since map[id.ID]struct{} // what changed since the running compaction began; nil when none runs

	failure    atomic.Pointer[error] // of the last compaction
	saving     sync.Mutex
	background sync.WaitGroup
}

// Options bound an index's work. The zero value is good.
type Options struct {
	Delta   int // changes after which the delta is built into the segment, in the background; 0 means 1024 and one more for every 256 documents
	Workers int // goroutines of a build; 0 means one for each core
}

// New makes an empty index.
func New(s Schema, o Options) (*Index, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ix := &Index{schema: &s, options: o}
	t, err := assemble(&s, nil)
	if err != nil {
		return nil, err
	}
	if err := ix.replace(t, 0); err != nil {
		return nil, err
	}
	return ix, nil
}

// replace makes a table the whole content. The writer's lock is held, or nobody knows the index yet.
func (ix *Index) replace(t *table, seq uint64) error {
	g, err := newSegment(ix.schema, t)
	if err != nil {
		return err
	}
	ix.delta = map[id.ID]*record{}
	ix.since = nil
	ix.view.Store(newView(g, seq))
	return nil
}

// Search answers a query. It fails only on a query that the schema does not allow.
func (ix *Index) Search(q Query) (Result, error) {
	a, err := newAsk(ix.schema, q)
	if err != nil {
		return Result{}, err
	}
	r := newRun(a, ix.view.Load())
	r.do()
	return r.result(), nil
}

// Seq is the number of the last change of the feed that the index holds.
func (ix *Index) Seq() uint64 { return ix.view.Load().seq }

// Stats describes the state of an index.
type Stats struct {
	Documents int
	Delta     int   // documents matched by scanning
	Dead      int   // documents of the segment that are gone or stand in the delta
	Failure   error // of the last compaction; the index goes on with a growing delta
	Seq       uint64
}

// Stats returns the state of the index. It never waits.
func (ix *Index) Stats() Stats {
	v := ix.view.Load()
	s := Stats{Documents: v.len(), Delta: len(v.delta), Dead: v.gone, Seq: v.seq}
	if failure := ix.failure.Load(); failure != nil {
		s.Failure = *failure
	}
	return s
}

// Build replaces the whole content by the documents given, read at the state of the feed numbered seq. Readers see the old
// content until it is done; other writers wait. On error nothing changes. Whoever follows the feed goes on from Seq, which a build
// may set back. A document's slices must not be reused for the next. At a million documents it takes for a moment three to four
// times the memory of the index.
func (ix *Index) Build(seq uint64, docs iter.Seq2[Doc, error]) error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	sources, err := ix.fill(docs)
	if err != nil {
		return err
	}
	t, err := assemble(ix.schema, sources)
	if err != nil {
		return err
	}
	return ix.replace(t, seq)
}

// batchSize is how many documents a worker of a build takes at once.
const batchSize = 512

// fill prepares documents on all workers, each into a table of its own.
func (ix *Index) fill(docs iter.Seq2[Doc, error]) ([]source, error) {
	batches := make(chan []Doc, ix.options.Workers)
	fillers := make([]*filler, ix.options.Workers)
	failures := make([]error, ix.options.Workers)
	var wg sync.WaitGroup
	for i := range fillers {
		fillers[i] = newFiller(ix.schema)
		wg.Go(func() {
			p := newPreparer(ix.schema)
			for batch := range batches {
				if failures[i] == nil {
					failures[i] = fillers[i].addAll(p, batch)
				}
			}
		})
	}
	err := distribute(docs, batches)
	wg.Wait()
	sources := make([]source, len(fillers))
	for i, f := range fillers {
		if err == nil {
			err = failures[i]
		}
		sources[i] = source{table: &f.table}
	}
	return sources, err
}

func distribute(docs iter.Seq2[Doc, error], batches chan<- []Doc) error {
	defer close(batches)
	var batch []Doc
	for d, err := range docs {
		if err != nil {
			return fmt.Errorf("search: build: %w", err)
		}
		if batch = append(batch, d); len(batch) == batchSize {
			batches <- batch
			batch = make([]Doc, 0, batchSize)
		}
	}
	batches <- batch
	return nil
}

func (f *filler) addAll(p *preparer, docs []Doc) error {
	for i := range docs {
		r, err := p.record(&docs[i])
		if err != nil {
			return err
		}
		if err := f.add(r); err != nil {
			return err
		}
	}
	return nil
}

// Apply brings changes of the feed up to number seq into the index, all or none; of several of one document the last counts.
// Applying a change again does no harm.
func (ix *Index) Apply(seq uint64, changes []Change) error {
	p := newPreparer(ix.schema)
	records := make([]*record, len(changes))
	for i, c := range changes {
		if c.Doc == nil {
			continue
		}
		r, err := p.record(c.Doc)
		if err != nil {
			return err
		}
		if r.id != c.ID {
			return fmt.Errorf("search: change of %v carries document %v", c.ID, r.id)
		}
		records[i] = r
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	died := make([]id.ID, len(changes))
	for i, c := range changes {
		died[i] = c.ID
		if records[i] == nil {
			delete(ix.delta, c.ID)
		} else {
			ix.delta[c.ID] = records[i]
		}
		if ix.since != nil {
			ix.since[c.ID] = struct{}{}
		}
	}
	v := ix.view.Load()
	v = v.next(died, ix.delta, max(v.seq, seq))
	ix.view.Store(v)
	ix.compactSoon(v)
	return nil
}

// compactSoon starts a compaction when the delta has grown enough and none runs. The writer's lock is held.
func (ix *Index) compactSoon(v *view) {
	if max(len(v.delta), v.gone) >= ix.deltaLimit(v) && ix.since == nil {
		ix.since = map[id.ID]struct{}{}
		ix.background.Go(func() { ix.compact(v) })
	}
}

func (ix *Index) deltaLimit(v *view) int {
	if ix.options.Delta > 0 {
		return ix.options.Delta
	}
	return 1024 + v.seg.len()/256
}

// Compact builds the delta into the segment now, unless that is already under way. Readers and writers go on meanwhile.
func (ix *Index) Compact() error {
	ix.mu.Lock()
	v := ix.view.Load()
	if ix.since != nil || len(v.delta) == 0 && v.gone == 0 {
		ix.mu.Unlock()
		return nil
	}
	ix.since = map[id.ID]struct{}{}
	ix.mu.Unlock()
	return ix.compact(v)
}

// Wait returns when no compaction runs in the background.
func (ix *Index) Wait() { ix.background.Wait() }

// compact makes a segment of a view and puts it in place of the old one, under what changed since.
func (ix *Index) compact(from *view) error {
	g, err := from.compacted()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	v := ix.view.Load()
	if v.seg != from.seg { // a build came in between
		return nil
	}
	changed := ix.since
	ix.since = nil
	ix.failure.Store(&err)
	if err != nil {
		return err
	}
	died := make([]id.ID, 0, len(changed))
	delta := make(map[id.ID]*record, len(changed))
	for x := range changed {
		died = append(died, x)
		if r := ix.delta[x]; r != nil {
			fresh := *r
			fresh.codes = nil // numbered for the old segment
			delta[x] = &fresh
		}
	}
	ix.delta = delta
	v = newView(g, v.seq).next(died, delta, v.seq)
	ix.view.Store(v)
	ix.compactSoon(v)
	return nil
}

func (v *view) compacted() (*segment, error) {
	sources, err := v.sources()
	if err != nil {
		return nil, err
	}
	t, err := assemble(v.seg.schema, sources)
	if err != nil {
		return nil, err
	}
	return newSegment(v.seg.schema, t)
}
