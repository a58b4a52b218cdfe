package main

import (
	"io"
	"log"
	"net"
	"net/mail"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"

	"amicale/internal/db"
)

// smarthost is a real mail server on loopback that keeps what it takes. Before each letter it looks into answers: how
// the next conversations end.
type smarthost struct {
	t       testing.TB
	url     string
	mu      sync.Mutex
	letters []letter
	answers []string // "451", "550", "cut", "hang"; none left: 250
	turns   int
}

type letter struct {
	from, to, source string
}

func startSmarthost(t testing.TB) *smarthost {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &smarthost{t: t, url: "smtp://" + ln.Addr().String() + "?tls=none"}
	s := smtp.NewServer(h)
	s.Domain, s.ErrorLog, s.MaxLineLength = "smarthost.example", log.New(io.Discard, "", 0), 4000
	go s.Serve(ln) // ends with Close
	t.Cleanup(func() { s.Close() })
	return h
}

func (h *smarthost) NewSession(c *smtp.Conn) (smtp.Session, error) { return &handing{h: h, c: c}, nil }

// answer sets how the next conversations end.
func (h *smarthost) answer(list ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers, h.turns = list, 0
}

// tried is how many conversations came to DATA since the answers were set.
func (h *smarthost) tried() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.turns
}

func (h *smarthost) to(address string) (out []letter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.letters {
		if l.to == address {
			out = append(out, l)
		}
	}
	return out
}

// wait waits for the nth letter to an address.
func (h *smarthost) wait(address string, n int) letter {
	h.t.Helper()
	until(h.t, "a letter reaches "+address, 20*time.Second, func() bool { return len(h.to(address)) >= n })
	return h.to(address)[n-1]
}

// handing is one conversation.
type handing struct {
	h   *smarthost
	c   *smtp.Conn
	one letter
}

func (s *handing) Mail(from string, _ *smtp.MailOptions) error {
	s.one = letter{from: from}
	return nil
}
func (s *handing) Rcpt(to string, _ *smtp.RcptOptions) error { s.one.to = to; return nil }
func (s *handing) Reset()                                    {}
func (s *handing) Logout() error                             { return nil }

func (s *handing) Data(r io.Reader) error {
	s.h.mu.Lock()
	s.h.turns++
	what := ""
	if len(s.h.answers) > 0 {
		what, s.h.answers = s.h.answers[0], s.h.answers[1:]
	}
	s.h.mu.Unlock()
	switch what {
	case "cut":
		return s.c.Conn().Close()
	case "hang": // until who called is gone
		_, err := io.Copy(io.Discard, s.c.Conn())
		return err
	case "451":
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, come back later"}
	case "550":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<" + s.one.to + ">: no such user here"}
	}
	source, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.one.source = string(source)
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.letters = append(s.h.letters, s.one)
	return nil
}

// opened is a letter as a mail program shows it.
type opened struct {
	subject, text, html string
	header              mail.Header
}

// open reads a letter with a library that did not write it.
func (l letter) open(t testing.TB) opened {
	t.Helper()
	raw, err := mail.ReadMessage(strings.NewReader(l.source))
	if err != nil {
		t.Fatal(err)
	}
	m, err := gomail.EMLToMsgFromString(l.source)
	if err != nil {
		t.Fatal(err)
	}
	out := opened{header: raw.Header}
	if s := m.GetGenHeader("Subject"); len(s) == 1 {
		out.subject = s[0]
	}
	for _, p := range m.GetParts() {
		content, err := p.GetContent()
		if err != nil {
			t.Fatal(err)
		}
		if p.GetContentType() == "text/html" {
			out.html = string(content)
		} else {
			out.text = string(content)
		}
	}
	return out
}

var anyLink = regexp.MustCompile(`https?://[^\s"'<>]+`)

// linkTo is the letter's link below a path of the site, on the site that the test serves.
func (o opened) linkTo(t testing.TB, path string) string {
	t.Helper()
	for _, l := range anyLink.FindAllString(o.text, -1) {
		if strings.Contains(l, path) {
			if !strings.Contains(o.html, l) {
				t.Errorf("the link %s stands in the text and not in the HTML", l)
			}
			return l
		}
	}
	t.Fatalf("the letter has no link to %s:\n%s", path, o.text)
	return ""
}

// checkHeaders holds what every letter of the site owes a mail server and its reader.
func (o opened) checkHeaders(t testing.TB, lang string) {
	t.Helper()
	if id := o.header.Get("Message-ID"); !regexp.MustCompile(`^<[0-9a-f-]{36}@[a-z0-9.-]+>$`).MatchString(id) {
		t.Errorf("Message-ID = %q", id)
	}
	if at, err := o.header.Date(); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("Date = %v, %v", at, err)
	}
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "Content-Type": "multipart/alternative", "Mime-Version": "1.0", "Content-Language": lang} {
		if got := o.header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"From", "To"} {
		if list, err := o.header.AddressList(name); err != nil || len(list) != 1 {
			t.Errorf("%s = %v, %v", name, list, err)
		}
	}
	if o.subject == "" || o.text == "" || o.html == "" || strings.ContainsAny(o.header.Get("Subject"), "éèàê") {
		t.Errorf("subject %q (%q), %d characters of text, %d of HTML", o.subject, o.header.Get("Subject"), len(o.text), len(o.html))
	}
}

// ask requests the activation of an account.
func (b *browser) ask(surname, year, email string) {
	b.t.Helper()
	b.post("/connexion/activer/envoi", "surname", surname, "year", year, "email", email, "phone", "06 00 00 00 00").want(303)
}

// hurry turns on the time of letters that wait.
func hurry(t testing.TB, d *db.DB) {
	t.Helper()
	exec1(t, d, `UPDATE outbox SET next_at = ? WHERE state = 'queued'`, time.Now().Add(-time.Second).UTC().Truncate(time.Microsecond))
}

func TestLettersLeave(t *testing.T) {
	t.Parallel()
	folder, host := data(t), startSmarthost(t)
	p := serving(t, []string{"AMICALE_SMTP=" + host.url, "AMICALE_MAIL_FROM=Fédération <ne-pas-repondre@annuaire.example>"}, "serve", "--data", folder)

	p.visit().ask("Schneider", "2011", "thomas.schneider@exemple.fr")
	first := host.wait("thomas.schneider@exemple.fr", 1)
	if first.from != "ne-pas-repondre@annuaire.example" {
		t.Errorf("MAIL FROM is %q", first.from)
	}
	got := first.open(t)
	got.checkHeaders(t, "fr")
	if !strings.Contains(got.text, "thomas.schneider.ly2013") {
		t.Errorf("the letter does not tell the login:\n%s", got.text)
	}
	link := got.linkTo(t, "/connexion/mot-de-passe/")
	thomas := p.visit()
	page := thomas.get(link).want(200)
	path := strings.TrimPrefix(link, p.url)
	thomas.submit(page, path, "password", "ma longue phrase à moi").want(303)
	thomas.get("/moi").want(200)
	p.visit().get(link).want(404)
	p.visit().post("/connexion", "who", "thomas.schneider.st2011", "password", "ma longue phrase à moi").want(303)

	english := p.visit() // who never chose a language gets the page's
	english.header.Set("Accept-Language", "en-GB")
	english.ask("Haddad", "2028", "yasmine.haddad@exemple.fr")
	in := host.wait("yasmine.haddad@exemple.fr", 1).open(t)
	in.checkHeaders(t, "en")
	if !strings.Contains(in.text, "password") || in.subject == got.subject {
		t.Errorf("the English letter says %q:\n%s", in.subject, in.text)
	}
}

// TestResetLetterInTheLanguageChosen asks for a letter in a French browser, for a person who reads English.
func TestResetLetterInTheLanguageChosen(t *testing.T) {
	t.Parallel()
	folder, host := data(t), startSmarthost(t)
	p := serving(t, []string{"AMICALE_SMTP=" + host.url}, "serve", "--data", folder)
	eloise := p.visit().signIn("eloise.durant.ly2027")
	eloise.submit(eloise.get("/moi/parametres"), "/moi/parametres", "lang", "en").want(303)
	p.visit().post("/connexion/oubli", "who", "Eloise.Durant.LY.2027").want(303)
	got := host.wait("eloise.durant@exemple.fr", 1).open(t)
	got.checkHeaders(t, "en")
	link := got.linkTo(t, "/connexion/mot-de-passe/")
	other := p.visit()
	path := strings.TrimPrefix(link, p.url)
	other.submit(other.get(link).want(200), path, "password", "another long phrase").want(303)
	if got := eloise.get("/moi"); got.status != 303 {
		t.Errorf("after the reset the old session still answers %d", got.status)
	}
	other.get("/moi").want(200)
}

// TestLettersComeBack lets the smarthost put letters off, refuse them and vanish.
func TestLettersComeBack(t *testing.T) {
	t.Parallel()
	folder, host := data(t), startSmarthost(t)
	p := serving(t, []string{"AMICALE_SMTP=" + host.url}, "serve", "--data", folder)
	d := beside(t, "sqlite:"+filepath.Join(folder, "amicale.db"))
	const to = "laure.lavaut@exemple.fr"
	begun := time.Now().UTC().Truncate(time.Microsecond)
	for i, what := range []string{"451", "cut", "550"} {
		host.answer(what)
		p.visit().post("/connexion/oubli", "who", "laure.lavaut.ly2010").want(303)
		until(t, "the smarthost has answered "+what, 15*time.Second, func() bool { return host.tried() == 1 })
		if what == "550" {
			until(t, "the letter is given up", 10*time.Second, func() bool { return one[int](t, d, `SELECT count(*) FROM outbox WHERE state = 'failed'`) == 1 })
			continue
		}
		until(t, "the letter waits for another time", 10*time.Second, func() bool {
			return one[int](t, d, `SELECT count(*) FROM outbox WHERE state = 'queued' AND attempts = 1 AND last_error <> '' AND next_at > ?`,
				time.Now().Add(30*time.Second).UTC().Truncate(time.Microsecond)) == 1
		})
		if n := len(host.to(to)); n != i {
			t.Fatalf("after %s %d letters have arrived, want %d", what, n, i)
		}
		hurry(t, d)
		host.wait(to, i+1)
	}
	p.stop()
	seen := map[string]bool{}
	for _, l := range host.to(to) {
		seen[l.open(t).header.Get("Message-ID")] = true
	}
	if len(host.to(to)) != 2 || len(seen) != 2 {
		t.Errorf("%d letters with %d Message-IDs arrived, want 2 of each", len(host.to(to)), len(seen))
	}
	states, err := db.All[string](t.Context(), d, `SELECT state FROM outbox WHERE recipient = ? AND created_at >= ? ORDER BY created_at`, to, begun)
	if err != nil || !slices.Equal(states, []string{"sent", "sent", "failed"}) {
		t.Errorf("the letters' states are %v, %v", states, err)
	}
	if strings.Contains(p.stderr.String(), to) {
		t.Errorf("the log names whom a refused letter was for:\n%s", p.stderr)
	}
}

// TestAKilledProcesssLetter kills a process while it hands a letter over, before the smarthost has answered for it:
// another hands it over after the lease, once.
func TestAKilledProcesssLetter(t *testing.T) {
	t.Parallel()
	target, host := shared(t), startSmarthost(t)
	host.answer("hang")
	env := []string{"AMICALE_DATABASE=" + target, "AMICALE_SMTP=" + host.url}
	a := serving(t, env, "serve", "--data", t.TempDir())
	d := beside(t, target)
	a.visit().post("/connexion/oubli", "who", "laure.lavaut.ly2010").want(303)
	until(t, "the letter is under way", 15*time.Second, func() bool { return host.tried() == 1 })
	b := serving(t, env, "serve", "--data", t.TempDir())
	a.kill()
	time.Sleep(2500 * time.Millisecond) // longer than a courier waits before it looks again
	if n := host.tried(); n != 1 {
		t.Errorf("the letter of a dead process was taken %d times at once: its lease counts for nothing", n-1)
	}
	hurry(t, d) // a quarter of an hour later
	host.wait("laure.lavaut@exemple.fr", 1)
	time.Sleep(2500 * time.Millisecond)
	if n := len(host.to("laure.lavaut@exemple.fr")); n != 1 {
		t.Errorf("%d letters arrived, want 1", n)
	}
	if got := one[string](t, d, `SELECT state FROM outbox WHERE kind = 'account.reset'`); got != "sent" {
		t.Errorf("the letter is %s", got)
	}
	b.stop()
}
