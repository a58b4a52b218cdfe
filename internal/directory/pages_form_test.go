package directory_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/dbtest"
	"amicale/internal/people"
	"amicale/internal/webtest"
)

// submitted is the address that a browser without script asks for when the facets' form is sent: its own fields and
// those that joined it.
func submitted(t *testing.T, a *webtest.Answer, ticked ...string) string {
	t.Helper()
	form := a.Doc().Find("form#filtres")
	if form.Length() != 1 {
		t.Fatal("no form of facets")
	}
	q := url.Values{}
	for _, f := range a.Doc().Find("form#filtres input, input[form=filtres]").EachIter() {
		name, value := f.AttrOr("name", ""), f.AttrOr("value", "")
		if _, checked := f.Attr("checked"); f.AttrOr("type", "") == "checkbox" && !checked && !slices.Contains(ticked, name+"="+value) {
			continue
		}
		q.Add(name, value)
	}
	if form.Find("button[type=submit], button:not([type])").Length() == 0 {
		t.Error("the facets' form has no button")
	}
	return form.AttrOr("action", "") + "?" + q.Encode()
}

func labels(s *goquery.Selection) []string {
	out := []string{}
	for _, n := range s.EachIter() {
		out = append(out, strings.Join(strings.Fields(n.Text()), " "))
	}
	return out
}

// TestFacetsWithoutScript walks as a browser without script does: type, tick, send; take a chip away.
func TestFacetsWithoutScript(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 200)
	b := w.As(webtest.Member)
	a := b.Get("/annuaire?q=l")
	if n := a.Doc().Find("button[form=filtres][type=submit]").Length(); n != 1 {
		t.Errorf("the quick search has %d buttons, want 1", n)
	}
	to := submitted(t, a, "ecole=ly", "decennie=2010")
	a = b.Get(to).Want(200)
	q, err := url.ParseQuery(strings.SplitN(to, "?", 2)[1])
	if err != nil || q.Get("q") != "l" || q.Get("ecole") != "ly" || q.Get("decennie") != "2010" || len(q["q"]) != 1 {
		t.Errorf("the form asks for %s", to)
	}
	if got := labels(a.Doc().Find(".chip")); len(got) != 2 || !strings.Contains(got[1], "Années 2010") {
		t.Errorf("chips = %q, want the school and the decade", got)
	}
	found := cardNames(a)
	if len(found) == 0 {
		t.Fatal("nobody of Lyon in the 2010s begins with an l")
	}
	for _, c := range a.Doc().Find(".person").EachIter() {
		if !strings.Contains(c.Text(), "INSA Lyon") || !strings.Contains(c.Text(), " 201") {
			t.Errorf("%q is not of Lyon and the 2010s", labels(c))
		}
	}
	a = b.Get(submitted(t, a))
	if got := cardNames(a); !slices.Equal(got, found) {
		t.Errorf("sending the same form again finds %q, want %q", got, found)
	}
	href, _ := a.Doc().Find(".chip").First().Attr("href")
	if !strings.Contains(href, "q=l") || strings.Contains(href, "ecole") || !strings.Contains(href, "decennie=2010") {
		t.Errorf("the chip of the school leads to %q", href)
	}
	b.Get(href).Want(200)
}

// TestClassesStandByDecades keeps the panel short: years stand there when a decade is chosen, when few are left, or
// when all are asked for.
func TestClassesStandByDecades(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 400)
	b := w.As(webtest.Graduate)
	years := func(path string) []string {
		t.Helper()
		return labels(b.Get(path).Want(200).Doc().Find("[data-facet=promo] label"))
	}
	if got := years("/annuaire"); len(got) != 0 {
		t.Errorf("years = %q before a decade is chosen", got)
	}
	all := years("/annuaire?tout=promo")
	if len(all) < 30 || !slices.IsSortedFunc(all, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("?tout=promo shows %q, want all years, newest first", all)
	}
	nineties := years("/annuaire?decennie=1990")
	if len(nineties) == 0 || slices.ContainsFunc(nineties, func(y string) bool { return !strings.HasPrefix(y, "199") }) {
		t.Errorf("in the 1990s: years = %q", nineties)
	}
	if got := years("/annuaire?q=lavaut"); !slices.Equal(got, []string{"2010"}) {
		t.Errorf("of two classmates: years = %q, want theirs", got)
	}
	if got := years("/annuaire?promo=1998"); !slices.Contains(got, "1998") {
		t.Errorf("a chosen year is not there: %q", got)
	}
	a := b.Get("/annuaire?q=a&ecole=ly")
	href, _ := a.Doc().Find("[data-facet=decennie] a").Attr("href")
	if u, err := url.Parse(href); err != nil || u.Query().Get("tout") != "promo" || u.Query().Get("ecole") != "ly" || u.Query().Get("q") != "a" {
		t.Errorf("all classes stand at %q, want the same question", href)
	}
	href, _, _ = strings.Cut(href, "#") // as a browser does
	if got := submitted(t, b.Get(href)); !strings.Contains(got, "tout=promo") {
		t.Errorf("what was unfolded folds again: %q", got)
	}
}

// TestAPartHasWhatThePageReplaces asks as the script does and finds both elements that it takes from the answer.
func TestAPartHasWhatThePageReplaces(t *testing.T) {
	t.Parallel()
	w := world(t)
	req := httptest.NewRequest(http.MethodGet, webtest.Origin+"/annuaire?q=lavaut", nil).WithContext(t.Context())
	req.Header.Set("HX-Request", "true")
	a := w.As(webtest.Member).Do(req).Want(200, "Laure Lavaut")
	for _, id := range []string{"#resultats", "form#filtres"} {
		if n := a.Doc().Find(id).Length(); n != 1 {
			t.Errorf("%s stands %d times in the part, want once", id, n)
		}
	}
	if strings.Contains(a.Body, "<html") || a.Doc().Find("#resultats form").Length() != 0 {
		t.Error("the part is a whole page, or the facets stand within what is replaced")
	}
	whole := w.As(webtest.Member).Get("/annuaire?q=lavaut").Doc()
	if form := whole.Find("form#filtres"); form.AttrOr("hx-target", "") != "#resultats" || form.AttrOr("hx-select-oob", "") == "" {
		t.Error("the form does not change results and counts")
	}
}

func TestWhatWasUnderstood(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := w.As(webtest.Member)
	for _, c := range []struct{ text, chip, rest string }{
		{"lavaut promo 2010", "Promo 2010", "lavaut"},
		{"2010 lavaut", "Promo 2010", "lavaut"},
		{"LY2010 lavaut", "INSA Lyon 2010", "lavaut"},
		{"class 2010", "Promo 2010", ""},
	} {
		a := b.Get("/annuaire?q="+url.QueryEscape(c.text)).Want(200, "Laure Lavaut")
		chip := a.Doc().Find(".chip")
		u, err := url.Parse(chip.AttrOr("href", ""))
		if got := labels(chip); err != nil || len(got) != 1 || !strings.HasSuffix(got[0], c.chip) || u.Query().Get("q") != c.rest {
			t.Errorf("%q: chips %q lead to %v, want %s taken away and %q left", c.text, got, u, c.chip, c.rest)
		}
	}
	b.Get("/annuaire?q=lavault").Want(200, "on a aussi cherché", "Laure Lavaut")
	b.Get("/annuaire?q=qqqqqqq").Want(200, "Personne ne correspond", "0 personne")
}

func TestInEnglish(t *testing.T) {
	t.Parallel()
	w := world(t)
	b := w.As(webtest.Graduate)
	b.Lang = "en"
	b.Get("/annuaire?decennie=2010").Want(200, "Directory", "2010s", "Quick search", "between members").Without("Annuaire<", "Décennie")
	b.Get("/annuaire?q=qqqqqqq").Want(200, "Nobody matches")
	b.Get("/ma-promo").Want(200, "My class", "Without news")
}

func TestMyClass(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t), 300)
	ly, to := school(t, w, "ly"), school(t, w, "to")
	silent := people.Dossier{Person: people.Person{FirstName: "Silvère", BirthSurname: "Silencieux"}, Degrees: []people.Degree{{AssociationID: ly.ID, ClassYear: 2010}}}
	dead := people.Dossier{Person: people.Person{FirstName: "Défunte", BirthSurname: "Mémoire", Status: people.Deceased}, Degrees: []people.Degree{{AssociationID: ly.ID, ClassYear: 2010}}}
	elsewhere := people.Dossier{Person: people.Person{FirstName: "Paul", BirthSurname: "Toulousain"}, Degrees: []people.Degree{{AssociationID: to.ID, ClassYear: 2010}}}
	add(t, w, silent, dead, elsewhere)
	b := w.As(webtest.Member)
	a := b.Get("/ma-promo").Want(200, "Laure Lavaut", "Anne-Laure Lavaut", "Silvère Silencieux", "Défunte Mémoire", "INSA Lyon 2010").Without("Paul Toulousain")
	news, _ := a.Doc().Find(`a[href*="nouvelles=none"]`).Attr("href")
	without := b.Get(news).Want(200, "Silvère Silencieux", "pas encore activé").Without("Défunte", "Laure Lavaut</a>")
	if got := without.Doc().Find(".tabs [aria-current]").Text(); !strings.Contains(got, "Sans nouvelles") {
		t.Errorf("the open tab is %q", got)
	}
	b.Get("/ma-promo?classe=to2010").Want(200, "Laure Lavaut").Without("Paul Toulousain") // not one's own
	b.Get("/ma-promo?page=9999").Want(200, "Lavaut")
}

// TestMyClassesOfTwoSchools gives somebody a second degree: two tabs, each its own people.
func TestMyClassesOfTwoSchools(t *testing.T) {
	t.Parallel()
	w := world(t)
	to := school(t, w, "to")
	me, err := w.App.People().PersonByLogin(t.Context(), webtest.Member)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.App.People().SaveDegree(t.Context(), system, &people.Degree{PersonID: me, AssociationID: to.ID, ClassYear: 2012, Diploma: people.Master}); err != nil {
		t.Fatal(err)
	}
	add(t, w, people.Dossier{Person: people.Person{FirstName: "Paul", BirthSurname: "Toulousain"}, Degrees: []people.Degree{{AssociationID: to.ID, ClassYear: 2012}}})
	b := w.As(webtest.Member)
	b.Get("/ma-promo").Want(200, "Paul Toulousain", "INSA Toulouse 2012", "INSA Lyon 2010").Without("Anne-Laure Lavaut</a>")
	b.Get("/ma-promo?classe=ly2010").Want(200, "Anne-Laure Lavaut").Without("Paul Toulousain")
	// Both badges stand on the card, and she is counted at both schools but once in all.
	a := b.Get("/annuaire?q=laure+lavaut+2012").Want(200, "1 personne", "INSA Toulouse 2012", "INSA Lyon 2010")
	if got := labels(a.Doc().Find("[data-facet=ecole] .count")); !slices.Equal(got, []string{"1", "1"}) {
		t.Errorf("counts of the schools = %q, want 1 and 1", got)
	}
}

func TestMyClassIsNotKnown(t *testing.T) {
	t.Parallel()
	w := world(t)
	me, err := w.App.People().PersonByLogin(t.Context(), webtest.Graduate)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.App.People().Dossier(t.Context(), system, me)
	if err != nil {
		t.Fatal(err)
	}
	b := w.As(webtest.Graduate)
	g := d.Degrees[0]
	g.ClassYear = 0
	if err := w.App.People().SaveDegree(t.Context(), system, &g); err != nil {
		t.Fatal(err)
	}
	w.Run()
	b.Get("/ma-promo").Want(200, "Ta promo n’est pas connue")
}
