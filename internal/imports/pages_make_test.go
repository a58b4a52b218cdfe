package imports

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
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

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

// site is the feature's pages behind the real layers of web.
type site struct {
	*house
	t       *testing.T
	handler http.Handler
	web     *web.Site
	viewers map[id.ID]viewer.Viewer
}

func newSite(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := &site{house: newHouse(t, d), t: t, viewers: map[id.ID]viewer.Viewer{}}
	bundle, err := i18n.Load(Messages, people.Messages, ui.Messages, web.Messages)
	must(t, err)
	s.web = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: s.now, Bundle: bundle, Sessions: web.NewSessions(d, s.now), Origin: "http://site.example",
		Identify: func(_ context.Context, sess web.Session) (viewer.Viewer, web.Identity, error) {
			v, ok := s.viewers[sess.AccountID]
			if !ok {
				return viewer.Viewer{}, web.Identity{}, errs.NotFound
			}
			return v, web.Identity{Name: "Anne Webmestre"}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component {
			return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
				if _, err := fmt.Fprintf(w, "<!doctype html><title>%s</title>", templ.EscapeString(p.Title)); err != nil {
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
	s.handler, err = s.web.Handler(NewPages(s.Store, s.people).Routes(), nil)
	must(t, err)
	return s
}

// work does the jobs that are due.
func (s *site) work() error {
	r := jobs.NewRunner(s.queue, jobs.RunnerOptions{})
	NewJobs(s.Store).Register(r)
	return r.RunDue(s.t.Context())
}

// staff is a viewer with a role at an association; a zero association is the federation's.
func staff(role viewer.RoleName, a people.Association) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a.ID}}}
}

// browser is one visitor; the zero viewer is a guest.
type browser struct {
	s     *site
	token string
}

func (s *site) as(v viewer.Viewer) *browser {
	s.t.Helper()
	b := &browser{s: s}
	if v.Account.IsZero() {
		return b
	}
	s.viewers[v.Account] = v
	token, _, err := s.web.Sessions.Start(s.t.Context(), v.Account, true, "192.0.2.1", "test")
	must(s.t, err)
	b.token = token
	return b
}

type reply struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

func (b *browser) do(method, path, contentType string, body io.Reader, header ...string) *reply {
	b.s.t.Helper()
	req := httptest.NewRequest(method, "http://site.example"+path, body).WithContext(b.s.t.Context())
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if b.token != "" {
		req.AddCookie(&http.Cookie{Name: "amicale", Value: b.token})
	}
	rec := httptest.NewRecorder()
	b.s.handler.ServeHTTP(rec, req)
	return &reply{b.s.t, rec.Code, rec.Header(), wordBreaks.ReplaceAllString(rec.Body.String(), "")}
}

func (b *browser) get(path string, header ...string) *reply {
	b.s.t.Helper()
	return b.do("GET", path, "", nil, header...)
}

func (b *browser) post(path string, form ...string) *reply {
	b.s.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	return b.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

func (b *browser) upload(name, content, association string) *reply {
	b.s.t.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	must(b.s.t, m.WriteField("association", association))
	part, err := m.CreateFormFile("file", name)
	must(b.s.t, err)
	_, err = io.WriteString(part, content)
	must(b.s.t, err)
	must(b.s.t, m.Close())
	return b.do("POST", importsPath, m.FormDataContentType(), &buf)
}

// submit sends the form of the columns as it stands on the page, to one of its two buttons.
func (b *browser) submit(page *reply, to string, set ...string) *reply {
	b.s.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page.Body))
	must(b.s.t, err)
	var form []string
	doc.Find("form.form select").Each(func(_ int, s *goquery.Selection) {
		chosen := s.Find("option[selected]").First()
		if chosen.Length() == 0 {
			chosen = s.Find("option").First()
		}
		form = append(form, s.AttrOr("name", ""), chosen.AttrOr("value", ""))
	})
	for i := 0; i+1 < len(set); i += 2 {
		for n := 0; n < len(form); n += 2 {
			if form[n] == set[i] {
				form[n+1] = set[i+1]
			}
		}
	}
	return b.post(to, form...)
}

// follow goes where the answer leads.
func (b *browser) follow(a *reply) *reply {
	b.s.t.Helper()
	to := a.Header.Get("Location")
	if a.Status != http.StatusSeeOther || to == "" {
		b.s.t.Fatalf("status %d leads nowhere:\n%.800s", a.Status, a.Body)
	}
	return b.get(to)
}

// wordBreaks are the markup of where a cell may be broken.
var wordBreaks = regexp.MustCompile(`\s*<wbr>\s*`)

var tags = regexp.MustCompile(`<[^>]*>`)

func (a *reply) text() string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(a.Body, " ")), " ")
}

func (a *reply) want(status int, texts ...string) *reply {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d:\n%.1500s", a.Status, status, a.text())
	}
	for _, s := range texts {
		if !strings.Contains(a.Body, s) && !strings.Contains(a.text(), s) {
			a.t.Errorf("the page lacks %q:\n%.3000s", s, a.text())
		}
	}
	return a
}

func (a *reply) without(texts ...string) *reply {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.Body, s) {
			a.t.Errorf("the page holds %q", s)
		}
	}
	return a
}
