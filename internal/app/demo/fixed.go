package demo

import (
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// fixed are the people behind Accounts and Inactives. Their logins are taken before any other is given.
func (g *generator) fixed() []people.Dossier {
	list := append(g.open(), g.inactive()...)
	for i := range list {
		d := &list[i]
		for _, c := range []people.ContactKind{people.Email, people.Phone, people.Postal} {
			for j := range d.Contacts {
				if d.Contacts[j].Kind == c {
					d.Contacts[j].ID = g.id()
				}
			}
		}
	}
	return list
}

// known begins a fixed person; every fixed one has a number of his own, whatever n is.
func (g *generator) known(civility, first, birth, usage string, degrees ...people.Degree) people.Dossier {
	g.next++
	g.pcg.Seed(1, g.next)
	d := people.Dossier{Person: people.Person{ID: g.id(), Civility: civility, FirstNames: first, FirstName: first, BirthSurname: birth, UsageSurname: usage, Status: people.Graduate}}
	for _, degree := range degrees {
		degree.ID = g.id()
		d.Degrees = append(d.Degrees, degree)
	}
	if usage != "" {
		g.login(&d, birth, false)
	}
	g.login(&d, d.Surname(), true)
	return d
}

func (g *generator) degree(code string, year int, department string) people.Degree {
	return people.Degree{AssociationID: g.as[code], ClassYear: year, Diploma: people.Engineer, Department: department}
}

// open are those with an account, in the order of Accounts.
func (g *generator) open() []people.Dossier {
	laure := g.known("mme", "Laure", "Lavaut", "", g.degree("ly", 2010, "Génie électrique"))
	laure.Headline = "Ingénieure d’études, énergies renouvelables, chez Hydrelia"
	laure.Presentation = "Dix ans de petite hydraulique, du bureau d’études au chantier.\n\nJe réponds volontiers aux questions des étudiants."
	laure.Contacts = []people.ContactPoint{email("laure.lavaut@exemple.fr"), phone("04 65 71 00 10"), home("12 rue Berthelot", "69007", "Lyon")}
	laure.BirthDate = time.Date(1987, 4, 12, 0, 0, 0, 0, time.UTC)
	g.pays(&laure, "ly", 3)

	jean := g.known("m", "Jean-Jacques", "Dupont", "", g.degree("ly", 1998, "Informatique"))
	jean.Headline = "Architecte logiciel, systèmes embarqués"
	jean.Contacts = []people.ContactPoint{email("jean-jacques.dupont@exemple.fr"), home("3 quai Lacassagne", "38000", "Grenoble")}

	eloise := g.known("mme", "Éloïse", "Durant", "", g.degree("ly", 2027, "Biosciences"))
	eloise.Status = people.Student
	eloise.Degrees[0].Diploma, eloise.Degrees[0].StudyYear = people.StudentDiploma, min(5, max(1, 5-(2027-g.graduated-1)))
	eloise.Headline = "Cherche un stage de fin d’études, dispositifs médicaux"
	eloise.Contacts = []people.ContactPoint{email("eloise.durant@exemple.fr")}

	pierre := g.known("m", "Pierre-Henri", "L’HAME", "", g.degree("ly", 1989, "Génie civil et urbanisme"))
	pierre.Headline = "Directeur technique, ouvrages d’art, chez Ponts de Loire"
	pierre.Contacts = []people.ContactPoint{email("pierre-henri.lhame@exemple.fr"), phone("04 65 71 00 11"), home("25 avenue de Bellevue", "69300", "Caluire-et-Cuire")}
	g.pays(&pierre, "ly", 5)

	anne := g.known("mme", "Anne-Laure", "Lavaut", "", g.degree("ly", 2010, "Informatique"))
	anne.Headline = "Webmestre de l’association"
	anne.Contacts = []people.ContactPoint{email("anne-laure.lavaut@exemple.fr"), home("8 rue des Tilleuls", "69100", "Villeurbanne")}
	g.pays(&anne, "ly", 2)

	list := []people.Dossier{laure, jean, eloise, pierre, anne}
	for i := range list {
		d := &list[i]
		d.ActivatedAt, d.ConfirmedAt = g.now.AddDate(-1, 0, -i), g.now.AddDate(0, -1, -i)
		d.Contacts[0].ConfirmedAt = d.ActivatedAt
	}
	return list
}

// inactive are those to try activation with, in the order of Inactives.
func (g *generator) inactive() []people.Dossier {
	first := g.known("mme", "Claire", "Bernard", "", g.degree("ly", 2005, "Biosciences"))
	second := g.known("mme", "Claire", "Bernard", "", g.degree("ly", 2005, "Génie mécanique"))
	married := g.known("mme", "Sophie", "Faure", "Mercier", g.degree("re", 1996, "Informatique"))
	phoneOnly := g.known("m", "Bruno", "Lefèvre", "", g.degree("to", 1988, "Génie physique"))
	nameOnly := g.known("mme", "Odile", "Le Goff", "", g.degree("ro", 1994, "Chimie et procédés"))
	two := g.known("m", "Thomas", "Schneider", "", g.degree("st", 2011, "Mécatronique"), g.degree("ly", 2013, "Génie mécanique"))
	two.Degrees[1].Diploma = people.Master
	student := g.known("mme", "Yasmine", "Haddad", "", g.degree("cv", 2028, "Maîtrise des risques industriels"))
	student.Status = people.Student
	student.Degrees[0].Diploma, student.Degrees[0].StudyYear = people.StudentDiploma, min(5, max(1, 5-(2028-g.graduated-1)))

	list := []people.Dossier{first, second, married, phoneOnly, nameOnly, two, student}
	for i, known := range Inactives() {
		if known.Email != "" {
			list[i].Contacts = append(list[i].Contacts, email(known.Email))
		}
		if known.Phone != "" {
			list[i].Contacts = append(list[i].Contacts, phone(known.Phone))
		}
	}
	return list
}

func (g *generator) pays(d *people.Dossier, code string, years int) {
	for y := g.now.Year() - years + 1; y <= g.now.Year(); y++ {
		d.Memberships = append(d.Memberships, people.Membership{ID: g.id(), AssociationID: g.as[code],
			StartsOn: time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), EndsOn: time.Date(y+1, 12, 31, 0, 0, 0, 0, time.UTC), Origin: "import"})
	}
}

func email(address string) people.ContactPoint {
	return people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: address, ValueKey: fold.Email(address), Preferred: true, Origin: "import"}
}

func phone(number string) people.ContactPoint {
	return people.ContactPoint{Kind: people.Phone, Purpose: people.Personal, Value: number, ValueKey: "+33" + strings.ReplaceAll(number, " ", "")[1:],
		Audience: viewer.Members, Origin: "import"}
}

func home(street, postcode, town string) people.ContactPoint {
	return people.ContactPoint{Kind: people.Postal, Purpose: people.Personal, Street: street, Postcode: postcode, City: town, Country: "FR", Origin: "import"}
}
