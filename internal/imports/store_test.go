package imports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// house is a base with three associations and a desk.
type house struct {
	*Store
	d      *db.DB
	clock  time.Time
	queue  *jobs.Queue
	ly, re people.Association
}

// realDesk puts cases before the real desk, as the app does.
type realDesk struct{ *desk.Store }

func (d realDesk) Open(ctx context.Context, c Case) error {
	return d.Store.Open(ctx, viewer.ForSystem("import"), desk.NewCase{Kind: desk.Kind(c.Kind), Association: c.Association, Person: c.Person,
		Other: c.Other, UniqueKey: c.UniqueKey, Reason: desk.FromImport, Lang: "fr",
		Detail: desk.Detail{Field: c.Field, Base: c.Base, File: c.File, Source: c.Source, Why: c.Why.Text("fr"), Degree: c.Degree}})
}

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	h := &house{d: d, clock: noon}
	now := clock.Clock(func() time.Time { return h.clock })
	p := people.NewStore(d, changes.NewStore(d, now), now)
	trail := audit.NewTrail(d, now)
	files, err := blob.Open(t.Context(), "file:"+t.TempDir())
	must(t, err)
	h.queue = jobs.NewQueue(d, now)
	onDesk := realDesk{desk.NewStore(desk.Deps{DB: d, People: p, Queue: jobs.NewQueue(d, now), Trail: trail, Now: now})}
	h.Store = NewStore(Deps{DB: d, People: p, Trail: trail, Desk: onDesk, Files: files, Queue: h.queue, Now: now})
	h.ly, h.re = h.association(t, "ly", "INSA Lyon"), h.association(t, "re", "INSA Rennes")
	return h
}

func (h *house) association(t testing.TB, code, school string) people.Association {
	t.Helper()
	a := people.Association{Code: code, Name: "Alumni " + school, School: school, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
	if err := h.people.SaveAssociation(t.Context(), system(), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func text(s string) Source {
	return Source{Name: "liste.csv", R: strings.NewReader(s), Size: int64(len(s))}
}

// run imports a text and gives the report and the reject file.
func (h *house) run(t testing.TB, s string, o Options) (Report, string) {
	t.Helper()
	if o.Association == "" {
		o.Association = "ly"
	}
	var rejects bytes.Buffer
	o.Rejects = &rejects
	r, err := h.Run(t.Context(), system(), text(s), o)
	if err != nil {
		t.Fatal(err)
	}
	return r, rejects.String()
}

func counts(c Counts) string {
	return fmt.Sprintf("%d rows: %d new, %d updated, %d unchanged, %d rejected; %d conflicts, %d doubles, %d without class, %d logins",
		c.Rows, c.Inserted, c.Updated, c.Unchanged, c.Rejected, c.Conflicts, c.Duplicates, c.NoClass, c.Logins)
}

// by finds the one person with a first name.
func (h *house) by(t testing.TB, first string) people.Dossier {
	t.Helper()
	ids, err := db.All[id.ID](t.Context(), h.d, `SELECT id FROM persons WHERE first_name = ? AND merged_into IS NULL ORDER BY id`, first)
	if err != nil || len(ids) != 1 {
		t.Fatalf("%d persons called %s, %v", len(ids), first, err)
	}
	d, err := h.people.Dossier(t.Context(), system(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func logins(d people.Dossier) string {
	var out []string
	for _, l := range d.Logins {
		mark := "-"
		if l.Current {
			mark = "+"
		}
		out = append(out, mark+l.Login)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func values(d people.Dossier) string {
	var out []string
	for _, c := range d.Contacts {
		out = append(out, fmt.Sprintf("%s/%.3s=%s", c.Kind, c.Purpose, showContact(c)))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// cases are what stands on the desk, as kind/field:base>file.
func (h *house) cases(t testing.TB) string {
	t.Helper()
	list, _, err := h.desk.(realDesk).List(t.Context(), viewer.ForSystem("test"), desk.Filter{}, 10_000, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		s := string(c.Kind)
		if c.Detail.Field != "" {
			s += "/" + c.Detail.Field + ":" + c.Detail.Base + ">" + c.Detail.File
		}
		if c.Detail.Why != "" {
			s += "/" + c.Detail.Why
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// written are all rows of the tables an import may write, to see whether anything changed.
func (h *house) written(t testing.TB) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, q := range []string{
		`SELECT 'p ' || CAST(id AS TEXT) || CAST(updated_at AS TEXT) || CAST(note AS TEXT) || first_name || birth_surname || usage_surname FROM persons`,
		`SELECT 'g ' || CAST(id AS TEXT) || CAST(class_year AS TEXT) || department FROM degrees`,
		`SELECT 'c ' || CAST(id AS TEXT) || value || CAST(updated_at AS TEXT) FROM contact_points`,
		`SELECT 'm ' || CAST(id AS TEXT) || CAST(ends_on AS TEXT) FROM memberships`,
		`SELECT 'l ' || login || CAST(current AS TEXT) FROM logins`,
		`SELECT 'i ' || source || value || CAST(person_id AS TEXT) FROM legacy_ids`,
		`SELECT 'n ' || CAST(id AS TEXT) FROM consents`,
		`SELECT 'r ' || CAST(id AS TEXT) || target FROM redirect_targets`,
		`SELECT 'f ' || CAST(seq AS TEXT) FROM changes`,
		`SELECT 'd ' || CAST(id AS TEXT) || state FROM cases`,
		`SELECT 's ' || CAST(identity AS TEXT) || CAST(updated_at AS TEXT) || CAST(record AS TEXT) FROM import_records`,
	} {
		list, err := db.All[string](t.Context(), h.d, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			out[s]++
		}
	}
	return out
}

const alumni = `Matricule;Civilité;Nom de naissance;Nom d'usage;Prénom;Date de naissance;Promotion;Spécialité;E-mail perso;Mobile;Identifiant;Ancien identifiant;Redirection;Début adhésion;Fin adhésion;Refus mail;Date du refus;Origine du refus;Vélo
1;Mme;Lavaut;;Laure;31/12/1987;2010;GE;laure@example.org;06 12 34 56 78;;;;;;;;;rouge
2;M.;L’Hame;;Pierre-Henri;02/03/1966;1989;GM;ph@example.org;;PH.Lhame.LY1989;phl, old_lhame;ph@forward.example;01/09/2025;31/08/2027;oui;12/03/2019;courrier;
3;Mme;Martin;Durand;Zoé;1969;1990;;;;;;;;;;;;
4;M.;Sans;;Promo;;;;;;;;;;;;;;
5;M.;Martin;;Jean;;2010;;;;;;;;;;;;
6;M.;Martin;;Jean-;;2010;;jm@example.org;;jean.martin.ly2010;;;;;;;;
7;;;;;;;;;;;;;;;;;;
`

func TestRun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		r, rejects := h.run(t, alumni, Options{})
		if got, want := counts(r.Counts), "7 rows: 6 new, 0 updated, 0 unchanged, 1 rejected; 0 conflicts, 1 doubles, 1 without class, 3 logins"; got != want {
			t.Errorf("report = %s, want %s", got, want)
		}
		if !strings.Contains(rejects, "8;La ligne n’a pas de nom, et personne n’a l’identifiant « 7 »") {
			t.Errorf("reject file:\n%s", rejects)
		}
		laure := h.by(t, "Laure")
		if got, want := values(laure), "email/per=laure@example.org phone/per=+33612345678"; got != want {
			t.Errorf("contacts = %s, want %s", got, want)
		}
		if laure.Note["Vélo"] != "rouge" || laure.Civility != "mme" || !laure.BirthDate.Equal(time.Date(1987, 12, 31, 0, 0, 0, 0, time.UTC)) || logins(laure) != "+laure.lavaut.ly2010" {
			t.Errorf("Laure is %+v", laure)
		}
		ph := h.by(t, "Pierre-Henri")
		if got, want := logins(ph), "+PH.Lhame.LY1989 -old_lhame -phl"; got != want {
			t.Errorf("kept logins = %s, want %s", got, want)
		}
		said, at, _ := people.StatusOn(ph.Consents, "mailing")
		if len(ph.Consents) != 1 || said || at.Format(time.DateOnly) != "2019-03-12" || ph.Consents[0].Origin != "courrier" || len(ph.Redirects) != 1 || !ph.MemberOn(noon) {
			t.Errorf("Pierre-Henri's consents %+v, redirects %v, memberships %+v", ph.Consents, ph.Redirects, ph.Memberships)
		}
		if zoe := h.by(t, "Zoé"); zoe.BirthYear != 1969 || zoe.UsageSurname != "Durand" || logins(zoe) != "+zoe.durand.ly1990" {
			t.Errorf("Zoé is %+v, %s", zoe.Person, logins(zoe))
		}
		// the login that the list gives to somebody else is not free for whoever has the name
		if got := logins(h.by(t, "Jean")); got != "+jean.martin-2.ly2010" {
			t.Errorf("Jean Martin has %s", got)
		}
		if got, want := h.cases(t), "duplicate/Même nom et même promo; no_class_year"; got != want {
			t.Errorf("desk = %s, want %s", got, want)
		}
	})
}

func TestRunAgainChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.run(t, alumni, Options{})
		before := h.written(t)
		h.clock = h.clock.Add(time.Hour)
		r, _ := h.run(t, alumni, Options{})
		if got, want := counts(r.Counts), "7 rows: 0 new, 0 updated, 6 unchanged, 1 rejected; 0 conflicts, 0 doubles, 0 without class, 0 logins"; got != want {
			t.Errorf("second report = %s, want %s", got, want)
		}
		if after := h.written(t); !maps.Equal(before, after) {
			t.Errorf("the second import wrote: %d rows before, %d after", len(before), len(after))
		}
	})
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	before := h.written(t)
	tried, _ := h.run(t, alumni, Options{DryRun: true})
	if after := h.written(t); !maps.Equal(before, after) {
		t.Error("the dry run wrote")
	}
	if n, err := db.One[int](t.Context(), h.d, `SELECT count(*) FROM imports`); err != nil || n != 0 {
		t.Errorf("%d imports in the history, %v", n, err)
	}
	r, _ := h.run(t, alumni, Options{})
	r.Logins = 0
	if got, want := counts(tried.Counts), counts(r.Counts); got != want {
		t.Errorf("tried: %s\ndone:  %s", got, want)
	}
}

const (
	header = "Matricule;Nom de naissance;Nom d'usage;Prénom;Date de naissance;Promotion;Spécialité;E-mail perso;Mobile\n"
	laure  = "1;Lavaut;;Laure;31/12/1987;2010;GE;laure@example.org;06 12 34 56 78\n"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		byHand func(t *testing.T, h *house, d people.Dossier)
		row    string
		report string
		want   string // names, birth, degree, contacts, logins
		cases  string
	}{
		{"the list knows better", nil, "1;Lavaut;Dupont;Laure;30/12/1987;2010;IF;laure@new.example;07 82 00 00 00\n", "1 updated",
			"Laure Lavaut/Dupont 1987-12-30 2010 IF email/per=laure@new.example phone/per=+33782000000 +laure.dupont.ly2010 -laure.lavaut.ly2010", ""},
		{"an empty cell says nothing", nil, "1;Lavaut;;Laure;;2010;;;\n", "1 unchanged",
			"Laure Lavaut/ 1987-12-31 2010 GE email/per=laure@example.org phone/per=+33612345678 +laure.lavaut.ly2010", ""},
		{"another class", nil, "1;Lavaut;;Laure;31/12/1987;2011;GE;laure@example.org;06 12 34 56 78\n", "1 updated",
			"Laure Lavaut/ 1987-12-31 2011 GE email/per=laure@example.org phone/per=+33612345678 +laure.lavaut.ly2011 -laure.lavaut.ly2010", ""},
		{"changed by hand, and the list too", func(t *testing.T, h *house, d people.Dossier) {
			must(t, h.people.SaveNames(t.Context(), system(), d.ID, people.Names{FirstName: "Laure", BirthSurname: "Lavaut", UsageSurname: "Petit"}))
			c := d.Contacts[0]
			c.Value = "hand@example.org"
			must(t, h.people.SaveContact(t.Context(), system(), &c))
		}, "1;Lavaut;Dupont;Laure;31/12/1987;2010;IF;laure@new.example;06 12 34 56 78\n", "1 updated",
			"Laure Lavaut/Petit 1987-12-31 2010 IF email/per=hand@example.org phone/per=+33612345678 +laure.petit.ly2010 -laure.lavaut.ly2010",
			"import_conflict/email:>laure@new.example; import_conflict/usage_surname:Petit>Dupont"},
		{"changed by hand, and the list not", func(t *testing.T, h *house, d people.Dossier) {
			must(t, h.people.SaveNames(t.Context(), system(), d.ID, people.Names{FirstName: "Laure", BirthSurname: "Lavaut", UsageSurname: "Petit"}))
		}, laure, "1 unchanged", "Laure Lavaut/Petit 1987-12-31 2010 GE email/per=laure@example.org phone/per=+33612345678 +laure.petit.ly2010 -laure.lavaut.ly2010", ""},
		{"the list now says what the hand wrote", func(t *testing.T, h *house, d people.Dossier) {
			must(t, h.people.SaveNames(t.Context(), system(), d.ID, people.Names{FirstName: "Laure", BirthSurname: "Lavaut", UsageSurname: "Dupont"}))
		}, "1;Lavaut;Dupont;Laure;31/12/1987;2010;GE;laure@example.org;06 12 34 56 78\n", "1 unchanged",
			"Laure Lavaut/Dupont 1987-12-31 2010 GE email/per=laure@example.org phone/per=+33612345678 +laure.dupont.ly2010 -laure.lavaut.ly2010", ""},
		{"a confirmed address stays", func(t *testing.T, h *house, d people.Dossier) {
			must(t, h.people.ConfirmEmail(t.Context(), d.ID, "laure@example.org", "person"))
		}, "1;Lavaut;;Laure;31/12/1987;2010;GE;laure@new.example;06 12 34 56 78\n", "1 unchanged",
			"Laure Lavaut/ 1987-12-31 2010 GE email/per=laure@example.org phone/per=+33612345678 +laure.lavaut.ly2010",
			"import_conflict/email:laure@example.org>laure@new.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				h := newHouse(t, d)
				h.run(t, header+laure, Options{})
				if c.byHand != nil {
					c.byHand(t, h, h.by(t, "Laure"))
				}
				h.clock = h.clock.Add(time.Hour)
				r, _ := h.run(t, header+c.row, Options{})
				if got := counts(r.Counts); !strings.Contains(got, c.report) {
					t.Errorf("report = %s, want %s", got, c.report)
				}
				for range 2 { // and once more: the same file changes nothing and asks nothing again
					p := h.by(t, "Laure")
					got := fmt.Sprintf("%s %s/%s %s %d %s %s %s", p.FirstName, p.BirthSurname, p.UsageSurname, p.BirthDate.Format(time.DateOnly),
						p.Degrees[0].ClassYear, p.Degrees[0].Department, values(p), logins(p))
					if got != c.want {
						t.Errorf("Laure is\n     %s\nwant %s", got, c.want)
					}
					if got := h.cases(t); got != c.cases {
						t.Errorf("desk = %s, want %s", got, c.cases)
					}
					if r, _ := h.run(t, header+c.row, Options{}); r.Unchanged != 1 {
						t.Errorf("again: %s", counts(r.Counts))
					}
				}
			})
		})
	}
}

// What lists say of dues, refusals, deaths and degrees, as they change from one year to the next.
func TestListsThroughTheYears(t *testing.T) {
	t.Parallel()
	const header = "Matricule;Nom;Prénom;Promo;Début adhésion;Fin adhésion;Refus mail;Décédé;École 2;Promo 2\n"
	for _, c := range []struct{ name, first, then, want, cases string }{
		{"dues are paid again", "1;Roux;Paul;1990;01/09/2024;31/08/2025;;;;\n", "1;Roux;Paul;1990;01/09/2024;31/08/2026;;;;\n",
			"graduate ly1990 2024-09-01/2025-08-31 2025-09-01/2026-08-31", ""},
		{"an end that comes nearer is not taken", "1;Roux;Paul;1990;01/09/2024;31/08/2026;;;;\n", "1;Roux;Paul;1990;01/09/2024;31/08/2025;;;;\n",
			"graduate ly1990 2024-09-01/2026-08-31", "import_conflict/membership:2026-08-31>2025-08-31"},
		{"an open one that ends", "1;Roux;Paul;1990;01/09/2024;;;;;\n", "1;Roux;Paul;1990;01/09/2024;31/12/2026;;;;\n", "graduate ly1990 2024-09-01/2027-08-31", ""},
		{"a new refusal", "1;Roux;Paul;1990;;;;;;\n", "1;Roux;Paul;1990;;;12/03/2019;;;\n", "graduate ly1990 no-mailing-2019-03-12", ""},
		{"a death", "1;Roux;Paul;1990;;;;;;\n", "1;Roux;Paul;1990;;;;03/04/2020;;\n", "deceased ly1990", ""},
		{"a second degree", "1;Roux;Paul;1990;;;;;;\n", "1;Roux;Paul;1990;;;;;INSA Rennes;1994\n", "graduate re1994 ly1990", ""},
		{"nothing is ever emptied", "1;Roux;Paul;1990;01/09/2024;31/08/2026;12/03/2019;;INSA Rennes;1994\n", "1;Roux;Paul;;;;;;;\n",
			"graduate re1994 ly1990 2024-09-01/2026-08-31 no-mailing-2019-03-12", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, dbtest.New(t))
			h.run(t, header+c.first, Options{})
			for range 2 {
				h.clock = h.clock.Add(time.Hour)
				h.run(t, header+c.then, Options{})
				p := h.by(t, "Paul")
				got := string(p.Status)
				for _, g := range p.Degrees {
					a, _ := people.Associations{h.ly, h.re}.ByID(g.AssociationID)
					got += fmt.Sprintf(" %s%d", a.Code, g.ClassYear)
				}
				for _, m := range p.Memberships {
					got += " " + m.StartsOn.Format(time.DateOnly) + "/" + m.EndsOn.Format(time.DateOnly)
				}
				for _, no := range p.Consents {
					got += " no-" + no.Kind + "-" + no.At.Format(time.DateOnly)
				}
				if got != c.want || h.cases(t) != c.cases {
					t.Errorf("Paul is %s, desk %s\nwant    %s, desk %s", got, h.cases(t), c.want, c.cases)
				}
			}
		})
	}
}

// A list with numbers of its own does not write one person over another.
func TestAnotherNumbering(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	h.run(t, header+laure, Options{})
	r, rejects := h.run(t, header+"1;Roux;;Paul;;1990;;;\n", Options{})
	if r.Rejected != 1 || !strings.Contains(rejects, "celui de quelqu’un d’autre") || h.by(t, "Laure").BirthSurname != "Lavaut" {
		t.Errorf("%s, rejects:\n%s", counts(r.Counts), rejects)
	}
	must(t, h.people.SaveNames(t.Context(), system(), h.by(t, "Laure").ID, people.Names{FirstName: "Laurence", BirthSurname: "Petit"}))
	for _, row := range []string{"1;Lavaut;;Laure;31/12/1987;2010;IF;;\n", "1;Petit;;Laurence;31/12/1987;2010;GM;;\n"} { // what the list said before, and what the base says now
		if r, rejects := h.run(t, header+row, Options{}); r.Rejected > 0 {
			t.Errorf("%s is rejected:\n%s", row, rejects)
		}
	}
}

// What a person said since goes before a list that says it without a date.
func TestPersonSaidYesSince(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	h.run(t, "Matricule;Nom;Prénom;Promo\n1;Roux;Paul;1990\n", Options{})
	must(t, h.people.AddConsent(t.Context(), system(), people.Consent{PersonID: h.by(t, "Paul").ID, Kind: "mailing", Granted: true, Origin: "person"}))
	must(t, h.people.SaveStatus(t.Context(), system(), h.by(t, "Paul").ID, people.Other, time.Time{}))
	h.run(t, "Matricule;Nom;Prénom;Promo;Refus mail;Décédé\n1;Roux;Paul;1990;oui;03/04/2020\n", Options{})
	if granted, _, _ := people.StatusOn(h.by(t, "Paul").Consents, "mailing"); !granted || h.by(t, "Paul").Status != people.Other {
		t.Error("the list overruled the person")
	}
	if got, want := h.cases(t), "import_conflict/consent:mailing: +>mailing: −; import_conflict/status:other>deceased"; got != want {
		t.Errorf("desk = %s, want %s", got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	const header = "Matricule;Nom;Prénom;Promo;Identifiant\n"
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.run(t, header+"1;Martin;Jean;;\n2;Roux;Paul;2010;\n", Options{})
		// Jean's class is known now, and the same file gives his login to Jeanne, further down; Paul's to somebody new
		r, rejects := h.run(t, header+"1;Martin;Jean;2010;\n2;Roux;Paul;2010;\n3;Martin;Jeanne;2010;jean.martin.ly2010\n4;Autre;Luc;2010;paul.roux.ly2010\n", Options{})
		if got := logins(h.by(t, "Jean")); got != "+jean.martin-2.ly2010" {
			t.Errorf("Jean has %s", got)
		}
		if got := logins(h.by(t, "Jeanne")); got != "+jean.martin.ly2010" {
			t.Errorf("Jeanne has %s", got)
		}
		if r.Rejected != 1 || !strings.Contains(rejects, "paul.roux.ly2010") || r.Rows != 4 || r.Updated != 1 {
			t.Errorf("%s, rejects:\n%s", counts(r.Counts), rejects)
		}
		// a login of somebody else for a person whom the base knows is the desk's affair
		h.run(t, header+"2;Roux;Paul;2010;jean.martin.ly2010\n", Options{})
		if got := h.cases(t); !strings.Contains(got, "import_conflict/login:>jean.martin.ly2010") {
			t.Errorf("desk = %s", got)
		}
		if got := logins(h.by(t, "Paul")); got != "+paul.roux.ly2010" {
			t.Errorf("Paul has %s", got)
		}
	})
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	const header = "Nom;Prénom;Promo;Date de naissance;E-mail;École\n"
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		r, _ := h.run(t, header+"Lavaut;Laure;2010;;a@example.org;\nLAVAUT;laure;2010;31/12/1987;;\nAutre;Luc;1990;;a@example.org;\nNeutre;Ida;1991;;;\n", Options{})
		if r.Inserted != 4 {
			t.Errorf("%s", counts(r.Counts))
		}
		if got, want := h.cases(t), "duplicate/Même adresse e-mail; duplicate/Même nom et même promo"; got != want {
			t.Errorf("desk = %s, want %s", got, want)
		}
		// another school, another year, the same birth date: whoever is a graduate of two schools is one person
		h.run(t, header+"Lavaut;Laure;2012;31/12/1987;;INSA Rennes\nLavaut;Laure;2010;01/01/1950;;INSA Rennes\n", Options{})
		if got, want := h.cases(t), "duplicate/Même adresse e-mail; duplicate/Même nom et même date de naissance; duplicate/Même nom et même promo"; got != want {
			t.Errorf("desk = %s, want %s", got, want)
		}
	})
}

func TestRights(t *testing.T) {
	t.Parallel()
	h := newHouse(t, dbtest.New(t))
	webmaster := viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Webmaster, Association: h.ly.ID}}}
	secretary := viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Secretary, Association: h.ly.ID}}}
	list := "Nom;Prénom;Promo;École\nLavaut;Laure;2010;INSA Lyon\nRoux;Paul;2011;INSA Rennes\n"
	for _, c := range []struct {
		name        string
		v           viewer.Viewer
		association string
		kind        errs.Kind
		counts      string
	}{
		{"guest", viewer.Viewer{}, "ly", errs.Forbidden, ""},
		{"secretary", secretary, "ly", errs.Forbidden, ""},
		{"webmaster elsewhere", webmaster, "re", errs.Forbidden, ""},
		{"webmaster", webmaster, "ly", errs.Internal, "1 new, 0 updated, 0 unchanged, 1 rejected"},
	} {
		r, err := h.Run(t.Context(), c.v, text(list), Options{Association: c.association})
		if c.counts == "" && !errors.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", c.name, err, c.kind)
		}
		if c.counts != "" && (err != nil || !strings.Contains(counts(r.Counts), c.counts)) {
			t.Errorf("%s: %v, %s, want %s", c.name, err, counts(r.Counts), c.counts)
		}
	}
}

func TestTwoAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var second error
		_, err := h.Run(t.Context(), system(), text(alumni), Options{Association: "ly", Progress: func(p Progress) {
			if p.Stage == Reading {
				_, second = h.Run(t.Context(), system(), text(alumni), Options{Association: "ly"})
			}
		}})
		if err != nil || !errors.Is(second, errs.Conflict) {
			t.Errorf("first: %v, second: %v, want it refused", err, second)
		}
		if r, _ := h.run(t, alumni, Options{}); r.Unchanged != 6 {
			t.Errorf("afterwards: %s", counts(r.Counts))
		}
	})
}

func TestEraseAndMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		list := header + laure + "2;Roux;;Paul;;2011;;paul@example.org;\n3;Roux;;Paulin;;2011;;;\n"
		h.run(t, list, Options{})
		must(t, h.people.Erase(t.Context(), system(), h.by(t, "Laure").ID, h.Eraser()))
		if _, err := h.people.Merge(t.Context(), system(), h.by(t, "Paulin").ID, h.by(t, "Paul").ID, h.Merger()); err != nil {
			t.Fatal(err)
		}
		r, rejects := h.run(t, list, Options{})
		if got, want := counts(r.Counts), "3 rows: 0 new, 0 updated, 2 unchanged, 1 rejected;"; !strings.HasPrefix(got, want) || !strings.Contains(rejects, "effacée") {
			t.Errorf("%s, want %s; rejects:\n%s", got, want, rejects)
		}
		// what a list says of the double now goes to the one who stays
		h.run(t, header+"3;Roux;;Paulin;;2011;GC;;\n", Options{})
		if paul := h.by(t, "Paul"); paul.Degrees[0].Department != "GC" || len(paul.Degrees) != 1 {
			t.Errorf("Paul's degrees are %+v", paul.Degrees)
		}
		out, err := h.people.Export(t.Context(), system(), h.by(t, "Paul").ID, h.Exporter())
		if err != nil || len(out.Features["imports"].([]Said)) != 2 {
			t.Errorf("export %+v, %v", out.Features, err)
		}
	})
}
