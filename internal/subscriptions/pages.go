package subscriptions

import (
	"slices"
	"strings"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// Where the pages stand.
const (
	// Path is the page of all subscriptions.
	Path      = "/moi/parametres/abonnements"
	pausePath = Path + "/pause"
	leavePath = "/desabonnement/"
)

// The help pages about all of this, and about the links.
const (
	helpSlug     = "refus-courriers"
	helpLinkSlug = "se-desabonner"
)

// TabsFunc gives the tabs of the settings, the present page marked.
type TabsFunc func(r *web.Request) []ui.Tab

// Pages are the page of one's subscriptions and those behind the links of letters.
type Pages struct {
	store *Store
	tabs  TabsFunc
	now   clock.Clock
}

// NewPages makes the pages. Without tabs there are none.
func NewPages(s *Store, tabs TabsFunc, now clock.Clock) *Pages {
	if tabs == nil {
		tabs = func(*web.Request) []ui.Tab { return nil }
	}
	return &Pages{s, tabs, now}
}

// Routes are the addresses of this feature. Those of links need neither session nor token of a form: whoever holds the
// link may use it, and mail providers do so by themselves (RFC 8058 §3.2).
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + Path, Handler: web.Network(p.show)},
		{Pattern: "POST " + Path, Handler: web.Network(p.update)},
		{Pattern: "POST " + pausePath, Handler: web.Network(p.pause)},
		{Pattern: "POST " + pausePath + "/fin", Handler: web.Network(p.resume)},
		{Pattern: "GET " + leavePath + "{token}", Handler: web.Public(p.showLink)},
		{Pattern: "POST " + leavePath + "{token}", Handler: web.Public(p.leave)},
		{Pattern: "POST " + leavePath + "{token}/retour", Handler: web.Public(p.comeBack)},
	}
}

const historySize = 20

// pageProps is the page of one's subscriptions.
type pageProps struct {
	Overview
	now    clock.Clock
	Tabs   []ui.Tab
	Typed  map[Cell]bool // as ticked, where the form was refused; a cell that was not in it is not here
	Error  string
	Events []Event // of this page of the history
	Pager  ui.PagerProps
}

func (p *Pages) show(r *web.Request) error { return p.page(r, pageProps{}, 0) }

func (p *Pages) page(r *web.Request, props pageProps, status int) error {
	o, err := p.store.Overview(r.Ctx(), r.Viewer, r.Viewer.Person)
	if err != nil {
		return err
	}
	paging := r.Paging(historySize)
	props.Overview, props.now, props.Tabs = o, p.now, p.tabs(r)
	from := min(paging.Offset(), len(o.History))
	props.Events = o.History[from:min(from+paging.Size, len(o.History))]
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(len(o.History)), URL: func(n int) string { return paging.URL(r.URL, n) + "#historique" }}
	return r.Page(web.Page{Status: status, Title: r.T("subscriptions.title"), Help: helpSlug, Content: subscriptionsPage(props)})
}

// update saves the switches that were moved, as against how they stood when the page was shown: what was said
// elsewhere meanwhile, in a click from a letter say, is not taken back unseen.
func (p *Pages) update(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ticked, wishes := map[Cell]bool{}, map[Cell]bool{}
	for _, s := range f.All("on") {
		if c, rest, ok := parseCell(s); ok && rest == "" {
			ticked[c] = true
		}
	}
	for _, s := range f.All("was") {
		c, was, ok := parseCell(s)
		if !ok {
			continue
		}
		on := ticked[c]
		switch c.Sender.String() {
		case f.Text("all"):
			on = true
		case f.Text("none"):
			on = false
		}
		ticked[c] = on
		if on != (was == "on") {
			wishes[c] = on
		}
	}
	err = p.store.Choose(r.Ctx(), r.Actor(), wishes)
	if err == nil {
		return r.Done(Path, "subscriptions.saved")
	}
	if msgs, ok := r.Refused(err); ok {
		return p.page(r, pageProps{Typed: ticked, Error: msgs[""]}, web.Status(err))
	}
	return err
}

// cellValue names a cell in the form; parseCell reads it, with what follows it.
func cellValue(c Cell) string { return c.Sender.String() + "." + string(c.Kind) }

func parseCell(s string) (c Cell, rest string, ok bool) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) < 2 {
		return Cell{}, "", false
	}
	sender, err := id.Parse(parts[0])
	c = Cell{sender, Kind(parts[1])}
	if len(parts) == 3 {
		rest = parts[2]
	}
	return c, rest, err == nil && slices.Contains(Kinds(), c.Kind)
}

func (p *Pages) pause(r *web.Request) error {
	if err := p.store.Pause(r.Ctx(), r.Actor()); err != nil {
		return err
	}
	return r.Done(Path, "subscriptions.paused")
}

func (p *Pages) resume(r *web.Request) error {
	if err := p.store.Resume(r.Ctx(), r.Actor()); err != nil {
		return err
	}
	return r.Done(Path, "subscriptions.resumed")
}

// linkProps is the page behind a link: before (asks), or after something was done.
type linkProps struct {
	Link
	Done string // "left", "back", or "" before anything
}

// link reads the link in the path and turns to the language of its letter.
func (p *Pages) link(r *web.Request) (Link, error) {
	l, err := p.store.ReadLink(r.Ctx(), r.PathValue("token"))
	if err == nil {
		r.PreferLanguage(l.Lang)
	}
	return l, err
}

func (p *Pages) showLink(r *web.Request) error {
	l, err := p.link(r)
	if err != nil {
		return err
	}
	return p.linkPage(r, linkProps{Link: l})
}

func (p *Pages) linkPage(r *web.Request, props linkProps) error {
	return r.Page(web.Page{Title: props.title(r.Ctx()), Help: helpLinkSlug, Content: linkPage(props)})
}

// leave answers the mail provider's click and the page's button alike: with a page and no redirect, for providers
// follow none (RFC 8058 §3.1), and the same the second time.
func (p *Pages) leave(r *web.Request) error { return p.click(r, p.store.Leave, "left") }

func (p *Pages) comeBack(r *web.Request) error { return p.click(r, p.store.Return, "back") }

func (p *Pages) click(r *web.Request, do clickFunc, done string) error {
	l, err := p.link(r)
	if err != nil {
		return err
	}
	if err := do(r.Ctx(), l.Letter); err != nil {
		return errs.Wrap("subscriptions.click", err)
	}
	if l, err = p.link(r); err != nil {
		return err
	}
	return p.linkPage(r, linkProps{l, done})
}
