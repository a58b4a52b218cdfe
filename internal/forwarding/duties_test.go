package forwarding_test

import (
	"encoding/json"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
)

// count is how many rows of the feature, of inbox and of what leaves lead to a person or hold a text.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	n, err := db.One[int](w.t.Context(), w.db, query, args...)
	w.must(err)
	return n
}

func (w *world) rowsOf(person id.ID) map[string]int {
	out := map[string]int{}
	for _, table := range []string{"forwarding_settings", "forwarding_targets", "forwarding_asked", "forwarding_held"} {
		out[table] = w.count(`SELECT count(*) FROM `+table+` WHERE person_id = ?`, person)
	}
	out["inbox"] = w.count(`SELECT count(*) FROM inbox WHERE owner_id = ?`, person)
	return out
}

// lived leaves something everywhere: choices, a failed, a tried and a held message.
func (w *world) lived(first, last string) people.Dossier {
	w.t.Helper()
	p := w.someone(first, last)
	login := p.CurrentLogin() + "@ly-alumni.example"
	name := strings.ToLower(first)
	w.choose(p, forwarding.InTurn, name+"@exemple.fr", "1", name+"@travail.fr", "2")
	_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), login)
	w.must(err)
	for range 2 {
		for _, s := range w.sent("forward") {
			if s.State == "queued" && strings.HasPrefix(s.Recipient, name) {
				w.fate(mail.Dead, s)
			}
		}
	}
	w.must(w.store.Pause(w.t.Context(), self(p), w.now().Add(5*day)))
	_, err = w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), login)
	w.must(err)
	_, err = w.db.Exec(w.t.Context(), `INSERT INTO forwarding_asked (person_id, first_at, letters) VALUES (?, ?, 1)`, p.ID, w.now())
	w.must(err)
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
		for what, q := range map[string]string{
			"deliveries": `SELECT count(*) FROM outbox_deliveries WHERE recipient LIKE '%laure%' OR head LIKE '%laure%'`,
			"tried":      `SELECT count(*) FROM forwarding_tried WHERE address LIKE '%laure%'`,
		} {
			if n := w.count(q); n != 0 {
				t.Errorf("%s still hold %d rows", what, n)
			}
		}
		if n := w.count(`SELECT count(*) FROM outbox_bodies b WHERE NOT EXISTS (SELECT 1 FROM outbox_deliveries d WHERE d.body_id = b.id)`); n != 0 {
			t.Errorf("%d messages are nobody's", n)
		}
		for table, n := range w.rowsOf(other.ID) {
			if n == 0 {
				t.Errorf("%s lost another's rows", table)
			}
		}
		if n := w.count(`SELECT count(*) FROM forwarding_tried`); n != 2 {
			t.Errorf("%d targets tried of another, want 2", n)
		}
		if _, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure); answer(err) != "not found" {
			t.Errorf("mail for who is gone: %q", answer(err))
		}
	})
}

func TestMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, tt := range map[string]struct {
			from, into []string // what they chose: address, place…
			want       string
		}{
			"both chose":    {[]string{"lise@travail.fr", "1"}, []string{"laure@travail.fr", "1"}, "laure@travail.fr queued"},
			"the double":    {[]string{"lise@travail.fr", "1"}, nil, "lise@travail.fr queued"},
			"who stays":     {nil, []string{"laure@travail.fr", "1"}, "laure@travail.fr queued"},
			"neither chose": {nil, nil, "laure@exemple.fr queued"},
		} {
			w := newWorld(t, dbtest.New(t))
			from, into := w.someone("Lise", "Double"), w.someone("Laure", "Lavaut")
			for _, one := range []struct {
				d     people.Dossier
				pairs []string
			}{{from, tt.from}, {into, tt.into}} {
				if one.pairs != nil {
					w.choose(one.d, forwarding.ToAll, one.pairs...)
				}
			}
			_, err := w.people.Merge(t.Context(), system, from.ID, into.ID, w.store.Merger())
			w.must(err)
			_, err = w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), "lise.double.ly2010@ly-alumni.example")
			w.must(err)
			if got := brief(w.sent("forward")); got != tt.want {
				t.Errorf("%s: %s, want %s", name, got, tt.want)
			}
		}
		w := newWorld(t, d)
		from, into := w.lived("Lise", "Double"), w.lived("Laure", "Lavaut")
		before := w.rowsOf(into.ID)
		_, err := w.people.Merge(t.Context(), system, from.ID, into.ID, w.store.Merger())
		w.must(err)
		after, left := w.rowsOf(into.ID), w.rowsOf(from.ID)
		for table, n := range before {
			if after[table] < n || left[table] != 0 {
				t.Errorf("%s: %d rows of who stays, %d before; %d of the double", table, after[table], n, left[table])
			}
		}
		for _, table := range []string{"forwarding_held", "inbox"} {
			if after[table] <= before[table] {
				t.Errorf("%s: nothing came over", table)
			}
		}
		list, total, err := w.store.Passages(t.Context(), self(into).Viewer, "", 10, 0)
		if err != nil || total != 4 {
			t.Errorf("Passages() = %d, %v: %+v", total, err, list)
		}
	})
}

func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.lived("Laure", "Lavaut")
	e, err := w.people.Export(t.Context(), self(p).Viewer, p.ID, w.store.Exporter())
	w.must(err)
	b, err := json.Marshal(e.Features["forwarding"])
	w.must(err)
	for _, want := range []string{`"mode":"order"`, `"address":"laure@exemple.fr"`, `"from":"ami@ailleurs.fr"`, `"state":"failed"`, `"paused_until"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the export lacks %s: %s", want, b)
		}
	}
}
