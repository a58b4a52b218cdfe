package main

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTwoStartOnAnEmptyDatabase: both want to make the tables; one does, and both serve.
func TestTwoStartOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	env := []string{"AMICALE_DATABASE=" + postgres(t, "")}
	var list []*process
	for range 2 {
		listen := freePort(t)
		p := launch(t, append([]string{"AMICALE_LISTEN=" + listen}, env...), "serve", "--data", t.TempDir())
		p.url = "http://" + listen
		list = append(list, p)
	}
	for _, p := range list {
		p.ready()
		p.get("/readyz").want(200)
	}
	for _, p := range list {
		p.stop()
	}
}

// TestStoppedWhileStarting asks the program to stop at any moment of its start: it obeys, and the next start is good.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for range 8 {
		p := launch(t, nil, "serve", "--data", folder, "--listen", freePort(t))
		time.Sleep(rand.N(250 * time.Millisecond))
		p.signal(syscall.SIGTERM)
		if code := p.wait(10 * time.Second); code > 0 { // -1: the signal came before the program's first line
			t.Errorf("stopped while starting: code %d\n%s", code, p.stderr)
		}
	}
	p := serving(t, nil, "serve", "--data", folder)
	p.get("/installation").want(200)
	p.stop()
}

// TestDemoKilledWhileItIsMade goes on where it was interrupted, and never serves half a demonstration.
func TestDemoKilledWhileItIsMade(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	args := demonstration("--data", folder, "--people", "9000")
	for i, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		p := launch(t, nil, append(args, "--listen", freePort(t))...)
		time.Sleep(time.Duration(300+400*i) * time.Millisecond)
		p.signal(end)
		if code := p.wait(10 * time.Second); code > 0 {
			t.Errorf("interrupted: code %d\n%s", code, p.stderr)
		}
	}
	p := serving(t, nil, args...)
	p.visit().signIn("federation.admin").get("/admin/guichet").want(200, "Ferrand")
	p.stop()
	if n := one[int](t, beside(t, "sqlite:"+filepath.Join(folder, "amicale.db")), `SELECT count(*) FROM persons`); n != 9000 {
		t.Errorf("%d people, want 9000", n)
	}
}

// TestTheSnapshotIsNeverTrusted damages what the search index is kept in between two runs: people are found all the
// same, and no other base's.
func TestTheSnapshotIsNeverTrusted(t *testing.T) {
	t.Parallel()
	folder := data(t)
	snapshot := filepath.Join(folder, "directory.snapshot")
	whole, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	turned := append([]byte(nil), whole...)
	turned[len(turned)/2] ^= 0xff
	find := func(p *process) *page {
		return p.visit().signIn("pierre-henri.l-hame.ly1989").get("/annuaire?q=lavaut").want(200, "Laure Lavaut", "Anne-Laure")
	}
	for name, content := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}, "one bit": turned, "noise": []byte(strings.Repeat("noise", 1000)), "older": whole} {
		d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
		if name == "older" { // and the feed no longer tells what has changed since
			exec1(t, d, `UPDATE persons SET usage_surname = usage_surname`)
			exec1(t, d, `DELETE FROM changes`)
		}
		if err := os.WriteFile(snapshot, content, 0o600); err != nil {
			t.Fatal(err)
		}
		p := serving(t, nil, "serve", "--data", folder)
		find(p)
		p.stop()
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "directory.snapshot"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	p := serving(t, []string{"AMICALE_METRICS_TOKEN=" + metricsToken}, "serve", "--data", other)
	p.metrics().want(200, "amicale_directory_documents 0")
}

// TestFilesArePrivate: what the program writes no stranger on the machine may read, also in a folder open to all. The
// database is its owner's alone; the group may read files, for a backup of its own.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	p := serving(t, nil, demonstration("--data", folder, "--people", "40")...)
	p.visit().signIn("laure.lavaut.ly2010").showPhoto(10)
	seen := 0
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		seen++
		forbidden := fs.FileMode(0o007)
		if strings.HasPrefix(e.Name(), "amicale.db") || strings.HasPrefix(e.Name(), "directory.") {
			forbidden = 0o077
		}
		if info.Mode().Perm()&forbidden != 0 {
			t.Errorf("%s has mode %v", strings.TrimPrefix(path, folder), info.Mode())
		}
		return nil
	})
	if err != nil || seen < 6 {
		t.Errorf("%d files, %v", seen, err)
	}
	p.stop()
}
