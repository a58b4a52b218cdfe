package imports

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"

	"amicale/internal/id"
	"amicale/internal/imports/lists"
)

// batchRows is how many rows are one transaction. Nothing of more than three batches is ever in memory.
const batchRows = 1000

// item is one row on its way into the base.
type item struct {
	row      lists.Row
	record   *lists.Record
	said     string // the record as it is kept
	identity id.ID
	warnings []lists.Warning
	reject   error // why it is not taken
}

// reading reads a table row by row and cuts it into batches, ahead of who writes them.
type reading struct {
	table    *lists.Table
	mapping  *lists.Mapping
	defaults *lists.Defaults
	size     int           // rows of a batch
	only     map[int]id.ID // if not nil, only these lines, whose identities are known
}

// batches gives the rows until they end or the context does. An error, of the file or the disk, is the last.
func (r *reading) batches(ctx context.Context) <-chan batch {
	out := make(chan batch, 1)
	go func() {
		defer close(out)
		err := r.read(func(list []item) bool {
			select {
			case out <- batch{items: list}:
				return true
			case <-ctx.Done():
				return false
			}
		})
		if err != nil {
			select {
			case out <- batch{err: err}:
			case <-ctx.Done():
			}
		}
	}()
	return out
}

type batch struct {
	items []item
	err   error
}

func (r *reading) read(give func([]item) bool) error {
	seen := newOccurrences()
	list := make([]item, 0, r.size)
	for row, err := range r.table.Rows() {
		if err != nil && row.Line == 0 {
			return err
		}
		known := id.ID{}
		if r.only != nil {
			if known = r.only[row.Line]; known.IsZero() {
				continue
			}
		}
		it := item{row: row, identity: known, reject: err}
		if err == nil {
			if err := r.parse(&it, seen); err != nil {
				return err
			}
		}
		if list = append(list, it); len(list) == r.size {
			if !give(list) {
				return nil
			}
			list = make([]item, 0, r.size)
		}
	}
	if len(list) > 0 {
		give(list)
	}
	return nil
}

func (r *reading) parse(it *item, seen *occurrences) error {
	record, warnings, err := r.mapping.Record(it.row, r.defaults)
	if err != nil {
		it.reject = err
		return nil
	}
	sortContacts(record.Contacts)
	said, err := json.Marshal(record)
	if err != nil {
		return err
	}
	it.record, it.warnings, it.said = record, warnings, string(said)
	if it.identity.IsZero() {
		it.identity = seen.identity(record)
	}
	return nil
}

// meter notes how far a file was read, for the progress bar.
type meter struct {
	io.ReaderAt
	at atomic.Int64
}

func (m *meter) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(p, off)
	m.at.Store(off + int64(n))
	return n, err
}

// isReason reports an error that says to people why a file or a row cannot be taken.
func isReason(err error) (lists.Reason, bool) {
	r := lists.Reason{}
	ok := errors.As(err, &r)
	return r, ok
}
