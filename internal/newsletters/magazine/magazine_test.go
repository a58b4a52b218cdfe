package magazine

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"amicale/internal/people"
)

var today = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func TestLabelOf(t *testing.T) {
	t.Parallel()
	home := people.ContactPoint{Kind: people.Postal, Purpose: people.Personal, Street: "Résidence des Lilas\n12 bis, rue de l’Église", Postcode: "42000", City: "Saint-Étienne", Country: "FR"}
	with := func(c people.ContactPoint, change func(*people.ContactPoint)) people.ContactPoint {
		change(&c)
		return c
	}
	for _, c := range []struct {
		name     string
		contacts []people.ContactPoint
		change   func(*people.Dossier)
		want     string // lines between |; "" for none
	}{
		{"France", []people.ContactPoint{home}, nil, "Mme Ada Lovelace|Résidence des Lilas|12 bis, rue de l’Église|42000 SAINT ETIENNE"},
		{"no country is France", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.Country = "" })}, nil, "Mme Ada Lovelace|Résidence des Lilas|12 bis, rue de l’Église|42000 SAINT ETIENNE"},
		{"Réunion", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.Country, c.Postcode, c.City = "RE", "97400", "Saint-Denis" })}, nil, "Mme Ada Lovelace|Résidence des Lilas|12 bis, rue de l’Église|97400 SAINT DENIS"},
		{"abroad", []people.ContactPoint{with(home, func(c *people.ContactPoint) {
			c.Street, c.Postcode, c.City, c.Country = "Hauptstraße 1", "10115", "Berlin", "DE"
		})}, nil, "Mme Ada Lovelace|Hauptstraße 1|10115 Berlin|ALLEMAGNE"},
		{"no civility", []people.ContactPoint{home}, func(d *people.Dossier) { d.Civility = "" }, "Ada Lovelace|Résidence des Lilas|12 bis, rue de l’Église|42000 SAINT ETIENNE"},
		{"home before work", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.Purpose, c.City = people.Professional, "Lyon" }), home}, nil, "Mme Ada Lovelace|Résidence des Lilas|12 bis, rue de l’Église|42000 SAINT ETIENNE"},
		{"the preferred one", []people.ContactPoint{home, with(home, func(c *people.ContactPoint) {
			c.Purpose, c.City, c.Street, c.Preferred = people.Professional, "Lyon", "1 rue", true
		})}, nil, "Mme Ada Lovelace|1 rue|42000 LYON"},
		{"where he is now", []people.ContactPoint{home, with(home, func(c *people.ContactPoint) {
			c.Purpose, c.Street, c.ValidFrom, c.ValidTo = people.Temporary, "1 rue", today.AddDate(0, -1, 0), today.AddDate(0, 1, 0)
		})}, nil, "Mme Ada Lovelace|1 rue|42000 SAINT ETIENNE"},
		{"where he was", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.Purpose, c.ValidTo = people.Temporary, today.AddDate(0, -1, 0) })}, nil, ""},
		{"no town", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.City = "" })}, nil, ""},
		{"nothing", nil, nil, ""},
		{"dead", []people.ContactPoint{home}, func(d *people.Dossier) { d.Status = people.Deceased }, ""},
		{"too many lines", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.Street = "a\nb\nc\nd\ne\nf" })}, nil, "Mme Ada Lovelace|a|b|c|d|42000 SAINT ETIENNE"},
		{"a long line", []people.ContactPoint{with(home, func(c *people.ContactPoint) { c.Street = strings.Repeat("long ", 20) })}, nil, "Mme Ada Lovelace|long long long long long long long lon|42000 SAINT ETIENNE"},
	} {
		d := people.Dossier{Person: people.Person{Civility: "mme", FirstName: "Ada", BirthSurname: "Byron", UsageSurname: "Lovelace"}, Contacts: c.contacts}
		if c.change != nil {
			c.change(&d)
		}
		l, ok := LabelOf(d, today)
		if got := strings.Join(l.Lines(), "|"); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if len(l.Lines()) > mostLines {
			t.Errorf("%s: %d lines", c.name, len(l.Lines()))
		}
	}
}

func TestSheets(t *testing.T) {
	t.Parallel()
	for n, pages := range map[int]int{0: 1, 1: 1, 24: 1, 25: 2, 49: 3} {
		var list []Label
		for range n {
			list = append(list, Label{Name: "Mme Élodie Œuvré-Łukasiewicz", Street: []string{strings.Repeat("W", 38)}, City: "69100 VILLEURBANNE", Country: "CÔTE D’IVOIRE"})
		}
		b, err := Sheets("Étiquettes", list)
		if err != nil || !isPDF(b, b[max(0, len(b)-tailSize):]) {
			t.Fatalf("%d labels: %v", n, err)
		}
		if got := bytes.Count(b, []byte("/Type /Page\n")); got != pages {
			t.Errorf("%d labels on %d pages, want %d", n, got, pages)
		}
	}
}

func TestTableIsNoFormula(t *testing.T) {
	t.Parallel()
	b, err := Table([]string{"Nom", "1", "2", "3", "Ville", "Pays"}, []Label{{Name: "=HYPERLINK(\"x\")", Street: []string{"+33", "-1", "@x", "d;e"}, City: "69100 \"V\"", Country: "ITALIE"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "\uFEFFNom;1;2;3;Ville;Pays\r\n\"'=HYPERLINK(\"\"x\"\")\";'+33;'-1;\"'@x d;e\";\"69100 \"\"V\"\"\";ITALIE\r\n"
	if string(b) != want {
		t.Errorf("%q, want %q", b, want)
	}
}

func TestIsPDF(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		head, tail string
		want       bool
	}{{"%PDF-1.7", "xref\n%%EOF\n", true}, {"%PDF-1.7", "cut", false}, {"MZ%PDF", "%%EOF", false}, {"<html>", "%%EOF", false}} {
		if got := isPDF([]byte(c.head), []byte(c.tail)); got != c.want {
			t.Errorf("isPDF(%q, %q) = %v", c.head, c.tail, got)
		}
	}
}
