package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"amicale/internal/clock"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// site is a site of a few routes; account names the kind of viewer by its first letter.
func site(t *testing.T, routes ...web.Route) (*web.Site, http.Handler) {
	t.Helper()
	bundle, err := i18n.Load(web.Messages)
	if err != nil {
		t.Fatal(err)
	}
	s := &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: clock.System, Bundle: bundle, Sessions: web.NewSessions(dbtest.New(t), clock.System),
		Origin: "http://annuaire.example", SecurePath: "/secure",
		Identify: func(_ context.Context, s web.Session) (viewer.Viewer, web.Identity, error) {
			return kinds[s.AccountID[0]](), web.Identity{MustSecure: s.AccountID[0] == 'i'}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component { return p.Content },
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.Raw(fmt.Sprintf("%d %s", status, message))
		},
	}
	h, err := s.Handler(routes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

var kinds = map[byte]func() viewer.Viewer{
	'g': func() viewer.Viewer { return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()} },
	'm': func() viewer.Viewer {
		return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}
	},
	'r': func() viewer.Viewer { return viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()} },
	'w': func() viewer.Viewer {
		return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Webmaster, Association: id.New()}}}
	},
	'i': func() viewer.Viewer {
		return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
	},
}

func get(h http.Handler, path string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, "http://annuaire.example"+path, nil)
	for _, f := range edit {
		f(req)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func word(text string) web.Handle {
	return func(r *web.Request) error { return r.Page(web.Page{Content: templ.Raw(text)}) }
}

func TestTheTypeSaysWhoMayComeIn(t *testing.T) {
	t.Parallel()
	s, h := site(t,
		web.Route{Pattern: "GET /public", Handler: web.Public(word("in"))},
		web.Route{Pattern: "GET /signed", Handler: web.SignedIn(word("in"))},
		web.Route{Pattern: "GET /network", Handler: web.Network(word("in"))},
		web.Route{Pattern: "GET /member", Handler: web.Member(word("in"))},
		web.Route{Pattern: "GET /staff", Handler: web.Staff(word("in"))},
		web.Route{Pattern: "GET /webmaster", Handler: web.Staff(word("in"), viewer.Webmaster)},
		web.Route{Pattern: "GET /admin", Handler: web.Staff(word("in"), viewer.FederationAdmin)},
	)
	for who, want := range map[byte]string{
		' ': "200 303 303 303 303 303 303",
		'g': "200 200 200 403 403 403 403",
		'm': "200 200 200 200 403 403 403",
		'r': "200 200 403 403 403 403 403",
		'w': "200 200 403 403 200 200 403",
		'i': "200 303 403 403 303 303 303", // must get a second factor first
	} {
		var cookie *http.Cookie
		if who != ' ' {
			var account id.ID
			account[0] = who
			token, _, err := s.Sessions.Start(t.Context(), account, false, "192.0.2.1", "test")
			if err != nil {
				t.Fatal(err)
			}
			cookie = &http.Cookie{Name: "amicale", Value: token}
		}
		var got []string
		for _, path := range []string{"/public", "/signed", "/network", "/member", "/staff", "/webmaster", "/admin"} {
			rec := get(h, path, func(r *http.Request) {
				if cookie != nil {
					r.AddCookie(cookie)
				}
			})
			got = append(got, fmt.Sprint(rec.Code))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%c: %s, want %s", who, s, want)
		}
	}
}

func TestAGuestComesBackAfterSigningIn(t *testing.T) {
	t.Parallel()
	_, h := site(t, web.Route{Pattern: "GET /moi", Handler: web.SignedIn(word("in"))})
	rec := get(h, "/moi?a=b&c=d")
	u, err := url.Parse(rec.Header().Get("Location"))
	if err != nil || u.Path != "/connexion" || u.Query().Get("next") != "/moi?a=b&c=d" {
		t.Errorf("Location %q, want /connexion with the way back", rec.Header().Get("Location"))
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/moi": "/moi", "/annuaire?q=a": "/annuaire?q=a", "": "/", "moi": "/", "//evil.example": "/", "https://evil.example/": "/",
		"/\\evil.example": "/", "/a\r\nSet-Cookie: x": "/", "javascript:alert(1)": "/", "/\tx": "/",
	} {
		if got := web.LocalPath(in, "/"); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestClientIsBehindTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	trusted := web.TrustedProxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7"},
		{"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "203.0.113.9, 198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1", "198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"10.0.0.1:1", "garbage", "10.0.0.1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"[::1]:1", "2001:db8::5", "2001:db8::5"},
	} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.RemoteAddr = c.remote
		if c.forwarded != "" {
			req.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := trusted.Client(req); got != c.want {
			t.Errorf("%s via %q: %q, want %q", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestErrorsAreToldOnceAndSafely(t *testing.T) {
	t.Parallel()
	secret := errors.New("password=hunter2 at 10.1.2.3")
	_, h := site(t,
		web.Route{Pattern: "GET /fault", Handler: web.Public(func(*web.Request) error { return secret })},
		web.Route{Pattern: "GET /panic", Handler: web.Public(func(*web.Request) error { panic("boom") })},
		web.Route{Pattern: "GET /gone", Handler: web.Public(func(*web.Request) error { return errs.E("x", errs.NotFound, secret) })},
		web.Route{Pattern: "GET /full", Handler: web.Public(func(*web.Request) error { return errs.New(errs.Unavailable, "web.disk_full") })},
		web.Route{Pattern: "GET /api/v1/x", Handler: web.Public(func(*web.Request) error { return errs.E("x", errs.Conflict, secret) })},
		web.Route{Pattern: "GET /half", Handler: web.Public(func(r *web.Request) error {
			return r.Page(web.Page{Content: templ.ComponentFunc(func(_ context.Context, w io.Writer) error { _, _ = io.WriteString(w, "half a page"); return secret })})
		})},
	)
	for path, want := range map[string]int{"/fault": 500, "/panic": 500, "/gone": 404, "/full": 503, "/api/v1/x": 409, "/half": 500, "/nowhere": 404} {
		rec := get(h, path)
		if rec.Code != want {
			t.Errorf("%s: status %d, want %d", path, rec.Code, want)
		}
		if body := rec.Body.String(); strings.Contains(body, "hunter2") || strings.Contains(body, "half a page") || body == "" {
			t.Errorf("%s says %q", path, body)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	read := func(r *web.Request) error { _, err := r.Form(); return err }
	_, h := site(t,
		web.Route{Pattern: "POST /form", Handler: web.Public(read)},
		web.Route{Pattern: "POST /upload", Handler: web.Public(func(r *web.Request) error { r.LimitBody(1000); return read(r) })})
	post := func(path, contentType string, n int) int {
		req := httptest.NewRequest(http.MethodPost, "http://annuaire.example"+path, strings.NewReader("a="+strings.Repeat("x", n)))
		req.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec.Code
	}
	const form = "application/x-www-form-urlencoded"
	if got := post("/form", form, 1000); got != 200 {
		t.Errorf("a small form: %d", got)
	}
	if got := post("/form", form, web.MaxForm+1); got != 413 {
		t.Errorf("a huge form: %d, want 413", got)
	}
	if got := post("/upload", form, 2000); got != 413 {
		t.Errorf("over the route's own limit: %d, want 413", got)
	}
	if got := post("/form", "multipart/form-data; boundary=x", 10); got != 422 {
		t.Errorf("a broken multipart body: %d, want 422", got)
	}
}

func TestFormTextIsFitForBothDatabases(t *testing.T) {
	t.Parallel()
	var got *web.Form
	_, h := site(t, web.Route{Pattern: "POST /f", Handler: web.Public(func(r *web.Request) (err error) { got, err = r.Form(); return err })})
	body := url.Values{"a": {" x\x00y\xff\r\nz "}, "n": {"12"}, "bad": {"1x"}, "d": {"2026-02-30"}, "ok": {"2026-02-28"}}.Encode()
	req := httptest.NewRequest(http.MethodPost, "http://annuaire.example/f?q=1", bytes.NewBufferString(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.ServeHTTP(httptest.NewRecorder(), req)
	if s := got.Text("a"); s != "xy\uFFFD\nz" {
		t.Errorf("Text = %q", s)
	}
	if got.Has("q") {
		t.Error("a form takes values from the address")
	}
	if n, ok := got.Int("n"); n != 12 || !ok {
		t.Errorf("Int = %d, %v", n, ok)
	}
	if _, ok := got.Int("bad"); ok {
		t.Error("1x is a number")
	}
	if _, ok := got.Date("d"); ok {
		t.Error("30 February is a day")
	}
	if d, ok := got.Date("ok"); !ok || d.Day() != 28 {
		t.Errorf("Date = %v, %v", d, ok)
	}
}

func TestCrossOriginPostsAreRefused(t *testing.T) {
	t.Parallel()
	_, h := site(t, web.Route{Pattern: "POST /do", Handler: web.Public(word("done"))})
	for header, want := range map[string]int{"same-origin": 200, "none": 200, "cross-site": 403, "same-site": 403} {
		req := httptest.NewRequest(http.MethodPost, "http://annuaire.example/do", nil)
		req.Header.Set("Sec-Fetch-Site", header)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("Sec-Fetch-Site %s: %d, want %d", header, rec.Code, want)
		}
	}
}

func TestFlashShowsOurOwnWordsOnly(t *testing.T) {
	t.Parallel()
	var text string
	var ok bool
	_, h := site(t,
		web.Route{Pattern: "POST /do", Handler: web.Public(func(r *web.Request) error { return r.Done("/", "web.limited") })},
		web.Route{Pattern: "GET /{$}", Handler: web.Public(func(r *web.Request) error { _, text, ok = r.TakeFlash(); return r.Part(templ.Raw("x")) })})
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "http://annuaire.example/do", nil))
	cookie := rec.Result().Cookies()[0]
	get(h, "/", func(r *http.Request) { r.AddCookie(cookie) })
	if !ok || !strings.Contains(text, "Trop d’essais") {
		t.Errorf("flash = %q, %v", text, ok)
	}
	forged := *cookie
	forged.Value = "eyJrIjoiaW5mbyIsIm0iOiI8Yj5FbnZvaWUgdG9uIG1vdCBkZSBwYXNzZSJ9"
	get(h, "/", func(r *http.Request) { r.AddCookie(&forged) })
	if ok {
		t.Errorf("a forged cookie made us say %q", text)
	}
}

func TestLimitsSlowDownAndForgive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := web.NewLimits(func() time.Time { return now }, time.Minute, 3)
	for i := range 3 {
		if err := l.Take("a"); err != nil {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if err := l.Take("a"); !errors.Is(err, errs.Limited) || !l.Spent("a") {
		t.Errorf("the fourth try: %v, want limited", err)
	}
	if err := l.Take("b"); err != nil {
		t.Errorf("another key: %v", err)
	}
	now = now.Add(time.Minute)
	if err := l.Take("a"); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	l.Forget("a")
	if l.Spent("a") {
		t.Error("forgotten, and still spent")
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	now := clock.System()
	s := web.NewSessions(dbtest.New(t), func() time.Time { return now })
	ctx, account := t.Context(), id.New()
	token, first, err := s.Start(ctx, account, false, "192.0.2.1", "browser\x00")
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := s.Start(ctx, account, true, "192.0.2.2", strings.Repeat("é", 400))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(ctx, token); err != nil || got.ID != first.ID || got.UserAgent != "browser" {
		t.Errorf("Load() = %+v, %v", got, err)
	}
	if _, err := s.Load(ctx, token+"x"); !errors.Is(err, errs.NotFound) {
		t.Errorf("another secret: %v, want not found", err)
	}
	if list, err := s.ByAccount(ctx, account); err != nil || len(list) != 2 {
		t.Errorf("ByAccount() = %d, %v, want 2", len(list), err)
	}
	if err := s.Revoke(ctx, id.New(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx, token); err != nil {
		t.Errorf("another account revoked it: %v", err)
	}
	if err := s.RevokeOthers(ctx, account, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx, token); !errors.Is(err, errs.NotFound) {
		t.Errorf("revoked, and still good: %v", err)
	}
	token, _, err = s.Start(ctx, account, false, "192.0.2.1", "b")
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(31 * 24 * time.Hour)
	if _, err := s.Load(ctx, token); !errors.Is(err, errs.NotFound) {
		t.Errorf("a month without use: %v, want not found", err)
	}
	if err := s.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
}
