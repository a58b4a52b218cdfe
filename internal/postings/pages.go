package postings

import (
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Path is the list of drafts.
const Path = "/admin/offres"

// helpSlug is the help page about offers that come by mail.
const helpSlug = "offres-recues"

// Pages are the staff's pages of the offers that came by mail.
type Pages struct {
	store  *Store
	people *people.Store
}

// NewPages makes the pages.
func NewPages(s *Store, p *people.Store) *Pages { return &Pages{s, p} }

// Routes are the addresses of this feature.
func (p *Pages) Routes() []web.Route {
	staff := func(h web.Handle) web.Handler { return web.Staff(h, Roles()...) }
	routes := []web.Route{
		{Pattern: "GET " + Path, Handler: staff(p.list)},
		{Pattern: "GET " + Path + "/{id}", Handler: staff(p.show)},
		{Pattern: "GET " + Path + "/{id}/fichiers/{file}", Handler: staff(p.download)},
	}
	for _, a := range p.actions() {
		routes = append(routes, web.Route{Pattern: "POST " + Path + "/{id}" + a.path, Handler: staff(p.act(a))})
	}
	return routes
}

// action is one thing that can be done to a draft.
type action struct {
	path string // after the draft's address
	done string // message once it is
	ends bool   // the draft leaves the list of those to be decided
	run  func(r *web.Request, f *web.Form, by viewer.Actor, at At) error
}

func (p *Pages) actions() []action {
	s := p.store
	return []action{
		{"", "postings.done.saved", false, func(r *web.Request, f *web.Form, by viewer.Actor, at At) error {
			return s.Edit(r.Ctx(), by, at, wordsOf(f))
		}},
		{"/garder", "postings.done.kept", true, func(r *web.Request, f *web.Form, by viewer.Actor, at At) error {
			return s.Decide(r.Ctx(), by, at, decisionOf(f, true))
		}},
		{"/refuser", "postings.done.refused", true, func(r *web.Request, f *web.Form, by viewer.Actor, at At) error {
			return s.Decide(r.Ctx(), by, at, decisionOf(f, false))
		}},
		{"/rouvrir", "postings.done.reopened", false, func(r *web.Request, _ *web.Form, by viewer.Actor, at At) error {
			return s.Reopen(r.Ctx(), by, at)
		}},
	}
}

func wordsOf(f *web.Form) Words {
	return Words{Title: f.Text("title"), Company: f.Text("company"), Body: f.Text("body")}
}

func decisionOf(f *web.Form, keep bool) Decision {
	reply, ok := f.Int("reply")
	if !ok {
		reply = -1
	}
	return Decision{Keep: keep, Note: f.Text("note"), Reply: reply, Words: f.Text("words")}
}

// act runs an action from the version that the visitor saw. What is refused is shown on the draft's page, with what was
// typed; a decision can be taken back from the next page.
func (p *Pages) act(a action) web.Handle {
	return func(r *web.Request) error {
		draft, err := r.ID("id")
		if err != nil {
			return err
		}
		f, err := r.Form()
		if err != nil {
			return err
		}
		version := r.Version(f)
		err = a.run(r, f, r.Actor(), At{Draft: draft, Version: version})
		if err == nil {
			return p.afterwards(r, a, draft, version+1)
		}
		if msgs, ok := r.Refused(err); ok {
			return p.page(r, draft, refusedAct{path: a.path, msgs: msgs, words: wordsOf(f), decision: decisionOf(f, a.path == "/garder"), form: true, status: web.Status(err)})
		}
		return err
	}
}

func (p *Pages) afterwards(r *web.Request, a action, draft id.ID, version int) error {
	here := draftPath(draft)
	flash, to := web.Flash{Kind: "success", Key: a.done}, here
	if a.ends {
		flash.Undo, to = here+"/rouvrir?version="+strconv.Itoa(version), Path
	}
	r.Flash(flash)
	return r.Redirect(to)
}

func draftPath(draft id.ID) string { return Path + "/" + draft.String() }

const pageSize = 50

// listProps is a list of drafts.
type listProps struct {
	Drafts  []Draft
	State   State
	Total   int
	Waiting int
	Schools people.Associations // that the viewer answers for
	School  people.Association  // the one that is shown; zero for all
	Pager   ui.PagerProps
}

func (p *Pages) list(r *web.Request) error {
	q := r.URL.Query()
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := listProps{State: stateOf(q.Get("etat")), Schools: slices.DeleteFunc(all, func(a people.Association) bool { return !r.Viewer.HasAt(a.ID, Roles()...) })}
	props.School, _ = props.Schools.ByCode(q.Get("ecole"))
	paging := r.Paging(pageSize)
	f := Filter{State: props.State, Association: props.School.ID}
	if props.Drafts, props.Total, err = p.store.List(r.Ctx(), r.Viewer, f, paging.Size, paging.Offset()); err != nil {
		return err
	}
	if props.Waiting, err = p.store.CountNew(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(props.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Title: r.T("postings.title"), Help: helpSlug, Wide: true, Content: listPage(props)})
}

func (p *Pages) show(r *web.Request) error {
	draft, err := r.ID("id")
	if err != nil {
		return err
	}
	return p.page(r, draft, refusedAct{})
}

// refusedAct is an action that was not carried out: why, and what was typed.
type refusedAct struct {
	form     bool // there was one
	path     string
	msgs     map[string]string
	words    Words
	decision Decision
	status   int
}

// draftProps is the page of one draft.
type draftProps struct {
	Draft
	List    []File // what came with it
	School  people.Association
	Keeps   []Reply
	Refuses []Reply
	Refused refusedAct
}

func (p *Pages) page(r *web.Request, draft id.ID, refused refusedAct) error {
	d, files, err := p.store.Show(r.Ctx(), r.Viewer, draft)
	if err != nil {
		return err
	}
	props := draftProps{Draft: d, List: files, Refused: refused, Keeps: p.store.Replies(r.Ctx(), d.Lang, true), Refuses: p.store.Replies(r.Ctx(), d.Lang, false)}
	if props.School, err = p.store.associationOf(r.Ctx(), d.AssociationID); err != nil {
		return err
	}
	return r.Page(web.Page{Status: refused.status, Title: props.heading(r.Ctx()), Help: helpSlug, Wide: true, Content: draftPage(props)})
}

// download gives a PDF out as a file to be saved: it came from a stranger, and nothing in it runs here.
func (p *Pages) download(r *web.Request) error {
	draft, err := r.ID("id")
	if err != nil {
		return err
	}
	which, err := r.ID("file")
	if err != nil {
		return err
	}
	f, content, err := p.store.Open(r.Ctx(), r.Viewer, draft, which)
	if err != nil {
		return err
	}
	defer content.Close()
	h := r.W.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	r.W.WriteHeader(http.StatusOK)
	_, _ = io.Copy(r.W, content) // a visitor who left early is no fault of ours
	return nil
}
