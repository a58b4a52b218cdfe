// Package help answers the questions people have about the site: short articles by theme, in French and English,
// written as Markdown beside the code and embedded.
//
// It owns the articles and promises that they are whole: every article exists in both languages, every link from
// one to another leads somewhere, and no theme is empty. Load refuses anything else, so a broken page cannot be
// built. An article that describes what does not exist yet carries "soon: true"; whoever builds the thing
// completes the article and removes the line.
package help

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"amicale/internal/errs"
	"amicale/internal/i18n"
)

// Base is the path of the help; an article stands at Base/slug.
const Base = "/aide"

// maxArticle is the size of one article's source in bytes: people read short pages, and the Markdown parser is
// quadratic on some inputs.
const maxArticle = 16 << 10

//go:embed articles
var articles embed.FS

// Article is one page of help in one language.
type Article struct {
	Slug  string // the same in every language
	Lang  string
	Title string
	Theme string // slug of its theme
	Order int    // among the articles of its theme, lowest first

	// Soon is set while the article describes something that is not built yet, wholly or in part.
	Soon bool

	// Keywords are the words people type for this subject that the text does not use; Questions are the
	// sentences they ask. Both are searched and neither is shown.
	Keywords, Questions []string

	// Screens are the paths this article explains; each stands for the paths below it as well.
	Screens []string

	Lead string // the first paragraph as plain text
	HTML string // the article below its title, rendered from our own Markdown: trusted

	links []link
	index index
}

// Path is where the article is read.
func (a *Article) Path() string { return Base + "/" + a.Slug }

// Theme is a chapter of the help in one language.
type Theme struct {
	Slug, Title string
	Articles    []*Article
}

// Library holds all articles, parsed. It never changes after Load and may be read from anywhere at once.
type Library struct {
	shelves map[string]*shelf
}

// shelf is the library in one language.
type shelf struct {
	themes   []Theme
	articles []*Article // in the order of the themes
	bySlug   map[string]*Article
	byScreen map[string][]*Article
}

// Load parses the embedded articles.
func Load() (*Library, error) {
	sub, err := fs.Sub(articles, "articles")
	if err != nil {
		return nil, fmt.Errorf("help.Load: %w", err)
	}
	return load(sub)
}

// load reads themes.yaml and <language>/<slug>.md.
func load(fsys fs.FS) (*Library, error) {
	list, err := readThemes(fsys)
	if err != nil {
		return nil, fmt.Errorf("help.Load: %w", err)
	}
	lib := &Library{shelves: map[string]*shelf{}}
	for _, lang := range i18n.Langs() {
		s, err := readShelf(fsys, lang, list)
		if err != nil {
			return nil, fmt.Errorf("help.Load %s: %w", lang, err)
		}
		lib.shelves[lang] = s
	}
	if err := lib.check(); err != nil {
		return nil, fmt.Errorf("help.Load: %w", err)
	}
	return lib, nil
}

// themeRow is a theme as themes.yaml holds it: its slug under "slug", its title under each language.
type themeRow map[string]string

func readThemes(fsys fs.FS) ([]themeRow, error) {
	data, err := fs.ReadFile(fsys, "themes.yaml")
	if err != nil {
		return nil, err
	}
	var rows []themeRow
	if err := yaml.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("themes.yaml: %w", err)
	}
	for _, row := range rows {
		for _, key := range append([]string{"slug"}, i18n.Langs()...) {
			if row[key] == "" {
				return nil, fmt.Errorf("themes.yaml: theme %q lacks %q", row["slug"], key)
			}
		}
	}
	return rows, nil
}

func readShelf(fsys fs.FS, lang string, list []themeRow) (*shelf, error) {
	s := &shelf{bySlug: map[string]*Article{}, byScreen: map[string][]*Article{}}
	files, err := fs.Glob(fsys, lang+"/*.md")
	if err != nil {
		return nil, err
	}
	render := newMarkdown()
	for _, name := range files {
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		a, err := parseArticle(render, src)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		a.Lang, a.Slug = lang, strings.TrimSuffix(path.Base(name), ".md")
		s.bySlug[a.Slug] = a
	}
	return s, s.arrange(lang, list)
}

// arrange puts the articles under their themes and screens.
func (s *shelf) arrange(lang string, list []themeRow) error {
	for _, row := range list {
		t := Theme{Slug: row["slug"], Title: row[lang]}
		for _, a := range s.bySlug {
			if a.Theme == t.Slug {
				t.Articles = append(t.Articles, a)
			}
		}
		if len(t.Articles) == 0 {
			return fmt.Errorf("theme %q is empty", t.Slug)
		}
		slices.SortFunc(t.Articles, func(a, b *Article) int { return a.Order - b.Order })
		s.themes = append(s.themes, t)
		s.articles = append(s.articles, t.Articles...)
	}
	if len(s.articles) != len(s.bySlug) {
		for _, a := range s.bySlug {
			if !slices.Contains(s.articles, a) {
				return fmt.Errorf("article %q names the unknown theme %q", a.Slug, a.Theme)
			}
		}
	}
	for _, a := range s.articles {
		for _, screen := range a.Screens {
			s.byScreen[screen] = append(s.byScreen[screen], a)
		}
	}
	return nil
}

// check compares the languages and follows every link between articles.
func (l *Library) check() error {
	first := l.shelves[i18n.Langs()[0]]
	for lang, s := range l.shelves {
		for slug := range first.bySlug {
			if s.bySlug[slug] == nil {
				return fmt.Errorf("article %q has no %q version", slug, lang)
			}
		}
		for slug, a := range s.bySlug {
			b := first.bySlug[slug]
			if b == nil {
				return fmt.Errorf("article %q exists in %q only", slug, lang)
			}
			if a.Theme != b.Theme || a.Order != b.Order || a.Soon != b.Soon || !slices.Equal(a.Screens, b.Screens) {
				return fmt.Errorf("article %q: theme, order, soon or screens of %q differ from %q", slug, a.Lang, b.Lang)
			}
			for _, to := range a.links {
				if to.article != "" && s.bySlug[to.article] == nil {
					return fmt.Errorf("article %s/%s links to %q, which does not exist", lang, slug, to.article)
				}
			}
		}
	}
	return nil
}

func (l *Library) shelf(lang string) *shelf {
	if s, ok := l.shelves[lang]; ok {
		return s
	}
	return l.shelves[i18n.Langs()[0]]
}

// Themes are the chapters in their order, each with its articles. An unknown language is French.
func (l *Library) Themes(lang string) []Theme { return l.shelf(lang).themes }

// ThemeOf is the chapter an article stands in.
func (l *Library) ThemeOf(a *Article) Theme {
	for _, t := range l.shelf(a.Lang).themes {
		if t.Slug == a.Theme {
			return t
		}
	}
	return Theme{}
}

// BySlug is one article; errs.NotFound when there is none.
func (l *Library) BySlug(lang, slug string) (*Article, error) {
	if a, ok := l.shelf(lang).bySlug[slug]; ok {
		return a, nil
	}
	return nil, errs.E("help.BySlug "+slug, errs.NotFound, nil)
}

// ForScreen are the articles that explain the screen at a path, in the order of the themes: those that name it,
// else those that name the nearest path above it. The home page explains only itself. Nil when none does.
func (l *Library) ForScreen(lang, screen string) []*Article {
	s := l.shelf(lang)
	for p := path.Clean("/" + screen); p != "/"; p = path.Dir(p) {
		if found := s.byScreen[p]; found != nil {
			return found
		}
	}
	if path.Clean("/"+screen) == "/" {
		return s.byScreen["/"]
	}
	return nil
}
