// Package app wires the house together: stores, pages, jobs, routes, the frame around every page, the home page,
// the admin frame and the demonstration. It alone imports all features; it holds no rule of theirs.
package app

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/accounts"
	"amicale/internal/activation"
	"amicale/internal/ambassadors"
	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/bounces"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/desk"
	"amicale/internal/directory"
	"amicale/internal/domains"
	"amicale/internal/federation"
	"amicale/internal/forwarding"
	"amicale/internal/help"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/imports"
	"amicale/internal/inbox"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/postings"
	"amicale/internal/profiles"
	"amicale/internal/registry"
	"amicale/internal/submission"
	"amicale/internal/subscriptions"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Options are what the program gives.
type Options struct {
	DB        *db.DB
	Blobs     blob.Store
	Log       *slog.Logger
	Now       clock.Clock
	URL       string // the canonical address, without a slash at the end
	Proxies   web.TrustedProxies
	Smarthost config.Smarthost
	MailFrom  mail.Address
	Mail      MailOptions
	Secret    string // seals TOTP secrets; "" for a key kept in the database
	Snapshot  string // file of the directory's snapshot; "" for none
	// Demo shows the demonstration's banner, mailbox and component page, and lets staff in without a second factor.
	Demo bool
	// MetricsToken lets /metrics be read from elsewhere than this machine; "" does not.
	MetricsToken string
	Version      string
}

// App is the running site.
type App struct {
	o       Options
	back    *atomic.Int64 // by how many nanoseconds the clock stands back: only while the demonstration is given a past
	metrics *prometheus.Registry
	bundle  *i18n.Bundle
	site    *web.Site
	handler http.Handler

	sessions *web.Sessions
	changes  *changes.Store
	people   *people.Store
	queue    *jobs.Queue
	runner   *jobs.Runner
	trail    *audit.Trail
	outbox   *outbox.Outbox
	inbox    *inbox.Inbox
	domains  *domains.Store
	tokens   mail.Tokens
	library  *help.Library

	accounts    *accounts.Store
	activation  *activation.Store
	desk        *desk.Store
	registry    *registry.Store
	imports     *imports.Store
	profiles    *profiles.Store
	federation  *federation.Store
	directory   *directory.Store
	ambassadors *ambassadors.Store

	subscriptions *subscriptions.Store
	forwarding    *forwarding.Store
	submission    *submission.Store
	bounces       *bounces.Store
	newsletters   *newsletters.Store
	magazine      *magazine.Store
	postings      *postings.Store
	courier       *outbox.Courier
	counters      *mailCounters

	accountPages    *accounts.Pages
	federationPages *federation.Pages
	bouncePages     *bounces.Pages
}

// New builds the site on a migrated database. Nothing runs yet: see Serve.
func New(ctx context.Context, o Options) (*App, error) {
	a := &App{o: o, back: &atomic.Int64{}, metrics: prometheus.NewRegistry()}
	if o.Demo {
		a.o.Now = func() time.Time { return o.Now().Add(-time.Duration(a.back.Load())) }
	}
	for _, build := range []func(context.Context) error{a.buildGround, a.buildFeatures, a.buildSite} {
		if err := build(ctx); err != nil {
			return nil, fmt.Errorf("app.New: %w", err)
		}
	}
	return a, nil
}

// Messages are the texts of every package that has some.
func Messages() []fs.FS {
	return []fs.FS{ui.Messages, web.Messages, mail.Messages, people.Messages, help.Messages, accounts.Messages,
		activation.Messages, desk.Messages, registry.Messages, profiles.Messages, federation.Messages, imports.Messages, directory.Messages,
		subscriptions.Messages, forwarding.Messages, submission.Messages, bounces.Messages, domains.Messages, newsletters.Messages, magazine.Messages, postings.Messages, ambassadors.Messages, Texts}
}

func (a *App) buildGround(ctx context.Context) (err error) {
	if a.bundle, err = i18n.Load(Messages()...); err != nil {
		return err
	}
	a.sessions = web.NewSessions(a.o.DB, a.o.Now)
	a.changes = changes.NewStore(a.o.DB, a.o.Now)
	a.people = people.NewStore(a.o.DB, a.changes, a.o.Now)
	a.queue = jobs.NewQueue(a.o.DB, a.o.Now)
	a.runner = jobs.NewRunner(a.queue, jobs.RunnerOptions{Log: a.o.Log})
	a.trail = audit.NewTrail(a.o.DB, a.o.Now)
	return a.buildOutbox(ctx)
}

func (a *App) buildFeatures(ctx context.Context) (err error) {
	if a.library, err = help.Load(); err != nil {
		return err
	}
	brand := mail.Brand{Name: a.o.MailFrom.Name, URL: a.o.URL}
	a.accounts = accounts.NewStore(a.o.DB, a.people, a.o.Now, accounts.Options{
		Trail: a.trail, Sessions: a.sessions, Letters: accounts.NewLetters(a.outbox, a.bundle, a.o.URL, brand),
		Secret: a.o.Secret, RequireSecondFactor: !a.o.Demo,
		Closed: func(ctx context.Context, person id.ID) error {
			return a.submission.RevokePasswords(ctx, person, time.Time{})
		},
	})
	if a.accountPages, err = accounts.NewPages(a.accounts, a.sessions, a.queue, accounts.PageOptions{Origin: a.o.URL, Site: a.o.MailFrom.Name, Now: a.o.Now, Tabs: settingsTabs()}); err != nil {
		return err
	}
	a.desk = desk.NewStore(desk.Deps{
		DB: a.o.DB, People: a.people, Queue: a.queue, Trail: a.trail, Post: a.outbox, Files: a.o.Blobs, Links: deskLinks{a},
		Staff: staffOf{a.accounts}, Merge: a.merge, Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now,
	})
	a.activation = activation.NewStore(activation.Deps{
		DB: a.o.DB, People: a.people, Queue: a.queue, Trail: a.trail, Post: a.outbox, Desk: claimsDesk{a.desk}, Links: activationLinks{a},
		MayInvite: a.mayInvite, Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now,
	})
	a.registry = registry.NewStore(registry.Deps{DB: a.o.DB, People: a.people, Trail: a.trail, Invite: a.invite, Merge: a.merge, MayClose: a.mayInvite, Now: a.o.Now})
	a.imports = imports.NewStore(imports.Deps{DB: a.o.DB, People: a.people, Trail: a.trail, Desk: importsDesk{a.desk}, Files: a.o.Blobs, Queue: a.queue, Now: a.o.Now})
	a.profiles = profiles.NewStore(profiles.Deps{
		DB: a.o.DB, People: a.people, Queue: a.queue, Trail: a.trail, Outbox: a.outbox, Blobs: a.o.Blobs, Photos: profiles.NewPhotos(),
		Links: emailLinks{a.accounts}, Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now, Exporters: a.exporters, Erasers: a.erasers,
		Confirmed: func(ctx context.Context, person id.ID, email string) error {
			return a.bounces.Confirmed(ctx, person, email)
		},
		Prefers:   func(ctx context.Context, v viewer.Viewer) (bool, error) { return a.forwarding.Prefers(ctx, v) }, // it is built later
		ActionKey: actionWords,
	})
	a.ambassadors = ambassadors.NewStore(ambassadors.Deps{DB: a.o.DB, People: a.people, Trail: a.trail, Now: a.o.Now})
	if err := a.buildMail(ctx); err != nil {
		return err
	}
	a.registerJobs()
	return a.buildRead(ctx)
}

// buildRead makes what presents the whole: the federation's pages and the directory.
func (a *App) buildRead(ctx context.Context) error {
	a.federation = federation.NewStore(a.o.DB, a.people, a.trail, firstAccount{a.accounts}, a.o.Now)
	a.federationPages = federation.NewPages(a.federation, a.people, a.o.Blobs, web.NewLimits(a.o.Now, time.Minute, 10))
	instance, err := a.federation.Instance(ctx)
	if err != nil {
		return err
	}
	a.directory, err = directory.NewStore(a.people, a.changes, instance, a.o.Snapshot, a.o.Log)
	return err
}

func (a *App) buildSite(context.Context) (err error) {
	a.site = &web.Site{
		Log: a.o.Log, Now: a.o.Now, Bundle: a.bundle, Sessions: a.sessions, Identify: a.accounts.Identify,
		Frame: a.frame, Problem: problem, Origin: a.o.URL, Proxies: a.o.Proxies,
		Elsewhere: a.elsewhere, SecurePath: "/moi/parametres/securite", Metrics: web.NewMetrics(a.metrics),
	}
	a.registerMetrics()
	a.handler, err = a.site.Handler(a.Routes(), map[string]http.Handler{"/assets/": ui.AssetHandler()})
	return err
}

// registerJobs names every handler of background work.
func (a *App) registerJobs() {
	accounts.NewJobs(a.accounts, a.sessions).Register(a.runner)
	activation.NewJobs(a.activation).Register(a.runner)
	desk.NewJobs(a.desk).Register(a.runner)
	profiles.NewJobs(a.profiles).Register(a.runner)
	imports.NewJobs(a.imports).Register(a.runner)
	forwarding.NewJobs(a.forwarding).Register(a.runner)
	submission.NewJobs(a.submission).Register(a.runner)
	bounces.NewJobs(a.bounces).Register(a.runner)
	newsletters.NewJobs(a.newsletters).Register(a.runner)
	postings.NewJobs(a.postings).Register(a.runner)
	ambassadors.NewJobs(a.ambassadors).Register(a.runner)
	a.registerMailChecks()
	a.registerPeriodic()
}

// Handler answers requests.
func (a *App) Handler() http.Handler { return a.handler }

// settingsTabs are the settings that other features keep.
func settingsTabs() []accounts.Tab {
	return []accounts.Tab{
		{Key: "app.tab.address", URL: forwarding.Path, Network: true}, {Key: "app.tab.subscriptions", URL: subscriptions.Path, Network: true},
	}
}
