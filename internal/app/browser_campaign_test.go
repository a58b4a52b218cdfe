package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"amicale/internal/app/demo"
	"amicale/internal/outbox"
	"amicale/internal/webtest"
)

func TestBrowserACampaign(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		width  int64
		script bool
	}{{"1280 px", 1280, true}, {"360 px without JavaScript", 360, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, url := listening(t)
			b := newTab(t, url, c.width, c.script)
			b.signIn(webtest.Webmaster, demo.Password)
			draft(b)
			recipients(b)
			preview(b)
			tried(b)
			letter := b.written(lauresEmail, "Des nouvelles, Laure")
			counted(b, letter)
		})
	}
}

// draft begins a letter and writes it.
func draft(b *tab) {
	b.t.Helper()
	b.visit("/admin/lettres")
	b.says("Aucune lettre ici")
	b.press(`main .page-head a[href="/admin/lettres/nouvelle"]`)
	b.fill("main [name=title]", "Lettre d’hiver")
	b.press(`main form[action="/admin/lettres"] .button-primary`)
	b.says("Lettre d’hiver", "Écris quelques mots")
	b.fill("[name=fr_subject]", "Des nouvelles, {{prenom}}")
	b.fill("[name=fr_preheader]", "Trois minutes de lecture.")
	b.fill("[name=fr_body]", "Bonjour {{prenom}},\n\nLe [programme](https://alumni-lyon.example/programme) est là.")
	if b.script {
		b.until(`document.querySelector("#rendu iframe") !== null`) // it shows while one writes
		b.look("the preview")
	}
	b.click(`details:has([name=public]) > summary`)
	b.click(`[name=public]`)
	b.press(`#lettre .button-primary`)
	b.says("C’est enregistré")
}

// recipients narrows whom it goes to, and reads how many that are.
func recipients(b *tab) {
	b.t.Helper()
	b.press(`#lettre a[href$="/destinataires"]`)
	b.says("Qui la recevra", "la recevr")
	all := b.words("#compte .stat-value")
	b.fill("#f-class", "2010")
	b.fill("#f-class-2", "2010")
	if b.script {
		b.click("main h1") // leaves the field
		b.until(`document.querySelector("#compte .stat-value").innerText !== "` + all + `"`)
		b.look("the number")
	}
	b.press(`main form[action$="/destinataires"] .button-primary`)
	b.says("Laure Lavaut")
	if few := b.words("#compte .stat-value"); few == all {
		b.t.Errorf("the class of 2010 is as many as all: %s", few)
	}
}

// preview looks at the letter as others get it.
func preview(b *tab) {
	b.t.Helper()
	b.press(`main form a[href$="/apercu"]`)
	b.says("Des nouvelles, Camille", "avec une personne d’exemple")
	b.press(`main .tabs a[href*="mode=sombre"]`)
	b.fill("main [name=q]", "lavaut")
	b.press(`main form[action$="/apercu"] button`)
	b.press(`#personne a[href*="personne="]`)
	b.says("comme la recevrait")
}

// tried sends a test, then the letter; a number that is not that of the recipients is refused.
func tried(b *tab) {
	b.t.Helper()
	b.press(`main .tabs a[href$="/envoi"]`)
	b.says("Il n’y a pas de version anglaise", "La lettre part tout de suite, à")
	b.press(`main form[action$="/essai"] button`)
	b.says("L’essai est parti")
	b.written("anne-laure.lavaut@exemple.fr", "Des nouvelles, ")
	n := b.words("#compte .stat-value")
	b.fill("[name=count]", n+"9")
	b.refused(`main form[action$="/envoyer"] .button-primary`, "Rien n’est parti")
	b.retype("[name=count]", n)
	b.follow(`main form[action$="/envoyer"] .button-primary`)
	b.says("Avancement")
	for range 200 {
		if strings.Contains(b.words("#progression"), "Envoyée") {
			break
		}
		if time.Sleep(50 * time.Millisecond); !b.script { // with it the page looks after its own progress
			b.must(chromedp.Do(b.ctx, chromedp.Reload()))
		}
	}
	b.look("sent")
	b.says("Envoyée", n+" sur "+n, "remises "+n, "échouées 0")
}

// counted follows a link of the letter, ends such letters by another, and reads both in the statistics.
func counted(b *tab, letter outbox.Posted) {
	b.t.Helper()
	statistics := b.where()
	follow(b, b.leads(letter, "/l/"), "https://alumni-lyon.example/programme")
	b.visit(b.leads(letter, "/desabonnement/"))
	b.press(leave)
	b.says("C’est fait")
	b.visit(statistics)
	b.says("https://alumni-lyon.example/programme 1", "désabonnements par cette lettre 1")
	b.press(`main a[href*="/lettres/"]:not([href*="/admin/"])`)
	b.says("programme")
	b.lacks("Laure")
}

// follow asks for a link of a letter as a mailbox does, and no further: it leads out of the site.
func follow(b *tab, link, to string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, link, nil)
	b.must(err)
	res, err := http.DefaultTransport.RoundTrip(req)
	b.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusFound || res.Header.Get("Location") != to {
		b.t.Fatalf("%s: status %d to %q, want 302 to %s", link, res.StatusCode, res.Header.Get("Location"), to)
	}
}
