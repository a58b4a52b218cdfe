package bounces_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"amicale/internal/bounces"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// ambassador lets somebody look after a class of Lyon.
func (w *world) ambassador(d people.Dossier, year int, v viewer.Viewer, lang string) {
	v.Kind, v.Person = viewer.Network, d.ID
	w.classes[year] = append(w.classes[year], bounces.Ambassador{Person: d.ID, Viewer: v, Name: d.FirstName, Email: strings.ToLower(d.FirstName) + "@ambassade.fr", Lang: lang,
		Stop: "https://amicale.example/desabonnement/" + d.FirstName})
}

// toClasses are the letters to ambassadors that left, oldest first, and how the last reads.
func (w *world) toClasses() (to []string, last string) {
	w.t.Helper()
	list, err := w.outbox.Mailbox(w.t.Context(), 100)
	w.must(err)
	for _, l := range slices.Backward(list) {
		if l.Kind == "bounces.class" {
			to, last = append(to, l.To), l.Subject+"\n"+l.Text
		}
	}
	return to, last
}

func of(year int) tweak { return func(d *people.Dossier) { d.Degrees[0].ClassYear = year } }

func seenBy(a viewer.Audience) tweak {
	return func(d *people.Dossier) {
		d.Audiences = map[people.Field]viewer.Audience{people.FieldIdentity: a}
	}
}

func TestAmbassadorsHearOfTheirClass(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		laure, member, idle := w.add("Laure", "Lavaut", w.ly), w.add("Marc", "Membre", w.ly), w.add("Ida", "Loin", w.ly, of(2011))
		w.ambassador(laure, 2010, viewer.Viewer{}, "en")
		w.ambassador(member, 2010, viewer.Viewer{Member: true}, "fr")
		w.ambassador(idle, 2011, viewer.Viewer{}, "fr")
		seen := w.add("Zoé", "Vu", w.ly, email("vu@x.fr"))
		w.add("Alix", "Ami", w.ly, email("ami@x.fr"))
		w.add("Rita", "Réservée", w.ly, email("reservee@x.fr"), seenBy(viewer.Members))
		w.add("Anne", "Ermite", w.ly, email("ermite@x.fr"), seenBy(viewer.OnlyMe))
		w.add("Jean", "Feu", w.ly, email("feu@x.fr"), func(d *people.Dossier) { d.Status = people.Deceased })
		w.add("Luc", "Ailleurs", w.re, email("ailleurs@x.fr"))
		w.add("Paul", "Ancien", w.ly, email("ancien@x.fr"), of(1998))
		w.add("Théo", "Garde", w.ly, email("garde@x.fr"), email("reste@x.fr"))
		w.add("Inès", "Cachée", w.ly, email("cachee@x.fr"), of(2011), seenBy(viewer.OnlyMe))
		w.dies("vu@x.fr", "ami@x.fr", "reservee@x.fr", "ermite@x.fr", "feu@x.fr", "ailleurs@x.fr", "ancien@x.fr", "garde@x.fr", "cachee@x.fr")
		w.judge()
		w.must(w.Alert(t.Context()))
		w.must(w.Alert(t.Context()))
		to, last := w.toClasses()
		if !slices.Equal(to, []string{"laure@ambassade.fr", "marc@ambassade.fr"}) {
			t.Fatalf("letters to %v, want one to each of 2010 and none to whom all is hidden", to)
		}
		for s, want := range map[string]bool{"Promo 2010 : 3 personnes": true, "– Alix Ami\nhttps://amicale.example/p/alix.ami.ly2010\n– Rita Réservée": true, "Zoé Vu": true,
			"https://amicale.example/moi#ambassadeur": true, "https://amicale.example/desabonnement/Marc": true, "INSA ly": true, "bounces.": false,
			"Ermite": false, "Feu": false, "Ailleurs": false, "Ancien": false, "Garde": false, "Marc Membre": false, "@x.fr": false, "boîte": false} {
			if strings.Contains(last, s) != want {
				t.Errorf("the letter to a member holds %q: %v\n%s", s, !want, last)
			}
		}
		list, err := w.outbox.Mailbox(t.Context(), 100)
		w.must(err)
		for _, l := range list {
			if l.To == "laure@ambassade.fr" && (!strings.Contains(l.Text, "Hello Laure") || !strings.Contains(l.Text, "Zoé Vu") || strings.Contains(l.Text, "Rita")) {
				t.Errorf("the letter to a graduate who is no member:\n%s", l.Text)
			}
		}

		for name, c := range map[string]struct {
			v    viewer.Viewer
			want map[int]int
			err  error
		}{
			"webmaster": {actor(viewer.Webmaster, w.ly.ID).Viewer, map[int]int{2010: 5, 2011: 1}, nil}, "federation": {federation().Viewer, map[int]int{2010: 5, 2011: 1}, nil},
			"elsewhere": {actor(viewer.Webmaster, w.re.ID).Viewer, nil, errs.Forbidden}, "an ambassador": {self(laure).Viewer, nil, errs.Forbidden},
		} {
			if got, err := w.LostByClass(t.Context(), c.v, w.ly.ID, []int{2009, 2010, 2011}); !maps.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("LostByClass() for %s = %v, %v; want %v, %v", name, got, err, c.want, c.err)
			}
		}

		w.tomorrow() // nobody new
		w.must(w.Alert(t.Context()))
		if to, _ := w.toClasses(); len(to) != 2 {
			t.Errorf("nobody new was lost, and letters went to %v", to[2:])
		}
		c := people.ContactPoint{PersonID: seen.ID, Kind: people.Email, Purpose: people.Personal, Value: "found@x.fr", Audience: viewer.Members}
		w.must(w.people.SaveContact(t.Context(), system, &c))
		w.add("Noé", "Nouveau", w.ly, email("nouveau@x.fr"))
		w.dies("nouveau@x.fr")
		w.judge()
		w.must(w.Alert(t.Context()))
		if to, last := w.toClasses(); len(to) != 4 || !strings.Contains(last, "Promo 2010 : 1 personne ") || !strings.Contains(last, "Noé Nouveau") || strings.Contains(last, "Ami") {
			t.Errorf("letters to %v, the last:\n%s", to, last)
		}
	})
}

// Somebody of two schools is told of to both, and to no class twice a day.
func TestAClassHearsOnceADay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.ambassador(w.add("Laure", "Lavaut", w.ly), 2010, viewer.Viewer{}, "fr")
		also := func(d *people.Dossier) {
			d.Degrees = append(d.Degrees, people.Degree{AssociationID: w.re.ID, ClassYear: 2013, Diploma: people.Master})
		}
		w.add("Zoé", "Vu", w.ly, email("vu@x.fr"))
		w.dies("vu@x.fr")
		w.judge()
		w.must(w.Alert(t.Context()))
		both := w.add("Max", "Double", w.ly, email("double@x.fr"), also)
		if both.Degrees[0].AssociationID != w.re.ID {
			t.Fatal("his newest school is not the other one")
		}
		now := w.clock()
		for days := range 2 { // Rennes hears of him on the same day
			w.turn(now.AddDate(0, 0, -1-days))
			w.observe(outcome("double@x.fr", "dead"), outcome("double@x.fr", "dead"))
		}
		w.turn(now)
		w.judge()
		if _, n, err := w.LostContacts(t.Context(), federation().Viewer, id.ID{}, 10, 0); err != nil || n != 2 {
			t.Fatalf("%d are lost, %v, want both", n, err)
		}
		w.must(w.Alert(t.Context()))
		if to, _ := w.toClasses(); len(to) != 1 {
			t.Errorf("the class heard of %d letters in a day, want one", len(to))
		}
		w.tomorrow()
		w.judge()
		w.must(w.Alert(t.Context()))
		if to, last := w.toClasses(); len(to) != 2 || !strings.Contains(last, "Max Double") {
			t.Errorf("the day after: letters to %v, the last:\n%s", to, last)
		}
		if got := w.letters(); !slices.Contains(got, "lost admin@federation.example") {
			t.Errorf("letters = %v; Rennes has no staff, so the federation hears", got)
		}
		if _, err := w.LostByClass(t.Context(), viewer.Viewer{}, id.ID{}, nil); !errors.Is(err, errs.Forbidden) {
			t.Errorf("LostByClass() for nobody = %v", err)
		}
	})
}
