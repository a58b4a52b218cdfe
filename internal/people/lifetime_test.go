package people_test

import (
	"slices"
	"strings"
	"testing"

	"amicale/internal/id"
	"amicale/internal/people"
)

var (
	lyon = people.Association{ID: id.New(), Code: "ly", MailDomain: "ly-alumni.example"}
	ren  = people.Association{ID: id.New(), Code: "re", MailDomain: "re-alumni.example"}
	both = people.Associations{lyon, ren}
)

func TestWhereALoginIsRight(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key     string
		school  id.ID
		schools []id.ID
		want    string
	}{
		{"laure.lavaut.ly2010", lyon.ID, []id.ID{lyon.ID, ren.ID}, "ly"},
		{"laure.lavaut.ly2010", ren.ID, []id.ID{ren.ID}, "ly re"}, // the degree's school was corrected: both are for life
		{"laure.lavaut.ly2010", id.ID{}, []id.ID{ren.ID}, "ly re"},
		{"jmartin_90", id.ID{}, []id.ID{lyon.ID, ren.ID}, "ly re"},
		{"jmartin_90", id.ID{}, nil, ""},
		{"jmartin_90", lyon.ID, []id.ID{lyon.ID, ren.ID}, "ly"},
		{"ly2010", id.ID{}, nil, ""},
		{"a.ly201", id.ID{}, nil, ""},
		{"a.lyx2010", id.ID{}, nil, ""},
	} {
		var got []string
		for _, a := range both.OfLogin(tt.key, tt.school, tt.schools) {
			got = append(got, a.Code)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("OfLogin(%q) = %v, want %s", tt.key, got, tt.want)
		}
	}
}

func TestLifetimeAddresses(t *testing.T) {
	t.Parallel()
	g := people.Degree{ID: id.New(), AssociationID: lyon.ID, ClassYear: 2010}
	d := people.Dossier{Degrees: []people.Degree{g, {ID: id.New(), AssociationID: ren.ID}}, Logins: []people.Login{
		{Login: "JMartin_90"}, {Login: "jean martin"}, {Login: "jean.martin.ly2010", DegreeID: g.ID, Current: true}, {Login: "jean.petit.ly2010", DegreeID: g.ID},
	}}
	var got []string
	for _, a := range d.LifetimeAddresses(both) {
		got = append(got, a.Address)
	}
	want := []string{"jean.martin.ly2010@ly-alumni.example", "jmartin_90@ly-alumni.example", "jmartin_90@re-alumni.example",
		"jean.martin@ly-alumni.example", "jean.martin@re-alumni.example", "jean.petit.ly2010@ly-alumni.example"}
	if !slices.Equal(got, want) {
		t.Errorf("LifetimeAddresses() = %q, want %q", got, want)
	}
	d.Status = people.Deceased
	if got := d.LifetimeAddresses(both); got != nil {
		t.Errorf("LifetimeAddresses() of somebody who died = %v, want none", got)
	}
}

func TestOurs(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"laure.lavaut.ly2010@ly-alumni.example": true, "x@RE-alumni.example": true, "x@retour.ly-alumni.example": true, "x@lettres.ly-alumni.example": true,
		"x@notly-alumni.example": false, "x@ly-alumni.example.fr": false, "laure@exemple.fr": false, "": false, "nothing": false,
	} {
		if got := append(both, people.Association{}).Ours(address); got != want {
			t.Errorf("Ours(%q) = %v, want %v", address, got, want)
		}
	}
}
