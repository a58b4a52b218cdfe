package activation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/desktest"
	"amicale/internal/errs"
	"amicale/internal/jobs"
	"amicale/internal/people"
)

func TestAskSendsTheLinkWhereTheBaseSays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "Laure@Exemple.fr", "laure@travail.example", "été@exemple.fr"))
		w.AskFor("LAVAUT", 2010, "laure@exemple.fr")
		if got := w.Links.Issued; len(got) != 1 || got[0].Person != laure.ID || got[0].TTL != 48*time.Hour {
			t.Errorf("links issued = %+v, want one for 48 h", got)
		}
		text := w.Mailbox()[len(w.Mailbox())-1].Text + w.Mailbox()[0].Text
		for _, want := range []string{"laure.lavaut.ly2010", "https://amicale.example/connexion/mot-de-passe/secret-1", "/connexion/activer/pas-moi/", "l…@exemple.fr"} {
			if !strings.Contains(text, want) {
				t.Errorf("the letters lack %q:\n%s", want, text)
			}
		}
		w.WantLetters("the address is held", "link laure@exemple.fr", "notice laure@travail.example")
		if n := len(w.Cases()); n != 0 {
			t.Errorf("%d cases, want none", n)
		}
	})
}

func TestAskOpensACase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		w.AskFor("Inconnu", 1999, "moi@exemple.fr")
		if c := w.One(); c.Reason != desk.Reason(activation.NobodyThere) || !c.AssociationID.IsZero() || c.Claim.Surname != "Inconnu" {
			t.Errorf("case = %+v, want nobody, the federation's", c)
		}
		w.WantLetters("nobody", "alert federation@exemple.fr")
		w.AskWith(people.Claim{Surname: "lavaut", Year: 2010, Email: "moi@exemple.fr", Phone: "0612345678"})
		if c := w.Cases()[1]; c.Reason != desk.Reason(activation.PhoneOnly) || c.AssociationID != w.Ly.ID {
			t.Errorf("case = %+v, want phone only, Lyon's", c)
		}
		w.WantLetters("the phone alone", "alert webmaster@ly.example")
		w.AskWith(people.Claim{Surname: "Lavaut", Year: 2010, Email: "MOI@exemple.fr", Phone: "06 12 34 56 78"})
		if list := w.Cases(); len(list) != 2 || list[1].Times != 2 {
			t.Errorf("asked again: %d cases, the second asked %d times; want 2 and 2", len(list), list[1].Times)
		}
		w.WantLetters("asked again")
	})
}

// A woman who married, a homonym, somebody of two schools, somebody dead: by the real base.
func TestAskFindsTheRightOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		married := desktest.Graduate("Anne", "Petit", w.Ly, 2010, "anne@exemple.fr")
		married.UsageSurname = "L’Hame"
		w.Add(married)
		w.Add(desktest.Graduate("Jean", "Martin", w.Ly, 2010, "jean1@exemple.fr"))
		w.Add(desktest.Graduate("Jean", "Martin", w.Ly, 2010, "jean2@exemple.fr"))
		both := desktest.Graduate("Léa", "Durand", w.Ly, 2012, "lea@exemple.fr")
		both.Degrees = append(both.Degrees, people.Degree{AssociationID: w.Re.ID, ClassYear: 2015, Diploma: people.Doctorate})
		w.Add(both)
		dead := desktest.Graduate("Paul", "Petit", w.Ly, 1962, "paul@exemple.fr")
		dead.Status = people.Deceased
		w.Add(dead)
		open := desktest.Graduate("Eva", "Roux", w.Ly, 2000, "eva@exemple.fr", "eva2@exemple.fr")
		open.ActivatedAt = w.Now()
		w.Add(open)
		for _, c := range []struct {
			surname, email string
			year           int
			letters        []string
		}{
			{"l hame", "anne@exemple.fr", 2010, []string{"link anne@exemple.fr"}},
			{"PETIT", "anne@exemple.fr", 2010, []string{"link anne@exemple.fr"}},
			{"Martin", "jean2@exemple.fr", 2010, []string{"link jean2@exemple.fr"}},
			{"Durand", "lea@exemple.fr", 2012, []string{"link lea@exemple.fr"}},
			{"Durand", "lea@exemple.fr", 2015, []string{"link lea@exemple.fr"}},
			{"Durand", "lea@exemple.fr", 2013, []string{"alert federation@exemple.fr"}}, // another class: a person of her newest school decides, which has none
			{"Petit", "paul@exemple.fr", 1962, []string{"alert webmaster@ly.example"}},
			{"Roux", "eva@exemple.fr", 2000, []string{"already eva@exemple.fr"}},
		} {
			w.AskFor(c.surname, c.year, c.email)
			w.WantLetters(fmt.Sprint(c.surname, " ", c.year), c.letters...)
		}
	})
}

// A stranger learns nothing: whoever is asked for, the request writes one job of the same size and reads nothing.
func TestAskDoesTheSameForEverybody(t *testing.T) {
	t.Parallel()
	w := desktest.New(t, dbtest.New(t))
	w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
	var sizes []int
	for _, surname := range []string{"Lavaut", "Nobody"} {
		if err := w.Ask(t.Context(), people.Claim{Surname: surname, Year: 2010, Email: "laure@exemple.fr", Phone: "0612345678"}, "fr"); err != nil {
			t.Fatal(err)
		}
		list, err := w.Queue.Waiting(t.Context(), 10)
		if err != nil || len(list) != len(sizes)+1 {
			t.Fatalf("%d jobs, %v; want %d", len(list), err, len(sizes)+1)
		}
		sizes = append(sizes, len(list[len(list)-1].Payload))
	}
	if sizes[0] != sizes[1] {
		t.Errorf("payloads = %v octets, want the same", sizes)
	}
	for _, table := range []string{"outbox", "cases", "activations", "audit"} {
		if n, err := db.One[int](t.Context(), w.DB, `SELECT count(*) FROM `+table); err != nil || n != 0 {
			t.Errorf("%s has %d rows after the request (%v), want none before the job", table, n, err)
		}
	}
}

func TestDecideTwiceIsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		claim := people.Claim{Surname: "Lavaut", Year: 2010, Email: "laure@exemple.fr", Phone: "0612345678"}
		w.Must("ask", w.Ask(t.Context(), claim, "fr"))
		list, err := w.Queue.Waiting(t.Context(), 1)
		w.Must("waiting", err)
		w.Work()
		w.Must("the job again", w.Queue.Add(t.Context(), list[0].Kind, json.RawMessage(list[0].Payload), jobs.Options{}))
		w.Work()
		w.WantLetters("a job that ran twice", "link laure@exemple.fr")
	})
}

// Two requests at once, and many in a day: no letter too many, no error.
func TestAskAtOnceAndTooOften(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				claim := people.Claim{Surname: "Lavaut", Year: 2010, Email: "laure@exemple.fr", Phone: "0612345678"}
				if err := w.Ask(context.Background(), claim, "fr"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.Work()
		w.WantLetters("four at once", "link laure@exemple.fr")
		for range 9 {
			w.AskFor("Lavaut", 2010, "laure@exemple.fr")
		}
		if n := len(w.Letters()); n != 4 {
			t.Errorf("%d more letters after nine more requests in a day, want 4", n)
		}
		w.Pass(25 * time.Hour)
		w.AskFor("Lavaut", 2010, "laure@exemple.fr")
		w.WantLetters("the next day", "link laure@exemple.fr")
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr", "laure@travail.example"))
		w.AskFor("Lavaut", 2010, "laure@exemple.fr")
		token := w.LinkIn(activation.StopPath)
		w.Letters()
		n, err := w.Notice(t.Context(), token)
		if err != nil || n.Stopped {
			t.Fatalf("Notice() = %+v, %v", n, err)
		}
		if len(w.Links.Stopped) != 0 || len(w.Cases()) != 0 {
			t.Error("reading the notice changed something")
		}
		for range 2 { // the second time changes nothing more
			w.Must("stop", w.Stop(t.Context(), token, "fr"))
		}
		if c := w.One(); c.Kind != desk.NotMe || c.PersonID != laure.ID || c.AssociationID != w.Ly.ID || c.Times != 1 || len(w.Links.Stopped) != 1 {
			t.Errorf("case = %+v, %d stopped", c, len(w.Links.Stopped))
		}
		w.WantLetters("stopped", "alert webmaster@ly.example")
		w.AskFor("Lavaut", 2010, "laure@exemple.fr")
		if list := w.Cases(); len(list) != 2 || list[1].Reason != desk.Reason(activation.WasStopped) {
			t.Errorf("asked while stopped: %+v, want a case", list)
		}
		w.WantLetters("asked while stopped", "alert webmaster@ly.example")
		w.Must("dismiss", w.Dismiss(t.Context(), w.Webmaster(), desktest.At(w.Cases()[0])))
		w.AskFor("Lavaut", 2010, "laure@exemple.fr")
		w.WantLetters("once the desk decided", "link laure@exemple.fr", "notice laure@travail.example")
		_, err = w.Notice(t.Context(), "made-up")
		w.Refused("a made-up token", err, errs.NotFound)
		w.Pass(31 * 24 * time.Hour)
		w.Refused("a month later", w.Stop(t.Context(), token, "fr"), errs.NotFound)
	})
}
