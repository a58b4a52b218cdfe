package people_test

import (
	"testing"
	"time"

	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

// base is a store with two associations.
type base struct {
	*people.Store
	db     *db.DB
	ly, re people.Association
}

func newBase(t *testing.T, d *db.DB) base {
	t.Helper()
	now := clock.At(noon)
	b := base{Store: people.NewStore(d, changes.NewStore(d, now), now), db: d}
	b.ly, b.re = association("ly"), association("re")
	for _, a := range []*people.Association{&b.ly, &b.re} {
		if err := b.SaveAssociation(t.Context(), system, a); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func association(code string) people.Association {
	return people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: "alumni-" + code + ".example",
		MailDomain: code + ".example", Color: "#8a1538"}
}

// graduate is a person of one degree, activated, as yet in no database.
func graduate(first, last string, a people.Association, year int) people.Dossier {
	return people.Dossier{
		Person:  people.Person{FirstName: first, BirthSurname: last, ActivatedAt: noon.AddDate(-1, 0, 0)},
		Degrees: []people.Degree{{AssociationID: a.ID, ClassYear: year, Diploma: people.Engineer, Department: "GE"}},
	}
}

func (b base) insert(t *testing.T, list ...people.Dossier) []id.ID {
	t.Helper()
	if err := b.Insert(t.Context(), system, list); err != nil {
		t.Fatal(err)
	}
	ids := make([]id.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// add inserts one person and gives him his logins.
func (b base) add(t *testing.T, d people.Dossier) id.ID {
	t.Helper()
	person := b.insert(t, d)[0]
	if err := b.GenerateLoginsFor(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	return person
}

func (b base) dossier(t *testing.T, person id.ID) people.Dossier {
	t.Helper()
	d, err := b.Dossier(t.Context(), system, person)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// touched is how often the change feed names a person.
func (b base) touched(t *testing.T, person id.ID) int {
	t.Helper()
	n, err := db.One[int](t.Context(), b.db, `SELECT count(*) FROM changes WHERE entity = ? AND kind = 'person'`, person)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func staff(name viewer.RoleName, a people.Association) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: name, Association: a.ID}}}
}

func admin() viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
}

func self(person id.ID) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: person}
}
