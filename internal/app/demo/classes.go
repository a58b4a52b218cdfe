package demo

import "slices"

// class is the graduates of a school in a year.
type class struct {
	code string
	year int
}

// school says what a school teaches and how its classes grew.
type school struct {
	code        string
	first       int // first class
	small, full int // graduates in the first class, and in 2020
	departments []string
	since       map[string]int // departments that came later, with their first class
	architects  string         // the department whose diploma is an architect's
	others      string         // the department whose diploma is of another sort
}

// schools are the six; names of departments as they were last.
func schools() []school {
	return []school{
		{code: "ly", first: 1961, small: 130, full: 1000,
			departments: []string{"Génie mécanique", "Informatique", "Génie électrique", "Génie civil et urbanisme", "Sciences et génie des matériaux",
				"Biosciences", "Génie énergétique et environnement", "Télécommunications, services et usages", "Génie industriel"},
			since: map[string]int{"Informatique": 1972, "Télécommunications, services et usages": 2001, "Génie industriel": 1994}},
		{code: "re", first: 1970, small: 70, full: 380,
			departments: []string{"Génie civil et urbain", "Informatique", "Électronique et informatique industrielle", "Génie mécanique et automatique",
				"Sciences et génie des matériaux", "Systèmes et réseaux de communication", "Génie mathématique"},
			since: map[string]int{"Systèmes et réseaux de communication": 2003, "Génie mathématique": 2012}},
		{code: "ro", first: 1990, small: 60, full: 360,
			departments: []string{"Chimie et procédés", "Énergétique et propulsion", "Mécanique", "Architecture des systèmes d’information",
				"Génie mathématique", "Maîtrise des risques industriels", "Génie civil constructions durables", "Performance numérique industrielle"},
			since: map[string]int{"Maîtrise des risques industriels": 2003, "Génie civil constructions durables": 2011, "Performance numérique industrielle": 2021}},
		{code: "to", first: 1967, small: 80, full: 420,
			departments: []string{"Génie mécanique", "Informatique et réseaux", "Génie civil", "Automatique et électronique", "Génie biologique",
				"Génie physique", "Génie des procédés", "Mathématiques appliquées"},
			since: map[string]int{"Informatique et réseaux": 1985, "Mathématiques appliquées": 2004}},
		{code: "st", first: 1955, small: 90, full: 330,
			departments: []string{"Génie civil", "Génie mécanique", "Architecture", "Génie électrique", "Génie climatique et énergétique",
				"Topographie", "Mécatronique", "Plasturgie"},
			since: map[string]int{"Mécatronique": 2005, "Plasturgie": 1995}, architects: "Architecture"},
		{code: "cv", first: 1998, small: 60, full: 230,
			departments: []string{"Sécurité et technologies informatiques", "Maîtrise des risques industriels", "Génie des systèmes industriels",
				"École de la nature et du paysage"},
			others: "École de la nature et du paysage"},
	}
}

// size is how many are of a class in life; classes after 2020 stay as large.
func (s school) size(year int) float64 {
	if year < s.first {
		return 0
	}
	grown := float64(min(year, 2020)-s.first) / float64(2020-s.first)
	return float64(s.small) + grown*float64(s.full-s.small)
}

// departmentsIn are those that a class could choose among.
func (s school) departmentsIn(year int) []string {
	return slices.DeleteFunc(slices.Clone(s.departments), func(d string) bool { return s.since[d] > year })
}

const firstClass, lastClass = 1955, 2030

// shares gives each class its part of n people, the years in order; the parts add up to n.
func shares(n, last int, each func(s school, year, count int)) {
	list := schools()
	total := 0.0
	for year := firstClass; year <= last; year++ {
		for _, s := range list {
			total += s.size(year)
		}
	}
	sum, given := 0.0, 0
	for year := firstClass; year <= last; year++ {
		for _, s := range list {
			sum += s.size(year)
			upTo := int(sum/total*float64(n) + 0.5)
			each(s, year, upTo-given)
			given = upTo
		}
	}
}
