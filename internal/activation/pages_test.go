package activation_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/desktest"
	"amicale/internal/viewer"
)

// A stranger who types a name that is there and one that is not gets the same pages, octet for octet, and leaves
// the same trace: one job.
func TestPagesTellAStrangerNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := desktest.NewSite(t, d)
		s.Add(desktest.Graduate("Laure", "Lavaut", s.Ly, 2010, "laure@exemple.fr"))
		active := desktest.Graduate("Eva", "Ouvert", s.Ly, 2010, "laure@exemple.fr")
		active.ActivatedAt = s.Now()
		s.Add(active)
		var bodies [2][]string
		for i, surname := range []string{"Lavaut", "Ouvert", "Nobody"} {
			b := s.Guest()
			b.IP = fmt.Sprint("192.0.2.", i+1)
			one := b.Post("/connexion/activer", "surname", surname, "year", "2010").Want(200, surname, "2010")
			two := b.Post("/connexion/activer/envoi", "surname", surname, "year", "2010", "email", "laure@exemple.fr", "phone", "0612345678").Want(303)
			three := b.Follow(two).Want(200, "Ta demande est partie")
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM jobs WHERE kind = 'activation.decide'`); err != nil || n != 1 {
				t.Errorf("%s: %d jobs, %v; want one", surname, n, err)
			}
			got := []string{strings.ReplaceAll(one.Body, surname, "X"), two.Body + two.Header.Get("Location"), three.Body}
			if i == 0 {
				bodies[0] = got
			} else if bodies[1] = got; fmt.Sprint(bodies[0]) != fmt.Sprint(bodies[1]) {
				t.Errorf("%s: the pages differ", surname)
			}
			s.Work()
		}
		s.WantLetters("three requests", "link laure@exemple.fr", "already laure@exemple.fr", "alert webmaster@ly.example")
	})
}

func TestActivationPages(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	b := s.Guest()
	b.Get("/connexion/activer").Want(200, `name="surname"`, `name="year"`).Without(`name="email"`, `name="phone"`)
	b.Post("/connexion/activer", "surname", "<b>&", "year", "10").Want(422, "&lt;b&gt;&amp;", "quatre chiffres").Without("<b>&")
	b.Post("/connexion/activer", "surname", "L’Hame", "year", "1989").Want(200, `name="email"`, `value="L’Hame"`)
	b.Post("/connexion/activer/envoi", "surname", "L’Hame", "year", "1989", "email", "x", "phone", "").Want(422, "adresse e-mail complète", "téléphone complet", `value="L’Hame"`)
	b.Post("/connexion/activer/envoi", "surname", "", "year", "1989", "email", "a@b.fr", "phone", "0612345678").Want(422, "nom de famille", `name="year"`)
	var last *desktest.Reply
	for range 16 {
		last = b.Post("/connexion/activer/envoi", "surname", "L’Hame", "year", "1989", "email", "a@b.fr", "phone", "0612345678")
	}
	last.Want(429, "Trop d’essais", `value="a@b.fr"`)
	s.Pass(3 * time.Hour)
	b.Post("/connexion/activer/envoi", "surname", "L’Hame", "year", "1989", "email", "a@b.fr", "phone", "0612345678").Want(303)
	for i := range 10 { // from many addresses at one target
		b.IP = fmt.Sprint("198.51.100.", i)
		last = b.Post("/connexion/activer/envoi", "surname", "Cible", "year", "1989", "email", fmt.Sprintf("a%d@b.fr", i), "phone", "0612345678")
	}
	last.Want(429)
}

func TestStopPage(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	s.Add(desktest.Graduate("Laure", "Lavaut", s.Ly, 2010, "laure@exemple.fr", "laure@travail.example"))
	s.AskFor("Lavaut", 2010, "laure@exemple.fr")
	path := activation.StopPath + s.LinkIn(activation.StopPath)
	b := s.Guest()
	b.Get(path).Want(200, "Arrêter l’activation").Without("Lavaut", "laure@")
	if len(s.Cases()) != 0 {
		t.Error("looking at the page opened a case")
	}
	b.Follow(b.Post(path).Want(303)).Want(200, "L’activation est arrêtée")
	if s.One().Kind != desk.NotMe {
		t.Errorf("case = %+v", s.One())
	}
	b.Get(activation.StopPath + "nothing").Want(404)
	b.Post(activation.StopPath + "nothing").Want(404)
}

func TestAdditionPage(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	b := s.Guest()
	form := []string{"first_name", "Éloïse", "surname", "Durant", "school", "ly", "year", "2015", "diploma", "engineer", "email", "e@exemple.fr", "phone", "0612345678"}
	b.Get("/connexion/activer/ajout").Want(200, `type="file"`, "INSA ly")
	b.Post("/connexion/activer/ajout", form...).Want(422, "Joins une copie", `value="Éloïse"`)
	b.Upload("/connexion/activer/ajout", "a.png", []byte("<svg onload=alert(1)>"), form...).Want(422, "Joins un PDF ou une image")
	b.Upload("/connexion/activer/ajout", "a.pdf", append([]byte("%PDF-1.7"), bytes.Repeat([]byte("x"), 6<<20)...), form...).Want(422, "dépasse 5 Mo", `value="Éloïse"`)
	b.Follow(b.Upload("/connexion/activer/ajout", "a.pdf", []byte("%PDF-1.7 <script>"), form...).Want(303)).Want(200, "chez le webmaster")
	c := s.One()
	scan := "/admin/guichet/" + c.ID.String() + "/diplome"
	b.Get(scan).Want(303)
	s.As(desktest.Actor(viewer.Webmaster, s.Re.ID)).Get(scan).Want(404)
	s.As(desktest.Actor(viewer.Editor, s.Ly.ID)).Get(scan).Want(403)
	got := s.As(s.Webmaster()).Get(scan).Want(200, "%PDF-1.7")
	for name, want := range map[string]string{"Content-Type": "application/pdf", "Content-Disposition": "attachment; filename=a.pdf", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if csp := got.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox") {
		t.Errorf("the diploma's policy = %q, want a sandbox", csp)
	}
	for range 4 {
		b.Upload("/connexion/activer/ajout", "a.pdf", []byte("%PDF-1.7"), form...)
	}
	b.Upload("/connexion/activer/ajout", "a.pdf", []byte("%PDF-1.7"), form...).Want(429, `value="Durant"`)
}
