package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"amicale/internal/dbtest"
)

// pgSeed is a PostgreSQL database with the demonstration's people, of which tests take copies.
var pgSeed = sync.OnceValues(func() (string, error) {
	name := fmt.Sprintf("amicale_seed_%d", os.Getpid())
	server := os.Getenv("AMICALE_TEST_POSTGRES")
	if err := onServer(server, `CREATE DATABASE `+name); err != nil {
		return "", err
	}
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return name, seed("--data", dir+"/pgseed", "--database", u.String())
})

// shared is a copy of the seed on PostgreSQL.
func shared(t testing.TB) string {
	t.Helper()
	if os.Getenv("AMICALE_TEST_POSTGRES") == "" {
		dbtest.Skip(t, "no PostgreSQL: set AMICALE_TEST_POSTGRES=postgres://… to run this on it")
	}
	name, err := pgSeed()
	if err != nil {
		t.Fatal(err)
	}
	return postgres(t, name)
}

// dropSeed is called once no test needs it any more.
func dropSeed() {
	if server := os.Getenv("AMICALE_TEST_POSTGRES"); server != "" {
		_ = onServer(server, fmt.Sprintf(`DROP DATABASE IF EXISTS amicale_seed_%d WITH (FORCE)`, os.Getpid())) // a test server is swept anyway
	}
}

// s3 is an S3 service in this process; deleting, when set, is told of every deletion and may hold it up.
type s3 struct {
	setting string
	holding chan struct{} // closed: deletions pass
	held    atomic.Int32  // deletions that came while they did not
}

func startS3(t testing.TB) *s3 {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("amicale"); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	out := &s3{holding: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			select {
			case <-out.holding:
			default:
				out.held.Add(1)
				select {
				case <-out.holding:
				case <-r.Context().Done():
					return
				}
			}
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	out.setting = "s3://key:secret@" + server.Listener.Addr().String() + "/amicale?insecure=true&region=fr-par"
	return out
}

func (s *s3) release() { close(s.holding) }

// photo is a JPEG that differs by its shade.
func photo(t testing.TB, shade uint8) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 300, 300))
	for i := range m.Pix {
		m.Pix[i] = shade + uint8(i%7)
	}
	m.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// showPhoto uploads a photo that the network may see.
func (b *browser) showPhoto(shade uint8) {
	b.t.Helper()
	body, kind := upload(b.t, "photo", "moi.jpg", photo(b.t, shade), "audience_photo", "network")
	b.do(http.MethodPost, "/moi/profil/photo", kind, body).want(303)
}

const metricsToken = "a token that is long enough"

func (p *process) metrics() *page {
	b := p.visit()
	b.header.Set("X-Forwarded-For", "203.0.113.9") // from elsewhere, so that the token counts
	b.header.Set("Authorization", "Bearer "+metricsToken)
	return b.get("/metrics")
}

func TestTwoProcessesOneSite(t *testing.T) {
	t.Parallel()
	target, files, host := shared(t), startS3(t), startSmarthost(t)
	files.release()
	start := func() *process {
		return serving(t, []string{"AMICALE_DATABASE=" + target, "AMICALE_BLOBS=" + files.setting, "AMICALE_SMTP=" + host.url, "AMICALE_METRICS_TOKEN=" + metricsToken,
			"AMICALE_URL=http://annuaire.example"}, "serve", "--data", t.TempDir())
	}
	a, b := start(), start()
	laure := a.visit().signIn("laure.lavaut.ly2010")
	member := b.visit().signIn("pierre-henri.l-hame.ly1989")

	laure.submit(laure.get("/moi/profil"), "/moi/profil/identite", "usage_surname", "Zébulon-Quartz", "sure", "laure.zebulon-quartz.ly2010").want(303)
	begun := time.Now()
	until(t, "B finds the name that was changed through A", 5*time.Second, func() bool {
		return strings.Contains(member.get("/annuaire?q=zebulon+quartz").text(), "Zébulon-Quartz")
	})
	t.Logf("a change through A was found on B after %v", time.Since(begun).Round(time.Millisecond))

	laure.at(b).get("/moi").want(200) // a session made on A
	laure.showPhoto(40)
	src, ok := member.get("/p/laure.zebulon-quartz.ly2010").want(200).doc().Find(`img[src*="/p/laure.zebulon-quartz.ly2010/photo/"]`).Attr("src")
	if !ok {
		t.Error("B shows no photo of Laure's")
	} else if got := member.get(src).want(200); got.header.Get("Content-Type") != "image/jpeg" || len(got.body) < 500 {
		t.Errorf("B serves %d bytes of %s as photo", len(got.body), got.header.Get("Content-Type"))
	}

	elsewhere := b.visit().signIn("laure.lavaut.ly2010")
	security := laure.get("/moi/parametres/securite")
	security.doc().Find(`form[action$="/fermer"]`).EachWithBreak(func(_ int, f *goquery.Selection) bool {
		action := f.AttrOr("action", "")
		if !strings.Contains(action, "/sessions/") || strings.HasSuffix(action, "/sessions/fermer") {
			return true
		}
		laure.post(action).want(303)
		return elsewhere.get("/moi").status == 200
	})
	if got := elsewhere.get("/moi"); got.status != 303 {
		t.Errorf("a session closed through A still opens B: %d", got.status)
	}

	for i, name := range [][2]string{{"Schneider", "2011"}, {"Haddad", "2028"}, {"Mercier", "1996"}} {
		p := []*process{a, b}[i%2]
		p.visit().ask(name[0], name[1], map[string]string{"Schneider": "thomas.schneider@exemple.fr", "Haddad": "yasmine.haddad@exemple.fr", "Mercier": "sophie.faure@exemple.fr"}[name[0]])
	}
	for _, to := range []string{"thomas.schneider@exemple.fr", "yasmine.haddad@exemple.fr", "sophie.faure@exemple.fr"} {
		if l := host.wait(to, 1).open(t); !strings.Contains(l.text, "http://annuaire.example/connexion/mot-de-passe/") {
			t.Errorf("the letter to %s does not lead to the canonical address:\n%s", to, l.text)
		}
	}
	d := beside(t, target)
	until(t, "no job is left", 10*time.Second, func() bool {
		return one[int](t, d, `SELECT count(*) FROM jobs WHERE unique_key IS NULL AND (failed_at IS NOT NULL OR run_at < ?)`, time.Now().UTC()) == 0
	})
	time.Sleep(2500 * time.Millisecond) // longer than either courier waits before it looks again
	for _, to := range []string{"thomas.schneider@exemple.fr", "yasmine.haddad@exemple.fr", "sophie.faure@exemple.fr"} {
		if n := len(host.to(to)); n != 1 {
			t.Errorf("%d letters reached %s, want 1: jobs run once", n, to)
		}
	}
	for _, p := range []*process{a, b} {
		p.get("/readyz").want(200, `"ready"`)
		p.get("/healthz").want(200)
		p.metrics().want(200, "amicale_database_up 1", "amicale_directory_lag_changes 0", `amicale_http_request_seconds_count{route="GET /readyz"`, "go_goroutines")
		stranger := p.visit()
		stranger.header.Set("X-Forwarded-For", "203.0.113.9")
		stranger.get("/metrics").want(404)
		stranger.header.Set("Authorization", "Bearer "+metricsToken[1:])
		stranger.get("/metrics").want(404)
	}
	a.stop()
	member.get("/annuaire?q=zebulon").want(200, "Zébulon-Quartz")
	b.stop()
}

// TestAKilledProcesssJobs kills a process in the middle of a job: another goes on with it after the lease.
func TestAKilledProcesssJobs(t *testing.T) {
	t.Parallel()
	target, files := shared(t), startS3(t)
	env := []string{"AMICALE_DATABASE=" + target, "AMICALE_BLOBS=" + files.setting}
	a := serving(t, env, "serve", "--data", t.TempDir())
	d := beside(t, target)
	laure := a.visit().signIn("laure.lavaut.ly2010")
	laure.showPhoto(40)
	laure.showPhoto(90)
	// The files of the first photo are dropped by a job, once the change can no longer be undone.
	exec1(t, d, `DELETE FROM profile_undos`)
	exec1(t, d, `UPDATE jobs SET run_at = ? WHERE kind LIKE 'profile.%' AND unique_key IS NULL`, time.Now().Add(-time.Second).UTC().Truncate(time.Microsecond))
	until(t, "the job is in the middle", 10*time.Second, func() bool { return files.held.Load() > 0 })
	b := serving(t, env, "serve", "--data", t.TempDir())
	a.kill()
	files.release()
	const mine = `SELECT count(*) FROM jobs WHERE lease_until IS NOT NULL AND unique_key IS NULL`
	time.Sleep(1500 * time.Millisecond) // longer than a runner waits before it looks again
	if n := one[int](t, d, mine); n == 0 {
		t.Fatal("the lease of a dead process counts for nothing: its job was taken at once")
	}
	exec1(t, d, `UPDATE jobs SET lease_until = ? WHERE lease_until IS NOT NULL`, time.Now().Add(-time.Second).UTC().Truncate(time.Microsecond)) // a minute later
	until(t, "B has done the job of the dead", 10*time.Second, func() bool { return one[int](t, d, mine) == 0 })
	if n := one[int](t, d, `SELECT count(*) FROM jobs WHERE failed_at IS NOT NULL`); n != 0 {
		t.Errorf("%d jobs were given up", n)
	}
	laure.at(b).get("/moi/profil/photo/small").want(200)
	b.stop()
}

// wire is a connection to the database that can be cut.
type wire struct {
	address string
	mu      sync.Mutex
	cut     bool
	open    []net.Conn
}

func startWire(t testing.TB, to string) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: ln.Addr().String()}
	t.Cleanup(func() { ln.Close(); w.set(true) })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			w.mu.Lock()
			if w.cut || err != nil {
				c.Close()
				if err == nil {
					up.Close()
				}
			} else {
				w.open = append(w.open, c, up)
				go func() { _, _ = io.Copy(up, c); up.Close() }()
				go func() { _, _ = io.Copy(c, up); c.Close() }()
			}
			w.mu.Unlock()
		}
	}()
	return w
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for _, c := range w.open {
			c.Close()
		}
		w.open = nil
	}
}

// TestDatabaseGoneAndBack cuts the way to the database: the process says so, and goes on when it is back.
func TestDatabaseGoneAndBack(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(shared(t))
	if err != nil {
		t.Fatal(err)
	}
	w := startWire(t, u.Host)
	u.Host = w.address
	p := serving(t, []string{"AMICALE_DATABASE=" + u.String(), "AMICALE_METRICS_TOKEN=" + metricsToken}, "serve", "--data", t.TempDir())
	laure := p.visit().signIn("laure.lavaut.ly2010")
	p.get("/readyz").want(200)
	w.set(true)
	until(t, "/readyz says that the database is gone", 10*time.Second, func() bool { return p.get("/readyz").status == 503 })
	p.get("/healthz").want(200)
	p.metrics().want(200, "amicale_database_up 0")
	if got := laure.get("/moi"); got.status != 503 || strings.Contains(got.body, "127.0.0.1") || strings.Contains(got.body, "pgx") {
		t.Errorf("a page without the database: %d\n%s", got.status, got.text())
	}
	w.set(false)
	until(t, "/readyz says that the database is back", 10*time.Second, func() bool { return p.get("/readyz").status == 200 })
	laure.get("/moi").want(200)
	p.metrics().want(200, "amicale_database_up 1")
	if strings.Contains(p.stderr.String(), "panic") {
		t.Errorf("the log:\n%s", p.stderr)
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(20 * time.Second); code != 0 {
		t.Errorf("code %d:\n%s", code, p.stderr)
	}
}
