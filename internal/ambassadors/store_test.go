package ambassadors_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"amicale/internal/ambassadors"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestNamingAndStopping(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		laure, luc := w.add("Laure", "Lavaut"), w.add("Luc", "Martin")
		secretary, elsewhere := staff(viewer.Secretary, w.ly.ID), staff(viewer.Webmaster, w.re.ID)
		row, err := w.Name(ctx, secretary, w.lyon(2010), laure)
		w.must(err)
		if again, err := w.Name(ctx, secretary, w.lyon(2010), laure); err != nil || !again.IsZero() {
			t.Errorf("named twice: %v, %v; want nothing more", again, err)
		}
		for name, by := range map[string]viewer.Actor{"guest": {}, "herself": self(laure), "editor": staff(viewer.Editor, w.ly.ID), "elsewhere": elsewhere} {
			_, err := w.Name(ctx, by, w.lyon(2010), luc)
			w.refused("named by "+name, err, errs.Forbidden)
			_, _, err = w.List(ctx, by.Viewer, w.ly.ID, 10, 0)
			w.refused("listed for "+name, err, errs.Forbidden)
			_, err = w.Candidates(ctx, by.Viewer, ambassadors.Query{Class: w.lyon(2010)}, 10)
			w.refused("candidates for "+name, err, errs.Forbidden)
			_, err = w.OfClasses(ctx, by.Viewer, w.ly.ID, []int{2010})
			w.refused("for letters, by "+name, err, errs.Forbidden)
			if name == "herself" {
				continue
			}
			w.refused("ended by "+name, w.End(ctx, by, row), errs.NotFound)
		}
		_, err = w.Name(ctx, elsewhere, ambassadors.Class{AssociationID: w.re.ID, ClassYear: 2010}, luc)
		w.refused("somebody of another school", err, errs.NotFound)
		_, err = w.Name(ctx, secretary, w.lyon(2011), luc)
		w.refused("another class than his", err, errs.Invalid)
		w.refused("ended by a classmate", w.End(ctx, self(luc), row), errs.NotFound)
		if own, err := w.Own(ctx, self(laure).Viewer); err != nil || len(own) != 1 || own[0].Class != w.lyon(2010) {
			t.Errorf("Own() = %+v, %v", own, err)
		}

		her := self(laure)
		w.must(w.End(ctx, her, row))
		w.must(w.End(ctx, secretary, row)) // a second time changes nothing
		w.refused("taken back by somebody else", w.Restore(ctx, secretary, row), errs.NotFound)
		w.must(w.Restore(ctx, her, row))
		w.refused("taken back twice", w.Restore(ctx, her, row), errs.NotFound)
		w.must(w.End(ctx, secretary, row))
		w.refused("she puts herself back", w.Restore(ctx, her, row), errs.NotFound)
		if got := w.listed(); got != "" {
			t.Errorf("after she was taken off: %q", got)
		}
		w.named(laure)
		w.refused("taken back although she was named anew", w.Restore(ctx, secretary, row), errs.NotFound)
		if got, want := w.actions(laure), "named 2010; ended 2010; restored 2010; ended 2010; named 2010; "; got != want {
			t.Errorf("the trail says %q, want %q", got, want)
		}
		w.must(w.runner.RunDue(ctx))
		w.pass(25 * time.Hour)
		w.must(w.runner.RunDue(ctx))
		if n, err := db.One[int](ctx, d, `SELECT count(*) FROM class_ambassadors`); err != nil || n != 1 {
			t.Errorf("%d rows a day later, %v; want hers alone", n, err)
		}
	})
}

func TestWhoIsNoneInEffect(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		ada, bob, cleo, dan := w.add("Ada", "Aa"), w.add("Bob", "Bb"), w.add("Cleo", "Cc"), w.add("Dan", "Dd")
		unconfirmed := w.add("Eve", "Ee", func(d *people.Dossier) { d.Contacts[0].ConfirmedAt = time.Time{} })
		for _, p := range []id.ID{ada, bob, cleo, dan, unconfirmed} {
			w.named(p)
		}
		if got := w.written(); got != "Ada Bob Cleo Dan" {
			t.Errorf("written to: %q, want whoever confirmed an address", got)
		}
		w.close(ada)
		w.must(w.people.SaveStatus(ctx, system, bob, people.Deceased, time.Time{}))
		_, err := w.people.MarkBroken(ctx, system, cleo, "cleo@x.fr")
		w.must(err)
		whose, err := w.people.Dossier(ctx, system, dan)
		w.must(err)
		w.must(w.people.SaveDegree(ctx, system, &people.Degree{PersonID: dan, AssociationID: w.re.ID, ClassYear: 2010, Diploma: people.Master}))
		w.must(w.people.RemoveDegree(ctx, system, dan, whose.Degrees[0].ID))
		if got := w.written(); got != "" {
			t.Errorf("written to: %q, want nobody", got)
		}
		if got := w.listed(); got != "!Ada !Bob Cleo ! Eve" {
			t.Errorf("listed: %q; of Dan, who is no longer of the school, not even the name", got)
		}
		if list, _, err := w.List(ctx, federation().Viewer, id.ID{}, 50, 0); err != nil || len(list) != 5 || list[3].Dossier.FirstName != "Dan" {
			t.Errorf("the federation lists %d, %v", len(list), err)
		}
	})
}

func TestWhoIsWrittenToLooksAsOneOfTheNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	member := w.add("Laure", "Lavaut", func(d *people.Dossier) {
		d.Memberships = []people.Membership{{AssociationID: w.ly.ID, StartsOn: w.now(), EndsOn: w.now(), Origin: "import"}}
	})
	w.named(member)
	w.named(w.add("Luc", "Martin"))
	list, err := w.OfClasses(t.Context(), system, w.ly.ID, []int{2010})
	w.must(err)
	got := fmt.Sprintf("%+v", []viewer.Viewer{list[0].Viewer, list[1].Viewer})
	want := fmt.Sprintf("%+v", []viewer.Viewer{{Kind: viewer.Network, Person: member, Member: true}, {Kind: viewer.Network, Person: list[1].PersonID}})
	if got != want {
		t.Errorf("they look as %s, want %s", got, want)
	}
	if l := list[0]; l.Email != "laure@x.fr" || l.Lang != "en" || l.Name != "Laure" {
		t.Errorf("written to as %+v", l)
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.add("Zoé", "L’Hame")
		w.add("Marie", "Dupont", func(d *people.Dossier) { d.UsageSurname = "Le Hénaff" })
		w.add("Théo", "Autre", func(d *people.Dossier) { d.Degrees[0].ClassYear = 2011 })
		w.add("Rémi", "Ailleurs", func(d *people.Dossier) { d.Degrees[0].AssociationID = w.re.ID })
		w.add("Yann", "Fini", dead)
		w.add("Noé", "Jamais", func(d *people.Dossier) { d.ActivatedAt = time.Time{} })
		w.close(w.add("Max", "Clos"))
		w.named(w.add("Léa", "Déjà"))
		for words, want := range map[string]string{"": "Zoé Marie", "HÉNA": "Marie", "dupont marie": "Marie", "hame": "Zoé", "zoe dupont": "", "autre": "", "%": "Zoé Marie"} {
			list, err := w.Candidates(t.Context(), staff(viewer.Secretary, w.ly.ID).Viewer, ambassadors.Query{Class: w.lyon(2010), Words: strings.Fields(fold.Name(words))}, 20)
			w.must(err)
			var got []string
			for _, d := range list {
				got = append(got, d.FirstName)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("Candidates(%q) = %v, want %q", words, got, want)
			}
		}
	})
}

func TestPartsOfAPerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		two := func(d *people.Dossier) {
			d.Degrees = append(d.Degrees, people.Degree{AssociationID: w.ly.ID, ClassYear: 2011, Diploma: people.Master})
		}
		laure, double := w.add("Laure", "Lavaut", two), w.add("Laure", "Lavault", two)
		w.named(laure)
		w.must(w.End(ctx, self(double), w.named(double)))
		w.named(double)
		_, err := w.Name(ctx, federation(), w.lyon(2011), double)
		w.must(err)
		erase, merge := w.accounts()
		_, err = w.people.Merge(ctx, federation().Viewer, double, laure, merge, w.Merger())
		w.must(err)
		if own, err := w.Own(ctx, self(laure).Viewer); err != nil || len(own) != 2 || own[0].ClassYear != 2010 || own[1].ClassYear != 2011 {
			t.Errorf("after the merge she looks after %+v, %v; want each class once", own, err)
		}
		out, err := w.people.Export(ctx, self(laure).Viewer, laure, w.Exporter())
		if text := fmt.Sprintf("%+v", out.Features["ambassadors"]); err != nil || strings.Count(text, "AIL ly") != 3 || !strings.Contains(text, "2011") {
			t.Errorf("the export: %s, %v", text, err)
		}
		w.must(w.people.Erase(ctx, federation().Viewer, laure, erase, w.Eraser()))
		if n, err := db.One[int](ctx, d, `SELECT count(*) FROM class_ambassadors`); err != nil || n != 0 {
			t.Errorf("%d rows are left of her, %v", n, err)
		}
	})
}
