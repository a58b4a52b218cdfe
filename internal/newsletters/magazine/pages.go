package magazine

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Where the pages stand.
const (
	ReadPath  = "/magazine"
	AdminPath = "/admin/magazine"
)

// Path is where an issue is read.
func Path(issue id.ID) string { return ReadPath + "/" + issue.String() }

func issuePath(issue id.ID) string { return AdminPath + "/" + issue.String() }

// helpSlug is the page of the help that explains the magazine with the other letters.
const helpSlug = "lettres"

// Pages are the members' shelf and the staff's desk.
type Pages struct{ store *Store }

// NewPages makes the pages.
func NewPages(s *Store) *Pages { return &Pages{s} }

// Routes are the addresses of the magazine. The shelf opens to the network: it says to those who do not pay why it is
// empty.
func (p *Pages) Routes() []web.Route {
	maker := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Editor, viewer.Webmaster) }
	either := func(h web.Handle) web.Handler {
		return web.Staff(h, viewer.Editor, viewer.Webmaster, viewer.Secretary)
	}
	poster := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Webmaster, viewer.Secretary) }
	one := AdminPath + "/{id}"
	return []web.Route{
		{Pattern: "GET " + ReadPath, Handler: web.Network(p.shelf)},
		{Pattern: "GET " + ReadPath + "/{id}", Handler: web.SignedIn(p.read)},
		{Pattern: "GET " + AdminPath, Handler: either(p.list)},
		{Pattern: "POST " + AdminPath, Handler: maker(p.create)},
		{Pattern: "GET " + one, Handler: either(p.show)},
		{Pattern: "POST " + one + "/publier", Handler: maker(p.publish)},
		{Pattern: "POST " + one + "/retirer", Handler: maker(p.withdraw)},
		{Pattern: "GET " + one + "/{code}/etiquettes.pdf", Handler: poster(p.sheets)},
		{Pattern: "GET " + one + "/{code}/etiquettes.csv", Handler: poster(p.table)},
	}
}

const pageSize = 20

type shelfProps struct {
	Issues []Issue
	Pager  ui.PagerProps
}

func pagerOf(r *web.Request, paging web.Paging, total int) ui.PagerProps {
	return ui.PagerProps{Page: paging.Page, Pages: paging.Pages(total), URL: func(n int) string { return paging.URL(r.URL, n) }}
}

func (p *Pages) shelf(r *web.Request) error {
	paging := r.Paging(pageSize)
	list, total, err := p.store.Mine(r.Ctx(), r.Viewer, paging.Size, paging.Offset())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("magazine.title"), Content: shelfPage(shelfProps{list, pagerOf(r, paging, total)})})
}

// read is the PDF. Rights are read each time: no cache in between keeps it.
func (p *Pages) read(r *web.Request) error {
	issue, err := r.ID("id")
	if err != nil {
		return err
	}
	f, i, err := p.store.File(r.Ctx(), r.Viewer, issue)
	if err != nil {
		return err
	}
	defer f.Close()
	h := r.W.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Length", strconv.FormatInt(i.FileSize, 10))
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": i.Title + ".pdf"}))
	h.Set("Cache-Control", "private, no-cache")
	_, err = io.Copy(r.W, f)
	if err != nil && r.Ctx().Err() != nil {
		return nil // who left early
	}
	return errs.Wrap("magazine.read", err)
}

type listProps struct {
	Issues  []Issue
	Makers  people.Associations // those whose magazine the viewer makes
	Schools people.Associations
	Typed   []string // associations ticked
	Title   string
	Errors  map[string]string
	Pager   ui.PagerProps
}

func (p *Pages) list(r *web.Request) error { return p.listWith(r, listProps{}, 0) }

func (p *Pages) listWith(r *web.Request, props listProps, status int) error {
	paging := r.Paging(pageSize)
	var total int
	var err error
	if props.Issues, total, err = p.store.List(r.Ctx(), r.Viewer, paging.Size, paging.Offset()); err != nil {
		return err
	}
	if props.Schools, err = p.store.People.Associations(r.Ctx()); err != nil {
		return err
	}
	for _, a := range props.Schools {
		if mayMake(r.Viewer, a.ID) {
			props.Makers = append(props.Makers, a)
		}
	}
	props.Pager = pagerOf(r, paging, total)
	return r.Page(web.Page{Status: status, Title: r.T("magazine.title"), Help: helpSlug, Content: listPage(props)})
}

func (p *Pages) create(r *web.Request) error {
	r.LimitBody(MaxFile + 8<<20)
	f, err := r.Form()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return p.listWith(r, listProps{Errors: map[string]string{"file": r.T("magazine.too_big", map[string]any{"Megabytes": MaxFile >> 20})}}, http.StatusRequestEntityTooLarge)
	}
	if err != nil {
		return err
	}
	n := New{Title: f.Text("title")}
	for _, v := range f.All("association") {
		a, err := id.Parse(v)
		if err != nil {
			return errs.E("magazine.create", errs.Invalid, err)
		}
		n.Associations = append(n.Associations, a)
	}
	file, head, err := f.File("file")
	if err != nil {
		return err
	}
	if file != nil {
		defer file.Close()
		n.File, n.Size = file, head.Size
	}
	made, err := p.store.Create(r.Ctx(), r.Actor(), n)
	if msgs, ok := r.Refused(err); err != nil && ok {
		return p.listWith(r, listProps{Title: n.Title, Typed: f.All("association"), Errors: msgs}, web.Status(err))
	}
	if err != nil {
		return err
	}
	return r.Done(issuePath(made), "magazine.done.created")
}

type showProps struct {
	Issue
	Schools people.Associations
	Viewer  viewer.Viewer
	Error   string
	Counts  map[id.ID]Count // of labels, where the viewer may have them
}

func (p *Pages) show(r *web.Request) error { return p.showWith(r, "", 0) }

func (p *Pages) showWith(r *web.Request, problem string, status int) error {
	issue, err := r.ID("id")
	if err != nil {
		return err
	}
	props := showProps{Viewer: r.Viewer, Error: problem}
	if props.Issue, err = p.store.ByID(r.Ctx(), r.Viewer, issue); err != nil {
		return err
	}
	if props.Schools, err = p.store.People.Associations(r.Ctx()); err != nil {
		return err
	}
	props.Counts = map[id.ID]Count{}
	for _, e := range props.Editions {
		if mayPost(r.Viewer, e.AssociationID) {
			if props.Counts[e.AssociationID], err = p.store.Count(r.Ctx(), r.Viewer, e.AssociationID); err != nil {
				return err
			}
		}
	}
	return r.Page(web.Page{Status: status, Title: props.Title, Help: helpSlug, Content: showPage(props)})
}

// edition is the issue in the path and the association that a form names.
func (p *Pages) edition(r *web.Request) (issue, association id.ID, err error) {
	if issue, err = r.ID("id"); err != nil {
		return issue, association, err
	}
	f, err := r.Form()
	if err != nil {
		return issue, association, err
	}
	if association, err = id.Parse(f.Text("association")); err != nil {
		err = errs.E("magazine.edition", errs.NotFound, nil)
	}
	return issue, association, err
}

func (p *Pages) publish(r *web.Request) error {
	issue, association, err := p.edition(r)
	if err != nil {
		return err
	}
	campaign, err := p.store.Publish(r.Ctx(), r.Actor(), issue, association)
	if msgs, ok := r.Refused(err); err != nil && ok {
		return p.showWith(r, msgs[""], web.Status(err))
	}
	if err != nil {
		return err
	}
	return r.Done(newsletters.Path+"/"+campaign.String(), "magazine.done.published")
}

func (p *Pages) withdraw(r *web.Request) error {
	issue, association, err := p.edition(r)
	if err != nil {
		return err
	}
	if err := p.store.Withdraw(r.Ctx(), r.Actor(), issue, association); err != nil {
		return err
	}
	return r.Done(issuePath(issue), "magazine.done.withdrawn")
}

// labels are those of the edition in the path.
func (p *Pages) labels(r *web.Request) ([]Label, people.Association, error) {
	issue, err := r.ID("id")
	if err != nil {
		return nil, people.Association{}, err
	}
	all, err := p.store.People.Associations(r.Ctx())
	if err != nil {
		return nil, people.Association{}, err
	}
	a, ok := all.ByCode(r.PathValue("code"))
	if !ok {
		return nil, a, errs.E("magazine.labels", errs.NotFound, nil)
	}
	list, err := p.store.Labels(r.Ctx(), r.Actor(), issue, a.ID)
	return list, a, err
}

func (p *Pages) sheets(r *web.Request) error {
	list, a, err := p.labels(r)
	if err != nil {
		return err
	}
	b, err := Sheets(r.T("magazine.labels"), list)
	if err != nil {
		return err
	}
	return download(r, "application/pdf", "etiquettes-"+a.Code+".pdf", b)
}

func (p *Pages) table(r *web.Request) error {
	list, a, err := p.labels(r)
	if err != nil {
		return err
	}
	var head []string
	for _, c := range []string{"name", "street_1", "street_2", "street_3", "city", "country"} {
		head = append(head, r.T("magazine.column."+c))
	}
	b, err := Table(head, list)
	if err != nil {
		return err
	}
	return download(r, "text/csv; charset=utf-8", "etiquettes-"+a.Code+".csv", b)
}

func download(r *web.Request, contentType, name string, content []byte) error {
	h := r.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "no-store")
	_, _ = r.W.Write(content) // a visitor who left early is no fault of the handler's
	return nil
}
