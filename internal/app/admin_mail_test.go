package app

import (
	"context"
	"errors"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/domains"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// records are a DNS in memory: texts by name; of anything else there is nothing.
type records map[string]string

func missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (r records) LookupTXT(_ context.Context, name string) ([]string, error) {
	if v, ok := r[strings.TrimSuffix(name, ".")]; ok {
		return []string{v}, nil
	}
	return nil, missing(name)
}
func (records) LookupMX(_ context.Context, n string) ([]*net.MX, error) { return nil, missing(n) }
func (records) LookupIPAddr(_ context.Context, n string) ([]net.IPAddr, error) {
	return nil, missing(n)
}
func (records) LookupAddr(_ context.Context, n string) ([]string, error) { return nil, missing(n) }
func (records) LookupCNAME(_ context.Context, n string) (string, error)  { return n, nil }

// newPostOffice is an office where mail arrives, in a world whose DNS holds what dns does.
func newPostOffice(t testing.TB, d *db.DB, dns records) *office {
	t.Helper()
	o := newOffice(t, d)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	nobody := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }
	o.o.Mail.Host, o.o.Mail.SMTP = "mail.amicale.example", ln
	o.o.Mail.Check = domains.CheckerOptions{Resolver: dns, Dial: nobody, Client: &http.Client{Transport: &http.Transport{DialContext: nobody}}}
	if o.handler, err = o.site.Handler(slices.Concat(o.adminRoutes(), o.mailRoutes()), nil); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestMailDomainsAreSeenByWhoLooksAfterThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newPostOffice(t, d, records{})
		cookies := map[string]*http.Cookie{
			"admin": o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{}), "webmaster": o.staff(t, "the.webmaster", viewer.Webmaster, o.ly.ID),
			"secretary": o.staff(t, "the.secretary", viewer.Secretary, o.ly.ID), "editor": o.staff(t, "the.editor", viewer.Editor, o.ly.ID), "nobody": o.staff(t, "the.former", "", id.ID{}),
		}
		const ly, re, own = mailPath + "/ly.example", mailPath + "/re.example", mailPath + "/amicale.example"
		keys := url.Values{"domain": {"ly.example"}, "stream": {"forwarding"}}
		for _, row := range []struct {
			who, method, path string
			form              url.Values
			status            int
			contains, lacks   []string
		}{
			{"guest", "GET", mailPath, nil, 303, nil, nil},
			{"nobody", "GET", mailPath, nil, 403, nil, []string{"ly.example"}},
			{"editor", "GET", mailPath, nil, 403, nil, nil},
			{"secretary", "GET", ly, nil, 403, nil, nil},
			{"webmaster", "GET", mailPath, nil, 200, []string{`href="` + ly, "Pas encore vérifié", "Alumni ly"}, []string{"re.example", own}},
			{"admin", "GET", mailPath, nil, 200, []string{`href="` + ly, `href="` + re, `href="` + own}, nil},
			{"webmaster", "GET", ly, nil, 200, []string{"Pas encore vérifié", "Vérifier maintenant"}, []string{"Vérification en cours", "Les clés"}},
			{"webmaster", "GET", re, nil, 404, nil, nil},
			{"webmaster", "GET", own, nil, 404, nil, nil},
			{"admin", "GET", mailPath + "/autre.example", nil, 404, nil, nil},
			{"guest", "POST", ly + "/verifier", nil, 401, nil, nil},
			{"editor", "POST", ly + "/verifier", nil, 403, nil, nil},
			{"webmaster", "POST", re + "/verifier", nil, 404, nil, nil},
			{"webmaster", "POST", ly + "/cles", keys, 403, nil, nil},
			{"webmaster", "POST", ly + "/cles/utiliser", keys, 403, nil, nil},
			{"admin", "POST", re + "/cles", keys, 422, nil, nil}, // another domain's
			{"admin", "POST", ly + "/cles", url.Values{"domain": {"ly.example"}, "stream": {"campaigns"}}, 422, nil, nil},
			{"webmaster", "POST", ly + "/verifier", nil, 303, nil, nil},
			{"webmaster", "GET", ly, nil, 200, []string{"Vérification en cours"}, nil},
			{"webmaster", "GET", mailPath, nil, 200, []string{">En cours<"}, nil},
		} {
			form := row.form
			if row.method == "POST" && form == nil {
				form = url.Values{}
			}
			w := o.ask(t, cookies[row.who], row.method, row.path, form)
			body := w.Body.String()
			if w.Code != row.status {
				t.Errorf("%s, %s %s: status %d, want %d", row.who, row.method, row.path, w.Code, row.status)
			}
			for _, s := range row.contains {
				if !strings.Contains(body, s) {
					t.Errorf("%s, %s: the page lacks %q", row.who, row.path, s)
				}
			}
			for _, s := range row.lacks {
				if strings.Contains(body, s) {
					t.Errorf("%s, %s: the page must not hold %q", row.who, row.path, s)
				}
			}
		}
	})
}

func TestACheckSaysWhatToPublish(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dns := records{"ly.example": "v=spf1 -all"}
		o := newPostOffice(t, d, dns)
		admin, webmaster := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{}), o.staff(t, "the.webmaster", viewer.Webmaster, o.ly.ID)
		const ly = mailPath + "/ly.example"
		check := func() {
			t.Helper()
			if w := o.ask(t, webmaster, "POST", ly+"/verifier", url.Values{}); w.Code != 303 || w.Header().Get("Location") != ly {
				t.Fatalf("asking for a check: %d to %s", w.Code, w.Header().Get("Location"))
			}
			if err := o.runner.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		check()
		keys, err := o.domains.Keys(t.Context(), "ly.example")
		if err != nil || len(keys) != 2 {
			t.Fatalf("Keys() = %v, %v, want a pair made by the check", keys, err)
		}
		body := html.UnescapeString(o.ask(t, webmaster, "GET", ly, nil).Body.String())
		for _, s := range []string{"12 à corriger", "<code>10 mail.amicale.example.</code>", `data-copy="` + keys[0].Host() + `"`, `data-copy="` + keys[1].Record() + `"`,
			"<code>v=spf1 a:mail.amicale.example -all</code>", "v=spf1 -all", "_dmarc.ly.example", "Personne ne sait où livrer le courrier de retour.ly.example."} {
			if !strings.Contains(body, s) {
				t.Errorf("after a check the page lacks %q", s)
			}
		}
		if s := "Vérification en cours"; strings.Contains(body, s) {
			t.Errorf("after the check the page still says %q", s)
		}
		if front := o.ask(t, webmaster, "GET", adminPath, nil).Body.String(); !strings.Contains(front, "1 domaine à corriger") {
			t.Error("the front does not count the domain")
		}
		for _, k := range keys {
			dns[k.Host()] = k.Record()
		}
		check()
		if body := o.ask(t, webmaster, "GET", ly, nil).Body.String(); !strings.Contains(body, "La clé est publiée") || strings.Contains(body, "Les clés") {
			t.Error("the published keys are not said to be in order")
		}
		if body := o.ask(t, admin, "GET", ly, nil).Body.String(); !strings.Contains(body, keys[0].Selector+"</dt>") || !strings.Contains(body, "Préparer de nouvelles clés") {
			t.Error("the admin does not see the keys")
		}
	})
}

func TestKeysAreRenewedWithATrail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newPostOffice(t, d, records{})
		admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
		const ly = mailPath + "/ly.example"
		form := url.Values{"domain": {"lettres.ly.example"}, "stream": {"campaigns"}}
		state := func() (signs, waits int) {
			t.Helper()
			keys, err := o.domains.Keys(t.Context(), "lettres.ly.example")
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				if k.Active {
					signs++
				}
				if k.Waits() {
					waits++
				}
			}
			return signs, waits
		}
		if err := o.askForCheck(t.Context(), "ly.example"); err != nil {
			t.Fatal(err)
		}
		if err := o.runner.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			path         string
			signs, waits int
			shown        string
		}{{ly + "/cles", 2, 2, "attend d’être publiée"}, {ly + "/cles/utiliser", 2, 0, "ne signe plus"}} {
			if w := o.ask(t, admin, "POST", step.path, form); w.Code != 303 {
				t.Fatalf("%s: status %d", step.path, w.Code)
			}
			if signs, waits := state(); signs != step.signs || waits != step.waits {
				t.Errorf("after %s: %d keys sign, %d wait, want %d and %d", step.path, signs, waits, step.signs, step.waits)
			}
			if body := o.ask(t, admin, "GET", ly, nil).Body.String(); !strings.Contains(body, step.shown) {
				t.Errorf("after %s the page lacks %q", step.path, step.shown)
			}
		}
		trail, err := o.trail.Recent(t.Context(), viewer.ForSystem("test"), audit.Page{Actions: []string{"mail.keys_made", "mail.keys_used"}}, o.ly.ID)
		if err != nil || trail.Total != 2 || trail.Rows[0].Actor != "Name of the.admin" || trail.Rows[0].Object != "lettres.ly.example" {
			t.Errorf("trail = %+v, %v, want two entries by the admin", trail, err)
		}
	})
}

func TestEveryDomainIsCheckedAtNight(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, dbtest.New(t), records{})
	for _, row := range []struct {
		demo bool
		want int
	}{{true, 0}, {false, 3}} { // what was asked for stays asked for
		o.o.Demo = row.demo
		if err := o.checkAllMail(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, name := range []string{"amicale.example", "ly.example", "re.example"} {
			running, err := o.checking(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if running {
				n++
			}
		}
		if n != row.want {
			t.Errorf("demonstration %v: %d checks wait, want %d", row.demo, n, row.want)
		}
	}
}

func TestPolicyIsServedOnItsHost(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, dbtest.New(t), records{})
	get := func(host string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "http://"+host+"/.well-known/mta-sts.txt", nil)
		w := httptest.NewRecorder()
		o.handler.ServeHTTP(w, req)
		return w
	}
	if w := get("mta-sts.ly.example"); w.Code != 200 || w.Body.String() != domains.PolicyText("mail.amicale.example", false) || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("the policy before the certificate was seen: %d %q %q", w.Code, w.Header().Get("Content-Type"), w.Body.String())
	}
	if _, err := o.o.DB.Exec(t.Context(), `INSERT INTO mail_checks (domain, at, findings) VALUES ('ly.example', ?, '[{"key": "tls_ok"}]')`, o.o.Now()); err != nil {
		t.Fatal(err)
	}
	if w := get("MTA-STS.ly.example:443"); w.Code != 200 || w.Body.String() != domains.PolicyText("mail.amicale.example", true) {
		t.Errorf("the policy once the certificate was seen: %d %q", w.Code, w.Body.String())
	}
	for _, host := range []string{"amicale.example", "mta-sts.autre.example", "mta-sts.amicale.example"} {
		if w := get(host); w.Code != 404 {
			t.Errorf("the policy at %s: %d, want 404", host, w.Code)
		}
	}
	o.o.Mail.SMTP = nil
	if w := get("mta-sts.ly.example"); w.Code != 404 {
		t.Errorf("the policy where no mail arrives: %d, want 404", w.Code)
	}
}

func TestTheSitesOwnDomainMayBeAnAssociations(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, dbtest.New(t), records{})
	for from, want := range map[string]string{
		"amicale@amicale.example": "amicale.example:own ly.example:association re.example:association",
		"amicale@RE.example":      "ly.example:association re.example:own:association",
		"amicale@127.0.0.1":       "ly.example:association re.example:association",
	} {
		o.o.MailFrom.Address = from
		list, err := o.mailDomains(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range list {
			s := d.Domain
			if d.Own {
				s += ":own"
			}
			if d.Association {
				s += ":association"
			}
			got = append(got, s)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("from %s: %v, want %s", from, got, want)
		}
	}
}
