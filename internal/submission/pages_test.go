package submission_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/submission"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// site is the pages behind the real layers, in a bare frame, with a page for the section.
type site struct {
	*world
	handler  http.Handler
	sessions *web.Sessions
	viewers  map[id.ID]viewer.Viewer
	lang     string
}

const (
	path  = "/moi/parametres/adresse/mots-de-passe"
	shown = "/moi/parametres/adresse"
)

func newSite(t *testing.T, o submission.PageOptions) *site {
	t.Helper()
	w := newWorld(t, dbtest.New(t))
	s := &site{world: w, sessions: web.NewSessions(w.db, w.now), viewers: map[id.ID]viewer.Viewer{}, lang: "fr"}
	around := &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: w.now, Bundle: w.bundle, Sessions: s.sessions, Origin: "http://amicale.example", Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, x web.Session) (viewer.Viewer, web.Identity, error) {
			return s.viewers[x.AccountID], web.Identity{Name: "Laure Lavaut"}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component { return p.Content },
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, out io.Writer) error {
				_, err := fmt.Fprintf(out, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
	}
	o.Now = w.now
	o.Around = func(r *web.Request, section templ.Component, status int) error {
		return r.Page(web.Page{Status: status, Content: section})
	}
	pages := submission.NewPages(w.store, o)
	show := web.Route{Pattern: "GET " + shown, Handler: web.Network(func(r *web.Request) error {
		c, err := pages.Section(r)
		if c == nil {
			c = templ.Raw("rien")
		}
		if err != nil {
			return err
		}
		return r.Page(web.Page{Content: c})
	})}
	h, err := around.Handler(append(pages.Routes(), show), nil)
	w.must(err)
	s.handler = h
	return s
}

func offered() submission.PageOptions {
	return submission.PageOptions{Host: "envoi.ly-alumni.example", TLS: 465, STARTTLS: 587}
}

// ask answers a request as a viewer; with a form it is a POST.
func (s *site) ask(v viewer.Viewer, path string, form url.Values) *httptest.ResponseRecorder {
	s.t.Helper()
	req := httptest.NewRequest("GET", "http://amicale.example"+path, nil)
	if form != nil {
		req = httptest.NewRequest("POST", "http://amicale.example"+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", s.lang)
	if v.SignedIn() {
		s.viewers[v.Account] = v
		token, _, err := s.sessions.Start(s.t.Context(), v.Account, false, "192.0.2.1", "test")
		s.must(err)
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req.WithContext(s.t.Context()))
	return rec
}

// want asserts status and what the page must and, after a "-", must not hold.
func (s *site) want(what string, rec *httptest.ResponseRecorder, status int, texts ...string) *goquery.Document {
	s.t.Helper()
	body := rec.Body.String()
	if rec.Code != status {
		s.t.Errorf("%s: status %d, want %d\n%.800s", what, rec.Code, status, body)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	s.must(err)
	read := strings.Join(strings.Fields(doc.Text()), " ")
	for _, text := range texts {
		not, isNot := strings.CutPrefix(text, "-")
		switch {
		case isNot && strings.Contains(body, not):
			s.t.Errorf("%s: the page holds %q", what, not)
		case !isNot && !strings.Contains(body, text) && !strings.Contains(read, text):
			s.t.Errorf("%s: the page lacks %q:\n%.3000s", what, text, read)
		}
	}
	return doc
}

var noAddress = netip.MustParseAddr("192.0.2.1")

func TestPasswordPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	p := s.someone("Laure", "Lavaut")
	me := self(p).Viewer
	s.want("nameless", s.ask(me, path, url.Values{"name": {" "}}), 422, "Écris le nom du logiciel", "Créer un mot de passe")
	s.want("too long", s.ask(me, path, url.Values{"name": {strings.Repeat("x", 61)}}), 422, "C’est trop long : 60 caractères au plus", `value="`+strings.Repeat("x", 61)+`"`)
	rec := s.ask(me, path, url.Values{"name": {"Mutt <b>"}})
	secret := regexp.MustCompile(`[a-z2-9]{5}-[a-z2-9]{5}-[a-z2-9]{5}-[a-z2-9]{5}`).FindString(rec.Body.String())
	doc := s.want("made", rec, 200, "Copie-le maintenant", "Mutt &lt;b&gt;", laure, "465", "587", "-Mutt <b>", "-submission.")
	if secret == "" || doc.Find(`[data-copy="`+secret+`"]`).Length() != 1 || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the page shows the secret %q, kept as %q", secret, rec.Header().Get("Cache-Control"))
	}
	if got, err := s.box.SignIn(t.Context(), laure, secret, noAddress); err != nil || got.Account != p.ID {
		t.Errorf("SignIn() with what the page showed = %v, %v", got, err)
	}
	list := s.want("listed", s.ask(me, shown, nil), 200, "Mutt", "1er juin 2026", "envoi.ly-alumni.example", "200 destinataires par jour", "-"+secret, "-submission.")
	s.lang = "en"
	s.want("in English", s.ask(me, shown, nil), 200, "Write with this address", "At most 200 recipients a day", "-submission.", "-Retirer")
	s.lang = "fr"
	action := list.Find(`form[action$="/retirer"]`).AttrOr("action", "")
	s.want("another removes it", s.ask(self(s.someone("Anne", "Roy")).Viewer, action, url.Values{}), 404)
	s.want("removed", s.ask(me, action, url.Values{}), 303)
	s.want("gone", s.ask(me, shown, nil), 200, "-Mutt")
	if _, err := s.box.SignIn(t.Context(), laure, secret, noAddress); err == nil {
		t.Error("a removed password still opens")
	}
	nameless := s.someone("Luc", "Martin", func(d *people.Dossier) { d.Degrees = nil })
	s.want("no address to write with", s.ask(self(nameless).Viewer, shown, nil), 200, "rien")

	without := newSite(t, submission.PageOptions{})
	other := self(without.someone("Laure", "Lavaut")).Viewer
	without.want("no server for programs", without.ask(other, shown, nil), 200, "rien")
	without.want("nor passwords", without.ask(other, path, url.Values{"name": {"x"}}), 404)
}

func TestWhoMakesPasswords(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	staff := viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
	recruiter := viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}
	for _, at := range []string{path, path + "/" + id.New().String() + "/retirer"} {
		s.want("guest posts to "+at, s.ask(viewer.Viewer{}, at, url.Values{"name": {"x"}}), 401)
		s.want("staff posts to "+at, s.ask(staff, at, url.Values{"name": {"x"}}), 403)
		s.want("recruiter posts to "+at, s.ask(recruiter, at, url.Values{"name": {"x"}}), 403)
	}
	if n := s.count(`SELECT count(*) FROM forwarding_passwords`); n != 0 {
		t.Errorf("%d passwords were made", n)
	}
}
