package app

import (
	"slices"

	"amicale/internal/activation"
	"amicale/internal/ambassadors"
	"amicale/internal/bounces"
	"amicale/internal/desk"
	"amicale/internal/directory"
	"amicale/internal/help"
	"amicale/internal/imports"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/postings"
	"amicale/internal/profiles"
	"amicale/internal/registry"
	"amicale/internal/subscriptions"
	"amicale/internal/web"
)

// Routes are all of the site. A test prints them beside their guards into a golden file: the site map.
func (a *App) Routes() []web.Route {
	address, programs := a.addressPages()
	classes := ambassadors.NewPages(a.ambassadors, a.bounces.LostByClass)
	subscribed := subscriptions.NewPages(a.subscriptions, a.accountPages.Tabs, a.o.Now)
	return slices.Concat(
		a.ownRoutes(),
		a.healthRoutes(),
		a.apiRoutes(),
		a.demoRoutes(),
		a.adminRoutes(),
		a.mailRoutes(),
		a.accountPages.Routes(),
		activation.NewPages(a.activation, a.people, a.o.Now).Routes(),
		desk.NewPages(a.desk, a.people, a.o.Now).Routes(),
		registry.NewPages(a.registry).With(registry.Extras{ActionKey: actionWords, Panels: []registry.Panel{
			{Show: address.Record}, {Show: a.bouncePages.Record},
			{Show: subscribed.Record, Form: subscriptions.RecordForm, Done: "subscriptions.record.done", Save: subscribed.Refuse},
		}}).Routes(),
		imports.NewPages(a.imports, a.people).Routes(),
		profiles.NewPages(a.profiles, a.o.Now).With(profiles.Extras{
			Notice: a.bouncePages.Notice, Home: []profiles.PartFunc{address.Home, classes.Home}, Returned: bounces.ReturnedPath,
		}).Routes(),
		a.federationPages.Routes(),
		directory.NewPages(a.directory, a.people).Routes(),
		newsletters.NewPages(a.newsletters).Routes(),
		magazine.NewPages(a.magazine).Routes(),
		postings.NewPages(a.postings, a.people).Routes(),
		address.Routes(),
		programs.Routes(),
		a.bouncePages.Routes(),
		subscribed.Routes(),
		classes.Routes(),
		help.NewPages(a.library).Routes(),
	)
}

func (a *App) ownRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /{$}", Handler: web.Public(a.home)},
		{Pattern: "POST /langue", Handler: web.Public(a.speak)},
	}
}
