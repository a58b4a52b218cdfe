package app

import (
	"context"
	"embed"
	"io"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/directory"
	"amicale/internal/federation"
	"amicale/internal/help"
	"amicale/internal/i18n"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Texts are the app's own.
//
//go:embed messages.*.toml
var Texts embed.FS

// frame draws the top bar, navigation and footer around a page, as the viewer may use them.
func (a *App) frame(r *web.Request, p web.Page) templ.Component { return drawn(a.frameOf(r, p), p) }

// frameOf gathers what the frame shows.
func (a *App) frameOf(r *web.Request, p web.Page) ui.Frame {
	f := ui.Frame{
		Title: p.Title, Description: p.Description, Site: a.siteName(r), Nav: a.nav(r), Footer: a.footer(r),
		HelpURL: a.helpURL(r, p), Languages: languages(r), NoIndex: !p.Index || p.Status >= 400, Demo: a.o.Demo,
		Search: ui.SearchBox{Value: p.Search}, AccentsURL: "/couleurs.css", Association: a.brand(r),
	}
	f.HelpHere = f.HelpURL != help.Base && r.URL.Path != "/"
	if p.Index && p.Status < 400 {
		f.Canonical = a.o.URL + r.URL.Path
	}
	if r.Viewer.SignedIn() {
		f.User = &ui.UserMenu{Name: r.Identity.Name, PhotoURL: r.Identity.PhotoURL, Items: a.userMenu(r)}
	} else {
		f.SignInURL = "/connexion"
	}
	if r.Viewer.Searches() {
		f.Search.Action = directory.Path
		if r.URL.Path == directory.Path {
			f.Search.Form = ui.FacetsID // the box and the filters ask one question
		}
	}
	if flash, text, ok := r.TakeFlash(); ok {
		t := ui.Toast{Text: text, Tone: ui.Tone(flash.Kind)}
		if flash.Kind == "error" {
			t.Tone = ui.Danger
		}
		if flash.Undo != "" {
			t.Undo = &ui.ToastAction{URL: flash.Undo}
		}
		f.Flash = append(f.Flash, t)
	}
	return f
}

// drawn is a page in its frame.
func drawn(f ui.Frame, p web.Page) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return ui.Page(f).Render(templ.WithChildren(ctx, p.Content), w)
	})
}

// siteName is the federation's; a database that does not answer must not hide the page that says so.
func (a *App) siteName(r *web.Request) string {
	f, err := a.federation.Current(r.Ctx())
	if err != nil {
		return r.T("app.site")
	}
	return f.Name
}

// brand is the association whose colours the page wears: that of the visitor's newest degree, else that of the host.
func (a *App) brand(r *web.Request) *ui.Brand {
	all, err := a.people.Associations(r.Ctx())
	if err != nil {
		return nil
	}
	one, ok := all.ByCode(r.Identity.Accent)
	if !ok {
		one, ok = hosted(r, all)
	}
	if !ok {
		return nil
	}
	return &ui.Brand{Code: one.Code, Name: one.Name, LogoURL: federation.LogoURL(one)}
}

func (a *App) nav(r *web.Request) []ui.NavItem {
	var items []ui.NavItem
	add := func(key, to string) {
		current := r.URL.Path == to || to != "/" && strings.HasPrefix(r.URL.Path, to+"/")
		items = append(items, ui.NavItem{Label: r.T(key), URL: to, Current: current})
	}
	if r.Viewer.InNetwork() {
		add("app.nav.me", "/moi")
		add("app.nav.directory", directory.Path)
		add("app.nav.class", "/ma-promo")
	}
	if r.Viewer.IsStaff() {
		if !r.Viewer.InNetwork() && r.Viewer.Searches() {
			add("app.nav.directory", directory.Path)
		}
		add("app.nav.admin", adminPath)
	}
	if !r.Viewer.SignedIn() {
		add("app.nav.associations", "/association")
	}
	add("app.nav.help", help.Base)
	return items
}

func (a *App) userMenu(r *web.Request) []ui.MenuItem {
	var items []ui.MenuItem
	if r.Viewer.Kind == viewer.Network {
		if r.Identity.Login != "" {
			items = append(items, ui.MenuItem{Label: r.T("app.menu.profile"), URL: "/p/" + url.PathEscape(r.Identity.Login), Icon: "person"})
		}
		items = append(items, ui.MenuItem{Label: r.T("app.menu.complete"), URL: "/moi/profil", Icon: "edit"})
	}
	return append(items,
		ui.MenuItem{Label: r.T("app.menu.settings"), URL: "/moi/parametres", Icon: "settings"},
		ui.MenuItem{Label: r.T("app.menu.sign_out"), URL: "/deconnexion", Icon: "sign-out", Post: true, Divider: true})
}

func (a *App) footer(r *web.Request) []ui.NavItem {
	out := []ui.NavItem{{Label: r.T("app.footer.associations"), URL: "/association"}}
	if r.Viewer.InNetwork() {
		out = append(out, ui.NavItem{Label: r.T("app.footer.magazine"), URL: magazine.ReadPath})
	}
	return out
}

// helpURL leads to the page that explains this screen, else to the help's front.
func (a *App) helpURL(r *web.Request, p web.Page) string {
	if p.Help != "" {
		return help.Base + "/" + p.Help
	}
	if list := a.library.ForScreen(i18n.Lang(r.Ctx()), r.URL.Path); len(list) > 0 {
		return list[0].Path()
	}
	return help.Base
}

func languages(r *web.Request) []ui.LangLink {
	names := map[string]string{"fr": "Français", "en": "English"} // each in its own language
	var out []ui.LangLink
	for _, l := range i18n.Langs() {
		out = append(out, ui.LangLink{Code: l, Label: names[l], URL: "/langue?back=" + url.QueryEscape(r.URL.RequestURI()), Current: l == i18n.Lang(r.Ctx()), Post: true})
	}
	return out
}

// speak keeps the language somebody chose in the footer.
func (a *App) speak(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	r.SpeakLanguage(f.Text("lang"))
	return r.Redirect(web.LocalPath(r.URL.Query().Get("back"), "/"))
}
