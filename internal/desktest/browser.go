package desktest

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
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/desk"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Site is the pages of both behind the real layers of web, and a browser a viewer.
type Site struct {
	*World
	handler http.Handler
	site    *web.Site
	viewers map[id.ID]viewer.Actor
}

// NewSite makes the site.
func NewSite(t *testing.T, d *db.DB) *Site {
	t.Helper()
	s := &Site{World: New(t, d), viewers: map[id.ID]viewer.Actor{}}
	bundle, err := i18n.Load(activation.Messages, desk.Messages, people.Messages, mail.Messages, ui.Messages, web.Messages)
	if err != nil {
		t.Fatal(err)
	}
	s.site = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: s.Now, Bundle: bundle, Sessions: web.NewSessions(d, s.Now), Origin: "http://site.example",
		Identify: func(_ context.Context, sess web.Session) (viewer.Viewer, web.Identity, error) {
			a, ok := s.viewers[sess.AccountID]
			if !ok {
				return viewer.Viewer{}, web.Identity{}, errs.NotFound
			}
			return a.Viewer, web.Identity{Name: a.Name}, nil
		},
		Frame: func(r *web.Request, p web.Page) templ.Component {
			flash := ""
			if _, text, ok := r.TakeFlash(); ok {
				flash = text
			}
			return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
				if _, err := fmt.Fprintf(w, "<!doctype html><title>%s</title><p>%s</p>", templ.EscapeString(p.Title), templ.EscapeString(flash)); err != nil {
					return err
				}
				return p.Content.Render(ctx, w)
			})
		},
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
				_, err := fmt.Fprintf(w, "<p>%d %s</p>", status, templ.EscapeString(message))
				return err
			})
		},
		Metrics: web.NewMetrics(prometheus.NewRegistry()),
	}
	routes := slices.Concat(activation.NewPages(s.Activation, s.People, s.Now).Routes(), desk.NewPages(s.Desk, s.People, s.Now).Routes())
	if s.handler, err = s.site.Handler(routes, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// Browser is one visitor.
type Browser struct {
	s       *Site
	cookies map[string]*http.Cookie
	IP      string
}

// Guest is somebody who is not signed in.
func (s *Site) Guest() *Browser {
	return &Browser{s: s, cookies: map[string]*http.Cookie{}, IP: "192.0.2.1"}
}

// As is somebody who is signed in.
func (s *Site) As(a viewer.Actor) *Browser {
	s.t.Helper()
	b := s.Guest()
	s.viewers[a.Account] = a
	token, _, err := s.site.Sessions.Start(s.t.Context(), a.Account, true, b.IP, "test")
	if err != nil {
		s.t.Fatal(err)
	}
	b.cookies["amicale"] = &http.Cookie{Name: "amicale", Value: token}
	return b
}

// Reply is what came back.
type Reply struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

func (b *Browser) do(method, path, contentType string, body io.Reader) *Reply {
	b.s.t.Helper()
	req := httptest.NewRequest(method, "http://site.example"+path, body).WithContext(b.s.t.Context())
	req.Header.Set("Content-Type", contentType)
	req.RemoteAddr = b.IP + ":4000"
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.s.handler.ServeHTTP(rec, req)
	for _, c := range rec.Result().Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return &Reply{b.s.t, rec.Code, rec.Header(), strings.ReplaceAll(rec.Body.String(), "<wbr>", "")}
}

// Get asks for a page.
func (b *Browser) Get(path string) *Reply {
	b.s.t.Helper()
	return b.do("GET", path, "", nil)
}

// Post sends a form of names and values.
func (b *Browser) Post(path string, form ...string) *Reply {
	b.s.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	return b.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

// Upload sends a form with a scan.
func (b *Browser) Upload(path, file string, content []byte, form ...string) *Reply {
	b.s.t.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for i := 0; i+1 < len(form); i += 2 {
		if err := m.WriteField(form[i], form[i+1]); err != nil {
			b.s.t.Fatal(err)
		}
	}
	part, err := m.CreateFormFile("scan", file)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		b.s.t.Fatal(err)
	}
	return b.do("POST", path, m.FormDataContentType(), &buf)
}

// Follow goes where the answer leads.
func (b *Browser) Follow(a *Reply) *Reply {
	b.s.t.Helper()
	if a.Header.Get("Location") == "" {
		b.s.t.Fatalf("status %d leads nowhere:\n%.800s", a.Status, a.Body)
	}
	return b.Get(a.Header.Get("Location"))
}

// Want checks the status and that the page holds the texts.
func (a *Reply) Want(status int, texts ...string) *Reply {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d:\n%.1500s", a.Status, status, a.Body)
	}
	for _, s := range texts {
		if !strings.Contains(a.Body, s) {
			a.t.Errorf("the page lacks %q:\n%.3000s", s, a.Body)
		}
	}
	return a
}

// Without checks that the page holds none of the texts.
func (a *Reply) Without(texts ...string) *Reply {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.Body, s) {
			a.t.Errorf("the page holds %q", s)
		}
	}
	return a
}

// Version is the one a page's forms carry.
func (a *Reply) Version() string {
	a.t.Helper()
	m := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(a.Body)
	if m == nil {
		a.t.Fatalf("the page has no form with a version:\n%.2000s", a.Body)
	}
	return m[1]
}
