package profiles_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/a-h/templ"

	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/profiles"
	"amicale/internal/viewer"
)

func TestABrokenAddressIsShownToItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: "autre@exemple.fr", Audience: viewer.Members, ConfirmedAt: noon, Origin: "import"})
	})
	luc := w.someone("Luc", "Martin")
	if _, err := w.people.MarkBroken(t.Context(), system, laure.ID, "laure@exemple.fr"); err != nil {
		t.Fatal(err)
	}
	broken := profiles.Contacts(w.dossier(laure.ID).Contacts, people.Email)[0]
	path := "/moi/profil/coordonnees/" + broken.ID.String()
	me, other := w.browser(self(laure)), w.browser(member(luc))
	want(t, "her profile", me.get("/moi/profil"), 200, []string{"laure@exemple.fr est en erreur", "1er juin 2026", "Elle marche encore", path + "/lien", "en erreur"}, []string{path + "/preferer"})
	want(t, "to others", other.get("/p/"+laure.CurrentLogin()), 200, []string{"laure@exemple.fr", "/p/" + laure.CurrentLogin() + "/courrier-revenu"}, []string{"en erreur"})
	want(t, "her own page", me.get("/p/"+laure.CurrentLogin()), 200, nil, []string{"courrier-revenu"})
	want(t, "to a graduate, who sees no address", w.browser(self(luc)).get("/p/"+laure.CurrentLogin()), 200, nil, []string{"courrier-revenu"})
	want(t, "preferring it", me.post(path+"/preferer", nil), 422, []string{"Confirme-la d’abord"}, nil)

	var told []string
	w.store.Confirmed = func(_ context.Context, person id.ID, email string) error {
		told = append(told, email)
		if person != laure.ID {
			t.Errorf("told of %v, want %v", person, laure.ID)
		}
		return nil
	}
	want(t, "it still works", me.post(path+"/lien", nil), 303, nil, nil)
	w.run()
	if got := w.letters(); !slices.Equal(got, []string{"confirm_email laure@exemple.fr"}) {
		t.Fatalf("letters = %v", got)
	}
	want(t, "the link", me.post(w.lastLink(), nil), 303, nil, nil)
	if c := profiles.Contacts(w.dossier(laure.ID).Contacts, people.Email)[0]; !c.BrokenAt.IsZero() || !slices.Equal(told, []string{"laure@exemple.fr"}) {
		t.Errorf("after the link: %+v, told %v", c, told)
	}
	want(t, "no link for one that works", me.post(path+"/lien", nil), 303, nil, nil)
	w.run()
	if got := w.letters(); len(got) != 1 {
		t.Errorf("letters = %v", got)
	}
}

func TestABrokenAddressIsNoWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: "autre@exemple.fr", Audience: viewer.Members, ConfirmedAt: noon, Origin: "import"})
	})
	emails := profiles.Contacts(laure.Contacts, people.Email)
	if _, err := w.people.MarkBroken(t.Context(), system, laure.ID, "autre@exemple.fr"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.RemoveContact(t.Context(), as(self(laure)), emails[0].ID); !errors.Is(err, errs.Invalid) {
		t.Errorf("removing the only one that works = %v, want invalid", err)
	}
	if _, err := w.store.RemoveContact(t.Context(), as(self(laure)), emails[1].ID); err != nil || len(w.letters()) != 0 {
		t.Errorf("removing the broken one = %v, letters %v; nobody reads there", err, w.letters())
	}
	if _, err := w.people.MarkBroken(t.Context(), system, laure.ID, "laure@exemple.fr"); err != nil {
		t.Fatal(err)
	}
	if got := profiles.Missing(w.dossier(laure.ID)); got[0] != profiles.ItemEmail {
		t.Errorf("Missing() = %v, want an address first", got)
	}
	if _, err := w.store.AskErasure(t.Context(), as(self(laure))); !errors.Is(err, errs.Invalid) {
		t.Errorf("AskErasure() = %v, want that there is no address", err)
	}
}

func TestPartsOfOnesOwnSpace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.someone("Laure", "Lavaut")
	want(t, "hers", w.browser(self(laure)).get("/moi"), 200, []string{"<p>une partie pour laure.lavaut.ly2010</p>"}, nil)
	want(t, "staff who is nobody in the base", w.browser(staffOf(w.ly, viewer.Webmaster)).get("/moi"), 200, nil, []string{"une partie"})
	want(t, "a recruiter", w.browser(viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}).get("/moi"), 200, nil, []string{"une partie"})
	want(t, "a guest", w.browser(viewer.Viewer{}).get("/moi"), 303, nil, []string{"une partie"})
}

func TestNoticeOnTop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	me := w.browser(self(w.someone("Laure", "Lavaut")))
	want(t, "nothing to say", me.get("/moi"), 200, nil, []string{"une adresse ne reçoit plus"})
	w.notice = templ.Raw("<p>une adresse ne reçoit plus</p>")
	want(t, "a notice", me.get("/moi"), 200, []string{"<p>une adresse ne reçoit plus</p>"}, nil)
}
