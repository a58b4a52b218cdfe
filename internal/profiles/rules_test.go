package profiles_test

import (
	"strings"
	"testing"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/profiles"
	"amicale/internal/viewer"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestChoices(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stored viewer.Audience
		want   string
	}{
		{viewer.InNetwork, "everyone network members me"},
		{viewer.Contacts, "everyone network members contacts me"},
		{"", "everyone network members me"},
	} {
		if got := join(profiles.FieldChoices(tt.stored)); got != tt.want {
			t.Errorf("FieldChoices(%q) = %s, want %s", tt.stored, got, tt.want)
		}
	}
	if got := join(profiles.CoordinateChoices(viewer.OnlyMe)); got != "members me" {
		t.Errorf("CoordinateChoices(me) = %s, want members me", got)
	}
	if got := join(profiles.CoordinateChoices(viewer.MemberContacts)); got != "members member_contacts me" {
		t.Errorf("CoordinateChoices(member_contacts) = %s, want members member_contacts me", got)
	}
}

func join(list []viewer.Audience) string {
	var out []string
	for _, a := range list {
		out = append(out, string(a))
	}
	return strings.Join(out, " ")
}

func TestIdentityValidate(t *testing.T) {
	t.Parallel()
	d := people.Dossier{Person: people.Person{FirstName: "Laure", BirthSurname: "Lavaut"}, Degrees: make([]people.Degree, 1)}
	many := d
	for range 4 {
		many.Logins = append(many.Logins, people.Login{Origin: "name change"})
	}
	good := func() profiles.Identity { return profiles.IdentityOf(d) }
	for _, tt := range []struct {
		name  string
		d     people.Dossier
		edit  func(*profiles.Identity)
		field string // "" when it is right
		key   string
	}{
		{"as it is", d, func(*profiles.Identity) {}, "", ""},
		{"no first name", d, func(i *profiles.Identity) { i.FirstName = "  " }, "first_name", "profile.required"},
		{"no birth surname", d, func(i *profiles.Identity) { i.BirthSurname = "" }, "birth_surname", "profile.required"},
		{"nothing to write", d, func(i *profiles.Identity) { i.FirstName = "☺" }, "first_name", "profile.name_unwritable"},
		{"another script", d, func(i *profiles.Identity) { i.FirstName = "Ирина" }, "", ""},
		{"very long", d, func(i *profiles.Identity) { i.UsageSurname = strings.Repeat("é", 81) }, "usage_surname", "profile.too_long"},
		{"long", d, func(i *profiles.Identity) { i.UsageSurname = strings.Repeat("é", 80) }, "", ""},
		{"no civility of ours", d, func(i *profiles.Identity) { i.Civility = "dr" }, "civility", "profile.choice_bad"},
		{"born tomorrow", d, func(i *profiles.Identity) { i.BirthDate = noon.AddDate(0, 0, 1) }, "birth_date", "profile.birth_date_bad"},
		{"born in 1850", d, func(i *profiles.Identity) { i.BirthDate = day("1850-01-01") }, "birth_date", "profile.birth_date_bad"},
		{"born in 1932", d, func(i *profiles.Identity) { i.BirthDate = day("1932-01-01") }, "", ""},
		{"contacts come later", d, func(i *profiles.Identity) { i.Audiences[people.FieldBirthDate] = viewer.Contacts }, "audience_birth_date", "profile.audience_bad"},
		{"no audience at all", d, func(i *profiles.Identity) { i.Audiences[people.FieldBirthDate] = "all" }, "audience_birth_date", "profile.audience_bad"},
		{"a fifth name", many, func(i *profiles.Identity) { i.UsageSurname = "Durand" }, "usage_surname", "profile.names_too_often"},
		{"many names, kept", many, func(i *profiles.Identity) { i.Civility = "mme" }, "", ""},
	} {
		in := good()
		tt.edit(&in)
		err := in.Validate(tt.d, noon)
		if got := errs.FieldsOf(err)[tt.field].Key; got != tt.key || (tt.key == "") != (err == nil) {
			t.Errorf("%s: Validate() = %v, want %s %s", tt.name, err, tt.field, tt.key)
		}
	}
}

func TestIdentityValidateBringsToForm(t *testing.T) {
	t.Parallel()
	in := profiles.Identity{Names: people.Names{FirstName: " Anne\n Laure ", BirthSurname: "Lavaut", UsageSurname: "Lavaut"}}
	if err := in.Validate(people.Dossier{}, noon); err != nil {
		t.Fatal(err)
	}
	if in.FirstName != "Anne Laure" || in.UsageSurname != "" {
		t.Errorf("Validate() made %q %q, want Anne Laure and no usage name", in.FirstName, in.UsageSurname)
	}
}

func TestNewLogins(t *testing.T) {
	t.Parallel()
	ly, re := association("ly"), association("re")
	ly.ID, re.ID = id.New(), id.New()
	as := people.Associations{ly, re}
	d := people.Dossier{Person: people.Person{FirstName: "Laure", BirthSurname: "Lavaut"}, Degrees: []people.Degree{
		{AssociationID: ly.ID, ClassYear: 2010}, {AssociationID: re.ID, ClassYear: 2012}, {AssociationID: re.ID}, // the last of no known year
	}}
	for _, tt := range []struct{ name, first, usage, want string }{
		{"unchanged", "Laure", "", ""},
		{"accents only", "Láure", "", ""},
		{"usage name", "Laure", "D’Été", "laure.d-ete.ly2010 laure.d-ete.re2012"},
		{"first name", "Anne-Laure", "", "anne-laure.lavaut.ly2010 anne-laure.lavaut.re2012"},
	} {
		got := strings.Join(profiles.NewLogins(d, as, people.Names{FirstName: tt.first, BirthSurname: "Lavaut", UsageSurname: tt.usage}), " ")
		if got != tt.want {
			t.Errorf("%s: NewLogins() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	full := people.Dossier{Person: people.Person{Photo: "photos/x", Headline: "h", Presentation: "p"}, Contacts: []people.ContactPoint{
		{Kind: people.Email, ConfirmedAt: noon}, {Kind: people.Phone}, {Kind: people.Postal, Purpose: people.Personal},
	}}
	unconfirmed := full
	unconfirmed.Contacts = []people.ContactPoint{{Kind: people.Email}, {Kind: people.Phone}, {Kind: people.Postal, Purpose: people.Professional}}
	for _, tt := range []struct {
		name string
		d    people.Dossier
		want string
	}{
		{"nothing", people.Dossier{}, "[email photo headline presentation phone address]"},
		{"all", full, "[]"},
		{"an e-mail not confirmed, an address at work", unconfirmed, "[email address]"},
	} {
		got := "["
		for i, item := range profiles.Missing(tt.d) {
			if i > 0 {
				got += " "
			}
			got += string(item)
		}
		if got += "]"; got != tt.want {
			t.Errorf("%s: Missing() = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestStandings(t *testing.T) {
	t.Parallel()
	ly, re := association("ly"), association("re")
	ly.ID, re.ID = id.New(), id.New()
	as := people.Associations{ly, re}
	today := day("2026-06-01")
	m := func(a people.Association, from, to string) people.Membership {
		return people.Membership{AssociationID: a.ID, StartsOn: day(from), EndsOn: day(to)}
	}
	for _, tt := range []struct {
		name string
		ms   []people.Membership
		want string
	}{
		{"never", nil, "ly none 0001-01-01"},
		{"the last day", []people.Membership{m(ly, "2025-06-02", "2026-06-01")}, "ly current 2026-06-01"},
		{"over since yesterday", []people.Membership{m(ly, "2025-06-01", "2026-05-31")}, "ly past 2026-05-31"},
		{"renewed", []people.Membership{m(ly, "2025-01-01", "2025-12-31"), m(ly, "2026-01-01", "2026-12-31")}, "ly current 2026-12-31"},
		{"renewed early", []people.Membership{m(ly, "2026-01-01", "2026-12-31"), m(ly, "2027-01-01", "2027-12-31")}, "ly current 2026-12-31"},
		{"two past", []people.Membership{m(ly, "2024-01-01", "2024-12-31"), m(ly, "2020-01-01", "2020-12-31")}, "ly past 2024-12-31"},
		{"coming", []people.Membership{m(ly, "2027-01-01", "2027-12-31"), m(ly, "2026-07-01", "2026-12-31"), m(ly, "2020-01-01", "2020-12-31")}, "ly coming 2026-07-01"},
		{"elsewhere too", []people.Membership{m(re, "2026-01-01", "2026-12-31")}, "ly none 0001-01-01, re current 2026-12-31"},
	} {
		d := people.Dossier{Degrees: []people.Degree{{AssociationID: ly.ID}}, Memberships: tt.ms}
		var got []string
		for _, s := range profiles.Standings(d, as, today) {
			got = append(got, s.Association.Code+" "+string(s.State)+" "+s.Day.Format(time.DateOnly))
		}
		if g := strings.Join(got, ", "); g != tt.want {
			t.Errorf("%s: Standings() = %s, want %s", tt.name, g, tt.want)
		}
	}
}

func TestTowns(t *testing.T) {
	t.Parallel()
	if len(profiles.Towns(people.ContactPoint{Postcode: "75001", Country: "FR"})) == 0 {
		t.Skip("the reference data are not built: make assets")
	}
	for _, tt := range []struct{ postcode, country, want string }{
		{"69001", "FR", "Lyon"},
		{"69 001", "FR", "Lyon"},
		{"6900", "FR", ""},
		{"69001", "DE", ""},
		{"abcde", "FR", ""},
	} {
		got := strings.Join(profiles.Towns(people.ContactPoint{Postcode: tt.postcode, Country: tt.country}), ",")
		if got != tt.want {
			t.Errorf("Towns(%s, %s) = %q, want %q", tt.postcode, tt.country, got, tt.want)
		}
	}
}
