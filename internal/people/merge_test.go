package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

func TestMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		into := graduate("Laure", "Durand", b.ly, 2010)
		into.Headline, into.ActivatedAt = "mine", time.Time{}
		into.Degrees[0].Department = ""
		into.Contacts = []people.ContactPoint{
			{Kind: people.Email, Value: "LAURE@exemple.fr", Audience: viewer.OnlyMe, Preferred: true},
			{Kind: people.Postal, Street: "1, rue de l'Eglise", Postcode: "69100", City: "VILLEURBANNE", Country: "FR"},
		}
		into.Memberships = []people.Membership{{AssociationID: b.ly.ID, StartsOn: noon, EndsOn: noon, Origin: "secretary"}}
		into.Redirects = []string{"laure@exemple.fr"}
		from := full(b)
		from.Redirects = append(from.Redirects, "other@exemple.fr")
		from.Degrees[1].Department = "GE"
		from.BirthSurname = "Durand"
		i, f := b.add(t, into), b.add(t, from)
		b.wantLogins(t, "before", f, "Laure_L laure.lavaut.ly2010* laure.lavaut.re2012*")

		merged := 0
		moved, err := b.Merge(t.Context(), admin(), f, i, people.Merger{Name: "test", Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
			merged++
			if from != f || into != i {
				t.Errorf("the feature merges %v into %v", from, into)
			}
			return nil
		}})
		if err != nil || merged != 1 {
			t.Fatalf("Merge() = %v, the feature ran %d times", err, merged)
		}
		if moved.Degrees != 2 || moved.Collapsed != 1 || len(moved.Logins) != 3 || moved.Contacts != 3 || moved.Memberships != 1 ||
			moved.LegacyIDs != 2 || moved.Consents != 1 || moved.Redirects != 1 || moved.Name != "Laure Lavaut" {
			t.Errorf("Moved = %+v", moved)
		}
		got := b.dossier(t, i)
		if got.Headline != "mine" || got.Presentation != "Un\n\ndeux" || got.UsageSurname != "Lavaut" || got.BirthYear != 1987 || !got.Activated() || got.Photo != "photo/x" {
			t.Errorf("person = %+v", got.Person)
		}
		if got.Audiences[people.FieldPhoto] != viewer.Everyone || got.Note["Couleur préférée"] == "" {
			t.Errorf("audiences %v, note %v", got.Audiences, got.Note)
		}
		// The usage name came along, so the login of that name is the one shown again.
		b.wantLogins(t, "after", i, "Laure_L laure.durand.ly2010 laure.lavaut.ly2010* laure.lavaut.re2012*")
		if len(got.Degrees) != 3 || got.Degrees[1].Department != "GE" || len(got.Contacts) != 5 || len(got.Memberships) != 2 || len(got.Redirects) != 2 {
			t.Errorf("%d degrees (%q), %d contacts, %d memberships, %d redirects; want 3 (GE), 5, 2, 2",
				len(got.Degrees), got.Degrees[1].Department, len(got.Contacts), len(got.Memberships), len(got.Redirects))
		}
		mail, ok := got.PreferredEmail()
		if !ok || mail.ValueKey != "laure@exemple.fr" || mail.Audience != viewer.OnlyMe || !mail.ConfirmedAt.Equal(noon) {
			t.Errorf("preferred = %+v, want his own one, confirmed now", mail)
		}
		if _, err := b.Dossier(t.Context(), system, f); !errors.Is(err, errs.NotFound) {
			t.Errorf("Dossier(double) = %v, want not found", err)
		}
		for _, p := range []id.ID{f, i} {
			if n := b.touched(t, p); n != 2 {
				t.Errorf("the feed names %v %d times, want 2", p, n)
			}
		}
		b.wantLogins(t, "somebody new", b.add(t, graduate("Laure", "Lavaut", b.re, 2012)), "laure.lavaut-2.re2012*")
	})
}

func TestMergeKeepsTheShownLogin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		one, two := b.add(t, graduate("Anne", "Roy", b.ly, 2010)), b.add(t, graduate("Anne", "Roy", b.ly, 2010))
		if _, err := b.Merge(t.Context(), staff(viewer.Webmaster, b.ly), one, two); err != nil {
			t.Fatal(err)
		}
		b.wantLogins(t, "merged", two, "anne.roy-2.ly2010* anne.roy.ly2010")
		if _, given, err := b.GenerateLogins(t.Context(), system, id.ID{}, 10); err != nil || given != 0 {
			t.Errorf("GenerateLogins() = %d, %v, want 0", given, err)
		}
	})
}

func TestMergeNeverChains(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		var p []id.ID
		for range 3 {
			p = append(p, b.add(t, graduate("Anne", "Roy", b.ly, 2010)))
		}
		for _, c := range []struct {
			from, into int
			want       error
		}{{0, 0, errs.Invalid}, {0, 1, nil}, {0, 2, errs.NotFound}, {2, 0, errs.NotFound}, {1, 2, nil}} {
			if _, err := b.Merge(t.Context(), admin(), p[c.from], p[c.into]); !errors.Is(err, c.want) {
				t.Errorf("Merge(%d, %d) = %v, want %v", c.from, c.into, err, c.want)
			}
		}
		n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM persons WHERE merged_into = ?`, p[2])
		if err != nil || n != 2 {
			t.Errorf("%d doubles lead to the last, %v; want 2", n, err)
		}
		for _, l := range []string{"anne.roy.ly2010", "anne.roy-2.ly2010", "anne.roy-3.ly2010"} {
			if got, err := b.PersonByLogin(t.Context(), l); err != nil || got != p[2] {
				t.Errorf("PersonByLogin(%s) = %v, %v, want the last", l, got, err)
			}
		}
	})
}

func TestWhoMayMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		both := staff(viewer.Webmaster, b.ly)
		both.Roles = append(both.Roles, viewer.Role{Name: viewer.Webmaster, Association: b.re.ID})
		for _, c := range []struct {
			name string
			v    viewer.Viewer
			want error
		}{
			{"a guest", viewer.Viewer{}, errs.NotFound},
			{"a graduate", self(id.New()), errs.NotFound},
			{"the webmaster of one", staff(viewer.Webmaster, b.ly), errs.NotFound},
			{"the secretary", staff(viewer.Secretary, b.ly), errs.NotFound},
			{"the webmaster of both", both, nil},
			{"the federation", admin(), nil},
		} {
			from, into := b.add(t, graduate("Anne", "Roy", b.ly, 2010)), b.add(t, graduate("Anne", "Roy", b.re, 2012))
			if _, err := b.Merge(t.Context(), c.v, from, into); !errors.Is(err, c.want) {
				t.Errorf("Merge by %s = %v, want %v", c.name, err, c.want)
			}
		}
		from, into := b.add(t, graduate("Luc", "Roy", b.ly, 2010)), b.add(t, graduate("Luc", "Roy", b.ly, 2010))
		if _, err := b.Merge(t.Context(), staff(viewer.Secretary, b.ly), from, into); !errors.Is(err, errs.Forbidden) {
			t.Errorf("Merge by the secretary of both = %v, want forbidden", err)
		}
		boom := errors.New("boom")
		if _, err := b.Merge(t.Context(), admin(), from, into, people.Merger{Name: "test", Merge: func(context.Context, viewer.Viewer, id.ID, id.ID) error { return boom }}); !errors.Is(err, boom) {
			t.Errorf("Merge with a feature that fails = %v", err)
		}
		if got := b.dossier(t, from); len(got.Degrees) != 1 {
			t.Error("a failed merge moved something")
		}
	})
}

func TestExport(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.add(t, full(b))
		out, err := b.Export(t.Context(), self(person), person,
			people.Exporter{Name: "badges", Export: func(context.Context, viewer.Viewer, id.ID) (any, error) { return []string{"first badge"}, nil }},
			people.Exporter{Name: "empty", Export: func(context.Context, viewer.Viewer, id.ID) (any, error) { return nil, nil }})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"first_names":"Laure Marie"`, `"birth_date":"1987-02-28"`, `"presentation":"Un\n\ndeux"`, `"association":"re"`,
			`"login":"laure.lavaut.ly2010"`, `"Laure_L"`, `"value":"laure.lavaut@mail.example"`, `+33`, `"street":"1 rue de l’Église"`, `"valid_to":"2026-12-31"`,
			`"starts_on":"2025-01-01"`, `"source":"galette"`, `"kind":"mailing"`, `"laure@exemple.fr"`, `"Couleur préférée":"bleu d'eau"`, `"first badge"`,
			`"photo":"everyone"`, `"birth_date":"me"`} {
			if want == `+33` {
				want = `01 99 00 12 34`
			}
			if !strings.Contains(string(text), want) {
				t.Errorf("Export() lacks %s: %s", want, text)
			}
		}
		if strings.Contains(string(text), `"empty"`) || strings.Contains(string(text), "0001-01-01") {
			t.Errorf("Export() says what is not: %s", text)
		}
		if _, err := b.Export(t.Context(), self(id.New()), person); !errors.Is(err, errs.NotFound) {
			t.Errorf("Export() for another = %v, want not found", err)
		}
	})
}

func TestErase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		double, person := b.add(t, full(b)), b.add(t, graduate("Laure", "Lavaut", b.ly, 2010))
		if _, err := b.Merge(t.Context(), system, double, person); err != nil {
			t.Fatal(err)
		}
		for _, v := range []viewer.Viewer{{}, self(id.New()), staff(viewer.Secretary, b.ly), staff(viewer.Webmaster, b.ly)} {
			if err := b.Erase(t.Context(), v, person); !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Forbidden) {
				t.Errorf("Erase by %+v = %v", v, err)
			}
		}
		erased := 0
		if err := b.Erase(t.Context(), self(person), person, people.Eraser{Name: "test", Erase: func(ctx context.Context, _ viewer.Viewer, p id.ID) error {
			_, err := b.Dossier(ctx, system, p)
			erased++
			return err
		}}); err != nil || erased != 1 {
			t.Fatalf("Erase() = %v, the feature ran %d times", err, erased)
		}
		for _, table := range []string{"persons", "degrees", "contact_points", "memberships", "legacy_ids", "consents", "redirect_targets"} {
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM `+table); err != nil || n != 0 {
				t.Errorf("%d rows in %s, %v; want 0", n, table, err)
			}
		}
		b.wantLogins(t, "a namesake later", b.add(t, graduate("Laure", "Lavaut", b.ly, 2010)), "laure.lavaut-3.ly2010*")
		if _, err := b.PersonByLogin(t.Context(), "laure.lavaut.ly2010"); !errors.Is(err, errs.NotFound) {
			t.Errorf("PersonByLogin() of an erased person = %v, want not found", err)
		}
		if n := b.touched(t, person); n != 3 {
			t.Errorf("the feed names the person %d times, want 3", n)
		}
	})
}

func TestEachDossier(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		var list []people.Dossier
		for i := range 2500 {
			p := graduate("Anne", fmt.Sprint("Roy ", i), b.ly, 2010)
			p.Contacts = []people.ContactPoint{{Kind: people.Email, Value: fmt.Sprintf("a%d@exemple.fr", i)}}
			list = append(list, p)
		}
		ids := b.insert(t, list...)
		if _, err := b.Merge(t.Context(), system, ids[7], ids[8]); err != nil {
			t.Fatal(err)
		}
		var got []id.ID
		if err := b.EachDossier(t.Context(), system, ids[4], func(p *people.Dossier) error {
			got = append(got, p.ID)
			if len(p.Degrees) != 1 || len(p.Contacts) < 1 {
				t.Errorf("%s came with %d degrees and %d contacts", p.Name(), len(p.Degrees), len(p.Contacts))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := slices.Delete(slices.Clone(ids[5:]), 2, 3)
		if !slices.Equal(got, want) {
			t.Errorf("EachDossier gave %d persons, want %d in order", len(got), len(want))
		}
		boom := errors.New("boom")
		n := 0
		if err := b.EachDossier(t.Context(), system, id.ID{}, func(*people.Dossier) error { n++; return boom }); !errors.Is(err, boom) || n != 1 {
			t.Errorf("EachDossier() = %v after %d, want boom after 1", err, n)
		}
		if err := b.EachDossier(t.Context(), admin(), id.ID{}, func(*people.Dossier) error { return nil }); !errors.Is(err, errs.Forbidden) {
			t.Errorf("EachDossier() for an admin = %v, want forbidden", err)
		}
	})
}
