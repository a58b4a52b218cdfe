package desk

import (
	"slices"
	"strconv"

	"amicale/internal/fold"
	"amicale/internal/people"
)

// Hint is how a claimed field compares with what the base holds.
type Hint string

const (
	Agrees  Hint = "agrees"
	Differs Hint = "differs"
	Unknown Hint = "unknown" // one side says nothing
)

// Comparison is a line of "claimed beside held".
type Comparison struct {
	Field   string // names its label: activation.field.surname
	Claimed string
	Held    []string
	Hint    Hint
}

// Compare puts a claim beside a dossier, field by field. Associations translate codes to schools.
func Compare(c people.Claim, d people.Dossier, schools people.Associations) []Comparison {
	surnames := []string{d.Surname()}
	if d.BirthSurname != d.Surname() {
		surnames = append(surnames, d.BirthSurname)
	}
	var years, codes, diplomas, departments, emails, phones []string
	for _, g := range d.Degrees {
		a, _ := schools.ByID(g.AssociationID)
		codes = append(codes, a.Code)
		diplomas = append(diplomas, string(g.Diploma))
		if g.ClassYear > 0 {
			years = append(years, yearText(g.ClassYear))
		}
		if g.Department != "" {
			departments = append(departments, g.Department)
		}
	}
	for _, p := range d.Contacts {
		switch p.Kind {
		case people.Email:
			emails = append(emails, p.Value)
		case people.Phone:
			phones = append(phones, p.Value)
		}
	}
	firsts := []string{d.FirstName}
	if d.FirstNames != "" && d.FirstNames != d.FirstName {
		firsts = append(firsts, d.FirstNames)
	}
	out := []Comparison{
		compare("surname", c.Surname, surnames, fold.Name),
		compare("birth_surname", c.BirthSurname, []string{d.BirthSurname}, fold.Name),
		compare("first_name", c.FirstName, firsts, fold.Name),
		compare("year", yearText(c.Year), years, fold.Name),
		compare("school", c.School, codes, fold.Name),
		compare("diploma", string(c.Diploma), diplomas, fold.Name),
		compare("department", c.Department, departments, fold.Name),
		compare("email", c.Email, emails, fold.Email),
		compare("phone", c.Phone, phones, func(s string) string { e, _ := fold.Phone(s, ""); return e }),
	}
	return slices.DeleteFunc(out, func(x Comparison) bool { return x.Claimed == "" && x.Field == "birth_surname" })
}

func compare(field, claimed string, held []string, key func(string) string) Comparison {
	c := Comparison{Field: field, Claimed: claimed, Hint: Unknown}
	for _, h := range held {
		if h != "" && !slices.Contains(c.Held, h) {
			c.Held = append(c.Held, h)
		}
	}
	if key(claimed) == "" || len(c.Held) == 0 {
		return c
	}
	c.Hint = Differs
	if slices.ContainsFunc(c.Held, func(h string) bool { return key(h) == key(claimed) }) {
		c.Hint = Agrees
	}
	return c
}

// Score orders candidates: what agrees counts for, what differs against; an address weighs most.
func Score(list []Comparison) int {
	weights := map[string]int{"email": 6, "phone": 4, "first_name": 3, "surname": 3, "year": 2, "school": 1, "department": 1}
	score := 0
	for _, c := range list {
		switch c.Hint {
		case Agrees:
			score += 2 * weights[c.Field]
		case Differs:
			score -= weights[c.Field] / 2
		}
	}
	return score
}

func yearText(year int) string {
	if year == 0 {
		return ""
	}
	return strconv.Itoa(year)
}
