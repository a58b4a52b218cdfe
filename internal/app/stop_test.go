package app_test

import (
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/app"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/submission"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// The address that the stranger read was confirmed by the link he followed: once it is said that it was not its owner, it
// brings him no other link.
func TestNotMeLeavesNoWayBack(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	person, err := w.App.People().PersonByLogin(t.Context(), "yasmine.haddad.cv2028")
	if err != nil {
		t.Fatal(err)
	}
	other := people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Personal, Value: "yasmine.autre@exemple.fr", Origin: "import"}
	if err := w.App.People().SaveContact(t.Context(), viewer.ForSystem("test"), &other); err != nil {
		t.Fatal(err)
	}
	const stolen = "yasmine.haddad@exemple.fr"
	thief := w.Guest()
	thief.Post("/connexion/activer/envoi", "surname", "haddad", "year", "2028", "email", stolen, "phone", "01 99 00 12 34")
	thief.Post(w.LettersTo(stolen)[0].Links[0], "password", "un cheval bai dans la neige").Want(303)
	stop := w.LettersTo("yasmine.autre@exemple.fr")[0].Links[0]
	owner := w.Guest()
	owner.Submit(owner.Get(stop).Want(200), strings.TrimPrefix(stop, webtest.Origin))
	before := len(w.LettersTo(stolen))
	for _, who := range []string{"yasmine.haddad.cv2028", stolen} {
		thief.Post("/connexion/oubli", "who", who).Want(303)
		thief.Post("/connexion/lien", "who", who).Want(303)
	}
	if after := w.LettersTo(stolen); len(after) != before {
		t.Errorf("the stranger was sent %d more letters, the latest %q", len(after)-before, after[0].Subject)
	}
	thief.Post("/connexion/activer/envoi", "surname", "haddad", "year", "2028", "email", stolen, "phone", "01 99 00 12 34").Want(303)
	if after := w.LettersTo(stolen); len(after) != before {
		t.Errorf("another request brought the stranger %q", after[0].Subject)
	}
}

// programs makes passwords by which mail programs send in somebody's name, and says which of them let in.
type programs struct {
	w       *webtest.World
	login   string
	secrets map[string]string // by the program's name
}

func (p programs) add(name string) {
	p.w.T.Helper()
	account, err := p.w.App.AccountByLogin(p.w.T.Context(), p.login)
	if err != nil {
		p.w.T.Fatal(err)
	}
	by := viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: account, Person: personOf(p.w.T, p.w, p.login)}, Name: p.login}
	if p.secrets[name], err = p.w.App.Submission().MakePassword(p.w.T.Context(), by, name); err != nil {
		p.w.T.Fatal(err)
	}
}

func (p programs) want(what string, names ...string) {
	p.w.T.Helper()
	door := submission.NewBox(p.w.App.Submission())
	for name, secret := range p.secrets {
		if _, err := door.SignIn(p.w.T.Context(), p.login, secret, netip.Addr{}); (err == nil) != slices.Contains(names, name) {
			p.w.T.Errorf("%s: the program %q signs in: %v", what, name, err)
		}
	}
}

// Whoever took an account may have let a program in, which needs neither the account's password nor a session.
func TestNotMeShutsOutPrograms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d)
		const login, email = "yasmine.haddad.cv2028", "yasmine.haddad@exemple.fr"
		other := people.ContactPoint{PersonID: personOf(t, w, login), Kind: people.Email, Purpose: people.Personal, Value: "yasmine.autre@exemple.fr", Origin: "import"}
		if err := w.App.People().SaveContact(t.Context(), viewer.ForSystem("test"), &other); err != nil {
			t.Fatal(err)
		}
		c := w.Guest()
		c.Post("/connexion/activer/envoi", "surname", "haddad", "year", "2028", "email", email, "phone", "01 99 00 12 34")
		c.Post(w.LettersTo(email)[0].Links[0], "password", "un cheval bai dans la neige").Want(303)
		p := programs{w, login, map[string]string{}}
		p.add("hers or a stranger’s")
		p.want("as long as nobody says anything", "hers or a stranger’s")
		stop := w.LettersTo(other.Value)
		owner := w.Guest()
		at := stop[len(stop)-1].Links[0]
		owner.Submit(owner.Get(at).Want(200), strings.TrimPrefix(at, webtest.Origin))
		p.want("it was not her")
	})
}

// Somebody else's try at one's account costs nothing of what one had before.
func TestStoppingSparesWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	p := programs{w, webtest.Member, map[string]string{}}
	p.add("her own")
	w.Later(time.Hour)
	since := w.App.Now()
	p.add("since")
	if err := w.App.StopLinks(t.Context(), personOf(t, w, webtest.Member), since); err != nil {
		t.Fatal(err)
	}
	p.want("stopped", "her own")
}

// A closed account sends no more, and opening it again lets in nobody by what was there before.
func TestAClosedAccountSendsNoMore(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	p := programs{w, webtest.Member, map[string]string{}}
	p.add("her own")
	p.want("open", "her own")
	account, err := w.App.AccountByLogin(t.Context(), webtest.Member)
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []string{"fermer", "ouvrir"} {
		w.As(webtest.Webmaster).Post("/admin/acces/" + account.String() + "/" + do).Want(303)
		p.want(do)
	}
}

// Where mail programs may send, their passwords stand on the page of the address for life, also when one is refused.
func TestMailProgramsOnTheAddressPage(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	w.As(webtest.Member).Get(forwarding.Path).Want(200).Without(submission.Path)
	var err error
	w.App, err = app.New(t.Context(), app.Options{DB: w.DB, Blobs: w.Blob, Log: slog.New(slog.DiscardHandler), Now: clock.System, URL: webtest.Origin,
		MailFrom: mail.Address{Address: "ne-pas-repondre@annuaire.example"}, Demo: true, Mail: app.MailOptions{Host: "mx.annuaire.example", Submission: loopback(t)}})
	if err != nil {
		t.Fatal(err)
	}
	her := w.As(webtest.Member)
	page := her.Get(forwarding.Path).Want(200, "Mon adresse à vie", "mx.annuaire.example")
	refused := her.Submit(page, submission.Path, "name", " ").Want(422, "Mon adresse à vie", "Écris le nom du logiciel", "Où arrive ton courrier")
	made := her.Submit(refused, submission.Path, "name", "Mutt").Want(200, "Copie-le maintenant", "mx.annuaire.example")
	her.Get(forwarding.Path).Want(200, "Mutt").Without(made.Doc().Find("code").First().Text())
}

// A proxy on this machine has this machine's address.
func TestMetricsAreNotForProxies(t *testing.T) {
	t.Parallel()
	w := webtest.Empty(t, dbtest.New(t))
	for header, want := range map[string]int{"": 200, "X-Forwarded-For": 404, "X-Real-Ip": 404, "Forwarded": 404, "Via": 404, "X-Forwarded-Proto": 404} {
		req := httptest.NewRequest("GET", webtest.Origin+"/metrics", nil)
		req.RemoteAddr = "127.0.0.1:40000"
		if header != "" {
			req.Header.Set(header, "198.51.100.7")
		}
		rec := httptest.NewRecorder()
		w.App.Handler().ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("/metrics from this machine with %q = %d, want %d", header, rec.Code, want)
		}
	}
}

// Whose account may do more than a webmaster's is not for him to close, merge or reach by a link.
func TestAWebmasterStaysBelowTheFederation(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	admin, err := w.App.People().PersonByLogin(t.Context(), webtest.Member)
	if err != nil {
		t.Fatal(err)
	}
	w.As(webtest.Federation).Post("/admin/acces/roles", "who", webtest.Member, "role", "federation_admin", "association", "").Want(303)
	double, err := w.App.People().PersonByLogin(t.Context(), webtest.Graduate)
	if err != nil {
		t.Fatal(err)
	}
	webmaster, record := w.As(webtest.Webmaster), "/admin/personnes/"
	webmaster.Post(record+admin.String()+"/situation", "status", "deceased").Want(409)
	webmaster.Post(record+admin.String()+"/lien", "email", "pirate@exemple.fr").Want(409)
	for _, keep := range []string{"this", "other"} {
		webmaster.Post(record+admin.String()+"/fusion", "other", double.String(), "keep", keep, "sure", "1").Want(409)
	}
	w.As(webtest.Member).Get("/admin/etat").Want(200)
}
