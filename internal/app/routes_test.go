package app_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/web"
	"amicale/internal/webtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wildcard is a part of a pattern that stands for any text.
var wildcard = regexp.MustCompile(`\{([a-z]+)\}`)

// placeholders are what stands for the wildcards: things of Lyon that exist where a guard depends on them, and else
// what nobody has.
func placeholders(t testing.TB, w *webtest.World) map[string]string {
	t.Helper()
	account, err := w.App.AccountByLogin(t.Context(), webtest.Member2)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"login": webtest.Member, "code": "ly", "account": account.String(), "slug": "se-connecter", "size": "small", "token": "jeton",
		"id": id.ID{15: 1}.String(), "contact": id.ID{15: 1}.String(), "undo": id.ID{15: 1}.String(), "file": id.ID{15: 1}.String(), "campaign": id.ID{15: 1}.String(), "number": "1", "slip": id.ID{15: 1}.String(), "message": id.ID{15: 1}.String(), "delivery": id.ID{15: 1}.String(), "password": id.ID{15: 1}.String(), "image": id.ID{15: 1}.String(), "switch": id.ID{15: 1}.String(), "n": "1", "name": "rien", "domain": "ail.example", "person": personOf(t, w, webtest.Member2).String(),
	}
}

// address fills in a pattern.
func address(t testing.TB, pattern string, values map[string]string) (method, path string) {
	t.Helper()
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.TrimSuffix(path, "{$}")
	return method, wildcard.ReplaceAllStringFunc(path, func(s string) string {
		v, ok := values[s[1:len(s)-1]]
		if !ok {
			t.Fatalf("%s: say in placeholders what stands for %s", pattern, s)
		}
		return v
	})
}

// outcome is the status, or "in" where the visitor is asked to sign in.
func outcome(a *webtest.Answer) string {
	if a.Status == http.StatusSeeOther && strings.HasPrefix(a.Header.Get("Location"), "/connexion?next=") {
		return "in"
	}
	return fmt.Sprint(a.Status)
}

// siteMap is every route with its guard, and what each kind of viewer gets there. Routes that only read come first,
// so that no answer depends on what a form did before.
func siteMap(t *testing.T, w *webtest.World) string {
	routes := w.App.Routes()
	values := placeholders(t, w)
	got := map[string][]string{}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, rt := range routes {
			m, path := address(t, rt.Pattern, values)
			if m != method {
				continue
			}
			for i, v := range visitors() {
				c := w.As(v.login)
				c.IP = fmt.Sprintf("198.51.100.%d", i+1)
				var a *webtest.Answer
				if m == http.MethodGet {
					a = c.Get(path)
				} else {
					a = c.Post(path)
				}
				if a.Status >= 500 {
					t.Errorf("%s as %s: status %d\n%.500s", rt.Pattern, v.kind, a.Status, a.Text())
				}
				got[rt.Pattern] = append(got[rt.Pattern], outcome(a))
			}
		}
	}
	var kinds []string
	for _, v := range visitors() {
		kinds = append(kinds, v.kind)
	}
	lines := []string{"# Every route, its guard, and what each kind of viewer gets: " + strings.Join(kinds, ", ") + ".",
		"# A number is the status of the answer, \"in\" the way to the sign-in. Forms are sent empty.", "# Made by: go test ./internal/app -run TestSiteMap -update"}
	for _, line := range strings.Split(strings.TrimSpace(web.Table(routes)), "\n") {
		f := strings.Fields(line)
		lines = append(lines, fmt.Sprintf("%-56s %-5s %-34s %s", f[0], f[1], strings.Join(f[2:], " "), strings.Join(got[f[1]+" "+f[0]], " ")))
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestSiteMap(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "routes.txt")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		got := siteMap(t, newCast(t, d))
		if *update && !d.Postgres() {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(string(b), "\n")
		have := strings.Split(got, "\n")
		for _, line := range have {
			if !slices.Contains(want, line) {
				t.Errorf("not in %s:\n%s", golden, line)
			}
		}
		for _, line := range want {
			if !slices.Contains(have, line) {
				t.Errorf("no longer so, but in %s:\n%s", golden, line)
			}
		}
	})
}

// views are what the trail notes about reading; nothing else may come of a GET.
var views = regexp.MustCompile(`\.viewed_|\.exported$|\.downloaded$`)

// strangeActions are those of the trail since n entries that are no views.
func strangeActions(t *testing.T, d *db.DB, before map[string]bool) []string {
	t.Helper()
	type entry struct{ ID, Action string }
	list, err := db.All[entry](t.Context(), d, `SELECT CAST(id AS TEXT) AS id, action FROM audit`)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		if before != nil && !before[e.ID] && !views.MatchString(e.Action) {
			out = append(out, e.Action)
		}
		if before == nil {
			out = append(out, e.ID)
		}
	}
	return out
}

func TestNothingChangesOnGet(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newCast(t, d)
		openCase(t, w)
		values := placeholders(t, w)
		clients := map[string]*webtest.Client{}
		for _, login := range []string{"", webtest.Member, webtest.Webmaster, webtest.Federation} {
			clients[login] = w.As(login)
		}
		known := map[string]bool{}
		for _, entry := range strangeActions(t, d, nil) {
			known[entry] = true
		}
		before := census(t, d)
		asked := 0
		for login, c := range clients {
			from := []string{"/", "/annuaire?q=a", "/moi/profil/apercu?comme=member", "/moi/donnees/telecharger", "/admin"}
			for _, rt := range w.App.Routes() {
				if method, path := address(t, rt.Pattern, values); method == http.MethodGet {
					from = append(from, path)
				}
			}
			for at, a := range crawl(t, c, from...) {
				asked++
				if a.Status >= 500 {
					t.Errorf("GET %s as %q: status %d", at, login, a.Status)
				}
			}
		}
		after := census(t, d)
		for _, table := range slices.Sorted(maps.Keys(after)) {
			if table != "audit" && before[table] != after[table] {
				t.Errorf("after %d GETs, %s: %s; before: %s", asked, table, after[table], before[table])
			}
		}
		if list := strangeActions(t, d, known); len(list) > 0 {
			t.Errorf("GETs left in the trail: %q", list)
		}
		if asked < 200 {
			t.Errorf("only %d addresses asked for", asked)
		}
	})
}

// openCase leaves something on the desk to look at: an activation that agrees by the phone alone.
func openCase(t *testing.T, w *webtest.World) {
	t.Helper()
	c := w.Guest()
	c.Post("/connexion/activer/envoi", "surname", "Lefèvre", "year", "1988", "email", "quelqu.un@ailleurs.example", "phone", "04 65 71 00 99").Want(http.StatusSeeOther)
	w.Run()
}
