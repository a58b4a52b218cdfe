// Package webtest builds the whole site on a fresh database with the demonstration's accounts, and gives a client
// for each kind of viewer. Requests go through every layer; only the network is left out.
package webtest

import (
	"bytes"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/app"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// The demonstration's logins, by what they are.
const (
	Member     = "laure.lavaut.ly2010"
	Graduate   = "jean-jacques.dupont.ly1998" // not a member
	Student    = "eloise.durant.ly2027"
	Member2    = "pierre-henri.l-hame.ly1989"
	Webmaster  = "anne-laure.lavaut.ly2010" // of Lyon; a graduate too
	Federation = "federation.admin"
)

// Origin is the site's address in tests.
const Origin = "http://annuaire.example"

// World is a whole site of its own.
type World struct {
	T    testing.TB
	DB   *db.DB
	App  *app.App
	Blob blob.Store
	time *turned
}

// turned is a clock that tests may turn on.
type turned struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *turned) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clock.Trim(time.Now().Add(c.ahead))
}

// Later turns the site's clock on.
func (w *World) Later(d time.Duration) {
	w.time.mu.Lock()
	defer w.time.mu.Unlock()
	w.time.ahead += d
}

// New builds the site with the demonstration's people, extra of them besides those with names of their own.
func New(t testing.TB, d *db.DB, extra ...int) *World {
	t.Helper()
	n := 30
	if len(extra) > 0 {
		n = extra[0]
	}
	w := Empty(t, d)
	if err := w.App.MakeDemo(t.Context(), n, nil); err != nil {
		t.Fatal(err)
	}
	w.Run()
	return w
}

// Empty builds the site on an empty database, as an operator first sees it.
func Empty(t testing.TB, d *db.DB) *World {
	t.Helper()
	files, err := blob.Open(t.Context(), "file:"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &World{T: t, DB: d, Blob: files, time: &turned{}}
	w.App, err = app.New(t.Context(), app.Options{
		DB: d, Blobs: files, Log: slog.New(slog.NewTextHandler(logger{t}, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: w.time.now,
		URL: Origin, MailFrom: mail.Address{Name: "Amicale", Address: "ne-pas-repondre@annuaire.example"}, Demo: true, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// logger sends the site's warnings to the test's log.
type logger struct{ t testing.TB }

func (l logger) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// Run runs every job that is due and lets the directory catch up.
func (w *World) Run() {
	w.T.Helper()
	if err := w.App.RunDue(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

// Letters are those in the mailbox, newest first, after every due job has run.
func (w *World) Letters() []outbox.Posted {
	w.T.Helper()
	w.Run()
	list, err := w.App.Outbox().Mailbox(w.T.Context(), 100)
	if err != nil {
		w.T.Fatal(err)
	}
	return list
}

// LettersTo are those to one address, newest first.
func (w *World) LettersTo(address string) []outbox.Posted {
	w.T.Helper()
	return slices.DeleteFunc(w.Letters(), func(l outbox.Posted) bool { return l.To != address })
}

// Client is one browser.
type Client struct {
	w    *World
	jar  http.CookieJar
	Lang string // Accept-Language; French when empty
	IP   string // where it comes from; 192.0.2.1 when empty
}

// Guest is a browser that is not signed in.
func (w *World) Guest() *Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.T.Fatal(err)
	}
	return &Client{w: w, jar: jar}
}

// As is a browser in which the person with that login is signed in. "" is a guest.
func (w *World) As(login string) *Client {
	w.T.Helper()
	c := w.Guest()
	if login == "" {
		return c
	}
	account, err := w.App.AccountByLogin(w.T.Context(), login)
	if err != nil {
		w.T.Fatalf("webtest.As %s: %v", login, err)
	}
	token, _, err := w.App.Sessions().Start(w.T.Context(), account, true, "192.0.2.1", "webtest")
	if err != nil {
		w.T.Fatal(err)
	}
	u, err := url.Parse(Origin)
	if err != nil {
		w.T.Fatal(err)
	}
	c.jar.SetCookies(u, []*http.Cookie{{Name: "amicale", Value: token, Path: "/"}})
	return c
}

// Answer is what came back.
type Answer struct {
	T      testing.TB
	Status int
	Header http.Header
	Body   string // of a page, without the marks of where a line may end
	doc    *goquery.Document
}

// Do sends a request as this browser.
func (c *Client) Do(req *http.Request) *Answer {
	c.w.T.Helper()
	for _, k := range c.jar.Cookies(req.URL) {
		req.AddCookie(k)
	}
	req.RemoteAddr = "192.0.2.1:40000"
	if c.IP != "" {
		req.RemoteAddr = c.IP + ":40000"
	}
	if c.Lang != "" {
		req.Header.Set("Accept-Language", c.Lang)
	}
	rec := httptest.NewRecorder()
	c.w.App.Handler().ServeHTTP(rec, req)
	res := rec.Result()
	c.jar.SetCookies(req.URL, res.Cookies())
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.w.T.Fatal(err)
	}
	a := &Answer{T: c.w.T, Status: res.StatusCode, Header: res.Header, Body: string(body)}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		a.Body = strings.NewReplacer("<wbr>", "", "\u2060", "").Replace(a.Body)
	}
	return a
}

func (c *Client) request(method, path, contentType string, body io.Reader) *http.Request {
	target := path
	if strings.HasPrefix(path, "/") {
		target = Origin + path
	}
	req := httptest.NewRequest(method, target, body).WithContext(c.w.T.Context())
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return req
}

// Get asks for a page; path may be a whole address of this site, as letters hold.
func (c *Client) Get(path string) *Answer {
	c.w.T.Helper()
	return c.Do(c.request(http.MethodGet, path, "", nil))
}

// Post sends a form: name, value, name, value…
func (c *Client) Post(path string, form ...string) *Answer {
	c.w.T.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	return c.Do(c.request(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode())))
}

// Upload sends a form with one file.
func (c *Client) Upload(path, field, name string, content []byte, form ...string) *Answer {
	c.w.T.Helper()
	var buf bytes.Buffer
	m := multipart.NewWriter(&buf)
	for i := 0; i+1 < len(form); i += 2 {
		if err := m.WriteField(form[i], form[i+1]); err != nil {
			c.w.T.Fatal(err)
		}
	}
	part, err := m.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		c.w.T.Fatal(err)
	}
	return c.Do(c.request(http.MethodPost, path, m.FormDataContentType(), &buf))
}

// Follow goes where the answer leads, as a browser does after a form.
func (c *Client) Follow(a *Answer) *Answer {
	c.w.T.Helper()
	to := a.Header.Get("Location")
	if to == "" {
		c.w.T.Fatalf("status %d leads nowhere:\n%.400s", a.Status, a.Text())
	}
	to, _, _ = strings.Cut(to, "#") // a browser keeps the fragment to itself
	return c.Get(to)
}

// Doc is the page, to be asked by selector.
func (a *Answer) Doc() *goquery.Document {
	a.T.Helper()
	if a.doc == nil {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.Body))
		if err != nil {
			a.T.Fatal(err)
		}
		a.doc = doc
	}
	return a.doc
}

// Text is what a person reads in the main part of the page.
func (a *Answer) Text() string {
	a.T.Helper()
	s := a.Doc().Find("main")
	if s.Length() == 0 {
		return a.Body
	}
	return strings.Join(strings.Fields(s.Text()), " ")
}

// Want fails the test unless the status is that and the page holds each text.
func (a *Answer) Want(status int, texts ...string) *Answer {
	a.T.Helper()
	if a.Status != status {
		a.T.Fatalf("status %d, want %d; Location %q\n%.600s", a.Status, status, a.Header.Get("Location"), a.Text())
	}
	for _, s := range texts {
		if !strings.Contains(a.Body, s) && !strings.Contains(a.Text(), s) {
			a.T.Errorf("the page lacks %q:\n%.1500s", s, a.Text())
		}
	}
	return a
}

// Without fails the test when the page holds one of the texts anywhere, markup included.
func (a *Answer) Without(texts ...string) *Answer {
	a.T.Helper()
	for _, s := range texts {
		if strings.Contains(a.Body, s) {
			a.T.Errorf("the page discloses %q", s)
		}
	}
	return a
}
