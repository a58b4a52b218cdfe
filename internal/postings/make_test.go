package postings_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/changes"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/postings"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// world is the store, its box, jobs and pages over a fresh database with two schools, and a clock that can be turned.
type world struct {
	*postings.Store
	t       *testing.T
	db      *db.DB
	people  *people.Store
	trail   *audit.Trail
	files   blob.Store
	post    *outbox.Outbox
	box     *postings.Box
	runner  *jobs.Runner
	site    *web.Site
	handler http.Handler
	viewers map[id.ID]viewer.Viewer
	ly, re  people.Association

	mu sync.Mutex
	at time.Time
}

const origin = "http://site.example"

func (w *world) now() time.Time       { w.mu.Lock(); defer w.mu.Unlock(); return w.at }
func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), viewers: map[id.ID]viewer.Viewer{}}
	w.people, w.trail = people.NewStore(d, changes.NewStore(d, w.now), w.now), audit.NewTrail(d, w.now)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), a))
	}
	bundle, err := i18n.Load(postings.Messages, people.Messages, mail.Messages, ui.Messages, web.Messages)
	w.must(err)
	w.files, err = blob.OpenDisk(t.TempDir())
	w.must(err)
	queue := jobs.NewQueue(d, w.now)
	w.runner = jobs.NewRunner(queue, jobs.RunnerOptions{})
	w.post = outbox.New(d, w.now, outbox.Options{From: mail.Address{Address: "site@exemple.fr"}, Demo: true})
	w.Store = postings.NewStore(postings.Deps{DB: d, People: w.people, Queue: queue, Trail: w.trail, Post: w.post, Files: w.files, Bundle: bundle, Origin: origin, Now: w.now})
	w.box = postings.NewBox(w.Store)
	postings.NewJobs(w.Store).Register(w.runner)
	w.site = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: w.now, Bundle: bundle, Sessions: web.NewSessions(d, w.now), Origin: origin, Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, s web.Session) (viewer.Viewer, web.Identity, error) {
			return w.viewers[s.AccountID], web.Identity{Name: "Nom Affiché"}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component { return p.Content },
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, o io.Writer) error {
				_, err := fmt.Fprintf(o, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
	}
	w.handler, err = w.site.Handler(postings.NewPages(w.Store, w.people).Routes(), nil)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refused(what string, err error, kind errs.Kind) {
	w.t.Helper()
	if !errors.Is(err, kind) {
		w.t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// work runs every job that is due.
func (w *world) work() {
	w.t.Helper()
	w.must(w.runner.RunDue(w.t.Context()))
}

// envelope is a message as the server hands it over, from a proven sender.
func envelope(raw []byte) *inbox.Message {
	h, _ := mail.ReadHeader(raw)
	return &inbox.Message{Envelope: inbox.Envelope{ID: id.New(), From: "rh@acme.example"}, Raw: raw, From: h.Get("From"), Subject: mail.DecodeHeader(h.Get("Subject"), 500),
		Key: h.Get("Message-ID"), Auth: inbox.Auth{DMARC: inbox.Pass, Domain: "acme.example"}}
}

// arrive brings a message to an address as the server does: found, screened, and accepted in a transaction.
func (w *world) arrive(m *inbox.Message, address string) id.ID {
	w.t.Helper()
	to, err := w.box.Find(w.t.Context(), m.Envelope, address)
	w.must(err)
	w.must(w.box.Screen(w.t.Context(), m, to))
	a := inbox.Arrival{ID: id.New(), Message: m, Rcpt: to}
	w.must(w.db.Tx(w.t.Context(), func(ctx context.Context) error { return w.box.Accept(ctx, []inbox.Arrival{a}) }))
	return a.ID
}

// offer is a message that came to Lyon and was taken apart.
func (w *world) offer(parts []part, headers ...string) id.ID {
	w.t.Helper()
	draft := w.arrive(envelope(letter(parts, headers...)), "emploi@ly.example")
	w.work()
	return draft
}

func (w *world) show(draft id.ID) (postings.Draft, []postings.File) {
	w.t.Helper()
	d, files, err := w.Show(w.t.Context(), federation().Viewer, draft)
	w.must(err)
	return d, files
}

// seen is a draft as it stands, for whoever decides on it.
func (w *world) seen(draft id.ID) postings.At {
	w.t.Helper()
	d, _ := w.show(draft)
	return postings.At{Draft: draft, Version: d.Version}
}

// letters are those that left, the first first.
func (w *world) letters() []outbox.Posted {
	w.t.Helper()
	list, err := w.post.Mailbox(w.t.Context(), 100)
	w.must(err)
	slices.Reverse(list)
	return list
}

// actions are what the trail says of a draft, the first first.
func (w *world) actions(draft id.ID) (out []string) {
	w.t.Helper()
	l, err := w.trail.ForObject(w.t.Context(), viewer.ForSystem("test"), "posting:"+draft.String(), nil, audit.Page{})
	w.must(err)
	for _, r := range l.Rows {
		out = append(out, r.Action)
	}
	slices.Reverse(out)
	return out
}

// blobs are the files that are kept.
func (w *world) blobs() (out []string) {
	w.t.Helper()
	for key, err := range w.files.List(w.t.Context(), "") {
		w.must(err)
		out = append(out, key)
	}
	return out
}

func staff(role viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Name: string(role), Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a}}}}
}

func federation() viewer.Actor { return staff(viewer.FederationAdmin, id.ID{}) }

// answer is what a request got.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// ask answers a request as a viewer; a zero one is a guest. With a form it is a POST.
func (w *world) ask(v viewer.Viewer, path string, form ...string) answer {
	w.t.Helper()
	req := httptest.NewRequest("GET", origin+path, nil)
	if form != nil {
		values := url.Values{}
		for i := 0; i+1 < len(form); i += 2 {
			values.Add(form[i], form[i+1])
		}
		req = httptest.NewRequest("POST", origin+path, strings.NewReader(values.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !v.Account.IsZero() {
		w.viewers[v.Account] = v
		token, _, err := w.site.Sessions.Start(w.t.Context(), v.Account, true, "192.0.2.1", "test")
		w.must(err)
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	return answer{w.t, rec.Code, rec.Result().Header, strings.ReplaceAll(rec.Body.String(), "<wbr>", "")}
}

// want fails the test unless the answer has that status and holds each text.
func (a answer) want(what string, status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s: status %d, want %d:\n%.600s", what, a.status, status, a.body)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			a.t.Errorf("%s: the page lacks %q:\n%.4000s", what, s, a.body)
		}
	}
	return a
}

func (a answer) without(what string, texts ...string) answer {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.body, s) {
			a.t.Errorf("%s: the page holds %q", what, s)
		}
	}
	return a
}

func (a answer) doc() *goquery.Document {
	a.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return doc
}
