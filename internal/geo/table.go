package geo

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"sort"
	"strconv"
	"strings"
	"sync"
)

//go:embed data
var files embed.FS

// The tables, each decoded once, at its first use. Lines are sorted by their first column unless said.
var (
	communes      = open("communes")     // code, name, département, commune of an arrondissement, lat, lon, precision, population, postcodes
	communeNames  = open("communenames") // folded name, codes
	postcodes     = open("postcodes")    // postcode, codes
	departements  = open("departements") // code, name, région, lat, lon, time zone
	regions       = open("regions")      // code, name
	cities        = open("cities")       // country, name, lat, lon, population, time zone; largest first
	cityNames     = open("citynames")    // country and folded name, line numbers in cities
	countries     = open("countries")    // code, French label, English label
	countryLookup = open("countrynames") // folded name, code
)

func open(name string) func() *table {
	return sync.OnceValue(func() *table {
		t, err := read(name)
		if err != nil {
			panic(err) // the file was embedded: only a wrong build gets here
		}
		return t
	})
}

// table is tab-separated text and the start of each line: looked up by binary search, never parsed as a whole.
type table struct {
	text   string
	starts []uint32
}

func read(name string) (*table, error) {
	packed, err := files.ReadFile("data/" + name + ".tsv.gz")
	if errors.Is(err, fs.ErrNotExist) {
		return &table{}, nil // not built
	}
	if err != nil {
		return nil, fmt.Errorf("geo: %s: %w", name, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("geo: %s: %w", name, err)
	}
	var b strings.Builder
	b.Grow(int(binary.LittleEndian.Uint32(packed[len(packed)-4:]))) // RFC 1952, 2.3.1: the size unpacked
	if _, err := io.Copy(&b, z); err != nil {
		return nil, fmt.Errorf("geo: %s: %w", name, err)
	}
	return newTable(b.String()), nil
}

func newTable(text string) *table {
	t := &table{text: text, starts: make([]uint32, 0, strings.Count(text, "\n"))}
	for at := 0; at < len(text); at += strings.IndexByte(text[at:], '\n') + 1 {
		t.starts = append(t.starts, uint32(at))
	}
	return t
}

func (t *table) len() int { return len(t.starts) }

// line is the columns of line i.
func (t *table) line(i int) []string {
	end := len(t.text)
	if i+1 < len(t.starts) {
		end = int(t.starts[i+1])
	}
	return strings.Split(t.text[t.starts[i]:end-1], "\t")
}

// search is the first line that is not before key.
func (t *table) search(key string) int {
	return sort.Search(len(t.starts), func(i int) bool { return t.text[t.starts[i]:] >= key })
}

// find is the line whose first column is key.
func (t *table) find(key string) ([]string, bool) {
	i := t.search(key + "\t")
	if i == t.len() || !strings.HasPrefix(t.text[t.starts[i]:], key+"\t") {
		return nil, false
	}
	return t.line(i), true
}

// prefixed gives the lines that begin with prefix, in order.
func (t *table) prefixed(prefix string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for i := t.search(prefix); i < t.len() && strings.HasPrefix(t.text[t.starts[i]:], prefix); i++ {
			if !yield(t.line(i)) {
				return
			}
		}
	}
}

// all gives every line.
func (t *table) all() iter.Seq[[]string] { return t.prefixed("") }

// codes is a column that lists several.
func codes(column string) []string { return strings.Fields(column) }

// number reads a column that the compiler wrote; empty is zero.
func number(column string) float64 {
	v, _ := strconv.ParseFloat(column, 64)
	return v
}
