// Package backup saves a whole installation into one file while it serves, and brings it back.
//
// It owns the format: a tar.gz with header.json first (what kind of backup it is, and the columns of each table),
// then the tables as JSON lines in parts of a few megabytes, the files (blobs/KEY), and manifest.json last (counts
// and a SHA-256 of everything before it). The rows are of one moment. A backup of either engine can be restored
// into the other. Restore is all or nothing; a backup that was cut short or changed is refused.
package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
)

const (
	format       = 1
	headerName   = "header.json"
	manifestName = "manifest.json"
	tablesFolder = "tables/"
	blobsFolder  = "blobs/"
	typeRecord   = "AMICALE.content_type" // PAX record of a file
	partSize     = 4 << 20
)

// Header stands first in a backup.
type Header struct {
	Format    int        `json:"format"`
	Schema    int64      `json:"schema"` // number of the newest migration
	CreatedAt time.Time  `json:"created_at"`
	Tables    []db.Table `json:"tables"`
}

// Manifest stands last: a backup without it was cut short.
type Manifest struct {
	Rows  map[string]int `json:"rows"` // by table
	Blobs int            `json:"blobs"`
	Files []File         `json:"files"`
}

// File is one entry before the manifest.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Total is how many rows of all tables there are.
func (m Manifest) Total() int {
	n := 0
	for _, rows := range m.Rows {
		n += rows
	}
	return n
}

// Backup writes the database as it is at this moment, and the files, to w. Others read and write meanwhile. Files
// are copied after the rows: one that is added or removed in between may be in it or not.
func Backup(ctx context.Context, d *db.DB, blobs blob.Store, w io.Writer) (Manifest, error) {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return Manifest{}, fmt.Errorf("backup.Backup: %w", err)
	}
	out := &writer{tar: tar.NewWriter(z), now: clock.System(), manifest: Manifest{Rows: map[string]int{}}}
	err = d.Snapshot(ctx, func(ctx context.Context) error { return out.database(ctx, d) })
	if err == nil {
		err = out.blobs(ctx, blobs)
	}
	if err == nil {
		err = out.json(manifestName, out.manifest)
	}
	if err == nil {
		err = errors.Join(out.tar.Close(), z.Close())
	}
	return out.manifest, errs.Wrap("backup.Backup", err)
}

type writer struct {
	tar      *tar.Writer
	now      time.Time
	manifest Manifest
}

func (w *writer) database(ctx context.Context, d *db.DB) error {
	h := Header{Format: format, CreatedAt: w.now}
	var err error
	if h.Schema, err = d.SchemaVersion(ctx); err != nil {
		return err
	}
	if h.Tables, err = d.Tables(ctx); err != nil {
		return err
	}
	if err := w.json(headerName, h); err != nil {
		return err
	}
	for _, t := range h.Tables {
		if err := w.table(ctx, d, t); err != nil {
			return err
		}
	}
	return nil
}

// table writes the rows as JSON arrays, one a line, in parts: a tar entry's size stands before it.
func (w *writer) table(ctx context.Context, d *db.DB, t db.Table) error {
	var part bytes.Buffer
	lines := json.NewEncoder(&part)
	lines.SetEscapeHTML(false)
	n := 0
	flush := func() error {
		n++
		defer part.Reset()
		return w.entry(fmt.Sprintf("%s%s/%06d.jsonl", tablesFolder, t.Name, n), part.Bytes())
	}
	w.manifest.Rows[t.Name] = 0
	err := d.Rows(ctx, t, func(values []any) error {
		w.manifest.Rows[t.Name]++
		for i, v := range values {
			values[i] = encode(t.Columns[i].Type, v)
		}
		if err := lines.Encode(values); err != nil {
			return err
		}
		if part.Len() < partSize {
			return nil
		}
		return flush()
	})
	if err == nil && part.Len() > 0 {
		err = flush()
	}
	return err
}

// encode gives the times of a row the form that both engines read; JSON has one for everything else.
func encode(columnType string, v any) any {
	t, ok := v.(time.Time)
	if !ok {
		return v
	}
	if columnType == "DATE" {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

func (w *writer) json(name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return w.entry(name, append(b, '\n'))
}

func (w *writer) entry(name string, content []byte) error {
	return w.copy(&tar.Header{Name: name, Size: int64(len(content))}, bytes.NewReader(content))
}

// copy writes an entry of the size that its header says and notes its checksum.
func (w *writer) copy(h *tar.Header, r io.Reader) error {
	h.Format, h.Mode, h.ModTime = tar.FormatPAX, 0o600, w.now
	if err := w.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w.tar, sum), r)
	if err == nil && n != h.Size {
		err = fmt.Errorf("%s gave %d bytes of %d", h.Name, n, h.Size)
	}
	if err != nil {
		return err
	}
	if h.Name != manifestName {
		w.manifest.Files = append(w.manifest.Files, File{h.Name, h.Size, digest(sum)})
	}
	return nil
}

func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func (w *writer) blobs(ctx context.Context, blobs blob.Store) error {
	for key, err := range blobs.List(ctx, "") {
		if err == nil {
			err = w.blob(ctx, blobs, key)
		}
		if errors.Is(err, errs.NotFound) {
			continue // removed since it was listed
		}
		if err != nil {
			return err
		}
		w.manifest.Blobs++
	}
	return nil
}

func (w *writer) blob(ctx context.Context, blobs blob.Store, key string) error {
	r, info, err := blobs.Open(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	return w.copy(&tar.Header{Name: blobsFolder + key, Size: info.Size, PAXRecords: map[string]string{typeRecord: info.ContentType}}, r)
}
