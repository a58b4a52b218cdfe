package directory_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"amicale/internal/accounts"
	"amicale/internal/dbtest"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// Accounts of no graduate, made for these tests.
const (
	editor    = "editeur.lyon"
	secretary = "secretaire.rennes"
	webmaster = "webmestre.rennes"
)

// world is the demonstration with a few staff accounts and people whose names are markup.
func world(t *testing.T) *webtest.World {
	t.Helper()
	w := webtest.New(t, dbtest.New(t))
	for login, role := range map[string]viewer.RoleName{editor: viewer.Editor, secretary: viewer.Secretary, webmaster: viewer.Webmaster} {
		code := "re"
		if role == viewer.Editor {
			code = "ly"
		}
		_, err := w.App.Console().CreateStaff(t.Context(), accounts.New{Login: login, Name: login, Email: login + "@exemple.fr"}, role, code)
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// add puts people into the base and lets the directory read them.
func add(t *testing.T, w *webtest.World, list ...people.Dossier) {
	t.Helper()
	if err := w.App.People().Insert(t.Context(), system, list); err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if err := w.App.People().GenerateLoginsFor(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.Run()
}

func school(t *testing.T, w *webtest.World, code string) people.Association {
	t.Helper()
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, ok := all.ByCode(code)
	if !ok {
		t.Fatalf("no association %s", code)
	}
	return a
}

// coordinates are what the demonstration's people have; a list shows none, to nobody.
func coordinates() []string {
	return []string{"laure.lavaut@exemple.fr", "jean-jacques.dupont@exemple.fr", "rue Berthelot", "quai Lacassagne", "04 65 71 00 10", "+33465710010", "1987-04-12"}
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	w := world(t)
	const ok, away, in = http.StatusOK, http.StatusForbidden, http.StatusSeeOther
	for _, c := range []struct {
		who                  string
		annuaire, class, api int
		finds                []string // at q=lavaut
	}{
		{"", in, in, http.StatusUnauthorized, nil},
		{webtest.Graduate, ok, ok, ok, []string{"Anne-Laure Lavaut", "Laure Lavaut"}},
		{webtest.Student, ok, ok, ok, []string{"Anne-Laure Lavaut", "Laure Lavaut"}},
		{webtest.Member, ok, ok, ok, []string{"Anne-Laure Lavaut", "Laure Lavaut"}},
		{webtest.Webmaster, ok, ok, ok, []string{"Anne-Laure Lavaut", "Laure Lavaut"}},
		{webtest.Federation, ok, away, ok, []string{"Anne-Laure Lavaut", "Laure Lavaut"}},
		{webmaster, ok, away, ok, []string{}}, // of another school: they are not in it
		{secretary, ok, away, ok, []string{}},
		{editor, away, away, away, nil},
	} {
		name := c.who
		if name == "" {
			name = "guest"
		}
		t.Run(name, func(t *testing.T) {
			b := w.As(c.who)
			page := b.Get("/annuaire?q=lavaut")
			if page.Status != c.annuaire {
				t.Fatalf("GET /annuaire = %d, want %d", page.Status, c.annuaire)
			}
			page.Without(coordinates()...)
			if got := b.Get("/ma-promo"); got.Status != c.class {
				t.Errorf("GET /ma-promo = %d, want %d", got.Status, c.class)
			} else {
				got.Without(coordinates()...)
			}
			api := b.Get("/api/v1/people?q=lavaut")
			if api.Status != c.api {
				t.Errorf("GET /api/v1/people = %d, want %d", api.Status, c.api)
			}
			api.Without(coordinates()...)
			if c.finds == nil {
				page.Without("Laure Lavaut</a>")
				return
			}
			if got := cardNames(page); !slices.Equal(got, c.finds) {
				t.Errorf("the page shows %q, want %q", got, c.finds)
			}
			if got := answer(t, api); !slices.Equal(got.names(), c.finds) || got.Total != len(c.finds) {
				t.Errorf("the API gives %d, %q, want %q", got.Total, got.names(), c.finds)
			}
		})
	}
}

func cardNames(a *webtest.Answer) []string {
	a.T.Helper()
	out := []string{}
	for _, n := range a.Doc().Find(".person-name").EachIter() {
		out = append(out, strings.TrimSpace(n.Text()))
	}
	return out
}

type apiAnswer struct {
	Total, Page, Pages int
	People             []struct{ Login, FirstName, Surname, Headline, URL string }
	Facets             map[string][]struct {
		Value string
		Count int
	}
}

func (a apiAnswer) names() []string {
	out := []string{}
	for _, p := range a.People {
		out = append(out, p.FirstName+" "+p.Surname)
	}
	return out
}

func answer(t *testing.T, a *webtest.Answer) (out apiAnswer) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &out); err != nil {
		t.Fatalf("%v in %.200s", err, a.Body)
	}
	return out
}

// TestRecruitersStayOutside asks with an account of a recruiter.
func TestRecruitersStayOutside(t *testing.T) {
	t.Parallel()
	w := world(t)
	store := accounts.NewStore(w.DB, w.App.People(), w.App.Now, accounts.Options{Trail: w.App.Trail(), Sessions: w.App.Sessions()})
	acc, err := store.CreateRecruiter(t.Context(), system, accounts.New{Name: "Recruteur", Email: "recruteur@exemple.fr"})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := w.App.Sessions().Start(t.Context(), acc.ID, true, "192.0.2.1", "test")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/annuaire?q=lavaut", "/ma-promo", "/api/v1/people?q=lavaut"} {
		req := httptest.NewRequest(http.MethodGet, webtest.Origin+path, nil).WithContext(t.Context())
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
		w.Guest().Do(req).Want(http.StatusForbidden).Without("Laure", "INSA Lyon 2010")
	}
}

// TestStaffIsKeptToItsSchool holds an account of one school to that school, whatever it asks for.
func TestStaffIsKeptToItsSchool(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := w.As(webmaster)
	all := answer(t, b.Get("/api/v1/people"))
	of := answer(t, w.As(webtest.Federation).Get("/api/v1/people?ecole=re"))
	if all.Total == 0 || all.Total != of.Total {
		t.Errorf("a webmaster of Rennes sees %d people, the federation counts %d of Rennes", all.Total, of.Total)
	}
	if s := all.Facets["ecole"]; len(s) != 1 || s[0].Value != "re" {
		t.Errorf("schools counted: %v, want Rennes alone", s)
	}
	for _, path := range []string{"?ecole=ly", "?q=ly2010", "?ecole=ly&ecole=to", "?q=lavaut&ecole=ly"} {
		if got := answer(t, b.Get("/api/v1/people"+path)); path[1] == 'e' && got.Total != 0 || slices.Contains(got.names(), "Laure Lavaut") {
			t.Errorf("%s: %d people, %q", path, got.Total, got.names())
		}
	}
	// The federation sees all, and a webmaster who is a graduate all that graduates see.
	if fed := answer(t, w.As(webtest.Federation).Get("/api/v1/people")); fed.Total <= of.Total || len(fed.Facets["ecole"]) < 2 {
		t.Errorf("the federation sees %d people", fed.Total)
	}
}

// TestWebmasterSearchesAsAGraduate hides somebody of the webmaster's own school: the staff's screens show him, the
// directory does not.
func TestWebmasterSearchesAsAGraduate(t *testing.T) {
	t.Parallel()
	w := world(t)
	hidden := people.Dossier{Person: people.Person{FirstName: "Zoé", BirthSurname: "Zinzolin", ActivatedAt: w.App.Now(), Headline: "Astronome"},
		Audiences: map[people.Field]viewer.Audience{people.FieldIdentity: viewer.OnlyMe},
		Degrees:   []people.Degree{{AssociationID: school(t, w, "ly").ID, ClassYear: 2010}}}
	shy := hidden
	shy.FirstName, shy.Audiences = "Yves", map[people.Field]viewer.Audience{people.FieldHeadline: viewer.OnlyMe}
	shy.Degrees = slices.Clone(hidden.Degrees)
	add(t, w, hidden, shy)
	for _, who := range []string{webtest.Webmaster, webtest.Member, webtest.Graduate} {
		w.As(who).Get("/annuaire?q=zinzolin").Want(200, "1 personne", "Yves Zinzolin").Without("Zoé", "Astronome")
		w.As(who).Get("/ma-promo").Without("Zoé", "Astronome")
	}
	w.As(webtest.Federation).Get("/annuaire?q=zinzolin").Want(200, "2 personnes", "Zoé Zinzolin", "Astronome")
}

func TestNamesWithMarkup(t *testing.T) {
	t.Parallel()
	w := world(t)
	const evil = `<script>alert("x")</script>`
	d := people.Dossier{Person: people.Person{FirstName: `<b>Ève</b>`, BirthSurname: `O'"><img src=x onerror=alert(1)>`, Headline: evil, ActivatedAt: w.App.Now()},
		Degrees: []people.Degree{{AssociationID: school(t, w, "ly").ID, ClassYear: 2010, Department: `"><i>Génie</i>`}}}
	add(t, w, d)
	b := w.As(webtest.Member)
	for _, path := range []string{"/annuaire?q=" + "Ève", "/ma-promo", "/annuaire?departement=%22%3E%3Ci%3EG%C3%A9nie%3C%2Fi%3E"} {
		a := b.Get(path).Want(200, "&lt;b&gt;Ève&lt;/b&gt;").Without(evil, "<img src=x", "<b>Ève", "<i>Génie")
		if a.Doc().Find("main script, main img[src=x], main i").Length() > 0 {
			t.Errorf("%s: markup of a name became markup of the page", path)
		}
	}
	if got := answer(t, b.Get("/api/v1/people?q=%C3%88ve")); got.Total != 1 || got.People[0].FirstName != d.FirstName {
		t.Errorf("the API gives %+v", got)
	}
}

func TestHostileQuestions(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := w.As(webtest.Member)
	total := answer(t, b.Get("/api/v1/people")).Total
	for _, c := range []struct {
		query string
		want  int // people; -1: any number
		texts []string
	}{
		{"", total, nil},
		{"q=%00", total, nil},
		{"q=" + strings.Repeat("a", 5000), 0, []string{"Personne ne correspond"}},
		{"q=" + strings.Repeat("a%20", 500), -1, nil},
		{"q=%FF%FE", -1, nil},
		{"q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", -1, nil},
		{"q=%27%20OR%201=1--", -1, nil},
		{"q=laure&q=jean", -1, []string{"Laure Lavaut"}}, // the first counts
		{"ecole=xx", 0, []string{"Personne ne correspond", "xx"}},
		{"ecole=", total, nil},
		{"ecole=%3Cscript%3E&promo=%3Cb%3E&diplome=%3Ci%3E&decennie=zz&departement=" + strings.Repeat("d", 3000), 0, nil},
		{"promo=2010&promo=2010", -1, []string{"Laure Lavaut"}},
		{"promo=-1", 0, nil},
		{"diplome=people.title", 0, nil},
		{"nouvelles=none", total, nil}, // no facet of this page
		{"classe=ly2010", total, nil},
		{"tout=promo", total, []string{"2010"}},
		{"tout=%3Cscript%3E", total, nil},
		{"tout=nouvelles", total, nil},
		{"page=0", total, nil},
		{"page=-5", total, nil},
		{"page=abc", total, nil},
		{"page=99999999999999999999", total, nil},
		{"page=100000", total, nil},
		{strings.Repeat("promo=2010&", 300) + "page=1", -1, nil},
		{"%zz=1", -1, nil},
	} {
		a := b.Get("/annuaire?"+c.query).Want(200, c.texts...).Without("<script>alert", "<b>", "people.diploma.people")
		if got := answer(t, b.Get("/api/v1/people?"+c.query)); c.want >= 0 && got.Total != c.want {
			t.Errorf("%.60q: %d people, want %d", c.query, got.Total, c.want)
		}
		if strings.Contains(a.Body, "directory.") {
			t.Errorf("%.60q: the page shows the key of a text", c.query)
		}
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 120)
	b := w.As(webtest.Member)
	first := answer(t, b.Get("/api/v1/people"))
	if first.Pages < 3 || first.Page != 1 || len(first.People) != 24 {
		t.Fatalf("page %d of %d with %d people", first.Page, first.Pages, len(first.People))
	}
	seen := map[string]bool{}
	for n := 1; n <= first.Pages; n++ {
		for _, p := range answer(t, b.Get(fmt.Sprintf("/api/v1/people?page=%d", n))).People {
			if p.URL != "" && seen[p.URL] {
				t.Errorf("%s stands on two pages", p.URL)
			}
			seen[p.URL] = true
		}
	}
	last := answer(t, b.Get(fmt.Sprintf("/api/v1/people?page=%d", first.Pages)))
	far := answer(t, b.Get("/api/v1/people?page=5000"))
	if far.Page != first.Pages || !slices.Equal(far.names(), last.names()) {
		t.Errorf("page 5000 is page %d with %q, want the last, %q", far.Page, far.names(), last.names())
	}
	a := b.Get("/annuaire?page=5000&ecole=ly")
	if got := a.Doc().Find(".pager [aria-current=page]").Text(); a.Status != 200 || strings.TrimSpace(got) == "" {
		t.Errorf("page 5000: status %d, current page %q", a.Status, got)
	}
	if href, _ := a.Doc().Find(".pager a[rel=prev]").Attr("href"); !strings.Contains(href, "ecole=ly") {
		t.Errorf("the pager leads to %q and loses the filter", href)
	}
}
