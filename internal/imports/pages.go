package imports

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// importsPath is where the pages stand.
const importsPath = "/admin/imports"

// maxUpload bounds a file that comes by the back office; larger ones go by the command line.
const maxUpload = 200 << 20

// helpSlug is the page of the help that explains imports.
const helpSlug = "importer"

// Pages let the webmasters import lists.
type Pages struct {
	store  *Store
	people *people.Store
}

// NewPages makes the pages.
func NewPages(s *Store, p *people.Store) *Pages { return &Pages{s, p} }

// Routes are the addresses of the pages.
func (p *Pages) Routes() []web.Route {
	one := importsPath + "/{id}"
	staff := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Webmaster) }
	return []web.Route{
		{Pattern: "GET " + importsPath, Handler: staff(p.list)},
		{Pattern: "POST " + importsPath, Handler: staff(p.create)},
		{Pattern: "GET " + one, Handler: staff(p.show)},
		{Pattern: "POST " + one + "/essayer", Handler: staff(func(r *web.Request) error { return p.start(r, true) })},
		{Pattern: "POST " + one + "/importer", Handler: staff(func(r *web.Request) error { return p.start(r, false) })},
		{Pattern: "POST " + one + "/supprimer", Handler: staff(p.remove)},
		{Pattern: "GET " + one + "/rejets", Handler: staff(p.rejects)},
	}
}

func (p *Pages) list(r *web.Request) error { return p.listWith(r, http.StatusOK, id.ID{}, nil) }

// listWith shows the history and the form for another file, with what was chosen and what was wrong with it.
func (p *Pages) listWith(r *web.Request, status int, association id.ID, wrong map[string]string) error {
	paging := r.Paging(20)
	imports, total, err := p.store.Imports(r.Ctx(), r.Viewer, paging.Size, paging.Offset())
	if err != nil {
		return err
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := listProps{Imports: imports, Schools: schools, Choices: choices(r, schools, association), Wrong: wrong,
		Pager: ui.PagerProps{Page: paging.Page, Pages: paging.Pages(total), URL: func(n int) string { return paging.URL(r.URL, n) }}}
	return r.Page(web.Page{Status: status, Title: r.T("imports.title"), Help: helpSlug, Content: listPage(props)})
}

// choices are the associations that the viewer may import for, and that each row names its own.
func choices(r *web.Request, schools people.Associations, chosen id.ID) []ui.Option {
	var out []ui.Option
	for _, a := range schools {
		if r.Viewer.HasAt(a.ID, viewer.Webmaster) {
			out = append(out, ui.Option{Value: a.Code, Label: a.Name, Selected: a.ID == chosen})
		}
	}
	return append(out, ui.Option{Value: "", Label: r.T("imports.each_row"), Selected: chosen.IsZero() && len(out) > 1})
}

// association is the one chosen; none is no error.
func (p *Pages) association(r *web.Request, code string) (id.ID, error) {
	if code == "" {
		return id.ID{}, nil
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return id.ID{}, err
	}
	a, known := schools.ByCode(code)
	if !known {
		return id.ID{}, errs.E("imports.association "+code, errs.NotFound, nil)
	}
	return a.ID, nil
}

func (p *Pages) create(r *web.Request) error {
	r.LimitBody(maxUpload + 1<<20)
	form, err := r.Form()
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return p.listWith(r, http.StatusRequestEntityTooLarge, id.ID{}, map[string]string{"file": r.T("imports.too_big")})
		}
		return err
	}
	association, err := p.association(r, form.Text("association"))
	if err != nil {
		return err
	}
	file, head, err := form.File("file")
	if err != nil {
		return err
	}
	if file == nil {
		return p.listWith(r, http.StatusUnprocessableEntity, association, map[string]string{"file": r.T("imports.choose_file")})
	}
	defer file.Close()
	i, err := p.store.Upload(r.Ctx(), r.Viewer, Upload{Name: head.Filename, Size: head.Size, File: file, Association: association, Actor: r.Identity.Name})
	if why, ok := isReason(err); ok {
		return p.listWith(r, http.StatusUnprocessableEntity, association, map[string]string{"file": why.Text(lang(r))})
	}
	if err != nil {
		return err
	}
	return r.Done(importsPath+"/"+i.ID.String(), "imports.uploaded")
}

func (p *Pages) show(r *web.Request) error {
	i, err := p.read(r)
	if err != nil {
		return err
	}
	if r.Partial() {
		if !i.State.Active() {
			return r.Redirect(importsPath + "/" + i.ID.String())
		}
		return r.Part(progressPart(i))
	}
	return p.showWith(r, http.StatusOK, i, i.AssociationID, nil, "")
}

func (p *Pages) read(r *web.Request) (Import, error) {
	which, err := r.ID("id")
	if err != nil {
		return Import{}, err
	}
	return p.store.Import(r.Ctx(), r.Viewer, which)
}

// showWith shows one import, with what was picked for its columns and what was wrong with it.
func (p *Pages) showWith(r *web.Request, status int, i Import, association id.ID, picked []string, wrong string) error {
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	school, _ := schools.ByID(i.AssociationID)
	props := showProps{Import: i, School: school.Name, Choices: choices(r, schools, association), Fields: fieldChoices(r.Ctx()), Picked: picked, Wrong: wrong, Lang: lang(r)}
	return r.Page(web.Page{Status: status, Title: i.FileName, Help: helpSlug, Content: showPage(props)})
}

// start keeps what was said of the columns, then tries or imports.
func (p *Pages) start(r *web.Request, dry bool) error {
	i, err := p.read(r)
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	if len(i.Preview.Columns) > 0 && form.Has("association") {
		association, err := p.association(r, form.Text("association"))
		if err != nil {
			return err
		}
		picked := make([]string, len(i.Preview.Columns))
		for n := range picked {
			picked[n] = form.Text("column-" + strconv.Itoa(n))
		}
		_, err = p.store.Prepare(r.Ctx(), r.Viewer, i.ID, association, picked)
		if why, ok := isReason(err); ok {
			return p.showWith(r, http.StatusUnprocessableEntity, i, association, picked, why.Text(lang(r)))
		}
		if err != nil {
			return err
		}
	}
	if err := p.store.Start(r.Ctx(), r.Viewer, i.ID, dry); err != nil {
		return err
	}
	return r.Redirect(importsPath + "/" + i.ID.String())
}

func (p *Pages) remove(r *web.Request) error {
	which, err := r.ID("id")
	if err != nil {
		return err
	}
	if err := p.store.Discard(r.Ctx(), r.Viewer, which); err != nil {
		return err
	}
	return r.Done(importsPath, "imports.discarded")
}

// rejects gives the rows that were not taken.
func (p *Pages) rejects(r *web.Request) error {
	which, err := r.ID("id")
	if err != nil {
		return err
	}
	name, size, file, err := p.store.Rejects(r.Ctx(), r.Viewer, which)
	if err != nil {
		return err
	}
	defer file.Close()
	h := r.W.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Cache-Control", "no-store")
	_, _ = io.Copy(r.W, file) // a visitor who left early is no fault of the handler's
	return nil
}
