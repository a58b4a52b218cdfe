package ambassadors

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Where the pages stand.
const (
	// Path is the list of the staff.
	Path = "/admin/ambassadeurs"
	// HomePath is where an ambassador reads which class he looks after, and stops.
	HomePath = "/moi#" + homeID

	ownPath = "/moi/ambassadeur"
	homeID  = "ambassadeur"
)

// helpSlug is the help page about classes and who looks after them.
const helpSlug = "ma-promo"

// LostFunc is how many of some classes of an association no address reaches any more, for its staff; classes with none
// are not in it.
type LostFunc func(ctx context.Context, v viewer.Viewer, association id.ID, years []int) (map[int]int, error)

// Pages are the staff's list of ambassadors, and the part of an ambassador's own space.
type Pages struct {
	store *Store
	lost  LostFunc
}

// NewPages makes the pages.
func NewPages(s *Store, lost LostFunc) *Pages { return &Pages{s, lost} }

// Routes are the addresses of this feature.
func (p *Pages) Routes() []web.Route {
	staff := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Webmaster, viewer.Secretary) }
	return []web.Route{
		{Pattern: "GET " + Path, Handler: staff(p.list)},
		{Pattern: "POST " + Path, Handler: staff(p.create)},
		{Pattern: "POST " + Path + "/{id}/retirer", Handler: staff(p.end(Path, Path, "ambassadors.done.removed"))},
		{Pattern: "POST " + Path + "/{id}/retablir", Handler: staff(p.restore(Path))},
		{Pattern: "POST " + ownPath + "/{id}/retirer", Handler: web.Network(p.end(ownPath, HomePath, "ambassadors.done.left"))},
		{Pattern: "POST " + ownPath + "/{id}/retablir", Handler: web.Network(p.restore(HomePath))},
	}
}

const (
	pageSize = 50
	mostHits = 20 // candidates shown; more need another word
)

// listProps is the list, with whom a search for a class found.
type listProps struct {
	Schools  people.Associations // that the viewer answers for
	School   people.Association  // the one that is shown; zero for all
	Listed   []Listed
	Lost     map[Class]int
	Total    int
	Pager    ui.PagerProps
	Year     string // as typed
	Words    string // as typed
	Wrong    map[string]string
	Searched bool
	Class    Class // of the candidates
	Found    []people.Dossier
	More     bool // than are shown
}

func (p *Pages) list(r *web.Request) error { return p.page(r, 0, nil) }

// page is the list with the search as the address holds it; wrong is why somebody could not be named.
func (p *Pages) page(r *web.Request, status int, wrong map[string]string) error {
	q := r.URL.Query()
	all, err := p.store.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := listProps{Year: strings.TrimSpace(q.Get("promo")), Words: strings.TrimSpace(q.Get("q")), Wrong: wrong}
	for _, a := range all {
		if mayName(r.Viewer, a.ID) {
			props.Schools = append(props.Schools, a)
		}
	}
	props.School, _ = props.Schools.ByCode(q.Get("ecole"))
	paging := r.Paging(pageSize)
	if props.Listed, props.Total, err = p.store.List(r.Ctx(), r.Viewer, props.School.ID, paging.Size, paging.Offset()); err != nil {
		return err
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(props.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	if props.Lost, err = p.lostOf(r, props.Listed); err != nil {
		return err
	}
	if props.Year != "" {
		if err := p.search(r, &props); err != nil {
			return err
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("ambassadors.title"), Help: helpSlug, Wide: true, Content: listPage(props)})
}

// lostOf counts for the classes that are shown.
func (p *Pages) lostOf(r *web.Request, list []Listed) (map[Class]int, error) {
	years := map[id.ID][]int{}
	for _, l := range list {
		years[l.AssociationID] = append(years[l.AssociationID], l.ClassYear)
	}
	out := map[Class]int{}
	for association, of := range years {
		counts, err := p.lost(r.Ctx(), r.Viewer, association, of)
		if err != nil {
			return nil, err
		}
		for year, n := range counts {
			out[Class{association, year}] = n
		}
	}
	return out, nil
}

// search finds people of the class that was typed.
func (p *Pages) search(r *web.Request, props *listProps) error {
	at := props.School
	if len(props.Schools) == 1 {
		at = props.Schools[0]
	}
	year, err := strconv.Atoi(props.Year)
	switch {
	case at.ID.IsZero():
		props.Wrong = map[string]string{"ecole": r.T("ambassadors.need_school")}
		return nil
	case err != nil || !people.ValidYear(year, p.store.now()):
		props.Wrong = map[string]string{"promo": r.T("ambassadors.need_year")}
		return nil
	}
	props.Searched, props.Class = true, Class{at.ID, year}
	props.Found, err = p.store.Candidates(r.Ctx(), r.Viewer, Query{props.Class, strings.Fields(fold.Name(props.Words))}, mostHits)
	if len(props.Found) > mostHits {
		props.Found, props.More = props.Found[:mostHits], true
	}
	return err
}

// create names somebody; what the toast undoes takes him off again.
func (p *Pages) create(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	year, _ := f.Int("promo") // what is no number is no year of anybody's
	association, _ := id.Parse(f.Text("association"))
	person, _ := id.Parse(f.Text("person"))
	if association.IsZero() || person.IsZero() {
		return p.page(r, http.StatusUnprocessableEntity, map[string]string{"": r.T("ambassadors.not_of_class")})
	}
	named, err := p.store.Name(r.Ctx(), r.Actor(), Class{association, year}, person)
	if err != nil {
		if msgs, ok := r.Refused(err); ok {
			return p.page(r, web.Status(err), msgs)
		}
		return err
	}
	flash := web.Flash{Kind: "success", Key: "ambassadors.done.named"}
	if !named.IsZero() {
		flash.Undo = rowPath(Path, named, "retirer")
	}
	r.Flash(flash)
	return r.Redirect(Path)
}

func rowPath(base string, row id.ID, do string) string { return base + "/" + row.String() + "/" + do }

// end takes somebody off, which the toast can take back.
func (p *Pages) end(base, to, done string) web.Handle {
	return func(r *web.Request) error {
		row, err := r.ID("id")
		if err != nil {
			return err
		}
		if err := p.store.End(r.Ctx(), r.Actor(), row); err != nil {
			return err
		}
		r.Flash(web.Flash{Kind: "success", Key: done, Undo: rowPath(base, row, "retablir")})
		return r.Redirect(to)
	}
}

func (p *Pages) restore(to string) web.Handle {
	return func(r *web.Request) error {
		row, err := r.ID("id")
		if err != nil {
			return err
		}
		if err := p.store.Restore(r.Ctx(), r.Actor(), row); err != nil {
			return err
		}
		return r.Done(to, "ambassadors.done.restored")
	}
}

// Home is on one's own space which classes one looks after, with how to stop; nil for who looks after none.
func (p *Pages) Home(r *web.Request, d people.Dossier) (templ.Component, error) {
	list, err := p.store.Own(r.Ctx(), r.Viewer)
	if err != nil {
		return nil, err
	}
	as, err := p.store.people.Associations(r.Ctx())
	if err != nil {
		return nil, err
	}
	props := homeProps{Schools: as}
	for _, a := range list {
		if Serves(d, true, a.Class) { // he is signed in: his account is open
			props.Own = append(props.Own, a)
		}
	}
	if len(props.Own) == 0 {
		return nil, nil
	}
	return homePart(props), nil
}

// homeProps is the part of an ambassador's own space.
type homeProps struct {
	Own     []Ambassador
	Schools people.Associations
}
