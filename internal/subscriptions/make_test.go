package subscriptions_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/audit"
	"amicale/internal/changes"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/subscriptions"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// world is the store and its pages over a fresh database with two schools, and a clock that can be turned.
type world struct {
	*subscriptions.Store
	t       *testing.T
	db      *db.DB
	people  *people.Store
	trail   *audit.Trail
	site    *web.Site
	handler http.Handler
	viewers map[id.ID]viewer.Viewer
	ly, re  people.Association

	mu     sync.Mutex
	at     time.Time
	clicks []string // told of links in letters: whether the clicker's, which kind, whether left

	clicker id.ID
}

const origin = "https://annuaire.example"

func (w *world) now() time.Time       { w.mu.Lock(); defer w.mu.Unlock(); return w.at }
func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, at: day0, viewers: map[id.ID]viewer.Viewer{}}
	w.people, w.trail = people.NewStore(d, changes.NewStore(d, w.now), w.now), audit.NewTrail(d, w.now)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), a))
	}
	w.Store = subscriptions.NewStore(subscriptions.Deps{DB: d, People: w.people, Trail: w.trail, Now: w.now, Secret: secret(), Origin: origin,
		Federation: func(context.Context) (string, error) { return "La Fédé", nil },
		Clicked: func(_ context.Context, l subscriptions.Letter, left bool) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.clicks = append(w.clicks, fmt.Sprint(l.Person == w.clicker, " ", l.Kind, " ", left))
			return nil
		}})
	bundle, err := i18n.Load(subscriptions.Messages, people.Messages, ui.Messages, web.Messages)
	w.must(err)
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
	pages := subscriptions.NewPages(w.Store, nil, w.now)
	w.handler, err = w.site.Handler(append(pages.Routes(), w.recordRoutes(pages)...), nil)
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

// add puts a graduate of Lyon in the base.
func (w *world) add(first, last string, edit ...func(*people.Dossier)) id.ID {
	w.t.Helper()
	d := people.Dossier{Person: people.Person{FirstName: first, BirthSurname: last}, Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer}}}
	for _, f := range edit {
		f(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list))
	return list[0].ID
}

// listed is a refusal that an older list brought, so many days from the first.
func listed(kind string, granted bool, days int) func(*people.Dossier) {
	return func(d *people.Dossier) {
		d.Consents = append(d.Consents, people.Consent{Kind: kind, Granted: granted, At: day0.AddDate(0, 0, days), Origin: "coupon <2019>"})
	}
}

func person(p id.ID) viewer.Actor {
	return viewer.Actor{Name: "Elle", Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: p}}
}

func staff(role viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Name: string(role), Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a}}}}
}

func system() viewer.Actor {
	return viewer.Actor{Viewer: viewer.ForSystem("test")}
}

// wants is what the rule in SQL says of one person.
func (w *world) wants(p, sender id.ID, k subscriptions.Kind) bool {
	w.t.Helper()
	refusing, err := w.Refusing(w.t.Context(), sender, string(k), []id.ID{p})
	w.must(err)
	return !refusing[p]
}

// actions are what the trail says of a person, the first first.
func (w *world) actions(p id.ID) (out []string) {
	w.t.Helper()
	l, err := w.trail.ForPerson(w.t.Context(), viewer.ForSystem("test"), viewer.Subject{Person: p}, audit.Page{Size: 100})
	w.must(err)
	for _, r := range l.Rows {
		out = append([]string{fmt.Sprint(r.Action, " ", r.Actor, " ", r.Detail)}, out...)
	}
	return out
}

// answer is what a request got.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// send answers a request through every layer of the site; a zero viewer is a guest.
func (w *world) send(v viewer.Viewer, req *http.Request) answer {
	w.t.Helper()
	if !v.Account.IsZero() {
		w.viewers[v.Account] = v
		token, _, err := w.site.Sessions.Start(w.t.Context(), v.Account, true, "192.0.2.1", "test")
		w.must(err)
		req.AddCookie(&http.Cookie{Name: "__Host-amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	return answer{w.t, rec.Code, rec.Result().Header, strings.ReplaceAll(rec.Body.String(), "<wbr>", "")}
}

func (w *world) get(v viewer.Viewer, path string) answer {
	w.t.Helper()
	return w.send(v, httptest.NewRequest("GET", origin+path, nil))
}

// post sends a form as a browser does from a page of the site: name, value, name, value…
func (w *world) post(v viewer.Viewer, path string, form ...string) answer {
	w.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	req := httptest.NewRequest("POST", origin+path, strings.NewReader(values.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", origin)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.send(v, req)
}

// want fails the test unless the answer has that status and holds each text.
func (a answer) want(what string, status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s: status %d, want %d:\n%.600s", what, a.status, status, a.body)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			a.t.Errorf("%s: the page lacks %q:\n%.3000s", what, s, a.body)
		}
	}
	return a
}

func (a answer) without(what string, texts ...string) answer {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.body, s) {
			a.t.Errorf("%s: the page discloses %q", what, s)
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
