package profiles_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	pathlib "path"
	"strings"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/dbtest"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/profiles"
	"amicale/internal/viewer"
)

// square is a picture of one colour.
func square(t *testing.T) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 300, 300))
	for i := range img.Pix {
		img.Pix[i] = 0xc0
	}
	img.Set(1, 1, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bomb is a PNG of a few bytes that says it has 40,000 × 40,000 pixels.
func bomb() []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	head := []byte("IHDR\x00\x00\x9c\x40\x00\x00\x9c\x40\x08\x02\x00\x00\x00")
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)-4))
	b = append(b, head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

func TestViewPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	const markup = `<script>alert("x")</script>`
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.UsageSurname, d.Headline, d.Presentation = `O’<b>Neil</b>`, markup, "Un\nDeux\n\nTrois "+markup
		d.Degrees[0].Department = markup
	})
	sleeper := w.someone("Paul", "Dormeur", func(d *people.Dossier) {
		d.ActivatedAt, d.Headline, d.Photo = time.Time{}, "Ne dit rien", "photos/x"
		d.Contacts[0].Audience = viewer.Members
	})
	login := p.CurrentLogin()
	reader := w.someone("Jean", "Martin")
	guest, graduate, adherent := viewer.Viewer{}, self(reader), member(reader)
	recruiter := viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}
	mail, phone, words := "laure@exemple.fr", "06 12 34 56 78", "&lt;script&gt;alert"
	hiddenTitle := "Ce profil n’est pas visible"
	for _, tt := range []struct {
		name    string
		v       viewer.Viewer
		path    string
		status  int
		must    []string
		mustNot []string
	}{
		{"guest", guest, "/p/" + login, 404, []string{hiddenTitle, "/connexion?next="}, []string{"Laure", "INSA"}},
		{"recruiter", recruiter, "/p/" + login, 404, []string{hiddenTitle}, []string{"Laure", "/connexion"}},
		{"graduate", graduate, "/p/" + login, 200, []string{"Laure", words, "INSA ly", "2010", "réservées aux adhérents"}, []string{mail, phone, markup, "<b>Neil"}},
		{"member", adherent, "/p/" + login, 200, []string{"Laure", mail, "Ta consultation est notée"}, []string{phone, markup, "réservées aux adhérents"}},
		{"webmaster of the school", staffOf(w.ly, viewer.Webmaster), "/p/" + login, 200, []string{mail, phone, "parce que tu gères la base"}, []string{markup}},
		{"webmaster elsewhere", staffOf(w.re, viewer.Webmaster), "/p/" + login, 404, []string{hiddenTitle}, []string{"Laure"}},
		{"editor of the school", staffOf(w.ly, viewer.Editor), "/p/" + login, 404, []string{hiddenTitle}, []string{"Laure"}},
		{"self", self(p), "/p/" + login, 200, []string{mail, phone, "visible pour\u00a0: les adhérents", "visible pour\u00a0: moi seul", "/moi/profil"}, []string{markup, "Ta consultation"}},
		{"never activated, graduate", graduate, "/p/" + sleeper.CurrentLogin(), 200, []string{"Paul Dormeur", "INSA ly", "2010"}, []string{"Ne dit rien", "paul@", "/photo/", "Ingénieur", "électrique"}},
		{"never activated, member", adherent, "/p/" + sleeper.CurrentLogin(), 200, []string{"Paul Dormeur", "Aucune coordonnée à te montrer"}, []string{"Ne dit rien", "paul@", "/photo/", "Ingénieur", "électrique"}},
		{"never activated, guest", guest, "/p/" + sleeper.CurrentLogin(), 404, []string{hiddenTitle}, []string{"Dormeur"}},
		{"nobody", graduate, "/p/no.body.ly2010", 404, []string{hiddenTitle}, nil},
		{"another form of the login", graduate, "/p/" + url.PathEscape(strings.ToUpper(login)), 303, nil, nil},
		{"another form, guest", guest, "/p/" + url.PathEscape(strings.ToUpper(login)), 404, []string{hiddenTitle}, []string{"Laure"}},
	} {
		want(t, tt.name, w.browser(tt.v).get(tt.path), tt.status, tt.must, tt.mustNot)
	}
	if rec := w.browser(graduate).get("/p/" + strings.ToUpper(login)); rec.Header().Get("Location") != "/p/"+login {
		t.Errorf("another form leads to %s, want /p/%s", rec.Header().Get("Location"), login)
	}
}

// What is hidden and what does not exist answer alike, to the byte.
func TestHiddenIsLikeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Audiences = map[people.Field]viewer.Audience{people.FieldIdentity: viewer.OnlyMe}
	})
	reader := w.someone("Jean", "Martin")
	for name, v := range map[string]viewer.Viewer{"guest": {}, "graduate": self(reader), "member": member(reader),
		"recruiter": {Kind: viewer.Recruiter, Account: id.New()}, "staff elsewhere": staffOf(w.re, viewer.Webmaster)} {
		for _, tail := range []string{"", "/photo/large", "/photo/small?v=1"} {
			a := w.browser(v).get("/p/" + p.CurrentLogin() + tail)
			b := w.browser(v).get("/p/laure.lavaus.ly2010" + tail)
			if a.Code != http.StatusNotFound || a.Code != b.Code || a.Body.String() != strings.ReplaceAll(b.Body.String(), "lavaus", "lavaut") {
				t.Errorf("%s %s: hidden is %d, nothing is %d; the bodies differ: %v", name, tail, a.Code, b.Code, a.Body.String() != b.Body.String())
			}
		}
	}
}

func TestReadingCoordinatesLeavesATrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p, reader := w.someone("Laure", "Lavaut"), w.someone("Jean", "Martin")
	path := "/p/" + p.CurrentLogin()
	w.browser(self(p)).get(path)
	w.browser(self(reader)).get(path)
	w.browser(viewer.Viewer{}).get(path)
	m := w.browser(member(reader))
	m.get(path)
	m.get(path)
	w.browser(staffOf(w.ly, viewer.Secretary)).get(path)
	list, err := w.store.Views(t.Context(), self(p), audit.Page{}, false)
	if err != nil || list.Total != 2 {
		t.Errorf("Views() has %d rows (%v), want one of the member and one of the staff", list.Total, err)
	}
	me := w.browser(self(p))
	want(t, "my trail", me.get("/moi/consultations"), 200, []string{"Le Lecteur", "A consulté tes coordonnées"}, []string{"Rien pour l’instant"})
	want(t, "another's is his own", w.browser(self(reader)).get("/moi/consultations"), 200, []string{"Rien pour l’instant"}, []string{"A consulté"})
	want(t, "guest", w.browser(viewer.Viewer{}).get("/moi/consultations"), 303, nil, nil)
	m.w.later(2 * time.Hour)
	for range 40 {
		m.w.later(2 * time.Hour)
		m.get(path)
	}
	want(t, "the second page", me.get("/moi/consultations?page=2"), 200, []string{`aria-current="page"`, "A consulté"}, nil)
}

func TestPreviewIsWhatTheySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Headline, d.Presentation = "Ponts et passerelles", "Je construis."
		d.Audiences = map[people.Field]viewer.Audience{people.FieldIdentity: viewer.Everyone, people.FieldHeadline: viewer.Everyone, people.FieldPresentation: viewer.Members}
	})
	me := w.browser(self(p))
	for _, tt := range []struct {
		eyes          string
		status        int
		must, mustNot []string
	}{
		{"stranger", 200, []string{"comme un inconnu", "Ponts et passerelles"}, []string{"Je construis", "laure@", "Coordonnées", "Ta consultation"}},
		{"recruiter", 200, []string{"comme un recruteur", "Ponts et passerelles"}, []string{"Je construis", "laure@", "Coordonnées"}},
		{"graduate", 200, []string{"n’est pas adhérent", "Ponts et passerelles", "réservées aux adhérents"}, []string{"Je construis", "laure@"}},
		{"member", 200, []string{"comme un adhérent", "Je construis", "laure@exemple.fr"}, []string{"06 12 34 56 78", "visible pour"}},
		{"god", 404, nil, []string{"laure@"}},
	} {
		want(t, tt.eyes, me.get("/moi/profil/apercu?comme="+tt.eyes), tt.status, tt.must, tt.mustNot)
	}
	// The same as the page itself shows to such a viewer.
	want(t, "the page, guest", w.browser(viewer.Viewer{}).get("/p/"+p.CurrentLogin()), 200, []string{"Ponts et passerelles"}, []string{"Je construis", "laure@", "Coordonnées"})
	list, err := w.store.Views(t.Context(), self(p), audit.Page{}, true)
	if err != nil || list.Total != 0 {
		t.Errorf("looking at oneself left %d rows (%v)", list.Total, err)
	}
	hidden := w.someone("Anne", "Cachée")
	want(t, "nothing for a stranger", w.browser(self(hidden)).get("/moi/profil/apercu?comme=stranger"), 200, []string{"Rien du tout"}, []string{"anne@"})
}

func TestHome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Memberships = []people.Membership{{AssociationID: w.ly.ID, StartsOn: day("2026-01-01"), EndsOn: day("2026-12-31"), Origin: "import"}}
	})
	complete := w.someone("Anne", "Complète", func(d *people.Dossier) {
		d.Headline, d.Presentation, d.Photo = "h", "p", "photos/x"
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Postal, Purpose: people.Personal, City: "Lyon", Country: "FR", Audience: viewer.OnlyMe})
	})
	want(t, "member", w.browser(member(p)).get("/moi"), 200,
		[]string{"Bonjour Laure", "2 sur 6", "Ajouter une photo", "Ton adhésion à Alumni ly court jusqu’au 31 décembre 2026", "/ma-promo", "/moi/parametres"}, []string{"Reviens quand"})
	want(t, "complete", w.browser(self(complete)).get("/moi"), 200, []string{"Ton profil est complet", "Tu n’as pas d’adhésion à Alumni ly"}, []string{"sur 6"})
	want(t, "guest", w.browser(viewer.Viewer{}).get("/moi"), 303, nil, nil)
	want(t, "staff", w.browser(staffOf(w.ly, viewer.Webmaster)).get("/moi"), 200, []string{"/admin", "/moi/parametres"}, []string{"/moi/profil"})
	want(t, "recruiter", w.browser(viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}).get("/moi"), 200, []string{"/moi/parametres"}, []string{"/moi/profil", "/admin"})
	w.later(400 * 24 * time.Hour)
	c := w.browser(self(complete))
	want(t, "a year later", c.get("/moi"), 200, []string{"Toujours d’actualité", "Tout est juste"}, nil)
	want(t, "all is right", c.post("/moi/confirmer", nil), 303, nil, nil)
	want(t, "after that", c.get("/moi"), 200, []string{"tout est juste aujourd’hui", "Ton profil est complet"}, []string{"Toujours d’actualité"})
}

func TestEditPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Audiences = map[people.Field]viewer.Audience{people.FieldHeadline: viewer.Contacts}
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: "vieux@exemple.fr", Audience: viewer.MemberContacts, Origin: "import"})
	})
	me := w.browser(self(p))
	page := me.get("/moi/profil")
	want(t, "edit", page, 200, []string{"laure.lavaut.ly2010", "Génie électrique", "vieux@exemple.fr attend ta confirmation", "Renvoyer le lien",
		`value="contacts" selected`, `value="member_contacts" selected`, `<option value="FR" selected`, "Tout est juste"}, []string{"profile.", "people."})
	for _, v := range []viewer.Viewer{{Kind: viewer.Recruiter, Account: id.New()}, staffOf(w.ly, viewer.Webmaster)} {
		want(t, "not theirs", w.browser(v).get("/moi/profil"), 403, nil, []string{"Laure"})
	}
	want(t, "guest", w.browser(viewer.Viewer{}).get("/moi/profil"), 303, nil, nil)

	version := hidden(t, page.Body.String(), "/moi/profil/presentation", "version")
	save := func(headline string) url.Values {
		return url.Values{"version": {version}, "headline": {headline}, "presentation": {"Bonjour"}, "audience_headline": {"everyone"}, "audience_presentation": {"members"}}
	}
	rec := me.post("/moi/profil/presentation", save(strings.Repeat("x", 121)))
	want(t, "too long", rec, 422, []string{"120 caractères au plus", strings.Repeat("x", 121), ">Bonjour</textarea>", "#presentation-headline"}, nil)
	rec = me.post("/moi/profil/presentation", save("Ponts"))
	if rec.Code != 303 || rec.Header().Get("Location") != "/moi/profil#presentation" {
		t.Fatal(rec.Code, rec.Header().Get("Location"))
	}
	want(t, "saved", me.get("/moi/profil"), 200, []string{"C’est enregistré", `value="Ponts"`}, nil)
	// The second tab: told of it, nothing of his lost, and sending again means to replace.
	rec = me.post("/moi/profil/presentation", save("Tunnels"))
	want(t, "second tab", rec, 409, []string{"modifiée entre-temps", `value="Tunnels"`}, nil)
	version = hidden(t, rec.Body.String(), "/moi/profil/presentation", "version")
	want(t, "again", me.post("/moi/profil/presentation", save("Tunnels")), 303, nil, nil)
	if got := w.dossier(p.ID).Headline; got != "Tunnels" {
		t.Errorf("the headline is %q, want Tunnels", got)
	}
}

func TestNameChangeIsSaidBeforehand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := w.browser(self(p))
	version := hidden(t, me.get("/moi/profil").Body.String(), "/moi/profil/identite", "version")
	form := url.Values{"version": {version}, "first_name": {"Laure"}, "birth_surname": {"Lavaut"}, "usage_surname": {"D’Été"}, "civility": {"mme"},
		"audience_identity": {"network"}, "audience_birth_surname": {"network"}, "audience_birth_date": {"me"}}
	want(t, "asked first", me.post("/moi/profil/identite", form), 200, []string{"laure.d-ete.ly2010", "Oui, changer mon nom", `value="D’Été"`}, nil)
	if got := w.dossier(p.ID); got.UsageSurname != "" {
		t.Errorf("the name is %q before the answer", got.UsageSurname)
	}
	form.Set("birth_date", "31/12/1999")
	want(t, "a wrong date", me.post("/moi/profil/identite", form), 422, []string{"Écris une date", `value="31/12/1999"`}, nil)
	form.Set("birth_date", "")
	form.Set("sure", "laure.autre.ly2010")
	want(t, "sure of another name", me.post("/moi/profil/identite", form), 200, []string{"Oui, changer mon nom"}, nil)
	form.Set("sure", "laure.d-ete.ly2010")
	want(t, "sure", me.post("/moi/profil/identite", form), 303, nil, nil)
	page := me.get("/p/laure.lavaut.ly2010")
	if page.Code != 303 || page.Header().Get("Location") != "/p/laure.d-ete.ly2010" {
		t.Errorf("the former login gives %d %s", page.Code, page.Header().Get("Location"))
	}
	want(t, "no such undo", me.post("/moi/profil/annuler/"+id.New().String(), nil), 303, nil, nil)
	want(t, "said", me.get("/moi/profil"), 200, []string{"trop tard pour annuler"}, nil)
}

func TestPhotoPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p, reader := w.someone("Laure", "Lavaut"), w.someone("Jean", "Martin")
	me := w.browser(self(p))
	typed := map[string]string{"audience_photo": "members"}
	svg := []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	for _, tt := range []struct {
		name, file string
		data       []byte
		status     int
		must       string
	}{
		{"svg named png", "moi.png", svg, 422, "n’est pas une image gif, png ou jpg"},
		{"40000 × 40000", "moi.png", bomb(), 422, "40000 × 40000 points"},
		{"half a png", "moi.png", []byte(square(t))[:200], 422, "abîmée ou incomplète"},
		{"too big", "moi.jpg", append([]byte("\xff\xd8\xff"), make([]byte, profiles.MaxPhotoBytes)...), 422, "dépasse 2 Mo"},
		{"far too big", "moi.jpg", make([]byte, 25<<20), 422, "dépasse 2 Mo"},
	} {
		rec := me.upload("/moi/profil/photo", tt.file, tt.data, typed)
		want(t, tt.name, rec, tt.status, []string{tt.must, `id="photo-photo-error"`}, []string{"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>"})
		if tt.name != "far too big" {
			want(t, tt.name, rec, tt.status, []string{`value="members" selected`}, nil)
		}
		if d := w.dossier(p.ID); d.Photo != "" || d.Audiences[people.FieldPhoto] != "" {
			t.Errorf("%s: something was kept: %q %q", tt.name, d.Photo, d.Audiences[people.FieldPhoto])
		}
	}
	want(t, "a photo", me.upload("/moi/profil/photo", "moi.png", []byte(square(t)), typed), 303, nil, nil)
	d := w.dossier(p.ID)
	path := people.PhotoPath(d.CurrentLogin(), d.Photo, "large")
	if d.Photo == "" || d.Audiences[people.FieldPhoto] != viewer.Members {
		t.Fatalf("after the upload: %q %q", d.Photo, d.Audiences[people.FieldPhoto])
	}
	for _, tt := range []struct {
		name   string
		v      viewer.Viewer
		status int
	}{{"guest", viewer.Viewer{}, 404}, {"graduate", self(reader), 404}, {"member", member(reader), 200}, {"self", self(p), 200}} {
		rec := w.browser(tt.v).get(path)
		if rec.Code != tt.status {
			t.Errorf("%s: the photo is %d, want %d", tt.name, rec.Code, tt.status)
		}
		cached := rec.Header().Get("Cache-Control")
		if tt.status == 200 && (cached != "private, max-age=86400" || rec.Header().Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(rec.Body.String(), "\xff\xd8\xff")) {
			t.Errorf("%s: %s, %s", tt.name, cached, rec.Header().Get("Content-Type"))
		}
	}
	req := httptest.NewRequest(http.MethodGet, path, nil)
	req.Header.Set("If-None-Match", `"`+pathlib.Base(d.Photo)+`"`)
	if rec := w.browser(member(reader)).do(req); rec.Code != http.StatusNotModified {
		t.Errorf("the same photo again is %d, want 304", rec.Code)
	}
	want(t, "another size", w.browser(member(reader)).get("/p/"+d.CurrentLogin()+"/photo/../large"), 307, nil, nil)
	want(t, "no such size", w.browser(member(reader)).get("/p/"+d.CurrentLogin()+"/photo/xl"), 404, nil, nil)
	want(t, "the preview", me.get("/moi/profil/photo/small"), 200, nil, nil)

	// Removed, taken back, replaced: the files of what nobody shows go after a while, the others stay.
	want(t, "removed", me.post("/moi/profil/photo/retirer", nil), 303, nil, nil)
	want(t, "gone", w.browser(member(reader)).get(path), 404, nil, nil)
	page := me.get("/moi/profil")
	want(t, "the word", page, 200, []string{"Ta photo est retirée"}, nil)
	w.later(3 * time.Hour)
	w.run()
	for k := range w.blobs.List(t.Context(), "photos/") {
		t.Errorf("%s stays", k)
	}
}

func TestPhotoUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := as(self(p))
	if _, err := w.store.SavePhoto(t.Context(), me, strings.NewReader(square(t))); err != nil {
		t.Fatal(err)
	}
	first := w.dossier(p.ID).Photo
	w.later(50 * time.Minute)
	undo, err := w.store.SavePhoto(t.Context(), me, strings.NewReader(square(t)))
	if err != nil {
		t.Fatal(err)
	}
	w.later(20 * time.Minute) // the first upload's own check is due by now
	w.run()
	if err := w.store.Undo(t.Context(), me, undo); err != nil {
		t.Fatal(err)
	}
	w.later(3 * time.Hour)
	w.run()
	if got := w.dossier(p.ID).Photo; got != first {
		t.Errorf("the photo is %s, want %s", got, first)
	}
	if _, err := w.store.OwnPhoto(t.Context(), self(p), profiles.SmallPhoto); err != nil {
		t.Errorf("the photo that came back: %v", err)
	}
}

func TestContactPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := w.browser(self(p))
	add := func(fields url.Values) *httptest.ResponseRecorder { return me.post("/moi/profil/coordonnees", fields) }
	want(t, "lifetime address", add(url.Values{"kind": {"email"}, "value": {"x@ly-alumni.example"}, "purpose": {"personal"}, "audience": {"members"}}), 422,
		[]string{"adresse à vie de nos associations", `value="x@ly-alumni.example"`, "#nouveau-email-value"}, nil)
	want(t, "an address", add(url.Values{"kind": {"email"}, "value": {"pro@exemple.fr"}, "purpose": {"professional"}, "audience": {"members"}}), 303, nil, nil)
	want(t, "waits", me.get("/moi/profil"), 200, []string{"Nous venons d’y envoyer un lien", "pro@exemple.fr attend ta confirmation"}, nil)
	w.run()
	link := w.lastLink()
	guest := w.browser(viewer.Viewer{})
	want(t, "looking changes nothing", guest.get(link), 200, []string{"pro@exemple.fr", "Oui, c’est ma boîte"}, nil)
	want(t, "nor twice", guest.get(link), 200, []string{"pro@exemple.fr"}, nil)
	want(t, "confirmed", guest.post(link, nil), 200, []string{"Adresse confirmée"}, nil)
	want(t, "used up", guest.post(link, nil), 404, []string{"Ce lien n’est plus bon"}, nil)
	want(t, "made up", guest.get("/moi/profil/email/zzz"), 404, []string{"Ce lien n’est plus bon"}, nil)
	want(t, "no kind of ours", add(url.Values{"kind": {"fax"}}), 422, nil, nil)
	other := w.someone("Jean", "Martin")
	theirs := other.Contacts[0].ID.String()
	for _, verb := range []string{"", "/retirer", "/preferer", "/lien"} {
		want(t, "another's"+verb, me.post("/moi/profil/coordonnees/"+theirs+verb, url.Values{"audience": {"me"}}), 404, nil, []string{"jean@"})
	}
	mail := profiles.Contacts(p.Contacts, people.Email)[0]
	base := "/moi/profil/coordonnees/" + mail.ID.String()
	want(t, "an audience", me.post(base, url.Values{"version": {profiles.ContactVersion(mail)}, "purpose": {"personal"}, "audience": {"me"}}), 303, nil, nil)
	want(t, "an old version", me.post(base, url.Values{"version": {profiles.ContactVersion(mail)}, "purpose": {"personal"}, "audience": {"members"}}), 409, []string{"modifiée entre-temps"}, nil)
	want(t, "removed", me.post(base+"/retirer", nil), 303, nil, nil)
	for _, c := range w.dossier(p.ID).Contacts {
		if c.Value == "pro@exemple.fr" {
			want(t, "the last", me.post("/moi/profil/coordonnees/"+c.ID.String()+"/retirer", nil), 422, []string{"ta seule adresse confirmée"}, nil)
		}
	}
	for i := range 8 {
		rec := add(url.Values{"kind": {"email"}, "value": {"bombe" + string(rune('0'+i)) + "@exemple.fr"}, "purpose": {"temporary"}})
		if i == 7 {
			want(t, "too often", rec, 429, []string{"Trop d’essais"}, nil)
		}
	}
}

func TestPostalPages(t *testing.T) {
	t.Parallel()
	if len(profiles.Towns(people.ContactPoint{Postcode: "69001", Country: "FR"})) == 0 {
		t.Skip("the reference data are not built: make assets")
	}
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := w.browser(self(p))
	add := func(postcode, town string) *httptest.ResponseRecorder {
		return me.post("/moi/profil/coordonnees", url.Values{"kind": {"postal"}, "street": {"1 rue X"}, "postcode": {postcode}, "city": {""}, "town": {town},
			"country": {"FR"}, "purpose": {"personal"}, "audience": {"members"}})
	}
	want(t, "one town", add("69001", ""), 303, nil, nil)
	rec := add("01090", "")
	want(t, "several", rec, 422, []string{"Plusieurs communes", `name="town"`, ">1 rue X</textarea>"}, nil)
	_, town, _ := strings.Cut(rec.Body.String(), `name="town" value="`)
	town, _, _ = strings.Cut(town, `"`)
	want(t, "chosen", add("01090", town), 303, nil, nil)
	cities := ""
	for _, c := range profiles.Contacts(w.dossier(p.ID).Contacts, people.Postal) {
		cities += c.City + "|"
	}
	if cities != "Lyon|"+town+"|" {
		t.Errorf("the towns are %s", cities)
	}
	want(t, "while typing", me.get("/moi/profil/villes?postcode=69001&country=FR"), 200, []string{`<option value="Lyon">`}, []string{"<html"})
	want(t, "by name", me.get("/moi/profil/villes?city=Ren&country=FR"), 200, []string{`<option value="Rennes">`}, nil)
	want(t, "nothing typed", me.get("/moi/profil/villes?country=FR"), 200, nil, []string{"<option"})
}

func TestDataPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Headline = "Ponts & passerelles" })
	if _, err := w.store.SavePhoto(t.Context(), as(self(p)), strings.NewReader(square(t))); err != nil {
		t.Fatal(err)
	}
	me := w.browser(self(p))
	want(t, "data", me.get("/moi/donnees"), 200, []string{"/moi/donnees/telecharger", "/moi/donnees/effacer"}, nil)
	rec := me.get("/moi/donnees/donnees.json")
	var got people.Export
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Person.Headline != "Ponts & passerelles" || len(got.Contacts) != 2 || got.Features["profiles"] == nil {
		t.Errorf("the copy is %+v (%v)", got, err)
	}
	rec = me.get("/moi/donnees/telecharger")
	z, err := zip.NewReader(bytes.NewReader(rec.Body.Bytes()), int64(rec.Body.Len()))
	if err != nil || len(z.File) != 2 || z.File[0].Name != "donnees.json" || z.File[1].Name != "photo.jpg" {
		t.Errorf("the zip: %v", err)
	}
	for _, path := range []string{"/moi/donnees", "/moi/donnees/telecharger", "/moi/donnees/donnees.json", "/moi/donnees/effacer"} {
		want(t, "guest "+path, w.browser(viewer.Viewer{}).get(path), 303, nil, []string{"Laure"})
		want(t, "staff "+path, w.browser(staffOf(w.ly, viewer.Webmaster)).get(path), 403, nil, []string{"Laure"})
	}
	want(t, "what goes", me.get("/moi/donnees/effacer"), 200, []string{"laure@exemple.fr", "Ton identifiant, réservé"}, []string{"L123-22"})
	want(t, "asked", me.post("/moi/donnees/effacer", nil), 303, nil, nil)
	want(t, "said", me.get("/moi/donnees/effacer"), 200, []string{"Le lien est parti à laure@exemple.fr"}, nil)
	link := w.lastLink()
	want(t, "another follows it", w.browser(self(w.someone("Jean", "Martin"))).get(link), 404, []string{"Ce lien n’est plus bon"}, nil)
	want(t, "the last question", me.get(link), 200, []string{"Effacer maintenant"}, nil)
	want(t, "yes", me.post(link, nil), 303, nil, nil)
	want(t, "signed out", me.get("/moi/profil"), 303, nil, nil)
	want(t, "nobody any more", w.browser(self(w.someone("Zoé", "Martin"))).get("/p/laure.lavaut.ly2010"), 404, nil, []string{"Laure"})
	if got := w.letters(); got[len(got)-1] != "erased laure@exemple.fr" {
		t.Errorf("letters: %v", got)
	}
}

// Every text exists in both languages.
func TestMessages(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(profiles.Messages)
	if err != nil {
		t.Fatal(err)
	}
	fr, en := strings.Join(b.Keys("fr"), "\n"), strings.Join(b.Keys("en"), "\n")
	if fr != en {
		t.Errorf("the languages differ:\n%s\n\n%s", fr, en)
	}
}
