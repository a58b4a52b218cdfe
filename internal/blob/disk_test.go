package blob

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"amicale/internal/errs"
)

func newDisk(t *testing.T) (*Disk, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

// A full disk shows as ENOSPC out of a write; here it comes out of the copy that Put makes.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	d, dir := newDisk(t)
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		full := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(&fs.PathError{Op: "write", Err: cause}))
		err := d.Put(t.Context(), "a/k", full, 100, "text/plain")
		if !errors.Is(err, ErrFull) || !errors.Is(err, errs.Unavailable) || !errors.Is(err, cause) {
			t.Errorf("Put on a full disk = %v, want ErrFull, unavailable and %v", err, cause)
		}
		if m, ok := errs.MessageOf(err); !ok || m.Key != "blob.full" {
			t.Errorf("Put on a full disk tells the visitor %q, want blob.full", m.Key)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, tempDir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestConflictingKeys(t *testing.T) {
	t.Parallel()
	d, _ := newDisk(t)
	put := func(key string) error { return d.Put(t.Context(), key, strings.NewReader("x"), 1, "text/plain") }
	if err := put("a/b"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "a/b/c"} {
		if err := put(key); !errors.Is(err, errs.Conflict) {
			t.Errorf("Put(%q) beside a/b = %v, want a conflict", key, err)
		}
	}
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty":   "",
		"foreign": strings.Repeat("written by another program", 30),
		"no type": magic,
		"too far": "x\xff\xff" + magic,
	} {
		d, dir := newDisk(t)
		if err := os.WriteFile(filepath.Join(dir, "k"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := d.Open(t.Context(), "k")
		if !errors.Is(err, io.ErrUnexpectedEOF) || errs.KindOf(err) != errs.Internal {
			t.Errorf("%s: Open = %v, want damaged", name, err)
		}
	}
}

func TestSymbolicLinkCannotLeave(t *testing.T) {
	t.Parallel()
	d, dir := newDisk(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, append([]byte("secret"), trailer("text/plain")...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "k")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Open(t.Context(), "k"); err == nil {
		t.Error("Open followed a symbolic link out of the folder")
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	_, dir := newDisk(t)
	old, young := filepath.Join(dir, tempDir, "old"), filepath.Join(dir, tempDir, "young")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDisk(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of a dead process is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the file of a living process is gone: %v", err)
	}
}
