package app_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/people"
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
