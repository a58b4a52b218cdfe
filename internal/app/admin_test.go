package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/postings"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// office is a site with one association and staff, to look at the back office with.
type office struct {
	*App
	handler http.Handler
	ly, re  people.Association
}

func newOffice(t testing.TB, d *db.DB) *office {
	t.Helper()
	files, err := blob.Open(t.Context(), "file:"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), Options{DB: d, Blobs: files, Log: slog.New(slog.DiscardHandler), Now: clock.System, URL: "http://amicale.example",
		MailFrom: mail.Address{Name: "Amicale", Address: "amicale@amicale.example"}, Demo: true, Version: "test-version"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := &office{App: a}
	for _, one := range []struct {
		to   *people.Association
		code string
	}{{&o.ly, "ly"}, {&o.re, "re"}} {
		*one.to = people.Association{Code: one.code, Name: "Alumni " + one.code, School: "INSA " + one.code, Host: one.code + ".example", MailDomain: one.code + ".example", Color: "#8a2b2b"}
		if err := a.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), one.to); err != nil {
			t.Fatal(err)
		}
	}
	if o.handler, err = a.site.Handler(a.adminRoutes(), nil); err != nil {
		t.Fatal(err)
	}
	return o
}

// staff makes an account with a role and gives its session's cookie.
func (o *office) staff(t testing.TB, login string, role viewer.RoleName, at id.ID) *http.Cookie {
	t.Helper()
	system := viewer.ForSystem("test")
	acc, err := o.accounts.CreateStaff(t.Context(), system, accounts.New{Login: login, Name: "Name of " + login, Email: login + "@mail.example"})
	if err == nil && role != "" {
		err = o.accounts.Grant(t.Context(), system, acc.ID, role, at)
	}
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := o.sessions.Start(t.Context(), acc.ID, true, "127.0.0.1", "test")
	if err != nil {
		t.Fatal(err)
	}
	return &http.Cookie{Name: "amicale", Value: token}
}

func (o *office) ask(t testing.TB, who *http.Cookie, method, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, "http://amicale.example"+path, strings.NewReader(form.Encode()))
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if who != nil {
		req.AddCookie(who)
	}
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, req)
	w.Body = bytes.NewBufferString(strings.NewReplacer("<wbr>", "", "\u2060", "").Replace(w.Body.String())) // where a line may end is nobody's word
	return w
}

// giveUp leaves a job and a letter that were given up.
func (o *office) giveUp(t testing.TB) (job jobs.Job, letter outbox.Slip) {
	t.Helper()
	runner := jobs.NewRunner(o.queue, jobs.RunnerOptions{})
	runner.Handle("test.broken", jobs.Typed(func(context.Context, struct{}) error {
		return jobs.Permanent(errors.New("the printer <b>burns</b>"))
	}))
	if err := o.queue.Add(t.Context(), "test.broken", struct{}{}, jobs.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := runner.RunDue(t.Context()); err == nil {
		t.Fatal("RunDue() = nil, want the job's error")
	}
	failed, err := o.queue.Failed(t.Context(), 1)
	if err != nil || len(failed) != 1 {
		t.Fatalf("Failed() = %v, %v", failed, err)
	}
	box := outbox.New(o.o.DB, o.o.Now, outbox.Options{From: o.o.MailFrom})
	err = box.Send(t.Context(), outbox.Letter{Kind: "test", To: "lost@mail.example", Subject: "A lost letter", Text: "Words", HTML: "<p>Words</p>", Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.o.DB.Exec(t.Context(), `UPDATE outbox SET state = 'failed', last_error = '550 no such mailbox'`); err != nil {
		t.Fatal(err)
	}
	letters, err := box.List(t.Context(), viewer.ForSystem("test"), outbox.Failed, 1)
	if err != nil || len(letters) != 1 {
		t.Fatalf("List() = %v, %v", letters, err)
	}
	return failed[0], letters[0]
}

func TestBackOfficeShowsWhatTheRolesAllow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
		webmaster := o.staff(t, "the.webmaster", viewer.Webmaster, o.ly.ID)
		secretary := o.staff(t, "the.secretary", viewer.Secretary, o.ly.ID)
		editor := o.staff(t, "the.editor", viewer.Editor, o.ly.ID)
		nobody := o.staff(t, "the.former", "", id.ID{})
		o.giveUp(t)
		for _, row := range []struct {
			who      string
			cookie   *http.Cookie
			path     string
			status   int
			contains []string
			lacks    []string
		}{
			{"guest", nil, adminPath, 303, nil, nil},
			{"no role", nobody, adminPath, 403, nil, []string{statePath}},
			{"editor", editor, adminPath, 200, []string{`href="/admin/lettres"`, `href="/admin/offres"`}, []string{journalPath, statePath, "/admin/federation"}},
			{"secretary", secretary, adminPath, 200, []string{`href="/admin/journal"`}, []string{statePath, "/admin/associations"}},
			{"webmaster", webmaster, adminPath, 200, []string{`href="/admin/journal"`, `href="/admin/associations"`, "2 associations"}, []string{statePath, `href="/admin/federation"`}},
			{"admin", admin, adminPath, 200, []string{`href="/admin/etat"`, `href="/admin/federation"`, "2 échecs à regarder"}, nil},
			{"webmaster", webmaster, statePath, 403, nil, []string{"test-version"}},
			{"admin", admin, statePath, 200, []string{"test-version", "the printer &lt;b&gt;burns", "550 no such mailbox", "lost@mail.example", "test.broken"}, []string{"<b>burns"}},
			{"editor", editor, journalPath, 403, nil, nil},
			{"secretary", secretary, journalPath, 200, []string{"Rôle donné", "rôle\u00a0: Webmaster"}, []string{"rôle\u00a0: Administr"}},
			{"admin", admin, journalPath, 200, []string{"Rôle donné", "rôle\u00a0: Administr", "Compte créé"}, nil},
			{"admin", admin, journalPath + "?action=role.granted&ecole=ly", 200, []string{"3 entrées", "rôle\u00a0: Rédacteur"}, []string{"rôle\u00a0: Administr"}},
			{"admin", admin, journalPath + "?action=case.opened", 200, []string{"Rien de noté"}, nil},
			{"webmaster", webmaster, journalPath + "?ecole=re", 404, nil, nil},
		} {
			w := o.ask(t, row.cookie, "GET", row.path, nil)
			body := w.Body.String()
			if w.Code != row.status {
				t.Errorf("%s, %s: status %d, want %d", row.who, row.path, w.Code, row.status)
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

func TestFrontCountsTheOffersThatWait(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		for _, of := range []struct {
			school people.Association
			state  postings.State
		}{{o.ly, postings.New}, {o.ly, postings.New}, {o.ly, postings.Kept}, {o.re, postings.New}} {
			if err := d.ExecOne(t.Context(), `INSERT INTO posting_drafts (id, association_id, sender, sender_name, authenticated, subject, message_key, lang, title,
				title_guessed, company, company_guessed, body, files, state, note, decided_by, version, received_at, updated_at)
				VALUES (?, ?, '', '', false, '', '', 'fr', '', false, '', false, '', 0, ?, '', '', 1, ?, ?)`,
				id.New(), of.school.ID, of.state, clock.System(), clock.System()); err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range []struct {
			role viewer.RoleName
			at   id.ID
			want string // "" for no word of offers
		}{
			{viewer.FederationAdmin, id.ID{}, "3 offres attendent"},
			{viewer.Webmaster, o.ly.ID, "2 offres attendent"},
			{viewer.Editor, o.re.ID, "1 offre attend"},
			{viewer.Secretary, o.ly.ID, ""},
		} {
			body := o.ask(t, o.staff(t, "the."+string(row.role), row.role, row.at), "GET", adminPath, nil).Body.String()
			if got := regexp.MustCompile(`\d+ offres? attend(ent)?`).FindString(body); got != row.want {
				t.Errorf("%s: %q, want %q", row.role, got, row.want)
			}
		}
	})
}

func TestFrontLeadsOnlyToServedPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.New(t))
	admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
	body := o.ask(t, admin, "GET", adminPath, nil).Body.String()
	served := map[string]bool{}
	for _, path := range o.servedPaths() {
		served[path] = true
	}
	tiles := 0
	for _, s := range o.screens() {
		shown := strings.Contains(body, `<h3><a href="`+s.url+`"`)
		if shown != served[s.url] {
			t.Errorf("%s: shown %v, served %v", s.url, shown, served[s.url])
		}
		if shown {
			tiles++
		}
	}
	if tiles < 4 {
		t.Errorf("only %d tiles", tiles)
	}
}

// A tile that leads to a closed door is as bad as a page that nobody finds.
func TestTilesAskForTheRolesOfTheirPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.New(t))
	guards := map[string]string{}
	for _, rt := range o.Routes() {
		guards[rt.Pattern] = rt.Handler.Guard()
	}
	for _, s := range o.screens() {
		want := web.Staff(nil, s.roles...).Guard()
		if got, ok := guards["GET "+s.url]; ok && got != want {
			t.Errorf("%s is for %q, its tile for %q", s.url, got, want)
		}
	}
}

func TestStateRetriesAndForgets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
		webmaster := o.staff(t, "the.webmaster", viewer.Webmaster, o.ly.ID)
		job, letter := o.giveUp(t)
		retryJob := statePath + "/travaux/" + job.ID.String() + "/relancer"
		retryLetter := statePath + "/lettres/" + letter.ID.String() + "/relancer"
		forget := url.Values{"until": {job.FailedAt.Format(time.RFC3339Nano)}}

		for _, path := range []string{retryJob, retryLetter, statePath + "/travaux/oublier"} {
			if w := o.ask(t, webmaster, "POST", path, forget); w.Code != 403 {
				t.Errorf("webmaster, %s: status %d, want 403", path, w.Code)
			}
		}
		if w := o.ask(t, admin, "POST", retryLetter, url.Values{}); w.Code != 303 {
			t.Errorf("retry of a letter: status %d, want 303", w.Code)
		}
		if s, err := o.outbox.Stats(t.Context()); err != nil || s.Queued != 1 || s.Failed != 0 {
			t.Errorf("after the retry, letters = %+v, %v, want one queued", s, err)
		}
		if w := o.ask(t, admin, "POST", retryJob, url.Values{}); w.Code != 303 {
			t.Errorf("retry of a job: status %d, want 303", w.Code)
		}
		if failed, err := o.queue.Failed(t.Context(), 10); err != nil || len(failed) != 0 {
			t.Errorf("after the retry, Failed() = %v, %v, want none", failed, err)
		}
		if w := o.ask(t, admin, "POST", retryJob, url.Values{}); w.Code != 303 || !strings.Contains(w.Header().Get("Set-Cookie"), "amicale-flash") {
			t.Errorf("retry of what runs again: status %d, want 303 and a word about it", w.Code)
		}
		if w := o.ask(t, admin, "POST", statePath+"/travaux/oublier", url.Values{"until": {"yesterday"}}); w.Code != 422 {
			t.Errorf("forgetting without a moment: status %d, want 422", w.Code)
		}
		trail, err := o.trail.Recent(t.Context(), viewer.ForSystem("test"), audit.Page{Actions: []string{"job.retried", "letter.retried"}})
		if err != nil || trail.Total != 2 || trail.Rows[0].Actor != "Name of the.admin" {
			t.Errorf("trail = %+v, %v, want two entries by the admin", trail, err)
		}
	})
}

func TestForgettingReachesNoFurtherThanThePage(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.New(t))
	admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
	seen, _ := o.giveUp(t)
	later, _ := o.giveUp(t)
	w := o.ask(t, admin, "POST", statePath+"/travaux/oublier", url.Values{"until": {seen.FailedAt.Format(time.RFC3339Nano)}})
	if w.Code != 303 {
		t.Fatalf("status %d, want 303", w.Code)
	}
	left, err := o.queue.Failed(t.Context(), 10)
	if err != nil || len(left) != 1 || left[0].ID != later.ID {
		t.Errorf("Failed() = %v, %v, want only the one that came later", left, err)
	}
}

func TestBytesText(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.New(t))
	for _, row := range []struct {
		n      int64
		fr, en string
	}{
		{n: 0, fr: "0 ko", en: "0 kB"}, {n: 1500, fr: "2 ko", en: "2 kB"}, {n: 1_230_000, fr: "1,2 Mo", en: "1.2 MB"},
		{n: 48_000_000_000, fr: "48 Go", en: "48 GB"}, {n: 1_500_000_000_000, fr: "1,5 To", en: "1.5 TB"},
	} {
		for lang, want := range map[string]string{"fr": row.fr, "en": row.en} {
			if got := bytesText(o.bundle.With(t.Context(), lang), row.n); got != want {
				t.Errorf("bytesText(%s, %d) = %q, want %q", lang, row.n, got, want)
			}
		}
	}
}

func TestDetailWords(t *testing.T) {
	t.Parallel()
	o := newOffice(t, dbtest.New(t))
	for want, detail := range map[string]map[string]any{
		"":                           {"from": id.New().String()},
		"size: 31 MB":                {"bytes": 30847940.0},
		"number: 1,200 · year: 2010": {"year": 2010.0, "count": 1200.0},
		"role: Membership secretary · title: Hi": {"title": "Hi", "role": "secretary"},
		"kind: unheard of":                       {"kind": "unheard of"},
		"unsubscribed from: INTERFACE magazine · subscribed to: News, Events": {"on": "news events", "off": "magazine"},
		"reason: a click in a letter":                                         {"reason": "one-click", "on": ""},
		"no address left: no · another address took over: yes":                {"took_over": true, "lost": false},
		"until: 3 March 2027":                                                 {"until": "2027-03-03"},
	} {
		if got := detailWords(o.bundle.With(t.Context(), "en"), detail); got != want {
			t.Errorf("detailWords(%v) = %q, want %q", detail, got, want)
		}
	}
}

func TestScarce(t *testing.T) {
	t.Parallel()
	const gb = 1 << 30
	for _, row := range []struct {
		space Space
		want  bool
	}{
		{Space{Free: 100 * gb, Total: 500 * gb}, false}, {Space{Free: 20 * gb, Total: 500 * gb}, true}, {Space{Free: gb / 2, Total: 10 * gb}, true},
		{Space{Free: gb / 2, Total: gb}, false}, {Space{Free: 0, Total: gb}, true},
	} {
		if got := row.space.Scarce(); got != row.want {
			t.Errorf("%+v.Scarce() = %v, want %v", row.space, got, row.want)
		}
	}
}
