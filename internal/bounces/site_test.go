package bounces_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/bounces"
	"amicale/internal/clock"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// serve puts the pages behind the real layers, in a bare frame; what stands on the pages of others has pages of its own.
func (w *world) serve() http.Handler {
	w.t.Helper()
	now := clock.Clock(w.clock)
	w.sessions = web.NewSessions(w.db, now)
	site := &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: now, Bundle: w.bundle, Sessions: w.sessions, Origin: "http://site.example", Metrics: web.NewMetrics(prometheus.NewRegistry()),
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
	pages := bounces.NewPages(w.Store, bounces.PageOptions{People: w.people, ForwardingPath: "/moi/parametres/adresse", Now: now})
	home := web.SignedIn(func(r *web.Request) error {
		c, err := pages.Notice(r)
		if err != nil {
			return err
		}
		if c == nil {
			c = templ.Raw("rien à dire")
		}
		return r.Page(web.Page{Title: "home", Content: c})
	})
	record := web.Public(func(r *web.Request) error {
		person, err := r.ID("id")
		if err != nil {
			return err
		}
		c, err := pages.Record(r, w.dossier(person))
		if err != nil {
			return err
		}
		if c == nil {
			c = templ.Raw("rien à dire")
		}
		return r.Page(web.Page{Title: "record", Content: c})
	})
	h, err := site.Handler(append(pages.Routes(), web.Route{Pattern: "GET /moi", Handler: home}, web.Route{Pattern: "GET /fiche/{id}", Handler: record}), nil)
	w.must(err)
	return h
}

// visitor is a browser of one viewer; a zero one is a guest.
type visitor struct {
	w      *world
	site   http.Handler
	cookie *http.Cookie
}

func (w *world) visit(site http.Handler, a viewer.Actor) visitor {
	w.t.Helper()
	v := visitor{w: w, site: site}
	if !a.Account.IsZero() {
		w.viewers[a.Account] = a
		token, _, err := w.sessions.Start(w.t.Context(), a.Account, true, "192.0.2.1", "test")
		w.must(err)
		v.cookie = &http.Cookie{Name: "amicale", Value: token}
	}
	return v
}

func (v visitor) do(req *http.Request) *httptest.ResponseRecorder {
	v.w.t.Helper()
	if v.cookie != nil {
		req.AddCookie(v.cookie)
	}
	rec := httptest.NewRecorder()
	v.site.ServeHTTP(rec, req)
	return rec
}

func (v visitor) get(path string) *httptest.ResponseRecorder {
	return v.do(httptest.NewRequest(http.MethodGet, "http://site.example"+path, nil))
}

// post sends a form: name, value, name, value…
func (v visitor) post(path string, form ...string) *httptest.ResponseRecorder {
	fields := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		fields.Add(form[i], form[i+1])
	}
	req := httptest.NewRequest(http.MethodPost, "http://site.example"+path, strings.NewReader(fields.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// want asserts status, what the page must contain, and, after a "-", what it must not.
func (w *world) want(name string, rec *httptest.ResponseRecorder, status int, texts ...string) {
	w.t.Helper()
	body := strings.NewReplacer("<wbr>", "", "\u2060", "").Replace(rec.Body.String()) // where a line may end is nobody's word
	if rec.Code != status {
		w.t.Errorf("%s: status %d, want %d\n%.600s", name, rec.Code, status, body)
	}
	for _, s := range texts {
		if not, ok := strings.CutPrefix(s, "-"); ok {
			if strings.Contains(body, not) {
				w.t.Errorf("%s: the page holds %q", name, not)
			}
		} else if !strings.Contains(body, s) {
			w.t.Errorf("%s: the page lacks %q\n%.3000s", name, s, body)
		}
	}
}
