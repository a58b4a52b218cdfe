package bounces_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/bounces"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestWhoSeesTheStaffsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
	lost := w.add("Luc", "Martin", w.re, email("c@x.fr"))
	w.dies("a@x.fr", "c@x.fr")
	w.answers(bounces.Hour{Destination: "laposte", Hour: w.clock().Truncate(time.Hour), Sent: 30, Reputation: 3})
	w.judge()
	site := w.serve()
	var (
		guest, graduate, recruiter = w.visit(site, viewer.Actor{}), w.visit(site, member(laure)), w.visit(site, viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}})
		editor                     = w.visit(site, actor(viewer.Editor, w.ly.ID))
		webmaster, secretary       = w.visit(site, actor(viewer.Webmaster, w.ly.ID)), w.visit(site, actor(viewer.Secretary, w.re.ID))
		admin                      = w.visit(site, federation())
	)
	for _, path := range []string{bounces.Path, bounces.Path + "/jour", bounces.Path + "/perdus", bounces.Path + "/destinations", bounces.Path + "/signalements"} {
		w.want("guest "+path, guest.get(path), http.StatusSeeOther)
		for name, v := range map[string]visitor{"graduate": graduate, "recruiter": recruiter, "editor": editor} {
			w.want(name+" "+path, v.get(path), http.StatusForbidden)
		}
		for name, v := range map[string]visitor{"webmaster": webmaster, "secretary": secretary, "admin": admin} {
			w.want(name+" "+path, v.get(path), http.StatusOK, "-a@x.fr", "-c@x.fr", "-bounces.")
		}
	}
	w.want("guest undoes", guest.post(bounces.Path+"/"+id.New().String()+"/annuler"), http.StatusUnauthorized)
	w.want("graduate undoes", graduate.post(bounces.Path+"/"+id.New().String()+"/annuler"), http.StatusForbidden)
	w.want("webmaster looks now", webmaster.post(bounces.Path+"/verdicts"), http.StatusForbidden)
	w.want("admin looks now", admin.post(bounces.Path+"/verdicts"), http.StatusSeeOther)
	w.want("webmaster's list", webmaster.get(bounces.Path), 200, "Laure Lavaut", "remplacée par …@x.fr", "4 échecs sur 2 jours", "adresse de contact", "-Luc Martin", "-Examiner maintenant",
		"Destinations qui mettent en cause", "laposte : 3 réponses sur 33")
	w.want("admin's list", admin.get(bounces.Path), 200, "Laure Lavaut", "Luc Martin", "plus aucune adresse ne marche", "Examiner maintenant", "2 bascules")
	w.want("lost, Lyon", webmaster.get(bounces.Path+"/perdus"), 200, "Chacun a encore une adresse")
	w.want("lost, Rennes", secretary.get(bounces.Path+"/perdus"), 200, "Luc Martin", "INSA re 2010", "…@x.fr", "1 personne", "/admin/personnes/"+lost.ID.String())
	w.want("destinations", secretary.get(bounces.Path+"/destinations"), 200, "laposte", "toute la journée", "liste noire")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for i := range 60 {
			w.add("Laure", fmt.Sprint("Lavaut", i), w.ly, email(fmt.Sprintf("a%d@x.fr", i)), email(fmt.Sprintf("b%d@x.fr", i)))
		}
		re := w.add("Luc", "Martin", w.re, email("c@x.fr"), email("d@x.fr"))
		var all []string
		for i := range 60 {
			all = append(all, fmt.Sprintf("a%d@x.fr", i))
		}
		w.dies(append(all, "c@x.fr")...)
		w.judge()
		on := w.clock().Format(time.DateOnly)
		site := w.serve()
		admin := w.visit(site, federation())
		for query, want := range map[string]string{
			"":                                 "61 bascules",
			"?page=2":                          "61 bascules",
			"?page=7":                          "Aucune adresse en erreur",
			"?association=" + w.re.ID.String(): "1 bascule",
			"?association=nonsense":            "61 bascules",
			"?jour=" + on:                      "61 bascules",
			"?jour=2020-01-01":                 "Aucune adresse en erreur",
			"?jour=nonsense&cause=nonsense":    "61 bascules",
			"?cause=dead":                      "61 bascules",
			"?cause=full":                      "Aucune adresse en erreur",
			"?ouvert=1&association=" + re.ID.String(): "Aucune adresse en erreur",
		} {
			w.want(query, admin.get(bounces.Path+query), 200, want)
		}
		webmaster := w.visit(site, actor(viewer.Webmaster, w.ly.ID))
		w.want("another school's by its name", webmaster.get(bounces.Path+"?association="+w.re.ID.String()), 200, "Aucune adresse en erreur", "-INSA re")
		second := admin.get(bounces.Path + "?page=2").Body.String()
		if n := strings.Count(second, "<tr"); n != 12 {
			t.Errorf("the second page has %d rows, want 11 and the head", n)
		}
	})
}

func TestUndoPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
	luc := w.add("Luc", "Martin", w.re, email("c@x.fr"), email("d@x.fr"))
	w.dies("a@x.fr", "c@x.fr")
	w.judge()
	site := w.serve()
	webmaster, admin := w.visit(site, actor(viewer.Webmaster, w.ly.ID)), w.visit(site, federation())
	on := w.clock().Format(time.DateOnly)
	var mine, theirs string
	for _, s := range w.switches(bounces.Filter{}) {
		if s.PersonID == laure.ID {
			mine = s.ID.String()
		} else {
			theirs = s.ID.String()
		}
	}
	w.want("another school's", webmaster.post(bounces.Path+"/"+theirs+"/annuler"), 404)
	w.want("nothing that is one", webmaster.post(bounces.Path+"/x/annuler"), 404)
	w.want("her own school's", webmaster.post(bounces.Path+"/"+mine+"/annuler"), 303)
	w.want("twice", webmaster.post(bounces.Path+"/"+mine+"/annuler"), 303)
	w.want("the list tells who", webmaster.get(bounces.Path), 200, "Annulé par webmaster", "-/annuler")
	if got := w.writesTo(laure.ID); got != "a@x.fr" {
		t.Errorf("written to at %q", got)
	}
	w.want("which day", admin.get(bounces.Path+"/jour"), 200, `name="jour"`, "Voir ce jour", `-name="sure"`)
	w.want("a day without any", admin.get(bounces.Path+"/jour?jour=2020-01-01"), 200, "Aucune bascule en cours", `-name="sure"`)
	w.want("a day", admin.get(bounces.Path+"/jour?jour="+on), 200, "1 bascule en cours", `name="sure"`, "orange")
	w.want("another destination", admin.get(bounces.Path+"/jour?jour="+on+"&destination=yahoo"), 200, "yahoo : 0 bascule", "orange")
	w.want("a day of another school", webmaster.get(bounces.Path+"/jour?jour="+on), 200, "Aucune bascule en cours")
	w.want("no day", admin.post(bounces.Path+"/jour", "sure", "1"), 422, "Choisis un jour")
	w.want("not sure", admin.post(bounces.Path+"/jour", "jour", on), 422, "Coche la case", `value="`+on+`"`)
	w.want("nothing there", webmaster.post(bounces.Path+"/jour", "jour", on, "sure", "1"), 422, "Aucune bascule en cours")
	w.want("the day", admin.post(bounces.Path+"/jour", "jour", on, "destination", "orange", "sure", "1"), 303)
	w.run()
	if got := w.writesTo(luc.ID); got != "c@x.fr" {
		t.Errorf("written to at %q", got)
	}
}

func TestNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.forwarding.reserve["a@x.fr"] = ""
	laure := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
	luc := w.add("Luc", "Martin", w.ly, email("c@x.fr"))
	site := w.serve()
	me, other := w.visit(site, self(laure)), w.visit(site, self(luc))
	w.want("all is well", me.get("/moi"), 200, "rien à dire")
	w.dies("a@x.fr", "c@x.fr")
	w.judge()
	contact := w.dossier(laure.ID).Contacts[0].ID.String()
	w.want("hers", me.get("/moi"), 200, "a@x.fr ne reçoit plus", "n’existe plus", "Nous t’écrivons désormais à b@x.fr", "ton adresse à vie attend", "/moi/profil/coordonnees/"+contact+"/lien",
		"Elle marche encore", "/moi/parametres/adresse", "-c@x.fr")
	w.want("his", other.get("/moi"), 200, "c@x.fr ne reçoit plus", "plus d’autre adresse où t’écrire", "-/moi/parametres/adresse", "-a@x.fr")
	w.want("staff who is nobody in the base", w.visit(site, federation()).get("/moi"), 200, "rien à dire")
	w.must(w.people.RemoveContact(t.Context(), system, laure.ID, w.dossier(laure.ID).Contacts[0].ID))
	w.want("removed", me.get("/moi"), 200, "rien à dire")
}

func TestRecord(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.forwarding.reserve["a@x.fr"], w.forwarding.reserve["d@x.fr"] = "", "e@x.fr"
		laure := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
		luc, lise := w.add("Luc", "Martin", w.ly, email("c@x.fr")), w.add("Lise", "Roy", w.ly, email("d@x.fr"), email("e@x.fr"))
		w.dies("a@x.fr", "c@x.fr", "d@x.fr")
		site := w.serve()
		webmaster, secretary := w.visit(site, actor(viewer.Webmaster, w.ly.ID)), w.visit(site, actor(viewer.Secretary, w.ly.ID))
		at := func(d people.Dossier) string { return "/fiche/" + d.ID.String() }
		w.want("before the verdict", webmaster.get(at(laure)), 200, "rien à dire")
		w.judge()
		w.want("webmaster", webmaster.get(at(laure)), 200, "a@x.fr", "Boîte qui n’existe plus", "constaté le 17 juin 2026", "remplacée par b@x.fr", "le courrier de l’adresse à vie attend", "-c@x.fr", "-bounces.")
		w.want("secretary", secretary.get(at(luc)), 200, "c@x.fr", "plus aucune adresse ne marche", "-adresse à vie")
		w.want("with a reserve", secretary.get(at(lise)), 200, "d@x.fr", "le courrier de l’adresse à vie va ailleurs")
		for name, by := range map[string]viewer.Actor{"guest": {}, "graduate": self(luc), "editor": actor(viewer.Editor, w.ly.ID), "elsewhere": actor(viewer.Webmaster, w.re.ID)} {
			w.want(name, w.visit(site, by).get(at(laure)), http.StatusNotFound, "-x.fr")
		}
		w.must(w.people.RemoveContact(t.Context(), system, laure.ID, w.dossier(laure.ID).Contacts[0].ID))
		w.want("removed", webmaster.get(at(laure)), 200, "rien à dire")
	})
}

func TestClaim(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add("Laure", "Lavaut", w.ly, email("seen@x.fr"), email("also@x.fr"), email("secret@x.fr", hidden), email("new@x.fr", unconfirmed, hidden))
		reader := w.add("Luc", "Martin", w.re, email("luc@x.fr"))
		late := w.add("Jean", "Feu", w.ly, email("late@x.fr"), func(d *people.Dossier) { d.Status = people.Deceased })
		hermit := w.add("Anne", "Ermite", w.ly, email("anne@x.fr"), func(d *people.Dossier) {
			d.Audiences = map[people.Field]viewer.Audience{people.FieldIdentity: viewer.OnlyMe}
		})
		site := w.serve()
		path := bounces.ReturnedPath(laure.CurrentLogin())
		guest, graduate, someone := w.visit(site, viewer.Actor{}), w.visit(site, self(reader)), w.visit(site, member(reader))
		secretary := w.visit(site, actor(viewer.Secretary, w.ly.ID))
		w.want("guest", guest.get(path), http.StatusSeeOther)
		w.want("guest posts", guest.post(path), http.StatusUnauthorized)
		w.want("recruiter", w.visit(site, viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}}).get(path), http.StatusForbidden)
		w.want("herself", w.visit(site, self(laure)).get(path), 404)
		w.want("nobody", someone.get(bounces.ReturnedPath("nobody.nowhere.ly1999")), 404)
		w.want("somebody hidden", someone.get(bounces.ReturnedPath(hermit.CurrentLogin())), 404, "-Ermite")
		w.want("somebody deceased", someone.get(bounces.ReturnedPath(late.CurrentLogin())), 404)
		if got := w.actions(laure); len(got) != 0 {
			t.Errorf("the trail says %v before anybody read an address", got)
		}
		w.want("a graduate sees no address", graduate.get(path), 200, "-seen@x.fr", laure.CurrentLogin()+"@ly-alumni.example", "Laure Lavaut")
		w.want("a member sees hers", someone.get(path), 200, "seen@x.fr", "also@x.fr", "-secret@x.fr", "-new@x.fr")
		if got := w.actions(laure); !slices.Equal(got, []string{"profile.viewed_coordinates"}) {
			t.Errorf("the trail says %v, want that her coordinates were read", got)
		}
		which := map[string]string{}
		for _, c := range laure.Contacts {
			which[c.Value] = c.ID.String()
		}
		today := w.clock().Format(time.DateOnly)
		w.want("nothing chosen", someone.post(path, "day", today, "words", "<b>no such user"), 422, "à quelle adresse", "&lt;b&gt;no such user")
		w.want("one that she hides", someone.post(path, "which", which["secret@x.fr"], "day", today), 422, "à quelle adresse")
		w.want("tomorrow", someone.post(path, "which", which["seen@x.fr"], "day", "2026-06-16"), 422, "dans les trente derniers jours", "2026-06-16")
		w.want("long ago", someone.post(path, "which", which["seen@x.fr"], "day", "2026-01-01"), 422, "dans les trente derniers jours")
		w.want("no day", someone.post(path, "which", which["seen@x.fr"], "day", "hier"), 422, "dans les trente derniers jours", `value="hier"`)
		rec := someone.post(path, "which", which["seen@x.fr"], "day", today, "words", "User unknown")
		w.want("a claim", rec, 303)
		w.want("what may be done instead", someone.get(strings.TrimPrefix(rec.Header().Get("Location"), "http://site.example")), 200, "Merci", "also@x.fr", "-seen@x.fr", "-secret@x.fr")
		w.want("the same again", someone.post(path, "which", which["seen@x.fr"], "day", today), 303)
		if got := w.letters(); !slices.Equal(got, []string{"claim also@x.fr", "claim secret@x.fr"}) {
			t.Errorf("letters = %v, want one to each other address that she confirmed", got)
		}
		if text := w.lastLetter().Text; !strings.Contains(text, "à seen@x.fr") || strings.Contains(text, "Martin") {
			t.Errorf("the letter says:\n%s", text)
		}
		w.want("by the lifetime address", graduate.post(path, "which", "a-vie", "day", today), 303)
		w.want("no more than he saw", graduate.get(path+"?signale=a-vie"), 200, "Merci", "-also@x.fr", "-seen@x.fr")
		w.want("the secretary reads", secretary.get(bounces.Path+"/signalements"), 200, "Laure Lavaut", "Luc Martin", "User unknown", "2 signalements", "à 2 adresses", "-seen@x.fr")
		w.want("another school's does not", w.visit(site, actor(viewer.Secretary, w.re.ID)).get(bounces.Path+"/signalements"), 200, "Aucun signalement")
		w.want("a staff member without a person", secretary.get(path), http.StatusForbidden)

		w.observe(outcome("seen@x.fr", "dead"), outcome("seen@x.fr", "dead")) // the same day: two of servers and one of people
		w.tomorrow()
		w.judge()
		if got := w.writesTo(laure.ID); got != "seen@x.fr" {
			t.Errorf("a claim broke an address on one day: %q", got)
		}
	})
}

func TestClaimsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	site := w.serve()
	reporter := member(w.add("Luc", "Martin", w.re, email("luc@x.fr")))
	someone := w.visit(site, reporter)
	last := 0
	for i := range 8 {
		p := w.add("Laure", fmt.Sprint("Lavaut", string(rune('a'+i))), w.ly, email(fmt.Sprintf("a%d@x.fr", i)))
		last = someone.post(bounces.ReturnedPath(p.CurrentLogin()), "which", p.Contacts[0].ID.String(), "day", w.clock().Format(time.DateOnly)).Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the eighth claim in a row: status %d, want 429", last)
	}
	claim := func(i int) error { // past the limits of one process
		p := w.add("Anne", fmt.Sprint("Petit", string(rune('a'+i))), w.ly, email(fmt.Sprintf("p%d@x.fr", i)))
		o, err := w.Offer(t.Context(), reporter, p.CurrentLogin())
		w.must(err)
		return w.AddClaim(t.Context(), reporter, o, bounces.Claim{Which: p.Contacts[0].ID.String(), Day: w.clock()})
	}
	var err error
	for i := range 6 {
		err = claim(i)
	}
	if err == nil {
		t.Error("the eleventh claim of a day is taken")
	}
	w.turn(w.clock().Add(25 * time.Hour))
	w.must(claim(7))
}

func TestPartsOfAPerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
		double := w.add("Laure", "Lavault", w.ly, email("c@x.fr"), email("d@x.fr"))
		luc := w.add("Luc", "Martin", w.re, email("luc@x.fr"))
		say := func(by, about people.Dossier) {
			o, err := w.Offer(t.Context(), member(by), about.CurrentLogin())
			w.must(err)
			w.must(w.AddClaim(t.Context(), member(by), o, bounces.Claim{Which: about.Contacts[0].ID.String(), Day: w.clock(), Words: "mots de " + by.FirstName}))
		}
		w.dies("a@x.fr", "c@x.fr")
		w.judge()
		say(luc, laure)
		say(double, luc)
		w.observe(outcome("b@x.fr", "full"))
		count := func(q string, args ...any) int {
			n, err := db.One[int](t.Context(), d, q, args...)
			w.must(err)
			return n
		}
		if _, err := w.people.Merge(t.Context(), federation().Viewer, double.ID, laure.ID, w.Merger()); err != nil {
			t.Fatal(err)
		}
		if n := count(`SELECT count(*) FROM bounce_switches WHERE person_id = ?`, laure.ID); n != 2 {
			t.Errorf("after the merge %d switches, want 2", n)
		}
		out, err := w.people.Export(t.Context(), self(laure).Viewer, laure.ID, w.Exporter())
		text := fmt.Sprintf("%+v", out.Features["bounces"])
		for _, s := range []string{"a@x.fr", "b@x.fr", "c@x.fr", "mots de Laure"} {
			if err != nil || !strings.Contains(text, s) {
				t.Errorf("the export lacks %q: %s, %v", s, text, err)
			}
		}
		if strings.Contains(text, "luc@x.fr") || strings.Contains(text, "mots de Luc") {
			t.Errorf("the export tells another's: %s", text)
		}
		if out, err := w.people.Export(t.Context(), self(luc).Viewer, luc.ID, w.Exporter()); err != nil || !strings.Contains(fmt.Sprintf("%+v", out.Features["bounces"]), "mots de Luc") {
			t.Errorf("what he said of others: %+v, %v", out.Features, err)
		}
		w.must(w.people.Erase(t.Context(), federation().Viewer, luc.ID, w.Eraser()))
		if n := count(`SELECT count(*) FROM bounce_claims WHERE reporter_id IS NULL AND account_id IS NULL AND words = '' AND reporter = '–'`); n != 1 || count(`SELECT count(*) FROM bounce_claims`) != 1 {
			t.Errorf("%d claims of an erased person are kept without him, want 1, and none about him", n)
		}
		w.must(w.people.Erase(t.Context(), federation().Viewer, laure.ID, w.Eraser()))
		if n := count(`SELECT (SELECT count(*) FROM bounce_switches) + (SELECT count(*) FROM bounce_claims) + (SELECT count(*) FROM bounce_failures)`); n != 0 {
			t.Errorf("%d rows are left of her", n)
		}
	})
}
