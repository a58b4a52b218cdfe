package imports

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// namesakesList has many people of the same name and class, some with logins of their own, some without a class.
func namesakesList(n int, department string) string {
	var b strings.Builder
	b.WriteString("Matricule;Nom;Prénom;Promo;Spécialité;E-mail;Identifiant\n")
	r := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		first, last := []string{"Jean", "Paul", "Zoé"}[r.IntN(3)], []string{"Martin", "Roux", "L’Hame"}[r.IntN(3)]
		year, login := fmt.Sprint(2000+r.IntN(5)), ""
		switch r.IntN(12) {
		case 0:
			login = fmt.Sprintf("jean.martin-%d.ly%s", 2+r.IntN(9), year)
		case 1:
			year = ""
		}
		fmt.Fprintf(&b, "%d;%s;%s;%s;%s;m%d@example.org;%s\n", i, last, first, year, department, r.IntN(n), login)
	}
	return b.String()
}

// state is all of the base in a form that does not depend on identifiers made on the way.
func (h *house) state(t testing.TB) string {
	t.Helper()
	var out []string
	err := h.people.EachDossier(t.Context(), viewer.ForSystem("test"), id.ID{}, func(d *people.Dossier) error {
		var degrees []string
		for _, g := range d.Degrees {
			degrees = append(degrees, fmt.Sprintf("%d/%s/%s", g.ClassYear, g.Diploma, g.Department))
		}
		out = append(out, fmt.Sprint(d.LegacyIDs, d.Name(), degrees, values(*d), logins(*d)))
		return nil
	})
	must(t, err)
	slices.Sort(out)
	for _, table := range []string{"persons", "degrees", "logins", "contact_points", "import_records", "cases"} {
		n, err := db.One[int](t.Context(), h.d, `SELECT count(*) FROM `+table)
		must(t, err)
		out = append(out, fmt.Sprint(table, " ", n))
	}
	mark, err := db.One[id.ID](t.Context(), h.d, `SELECT logins_after FROM import_lease`)
	must(t, err)
	return strings.Join(append(out, h.cases(t), mark.String()), "\n")
}

// killer ends an import at a moment that does not depend on the machine's speed: after some batches, or in the middle
// of a transaction, when some case was opened.
type killer struct {
	realDesk
	left   int // cases to go; below zero for never
	cancel context.CancelFunc
}

func (k *killer) Open(ctx context.Context, c Case) error {
	if k.left--; k.left == 0 {
		k.cancel()
	}
	return k.realDesk.Open(ctx, c)
}

// kill runs a list until some moment and reports whether it was stopped there.
func (h *house) kill(t *testing.T, list string, r *rand.Rand) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	open := h.desk.(realDesk)
	defer func() { h.Store.desk = open }()
	k := &killer{realDesk: open, left: -1, cancel: cancel}
	batches := 1 + r.IntN(14)
	if r.IntN(2) == 0 {
		k.left, batches = 1+r.IntN(60), 100
	}
	h.Store.desk = k
	report, err := h.Run(ctx, system(), text(list), Options{Association: "ly", Progress: func(Progress) {
		if batches--; batches == 0 {
			cancel()
		}
	}})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("killed at line %d: %v", report.Line, err)
	}
	return err != nil
}

// An import killed anywhere and run again, any number of times, ends as if it had run once: a new list, then an
// updated one.
func TestKilledImportsEndAsOne(t *testing.T) {
	t.Parallel()
	first, second := namesakesList(300, "GE"), namesakesList(350, "GM")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		once := newHouse(t, d)
		once.Store.batch = 30
		_, rejects := once.run(t, first, Options{})
		once.run(t, second, Options{})
		want := once.state(t)
		if strings.Count(rejects, "\n") < 5 {
			t.Errorf("the list has hardly any login given twice:\n%s", rejects)
		}
		kills := 0
		for trial := range 3 {
			fresh := dbtest.New
			if d.Postgres() {
				fresh = dbtest.Postgres
			}
			h := newHouse(t, fresh(t))
			h.Store.batch = 30
			r := rand.New(rand.NewPCG(uint64(trial), 5))
			for _, list := range []string{first, second} {
				for range 6 {
					if h.kill(t, list, r) {
						kills++
					}
				}
				h.run(t, list, Options{})
			}
			if got := h.state(t); got != want {
				t.Errorf("trial %d ends differently: %s", trial, firstDifference(got, want))
			}
		}
		if kills < 15 {
			t.Errorf("only %d kills", kills)
		}
	})
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("\n got %s\nwant %s", g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// A process that dies leaves the lease; it runs out.
func TestDeadImportKeepsOthersOutForAWhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	_, err := h.d.Exec(t.Context(), `UPDATE import_lease SET holder = ?, held_until = ?`, id.New(), h.clock.Add(lease))
	must(t, err)
	if _, err := h.Run(t.Context(), system(), text(alumni), Options{Association: "ly"}); !errors.Is(err, errs.Conflict) {
		t.Errorf("beside a dead import: %v, want it refused", err)
	}
	h.clock = h.clock.Add(lease + time.Second)
	if r, _ := h.run(t, alumni, Options{}); r.Inserted != 6 {
		t.Errorf("afterwards: %s", counts(r.Counts))
	}
}

// Whoever stood still while another took over writes nothing more.
func TestLostLeaseStops(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	h.Store.batch = 2
	stolen := false
	r, err := h.Run(t.Context(), system(), text(alumni), Options{Association: "ly", Progress: func(Progress) {
		if !stolen {
			_, err := h.d.Exec(t.Context(), `UPDATE import_lease SET holder = ?`, id.New())
			stolen = err == nil
		}
	}})
	if !errors.Is(err, errLost) || r.Inserted != 2 {
		t.Errorf("%v, %s, want it to stop after two", err, counts(r.Counts))
	}
}

// On a full disk the batch rolls back, the report says where, and running again goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	h.Store.batch = 100
	list := namesakesList(1200, "GE")
	pages, err := db.One[int](t.Context(), h.d, `PRAGMA page_count`)
	must(t, err)
	limit := func(n int) {
		_, err := h.d.Exec(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, n))
		must(t, err)
	}
	limit(pages + 200)
	r, err := h.Run(t.Context(), system(), text(list), Options{Association: "ly"})
	if msg, ok := errs.MessageOf(err); !errors.Is(err, errs.Unavailable) || !ok || msg.Key != "imports.disk_full" || r.Line < 101 {
		t.Fatalf("%v at line %d, want a clear word", err, r.Line)
	}
	n, err := h.people.Count(t.Context())
	must(t, err)
	if n != r.Inserted || n%100 > 20 && r.Rejected == 0 {
		t.Errorf("%d persons, the report says %d", n, r.Inserted)
	}
	limit(1 << 30)
	again, _ := h.run(t, list, Options{})
	if again.Unchanged != r.Inserted || again.Rows != 1200 {
		t.Errorf("first %s\nagain %s", counts(r.Counts), counts(again.Counts))
	}
	other := newHouse(t, dbtest.New(t))
	other.run(t, list, Options{})
	if got, want := h.state(t), other.state(t); got != want {
		t.Error("ends differently: " + firstDifference(got, want))
	}
}
