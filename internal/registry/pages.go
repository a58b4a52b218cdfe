package registry

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Path is where the staff finds people.
const Path = "/admin/personnes"

// Pages are the staff's records.
type Pages struct {
	store  *Store
	extras Extras
}

// NewPages makes the pages.
func NewPages(s *Store) *Pages { return &Pages{store: s} }

// Routes are the addresses of the staff's records.
func (p *Pages) Routes() []web.Route {
	staff := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Webmaster, viewer.Secretary) }
	routes := []web.Route{
		{Pattern: "GET " + Path, Handler: staff(p.list)},
		{Pattern: "GET " + Path + "/{id}", Handler: staff(p.show)},
		{Pattern: "GET " + Path + "/{id}/fusion", Handler: staff(p.compare)},
		{Pattern: "POST " + Path + "/{id}/fusion", Handler: staff(p.merge)},
	}
	for _, a := range p.edits() {
		routes = append(routes, web.Route{Pattern: "POST " + Path + "/{id}/" + a.path, Handler: staff(p.update(a))})
	}
	return routes
}

// recordPath is the address of a record.
func recordPath(person id.ID) string { return Path + "/" + person.String() }

const pageSize = 50

type listProps struct {
	Query   string
	Found   []people.Dossier
	Schools people.Associations
	Pager   ui.PagerProps
	MayAdd  bool
}

func (p *Pages) list(r *web.Request) error {
	typed := strings.TrimSpace(r.URL.Query().Get("q"))
	paging := r.Paging(pageSize)
	props := listProps{Query: typed, MayAdd: r.Viewer.Has(viewer.Webmaster)}
	var err error
	if props.Found, err = p.store.Find(r.Ctx(), r.Viewer, ParseQuery(typed), pageSize, paging.Offset()); err != nil {
		return err
	}
	if props.Schools, err = p.store.people.Associations(r.Ctx()); err != nil {
		return err
	}
	pages := paging.Page // how many there are in all is not counted: only whether there is a next one
	if len(props.Found) > pageSize {
		props.Found, pages = props.Found[:pageSize], pages+1
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: pages, URL: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Title: r.T("registry.title"), Help: "guichet", Wide: true, Content: listPage(props)})
}

// newPath is the screen that adds somebody, with the name that was looked for.
func (p listProps) newPath() string {
	return Path + "/nouvelle?nom=" + url.QueryEscape(p.Query)
}

func (p *Pages) show(r *web.Request) error {
	person, err := r.ID("id")
	if err != nil {
		return err
	}
	return p.record(r, person, refused{})
}

// refused is a form that was not taken: which, about what, why, and what was typed.
type refused struct {
	path   string
	about  string // the identifier of the degree or contact point; "" for a new one
	msgs   map[string]string
	form   *web.Form
	status int
}

type recordProps struct {
	Record
	Viewer    viewer.Viewer
	Refused   refused
	Panels    []templ.Component
	ActionKey func(string) string
}

func (p *Pages) record(r *web.Request, person id.ID, ref refused) error {
	rec, err := p.store.Show(r.Ctx(), r.Actor(), person)
	if err != nil {
		return err
	}
	props := recordProps{Record: rec, Viewer: r.Viewer, Refused: ref, ActionKey: p.extras.ActionKey}
	if props.Panels, err = p.panels(r, rec.Dossier); err != nil {
		return err
	}
	return r.Page(web.Page{Status: ref.status, Title: rec.Name(), Help: "guichet", Wide: true, Content: recordPage(props)})
}

// edit is one form of the record.
type edit struct {
	path string
	done string
	run  func(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error
}

func (p *Pages) edits() []edit {
	return append(p.panelForms(), []edit{
		{"noms", "registry.done.names", p.saveNames},
		{"naissance", "registry.done.birth", p.saveBirth},
		{"situation", "registry.done.status", p.saveStatus},
		{"diplome", "registry.done.degree", p.saveDegree},
		{"diplome/retirer", "registry.done.degree_removed", p.removeDegree},
		{"coordonnee", "registry.done.contact", p.saveContact},
		{"coordonnee/retirer", "registry.done.contact_removed", p.removeContact},
		{"adhesion", "registry.done.membership", p.addMembership},
		{"lien", "registry.done.link", p.sendLink},
	}...)
}

// update runs an edit. What is refused stands again in its form, with why.
func (p *Pages) update(a edit) web.Handle {
	return func(r *web.Request) error {
		person, err := r.ID("id")
		if err != nil {
			return err
		}
		f, err := r.Form()
		if err != nil {
			return err
		}
		err = a.run(r, f, r.Actor(), person)
		if err == nil {
			return r.Done(recordPath(person), a.done)
		}
		if msgs, ok := r.Refused(err); ok {
			return p.record(r, person, refused{a.path, f.Text("about"), msgs, f, web.Status(err)})
		}
		return err
	}
}

func formID(f *web.Form, name string) id.ID {
	v, err := id.Parse(f.Text(name))
	if err != nil {
		return id.ID{}
	}
	return v
}

func (p *Pages) saveNames(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	return p.store.SaveNames(r.Ctx(), by, person, people.Names{Civility: f.Text("civility"), FirstNames: f.Text("first_names"), FirstName: f.Text("first_name"),
		BirthSurname: f.Text("birth_surname"), UsageSurname: f.Text("usage_surname")})
}

func (p *Pages) saveBirth(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	day, ok := f.Date("birth_date")
	if !ok {
		return badDate("birth_date")
	}
	return p.store.SaveBirth(r.Ctx(), by, person, day)
}

func (p *Pages) saveStatus(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	day, ok := f.Date("deceased_on")
	if !ok {
		return badDate("deceased_on")
	}
	return p.store.SaveStatus(r.Ctx(), by, person, people.Status(f.Text("status")), day)
}

func (p *Pages) saveDegree(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	year, _ := f.Int("class_year") // what is no number is no year, and is said so
	study, ok := f.Int("study_year")
	if !ok {
		study = -1
	}
	return p.store.SaveDegree(r.Ctx(), by, people.Degree{ID: formID(f, "about"), PersonID: person, AssociationID: formID(f, "association"), ClassYear: year,
		Diploma: people.Diploma(f.Text("diploma")), StudyYear: study, Department: f.Text("department")})
}

func (p *Pages) removeDegree(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	return p.store.RemoveDegree(r.Ctx(), by, person, formID(f, "about"))
}

func (p *Pages) saveContact(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	from, ok1 := f.Date("valid_from")
	to, ok2 := f.Date("valid_to")
	if !ok1 || !ok2 || !to.IsZero() && to.Before(from) {
		return badDate("valid_to")
	}
	c := people.ContactPoint{ID: formID(f, "about"), PersonID: person, Kind: people.ContactKind(f.Text("kind")), Purpose: people.Purpose(f.Text("purpose")), Value: f.Text("value"),
		Street: f.Text("street"), Postcode: f.Text("postcode"), City: f.Text("city"), Country: f.Text("country"), ValidFrom: from, ValidTo: to,
		Audience: viewer.Audience(f.Text("audience")), Preferred: f.Checked("preferred")}
	return p.store.SaveContact(r.Ctx(), by, c)
}

func (p *Pages) removeContact(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	return p.store.RemoveContact(r.Ctx(), by, person, formID(f, "about"))
}

func (p *Pages) addMembership(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	from, ok1 := f.Date("starts_on")
	to, ok2 := f.Date("ends_on")
	if !ok1 {
		return badDate("starts_on")
	}
	if !ok2 {
		return badDate("ends_on")
	}
	return p.store.AddMembership(r.Ctx(), by, people.Membership{PersonID: person, AssociationID: formID(f, "association"), StartsOn: from, EndsOn: to})
}

func (p *Pages) sendLink(r *web.Request, f *web.Form, by viewer.Actor, person id.ID) error {
	email := f.Text("email")
	if other := f.Text("other"); other != "" {
		email = other
	}
	return p.store.SendLink(r.Ctx(), by, person, email)
}

type mergeProps struct {
	Record
	Typed  string
	Other  *people.Dossier // nil until one was found
	Errors map[string]string
}

// compare shows two records side by side before they are made one.
func (p *Pages) compare(r *web.Request) error {
	person, err := r.ID("id")
	if err != nil {
		return err
	}
	return p.mergeForm(r, person, r.URL.Query().Get("avec"), nil, 0)
}

func (p *Pages) mergeForm(r *web.Request, person id.ID, typed string, msgs map[string]string, status int) error {
	rec, err := p.store.Show(r.Ctx(), r.Actor(), person)
	if err != nil {
		return err
	}
	props := mergeProps{Record: rec, Typed: typed, Errors: msgs}
	if typed != "" {
		other, err := p.store.Other(r.Ctx(), r.Actor(), person, typed)
		if more, ok := r.Refused(err); err != nil && ok {
			props.Errors, status = more, web.Status(err)
		} else if err != nil {
			return err
		} else {
			props.Other = &other
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("registry.merge"), Help: "guichet", Wide: true, Content: mergePage(props)})
}

func (p *Pages) merge(r *web.Request) error {
	person, err := r.ID("id")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	from, into := formID(f, "other"), person
	if f.Text("keep") == "other" {
		from, into = into, from
	}
	if !f.Checked("sure") {
		err = needSure()
	} else {
		err = p.store.MergeInto(r.Ctx(), r.Actor(), from, into)
	}
	if err == nil {
		return r.Done(recordPath(into), "registry.done.merged")
	}
	if msgs, ok := r.Refused(err); ok {
		return p.mergeForm(r, person, f.Text("other"), msgs, web.Status(err))
	}
	return err
}

// schoolsOf are those at which the viewer holds one of the roles.
func (p recordProps) schoolsOf(roles ...viewer.RoleName) people.Associations {
	var out people.Associations
	for _, a := range p.Schools {
		if p.Viewer.HasAt(a.ID, roles...) {
			out = append(out, a)
		}
	}
	return out
}

// val is a field of a form: as typed where the form was refused, else what is held.
func (p recordProps) val(path, about, field, held string) string {
	if p.Refused.path == path && p.Refused.about == about && p.Refused.form != nil {
		return p.Refused.form.Text(field)
	}
	return held
}

// errs is what is wrong with a form.
func (p recordProps) errs(path, about string) map[string]string {
	if p.Refused.path == path && p.Refused.about == about {
		return p.Refused.msgs
	}
	return nil
}

// open reports whether a form stands open because it was refused.
func (p recordProps) open(path, about string) bool {
	return p.Refused.path == path && p.Refused.about == about && p.Refused.path != ""
}

// general is what is wrong with no field in particular.
func (p recordProps) general() string { return p.Refused.msgs[""] }
