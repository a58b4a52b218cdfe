package forwarding

import (
	"time"

	"github.com/a-h/templ"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// Where the pages stand.
const (
	// Path is the page of one's address for life.
	Path      = "/moi/parametres/adresse"
	pausePath = Path + "/pause"
	// PassagesPath is the page of what became of one's mail.
	PassagesPath = Path + "/courrier"
)

// helpSlug is the help page about all of this.
const helpSlug = "adresse-a-vie"

// TabsFunc gives the tabs of the settings, the present page marked.
type TabsFunc func(r *web.Request) []ui.Tab

// SectionFunc gives what another feature shows at the end of the page; nil for nothing.
type SectionFunc func(r *web.Request) (templ.Component, error)

// PageOptions are what stands around what this feature knows.
type PageOptions struct {
	Tabs    TabsFunc
	Section SectionFunc
	Now     clock.Clock
}

// Pages are the page of one's address for life, and of what became of one's mail.
type Pages struct {
	store *Store
	o     PageOptions
	often *web.Limits // of what writes letters
}

// NewPages makes the pages.
func NewPages(s *Store, o PageOptions) *Pages {
	if o.Tabs == nil {
		o.Tabs = func(*web.Request) []ui.Tab { return nil }
	}
	if o.Section == nil {
		o.Section = func(*web.Request) (templ.Component, error) { return nil, nil }
	}
	return &Pages{store: s, o: o, often: web.NewLimits(o.Now, 5*time.Minute, 10)}
}

// Routes are the addresses of this feature.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + Path, Handler: web.Network(p.show)},
		{Pattern: "POST " + Path, Handler: web.Network(p.update)},
		{Pattern: "POST " + pausePath, Handler: web.Network(p.pause)},
		{Pattern: "POST " + pausePath + "/fin", Handler: web.Network(p.resume)},
		{Pattern: "GET " + PassagesPath, Handler: web.Network(p.listPassages)},
		{Pattern: "POST " + PassagesPath + "/{message}/{delivery}/renvoyer", Handler: web.Network(p.resend)},
	}
}

// pageProps is the page of one's address for life.
type pageProps struct {
	Own
	Tabs    []ui.Tab
	Now     time.Time
	Section templ.Component   // of another feature; nil: none
	Wish    *Wish             // as it was sent, where it was refused
	Until   string            // as typed
	Msgs    map[string]string // what was refused, by field; under "" what is no field's
	Form    string            // which form that was: formTargets or formPause
}

// The forms of the page, by the anchor of their section.
const (
	formTargets = "destinations"
	formPause   = "pause"
)

func (p *Pages) show(r *web.Request) error { return p.page(r, pageProps{}, 0) }

// Around shows the page with that section of another feature, which refused what was sent to it.
func (p *Pages) Around(r *web.Request, section templ.Component, status int) error {
	return p.page(r, pageProps{Section: section}, status)
}

func (p *Pages) page(r *web.Request, props pageProps, status int) (err error) {
	if props.Own, err = p.store.Own(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	if props.Section == nil {
		if props.Section, err = p.o.Section(r); err != nil {
			return err
		}
	}
	props.Tabs, props.Now = p.o.Tabs(r), p.o.Now()
	return r.Page(web.Page{Status: status, Title: r.T("forwarding.title"), Help: helpSlug, Content: addressPage(props)})
}

// refused shows the page again with what was typed, and what is wrong with it.
func (p *Pages) refused(r *web.Request, props pageProps, err error) error {
	msgs, ok := r.Refused(err)
	if !ok {
		return err
	}
	props.Msgs = msgs
	return p.page(r, props, web.Status(err))
}

func (p *Pages) update(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	own, err := p.store.Own(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	wish := Wish{Mode: Mode(f.Text("mode")), Strictness: Strictness(f.Text("strictness")), Preferred: f.Checked("preferred"), Places: map[string]Place{}}
	for _, key := range f.All("address") {
		wish.Places[key] = Place(f.Text(PlaceField(key)))
	}
	for _, c := range own.Choices { // one that the form did not have keeps no place by chance
		if _, ok := wish.Places[c.Key()]; !ok {
			wish.Places[c.Key()] = Nowhere
		}
	}
	if err = p.often.Take(r.Viewer.Account.String()); err == nil {
		err = p.store.Save(r.Ctx(), r.Actor(), wish, f.Text("version"))
	}
	if err != nil {
		return p.refused(r, pageProps{Wish: &wish, Form: formTargets}, err)
	}
	return r.Done(Path+"#"+formTargets, "forwarding.saved")
}

func (p *Pages) pause(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	until, ok := f.Date("until")
	if !ok {
		wrong := errs.Fields{}
		wrong.Add("until", "forwarding.date_bad")
		err = wrong.Err()
	} else {
		err = p.store.Pause(r.Ctx(), r.Actor(), until)
	}
	if err != nil {
		return p.refused(r, pageProps{Until: f.Text("until"), Form: formPause}, err)
	}
	return r.Done(Path, "forwarding.pause_begun")
}

func (p *Pages) resume(r *web.Request) error {
	if err := p.store.Resume(r.Ctx(), r.Actor()); err != nil {
		return err
	}
	return r.Done(Path, "forwarding.pause_ended")
}

// passagesProps is what became of one's mail.
type passagesProps struct {
	Tabs   []ui.Tab
	List   []Passage
	Sender string
	Total  int
	Error  string
	Pager  ui.PagerProps
}

const passagesSize = 25

func (p *Pages) listPassages(r *web.Request) error { return p.passagesPage(r, "", 0) }

func (p *Pages) passagesPage(r *web.Request, refused string, status int) error {
	paging := r.Paging(passagesSize)
	props := passagesProps{Tabs: p.o.Tabs(r), Sender: r.URL.Query().Get("de"), Error: refused}
	var err error
	if props.List, props.Total, err = p.store.Passages(r.Ctx(), r.Viewer, props.Sender, paging.Size, paging.Offset()); err != nil {
		return err
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(props.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Status: status, Title: r.T("forwarding.passages.title"), Help: helpSlug, Content: passagesPage(props)})
}

func (p *Pages) resend(r *web.Request) error {
	message, err := r.ID("message")
	if err != nil {
		return err
	}
	delivery, err := r.ID("delivery")
	if err != nil {
		return err
	}
	err = p.store.Resend(r.Ctx(), r.Viewer, message, delivery)
	if msgs, ok := r.Refused(err); ok {
		return p.passagesPage(r, msgs[""], web.Status(err))
	}
	if err != nil {
		return err
	}
	return r.Done(PassagesPath, "forwarding.resent")
}
