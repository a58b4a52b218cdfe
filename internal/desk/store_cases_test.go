package desk_test

import (
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/desktest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestCreateFromACase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Must("addition", w.RequestAddition(t.Context(), desktest.Addition(), "fr", desktest.PDF()))
		w.Letters()
		c := w.One()
		corrected := desktest.Addition()
		corrected.Year = 2016
		elsewhere := corrected
		elsewhere.School = "re"
		w.Refused("in another school", w.Create(t.Context(), w.Webmaster(), desktest.At(c), elsewhere), errs.Forbidden)
		w.Must("create", w.Create(t.Context(), w.Webmaster(), desktest.At(c), corrected))
		w.WantLetters("created", "link eloise@exemple.fr")
		made := w.Dossier(w.Closed()[0].PersonID)
		if made.CurrentLogin() != "eloise.durant.ly2016" || made.BirthSurname != "Petit" || made.UsageSurname != "Durant" || len(made.Contacts) != 2 {
			t.Errorf("created %+v", made)
		}
		w.Work()
		if n := w.Scans(); n != 0 {
			t.Errorf("%d diplomas kept after the decision, want none", n)
		}
		w.Must("again", w.RequestAddition(t.Context(), desktest.Addition(), "fr", desktest.PDF()))
		f, err := w.Show(t.Context(), w.Webmaster(), w.One().ID, "")
		if err != nil || len(f.Matches) != 1 || f.Matches[0].Dossier.ID != made.ID {
			t.Errorf("Show() = %+v, %v; want the one who is there already", f.Matches, err)
		}
		w.Must("refuse", w.Refuse(t.Context(), w.Webmaster(), desktest.At(w.One()), "Déjà inscrite."))
		w.Work()
		if n := w.Scans(); n != 0 {
			t.Errorf("%d diplomas kept after a refusal, want none", n)
		}
	})
}

func TestForgottenScans(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Work()
		w.Must("addition", w.RequestAddition(t.Context(), desktest.Addition(), "fr", desktest.PDF()))
		if err := w.Files.Put(t.Context(), "scans/orphan", strings.NewReader("x"), 1, "image/png"); err != nil {
			t.Fatal(err)
		}
		w.Set(time.Now().UTC().Add(48 * time.Hour)) // files carry the machine's time
		if _, err := w.DB.Exec(t.Context(), `UPDATE cases SET opened_at = ?`, w.Now()); err != nil {
			t.Fatal(err)
		}
		w.Work()
		if n := w.Scans(); n != 1 {
			t.Errorf("%d diplomas, want that of the case alone", n)
		}
		w.Pass(91 * 24 * time.Hour)
		w.Work()
		if n := w.Scans(); n != 0 || w.One().ScanKey != "" {
			t.Errorf("%d diplomas after three months, want none", n)
		}
		_, _, err := w.Scan(t.Context(), w.Webmaster(), w.One().ID)
		w.Refused("a forgotten scan", err, errs.NotFound)
	})
}

func TestKindsFromImports(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		double := w.Add(desktest.Graduate("Laure", "Lavault", w.Ly, 2010))
		yearless := w.Add(desktest.Graduate("Paul", "Lenoir", w.Ly, 0))
		system, by := viewer.ForSystem("import"), w.Webmaster()
		open := func(n desk.NewCase) desk.Case {
			t.Helper()
			n.Association, n.Reason = w.Ly.ID, desk.FromImport
			for range 2 { // importing again opens nothing again
				w.Must("open", w.Open(t.Context(), system, n))
			}
			return w.One()
		}
		c := open(desk.NewCase{Kind: desk.NoClassYear, Person: yearless.ID, UniqueKey: "year:" + yearless.ID.String()})
		w.Refused("no year", w.FillYear(t.Context(), by, desktest.At(c), yearless.Degrees[0].ID, 12), errs.Invalid)
		w.Refused("another's degree", w.FillYear(t.Context(), by, desktest.At(c), laure.Degrees[0].ID, 2010), errs.NotFound)
		w.Must("fill", w.FillYear(t.Context(), by, desktest.At(c), yearless.Degrees[0].ID, 1999))
		if dated := w.Dossier(yearless.ID); dated.CurrentLogin() != "paul.lenoir.ly1999" {
			t.Errorf("login = %q", dated.CurrentLogin())
		}
		for field, value := range map[string]string{"first_name": "Lore", "email": "lore@exemple.fr", "department": "GE", "birth_date": "1987-05-03", "class_year": "2011", "status": "deceased 2019-03-04"} {
			c = open(desk.NewCase{Kind: desk.ImportConflict, Person: laure.ID, UniqueKey: "conflict:" + field,
				Detail: desk.Detail{Field: field, Base: "x", File: value}})
			w.Must("take "+field, w.Settle(t.Context(), by, desktest.At(c), true))
		}
		got := w.Dossier(laure.ID)
		if got.FirstName != "Lore" || got.BirthDate.Day() != 3 || got.DeceasedOn.Day() != 4 || got.Degrees[0].Department != "GE" || got.CurrentLogin() != "lore.lavaut.ly2011" || len(got.Contacts) != 3 {
			t.Errorf("after the file's values: %+v", got)
		}
		c = open(desk.NewCase{Kind: desk.ImportConflict, Person: laure.ID, UniqueKey: "k", Detail: desk.Detail{Field: "shoe_size", File: "42"}})
		w.Refused("a field of no place", w.Settle(t.Context(), by, desktest.At(c), true), errs.Conflict)
		w.Must("keep", w.Settle(t.Context(), by, desktest.At(c), false))
		w.Must("undo", w.Reopen(t.Context(), by, desktest.At(w.Again(c))))
		w.Must("keep", w.Settle(t.Context(), by, desktest.At(w.One()), false))

		c = open(desk.NewCase{Kind: desk.Duplicate, Person: laure.ID, Other: double.ID, UniqueKey: "dup"})
		w.Refused("into a third", w.MergeInto(t.Context(), by, desktest.At(c), yearless.ID), errs.Invalid)
		w.Must("not the same", w.KeepApart(t.Context(), by, desktest.At(c)))
		w.Must("undo", w.Reopen(t.Context(), by, desktest.At(w.Again(c))))
		w.Must("merge", w.MergeInto(t.Context(), by, desktest.At(w.One()), laure.ID))
		if _, err := w.People.Dossier(t.Context(), system, double.ID); err == nil {
			t.Error("the double still stands alone")
		}
		w.Refused("a claim by a feature", w.Open(t.Context(), system, desk.NewCase{Kind: desk.Activation}), errs.Forbidden)
		w.Refused("by another school", w.Open(t.Context(), desktest.Actor(viewer.Webmaster, w.Re.ID).Viewer, desk.NewCase{Kind: desk.Duplicate, Association: w.Ly.ID}), errs.Forbidden)
		w.WantLetters("housekeeping alarms nobody at once")
	})
}

func TestReplies(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		by := w.Webmaster()
		list, err := w.Replies(t.Context(), by.Viewer, w.Ly.ID)
		if err != nil || len(list) < 8 {
			t.Fatalf("Replies() = %d, %v", len(list), err)
		}
		first := list[0]
		if got := first.Fill("Laure", "INSA Lyon"); !strings.Contains(got, "Laure") || strings.Contains(got, "{") {
			t.Errorf("Fill() = %q", got)
		}
		changed := first
		changed.Body = "Autrement."
		w.Refused("by another school", w.SaveReply(t.Context(), desktest.Actor(viewer.Webmaster, w.Re.ID), changed, first.Title), errs.Forbidden)
		w.Must("save", w.SaveReply(t.Context(), by, changed, first.Title))
		own, err := w.Replies(t.Context(), by.Viewer, w.Ly.ID)
		if err != nil || len(own) != len(list) {
			t.Fatalf("after a change %d answers, %v; want %d", len(own), err, len(list))
		}
		var saved desk.Reply
		for _, r := range own {
			if r.Body == "Autrement." {
				saved = r
			}
		}
		w.Must("save again", w.SaveReply(t.Context(), by, saved, ""))
		w.Refused("from a page seen before", w.SaveReply(t.Context(), by, saved, ""), errs.Conflict)
		w.Must("remove", w.RemoveReply(t.Context(), by, w.Ly.ID, saved.ID))
		if left, _ := w.Replies(t.Context(), by.Viewer, w.Ly.ID); len(left) != len(list)-1 {
			t.Errorf("%d left, want one less", len(left))
		}
		_, err = w.Replies(t.Context(), desktest.Actor(viewer.Secretary, w.Ly.ID).Viewer, w.Ly.ID)
		w.Refused("the secretary", err, errs.Forbidden)
	})
}

// What the two features keep of a person is given, moved and erased with him.
func TestParts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		double := w.Add(desktest.Graduate("Laure", "Lavault", w.Ly, 2010))
		w.AskFor("Lavaut", 2010, "laure@exemple.fr")
		w.AskWith(people.Claim{Surname: "Lavault", Year: 2010, Email: "x@exemple.fr", Phone: "0612345678"})
		w.Must("open", w.Open(t.Context(), viewer.ForSystem("import"), desk.NewCase{Kind: desk.Duplicate, Association: w.Ly.ID, Person: double.ID, Other: laure.ID}))
		if _, err := w.People.Merge(t.Context(), desktest.Federation().Viewer, double.ID, laure.ID, w.Activation.Merger(), w.Desk.Merger()); err != nil {
			t.Fatal(err)
		}
		if c := w.One(); c.PersonID != laure.ID || c.Kind != desk.Activation {
			t.Errorf("after the merge %+v", c)
		}
		if c := w.Closed(); len(c) != 1 || c[0].Outcome != desk.Merged {
			t.Errorf("the proposal = %+v, want merged", c)
		}
		for _, x := range []people.Exporter{w.Activation.Exporter(), w.Desk.Exporter()} {
			got, err := x.Export(t.Context(), desktest.Federation().Viewer, laure.ID)
			if err != nil || got == nil {
				t.Errorf("Export() of %s = %v, %v", x.Name, got, err)
			}
			if nothing, err := x.Export(t.Context(), desktest.Federation().Viewer, id.New()); err != nil || nothing != nil {
				t.Errorf("Export() of %s of a stranger = %v, %v", x.Name, nothing, err)
			}
		}
		w.Must("erase", w.People.Erase(t.Context(), desktest.Federation().Viewer, laure.ID, w.Activation.Eraser(), w.Desk.Eraser()))
		for _, table := range []string{"cases", "activations"} {
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM `+table+` WHERE person_id IS NOT NULL`); err != nil || n != 0 {
				t.Errorf("%s keeps %d rows of an erased person (%v)", table, n, err)
			}
		}
	})
}
