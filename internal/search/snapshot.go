package search

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"

	"amicale/internal/id"
)

// ErrRebuild says that a snapshot is missing, of another version or schema, or damaged: the index must be built anew, which is
// all that is lost.
var ErrRebuild = errors.New("search: no usable snapshot, rebuild")

// A snapshot is the head, then the arrays of a table (each its length and its elements, little-endian), then the CRC-32C of
// all that precedes.
const (
	snapshotMagic   = "AMISRCH"
	snapshotVersion = 1
)

// Save writes the content to a file, under another name first, so that the file is the old or the new one, never half of it.
// Readers and writers go on meanwhile; another Save waits.
func (ix *Index) Save(path string) error {
	ix.saving.Lock()
	defer ix.saving.Unlock()
	v := ix.view.Load()
	t := v.seg.table
	if len(v.delta) > 0 || v.gone > 0 {
		sources, err := v.sources()
		if err != nil {
			return err
		}
		if t, err = assemble(ix.schema, sources); err != nil {
			return err
		}
	}
	if err := writeFile(path, func(to io.Writer) error { return writeSnapshot(to, ix.schema, t, v.seq) }); err != nil {
		return fmt.Errorf("search: save: %w", err)
	}
	return nil
}

// writeFile writes a file beside its place, and puts it there when it is whole and on disk. What a dead process left of an
// earlier attempt is overwritten.
func writeFile(path string, write func(io.Writer) error) error {
	draft := path + ".new"
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return os.Rename(draft, path)
}

// Load replaces the whole content by that of a file. Any error wraps ErrRebuild and changes nothing.
func (ix *Index) Load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRebuild, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRebuild, err)
	}
	t, seq, err := readSnapshot(f, info.Size(), ix.schema)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRebuild, path, err)
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if err := ix.replace(t, seq); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRebuild, path, err)
	}
	return nil
}

func newChecksum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// writer writes arrays; the first error stays.
type writer struct {
	to  io.Writer
	buf []byte
	err error
}

func (w *writer) flush() {
	if w.err == nil {
		_, w.err = w.to.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

func (w *writer) uint64(n uint64) { w.buf = binary.LittleEndian.AppendUint64(w.buf, n) }

func (w *writer) uint32s(a []uint32) {
	w.uint64(uint64(len(a)))
	for part := range slices.Chunk(a, 1<<14) {
		for _, n := range part {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, n)
		}
		w.flush()
	}
}

func (w *writer) uint16s(a []uint16) {
	w.uint64(uint64(len(a)))
	for part := range slices.Chunk(a, 1<<15) {
		for _, n := range part {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, n)
		}
		w.flush()
	}
}

func (w *writer) bytes(b []byte) {
	w.uint64(uint64(len(b)))
	w.flush()
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

func (w *writer) strings(a []string) {
	ends := make([]uint32, len(a))
	n := 0
	for i, s := range a {
		n += len(s)
		ends[i] = uint32(n)
	}
	w.uint32s(ends)
	w.bytes([]byte(strings.Join(a, "")))
}

func writeSnapshot(to io.Writer, s *Schema, t *table, seq uint64) error {
	sum := newChecksum()
	w := &writer{to: io.MultiWriter(to, sum)}
	w.buf = append(w.buf, snapshotMagic...)
	w.buf = append(w.buf, snapshotVersion)
	w.uint64(s.fingerprint())
	w.uint64(seq)
	w.uint64(uint64(t.len()))
	for part := range slices.Chunk(t.ids, 1<<12) {
		for _, x := range part {
			w.buf = append(w.buf, x[:]...)
		}
		w.flush()
	}
	w.bytes(t.keys)
	w.uint32s(t.keyEnd)
	w.uint16s(t.rows.narrow)
	w.uint32s(t.rows.wide)
	w.uint32s(t.words)
	w.uint32s(t.wordEnd)
	w.strings(t.terms)
	for _, d := range t.facets {
		w.strings(d.values)
		w.uint32s(d.sets)
		w.uint32s(d.setEnd)
	}
	masks := make([]byte, len(t.profiles))
	for i, m := range t.profiles {
		masks[i] = byte(m)
	}
	w.bytes(masks)
	w.flush()
	w.buf = binary.LittleEndian.AppendUint32(w.buf, sum.Sum32())
	w.flush()
	return w.err
}

// errDamaged is what any disagreement inside a snapshot comes to.
var errDamaged = errors.New("damaged snapshot")

// reader reads arrays and never believes a length that the file cannot hold; the first error stays.
type reader struct {
	from io.Reader
	left int64 // bytes of the file not yet read
	err  error
	buf  [1 << 16]byte
}

func (r *reader) read(b []byte) {
	if r.err != nil {
		return
	}
	if r.left -= int64(len(b)); r.left < 0 {
		r.err = errDamaged
		return
	}
	_, r.err = io.ReadFull(r.from, b)
}

func (r *reader) uint64() uint64 {
	b := r.buf[:8]
	r.read(b)
	if r.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// length reads how many elements of a size follow.
func (r *reader) length(size int) int {
	n := r.uint64()
	if r.err == nil && n > uint64(r.left)/uint64(size) {
		r.err = errDamaged
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) uint32s() []uint32 {
	out := make([]uint32, r.length(4))
	for part := range slices.Chunk(out, len(r.buf)/4) {
		b := r.buf[:4*len(part)]
		r.read(b)
		if r.err != nil {
			return nil
		}
		for i := range part {
			part[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
	}
	return out
}

// uint16s is nil when there are none, as cells want it.
func (r *reader) uint16s() []uint16 {
	var out []uint16
	if n := r.length(2); n > 0 {
		out = make([]uint16, n)
	}
	for part := range slices.Chunk(out, len(r.buf)/2) {
		b := r.buf[:2*len(part)]
		r.read(b)
		if r.err != nil {
			return nil
		}
		for i := range part {
			part[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
	}
	return out
}

func (r *reader) bytes() []byte {
	b := make([]byte, r.length(1))
	r.read(b)
	return b
}

func (r *reader) ids() []id.ID {
	out := make([]id.ID, r.length(len(id.ID{})))
	for i := range out {
		r.read(out[i][:])
	}
	return out
}

func (r *reader) strings() []string {
	lengths := r.uint32s()
	block := string(r.bytes())
	ends := make([]int, len(lengths))
	for i, end := range lengths {
		ends[i] = int(end)
	}
	if r.err == nil && !ascending(lengths, len(block)) {
		r.err = errDamaged
	}
	if r.err != nil {
		return nil
	}
	return cut(block, ends)
}

// ascending reports whether the ends of runs cover an array of this length.
func ascending(ends []uint32, length int) bool {
	if len(ends) == 0 {
		return length == 0
	}
	return slices.IsSorted(ends) && int(ends[len(ends)-1]) == length
}

func readSnapshot(from io.Reader, size int64, s *Schema) (*table, uint64, error) {
	sum := newChecksum()
	file := bufio.NewReaderSize(from, 1<<16)
	r := &reader{from: io.TeeReader(file, sum), left: size - 4}
	head := make([]byte, len(snapshotMagic)+1)
	r.read(head)
	if r.err != nil || string(head) != snapshotMagic+string(rune(snapshotVersion)) {
		return nil, 0, errors.Join(errors.New("not a snapshot of this version"), r.err)
	}
	if r.uint64() != s.fingerprint() {
		return nil, 0, errors.New("snapshot of another schema")
	}
	seq := r.uint64()
	t := r.table(len(s.Facets))
	if r.err == nil && r.left != 0 {
		r.err = errDamaged
	}
	var end [4]byte
	if r.err == nil {
		_, r.err = io.ReadFull(file, end[:])
	}
	if r.err == nil && binary.LittleEndian.Uint32(end[:]) != sum.Sum32() {
		r.err = errDamaged
	}
	if r.err == nil {
		r.err = t.check(s)
	}
	return t, seq, r.err
}

func (r *reader) table(facets int) *table {
	t := &table{facets: make([]dictionary, facets)}
	t.ids = r.ids()
	t.keys = r.bytes()
	t.keyEnd = r.uint32s()
	t.rows = cells{narrow: r.uint16s(), wide: r.uint32s()}
	t.words = r.uint32s()
	t.wordEnd = r.uint32s()
	t.terms = r.strings()
	for f := range t.facets {
		t.facets[f] = dictionary{values: r.strings(), sets: r.uint32s(), setEnd: r.uint32s()}
	}
	for _, b := range r.bytes() {
		t.profiles = append(t.profiles, Mask(b))
	}
	return t
}
