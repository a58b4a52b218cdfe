package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"amicale/internal/app/demo"
)

// TestBehindAProxy: X-Forwarded-For counts when a trusted proxy says it, and then only the hop it added.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted, header, want string
	}{
		"nobody is trusted":     {"", "203.0.113.5", "127.0.0.1"},
		"another proxy is":      {"192.0.2.1", "203.0.113.5", "127.0.0.1"},
		"ours is":               {"127.0.0.1", "203.0.113.5", "203.0.113.5"},
		"a visitor who invents": {"127.0.0.0/8,198.51.100.0/24", "10.9.8.7, 203.0.113.5, 198.51.100.2", "203.0.113.5"},
		"rubbish":               {"127.0.0.1", "203.0.113.5, nonsense", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := data(t)
			p := serving(t, []string{"AMICALE_TRUSTED_PROXIES=" + c.trusted}, "serve", "--data", folder)
			b := p.visit()
			b.header.Set("X-Forwarded-For", c.header)
			b.signIn("jean-jacques.dupont.ly1998")
			d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
			if got := one[string](t, d, `SELECT ip FROM sessions ORDER BY created_at DESC LIMIT 1`); got != c.want {
				t.Errorf("the session comes from %s, want %s", got, c.want)
			}
		})
	}
}

// TestCanonicalAddress serves a site whose address is https, as behind a proxy that ends TLS.
func TestCanonicalAddress(t *testing.T) {
	t.Parallel()
	folder := data(t)
	d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
	exec1(t, d, `UPDATE associations SET host = 'lyon.example' WHERE code = 'ly'`)
	p := serving(t, []string{"AMICALE_URL=https://annuaire.example"}, "serve", "--data", folder)
	b := p.visit()
	b.header.Set("Host", "annuaire.example")
	got := b.post("/connexion", "who", "laure.lavaut.ly2010", "password", demo.Password).want(303)
	cookie := ""
	for _, c := range got.header["Set-Cookie"] {
		if strings.HasPrefix(c, "__Host-amicale=") {
			cookie = c
		}
	}
	for _, s := range []string{"__Host-amicale=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(cookie, s) {
			t.Errorf("the session's cookie lacks %q: %s", s, cookie)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("the session's cookie names a domain: %s", cookie)
	}
	if got := got.header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=63072000") {
		t.Errorf("Strict-Transport-Security = %q", got)
	}

	school := p.visit() // the association's own host
	school.header.Set("Host", "lyon.example")
	school.get("/").want(200, "INSA Lyon", "https://annuaire.example")
	for _, path := range []string{"/connexion", "/connexion/activer", "/annuaire?q=x", "/moi"} {
		if got := school.get(path); got.status != 303 || got.header.Get("Location") != "https://annuaire.example"+path {
			t.Errorf("%s on the association's host: %d to %q, want the canonical address", path, got.status, got.header.Get("Location"))
		}
	}
	if got := school.post("/connexion", "who", "laure.lavaut.ly2010", "password", demo.Password); got.header.Get("Set-Cookie") != "" {
		t.Errorf("a session begins on the association's host: %d %s", got.status, got.header.Get("Set-Cookie"))
	}
	school.get("/couleurs.css").want(200)
	if got := school.post("/langue", "lang", "en"); got.status != 303 || strings.Contains(got.header.Get("Location"), "annuaire.example") {
		t.Errorf("the language chosen on the association's host: %d to %q", got.status, got.header.Get("Location"))
	}
	other := p.visit() // a name nobody gave
	other.header.Set("Host", "evil.example")
	if got := other.get("/connexion/oubli"); strings.Contains(got.body, "evil.example") {
		t.Error("the page repeats a foreign host")
	}
}

// TestForeignRequests are those a page of another site may make a browser send.
func TestForeignRequests(t *testing.T) {
	t.Parallel()
	p := serving(t, nil, "serve", "--data", data(t))
	laure := p.visit().signIn("laure.lavaut.ly2010")
	headline := func() string { return laure.get("/moi/profil").doc().Find(`[name="headline"]`).AttrOr("value", "") }
	version, before := versionOf(laure.get("/moi/profil"), "/moi/profil/presentation"), headline()
	change := []string{"headline", "Pris par un autre site", "presentation", "", "version", version}
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
	} {
		foreign := &browser{t, p.url, laure.client, header}
		foreign.post("/moi/profil/presentation", change...).want(403)
		foreign.post("/deconnexion").want(403)
	}
	for _, path := range []string{"/moi/profil/presentation?headline=x", "/deconnexion", "/moi/confirmer", "/langue?lang=en", "/moi/donnees/effacer"} {
		laure.get(path)
		laure.do(http.MethodHead, path, "", nil)
	}
	laure.get("/moi").want(200, "fr") // signed in still
	if text := headline(); text != before {
		t.Errorf("the headline became %q", text)
	}
	same := &browser{t, p.url, laure.client, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {p.url}}}
	same.post("/moi/profil/presentation", change...).want(303)
}

func TestBodiesTooLarge(t *testing.T) {
	t.Parallel()
	folder := data(t)
	p := serving(t, nil, "serve", "--data", folder)
	laure := p.visit().signIn("laure.lavaut.ly2010")
	big := bytes.Repeat([]byte("a"), 2<<20)
	for _, path := range []string{"/moi/profil/presentation", "/connexion", "/connexion/activer/envoi"} {
		got := laure.do(http.MethodPost, path, formType, bytes.NewReader(append([]byte("who="), big...)))
		got.want(413, "C’est trop lourd pour être envoyé.")
	}
	body, kind := upload(t, "photo", "moi.jpg", bytes.Repeat([]byte{0xff}, 5<<20), "audience_photo", "members")
	got := laure.do(http.MethodPost, "/moi/profil/photo", kind, body)
	if got.status != 413 && got.status != 422 || !strings.Contains(got.text(), "2") {
		t.Errorf("a photo of 5 MB: %d\n%.600s", got.status, got.text())
	}
	body, kind = upload(t, "x", "x.bin", bytes.Repeat([]byte{1}, 6<<20))
	laure.do(http.MethodPost, "/moi/profil/presentation", kind, body).want(413, "C’est trop lourd pour être envoyé.")
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "multipart-*")); len(left) > 0 {
		t.Logf("in the temporary folder: %v", left)
	}
	laure.get("/moi").want(200)
}

// raw sends bytes and gives the first line of the answer, or why there is none.
func (p *process) raw(most time.Duration, send func(net.Conn)) (line string, took time.Duration, err error) {
	p.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	_ = c.SetDeadline(begun.Add(most))
	go send(c)
	line, err = bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line), time.Since(begun), err
}

func TestHeadersThatAreTraps(t *testing.T) {
	t.Parallel()
	p := serving(t, nil, "serve", "--data", data(t))
	head := func(size int) (string, error) {
		line, _, err := p.raw(10*time.Second, func(c net.Conn) {
			fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", size))
		})
		return line, err
	}
	if got, err := head(60 << 10); got != "HTTP/1.1 200 OK" {
		t.Errorf("60 KB of headers: %q, %v", got, err)
	}
	if got, err := head(80 << 10); got != "HTTP/1.1 431 Request Header Fields Too Large" {
		t.Errorf("80 KB of headers: %q, %v", got, err)
	}
	line, took, err := p.raw(25*time.Second, func(c net.Conn) {
		for _, b := range []byte("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(250 * time.Millisecond)
		}
	})
	refused := err != nil || strings.HasPrefix(line, "HTTP/1.1 4") // cut off, or told why: that depends on where the time ran out
	if !refused || took < 5*time.Second || took > 18*time.Second {
		t.Errorf("headers that drip in were borne for %v (%q, %v), want about ten seconds", took, line, err)
	}
	p.get("/healthz").want(200)
}
