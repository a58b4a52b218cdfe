package activation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestAskSendsTheLinkWhereTheBaseSays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "Laure@Exemple.fr", "laure@travail.example", "été@exemple.fr"))
		w.ask("LAVAUT", 2010, "laure@exemple.fr")
		if got := w.links.issued; len(got) != 1 || got[0].Person != laure.ID || got[0].TTL != 48*time.Hour {
			t.Errorf("links issued = %+v, want one for 48 h", got)
		}
		text := w.mailbox()[len(w.mailbox())-1].Text + w.mailbox()[0].Text
		for _, want := range []string{"laure.lavaut.ly2010", "https://amicale.example/connexion/mot-de-passe/secret-1", "/connexion/activer/pas-moi/", "l…@exemple.fr"} {
			if !strings.Contains(text, want) {
				t.Errorf("the letters lack %q:\n%s", want, text)
			}
		}
		w.wantLetters("the address is held", "link laure@exemple.fr", "notice laure@travail.example")
		if n := len(w.cases()); n != 0 {
			t.Errorf("%d cases, want none", n)
		}
	})
}

func TestAskOpensACase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		w.ask("Inconnu", 1999, "moi@exemple.fr")
		if c := w.one(); c.Reason != activation.NobodyThere || !c.AssociationID.IsZero() || c.Claim.Surname != "Inconnu" {
			t.Errorf("case = %+v, want nobody, the federation's", c)
		}
		w.wantLetters("nobody", "alert federation@exemple.fr")
		w.askWith(activation.Claim{Surname: "lavaut", Year: 2010, Email: "moi@exemple.fr", Phone: "0612345678"})
		if c := w.cases()[1]; c.Reason != activation.PhoneOnly || c.AssociationID != w.ly.ID {
			t.Errorf("case = %+v, want phone only, Lyon's", c)
		}
		w.wantLetters("the phone alone", "alert webmaster@ly.example")
		w.askWith(activation.Claim{Surname: "Lavaut", Year: 2010, Email: "MOI@exemple.fr", Phone: "06 12 34 56 78"})
		if list := w.cases(); len(list) != 2 || list[1].Times != 2 {
			t.Errorf("asked again: %d cases, the second asked %d times; want 2 and 2", len(list), list[1].Times)
		}
		w.wantLetters("asked again")
	})
}

// A woman who married, a homonym, somebody of two schools, somebody dead: by the real base.
func TestAskFindsTheRightOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		married := graduate("Anne", "Petit", w.ly, 2010, "anne@exemple.fr")
		married.UsageSurname = "L’Hame"
		w.add(married)
		w.add(graduate("Jean", "Martin", w.ly, 2010, "jean1@exemple.fr"))
		w.add(graduate("Jean", "Martin", w.ly, 2010, "jean2@exemple.fr"))
		both := graduate("Léa", "Durand", w.ly, 2012, "lea@exemple.fr")
		both.Degrees = append(both.Degrees, people.Degree{AssociationID: w.re.ID, ClassYear: 2015, Diploma: people.Doctorate})
		w.add(both)
		dead := graduate("Paul", "Petit", w.ly, 1962, "paul@exemple.fr")
		dead.Status = people.Deceased
		w.add(dead)
		open := graduate("Eva", "Roux", w.ly, 2000, "eva@exemple.fr", "eva2@exemple.fr")
		open.ActivatedAt = w.now()
		w.add(open)
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
			w.ask(c.surname, c.year, c.email)
			w.wantLetters(fmt.Sprint(c.surname, " ", c.year), c.letters...)
		}
	})
}

// A stranger learns nothing: whoever is asked for, the request writes one job of the same size and reads nothing.
func TestAskDoesTheSameForEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
	var sizes []int
	for _, surname := range []string{"Lavaut", "Nobody"} {
		if err := w.Ask(t.Context(), activation.Claim{Surname: surname, Year: 2010, Email: "laure@exemple.fr", Phone: "0612345678"}, "fr"); err != nil {
			t.Fatal(err)
		}
		list, err := w.queue.Waiting(t.Context(), 10)
		if err != nil || len(list) != len(sizes)+1 {
			t.Fatalf("%d jobs, %v; want %d", len(list), err, len(sizes)+1)
		}
		sizes = append(sizes, len(list[len(list)-1].Payload))
	}
	if sizes[0] != sizes[1] {
		t.Errorf("payloads = %v octets, want the same", sizes)
	}
	for _, table := range []string{"outbox", "cases", "activations", "audit"} {
		if n, err := db.One[int](t.Context(), w.db, `SELECT count(*) FROM `+table); err != nil || n != 0 {
			t.Errorf("%s has %d rows after the request (%v), want none before the job", table, n, err)
		}
	}
}

func TestDecideTwiceIsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		claim := activation.Claim{Surname: "Lavaut", Year: 2010, Email: "laure@exemple.fr", Phone: "0612345678"}
		w.must("ask", w.Ask(t.Context(), claim, "fr"))
		list, err := w.queue.Waiting(t.Context(), 1)
		w.must("waiting", err)
		w.work()
		w.must("the job again", w.queue.Add(t.Context(), list[0].Kind, json.RawMessage(list[0].Payload), jobsOptions()))
		w.work()
		w.wantLetters("a job that ran twice", "link laure@exemple.fr")
	})
}

// Two requests at once, and many in a day: no letter too many, no error.
func TestAskAtOnceAndTooOften(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				claim := activation.Claim{Surname: "Lavaut", Year: 2010, Email: "laure@exemple.fr", Phone: "0612345678"}
				if err := w.Ask(context.Background(), claim, "fr"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.work()
		w.wantLetters("four at once", "link laure@exemple.fr")
		for range 9 {
			w.ask("Lavaut", 2010, "laure@exemple.fr")
		}
		if n := len(w.letters()); n != 4 {
			t.Errorf("%d more letters after nine more requests in a day, want 4", n)
		}
		w.pass(25 * time.Hour)
		w.ask("Lavaut", 2010, "laure@exemple.fr")
		w.wantLetters("the next day", "link laure@exemple.fr")
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr", "laure@travail.example"))
		w.ask("Lavaut", 2010, "laure@exemple.fr")
		token := w.link(activation.StopPath)
		w.letters()
		n, err := w.Notice(t.Context(), token)
		if err != nil || n.Stopped {
			t.Fatalf("Notice() = %+v, %v", n, err)
		}
		if len(w.links.stopped) != 0 || len(w.cases()) != 0 {
			t.Error("reading the notice changed something")
		}
		for range 2 { // the second time changes nothing more
			w.must("stop", w.Stop(t.Context(), token, "fr"))
		}
		if c := w.one(); c.Kind != activation.NotMe || c.PersonID != laure.ID || c.AssociationID != w.ly.ID || c.Times != 1 || len(w.links.stopped) != 1 {
			t.Errorf("case = %+v, %d stopped", c, len(w.links.stopped))
		}
		w.wantLetters("stopped", "alert webmaster@ly.example")
		w.ask("Lavaut", 2010, "laure@exemple.fr")
		if list := w.cases(); len(list) != 2 || list[1].Reason != activation.WasStopped {
			t.Errorf("asked while stopped: %+v, want a case", list)
		}
		w.wantLetters("asked while stopped", "alert webmaster@ly.example")
		w.must("dismiss", w.Dismiss(t.Context(), w.webmaster(), at(w.cases()[0])))
		w.ask("Lavaut", 2010, "laure@exemple.fr")
		w.wantLetters("once the desk decided", "link laure@exemple.fr", "notice laure@travail.example")
		_, err = w.Notice(t.Context(), "made-up")
		w.refused("a made-up token", err, errs.NotFound)
		w.pass(31 * 24 * time.Hour)
		w.refused("a month later", w.Stop(t.Context(), token, "fr"), errs.NotFound)
	})
}

func TestDeskIsForItsStaff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		w.ask("Lavaut", 2010, "autre@exemple.fr")
		c := w.one()
		other, secretary, editor := actor(viewer.Webmaster, w.re.ID), actor(viewer.Secretary, w.ly.ID), actor(viewer.Editor, w.ly.ID)
		graduateSelf := activation.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: laure.ID}}
		for who, want := range map[*activation.Actor]errs.Kind{&other: errs.NotFound, &secretary: errs.Forbidden, &editor: errs.Forbidden, &graduateSelf: errs.Forbidden, {}: errs.Forbidden} {
			_, err := w.Show(t.Context(), *who, c.ID, "")
			w.refused("show to "+who.Name, err, want)
			w.refused("send by "+who.Name, w.SendLink(t.Context(), *who, at(c), laure.ID, "autre@exemple.fr"), want)
			w.refused("refuse by "+who.Name, w.Refuse(t.Context(), *who, at(c), "non"), want)
			w.refused("take by "+who.Name, w.Take(t.Context(), *who, at(c), true), want)
			w.refused("create by "+who.Name, w.Create(t.Context(), *who, at(c), addition()), want)
			_, _, err = w.Scan(t.Context(), *who, c.ID)
			w.refused("scan for "+who.Name, err, want)
		}
		if list, _, err := w.List(t.Context(), other.Viewer, activation.Filter{}, 10, 0); err != nil || len(list) != 0 {
			t.Errorf("List() for another school = %d cases, %v", len(list), err)
		}
		if c2 := w.one(); c2.Version != c.Version {
			t.Error("a refused action changed the case")
		}
		f, err := w.Show(t.Context(), w.webmaster(), c.ID, "")
		if err != nil || len(f.Matches) != 1 || f.Matches[0].Dossier.ID != laure.ID {
			t.Fatalf("Show() = %+v, %v; want Laure beside the claim", f.Matches, err)
		}
		if got := w.actions(c); !slices.Contains(got, "staff.viewed_record") {
			t.Errorf("the trail = %v, want that her coordinates were read", got)
		}
	})
}

func addition() activation.Claim {
	return activation.Claim{FirstName: "Éloïse", Surname: "Durant", BirthSurname: "Petit", Year: 2015, School: "ly", Diploma: people.Engineer, Department: "GCU",
		Email: "eloise@exemple.fr", Phone: "06 98 76 54 32"}
}

func TestSendLinkFromTheDesk(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		elsewhere := w.add(graduate("Luc", "Lavaut", w.re, 2010, "luc@exemple.fr"))
		w.ask("Lavaut", 2010, "nouvelle@exemple.fr")
		w.letters()
		by, c := w.webmaster(), w.one()
		w.must("transfer", w.Transfer(t.Context(), federation(), at(c), w.ly.ID))
		w.letters()
		c = w.one()
		w.refused("to a person of another school", w.SendLink(t.Context(), by, at(c), elsewhere.ID, "nouvelle@exemple.fr"), errs.NotFound)
		w.refused("to no address", w.SendLink(t.Context(), by, at(c), laure.ID, "nouvelle"), errs.Invalid)
		w.must("take", w.Take(t.Context(), by, at(c), true))
		w.refused("from a page seen before that", w.SendLink(t.Context(), federation(), at(c), laure.ID, "nouvelle@exemple.fr"), errs.Conflict)
		c = w.one()
		if c.Assignee != by.Name || !c.Busy(w.now()) {
			t.Errorf("assignee = %q, want %q at work", c.Assignee, by.Name)
		}
		w.must("send", w.SendLink(t.Context(), by, at(c), laure.ID, "nouvelle@exemple.fr"))
		w.wantLetters("sent from the desk", "link nouvelle@exemple.fr", "notice laure@exemple.fr")
		c = w.closed()[0]
		if c.Outcome != activation.LinkSent || c.PersonID != laure.ID || len(w.cases()) != 0 {
			t.Errorf("case = %+v", c)
		}
		w.refused("again", w.SendLink(t.Context(), by, at(c), laure.ID, "nouvelle@exemple.fr"), errs.Conflict)
		w.must("undo", w.Reopen(t.Context(), by, at(c)))
		if len(w.links.stopped) != 1 || w.one().State != activation.Open {
			t.Errorf("undone: %d links stopped, case %+v", len(w.links.stopped), w.one())
		}
		want := []string{"case.opened", "case.transferred", "case.taken", "activation.link_sent", "case.link_sent", "case.reopened"}
		if got := w.actions(c); !slices.Equal(got, want) {
			t.Errorf("the trail = %v, want %v", got, want)
		}
	})
}

// A webmaster must not come into the account of a graduate of his who administers the federation.
func TestNoLinkIntoAnAccountThatMayDoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	admin := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
	w.above[admin.ID] = true
	w.ask("Lavaut", 2010, "pirate@exemple.fr")
	w.letters()
	by := w.webmaster()
	w.refused("from the desk", w.SendLink(t.Context(), by, at(w.one()), admin.ID, "pirate@exemple.fr"), errs.Conflict)
	w.refused("from the record", w.SendLinkTo(t.Context(), by, admin.ID, "pirate@exemple.fr", "fr"), errs.Conflict)
	w.wantLetters("refused")
	w.must("by the federation", w.SendLink(t.Context(), federation(), at(w.one()), admin.ID, "nouvelle@exemple.fr"))
}

func TestAskMoreAnswerRefuse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		w.ask("Lavaut", 2010, "moi@exemple.fr")
		w.letters()
		by := w.webmaster()
		w.refused("an empty question", w.AskMore(t.Context(), by, at(w.one()), " "), errs.Invalid)
		w.must("ask more", w.AskMore(t.Context(), by, at(w.one()), "Quel département ?\n\nMerci <b>"))
		token := w.link(activation.AnswerPath)
		if text := w.mailbox()[0].HTML; !strings.Contains(text, "Quel département") || strings.Contains(text, "<b>") {
			t.Errorf("the letter does not carry the question, or as markup:\n%s", text)
		}
		w.wantLetters("asked", "ask moi@exemple.fr")
		w.pass(10 * 24 * time.Hour)
		w.work()
		w.wantLetters("no alarm while the claimant's turn")
		q, err := w.Question(t.Context(), token)
		if err != nil || len(q.Messages) != 1 || q.Messages[0].Author != "" || q.School != "INSA ly" {
			t.Fatalf("Question() = %+v, %v", q, err)
		}
		w.must("answer", w.Answer(t.Context(), token, "GCU"))
		w.refused("answer twice", w.Answer(t.Context(), token, "GCU"), errs.NotFound)
		w.wantLetters("answered", "alert webmaster@ly.example")
		f, err := w.Show(t.Context(), by, w.one().ID, "")
		if err != nil || len(f.Messages) != 2 || f.Messages[1].Body != "GCU" || !f.Messages[1].Incoming || f.State != activation.Open {
			t.Fatalf("Show() = %+v, %v", f, err)
		}
		w.must("refuse", w.Refuse(t.Context(), by, at(w.one()), "Non."))
		w.wantLetters("refused", "refuse moi@exemple.fr")
		w.must("undo", w.Reopen(t.Context(), by, at(w.closed()[0])))
		w.must("ask more", w.AskMore(t.Context(), by, at(w.one()), "Quel département ?"))
		w.pass(31 * 24 * time.Hour)
		w.work()
		if c := w.closed(); len(c) != 1 || c[0].Outcome != activation.Forgotten {
			t.Errorf("a month without an answer: %+v, want forgotten", c)
		}
	})
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		w.add(graduate("Paul", "Lenoir", w.re, 2010, "paul@exemple.fr"))
		w.work()
		for _, mine := range []string{"a@exemple.fr", "b@exemple.fr"} {
			w.ask("Lavaut", 2010, mine)
		}
		w.ask("Lenoir", 2010, "c@exemple.fr")
		w.wantLetters("at once", "alert webmaster@ly.example", "alert webmaster@ly.example", "alert federation@exemple.fr")
		for _, c := range []struct {
			after time.Duration
			want  []string
		}{
			{23 * time.Hour, nil},
			{3 * time.Hour, []string{"alarm webmaster@ly.example", "alarm federation@exemple.fr"}},
			{24 * time.Hour, nil},
			{24 * time.Hour, []string{"alarm webmaster@ly.example", "alarm secretary@ly.example", "alarm federation@exemple.fr"}},
			{2 * 24 * time.Hour, nil},
			{2 * 24 * time.Hour, []string{"alarm webmaster@ly.example", "alarm secretary@ly.example", "alarm federation@exemple.fr", "alarm federation@exemple.fr"}},
			{20 * 24 * time.Hour, nil},
		} {
			w.pass(c.after)
			w.work()
			w.wantLetters(fmt.Sprint("after ", c.after, " more"), c.want...)
		}
	})
}
