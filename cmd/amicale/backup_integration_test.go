package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBackupWhileServingAndRestore saves a site that is being written to and brings it back into an empty SQLite file
// and an empty PostgreSQL: the same people sign in there with the same passwords.
func TestBackupWhileServingAndRestore(t *testing.T) {
	t.Parallel()
	folder, host := data(t), startSmarthost(t)
	p := serving(t, []string{"AMICALE_SMTP=" + host.url}, "serve", "--data", folder)
	laure := p.visit().signIn("laure.lavaut.ly2010")
	laure.showPhoto(120)
	p.visit().ask("Schneider", "2011", "thomas.schneider@exemple.fr")
	link := host.wait("thomas.schneider@exemple.fr", 1).open(t).linkTo(t, "/connexion/mot-de-passe/")
	path := strings.TrimPrefix(link, p.url)

	// Four files: the photo in two sizes, and the two diplomas that wait on the demonstration's desk.
	file := filepath.Join(t.TempDir(), "amicale.tar.gz")
	counted := whileWritten(t, p, func() {
		code, stdout, stderr := ran(t, nil, "backup", "--data", folder, file)
		if code != 0 || !strings.Contains(stdout, "saved ") || !strings.Contains(stdout, " and 4 files") {
			t.Fatalf("backup while serving: code %d\n%s%s", code, stdout, stderr)
		}
	})
	if counted < 1 {
		t.Error("no change was made while the backup ran: the test proves nothing")
	}
	if code, _, stderr := ran(t, nil, "restore", "--data", folder, file); code != 1 || !strings.Contains(stderr, "another amicale already serves") {
		t.Errorf("restore over a served site: code %d, %q", code, stderr)
	}
	p.stop()

	for name, target := range map[string]func(t *testing.T) []string{
		"sqlite":   func(*testing.T) []string { return nil },
		"postgres": func(t *testing.T) []string { return []string{"AMICALE_DATABASE=" + postgres(t, "")} },
	} {
		t.Run(name, func(t *testing.T) {
			env, back := target(t), filepath.Join(t.TempDir(), "back")
			code, stdout, stderr := ran(t, env, "restore", "--data", back, file)
			if code != 0 || !strings.Contains(stdout, "and 4 files; start the site") {
				t.Fatalf("restore: code %d\n%s%s", code, stdout, stderr)
			}
			if code, _, stderr := ran(t, env, "restore", "--data", back, file); code != 1 || !strings.Contains(stderr, "not empty") {
				t.Errorf("a second restore: code %d, %q", code, stderr)
			}
			restored(t, serving(t, env, "serve", "--data", back), laure, path)
		})
	}
}

// restored visits a site that was brought back.
func restored(t *testing.T, p *process, old *browser, link string) {
	t.Helper()
	p.get("/readyz").want(200)
	laure := p.visit().signIn("laure.lavaut.ly2010")
	laure.get("/annuaire?q=dupont").want(200, "Jean-Jacques")
	laure.get("/moi/profil/photo/large").want(200)
	if got := laure.get("/moi/profil").doc().Find(`[name="headline"]`).AttrOr("value", ""); !strings.HasPrefix(got, "Titre ") {
		t.Errorf("the headline is %q, want one of those that were being written", got)
	}
	old.at(p).get("/moi").want(200) // sessions come back with the rest, as docs/operations.md says
	thomas := p.visit()
	thomas.submit(thomas.get(link).want(200), link, "password", "une phrase après le retour").want(303)
	thomas.get("/moi").want(200)
	p.visit().get(link).want(404)
	federation := p.visit()
	if got := federation.post("/connexion", "who", "federation.admin", "password", "amicale-demo").want(303); got.header.Get("Location") == "" {
		t.Error("the federation's account leads nowhere")
	}
	p.stop()
}

// whileWritten changes Laure's headline again and again while fn runs, and says how often.
func whileWritten(t *testing.T, p *process, fn func()) (n int) {
	t.Helper()
	laure := p.visit().signIn("laure.lavaut.ly2010")
	write := func() {
		form := laure.get("/moi/profil")
		got := laure.do(http.MethodPost, "/moi/profil/presentation", formType, strings.NewReader(encoded([]string{"headline", fmt.Sprintf("Titre %d", n+1),
			"presentation", "", "version", versionOf(form, "/moi/profil/presentation")}).Encode()))
		if got.status != 303 {
			t.Errorf("a change while a backup runs: %d", got.status)
		}
		n++
	}
	write()
	done, all := make(chan struct{}), sync.WaitGroup{}
	all.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				write()
			}
		}
	})
	defer all.Wait()
	defer close(done)
	fn()
	return n
}
