package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"amicale/internal/app/demo"
)

// TestLogsHoldNoPersonalData walks the main path, with its mishaps, and then reads all that was logged.
func TestLogsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	folder, host := data(t), startSmarthost(t)
	p := serving(t, []string{"AMICALE_SMTP=" + host.url, "AMICALE_LOG_LEVEL=debug", "AMICALE_LOG_FORMAT=json", "AMICALE_TRUSTED_PROXIES=127.0.0.1"},
		"serve", "--data", folder)
	d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
	visit := func() *browser {
		b := p.visit()
		b.header.Set("X-Forwarded-For", "203.0.113.77")
		b.header.Set("User-Agent", "Lisible/5.0 (machine de Laure)")
		return b
	}

	host.answer("550") // whose answer repeats the address
	visit().ask("Schneider", "2011", "thomas.schneider@exemple.fr")
	until(t, "the letter is refused", 15*time.Second, func() bool { return one[int](t, d, `SELECT count(*) FROM outbox WHERE state = 'failed'`) == 1 })
	host.answer("451")
	visit().ask("Haddad", "2028", "yasmine.haddad@exemple.fr")
	until(t, "the letter is put off", 15*time.Second, func() bool { return host.tried() == 1 })
	visit().ask("Personne-Inconnue", "1999", "inconnue@ailleurs.example")

	visit().post("/connexion", "who", "laure.lavaut.ly2010", "password", "pas le bon mot").want(422)
	visit().post("/connexion", "who", "laure.lavaut@exemple.fr", "password", "pas le bon mot").want(422)
	visit().post("/connexion/oubli", "who", "laure.lavaut@exemple.fr").want(303)
	link := host.wait("laure.lavaut@exemple.fr", 1).open(t).linkTo(t, "/connexion/mot-de-passe/")
	token := link[strings.LastIndex(link, "/")+1:]
	chosen := visit()
	chosen.submit(chosen.get(link), strings.TrimPrefix(link, p.url), "password", "encore une longue phrase").want(303)
	visit().get(link).want(404) // used up: a refusal whose path holds the token

	laure := visit()
	laure.post("/connexion", "who", "laure.lavaut.ly2010", "password", "encore une longue phrase").want(303)
	session := cookieOf(t, laure, p.url)
	form := laure.get("/moi/profil").want(200)
	laure.submit(form, "/moi/profil/presentation", "headline", "Un titre secret", "presentation", "Un texte secret").want(303)
	laure.post("/moi/profil/presentation", "headline", "Un titre secret", "presentation", "x", "version", "an old one").want(409)
	laure.post("/moi/profil/coordonnees", "kind", "phone", "value", "06 12 34 56 78", "purpose", "personal", "audience", "members")
	laure.post("/moi/profil/coordonnees", "kind", "email", "value", "pas une adresse secrète", "purpose", "personal", "audience", "members")
	laure.post("/moi/profil/coordonnees", "kind", "email", "value", "nouvelle@ailleurs.example", "purpose", "personal", "audience", "members")
	for _, path := range []string{"/annuaire?q=lavaut", "/p/laure.lavaut.ly2010", "/p/jean-jacques.dupont.ly1998", "/p/personne.inconnue.ly1900", "/p/personne.inconnue.ly1900/photo/large",
		"/moi/donnees/donnees.json", "/admin", "/admin/personnes/laure.lavaut", "/laure.lavaut@exemple.fr", "/moi/profil/email/" + token, "/api/v1/people?q=lavaut", "/api/v1/laure.lavaut"} {
		laure.get(path)
		visit().get(path)
	}
	body, kind := upload(t, "photo", "Laure Lavaut.jpg", []byte("pas une image"), "audience_photo", "members")
	laure.do(http.MethodPost, "/moi/profil/photo", kind, body)
	federation := visit().signIn("federation.admin")
	federation.get("/admin")
	federation.get("/admin/personnes/laure.lavaut")
	federation.post("/admin/personnes/laure.lavaut/noms", "usage_surname", "Lavaut")
	laure.post("/deconnexion").want(303)
	p.stop()

	logged := p.stderr.String()
	requests := 0
	for line := range strings.Lines(logged) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("a line of the log is no JSON: %s", line)
		}
		if entry["msg"] == "request" {
			requests++
		}
	}
	if requests < 40 {
		t.Fatalf("%d requests are in the log: it is not what was to be read", requests)
	}
	secrets := []string{"203.0.113.77", "127.0.0.1:", "lavaut", "laure", "dupont", "schneider", "haddad", "inconnue", "exemple.fr", "ailleurs.example", "12 34 56 78", "612345678",
		"secret", "longue phrase", "pas le bon", demo.Password, "Lisible", "federation.admin", "Camille", token, session}
	for _, s := range secrets {
		for line := range strings.Lines(logged) {
			if strings.Contains(strings.ToLower(line), strings.ToLower(s)) {
				t.Errorf("the log holds %q: %s", s, line)
				break
			}
		}
	}
}

// cookieOf is the session's secret in a browser.
func cookieOf(t testing.TB, b *browser, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "amicale" {
			return c.Value
		}
	}
	t.Fatal("no session")
	return ""
}
