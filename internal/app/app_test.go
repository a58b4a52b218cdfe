package app_test

import (
	"net/url"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/people"
	"amicale/internal/viewer"
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
		c.Post(link, "password", "un autre cheval dans la neige").Want(404, "Il a déjà servi")
		c.Submit(c.Get("/moi/profil"), "/moi/profil/presentation", "headline", "Apprentie ingénieure, énergies marines").Want(303)
		w.Run()
		w.As(webtest.Member).Get("/annuaire?"+url.Values{"q": {"hadad yas"}}.Encode()).Want(200, "Yasmine Haddad", "énergies marines")
		w.Guest().Get("/p/yasmine.haddad.cv2028").Without("Haddad", "énergies")
	})
}

// The notice to the other addresses holds a link that undoes what a stranger began, even when he was quick.
func TestNotMeTakesTheAccountBack(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	person, err := w.App.People().PersonByLogin(t.Context(), "yasmine.haddad.cv2028")
	if err != nil {
		t.Fatal(err)
	}
	other := people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Personal, Value: "yasmine.autre@exemple.fr", Origin: "import"}
	if err := w.App.People().SaveContact(t.Context(), viewer.ForSystem("test"), &other); err != nil {
		t.Fatal(err)
	}
	thief := w.Guest()
	thief.Post("/connexion/activer/envoi", "surname", "haddad", "year", "2028", "email", "yasmine.haddad@exemple.fr", "phone", "01 99 00 12 34")
	link := w.LettersTo("yasmine.haddad@exemple.fr")[0].Links[0]
	thief.Post(link, "password", "un cheval bai dans la neige").Want(303)
	thief.Get("/moi").Want(200)
	notice := w.LettersTo("yasmine.autre@exemple.fr")
	if len(notice) != 1 || len(notice[0].Links) == 0 {
		t.Fatalf("%d notices to the other address", len(notice))
	}
	owner := w.Guest()
	stop := notice[0].Links[0]
	page := owner.Get(stop).Want(200)
	thief.Get("/moi").Want(200) // looking changes nothing
	owner.Submit(page, strings.TrimPrefix(stop, webtest.Origin))
	thief.Get("/moi").Want(303)
	thief.Post("/connexion", "who", "yasmine.haddad.cv2028", "password", "un cheval bai dans la neige").Want(422)
}
