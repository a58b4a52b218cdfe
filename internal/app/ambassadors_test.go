package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/ambassadors"
	"amicale/internal/app/demo"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// classmate is an activated graduate of Lyon 2010 whose address dies at once; the hour's letters about it have left.
func classmate(t *testing.T, w *webtest.World, first string, tweaks ...func(*people.Dossier)) {
	t.Helper()
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ly, _ := all.ByCode("ly")
	email := strings.ToLower(first) + "@perdu.example"
	d := people.Dossier{Person: people.Person{ID: id.New(), FirstName: first, BirthSurname: "Qalbe", Status: people.Graduate, ActivatedAt: w.App.Now()},
		Degrees:  []people.Degree{{AssociationID: ly.ID, ClassYear: 2010, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: email, Preferred: true, ConfirmedAt: w.App.Now(), Origin: "import"}}}
	for _, f := range tweaks {
		f(&d)
	}
	if err := w.App.People().Insert(t.Context(), viewer.ForSystem("test"), []people.Dossier{d}); err != nil {
		t.Fatal(err)
	}
	if err := w.App.People().GenerateLoginsFor(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	dies(t, w, email)
	w.Later(25 * time.Hour)
	w.Run()
}

// classLetters are the letters that told an ambassador of his class, newest first.
func classLetters(w *webtest.World, to string) []outbox.Posted {
	w.T.Helper()
	return slices.DeleteFunc(w.LettersTo(to), func(l outbox.Posted) bool { return l.Kind != "bounces.class" })
}

// An ambassador hears of a classmate who is lost as far as the directory would show him, until he says no.
func TestAnAmbassadorHearsOfTheLost(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		const laure = "laure.lavaut@exemple.fr"
		classmate(t, w, "Paul", func(d *people.Dossier) {
			d.Audiences = map[people.Field]viewer.Audience{people.FieldIdentity: viewer.OnlyMe}
		})
		if list := classLetters(w, laure); len(list) != 0 {
			t.Fatalf("told of somebody hidden: %s", list[0].Text)
		}
		classmate(t, w, "Marie")
		list := classLetters(w, laure)
		if len(list) != 1 || !strings.Contains(list[0].Text, "– Marie Qalbe\n"+webtest.Origin+"/p/marie.qalbe.ly2010") || strings.Contains(list[0].Text, "Paul") || strings.Contains(list[0].Text, "perdu.example") {
			t.Fatalf("%d letters: %+v", len(list), list)
		}
		w.As(webtest.Member).Get("/p/marie.qalbe.ly2010").Want(http.StatusOK, "Marie Qalbe")
		w.As(webtest.Webmaster).Get(ambassadors.Path).Want(http.StatusOK, "Laure Lavaut", "INSA Lyon 2010")

		stop := list[0].Links[slices.IndexFunc(list[0].Links, func(l string) bool { return strings.Contains(l, "/desabonnement/") })]
		w.Guest().Get(stop).Want(http.StatusOK, "Vie du réseau")
		var headers string
		if headers, _ = db.One[string](t.Context(), d, `SELECT headers FROM outbox WHERE kind = 'bounces.class'`); !strings.Contains(headers, stop) || !strings.Contains(headers, "One-Click") {
			t.Errorf("the letter's headers are %s, want the link that ends such letters", headers)
		}
		w.Guest().Post(strings.TrimPrefix(stop, webtest.Origin), "List-Unsubscribe", "One-Click").Want(http.StatusOK)
		classmate(t, w, "Léon")
		if n := len(classLetters(w, laure)); n != 1 {
			t.Errorf("%d letters after she refused them, want one", n)
		}
		w.As(webtest.Member).Get("/moi").Want(http.StatusOK, "Tu veilles sur ta promo")
		w.Guest().Post(strings.TrimPrefix(stop, webtest.Origin) + "/retour").Want(http.StatusOK)
		classmate(t, w, "Nora")
		if n := len(classLetters(w, laure)); n != 2 {
			t.Errorf("%d letters after she took it back, want two", n)
		}

		// She stops by the link of the letter: no letter, no part of her space.
		her := w.As(webtest.Member)
		page := her.Get("/moi").Want(http.StatusOK)
		action := page.Doc().Find(`#ambassadeur form`).AttrOr("action", "")
		her.Follow(her.Submit(page, action).Want(http.StatusSeeOther)).Want(http.StatusOK, "tu ne veilles plus sur ta promo").Without(action)
		classmate(t, w, "Odin")
		if n := len(classLetters(w, laure)); n != 2 {
			t.Errorf("%d letters after she stopped, want two", n)
		}
	})
}

// The demonstration names some of those with an account, however many people it holds.
func TestTheDemonstrationHasAmbassadors(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 5)
	page := w.As(webtest.Webmaster).Get(ambassadors.Path).Want(http.StatusOK).Without("Sans effet")
	for _, a := range demo.Ambassadors() {
		if !strings.Contains(page.Text(), fmt.Sprint("INSA Lyon ", a.Class)) {
			t.Errorf("the list lacks the class of %d", a.Class)
		}
		w.As(a.Login).Get("/moi").Want(http.StatusOK, fmt.Sprint("INSA Lyon ", a.Class), "J’arrête")
	}
	w.As(webtest.Student).Get("/moi").Want(http.StatusOK).Without("Tu veilles sur ta promo")
	w.As(webtest.Webmaster).Get("/admin/journal").Want(http.StatusOK, "Ambassadeur de promo nommé")
}
