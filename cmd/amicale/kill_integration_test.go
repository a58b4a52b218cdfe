package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"amicale/internal/db"
)

func TestASecondServerOnTheSameFile(t *testing.T) {
	t.Parallel()
	folder := data(t)
	first := serving(t, nil, "serve", "--data", folder)
	code, stdout, stderr := ran(t, nil, "serve", "--data", folder, "--listen", freePort(t))
	if code != 1 || !strings.Contains(stderr, "another amicale already serves "+filepath.Join(folder, "amicale.db")) || !strings.Contains(stderr, "PostgreSQL") || stdout != "" {
		t.Errorf("a second server: code %d, %q, %q; want 1 and what to do", code, stdout, stderr)
	}
	if n := strings.Count(strings.TrimSpace(stderr), "\n"); n != 0 {
		t.Errorf("the refusal has %d lines more than one:\n%s", n, stderr)
	}
	code, _, stderr = ran(t, nil, "serve", "--data", data(t), "--listen", strings.TrimPrefix(first.url, "http://"))
	if code != 1 || !strings.Contains(stderr, "address already in use") {
		t.Errorf("a second server on the same port: code %d, %q", code, stderr)
	}
	first.get("/readyz").want(200)
	first.kill()
	again := serving(t, nil, "serve", "--data", folder)
	again.get("/readyz").want(200)
	again.stop()
}

// TestNothingAcknowledgedIsLost kills the server at ten random moments while it is written to: every change that was
// answered must be there, and each person's page must be one that was sent, whole.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	folder := data(t)
	p := serving(t, nil, "serve", "--data", folder)
	login := []string{"laure.lavaut.ly2010", "jean-jacques.dupont.ly1998"}
	w := &writer{t: t, visitors: []*browser{p.visit().signIn(login[0]), p.visit().signIn(login[1])}, sent: make([]int, 2), answered: make([]int, 2)}
	for range 10 {
		w.from(p, func() {
			time.Sleep(20*time.Millisecond + rand.N(250*time.Millisecond))
			p.kill()
		})
		p = serving(t, nil, "serve", "--data", folder)
		for i, b := range w.visitors {
			text := b.at(p).get("/moi/profil").want(200).doc().Find(`[name="headline"]`).AttrOr("value", "")
			n := 0
			if text != "" {
				if _, err := fmt.Sscanf(text, "Titre %d", &n); err != nil {
					t.Fatalf("the headline is %q", text)
				}
			}
			if n < w.answered[i] || n > w.sent[i] {
				t.Fatalf("after kill -9 the headline is number %d; %d was answered, %d sent", n, w.answered[i], w.sent[i])
			}
			w.sent[i], w.answered[i] = n, n
		}
	}
	if w.total < 20 {
		t.Errorf("only %d changes were answered: the test proves little", w.total)
	}
	t.Logf("%d changes were answered", w.total)
	p.stop()
	d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
	if got := one[string](t, d, `PRAGMA integrity_check`); got != "ok" {
		t.Errorf("the file is not sound: %s", got)
	}
	rows, err := db.All[string](t.Context(), d, `SELECT "table" FROM pragma_foreign_key_check`)
	if err != nil || len(rows) != 0 {
		t.Errorf("rows that refer to nothing: %v, %v", rows, err)
	}
}

// writer changes profiles as fast as it is answered.
type writer struct {
	t              testing.TB
	visitors       []*browser
	sent, answered []int
	total          int
}

// from writes through a process until it answers no more, while during goes on.
func (w *writer) from(p *process, during func()) {
	var all sync.WaitGroup
	counts := make([]int, len(w.visitors))
	for i, b := range w.visitors {
		b := b.at(p)
		form := b.get("/moi/profil").want(200)
		all.Go(func() {
			for {
				values := encoded([]string{"headline", fmt.Sprintf("Titre %d", w.sent[i]+1), "presentation", "", "version", versionOf(form, "/moi/profil/presentation")})
				w.sent[i]++
				got, err := b.try(http.MethodPost, "/moi/profil/presentation", formType, strings.NewReader(values.Encode()))
				if err != nil {
					return
				}
				if got.status != http.StatusSeeOther {
					w.t.Errorf("a change was answered %d\n%s", got.status, got.text())
					return
				}
				w.answered[i] = w.sent[i]
				counts[i]++
				if form, err = b.try(http.MethodGet, "/moi/profil", "", nil); err != nil {
					return
				}
			}
		})
	}
	during()
	all.Wait()
	for _, n := range counts {
		w.total += n
	}
}

// versionOf is the version of a section that a form was made from.
func versionOf(p *page, action string) string {
	return p.doc().Find(`form[action="`+action+`"] input[name="version"]`).AttrOr("value", "")
}

// TestStopFinishesWhatWasBegun asks the server to stop while an upload comes in slowly and a job runs: both finish.
func TestStopFinishesWhatWasBegun(t *testing.T) {
	t.Parallel()
	folder, files := data(t), startS3(t)
	p := serving(t, []string{"AMICALE_BLOBS=" + files.setting}, "serve", "--data", folder)
	d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
	laure := p.visit().signIn("laure.lavaut.ly2010")
	laure.showPhoto(40)
	laure.showPhoto(90)
	exec1(t, d, `DELETE FROM profile_undos`)
	exec1(t, d, `UPDATE jobs SET run_at = ? WHERE kind = 'profile.drop_photo'`, time.Now().Add(-time.Second).UTC().Truncate(time.Microsecond))
	until(t, "a job runs", 10*time.Second, func() bool { return files.held.Load() > 0 })

	body, kind := upload(t, "photo", "moi.jpg", photo(t, 150), "audience_photo", "members")
	content := body.Bytes()
	reader, slowly := io.Pipe()
	answered := make(chan *page, 1)
	go func() {
		got, err := laure.try(http.MethodPost, "/moi/profil/photo", kind, reader)
		if err != nil {
			t.Errorf("the upload: %v", err)
		}
		answered <- got
	}()
	if _, err := slowly.Write(content[:1000]); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the server has the head of the request
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	until(t, "no new connection is taken", 5*time.Second, func() bool {
		_, err := p.visit().try(http.MethodGet, "/healthz", "", nil)
		return err != nil
	})
	if p.over() {
		t.Fatal("the process ended in the middle of an upload and a job")
	}
	if _, err := slowly.Write(content[1000:]); err != nil {
		t.Error(err)
	}
	slowly.Close()
	if got := <-answered; got != nil {
		got.want(303)
	}
	if p.over() {
		t.Error("the process ended in the middle of a job")
	}
	files.release()
	if code := p.wait(25 * time.Second); code != 0 {
		t.Errorf("code %d:\n%s", code, p.stderr)
	}
	t.Logf("stopped after %v", time.Since(begun).Round(time.Millisecond))
	if n := one[int](t, d, `SELECT count(*) FROM jobs WHERE lease_until IS NOT NULL OR last_error <> ''`); n != 0 {
		t.Errorf("%d jobs were left behind in the middle", n)
	}
	if n := one[int](t, d, `SELECT count(*) FROM persons WHERE photo <> ''`); n != 1 {
		t.Errorf("%d people have a photo, want 1", n)
	}
}

// TestASecondSignalEndsAtOnce: who insists gets his terminal back.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := serving(t, nil, "serve", "--data", data(t))
	laure := p.visit().signIn("laure.lavaut.ly2010")
	reader, slowly := io.Pipe()
	go func() {
		_, _ = laure.try(http.MethodPost, "/moi/profil/photo", "multipart/form-data; boundary=x", reader)
	}() // never ends
	if _, err := slowly.Write([]byte("--x\r\n")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	p.signal(os.Interrupt)
	time.Sleep(300 * time.Millisecond)
	if p.over() {
		t.Fatal("the first signal already cut the upload off")
	}
	p.signal(os.Interrupt)
	p.wait(10 * time.Second) // less than the grace
	slowly.Close()
}
