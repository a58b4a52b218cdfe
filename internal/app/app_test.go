package app_test

import (
	"net/url"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/webtest"
)

// The main job in a few requests, on both engines: a graduate whom the base knows activates an account, signs in,
// completes the profile, and a classmate finds her.
func TestMainJob(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d)
		c := w.Guest()
		c.Get("/").Want(200, "Diplômés : activer votre compte")
		c.Get("/connexion/activer").Want(200)
		c.Post("/connexion/activer", "surname", "haddad", "year", "2028", "step", "2").Want(200)
		c.Post("/connexion/activer/envoi", "surname", "haddad", "year", "2028", "email", "Yasmine.Haddad@exemple.fr", "phone", "01 99 00 12 34")
		letters := w.LettersTo("yasmine.haddad@exemple.fr")
		if len(letters) != 1 {
			t.Fatalf("%d letters to the address the base holds, want 1", len(letters))
		}
		if !strings.Contains(letters[0].Text, "yasmine.haddad.cv2028") {
			t.Errorf("the letter does not say the login: %s", letters[0].Text)
		}
		link := letters[0].Links[0]
		c.Get(link).Want(200)
		c.Follow(c.Post(link, "password", "un cheval bai dans la neige").Want(303)).Want(200, "Bonjour Yasmine")
		c.Post(link, "password", "un autre cheval dans la neige").Want(404, "Ce lien a déjà servi")
		c.Submit(c.Get("/moi/profil"), "/moi/profil/presentation", "headline", "Apprentie ingénieure, énergies marines").Want(303)
		w.Run()
		w.As(webtest.Member).Get("/annuaire?"+url.Values{"q": {"hadad yas"}}.Encode()).Want(200, "Yasmine Haddad", "énergies marines")
		w.Guest().Get("/p/yasmine.haddad.cv2028").Without("Haddad", "énergies")
	})
}
