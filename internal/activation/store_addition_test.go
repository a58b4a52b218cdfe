package activation_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
)

func jobsOptions() jobs.Options { return jobs.Options{} }

func pdf() *activation.Upload {
	const text = "%PDF-1.7 a diploma"
	return &activation.Upload{Name: `C:\scans\mon "diplôme".exe`, Size: int64(len(text)), Content: strings.NewReader(text)}
}

func (w *world) scans() (n int) {
	w.t.Helper()
	for _, err := range w.files.List(w.t.Context(), "scans/") {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

func TestRequestAddition(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, c := range map[string]struct {
			field  string
			upload *activation.Upload
			claim  func(*activation.Claim)
		}{
			"no scan":       {"scan", nil, nil},
			"SVG as png":    {"scan", &activation.Upload{Name: "a.png", Size: 5, Content: strings.NewReader("<svg>")}, nil},
			"too large":     {"scan", &activation.Upload{Name: "a.pdf", Size: 6 << 20, Content: strings.NewReader("%PDF-")}, nil},
			"page as pdf":   {"scan", &activation.Upload{Name: "a.pdf", Size: 20, Content: strings.NewReader("<html>%PDF-1.7     ")}, nil},
			"unknown class": {"year", pdf(), func(c *activation.Claim) { c.Year = 12 }},
			"no school":     {"school", pdf(), func(c *activation.Claim) { c.School = "zz" }},
			"no first name": {"first_name", pdf(), func(c *activation.Claim) { c.FirstName = "" }},
		} {
			claim := addition()
			if c.claim != nil {
				c.claim(&claim)
			}
			err := w.RequestAddition(t.Context(), claim, "fr", c.upload)
			if _, ok := errs.FieldsOf(err)[c.field]; !ok {
				t.Errorf("%s: %v, want %s refused", name, err, c.field)
			}
		}
		if w.scans() != 0 {
			t.Error("a refused request left a file")
		}
		w.must("addition", w.RequestAddition(t.Context(), addition(), "fr", pdf()))
		w.wantLetters("addition", "alert webmaster@ly.example")
		c, file, err := w.Scan(t.Context(), w.webmaster(), w.one().ID)
		w.must("scan", err)
		content, err := io.ReadAll(file)
		file.Close()
		if err != nil || string(content) != "%PDF-1.7 a diploma" || c.ScanType != "application/pdf" || c.ScanName != "mon diplôme.pdf" {
			t.Errorf("Scan() = %q %s %q, %v", content, c.ScanType, c.ScanName, err)
		}
	})
}

func TestCreateFromACase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.must("addition", w.RequestAddition(t.Context(), addition(), "fr", pdf()))
		w.letters()
		c := w.one()
		corrected := addition()
		corrected.Year = 2016
		elsewhere := corrected
		elsewhere.School = "re"
		w.refused("in another school", w.Create(t.Context(), w.webmaster(), at(c), elsewhere), errs.Forbidden)
		w.must("create", w.Create(t.Context(), w.webmaster(), at(c), corrected))
		w.wantLetters("created", "link eloise@exemple.fr")
		made := w.dossier(w.closed()[0].PersonID)
		if made.CurrentLogin() != "eloise.durant.ly2016" || made.BirthSurname != "Petit" || made.UsageSurname != "Durant" || len(made.Contacts) != 2 {
			t.Errorf("created %+v", made)
		}
		w.work()
		if n := w.scans(); n != 0 {
			t.Errorf("%d diplomas kept after the decision, want none", n)
		}
		w.must("again", w.RequestAddition(t.Context(), addition(), "fr", pdf()))
		f, err := w.Show(t.Context(), w.webmaster(), w.one().ID, "")
		if err != nil || len(f.Matches) != 1 || f.Matches[0].Dossier.ID != made.ID {
			t.Errorf("Show() = %+v, %v; want the one who is there already", f.Matches, err)
		}
		w.must("refuse", w.Refuse(t.Context(), w.webmaster(), at(w.one()), "Déjà inscrite."))
		w.work()
		if n := w.scans(); n != 0 {
			t.Errorf("%d diplomas kept after a refusal, want none", n)
		}
	})
}

func TestForgottenScans(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.work()
		w.must("addition", w.RequestAddition(t.Context(), addition(), "fr", pdf()))
		if err := w.files.Put(t.Context(), "scans/orphan", strings.NewReader("x"), 1, "image/png"); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.at = time.Now().UTC().Add(48 * time.Hour) // files carry the machine's time
		w.mu.Unlock()
		if _, err := w.db.Exec(t.Context(), `UPDATE cases SET opened_at = ?`, w.now()); err != nil {
			t.Fatal(err)
		}
		w.work()
		if n := w.scans(); n != 1 {
			t.Errorf("%d diplomas, want that of the case alone", n)
		}
		w.pass(91 * 24 * time.Hour)
		w.work()
		if n := w.scans(); n != 0 || w.one().ScanKey != "" {
			t.Errorf("%d diplomas after three months, want none", n)
		}
		_, _, err := w.Scan(t.Context(), w.webmaster(), w.one().ID)
		w.refused("a forgotten scan", err, errs.NotFound)
	})
}

func TestKindsFromImports(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		double := w.add(graduate("Laure", "Lavault", w.ly, 2010))
		yearless := w.add(graduate("Paul", "Lenoir", w.ly, 0))
		system, by := viewer.ForSystem("import"), w.webmaster()
		open := func(n activation.NewCase) activation.Case {
			t.Helper()
			n.Association, n.Reason = w.ly.ID, activation.FromImport
			for range 2 { // importing again opens nothing again
				w.must("open", w.Open(t.Context(), system, n))
			}
			return w.one()
		}
		c := open(activation.NewCase{Kind: activation.NoClassYear, Person: yearless.ID, UniqueKey: "year:" + yearless.ID.String()})
		w.refused("no year", w.FillYear(t.Context(), by, at(c), yearless.Degrees[0].ID, 12), errs.Invalid)
		w.refused("another's degree", w.FillYear(t.Context(), by, at(c), laure.Degrees[0].ID, 2010), errs.NotFound)
		w.must("fill", w.FillYear(t.Context(), by, at(c), yearless.Degrees[0].ID, 1999))
		if dated := w.dossier(yearless.ID); dated.CurrentLogin() != "paul.lenoir.ly1999" {
			t.Errorf("login = %q", dated.CurrentLogin())
		}
		for field, value := range map[string]string{"first_name": "Lore", "email": "lore@exemple.fr", "department": "GE", "birth_date": "1987-05-03", "class_year": "2011", "status": "deceased 2019-03-04"} {
			c = open(activation.NewCase{Kind: activation.ImportConflict, Person: laure.ID, UniqueKey: "conflict:" + field,
				Detail: activation.Detail{Field: field, Base: "x", File: value}})
			w.must("take "+field, w.Settle(t.Context(), by, at(c), true))
		}
		got := w.dossier(laure.ID)
		if got.FirstName != "Lore" || got.BirthDate.Day() != 3 || got.DeceasedOn.Day() != 4 || got.Degrees[0].Department != "GE" || got.CurrentLogin() != "lore.lavaut.ly2011" || len(got.Contacts) != 3 {
			t.Errorf("after the file's values: %+v", got)
		}
		c = open(activation.NewCase{Kind: activation.ImportConflict, Person: laure.ID, UniqueKey: "k", Detail: activation.Detail{Field: "shoe_size", File: "42"}})
		w.refused("a field of no place", w.Settle(t.Context(), by, at(c), true), errs.Conflict)
		w.must("keep", w.Settle(t.Context(), by, at(c), false))
		w.must("undo", w.Reopen(t.Context(), by, at(w.again(c))))
		w.must("keep", w.Settle(t.Context(), by, at(w.one()), false))

		c = open(activation.NewCase{Kind: activation.Duplicate, Person: laure.ID, Other: double.ID, UniqueKey: "dup"})
		w.refused("into a third", w.MergeInto(t.Context(), by, at(c), yearless.ID), errs.Invalid)
		w.must("not the same", w.KeepApart(t.Context(), by, at(c)))
		w.must("undo", w.Reopen(t.Context(), by, at(w.again(c))))
		w.must("merge", w.MergeInto(t.Context(), by, at(w.one()), laure.ID))
		if _, err := w.people.Dossier(t.Context(), system, double.ID); err == nil {
			t.Error("the double still stands alone")
		}
		w.refused("a claim by a feature", w.Open(t.Context(), system, activation.NewCase{Kind: activation.Activation}), errs.Forbidden)
		w.refused("by another school", w.Open(t.Context(), actor(viewer.Webmaster, w.re.ID).Viewer, activation.NewCase{Kind: activation.Duplicate, Association: w.ly.ID}), errs.Forbidden)
		w.wantLetters("housekeeping alarms nobody at once")
	})
}

func TestReplies(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		by := w.webmaster()
		list, err := w.Replies(t.Context(), by.Viewer, w.ly.ID)
		if err != nil || len(list) < 8 {
			t.Fatalf("Replies() = %d, %v", len(list), err)
		}
		first := list[0]
		if got := first.Fill("Laure", "INSA Lyon"); !strings.Contains(got, "Laure") || strings.Contains(got, "{") {
			t.Errorf("Fill() = %q", got)
		}
		changed := first
		changed.Body = "Autrement."
		w.refused("by another school", w.SaveReply(t.Context(), actor(viewer.Webmaster, w.re.ID), changed, first.Title), errs.Forbidden)
		w.must("save", w.SaveReply(t.Context(), by, changed, first.Title))
		own, err := w.Replies(t.Context(), by.Viewer, w.ly.ID)
		if err != nil || len(own) != len(list) {
			t.Fatalf("after a change %d answers, %v; want %d", len(own), err, len(list))
		}
		var saved activation.Reply
		for _, r := range own {
			if r.Body == "Autrement." {
				saved = r
			}
		}
		w.must("save again", w.SaveReply(t.Context(), by, saved, ""))
		w.refused("from a page seen before", w.SaveReply(t.Context(), by, saved, ""), errs.Conflict)
		w.must("remove", w.RemoveReply(t.Context(), by, w.ly.ID, saved.ID))
		if left, _ := w.Replies(t.Context(), by.Viewer, w.ly.ID); len(left) != len(list)-1 {
			t.Errorf("%d left, want one less", len(left))
		}
		_, err = w.Replies(t.Context(), actor(viewer.Secretary, w.ly.ID).Viewer, w.ly.ID)
		w.refused("the secretary", err, errs.Forbidden)
	})
}

// What the feature keeps of a person is given, moved and erased with him.
func TestParts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
		double := w.add(graduate("Laure", "Lavault", w.ly, 2010))
		w.ask("Lavaut", 2010, "laure@exemple.fr")
		w.askWith(activation.Claim{Surname: "Lavault", Year: 2010, Email: "x@exemple.fr", Phone: "0612345678"})
		w.must("open", w.Open(t.Context(), viewer.ForSystem("import"), activation.NewCase{Kind: activation.Duplicate, Association: w.ly.ID, Person: double.ID, Other: laure.ID}))
		if _, err := w.people.Merge(t.Context(), federation().Viewer, double.ID, laure.ID, w.Merger()); err != nil {
			t.Fatal(err)
		}
		if c := w.one(); c.PersonID != laure.ID || c.Kind != activation.Activation {
			t.Errorf("after the merge %+v", c)
		}
		if c := w.closed(); len(c) != 1 || c[0].Outcome != activation.Merged {
			t.Errorf("the proposal = %+v, want merged", c)
		}
		got, err := w.Exporter().Export(t.Context(), federation().Viewer, laure.ID)
		if err != nil || got == nil {
			t.Errorf("Export() = %v, %v", got, err)
		}
		if nothing, err := w.Exporter().Export(t.Context(), federation().Viewer, id.New()); err != nil || nothing != nil {
			t.Errorf("Export() of a stranger = %v, %v", nothing, err)
		}
		w.must("erase", w.people.Erase(t.Context(), federation().Viewer, laure.ID, w.Eraser()))
		for _, table := range []string{"cases", "activations"} {
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM `+table+` WHERE person_id IS NOT NULL`); err != nil || n != 0 {
				t.Errorf("%s keeps %d rows of an erased person (%v)", table, n, err)
			}
		}
	})
}
