package app

import (
	"context"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/bounces"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/submission"
)

// What the tests of the whole reach for, and no page does.

func (a *App) Accounts() *accounts.Store     { return a.accounts }
func (a *App) Forwarding() *forwarding.Store { return a.forwarding }
func (a *App) Submission() *submission.Store { return a.submission }
func (a *App) Bounces() *bounces.Store       { return a.bounces }
func (a *App) Tokens() mail.Tokens           { return a.tokens }
func (a *App) Exporters() []people.Exporter  { return a.exporters() }
func (a *App) Erasers() []people.Eraser      { return a.erasers() }
func (a *App) Mergers() []people.Merger      { return a.mergers() }

// MailServer takes mail for the site, as it does when it is served with these options.
func (a *App) MailServer(m MailOptions) *inbox.Server {
	a.o.Mail = m
	return a.mailServer(m.Resolver)
}

// StopLinks is what "it was not me" does to an account.
func (a *App) StopLinks(ctx context.Context, person id.ID, since time.Time) error {
	return activationLinks{a}.StopLinks(ctx, person, since)
}
