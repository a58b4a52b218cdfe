package people_test

import (
	"errors"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func email(value string, tweak ...func(*people.ContactPoint)) people.ContactPoint {
	c := people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: value, Audience: viewer.Members, Origin: "import"}
	for _, t := range tweak {
		t(&c)
	}
	return c
}

func confirmed(c *people.ContactPoint)    { c.ConfirmedAt = noon }
func professional(c *people.ContactPoint) { c.Purpose = people.Professional }
func broken(c *people.ContactPoint)       { c.BrokenAt = noon }
func preferred(c *people.ContactPoint)    { c.Preferred = true }

func (b base) withEmails(t *testing.T, list ...people.ContactPoint) id.ID {
	t.Helper()
	d := graduate("Laure", "Lavaut", b.ly, 2010)
	d.Contacts = list
	return b.add(t, d)
}

// writesTo is the address to write to.
func (b base) writesTo(t *testing.T, person id.ID) string {
	t.Helper()
	c, _ := b.dossier(t, person).PreferredEmail()
	return c.Value
}

func TestWhichAddressTakesOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		phone := people.ContactPoint{Kind: people.Phone, Value: "06 12 34 56 78"}
		for _, c := range []struct {
			name string
			rest []people.ContactPoint
			want string
		}{
			{"none", nil, ""},
			{"no e-mail", []people.ContactPoint{phone}, ""},
			{"the only other", []people.ContactPoint{email("b@x.fr")}, "b@x.fr"},
			{"confirmed before personal", []people.ContactPoint{email("b@x.fr"), email("pro@x.fr", professional, confirmed)}, "pro@x.fr"},
			{"personal before professional", []people.ContactPoint{email("pro@x.fr", professional), email("b@x.fr")}, "b@x.fr"},
			{"both confirmed", []people.ContactPoint{email("pro@x.fr", professional, confirmed), email("b@x.fr", confirmed)}, "b@x.fr"},
			{"the oldest", []people.ContactPoint{email("b@x.fr", confirmed), email("c@x.fr", confirmed)}, "b@x.fr"},
			{"never a broken one", []people.ContactPoint{email("b@x.fr", confirmed, broken), email("pro@x.fr", professional)}, "pro@x.fr"},
			{"only a broken one", []people.ContactPoint{email("b@x.fr", confirmed, broken)}, ""},
		} {
			first := email("a@x.fr", confirmed, preferred)
			person := b.withEmails(t, append([]people.ContactPoint{first}, c.rest...)...)
			got, err := b.MarkBroken(t.Context(), system, person, " A@X.fr ")
			if err != nil || got.From.Value != "a@x.fr" || got.To.Value != c.want || got.Lost != (c.want == "") || b.writesTo(t, person) != c.want {
				t.Errorf("%s: MarkBroken() = from %q to %q lost %v, %v; want %q", c.name, got.From.Value, got.To.Value, got.Lost, err, c.want)
			}
			removed := b.withEmails(t, append([]people.ContactPoint{first}, c.rest...)...)
			if err := b.RemoveContact(t.Context(), self(removed), removed, b.dossier(t, removed).Contacts[0].ID); err != nil || b.writesTo(t, removed) != c.want {
				t.Errorf("%s: after RemoveContact() = %v the address is %q, want %q", c.name, err, b.writesTo(t, removed), c.want)
			}
		}
	})
}

func TestABrokenAddressHeals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		person := b.withEmails(t, email("a@x.fr", confirmed, preferred), email("b@x.fr"))
		me := self(person)
		if _, err := b.MarkBroken(t.Context(), me, person, "a@x.fr"); !errors.Is(err, errs.Forbidden) {
			t.Errorf("MarkBroken() by the person = %v, want forbidden", err)
		}
		before := b.touched(t, person)
		spare, err := b.MarkBroken(t.Context(), system, person, "b@x.fr")
		if err != nil || !spare.To.ID.IsZero() || spare.Lost || b.writesTo(t, person) != "a@x.fr" || b.touched(t, person) == before {
			t.Errorf("MarkBroken(spare) = %+v, %v", spare, err)
		}
		if again, err := b.MarkBroken(t.Context(), system, person, "b@x.fr"); err != nil || !again.From.ID.IsZero() {
			t.Errorf("MarkBroken(again) = %+v, %v, want nothing", again, err)
		}
		if last, err := b.MarkBroken(t.Context(), system, person, "a@x.fr"); err != nil || !last.Lost {
			t.Errorf("MarkBroken(the last) = %+v, %v, want lost", last, err)
		}
		must(b.MarkWorking(t.Context(), system, person, "b@x.fr"))
		if got := b.writesTo(t, person); got != "b@x.fr" {
			t.Errorf("the first that works again: %q is written to", got)
		}
		must(b.ConfirmEmail(t.Context(), person, "a@x.fr", "person"))
		if c := b.dossier(t, person).Contacts[0]; !c.BrokenAt.IsZero() || b.writesTo(t, person) != "a@x.fr" {
			t.Errorf("after the link was followed: %+v", c)
		}
		must(b.PreferEmail(t.Context(), system, person, "b@x.fr"))
		if got := b.writesTo(t, person); got != "b@x.fr" {
			t.Errorf("PreferEmail: %q is written to", got)
		}
		if err := b.PreferEmail(t.Context(), system, person, "nobody@x.fr"); !errors.Is(err, errs.NotFound) {
			t.Errorf("PreferEmail(unknown) = %v, want not found", err)
		}
	})
}

func TestWhoChangesAnAddressDoesNotMendIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		person := b.withEmails(t, email("a@x.fr", confirmed, broken), email("b@x.fr", confirmed, preferred))
		me := self(person)
		c := b.dossier(t, person).Contacts[0]
		c.Purpose, c.BrokenAt = people.Professional, time.Time{}
		if err := b.SaveContact(t.Context(), me, &c); err != nil || b.dossier(t, person).Contacts[1].BrokenAt.IsZero() {
			t.Errorf("SaveContact() = %v; the address is mended by a change of purpose", err)
		}
		c.Preferred = true
		if err := b.SaveContact(t.Context(), me, &c); !errors.Is(err, errs.Invalid) || b.writesTo(t, person) != "b@x.fr" {
			t.Errorf("SaveContact(broken, preferred) = %v, want invalid", err)
		}
		c.Value, c.Preferred = "new@x.fr", false
		if err := b.SaveContact(t.Context(), me, &c); err != nil {
			t.Fatal(err)
		}
		for _, c := range b.dossier(t, person).Contacts {
			if !c.BrokenAt.IsZero() || c.Value == "new@x.fr" && !c.ConfirmedAt.IsZero() {
				t.Errorf("another address is kept as the old one was: %+v", c)
			}
		}
		lost := b.withEmails(t, email("a@x.fr", confirmed, preferred, broken))
		fresh := email("fresh@x.fr")
		fresh.PersonID = lost
		if err := b.SaveContact(t.Context(), self(lost), &fresh); err != nil || b.writesTo(t, lost) != "fresh@x.fr" {
			t.Errorf("a new address beside a broken one: %v, %q is written to", err, b.writesTo(t, lost))
		}
	})
}

func TestMergeKeepsOnePreferredThatWorks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		for _, c := range []struct {
			name       string
			into, from people.ContactPoint
			want       string // "" when none works
			brokenLeft int
		}{
			{"both work", email("a@x.fr", preferred), email("b@x.fr", preferred), "a@x.fr", 0},
			{"his is broken", email("a@x.fr", preferred, broken), email("b@x.fr", preferred), "b@x.fr", 1},
			{"the double's is broken", email("a@x.fr", preferred), email("b@x.fr", preferred, broken), "a@x.fr", 1},
			{"both are broken", email("a@x.fr", preferred, broken), email("b@x.fr", preferred, broken), "", 2},
			{"the same, proven by one", email("a@x.fr", preferred, broken), email("a@x.fr", preferred, confirmed), "a@x.fr", 0},
			{"the same, broken for both", email("a@x.fr", preferred, broken), email("a@x.fr", preferred, broken), "", 1},
		} {
			into, from := b.withEmails(t, c.into), b.withEmails(t, c.from)
			if _, err := b.Merge(t.Context(), admin(), from, into); err != nil {
				t.Fatal(c.name, err)
			}
			flags, broke := 0, 0
			for _, p := range b.dossier(t, into).Contacts {
				if p.Preferred {
					flags++
				}
				if !p.BrokenAt.IsZero() {
					broke++
				}
			}
			if got := b.writesTo(t, into); got != c.want || flags != 1 || broke != c.brokenLeft {
				t.Errorf("%s: %q is written to, %d preferred, %d broken; want %q, 1, %d", c.name, got, flags, broke, c.want, c.brokenLeft)
			}
			out, err := b.Export(t.Context(), self(into), into)
			if err != nil || (out.Contacts[0].BrokenAt.IsZero()) != b.dossier(t, into).Contacts[0].BrokenAt.IsZero() {
				t.Errorf("%s: Export() = %+v, %v", c.name, out.Contacts, err)
			}
		}
	})
}

func TestMailablesSayWhatIsBroken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		works, lost, none := b.withEmails(t, email("a@x.fr", preferred), email("b@x.fr", broken)), b.withEmails(t, email("c@x.fr", preferred, broken)), b.withEmails(t)
		got, err := b.Mailables(t.Context(), system, []id.ID{works, lost, none})
		if err != nil || len(got) != 2 || got[works] != (people.Mailable{PersonID: works, Value: "a@x.fr"}) || got[lost] != (people.Mailable{PersonID: lost, Value: "c@x.fr", Broken: true}) {
			t.Errorf("Mailables() = %+v, %v", got, err)
		}
		if _, err := b.Mailables(t.Context(), admin(), []id.ID{works}); !errors.Is(err, errs.Forbidden) {
			t.Errorf("Mailables() for the staff = %v, want forbidden", err)
		}
	})
}
