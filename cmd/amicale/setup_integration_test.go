package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

var setupCode = regexp.MustCompile(`/installation and give this code: (\S+)`)

// codeOf is the one-time code that a process printed.
func codeOf(p *process) string {
	p.t.Helper()
	found := setupCode.FindStringSubmatch(p.stdout.String())
	if found == nil {
		p.t.Fatalf("no set-up code on the console:\n%s", p.stdout)
	}
	return found[1]
}

// setup is the set-up page filled in, all but the code.
func setup(code string) []string {
	return []string{"code", code, "federation_name", "Fédération d’essai", "federation_contact", "contact@essai.example",
		"association_code", "ly", "association_name", "AIL", "association_school", "INSA Lyon", "association_host", "lyon.example",
		"association_mail_domain", "ly.example", "association_color", "#8a2b2b",
		"webmaster_name", "Marie Dupont", "webmaster_login", "marie.dupont", "webmaster_email", "marie@mail.example", "webmaster_password", "une longue phrase de passe"}
}

func TestSetUpOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := serving(t, nil, "serve", "--data", folder)
	guest := p.visit()
	if got := guest.get("/"); got.status != 303 || got.header.Get("Location") != "/installation" {
		t.Errorf("the front page of an empty site: %d to %q, want a way to the set-up", got.status, got.header.Get("Location"))
	}
	form := guest.get("/installation").want(200, "association_code")
	first := codeOf(p)
	guest.submit(form, "/installation", setup("AAAA-BBBB-CCCC-DDDD")...).want(422, "marie.dupont")
	guest.submit(form, "/installation", setup("")...).want(422)
	p.stop()

	p = serving(t, nil, "serve", "--data", folder) // a new code: the old one has been seen by whoever saw the console
	guest = p.visit()
	if again := codeOf(p); again == first {
		t.Error("the second start prints the first's code")
	}
	guest.submit(form, "/installation", setup(first)...).want(422)
	code := strings.ToLower(strings.ReplaceAll(codeOf(p), "-", " ")) // as a person types it
	if got := guest.submit(form, "/installation", setup(code)...).want(303); got.header.Get("Location") != "/connexion" {
		t.Errorf("after the set-up the visitor is sent to %q", got.header.Get("Location"))
	}
	guest.get("/installation").want(404)
	guest.submit(form, "/installation", setup(code)...).want(404)
	guest.get("/association").want(200, "Fédération d’essai", "AIL")
	secureWebmaster(p)
	p.stop()
	if out := serving(t, nil, "serve", "--data", folder).stdout.String(); strings.Contains(out, "installation") {
		t.Errorf("a site that is set up still prints a code:\n%s", out)
	}
	d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
	if got := one[string](t, d, `SELECT concat((SELECT count(*) FROM associations), ' ', (SELECT count(*) FROM accounts), ' ', (SELECT count(*) FROM settings WHERE name = 'setup'))`); got != "1 1 0" {
		t.Errorf("associations, accounts and codes = %s, want 1 1 0", got)
	}
}

// secureWebmaster signs the new webmaster in: nothing opens before a second factor is set, and then everything does.
func secureWebmaster(p *process) {
	p.t.Helper()
	const secure = "/moi/parametres/securite"
	marie := p.visit()
	enter := func(b *browser) *page {
		return b.post("/connexion", "who", "marie.dupont", "password", "une longue phrase de passe").want(303)
	}
	enter(marie)
	for _, path := range []string{"/admin", "/admin/guichet", "/admin/associations", "/annuaire", "/moi"} {
		if got := marie.get(path); got.status != 303 || got.header.Get("Location") != secure {
			p.t.Errorf("%s before the second factor: %d to %q, want %s", path, got.status, got.header.Get("Location"), secure)
		}
	}
	marie.post("/admin/federation", "name", "Prise").want(403)
	marie.get(secure).want(200, secure+"/codes")
	marie.submit(marie.get(secure+"/codes").want(200), secure+"/codes/debut").want(303)
	page := marie.get(secure + "/codes").want(200)
	secret := regexp.MustCompile(`secret=([A-Z2-7]+)`).FindStringSubmatch(page.body)
	if secret == nil {
		p.t.Fatalf("no secret on the page:\n%s", page.text())
	}
	now, err := totp.GenerateCode(secret[1], time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	wrong := "000000"
	if now == wrong {
		wrong = "000001"
	}
	marie.submit(page, secure+"/codes", "code", wrong).want(422)
	marie.submit(page, secure+"/codes", "code", now).want(200)
	marie.get("/admin").want(200)
	marie.get("/admin/associations").want(200, "AIL")

	again := p.visit() // another browser: the password alone opens nothing now
	if got := enter(again); got.header.Get("Location") != "/connexion/verification" {
		p.t.Errorf("with a second factor set, the password leads to %q", got.header.Get("Location"))
	}
	if got := again.get("/admin"); got.status != 303 || !strings.HasPrefix(got.header.Get("Location"), "/connexion?") {
		p.t.Errorf("/admin between the steps: %d to %q", got.status, got.header.Get("Location"))
	}
	again.post("/connexion/verification", "code", now).want(422) // each code counts once
	later, err := totp.GenerateCode(secret[1], time.Now().Add(30*time.Second))
	if err != nil {
		p.t.Fatal(err)
	}
	again.post("/connexion/verification", "code", later).want(303)
	again.get("/admin").want(200)
}
