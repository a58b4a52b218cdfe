package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"amicale/internal/errs"
)

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	data := install(t)
	must(t, "admin", "create", "--data", data, "marie.dupont", "--name", "Marie Dupont", "--email", "marie@mail.example", "--role", "federation_admin")
	if err := os.MkdirAll(filepath.Join(data, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "amicale.tar.gz")
	if out := must(t, "backup", "--data", data, file); !strings.Contains(out, "rows and 0 files into "+file) {
		t.Errorf("backup: %s", out)
	}
	if out := must(t, "backup", "--data", data, file); !strings.Contains(out, "saved") {
		t.Errorf("a second backup: %s", out)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the backup's mode is %v (%v), want readable by its owner alone", st.Mode(), err)
	}
	lonely(t, file)

	back := filepath.Join(t.TempDir(), "back")
	if out := must(t, "restore", "--data", back, file); !strings.Contains(out, "restored") {
		t.Errorf("restore: %s", out)
	}
	if out := must(t, "admin", "list", "--data", back); !strings.Contains(out, "Marie Dupont") {
		t.Errorf("list after restore: %s", out)
	}
	if _, err := command(t, "restore", "--data", back, file); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restore over an installation: %v, want a refusal", err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tar.gz")
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "restore", "--data", filepath.Join(t.TempDir(), "new"), cut); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("restore of half a backup: %v, want a refusal", err)
	}
	if _, err := command(t, "restore", "--data", filepath.Join(t.TempDir(), "new"), "/no/such/file"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("restore of no file: %v", err)
	}
}

// lonely makes sure that nothing half-written stands beside a file.
func lonely(t *testing.T, file string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(list) > 1 {
		t.Errorf("beside %s stand %v (%v)", file, list, err)
	}
}

func TestRestoreRefusesAServedInstallation(t *testing.T) {
	t.Parallel()
	data := install(t)
	file := filepath.Join(t.TempDir(), "amicale.tar.gz")
	must(t, "backup", "--data", data, file)
	s := settings(t, data)
	opened, err := openEmpty(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	if _, err := command(t, "restore", "--data", data, file); err == nil || !strings.Contains(err.Error(), "another amicale already serves") {
		t.Errorf("restore beside a server: %v, want a refusal", err)
	}
}

func TestWriteWholeLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(file, []byte("the old one"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := fmt.Errorf("write: %w", syscall.ENOSPC)
	err := writeWhole(file, func(w io.Writer) error {
		if _, err := w.Write([]byte("half of the new")); err != nil {
			t.Fatal(err)
		}
		return full
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writeWhole() = %v, want the cause", err)
	}
	said := fullDisk(err, file, "Nothing was written there").Error()
	if !strings.Contains(said, "the disk of "+file+" is full") || !strings.Contains(said, "make room") {
		t.Errorf("fullDisk() = %q", said)
	}
	full = errs.New(errs.Unavailable, "web.disk_full") // as the database says it
	if said := fullDisk(full, "/data", "Nothing was restored").Error(); !strings.Contains(said, "the disk of /data is full") {
		t.Errorf("fullDisk() of the database = %q", said)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "the old one" {
		t.Errorf("the file holds %q (%v), want the old one", b, err)
	}
	lonely(t, file)
	if err := writeWhole(file, func(w io.Writer) error { _, err := io.WriteString(w, "the new one"); return err }); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "the new one" {
		t.Errorf("the file holds %q (%v), want the new one", b, err)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1500: "1.5 kB", 48_000: "48 kB", 2_300_000_000: "2.3 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}
