package people_test

import (
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// The staff may hide a contact point on somebody's behalf; showing it to more people is his own to do.
func TestTheStaffShowsNothingMoreWidely(t *testing.T) {
	t.Parallel()
	b := newBase(t, dbtest.New(t))
	person := b.add(t, graduate("Anne", "Roy", b.ly, 2010))
	hidden := people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Personal, Value: "a@exemple.fr", Audience: viewer.OnlyMe}
	shown := people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Professional, Value: "b@exemple.fr", Audience: viewer.Members}
	for _, c := range []*people.ContactPoint{&hidden, &shown} {
		if err := b.SaveContact(t.Context(), self(person), c); err != nil {
			t.Fatal(err)
		}
	}
	phone := people.ContactPoint{PersonID: person, Kind: people.Phone, Purpose: people.Personal, Value: "0199001234"}
	as := func(c people.ContactPoint, a viewer.Audience) people.ContactPoint { c.Audience = a; return c }
	for _, c := range []struct {
		name    string
		v       viewer.Viewer
		c       people.ContactPoint
		refused bool
	}{
		{"the webmaster shows what was hidden", staff(viewer.Webmaster, b.ly), as(hidden, viewer.Members), true},
		{"the secretary shows it to fewer, and still to more", staff(viewer.Secretary, b.ly), as(hidden, viewer.MemberContacts), true},
		{"the secretary adds a phone for members", staff(viewer.Secretary, b.ly), as(phone, viewer.Members), true},
		{"the secretary adds one for nobody", staff(viewer.Secretary, b.ly), phone, false},
		{"the webmaster hides", staff(viewer.Webmaster, b.ly), as(shown, viewer.OnlyMe), false},
		{"and cannot take it back", staff(viewer.Webmaster, b.ly), as(shown, viewer.Members), true},
		{"the person shows it again", self(person), as(shown, viewer.Members), false},
		{"the same audience", staff(viewer.Webmaster, b.ly), as(shown, viewer.Members), false},
	} {
		err := b.SaveContact(t.Context(), c.v, &c.c)
		if _, refused := errs.FieldsOf(err)["audience"]; refused != c.refused || !refused && err != nil {
			t.Errorf("%s: %v, refused should be %v", c.name, err, c.refused)
		}
	}
}

// A webmaster changes his association's own host and mail domain, and takes over nobody else's.
func TestHostsAreOnesOwn(t *testing.T) {
	t.Parallel()
	b := newBase(t, dbtest.New(t))
	webmaster := staff(viewer.Webmaster, b.ly)
	mine := b.ly
	mine.Host, mine.MailDomain = b.re.Host, b.re.MailDomain
	fields := errs.FieldsOf(b.SaveAssociation(t.Context(), webmaster, &mine))
	for _, field := range []string{"host", "mail_domain"} {
		if _, ok := fields[field]; !ok {
			t.Errorf("taking over the %s of another association = %v, want a message there", field, fields)
		}
	}
	mine.Host, mine.MailDomain = b.ly.Host, "other.example"
	if err := b.SaveAssociation(t.Context(), webmaster, &mine); err != nil {
		t.Errorf("changing one's own = %v", err)
	}
}
