package lists

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"amicale/internal/people"
)

func testDefaults() *Defaults {
	return &Defaults{
		Association:  "ly",
		Associations: []KnownAssociation{{"ly", []string{"INSA Lyon", "AIL Alumni INSA Lyon"}}, {"re", []string{"INSA Rennes", "IAR"}}},
		Today:        time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	}
}

// describe writes a Record on one line, so that tests read.
func describe(r *Record) string {
	var b strings.Builder
	add := func(name string, v any) {
		if s := fmt.Sprint(v); s != "" {
			fmt.Fprintf(&b, " %s=%s", name, s)
		}
	}
	for _, l := range r.Legacy {
		add("id", l.Source+":"+l.Value)
	}
	add("civ", r.Civility)
	add("first", r.FirstName)
	if r.FirstNames != r.FirstName {
		add("all", r.FirstNames)
	}
	add("birth", r.BirthSurname)
	add("usage", r.UsageSurname)
	add("born", r.Birth)
	add("died", r.Death)
	if r.Status != people.Graduate {
		add("status", r.Status)
	}
	for _, d := range r.Degrees {
		add("degree", strings.TrimSuffix(fmt.Sprintf("%s/%d/%s/%d/%s", d.Association, d.ClassYear, d.Diploma, d.StudyYear, d.Department), "/0/"))
	}
	for _, c := range r.Contacts {
		add(string(c.Kind[:1])+string(c.Purpose[:2]), strings.Trim(fmt.Sprintf("%s%s,%s,%s,%s,%s,%s", c.Value, strings.ReplaceAll(c.Street, "\n", "/"), c.Postcode, c.City, c.Country, c.From, c.To), ","))
	}
	for _, l := range r.Logins {
		add("login", l)
	}
	for _, l := range r.FormerLogins {
		add("former", l)
	}
	for _, l := range r.Redirects {
		add("to", l)
	}
	for _, m := range r.Memberships {
		add("member", fmt.Sprintf("%s/%s/%s/%s", m.Association, m.From, m.To, m.Origin))
	}
	for _, f := range r.Refusals {
		add("no", fmt.Sprintf("%s/%s/%s", f.Kind, f.Date, f.Origin))
	}
	if len(r.Note) > 0 {
		add("note", r.Note)
	}
	return strings.TrimSpace(b.String())
}

// outcome is the Record of the first row of text, its warnings, or why it is rejected.
func outcome(t *testing.T, text string, d *Defaults, overrides ...Override) string {
	t.Helper()
	table := openText(t, text)
	mapping, err := MapColumns(table, overrides)
	if err != nil {
		t.Fatalf("MapColumns(%.80q): %v", text, err)
	}
	for row, err := range table.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		r, warnings, err := mapping.Record(row, d)
		out := ""
		if why := (Reason{}); errors.As(err, &why) {
			out = "! " + why.Key
		} else {
			out = describe(r)
		}
		for _, w := range warnings {
			out += " (" + w.Key + ")"
		}
		return out
	}
	t.Fatalf("%q has no rows", text)
	return ""
}

func TestRecord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"whole", "Matricule;Civilité;Nom de naissance;Nom d'usage;Prénom;Date de naissance;Promotion;Diplôme;Spécialité;E-mail perso;E-mail pro;Mobile;Tél. pro\n" +
			"A12;Mme;Lavaut;Dupont;Laure;31/12/1987;2010;Ingénieur;GI;Laure@Example.org;l@pro.example.org;612345678;04 72 43 83 83\n",
			"id=import:A12 civ=mme first=Laure birth=Lavaut usage=Dupont born=1987-12-31 degree=ly/2010/engineer/0/GI " +
				"epe=laure@example.org epr=l@pro.example.org ppe=+33612345678 ppr=+33472438383"},
		{"english", "ID,Title,First name,Last name,Birth date,Class year,Degree,Department,Email,Phone,Address,Zip code,City,Country\n" +
			"7,Mr,John,Doe,1980-05-04,2003,Master,CS,j@example.org,+33612345678,1 Lake Street,1000,Bourg,FR\n",
			"id=import:7 civ=m first=John birth=Doe born=1980-05-04 degree=ly/2003/master/0/CS epe=j@example.org ppe=1 Lake Street,01000,Bourg,FR ppe=+33612345678"},
		{"full name", "Nom complet;Promo\nM. Charles de la Vallée Poussin;1990\n", "civ=m first=Charles birth=de la Vallée Poussin degree=ly/1990/engineer"},
		{"surname first", "Nom et prénom;Promo\nLe Gall Anne-Laure;1990\n", "first=Anne-Laure birth=Le Gall degree=ly/1990/engineer"},
		{"nom alone", "Nom;Promo\nDUPONT Jean;1990\nMARTIN Zoé;1991\n", "first=Jean birth=DUPONT degree=ly/1990/engineer"},
		{"nom and nom d'usage", "Nom;Nom d'usage;Prénom;Promo\nMartin;Durand;Zoé;1990\n", "first=Zoé birth=Martin usage=Durand degree=ly/1990/engineer"},
		{"nom and nom de jeune fille", "Nom;Nom de jeune fille;Prénom;Promo\nDurand;Martin;Zoé;1990\n", "first=Zoé birth=Martin usage=Durand degree=ly/1990/engineer"},
		{"same name twice", "Nom;Nom d'usage;Prénom;Promo\nMartin;MARTIN;Zoé;1990\n", "first=Zoé birth=Martin degree=ly/1990/engineer"},
		{"first names", "Nom;Prénoms;Promo\nMartin;Jean-Pierre Marie Paul;1990\n", "first=Jean-Pierre all=Jean-Pierre Marie Paul birth=Martin degree=ly/1990/engineer"},
		{"first names by commas", "Nom;Prénom(s);Promo\nMartin;Anne Laure, Marie;1990\n", "first=Anne Laure all=Anne Laure Marie birth=Martin degree=ly/1990/engineer"},
		{"year only", "Nom;Prénom;Année de naissance;Promo\nMartin;Zoé;1969;90\n", "first=Zoé birth=Martin born=1969 degree=ly/1990/engineer"},
		{"two degrees", "Nom;Prénom;École;Promo;École 2;Promo 2;Diplôme 2\nMartin;Zoé;INSA Lyon;1990;insa rennes;1994;Doctorat\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer degree=re/1994/doctorate"},
		{"student", "Nom;Prénom;Statut;Promo;Année d'étude\nMartin;Zoé;Étudiante;2028;3A\n", "first=Zoé birth=Martin status=student degree=ly/2028/student/3/"},
		{"student by diploma", "Nom;Prénom;Diplôme;Promo\nMartin;Zoé;étudiant 4e année;2028\n",
			"first=Zoé birth=Martin status=student degree=ly/2028/student/4/ note=map[Diplôme:étudiant 4e année]"},
		{"deceased", "Nom;Prénom;Promo;Décédé;Date de décès\nMartin;Zoé;1950;oui;12/03/2019\n", "first=Zoé birth=Martin died=2019-03-12 status=deceased degree=ly/1950/engineer"},
		{"codes in headers", "Nom,Prénom,\"Statut (Diplômé(e) [1] / Élève / étudiant(e) [5])\",\"Membre décédé (Oui [1] / Non [0])\",Date de promotion\nMartin,Zoé,1,0,01/07/1990\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer"},
		{"no class", "Nom;Prénom\nMartin;Zoé\n", "first=Zoé birth=Martin degree=ly/0/engineer (no_class)"},
		{"bad class", "Nom;Prénom;Promo\nMartin;Zoé;zéro\n", "first=Zoé birth=Martin degree=ly/0/engineer note=map[Promo:zéro] (class_invalid) (no_class)"},
		{"class forms", "Nom;Prénom;Promo\nMartin;Zoé;2007-2010\n", "first=Zoé birth=Martin degree=ly/2010/engineer"},
		{"several mails", "Nom;Prénom;Promo;E-mail;E-mail\nMartin;Zoé;1990;a@example.org, b@example.org;A@example.org\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer epe=a@example.org epe=b@example.org"},
		{"bad mail", "Nom;Prénom;Promo;E-mail\nMartin;Zoé;1990;zoe(at)example.org\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer note=map[E-mail:zoe(at)example.org] (email_invalid)"},
		{"several phones", "Nom;Prénom;Promo;Téléphone\nMartin;Zoé;1990;06 12 34 56 78 / 04 72 43 83 83\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer ppe=+33612345678 ppe=+33472438383"},
		{"address lines", "Nom;Prénom;Promo;Adresse personnelle - Ligne 1;Adresse personnelle - Ligne 2;Adresse personnelle - Code postal;Adresse personnelle - Ville;Adresse professionnelle - Ville\n" +
			"Martin;Zoé;1990;Bât. B;1 rue du Lac;69100;Villeurbanne;Lyon\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer ppe=Bât. B/1 rue du Lac,69100,Villeurbanne ppr=Lyon"},
		{"temporary", "Nom;Prénom;Promo;Adresse temporaire;Ville temporaire;Adresse temporaire du;Adresse temporaire au\nMartin;Zoé;1990;1 Lake St;Boston;01/09/2026;30/06/2027\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer pte=1 Lake St,,Boston,,2026-09-01,2027-06-30"},
		{"logins", "Nom;Prénom;Promo;Identifiant;Ancien identifiant;Redirection\nMartin;Zoé;1990;Zoe.Martin.LY1990;zmartin, zoe.dupont.ly1990;Zoe@Example.org\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer login=Zoe.Martin.LY1990 former=zmartin former=zoe.dupont.ly1990 to=zoe@example.org"},
		{"a number is no login", "Nom;Prénom;Promo;Identifiant\nMartin;Zoé;1990;4711\n", "id=import:4711 first=Zoé birth=Martin degree=ly/1990/engineer"},
		{"lifetime address", "Nom;Prénom;Promo;Adresse à vie\nMartin;Zoé;1990;zoe.martin.ly1990@insa-lyon.example\n", "first=Zoé birth=Martin degree=ly/1990/engineer login=zoe.martin.ly1990"},
		{"membership", "Nom;Prénom;Promo;Début adhésion;Fin adhésion;Origine adhésion\nMartin;Zoé;1990;01/09/2025;31/08/27;chèque\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer member=ly/2025-09-01/2027-08-31/chèque"},
		{"years paid", "Nom;Prénom;Promo;Cotisation 2024;Cotisation 2025\nMartin;Zoé;1990;oui;0\n", "first=Zoé birth=Martin degree=ly/1990/engineer member=ly/2024-01-01/2024-12-31/"},
		{"paid, but when", "Nom;Prénom;Promo;Cotisant\nMartin;Zoé;1990;oui\n", "first=Zoé birth=Martin degree=ly/1990/engineer note=map[Cotisant:oui] (membership_no_dates)"},
		{"refusal", "Nom;Prénom;Promo;Refus mail;Date du refus;Origine du refus\nMartin;Zoé;1990;X;12/03/2019;courrier\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer no=refuse_mailing/2019-03-12/courrier"},
		{"no refusal", "Nom;Prénom;Promo;Refus mail\nMartin;Zoé;1990;non\n", "first=Zoé birth=Martin degree=ly/1990/engineer"},
		{"consent", "Nom,Prénom,Promo,\"J'accepte de recevoir les mails de l'Association (Oui [1] / Non [0])\"\nMartin,Zoé,1990,0\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer no=refuse_mailing//"},
		{"unknown columns", "Nom;Prénom;Promo;Taille de vélo;Mot de passe\nMartin;Zoé;1990;54;secret\n", "first=Zoé birth=Martin degree=ly/1990/engineer note=map[Taille de vélo:54]"},
		{"bad dates", "Nom;Prénom;Promo;Date de naissance\nMartin;Zoé;1990;31/02/1969\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer note=map[Date de naissance:31/02/1969] (date_invalid)"},
		{"future birth", "Nom;Prénom;Promo;Date de naissance\nMartin;Zoé;1990;01/01/2030\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer note=map[Date de naissance:01/01/2030] (date_implausible)"},
		{"born too late", "Nom;Prénom;Promo;Date de naissance\nMartin;Zoé;1990;01/01/1985\n", "first=Zoé birth=Martin born=1985-01-01 degree=ly/1990/engineer (birth_implausible)"},
		{"american dates", "Nom;Prénom;Promo;Date de naissance\nMartin;Zoé;1990;03/04/1969\nB;C;1990;12/25/1969\n", "first=Zoé birth=Martin born=1969-03-04 degree=ly/1990/engineer"},
		{"double encoding", "Nom;PrÃ©nom;Promo\nMartin;ZoÃ©;1990\n", "first=Zoé birth=Martin degree=ly/1990/engineer (text_repaired)"},
		{"lost", "Nom;Prénom;Promo\nL?HAME;Zoé;1990\n", "first=Zoé birth=L?HAME degree=ly/1990/engineer (text_lost)"},
		{"by content", "Nom;Prénom;Colonne 3;Colonne 4;Colonne 5;Colonne 6\nMartin;Zoé;zoe@example.org;0612345678;12/03/1969;1990\n",
			"first=Zoé birth=Martin born=1969-03-12 degree=ly/1990/engineer epe=zoe@example.org ppe=+33612345678"},
		{"adresse that is mail", "Nom;Prénom;Promo;Adresse\nMartin;Zoé;1990;zoe@example.org\n", "first=Zoé birth=Martin degree=ly/1990/engineer epe=zoe@example.org"},
		{"null", "Nom;Prénom;Promo;E-mail\nNull;Zoé;1990;NULL\n", "first=Zoé birth=Null degree=ly/1990/engineer"},
		{"no first name", "Nom;Prénom;Promo\nMartin;;1990\n", "birth=Martin degree=ly/1990/engineer (no_first_name)"},
		{"nobody", "Nom;Prénom;Promo\n;;1990\n", "! no_name"},
		{"no name", "Nom;Prénom;Promo\n69100 Lyon;Zoé;1990\n", "! not_a_name"},
		{"unknown school", "Nom;Prénom;Promo;École\nMartin;Zoé;1990;Hogwarts\n", "first=Zoé birth=Martin degree=ly/1990/engineer note=map[École:Hogwarts] (association_unknown)"},
		{"department of France", "Nom;Prénom;Promo;Département\nMartin;Zoé;1990;69\n", "first=Zoé birth=Martin degree=ly/1990/engineer note=map[Département:69]"},
		{"company is no surname", "Nom;Prénom;Promo;Entreprise - Nom;Nom du groupe\nMartin;Zoé;1990;Acme;Chorale\n",
			"first=Zoé birth=Martin degree=ly/1990/engineer note=map[Entreprise - Nom:Acme Nom du groupe:Chorale]"},
		{"only an identifier", "depId;dateDebut;dateFin\nPA1;2022-06-22;2024-06-09\n", "id=assemblee-nationale:PA1 member=ly/2022-06-22/2024-06-09/"},
	} {
		if got := outcome(t, c.text, testDefaults()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestRecordWithoutAssociation(t *testing.T) {
	t.Parallel()
	d := testDefaults()
	d.Association = ""
	for text, want := range map[string]string{
		"Nom;Prénom;Promo\nMartin;Zoé;1990\n":                 "! no_association",
		"Nom;Prénom;Promo;École\nMartin;Zoé;1990;Hogwarts\n":  "! association_unknown",
		"Nom;Prénom;Promo;École\nMartin;Zoé;1990;INSA-Lyon\n": "first=Zoé birth=Martin degree=ly/1990/engineer",
	} {
		if got := outcome(t, text, d); got != want {
			t.Errorf("%q = %s, want %s", text, got, want)
		}
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	const text = "Nom;Prénom;Col;Autre;Promo\nMartin;Zoé;1991;z@example.org;1990\n"
	var overrides []Override
	for _, s := range []string{"class_year=Col", "email_professional=4"} {
		o, err := ParseOverride(s)
		if err != nil {
			t.Fatal(err)
		}
		overrides = append(overrides, o)
	}
	want := "first=Zoé birth=Martin degree=ly/1991/engineer epr=z@example.org note=map[Promo:1990]"
	if got := outcome(t, text, testDefaults(), overrides...); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, s := range []string{"nothing=Col", "class_year.x=Col", "class_year_personal=Col", "="} {
		if o, err := ParseOverride(s); err == nil {
			t.Errorf("ParseOverride(%q) = %+v, want an error", s, o)
		}
	}
	if _, err := MapColumns(openText(t, text), []Override{{Field: ClassYear, Group: 1, Column: "absent"}}); err == nil {
		t.Error("a column that does not exist is no error")
	}
	if _, err := MapColumns(openText(t, "taille;poids\n180;75\n"), nil); err == nil {
		t.Error("a table of nobody is no error")
	}
}

func TestHeaderTableHasNoDoubles(t *testing.T) {
	t.Parallel()
	seen := map[string]Field{}
	for field, all := range headerTable() {
		for word := range strings.SplitSeq(all, "|") {
			if other, twice := seen[word]; twice {
				t.Errorf("%q is %s and %s", word, field, other)
			}
			seen[word] = field
		}
	}
}

func TestReasonsHaveTexts(t *testing.T) {
	t.Parallel()
	for key, texts := range reasonTexts() {
		for i, text := range texts {
			if text == "" {
				t.Errorf("%s has no text %d", key, i)
			}
		}
	}
	if got, want := Because("class_invalid", "value", "zéro").Text("fr"), "« zéro » n’est pas une année de promotion."; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in           string
		surnameFirst bool
		want         string
	}{
		{"Jean Dupont", false, "|Jean|Dupont"},
		{"Joseph Johann Littrow", false, "|Joseph Johann|Littrow"},
		{"Alexander von Humboldt", false, "|Alexander|von Humboldt"},
		{"Jean de La Fontaine", false, "|Jean|de La Fontaine"},
		{"Jean D'Alembert", false, "|Jean|D'Alembert"},
		{"Charles de la Vallée Poussin", false, "|Charles|de la Vallée Poussin"},
		{"DUPONT Jean", false, "|Jean|DUPONT"},
		{"LE GALL Anne-Laure", false, "|Anne-Laure|LE GALL"},
		{"Anne-Laure LE GALL", false, "|Anne-Laure|LE GALL"},
		{"Jean de LA FONTAINE", false, "|Jean|de LA FONTAINE"},
		{"JEAN DUPONT", false, "|JEAN|DUPONT"},
		{"Dupont, Jean", false, "|Jean|Dupont"},
		{"Le Gall Anne", true, "|Anne|Le Gall"},
		{"Dupont Jean Pierre", true, "|Jean Pierre|Dupont"},
		{"Mme Laure Lavaut", false, "mme|Laure|Lavaut"},
		{"Dr. John Smith Jr.", false, "|John|Smith Jr."},
		{"Ptolémée", false, "||Ptolémée"},
		{"Karim Ben Cheikh", false, "|Karim|Ben Cheikh"},
		{"J. Robert Oppenheimer", false, "|J. Robert|Oppenheimer"},
		{"", false, "||"},
	} {
		civility, first, last := splitName(c.in, c.surnameFirst)
		if got := civility + "|" + first + "|" + last; got != c.want {
			t.Errorf("splitName(%q, %t) = %q, want %q", c.in, c.surnameFirst, got, c.want)
		}
	}
}
