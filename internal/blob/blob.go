// Package blob keeps files: photos, diplomas, attachments, exports.
//
// It owns one small interface, Store, and its two implementations: a folder on disk and a bucket that speaks
// S3. A key is written whole or not at all, whatever dies in the middle; a key that is not there answers an
// error that is errs.NotFound; a full disk answers one that is ErrFull. What a key means, and who may read
// it, is the caller's affair.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"amicale/internal/errs"
)

// ErrFull says that the disk or the bucket has no room left. Nothing was stored, and what the key held before
// is still there. Such an error is also errs.Unavailable.
var ErrFull = errors.New("blob: no space left")

// Store keeps bytes under keys. Implementations are safe for concurrent use, by several processes too.
type Store interface {
	// Put stores exactly size bytes of r under key, in place of what was there. Readers see the old or the
	// new content, never a part. A reader that gives fewer or more bytes is errs.Invalid. No key may be the
	// folder of another: with "a/b" there is no "a".
	Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) error
	// Open reads a key. The caller closes.
	Open(ctx context.Context, key string) (io.ReadCloser, Info, error)
	// Stat tells what Open would, without reading.
	Stat(ctx context.Context, key string) (Info, error)
	// Delete removes a key. One that is not there is no error: the wish is fulfilled.
	Delete(ctx context.Context, key string) error
	// List gives every key that begins with prefix, in byte order. After an error it ends.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Info describes what a key holds.
type Info struct {
	Size        int64 // bytes
	ContentType string
	ModTime     time.Time // UTC; whole seconds on S3
}

// Open returns the store that the setting names: "file:DIR", made if it is missing, or
// "s3://KEY:SECRET@host[:port]/bucket?region=REGION&insecure=true", whose bucket must exist. Special
// characters in KEY and SECRET are percent-encoded.
func Open(ctx context.Context, setting string) (Store, error) {
	scheme, rest, _ := strings.Cut(setting, ":")
	switch {
	case scheme == "file" && rest != "":
		return OpenDisk(rest)
	case scheme == "s3":
		return openS3(ctx, setting)
	}
	// The setting may hold a secret, so that it is not repeated.
	return nil, errs.E("blob.Open", errs.Invalid,
		errors.New("the address of the files must be file:DIR or s3://KEY:SECRET@host/bucket"))
}

// Sweep deletes the keys that begin with prefix, were written before that time, and that nobody knows: a process died
// between the file and its row. known is asked for each of them.
func Sweep(ctx context.Context, s Store, prefix string, before time.Time, known func(ctx context.Context, key string) (bool, error)) error {
	for key, err := range s.List(ctx, prefix) {
		if err != nil {
			return err
		}
		info, err := s.Stat(ctx, key)
		if errs.KindOf(err) == errs.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		if info.ModTime.After(before) {
			continue
		}
		kept, err := known(ctx, key)
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		if err := s.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// Bounds that both implementations share, so that data can move from one to the other.
const (
	maxKey         = 512 // bytes
	maxContentType = 255 // bytes
)

// checkKey refuses what is no path on disk. A part that begins with a dot is refused too: the disk keeps its
// unfinished files in one.
func checkKey(key string) error {
	ok := len(key) <= maxKey && utf8.ValidString(key) && fs.ValidPath(key) && !strings.HasPrefix(key, ".") &&
		!strings.Contains(key, "/.") && !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f })
	if !ok {
		return fmt.Errorf("%q is no valid key", key)
	}
	return nil
}

// checkPut refuses arguments that one of the implementations could not keep.
func checkPut(key string, size int64, contentType string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if size < 0 {
		return fmt.Errorf("size %d", size)
	}
	for i := range len(contentType) {
		if contentType[i] < ' ' || contentType[i] > '~' {
			return fmt.Errorf("content type %q", contentType)
		}
	}
	if len(contentType) > maxContentType {
		return fmt.Errorf("content type of %d bytes", len(contentType))
	}
	return nil
}

// wrap adds the operation, its key and the kind of a cause that has none yet.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	op = "blob." + op + " " + key
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, ErrFull):
		return &errs.Error{Kind: errs.Unavailable, Op: op, Msg: errs.Message{Key: "blob.full"}, Err: errors.Join(ErrFull, err)}
	case errors.Is(err, fs.ErrNotExist):
		return errs.E(op, errs.NotFound, err)
	case errors.Is(err, errSize):
		return errs.E(op, errs.Invalid, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return errs.E(op, errs.Conflict, err)
	}
	return errs.Wrap(op, err)
}

// errSize says that a reader did not hold what was announced.
var errSize = errors.New("the content is not as long as announced")

func newExact(ctx context.Context, r io.Reader, size int64) *exact {
	e := &exact{ctx: ctx, r: r, left: size}
	if size == 0 {
		e.err = e.end() // an S3 client need not read at all
	}
	return e
}

// exact passes on exactly left bytes of r and fails, before the last of them is given, where r has fewer or
// more: whoever stores what it gives can never take a wrong length for a success. It also ends with ctx.
type exact struct {
	ctx  context.Context
	r    io.Reader
	left int64
	err  error // once set, every Read answers it
}

func (e *exact) Read(p []byte) (int, error) {
	if e.err == nil {
		e.err = e.ctx.Err()
	}
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case err != nil && err != io.EOF:
		e.err = err
	case err == io.EOF && e.left > 0:
		e.err = fmt.Errorf("%w: %d bytes are missing", errSize, e.left)
	case e.left == 0:
		e.err = e.end()
	}
	if e.failed() {
		return 0, e.err
	}
	return n, nil
}

// failed reports whether reading ended in anything but success.
func (e *exact) failed() bool { return e.err != nil && e.err != io.EOF }

// end is io.EOF where r has no byte left.
func (e *exact) end() error {
	var one [1]byte
	n, err := io.ReadFull(e.r, one[:])
	if n > 0 {
		return fmt.Errorf("%w: there is more", errSize)
	}
	return err
}
