package newsletters

import (
	"errors"

	"amicale/internal/id"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Path is where the staff writes letters.
const Path = "/admin/lettres"

func campaignPath(campaign id.ID) string { return Path + "/" + campaign.String() }

// helpSlug is the page of the help that explains letters.
const helpSlug = "lettres"

// Pages are the staff's, and those that letters lead to.
type Pages struct{ store *Store }

// NewPages makes the pages.
func NewPages(s *Store) *Pages { return &Pages{s} }

// Routes are the addresses of letters. Those that letters hold are for everybody.
func (p *Pages) Routes() []web.Route {
	one := Path + "/{id}"
	staff := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Editor, viewer.Webmaster) }
	routes := []web.Route{
		{Pattern: "GET " + Path, Handler: staff(p.list)},
		{Pattern: "GET " + Path + "/nouvelle", Handler: staff(p.newCampaign)},
		{Pattern: "POST " + Path, Handler: staff(p.create)},
		{Pattern: "GET " + one, Handler: staff(p.edit)},
		{Pattern: "POST " + one, Handler: staff(p.update)},
		{Pattern: "POST " + one + "/images", Handler: staff(p.addImage)},
		{Pattern: "GET " + one + "/destinataires", Handler: staff(p.segment)},
		{Pattern: "POST " + one + "/destinataires", Handler: staff(p.updateSegment)},
		{Pattern: "GET " + one + "/apercu", Handler: staff(p.preview)},
		{Pattern: "GET " + one + "/rendu", Handler: staff(p.rendered)},
		{Pattern: "GET " + one + "/envoi", Handler: staff(p.send)},
		{Pattern: "GET " + one + "/suivi", Handler: staff(p.track)},
		{Pattern: "GET " + one + "/echecs", Handler: web.Staff(p.failures, viewer.Webmaster, viewer.Secretary)},
		{Pattern: "GET " + publicPath + "/{id}", Handler: web.Public(p.public)},
		{Pattern: "GET " + imagePath + "{name}", Handler: web.Public(p.image)},
		{Pattern: "GET " + linkPath + "{campaign}/{number}", Handler: web.Public(p.follow)},
	}
	for _, a := range p.actions() {
		routes = append(routes, web.Route{Pattern: "POST " + one + "/" + a.path, Handler: staff(p.act(a))})
	}
	return routes
}

// read is the campaign in the path.
func (p *Pages) read(r *web.Request) (Campaign, error) {
	campaign, err := r.ID("id")
	if err != nil {
		return Campaign{}, err
	}
	return p.store.ByID(r.Ctx(), r.Viewer, campaign)
}

const pageSize = 30

type listProps struct {
	Campaigns []Campaign
	Senders   []Sender
	State     State
	Pager     ui.PagerProps
}

func (p *Pages) list(r *web.Request) error {
	paging := r.Paging(pageSize)
	props := listProps{State: State(r.URL.Query().Get("etat"))}
	var total int
	var err error
	if props.Campaigns, total, err = p.store.List(r.Ctx(), r.Viewer, Filter{State: props.State, Page: paging.Page, Size: paging.Size}); err != nil {
		return err
	}
	if props.Senders, err = p.store.Senders(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Title: r.T("newsletters.title"), Help: helpSlug, Wide: true, Content: listPage(props)})
}

type newProps struct {
	Senders []Sender
	Typed   Campaign
	Errors  map[string]string
}

func (p *Pages) newCampaign(r *web.Request) error { return p.newWith(r, newProps{}, 0) }

func (p *Pages) newWith(r *web.Request, props newProps, status int) error {
	var err error
	if props.Senders, err = p.store.Senders(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	return r.Page(web.Page{Status: status, Title: r.T("newsletters.new"), Help: helpSlug, Content: newPage(props)})
}

func (p *Pages) create(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	c := Campaign{Title: f.Text("title"), Kind: Kind(f.Text("kind"))}
	if c.SenderID, err = parseSender(f.Text("sender")); err != nil {
		return err
	}
	made, err := p.store.Create(r.Ctx(), r.Actor(), c)
	if msgs, ok := r.Refused(err); err != nil && ok {
		return p.newWith(r, newProps{Typed: c, Errors: msgs}, web.Status(err))
	}
	if err != nil {
		return err
	}
	return r.Redirect(campaignPath(made))
}

// federationValue is the federation in a form.
const federationValue = "federation"

func parseSender(s string) (id.ID, error) {
	if s == federationValue {
		return id.ID{}, nil
	}
	v, err := id.Parse(s)
	if err != nil || v.IsZero() {
		return id.ID{}, badRequest
	}
	return v, nil
}

// action is one thing that can be done to a campaign with a form.
type action struct {
	path string // last part of the address
	done string // message once it is
	back string // last part of the address to go on to; "" is the campaign
	run  func(r *web.Request, f *web.Form, by viewer.Actor, campaign id.ID) error
}

func (p *Pages) actions() []action {
	s := p.store
	plain := func(run func(s *Store, r *web.Request, by viewer.Actor, campaign id.ID) error) func(*web.Request, *web.Form, viewer.Actor, id.ID) error {
		return func(r *web.Request, _ *web.Form, by viewer.Actor, campaign id.ID) error {
			return run(s, r, by, campaign)
		}
	}
	return []action{
		{"images/retirer", "newsletters.done.image_removed", "", p.removeImage},
		{"essai", "newsletters.done.tested", "envoi", p.test},
		{"programmer", "newsletters.done.scheduled", "envoi", p.schedule},
		{"deprogrammer", "newsletters.done.unscheduled", "envoi", plain(func(s *Store, r *web.Request, by viewer.Actor, c id.ID) error { return s.Unschedule(r.Ctx(), by, c) })},
		{"envoyer", "newsletters.done.started", "suivi", p.start},
		{"pause", "newsletters.done.paused", "suivi", plain(func(s *Store, r *web.Request, by viewer.Actor, c id.ID) error { return s.Pause(r.Ctx(), by, c) })},
		{"reprendre", "newsletters.done.resumed", "suivi", plain(func(s *Store, r *web.Request, by viewer.Actor, c id.ID) error { return s.Resume(r.Ctx(), by, c) })},
		{"arreter", "newsletters.done.stopped", "suivi", plain(func(s *Store, r *web.Request, by viewer.Actor, c id.ID) error { return s.Stop(r.Ctx(), by, c) })},
		{"copier", "newsletters.done.copied", "", p.copy},
		{"supprimer", "newsletters.done.removed", "", p.remove},
	}
}

// gone is an answer that leads elsewhere than to the campaign.
type gone struct{ to string }

func (g gone) Error() string { return "newsletters: on to " + g.to }

// act runs an action. What is refused is told on the page it came from, with what was typed.
func (p *Pages) act(a action) web.Handle {
	return func(r *web.Request) error {
		campaign, err := r.ID("id")
		if err != nil {
			return err
		}
		f, err := r.Form()
		if err != nil {
			return err
		}
		err = a.run(r, f, r.Actor(), campaign)
		var elsewhere gone
		if errors.As(err, &elsewhere) {
			return r.Done(elsewhere.to, a.done)
		}
		if err == nil {
			return r.Done(a.to(campaign), a.done)
		}
		msgs, ok := r.Refused(err)
		if !ok {
			return err
		}
		c, readErr := p.store.ByID(r.Ctx(), r.Viewer, campaign)
		if readErr != nil {
			return readErr
		}
		if c.State.Started() {
			return p.trackWith(r, c, msgs, web.Status(err))
		}
		return p.sendWith(r, c, refused{msgs, f}, web.Status(err))
	}
}

func (a action) to(campaign id.ID) string {
	if a.back == "" {
		return campaignPath(campaign)
	}
	return campaignPath(campaign) + "/" + a.back
}

// refused is a form that was not taken: why, and what was typed.
type refused struct {
	msgs map[string]string
	form *web.Form
}

// val is what was typed in a field, or what stands there.
func (r refused) val(field, held string) string {
	if r.form != nil && r.form.Has(field) {
		return r.form.Raw(field)
	}
	return held
}
