package people_test

import (
	"strings"
	"testing"

	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// shown writes down which parts of a person are seen, one letter each; "-" stands for not even the name.
func shown(s people.Seen, ok bool) string {
	if !ok {
		return "-"
	}
	var b strings.Builder
	for _, part := range []struct {
		letter string
		seen   bool
	}{
		{"N", s.Surname != "" && len(s.Degrees) == 1 && s.Degrees[0].ClassYear == 2010}, // name, school, class
		{"s", s.Degrees[0].Department != "" && s.Degrees[0].Diploma != ""},
		{"b", s.BirthSurname != ""},
		{"p", s.Photo != ""},
		{"h", s.Headline != ""},
		{"t", s.Presentation != ""},
		{"d", !s.BirthDate.IsZero()},
	} {
		if part.seen {
			b.WriteString(part.letter)
		}
	}
	for _, c := range s.Contacts {
		b.WriteString(" " + string(c.Kind))
	}
	if s.Own {
		b.WriteString(" own")
	}
	if s.ByStaff {
		b.WriteString(" staff")
	}
	return b.String()
}

// subject has a value in every field, an e-mail for members, a phone for nobody, an address of last year.
func subject(ly id.ID) people.Dossier {
	me := id.New()
	return people.Dossier{
		Person: people.Person{ID: me, FirstName: "Laure", BirthSurname: "Durand", UsageSurname: "Lavaut", BirthDate: noon.AddDate(-38, 0, 0),
			Photo: "photo/1", Headline: "Ingénieure", Presentation: "Bonjour", Status: people.Graduate, ActivatedAt: noon},
		Degrees: []people.Degree{{ID: id.New(), AssociationID: ly, ClassYear: 2010, Diploma: people.Engineer, Department: "GE"}},
		Contacts: []people.ContactPoint{
			{Kind: people.Email, Audience: viewer.Members},
			{Kind: people.Phone, Audience: viewer.OnlyMe},
			{Kind: people.Postal, Audience: viewer.Members, ValidTo: noon.AddDate(-1, 0, 0)},
		},
	}
}

func TestSeenBy(t *testing.T) {
	t.Parallel()
	ly, re := association("ly"), association("re")
	ly.ID, re.ID = id.New(), id.New()
	d := subject(ly.ID)

	never := d
	never.ActivatedAt = never.DeceasedOn
	dead := d
	dead.Status = people.Deceased
	open := d
	open.Audiences = map[people.Field]viewer.Audience{}
	for _, f := range people.Fields() {
		open.Audiences[f] = viewer.Everyone
	}
	closed := d
	closed.Audiences = map[people.Field]viewer.Audience{}
	for _, f := range people.Fields() {
		closed.Audiences[f] = viewer.OnlyMe
	}
	forMembers := d
	forMembers.Audiences = map[people.Field]viewer.Audience{people.FieldPhoto: viewer.Members, people.FieldPresentation: viewer.Contacts}
	leaky := d // what a faulty import may have written
	leaky.Contacts = []people.ContactPoint{{Kind: people.Email, Audience: viewer.Everyone}, {Kind: people.Phone, Audience: viewer.InNetwork}}
	subjects := map[string]people.Dossier{"default": d, "never": never, "dead": dead, "open": open, "closed": closed, "forMembers": forMembers, "leaky": leaky}

	member := viewer.Viewer{Kind: viewer.Network, Person: id.New(), Member: true}
	memberWebmaster := member
	memberWebmaster.Roles = []viewer.Role{{Name: viewer.Webmaster, Association: ly.ID}}
	viewers := map[string]viewer.Viewer{
		"guest":      {},
		"recruiter":  {Kind: viewer.Recruiter, Account: id.New()},
		"graduate":   {Kind: viewer.Network, Person: id.New()},
		"member":     member,
		"self":       self(d.ID),
		"webmaster":  staff(viewer.Webmaster, ly),
		"secretary":  staff(viewer.Secretary, ly),
		"foreign":    staff(viewer.Webmaster, re),
		"editor":     staff(viewer.Editor, ly),
		"federation": admin(),
		"both":       memberWebmaster,
		"system":     system,
	}
	const all = "Nsbphtd email phone"
	for name, want := range map[string]map[string]string{
		"default": {"guest": "-", "recruiter": "-", "graduate": "Nsbpht", "member": "Nsbpht email", "self": all + " postal own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "-", "editor": "-", "federation": all + " staff",
			"both": all + " staff", "system": all},
		"never": {"guest": "-", "recruiter": "-", "graduate": "N", "member": "N", "self": all + " postal own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "-", "editor": "-", "federation": all + " staff",
			"both": all + " staff", "system": all},
		"dead": {"guest": "-", "recruiter": "-", "graduate": "Nsbpht", "member": "Nsbpht", "self": all + " postal own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "-", "editor": "-", "federation": all + " staff",
			"both": all + " staff", "system": all},
		"open": {"guest": "Nsbphtd", "recruiter": "Nsbphtd", "graduate": "Nsbphtd", "member": "Nsbphtd email", "self": all + " postal own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "Nsbphtd", "editor": "Nsbphtd", "federation": all + " staff",
			"both": all + " staff", "system": all},
		"closed": {"guest": "-", "recruiter": "-", "graduate": "-", "member": "-", "self": all + " postal own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "-", "editor": "-", "federation": all + " staff",
			"both": all + " staff", "system": all},
		"forMembers": {"guest": "-", "recruiter": "-", "graduate": "Nsbh", "member": "Nsbph email", "self": all + " postal own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "-", "editor": "-", "federation": all + " staff",
			"both": all + " staff", "system": all},
		"leaky": {"guest": "-", "recruiter": "-", "graduate": "Nsbpht", "member": "Nsbpht", "self": all + " own",
			"webmaster": all + " staff", "secretary": all + " staff", "foreign": "-", "editor": "-", "federation": all + " staff",
			"both": all + " staff", "system": all},
	} {
		for who, v := range viewers {
			d := subjects[name]
			if got := shown(d.SeenBy(v, noon)); got != want[who] {
				t.Errorf("%s seen by %s = %q, want %q", name, who, got, want[who])
			}
		}
	}
}

func TestByStaffOnlyWhereTheRoleShowsMore(t *testing.T) {
	t.Parallel()
	ly := association("ly")
	ly.ID = id.New()
	d := subject(ly.ID)
	d.Contacts = d.Contacts[:1]
	v := viewer.Viewer{Kind: viewer.Network, Person: id.New(), Member: true, Roles: []viewer.Role{{Name: viewer.Webmaster, Association: ly.ID}}}
	if s, _ := d.SeenBy(v, noon); s.ByStaff || len(s.Contacts) != 1 {
		t.Errorf("a member who is webmaster sees %d contacts, by staff %v; want 1, false", len(s.Contacts), s.ByStaff)
	}
	v.Member = false
	if s, _ := d.SeenBy(v, noon); !s.ByStaff || len(s.Contacts) != 1 {
		t.Errorf("a webmaster who is no member sees %d contacts, by staff %v; want 1, true", len(s.Contacts), s.ByStaff)
	}
}

func TestTemporaryAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to int // days from today; 0 means open
		want     bool
	}{{0, 0, true}, {-1, 1, true}, {1, 0, false}, {0, -1, false}, {-30, 0, true}} {
		p := people.ContactPoint{Kind: people.Postal, Purpose: people.Temporary}
		if c.from != 0 {
			p.ValidFrom = noon.AddDate(0, 0, c.from)
		}
		if c.to != 0 {
			p.ValidTo = noon.AddDate(0, 0, c.to)
		}
		if got := p.CurrentOn(noon); got != c.want {
			t.Errorf("CurrentOn(%d…%d) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

func TestMessagesExistForEveryKind(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, d := range people.Diplomas() {
		keys = append(keys, d.Message())
	}
	for _, f := range people.Fields() {
		keys = append(keys, f.Message())
	}
	for _, a := range append(viewer.FieldAudiences(), viewer.CoordinateAudiences()...) {
		keys = append(keys, people.AudienceMessage(a))
	}
	for _, m := range []interface{ Message() string }{people.Student, people.Graduate, people.Deceased, people.Other, people.Personal,
		people.Professional, people.Temporary, people.Email, people.Phone, people.Postal} {
		keys = append(keys, m.Message())
	}
	keys = append(keys, people.CivilityMessage(""), people.CivilityMessage("m"), people.CivilityMessage("mme"), "people.required",
		"people.contact.bad", "people.membership.ends_before", "people.association.code_bad", "people.association.host_bad", "people.association.color_bad")
	for _, lang := range []string{"fr", "en"} {
		b, err := people.Messages.ReadFile("messages." + lang + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if !strings.Contains(string(b), `"`+k+`" = "`) {
				t.Errorf("%s lacks %s", lang, k)
			}
		}
	}
}

func TestWhoSeesTheLifetimeAddress(t *testing.T) {
	t.Parallel()
	ly := association("ly")
	ly.ID = id.New()
	d := subject(ly.ID)
	d.Degrees[0].ID = id.New()
	d.Logins = []people.Login{{Login: "laure.lavaut.ly2010", DegreeID: d.Degrees[0].ID, Current: true}}
	member, graduate := viewer.Viewer{Kind: viewer.Network, Person: id.New(), Member: true}, viewer.Viewer{Kind: viewer.Network, Person: id.New()}
	with := func(change func(*people.Dossier)) people.Dossier {
		other := d
		change(&other)
		return other
	}
	hidden := with(func(d *people.Dossier) {
		d.Audiences = map[people.Field]viewer.Audience{people.FieldLifetime: viewer.OnlyMe}
	})
	for _, c := range []struct {
		name string
		d    people.Dossier
		v    viewer.Viewer
		want bool
	}{
		{"a member", d, member, true},
		{"herself, hidden", hidden, self(d.ID), true},
		{"her webmaster, hidden", hidden, staff(viewer.Webmaster, ly), true},
		{"a member, hidden", hidden, member, false},
		{"a graduate who is no member", d, graduate, false},
		{"a graduate, whatever was written", with(func(d *people.Dossier) {
			d.Audiences = map[people.Field]viewer.Audience{people.FieldLifetime: viewer.Everyone}
		}), graduate, false},
		{"a recruiter", d, viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}, false},
		{"never activated", with(func(d *people.Dossier) { d.ActivatedAt = d.DeceasedOn }), member, false},
		{"deceased", with(func(d *people.Dossier) { d.Status = people.Deceased }), member, false},
		{"no login", with(func(d *people.Dossier) { d.Logins = nil }), member, false},
	} {
		seen, _ := c.d.SeenBy(c.v, noon)
		if got := !seen.LifetimeAt.IsZero(); got != c.want {
			t.Errorf("%s: sees the lifetime address = %v, want %v", c.name, got, c.want)
		}
	}
}
