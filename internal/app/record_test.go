package app_test

import (
	"slices"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// What the staff needs on the phone about somebody's mail stands on the record, for those who may read it, with a trail;
// what is refused on the phone is refused.
func TestTheRecordTellsOfMail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newCast(t, d, 5)
		r := takeIn(t, w, columns+"1;Qalbe;Marie;1961;marie@exemple.fr;marie@ancien.example;;;\n2;Qalbe;Paul;1961;paul@exemple.fr;;oui;;12/03/2019\n3;Qalbe;Zoé;1961;zoe@exemple.fr;;;;\n")
		if r.Inserted != 3 {
			t.Fatalf("the import: %+v", r.Counts)
		}
		w.Run()
		const login = "marie.qalbe.ly1961"
		marie := personOf(t, w, login)
		all, err := w.App.People().Associations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ly, _ := all.ByCode("ly")
		lifetime, record := login+"@"+ly.MailDomain, "/admin/personnes/"+marie.String()
		startPost(t, w).arrives(lifetime)
		dies(t, w, "marie@exemple.fr")

		for _, v := range visitors() {
			a, form := w.As(v.login).Get(record), w.As(v.login).Post(record+"/abonnements", "refuse", ly.ID.String()+".paper")
			if !slices.Contains([]string{"secretary-ly", "webmaster-ly", "federation"}, v.kind) {
				a.Without(lifetime, "marie@")
				if a.Status == 200 || form.Status == 303 {
					t.Errorf("%s: the record answers %d, its form %d", v.kind, a.Status, form.Status)
				}
				continue
			}
			a.Want(200, lifetime, "Il passe.", "marie@ancien.example", "Un message depuis trente jours", "Boîte qui n’existe plus", "Adresse en erreur remplacée", "Fiche consultée")
			a.Without("quelqu.un@ailleurs.example", "app.action.", "forwarding.", "bounces.", "subscriptions.")
			form.Want(303)
		}
		w.As(secretaryLogin).Get(record).Want(200, "Abonnements modifiés", "Refus noté par l’équipe")
		w.As(secretaryLogin).Get("/admin/personnes/"+personOf(t, w, "paul.qalbe.ly1961").String()).Want(200, "Refus noté avant ce site, le 12 mars 2019")

		// On the phone she says no to the news of Lyon, through the form as the page has it.
		secretary := w.As(secretaryLogin)
		page := secretary.Get(record)
		secretary.Submit(page, record+"/abonnements").Want(422, "Rien n’est coché")
		secretary.Submit(page, record+"/abonnements", "refuse", ly.ID.String()+".news").Want(303)
		sendToClass(w, ly.ID, "1961")
		if got := named(t, d); got != "Zoé" {
			t.Errorf("the letter leaves for %s, want Zoé alone: Marie refused on the phone, Paul in an older list", got)
		}
		if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM audit WHERE person_id = ? AND action = 'subscriptions.changed'`, marie); err != nil || n != 2 {
			t.Errorf("%d refusals in the trail, %v, want those of the paper and of the news", n, err)
		}
	})
}

// My space shows the address for life to who has one, with what became of the mail.
// TestTheProfileShowsThePreferredAddress: one of five, the lifetime address among them.
func TestTheProfileShowsThePreferredAddress(t *testing.T) {
	t.Parallel()
	w := webtest.New(t, dbtest.New(t))
	me := w.As(webtest.Member)
	title := func() string {
		return strings.Join(strings.Fields(me.Get("/moi/profil").Want(200).Doc().Find("#adresse summary").Text()), " ")
	}
	if got := title(); !strings.HasPrefix(got, webtest.Member+"@") || strings.Contains(got, "préféré") {
		t.Errorf("before: %q", got)
	}
	own := me.Get("/moi/parametres/adresse").Want(200).Doc()
	key := own.Find(`form[action="/moi/parametres/adresse"] input[name=address]`).First().AttrOr("value", "")
	me.Post("/moi/parametres/adresse", "version", own.Find(`input[name=version]`).AttrOr("value", ""), "address", key, forwarding.PlaceField(key), "1",
		"mode", "all", "strictness", "normal", "preferred", "1").Want(303)
	if got := title(); !strings.Contains(got, "préféré") {
		t.Errorf("preferred: %q", got)
	}
	me.Get("/moi/profil").Want(200, "les lettres arrivent ici")
}

func TestMySpaceShowsTheAddressForLife(t *testing.T) {
	t.Parallel()
	w := newCast(t, dbtest.New(t), 5)
	person := personOf(t, w, webtest.Member)
	d, err := w.App.People().Dossier(t.Context(), viewer.ForSystem("test"), person)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as := d.LifetimeAddresses(all)
	if len(as) == 0 || !strings.HasPrefix(as[0].Address, webtest.Member+"@") {
		t.Fatalf("her addresses are %v", as)
	}
	w.As(webtest.Member).Get("/moi").Want(200, "Mon adresse à vie", as[0].Address, "Aucun message depuis trente jours")
	p := startPost(t, w)
	p.arrives(as[0].Address)
	if email, ok := d.PreferredEmail(); !ok || email.Purpose != people.Personal {
		t.Fatalf("she has no address that mail goes to: %+v", email)
	}
	w.As(webtest.Member).Get("/moi").Want(200, "Un message depuis trente jours").Without("Un message n’est pas arrivé")
	if _, err := w.DB.Exec(t.Context(), `UPDATE outbox_deliveries SET state = 'failed', class = 'dead', done_at = ?`, w.App.Now()); err != nil {
		t.Fatal(err)
	}
	w.As(webtest.Member).Get("/moi").Want(200, "Un message n’est pas arrivé", forwarding.PassagesPath)
	for _, v := range visitors() {
		if has := slices.Contains([]string{"graduate", "student", "member", "webmaster-ly"}, v.kind); v.login != "" && strings.Contains(w.As(v.login).Get("/moi").Body, "Mon adresse à vie") != has {
			t.Errorf("%s: my space shows an address for life: %v", v.kind, !has)
		}
	}
}
