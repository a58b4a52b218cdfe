package desk

import (
	"slices"
	"strconv"

	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// typedClaim is a claim as it stands in a form, the year as it was typed.
type typedClaim struct {
	people.Claim
	YearText string
}

func readClaim(f *web.Form) typedClaim {
	c := typedClaim{YearText: f.Text("year")}
	c.Year, _ = strconv.Atoi(c.YearText) // what is no number is no year, and is said so
	c.FirstName, c.Surname, c.BirthSurname = f.Text("first_name"), f.Text("surname"), f.Text("birth_surname")
	c.School, c.Diploma, c.Department = f.Text("school"), people.Diploma(f.Text("diploma")), f.Text("department")
	c.Email, c.Phone, c.Words = f.Text("email"), f.Text("phone"), f.Text("words")
	return c
}

type askProps struct {
	Typed  typedClaim
	Errors map[string]string
}

func additionFields() []string {
	return []string{"first_name", "surname", "birth_surname", "school", "year", "diploma", "department", "email", "phone"}
}

// schoolOptions are the schools to choose from, after an empty choice.
func schoolOptions(schools people.Associations, chosen, none string) []ui.Option {
	out := []ui.Option{{Value: "", Label: none, Selected: chosen == ""}}
	for _, a := range schools {
		out = append(out, ui.Option{Value: a.Code, Label: a.School, Selected: a.Code == chosen})
	}
	return out
}

// diplomaOptions are the diplomas to choose from; label translates a key.
func diplomaOptions(chosen people.Diploma, label func(key string) string) []ui.Option {
	if !slices.Contains(people.Diplomas(), chosen) {
		chosen = people.Engineer
	}
	var out []ui.Option
	for _, d := range people.Diplomas() {
		out = append(out, ui.Option{Value: string(d), Label: label(d.Message()), Selected: d == chosen})
	}
	return out
}
