package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDemoProcess(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := serving(t, nil, "demo", "--data", folder, "--people", "2000")
	out := first.stdout.String()
	if !strings.HasSuffix(out, "\nready "+first.url+"\n") {
		t.Errorf("the demonstration does not end its words with ready and its address:\n%s", out)
	}
	for _, s := range []string{"laure.lavaut.ly2010", "federation.admin", "amicale-demo", "/dev/mailbox"} {
		if !strings.Contains(out, s) {
			t.Errorf("the demonstration does not print %q", s)
		}
	}
	laure := first.visit().signIn("laure.lavaut.ly2010")
	laure.submit(laure.get("/moi/profil"), "/moi/profil/presentation", "headline", "Reste après un redémarrage").want(303)
	first.get("/dev/mailbox.json").want(200)
	first.signal(os.Interrupt)
	if code := first.wait(15 * time.Second); code != 0 {
		t.Errorf("after SIGINT the code is %d, want 0:\n%s", code, first.stderr)
	}

	again := serving(t, nil, "demo", "--data", folder, "--people", "2000")
	laure.at(again).get("/p/laure.lavaut.ly2010").want(200, "Reste après un redémarrage")
	again.stop()
}

// TestDemoRefusesAnotherBase tries the demonstration over sites that others have begun: nothing may be mixed in.
func TestDemoRefusesAnotherBase(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, folder string){
		"an association alone": func(*testing.T, string) {},
		"staff": func(t *testing.T, folder string) {
			must(t, "admin", "create", "--data", folder, "marie.dupont", "--name", "Marie Dupont", "--email", "marie@mail.example", "--role", "federation_admin")
		},
		"people": func(t *testing.T, folder string) {
			list := filepath.Join(t.TempDir(), "liste.csv")
			if err := os.WriteFile(list, []byte("Nom;Prénom;Promo\nRoux;Paul;2011\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			must(t, "import", "--data", folder, "--association", "ly", list)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := install(t)
			begin(t, folder)
			base := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
			counts := func() string {
				return one[string](t, base, `SELECT concat((SELECT count(*) FROM associations), ' ', (SELECT count(*) FROM persons), ' ', (SELECT count(*) FROM accounts))`)
			}
			before := counts()
			code, _, stderr := ran(t, nil, "demo", "--data", folder, "--people", "50", "--listen", freePort(t))
			if code != 1 || !strings.Contains(stderr, "not a demonstration") {
				t.Errorf("demo over another base: code %d, %q; want a refusal", code, stderr)
			}
			if after := counts(); after != before {
				t.Errorf("associations, people and accounts were %s and are %s", before, after)
			}
		})
	}
}

func TestDemoOnPostgres(t *testing.T) {
	t.Parallel()
	target := postgres(t, "")
	for range 2 {
		p := serving(t, nil, "demo", "--database", target, "--data", t.TempDir(), "--people", "200")
		p.visit().signIn("laure.lavaut.ly2010").get("/annuaire?q=lavaut").want(200, "Anne-Laure")
		p.stop()
	}
}
