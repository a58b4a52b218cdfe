package accounts_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/pquerna/otp/totp"

	"amicale/internal/accounts"
	"amicale/internal/clock"
	"amicale/internal/dbtest"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// site is the accounts' pages behind the house's layers, with the content alone as frame.
type site struct {
	*house
	handler http.Handler
}

func newSite(t testing.TB, change ...func(*accounts.Options)) *site {
	t.Helper()
	h := newHouse(t, dbtest.New(t), change...)
	return &site{h, handlerOf(t, h)}
}

func handlerOf(t testing.TB, h *house) http.Handler {
	t.Helper()
	bundle, err := i18n.Load(accounts.Messages, web.Messages, ui.Messages)
	if err != nil {
		t.Fatal(err)
	}
	p, err := accounts.NewPages(h.Store, h.sessions, h.queue, accounts.PageOptions{Origin: "http://localhost", Site: "Amicale", Now: clock.Clock(h.clock)})
	if err != nil {
		t.Fatal(err)
	}
	s := &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: h.clock, Bundle: bundle, Sessions: h.sessions, Identify: h.Identify, Origin: "http://localhost",
		SecurePath: accounts.SecurePath,
		Frame: func(r *web.Request, p web.Page) templ.Component {
			_, flash, _ := r.TakeFlash()
			return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
				fmt.Fprintf(w, "<title>%s</title><flash>%s</flash>", p.Title, flash)
				return p.Content.Render(ctx, w)
			})
		},
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
				_, err := fmt.Fprintf(w, "%d %s", status, message)
				return err
			})
		},
	}
	handler, err := s.Handler(p.Routes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// browser keeps cookies and has an address.
type browser struct {
	site    *site
	ip      string
	cookies map[string]string
}

func (s *site) browser(ip string) *browser {
	return &browser{site: s, ip: ip, cookies: map[string]string{}}
}

type response struct {
	status   int
	body     string
	location string
}

func (b *browser) do(method, path string, form url.Values) response {
	body := io.Reader(nil)
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req := httptest.NewRequest(method, "http://localhost"+path, body)
	req.RemoteAddr = b.ip + ":1234"
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.cookies {
		req.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	b.site.handler.ServeHTTP(w, req)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return response{w.Code, strings.ReplaceAll(w.Body.String(), "<wbr>", ""), w.Header().Get("Location")}
}

func (b *browser) get(path string) response { return b.do(http.MethodGet, path, nil) }

func (b *browser) post(path string, pairs ...string) response {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) signIn(who, password string) response {
	return b.post("/connexion", "who", who, "password", password)
}

func TestSignInPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	person := s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example")
	s.account(t, person, good)
	closed := s.account(t, s.person(t, "Ferme", "Compte", s.ly, 2011), good)
	if err := s.Close(t.Context(), system, closed.ID, true); err != nil {
		t.Fatal(err)
	}
	s.person(t, "Jamais", "Active", s.ly, 2012)
	for _, c := range []struct {
		name, path, who, password string
		status                    int
		location                  string
		contains                  []string
	}{
		{name: "login", who: "laure.lavaut.ly2010", password: good, status: 303, location: "/moi"},
		{name: "login as people write it", who: " Laure.Lavaut.LY.2010 ", password: good, status: 303, location: "/moi"},
		{name: "e-mail", who: "LAURE@x.example", password: good, status: 303, location: "/moi"},
		{name: "lifetime address", who: "laure.lavaut.ly2010@ly.example", password: good, status: 303, location: "/moi"},
		{name: "wrong password", who: "laure.lavaut.ly2010", password: good + "x", status: 422, contains: []string{"incorrect", `value="laure.lavaut.ly2010"`}},
		{name: "unknown", who: "nobody.at-all.ly2010", password: good, status: 422, contains: []string{"incorrect", `value="nobody.at-all.ly2010"`}},
		{name: "closed", who: "ferme.compte.ly2011", password: good, status: 422, contains: []string{"incorrect"}},
		{name: "never activated", who: "jamais.active.ly2012", password: good, status: 422, contains: []string{"incorrect"}},
		{name: "nothing typed", status: 422, contains: []string{"Tape ton identifiant", "Tape ton mot de passe"}},
		{name: "markup typed", who: `"><script>alert(1)</script>`, password: "x", status: 422, contains: []string{"&lt;script&gt;"}},
		{name: "very long", who: strings.Repeat("a", 5000), password: strings.Repeat("b", 5000), status: 422, contains: []string{"incorrect"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.browser("192.0.2.1").signIn(c.who, c.password)
			if got.status != c.status || got.location != c.location {
				t.Errorf("POST /connexion as %q = %d to %q, want %d to %q", c.who, got.status, got.location, c.status, c.location)
			}
			for _, want := range c.contains {
				if !strings.Contains(got.body, want) {
					t.Errorf("the page does not say %q: %s", want, got.body)
				}
			}
			if c.password != "" && c.password != "x" && strings.Contains(got.body, c.password) {
				t.Error("the page gives the password back")
			}
		})
	}
}

func TestNextStaysOnTheSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010), good)
	for next, want := range map[string]string{
		"/annuaire?q=x": "/annuaire?q=x", "//evil.example/": "/moi", "https://evil.example/": "/moi", `/\evil.example`: "/moi",
		"/connexion": "/moi", "/deconnexion": "/moi", "": "/moi", "javascript:alert(1)": "/moi",
	} {
		got := s.browser("192.0.2.1").post("/connexion", "who", "laure.lavaut.ly2010", "password", good, "next", next)
		if got.location != want {
			t.Errorf("with next=%q the visitor goes to %q, want %q", next, got.location, want)
		}
	}
}

func TestFirstSignInActivates(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	person := s.person(t, "Laure", "Lavaut", s.ly, 2010)
	s.account(t, person, good)
	s.browser("192.0.2.1").signIn("laure.lavaut.ly2010", good)
	if st, err := s.people.StandingOf(t.Context(), person); err != nil || !st.Activated {
		t.Errorf("after the first sign-in the person is activated: %v, %v", st.Activated, err)
	}
}

// TestTenThousandGuesses: many addresses guess at one account. They learn next to nothing, the hashes done are few,
// and the owner comes in from his own browser and from his usual address all the while.
func TestTenThousandGuesses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	owner := s.browser("198.51.100.7")
	if got := owner.signIn("laure.lavaut.ly2010", good); got.status != 303 {
		t.Fatalf("the owner's first sign-in = %d", got.status)
	}
	start := time.Now()
	tried, limited := 0, 0
	for i := range 10_000 {
		guesser := s.browser(fmt.Sprintf("203.%d.%d.9", i/250%250, i%250))
		switch got := guesser.signIn("laure.lavaut.ly2010", fmt.Sprintf("guess number %d", i)); got.status {
		case 422:
			tried++
		case 429:
			limited++
			if !strings.Contains(got.body, "lien par mail") {
				t.Fatal("the page for too many tries offers no other way")
			}
		default:
			t.Fatalf("guess %d = %d", i, got.status)
		}
	}
	if tried > 10 || tried+limited != 10_000 {
		t.Errorf("%d of 10,000 guesses were tried, want at most 10", tried)
	}
	t.Logf("10,000 guesses answered in %v", time.Since(start).Round(time.Millisecond))
	owner.post("/deconnexion")
	if got := owner.signIn("laure.lavaut.ly2010", good); got.status != 303 {
		t.Errorf("the owner, from his browser, = %d, want to come in", got.status)
	}
	moved := s.browser("192.0.2.99")
	moved.cookies["amicale-device"] = owner.cookies["amicale-device"]
	if got := moved.signIn("laure@x.example", good); got.status != 303 {
		t.Errorf("the owner, his browser on another network, = %d, want to come in", got.status)
	}
	if got := s.browser("198.51.100.7").signIn("laure.lavaut.ly2010", good); got.status != 303 {
		t.Errorf("the owner, another browser at his usual address, = %d, want to come in", got.status)
	}
	if got := s.browser("192.0.2.50").signIn("laure.lavaut.ly2010", good); got.status != 429 {
		t.Errorf("a stranger with the right password during the attack = %d, want to wait", got.status)
	}
	if got := s.browser("192.0.2.50").post("/connexion/lien", "who", "laure@x.example"); got.status != 303 || len(s.letters(t)) != 1 {
		t.Errorf("a link by mail during the attack = %d", got.status)
	}
	// The owner's own mistakes are counted apart, and slowed down too.
	for i := range 30 {
		if got := owner.signIn("laure.lavaut.ly2010", fmt.Sprintf("my mistake %d", i)); got.status == 429 {
			if i < 5 {
				t.Errorf("the owner is slowed down after %d mistakes", i)
			}
			return
		}
	}
	t.Error("guessing from a known browser is never slowed down")
}

func TestUnknownAccountsAreLimitedLikeOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010), good)
	count := func(who string) (tried int) {
		for i := range 15 {
			if s.browser(fmt.Sprintf("203.0.113.%d", i)).signIn(who, "not the password").status == 422 {
				tried++
			}
		}
		return tried
	}
	if known, unknown := count("laure.lavaut.ly2010"), count("nobody.at-all.ly2010"); known != unknown {
		t.Errorf("%d tries at a known login, %d at an unknown one: that tells them apart", known, unknown)
	}
}

func TestSprayingFromOneAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tried := 0
	for i := range 200 {
		if s.browser("2001:db8::1").signIn(fmt.Sprintf("person.%d.ly2010", i), "one password for all").status == 422 {
			tried++
		}
	}
	if tried > 61 {
		t.Errorf("one address tried %d accounts, want about 60", tried)
	}
	if got := s.browser("2001:db8::2").signIn("other.person.ly2010", "one password for all"); got.status != 429 {
		t.Errorf("its neighbour in the same /64 = %d, want 429", got.status)
	}
}

func TestForgotten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example", "famille@x.example"), good)
	s.account(t, s.person(t, "Jean", "Lavaut", s.ly, 2008, "famille@x.example"), good)
	s.person(t, "Jamais", "Active", s.ly, 2012, "jamais@x.example")
	ask := func(who string) (response, int) {
		got := s.browser("192.0.2.1").post("/connexion/oubli", "who", who)
		waiting, err := s.queue.Waiting(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		return got, len(waiting)
	}
	before := len(s.letters(t))
	for _, c := range []struct {
		who string
		to  []string
	}{
		{"laure.lavaut.ly2010", []string{"laure@x.example"}},
		{"FAMILLE@x.example", []string{"famille@x.example", "famille@x.example"}},
		{"nobody@x.example", nil},
		{"jamais@x.example", nil},
		{"nobody.at-all.ly2010", nil},
	} {
		_, waited := ask("someone.else.ly1999")
		s.letters(t)
		got, waiting := ask(c.who)
		if got.status != 303 || got.location != "/connexion/oubli?envoye=1" || waiting != waited {
			t.Errorf("forgotten %q = %d to %q with %d jobs, want the same as for anybody (%d)", c.who, got.status, got.location, waiting, waited)
		}
		list := s.letters(t)
		var to []string
		for _, l := range list[:len(list)-before] {
			to = append(to, l.To)
		}
		if strings.Join(to, " ") != strings.Join(c.to, " ") {
			t.Errorf("forgotten %q wrote to %v, want %v", c.who, to, c.to)
		}
		before = len(list)
		s.wait(time.Hour)
	}
	if _, err := s.SendTokenFor(t, a.ID); err != nil {
		t.Fatal(err)
	}
}

// SendTokenFor is the secret of a fresh reset link of an account.
func (h *house) SendTokenFor(t testing.TB, account id.ID) (string, error) {
	t.Helper()
	if err := h.SendReset(t.Context(), system, account); err != nil {
		return "", err
	}
	return token(t, h.letters(t)[0]), nil
}

func TestResetByLink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	elsewhere := s.browser("192.0.2.1")
	elsewhere.signIn("laure.lavaut.ly2010", good)
	secret, err := s.SendTokenFor(t, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	path := accounts.PasswordPath(secret)
	b := s.browser("192.0.2.2")
	if got := b.get(path); got.status != 200 || !strings.Contains(got.body, "laure.lavaut.ly2010") || !strings.Contains(got.body, `autocomplete="new-password"`) {
		t.Errorf("GET %s = %d %s", path, got.status, got.body)
	}
	if got := b.post(path, "password", "court"); got.status != 422 || !strings.Contains(got.body, "12 caractères") {
		t.Errorf("a short password = %d", got.status)
	}
	const other = "douze girafes et un nuage"
	if got := b.post(path, "password", other); got.status != 303 || got.location != "/moi" {
		t.Errorf("a good password = %d to %q", got.status, got.location)
	}
	if got := b.get("/moi/parametres"); got.status != 200 {
		t.Errorf("after the choice he is signed in: %d", got.status)
	}
	if got := elsewhere.get("/moi/parametres"); got.status != 303 {
		t.Errorf("the session opened before still works: %d", got.status)
	}
	for _, again := range []response{b.get(path), b.post(path, "password", other+"!")} {
		if again.status != 404 || !strings.Contains(again.body, "/connexion/oubli") {
			t.Errorf("the used link = %d %s", again.status, again.body)
		}
	}
	if got := s.browser("192.0.2.3").signIn("laure.lavaut.ly2010", good); got.status != 422 {
		t.Errorf("the old password = %d", got.status)
	}
	if list := s.letters(t); list[0].Subject != "Ton mot de passe a changé" {
		t.Errorf("the latest letter is %q", list[0].Subject)
	}
}

func TestLinkByMail(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), "")
	if got := s.browser("192.0.2.1").post("/connexion/lien", "who", "laure@x.example"); got.status != 303 {
		t.Fatalf("asking for a link = %d", got.status)
	}
	path := accounts.SignInPath(token(t, s.letters(t)[0]))
	for range 3 { // a mail scanner looks at it
		if got := s.browser("192.0.2.77").get(path); got.status != 200 {
			t.Errorf("GET of the link = %d", got.status)
		}
	}
	english := s.browser("192.0.2.1")
	english.cookies["amicale-lang"] = "en"
	english.post("/connexion/lien", "who", "laure@x.example")
	if list := s.letters(t); list[0].Subject != "Your sign-in link" {
		t.Errorf("asked for on an English page, the letter is %q", list[0].Subject)
	}
	results := make([]response, 2)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = s.browser("192.0.2.1").post(path) })
	}
	wg.Wait()
	if results[0].status+results[1].status != 303+404 {
		t.Errorf("two clicks at once = %d and %d, want one in and one dead link", results[0].status, results[1].status)
	}
	for i := range 10 {
		if got := s.browser("192.0.2.1").post("/connexion/lien", "who", "laure@x.example"); got.status == 429 {
			if i < 2 {
				t.Errorf("the letter number %d is refused", i+1)
			}
			return
		}
	}
	t.Error("letters to one person are never slowed down")
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	b, other := s.browser("192.0.2.1"), s.browser("192.0.2.2")
	b.signIn("laure.lavaut.ly2010", good)
	other.signIn("laure.lavaut.ly2010", good)
	b.post("/moi/parametres/securite/codes/debut")
	page := b.get("/moi/parametres/securite/codes")
	_, rest, _ := strings.Cut(page.body, "<code>")
	secret, _, _ := strings.Cut(rest, "</code>")
	secret = strings.ReplaceAll(secret, " ", "")
	if page.status != 200 || len(secret) < 32 || !strings.Contains(page.body, "<path d=\"M") {
		t.Fatalf("GET codes = %d, secret %q", page.status, secret)
	}
	code := func() string {
		c, err := totp.GenerateCode(secret, s.clock())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got := b.post("/moi/parametres/securite/codes", "code", "000000"); got.status != 422 {
		t.Errorf("a wrong first code = %d", got.status)
	}
	page = b.post("/moi/parametres/securite/codes", "code", code())
	if page.status != 200 || strings.Count(page.body, "<code>") != 10 {
		t.Fatalf("the first code = %d with %d recovery codes", page.status, strings.Count(page.body, "<code>"))
	}
	_, rest, _ = strings.Cut(page.body, "<code>")
	recovery, _, _ := strings.Cut(rest, "</code>")
	if got := b.get("/moi/parametres"); got.status != 200 {
		t.Errorf("the session where codes were turned on = %d", got.status)
	}
	if got := other.get("/moi/parametres"); got.status != 303 {
		t.Errorf("a session opened with the password alone = %d, want it ended", got.status)
	}
	step := func(c string) response {
		b := s.browser("192.0.2.1")
		if got := b.signIn("laure.lavaut.ly2010", good); got.location != "/connexion/verification" {
			t.Errorf("the password alone leads to %q", got.location)
		}
		if got := b.get("/moi/parametres"); got.status != 303 {
			t.Errorf("the password alone opens the settings: %d", got.status)
		}
		return b.post("/connexion/verification", "code", c)
	}
	if got := step(code()); got.status != 422 {
		t.Errorf("the code used to set up, again = %d, want refused", got.status)
	}
	s.wait(time.Minute)
	now := code()
	if got := step(now[:3] + " " + now[3:]); got.status != 303 || got.location != "/moi" {
		t.Errorf("a fresh code = %d to %q", got.status, got.location)
	}
	if got := step(now); got.status != 422 {
		t.Errorf("the same code twice = %d, want refused", got.status)
	}
	if got := step(strings.ToUpper(recovery)); got.status != 303 {
		t.Errorf("a recovery code = %d", got.status)
	}
	if got := step(recovery); got.status != 422 {
		t.Errorf("the same recovery code twice = %d, want refused", got.status)
	}
	for i := range 20 {
		if got := step("123456"); got.status == 429 {
			return
		} else if i == 19 {
			t.Error("guessing codes is never slowed down")
		}
	}
}

func TestStaffMustSecure(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *accounts.Options) { o.RequireSecondFactor = true })
	a := s.account(t, s.person(t, "Anne", "Web", s.ly, 2010), good)
	if err := s.Grant(t.Context(), system, a.ID, viewer.Webmaster, s.ly.ID); err != nil {
		t.Fatal(err)
	}
	b := s.browser("192.0.2.1")
	b.signIn("anne.web.ly2010", good)
	for path, want := range map[string]string{"/admin/acces": accounts.SecurePath, "/moi/parametres": accounts.SecurePath, accounts.SecurePath: "", accounts.SecurePath + "/codes": ""} {
		if got := b.get(path); got.location != want {
			t.Errorf("GET %s leads to %q, want %q", path, got.location, want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	b, other := s.browser("192.0.2.1"), s.browser("192.0.2.2")
	b.signIn("laure.lavaut.ly2010", good)
	other.signIn("laure.lavaut.ly2010", good)
	s.browser("192.0.2.3").signIn("laure.lavaut.ly2010", "not the password")
	page := b.get(accounts.SecurePath)
	for _, want := range []string{"Firefox, Linux", "Cet appareil", "Essais refusés", "192.0.2.3", "Fermer toutes les autres"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the security page does not say %q", want)
		}
	}
	const next = "une autre phrase de girafe"
	if got := b.post(accounts.SecurePath+"/mot-de-passe", "present", "wrong", "password", next); got.status != 422 || !strings.Contains(got.body, "mot de passe actuel") {
		t.Errorf("a change without the present password = %d", got.status)
	}
	if got := b.post(accounts.SecurePath+"/mot-de-passe", "present", good, "password", "lavaut lavaut"); got.status != 422 {
		t.Errorf("one's own name as password = %d", got.status)
	}
	if got := b.post(accounts.SecurePath+"/mot-de-passe", "present", good, "password", next); got.status != 303 {
		t.Errorf("a good change = %d", got.status)
	}
	if b.get("/moi/parametres").status != 200 || other.get("/moi/parametres").status != 303 {
		t.Error("the change did not end the other session alone")
	}
	other.signIn("laure.lavaut.ly2010", next)
	if got := b.post(accounts.SecurePath + "/sessions/fermer"); got.status != 303 || other.get("/moi/parametres").status != 303 {
		t.Error("closing the other sessions did not")
	}
	if got := b.post("/moi/parametres", "lang", "en"); got.status != 303 || !strings.Contains(b.get("/moi/parametres").body, "Settings") {
		t.Errorf("choosing English = %d", got.status)
	}
	if got := b.post("/moi/parametres", "lang", "xx"); got.status != 422 {
		t.Errorf("an unknown language = %d", got.status)
	}
	b.post(accounts.SecurePath+"/avis", "notice", "1")
	before := len(s.letters(t))
	other.signIn("laure.lavaut.ly2010", next)
	s.browser("192.0.2.9").signIn("laure.lavaut.ly2010", next)
	if list := s.letters(t); len(list) != before+1 || list[0].Subject != "Sign-in from a new device" {
		t.Errorf("%d letters about a new device, want one, in English: %q", len(list)-before, list[0].Subject)
	}
	if got := b.get("/deconnexion"); got.status != 200 || b.get("/moi/parametres").status != 200 {
		t.Error("GET /deconnexion ended the session")
	}
	if got := b.post("/deconnexion"); got.status != 303 || b.get("/moi/parametres").status != 303 {
		t.Error("POST /deconnexion did not end the session")
	}
}

func TestAccesses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Anne", "Web", s.ly, 2010, "anne@x.example"), good)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	s.person(t, "Sans", "Compte", s.ly, 2011, "sans@x.example")
	rennes := s.account(t, s.person(t, "Rémi", "Rennes", s.re, 2012, "remi@x.example"), good)
	admin, _ := s.staff(t, "federation.admin", viewer.Role{Name: viewer.FederationAdmin})
	if err := s.SetPassword(t.Context(), admin.ID, good, id.ID{}); err != nil {
		t.Fatal(err)
	}
	chief, web, plain := s.browser("192.0.2.1"), s.browser("192.0.2.2"), s.browser("192.0.2.3")
	chief.signIn("federation.admin", good)
	web.signIn("anne.web.ly2010", good)
	plain.signIn("laure.lavaut.ly2010", good)
	if got := chief.post("/admin/acces/roles", "who", "anne@x.example", "role", "webmaster", "association", "ly"); got.status != 303 {
		t.Fatalf("giving a role = %d %s", got.status, got.body)
	}
	for _, c := range []struct {
		name    string
		b       *browser
		pairs   []string
		status  int
		message string
	}{
		{"webmaster, an editor of his", web, []string{"who", "laure.lavaut.ly2010", "role", "editor", "association", "ly"}, 303, ""},
		{"webmaster, somebody without an account", web, []string{"who", "sans.compte.ly2011", "role", "secretary", "association", "ly"}, 303, ""},
		{"webmaster, another webmaster", web, []string{"who", "laure.lavaut.ly2010", "role", "webmaster", "association", "ly"}, 422, "ne peut pas être donné"},
		{"webmaster, elsewhere", web, []string{"who", "laure.lavaut.ly2010", "role", "editor", "association", "re"}, 422, "ne peut pas être donné"},
		{"webmaster, nobody", web, []string{"who", "nobody.at-all.ly2010", "role", "editor", "association", "ly"}, 422, "Aucun compte"},
		{"webmaster, no such role", web, []string{"who", "laure.lavaut.ly2010", "role", "god", "association", "ly"}, 422, "ne peut pas être donné"},
		{"editor", plain, []string{"who", "laure.lavaut.ly2010", "role", "webmaster", "association", "ly"}, 403, ""},
		{"guest", s.browser("192.0.2.9"), []string{"who", "laure.lavaut.ly2010", "role", "editor", "association", "ly"}, 401, ""},
	} {
		if got := c.b.post("/admin/acces/roles", c.pairs...); got.status != c.status || !strings.Contains(got.body, c.message) {
			t.Errorf("%s: POST roles = %d, want %d with %q", c.name, got.status, c.status, c.message)
		}
	}
	page := web.get("/admin/acces")
	if page.status != 200 || !strings.Contains(page.body, "Sans Compte") || strings.Contains(page.body, "federation.admin") || strings.Contains(page.body, "/admin/acces/comptes") {
		t.Errorf("the webmaster's list = %d %s", page.status, page.body)
	}
	if got := web.get("/admin/acces/" + rennes.ID.String()); got.status != 404 {
		t.Errorf("the webmaster of Lyon sees an account of Rennes: %d", got.status)
	}
	for _, action := range []string{"second-facteur", "lien", "fermer"} {
		if got := web.post("/admin/acces/" + rennes.ID.String() + "/" + action); got.status != 403 {
			t.Errorf("the webmaster of Lyon may %s an account of Rennes: %d", action, got.status)
		}
		if got := web.post("/admin/acces/" + admin.ID.String() + "/" + action); got.status != 403 {
			t.Errorf("the webmaster may %s the federation's admin: %d", action, got.status)
		}
	}
	found := web.get("/admin/acces?q=laure@x.example")
	if found.status != 303 || web.get(found.location).status != 200 {
		t.Errorf("finding an account leads to %d %q", found.status, found.location)
	}
	if got := web.post(found.location + "/fermer"); got.status != 303 || plain.get("/moi/parametres").status != 303 {
		t.Errorf("closing an account = %d", got.status)
	}
	if got := web.post(found.location + "/ouvrir"); got.status != 303 || plain.signIn("laure.lavaut.ly2010", good).status != 303 {
		t.Errorf("opening it again = %d", got.status)
	}
	if got := chief.post("/admin/acces/comptes", "name", "Paul", "login", "paul.accueil", "email", "paul@x.example"); got.status != 303 {
		t.Errorf("creating a staff account = %d %s", got.status, got.body)
	}
	if list := s.letters(t); list[0].To != "paul@x.example" || !strings.Contains(list[0].Text, "paul.accueil") {
		t.Errorf("the letter went to %q", list[0].To)
	}
	if got := chief.post("/admin/acces/"+admin.ID.String()+"/roles/retirer", "role", "federation_admin", "association", ""); got.location != "/admin/acces" ||
		!strings.Contains(chief.get("/admin/acces").body, "dernier administrateur") {
		t.Errorf("dismissing the last admin = %d", got.status)
	}
}
