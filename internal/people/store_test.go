package people_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// full has something in every field that is stored.
func full(b base) people.Dossier {
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	return people.Dossier{
		Person: people.Person{Civility: "mme", FirstNames: "Laure Marie", FirstName: "Laure", BirthSurname: "Durand", UsageSurname: "Lavaut",
			BirthDate: day(1987, 2, 28), Status: people.Graduate, Headline: "Ingénieure <b>", Presentation: "Un\n\ndeux", Photo: "photo/x",
			ActivatedAt: noon, ConfirmedAt: noon.Add(time.Hour)},
		Audiences: map[people.Field]viewer.Audience{people.FieldPhoto: viewer.Everyone},
		Note:      map[string]string{"Couleur préférée": "bleu d'eau"},
		Degrees: []people.Degree{
			{AssociationID: b.re.ID, ClassYear: 2012, Diploma: people.Doctorate, Department: "Matériaux"},
			{AssociationID: b.ly.ID, ClassYear: 2010, Diploma: people.Engineer, Department: "GE"},
			{AssociationID: b.ly.ID, Diploma: people.StudentDiploma, StudyYear: 3},
		},
		Logins: []people.Login{{Login: "Laure_L", Origin: "import"}},
		Contacts: []people.ContactPoint{
			{Kind: people.Email, Purpose: people.Personal, Value: "Laure@Exemple.fr", Preferred: true, ConfirmedAt: noon, Origin: "import"},
			{Kind: people.Email, Purpose: people.Professional, Value: "laure.lavaut@mail.example", Preferred: true, Audience: viewer.MemberContacts, Origin: "import"},
			{Kind: people.Phone, Purpose: people.Personal, Value: "01 99 00 12 34", Origin: "import"},
			{Kind: people.Postal, Purpose: people.Personal, Street: "1 rue de l’Église", Postcode: "69100", City: "Villeurbanne", Country: "FR", Origin: "import"},
			{Kind: people.Postal, Purpose: people.Temporary, City: "Kyoto", Country: "jp", ValidFrom: day(2026, 1, 1), ValidTo: day(2026, 12, 31), Origin: "person"},
		},
		Memberships: []people.Membership{
			{AssociationID: b.ly.ID, StartsOn: day(2025, 1, 1), EndsOn: day(2025, 12, 31), Origin: "import"},
			{AssociationID: b.ly.ID, StartsOn: noon, EndsOn: noon, Origin: "import"},
		},
		LegacyIDs: []people.LegacyID{{Source: "galette", Value: "17"}, {Source: "ly", Value: "A-1"}},
		Consents:  []people.Consent{{Kind: "mailing", Granted: false, At: noon.AddDate(-3, 0, 0), Origin: "import"}},
		Redirects: []string{"laure@exemple.fr", "laure@exemple.fr"},
	}
}

func TestInsertAndLoad(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		list := []people.Dossier{full(b)}
		person := b.insert(t, list...)[0]
		want, got := list[0], b.dossier(t, person)

		want.Contacts[1].Preferred = false // one a kind
		want.Contacts[4].Country = "JP"
		want.Memberships[1].StartsOn, want.Memberships[1].EndsOn = noon.Truncate(24*time.Hour), noon.Truncate(24*time.Hour)
		want.Redirects = want.Redirects[:1]
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Dossier() =\n%s\nwant\n%s", asJSON(got), asJSON(want))
		}
		if got.BirthYear != 1987 || got.Contacts[0].ValueKey != "laure@exemple.fr" || got.Contacts[2].ValueKey != "+33199001234" {
			t.Errorf("folded: %d, %q, %q", got.BirthYear, got.Contacts[0].ValueKey, got.Contacts[2].ValueKey)
		}
		if n := b.touched(t, person); n != 1 {
			t.Errorf("the feed names the person %d times, want 1", n)
		}
	})
}

func asJSON(v any) string { b, _ := json.MarshalIndent(v, "", " "); return string(b) }

func TestInsertRefusals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		bad := graduate("Anne", "Roy", b.ly, 2010)
		bad.Contacts = []people.ContactPoint{{Kind: people.Email, Value: "anne at home"}}
		both, dues := graduate("Anne", "Roy", b.ly, 2010), graduate("Anne", "Roy", b.ly, 2010)
		both.Degrees = append(both.Degrees, people.Degree{AssociationID: b.re.ID, ClassYear: 2011})
		dues.Memberships = []people.Membership{{AssociationID: b.re.ID, StartsOn: noon, EndsOn: noon}}
		for _, c := range []struct {
			name string
			v    viewer.Viewer
			d    people.Dossier
			want error
		}{
			{"by a foreign webmaster", staff(viewer.Webmaster, b.re), graduate("Anne", "Roy", b.ly, 2010), errs.Forbidden},
			{"with a degree of another school", staff(viewer.Webmaster, b.ly), both, errs.Forbidden},
			{"with dues paid to another", staff(viewer.Webmaster, b.ly), dues, errs.Forbidden},
			{"by a secretary", staff(viewer.Secretary, b.ly), graduate("Anne", "Roy", b.ly, 2010), errs.Forbidden},
			{"by a graduate", self(id.New()), graduate("Anne", "Roy", b.ly, 2010), errs.Forbidden},
			{"with an address that is none", system, bad, errs.Invalid},
			{"with a taken login", system, people.Dossier{Logins: []people.Login{{Login: "x.y.ly2000"}}}, errs.Conflict},
			{"by the webmaster", staff(viewer.Webmaster, b.ly), graduate("Anne", "Roy", b.ly, 2010), nil},
		} {
			if c.want == errs.Conflict {
				b.insert(t, c.d)
			}
			before, _ := b.Count(t.Context())
			if err := b.Insert(t.Context(), c.v, []people.Dossier{graduate("Luc", "Roy", b.ly, 2010), c.d}); !errors.Is(err, c.want) {
				t.Errorf("Insert %s = %v, want %v", c.name, err, c.want)
			}
			after, _ := b.Count(t.Context())
			if added := after - before; (c.want == nil) != (added == 2) || c.want != nil && added != 0 {
				t.Errorf("Insert %s added %d persons", c.name, added)
			}
		}
	})
}

func TestContacts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.add(t, graduate("Anne", "Roy", b.ly, 2010))
		me := self(person)
		save := func(v viewer.Viewer, c people.ContactPoint) people.ContactPoint {
			t.Helper()
			c.PersonID = person
			if err := b.SaveContact(t.Context(), v, &c); err != nil {
				t.Fatal(err)
			}
			return c
		}
		preferred := func(what, want string) {
			t.Helper()
			var got []string
			for _, c := range b.dossier(t, person).Contacts {
				if c.Preferred {
					got = append(got, c.Value)
				}
			}
			if !slices.Equal(got, []string{want}) {
				t.Errorf("%s: preferred = %v, want %s alone", what, got, want)
			}
		}
		one := save(me, people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: " One@Exemple.fr ", ConfirmedAt: noon})
		preferred("the first", "One@Exemple.fr")
		if !one.ConfirmedAt.IsZero() {
			t.Error("a person confirmed an address by saving it")
		}
		two := save(me, people.ContactPoint{Kind: people.Email, Purpose: people.Professional, Value: "two@exemple.fr", Preferred: true})
		preferred("asked for", "two@exemple.fr")
		two.Preferred = false
		save(me, two)
		preferred("given back to nobody", "two@exemple.fr")

		if err := b.ConfirmEmail(t.Context(), person, "ONE@exemple.FR", "activation"); err != nil {
			t.Fatal(err)
		}
		preferred("the one confirmed", "One@Exemple.fr")
		if err := b.ConfirmEmail(t.Context(), person, "three@exemple.fr", "activation"); err != nil {
			t.Fatal(err)
		}
		preferred("another confirmed later", "One@Exemple.fr")
		if list, err := b.PersonsByEmail(t.Context(), "Three@exemple.fr"); err != nil || !slices.Equal(list, []id.ID{person}) {
			t.Errorf("PersonsByEmail() = %v, %v", list, err)
		}
		if err := b.RemoveContact(t.Context(), me, person, one.ID); err != nil {
			t.Fatal(err)
		}
		preferred("the next confirmed one", "three@exemple.fr")

		three := b.dossier(t, person).Contacts[1]
		if three.Value != "three@exemple.fr" {
			three = b.dossier(t, person).Contacts[0]
		}
		three.Audience = viewer.OnlyMe
		if save(me, three).ConfirmedAt.IsZero() {
			t.Error("another audience unconfirmed the address")
		}
		three.Value, three.ConfirmedAt = "thief@exemple.fr", noon
		if !save(me, three).ConfirmedAt.IsZero() {
			t.Error("another address is still confirmed")
		}
		if list, err := b.PersonsByEmail(t.Context(), "thief@exemple.fr"); err != nil || len(list) != 0 {
			t.Errorf("PersonsByEmail(not confirmed) = %v, %v", list, err)
		}
		wide := save(me, people.ContactPoint{Kind: people.Phone, Purpose: people.Personal, Value: "0199001234", Audience: viewer.Everyone})
		if wide.Audience != viewer.OnlyMe || wide.ValueKey != "+33199001234" {
			t.Errorf("phone = %s for %s, want +33199001234 for me", wide.ValueKey, wide.Audience)
		}
		found, err := b.PersonsByContact(t.Context(), system, "+33199001234", "thief@exemple.fr", "nobody@exemple.fr", "")
		if err != nil || len(found) != 2 || !slices.Equal(found["+33199001234"], []id.ID{person}) {
			t.Errorf("PersonsByContact() = %v, %v", found, err)
		}
	})
}

func TestContactRefusals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person, other := b.add(t, graduate("Anne", "Roy", b.ly, 2010)), b.add(t, graduate("Luc", "Roy", b.ly, 2010))
		own := people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Personal, Value: "a@exemple.fr"}
		if err := b.SaveContact(t.Context(), self(person), &own); err != nil {
			t.Fatal(err)
		}
		with := func(change func(*people.ContactPoint)) people.ContactPoint {
			c := own
			change(&c)
			return c
		}
		for _, c := range []struct {
			name string
			v    viewer.Viewer
			c    people.ContactPoint
			want error
		}{
			{"no address", self(person), with(func(c *people.ContactPoint) { c.Value = "a@b" }), errs.Invalid},
			{"no phone", self(person), people.ContactPoint{PersonID: person, Kind: people.Phone, Purpose: people.Personal, Value: "12"}, errs.Invalid},
			{"an empty postal address", self(person), people.ContactPoint{PersonID: person, Kind: people.Postal, Purpose: people.Personal, Country: "FR"}, errs.Invalid},
			{"another's", self(other), own, errs.NotFound},
			{"moved to oneself", self(other), with(func(c *people.ContactPoint) { c.PersonID = other }), errs.NotFound},
			{"another kind", self(person), with(func(c *people.ContactPoint) { c.Kind, c.Value = people.Phone, "0199001234" }), errs.NotFound},
			{"a guest", viewer.Viewer{}, own, errs.NotFound},
			{"a foreign webmaster", staff(viewer.Webmaster, b.re), own, errs.NotFound},
			{"the secretary", staff(viewer.Secretary, b.ly), own, nil},
		} {
			if err := b.SaveContact(t.Context(), c.v, &c.c); !errors.Is(err, c.want) {
				t.Errorf("SaveContact, %s = %v, want %v", c.name, err, c.want)
			}
		}
		if err := b.RemoveContact(t.Context(), self(other), other, own.ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("RemoveContact(another's) = %v, want not found", err)
		}
		if _, err := b.PersonsByContact(t.Context(), self(person), "a@exemple.fr"); !errors.Is(err, errs.Forbidden) {
			t.Errorf("PersonsByContact() for a graduate = %v, want forbidden", err)
		}
	})
}

func TestOnePreferredWhateverComesAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.add(t, graduate("Anne", "Roy", b.ly, 2010))
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				c := people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Personal, Value: string(rune('a'+i)) + "@exemple.fr", Preferred: true}
				if err := b.SaveContact(t.Context(), self(person), &c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n := 0
		for _, c := range b.dossier(t, person).Contacts {
			if c.Preferred {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d preferred addresses, want 1", n)
		}
	})
}

func TestWhoMayChangeWhat(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.add(t, graduate("Anne", "Roy", b.ly, 2010))
		viewers := []struct {
			name string
			v    viewer.Viewer
		}{{"guest", viewer.Viewer{}}, {"graduate", self(id.New())}, {"self", self(person)}, {"secretary", staff(viewer.Secretary, b.ly)},
			{"webmaster", staff(viewer.Webmaster, b.ly)}, {"foreign", staff(viewer.Webmaster, b.re)}, {"editor", staff(viewer.Editor, b.ly)}, {"federation", admin()}}
		for _, c := range []struct {
			name    string
			do      func(v viewer.Viewer) error
			allowed []string
		}{
			{"text", func(v viewer.Viewer) error { return b.SaveText(t.Context(), v, person, "h", "p") }, []string{"self", "webmaster", "federation"}},
			{"photo", func(v viewer.Viewer) error { return b.SavePhoto(t.Context(), v, person, "k") }, []string{"self", "webmaster", "federation"}},
			{"birth", func(v viewer.Viewer) error { return b.SaveBirth(t.Context(), v, person, noon, 0) }, []string{"self", "webmaster", "federation"}},
			{"status", func(v viewer.Viewer) error {
				return b.SaveStatus(t.Context(), v, person, people.Graduate, time.Time{})
			}, []string{"webmaster", "federation"}},
			{"audiences", func(v viewer.Viewer) error { return b.SaveAudiences(t.Context(), v, person, nil) }, []string{"self"}},
			{"consent", func(v viewer.Viewer) error {
				return b.AddConsent(t.Context(), v, people.Consent{PersonID: person, Kind: "mailing", Origin: "test"})
			}, []string{"self", "secretary", "webmaster", "federation"}},
			{"membership", func(v viewer.Viewer) error {
				return b.AddMembership(t.Context(), v, &people.Membership{PersonID: person, AssociationID: b.ly.ID, StartsOn: noon, EndsOn: noon})
			}, []string{"secretary", "webmaster", "federation"}},
			{"degree", func(v viewer.Viewer) error {
				return b.SaveDegree(t.Context(), v, &people.Degree{PersonID: person, AssociationID: b.ly.ID, ClassYear: 2011, Diploma: people.Master})
			}, []string{"webmaster", "federation"}},
			{"degree elsewhere", func(v viewer.Viewer) error {
				return b.SaveDegree(t.Context(), v, &people.Degree{PersonID: person, AssociationID: b.re.ID, ClassYear: 2011, Diploma: people.Master})
			}, []string{"federation"}},
			{"dossier", func(v viewer.Viewer) error { _, err := b.Dossier(t.Context(), v, person); return err }, []string{"self", "secretary", "webmaster", "foreign", "federation"}},
		} {
			for _, who := range viewers {
				err := c.do(who.v)
				want := slices.Contains(c.allowed, who.name)
				if who.name == "foreign" && c.name == "dossier" {
					want = true // by then the federation gave the person a degree of that school
				}
				if (err == nil) != want || err != nil && !errors.Is(err, errs.Forbidden) && !errors.Is(err, errs.NotFound) {
					t.Errorf("%s by %s = %v, want allowed %v", c.name, who.name, err, want)
				}
			}
		}
	})
}

func TestOnlyThePersonConfirms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.add(t, graduate("Anne", "Roy", b.ly, 2010))
		for _, v := range []viewer.Viewer{system, staff(viewer.Webmaster, b.ly)} {
			if err := b.SaveText(t.Context(), v, person, "x", ""); err != nil {
				t.Fatal(err)
			}
			if at := b.dossier(t, person).ConfirmedAt; !at.IsZero() {
				t.Errorf("confirmed at %v by another", at)
			}
		}
		if err := b.SaveText(t.Context(), self(person), person, "y", ""); err != nil {
			t.Fatal(err)
		}
		if at := b.dossier(t, person).ConfirmedAt; !at.Equal(noon) {
			t.Errorf("ConfirmedAt = %v, want %v", at, noon)
		}
	})
}

func TestDegrees(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.add(t, graduate("Anne", "Roy", b.ly, 2010))
		web := staff(viewer.Webmaster, b.ly)
		g := b.dossier(t, person).Degrees[0]
		for _, step := range []struct {
			year int
			want string
		}{{2011, "anne.roy.ly2010 anne.roy.ly2011*"}, {2010, "anne.roy.ly2010* anne.roy.ly2011"}, {0, "anne.roy.ly2010 anne.roy.ly2011"}, {2011, "anne.roy.ly2010 anne.roy.ly2011*"}} {
			g.ClassYear = step.year
			if err := b.SaveDegree(t.Context(), web, &g); err != nil {
				t.Fatal(err)
			}
			b.wantLogins(t, "moved", person, step.want)
		}
		stolen := g
		stolen.AssociationID = b.re.ID
		if err := b.SaveDegree(t.Context(), staff(viewer.Webmaster, b.re), &stolen); !errors.Is(err, errs.NotFound) {
			t.Errorf("SaveDegree(another school's) = %v, want not found", err)
		}
		if err := b.RemoveDegree(t.Context(), web, person, g.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := b.PersonByLogin(t.Context(), "anne.roy.ly2011"); err != nil || got != person {
			t.Errorf("PersonByLogin() of a removed degree = %v, %v", got, err)
		}
	})
}

func TestStandingIsTrueAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		p := graduate("Anne", "Roy", b.ly, 2010)
		p.ActivatedAt = time.Time{}
		person := b.add(t, p)
		standing := func() people.Standing {
			t.Helper()
			st, err := b.StandingOf(t.Context(), person)
			if err != nil {
				t.Fatal(err)
			}
			return st
		}
		if st := standing(); st.Member || st.Activated || st.Name != "Anne Roy" || st.Login != "anne.roy.ly2010" {
			t.Errorf("StandingOf() = %+v", st)
		}
		for _, c := range []struct {
			from, to int // days from today
			want     bool
		}{{-400, -1, false}, {1, 365, false}, {0, 0, true}} {
			m := people.Membership{PersonID: person, AssociationID: b.ly.ID, StartsOn: noon.AddDate(0, 0, c.from), EndsOn: noon.AddDate(0, 0, c.to), Origin: "secretary"}
			if err := b.AddMembership(t.Context(), staff(viewer.Secretary, b.ly), &m); err != nil {
				t.Fatal(err)
			}
			if st := standing(); st.Member != c.want {
				t.Errorf("with dues from day %d to day %d member = %v, want %v", c.from, c.to, st.Member, c.want)
			}
			if got := b.dossier(t, person).MemberOn(b.Today()); got != c.want {
				t.Errorf("MemberOn() = %v, want %v", got, c.want)
			}
		}
		backwards := people.Membership{PersonID: person, AssociationID: b.ly.ID, StartsOn: noon, EndsOn: noon.AddDate(0, 0, -1)}
		if err := b.AddMembership(t.Context(), system, &backwards); errs.FieldsOf(err)["ends_on"].Key != "people.membership.ends_before" {
			t.Errorf("AddMembership(backwards) = %v", err)
		}
		if err := b.Activate(t.Context(), person); err != nil {
			t.Fatal(err)
		}
		if !standing().Activated {
			t.Error("not activated after Activate")
		}
		if n := b.touched(t, person); n != 5 {
			t.Errorf("the feed names the person %d times, want 5: insert, three memberships, activation", n)
		}
	})
}

func TestLegacyIDs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		one, two := b.add(t, graduate("Anne", "Roy", b.ly, 2010)), b.add(t, graduate("Luc", "Roy", b.ly, 2010))
		l := people.LegacyID{Source: "galette", Value: "7"}
		for _, c := range []struct {
			person id.ID
			want   error
		}{{one, nil}, {one, nil}, {two, errs.Conflict}} {
			if err := b.AddLegacyID(t.Context(), c.person, l); !errors.Is(err, c.want) {
				t.Errorf("AddLegacyID() = %v, want %v", err, c.want)
			}
		}
		if got, err := b.ByLegacyID(t.Context(), system, l); err != nil || got != one {
			t.Errorf("ByLegacyID() = %v, %v, want %v", got, err, one)
		}
	})
}

func TestConsentNewestCounts(t *testing.T) {
	t.Parallel()
	list := []people.Consent{
		{Kind: "mailing", Granted: true, At: noon},
		{Kind: "mailing", Granted: false, At: noon.AddDate(0, 0, 1)},
		{Kind: "paper", Granted: true, At: noon.AddDate(0, 0, 2)},
	}
	for _, c := range []struct {
		kind          string
		granted, said bool
	}{{"mailing", false, true}, {"paper", true, true}, {"directory", false, false}} {
		if granted, _, said := people.StatusOn(list, c.kind); granted != c.granted || said != c.said {
			t.Errorf("StatusOn(%s) = %v, %v, want %v, %v", c.kind, granted, said, c.granted, c.said)
		}
	}
}

func TestPersonsByName(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		p := graduate("Anne", "L’Hâmé", b.ly, 2010)
		p.UsageSurname = "Le Goff"
		one := b.add(t, p)
		two := b.add(t, graduate("Luc", "Le Goff", b.re, 2011))
		for _, c := range []struct {
			surname string
			year    int
			want    []id.ID
		}{{"l'hame", 2010, []id.ID{one}}, {"LE-GOFF", 0, []id.ID{one, two}}, {"le goff", 2011, []id.ID{two}}, {"le goff", 1999, nil}, {"", 2010, nil}} {
			got, err := b.PersonsByName(t.Context(), system, c.surname, c.year)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("PersonsByName(%q, %d) = %v, %v, want %v", c.surname, c.year, got, err, c.want)
			}
		}
		for _, v := range []viewer.Viewer{{}, self(one), staff(viewer.Editor, b.ly)} {
			if _, err := b.PersonsByName(t.Context(), v, "le goff", 0); !errors.Is(err, errs.Forbidden) {
				t.Errorf("PersonsByName() for %+v = %v, want forbidden", v, err)
			}
		}
	})
}
