package imports

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const uploaded = "Nom;Prénom;Promo;Filière choisie;<b>Vélo\nLavaut;Laure;2010;GE;rouge\nRoux;Paul;2011;GM;<i>vert\n;Nobody;2010;;\n"

// A list goes its way through the back office: columns, dry run, import, rejects, and the same file again.
func TestImportInTheBackOffice(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		b := s.as(staff(viewer.Webmaster, s.ly))
		b.get(importsPath).want(200, "Aucun import pour l’instant", "Alumni INSA Lyon").without("INSA Rennes")
		sent := b.upload("liste.csv", uploaded, "ly")
		here := sent.Header.Get("Location")
		page := b.follow(sent).want(200, "liste.csv", "Filière choisie", "Lavaut · Roux", "&lt;i&gt;vert", "CSV, UTF-8, séparé par des points-virgules").without("<i>vert", "<b>Vélo")

		waiting := b.follow(b.submit(page, here+"/essayer", "column-3", "department")).want(200, "En attente", `http-equiv="refresh"`, `hx-trigger="every 1s"`)
		waiting.without("colonnes")
		b.get(here, "HX-Request", "true").want(200, "En attente").without("<title>")
		b.post(here + "/importer").want(409)
		must(t, s.work())
		b.get(here, "HX-Request", "true").want(http.StatusNoContent)
		page = b.get(here).want(200, "Rien n’a été écrit", "nouvelles personnes 2", "1 ligne refusée", "Ni nom ni identifiant", "Ligne")
		if n, err := s.people.Count(t.Context()); err != nil || n != 0 {
			t.Fatalf("the dry run left %d persons, %v", n, err)
		}

		b.follow(b.submit(page, here+"/importer")).want(200, "En attente")
		must(t, s.work())
		b.get(here).want(200, "Terminé", "nouvelles personnes 2", "identifiants donnés 2", "Télécharger les lignes refusées", "Le fichier n’est plus sur le serveur").without("/importer\"")
		if laure := s.by(t, "Laure"); laure.Degrees[0].Department != "GE" || laure.Note["<b>Vélo"] != "rouge" {
			t.Errorf("Laure is %+v, note %v", laure.Degrees, laure.Note)
		}
		rejects := b.get(here+"/rejets").want(200, ";Nobody;2010;;;4;Ni nom ni identifiant.")
		if got := rejects.Header.Get("Content-Disposition"); got != "attachment; filename=liste.rejets.csv" {
			t.Errorf("the reject file comes as %q", got)
		}
		b.get(importsPath).want(200, "Anne Webmestre", "Terminé", "liste.csv")

		again := b.upload("liste.csv", uploaded, "ly")
		page = b.follow(again)
		b.submit(page, again.Header.Get("Location")+"/importer", "column-3", "department").want(303)
		must(t, s.work())
		b.get(again.Header.Get("Location")).want(200, "inchangées 2", "nouvelles personnes 0")
	})
}

func TestImportPagesRefuse(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.as(staff(viewer.Webmaster, s.ly))
	b.upload("vide.csv", " ", "ly").want(422, "Le fichier est vide")
	b.upload("page.csv", "<html><body>non</body></html>", "ly").want(422, "ni un CSV ni un classeur")
	b.post(importsPath, "association", "ly").want(422, "Choisis un fichier")
	b.upload("liste.csv", uploaded, "re").want(403)
	b.upload("liste.csv", uploaded, "zz").want(404)

	sent := b.upload("liste.csv", uploaded, "ly")
	here := sent.Header.Get("Location")
	page := b.follow(sent)
	b.submit(page, here+"/essayer", "column-3", "class_year").want(422, "ne peuvent pas être toutes les deux", `value="class_year" selected`)
	b.submit(page, here+"/essayer", "column-0", "note", "column-1", "note").want(422, "Aucune colonne ne contient de nom")
	b.submit(page, here+"/essayer", "column-0", "nonsense").want(422, "n’existe pas")

	for name, v := range map[string]viewer.Viewer{
		"another school's webmaster": staff(viewer.Webmaster, s.re), "secretary": staff(viewer.Secretary, s.ly), "editor": staff(viewer.Editor, s.ly),
		"member": {Kind: viewer.Network, Account: s.ly.ID, Member: true},
	} {
		want := http.StatusForbidden
		if name == "another school's webmaster" {
			want = http.StatusNotFound // nothing tells that there is such an import
		}
		other := s.as(v)
		for _, path := range []string{here, here + "/rejets"} {
			if got := other.get(path); got.Status != want {
				t.Errorf("%s at %s: %d, want %d", name, path, got.Status, want)
			}
		}
		for _, path := range []string{here + "/essayer", here + "/importer", here + "/supprimer"} {
			if got := other.post(path); got.Status != want {
				t.Errorf("%s at %s: %d, want %d", name, path, got.Status, want)
			}
		}
	}
	if got := s.as(viewer.Viewer{}).get(here); got.Status != http.StatusSeeOther {
		t.Errorf("a guest gets %d", got.Status)
	}
	s.as(staff(viewer.FederationAdmin, people.Association{})).get(here).want(200)
	b.follow(b.post(here + "/supprimer")).want(200)
	b.get(here).want(404)
}

// A row of another school is not the importer's, also when the job runs without him.
func TestJobHasTheRightsOfItsImporter(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.as(staff(viewer.Webmaster, s.ly))
	sent := b.upload("liste.csv", "Nom;Prénom;Promo;École\nLavaut;Laure;2010;INSA Lyon\nRoux;Paul;2011;INSA Rennes\n", "")
	here := sent.Header.Get("Location")
	b.submit(b.follow(sent), here+"/importer").want(303)
	must(t, s.work())
	b.get(here).want(200, "nouvelles personnes 1", "1 ligne refusée", "n’est pas de tes associations")
}

// A job that dies with its process is done again, and goes on.
func TestJobRunsAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.as(staff(viewer.Webmaster, s.ly))
	sent := b.upload("liste.csv", alumni, "ly")
	here := sent.Header.Get("Location")
	b.submit(b.follow(sent), here+"/importer").want(303)
	_, err := s.d.Exec(t.Context(), `UPDATE imports SET state = 'running'`)
	must(t, err)
	must(t, s.work())
	b.get(here).want(200, "Terminé", "nouvelles personnes 6")
}

// Lists of people do not lie about: a draft goes after a week, rejects after a month; the history stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.as(staff(viewer.Webmaster, s.ly))
	draft := b.upload("brouillon.csv", uploaded, "ly").Header.Get("Location")
	sent := b.upload("liste.csv", uploaded, "ly")
	here := sent.Header.Get("Location")
	b.submit(b.follow(sent), here+"/importer").want(303)
	must(t, s.work())
	files := func() (n int) {
		for _, err := range s.files.List(t.Context(), "imports/") {
			must(t, err)
			n++
		}
		return n
	}
	for _, c := range []struct {
		days, files int
		draft       int // status of its page
		rejects     int
	}{{6, 2, 200, 200}, {2, 1, 404, 200}, {20, 1, 404, 200}, {4, 0, 404, 404}} {
		s.clock = s.clock.AddDate(0, 0, c.days)
		must(t, s.sweep(t.Context()))
		b = s.as(staff(viewer.Webmaster, s.ly))
		if got := files(); got != c.files {
			t.Errorf("%d days later %d files, want %d", c.days, got, c.files)
		}
		b.get(draft).want(c.draft)
		b.get(here).want(200, "Terminé")
		b.get(here + "/rejets").want(c.rejects)
	}
}

// A full disk: the page says what happened and what to do.
func TestProblemsAreSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	s.Store.batch = 100
	b := s.as(staff(viewer.Webmaster, s.ly))
	sent := b.upload("liste.csv", namesakesList(1200, "GE"), "ly")
	here := sent.Header.Get("Location")
	b.submit(b.follow(sent), here+"/importer").want(303)
	pages, err := db.One[int](t.Context(), s.d, `PRAGMA page_count`)
	must(t, err)
	_, err = s.d.Exec(t.Context(), "PRAGMA max_page_count = "+strconv.Itoa(pages+200))
	must(t, err)
	if err := s.work(); err == nil || !strings.Contains(err.Error(), "imports.disk_full") {
		t.Errorf("the job says %v", err)
	}
	b.get(here).want(200, "Arrêté en route", "Le disque est plein", "Reprendre l’import")
	_, err = s.d.Exec(t.Context(), "PRAGMA max_page_count = 1073741823")
	must(t, err)
	b.submit(b.get(here), here+"/importer").want(303)
	must(t, s.work())
	b.get(here).want(200, "Terminé", "inchangées")
}
