package app

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/federation"
	"amicale/internal/help"
	"amicale/internal/i18n"
	"amicale/internal/ui"
	"amicale/internal/web"
)

func (a *App) home(r *web.Request) error {
	all, err := a.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return r.Redirect(federation.SetupPath)
	}
	if one, ok := hosted(r, all); ok && !r.Viewer.SignedIn() {
		return a.federationPages.Show(r, one)
	}
	if r.Viewer.InNetwork() {
		return r.Redirect("/moi")
	}
	if r.Viewer.IsStaff() {
		return r.Redirect("/admin")
	}
	props := welcomeProps{Associations: federation.Schools(all), Questions: a.firstQuestions(r), Search: !r.Viewer.SignedIn() || r.Viewer.Searches()}
	return r.Page(web.Page{Title: r.T("app.welcome.short"), Description: r.T("app.welcome.lead"), Index: true, Content: welcomePage(props)})
}

// firstQuestions are those that somebody asks who has no account yet.
func (a *App) firstQuestions(r *web.Request) []ui.NavItem {
	var out []ui.NavItem
	for _, slug := range []string{"activer-son-compte", "regle-identifiant", "pas-dans-la-base", "jamais-active", "federation"} {
		if article, err := a.library.BySlug(i18n.Lang(r.Ctx()), slug); err == nil {
			out = append(out, ui.NavItem{Label: article.Title, URL: article.Path()})
		}
	}
	return append(out, ui.NavItem{Label: r.T("app.welcome.all_help"), URL: help.Base})
}

func promiseIcon(promise string) string {
	return map[string]string{"find": "search", "keep": "mail", "choose": "eye"}[promise]
}

// letterPart is a stretch of a letter's text; a link when URL is set.
type letterPart struct{ Text, URL string }

// letterParts cuts a letter's text at the links it holds, so that they can be followed where they stand.
func letterParts(l letter) []letterPart {
	var out []letterPart
	rest := l.Text
	for rest != "" {
		at, link := len(rest), ""
		for _, href := range l.Links {
			// At the same place the longest: one link may begin another.
			if i := strings.Index(rest, href); href != "" && i >= 0 && (i < at || i == at && len(href) > len(link)) {
				at, link = i, href
			}
		}
		if at > 0 {
			out = append(out, letterPart{Text: rest[:at]})
		}
		if link != "" {
			out = append(out, letterPart{Text: link, URL: link})
		}
		rest = rest[at+len(link):]
	}
	return out
}

// problem is what an error page says: what happened, that nothing was lost, what to do.
func problem(r *web.Request, status int, message string) templ.Component {
	actions := []ui.LinkButtonProps{{Label: r.T("app.problem.home"), URL: "/"}, {Label: r.T("app.problem.help"), URL: "/aide"}}
	title := r.T("app.problem.title")
	if status == http.StatusNotFound {
		title = r.T("app.problem.not_found")
	}
	return problemPage(title, message, actions)
}
