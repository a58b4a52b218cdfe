package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDemoProcess(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	first := serving(t, nil, demonstration("--data", folder, "--people", "2000")...)
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

	again := serving(t, nil, demonstration("--data", folder, "--people", "2000")...)
	laure.at(again).get("/p/laure.lavaut.ly2010").want(200, "Reste après un redémarrage")
	again.stop()
}

// TestDemoTakesMailWhereItCan: a port that somebody else has costs a line, and nothing else.
func TestDemoTakesMailWhereItCan(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freePort(t)
	p := serving(t, nil, "demo", "--data", t.TempDir(), "--people", "40", "--smtp", taken.Addr().String(), "--submission", free)
	if out := p.stdout.String(); strings.Count(out, "Pas de courrier sur ") != 1 || !strings.Contains(out, "Pas de courrier sur "+taken.Addr().String()) {
		t.Errorf("the demonstration does not say that %s is taken:\n%s", taken.Addr(), out)
	}
	p.visit().signIn("laure.lavaut.ly2010").get("/moi").want(200)
	conn, err := net.Dial("tcp", free)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "220 ") {
		t.Errorf("submission greets with %q, %v", line, err)
	}
	p.stop()
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
			code, _, stderr := ran(t, nil, demonstration("--data", folder, "--people", "50", "--listen", freePort(t))...)
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
		p := serving(t, nil, demonstration("--database", target, "--data", t.TempDir(), "--people", "200")...)
		p.visit().signIn("laure.lavaut.ly2010").get("/annuaire?q=lavaut").want(200, "Anne-Laure")
		p.stop()
	}
}
