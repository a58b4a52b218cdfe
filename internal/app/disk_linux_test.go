package app_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"amicale/internal/app"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/mail"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// smallDisk is a folder with room for so many bytes, or a skip: only root can make one.
func smallDisk(t *testing.T, room string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+room); err != nil {
		dbtest.Skip(t, "a small disk can be made by root alone: "+err.Error())
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fillUp leaves no byte free, and gives the file to remove.
func fillUp(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		if n < size || err != nil {
			size /= 2
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	return path
}

// blobs are the keys there are, and what else lies in their folder.
func blobs(t *testing.T, files blob.Store, dir string) []string {
	t.Helper()
	var out []string
	for key, err := range files.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, key)
	}
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "12m")
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "amicale.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := webtest.New(t, d, 5)
	folder := filepath.Join(dir, "files")
	files, err := blob.Open(t.Context(), "file:"+folder)
	if err != nil {
		t.Fatal(err)
	}
	w.App, err = app.New(t.Context(), app.Options{DB: d, Blobs: files, Log: slog.New(slog.DiscardHandler), Now: clock.System, URL: webtest.Origin,
		MailFrom: mail.Address{Name: "Amicale", Address: "ne-pas-repondre@annuaire.example"}, Demo: true, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	w.Run()
	me := w.As(webtest.Member)
	var photo bytes.Buffer
	if err := png.Encode(&photo, image.NewGray(image.Rect(0, 0, 600, 600))); err != nil {
		t.Fatal(err)
	}
	version := func() string {
		return me.Get("/moi/profil").Want(200).Doc().Find(`form[action="/moi/profil/presentation"] [name=version]`).AttrOr("value", "")
	}
	stored := func() string {
		dossier, err := w.App.People().Dossier(t.Context(), viewer.ForSystem("test"), personOf(t, w, webtest.Member))
		if err != nil {
			t.Fatal(err)
		}
		return dossier.Presentation
	}
	text := func(n int) string { return strings.Repeat(string(rune('a'+n%26)), 1000) }

	filler := fillUp(t, dir)
	before := blobs(t, files, folder)
	a := me.Upload("/moi/profil/photo", "photo", "moi.png", photo.Bytes(), "audience_photo", "members")
	if a.Status != 503 || !strings.Contains(a.Body, "Rien n’a été modifié") {
		t.Errorf("a photo on a full disk: status %d, want 503 and that nothing changed: %.300s", a.Status, a.Text())
	}
	if after := blobs(t, files, folder); !slices.Equal(after, before) {
		t.Errorf("files %q, before %q: something half-written", after, before)
	}
	// The database still has some room in the files it holds; once that is used up, it says so and keeps what it had.
	last, refused := stored(), 0
	for n := range 400 {
		a := me.Post("/moi/profil/presentation", "version", version(), "headline", "Ingénieure", "presentation", text(n))
		if a.Status == 303 {
			last = text(n)
			continue
		}
		if a.Status != 503 || !strings.Contains(a.Body, "Rien n’a été modifié") || !strings.Contains(a.Body, text(n)) {
			t.Fatalf("a change on a full disk: status %d, want 503, that nothing changed, and what was typed: %.500s", a.Status, a.Text())
		}
		if refused++; refused == 3 {
			break
		}
	}
	if refused != 3 {
		t.Fatalf("%d changes were refused, want 3", refused)
	}
	if got := stored(); got != last {
		t.Errorf("what stands there = %.20q, want what was last taken, %.20q", got, last)
	}
	me.Get("/annuaire?q=lavaut").Want(200, "Laure") // reading goes on

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	me.Post("/moi/profil/presentation", "version", version(), "headline", "Ingénieure", "presentation", "De nouveau de la place").Want(303)
	me.Upload("/moi/profil/photo", "photo", "moi.png", photo.Bytes(), "audience_photo", "members").Want(303)
	me.Get("/moi/profil/photo/large").Want(200)
	if got := stored(); got != "De nouveau de la place" {
		t.Errorf("what stands there once there is room = %q", got)
	}
	if ok, err := db.One[string](t.Context(), d, `SELECT * FROM pragma_integrity_check`); err != nil || ok != "ok" {
		t.Errorf("the database's own check: %q, %v", ok, err)
	}
}
