package app

import (
	"net/http"

	"amicale/internal/outbox"
	"amicale/internal/ui"
	"amicale/internal/web"
)

type letter = outbox.Posted

// demoRoutes exist in the demonstration only: its mailbox and the living page of components.
func (a *App) demoRoutes() []web.Route {
	if !a.o.Demo {
		return nil
	}
	return []web.Route{
		{Pattern: "GET /dev/mailbox", Handler: web.Public(a.mailbox)},
		{Pattern: "GET /dev/mailbox.json", Handler: web.Public(a.mailboxJSON)},
		{Pattern: "GET /dev/composants", Handler: web.Public(showcase)},
	}
}

// mailboxSize is how many letters the demonstration's mailbox shows.
const mailboxSize = 200

func (a *App) mailbox(r *web.Request) error {
	list, err := a.outbox.Mailbox(r.Ctx(), mailboxSize)
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("app.mailbox.title"), Content: mailboxPage(list)})
}

func (a *App) mailboxJSON(r *web.Request) error {
	list, err := a.outbox.Mailbox(r.Ctx(), mailboxSize)
	if err != nil {
		return err
	}
	if list == nil {
		list = []letter{}
	}
	return r.JSON(http.StatusOK, list)
}

func showcase(r *web.Request) error {
	return r.Page(web.Page{Title: r.T("app.showcase"), Content: ui.Showcase()})
}
