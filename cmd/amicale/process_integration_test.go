package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/app/demo"
	"amicale/internal/db"
	"amicale/internal/dbtest"
)

// The tests in the files *_integration_test.go run the program as an operator does: real processes, real signals,
// real connections. What one package promises is tested there; here stands what only the whole can break.

// scratch is the folder of what all these tests share; TestMain removes it.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "amicale-processes") })

// binary is the program, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "amicale")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	dropSeed()
	if dir, err := scratch(); err == nil {
		_ = os.RemoveAll(dir) // the operating system sweeps what is left
	}
	os.Exit(code)
}

// process is a running amicale.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string
	stdout *output
	stderr *output
	ended  chan struct{}
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// environment is what a process sees: nothing of ours that could be a setting, and what the test adds.
func environment(extra []string) []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AMICALE_") {
			out = append(out, kv)
		}
	}
	return append(out, extra...)
}

// launch starts the program without waiting for it; env is NAME=VALUE. The process ends with the test.
func launch(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(bin, args...), stdout: &output{}, stderr: &output{}, ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = environment(env), t.TempDir(), p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its code is read from ProcessState
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// serving starts a command that serves, and waits until it can answer. Should somebody else have taken the free port
// meanwhile, it tries another.
func serving(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	for {
		listen := freePort(t)
		p := launch(t, append([]string{"AMICALE_LISTEN=" + listen}, env...), args...)
		p.url = "http://" + listen
		until(t, "the program is ready", 40*time.Second, func() bool { return p.over() || p.saysReady() })
		if p.saysReady() {
			return p
		}
		if !strings.Contains(p.stderr.String(), "address already in use") {
			t.Fatalf("%v ended with code %d instead of serving:\n%s%s", p.cmd.Args, p.code(), p.stdout, p.stderr)
		}
	}
}

// ready waits for the line that begins with "ready ".
func (p *process) ready() {
	p.t.Helper()
	until(p.t, "the program is ready", 40*time.Second, func() bool { return p.over() || p.saysReady() })
	if !p.saysReady() {
		p.t.Fatalf("%v ended with code %d instead of serving:\n%s%s", p.cmd.Args, p.code(), p.stdout, p.stderr)
	}
}

func (p *process) saysReady() bool { return strings.Contains("\n"+p.stdout.String(), "\nready ") }

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// wait waits for the end and gives the exit code.
func (p *process) wait(most time.Duration) int {
	p.t.Helper()
	until(p.t, strings.Join(p.cmd.Args, " ")+" ends", most, p.over)
	return p.code()
}

func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks it to end, and fails the test unless it does with code 0.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(20 * time.Second); code != 0 {
		p.t.Errorf("%v ended with code %d after SIGTERM:\n%s", p.cmd.Args, code, p.stderr)
	}
}

// ran runs a command to its end and gives its code and what it wrote.
func ran(t testing.TB, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := launch(t, env, args...)
	code = p.wait(60 * time.Second)
	return code, p.stdout.String(), p.stderr.String()
}

// until waits for something that another process does.
func until(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v it is still not so: %s", most, what)
		}
	}
}

// seeded is the data folder of a demonstration of 40 people, made by the program and stopped.
var seeded = sync.OnceValues(func() (string, error) {
	dir, err := scratch()
	if err == nil {
		err = seed("--data", filepath.Join(dir, "seed"))
	}
	return filepath.Join(dir, "seed"), err
})

// seed makes a demonstration and ends.
func seed(args ...string) error {
	bin, err := binary()
	if err != nil {
		return err
	}
	out := &output{}
	cmd := exec.Command(bin, append([]string{"demo", "--people", "40", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(nil), out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(40 * time.Second); !strings.Contains(out.String(), "\nready ") && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // if it has ended, Wait says how
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("seeding: %w\n%s", err, out)
	}
	return nil
}

// data is a copy of the seed: a base with people and accounts in a data folder of the test's own.
func data(t testing.TB) string {
	t.Helper()
	from, err := seeded()
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// databases numbers the PostgreSQL databases that this process makes.
var databases atomic.Int64

// postgres makes a database on the test server and gives its address; template is "" for an empty one.
func postgres(t testing.TB, template string) string {
	t.Helper()
	server := os.Getenv("AMICALE_TEST_POSTGRES")
	if server == "" {
		dbtest.Skip(t, "no PostgreSQL: set AMICALE_TEST_POSTGRES=postgres://… to run this on it")
	}
	name := fmt.Sprintf("amicale_p_%d_%d", os.Getpid(), databases.Add(1))
	make := `CREATE DATABASE ` + name
	if template != "" {
		make += ` TEMPLATE ` + template
	}
	if err := onServer(server, make); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onServer(server, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func onServer(server, statement string) error {
	ctx := context.Background()
	admin, err := db.Open(ctx, server, db.Options{Readers: 1})
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.Exec(ctx, statement)
	return err
}

// beside opens the database that a process serves, to look into it and to turn its times on.
func beside(t testing.TB, target string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), target, db.Options{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func exec1(t testing.TB, d *db.DB, statement string, args ...any) int64 {
	t.Helper()
	n, err := d.Exec(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func one[T any](t testing.TB, d *db.DB, query string, args ...any) T {
	t.Helper()
	v, err := db.One[T](t.Context(), d, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

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

// filesIn are the files below a folder, for what must not be left behind.
func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			out = append(out, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
