package desk_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/desktest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestDeskPages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := desktest.NewSite(t, d)
		laure := s.Add(desktest.Graduate("Laure", "Lavaut", s.Ly, 2010, "laure@exemple.fr"))
		s.AskWith(people.Claim{Surname: "Lavaut", Year: 2010, Email: "autre@exemple.fr", Phone: "0612345678"})
		s.Letters()
		c := s.One()
		path := "/admin/guichet/" + c.ID.String()
		for who, want := range map[string]struct {
			b    *desktest.Browser
			list int
			show int
		}{
			"guest":            {s.Guest(), 303, 303},
			"graduate":         {s.As(viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: laure.ID}}), 403, 403},
			"editor":           {s.As(desktest.Actor(viewer.Editor, s.Ly.ID)), 403, 403},
			"secretary":        {s.As(desktest.Actor(viewer.Secretary, s.Ly.ID)), 403, 403},
			"another school's": {s.As(desktest.Actor(viewer.Webmaster, s.Re.ID)), 200, 404},
			"webmaster":        {s.As(s.Webmaster()), 200, 200},
			"federation":       {s.As(desktest.Federation()), 200, 200},
		} {
			list := want.b.Get("/admin/guichet")
			if list.Status != want.list || want.b.Get(path).Status != want.show {
				t.Errorf("%s: %d and %d, want %d and %d", who, list.Status, want.b.Get(path).Status, want.list, want.show)
			}
			if there := strings.Contains(list.Body, c.ID.String()); there != (want.show == 200) {
				t.Errorf("%s: the case in the list: %v", who, there)
			}
			if want.show != 200 {
				status := want.b.Post(path+"/lien", "version", strconv.Itoa(c.Version), "person", laure.ID.String(), "email", "x@exemple.fr").Status
				if status < 400 {
					t.Errorf("%s: sending answers %d", who, status)
				}
			}
		}
		b := s.As(s.Webmaster())
		page := b.Get(path).Want(200, "Seul le téléphone concorde", "laure@exemple.fr", "concorde", "diffère", "aujourd’hui", "1 personne possible", "Un souvenir de l’école")
		b.Post(path+"/lien", "version", page.Version(), "person", laure.ID.String(), "email", "nope").Want(422, `value="nope"`, "adresse e-mail complète")
		b.Get(path+"?q=laure.lavaut.ly2010").Want(200, "Laure Lavaut")
		b.Get(path+"?reponse=0").Want(200, "Bonjour Lavaut")
		other := s.As(s.Webmaster())
		other.Follow(other.Post(path+"/prendre", "version", page.Version()).Want(303)).Want(200, "tu t’en occupes", "Laisser à quelqu’un d’autre")
		b.Post(path+"/refuser", "version", page.Version(), "words", "Mes mots à garder").Want(409, "vient de traiter", "Mes mots à garder", "s’en occupe en ce moment")
		sent := b.Post(path+"/lien", "version", b.Get(path).Version(), "person", laure.ID.String(), "email", "nouvelle@exemple.fr").Want(303)
		b.Follow(sent).Want(200, "Lien envoyé")
		s.WantLetters("from the page", "link nouvelle@exemple.fr", "notice laure@exemple.fr")
		b.Get("/admin/guichet").Want(200, "Rien n’attend ici")
		b.Get("/admin/guichet?etat=clos").Want(200, c.ID.String())
		undo := fmt.Sprintf("%s/rouvrir?version=%d", path, s.Again(c).Version)
		b.Follow(b.Post(undo).Want(303)).Want(200, "Dossier rouvert", "Rouvert")
	})
}

func TestDeskKindsOnPages(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	laure := s.Add(desktest.Graduate("Laure", "Lavaut", s.Ly, 2010, "laure@exemple.fr"))
	double := s.Add(desktest.Graduate("Laure", "<script>", s.Ly, 2010))
	yearless := s.Add(desktest.Graduate("Paul", "Lenoir", s.Ly, 0))
	b := s.As(s.Webmaster())
	open := func(n desk.NewCase) string {
		t.Helper()
		n.Association, n.Reason = s.Ly.ID, desk.FromImport
		s.Must("open", s.Open(t.Context(), viewer.ForSystem("import"), n))
		return "/admin/guichet/" + s.One().ID.String()
	}
	path := open(desk.NewCase{Kind: desk.NoClassYear, Person: yearless.ID})
	page := b.Get(path).Want(200, "Paul Lenoir", "Sans promo")
	b.Post(path+"/promo", "version", page.Version(), "degree", yearless.Degrees[0].ID.String(), "year", "99").Want(422, `value="99"`)
	b.Post(path+"/promo", "version", page.Version(), "degree", yearless.Degrees[0].ID.String(), "year", "1999").Want(303)

	path = open(desk.NewCase{Kind: desk.ImportConflict, Person: laure.ID, Detail: desk.Detail{Field: "diploma", Base: "engineer", File: "master", Source: "liste.csv, ligne 3"}})
	page = b.Get(path).Want(200, "Ingénieur", "Master", "liste.csv, ligne 3")
	b.Post(path+"/fichier", "version", page.Version()).Want(303)
	if got := s.Dossier(laure.ID).Degrees[0].Diploma; got != people.Master {
		t.Errorf("diploma = %q", got)
	}

	path = open(desk.NewCase{Kind: desk.ImportConflict, Person: laure.ID, Detail: desk.Detail{Field: "postal", Base: "Lyon", File: "Brest"}})
	page = b.Get(path).Want(200, "Adresse postale", "corrige la fiche").Without("/fichier")
	b.Post(path+"/fichier", "version", page.Version()).Want(409, "ne peut pas être reprise")
	b.Post(path+"/base", "version", page.Version()).Want(303)

	path = open(desk.NewCase{Kind: desk.Duplicate, Person: laure.ID, Other: double.ID, Detail: desk.Detail{Why: "même promo"}})
	page = b.Get(path).Want(200, "&lt;script&gt;", "même promo", "Ce sont deux personnes").Without("<script>")
	b.Post(path+"/fusionner", "version", page.Version(), "into", laure.ID.String()).Want(422, "Coche la case")
	b.Post(path+"/fusionner", "version", page.Version(), "into", laure.ID.String(), "sure", "1").Want(303)
	b.Get(path).Want(200, "Fusionné")
	b.Get("/admin/guichet?etat=clos&sorte=duplicate").Want(200, "Doublon possible")
}

func TestAnswerPage(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	s.Add(desktest.Graduate("Laure", "Lavaut", s.Ly, 2010, "laure@exemple.fr"))
	s.AskFor("Lavaut", 2010, "moi@exemple.fr")
	keeper, b := s.As(s.Webmaster()), s.Guest()
	path := "/admin/guichet/" + s.One().ID.String()
	keeper.Post(path+"/demander", "version", keeper.Get(path).Version(), "words", "Ton département ?").Want(303)
	question := desk.AnswerPath + s.LinkIn(desk.AnswerPath)
	b.Get(question).Want(200, "Ton département ?").Without("webmaster</p>")
	b.Post(question, "words", " ").Want(422, "Écris un message")
	b.Follow(b.Post(question, "words", "GCU <b>").Want(303)).Want(200, "Merci")
	b.Get(question).Want(404)
	keeper.Get(path).Want(200, "GCU &lt;b&gt;", "Le demandeur")
}

func TestReplyPages(t *testing.T) {
	t.Parallel()
	s := desktest.NewSite(t, dbtest.New(t))
	b := s.As(s.Webmaster())
	b.Get("/admin/guichet/reponses").Want(200, "Un souvenir de l’école", "A memory of the school")
	form := []string{"ecole", "ly", "purpose", "ask", "lang", "fr", "builtin", "Un souvenir de l’école", "title", "Un souvenir", "body"}
	b.Post("/admin/guichet/reponses", append(form, "")...).Want(422, "Écris un message")
	b.Follow(b.Post("/admin/guichet/reponses", append(form, "Bonjour {nom}")...).Want(303)).Want(200, "Réponse enregistrée", "Bonjour {nom}").Without("Un souvenir de l’école")
	b.Post("/admin/guichet/reponses", "ecole", "re", "purpose", "ask", "lang", "fr", "title", "x", "body", "y").Want(403)
	s.As(desktest.Actor(viewer.Secretary, s.Ly.ID)).Get("/admin/guichet/reponses").Want(403)
	s.Guest().Get("/admin/guichet/reponses").Want(303)
}

func TestNewPersonOnThePhone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := desktest.NewSite(t, d)
		s.Add(desktest.Graduate("Eloise", "Durant", s.Ly, 2014, "autre@exemple.fr"))
		b := s.As(s.Webmaster())
		form := []string{"first_name", "Éloïse", "surname", "Durant", "school", "ly", "year", "2015", "diploma", "master", "email", "e@exemple.fr"}
		s.Guest().Get("/admin/personnes/nouvelle").Want(303)
		s.As(desktest.Actor(viewer.Secretary, s.Ly.ID)).Get("/admin/personnes/nouvelle").Want(403)
		b.Get("/admin/personnes/nouvelle").Want(200, "INSA ly").Without("INSA re")
		b.Post("/admin/personnes/nouvelle", append(form[2:], "sure", "1")...).Want(422, "Écris ton prénom")
		b.Post("/admin/personnes/nouvelle", form...).Want(200, "Une fiche ressemble", "autre@exemple.fr", `name="sure"`)
		s.WantLetters("nothing is saved while there may be a double")
		s.As(desktest.Actor(viewer.Webmaster, s.Re.ID)).Post("/admin/personnes/nouvelle", append(form, "sure", "1")...).Want(403)
		got := b.Post("/admin/personnes/nouvelle", append(form, "sure", "1")...).Want(303)
		s.WantLetters("created", "link e@exemple.fr")
		person, err := id.Parse(strings.TrimPrefix(got.Header.Get("Location"), "/admin/personnes/"))
		if err != nil {
			t.Fatal(err)
		}
		if made := s.Dossier(person); made.CurrentLogin() != "eloise.durant.ly2015" || len(made.Contacts) != 1 {
			t.Errorf("created %+v", made)
		}
	})
}
