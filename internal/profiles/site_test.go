package profiles_test

import (
	"net/url"
	"strings"
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/profiles"
	"amicale/internal/webtest"
)

// The whole site, with real accounts: who sees what of one of the demonstration's people.
func TestSiteWhoSeesWhat(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	const page = "/p/" + webtest.Member2
	coordinates := "exemple.fr"
	w.Guest().Get(page).Want(404, "Ce profil n’est pas visible").Without("L’HAME", coordinates)
	w.As(webtest.Graduate).Get(page).Want(200, "Pierre-Henri L’HAME", "réservées aux adhérents").Without(coordinates)
	w.As(webtest.Student).Get(page).Want(200, "Pierre-Henri L’HAME").Without(coordinates)
	w.As(webtest.Member).Get(page).Want(200, coordinates, "Ta consultation est notée")
	w.As(webtest.Webmaster).Get(page).Want(200, coordinates)
	w.As(webtest.Federation).Get(page).Want(200, coordinates, "parce que tu gères la base")
	w.As(webtest.Member2).Get("/moi/consultations").Want(200, "Laure Lavaut", "Anne-Laure Lavaut", "A consulté tes coordonnées").Without("Jean-Jacques")
	w.As(webtest.Federation).Get("/moi").Want(200, "Paramètres").Without("/moi/profil")
	w.As(webtest.Graduate).Get("/p/"+url.PathEscape("Pierre Henri L'HAME LY 1989")).Want(404, "Ce profil n’est pas visible")
	w.As(webtest.Graduate).Get("/p/" + url.PathEscape("Pierre-Henri.L'HAME.LY.1989")).Want(303)
}

// From an address to a confirmed one, and out of the house for good, through the letters.
func TestSiteEmailAndErasure(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	me := w.As(webtest.Member)
	me.Get("/moi").Want(200, "Bonjour Laure", "Ma promo")
	me.Post("/moi/profil/coordonnees", "kind", "email", "value", "laure.pro@exemple.fr", "purpose", "professional", "audience", "members").Want(303)
	me.Get("/moi/profil").Want(200, "attend ta confirmation", "Nous venons d’y envoyer un lien")
	link := func(address, part string) string {
		t.Helper()
		for _, l := range w.LettersTo(address) {
			for _, to := range l.Links {
				if strings.Contains(to, part) {
					return to
				}
			}
		}
		t.Fatalf("no letter to %s has a link with %s", address, part)
		return ""
	}
	confirm := link("laure.pro@exemple.fr", "/moi/profil/email/")
	w.Guest().Get(confirm).Want(200, "laure.pro@exemple.fr")
	w.Guest().Post(confirm).Want(200, "Adresse confirmée")
	w.Guest().Post(confirm).Want(404, "Ce lien n’est plus bon")
	if list := w.LettersTo("laure.lavaut@exemple.fr"); len(list) == 0 || list[0].Subject != "Une adresse a été ajoutée à ton profil" {
		t.Errorf("the other address was not told: %d letters", len(list))
	}

	me.Upload("/moi/profil/photo", "photo", "moi.png", []byte(square(t)), "audience_photo", "network").Want(303)
	w.Run()
	src, ok := w.As(webtest.Graduate).Get("/p/" + webtest.Member).Want(200).Doc().Find(".identity img").Attr("src")
	if !ok {
		t.Fatal("the page shows no photo")
	}
	w.As(webtest.Graduate).Get(src).Want(200)
	w.Guest().Get(src).Want(404)
	me.Get("/moi/donnees/telecharger").Want(200)

	me.Post("/moi/donnees/effacer").Want(303)
	last := link("laure.lavaut@exemple.fr", "/moi/donnees/effacer/")
	w.As(webtest.Graduate).Get(last).Want(404)
	me.Get(last).Want(200, "Effacer maintenant")
	me.Follow(me.Post(last)).Want(200, "tes données sont effacées")
	me.Get("/moi").Want(303)
	w.As(webtest.Graduate).Get("/p/" + webtest.Member).Want(404).Without("Laure")
	w.Run()
	for key, err := range w.Blob.List(t.Context(), "photos/") {
		t.Errorf("%s stays (%v)", key, err)
	}
}

// Every page without a fault, in both languages, without a key that nobody translated.
func TestSiteSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	for _, lang := range []string{"fr", "en"} {
		me := w.As(webtest.Member)
		me.Lang = lang
		for _, path := range []string{"/moi", "/moi/profil", "/moi/profil/apercu?comme=member", "/moi/consultations?tout=1", "/moi/donnees", "/moi/donnees/effacer", "/p/" + webtest.Member} {
			text := me.Get(path).Want(200).Text()
			for _, raw := range []string{"profile.", "people.", "{{", "%!"} {
				if strings.Contains(text, raw) {
					t.Errorf("%s in %s holds %q", path, lang, raw)
				}
			}
		}
	}
	if got := len(profiles.AllEyes()); got != 4 {
		t.Errorf("%d kinds of eyes, want 4", got)
	}
}
