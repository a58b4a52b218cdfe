package activation_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// A stranger who types a name that is there and one that is not gets the same pages, octet for octet, and leaves
// the same trace: one job.
func TestPagesTellAStrangerNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.add(graduate("Laure", "Lavaut", s.ly, 2010, "laure@exemple.fr"))
		active := graduate("Eva", "Ouvert", s.ly, 2010, "laure@exemple.fr")
		active.ActivatedAt = s.now()
		s.add(active)
		var bodies [2][]string
		for i, surname := range []string{"Lavaut", "Ouvert", "Nobody"} {
			b := s.guest()
			b.ip = fmt.Sprint("192.0.2.", i+1)
			one := b.post("/connexion/activer", "surname", surname, "year", "2010").want(200, surname, "2010")
			two := b.post("/connexion/activer/envoi", "surname", surname, "year", "2010", "email", "laure@exemple.fr", "phone", "0612345678").want(303)
			three := b.follow(two).want(200, "Ta demande est partie")
			if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM jobs WHERE kind = 'activation.decide'`); err != nil || n != 1 {
				t.Errorf("%s: %d jobs, %v; want one", surname, n, err)
			}
			got := []string{strings.ReplaceAll(one.Body, surname, "X"), two.Body + two.Header.Get("Location"), three.Body}
			if i == 0 {
				bodies[0] = got
			} else if bodies[1] = got; fmt.Sprint(bodies[0]) != fmt.Sprint(bodies[1]) {
				t.Errorf("%s: the pages differ", surname)
			}
			s.work()
		}
		s.wantLetters("three requests", "link laure@exemple.fr", "already laure@exemple.fr", "alert webmaster@ly.example")
	})
}

func TestActivationPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.guest()
	b.get("/connexion/activer").want(200, `name="surname"`, `name="year"`).without(`name="email"`, `name="phone"`)
	b.post("/connexion/activer", "surname", "<b>&", "year", "10").want(422, "&lt;b&gt;&amp;", "quatre chiffres").without("<b>&")
	b.post("/connexion/activer", "surname", "L’Hame", "year", "1989").want(200, `name="email"`, `value="L’Hame"`)
	b.post("/connexion/activer/envoi", "surname", "L’Hame", "year", "1989", "email", "x", "phone", "").want(422, "adresse e-mail complète", "téléphone complet", `value="L’Hame"`)
	b.post("/connexion/activer/envoi", "surname", "", "year", "1989", "email", "a@b.fr", "phone", "0612345678").want(422, "nom de famille", `name="year"`)
	var last *reply
	for range 16 {
		last = b.post("/connexion/activer/envoi", "surname", "L’Hame", "year", "1989", "email", "a@b.fr", "phone", "0612345678")
	}
	last.want(429, "Trop d’essais", `value="a@b.fr"`)
	s.pass(3 * time.Hour)
	b.post("/connexion/activer/envoi", "surname", "L’Hame", "year", "1989", "email", "a@b.fr", "phone", "0612345678").want(303)
	for i := range 10 { // from many addresses at one target
		b.ip = fmt.Sprint("198.51.100.", i)
		last = b.post("/connexion/activer/envoi", "surname", "Cible", "year", "1989", "email", fmt.Sprintf("a%d@b.fr", i), "phone", "0612345678")
	}
	last.want(429)
}

func TestStopPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	s.add(graduate("Laure", "Lavaut", s.ly, 2010, "laure@exemple.fr", "laure@travail.example"))
	s.ask("Lavaut", 2010, "laure@exemple.fr")
	path := activation.StopPath + s.link(activation.StopPath)
	b := s.guest()
	b.get(path).want(200, "Arrêter l’activation").without("Lavaut", "laure@")
	if len(s.cases()) != 0 {
		t.Error("looking at the page opened a case")
	}
	b.follow(b.post(path).want(303)).want(200, "L’activation est arrêtée")
	if s.one().Kind != activation.NotMe {
		t.Errorf("case = %+v", s.one())
	}
	b.get(activation.StopPath + "nothing").want(404)
	b.post(activation.StopPath + "nothing").want(404)
}

func TestAdditionPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.guest()
	form := []string{"first_name", "Éloïse", "surname", "Durant", "school", "ly", "year", "2015", "diploma", "engineer", "email", "e@exemple.fr", "phone", "0612345678"}
	b.get("/connexion/activer/ajout").want(200, `type="file"`, "INSA ly")
	b.post("/connexion/activer/ajout", form...).want(422, "Joins une copie", `value="Éloïse"`)
	b.upload("/connexion/activer/ajout", "a.png", []byte("<svg onload=alert(1)>"), form...).want(422, "Joins un PDF ou une image")
	b.upload("/connexion/activer/ajout", "a.pdf", append([]byte("%PDF-1.7"), bytes.Repeat([]byte("x"), 6<<20)...), form...).want(422, "dépasse 5 Mo", `value="Éloïse"`)
	b.follow(b.upload("/connexion/activer/ajout", "a.pdf", []byte("%PDF-1.7 <script>"), form...).want(303)).want(200, "chez le webmaster")
	c := s.one()
	scan := "/admin/guichet/" + c.ID.String() + "/diplome"
	b.get(scan).want(303)
	s.as(actor(viewer.Webmaster, s.re.ID)).get(scan).want(404)
	s.as(actor(viewer.Editor, s.ly.ID)).get(scan).want(403)
	got := s.as(s.webmaster()).get(scan).want(200, "%PDF-1.7")
	for name, want := range map[string]string{"Content-Type": "application/pdf", "Content-Disposition": "attachment; filename=a.pdf", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if csp := got.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox") {
		t.Errorf("the diploma's policy = %q, want a sandbox", csp)
	}
	for range 4 {
		b.upload("/connexion/activer/ajout", "a.pdf", []byte("%PDF-1.7"), form...)
	}
	b.upload("/connexion/activer/ajout", "a.pdf", []byte("%PDF-1.7"), form...).want(429, `value="Durant"`)
}

var versionPattern = regexp.MustCompile(`name="version" value="(\d+)"`)

// version is the one a page's forms carry.
func (a *reply) version() string {
	a.t.Helper()
	m := versionPattern.FindStringSubmatch(a.Body)
	if m == nil {
		a.t.Fatalf("the page has no form with a version:\n%.2000s", a.Body)
	}
	return m[1]
}

func TestDeskPages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		laure := s.add(graduate("Laure", "Lavaut", s.ly, 2010, "laure@exemple.fr"))
		s.askWith(activation.Claim{Surname: "Lavaut", Year: 2010, Email: "autre@exemple.fr", Phone: "0612345678"})
		s.letters()
		c := s.one()
		path := "/admin/guichet/" + c.ID.String()
		for who, want := range map[string]struct {
			b    *browser
			list int
			show int
		}{
			"guest":            {s.guest(), 303, 303},
			"graduate":         {s.as(activation.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: laure.ID}}), 403, 403},
			"editor":           {s.as(actor(viewer.Editor, s.ly.ID)), 403, 403},
			"secretary":        {s.as(actor(viewer.Secretary, s.ly.ID)), 403, 403},
			"another school's": {s.as(actor(viewer.Webmaster, s.re.ID)), 200, 404},
			"webmaster":        {s.as(s.webmaster()), 200, 200},
			"federation":       {s.as(federation()), 200, 200},
		} {
			list := want.b.get("/admin/guichet")
			if list.Status != want.list || want.b.get(path).Status != want.show {
				t.Errorf("%s: %d and %d, want %d and %d", who, list.Status, want.b.get(path).Status, want.list, want.show)
			}
			if there := strings.Contains(list.Body, c.ID.String()); there != (want.show == 200) {
				t.Errorf("%s: the case in the list: %v", who, there)
			}
			if want.show != 200 {
				status := want.b.post(path+"/lien", "version", strconv.Itoa(c.Version), "person", laure.ID.String(), "email", "x@exemple.fr").Status
				if status < 400 {
					t.Errorf("%s: sending answers %d", who, status)
				}
			}
		}
		b := s.as(s.webmaster())
		page := b.get(path).want(200, "Seul le téléphone concorde", "laure@exemple.fr", "concorde", "diffère", "aujourd’hui", "1 personne possible", "Un souvenir de l’école")
		b.post(path+"/lien", "version", page.version(), "person", laure.ID.String(), "email", "nope").want(422, `value="nope"`, "adresse e-mail complète")
		b.get(path+"?q=laure.lavaut.ly2010").want(200, "Laure Lavaut")
		b.get(path+"?reponse=0").want(200, "Bonjour Lavaut")
		other := s.as(s.webmaster())
		other.follow(other.post(path+"/prendre", "version", page.version()).want(303)).want(200, "tu t’en occupes", "Laisser à quelqu’un d’autre")
		b.post(path+"/refuser", "version", page.version(), "words", "Mes mots à garder").want(409, "vient de traiter", "Mes mots à garder", "s’en occupe en ce moment")
		sent := b.post(path+"/lien", "version", b.get(path).version(), "person", laure.ID.String(), "email", "nouvelle@exemple.fr").want(303)
		b.follow(sent).want(200, "Lien envoyé")
		s.wantLetters("from the page", "link nouvelle@exemple.fr", "notice laure@exemple.fr")
		b.get("/admin/guichet").want(200, "Rien n’attend ici")
		b.get("/admin/guichet?etat=clos").want(200, c.ID.String())
		undo := fmt.Sprintf("%s/rouvrir?version=%d", path, s.again(c).Version)
		b.follow(b.post(undo).want(303)).want(200, "Dossier rouvert", "Rouvert")
	})
}

func TestDeskKindsOnPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	laure := s.add(graduate("Laure", "Lavaut", s.ly, 2010, "laure@exemple.fr"))
	double := s.add(graduate("Laure", "<script>", s.ly, 2010))
	yearless := s.add(graduate("Paul", "Lenoir", s.ly, 0))
	b := s.as(s.webmaster())
	open := func(n activation.NewCase) string {
		t.Helper()
		n.Association, n.Reason = s.ly.ID, activation.FromImport
		s.must("open", s.Open(t.Context(), viewer.ForSystem("import"), n))
		return "/admin/guichet/" + s.one().ID.String()
	}
	path := open(activation.NewCase{Kind: activation.NoClassYear, Person: yearless.ID})
	page := b.get(path).want(200, "Paul Lenoir", "Sans promo")
	b.post(path+"/promo", "version", page.version(), "degree", yearless.Degrees[0].ID.String(), "year", "99").want(422, `value="99"`)
	b.post(path+"/promo", "version", page.version(), "degree", yearless.Degrees[0].ID.String(), "year", "1999").want(303)

	path = open(activation.NewCase{Kind: activation.ImportConflict, Person: laure.ID, Detail: activation.Detail{Field: "diploma", Base: "engineer", File: "master", Source: "liste.csv, ligne 3"}})
	page = b.get(path).want(200, "Ingénieur", "Master", "liste.csv, ligne 3")
	b.post(path+"/fichier", "version", page.version()).want(303)
	if got := s.dossier(laure.ID).Degrees[0].Diploma; got != people.Master {
		t.Errorf("diploma = %q", got)
	}

	path = open(activation.NewCase{Kind: activation.ImportConflict, Person: laure.ID, Detail: activation.Detail{Field: "postal", Base: "Lyon", File: "Brest"}})
	page = b.get(path).want(200, "Adresse postale", "corrige la fiche").without("/fichier")
	b.post(path+"/fichier", "version", page.version()).want(409, "ne peut pas être reprise")
	b.post(path+"/base", "version", page.version()).want(303)

	path = open(activation.NewCase{Kind: activation.Duplicate, Person: laure.ID, Other: double.ID, Detail: activation.Detail{Why: "même promo"}})
	page = b.get(path).want(200, "&lt;script&gt;", "même promo", "Ce sont deux personnes").without("<script>")
	b.post(path+"/fusionner", "version", page.version(), "into", laure.ID.String()).want(422, "Coche la case")
	b.post(path+"/fusionner", "version", page.version(), "into", laure.ID.String(), "sure", "1").want(303)
	b.get(path).want(200, "Fusionné")
	b.get("/admin/guichet?etat=clos&sorte=duplicate").want(200, "Doublon possible")
}

func TestAnswerPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	s.add(graduate("Laure", "Lavaut", s.ly, 2010, "laure@exemple.fr"))
	s.ask("Lavaut", 2010, "moi@exemple.fr")
	desk, b := s.as(s.webmaster()), s.guest()
	path := "/admin/guichet/" + s.one().ID.String()
	desk.post(path+"/demander", "version", desk.get(path).version(), "words", "Ton département ?").want(303)
	question := activation.AnswerPath + s.link(activation.AnswerPath)
	b.get(question).want(200, "Ton département ?").without("webmaster</p>")
	b.post(question, "words", " ").want(422, "Écris un message")
	b.follow(b.post(question, "words", "GCU <b>").want(303)).want(200, "Merci")
	b.get(question).want(404)
	desk.get(path).want(200, "GCU &lt;b&gt;", "Le demandeur")
}

func TestReplyPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.as(s.webmaster())
	b.get("/admin/guichet/reponses").want(200, "Un souvenir de l’école", "A memory of the school")
	form := []string{"ecole", "ly", "purpose", "ask", "lang", "fr", "builtin", "Un souvenir de l’école", "title", "Un souvenir", "body"}
	b.post("/admin/guichet/reponses", append(form, "")...).want(422, "Écris un message")
	b.follow(b.post("/admin/guichet/reponses", append(form, "Bonjour {nom}")...).want(303)).want(200, "Réponse enregistrée", "Bonjour {nom}").without("Un souvenir de l’école")
	b.post("/admin/guichet/reponses", "ecole", "re", "purpose", "ask", "lang", "fr", "title", "x", "body", "y").want(403)
	s.as(actor(viewer.Secretary, s.ly.ID)).get("/admin/guichet/reponses").want(403)
	s.guest().get("/admin/guichet/reponses").want(303)
}

func TestNewPersonOnThePhone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.add(graduate("Eloise", "Durant", s.ly, 2014, "autre@exemple.fr"))
		b := s.as(s.webmaster())
		form := []string{"first_name", "Éloïse", "surname", "Durant", "school", "ly", "year", "2015", "diploma", "master", "email", "e@exemple.fr"}
		s.guest().get("/admin/personnes/nouvelle").want(303)
		s.as(actor(viewer.Secretary, s.ly.ID)).get("/admin/personnes/nouvelle").want(403)
		b.get("/admin/personnes/nouvelle").want(200, "INSA ly").without("INSA re")
		b.post("/admin/personnes/nouvelle", append(form[2:], "sure", "1")...).want(422, "Écris ton prénom")
		b.post("/admin/personnes/nouvelle", form...).want(200, "Une fiche ressemble", "autre@exemple.fr", `name="sure"`)
		s.wantLetters("nothing is saved while there may be a double")
		s.as(actor(viewer.Webmaster, s.re.ID)).post("/admin/personnes/nouvelle", append(form, "sure", "1")...).want(403)
		got := b.post("/admin/personnes/nouvelle", append(form, "sure", "1")...).want(303)
		s.wantLetters("created", "link e@exemple.fr")
		person, err := id.Parse(strings.TrimPrefix(got.Header.Get("Location"), "/admin/personnes/"))
		if err != nil {
			t.Fatal(err)
		}
		if made := s.dossier(person); made.CurrentLogin() != "eloise.durant.ly2015" || len(made.Contacts) != 1 {
			t.Errorf("created %+v", made)
		}
	})
}
