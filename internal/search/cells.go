package search

// cells are the numbers of rows, end to end: a profile, then a code for each facet. They take two bytes each where all numbers fit,
// else four: what a broad query costs is the memory it walks over.
type cells struct {
	narrow []uint16
	wide   []uint32
}

// narrowFlag is setFlag in a narrow cell; numbers beside it must stay below it.
const narrowFlag = 1 << 15

// newCells makes room for n numbers, none greater than the limit.
func newCells(n, limit int, wide bool) cells {
	if limit < narrowFlag && !wide {
		return cells{narrow: make([]uint16, n)}
	}
	return cells{wide: make([]uint32, n)}
}

func (c *cells) len() int { return len(c.narrow) + len(c.wide) }

func (c *cells) at(i int) uint32 {
	if c.narrow == nil {
		return c.wide[i]
	}
	n := uint32(c.narrow[i])
	return n&(narrowFlag-1) | n>>15<<31
}

func (c *cells) put(i int, code uint32) {
	if c.narrow == nil {
		c.wide[i] = code
	} else {
		c.narrow[i] = uint16(code&(narrowFlag-1) | code>>31<<15)
	}
}

// column is a facet as it is counted: its place in a row, its field's place in vis, its counts by value number.
type column struct {
	cell   int
	shift  int
	counts []int32
	dict   *dictionary
}

// countRows counts the facets of documents. This loop is where a broad query spends its time: a hidden value is counted in
// slot 0, without a branch.
func countRows[C uint16 | uint32](rows []C, flag C, stride int, docs []uint32, vis []uint64, columns []column) {
	for _, doc := range docs {
		row := rows[int(doc)*stride:][:stride]
		v := vis[row[0]]
		for i := range columns {
			c := &columns[i]
			code := row[c.cell]
			if code&flag == 0 {
				c.counts[code&-C(v>>c.shift&1)]++
			} else if v>>c.shift&1 != 0 {
				c.dict.tally(c.counts, setFlag|uint32(code&^flag), 1)
			}
		}
	}
}
