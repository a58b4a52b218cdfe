package app

import (
	"context"
	"slices"
	"strings"
	"sync"

	"amicale/internal/ambassadors"
	"amicale/internal/desk"
	"amicale/internal/i18n"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/postings"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Where the back office's own pages stand.
const (
	adminPath   = "/admin"
	statePath   = "/admin/etat"
	journalPath = "/admin/journal"
)

// screen is a page of the back office as its front lists it. Its words are app.admin.KEY, what it is called,
// app.admin.KEY_lead, what one does there, and with a count app.admin.KEY_count.
type screen struct {
	task  string // the heading it stands under: app.admin.TASK
	key   string
	url   string
	roles []viewer.RoleName // who may come in: one of them, anywhere
	// count is how many things are there, or wait there. It may be nil, and must be cheap.
	count func(ctx context.Context, v viewer.Viewer) (int, error)
	alarm bool // whatever is counted wants somebody to act; none is not worth saying
}

// screens are all there may be, in the order of the front: by task, the most used first. One whose address the site
// does not serve is left out.
func (a *App) screens() []screen {
	webmaster := []viewer.RoleName{viewer.Webmaster}
	data := []viewer.RoleName{viewer.Webmaster, viewer.Secretary}
	admin := []viewer.RoleName{viewer.FederationAdmin}
	return []screen{
		{task: "care", key: "desk", url: "/admin/guichet", roles: webmaster, count: a.openCases(), alarm: true},
		{task: "care", key: "people", url: "/admin/personnes", roles: data, count: a.countPeople},
		{task: "care", key: "imports", url: "/admin/imports", roles: webmaster, count: a.countImports},
		{task: "care", key: "addresses", url: "/admin/adresses", roles: data},
		{task: "care", key: "ambassadors", url: ambassadors.Path, roles: data},
		{task: "write", key: "letters", url: newsletters.Path, roles: []viewer.RoleName{viewer.Editor, viewer.Webmaster}},
		{task: "write", key: "magazine", url: magazine.AdminPath, roles: []viewer.RoleName{viewer.Editor, viewer.Webmaster, viewer.Secretary}},
		{task: "write", key: "offers", url: postings.Path, roles: postings.Roles(), count: a.countOffers, alarm: true},
		{task: "house", key: "accesses", url: "/admin/acces", roles: webmaster},
		{task: "house", key: "associations", url: "/admin/associations", roles: webmaster, count: a.countAssociations},
		{task: "house", key: "federation", url: "/admin/federation", roles: admin},
		{task: "watch", key: "journal", url: journalPath, roles: data},
		{task: "watch", key: "mail", url: mailPath, roles: webmaster, count: a.countMailTroubles, alarm: true},
		{task: "watch", key: "state", url: statePath, roles: admin, count: a.countTroubles, alarm: true},
	}
}

// openCases counts what waits on the desk.
func (a *App) openCases() func(context.Context, viewer.Viewer) (int, error) {
	return func(ctx context.Context, v viewer.Viewer) (int, error) {
		_, n, err := a.desk.List(ctx, v, desk.Filter{}, 1, 0)
		return n, err
	}
}

func (a *App) countPeople(ctx context.Context, _ viewer.Viewer) (int, error) {
	return a.people.Count(ctx)
}

func (a *App) countImports(ctx context.Context, v viewer.Viewer) (int, error) {
	_, n, err := a.imports.Imports(ctx, v, 1, 0)
	return n, err
}

// countOffers is how many offers that came by mail wait to be read.
func (a *App) countOffers(ctx context.Context, v viewer.Viewer) (int, error) {
	return a.postings.CountNew(ctx, v)
}

func (a *App) countAssociations(ctx context.Context, _ viewer.Viewer) (int, error) {
	all, err := a.people.Associations(ctx)
	return len(all), err
}

// countTroubles is how many jobs and letters were given up.
func (a *App) countTroubles(ctx context.Context, _ viewer.Viewer) (int, error) {
	letters, err := a.outbox.Stats(ctx)
	if err != nil {
		return 0, err
	}
	kinds, err := a.queue.Stats(ctx)
	n := letters.Failed
	for _, k := range kinds {
		n += k.Failed
	}
	return n, err
}

// adminRoutes are the front of the back office, the state of the site and the trail.
func (a *App) adminRoutes() []web.Route {
	served := sync.OnceValue(a.servedPaths)
	return []web.Route{
		{Pattern: "GET " + adminPath, Handler: web.Staff(func(r *web.Request) error { return a.adminFront(r, served()) })},
		{Pattern: "GET " + statePath, Handler: web.Staff(a.state, viewer.FederationAdmin)},
		{Pattern: "POST " + statePath + "/travaux/{id}/relancer", Handler: web.Staff(a.retryJob, viewer.FederationAdmin)},
		{Pattern: "POST " + statePath + "/travaux/oublier", Handler: web.Staff(a.forgetJobs, viewer.FederationAdmin)},
		{Pattern: "POST " + statePath + "/lettres/{id}/relancer", Handler: web.Staff(a.retryLetter, viewer.FederationAdmin)},
		{Pattern: "GET " + journalPath, Handler: web.Staff(a.journal, viewer.Webmaster, viewer.Secretary)},
	}
}

// servedPaths are the addresses that answer a GET, so that the front leads nowhere else.
func (a *App) servedPaths() []string {
	paths := []string{statePath, journalPath}
	for _, rt := range a.Routes() {
		if path, ok := strings.CutPrefix(rt.Pattern, "GET "); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

// tile is a screen as the viewer sees it.
type tile struct {
	screen
	n int // what its count said
}

// badge is the count, loud where somebody should act; nothing where there is nothing to say.
func (t tile) badge(ctx context.Context) (b ui.BadgeProps, ok bool) {
	if t.count == nil || t.n == 0 && t.alarm {
		return b, false
	}
	b.Text = i18n.N(ctx, "app.admin."+t.key+"_count", t.n)
	if t.alarm {
		b.Tone, b.Icon = ui.Warning, "inbox"
	}
	return b, true
}

// task is a heading of the front with its tiles.
type task struct {
	key   string
	tiles []tile
}

func (a *App) adminFront(r *web.Request, served []string) error {
	var tasks []task
	for _, s := range a.screens() {
		if !r.Viewer.Has(s.roles...) || !slices.Contains(served, s.url) {
			continue
		}
		t := tile{screen: s}
		if s.count != nil {
			n, err := s.count(r.Ctx(), r.Viewer)
			if err != nil {
				return err
			}
			t.n = n
		}
		if len(tasks) == 0 || tasks[len(tasks)-1].key != s.task {
			tasks = append(tasks, task{key: s.task})
		}
		last := &tasks[len(tasks)-1]
		last.tiles = append(last.tiles, t)
	}
	return r.Page(web.Page{Title: r.T("app.admin.title"), Content: adminFrontPage(tasks)})
}

// adminCrumbs lead back from a screen to the front.
func adminCrumbs(ctx context.Context, key string) []ui.Crumb {
	return []ui.Crumb{{Label: i18n.T(ctx, "app.admin.title"), URL: adminPath}, {Label: i18n.T(ctx, key)}}
}
