package profiles

import (
	"errors"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Pages shows one's own space, the form of a profile, profiles, and one's data.
type Pages struct {
	store   *Store
	letters *web.Limits // of links sent to addresses that may be somebody else's
	heavy   *web.Limits // of what costs: photos, copies of all data
	extras  Extras
}

// Extras are parts of the pages that other features give; each may be nil.
type Extras struct {
	// Notice stands on top of one's own space; nil for nothing to say.
	Notice func(r *web.Request) (templ.Component, error)
	// Home are parts of one's own space, in their order.
	Home []PartFunc
	// Returned is the page where a reader says that his mail to somebody came back.
	Returned func(login string) string
}

// PartFunc draws a part of the page of a person; nil for nothing to say.
type PartFunc func(r *web.Request, d people.Dossier) (templ.Component, error)

// With adds what other features give.
func (p *Pages) With(e Extras) *Pages {
	p.extras = e
	return p
}

// NewPages makes the pages.
func NewPages(s *Store, now clock.Clock) *Pages {
	return &Pages{store: s, letters: web.NewLimits(now, 10*time.Minute, 6), heavy: web.NewLimits(now, 20*time.Second, 20)}
}

// Addresses within the site.
const (
	pathMe       = "/moi"
	pathProfile  = "/moi/profil"
	pathPreview  = "/moi/profil/apercu"
	pathViews    = "/moi/consultations"
	pathData     = "/moi/donnees"
	pathErase    = "/moi/donnees/effacer"
	pathContacts = "/moi/profil/coordonnees"
	pathTowns    = "/moi/profil/villes"
	pathClass    = "/ma-promo"
	pathSettings = "/moi/parametres"
)

// Routes are the addresses of this feature.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + pathMe, Handler: web.SignedIn(p.home)},
		{Pattern: "POST " + pathMe + "/confirmer", Handler: web.Network(p.confirm)},
		{Pattern: "GET " + pathProfile, Handler: web.Network(p.edit)},
		{Pattern: "POST " + pathProfile + "/identite", Handler: web.Network(p.updateIdentity)},
		{Pattern: "POST " + pathProfile + "/presentation", Handler: web.Network(p.updateText)},
		{Pattern: "POST " + pathProfile + "/photo", Handler: web.Network(p.updatePhoto)},
		{Pattern: "POST " + pathProfile + "/photo/retirer", Handler: web.Network(p.removePhoto)},
		{Pattern: "GET " + pathProfile + "/photo/{size}", Handler: web.Network(p.showOwnPhoto)},
		{Pattern: "POST " + pathProfile + "/diplomes", Handler: web.Network(p.updateStudies)},
		{Pattern: "POST " + pathProfile + "/annuler/{undo}", Handler: web.Network(p.undo)},
		{Pattern: "GET " + pathTowns, Handler: web.Network(p.listTowns)},
		{Pattern: "POST " + pathProfile + "/adresse", Handler: web.Network(p.updateLifetime)},
		{Pattern: "POST " + pathContacts, Handler: web.Network(p.createContact)},
		{Pattern: "POST " + pathContacts + "/{contact}", Handler: web.Network(p.updateContact)},
		{Pattern: "POST " + pathContacts + "/{contact}/retirer", Handler: web.Network(p.removeContact)},
		{Pattern: "POST " + pathContacts + "/{contact}/preferer", Handler: web.Network(p.preferContact)},
		{Pattern: "POST " + pathContacts + "/{contact}/lien", Handler: web.Network(p.sendLink)},
		{Pattern: "GET " + pathProfile + "/email/{token}", Handler: web.Public(p.showLink)},
		{Pattern: "POST " + pathProfile + "/email/{token}", Handler: web.Public(p.useLink)},
		{Pattern: "GET " + pathPreview, Handler: web.Network(p.preview)},
		{Pattern: "GET " + pathViews, Handler: web.Network(p.listViews)},
		{Pattern: "GET " + pathData, Handler: web.Network(p.showData)},
		{Pattern: "GET " + pathData + "/telecharger", Handler: web.Network(p.downloadZip)},
		{Pattern: "GET " + pathData + "/donnees.json", Handler: web.Network(p.downloadJSON)},
		{Pattern: "GET " + pathErase, Handler: web.Network(p.showErasure)},
		{Pattern: "POST " + pathErase, Handler: web.Network(p.askErasure)},
		{Pattern: "GET " + pathErase + "/{token}", Handler: web.Network(p.showLastWord)},
		{Pattern: "POST " + pathErase + "/{token}", Handler: web.Network(p.erase)},
		{Pattern: "GET /p/{login}", Handler: web.Public(p.show)},
		{Pattern: "GET /p/{login}/photo/{size}", Handler: web.Public(p.showPhoto)},
	}
}

// homeProps is one's own space. D is nil for an account without a person.
type homeProps struct {
	Name      string
	D         *people.Dossier
	Login     string
	PhotoURL  string
	As        people.Associations
	Missing   []Item
	Stale     bool
	Views     int
	Standings []Standing
	Staff     bool
	Searches  bool // the directory is open to the visitor
	Notice    templ.Component
	Parts     []templ.Component
}

func (p *Pages) home(r *web.Request) error {
	props := homeProps{Name: r.Identity.Name, Login: r.Identity.Login, Staff: r.Viewer.IsStaff(), Searches: r.Viewer.Searches()}
	if !r.Viewer.Person.IsZero() && r.Viewer.InNetwork() {
		d, err := p.store.Own(r.Ctx(), r.Viewer)
		if err != nil {
			return err
		}
		if props.As, err = p.store.Associations(r.Ctx()); err != nil {
			return err
		}
		views, err := p.store.Views(r.Ctx(), r.Viewer, audit.Page{Size: 1}, false)
		if err != nil {
			return err
		}
		props.D, props.Name, props.PhotoURL, props.Views = &d, d.FirstName, ownPhotoURL(d.Photo, SmallPhoto), views.Total
		props.Missing, props.Stale = Missing(d), Stale(d, p.store.Now())
		props.Standings = Standings(d, props.As, p.store.Today())
		if props.Notice, props.Parts, err = p.fromOthers(r, d); err != nil {
			return err
		}
	}
	return r.Page(web.Page{Title: r.T("profile.home.title"), Help: "completer-mon-profil", Content: homePage(props)})
}

// fromOthers is what other features have to say on one's own space.
func (p *Pages) fromOthers(r *web.Request, d people.Dossier) (notice templ.Component, parts []templ.Component, err error) {
	if p.extras.Notice != nil {
		if notice, err = p.extras.Notice(r); err != nil {
			return nil, nil, err
		}
	}
	for _, draw := range p.extras.Home {
		c, err := draw(r, d)
		if err != nil {
			return nil, nil, err
		}
		if c != nil {
			parts = append(parts, c)
		}
	}
	return notice, parts, nil
}

func (p *Pages) confirm(r *web.Request) error {
	if err := p.store.Confirm(r.Ctx(), r.Actor()); err != nil {
		return err
	}
	return r.Done(pathMe, "profile.confirmed")
}

// viewProps is a profile as one viewer sees it.
type viewProps struct {
	Seen     people.Seen
	As       people.Associations
	PhotoURL string
	// Reader is what the section of coordinates says when there are none to show: 'member', 'graduate', or '' for
	// viewers who never see one. It depends on the viewer alone, so that it tells nothing of the person.
	Reader string
	// Returned is where to say that mail came back; "" where nothing can be said.
	Returned string
}

// reader is the kind of reader of coordinates a viewer is.
func reader(v viewer.Viewer) string {
	switch {
	case v.Kind == viewer.Network && v.Member, v.Has(viewer.Webmaster, viewer.Secretary):
		return "member"
	case v.Kind == viewer.Network:
		return "graduate"
	}
	return ""
}

func (p *Pages) show(r *web.Request) error {
	login := r.PathValue("login")
	seen, err := p.store.View(r.Ctx(), r.Actor(), login)
	if errors.Is(err, errs.NotFound) {
		return r.Page(web.Page{Status: http.StatusNotFound, Title: r.T("profile.hidden.title"), Help: "qui-voit-quoi",
			Content: hiddenPage(!r.Viewer.SignedIn(), r.URL.Path)})
	}
	if err != nil {
		return err
	}
	if seen.Login != "" && seen.Login != login {
		return r.Redirect(seen.Path())
	}
	as, err := p.store.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := viewProps{Seen: seen, As: as, PhotoURL: people.PhotoPath(login, seen.Photo, string(LargePhoto)), Reader: reader(r.Viewer)}
	if p.extras.Returned != nil && r.Viewer.Kind == viewer.Network && !seen.Own && len(Contacts(seen.Contacts, people.Email)) > 0 {
		props.Returned = p.extras.Returned(seen.Login)
	}
	return r.Page(web.Page{Title: seen.Name(), Help: "qui-voit-quoi", Content: viewPage(props)})
}

// previewProps is one's own profile through other eyes.
type previewProps struct {
	Eyes    Eyes
	View    viewProps
	Visible bool
}

func (p *Pages) preview(r *web.Request) error {
	eyes := Eyes(r.URL.Query().Get("comme"))
	if eyes == "" {
		eyes = Graduate
	}
	seen, visible, err := p.store.As(r.Ctx(), r.Viewer, eyes)
	if err != nil {
		return err
	}
	as, err := p.store.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := previewProps{Eyes: eyes, Visible: visible, View: viewProps{Seen: seen, As: as, PhotoURL: ownPhotoURL(seen.Photo, LargePhoto)}}
	if other, ok := eyes.through(); ok {
		props.View.Reader = reader(other)
	}
	return r.Page(web.Page{Title: r.T("profile.preview.title"), Help: "qui-voit-quoi", Content: previewPage(props)})
}

// viewsProps is who read one's coordinates.
type viewsProps struct {
	List   audit.List
	All    bool
	Page   web.Paging
	Pages  int
	PageAt func(int) string
	// ActionKey is that of Deps.
	ActionKey func(string) string
}

const viewsSize = 30

func (p *Pages) listViews(r *web.Request) error {
	all := r.URL.Query().Get("tout") != ""
	paging := r.Paging(viewsSize)
	list, err := p.store.Views(r.Ctx(), r.Viewer, audit.Page{Number: paging.Page, Size: paging.Size}, all)
	if err != nil {
		return err
	}
	props := viewsProps{List: list, All: all, Page: paging, Pages: paging.Pages(list.Total), ActionKey: p.store.ActionKey,
		PageAt: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Title: r.T("profile.views.title"), Help: "qui-a-consulte", Content: viewsPage(props)})
}

// link is an address in an href.
func link(path string) templ.SafeURL { return templ.SafeURL(path) }
