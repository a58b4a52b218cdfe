package app_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/bounces"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// secret is something of a seeded person that only some may see.
type secret struct {
	what  string   // for the message
	forms []string // in which it could be printed; the first is the one a page that may show it holds
	who   viewer.Audience
	page  bool // a profile shows it to whoever may see it
}

// subject is a seeded person with what is to be kept of her.
type subject struct {
	person    people.Dossier
	login     string
	identity  viewer.Audience
	activated bool
	secrets   []secret
}

// maySee is the rule of who sees what, written down a second time: kinds of viewer by audience, for a graduate of
// Lyon. None of them is a contact of hers.
func maySee(kind string, a viewer.Audience) bool {
	staff := []string{"secretary-ly", "webmaster-ly", "federation"}
	switch a {
	case viewer.Everyone:
		return true
	case viewer.InNetwork:
		return slices.Contains(append(staff, "graduate", "student", "member"), kind)
	case viewer.Members:
		return slices.Contains(append(staff, "member"), kind)
	case viewer.Contacts, viewer.MemberContacts, viewer.OnlyMe:
		return slices.Contains(staff, kind)
	}
	return false
}

// marked makes a graduate of Lyon, class of 2010, whose every field says whose it is, all with one audience.
func marked(t *testing.T, w *webtest.World, n int, identity, fields, coordinates viewer.Audience, activated bool) subject {
	t.Helper()
	system := viewer.ForSystem("test")
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ly, _ := all.ByCode("ly")
	endings := []string{"bib", "coc", "dud", "fof", "gug", "hih", "kek", "lol", "mum", "nin"} // more than a typing error apart
	mark := func(what string) string { return "Qx" + what + endings[n] }
	born := time.Date(1951+n, 3, 17, 0, 0, 0, 0, time.UTC)
	phone := fmt.Sprintf("02 61 91 98 %02d", 10+n)
	d := people.Dossier{
		Person: people.Person{ID: id.New(), Civility: "mme", FirstName: mark("Prenom"), FirstNames: mark("Prenom") + " " + mark("Second"), BirthSurname: mark("Naissance"),
			UsageSurname: mark("Usage"), BirthDate: born, Headline: mark("Titre"), Presentation: "Un mot : " + mark("Presentation")},
		Audiences: map[people.Field]viewer.Audience{},
		Note:      map[string]string{"colonne": mark("Note")},
		Degrees:   []people.Degree{{AssociationID: ly.ID, ClassYear: 2010, Diploma: people.Doctorate, Department: mark("Departement")}},
		Contacts: []people.ContactPoint{
			{Kind: people.Email, Purpose: people.Personal, Value: strings.ToLower(mark("courriel")) + "@secret.example", Preferred: true, Audience: coordinates, Origin: "import"},
			{Kind: people.Phone, Purpose: people.Personal, Value: phone, Country: "FR", Audience: coordinates, Origin: "import"},
			{Kind: people.Postal, Purpose: people.Personal, Street: mark("Rue"), Postcode: "69007", City: mark("Ville"), Country: "FR", Audience: coordinates, Origin: "import"},
		},
		LegacyIDs: []people.LegacyID{{Source: "ly", Value: mark("Ancien")}},
		Consents:  []people.Consent{{Kind: "mailing", Granted: true, At: w.App.Now(), Origin: mark("Consentement")}},
		Redirects: []string{strings.ToLower(mark("renvoi")) + "@secret.example"},
	}
	d.Contacts[0].ConfirmedAt = w.App.Now()
	for _, f := range people.Fields() {
		d.Audiences[f] = fields
	}
	d.Audiences[people.FieldIdentity] = identity
	if activated {
		d.ActivatedAt = w.App.Now()
	}
	d.Photo = "photos/" + d.ID.String() + "/" + id.New().String()
	photo := portrait(t, n)
	for _, size := range []string{"small", "large"} {
		if err := w.Blob.Put(t.Context(), d.Photo+"/"+size+".jpg", bytes.NewReader(photo), int64(len(photo)), "image/jpeg"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.App.People().Insert(t.Context(), system, []people.Dossier{d}); err != nil {
		t.Fatal(err)
	}
	if err := w.App.People().GenerateLoginsFor(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	if d, err = w.App.People().Dossier(t.Context(), system, d.ID); err != nil {
		t.Fatal(err)
	}
	if !activated { // whatever an import said
		identity, fields, coordinates = viewer.InNetwork, viewer.OnlyMe, viewer.OnlyMe
	}
	s := subject{person: d, login: d.CurrentLogin(), identity: identity, activated: activated}
	field := func(what string, a viewer.Audience, page bool, forms ...string) {
		if a != viewer.OnlyMe && !maySeeAtMost(a, identity) {
			a = identity // nobody sees more than the one who may know of her
		}
		s.secrets = append(s.secrets, secret{what, forms, a, page})
	}
	field("surname", identity, true, mark("Usage"))
	field("first name", identity, true, mark("Prenom"))
	field("birth surname", fields, true, mark("Naissance"))
	field("headline", fields, true, mark("Titre"))
	field("presentation", fields, true, mark("Presentation"))
	field("department", fields, true, mark("Departement"))
	field("birth date", fields, false, born.Format("2006-01-02"), born.Format("02/01/2006"), fmt.Sprintf("17 mars %d", born.Year()), fmt.Sprintf("17 March %d", born.Year()))
	field("photo", fields, true, d.Photo[strings.LastIndex(d.Photo, "/")+1:], string(photo[len(photo)-40:]))
	field("e-mail", coordinates, true, d.Contacts[0].Value)
	field("phone", coordinates, false, strings.ReplaceAll(phone, " ", ""), phone, fmt.Sprintf("+332619198%02d", 10+n), fmt.Sprintf("2 61 91 98 %02d", 10+n))
	field("street", coordinates, true, mark("Rue"))
	field("town", coordinates, true, mark("Ville"))
	for what, m := range map[string]string{"other first names": mark("Second"), "note": mark("Note"), "former number": mark("Ancien"), "consent": mark("Consentement"),
		"former redirect": strings.ToLower(mark("renvoi"))} {
		field(what, viewer.OnlyMe, false, m)
	}
	return s
}

// maySeeAtMost reports whether whoever sees a sees b too.
func maySeeAtMost(a, b viewer.Audience) bool {
	for _, v := range visitors() {
		if maySee(v.kind, a) && !maySee(v.kind, b) {
			return false
		}
	}
	return true
}

// portrait is a small picture that no other resembles.
func portrait(t *testing.T, n int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 24, 24))
	for i := range img.Pix {
		img.Pix[i] = byte(i*(n+3) + n*17)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// subjects are persons with each audience: those whom everybody may know of, and those hidden as their fields are.
func subjects(t *testing.T, w *webtest.World) []subject {
	t.Helper()
	coordinates := map[viewer.Audience]viewer.Audience{viewer.Everyone: viewer.Members, viewer.InNetwork: viewer.Members, viewer.Members: viewer.MemberContacts, viewer.OnlyMe: viewer.OnlyMe}
	var out []subject
	for _, a := range []viewer.Audience{viewer.Everyone, viewer.InNetwork, viewer.Members, viewer.OnlyMe} {
		out = append(out, marked(t, w, len(out), viewer.Everyone, a, coordinates[a], true))
		if a != viewer.Everyone {
			out = append(out, marked(t, w, len(out), a, a, coordinates[a], true))
		}
	}
	out = append(out, marked(t, w, len(out), viewer.Everyone, viewer.Everyone, viewer.Members, false))
	w.Run()
	return out
}

// looks are the addresses where somebody looks for a person: the profile and its pictures, lists, searches for what
// may be hidden (not quite as it is written, so that a page that repeats the question discloses nothing).
func (s subject) looks() []string {
	out := []string{"/p/" + s.login, "/p/" + s.login + "/photo/small", "/p/" + s.login + "/photo/large", "/admin/acces?q=" + s.login[:len(s.login)-4],
		"/admin/personnes/" + s.person.ID.String(), bounces.ReturnedPath(s.login), bounces.ReturnedPath(s.login) + "?signale=a-vie"}
	for _, x := range s.secrets {
		q := url.QueryEscape(x.forms[0][:len(x.forms[0])-1])
		out = append(out, "/annuaire?q="+q, "/api/v1/people?q="+q, "/admin/personnes?q="+q, "/aide?q="+q)
	}
	return out
}

// discloses are the forms of a secret that an answer holds anywhere.
func discloses(a *webtest.Answer, x secret) string {
	for _, form := range x.forms {
		if strings.Contains(a.Body, form) {
			return form
		}
		for name, values := range a.Header {
			if strings.Contains(strings.Join(values, "\n"), form) {
				return name + ": " + form
			}
		}
	}
	return ""
}

func TestNobodySeesMoreThanHeMay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newCast(t, d, 5)
		list := subjects(t, w)
		desk := caseAbout(t, w, list[len(list)-1])
		about := mailAbout(t, w, list)
		for _, v := range visitors() {
			c := w.As(v.login)
			from := []string{"/", "/annuaire?promo=2010&ecole=ly", "/annuaire?promo=2010&ecole=ly&page=2", "/ma-promo?classe=ly2010", "/ma-promo?classe=ly2010&nouvelles=sans", "/api/v1/people?promo=2010", "/api/v1/me",
				"/admin/journal", "/moi/donnees/donnees.json", "/moi/consultations?tout=1", desk}
			from = append(from, about...)
			for _, s := range list {
				from = append(from, s.looks()...)
			}
			answers := map[string]*webtest.Answer{}
			if d.Postgres() { // the links were followed on the other engine
				for _, at := range from {
					answers[at] = c.Get(at)
				}
			} else {
				answers = crawl(t, c, from...)
			}
			for at, a := range answers {
				if strings.HasPrefix(at, "/dev/") { // the demonstration's mailbox holds everybody's letters
					continue
				}
				for _, s := range list {
					s.hold(t, v, at, a)
				}
			}
			for _, s := range list {
				s.positive(t, v, answers["/p/"+s.login])
			}
		}
	})
}

// hold fails the test where an answer holds what the visitor may not see.
func (s subject) hold(t *testing.T, v visitor, at string, a *webtest.Answer) {
	t.Helper()
	for _, x := range s.secrets {
		if found := discloses(a, x); found != "" && !maySee(v.kind, x.who) {
			t.Errorf("%s: GET %s (status %d) discloses the %s of somebody who shows it to %q: %q", v.kind, at, a.Status, x.what, x.who, found)
		}
	}
	if !maySee(v.kind, s.identity) && !strings.Contains(at, s.login) && strings.Contains(a.Body, s.login) && !strings.Contains(at, "/admin/acces?q=") {
		t.Errorf("%s: GET %s discloses the login %s of somebody hidden", v.kind, at, s.login)
	}
}

// positive fails the test where a profile lacks what the visitor may see: else nothing above would prove anything.
func (s subject) positive(t *testing.T, v visitor, a *webtest.Answer) {
	t.Helper()
	for _, x := range s.secrets {
		if x.page && maySee(v.kind, x.who) && discloses(a, x) == "" {
			t.Errorf("%s: the profile (status %d) lacks the %s, shown to %q", v.kind, a.Status, x.what, x.who)
		}
	}
}

// caseAbout opens a case on the desk of Lyon about a person, with a claim that says who asked, and gives its address.
func caseAbout(t *testing.T, w *webtest.World, s subject) string {
	t.Helper()
	c := w.Guest()
	c.Post("/connexion/activer/envoi", "surname", fold.Name(s.person.UsageSurname), "year", "2010", "email", "quelqu.un@ailleurs.example", "phone", s.person.Contacts[1].Value).Want(303)
	w.Run()
	found, err := db.One[string](t.Context(), w.DB, `SELECT CAST(id AS TEXT) FROM cases WHERE person_id = ? OR kind = 'activation' ORDER BY opened_at DESC LIMIT 1`, s.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	return "/admin/guichet/" + found
}

func TestHiddenAndNobodyAnswerAlike(t *testing.T) {
	t.Parallel()
	w := newCast(t, dbtest.New(t), 5)
	hidden := marked(t, w, 1, viewer.OnlyMe, viewer.OnlyMe, viewer.OnlyMe, true)
	members := marked(t, w, 2, viewer.Members, viewer.Members, viewer.Members, true)
	w.Run()
	// swap makes a login, in any way of writing it, that nobody has and that is as long.
	swap := strings.NewReplacer("qx", "zk", "Qx", "Zk", "QX", "ZK").Replace
	for _, v := range visitors() {
		for _, s := range []subject{hidden, members} {
			if maySee(v.kind, s.identity) {
				continue
			}
			typed := strings.ToUpper(s.login[:1]) + s.login[1:]
			for _, row := range [][]string{
				{"GET", "/p/" + s.login}, {"GET", "/p/" + typed}, {"GET", "/p/" + s.login + "/photo/small"}, {"GET", "/p/" + s.login + "/photo/large?v=1"},
				{"GET", "/annuaire?q=" + fold.Name(s.person.UsageSurname)}, {"GET", "/api/v1/people?q=" + fold.Name(s.person.UsageSurname)},
				{"GET", "/admin/acces?q=" + s.login}, {"GET", "/connexion?qui=" + s.login},
				{"POST", "/connexion", "who", s.login, "password", "ce n’est pas le bon"}, {"POST", "/connexion/oubli", "who", s.login}, {"POST", "/connexion/lien", "who", s.login},
				{"POST", "/connexion/activer", "surname", s.person.UsageSurname, "year", "2010"},
				{"POST", "/connexion/activer/envoi", "surname", s.person.UsageSurname, "year", "2010", "email", "a@b.example", "phone", "06 00 00 00 00"},
				{"POST", "/admin/acces/roles", "who", s.login, "role", "editor"},
				{"GET", bounces.ReturnedPath(s.login)}, {"POST", bounces.ReturnedPath(s.login), "which", "a-vie", "day", w.App.Now().Format(time.DateOnly)},
			} {
				var got [2]*webtest.Answer
				for i, change := range []func(string) string{func(s string) string { return s }, swap} {
					c := w.As(v.login)
					c.IP = fmt.Sprintf("198.51.100.%d", i+1)
					var form []string
					for _, f := range row[2:] {
						form = append(form, change(f))
					}
					if got[i] = c.Get(change(row[1])); row[0] == "POST" {
						got[i] = c.Post(row[1], form...)
					}
				}
				if a, b := comparable(got[0], swap), comparable(got[1], swap); a != b {
					t.Errorf("%s: %s %s tells somebody hidden from nobody:\n%.400s\n…\n%.400s", v.kind, row[0], row[1], difference(a, b), difference(b, a))
				}
			}
		}
	}
}

// comparable is an answer with what was typed written alike, and without what differs by chance.
func comparable(a *webtest.Answer, swap func(string) string) string {
	h := a.Header.Clone()
	h.Del("Date")
	h.Del("Set-Cookie")
	return swap(fmt.Sprint(a.Status, h, a.Body))
}

// difference is what of a begins to differ from b.
func difference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return a[max(0, i-80):]
}
