package profiles_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/profiles"
	"amicale/internal/viewer"
)

// key is the message of the first field at fault, else of the whole.
func key(err error) string {
	for _, m := range errs.FieldsOf(err) {
		return m.Key
	}
	m, _ := errs.MessageOf(err)
	return m.Key
}

func TestTextVersionsAndUndo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		me := as(self(p))
		in := profiles.TextOf(p)
		version := profiles.Version(in)
		in.Headline = "Ponts et passerelles"
		in.Audiences[people.FieldHeadline] = viewer.Everyone
		undo, err := w.store.SaveText(t.Context(), me, in, version)
		if err != nil || undo.IsZero() {
			t.Fatal(undo, err)
		}
		// The other tab still shows what was there before.
		other := profiles.TextOf(p)
		other.Headline = "Autre chose"
		if _, err := w.store.SaveText(t.Context(), me, other, version); !errors.Is(err, errs.Conflict) {
			t.Errorf("SaveText of an old version = %v, want a conflict", err)
		}
		after := w.dossier(p.ID)
		if after.Headline != "Ponts et passerelles" || after.Audiences[people.FieldHeadline] != viewer.Everyone {
			t.Errorf("the base has %q for %s", after.Headline, after.Audiences[people.FieldHeadline])
		}
		// Nothing changed, nothing to take back.
		if u, err := w.store.SaveText(t.Context(), me, profiles.TextOf(after), profiles.Version(profiles.TextOf(after))); err != nil || !u.IsZero() {
			t.Errorf("SaveText of the same = %v, %v, want no way back", u, err)
		}
		stranger := as(self(w.someone("Jean", "Martin")))
		if err := w.store.Undo(t.Context(), stranger, undo); key(err) != "profile.undo_gone" {
			t.Errorf("Undo by another = %v, want undo_gone", err)
		}
		if err := w.store.Undo(t.Context(), me, undo); err != nil {
			t.Fatal(err)
		}
		if after = w.dossier(p.ID); after.Headline != "" || after.FieldAudience(people.FieldHeadline) != viewer.InNetwork {
			t.Errorf("after the undo the base has %q for %s", after.Headline, after.FieldAudience(people.FieldHeadline))
		}
		if err := w.store.Undo(t.Context(), me, undo); key(err) != "profile.undo_gone" {
			t.Errorf("Undo twice = %v, want undo_gone", err)
		}
		list, err := w.store.Views(t.Context(), me.Viewer, audit.Page{}, true)
		if err != nil || list.Total != 2 {
			t.Errorf("the trail has %d rows (%v), want the change and the undo", list.Total, err)
		}
	})
}

func TestUndoRunsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	in := profiles.TextOf(p)
	version := profiles.Version(in)
	in.Headline = "Ponts"
	undo, err := w.store.SaveText(t.Context(), as(self(p)), in, version)
	if err != nil {
		t.Fatal(err)
	}
	w.later(profiles.UndoFor + time.Second)
	if err := w.store.Undo(t.Context(), as(self(p)), undo); key(err) != "profile.undo_gone" {
		t.Errorf("Undo after half an hour = %v, want undo_gone", err)
	}
	w.run()
	w.later(time.Hour)
	w.run()
	if got, err := w.store.Exporter().Export(t.Context(), system, p.ID); got != nil || err != nil {
		t.Errorf("after the sweep there is still %v (%v) to take back", got, err)
	}
}

func TestNamesAddLogins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		in := profiles.IdentityOf(p)
		version := profiles.Version(in)
		in.UsageSurname, in.BirthDate = "Durand", day("1987-05-04")
		undo, err := w.store.SaveIdentity(t.Context(), as(self(p)), in, version)
		if err != nil {
			t.Fatal(err)
		}
		after := w.dossier(p.ID)
		if got := after.CurrentLogin(); got != "laure.durand.ly2010" || len(after.Logins) != 2 || !after.BirthDate.Equal(in.BirthDate) {
			t.Errorf("the login is %s of %d, born %v", got, len(after.Logins), after.BirthDate)
		}
		if err := w.store.Undo(t.Context(), as(self(p)), undo); err != nil {
			t.Fatal(err)
		}
		if after = w.dossier(p.ID); after.CurrentLogin() != "laure.lavaut.ly2010" || !after.BirthDate.IsZero() {
			t.Errorf("after the undo the login is %s, born %v", after.CurrentLogin(), after.BirthDate)
		}
		// The login that was added stays reserved.
		if got, err := w.people.PersonByLogin(t.Context(), "laure.durand.ly2010"); err != nil || got != p.ID {
			t.Errorf("laure.durand.ly2010 is %v's (%v)", got, err)
		}
	})
}

func TestOnlyOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	for name, v := range map[string]viewer.Viewer{
		"guest": {}, "staff": staffOf(w.ly, viewer.Webmaster), "recruiter": {Kind: viewer.Recruiter, Account: id.New()}, "system": system,
	} {
		if _, err := w.store.SaveText(t.Context(), as(v), profiles.TextOf(p), ""); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: SaveText = %v, want forbidden", name, err)
		}
		if _, err := w.store.Own(t.Context(), v); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: Own = %v, want forbidden", name, err)
		}
		if _, err := w.store.SavePhoto(t.Context(), as(v), strings.NewReader("")); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: SavePhoto = %v, want forbidden", name, err)
		}
		if _, err := w.store.Export(t.Context(), v); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: Export = %v, want forbidden", name, err)
		}
	}
}

func TestContactRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := as(self(p))
	email := func(purpose people.Purpose, value string) people.ContactPoint {
		return people.ContactPoint{Kind: people.Email, Purpose: purpose, Value: value, Audience: viewer.Members}
	}
	phone := func(value string, a viewer.Audience) people.ContactPoint {
		return people.ContactPoint{Kind: people.Phone, Purpose: people.Personal, Value: value, Audience: a}
	}
	postal := func(purpose people.Purpose, city, country, from, to string) people.ContactPoint {
		c := people.ContactPoint{Kind: people.Postal, Purpose: purpose, Street: "1 rue X", City: city, Country: country, Audience: viewer.Members}
		if from != "" {
			c.ValidFrom = day(from)
		}
		if to != "" {
			c.ValidTo = day(to)
		}
		return c
	}
	for _, tt := range []struct {
		name  string
		c     people.ContactPoint
		field string
		key   string
	}{
		{"no address", email(people.Personal, "  "), "value", "profile.required"},
		{"no domain", email(people.Personal, "laure@"), "value", "profile.email_bad"},
		{"a lifetime address", email(people.Personal, "Laure.Lavaut.LY2010@LY-alumni.example"), "value", "profile.email_lifetime"},
		{"of another association", email(people.Personal, "x@re-alumni.example"), "value", "profile.email_lifetime"},
		{"below its domain", email(people.Personal, "x@listes.re-alumni.example"), "value", "profile.email_lifetime"},
		{"a domain that only ends alike", email(people.Personal, "x@notre-ly-alumni.example"), "", ""},
		{"the same again", email(people.Professional, " LAURE@exemple.fr"), "value", "profile.email_twice"},
		{"a third personal one", email(people.Personal, "trois@exemple.fr"), "purpose", "profile.email_too_many"},
		{"temporary mail", email(people.Temporary, "y@exemple.fr"), "purpose", "profile.choice_bad"},
		{"a professional one", email(people.Professional, "pro@exemple.fr"), "", ""},
		{"a public phone", phone("0472000000", viewer.Everyone), "audience", "profile.audience_bad"},
		{"contacts who are members: later", phone("0472000000", viewer.MemberContacts), "audience", "profile.audience_bad"},
		{"half a phone", phone("0472", viewer.Members), "value", "profile.phone_bad"},
		{"the phone again", phone("+33 6 12 34 56 78", viewer.Members), "value", "profile.phone_twice"},
		{"a phone abroad", phone("+49 30 123456", viewer.Members), "", ""},
		{"no such country", postal(people.Personal, "Ys", "ZZ", "", ""), "country", "profile.country_bad"},
		{"no town abroad", postal(people.Personal, "", "DE", "", ""), "city", "profile.required"},
		{"temporary without dates", postal(people.Temporary, "Berlin", "DE", "", ""), "from", "profile.required"},
		{"dates the wrong way round", postal(people.Temporary, "Berlin", "DE", "2026-09-01", "2026-08-01"), "to", "profile.dates_crossed"},
		{"over already", postal(people.Temporary, "Berlin", "DE", "2025-09-01", "2025-10-01"), "to", "profile.dates_over"},
		{"temporary", postal(people.Temporary, "Berlin", "DE", "2026-09-01", "2026-10-01"), "", ""},
		{"at home", postal(people.Personal, "Berlin", "DE", "2026-09-01", ""), "", ""},
	} {
		err := w.store.AddContact(t.Context(), me, tt.c)
		if got := errs.FieldsOf(err)[tt.field].Key; got != tt.key || (tt.key == "") != (err == nil) {
			t.Errorf("%s: AddContact = %v, want %s %s", tt.name, err, tt.field, tt.key)
		}
	}
	for _, c := range w.dossier(p.ID).Contacts {
		if c.Kind == people.Postal && c.Purpose == people.Personal && !c.ValidFrom.IsZero() {
			t.Error("a home address kept a date")
		}
	}
}

func TestTwoRequestsOnePlace(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		var wg sync.WaitGroup
		results := make([]error, 4)
		for i := range results {
			wg.Go(func() {
				c := people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: string(rune('a'+i)) + "@exemple.fr", Audience: viewer.Members}
				results[i] = w.store.AddContact(t.Context(), as(self(p)), c)
			})
		}
		wg.Wait()
		taken := 0
		for _, err := range results {
			if err == nil {
				taken++
			} else if key(err) != "profile.email_too_many" {
				t.Error(err)
			}
		}
		if n := len(profiles.Contacts(w.dossier(p.ID).Contacts, people.Email)); taken != 1 || n != 2 {
			t.Errorf("%d were taken and %d stand there, want 1 and 2", taken, n)
		}
	})
}

func TestEmailIsConfirmedByLink(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		me := as(self(p))
		if err := w.store.AddContact(t.Context(), me, people.ContactPoint{Kind: people.Email, Purpose: people.Professional, Value: "pro@exemple.fr", Audience: viewer.Members}); err != nil {
			t.Fatal(err)
		}
		w.run()
		if got := strings.Join(w.letters(), ", "); got != "confirm_email pro@exemple.fr, email_added laure@exemple.fr" {
			t.Fatalf("letters: %s", got)
		}
		find := func(value string) people.ContactPoint {
			list := w.dossier(p.ID).Contacts
			i := slices.IndexFunc(list, func(c people.ContactPoint) bool { return c.Value == value })
			if i < 0 {
				return people.ContactPoint{}
			}
			return list[i]
		}
		pro := find("pro@exemple.fr")
		if !pro.ConfirmedAt.IsZero() || pro.Preferred {
			t.Errorf("before the link: %+v", pro)
		}
		if _, err := w.store.Prefer(t.Context(), me, pro.ID); key(err) != "profile.email_unconfirmed" {
			t.Errorf("Prefer before the link = %v", err)
		}
		token := strings.TrimPrefix(w.lastLink(), "/moi/profil/email/")
		if email, err := w.store.ConfirmEmail(t.Context(), token); err != nil || email != "pro@exemple.fr" {
			t.Fatal(email, err)
		}
		if find("pro@exemple.fr").ConfirmedAt.IsZero() {
			t.Error("the link was followed, and the address is not confirmed")
		}
		if _, err := w.store.ConfirmEmail(t.Context(), token); !errors.Is(err, errs.NotFound) {
			t.Errorf("the link twice = %v, want not found", err)
		}
		undo, err := w.store.Prefer(t.Context(), me, pro.ID)
		if err != nil || !find("pro@exemple.fr").Preferred || find("laure@exemple.fr").Preferred {
			t.Errorf("Prefer = %v", err)
		}
		if err := w.store.Undo(t.Context(), me, undo); err != nil || !find("laure@exemple.fr").Preferred || find("pro@exemple.fr").Preferred {
			t.Errorf("Undo of Prefer = %v", err)
		}
		// One may go, not both; what is taken back is as confirmed as it was.
		undo, err = w.store.RemoveContact(t.Context(), me, pro.ID)
		if err != nil || !find("pro@exemple.fr").ID.IsZero() {
			t.Fatal(err)
		}
		if _, err := w.store.RemoveContact(t.Context(), me, find("laure@exemple.fr").ID); key(err) != "profile.email_last" {
			t.Errorf("RemoveContact of the last = %v", err)
		}
		if err := w.store.Undo(t.Context(), me, undo); err != nil || find("pro@exemple.fr").ConfirmedAt.IsZero() {
			t.Errorf("Undo of RemoveContact = %v, %+v", err, find("pro@exemple.fr"))
		}
		if got := w.letters(); got[len(got)-1] != "email_removed pro@exemple.fr" {
			t.Errorf("letters: %v", got)
		}
	})
}

// A link whose address was taken away meanwhile must not bring it back.
func TestLinkOfRemovedEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := as(self(p))
	if err := w.store.AddContact(t.Context(), me, people.ContactPoint{Kind: people.Email, Purpose: people.Professional, Value: "pro@exemple.fr", Audience: viewer.Members}); err != nil {
		t.Fatal(err)
	}
	w.run()
	token := strings.TrimPrefix(w.lastLink(), "/moi/profil/email/")
	for _, c := range w.dossier(p.ID).Contacts {
		if c.Value == "pro@exemple.fr" {
			if _, err := w.store.RemoveContact(t.Context(), me, c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.store.ConfirmEmail(t.Context(), token); key(err) != "profile.link_dead" {
		t.Errorf("ConfirmEmail = %v, want link_dead", err)
	}
	if n := len(profiles.Contacts(w.dossier(p.ID).Contacts, people.Email)); n != 1 {
		t.Errorf("%d addresses, want the one that was there", n)
	}
}

func TestChangeContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	me := as(self(p))
	mail := profiles.Contacts(p.Contacts, people.Email)[0]
	version := profiles.ContactVersion(mail)
	in := mail
	in.Value, in.Audience = "autre@exemple.fr", viewer.OnlyMe
	undo, err := w.store.ChangeContact(t.Context(), me, in, version)
	if err != nil {
		t.Fatal(err)
	}
	got := profiles.Contacts(w.dossier(p.ID).Contacts, people.Email)[0]
	if got.Value != mail.Value || got.Audience != viewer.OnlyMe || got.ConfirmedAt.IsZero() || !got.Preferred {
		t.Errorf("after ChangeContact: %+v", got)
	}
	if _, err := w.store.ChangeContact(t.Context(), me, mail, version); !errors.Is(err, errs.Conflict) {
		t.Errorf("ChangeContact of an old version = %v, want a conflict", err)
	}
	if err := w.store.Undo(t.Context(), me, undo); err != nil {
		t.Fatal(err)
	}
	if got := profiles.Contacts(w.dossier(p.ID).Contacts, people.Email)[0]; got.Audience != viewer.Members {
		t.Errorf("after the undo: %+v", got)
	}
	other := as(self(w.someone("Jean", "Martin")))
	if _, err := w.store.RemoveContact(t.Context(), other, mail.ID); !errors.Is(err, errs.NotFound) {
		t.Errorf("RemoveContact of another's = %v, want not found", err)
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		me := as(self(p))
		if _, err := w.store.SavePhoto(t.Context(), me, strings.NewReader(square(t))); err != nil {
			t.Fatal(err)
		}
		to, err := w.store.AskErasure(t.Context(), me)
		if err != nil || to != "laure@exemple.fr" {
			t.Fatal(to, err)
		}
		token := strings.TrimPrefix(w.lastLink(), "/moi/donnees/effacer/")
		other := as(self(w.someone("Jean", "Martin")))
		if err := w.store.Erase(t.Context(), other, token); !errors.Is(err, errs.NotFound) {
			t.Errorf("Erase by another = %v, want not found", err)
		}
		if err := w.store.Erase(t.Context(), me, "guess"); !errors.Is(err, errs.NotFound) {
			t.Errorf("Erase by a guess = %v, want not found", err)
		}
		if err := w.store.Erase(t.Context(), me, token); err != nil {
			t.Fatal(err)
		}
		if _, err := w.people.Dossier(t.Context(), system, p.ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("after Erase: %v, want not found", err)
		}
		w.run()
		for k, err := range w.blobs.List(t.Context(), "photos/") {
			t.Errorf("after Erase %s stays (%v)", k, err)
		}
		// The login is nobody's for ever: a namesake gets another one.
		namesake := w.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Contacts = nil })
		if got := namesake.CurrentLogin(); got != "laure.lavaut-2.ly2010" {
			t.Errorf("the namesake's login is %s, want laure.lavaut-2.ly2010", got)
		}
	})
}

func TestEraseRunsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	if _, err := w.store.AskErasure(t.Context(), as(self(p))); err != nil {
		t.Fatal(err)
	}
	token := strings.TrimPrefix(w.lastLink(), "/moi/donnees/effacer/")
	w.later(time.Hour + time.Second)
	if err := w.store.Erase(t.Context(), as(self(p)), token); key(err) != "profile.link_dead" {
		t.Errorf("Erase after an hour = %v, want link_dead", err)
	}
	bare := w.someone("Jean", "Martin", func(d *people.Dossier) { d.Contacts = nil })
	if _, err := w.store.AskErasure(t.Context(), as(self(bare))); key(err) != "profile.erase.no_email" {
		t.Errorf("AskErasure without an address = %v", err)
	}
}

func TestMergeLetsThePhotoGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	for _, both := range []bool{false, true} {
		double, p := w.someone("Laure", "Lavaut"), w.someone("Laure", "Lavaut")
		for _, d := range []people.Dossier{double, p} {
			if d.ID == double.ID || both {
				if _, err := w.store.SavePhoto(t.Context(), as(self(d)), strings.NewReader(square(t))); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := w.people.Merge(t.Context(), system, double.ID, p.ID, w.store.Merger()); err != nil {
			t.Fatal(err)
		}
		w.later(3 * time.Hour)
		w.run()
		if _, err := w.store.OwnPhoto(t.Context(), self(p), profiles.LargePhoto); err != nil {
			t.Errorf("both had one: %v; the photo after the merge: %v", both, err)
		}
		n := 0
		for range w.blobs.List(t.Context(), "photos/"+double.ID.String()) {
			n++
		}
		if want := map[bool]int{false: 2, true: 0}[both]; n != want {
			t.Errorf("both had one: %v; %d files of the double's stay, want %d", both, n, want)
		}
	}
}
