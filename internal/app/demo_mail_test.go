package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/app/demo"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/webtest"
)

// The demonstration shows mail alive: each fate of a message, an address that died, a letter with its statistics.
func TestTheDemonstrationsMailHasAPast(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 400)
		livedMail(t, w)
		if late := time.Since(w.App.Now()); late > time.Minute {
			t.Fatalf("the clock stands %v back", late)
		}
		before := len(w.Letters())
		livedMail(t, w) // a second time changes nothing
		if n := len(w.Letters()); n != before {
			t.Errorf("%d messages in the mailbox, %d after a second time", before, n)
		}
		for _, c := range []struct {
			who, at string
			texts   []string
		}{
			{webtest.Member, "/moi/parametres/adresse/courrier", []string{"5 messages", "En attente", "Remis à", "Il ressemblait trop à un indésirable", "Pas arrivé à", "Renvoyer"}},
			{webtest.Student, "/moi/parametres/adresse", []string{"En pause jusqu’au", "Un message attend ici"}},
			{webtest.Graduate, "/moi/parametres/abonnements", []string{"Carrières, AIL Alumni INSA Lyon", "Courrier papier, Fédération des alumni INSA"}},
			{webtest.Member2, "/moi", []string{demo.Dead + " ne reçoit plus", "Elle marche encore"}},
			{webtest.Webmaster, "/admin/adresses", []string{"p…@fibre-loire.example", "remplacée par", "plus aucune adresse ne marche"}},
			{webtest.Webmaster, "/admin/adresses/perdus", []string{"1 personne"}},
			{webtest.Webmaster, "/admin/lettres", []string{"Gala de mars", "Envoyée", "Visite de Génissiat", "Brouillon"}},
			{webtest.Webmaster, "/admin/offres", []string{"Ingénieur ou ingénieure hydraulique, Lyon", "Graduate engineer, tidal energy (Bergen)"}},
		} {
			w.As(c.who).Get(c.at).Want(http.StatusOK, c.texts...)
		}
		list := w.As(webtest.Webmaster).Get("/admin/lettres")
		sent := list.Doc().Find(`a[href^="/admin/lettres/"]`).FilterFunction(func(_ int, a *goquery.Selection) bool { return a.Text() == "Gala de mars" })
		page := w.As(webtest.Webmaster).Follow(w.As(webtest.Webmaster).Get(sent.AttrOr("href", "")))
		page.Want(http.StatusOK, "Boîte pleine ou suspendue", "https://alumni-lyon.example/gala")
		if got := page.Text(); !strings.Contains(got, "désabonnements par cette lettre 2") {
			t.Errorf("nobody left by the letter: %.900s", got)
		}
	})
}

func BenchmarkDemoMail(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := webtest.New(b, dbtest.New(b), 2000)
		b.StartTimer()
		if err := w.App.MakeDemoMail(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
