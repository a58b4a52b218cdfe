package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"amicale/internal/accounts"
	"amicale/internal/ambassadors"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// ground are the packages below the features that know persons too, and what app calls their duties.
var ground = map[string]struct{ export, erase, merge string }{
	"audit": {"trail", "trail and letters", "trail and letters"}, "outbox": {"letters", "trail and letters", "trail and letters"},
}

// personColumns are the columns that hold persons: those that refer to the table, and those named so.
func personColumns(t *testing.T, d *db.DB) []string {
	t.Helper()
	refer := `SELECT m.name || '.' || f."from" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f."table" = 'persons'`
	if d.Postgres() {
		refer = `SELECT t.relname || '.' || a.attname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
			JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
			WHERE k.contype = 'f' AND k.confrelid = 'persons'::regclass AND k.connamespace = current_schema()::regnamespace`
	}
	out, err := db.All[string](t.Context(), d, refer)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := d.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		for _, c := range table.Columns {
			if name := table.Name + "." + c.Name; c.Type == "UUID" && strings.Contains(c.Name, "person") && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// writers finds which package adds rows to a table.
func writers(t *testing.T, table string) []string {
	t.Helper()
	insert := regexp.MustCompile(`(?i)insert\s+into\s+` + table + `\b|["` + "`" + `]` + table + ` \(`) // the second form is InsertMany's
	out := map[string]bool{}
	sources(t, ".go", func(path, content string) {
		if !strings.HasSuffix(path, "_test.go") && insert.MatchString(content) {
			out[filepath.Base(filepath.Dir(path))] = true
		}
	})
	return slices.Sorted(maps.Keys(out))
}

func TestEveryTableWithPersonsHasItsDuties(t *testing.T) {
	t.Parallel()
	w := webtest.Empty(t, dbtest.New(t))
	var export, erase, merge []string
	for _, x := range w.App.Exporters() {
		export = append(export, x.Name)
	}
	for _, x := range w.App.Erasers() {
		erase = append(erase, x.Name)
	}
	for _, x := range w.App.Mergers() {
		merge = append(merge, x.Name)
	}
	columns := personColumns(t, w.DB)
	if len(columns) < 12 {
		t.Fatalf("only %d columns with persons: %q", len(columns), columns)
	}
	for _, c := range columns {
		table, _, _ := strings.Cut(c, ".")
		who := writers(t, table)
		if len(who) == 0 {
			t.Errorf("nobody writes %s", table)
		}
		for _, p := range who {
			if p == "people" { // exports, erases and merges its own tables
				continue
			}
			names, ok := ground[p]
			if !ok {
				names.export, names.erase, names.merge = p, p, p
			}
			for what, has := range map[string]bool{"exporter": slices.Contains(export, names.export), "eraser": slices.Contains(erase, names.erase), "merger": slices.Contains(merge, names.merge)} {
				if !has {
					t.Errorf("%s keeps %s and has no %s in duties.go", p, c, what)
				}
			}
		}
	}
}

// places are the columns in which a text stands, as such or within another, with how often.
func places(t *testing.T, d *db.DB, text string) map[string]int {
	t.Helper()
	tables, err := d.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, table := range tables {
		if err := d.Rows(t.Context(), table, func(values []any) error {
			for i, v := range values {
				if s, ok := v.(string); ok && strings.Contains(s, text) {
					out[table.Name+"."+table.Columns[i].Name]++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// lived is a graduate of Lyon who left something in every table that knows persons. name is a word of her own.
func lived(t *testing.T, w *webtest.World, name string) (person id.ID) {
	t.Helper()
	ctx, system := t.Context(), viewer.ForSystem("test")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.App.People().Associations(ctx)
	do(err)
	ly, _ := all.ByCode("ly")
	email := strings.ToLower(name) + "@exemple.fr"
	person = id.New()
	do(w.App.People().Insert(ctx, system, []people.Dossier{{
		Person: people.Person{ID: person, FirstName: "Ada", FirstNames: "Ada", BirthSurname: name, Status: people.Graduate, ActivatedAt: w.App.Now()}, Note: map[string]string{"colonne": name},
		Degrees: []people.Degree{{AssociationID: ly.ID, ClassYear: 2001, Department: name}}, LegacyIDs: []people.LegacyID{{Source: "ly", Value: name}},
		Contacts:    []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: email, Preferred: true, ConfirmedAt: w.App.Now(), Origin: "import"}},
		Memberships: []people.Membership{{AssociationID: ly.ID, StartsOn: w.App.Now(), EndsOn: w.App.Now().AddDate(1, 0, 0), Origin: "import"}},
		Consents:    []people.Consent{{Kind: "mailing", At: w.App.Now(), Origin: name}}, Redirects: []string{email},
	}}))
	do(w.App.People().GenerateLoginsFor(ctx, person))
	dossier, err := w.App.People().Dossier(ctx, system, person)
	do(err)
	_, err = w.App.Accounts().OpenFor(ctx, person)
	do(err)
	_, err = w.App.Accounts().IssueLink(ctx, accounts.Link{Purpose: accounts.ForEmail, Person: person, Email: email, TTL: 3600e9})
	do(err)

	// Her double of old, whom somebody found out.
	double := id.New()
	do(w.App.People().Insert(ctx, system, []people.Dossier{{Person: people.Person{ID: double, FirstName: "Ada", BirthSurname: name}, Degrees: []people.Degree{{AssociationID: ly.ID, ClassYear: 2001}}}}))
	_, err = w.App.People().Merge(ctx, system, double, person, w.App.Mergers()...)
	do(err)

	// What she did herself: a change that can be taken back, the wish to be erased, an activation.
	c := w.As(dossier.CurrentLogin())
	version := c.Get("/moi/profil").Want(200).Doc().Find(`form[action="/moi/profil/presentation"] [name=version]`).AttrOr("value", "")
	c.Post("/moi/profil/presentation", "version", version, "headline", "Accroche de "+name).Want(303)
	c.Post("/moi/donnees/effacer").Want(303)
	c.Post("/connexion/activer/envoi", "surname", name, "year", "2001", "email", email, "phone", "04 65 71 00 99").Want(303)
	w.Run()
	w.As(webtest.Webmaster).Get("/p/" + dossier.CurrentLogin()).Want(200) // leaves a trail
	w.As(webtest.Webmaster).Post(ambassadors.Path, "association", ly.ID.String(), "promo", "2001", "person", person.String()).Want(303)
	livedByMail(t, w, dossier, name)

	// What no page can bring about so soon is put there: a case, one in which she is the second, what a list said.
	for column, other := range map[string]string{"person_id": "other_id", "other_id": "person_id"} {
		_, err := w.DB.Exec(ctx, `INSERT INTO cases (id, kind, association_id, `+column+`, `+other+`, reason, claim, detail, lang, times, state, outcome, assignee, scan_key, scan_name, scan_type, alarm, version,
			opened_at, waiting_since, updated_at) VALUES (?, 'duplicate', ?, ?, NULL, 'test', ?, ?, 'fr', 1, 'open', '', '', '', '', '', 0, 1, ?, ?, ?)`,
			id.New(), ly.ID, person, `{"surname":"`+name+`"}`, `{}`, w.App.Now(), w.App.Now(), w.App.Now())
		do(err)
	}
	_, err = w.DB.Exec(ctx, `INSERT INTO import_records (identity, person_id, source, line, import_id, record, created_at, updated_at) VALUES (?, ?, 'liste.csv', 2, ?, ?, ?, ?)`,
		id.New(), person, id.New(), `{"nom":"`+name+`"}`, w.App.Now(), w.App.Now())
	do(err)
	return person
}

// everywhere fails the test unless the person stands in each column that holds persons.
func everywhere(t *testing.T, d *db.DB, person id.ID) {
	t.Helper()
	at := places(t, d, person.String())
	for _, c := range personColumns(t, d) {
		if at[c] == 0 {
			t.Errorf("lived leaves nothing in %s: add there how a row comes about", c)
		}
	}
}

func TestErasedIsNowhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		person := lived(t, w, "Zorgwell")
		everywhere(t, d, person)
		err := w.App.People().Erase(t.Context(), viewer.ForSystem("test"), person, w.App.Erasers()...)
		if err != nil {
			t.Fatal(err)
		}
		w.Run()
		only(t, places(t, d, person.String()), map[string]string{
			"changes.entity":    "other processes are told to forget",
			"audit.person_id":   "that something happened stays, without what and who",
			"campaigns.made_to": "how far the recipients were made, in the order of identifiers",
			"jobs.payload":      "a reminder that will find nobody, gone within five days",
			"jobs.unique_key":   "the same",
		})
		only(t, places(t, d, "Zorgwell"), nil)
		only(t, places(t, d, "zorgwell"), map[string]string{"logins.login": "never given again", "logins.login_key": "never given again"})
		// Lists, pages and searches have forgotten her too.
		for at, a := range crawl(t, w.As(webtest.Federation), "/annuaire?q=zorgwel", "/api/v1/people?q=zorgwel", "/admin/journal", "/admin/guichet?etat=clos") {
			if strings.Contains(a.Body, "Zorgwell") {
				t.Errorf("GET %s still names her", at)
			}
		}
	})
}

func TestMergedIsOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		from, into := lived(t, w, "Zorgwell"), lived(t, w, "Zorgwelle")
		before := places(t, d, into.String())
		_, err := w.App.People().Merge(t.Context(), viewer.ForSystem("test"), from, into, w.App.Mergers()...)
		if err != nil {
			t.Fatal(err)
		}
		w.Run()
		only(t, places(t, d, from.String()), map[string]string{
			"persons.id":        "the row that leads on",
			"changes.entity":    "other processes are told",
			"audit.detail":      "the trail says who was merged",
			"persons.photo":     "the folder of a photo that moved",
			"campaigns.made_to": "how far the recipients were made, in the order of identifiers",
			"jobs.payload":      "a reminder that will find nobody, gone within five days",
			"jobs.unique_key":   "the same",
		})
		after := places(t, d, into.String())
		for _, c := range personColumns(t, d) {
			if strings.HasPrefix(c, "profile_") { // what could be taken back cannot any more
				continue
			}
			if after[c] < before[c] {
				t.Errorf("%s: %d rows lead to the one who stays, %d before", c, after[c], before[c])
			}
		}
		for _, c := range []string{"degrees", "legacy_ids", "consents", "redirect_targets", "logins", "cases", "import_records", "audit", "outbox",
			"bounce_switches", "bounce_claims", "campaign_recipients", "forwarding_passwords", "forwarding_held", "subscription_choices"} {
			if after[c+".person_id"] <= before[c+".person_id"] && c != "degrees" {
				t.Errorf("%s: nothing of the double came over (%d rows, %d before)", c, after[c+".person_id"], before[c+".person_id"])
			}
		}
	})
}

func TestEverythingIsGivenOut(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 5)
	person := lived(t, w, "Zorgwell")
	dossier, err := w.App.People().Dossier(t.Context(), viewer.ForSystem("test"), person)
	if err != nil {
		t.Fatal(err)
	}
	a := w.As(dossier.CurrentLogin()).Get("/moi/donnees/donnees.json").Want(200, "Accroche de Zorgwell")
	var got struct {
		Degrees, Logins, Contacts, Memberships []any
		LegacyIDs                              []any `json:"legacy_ids"`
		Consents, Redirects                    []any
		Note                                   map[string]string
		Features                               map[string]any
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]int{"degrees": len(got.Degrees), "logins": len(got.Logins), "contacts": len(got.Contacts), "memberships": len(got.Memberships),
		"legacy ids": len(got.LegacyIDs), "consents": len(got.Consents), "redirects": len(got.Redirects), "note": len(got.Note)} {
		if n == 0 {
			t.Errorf("no %s in what she downloads", what)
		}
	}
	for _, x := range w.App.Exporters() {
		if v := got.Features[x.Name]; v == nil || fmt.Sprint(v) == "[]" {
			t.Errorf("nothing of %s in what she downloads", x.Name)
		}
	}
	for _, secret := range []string{"password_hash", "argon2", "token_hash", "totp_secret"} {
		if strings.Contains(a.Body, secret) {
			t.Errorf("what she downloads holds %q", secret)
		}
	}
}

// only fails the test where something stands in a column other than those, each named with its reason.
func only(t *testing.T, at map[string]int, reasons map[string]string) {
	t.Helper()
	for _, c := range slices.Sorted(maps.Keys(at)) {
		if reasons[c] == "" {
			t.Errorf("%s still leads to the person who is gone: %d rows", c, at[c])
		}
	}
}
