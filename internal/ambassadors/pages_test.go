package ambassadors_test

import (
	"fmt"
	"net/http"
	"testing"

	"amicale/internal/ambassadors"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestWhoSeesThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure, luc := w.add("Laure", "Lavaut"), w.add("Luc", "Martin")
	row := w.named(laure)
	w.lost[2010] = 37
	form := []string{"association", w.ly.ID.String(), "promo", "2010", "person", luc.String()}
	ending := ambassadors.Path + "/" + row.String() + "/retirer"
	for _, c := range []struct {
		name              string
		by                viewer.Actor
		list, naming, end int
		texts             []string
	}{
		{"guest", viewer.Actor{}, 303, 401, 401, nil},
		{"graduate", self(luc), 403, 403, 403, nil},
		{"ambassador", self(laure), 403, 403, 403, nil},
		{"recruiter", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}}, 403, 403, 403, nil},
		{"editor", staff(viewer.Editor, w.ly.ID), 403, 403, 403, nil},
		{"elsewhere", staff(viewer.Webmaster, w.re.ID), 200, 403, 404, []string{"Aucun ambassadeur", "-Lavaut", "-37"}},
		{"secretary", staff(viewer.Secretary, w.ly.ID), 200, 303, 303, []string{"Laure Lavaut", "INSA ly 2010", "37", "/admin/personnes/" + laure.String(), "-ambassadors.", "-INSA re", "-Sans effet"}},
		{"federation", federation(), 200, 303, 303, []string{"Luc Martin", "INSA re", "-Laure Lavaut"}},
	} {
		w.get(c.by, ambassadors.Path).want(c.name, c.list, c.texts...)
		w.post(c.by, ambassadors.Path, form...).want(c.name+" names", c.naming)
		w.post(c.by, ending).want(c.name+" removes", c.end)
	}
	w.get(staff(viewer.Webmaster, w.re.ID), ambassadors.Path+"?ecole=ly&promo=2010").want("another school's by its code", 200, "-Luc", "-Laure", "-INSA ly")
}

func TestNamingOnThePage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add("Laure", "Lavaut")
		for i := range 21 {
			w.add("Luc", fmt.Sprintf("Martin%c", 'a'+i))
		}
		by := staff(viewer.Webmaster, w.ly.ID)
		w.get(by, ambassadors.Path).want("nobody yet", 200, "Aucun ambassadeur", "-Personne à nommer")
		w.get(by, ambassadors.Path+"?promo=2010").want("the class", 200, "Laure Lavaut", "Luc Martina", "-Martinu", "Seuls les 20 premiers", "laure.lavaut.ly2010")
		w.get(by, ambassadors.Path+"?promo=2010&q=LAVAU").want("a name", 200, "Laure Lavaut", "-Luc", "-Seuls")
		w.get(by, ambassadors.Path+"?promo=2010&q=nul").want("nobody", 200, "Personne à nommer")
		w.get(by, ambassadors.Path+"?promo=deux").want("no year", 200, "quatre chiffres", `value="deux"`)
		w.get(federation(), ambassadors.Path+"?promo=2010").want("which school", 200, "Choisis l’école", "-Laure")
		w.get(federation(), ambassadors.Path+"?promo=2010&ecole=ly&q=laure").want("hers", 200, "Laure Lavaut")
		w.post(by, ambassadors.Path).want("nothing", 422, "Rien n’a changé")
		w.post(by, ambassadors.Path, "association", w.ly.ID.String(), "promo", "1999", "person", laure.String()).want("another class", 422, "Rien n’a changé")

		done := w.next(by, w.post(by, ambassadors.Path, "association", w.ly.ID.String(), "promo", "2010", "person", laure.String()).want("named", 303))
		row, _, err := w.List(t.Context(), by.Viewer, w.ly.ID, 1, 0)
		w.must(err)
		at := ambassadors.Path + "/" + row[0].ID.String()
		done.want("the toast", 200, "cette promo a son ambassadeur", at+"/retirer", "Laure Lavaut")
		w.get(by, ambassadors.Path+"?promo=2010&q=laure").want("no candidate any more", 200, "Personne à nommer")
		w.next(by, w.post(by, at+"/retirer").want("removed", 303)).want("the toast", 200, "n’est plus ambassadeur", at+"/retablir", "-Laure Lavaut")
		w.next(by, w.post(by, at+"/retablir").want("put back", 303)).want("as before", 200, "comme avant", "Laure Lavaut")
		w.post(by, ambassadors.Path+"/x/retirer").want("nothing that is one", http.StatusNotFound)
		w.close(laure)
		w.get(by, ambassadors.Path).want("without effect", 200, "Sans effet")
	})
}

func TestManyClasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	for i := range 51 {
		p := w.add("Luc", "Martin", func(d *people.Dossier) { d.Degrees[0].ClassYear = 1960 + i })
		_, err := w.Name(t.Context(), federation(), w.lyon(1960+i), p)
		w.must(err)
	}
	w.get(federation(), ambassadors.Path).want("the first page", 200, "INSA ly 1960", "INSA ly 2009", "-INSA ly 2010")
	w.get(federation(), ambassadors.Path+"?page=2").want("the second", 200, "INSA ly 2010", "-INSA ly 2009")
}

func TestOnesOwnSpace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure, luc := w.add("Laure", "Lavaut"), w.add("Luc", "Martin")
	row := w.named(laure)
	her, him := self(laure), self(luc)
	at := "/moi/ambassadeur/" + row.String()
	w.get(him, "/moi").want("a classmate", 200, "rien à dire")
	w.get(her, "/moi").want("hers", 200, "Tu veilles sur ta promo", "INSA ly 2010, depuis le 15 juin 2026", at+"/retirer", "-ambassadors.")
	w.post(viewer.Actor{}, at+"/retirer").want("guest", 401)
	w.post(him, at+"/retirer").want("a classmate", 404)
	w.post(staff(viewer.Webmaster, w.ly.ID), at+"/retirer").want("staff who is no graduate", 403)
	w.next(her, w.post(her, at+"/retirer").want("she stops", 303)).want("the toast", 200, "tu ne veilles plus", at+"/retablir", "rien à dire")
	w.post(him, at+"/retablir").want("a classmate", 404)
	w.next(her, w.post(her, at+"/retablir").want("she goes on", 303)).want("hers again", 200, "comme avant", "Tu veilles sur ta promo")
	d, err := w.people.Dossier(t.Context(), system, laure)
	w.must(err)
	w.must(w.people.SaveDegree(t.Context(), system, &people.Degree{ID: d.Degrees[0].ID, PersonID: laure, AssociationID: w.ly.ID, ClassYear: 2009, Diploma: people.Engineer}))
	w.get(her, "/moi").want("of another class now", 200, "rien à dire")
}
