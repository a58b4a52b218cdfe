package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheMainJob goes the whole way with the program alone, on both engines: an empty site is set up, a list is
// imported beside the running server, two graduates activate their accounts by letter, one completes a profile, and
// the other finds it.
func TestTheMainJob(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(t *testing.T) []string{
		"sqlite":   func(*testing.T) []string { return nil },
		"postgres": func(t *testing.T) []string { return []string{"AMICALE_DATABASE=" + postgres(t, "")} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mainJob(t, env(t))
		})
	}
}

func mainJob(t *testing.T, env []string) {
	t.Helper()
	host, folder := startSmarthost(t), t.TempDir()
	env = append(env, "AMICALE_DATA="+folder, "AMICALE_SMTP="+host.url)
	p := serving(t, env, "serve")
	p.visit().post("/installation", setup(codeOf(p))...).want(303)

	list := filepath.Join(t.TempDir(), "liste.csv")
	content := "Civilité;Nom;Prénom;Promo;E-mail;Téléphone;Cotisation jusqu’au\n" +
		"Mme;Lavaut;Laure;2010;laure@mail.example;06 00 00 00 01;\n" +
		"M.;L’HAME;Pierre-Henri;2010;pierre-henri@mail.example;;\n" +
		"Mme;Sans-Courriel;Zoé;2010;;;\n"
	if err := os.WriteFile(list, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := ran(t, env, "import", "--association", "ly", list)
	if code != 0 || !strings.Contains(stdout, "3 added") {
		t.Fatalf("import: code %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = ran(t, env, "import", "--association", "ly", list)
	if code != 0 || !strings.Contains(stdout, "0 added") || !strings.Contains(stdout, "3 unchanged") {
		t.Errorf("the same list again: code %d\n%s%s", code, stdout, stderr)
	}

	laure := activate(p, host, "lavaut", "laure@mail.example", "laure.lavaut.ly2010")
	pierre := activate(p, host, "L'Hame", "pierre-henri@mail.example", "pierre-henri.l-hame.ly2010")
	form := laure.get("/moi/profil").want(200)
	laure.submit(form, "/moi/profil/presentation", "headline", "Hydrologue des torrents").want(303)
	until(t, "Pierre-Henri finds Laure", 5*time.Second, func() bool { return strings.Contains(pierre.get("/annuaire?q=laure+lavaud").text(), "Laure Lavaut") })
	pierre.get("/p/laure.lavaut.ly2010").want(200, "Hydrologue des torrents")
	pierre.get("/ma-promo").want(200, "Laure", "Zoé")
	if got := p.get("/p/laure.lavaut.ly2010"); got.status != 404 {
		t.Errorf("a stranger sees Laure's page: %d", got.status)
	}
	laure.get("/moi/donnees/donnees.json").want(200, "laure@mail.example")
	p.stop()
}

// activate opens somebody's account as its owner does.
func activate(p *process, host *smarthost, surname, email, login string) *browser {
	p.t.Helper()
	p.visit().ask(surname, "2010", email)
	letter := host.wait(email, 1).open(p.t)
	if !strings.Contains(letter.text, login) {
		p.t.Errorf("the letter to %s does not tell the login %s:\n%s", email, login, letter.text)
	}
	link := letter.linkTo(p.t, "/connexion/mot-de-passe/")
	b := p.visit()
	b.submit(b.get(link).want(200), strings.TrimPrefix(link, p.url), "password", "une phrase de "+surname).want(303)
	b.post("/deconnexion").want(303)
	b.post("/connexion", "who", strings.ToUpper(login), "password", "une phrase de "+surname).want(303)
	return b
}
