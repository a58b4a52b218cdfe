package newsletters_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// site is the pages over a world.
type site struct {
	*world
	web     *web.Site
	handler http.Handler
	viewers map[id.ID]viewer.Actor
}

func newSite(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := &site{world: newWorld(t, d), viewers: map[id.ID]viewer.Actor{}}
	bundle, err := i18n.Load(newsletters.Messages, people.Messages, mail.Messages, ui.Messages, web.Messages)
	s.must(err)
	s.web = &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: s.now, Bundle: bundle, Sessions: web.NewSessions(d, s.now), Origin: origin, Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, x web.Session) (viewer.Viewer, web.Identity, error) {
			a := s.viewers[x.AccountID]
			return a.Viewer, web.Identity{Name: a.Name}, nil
		},
		Frame: func(_ *web.Request, p web.Page) templ.Component { return p.Content },
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, o io.Writer) error {
				_, err := fmt.Fprintf(o, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
	}
	s.handler, err = s.web.Handler(newsletters.NewPages(s.Store).Routes(), nil)
	s.must(err)
	return s
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

func (s *site) do(a viewer.Actor, req *http.Request) *answer {
	s.t.Helper()
	if !a.Account.IsZero() {
		s.viewers[a.Account] = a
		token, _, err := s.web.Sessions.Start(s.t.Context(), a.Account, true, "192.0.2.1", "test")
		s.must(err)
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	out := &answer{s.t, rec.Code, rec.Result().Header, strings.ReplaceAll(rec.Body.String(), "<wbr>", "")}
	if strings.HasPrefix(out.header.Get("Content-Type"), "text/html") {
		if key := missing.FindString(out.body); key != "" {
			s.t.Errorf("%s %s shows the key %q", req.Method, req.URL, key)
		}
	}
	return out
}

// missing is a message that has no text.
var missing = regexp.MustCompile(`\b(newsletters|magazine|people|ui)\.[a-z_]+(\.[a-z_0-9]+)*\b`)

func (s *site) get(a viewer.Actor, path string) *answer {
	s.t.Helper()
	return s.do(a, httptest.NewRequest("GET", origin+path, nil))
}

func (s *site) post(a viewer.Actor, path string, form ...string) *answer {
	s.t.Helper()
	return s.do(a, request(path, form...))
}

func request(path string, form ...string) *http.Request {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	req := httptest.NewRequest("POST", origin+path, strings.NewReader(v.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

func (s *site) upload(a viewer.Actor, path, name string, content []byte) *answer {
	s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("image", name)
	s.must(err)
	_, err = part.Write(content)
	s.must(err)
	s.must(m.Close())
	req := httptest.NewRequest("POST", origin+path, &b)
	req.Header.Set("Content-Type", m.FormDataContentType())
	return s.do(a, req)
}

// want fails the test unless the answer has that status and holds each text.
func (a *answer) want(status int, texts ...string) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d; Location %q\n%.1500s", a.status, status, a.header.Get("Location"), a.body)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			a.t.Errorf("the page lacks %q:\n%.3000s", s, a.text())
		}
	}
	return a
}

func (a *answer) without(texts ...string) *answer {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.body, s) {
			a.t.Errorf("the page holds %q", s)
		}
	}
	return a
}

func (a *answer) text() string {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		return a.body
	}
	return strings.Join(strings.Fields(doc.Text()), " ")
}

func TestEveryPageAndViewer(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	s.crowd(s.ly, 3)
	draft, sent := s.draft(nil), s.started(func(c *newsletters.Campaign) { c.Public = true; c.Kind = newsletters.Events })
	viewers := []struct {
		name string
		by   viewer.Actor
		// what he gets: pages of letters, those of another's, and the failures
		pages, of, failures int
	}{
		{"guest", viewer.Actor{}, 303, 303, 303},
		{"member", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}}, 403, 403, 403},
		{"recruiter", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}}, 403, 403, 403},
		{"secretary", actor(viewer.Secretary, s.ly.ID), 403, 403, 200},
		{"editor elsewhere", actor(viewer.Editor, s.re.ID), 200, 404, 403},
		{"webmaster elsewhere", actor(viewer.Webmaster, s.re.ID), 200, 404, 404},
		{"editor", s.editor(), 200, 200, 403},
		{"webmaster", actor(viewer.Webmaster, s.ly.ID), 200, 200, 200},
		{"federation", federation(), 200, 200, 200},
	}
	at := func(c newsletters.Campaign, path string) string { return newsletters.Path + "/" + c.ID.String() + path }
	for _, v := range viewers {
		for path, want := range map[string]int{
			newsletters.Path: v.pages, newsletters.Path + "/nouvelle": v.pages,
			at(draft, ""): v.of, at(draft, "/destinataires"): v.of, at(draft, "/apercu"): v.of, at(draft, "/rendu"): v.of, at(draft, "/envoi"): v.of,
			at(sent, "/suivi"): v.of, at(sent, "/destinataires"): v.of, at(sent, "/apercu"): v.of, at(sent, "/echecs"): v.failures,
			"/lettres/" + sent.ID.String(): 200, "/lettres/" + draft.ID.String(): 404,
		} {
			if got := s.get(v.by, path); got.status != want {
				t.Errorf("%s: GET %s = %d, want %d", v.name, path, got.status, want)
			}
		}
		if v.of == 200 {
			continue
		}
		for _, path := range []string{"", "/destinataires", "/images", "/images/retirer", "/essai", "/programmer", "/deprogrammer", "/envoyer", "/copier", "/supprimer"} {
			want := v.of
			if v.name == "guest" {
				want = 401
			}
			got := s.post(v.by, at(draft, path), "title", "x", "kind", "news", "to", "fede@exemple.fr", "lang", "fr", "count", "3", "day", "2026-06-02", "hour", "09:00", "image", id.New().String())
			if got.status != want {
				t.Errorf("%s: POST %s = %d, want %d", v.name, path, got.status, want)
			}
		}
		for _, path := range []string{"/pause", "/reprendre", "/arreter"} {
			if got := s.post(v.by, at(sent, path)); got.status != v.of && (v.name != "guest" || got.status != 401) {
				t.Errorf("%s: POST %s = %d, want %d", v.name, path, got.status, v.of)
			}
		}
	}
	if got := s.show(draft.ID); got.State != newsletters.Draft || got.Title != "Juin" {
		t.Errorf("strangers changed it: %+v", got)
	}
}

// TestALetterByItsPages is written, tried, sent and looked at, without JavaScript.
func TestALetterByItsPages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.add("Lavaut", s.ly, 2010, nil)
		s.add("Ancien", s.ly, 1962, nil)
		s.add("Ailleurs", s.re, 2010, nil)
		by := actor(viewer.Webmaster, s.ly.ID)
		s.get(by, newsletters.Path).want(200, "Aucune lettre ici")
		s.get(by, newsletters.Path+"/nouvelle").want(200, "AIL ly").without("AIL re", "La Fédération")
		s.post(by, newsletters.Path, "title", "", "sender", s.ly.ID.String(), "kind", "news").want(422, "À remplir")
		s.post(by, newsletters.Path, "title", "Juin", "sender", s.re.ID.String(), "kind", "news").want(403)
		s.post(by, newsletters.Path, "title", "Juin", "sender", "federation", "kind", "news").want(403)
		at := s.post(by, newsletters.Path, "title", "Juin", "sender", s.ly.ID.String(), "kind", "news").want(303).header.Get("Location")
		page := s.get(by, at).want(200, "Comment écrire", "{{adresse_a_vie}}", "actualites@lettres.ly.example")
		if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("policy of the editor: %q", csp)
		}

		// A picture.
		var b bytes.Buffer
		s.must(png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 1300, 10))))
		s.upload(by, at+"/images", "note.txt", []byte("bonjour")).want(422, "pas une image")
		s.upload(by, at+"/images", `C:\dessin.png`, b.Bytes()).want(303)
		page = s.get(by, at).want(200, "dessin.png")
		path := regexp.MustCompile(`/lettres/images/[A-Z2-7]{26}\.png`).FindString(page.body)
		shown := s.get(viewer.Actor{}, path).want(200)
		if shown.header.Get("Content-Type") != "image/png" || shown.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("the picture: %v", shown.header)
		}
		s.get(viewer.Actor{}, "/lettres/images/AAAAAAAAAAAAAAAAAAAAAAAAAA.png").want(404)
		s.get(viewer.Actor{}, "/lettres/images/..%2F..%2Fx.png").want(404)

		// What is refused stays in the form.
		form := []string{"title", "Juin", "kind", "news", "version", "1", "fr_subject", "{{prenom}}, les nouvelles", "fr_preheader", "Ce mois-ci", "public", "1",
			"fr_body", "Bonjour {{prenom}}.\n\n![le dessin](" + path + ")\n\n" + strings.Repeat("Des nouvelles. ", 20) + "\n\n[Le gala](https://exemple.fr/gala)"}
		s.post(by, at, append(form, "en_body", "{{salary}}", "reply_to", "nulle part")...).want(422, "{{salary}}", "adresse e-mail complète", "Des nouvelles. Des nouvelles.")
		s.post(by, at, form...).want(303)
		s.get(by, at).want(200, "Des nouvelles.", at+"/rendu")
		other := append([]string{}, form...)
		s.post(federation(), at, append(other, "version", "1")...).want(409, "Quelqu’un vient de changer")

		// The page saves by itself, and takes the preview in return.
		req := request(at, form...)
		req.Header.Set("HX-Request", "true")
		s.do(by, req).want(200, `id="rendu"`, "<iframe").without("<textarea")
		req = request(at, append(form, "en_subject", "{{salary}}")...)
		req.Header.Set("HX-Request", "true")
		s.do(by, req).want(200, "{{salary}}", "pas encore enregistré")

		// To whom.
		s.post(by, at+"/destinataires", "class", "2000", "class", "1990").want(422, "première avant la seconde", `value="2000"`)
		req = request(at+"/destinataires", "class", "2000", "class", "2020")
		req.Header.Set("HX-Request", "true")
		s.do(by, req).want(200, "Ada Lavaut").without("Ancien", "Ailleurs", "<form")
		s.post(by, at+"/destinataires", "class", "2000", "class", "2020").want(303)
		if got := s.get(by, at+"/destinataires").want(200, "personne la recevra").text(); !strings.Contains(got, "Ada Lavaut 2010") || strings.Contains(got, "Ancien") {
			t.Errorf("recipients: %s", got)
		}
		s.get(s.editor(), at+"/destinataires").want(200, "dont tu ne peux pas voir le nom").without("Lavaut")

		// Preview, as somebody of the segment and nobody else.
		s.get(by, at+"/apercu?q=lava").want(200, "Ada Lavaut")
		s.get(by, at+"/apercu?q=ancien").want(200, "Personne de ce nom")
		lavaut := s.person("Lavaut")
		s.get(by, at+"/apercu?personne="+lavaut.String()).want(200, "Ada, les nouvelles", "comme la recevrait Ada Lavaut")
		s.get(s.editor(), at+"/apercu?personne="+lavaut.String()).want(404)
		s.get(by, at+"/rendu?personne="+s.person("Ancien").String()).want(404)
		frame := s.get(by, at+"/rendu?personne="+lavaut.String()).want(200, "Bonjour Ada.", path)
		if csp := frame.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox;") || strings.Contains(csp, "script") || frame.header.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("policy of the frame: %q", csp)
		}
		s.get(by, at+"/rendu?mode=sombre").want(200, "@media all")
		if got := s.get(by, at+"/rendu?mode=texte").want(200, "Bonjour Camille."); got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("text: %q", got.header.Get("Content-Type"))
		}

		// Tests go to the staff alone.
		s.get(by, at+"/envoi").want(200, "version anglaise", "editor@ly.example", "fede@exemple.fr").without("@re.example")
		s.post(by, at+"/essai", "to", "victime@ailleurs.example", "lang", "fr").want(422, "dans la liste")
		s.post(by, at+"/essai", "to", "editor@ly.example", "lang", "fr").want(303)
		letters, err := s.box.Mailbox(t.Context(), 10)
		if err != nil || len(letters) != 1 || letters[0].To != "editor@ly.example" || letters[0].Subject != "[Essai] Camille, les nouvelles" || !strings.Contains(letters[0].HTML, path) {
			t.Errorf("test letters: %+v, %v", letters, err)
		}

		// It leaves with the number confirmed.
		s.post(by, at+"/programmer", "day", "2020-01-01", "hour", "09:00").want(422, "moment à venir", `value="2020-01-01"`)
		s.post(by, at+"/programmer", "day", "2026-06-02", "hour", "09:00").want(303)
		s.get(by, at+"/envoi").want(200, "2 juin 2026 à\u00a009:00")
		s.post(by, at+"/deprogrammer").want(303)
		s.post(by, at+"/envoyer", "count", "").want(422, "en chiffres")
		s.post(by, at+"/envoyer", "count", "2").want(422, "maintenant 1", `value="2"`)
		s.post(by, at+"/envoyer", "count", "1").want(303)
		s.run()
		s.get(by, at).want(303)
		s.get(by, at+"/suivi").want(200, "En cours d’envoi", "Mettre en pause", `hx-trigger="every 2s"`, "http-equiv=\"refresh\"")
		s.post(by, at+"/pause").want(303)
		s.get(by, at+"/suivi").want(200, "En pause", "Reprendre").without("every 2s")
		s.post(by, at+"/pause").want(409, "Quelqu’un vient de changer")
		s.post(by, at+"/reprendre").want(303)
		s.settle(s.claim(5), dead)
		req = httptest.NewRequest("GET", origin+at+"/suivi", nil)
		req.Header.Set("HX-Request", "true")
		if got := s.do(by, req).want(204); got.header.Get("HX-Redirect") == "" {
			t.Error("the progress does not end")
		}
		campaign := at[len(newsletters.Path)+1:]
		s.get(viewer.Actor{}, "/l/"+campaign+"/0").want(302)
		if got := s.get(viewer.Actor{}, "/l/"+campaign+"/0").want(302).header.Get("Location"); got != "https://exemple.fr/gala" {
			t.Errorf("leads to %q", got)
		}
		head := httptest.NewRequest("HEAD", origin+"/l/"+campaign+"/0", nil)
		s.do(viewer.Actor{}, head).want(302)
		for _, bad := range []string{"/l/" + campaign + "/9", "/l/" + campaign + "/-1", "/l/" + campaign + "/x", "/l/x/0", "/l/" + id.New().String() + "/0"} {
			s.get(viewer.Actor{}, bad).want(404)
		}
		got := s.get(by, at+"/suivi").want(200, "Envoyée", "Adresse qui n’existe plus", "https://exemple.fr/gala").without("lavaut@exemple.fr", "Lavaut").text()
		if !strings.Contains(got, "https://exemple.fr/gala2") {
			t.Errorf("clicks: %s", got)
		}
		s.get(by, at+"/echecs").want(200, "Ada Lavaut", "lavaut@exemple.fr", "no such user")
		s.get(viewer.Actor{}, "/lettres/"+campaign).want(200, "Bonjour.", "https://exemple.fr/gala").without("Lavaut", "/l/", "Ne plus recevoir")

		// A copy is a draft with pictures of its own.
		copied := s.post(by, at+"/copier").want(303).header.Get("Location")
		body := s.get(by, copied).want(200, "Copie de Juin").body
		if strings.Contains(body, path) || !regexp.MustCompile(`!\[le dessin\]\(/lettres/images/[A-Z2-7]{26}\.png\)`).MatchString(body) {
			t.Error("the copy shows the other's picture")
		}
		s.post(by, copied+"/supprimer").want(303)
		s.get(by, copied).want(404)
		s.get(by, newsletters.Path).want(200, "Juin", "Envoyée").without("Copie de Juin")
		s.get(by, newsletters.Path+"?etat=draft").want(200, "Aucune lettre ici")
		s.actions(campaign, "newsletter.created", "newsletter.edited", "newsletter.tested", "newsletter.scheduled", "newsletter.unscheduled", "newsletter.started", "newsletter.paused", "newsletter.resumed", "newsletter.failures_seen")
	})
}

// person is who has that name.
func (w *world) person(name string) id.ID {
	w.t.Helper()
	list, err := w.people.PersonsByName(w.t.Context(), viewer.ForSystem("test"), name, 0)
	w.must(err)
	if len(list) != 1 {
		w.t.Fatalf("%d persons called %s", len(list), name)
	}
	return list[0]
}

// actions fails the test unless the trail tells each of these of a campaign.
func (w *world) actions(campaign string, want ...string) {
	w.t.Helper()
	got, err := db.All[string](w.t.Context(), w.db, `SELECT DISTINCT action FROM audit WHERE object = ?`, campaign)
	w.must(err)
	for _, a := range want {
		if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+a+" ") {
			w.t.Errorf("the trail lacks %s: %q", a, got)
		}
	}
}

func TestFailuresAreForThoseWhoMayKnow(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	s.add("Lavaut", s.ly, 2010, nil)
	// A graduate of Rennes who pays at Lyon gets Lyon's letters; his coordinates are not Lyon's to read.
	s.add("Ailleurs", s.re, 2010, func(d *people.Dossier) {
		d.Memberships = []people.Membership{{AssociationID: s.ly.ID, StartsOn: s.now().AddDate(0, -1, 0), EndsOn: s.now().AddDate(1, 0, 0), Origin: "import"}}
	})
	c := s.started(nil)
	s.settle(s.claim(5), dead)
	at := newsletters.Path + "/" + c.ID.String()
	s.get(actor(viewer.Secretary, s.ly.ID), at+"/echecs").want(200, "lavaut@exemple.fr").without("ailleurs@exemple.fr", "Ailleurs")
	s.get(federation(), at+"/echecs").want(200, "lavaut@exemple.fr", "ailleurs@exemple.fr")
	s.get(s.editor(), at+"/suivi").want(200, "Adresse qui n’existe plus").without("Voir lesquelles", "exemple.fr\">")
}

func TestListIsPaged(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	for i := range 32 {
		s.draft(func(c *newsletters.Campaign) { c.Title = fmt.Sprintf("Lettre %02d", i) })
	}
	s.get(s.editor(), newsletters.Path).want(200, "Lettre 31", "?page=2").without("Lettre 01")
	s.get(s.editor(), newsletters.Path+"?page=2").want(200, "Lettre 01").without("Lettre 31")
}

func TestEnglishVisitorAndReader(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	english := s.add("Byron", s.ly, 2010, nil)
	_, err := s.db.Exec(t.Context(), `INSERT INTO accounts (id, person_id, kind, login, login_key, name, email, email_key, password_hash, lang, notice, totp_secret, totp_pending, totp_step, created_at)
		VALUES (?, ?, 'network', '', '', '', '', '', '', 'en', TRUE, '', '', 0, ?)`, id.New(), english, s.now())
	s.must(err)
	c := s.started(func(c *newsletters.Campaign) { c.Public = true; c.Segment = segments.Segment{"language": {"en"}} })
	list := s.claim(5)
	raw, err := list[0].Message(t.Context())
	s.must(err)
	h, text, _ := s.open(raw)
	if h.Get("Content-Language") != "en" || !strings.Contains(text, "Hello Ada.") || !strings.Contains(text, "No more “News” from AIL ly") || !strings.Contains(h.Get("List-Id"), "News") {
		t.Errorf("the English letter: %v\n%s", h, text)
	}
	s.settle(list, func(i int, p outbox.Parcel) outbox.Outcome { return arrived(i, p) })
	req := httptest.NewRequest("GET", origin+"/lettres/"+c.ID.String(), nil)
	req.Header.Set("Accept-Language", "en")
	s.do(viewer.Actor{}, req).want(200, "Hello.")
	req = httptest.NewRequest("GET", origin+newsletters.Path+"/"+c.ID.String()+"/suivi", nil)
	req.Header.Set("Accept-Language", "en")
	s.do(s.editor(), req).want(200, "delivered", "Sent")
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(newsletters.Messages)
	if err != nil {
		t.Fatal(err)
	}
	fr, en := b.Keys("fr"), b.Keys("en")
	if strings.Join(fr, " ") != strings.Join(en, " ") {
		t.Errorf("the keys differ:\n%q\n%q", fr, en)
	}
	ctx := b.With(t.Context(), "fr")
	for _, c := range segments.Own() {
		for _, key := range map[segments.Input][]string{segments.Between: {"_from", "_to"}, segments.Words: {"", "_hint"}, segments.OneOf: {""}, segments.AnyOf: {""}}[c.Input] {
			if key = "newsletters.criterion." + c.Name + key; i18n.T(ctx, key) == key {
				t.Errorf("%s has no words", key)
			}
		}
	}
	for _, why := range segments.Reasons() {
		if key := "newsletters.left." + string(why); i18n.T(ctx, key) == key {
			t.Errorf("%s has no words", key)
		}
	}
	for _, c := range []mail.Class{mail.Delivered, mail.Dead, mail.Full, mail.Policy, mail.Reputation, mail.Temporary, mail.Vacation, mail.Complaint, mail.Unknown} {
		if key := "newsletters.class." + string(c); i18n.T(ctx, key) == key {
			t.Errorf("%s has no words", key)
		}
	}
}
