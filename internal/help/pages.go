package help

import (
	"embed"
	"net/url"

	"amicale/internal/i18n"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// Messages are the texts around the articles.
//
//go:embed messages.*.toml
var Messages embed.FS

// Pages shows the library to everybody.
type Pages struct {
	library *Library
}

// NewPages makes the pages of a library.
func NewPages(l *Library) *Pages { return &Pages{l} }

// Routes are the help's addresses.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + Base, Handler: web.Public(p.list)},
		{Pattern: "GET " + Base + "/{slug}", Handler: web.Public(p.show)},
	}
}

func (p *Pages) list(r *web.Request) error {
	lang := i18n.Lang(r.Ctx())
	q := r.URL.Query().Get("q")
	if len(q) > 200 {
		q = q[:200]
	}
	props := listProps{Query: q, Themes: p.library.Themes(lang)}
	if q != "" {
		props.Found = p.library.Search(lang, q)
	}
	return r.Page(web.Page{Title: r.T("help.title"), Description: r.T("help.lead"), Index: true, Content: listPage(props)})
}

func (p *Pages) show(r *web.Request) error {
	a, err := p.library.BySlug(i18n.Lang(r.Ctx()), r.PathValue("slug"))
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: a.Title, Description: a.Lead, Index: true, Content: articlePage(articleProps{Article: a, Theme: p.library.ThemeOf(a)})})
}

type listProps struct {
	Query  string
	Found  Found
	Themes []Theme
}

type articleProps struct {
	Article *Article
	Theme   Theme
}

func themeURL(slug string) string { return Base + "#" + url.PathEscape(slug) }

// icon stands beside a theme; one not named here has none.
func icon(theme string) string {
	return map[string]string{
		"connexion": "key", "compte": "check", "identifiant": "mail", "profil": "user", "annuaire": "search", "donnees": "lock",
		"reseau": "users", "vie": "calendar", "adhesion": "shield", "equipe": "settings",
	}[theme]
}

func chapters(themes []Theme) []ui.ChapterProps {
	out := make([]ui.ChapterProps, len(themes))
	for i, t := range themes {
		out[i] = ui.ChapterProps{Title: t.Title, Icon: icon(t.Slug), ID: t.Slug, Links: links(t)}
	}
	return out
}

func links(t Theme) []ui.NavItem {
	out := make([]ui.NavItem, len(t.Articles))
	for i, a := range t.Articles {
		out[i] = ui.NavItem{Label: a.Title, URL: a.Path()}
	}
	return out
}

// others are the articles of the same theme besides the one shown.
func others(p articleProps) []ui.NavItem {
	var out []ui.NavItem
	for _, l := range links(p.Theme) {
		if l.URL != p.Article.Path() {
			out = append(out, l)
		}
	}
	return out
}
