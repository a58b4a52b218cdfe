package submission_test

import (
	"encoding/json"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

// rowsOf is how many rows lead to a person.
func (w *world) rowsOf(person id.ID) map[string]int {
	return map[string]int{
		"forwarding_passwords":   w.count(`SELECT count(*) FROM forwarding_passwords WHERE person_id = ?`, person),
		"forwarding_submissions": w.count(`SELECT count(*) FROM forwarding_submissions WHERE person_id = ?`, person),
		"inbox":                  w.count(`SELECT count(*) FROM inbox WHERE owner_id = ?`, person),
	}
}

// lived leaves something everywhere: a password, a message of his own, and the report that it did not arrive.
func (w *world) lived(first, last string) people.Dossier {
	w.t.Helper()
	p := w.someone(first, last)
	from := p.CurrentLogin() + "@ly-alumni.example"
	w.must(w.submit(w.signedIn(p, from), "From: "+from+"\r\n", "ami@ailleurs.fr"))
	list := w.sent("submission")
	w.ended(outbox.Failed, mail.Dead, list[len(list)-1])
	for table, n := range w.rowsOf(p.ID) {
		if n == 0 {
			w.t.Fatalf("nothing in %s", table)
		}
	}
	return p
}

func TestErase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p, other := w.lived("Laure", "Lavaut"), w.lived("Anne", "Roy")
		w.must(w.people.Erase(t.Context(), system, p.ID, w.store.Eraser()))
		for table, n := range w.rowsOf(p.ID) {
			if n != 0 {
				t.Errorf("%s keeps %d rows", table, n)
			}
		}
		for _, kind := range []string{"submission", "report"} {
			if list := w.sent(kind); len(list) != 1 || strings.Contains(string(list[0].Raw)+list[0].Recipient, "laure") {
				t.Errorf("%s: %+v, want another's alone", kind, list)
			}
		}
		if n := w.count(`SELECT count(*) FROM outbox_bodies`); n != 2 {
			t.Errorf("%d messages are kept, want another's 2", n)
		}
		for table, n := range w.rowsOf(other.ID) {
			if n == 0 {
				t.Errorf("%s lost another's rows", table)
			}
		}
	})
}

func TestMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		from, into := w.lived("Lise", "Double"), w.lived("Laure", "Lavaut")
		_, err := w.people.Merge(t.Context(), system, from.ID, into.ID, w.store.Merger())
		w.must(err)
		for table, n := range w.rowsOf(from.ID) {
			if n != 0 {
				t.Errorf("%s: %d rows of the double", table, n)
			}
		}
		if got := w.rowsOf(into.ID); got["forwarding_passwords"] != 2 || got["inbox"] != 2 {
			t.Errorf("who stays has %v", got)
		}
		if n := w.count(`SELECT named FROM forwarding_submissions WHERE person_id = ?`, into.ID); n != 2 {
			t.Errorf("%d recipients named today, want both persons' 2", n)
		}
	})
}

func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.lived("Laure", "Lavaut")
	e, err := w.people.Export(t.Context(), self(p).Viewer, p.ID, w.store.Exporter())
	w.must(err)
	b, err := json.Marshal(e.Features["submission"])
	w.must(err)
	if !strings.Contains(string(b), `"name":"Téléphone de Laure"`) || strings.Contains(string(b), "hash") {
		t.Errorf("the export is %s", b)
	}
}
