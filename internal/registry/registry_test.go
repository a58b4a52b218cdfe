package registry_test

import (
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
	"amicale/internal/registry"
	"amicale/internal/viewer"
)

func TestParseQuery(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]registry.Query{
		"Laure L’Hame 2010":        {Words: []string{"laure", "l", "hame"}, Year: 2010},
		" <Laure@Exemple.fr> ":     {Email: "laure@exemple.fr"},
		"laure.lavaut.ly2010":      {Words: []string{"laure", "lavaut", "ly2010"}, Login: "laure.lavaut.ly2010"},
		"":                         {},
		"% _":                      {},
		"a b c d e f g":            {Words: []string{"a", "b", "c", "d", "e"}},
		"laure.lavaut.ly2010@ly.x": {Email: "laure.lavaut.ly2010@ly.x", Login: "laure.lavaut.ly2010"},
	} {
		got := registry.ParseQuery(typed)
		if want.Login != "" && got.Login != want.Login {
			t.Errorf("ParseQuery(%q).Login = %q, want %q", typed, got.Login, want.Login)
		}
		got.Login, want.Login = "", ""
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("ParseQuery(%q) = %+v, want %+v", typed, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add("Laure", "Lavaut", w.ly, 2010)
		w.must(w.SaveNames(t.Context(), federation(), laure.ID, people.Names{FirstName: "Laure", BirthSurname: "Lavaut", UsageSurname: "de La Tour"}))
		w.add("Anne", "Lavaut", w.re, 2011)
		w.add("Jean-Luc", "Petit", w.ly, 2011)
		webmaster := actor(viewer.Webmaster, w.ly.ID).Viewer
		for _, c := range []struct {
			v     viewer.Viewer
			typed string
			want  string
		}{
			{federation().Viewer, "lavaut", "Anne Laure"},
			{webmaster, "lavaut", "Laure"},
			{webmaster, "LAVÀUT laure", "Laure"},
			{webmaster, "tour", "Laure"},
			{webmaster, "lav 2011", ""},
			{webmaster, "luc 2011", "Jean-Luc"},
			{webmaster, "2011", "Jean-Luc"},
			{webmaster, "laure.lavaut.ly2010", "Laure"},
			{webmaster, "Laure.Lavaut.LY.2010", "Laure"},
			{webmaster, "anne.lavaut.re2011", ""},
			{webmaster, "petit@exemple.fr", "Jean-Luc"},
			{webmaster, "laure.lavaut.ly2010@ly.example", "Laure"},
			{webmaster, "%", ""},
			{webmaster, "", ""},
		} {
			list, err := w.Find(t.Context(), c.v, registry.ParseQuery(c.typed), 10, 0)
			var names []string
			for _, f := range list {
				names = append(names, f.FirstName)
			}
			slices.Sort(names)
			if err != nil || strings.Join(names, " ") != c.want {
				t.Errorf("Find(%q) = %v, %v; want %q", c.typed, names, err, c.want)
			}
		}
		_, err := w.Find(t.Context(), actor(viewer.Editor, w.ly.ID).Viewer, registry.ParseQuery("lavaut"), 10, 0)
		w.refused("an editor", err, errs.Forbidden)
	})
}

func TestRecordIsForItsStaff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add("Laure", "Lavaut", w.ly, 2010)
		path := registry.Path + "/" + laure.ID.String()
		self := viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: laure.ID}}
		elsewhere := actor(viewer.Webmaster, w.re.ID)
		elsewhere.Person = laure.ID // a webmaster of another school who is this very person: her own profile is the place
		w.want("guest", viewer.Actor{}, path, 303)
		w.want("graduate", self, path, 403)
		w.want("editor", actor(viewer.Editor, w.ly.ID), path, 403)
		w.want("another school's webmaster", actor(viewer.Webmaster, w.re.ID), path, 404)
		w.want("herself, elsewhere's webmaster", elsewhere, path, 404)
		if got := w.actions(laure); len(got) != 0 {
			t.Errorf("the trail = %v before anybody read", got)
		}
		secretary, webmaster := actor(viewer.Secretary, w.ly.ID), actor(viewer.Webmaster, w.ly.ID)
		w.want("secretary", secretary, path, 200, "lavaut@exemple.fr", "Enregistrer une adhésion")
		w.want("webmaster", webmaster, path, 200, "lavaut@exemple.fr", "import", "Modifier les noms", "&lt;i&gt;vieille", "laure.lavaut.ly2010")
		w.want("webmaster again", webmaster, path, 200)
		if got := w.actions(laure); !slices.Equal(got, []string{"staff.viewed_record", "staff.viewed_record"}) {
			t.Errorf("the trail = %v, want one line a reader", got)
		}
		if _, body := w.ask(secretary, path); strings.Contains(body, "Modifier les noms") {
			t.Error("the secretary is offered to change names")
		}
		w.want("nobody", webmaster, registry.Path+"/"+id.New().String(), 404)
		w.want("search", webmaster, registry.Path+"?q=lavaut", 200, "Laure Lavaut", "jamais activé")
		w.want("search for nobody", webmaster, registry.Path+"?q=zzz", 200, "Personne ne correspond", "/admin/personnes/nouvelle?nom=zzz")
	})
}

func TestEdits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add("Laure", "Lavaut", w.ly, 2010)
		degree, email := laure.Degrees[0].ID.String(), laure.Contacts[0].ID.String()
		path := registry.Path + "/" + laure.ID.String()
		webmaster, secretary, other := actor(viewer.Webmaster, w.ly.ID), actor(viewer.Secretary, w.ly.ID), actor(viewer.Webmaster, w.re.ID)
		names := []string{"first_name", "Laure", "birth_surname", "Lavaut", "usage_surname", "Petit"}
		for _, c := range []struct {
			what   string
			by     viewer.Actor
			path   string
			form   []string
			status int
			text   string
		}{
			{"no surname", webmaster, "/noms", []string{"first_name", "Zoé"}, 422, `value="Zoé"`},
			{"names by the secretary", secretary, "/noms", names, 403, ""},
			{"names by another school", other, "/noms", names, 404, ""},
			{"names", webmaster, "/noms", names, 303, ""},
			{"born tomorrow", webmaster, "/naissance", []string{"birth_date", "2050-01-01"}, 422, "Cette date ne va pas"},
			{"born", webmaster, "/naissance", []string{"birth_date", "1987-05-03"}, 303, ""},
			{"an unknown status", webmaster, "/situation", []string{"status", "king"}, 422, ""},
			{"a student", webmaster, "/situation", []string{"status", "student"}, 303, ""},
			{"a degree without a year", webmaster, "/diplome", []string{"association", w.ly.ID.String(), "diploma", "master", "class_year", "x"}, 422, "quatre chiffres"},
			{"a degree of another school", webmaster, "/diplome", []string{"association", w.re.ID.String(), "diploma", "master", "class_year", "2012"}, 403, ""},
			{"a degree", webmaster, "/diplome", []string{"about", degree, "association", w.ly.ID.String(), "diploma", "engineer", "class_year", "2011", "department", "GE"}, 303, ""},
			{"the last degree", webmaster, "/diplome/retirer", []string{"about", degree}, 409, "seul diplôme"},
			{"a bad address", secretary, "/coordonnee", []string{"kind", "email", "purpose", "personal", "value", "nope"}, 422, `value="nope"`},
			{"an address", secretary, "/coordonnee", []string{"about", email, "kind", "email", "purpose", "professional", "value", "new@exemple.fr"}, 303, ""},
			{"a number", secretary, "/coordonnee", []string{"kind", "phone", "purpose", "personal", "value", "06 12 34 56 78"}, 303, ""},
			{"a house", secretary, "/coordonnee", []string{"kind", "postal", "purpose", "temporary", "street", "1 rue X", "city", "Lyon", "country", "fr", "valid_from", "2026-01-01", "valid_to", "2026-03-01"}, 303, ""},
			{"dues that end before", secretary, "/adhesion", []string{"association", w.ly.ID.String(), "starts_on", "2026-01-01", "ends_on", "2025-01-01"}, 422, "La fin vient avant"},
			{"dues of another school", secretary, "/adhesion", []string{"association", w.re.ID.String(), "starts_on", "2026-01-01", "ends_on", "2026-12-31"}, 403, ""},
			{"dues", secretary, "/adhesion", []string{"association", w.ly.ID.String(), "starts_on", "2026-01-01", "ends_on", "2026-12-31"}, 303, ""},
			{"a link by the secretary", secretary, "/lien", []string{"email", "new@exemple.fr"}, 403, ""},
			{"a link to nowhere", webmaster, "/lien", []string{"other", "nope"}, 422, ""},
			{"a link", webmaster, "/lien", []string{"email", "new@exemple.fr"}, 303, ""},
			{"removing an address", secretary, "/coordonnee/retirer", []string{"about", email}, 303, ""},
		} {
			var texts []string
			if c.text != "" {
				texts = []string{c.text}
			}
			w.wantPost(c.what, c.by, path+c.path, c.form, c.status, texts...)
		}
		got := w.dossier(laure.ID)
		if got.Name() != "Laure Petit" || got.BirthDate.Year() != 1987 || got.Status != people.Student || got.CurrentLogin() != "laure.petit.ly2011" || got.Degrees[0].Department != "GE" ||
			len(got.Contacts) != 2 || len(got.Memberships) != 1 || got.Memberships[0].Origin != "secretary" || got.Memberships[0].EndsOn.Format(time.DateOnly) != "2026-12-31" {
			t.Errorf("after the edits: %+v", got)
		}
		if len(w.invited) != 1 || w.invited[0] != "new@exemple.fr" {
			t.Errorf("invited = %v", w.invited)
		}
		want := []string{"person.names_changed", "person.birth_changed", "person.status_changed", "person.degree_saved", "person.contact_saved", "person.contact_saved",
			"person.contact_saved", "person.membership_recorded", "person.contact_removed"}
		trail := slices.DeleteFunc(w.actions(got), func(a string) bool { return a == "staff.viewed_record" })
		if !slices.Equal(trail, want) {
			t.Errorf("the trail = %v, want %v", trail, want)
		}
	})
}

func TestMergePage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		keep, double, stranger := w.add("Laure", "Lavaut", w.ly, 2010), w.add("Laure", "Lavault", w.ly, 2010), w.add("Anne", "Lenoir", w.re, 2010)
		webmaster := actor(viewer.Webmaster, w.ly.ID)
		path := registry.Path + "/" + keep.ID.String() + "/fusion"
		w.want("the form", webmaster, path, 200, "L’autre fiche")
		w.want("with herself", webmaster, path+"?avec=laure.lavaut.ly2010", 422, "Aucune autre fiche")
		w.want("with somebody of another school", webmaster, path+"?avec=anne.lenoir.re2010", 422, "Aucune autre fiche")
		w.want("with the double", webmaster, path+"?avec=http://x/admin/personnes/"+double.ID.String(), 200, "laure.lavault.ly2010", "lavault@exemple.fr")
		if got := w.actions(double); !slices.Equal(got, []string{"staff.viewed_record"}) {
			t.Errorf("the double's trail = %v, want that her coordinates were read", got)
		}
		w.wantPost("not sure", webmaster, path, []string{"other", double.ID.String(), "keep", "this"}, 422, "Coche la case")
		w.wantPost("another school's", actor(viewer.Webmaster, w.re.ID), path, []string{"other", double.ID.String(), "keep", "this", "sure", "1"}, 404)
		w.wantPost("with a stranger", webmaster, path, []string{"other", stranger.ID.String(), "keep", "this", "sure", "1"}, 404)
		w.wantPost("merge", webmaster, path, []string{"other", double.ID.String(), "keep", "this", "sure", "1"}, 303)
		if got := w.dossier(keep.ID); len(got.Contacts) != 2 || len(got.Logins) != 2 {
			t.Errorf("after the merge: %+v", got)
		}
		w.want("the double is gone", webmaster, registry.Path+"/"+double.ID.String(), 404)
	})
}
