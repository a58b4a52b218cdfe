package lists

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"amicale/internal/people"
)

// take reads all of a sample, and returns the records, the keys of the warnings and of the rejects, counted.
func take(t *testing.T, table *Table, overrides ...Override) (records []*Record, warnings, rejects map[string]int) {
	t.Helper()
	mapping, err := MapColumns(table, overrides)
	if err != nil {
		t.Fatal(err)
	}
	warnings, rejects = map[string]int{}, map[string]int{}
	for row, err := range table.Rows() {
		var r *Record
		var w []Warning
		if err == nil {
			r, w, err = mapping.Record(row, testDefaults())
		}
		for _, warning := range w {
			warnings[warning.Key]++
		}
		if why := (Reason{}); errors.As(err, &why) {
			rejects[why.Key]++
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records, warnings, rejects
}

func mappingText(t *testing.T, table *Table) string {
	t.Helper()
	m, err := MapColumns(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(m.Text("en")), "\n", "; ")
}

func TestDeputies(t *testing.T) {
	t.Parallel()
	table := sample(t, "population/an-deputes.csv.gz")
	records, warnings, rejects := take(t, table)
	if len(records) != 598 || len(rejects) > 0 || warnings["no_class"] != 598 || len(warnings) != 1 {
		t.Errorf("%d records, warnings %v, rejects %v, want 598, each without a class", len(records), warnings, rejects)
	}
	want := "id=assemblee-nationale:PA794038 civ=m first=Yannick birth=Neuder born=1969 degree=ly/0/engineer note=map[paysNais:France villeNais:Tullins]"
	if got := describe(records[0]); got != want {
		t.Errorf("first deputy = %s, want %s", got, want)
	}
	identities := map[string]bool{}
	for _, r := range records {
		identities[r.Legacy[0].Value] = true
	}
	if len(identities) != 598 {
		t.Errorf("%d identities, want 598", len(identities))
	}
}

func TestMandates(t *testing.T) {
	t.Parallel()
	records, warnings, rejects := take(t, sample(t, "population/an-memberships.csv.gz"))
	if len(records) != 23_444 || len(rejects) > 0 {
		t.Fatalf("%d records, warnings %v, rejects %v, want 23444", len(records), warnings, rejects)
	}
	first := records[0]
	if got, want := fmt.Sprint(first.Legacy, first.Memberships, first.Named()), "[{assemblee-nationale PA794038}] [{ly 2022-07-13 2027-08-31 true }] false"; got != want {
		t.Errorf("first mandate = %s, want %s", got, want)
	}
}

func TestScientists(t *testing.T) {
	t.Parallel()
	records, warnings, rejects := take(t, sample(t, "population/wikidata-scientists-le1900.csv.gz"))
	if len(records) != 2556 {
		t.Errorf("%d records, warnings %v, rejects %v, want 2556", len(records), warnings, rejects)
	}
	names := map[string]bool{}
	for _, r := range records {
		names[r.FirstName+"|"+r.BirthSurname+"|"+r.Birth.String()] = true
	}
	for _, want := range []string{"David|Brewster|1781", "Joseph Johann|Littrow|1781", "William|Parsons|1800"} {
		if !names[want] {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestOsuny(t *testing.T) {
	t.Parallel()
	const contacts = "epe=stephane.dupond@gmail.com ppe=1 rue Jacques Ellul,33000,Bordeaux,FR ppr=+33101010101 ppe=+33202020202 ppe=+33606060606"
	for _, c := range []struct{ file, want string }{
		{"members/osuny-alumni-example.xlsx", "civ=m first=Stéphane birth=Dupond born=2006-05-26 degree=ly/2022/engineer " + contacts},
		{"members/osuny-people-example.xlsx", "civ=m first=Stéphane birth=Dupond born=2006-05-26 degree=ly/0/engineer " + contacts},
		{"members/osuny-experiences-example.xlsx", "civ=m first=Stéphane birth=Dupond born=2006-05-26 degree=ly/0/engineer " + contacts},
	} {
		table := sample(t, c.file)
		records, _, rejects := take(t, table)
		if len(records) != 1 || len(rejects) > 0 {
			t.Errorf("%s: %d records, rejects %v, want 1", c.file, len(records), rejects)
			continue
		}
		got, _, _ := strings.Cut(describe(records[0]), " note=")
		if got != c.want || records[0].Note["biography"] == "" {
			t.Errorf("%s:\n got %s\nwant %s", c.file, got, c.want)
		}
	}
}

func TestGalette(t *testing.T) {
	t.Parallel()
	table := sample(t, "members/galette-import-header.csv")
	if len(table.Header) != 18 || table.Separator != ';' {
		t.Fatalf("%d columns by %q", len(table.Header), table.Separator)
	}
	want := "nom_adh → surname; prenom_adh → first_name; ddn_adh → birth_date; adresse_adh → address_personal; cp_adh → postcode_personal; " +
		"ville_adh → city_personal; pays_adh → country_personal; tel_adh → phone_personal; gsm_adh → phone_personal.2; email_adh → email_personal; " +
		"prof_adh → kept as a note; pseudo_adh → kept as a note; societe_adh → kept as a note; login_adh → login; date_crea_adh → kept as a note; " +
		"id_statut → kept as a note; info_public_adh → kept as a note; info_adh → kept as a note"
	if got := mappingText(t, table); got != want {
		t.Errorf("mapping = %s,\nwant %s", got, want)
	}
}

// The columns of an AlumnForce export that mean something here.
func TestAlumnForce(t *testing.T) {
	t.Parallel()
	header := []string{"Identifiant (AlumnForce)", "Identifiant (École)", "Prénom", "Nom d'état-civil", "Nom d'usage", "Civilité (Mme / Mlle / M.)", "Date de naissance",
		"Adresse personnelle - Ligne 1", "Adresse personnelle - Ligne 2", "Adresse personnelle - Ville", "Adresse personnelle - Code postal", "Adresse personnelle - Pays (ISO)",
		"Adresse personnelle - NPAI (Oui [1] / Non [0])", "Téléphone fixe personnel", "Téléphone mobile personnel", "Email personnel 1", "Email personnel 2",
		"Membre décédé (Oui [1] / Non [0])", "Statut (Non enregistré [0] / Compte activé [3])", "Type utilisateur (Diplômé(e) [1] / Élève / étudiant(e) [5])",
		"Date de promotion", "Entreprise - Nom", "Adresse professionnelle - Ville", "Téléphone fixe professionnel", "Email professionnel", "Début de l'expérience", "Date de décès",
		"Adresse secondaire - Ligne 1", "Adresse secondaire - Ville"}
	row := []string{"4711", "X99", "Zoé", "Martin", "Durand", "Mme", "03/04/1969", "Bât. B", "1 rue du Lac", "Lyon", "69001", "FR", "0", "0472438383", "0612345678",
		"z@example.org", "zoe@example.org", "0", "3", "1", "01/07/1990", "Acme", "Paris", "", "z@pro.example.org", "01/01/2000", "", "Les \\\"Pins\\\"", "Nice"}
	text := "\"" + strings.Join(header, "\",\"") + "\"\n\"" + strings.Join(row, "\",\"") + "\"\n"
	want := "id=alumnforce:4711 id=alumnforce/identifiant ecole:X99 civ=mme first=Zoé birth=Martin usage=Durand born=1969-04-03 degree=ly/1990/engineer " +
		"epe=z@example.org epe=zoe@example.org epr=z@pro.example.org ppe=Bât. B/1 rue du Lac,69001,Lyon,FR ppr=Paris ppe=Les \"Pins\",,Nice " +
		"ppe=+33472438383 ppe=+33612345678 note=map[Adresse personnelle - NPAI (Oui [1] / Non [0]):Non Début de l'expérience:01/01/2000 Entreprise - Nom:Acme " +
		"Statut (Non enregistré [0] / Compte activé [3]):Compte activé]"
	if got := outcome(t, text, testDefaults()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestStatusOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]people.Status{
		"Diplômé(e)": people.Graduate, "Étudiant": people.Student, "ancien élève": people.Graduate, "Décédée": people.Deceased,
		"Student": people.Student, "postgraduate student": people.Student, "Alumni": people.Graduate, "membre d’honneur": people.Other, "actif": "", "": "",
	} {
		if got := statusOf(in); got != want {
			t.Errorf("statusOf(%q) = %q, want %q", in, got, want)
		}
	}
}
