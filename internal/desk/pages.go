package desk

import (
	"cmp"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"amicale/internal/clock"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Pages are the staff's pages, cases and the answers kept ready, and the one on which a claimant answers.
type Pages struct {
	store  *Store
	people *people.Store
	now    clock.Clock
}

// NewPages makes the pages.
func NewPages(s *Store, p *people.Store, now clock.Clock) *Pages { return &Pages{s, p, now} }

// Routes are the desk's addresses.
func (p *Pages) Routes() []web.Route {
	staff := func(h web.Handle) web.Handler { return web.Staff(h, deskRole) }
	routes := []web.Route{
		{Pattern: "GET " + Path, Handler: staff(p.list)},
		{Pattern: "GET " + Path + "/{id}", Handler: staff(p.show)},
		{Pattern: "GET " + Path + "/{id}/diplome", Handler: staff(p.scan)},
		{Pattern: "GET " + repliesPath, Handler: staff(p.listReplies)},
		{Pattern: "POST " + repliesPath, Handler: staff(p.updateReply)},
		{Pattern: "POST " + repliesPath + "/{id}/retirer", Handler: staff(p.removeReply)},
		{Pattern: "GET " + phonePath, Handler: staff(p.newPerson)},
		{Pattern: "POST " + phonePath, Handler: staff(p.createPerson)},
		{Pattern: "GET " + AnswerPath + "{token}", Handler: web.Public(p.question)},
		{Pattern: "POST " + AnswerPath + "{token}", Handler: web.Public(p.answer)},
		{Pattern: "GET " + answeredPath, Handler: web.Public(p.answered)},
	}
	for _, a := range p.actions() {
		routes = append(routes, web.Route{Pattern: "POST " + Path + "/{id}/" + a.path, Handler: staff(p.act(a))})
	}
	return routes
}

const repliesPath = Path + "/reponses"

// deskRole keeps an association's desk.
const deskRole = viewer.Webmaster

// action is one thing that can be done to a case.
type action struct {
	path string // last part of the address
	done string // message once it is
	ends bool   // the case is closed then
	run  func(r *web.Request, f *web.Form, by viewer.Actor, on At) error
}

func (p *Pages) actions() []action {
	s := p.store
	return []action{
		{"prendre", "desk.done.taken", false, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error { return s.Take(r.Ctx(), by, on, true) }},
		{"laisser", "desk.done.left", false, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error { return s.Take(r.Ctx(), by, on, false) }},
		{"transmettre", "desk.done.transferred", true, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			return s.Transfer(r.Ctx(), by, on, formID(f, "association"))
		}},
		{"rattacher", "desk.done.linked", false, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			return s.LinkTo(r.Ctx(), by, on, formID(f, "person"))
		}},
		{"lien", "desk.done.link_sent", true, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			return s.SendLink(r.Ctx(), by, on, formID(f, "person"), f.Text("email"))
		}},
		{"creer", "desk.done.created", true, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			return s.Create(r.Ctx(), by, on, readClaim(f).Claim)
		}},
		{"demander", "desk.done.asked", false, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			return s.AskMore(r.Ctx(), by, on, f.Text("words"))
		}},
		{"refuser", "desk.done.refused", true, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			return s.Refuse(r.Ctx(), by, on, f.Text("words"))
		}},
		{"classer", "desk.done.dismissed", true, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error { return s.Dismiss(r.Ctx(), by, on) }},
		{"rouvrir", "desk.done.reopened", false, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error { return s.Reopen(r.Ctx(), by, on) }},
		{"promo", "desk.done.year_filled", true, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			year, _ := f.Int("year") // what is no number is no year, and is said so
			return s.FillYear(r.Ctx(), by, on, formID(f, "degree"), year)
		}},
		{"fichier", "desk.done.took_file", true, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error {
			return s.Settle(r.Ctx(), by, on, true)
		}},
		{"base", "desk.done.kept_base", true, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error {
			return s.Settle(r.Ctx(), by, on, false)
		}},
		{"fusionner", "desk.done.merged", true, func(r *web.Request, f *web.Form, by viewer.Actor, on At) error {
			if !f.Checked("sure") {
				return needSure()
			}
			return s.MergeInto(r.Ctx(), by, on, formID(f, "into"))
		}},
		{"distinctes", "desk.done.not_same", true, func(r *web.Request, _ *web.Form, by viewer.Actor, on At) error { return s.KeepApart(r.Ctx(), by, on) }},
	}
}

// formID is an identifier in a form; zero when there is none that parses.
func formID(f *web.Form, name string) id.ID {
	v, err := id.Parse(f.Text(name))
	if err != nil {
		return id.ID{}
	}
	return v
}

// act runs an action from the version that the visitor saw. What is refused is shown on the case's page, with what
// was typed; what was done can be undone from the next page where that is possible.
func (p *Pages) act(a action) web.Handle {
	return func(r *web.Request) error {
		caseID, err := r.ID("id")
		if err != nil {
			return err
		}
		f, err := r.Form()
		if err != nil {
			return err
		}
		version := r.Version(f)
		err = a.run(r, f, r.Actor(), At{Case: caseID, Version: version})
		if err == nil {
			return p.afterwards(r, a, caseID, version+1)
		}
		if msgs, ok := r.Refused(err); ok {
			return p.page(r, caseID, refusedAct{path: a.path, person: formID(f, "person"), msgs: msgs, typed: readClaim(f), status: web.Status(err)})
		}
		return err
	}
}

// afterwards goes to the desk when the case is closed, else back to the case.
func (p *Pages) afterwards(r *web.Request, a action, caseID id.ID, version int) error {
	here := Path + "/" + caseID.String()
	flash := web.Flash{Kind: "success", Key: a.done}
	to := here
	if a.ends {
		to = Path
		if c, err := p.store.Case(r.Ctx(), r.Viewer, caseID); err == nil && c.Outcome.Undoable() {
			flash.Undo = here + "/rouvrir?version=" + strconv.Itoa(version)
		}
	}
	r.Flash(flash)
	return r.Redirect(to)
}

const pageSize = 50

func (p *Pages) list(r *web.Request) error {
	q := r.URL.Query()
	f := Filter{Kind: Kind(q.Get("sorte")), Closed: q.Get("etat") == "clos", Mine: q.Get("etat") == "moi"}
	if !slices.Contains(Kinds(), f.Kind) {
		f.Kind = ""
	}
	paging := r.Paging(pageSize)
	cases, total, err := p.store.List(r.Ctx(), r.Viewer, f, paging.Size, paging.Offset())
	if err != nil {
		return err
	}
	counts, err := p.store.Counts(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := listProps{Cases: cases, Total: total, Counts: counts, Schools: schools, Filter: f, Now: p.now(),
		Pager: ui.PagerProps{Page: paging.Page, Pages: paging.Pages(total), URL: func(n int) string { return paging.URL(r.URL, n) }}}
	return r.Page(web.Page{Title: r.T("desk.desk"), Help: "guichet", Wide: true, Content: deskPage(props)})
}

func (p *Pages) show(r *web.Request) error {
	caseID, err := r.ID("id")
	if err != nil {
		return err
	}
	return p.page(r, caseID, refusedAct{})
}

// refusedAct is an action that was not carried out: why, and what was typed.
type refusedAct struct {
	path   string
	person id.ID // the candidate it was about
	msgs   map[string]string
	typed  typedClaim
	status int
}

func (p *Pages) page(r *web.Request, caseID id.ID, refused refusedAct) error {
	search := strings.TrimSpace(r.URL.Query().Get("q"))
	file, err := p.store.Show(r.Ctx(), r.Actor(), caseID, search)
	if err != nil {
		return err
	}
	props := caseProps{File: file, Refused: refused, Search: search, Now: p.now(), Me: r.Viewer.Account}
	if file.Kind.Claimed() && file.State != Closed {
		if props.Replies, err = p.repliesFor(r, file.Case); err != nil {
			return err
		}
		props.Ready = p.ready(r, props)
	}
	props.Draft = typedClaim{Claim: file.Claim, YearText: yearText(file.Claim.Year)}
	props.Draft.School = cmp.Or(props.Draft.School, file.Association.Code)
	if refused.path == "creer" {
		props.Draft = refused.typed
	}
	return r.Page(web.Page{Status: refused.status, Title: props.title(), Help: "guichet", Wide: true, Content: casePage(props)})
}

// repliesFor are the answers kept ready in the claimant's language.
func (p *Pages) repliesFor(r *web.Request, c Case) ([]Reply, error) {
	all, err := p.store.Replies(r.Ctx(), r.Viewer, c.AssociationID)
	return slices.DeleteFunc(all, func(x Reply) bool { return x.Lang != cmp.Or(c.Lang, "fr") }), err
}

// ready is the answer chosen with ?reponse=, its places filled; it works without JavaScript.
func (p *Pages) ready(r *web.Request, props caseProps) readyReply {
	n, err := strconv.Atoi(r.URL.Query().Get("reponse"))
	if err != nil || n < 0 || n >= len(props.Replies) {
		return readyReply{}
	}
	chosen := props.Replies[n]
	return readyReply{chosen.Purpose, chosen.Fill(props.Claim.Name(), props.Association.School)}
}

type readyReply struct {
	purpose Purpose
	words   string
}

// scan shows a diploma to the staff: privately, under the type its content has, and where nothing in it can run.
// A browser shows no PDF in a sandbox, so that one is saved.
func (p *Pages) scan(r *web.Request) error {
	caseID, err := r.ID("id")
	if err != nil {
		return err
	}
	c, file, err := p.store.Scan(r.Ctx(), r.Actor(), caseID)
	if err != nil {
		return err
	}
	defer file.Close()
	disposition := "inline"
	if c.ScanType == "application/pdf" {
		disposition = "attachment"
	}
	h := r.W.Header()
	h.Set("Content-Type", c.ScanType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": c.ScanName}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	r.W.WriteHeader(http.StatusOK)
	_, _ = io.Copy(r.W, file) // a visitor who left early is no fault of ours
	return nil
}
