package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"amicale/internal/app"
	"amicale/internal/app/demo"
	"amicale/internal/app/mailbench"
	"amicale/internal/bounces"
	"amicale/internal/config"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/webtest"
)

// livedMail gives the mail of a demonstration a past, while nobody answers.
func livedMail(t testing.TB, w *webtest.World) {
	t.Helper()
	if err := w.App.MakeDemoMail(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// mailPages are those that a demonstration with a past must lead somebody to.
func mailPages() []string {
	return []string{
		"GET /moi/parametres/adresse", "GET /moi/parametres/adresse/courrier", "GET /moi/parametres/abonnements", "GET /p/{login}/courrier-revenu",
		"GET /admin/adresses", "GET /admin/adresses/perdus", "GET /admin/adresses/destinations", "GET /admin/adresses/signalements", "GET /admin/adresses/jour",
		"GET /admin/lettres", "GET /admin/lettres/nouvelle", "GET /admin/lettres/{id}", "GET /admin/lettres/{id}/destinataires", "GET /admin/lettres/{id}/apercu",
		"GET /admin/lettres/{id}/envoi", "GET /admin/lettres/{id}/suivi", "GET /admin/lettres/{id}/echecs",
		"GET /admin/offres", "GET /admin/offres/{id}", "GET /admin/courrier", "GET /admin/courrier/{domain}", "GET /admin/courrier/depart", "GET /admin/etat", "GET /admin",
	}
}

// mailTab is a tab at a demonstration whose mail has a past.
func mailTab(t *testing.T, width int64, script bool) (*webtest.World, *tab) {
	t.Helper()
	w, ln, url := built(t, app.MailOptions{})
	livedMail(t, w)
	answering(t, w, ln)
	return w, newTab(t, url, width, script)
}

// lacks fails the test when the page holds the text.
func (b *tab) lacks(text string) {
	b.t.Helper()
	if got := b.text(); strings.Contains(got, text) {
		b.t.Fatalf("%s says %q: %.1200s", b.where(), text, got)
	}
}

// click presses something that leads to no other page.
func (b *tab) click(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("click on %s: %v\nat %s: %.600s", selector, err, b.where(), b.text())
	}
}

// hush closes what the page says was done, which on a phone lies over its lower end for some seconds.
func (b *tab) hush() {
	b.t.Helper()
	if b.script {
		b.click(".toast-close")
	}
}

// retype puts another text in the place of what a field holds.
func (b *tab) retype(selector, text string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Clear(chromedp.CSS(selector))))
	b.fill(selector, text)
}

// refused presses a button whose form is not taken, and looks at what the page says of it.
func (b *tab) refused(selector string, texts ...string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	b.must(err)
	if res.Status != http.StatusUnprocessableEntity {
		b.t.Fatalf("%s: status %d, want 422", selector, res.Status)
	}
	b.mu.Lock() // the browser notes that the answer was no
	b.complaints = slices.DeleteFunc(b.complaints, func(c string) bool { return strings.Contains(c, "422") })
	b.mu.Unlock()
	b.look("refused after " + selector)
	b.says(texts...)
}

// posted waits for the newest message in the mailbox of which that holds.
func (b *tab) posted(what string, is func(outbox.Posted) bool) outbox.Posted {
	b.t.Helper()
	for range 300 {
		req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.url+"/dev/mailbox.json", nil)
		b.must(err)
		res, err := http.DefaultClient.Do(req)
		b.must(err)
		var list []outbox.Posted
		err = json.NewDecoder(res.Body).Decode(&list)
		res.Body.Close()
		b.must(err)
		if i := slices.IndexFunc(list, is); i >= 0 {
			return list[i]
		}
		time.Sleep(30 * time.Millisecond)
	}
	b.t.Fatalf("the mailbox has no %s", what)
	return outbox.Posted{}
}

// written waits for what came to an address under that subject.
func (b *tab) written(to, subject string) outbox.Posted {
	b.t.Helper()
	return b.posted(fmt.Sprintf("%q to %s", subject, to), func(p outbox.Posted) bool { return p.To == to && strings.Contains(p.Subject, subject) })
}

// leads is the address in a letter that holds a part.
func (b *tab) leads(l outbox.Posted, part string) string {
	b.t.Helper()
	i := slices.IndexFunc(l.Links, func(link string) bool { return strings.Contains(link, part) })
	if i < 0 {
		b.t.Fatalf("the letter %q leads to %q, and not to %s", l.Subject, l.Links, part)
	}
	return l.Links[i]
}

const (
	lauresEmail  = "laure.lavaut@exemple.fr"
	leave        = `main form[action^="/desabonnement/"] .button-primary`
	saveChoices  = `form[action="/moi/parametres/abonnements"] .button-primary`
	saveForwards = `form[action="/moi/parametres/adresse"] .button-primary`
)

// footClear says whether what stands last on the page can be scrolled above the toast.
const footClear = `(() => {
	scrollTo({ top: document.body.scrollHeight, behavior: "instant" });
	const last = [...document.querySelectorAll(".site-foot a, .site-foot button")].filter((n) => n.offsetParent).at(-1);
	return last.getBoundingClientRect().bottom <= document.querySelector(".toasts .toast").getBoundingClientRect().top;
})()`

func TestBrowserSubscriptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		width  int64
		script bool
	}{{"360 px", 360, true}, {"1280 px without JavaScript", 1280, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, b := mailTab(t, c.width, c.script)
			b.signIn(webtest.Member, demo.Password)
			b.visit("/moi/parametres/abonnements")
			b.says("Rien encore : tu reçois tout")
			b.click(`input[name=on][value$=".careers"]`)
			b.press(saveChoices)
			if c.script && !eval[bool](b, footClear) {
				t.Error("a toast covers the foot of the page")
			}
			b.says("Tes choix sont enregistrés", "Carrières, Fédération des alumni INSA", "Toi, sur cette page")
			b.press(`main form[action$="/abonnements/pause"] button`)
			b.says("Tout est en pause jusqu’au")
			b.hush()
			b.press(`main form[action$="/abonnements/pause/fin"] button`)
			b.lacks("Tout est en pause")
			b.signOut()
			leaveByLetter(b)
			b.signIn(webtest.Member, demo.Password)
			b.visit("/moi/parametres/abonnements")
			b.says("Événements, AIL Alumni INSA Lyon", "Un clic dans une lettre")
		})
	}
}

// leaveByLetter follows the link of a letter without signing in: looking changes nothing, the button does, and can be
// taken back.
func leaveByLetter(b *tab) {
	b.t.Helper()
	link := b.leads(b.written(lauresEmail, "le gala revient"), "/desabonnement/")
	for range 2 { // whoever looks, as the machines of mailboxes do, changes nothing
		b.visit(link)
		b.says("Ne plus recevoir ces lettres ?", "« Événements » (AIL Alumni INSA Lyon)")
	}
	b.press(leave)
	b.says("C’est fait", "n’arriveront plus à cette adresse")
	b.visit(link)
	b.says("C’est déjà arrêté")
	b.press(`main form[action$="/retour"] button`)
	b.says("C’est repris")
	b.visit(link)
	b.press(leave)
	b.says("C’est fait")
}

func TestBrowserAnAddressHeals(t *testing.T) {
	t.Parallel()
	w, b := mailTab(t, 360, true)
	b.signIn(webtest.Member2, demo.Password)
	b.visit("/moi")
	b.says(demo.Dead+" ne reçoit plus", "Nous t’écrivons désormais à pierre-henri.lhame@exemple.fr")
	b.press(`main .alert form[action$="/lien"] button`)
	b.says("Nous venons d’y envoyer un lien")
	b.visit(b.leads(b.letter(demo.Dead, "/moi/profil/email/"), "/moi/profil/email/"))
	b.press(`main form[action^="/moi/profil/email/"] button`)
	b.says("Ton adresse est confirmée")
	b.visit("/moi")
	b.lacks("ne reçoit plus")

	// It dies once more, and he puts it right: gone, with another in its place.
	for i := range 3 {
		err := w.App.Bounces().Reported(t.Context(), bounces.Report{Row: id.New(), Address: demo.Dead, Class: mail.Dead, At: w.App.Now().AddDate(0, 0, -4+i)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.App.Bounces().Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.visit("/moi")
	b.says(demo.Dead + " ne reçoit plus")
	b.press(`main .alert a[href="/moi/profil#emails"]`)
	b.says(demo.Dead+" est en erreur", "Personnel · en erreur")
	b.click(`#emails .alert-danger + details > summary`)
	b.press(`#emails .alert-danger + details button[formaction$="/retirer"]`)
	b.lacks("en erreur")
	b.visit("/moi")
	b.lacks("ne reçoit plus")
	b.signOut()

	// The staff reads how it ended, and finds who cannot be reached any more.
	b.signIn(webtest.Webmaster, demo.Password)
	b.visit("/admin/adresses")
	b.says("p…@fibre-loire.example", "remplacée par p…@exemple.fr")
}

func TestBrowserTheAddressForLife(t *testing.T) {
	t.Parallel()
	zone, err := mailbench.StartZone() // a DNS in which nobody is
	if err != nil {
		t.Fatal(err)
	}
	go zone.Serve() // ends with Close
	t.Cleanup(zone.Close)
	in := loopback(t)
	w, ln, url := built(t, app.MailOptions{Host: "mx.annuaire.example", SMTP: in, Resolver: config.ResolverAt(zone.Addr)})
	livedMail(t, w)
	jean, err := w.App.People().PersonByLogin(t.Context(), webtest.Graduate)
	if err == nil {
		err = w.App.People().ConfirmEmail(t.Context(), jean, "jj.dupont@ailleurs.example", "import")
	}
	if err != nil {
		t.Fatal(err)
	}
	answering(t, w, ln)
	outside := post{t: t, smtp: in.Addr().String()}
	const lifetime, home, other = webtest.Graduate + "@ail.example", "jean-jacques.dupont@exemple.fr", "jj.dupont@ailleurs.example"
	b := newTab(t, url, 360, true)
	b.signIn(webtest.Graduate, demo.Password)
	b.visit("/moi/parametres/adresse")
	b.says(lifetime, "Où arrive ton courrier")
	b.fill("#place-1", "Arrive ici, en deuxième")
	b.press(saveForwards)
	b.says("C’est enregistré")
	b.written(home, "les destinations ont changé")
	outside.arrives(lifetime)
	for _, to := range []string{home, other} {
		b.written(to, "Bonjour")
	}
	b.press(`main .page-head a[href$="/courrier"]`)
	b.says("quelqu.un@ailleurs.example", "Remis à "+home, "Remis à "+other)

	b.visit("/moi/parametres/adresse")
	eval[bool](b, `(document.querySelector("[name=until]").value = "`+w.App.Now().AddDate(0, 0, 7).Format(time.DateOnly)+`", true)`)
	b.press(`main form[action$="/adresse/pause"] button`)
	b.says("En pause jusqu’au")
	b.hush()
	outside.arrives(lifetime)
	b.visit("/moi/parametres/adresse/courrier")
	b.says("2 messages", "Attend ici la fin de la pause")
	b.visit("/moi/parametres/adresse")
	b.says("Un message attend ici")
	b.press(`main form[action$="/pause/fin"] button`)
	b.says("La pause est finie")
	b.gone("/moi/parametres/adresse/courrier", "Attend ici la fin de la pause")
	b.signOut()

	// What finally failed can be sent once more.
	b.signIn(webtest.Member, demo.Password)
	b.visit("/moi/parametres/adresse/courrier")
	b.says("En attente", "Greylisted", "Il ressemblait trop à un indésirable", "Pas arrivé à "+lauresEmail)
	b.fill("main [name=de]", "brevent")
	b.press(`main form[action="/moi/parametres/adresse/courrier"] button`)
	b.says("Un message", "Plans de la passe à poissons")
	b.press(`main form[action$="/renvoyer"] button`)
	b.says("C’est reparti")
	b.written(lauresEmail, "Plans de la passe à poissons")
}

// gone asks for a page until it no longer says a text.
func (b *tab) gone(at, text string) {
	b.t.Helper()
	for range 100 {
		b.must(chromedp.Do(b.ctx, chromedp.Navigate(b.url+at)))
		if !strings.Contains(b.text(), text) {
			b.look(at)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.lacks(text)
}

func TestBrowserMailByKeyboard(t *testing.T) {
	t.Parallel()
	_, b := mailTab(t, 1280, true)
	at := func(path string) {
		b.t.Helper()
		b.must(chromedp.Do(b.ctx, chromedp.Navigate(b.url+path)))
	}
	push := func(selector string, texts ...string) {
		b.t.Helper()
		b.tabTo(selector)
		b.enter()
		b.says(texts...)
	}
	b.signIn(webtest.Member, demo.Password)
	at("/moi/parametres/abonnements")
	b.tabTo(`input[name=on][value$=".news"]`)
	b.key(" ")
	push(saveChoices, "Tes choix sont enregistrés", "Actualités, Fédération des alumni INSA")
	at("/moi/parametres/adresse")
	push(saveForwards, "C’est enregistré")
	push(`main .page-head a[href$="/courrier"]`, "Où est passé ce message")
	push(`main form[action$="/renvoyer"] button`, "C’est reparti")
	at(strings.TrimPrefix(b.leads(b.written(lauresEmail, "le gala revient"), "/desabonnement/"), b.url))
	push(leave, "C’est fait")
	push(`main form[action$="/retour"] button`, "C’est repris")
	b.signOut()
	b.signIn(webtest.Webmaster, demo.Password)
	at("/admin/lettres/nouvelle")
	b.tabTo("main [name=title]")
	b.key("Au clavier")
	push(`main form[action="/admin/lettres"] .button-primary`, "Au clavier")
	b.tabTo("[name=fr_subject]")
	b.key("Au clavier")
	b.tabTo("[name=fr_body]")
	b.key("Bonjour")
	push(`#lettre .button-primary`, "C’est enregistré")
	push(`#lettre a[href$="/destinataires"]`, "Qui la recevra")
	push(`main form[action$="/destinataires"] .button-primary`, "Qui la recevra")
	push(`main .tabs a[href$="/envoi"]`, "Maintenant")
	push(`main form[action$="/essai"] button`, "L’essai est parti")
	n := b.words("#compte .stat-value")
	b.tabTo("[name=count]")
	b.key(n)
	push(`main form[action$="/envoyer"] .button-primary`, "Avancement")
	at("/admin/adresses")
	b.tabTo(`main form[action$="/annuler"] button`)
	b.key("\r") // asks whether that is meant
	b.until(`document.querySelector("#confirm").open`)
	push(`#confirm [value="yes"]`, "Annulé par Anne-Laure Lavaut")
	b.quiet("keyboard")
}
