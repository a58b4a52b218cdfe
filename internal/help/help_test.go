package help

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/errs"
	"amicale/internal/i18n"
)

// library loads the embedded articles, which Load has checked: pairs of languages, links, themes, sizes.
func library(t testing.TB) *Library {
	t.Helper()
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestArticlesAreWhole(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, lang := range i18n.Langs() {
		orders := map[string][]int{}
		for _, a := range l.shelf(lang).articles {
			name := lang + "/" + a.Slug
			if a.Lead == "" {
				t.Errorf("%s: no paragraph to begin with", name)
			}
			if len(a.Keywords) == 0 || len(a.Questions) == 0 {
				t.Errorf("%s: no keywords or no questions", name)
			}
			if slices.Contains(orders[a.Theme], a.Order) {
				t.Errorf("%s: order %d stands twice in theme %s", name, a.Order, a.Theme)
			}
			orders[a.Theme] = append(orders[a.Theme], a.Order)
			says := map[string]string{"fr": "bientôt", "en": "soon"}[lang]
			if a.Soon && !strings.Contains(strings.ToLower(a.index.plain), says) {
				t.Errorf("%s: soon, but the text does not say %q", name, says)
			}
		}
	}
}

// Only screens that stand today may be linked or explained; later issues add theirs here with the page.
func TestScreensAreReservedPaths(t *testing.T) {
	t.Parallel()
	known := []string{"/", "/connexion", "/connexion/activer", "/connexion/oubli", "/moi", "/moi/profil", "/moi/donnees", "/moi/consultations",
		"/moi/parametres", "/moi/parametres/adresse", "/moi/parametres/adresse/courrier", "/moi/parametres/abonnements", "/desabonnement", "/admin/offres", "/admin/lettres", "/admin/ambassadeurs", "/p", "/annuaire", "/ma-promo", "/association", "/admin"}
	for _, a := range library(t).shelf("fr").articles {
		for _, s := range a.Screens {
			if !slices.Contains(known, s) {
				t.Errorf("%s explains %s, which is no screen of the site", a.Slug, s)
			}
		}
	}
	for _, lang := range i18n.Langs() {
		for _, a := range library(t).shelf(lang).articles {
			for _, l := range a.links {
				if l.path != "" && !slices.Contains(known, l.path) {
					t.Errorf("%s/%s links to %s, which is no screen of the site", lang, a.Slug, l.path)
				}
			}
		}
	}
}

func TestRendered(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, lang := range i18n.Langs() {
		for _, a := range l.shelf(lang).articles {
			name := lang + "/" + a.Slug
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if n := doc.Find("h1, script, style, [style], img, iframe").Length(); n > 0 {
				t.Errorf("%s: %d elements that have no place in an article", name, n)
			}
			ids := map[string]bool{}
			doc.Find("h2, h3").Each(func(_ int, h *goquery.Selection) {
				id := h.AttrOr("id", "")
				if id == "" || ids[id] {
					t.Errorf("%s: heading %q has the id %q, empty or twice", name, h.Text(), id)
				}
				ids[id] = true
			})
			doc.Find("a").Each(func(_ int, link *goquery.Selection) {
				if href := link.AttrOr("href", ""); !strings.HasPrefix(href, "/") || strings.Contains(href, ".md") {
					t.Errorf("%s: link to %q", name, href)
				}
			})
			if strings.Contains(doc.Text(), "**") || strings.Contains(doc.Text(), "](") {
				t.Errorf("%s: Markdown left in the text", name)
			}
		}
	}
}

func TestThemes(t *testing.T) {
	t.Parallel()
	l := library(t)
	fr, en := l.Themes("fr"), l.Themes("en")
	if len(fr) != len(en) || len(fr) < 8 {
		t.Fatalf("Themes: %d in French, %d in English, want the same number, at least 8", len(fr), len(en))
	}
	for i := range fr {
		if fr[i].Slug != en[i].Slug || len(fr[i].Articles) != len(en[i].Articles) || fr[i].Title == en[i].Title {
			t.Errorf("theme %d: %s %q and %s %q", i, fr[i].Slug, fr[i].Title, en[i].Slug, en[i].Title)
		}
		for _, a := range fr[i].Articles {
			if got := l.ThemeOf(a).Slug; got != fr[i].Slug {
				t.Errorf("ThemeOf(%s) = %q, want %q", a.Slug, got, fr[i].Slug)
			}
		}
	}
	if got := l.Themes("de")[0].Title; got != fr[0].Title {
		t.Errorf("Themes(de) begins with %q, want the French %q", got, fr[0].Title)
	}
}

func TestBySlug(t *testing.T) {
	t.Parallel()
	l := library(t)
	a, err := l.BySlug("en", "regle-identifiant")
	if err != nil || a.Title != "How logins are made" || a.Path() != "/aide/regle-identifiant" {
		t.Errorf("BySlug(en, regle-identifiant) = %+v, %v", a, err)
	}
	for _, want := range []string{"eloise.durant.ly2027", "pierre-henri.l-hame.ly1989", "anne-laure.lavaut.ly2010", `href="/aide/adresse-a-vie"`} {
		if !strings.Contains(a.HTML, want) {
			t.Errorf("the login rule does not contain %s", want)
		}
	}
	if _, err := l.BySlug("fr", "../fr/photo"); !errors.Is(err, errs.NotFound) {
		t.Errorf("BySlug(fr, ../fr/photo) error = %v, want not found", err)
	}
}

func TestForScreen(t *testing.T) {
	t.Parallel()
	l := library(t)
	for _, c := range []struct {
		screen, want string // want is among the slugs; empty: none
	}{
		{"/connexion", "se-connecter"},
		{"/connexion/activer", "activer-son-compte"},
		{"/connexion/oubli", "mot-de-passe-oublie"},
		{"/moi/profil", "photo"},
		{"/moi/profil/", "photo"},
		{"/moi/parametres/securite", "sessions"},
		{"/moi/parametres/abonnements", "refus-courriers"},
		{"/moi/parametres/adresse/courrier", "ou-est-passe-ce-message"},
		{"/admin/offres/12", "offres-recues"},
		{"/moi", "qui-a-consulte"},
		{"/p/laure.lavaut.ly2010", "qui-voit-quoi"},
		{"/annuaire", "chercher"},
		{"/ma-promo", "ma-promo"},
		{"/admin/dossiers/12", "guichet"},
		{"/", "federation"},
		{"/aide", ""},
		{"", "federation"},
	} {
		var got []string
		for _, a := range l.ForScreen("fr", c.screen) {
			got = append(got, a.Slug)
		}
		if c.want == "" && got != nil || c.want != "" && !slices.Contains(got, c.want) {
			t.Errorf("ForScreen(%q) = %v, want %q among them", c.screen, got, c.want)
		}
	}
}

// whole is the smallest library that loads.
func whole() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"themes.yaml": file("- {slug: x, fr: Un, en: One}\n"),
		"fr/a.md":     file("---\ntitle: A\ntheme: x\n---\n## T\n\nVers [b](b.md#t).\n\n## T\n"),
		"en/a.md":     file("---\ntitle: A\ntheme: x\n---\nTo [b](b.md).\n"),
		"fr/b.md":     file("---\ntitle: B\ntheme: x\norder: 1\n---\nVoir [ici](/moi).\n"),
		"en/b.md":     file("---\ntitle: B\ntheme: x\norder: 1\n---\nText.\n"),
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, src, want string
	}{
		{"a missing translation", "fr/c.md", "---\ntitle: C\ntheme: x\n---\nC", `"c" has no "en" version`},
		{"a dead link", "en/b.md", "---\ntitle: B\ntheme: x\norder: 1\n---\n[c](c.md)", `links to "c"`},
		{"a link away", "en/b.md", "---\ntitle: B\ntheme: x\norder: 1\n---\n[c](https://example.org/)", "neither an article"},
		{"a link without scheme", "en/b.md", "---\ntitle: B\ntheme: x\norder: 1\n---\n[c](//example.org/)", "neither an article"},
		{"an unknown theme", "en/b.md", "---\ntitle: B\ntheme: y\norder: 1\n---\n", "unknown theme"},
		{"an empty theme", "themes.yaml", "[{slug: x, fr: Un, en: One}, {slug: y, fr: Deux, en: Two}]", `"y" is empty`},
		{"a theme without English", "themes.yaml", "[{slug: x, fr: Un}]", `lacks "en"`},
		{"languages that differ", "en/b.md", "---\ntitle: B\ntheme: x\norder: 1\nsoon: true\n---\n", "differ"},
		{"an unknown field", "en/b.md", "---\ntitle: B\ntheme: x\ncolour: red\n---\n", "colour"},
		{"no title", "en/b.md", "---\ntheme: x\n---\n", "no title"},
		{"no front matter", "en/b.md", "Text", "no front matter"},
		{"a long article", "en/b.md", "---\ntitle: B\ntheme: x\norder: 1\n---\n" + strings.Repeat("a ", maxArticle/2), "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fsys := whole()
			fsys[c.file] = &fstest.MapFile{Data: []byte(c.src)}
			if _, err := load(fsys); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("load = %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := load(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load(nothing) = %v, want not exist", err)
	}
}

func TestLoadWhole(t *testing.T) {
	t.Parallel()
	l, err := load(whole())
	if err != nil {
		t.Fatal(err)
	}
	a, _ := l.BySlug("fr", "a")
	want := "<h2 id=\"t\">T</h2>\n<p>Vers <a href=\"/aide/b#t\">b</a>.</p>\n<h2 id=\"t-2\">T</h2>\n"
	if a.HTML != want {
		t.Errorf("HTML = %q, want %q", a.HTML, want)
	}
	if a.Lead != "Vers b." || a.index.plain != "T · Vers b. T ·" {
		t.Errorf("Lead = %q, plain text %q, want %q and %q", a.Lead, a.index.plain, "Vers b.", "T · Vers b. T ·")
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}
