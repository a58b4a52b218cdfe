package app

import (
	"net/http"

	"github.com/a-h/templ"

	"amicale/internal/federation"
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
	return r.Page(web.Page{Title: r.T("app.welcome.short"), Description: r.T("app.welcome.lead"), Index: true, Content: welcomePage()})
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
