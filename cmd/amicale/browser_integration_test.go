package main

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/app/demo"
)

// browser is a visitor of one or several processes; its cookies belong to 127.0.0.1, whatever the port.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
	header http.Header // sent with every request
}

// visit opens a browser that does not follow redirects by itself.
func (p *process) visit() *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 40 * time.Second, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 2},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	p.t.Cleanup(client.CloseIdleConnections)
	return &browser{t: p.t, base: p.url, client: client, header: http.Header{"Accept-Language": {"fr"}}}
}

// get is a page as a stranger sees it.
func (p *process) get(path string) *page {
	p.t.Helper()
	return p.visit().get(path)
}

// at is the same browser, cookies and all, at another process.
func (b *browser) at(p *process) *browser { return &browser{b.t, p.url, b.client, b.header} }

// page is an answer, read to its end.
type page struct {
	t      testing.TB
	url    *url.URL
	status int
	header http.Header
	body   string
}

// try sends a request; the error is the connection's.
func (b *browser) try(method, path, contentType string, body io.Reader) (*page, error) {
	target := path
	if strings.HasPrefix(path, "/") {
		target = b.base + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, target, body)
	if err != nil {
		return nil, err
	}
	for k, vs := range b.header {
		req.Header[k] = vs
	}
	if h := b.header.Get("Host"); h != "" {
		req.Host = h
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	return &page{b.t, res.Request.URL, res.StatusCode, res.Header, string(content)}, err
}

func (b *browser) do(method, path, contentType string, body io.Reader) *page {
	b.t.Helper()
	got, err := b.try(method, path, contentType, body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (b *browser) get(path string) *page {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", nil)
}

const formType = "application/x-www-form-urlencoded"

func encoded(pairs []string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

func (b *browser) post(path string, pairs ...string) *page {
	b.t.Helper()
	return b.do(http.MethodPost, path, formType, strings.NewReader(encoded(pairs).Encode()))
}

// submit sends the page's form that goes to that address as it stands there, with some fields set.
func (b *browser) submit(on *page, action string, pairs ...string) *page {
	b.t.Helper()
	form := on.doc().Find("form").FilterFunction(func(_ int, f *goquery.Selection) bool { return f.AttrOr("action", "") == action })
	if form.Length() == 0 {
		b.t.Fatalf("%s has no form that goes to %s:\n%.800s", on.url, action, on.text())
	}
	values := url.Values{}
	form.First().Find("input[name], textarea[name], select[name]").Each(func(_ int, in *goquery.Selection) {
		name, value := in.AttrOr("name", ""), in.AttrOr("value", "")
		kind := in.AttrOr("type", "text")
		_, checked := in.Attr("checked")
		switch {
		case kind == "file", kind == "submit", (kind == "checkbox" || kind == "radio") && !checked:
			return
		case goquery.NodeName(in) == "textarea":
			value = in.Text()
		case goquery.NodeName(in) == "select":
			value = in.Find("option[selected]").AttrOr("value", in.Find("option").First().AttrOr("value", ""))
		}
		values.Add(name, value)
	})
	for k, vs := range encoded(pairs) {
		values[k] = vs
	}
	return b.do(http.MethodPost, action, formType, strings.NewReader(values.Encode()))
}

// upload is the body of a form with a file, and its content type.
func upload(t testing.TB, field, name string, content []byte, pairs ...string) (*bytes.Buffer, string) {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	err := error(nil)
	for i := 0; err == nil && i+1 < len(pairs); i += 2 {
		err = m.WriteField(pairs[i], pairs[i+1])
	}
	if err == nil {
		var part io.Writer
		if part, err = m.CreateFormFile(field, name); err == nil {
			_, err = part.Write(content)
		}
	}
	if err = errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	return &body, m.FormDataContentType()
}

// signIn signs in with the demonstration's password.
func (b *browser) signIn(login string) *browser {
	b.t.Helper()
	if got := b.post("/connexion", "who", login, "password", demo.Password); got.status != http.StatusSeeOther {
		b.t.Fatalf("signing in as %s: status %d\n%.800s", login, got.status, got.text())
	}
	return b
}

func (p *page) doc() *goquery.Document {
	p.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(p.body))
	if err != nil {
		p.t.Fatal(err)
	}
	return doc
}

// text is what a person reads in the main part.
func (p *page) text() string {
	p.t.Helper()
	return strings.Join(strings.Fields(p.doc().Find("main").Text()), " ")
}

// want fails the test unless the status is that and the page holds each text.
func (p *page) want(status int, texts ...string) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s: status %d, want %d; it leads to %q\n%.1200s", p.url.Path, p.status, status, p.header.Get("Location"), p.text())
	}
	for _, s := range texts {
		if !strings.Contains(p.body, s) && !strings.Contains(p.text(), s) {
			p.t.Errorf("%s lacks %q:\n%.1200s", p.url.Path, s, p.text())
		}
	}
	return p
}
