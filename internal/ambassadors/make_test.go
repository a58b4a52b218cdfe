package ambassadors_test

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

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/ambassadors"
	"amicale/internal/audit"
	"amicale/internal/changes"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

const origin = "https://annuaire.example"

var system = viewer.ForSystem("test")

// world is the store and its pages over a fresh database with two schools, and a clock that can be turned.
type world struct {
	*ambassadors.Store
	t       *testing.T
	db      *db.DB
	people  *people.Store
	trail   *audit.Trail
	runner  *jobs.Runner
	site    *web.Site
	handler http.Handler
	viewers map[id.ID]viewer.Viewer
	lost    map[int]int // by class, of every school
	ly, re  people.Association

	mu sync.Mutex
	at time.Time
}

func (w *world) now() time.Time       { w.mu.Lock(); defer w.mu.Unlock(); return w.at }
func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, at: time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC), viewers: map[id.ID]viewer.Viewer{}, lost: map[int]int{}}
	w.people, w.trail = people.NewStore(d, changes.NewStore(d, w.now), w.now), audit.NewTrail(d, w.now)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), system, a))
	}
	w.Store = ambassadors.NewStore(ambassadors.Deps{DB: d, People: w.people, Trail: w.trail, Now: w.now})
	w.runner = jobs.NewRunner(jobs.NewQueue(d, w.now), jobs.RunnerOptions{})
	ambassadors.NewJobs(w.Store).Register(w.runner)
	bundle, err := i18n.Load(ambassadors.Messages, people.Messages, ui.Messages, web.Messages)
	w.must(err)
	w.site = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: w.now, Bundle: bundle, Sessions: web.NewSessions(d, w.now), Origin: origin, Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, s web.Session) (viewer.Viewer, web.Identity, error) {
			return w.viewers[s.AccountID], web.Identity{Name: "Nom Affiché"}, nil
		},
		Frame: func(r *web.Request, p web.Page) templ.Component { // with the toast, where its undo leads
			return templ.ComponentFunc(func(ctx context.Context, o io.Writer) error {
				f, text, _ := r.TakeFlash()
				if _, err := fmt.Fprintf(o, "<p>%s %s</p>", templ.EscapeString(text), f.Undo); err != nil {
					return err
				}
				return p.Content.Render(ctx, o)
			})
		},
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.Raw(fmt.Sprint(status, " ", templ.EscapeString(message)))
		},
	}
	pages := ambassadors.NewPages(w.Store, func(_ context.Context, _ viewer.Viewer, _ id.ID, years []int) (map[int]int, error) {
		out := map[int]int{}
		for _, y := range years {
			out[y] = w.lost[y]
		}
		return out, nil
	})
	home := web.SignedIn(func(r *web.Request) error {
		d, err := w.people.Dossier(r.Ctx(), system, r.Viewer.Person)
		if err != nil {
			return err
		}
		c, err := pages.Home(r, d)
		if err != nil {
			return err
		}
		if c == nil {
			c = templ.Raw("rien à dire")
		}
		return r.Page(web.Page{Title: "home", Content: c})
	})
	w.handler, err = w.site.Handler(append(pages.Routes(), web.Route{Pattern: "GET /moi", Handler: home}), nil)
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

type tweak func(*people.Dossier)

// add is a graduate of Lyon 2010 with an open account and an address he confirmed.
func (w *world) add(first, last string, tweaks ...tweak) id.ID {
	w.t.Helper()
	d := people.Dossier{Person: people.Person{FirstName: first, BirthSurname: last, Status: people.Graduate, ActivatedAt: w.now()},
		Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: strings.ToLower(first) + "@x.fr", Preferred: true, ConfirmedAt: w.now(),
			Audience: viewer.Members, Origin: "import"}}}
	for _, f := range tweaks {
		f(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), system, list))
	w.must(w.people.GenerateLoginsFor(w.t.Context(), list[0].ID))
	w.account(list[0].ID, "en")
	return list[0].ID
}

func (w *world) account(person id.ID, lang string) {
	w.t.Helper()
	_, err := w.db.Exec(w.t.Context(), `INSERT INTO accounts (id, person_id, kind, login, login_key, name, email, email_key, password_hash, lang, notice, totp_secret, totp_pending, totp_step, created_at)
		VALUES (?, ?, 'network', '', '', '', '', '', '', ?, FALSE, '', '', 0, ?)`, id.New(), person, lang, w.now())
	w.must(err)
}

// close lets the staff close a person's account.
func (w *world) close(person id.ID) {
	w.t.Helper()
	_, err := w.db.Exec(w.t.Context(), `UPDATE accounts SET disabled_at = ? WHERE person_id = ?`, w.now(), person)
	w.must(err)
}

// accounts are what the accounts do for who is erased, or turns out to be another: his goes.
func (w *world) accounts() (people.Eraser, people.Merger) {
	drop := func(ctx context.Context, person id.ID) error {
		_, err := w.db.Exec(ctx, `DELETE FROM accounts WHERE person_id = ?`, person)
		return err
	}
	return people.Eraser{Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error { return drop(ctx, person) }},
		people.Merger{Merge: func(ctx context.Context, _ viewer.Viewer, from, _ id.ID) error { return drop(ctx, from) }}
}

func dead(d *people.Dossier) { d.Status = people.Deceased }

func (w *world) lyon(year int) ambassadors.Class {
	return ambassadors.Class{AssociationID: w.ly.ID, ClassYear: year}
}

// named names somebody of Lyon 2010.
func (w *world) named(person id.ID) id.ID {
	w.t.Helper()
	row, err := w.Name(w.t.Context(), staff(viewer.Secretary, w.ly.ID), w.lyon(2010), person)
	w.must(err)
	return row
}

// listed are the first names of those who look after classes of Lyon, "!" before who does so without effect.
func (w *world) listed() string {
	w.t.Helper()
	list, n, err := w.List(w.t.Context(), staff(viewer.Webmaster, w.ly.ID).Viewer, w.ly.ID, 50, 0)
	w.must(err)
	var out []string
	for _, l := range list {
		name := l.Dossier.FirstName
		if !l.Serves {
			name = "!" + name
		}
		out = append(out, name)
	}
	if n != len(list) {
		w.t.Errorf("List() counts %d, gives %d", n, len(list))
	}
	return strings.Join(out, " ")
}

// written are the first names of those who would be written to about Lyon 2010 and 2011.
func (w *world) written() string {
	w.t.Helper()
	list, err := w.OfClasses(w.t.Context(), system, w.ly.ID, []int{2010, 2011})
	w.must(err)
	var out []string
	for _, a := range list {
		out = append(out, a.Name)
	}
	return strings.Join(out, " ")
}

// actions are what the trail says of a person, the first first.
func (w *world) actions(person id.ID) string {
	w.t.Helper()
	l, err := w.trail.ForPerson(w.t.Context(), system, viewer.Subject{Person: person}, audit.Page{})
	w.must(err)
	out := ""
	for _, r := range l.Rows {
		out = fmt.Sprint(strings.TrimPrefix(r.Action, "ambassador."), " ", r.Detail["year"], "; ", out)
	}
	return out
}

func staff(role viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Name: string(role), Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a}}}}
}

func federation() viewer.Actor { return staff(viewer.FederationAdmin, id.ID{}) }

func self(person id.ID) viewer.Actor {
	return viewer.Actor{Name: "Elle", Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: person}}
}

// answer is what a request got.
type answer struct {
	t      *testing.T
	status int
	to     string
	cookie []*http.Cookie
	body   string
}

// send answers a request as a browser of that viewer would send it; a zero one is a guest. With a form it is a POST.
func (w *world) send(by viewer.Actor, path string, form url.Values, cookies ...*http.Cookie) answer {
	w.t.Helper()
	req := httptest.NewRequest("GET", origin+path, nil)
	if form != nil {
		req = httptest.NewRequest("POST", origin+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if !by.Account.IsZero() {
		w.viewers[by.Account] = by.Viewer
		token, _, err := w.site.Sessions.Start(w.t.Context(), by.Account, true, "192.0.2.1", "test")
		w.must(err)
		req.AddCookie(&http.Cookie{Name: "__Host-amicale", Value: token})
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	return answer{w.t, rec.Code, rec.Header().Get("Location"), rec.Result().Cookies(), rec.Body.String()}
}

func (w *world) get(by viewer.Actor, path string) answer {
	w.t.Helper()
	return w.send(by, path, nil)
}

func (w *world) post(by viewer.Actor, path string, form ...string) answer {
	w.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	return w.send(by, path, values)
}

// next follows a redirect, with the word that was left for the page.
func (w *world) next(by viewer.Actor, a answer) answer {
	w.t.Helper()
	path, _, _ := strings.Cut(a.to, "#")
	return w.send(by, path, nil, a.cookie...)
}

// want fails the test unless the answer has that status, holds each text, and none of those after a "-".
func (a answer) want(what string, status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s: status %d, want %d:\n%.600s", what, a.status, status, a.body)
	}
	for _, s := range texts {
		not, without := strings.CutPrefix(s, "-")
		if strings.Contains(a.body, not) == without {
			a.t.Errorf("%s: without %q: %v, want %v\n%.3000s", what, not, !without, without, a.body)
		}
	}
	return a
}
