package profiles_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/profiles"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

// links are single-use secrets as the accounts keep them, in memory.
type links struct {
	mu   sync.Mutex
	good map[string]emailLink
}

type emailLink struct {
	person id.ID
	email  string
}

func (l *links) IssueEmailLink(_ context.Context, person id.ID, email string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	token := fmt.Sprintf("token%d", len(l.good)+1)
	l.good[token] = emailLink{person, email}
	return token, nil
}

func (l *links) PeekEmailLink(_ context.Context, token string) (id.ID, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.good[token]
	if !ok || e.person.IsZero() {
		return id.ID{}, "", errs.E("links", errs.NotFound, nil)
	}
	return e.person, e.email, nil
}

func (l *links) UseEmailLink(ctx context.Context, token string) (id.ID, string, error) {
	person, email, err := l.PeekEmailLink(ctx, token)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.good[token] = emailLink{}
	}
	return person, email, err
}

// world is the feature on a fresh database, with two associations and a clock that tests turn.
type world struct {
	t      *testing.T
	db     *db.DB
	people *people.Store
	store  *profiles.Store
	trail  *audit.Trail
	blobs  blob.Store
	runner *jobs.Runner
	bundle *i18n.Bundle
	outbox *outbox.Outbox
	ly, re people.Association

	mu       sync.Mutex
	now      time.Time
	site     http.Handler
	sessions *web.Sessions
	viewers  map[id.ID]viewer.Viewer // by account
	notice   templ.Component         // what another feature has to say
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, now: noon, viewers: map[id.ID]viewer.Viewer{}}
	now := clock.Clock(func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now })
	var err error
	if w.blobs, err = blob.OpenDisk(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if w.bundle, err = i18n.Load(ui.Messages, web.Messages, people.Messages, mail.Messages, profiles.Messages); err != nil {
		t.Fatal(err)
	}
	queue := jobs.NewQueue(d, now)
	w.people = people.NewStore(d, changes.NewStore(d, now), now)
	w.trail = audit.NewTrail(d, now)
	w.outbox = outbox.New(d, now, outbox.Options{From: mail.Address{Address: "site@amicale.example"}, Demo: true})
	w.store = profiles.NewStore(profiles.Deps{
		DB: d, People: w.people, Queue: queue, Trail: w.trail, Outbox: w.outbox, Blobs: w.blobs, Photos: profiles.NewPhotos(),
		Links: &links{good: map[string]emailLink{}}, Bundle: w.bundle, Origin: "https://amicale.example", Now: now,
		Exporters: func() []people.Exporter { return []people.Exporter{w.store.Exporter()} },
		Erasers:   func() []people.Eraser { return []people.Eraser{w.store.Eraser()} },
	})
	w.runner = jobs.NewRunner(queue, jobs.RunnerOptions{})
	profiles.NewJobs(w.store).Register(w.runner)
	w.ly, w.re = association("ly"), association("re")
	for _, a := range []*people.Association{&w.ly, &w.re} {
		if err := w.people.SaveAssociation(t.Context(), system, a); err != nil {
			t.Fatal(err)
		}
	}
	w.serve(now)
	return w
}

func association(code string) people.Association {
	return people.Association{Code: code, Name: "Alumni " + code, School: "INSA " + code, Host: "alumni-" + code + ".example",
		MailDomain: code + "-alumni.example", Color: "#8a1538"}
}

// serve puts the pages behind the real layers, in a bare frame.
func (w *world) serve(now clock.Clock) {
	w.sessions = web.NewSessions(w.db, now)
	site := &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: now, Bundle: w.bundle, Sessions: w.sessions, Origin: "http://amicale.example",
		Identify: func(_ context.Context, s web.Session) (viewer.Viewer, web.Identity, error) {
			return w.viewers[s.AccountID], web.Identity{Name: "Le Lecteur"}, nil
		},
		Frame: func(r *web.Request, p web.Page) templ.Component {
			_, flash, _ := r.TakeFlash()
			return templ.ComponentFunc(func(ctx context.Context, out io.Writer) error {
				fmt.Fprintf(out, "<title>%s</title><p>%s</p>", templ.EscapeString(p.Title), templ.EscapeString(flash))
				return p.Content.Render(ctx, out)
			})
		},
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, out io.Writer) error {
				_, err := fmt.Fprintf(out, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
		Metrics: web.NewMetrics(prometheus.NewRegistry()),
	}
	extras := profiles.Extras{
		Notice: func(*web.Request) (templ.Component, error) { return w.notice, nil },
		Home: []profiles.PartFunc{
			func(*web.Request, people.Dossier) (templ.Component, error) { return nil, nil },
			func(_ *web.Request, d people.Dossier) (templ.Component, error) {
				return templ.Raw("<p>une partie pour " + templ.EscapeString(d.CurrentLogin()) + "</p>"), nil
			},
		},
		Returned: func(login string) string { return "/p/" + login + "/courrier-revenu" },
	}
	h, err := site.Handler(profiles.NewPages(w.store, now).With(extras).Routes(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.site = h
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// someone is an activated graduate of Lyon with one confirmed address and one phone; tweak changes him first.
func (w *world) someone(first, last string, tweak ...func(*people.Dossier)) people.Dossier {
	w.t.Helper()
	address := fold(first) + "@exemple.fr"
	d := people.Dossier{
		Person:  people.Person{FirstName: first, BirthSurname: last, Status: people.Graduate, ActivatedAt: noon.AddDate(-1, 0, 0), ConfirmedAt: noon},
		Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer, Department: "Génie électrique"}},
		Contacts: []people.ContactPoint{
			{Kind: people.Email, Purpose: people.Personal, Value: address, Audience: viewer.Members, Preferred: true, ConfirmedAt: noon, Origin: "import"},
			{Kind: people.Phone, Purpose: people.Personal, Value: "06 12 34 56 78", Audience: viewer.OnlyMe, Origin: "import"},
		},
	}
	for _, t := range tweak {
		t(&d)
	}
	list := []people.Dossier{d}
	if err := w.people.Insert(w.t.Context(), system, list); err != nil {
		w.t.Fatal(err)
	}
	if err := w.people.GenerateLoginsFor(w.t.Context(), list[0].ID); err != nil {
		w.t.Fatal(err)
	}
	return w.dossier(list[0].ID)
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "é", "e")) }

func (w *world) dossier(person id.ID) people.Dossier {
	w.t.Helper()
	d, err := w.people.Dossier(w.t.Context(), system, person)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func self(d people.Dossier) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: d.ID}
}

func member(d people.Dossier) viewer.Viewer {
	v := self(d)
	v.Member = true
	return v
}

func staffOf(a people.Association, role viewer.RoleName) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a.ID}}}
}

func as(v viewer.Viewer) viewer.Actor { return viewer.Actor{Viewer: v, Name: "Le Lecteur"} }

// letters are those in the demonstration's mailbox, "kind to", oldest first.
func (w *world) letters() []string {
	w.t.Helper()
	list, err := w.outbox.Mailbox(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	out := make([]string, len(list))
	for i, l := range list {
		out[len(list)-1-i] = strings.TrimPrefix(l.Kind, "profile.") + " " + l.To
	}
	return out
}

func (w *world) lastLink() string {
	w.t.Helper()
	list, err := w.outbox.Mailbox(w.t.Context(), 100)
	if err != nil || len(list) == 0 {
		w.t.Fatal(len(list), err)
	}
	for _, l := range list {
		for _, link := range l.Links {
			if strings.Contains(link, "/email/") || strings.Contains(link, "/effacer/") {
				return strings.TrimPrefix(link, "https://amicale.example")
			}
		}
	}
	w.t.Fatal("no letter holds a link")
	return ""
}

func (w *world) run() {
	w.t.Helper()
	if err := w.runner.RunDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// client is a browser of one visitor.
type client struct {
	w       *world
	cookies map[string]*http.Cookie
}

func (w *world) browser(v viewer.Viewer) *client {
	w.t.Helper()
	c := &client{w, map[string]*http.Cookie{}}
	if v.SignedIn() {
		w.viewers[v.Account] = v
		token, _, err := w.sessions.Start(w.t.Context(), v.Account, false, "192.0.2.1", "test")
		if err != nil {
			w.t.Fatal(err)
		}
		c.cookies["amicale"] = &http.Cookie{Name: "amicale", Value: token}
	}
	return c
}

func (c *client) do(req *http.Request) *httptest.ResponseRecorder {
	c.w.t.Helper()
	req.Header.Set("Accept-Language", "fr")
	for _, k := range c.cookies {
		req.AddCookie(k)
	}
	rec := httptest.NewRecorder()
	c.w.site.ServeHTTP(rec, req.WithContext(c.w.t.Context()))
	for _, k := range rec.Result().Cookies() {
		c.cookies[k.Name] = k
		if k.MaxAge < 0 {
			delete(c.cookies, k.Name)
		}
	}
	return rec
}

func (c *client) get(path string) *httptest.ResponseRecorder {
	c.w.t.Helper()
	return c.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (c *client) post(path string, fields url.Values) *httptest.ResponseRecorder {
	c.w.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(fields.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req)
}

func (c *client) upload(path, name string, data []byte, fields map[string]string) *httptest.ResponseRecorder {
	c.w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := m.WriteField(k, v); err != nil {
			c.w.t.Fatal(err)
		}
	}
	part, err := m.CreateFormFile("photo", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		c.w.t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, path, &b)
	req.Header.Set("Content-Type", m.FormDataContentType())
	return c.do(req)
}

// want asserts status and what the page must and must not contain.
func want(t *testing.T, name string, rec *httptest.ResponseRecorder, status int, must, mustNot []string) {
	t.Helper()
	body := strings.ReplaceAll(rec.Body.String(), "<wbr>", "") // where a line may end is nobody's word
	if rec.Code != status {
		t.Errorf("%s: status %d, want %d\n%.600s", name, rec.Code, status, body)
	}
	for _, s := range must {
		if !strings.Contains(body, s) {
			t.Errorf("%s: the page lacks %q\n%.2000s", name, s, body)
		}
	}
	for _, s := range mustNot {
		if strings.Contains(body, s) {
			t.Errorf("%s: the page holds %q", name, s)
		}
	}
}

// hidden is the value of a hidden field behind a mark in the page.
func hidden(t *testing.T, body, action, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `action="`+action+`"`)
	if !ok {
		t.Fatalf("no form for %s", action)
	}
	_, rest, _ = strings.Cut(rest, `name="`+name+`" value="`)
	value, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("the form for %s has no %s", action, name)
	}
	return value
}
