package bounces

import (
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Pages are the staff's view of addresses that do not work, the form for mail that came back, and the notice to the
// owner of such an address.
type Pages struct {
	store      *Store
	people     *people.Store
	claims     *web.Limits
	forwarding string
}

// PageOptions are what the pages need besides the store.
type PageOptions struct {
	People *people.Store
	// ForwardingPath is where a person says where the mail of his lifetime address goes; "" for nowhere.
	ForwardingPath string
	Now            clock.Clock
}

// NewPages makes the pages.
func NewPages(s *Store, o PageOptions) *Pages {
	return &Pages{store: s, people: o.People, claims: web.NewLimits(o.Now, 2*time.Hour, 5), forwarding: o.ForwardingPath}
}

// Routes are the addresses of this feature.
func (p *Pages) Routes() []web.Route {
	staff := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Webmaster, viewer.Secretary) }
	return []web.Route{
		{Pattern: "GET " + Path, Handler: staff(p.list)},
		{Pattern: "GET " + dayPath, Handler: staff(p.askDay)},
		{Pattern: "POST " + dayPath, Handler: staff(p.undoDay)},
		{Pattern: "POST " + Path + "/{id}/annuler", Handler: staff(p.undo)},
		{Pattern: "POST " + Path + "/verdicts", Handler: web.Staff(p.judge, viewer.FederationAdmin)},
		{Pattern: "GET " + hotPath, Handler: staff(p.listFrozen)},
		{Pattern: "GET " + lostPath, Handler: staff(p.listLost)},
		{Pattern: "GET " + claimsPath, Handler: staff(p.listClaims)},
		{Pattern: "GET /p/{login}/courrier-revenu", Handler: web.Network(p.newClaim)},
		{Pattern: "POST /p/{login}/courrier-revenu", Handler: web.Network(p.createClaim)},
	}
}

const (
	dayPath    = Path + "/jour"
	claimsPath = Path + "/signalements"
	pageSize   = 50
)

// listProps is what the lists of the staff have in common.
type listProps struct {
	Here    string // address of the list
	Schools people.Associations
	School  string // identifier of the one chosen; "" for all
	Pager   ui.PagerProps
	Total   int
}

// lists reads what every list has, and the association chosen.
func (p *Pages) lists(r *web.Request, here string) (listProps, id.ID, error) {
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return listProps{}, id.ID{}, err
	}
	props := listProps{Here: here}
	for _, a := range all {
		if r.Viewer.HasAt(a.ID, viewer.Webmaster, viewer.Secretary) {
			props.Schools = append(props.Schools, a)
		}
	}
	chosen, err := id.Parse(r.URL.Query().Get("association"))
	if err != nil {
		return props, id.ID{}, nil // nonsense is no choice
	}
	props.School = chosen.String()
	return props, chosen, nil
}

func (p listProps) paged(r *web.Request, paging web.Paging, total int) listProps {
	p.Total = total
	p.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	return p
}

type switchesProps struct {
	listProps
	Filter   Filter
	Switches []Switch
	Names    map[id.ID]string
	Hot      []FrozenDay // those that somebody should look at now
	Admin    bool
}

// filterOf reads the filter of the address; nonsense narrows nothing.
func filterOf(q url.Values) Filter {
	f := Filter{Destination: q.Get("destination"), Open: q.Get("ouvert") != ""}
	if on, err := time.Parse(time.DateOnly, q.Get("jour")); err == nil {
		f.Day = on
	}
	for _, c := range Causes() {
		if q.Get("cause") == string(c) {
			f.Cause = c
		}
	}
	return f
}

func (p *Pages) list(r *web.Request) error {
	common, chosen, err := p.lists(r, Path)
	if err != nil {
		return err
	}
	paging := r.Paging(pageSize)
	props := switchesProps{Filter: filterOf(r.URL.Query()), Admin: r.Viewer.IsFederationAdmin()}
	props.Filter.Association = chosen
	list, total, err := p.store.List(r.Ctx(), r.Viewer, props.Filter, pageSize, paging.Offset())
	if err != nil {
		return err
	}
	props.Switches, props.listProps = list, common.paged(r, paging, total)
	ids := make([]id.ID, len(list))
	for i, s := range list {
		ids[i] = s.PersonID
	}
	if props.Names, err = p.store.Names(r.Ctx(), r.Viewer, ids); err != nil {
		return err
	}
	if props.Hot, err = p.hot(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("bounces.title"), Help: helpSlug, Wide: true, Content: switchesPage(props)})
}

// hot are the destinations that blame us today or blamed us yesterday.
func (p *Pages) hot(ctx context.Context, v viewer.Viewer) (out []FrozenDay, err error) {
	days, err := p.store.FrozenDays(ctx, v)
	for _, d := range days {
		if d.Serious() && !d.Day.Before(p.store.today().Add(-day)) {
			out = append(out, d)
		}
	}
	return out, err
}

func (p *Pages) undo(r *web.Request) error {
	switchID, err := r.ID("id")
	if err != nil {
		return err
	}
	if err := p.store.Undo(r.Ctx(), r.Actor(), switchID); err != nil {
		if m, ok := errs.MessageOf(err); ok && errs.KindOf(err) == errs.Conflict {
			r.Flash(web.Flash{Kind: "warning", Key: m.Key})
			return r.Redirect(Path)
		}
		return err
	}
	return r.Done(Path, "bounces.done.undone")
}

type dayProps struct {
	Day          string
	Destination  string
	Destinations []string
	N            int // switches of that day, and destination, that stand
	Errors       map[string]string
}

func (p *Pages) askDay(r *web.Request) error {
	q := r.URL.Query()
	return p.dayForm(r, dayProps{Day: q.Get("jour"), Destination: q.Get("destination")}, 0)
}

func (p *Pages) dayForm(r *web.Request, props dayProps, status int) error {
	if on, err := time.Parse(time.DateOnly, props.Day); err == nil {
		f := Filter{Day: on, Open: true}
		if props.Destinations, err = p.store.Destinations(r.Ctx(), r.Viewer, f); err != nil {
			return err
		}
		f.Destination = props.Destination
		if _, props.N, err = p.store.List(r.Ctx(), r.Viewer, f, 1, 0); err != nil {
			return err
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("bounces.day.title"), Help: helpSlug, Content: dayPage(props)})
}

func (p *Pages) undoDay(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	on, ok := f.Date("jour")
	wrong := errs.Fields{}
	if !ok || on.IsZero() {
		wrong.Add("jour", "bounces.day.need")
	}
	if !f.Checked("sure") {
		wrong.Add("sure", "bounces.day.sure_need")
	}
	n := 0
	if err = wrong.Err(); err == nil {
		n, err = p.store.UndoDay(r.Ctx(), r.Actor(), on, f.Text("destination"))
	}
	if err == nil && n == 0 {
		wrong.Add("jour", "bounces.day.none")
		err = wrong.Err()
	}
	if err == nil {
		return r.Done(Path+"?jour="+on.Format(time.DateOnly), "bounces.done.day")
	}
	if msgs, ok := r.Refused(err); ok {
		return p.dayForm(r, dayProps{Day: f.Text("jour"), Destination: f.Text("destination"), Errors: msgs}, web.Status(err))
	}
	return err
}

func (p *Pages) judge(r *web.Request) error {
	if err := p.store.JudgeSoon(r.Ctx(), r.Actor()); err != nil {
		return err
	}
	return r.Done(Path, "bounces.done.judged")
}

func (p *Pages) listFrozen(r *web.Request) error {
	days, err := p.store.FrozenDays(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("bounces.hot.title"), Help: helpSlug, Wide: true, Content: frozenPage(days)})
}

type lostProps struct {
	listProps
	Lost []Lost
}

func (p *Pages) listLost(r *web.Request) error {
	common, chosen, err := p.lists(r, lostPath)
	if err != nil {
		return err
	}
	paging := r.Paging(pageSize)
	list, total, err := p.store.LostContacts(r.Ctx(), r.Viewer, chosen, pageSize, paging.Offset())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("bounces.lost.title"), Help: helpSlug, Wide: true, Content: lostPage(lostProps{common.paged(r, paging, total), list})})
}

type claimsProps struct {
	listProps
	Claims []Told
}

func (p *Pages) listClaims(r *web.Request) error {
	common, chosen, err := p.lists(r, claimsPath)
	if err != nil {
		return err
	}
	paging := r.Paging(pageSize)
	list, total, err := p.store.Claims(r.Ctx(), r.Viewer, chosen, pageSize, paging.Offset())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("bounces.claims.title"), Help: helpSlug, Wide: true, Content: claimsPage(claimsProps{common.paged(r, paging, total), list})})
}

// Notice is what the owner of a broken address reads on top of his own space; nil when all is well.
func (p *Pages) Notice(r *web.Request) (templ.Component, error) {
	list, err := p.store.Mine(r.Ctx(), r.Viewer)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return noticeOf(list, p.forwarding), nil
}

// Record is what the staff reads of somebody's broken addresses in his record, whose reading leaves the trail; nil when
// all is well.
func (p *Pages) Record(r *web.Request, d people.Dossier) (templ.Component, error) {
	list, err := p.store.Troubles(r.Ctx(), r.Viewer, d.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return recordPart(list), nil
}

// causeMessage is the key of the text people read for a cause.
func causeMessage(c mail.Class) string { return "bounces.cause." + string(c) }
