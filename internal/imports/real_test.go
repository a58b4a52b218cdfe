package imports

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/people"
)

// real imports a sample and gives the report.
func (h *house) real(t *testing.T, name string, o Options) Report {
	t.Helper()
	return h.take(t, name, readSample(t, name), o)
}

func (h *house) take(t *testing.T, name, data string, o Options) Report {
	t.Helper()
	if o.Association == "" {
		o.Association = "ly"
	}
	r, err := h.Run(t.Context(), system(), Source{Name: name, R: strings.NewReader(data), Size: int64(len(data))}, o)
	must(t, err)
	return r
}

// readSample is a real input, whole.
func readSample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dbtest.Samples(t), name))
	must(t, err)
	return string(data)
}

// The members of a parliament, then their dated mandates as memberships.
func TestParliament(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		if r := h.real(t, "population/an-memberships.csv.gz", Options{DryRun: true}); r.Rejected != 23_444 {
			t.Errorf("mandates before the members: %s, want all rejected", counts(r.Counts))
		}
		r := h.real(t, "population/an-deputes.csv.gz", Options{})
		if got, want := counts(r.Counts), "598 rows: 598 new, 0 updated, 0 unchanged, 0 rejected; 0 conflicts, 0 doubles, 598 without class, 0 logins"; got != want {
			t.Errorf("members: %s, want %s", got, want)
		}
		mandates, rows := unpacked(t, "population/an-memberships.csv.gz"), 23_444
		if d.Postgres() { // the same code, over a network: a part of them is enough
			lines := strings.SplitAfter(mandates, "\n")
			rows = 1000
			mandates = strings.Join(lines[:rows+1], "")
		}
		r = h.take(t, "mandates.csv", mandates, Options{})
		if r.Rows != rows || r.Rejected > 0 || r.Updated+r.Unchanged != r.Rows || r.Updated < rows/2 {
			t.Errorf("mandates: %s, rejects %v", counts(r.Counts), r.Rejects)
		}
		members, err := db.One[int](t.Context(), h.d, `SELECT count(DISTINCT person_id) FROM memberships WHERE starts_on <= ? AND ends_on >= ?`, noon, noon)
		if err != nil || members < rows/50 {
			t.Errorf("%d are members today, %v", members, err)
		}
		if again := h.take(t, "mandates.csv", mandates, Options{}); again.Unchanged != rows {
			t.Errorf("again: %s", counts(again.Counts))
		}
	})
}

func unpacked(t *testing.T, name string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(readSample(t, name)))
	must(t, err)
	data, err := io.ReadAll(z)
	must(t, err)
	return string(data)
}

func TestScientistsBecomePersons(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		r := h.real(t, "population/wikidata-scientists-le1900.csv.gz", Options{})
		if r.Inserted+r.Rejected+r.Updated+r.Unchanged != r.Rows || r.Inserted < 2000 {
			t.Errorf("scientists: %s", counts(r.Counts))
		}
		noted, err := db.One[int](t.Context(), h.d, `SELECT count(*) FROM persons WHERE CAST(note AS TEXT) LIKE '%irth%'`)
		if err != nil || noted < 1000 {
			t.Errorf("%d have their town of birth as a note, %v", noted, err)
		}
		if again := h.real(t, "population/wikidata-scientists-le1900.csv.gz", Options{}); again.Inserted+again.Updated > 0 {
			t.Errorf("again: %s", counts(again.Counts))
		}
	})
}

func TestTemplatesOfOtherSoftware(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, name := range []string{"alumni", "people", "experiences"} {
			h.real(t, "members/osuny-"+name+"-example.xlsx", Options{})
		}
		persons, err := h.people.Count(t.Context())
		must(t, err)
		p, err := db.One[string](t.Context(), h.d, `SELECT first_name FROM persons LIMIT 1`)
		if err != nil || p != "Stéphane" || persons != 2 { // one with his class, one without
			t.Errorf("%d persons, the first is %s, %v", persons, p, err)
		}
		header := readSample(t, "members/galette-import-header.csv")
		row := "Ménard;Zoé;1969-04-03;1 rue du Lac;69001;Lyon;France;0472438383;0612345678;zoe@example.org;chimiste;zozo;Acme;zoe.menard;2001-01-01;1;1;libre\n"
		h.run(t, strings.TrimRight(header, "\r\n")+"\n"+row, Options{})
		zoe := h.by(t, "Zoé")
		if got, want := values(zoe), "email/per=zoe@example.org phone/per=+33472438383 phone/per=+33612345678 postal/per=1 rue du Lac, 69001 Lyon, FR"; got != want {
			t.Errorf("Zoé's contacts are %s, want %s", got, want)
		}
		if logins(zoe) != "+zoe.menard" || !zoe.BirthDate.Equal(time.Date(1969, 4, 3, 0, 0, 0, 0, time.UTC)) || zoe.Status != people.Graduate || zoe.Note["pseudo_adh"] != "zozo" {
			t.Errorf("Zoé is %+v", zoe)
		}
	})
}
