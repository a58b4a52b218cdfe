package forwarding_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// site is the pages behind the real layers, in a bare frame.
type site struct {
	*world
	handler  http.Handler
	sessions *web.Sessions
	viewers  map[id.ID]viewer.Viewer
	lang     string
}

func newSite(t *testing.T, o forwarding.PageOptions) *site {
	t.Helper()
	w := newWorld(t, dbtest.New(t))
	s := &site{world: w, sessions: web.NewSessions(w.db, w.now), viewers: map[id.ID]viewer.Viewer{}, lang: "fr"}
	around := &web.Site{
		Log: slog.New(slog.DiscardHandler), Now: w.now, Bundle: w.bundle, Sessions: s.sessions, Origin: "http://amicale.example", Metrics: web.NewMetrics(prometheus.NewRegistry()),
		Identify: func(_ context.Context, x web.Session) (viewer.Viewer, web.Identity, error) {
			return s.viewers[x.AccountID], web.Identity{Name: "Laure Lavaut"}, nil
		},
		Frame: func(r *web.Request, p web.Page) templ.Component {
			_, flash, _ := r.TakeFlash()
			return templ.ComponentFunc(func(ctx context.Context, out io.Writer) error {
				fmt.Fprintf(out, "<title>%s</title><p>%s</p>", templ.EscapeString(p.Title), templ.EscapeString(flash))
				return p.Content.Render(ctx, out)
			})
		},
		Problem: func(_ *web.Request, status int, message string) templ.Component {
			return templ.ComponentFunc(func(_ context.Context, out io.Writer) error {
				_, err := fmt.Fprintf(out, "%d %s", status, templ.EscapeString(message))
				return err
			})
		},
	}
	o.Now = w.now
	pages := forwarding.NewPages(w.store, o)
	refusal := web.Route{Pattern: "POST " + path + "/refus", Handler: web.Network(func(r *web.Request) error { return pages.Around(r, templ.Raw("refusé"), 422) })}
	h, err := around.Handler(append(append(pages.Routes(), refusal), s.partRoutes(pages)...), nil)
	w.must(err)
	s.handler = h
	return s
}

func offered() forwarding.PageOptions {
	return forwarding.PageOptions{Tabs: func(r *web.Request) []ui.Tab {
		return []ui.Tab{{Label: "Un onglet", URL: "/moi/parametres"}}
	}}
}

// ask answers a request as a viewer; with a form it is a POST.
func (s *site) ask(v viewer.Viewer, path string, form url.Values) *httptest.ResponseRecorder {
	s.t.Helper()
	req := httptest.NewRequest("GET", "http://amicale.example"+path, nil)
	if form != nil {
		req = httptest.NewRequest("POST", "http://amicale.example"+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", s.lang)
	if v.SignedIn() {
		s.viewers[v.Account] = v
		token, _, err := s.sessions.Start(s.t.Context(), v.Account, false, "192.0.2.1", "test")
		s.must(err)
		req.AddCookie(&http.Cookie{Name: "amicale", Value: token})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req.WithContext(s.t.Context()))
	return rec
}

// want asserts status and what the page must and, after a "-", must not hold.
func (s *site) want(what string, rec *httptest.ResponseRecorder, status int, texts ...string) *goquery.Document {
	s.t.Helper()
	body := strings.ReplaceAll(rec.Body.String(), "<wbr>", "") // where a line may end is nobody's word
	if rec.Code != status {
		s.t.Errorf("%s: status %d, want %d\n%.800s", what, rec.Code, status, body)
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	s.must(err)
	read := strings.Join(strings.Fields(doc.Text()), " ")
	for _, text := range texts {
		not, isNot := strings.CutPrefix(text, "-")
		switch {
		case isNot && strings.Contains(body, not):
			s.t.Errorf("%s: the page holds %q", what, not)
		case !isNot && !strings.Contains(body, text) && !strings.Contains(read, text):
			s.t.Errorf("%s: the page lacks %q:\n%.3000s", what, text, read)
		}
	}
	return doc
}

const path = "/moi/parametres/adresse"

// filled is the form of the targets as the page has it, with some fields set.
func filled(doc *goquery.Document, set ...string) url.Values {
	out := url.Values{}
	form := doc.Find(`form[action="` + path + `"]`)
	form.Find("input").Each(func(_ int, in *goquery.Selection) {
		_, checked := in.Attr("checked")
		if kind := in.AttrOr("type", ""); kind == "hidden" || checked {
			out.Add(in.AttrOr("name", ""), in.AttrOr("value", ""))
		}
	})
	form.Find("select").Each(func(_ int, in *goquery.Selection) {
		out.Set(in.AttrOr("name", ""), in.Find("option[selected]").AttrOr("value", ""))
	})
	for i := 0; i+1 < len(set); i += 2 {
		out.Set(set[i], set[i+1])
	}
	return out
}

func TestAddressPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	p := s.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Logins = []people.Login{{Login: "LLavaut_10", Origin: "import"}}
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Value: "boucle@ly-alumni.example", ConfirmedAt: noon},
			people.ContactPoint{Kind: people.Email, Value: "pas@confirme.fr"})
		d.Redirects = []string{"vieille@ancien.fr"}
	})
	me := self(p).Viewer
	doc := s.want("the page", s.ask(me, path, nil), 200, "Mon adresse à vie", laure, `data-copy="`+laure+`"`, "Tes anciennes adresses", "llavaut_10@ly-alumni.example",
		"vieille@ancien.fr", "Connue de l’ancien annuaire", "laure@travail.fr", "ton employeur peut y lire", "boucle@ly-alumni.example est elle-même une adresse à vie",
		"Tu n’as encore rien choisi", "Un onglet", "Mettre en pause", "-pas@confirme.fr", "-forwarding.")
	if got := doc.Find(`select[name="to vieille@ancien.fr"] option[selected]`).AttrOr("value", ""); got != "1" {
		t.Errorf("the older system's address has place %q, want 1", got)
	}
	if doc.Find(`select[name="to vieille@ancien.fr"] option[value=reserve]`).Length() != 0 || doc.Find(`select[name="to boucle@ly-alumni.example"]`).Length() != 0 {
		t.Error("what cannot be chosen is offered")
	}

	rec := s.ask(me, path, filled(doc, "to vieille@ancien.fr", "", "to laure@exemple.fr", "2", "to laure@travail.fr", "1", "mode", "order", "strictness", "strict", "preferred", "1"))
	if rec.Code != 303 || rec.Header().Get("Location") != path+"#destinations" {
		t.Fatalf("saving gives %d to %s: %s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	s.wantLetters("the address that mail went to", "changed vieille@ancien.fr")
	after := s.want("saved", s.ask(me, path, nil), 200, "-vieille@ancien.fr", "-Tu n’as encore rien choisi")
	if after.Find(`input[name=preferred][checked]`).Length() != 1 {
		t.Error("it is not the preferred address")
	}
	if after.Find(`select[name="to laure@travail.fr"] option[selected]`).AttrOr("value", "") != "1" || after.Find(`input[name=mode][checked]`).AttrOr("value", "") != "order" ||
		after.Find(`input[name=strictness][checked]`).AttrOr("value", "") != "strict" {
		t.Error("what was saved is not what the page shows")
	}

	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
		texts  []string
	}{
		{"from an old page", filled(doc, "to laure@exemple.fr", "1"), 409, []string{"modifiés entre-temps"}},
		{"none", filled(after, "to laure@exemple.fr", "", "to laure@travail.fr", ""), 422, []string{"Choisis au moins une adresse"}},
		{"two reserves", filled(after, "to laure@exemple.fr", "reserve", "to laure@travail.fr", "reserve"), 422, []string{"Une seule adresse peut servir de réserve"}},
		{"ours", withAddress(filled(after), "boucle@ly-alumni.example", "3"), 422, []string{"le courrier tournerait en rond"}},
		{"somebody else's", withAddress(filled(after), "victime@ailleurs.fr", "3"), 422, []string{"n’est plus parmi tes adresses confirmées", "-victime@"}},
		{"nonsense", url.Values{"version": {after.Find(`input[name=version]`).AttrOr("value", "")}}, 422, []string{"Choisis dans la liste"}},
	} {
		refused := s.want(tt.name, s.ask(me, path, tt.form), tt.status, tt.texts...)
		if tt.status == 422 && refused.Find(".error-summary a").Length() == 0 {
			t.Errorf("%s: no summary leads to the fault", tt.name)
		}
	}
	kept := s.want("what was typed", s.ask(me, path, filled(after, "to laure@exemple.fr", "reserve", "to laure@travail.fr", "reserve", "mode", "all")), 422)
	if kept.Find(`select option[value=reserve][selected]`).Length() != 2 || kept.Find(`input[name=mode][checked]`).AttrOr("value", "") != "all" {
		t.Error("what was typed is lost")
	}
}

func withAddress(form url.Values, address, place string) url.Values {
	form.Add("address", address)
	form.Set("to "+address, place)
	return form
}

func TestWhoMayComeIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	p, other := s.someone("Laure", "Lavaut"), s.someone("Anne", "Roy")
	_, err := s.deliver(s.box, s.message("ami@ailleurs.fr", "x"), laure)
	s.must(err)
	one := s.sent("forward")[0]
	s.fate(mail.Dead, one)
	resend := path + "/courrier/" + one.Ref.String() + "/" + one.ID.String() + "/renvoyer"
	staff := viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
	recruiter := viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}
	for _, at := range []string{path, path + "/courrier"} {
		s.want("guest", s.ask(viewer.Viewer{}, at, nil), 303)
		s.want("staff", s.ask(staff, at, nil), 403, "-laure")
		s.want("recruiter", s.ask(recruiter, at, nil), 403, "-laure")
		s.want("another", s.ask(self(other).Viewer, at, nil), 200, "-laure", "-ami@ailleurs.fr")
	}
	for _, at := range []string{path, path + "/pause", path + "/pause/fin", resend} {
		s.want("guest posts to "+at, s.ask(viewer.Viewer{}, at, url.Values{}), 401)
		s.want("staff posts to "+at, s.ask(staff, at, url.Values{}), 403)
	}
	s.want("another sends mine on", s.ask(self(other).Viewer, resend, url.Values{}), 404)
	s.want("no such message", s.ask(self(p).Viewer, path+"/courrier/x/y/renvoyer", url.Values{}), 404)
	s.want("me", s.ask(self(p).Viewer, resend, url.Values{}), 303)
	if got := brief(s.sent("forward")); got != "laure@exemple.fr queued" {
		t.Errorf("sent on: %s", got)
	}
	s.want("twice", s.ask(self(p).Viewer, resend, url.Values{}), 409, "il est encore en route")
}

func TestPausePage(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	me := self(s.someone("Laure", "Lavaut")).Viewer
	for until, text := range map[string]string{"": "Choisis un jour à venir", "2026-06-01": "Choisis un jour à venir", "2026-12-24": "28 jours au plus", "demain": "Écris une date"} {
		s.want("until "+until, s.ask(me, path+"/pause", url.Values{"until": {until}}), 422, text, `value="`+until+`"`)
	}
	s.want("paused", s.ask(me, path+"/pause", url.Values{"until": {"2026-06-12"}}), 303)
	_, err := s.deliver(s.box, s.message("ami@ailleurs.fr", "x"), laure)
	s.must(err)
	s.want("it says so", s.ask(me, path, nil), 200, "En pause jusqu’au 12 juin 2026", "Un message attend ici", "Reprendre maintenant")
	s.want("and where the message is", s.ask(me, path+"/courrier", nil), 200, "Attend ici la fin de la pause", "-Renvoyer")
	s.want("over", s.ask(me, path+"/pause/fin", url.Values{}), 303)
	s.run()
	s.want("nothing waits", s.ask(me, path, nil), 200, "-En pause", "-attend ici.")
}

// What another feature shows at the end of the page stands there, as it is or with what it refused.
func TestAnothersSection(t *testing.T) {
	t.Parallel()
	o := offered()
	o.Section = func(*web.Request) (templ.Component, error) {
		return templ.Raw(`<section id="autre">comme elle est</section>`), nil
	}
	s := newSite(t, o)
	me := self(s.someone("Laure", "Lavaut")).Viewer
	if got := s.want("as it is", s.ask(me, path, nil), 200, "comme elle est").Find("#adresses ~ #pause ~ #autre").Length(); got != 1 {
		t.Errorf("the section stands there %d times", got)
	}
	s.want("what it refused", s.ask(me, path+"/refus", url.Values{}), 422, "Mon adresse à vie", "refusé", "-comme elle est")
	without := newSite(t, forwarding.PageOptions{})
	other := self(without.someone("Laure", "Lavaut")).Viewer
	without.want("neither section nor tabs", without.ask(other, path, nil), 200, "-comme elle est", "-Un onglet")
}

func TestPassagesPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	p := s.someone("Laure", "Lavaut")
	me := self(p).Viewer
	s.want("nothing yet", s.ask(me, path+"/courrier", nil), 200, "Rien depuis trente jours", "-forwarding.")
	send := func(from, subject string) sent {
		t.Helper()
		m := s.message(from, "x")
		m.Subject = subject
		_, err := s.deliver(s.box, m, laure)
		s.must(err)
		list := s.sent("forward")
		s.later(1000)
		return list[len(list)-1]
	}
	for _, class := range []mail.Class{mail.Delivered, mail.Temporary, mail.Dead, mail.Full, mail.Policy, mail.Reputation, mail.Unknown} {
		s.fate(class, send("ami@ailleurs.fr", string(class)))
	}
	send("<script>alert(1)</script>", "<b>gras</b>")
	send("", "")
	spam := s.message("spam@spam.example", "x")
	spam.Score = 500
	_, _ = s.deliver(s.box, spam, laure)
	s.want("all of it", s.ask(me, path+"/courrier", nil), 200, "10 messages", "Remis à laure@exemple.fr", "cette adresse n’existe plus", "la boîte est pleine", "n’a pas voulu de ce message",
		"se méfie de nous", "pas dit clairement pourquoi", "son serveur n’était pas prêt. Prochain essai le", "Part vers laure@exemple.fr", "Il ressemblait trop à un indésirable", "550 5.1.1 no such user",
		"&lt;b&gt;gras", "-<script>", "-<b>gras", "Un serveur de messagerie", "(sans objet)", "Renvoyer", "-forwarding.")
	s.want("from one sender", s.ask(me, path+"/courrier?de=SPAM", nil), 200, "Un message", `value="SPAM"`, "-ami@ailleurs.fr")
	s.want("from nobody", s.ask(me, path+"/courrier?de=personne", nil), 200, "Rien de cet expéditeur")
	for range 20 {
		send("ami@ailleurs.fr", "x")
	}
	s.want("the second page", s.ask(me, path+"/courrier?page=2", nil), 200, `aria-current="page"`)
	s.lang = "en"
	s.want("in English", s.ask(me, path+"/courrier?page=2", nil), 200, "Where did that message go?", "Delivered to laure@exemple.fr", "-forwarding.", "-Remis")
	s.want("in English", s.ask(me, path, nil), 200, "My lifetime address", "-forwarding.", "-Adresse")
}

func TestStandingPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, offered())
	p := s.someone("Laure", "Lavaut")
	me := self(p).Viewer
	s.choose(p, forwarding.ToAll, "laure@exemple.fr", "1")
	s.must(s.people.RemoveContact(t.Context(), me, p.ID, p.Contacts[0].ID))
	_, err := s.deliver(s.box, s.message("ami@ailleurs.fr", "x"), laure)
	s.must(err)
	s.want("asked", s.ask(me, path, nil), 200, "Choisis une adresse : ton courrier attend", "Plus rien ne part vers laure@exemple.fr")
	s.later(5 * day)
	s.want("closed", s.ask(me, path, nil), 200, "Ton courrier est refusé")
	s.must(s.people.RemoveContact(t.Context(), viewer.ForSystem("test"), p.ID, p.Contacts[1].ID))
	s.want("nothing to choose", s.ask(me, path, nil), 200, "Tu n’as pas encore d’e-mail confirmé")
	other := s.someone("Anne", "Roy", func(d *people.Dossier) { d.Degrees = nil })
	s.want("no address", s.ask(self(other).Viewer, path, nil), 200, "Tu n’en as pas encore")
}
