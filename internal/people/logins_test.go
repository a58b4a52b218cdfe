package people_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
)

// logins are all of a person's, the current ones with a star.
func (b base) logins(t *testing.T, person id.ID) string {
	t.Helper()
	var out []string
	for _, l := range b.dossier(t, person).Logins {
		if l.Current {
			l.Login += "*"
		}
		out = append(out, l.Login)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (b base) wantLogins(t *testing.T, what string, person id.ID, want string) {
	t.Helper()
	if got := b.logins(t, person); got != want {
		t.Errorf("%s: logins = %s, want %s", what, got, want)
	}
}

func TestLoginsOfHomonyms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		kept := graduate("Jean", "Martin", b.ly, 1990) // his older system gave him the login that the rule would give others
		kept.Logins = []people.Login{{Login: "jean.martin-2.ly2010", Origin: "import"}, {Login: "JMartin_90", Origin: "import"}}
		var list []people.Dossier
		for range 3 {
			list = append(list, graduate("Jean", "Martin", b.ly, 2010))
		}
		list = append(list, graduate("Jean", "Martin", b.re, 2010), graduate("Jean", "Martin", b.ly, 0), graduate("???", "Martin", b.ly, 2010), kept)
		ids := b.insert(t, list...)
		var after id.ID
		total := 0
		for {
			last, given, err := b.GenerateLogins(t.Context(), system, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if given == 0 {
				break
			}
			after, total = last, total+given
		}
		if total != 5 {
			t.Errorf("GenerateLogins gave %d logins, want 5", total)
		}
		for i, want := range []string{"jean.martin.ly2010*", "jean.martin-3.ly2010*", "jean.martin-4.ly2010*", "jean.martin.re2010*", "", "",
			"JMartin_90 jean.martin-2.ly2010 jean.martin.ly1990*"} {
			b.wantLogins(t, fmt.Sprint("person ", i), ids[i], want)
		}
		if got, err := b.PersonByLogin(t.Context(), "jmartin_90"); err != nil || got != ids[6] {
			t.Errorf("PersonByLogin(jmartin_90) = %v, %v, want %v", got, err, ids[6])
		}
		if _, _, err := b.GenerateLogins(t.Context(), admin(), id.ID{}, 10); !errors.Is(err, errs.Forbidden) {
			t.Errorf("GenerateLogins for an admin: %v, want forbidden", err)
		}
	})
}

// Degrees that can have no login must not stop the others behind them.
func TestGenerateLoginsPassesOverTheNameless(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		ids := b.insert(t, graduate("?", "!", b.ly, 2010), graduate("?", "?", b.ly, 2010), graduate("Anne", "Roy", b.ly, 2010))
		if _, given, err := b.GenerateLogins(t.Context(), system, id.ID{}, 1); err != nil || given != 1 {
			t.Errorf("GenerateLogins() = %d, %v, want 1", given, err)
		}
		b.wantLogins(t, "behind them", ids[2], "anne.roy.ly2010*")
	})
}

func TestOneLoginForASchoolAndYear(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		p := graduate("Anne", "Roy", b.ly, 2010)
		p.Degrees = append(p.Degrees, people.Degree{AssociationID: b.ly.ID, ClassYear: 2010, Diploma: people.Master},
			people.Degree{AssociationID: b.re.ID, ClassYear: 2014, Diploma: people.Doctorate})
		person := b.add(t, p)
		b.wantLogins(t, "three degrees", person, "anne.roy.ly2010* anne.roy.re2014*")
		if _, given, err := b.GenerateLogins(t.Context(), system, id.ID{}, 10); err != nil || given != 0 {
			t.Errorf("GenerateLogins() once more = %d, %v, want 0", given, err)
		}
		st, err := b.StandingOf(t.Context(), person)
		if err != nil || st.Login != "anne.roy.re2014" || !slices.Equal(st.Codes, []string{"re", "ly", "ly"}) {
			t.Errorf("StandingOf() = %+v, %v, want the newest degree first", st, err)
		}
	})
}

func TestNameChange(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		b.add(t, graduate("Anne", "Petit", b.ly, 2010)) // has the first one of that name
		person := b.add(t, graduate("Anne", "Petit", b.ly, 2010))
		name := func(usage string) {
			t.Helper()
			if err := b.SaveNames(t.Context(), self(person), person, people.Names{FirstName: "Anne", BirthSurname: "Petit", UsageSurname: usage}); err != nil {
				t.Fatal(err)
			}
		}
		name("Grand")
		b.wantLogins(t, "married", person, "anne.grand.ly2010* anne.petit-2.ly2010")
		name("")
		b.wantLogins(t, "divorced", person, "anne.grand.ly2010 anne.petit-2.ly2010*")
		name("GRAND")
		name("Grand")
		b.wantLogins(t, "married again", person, "anne.grand.ly2010* anne.petit-2.ly2010")
		for _, typed := range []string{"Anne.Petit-2.LY.2010", "anne grand ly2010"} {
			if got, err := b.PersonByLogin(t.Context(), typed); err != nil || got != person {
				t.Errorf("PersonByLogin(%q) = %v, %v, want %v", typed, got, err, person)
			}
		}
		other := b.add(t, graduate("Anne", "Grand", b.ly, 2010))
		b.wantLogins(t, "somebody of the new name", other, "anne.grand-2.ly2010*")
	})
}

func TestKeepLogin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		a, c := b.add(t, graduate("Anne", "Petit", b.ly, 2010)), b.add(t, graduate("Luc", "Grand", b.ly, 2010))
		degree := b.dossier(t, a).Degrees[0].ID
		for range 2 {
			if err := b.KeepLogin(t.Context(), people.Login{Login: "Anne.PETIT_x", PersonID: a, DegreeID: degree, Current: true, Origin: "import"}); err != nil {
				t.Fatal(err)
			}
		}
		b.wantLogins(t, "kept as written", a, "Anne.PETIT_x* anne.petit.ly2010")
		before := b.logins(t, c)
		err := d.Tx(t.Context(), func(ctx context.Context) error {
			err := b.KeepLogin(ctx, people.Login{Login: "luc.grand.ly2010", PersonID: a, DegreeID: degree, Current: true, Origin: "import"})
			if !errors.Is(err, errs.Conflict) {
				t.Errorf("KeepLogin(another's) = %v, want conflict", err)
			}
			return nil // an import goes on
		})
		if err != nil {
			t.Fatal(err)
		}
		b.wantLogins(t, "owner after the conflict", c, before)
		b.wantLogins(t, "asker after the conflict", a, "Anne.PETIT_x* anne.petit.ly2010")

		if err := b.ReserveStaffLogin(t.Context(), "luc.grand.re2010"); err != nil {
			t.Fatal(err)
		}
		b.wantLogins(t, "a staff login is nobody's to give", b.add(t, graduate("Luc", "Grand", b.re, 2010)), "luc.grand-2.re2010*")
		taken, err := b.LoginsTaken(t.Context(), system, []string{"LUC.GRAND.ly2010", "luc.grand.re2010", "nobody.ly2010"})
		if err != nil || len(taken) != 2 || taken["luc.grand.ly2010"] != c || !taken["luc.grand.re2010"].IsZero() {
			t.Errorf("LoginsTaken() = %v, %v", taken, err)
		}
	})
}

// Twenty namesakes get their logins from several sides at once: each another one, no error.
func TestMintingAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBase(t, d)
		var list []people.Dossier
		for range 20 {
			list = append(list, graduate("Jean", "Martin", b.ly, 2010))
		}
		ids := b.insert(t, list...)
		var wg sync.WaitGroup
		for side := range 4 {
			wg.Go(func() {
				for i := range ids {
					person := ids[(i+side*5)%len(ids)]
					if err := b.GenerateLoginsFor(t.Context(), person); err != nil {
						t.Errorf("GenerateLoginsFor() = %v", err)
					}
				}
			})
		}
		wg.Wait()
		given := map[string]bool{}
		for _, p := range ids {
			l := b.dossier(t, p).Logins
			if len(l) == 0 || !strings.HasPrefix(l[0].Login, "jean.martin") {
				t.Errorf("logins = %v, want at least one", l)
			}
			for _, l := range l {
				if given[l.Login] {
					t.Errorf("%s was given twice", l.Login)
				}
				given[l.Login] = true
			}
		}
	})
}
