package registry_test

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
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/audit"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/registry"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// world is the store and its pages over a fresh database with two schools.
type world struct {
	*registry.Store
	t       *testing.T
	people  *people.Store
	trail   *audit.Trail
	site    *web.Site
	handler http.Handler
	viewers map[id.ID]viewer.Actor
	invited []string
	extras  registry.Extras
	ly, re  people.Association
}

func newWorld(t *testing.T, d *db.DB, panels ...registry.Panel) *world {
	t.Helper()
	now := clock.At(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	w := &world{t: t, people: people.NewStore(d, changes.NewStore(d, now), now), trail: audit.NewTrail(d, now), viewers: map[id.ID]viewer.Actor{}}
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), a))
	}
	w.Store = registry.NewStore(registry.Deps{DB: d, People: w.people, Trail: w.trail, Now: now,
		Invite: func(_ context.Context, i registry.Invite) error {
			if !i.By.HasAt(w.ly.ID, viewer.Webmaster) {
				return errs.Forbidden
			}
			w.invited = append(w.invited, i.Email)
			return nil
		},
		Merge: func(ctx context.Context, v viewer.Viewer, from, into id.ID) error {
			_, err := w.people.Merge(ctx, v, from, into)
			return err
		}})
	w.extras.Panels = panels
	w.extras.ActionKey = func(action string) string {
		return map[string]string{"person.names_changed": "registry.edit_names"}[action]
	}
	w.serve(d, now)
	return w
}

func (w *world) serve(d *db.DB, now clock.Clock) {
	w.t.Helper()
	bundle, err := i18n.Load(registry.Messages, people.Messages, ui.Messages, web.Messages)
	w.must(err)
	w.site = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: now, Bundle: bundle, Sessions: web.NewSessions(d, now), Origin: "http://site.example", Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, s web.Session) (viewer.Viewer, web.Identity, error) {
			a := w.viewers[s.AccountID]
			return a.Viewer, web.Identity{Name: a.Name}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component { return p.Content },
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, o io.Writer) error {
				_, err := fmt.Fprintf(o, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
	}
	w.handler, err = w.site.Handler(registry.NewPages(w.Store).With(w.extras).Routes(), nil)
	w.must(err)
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

func (w *world) add(first, last string, a people.Association, year int) people.Dossier {
	w.t.Helper()
	list := []people.Dossier{{Person: people.Person{FirstName: first, BirthSurname: last}, Note: map[string]string{"Colonne": "<i>vieille</i>"},
		Degrees:  []people.Degree{{AssociationID: a.ID, ClassYear: year, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Value: strings.ToLower(last) + "@exemple.fr", Origin: "import"}}}}
	w.must(w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list))
	w.must(w.people.GenerateLoginsFor(w.t.Context(), list[0].ID))
	return w.dossier(list[0].ID)
}

func (w *world) dossier(person id.ID) people.Dossier {
	w.t.Helper()
	d, err := w.people.Dossier(w.t.Context(), viewer.ForSystem("test"), person)
	w.must(err)
	return d
}

// actions are what the trail says of a person, the first first.
func (w *world) actions(d people.Dossier) []string {
	w.t.Helper()
	l, err := w.trail.ForPerson(w.t.Context(), federation().Viewer, d.Subject(), audit.Page{})
	w.must(err)
	var out []string
	for _, r := range l.Rows {
		out = append(out, r.Action)
	}
	slices.Reverse(out)
	return out
}

func actor(name viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: name, Association: a}}}, Name: string(name)}
}

func federation() viewer.Actor { return actor(viewer.FederationAdmin, id.ID{}) }

// ask answers a request as a viewer; a zero one is a guest. With a form it is a POST.
func (w *world) ask(a viewer.Actor, path string, form ...string) (status int, body string) {
	w.t.Helper()
	req := httptest.NewRequest("GET", "http://site.example"+path, nil)
	if len(form) > 0 {
		v := url.Values{}
		for i := 0; i+1 < len(form); i += 2 {
			v.Add(form[i], form[i+1])
		}
		req = httptest.NewRequest("POST", "http://site.example"+path, strings.NewReader(v.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if !a.Account.IsZero() {
		w.viewers[a.Account] = a
		token, _, err := w.site.Sessions.Start(w.t.Context(), a.Account, true, "192.0.2.1", "test")
		w.must(err)
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	return rec.Code, strings.ReplaceAll(rec.Body.String(), "<wbr>", "")
}

// want fails the test unless the answer has that status and holds each text.
func (w *world) want(what string, a viewer.Actor, path string, status int, texts ...string) {
	w.t.Helper()
	got, body := w.ask(a, path)
	w.check(what, got, body, status, texts)
}

// wantPost is want for a form: name, value, name, value…
func (w *world) wantPost(what string, a viewer.Actor, path string, form []string, status int, texts ...string) {
	w.t.Helper()
	got, body := w.ask(a, path, form...)
	w.check(what, got, body, status, texts)
}

func (w *world) check(what string, got int, body string, status int, texts []string) {
	w.t.Helper()
	if got != status {
		w.t.Errorf("%s: status %d, want %d:\n%.600s", what, got, status, body)
	}
	for _, s := range texts {
		if !strings.Contains(body, s) {
			w.t.Errorf("%s: the page lacks %q:\n%.2000s", what, s, body)
		}
	}
}
