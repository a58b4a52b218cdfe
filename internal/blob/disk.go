package blob

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
)

// Disk is a Store in a folder: one file a key. The folder cannot be left, not even by a symbolic link.
type Disk struct{ root *os.Root }

// tempDir holds unfinished files; no key can name it.
const tempDir = ".tmp"

// staleAfter is the age past which an unfinished file belongs to nobody any more.
const staleAfter = 24 * time.Hour

// OpenDisk returns the store in dir, which it makes where it is missing.
func OpenDisk(dir string) (*Disk, error) {
	op := "OpenDisk"
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, wrap(op, dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, wrap(op, dir, err)
	}
	d := &Disk{root}
	if err := root.MkdirAll(tempDir, 0o750); err != nil {
		return nil, errors.Join(wrap(op, dir, err), root.Close())
	}
	if err := d.sweep(time.Now().Add(-staleAfter)); err != nil {
		return nil, errors.Join(wrap(op, dir, err), root.Close())
	}
	return d, nil
}

// sweep removes what a process that died before a moment left unfinished.
func (d *Disk) sweep(before time.Time) error {
	entries, err := fs.ReadDir(d.root.FS(), tempDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.ModTime().After(before) {
			continue
		}
		if err == nil {
			err = d.root.Remove(path.Join(tempDir, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Put implements Store: a file beside the others is written, synced and renamed, so that a crash or a full
// disk leaves the old content or the new one.
func (d *Disk) Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error {
	if err := checkPut(key, size, contentType); err != nil {
		return errs.E("blob.Put "+key, errs.Invalid, err)
	}
	temp := path.Join(tempDir, id.New().String())
	err := d.write(temp, newExact(ctx, r, size), contentType)
	if err == nil {
		err = d.rename(temp, key)
	}
	if err != nil {
		// The cause is what matters; a file that stays is swept one day.
		_ = d.root.Remove(temp)
	}
	return wrap("Put", key, err)
}

func (d *Disk) write(name string, r io.Reader, contentType string) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		_, err = f.Write(trailer(contentType))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// rename gives a finished file its name and makes that last. The folders are synced too: without it a power
// cut may forget the name of a file whose bytes are safe.
func (d *Disk) rename(temp, key string) error {
	dir := path.Dir(key)
	err := d.root.Rename(temp, key)
	if err == nil {
		return d.sync(dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.root.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if err := d.root.Rename(temp, key); err != nil {
		return err
	}
	for ; ; dir = path.Dir(dir) {
		if err := d.sync(dir); err != nil || dir == "." {
			return err
		}
	}
}

func (d *Disk) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open implements Store.
func (d *Disk) Open(_ context.Context, key string) (io.ReadCloser, Info, error) {
	f, info, err := d.open(key)
	if err != nil {
		return nil, Info{}, wrap("Open", key, err)
	}
	return file{io.NewSectionReader(f, 0, info.Size), f}, info, nil
}

// Stat implements Store.
func (d *Disk) Stat(_ context.Context, key string) (Info, error) {
	f, info, err := d.open(key)
	if err != nil {
		return Info{}, wrap("Stat", key, err)
	}
	return info, wrap("Stat", key, f.Close())
}

// file is the content without the trailer.
type file struct {
	*io.SectionReader
	io.Closer
}

func (d *Disk) open(key string) (*os.File, Info, error) {
	if checkKey(key) != nil {
		return nil, Info{}, fs.ErrNotExist // nothing can be there
	}
	f, err := d.root.Open(key)
	if err != nil {
		if errors.Is(err, syscall.ENOTDIR) {
			err = fs.ErrNotExist
		}
		return nil, Info{}, err
	}
	stat, err := f.Stat()
	if err == nil && stat.IsDir() {
		err = fs.ErrNotExist
	}
	var info Info
	if err == nil {
		info, err = readTrailer(f, stat)
	}
	if err != nil {
		return nil, Info{}, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// Delete implements Store. Folders stay: one removed under a writer would make that writer fail.
func (d *Disk) Delete(_ context.Context, key string) error {
	if checkKey(key) != nil {
		return nil
	}
	stat, err := d.root.Stat(key)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && stat.IsDir() {
		return nil
	}
	if err == nil {
		err = d.root.Remove(key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return wrap("Delete", key, err)
}

// List implements Store.
func (d *Disk) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { d.walk(ctx, ".", prefix, yield) }
}

// walk gives the keys under dir and says whether to go on. A folder sorts as its name and a slash, which is
// the order of the whole keys.
func (d *Disk) walk(ctx context.Context, dir, prefix string, yield func(string, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield("", wrap("List", prefix, err))
		return false
	}
	entries, err := fs.ReadDir(d.root.FS(), dir)
	if err != nil {
		yield("", wrap("List", prefix, err))
		return false
	}
	var names []string
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			names = append(names, name+"/")
		case e.Type().IsRegular():
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		sub, isDir := strings.CutSuffix(name, "/")
		switch {
		case isDir && (strings.HasPrefix(name, prefix) || strings.HasPrefix(prefix, name)):
			if !d.walk(ctx, sub, prefix, yield) {
				return false
			}
		case !isDir && strings.HasPrefix(name, prefix):
			if !yield(name, nil) {
				return false
			}
		}
	}
	return true
}

// The content type stands behind the content, in the same file, so that one rename puts both in place; image
// and PDF viewers pass over it, and its absence tells a file that lost its end. It is: the type, its length in
// two bytes, magic.
const magic = "amicale\x01"

const trailerEnd = 2 + len(magic)

func trailer(contentType string) []byte {
	b := binary.BigEndian.AppendUint16([]byte(contentType), uint16(len(contentType)))
	return append(b, magic...)
}

func readTrailer(f *os.File, stat fs.FileInfo) (Info, error) {
	b := make([]byte, min(stat.Size(), int64(maxContentType+trailerEnd)))
	if _, err := f.ReadAt(b, stat.Size()-int64(len(b))); err != nil {
		return Info{}, err
	}
	b, ok := bytes.CutSuffix(b, []byte(magic))
	if !ok || len(b) < 2 {
		return Info{}, errDamaged
	}
	b, n := b[:len(b)-2], int(binary.BigEndian.Uint16(b[len(b)-2:]))
	if n > len(b) {
		return Info{}, errDamaged
	}
	return Info{
		Size:        stat.Size() - int64(n+trailerEnd),
		ContentType: string(b[len(b)-n:]),
		ModTime:     stat.ModTime().UTC(),
	}, nil
}

var errDamaged = fmt.Errorf("%w: the file is cut short, or was not written by this store", io.ErrUnexpectedEOF)
