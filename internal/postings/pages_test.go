package postings_test

import (
	"fmt"
	"mime"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/postings"
	"amicale/internal/viewer"
)

const list = postings.Path

func TestWhoMayOpenThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	draft := w.offer([]part{text("Un poste."), pdf("a.pdf")})
	_, files := w.show(draft)
	one := list + "/" + draft.String()
	for _, c := range []struct {
		name              string
		v                 viewer.Viewer
		front, page, post int
	}{
		{"guest", viewer.Viewer{}, 303, 303, 401},
		{"graduate", viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()}, 403, 403, 403},
		{"recruiter", viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}, 403, 403, 403},
		{"secretary", staff(viewer.Secretary, w.ly.ID).Viewer, 403, 403, 403},
		{"editor elsewhere", staff(viewer.Editor, w.re.ID).Viewer, 200, 404, 404},
		{"editor", staff(viewer.Editor, w.ly.ID).Viewer, 200, 200, 409},
		{"webmaster", staff(viewer.Webmaster, w.ly.ID).Viewer, 200, 200, 409},
		{"federation", federation().Viewer, 200, 200, 409},
	} {
		w.ask(c.v, list).want(c.name+" lists", c.front)
		w.ask(c.v, one).want(c.name+" shows", c.page)
		w.ask(c.v, one+"/fichiers/"+files[0].ID.String()).want(c.name+" downloads", c.page)
		for _, to := range []string{"/garder", "/refuser", "/rouvrir"} { // without a version, as somebody who saw another one
			w.ask(c.v, one+to, "note", "non").want(c.name+" "+to, c.post)
		}
		w.ask(c.v, one, "title", "a", "body", "b").want(c.name+" edits", c.post)
	}
}

func TestTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.ask(federation().Viewer, list).want("empty", 200, "Rien à traiter", "bientôt")
	for n := range 53 {
		w.arrive(envelope(letter([]part{text("Un poste.")}, "Subject", fmt.Sprintf("Offre : <b>poste</b> %d", n))), "emploi@ly.example")
	}
	last := w.arrive(envelope(letter([]part{text("c")}, "Subject", "À Rennes")), "jobs@re.example")
	front := w.ask(staff(viewer.Editor, w.ly.ID).Viewer, list).want("unread", 200, "Offre : &lt;b&gt;poste&lt;/b&gt; 0", "En cours de lecture").without("unread", "Rennes", "<b>poste")
	if n := front.doc().Find("tbody tr").Length(); n != 50 {
		t.Errorf("%d rows, want a page of 50", n)
	}
	w.work()
	w.ask(federation().Viewer, list+"?page=2").want("second page", 200, "À Rennes", "INSA re", "Deviné", "Acme")
	w.ask(federation().Viewer, list+"?ecole=re").want("one school", 200, "À Rennes").without("one school", "poste&lt;/b&gt; 3")
	w.ask(staff(viewer.Editor, w.ly.ID).Viewer, list+"?ecole=re").want("a school that is not his", 200, "poste&lt;/b&gt; 3").without("a school that is not his", "À Rennes")
	w.must(w.Decide(t.Context(), federation(), w.seen(last), postings.Decision{Note: "Trop loin"}))
	w.ask(federation().Viewer, list+"?etat=refusees").want("refused", 200, "À Rennes")
	filter := w.ask(federation().Viewer, list+"?etat=refusees&ecole=re").want("refused, one school", 200, "À Rennes").doc().Find("form:has(label)")
	if filter.Find("label").Text() != "Association" || filter.Find(`option[value=re][selected], input[name=etat][value=refusees]`).Length() != 2 {
		t.Error("the filter forgets what it was given, or does not say of what it is")
	}
	w.ask(staff(viewer.Editor, w.ly.ID).Viewer, list).want("nothing to choose among", 200).without("nothing to choose among", `name="ecole"`)
	w.ask(federation().Viewer, list+"?etat=gardees").want("kept", 200, "Aucune offre gardée")
	w.ask(federation().Viewer, list+"?etat=x&page=99&ecole=zz").want("nonsense", 200)
}

func TestADraftFromMailToDecision(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := staff(viewer.Editor, w.ly.ID).Viewer
		draft := w.offer([]part{text("Bonjour <script>alert(1)</script>"), pdf("Offre « été ».pdf"), other("image/png", "logo.png")}, "Subject", "Offre : Ingénieur")
		one := list + "/" + draft.String()
		page := w.ask(v, one).want("the page", 200, "Ingénieur", "Deviné d’après le mail", "Deviné d’après l’adresse", "Expéditeur vérifié", "rh@acme.example", "logo.png", "Pas gardé",
			"&lt;script&gt;alert(1)", "emploi@ly.example", "Offre incomplète").without("the page", "<script>alert")

		href, ok := page.doc().Find("#fichiers a").First().Attr("href")
		if !ok {
			t.Fatal("the page has no link to the file")
		}
		file := w.ask(v, href).want("the file", 200, "%PDF-1.4")
		disposition, params, err := mime.ParseMediaType(file.header.Get("Content-Disposition"))
		if err != nil || disposition != "attachment" || params["filename"] != "Offre « été ».pdf" || file.header.Get("Content-Type") != "application/pdf" ||
			file.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(file.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("headers of the file: %v", file.header)
		}
		_, files := w.show(draft)
		w.ask(v, one+"/fichiers/"+files[1].ID.String()).want("a file that was not kept", 404)
		w.ask(v, one+"/fichiers/x").want("no file", 404)
		w.ask(v, list+"/x").want("no draft", 404)
		w.ask(v, list+"/"+id.New().String()).want("a draft that is not", 404)

		version := func() string { return fmt.Sprint(w.seen(draft).Version) }
		w.ask(v, one, "version", version(), "title", "", "company", "Acme SA", "body", "Texte tapé").want("without a title", 422, "Donne un intitulé", "Acme SA", "Texte tapé", `href="#f-title"`)
		w.ask(v, one, "version", version(), "title", "Ingénieur", "company", "Acme SA", "body", "Texte").want("saved", 303)
		w.ask(v, one).want("after saving", 200, "Acme SA").without("after saving", "Deviné d’après")
		w.ask(v, one+"/refuser", "version", version(), "reply", "0", "note", "", "words", "").want("without a why", 422, "Dis pourquoi", `href="#refuse-note"`)
		w.ask(v, one+"/garder", "version", version(), "reply", "x", "words", "Mes mots").want("no letter", 422, "Choisis une des lettres", "Mes mots", `href="#keep-reply"`)
		w.ask(v, one+"/refuser", "version", "1", "note", "non").want("an old page", 409, "Quelqu’un a changé cette offre")
		w.ask(v, one+"/refuser", "version", version(), "reply", "2", "note", "", "words", "Merci").want("refused", 303)
		w.ask(v, one).want("decided", 200, "Refusée", "Nom Affiché", "Offre incomplète", "Remettre à traiter").without("decided", one+"/garder")
		w.ask(v, one+"/rouvrir?version="+version(), "x", "y").want("undone from the toast", 303)
		w.ask(v, one+"/garder", "version", version(), "reply", "1").want("kept", 303)
		if l := w.letters(); len(l) != 3 {
			t.Errorf("%d letters, want that it came, that it was refused, that it is kept", len(l))
		}
	})
}

func TestAnUnprovenSenderGetsNoLetterFromThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	m := envelope(letter([]part{text("Un poste.")}, "From", "rien"))
	m.Auth.DMARC = inbox.Fail
	one := list + "/" + w.arrive(m, "emploi@ly.example").String()
	w.ask(federation().Viewer, one).want("unread", 200, "En cours de lecture", "n’est pas vérifié", "Expéditeur illisible").without("unread", "Lettre à l’expéditeur")
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(postings.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if fr, en := b.Keys("fr"), b.Keys("en"); fmt.Sprint(fr) != fmt.Sprint(en) {
		t.Errorf("keys differ: %d in French, %d in English", len(fr), len(en))
	}
}
