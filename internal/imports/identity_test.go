package imports

import (
	"strings"
	"testing"

	"amicale/internal/imports/lists"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	of := func(text string, n int) string {
		table, err := lists.Open("test.csv", strings.NewReader(text), int64(len(text)))
		must(t, err)
		m, err := lists.MapColumns(table, nil)
		must(t, err)
		for row := range table.Rows() {
			r, _, err := m.Record(row, &lists.Defaults{Association: "ly", Today: noon})
			must(t, err)
			return Identity(r, n)
		}
		return ""
	}
	a := of("Nom;Prénom;Date de naissance;Promo\nL’HAME;Pierre-Henri;31/12/1967;1989\n", 1)
	if b := of("prénom,nom,promo,ddn\npierre henri,L'Hame,1989,1967-12-31\n", 1); a != b {
		t.Errorf("%q and %q differ", a, b)
	}
	if b := of("Nom;Prénom;Date de naissance;Promo\nL’HAME;Pierre-Henri;31/12/1967;1989\n", 2); a == b {
		t.Errorf("two occurrences share %q", a)
	}
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"Matricule;Nom\n7.0;Martin\n", 1, "id|import|7"},
		{"Matricule;Nom;Promo\n7;Martin;2012\n", 2, "id|import|7|ly|2012|engineer|2"}, // another degree of the same person
		{"Matricule;Nom;Promo\n7;Durand;2013\n", 1, "id|import|7"},                    // whatever else the list corrects
		{"depId;Début adhésion;Fin adhésion\nPA1;01/09/2020;31/08/2021\n", 1, "dues|assemblee-nationale|PA1|ly|2020-09-01|1"},
		{"depId;Début adhésion;Fin adhésion\nPA1;01/09/2020;31/08/2022\n", 1, "dues|assemblee-nationale|PA1|ly|2020-09-01|1"},
	} {
		if got := of(c.text, c.n); got != c.want {
			t.Errorf("Identity(%q, %d) = %q, want %q", c.text, c.n, got, c.want)
		}
	}
}

func TestOccurrences(t *testing.T) {
	t.Parallel()
	o := newOccurrences()
	martin := &lists.Record{FirstName: "Jean", BirthSurname: "Martin", Degrees: []lists.Degree{{Association: "ly", ClassYear: 2010}}}
	first, second, third := o.identity(martin), o.identity(martin), o.identity(martin)
	if first == second || second == third || first == third {
		t.Errorf("three equal rows are %s, %s, %s", first, second, third)
	}
	if again := newOccurrences().identity(martin); again != first {
		t.Errorf("the first of another reading is %s, want %s", again, first)
	}
}
