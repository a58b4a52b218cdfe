package desk_test

import (
	"testing"
	"time"

	"amicale/internal/desk"
	"amicale/internal/id"
	"amicale/internal/people"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	ly := people.Association{ID: id.New(), Code: "ly"}
	d := people.Dossier{Person: people.Person{FirstName: "Anne-Laure", FirstNames: "Anne-Laure Marie", BirthSurname: "Lavaut", UsageSurname: "Petit"},
		Degrees:  []people.Degree{{AssociationID: ly.ID, ClassYear: 2010, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Phone, Value: "06 12 34 56 78", ValueKey: "+33612345678"}, {Kind: people.Email, Value: "al@exemple.fr"}}}
	claim := people.Claim{Surname: "LAVAUT", FirstName: "anne laure", Year: 2011, School: "ly", Phone: "0612345678"}
	got := map[string]desk.Hint{}
	for _, c := range desk.Compare(claim, d, people.Associations{ly}) {
		got[c.Field] = c.Hint
	}
	for field, want := range map[string]desk.Hint{"surname": desk.Agrees, "first_name": desk.Agrees, "year": desk.Differs, "school": desk.Agrees,
		"phone": desk.Agrees, "email": desk.Unknown, "department": desk.Unknown} {
		if got[field] != want {
			t.Errorf("Compare() %s = %q, want %q", field, got[field], want)
		}
	}
	if _, there := got["birth_surname"]; there {
		t.Error("Compare() shows a birth surname that nobody claimed")
	}
	stranger := desk.Compare(people.Claim{Surname: "Durand", Year: 1970}, d, nil)
	if a, b := desk.Score(desk.Compare(claim, d, people.Associations{ly})), desk.Score(stranger); a <= b {
		t.Errorf("Score() = %d for the right one, %d for a stranger", a, b)
	}
}

func TestAlarmAt(t *testing.T) {
	t.Parallel()
	for waited, want := range map[time.Duration]int{0: 0, 23 * time.Hour: 0, 24 * time.Hour: 1, 71 * time.Hour: 1, 72 * time.Hour: 3, 167 * time.Hour: 3, 168 * time.Hour: 7, 9000 * time.Hour: 7} {
		if got := desk.AlarmAt(waited); got != want {
			t.Errorf("AlarmAt(%v) = %d, want %d", waited, got, want)
		}
	}
}
