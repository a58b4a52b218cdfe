package viewer_test

import (
	"testing"

	"amicale/internal/id"
	"amicale/internal/viewer"
)

func TestAudienceAllows(t *testing.T) {
	t.Parallel()
	ly, re, person := id.New(), id.New(), id.New()
	var (
		guest      = viewer.Viewer{}
		graduate   = viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()}
		member     = viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}
		recruiter  = viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}
		self       = viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: person}
		webmaster  = viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Webmaster, Association: ly}}}
		elsewhere  = viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Webmaster, Association: re}}}
		editor     = viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Editor, Association: ly}}}
		federation = viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
	)
	stranger := viewer.Subject{Person: person, Associations: []id.ID{ly}}
	contact := viewer.Subject{Person: person, Associations: []id.ID{ly}, Contact: true}
	for _, c := range []struct {
		name string
		a    viewer.Audience
		v    viewer.Viewer
		s    viewer.Subject
		want bool
	}{
		{"everyone guest", viewer.Everyone, guest, stranger, true},
		{"everyone recruiter", viewer.Everyone, recruiter, stranger, true},
		{"network guest", viewer.InNetwork, guest, stranger, false},
		{"network recruiter", viewer.InNetwork, recruiter, stranger, false},
		{"network graduate", viewer.InNetwork, graduate, stranger, true},
		{"members graduate", viewer.Members, graduate, stranger, false},
		{"members member", viewer.Members, member, stranger, true},
		{"contacts member", viewer.Contacts, member, stranger, false},
		{"contacts a contact", viewer.Contacts, graduate, contact, true},
		{"member contacts, not a member", viewer.MemberContacts, graduate, contact, false},
		{"member contacts, member", viewer.MemberContacts, member, contact, true},
		{"only me, member", viewer.OnlyMe, member, contact, false},
		{"only me, myself", viewer.OnlyMe, self, stranger, true},
		{"only me, own webmaster", viewer.OnlyMe, webmaster, stranger, true},
		{"only me, other webmaster", viewer.OnlyMe, elsewhere, stranger, false},
		{"members, editor", viewer.Members, editor, stranger, false},
		{"only me, federation", viewer.OnlyMe, federation, stranger, true},
		{"only me, system", viewer.OnlyMe, viewer.ForSystem("test"), stranger, true},
		{"unknown audience", viewer.Audience("tout"), member, contact, false},
		{"guest and a zero person", viewer.OnlyMe, guest, viewer.Subject{}, false},
	} {
		if got := c.a.Allows(c.v, c.s); got != c.want {
			t.Errorf("%s: Allows() = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestByTierNeverWiderThanAllows(t *testing.T) {
	t.Parallel()
	viewers := []viewer.Viewer{
		{}, {Kind: viewer.Recruiter, Account: id.New()},
		{Kind: viewer.Network, Account: id.New(), Person: id.New()},
		{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true},
	}
	for _, a := range append(viewer.FieldAudiences(), viewer.MemberContacts) {
		for _, v := range viewers {
			if a.ByTier(v.Tier()) && !a.Allows(v, viewer.Subject{Person: id.New()}) {
				t.Errorf("%s: tier %d sees what the viewer may not", a, v.Tier())
			}
		}
	}
}
