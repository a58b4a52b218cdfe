package app_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/forwarding"
	"amicale/internal/imports"
	"amicale/internal/inbox"
	"amicale/internal/subscriptions"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// takeIn takes a list of Lyon's graduates in, as the console does.
func takeIn(t testing.TB, w *webtest.World, list string) imports.Report {
	t.Helper()
	r, err := w.App.Imports().Run(t.Context(), viewer.ForSystem("test"), imports.Source{Name: "liste.csv", R: strings.NewReader(list), Size: int64(len(list))}, imports.Options{Association: "ly"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const columns = "Matricule;Nom;Prénom;Promotion;E-mail perso;Redirection;Refus mail;Refus courrier;Date du refus\n"

// mailOf is what the inbox says of mail for an address: where it goes, or the refusal's code.
func mailOf(t testing.TB, w *webtest.World, address string) string {
	t.Helper()
	_, err := forwarding.NewBox(w.App.Forwarding()).Find(t.Context(), inbox.Envelope{}, address)
	var no *inbox.Refusal
	switch {
	case err == nil:
		return "taken"
	case errors.As(err, &no):
		return no.Enhanced
	case errors.Is(err, errs.NotFound):
		return "unknown"
	}
	t.Fatal(err)
	return ""
}

// An address for life works as soon as the list that names its owner is in, and leads where the older system led.
func TestImportedAddressesWorkAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		all, err := w.App.People().Associations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ly, _ := all.ByCode("ly")
		address := func(login string) string { return login + "@" + ly.MailDomain }
		if got := mailOf(t, w, address("marie.qalbe.ly1961")); got != "unknown" {
			t.Fatalf("before the import: %s", got)
		}
		if r := takeIn(t, w, columns+"1;Qalbe;Marie;1961;;marie@ancien.example;;;\n2;Qalbe;Paul;1961;paul@exemple.fr;;;;\n3;Qalbe;Anna;1961;;;;;\n"+
			"4;Qalbe;Zoé;1961;zoe@exemple.fr;zoe@ancien.example, zoe@autre.example;;;\n"); r.Inserted != 4 {
			t.Fatalf("the import: %+v", r.Counts)
		}
		for login, want := range map[string]string{
			"marie.qalbe.ly1961": "taken", "Marie.QALBE.ly1961": "taken", "paul.qalbe.ly1961": "taken", "zoe.qalbe.ly1961": "taken",
			"anna.qalbe.ly1961": "5.2.1", // hers for ever, and nowhere to go
			"luc.qalbe.ly1961":  "unknown",
		} {
			if got := mailOf(t, w, address(login)); got != want {
				t.Errorf("mail for %s: %s, want %s", login, got, want)
			}
		}
		p := startPost(t, w)
		for _, login := range []string{"marie.qalbe.ly1961", "paul.qalbe.ly1961", "zoe.qalbe.ly1961"} {
			p.arrives(address(login))
		}
		left := func() []string {
			t.Helper()
			list, err := db.All[string](t.Context(), d, `SELECT recipient FROM outbox_deliveries WHERE kind = 'forward' ORDER BY recipient`)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		if got, want := left(), []string{"marie@ancien.example", "paul@exemple.fr", "zoe@ancien.example", "zoe@autre.example"}; !slices.Equal(got, want) {
			t.Errorf("what came leaves for %q, want %q", got, want)
		}

		// A later list may still say where to: she is asked for nothing.
		if r := takeIn(t, w, columns+"3;Qalbe;Anna;1961;;anna@ancien.example;;;\n"); r.Updated != 1 {
			t.Fatalf("the second import: %+v", r.Counts)
		}
		p.arrives(address("anna.qalbe.ly1961"))
		if got := left(); !slices.Contains(got, "anna@ancien.example") {
			t.Errorf("what came leaves for %q, want Anna’s as well", got)
		}
	})
}

// named are those of the class to whom the latest letter leaves, by first name.
func named(t testing.TB, d *db.DB) string {
	t.Helper()
	list, err := db.All[string](t.Context(), d, `SELECT p.first_name FROM campaign_recipients r JOIN persons p ON p.id = r.person_id
		WHERE r.state <> 'skipped' AND r.campaign_id = (SELECT id FROM campaigns ORDER BY created_at DESC, id DESC LIMIT 1) ORDER BY p.first_name`)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

// What an older list says was refused is refused here too, until the person himself says otherwise.
func TestImportedRefusalsHold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		all, err := w.App.People().Associations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ly, _ := all.ByCode("ly")
		list := columns + "1;Qalbe;Marie;1961;marie@exemple.fr;;;;\n2;Qalbe;Paul;1961;paul@exemple.fr;;oui;;12/03/2019\n3;Qalbe;Zoé;1961;zoe@exemple.fr;;;oui;\n" +
			"4;Qalbe;Luc;1961;luc@exemple.fr;;oui;;\n"
		if r := takeIn(t, w, list); r.Inserted != 4 {
			t.Fatalf("the import: %+v", r.Counts)
		}
		w.Run()
		at := draftToClass(w, ly.ID, "1961")
		w.As(webtest.Webmaster).Get(at+"/envoi").Want(200, "Ne veulent pas ces lettres")
		sendToClass(w, ly.ID, "1961")
		if got := named(t, d); got != "Marie Zoé" {
			t.Errorf("the letter leaves for %s, want Marie and Zoé, who refuses paper alone", got)
		}

		paul := personOf(t, w, "paul.qalbe.ly1961")
		if _, err := w.App.Accounts().OpenFor(t.Context(), paul); err != nil {
			t.Fatal(err)
		}
		cell := ly.ID.String() + ".news"
		w.As("paul.qalbe.ly1961").Post(subscriptions.Path, "on", cell, "was", cell+".off").Want(303)
		for _, again := range []bool{false, true} { // and the same list once more changes nothing of his word
			if again {
				takeIn(t, w, list)
			}
			sendToClass(w, ly.ID, "1961")
			if got := named(t, d); got != "Marie Paul Zoé" {
				t.Errorf("the list imported again: %v; the letter leaves for %s, want Paul too, who asked for it", again, got)
			}
		}
	})
}
