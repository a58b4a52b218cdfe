package people

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/fold"
)

// Claim is what somebody says of himself, or the staff of somebody, before anybody knows whether he is in the base.
// A request to activate an account has Surname, Year, Email and Phone only.
type Claim struct {
	FirstName    string  `json:"first_name,omitempty"`
	Surname      string  `json:"surname,omitempty"`
	BirthSurname string  `json:"birth_surname,omitempty"` // where it differs
	Year         int     `json:"year,omitempty"`
	School       string  `json:"school,omitempty"` // code of an association
	Diploma      Diploma `json:"diploma,omitempty"`
	Department   string  `json:"department,omitempty"`
	Email        string  `json:"email,omitempty"`
	Phone        string  `json:"phone,omitempty"`
	Words        string  `json:"words,omitempty"` // what he adds
}

// Limits of what is typed, in octets.
const (
	MaxName  = 100
	MaxWords = 2000
)

// Name is first name and surname as claimed.
func (c Claim) Name() string { return strings.TrimSpace(c.FirstName + " " + c.Surname) }

// Target is what a claim aims at: the same for everybody who claims to be the same person, whoever there is.
func (c Claim) Target() string { return fold.Key("", c.Surname, "", c.Year) }

// ValidateName checks surname and class year. It never says whether there is such a person.
func (c *Claim) ValidateName(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	return f.Err()
}

// Validate checks a request to activate an account.
func (c *Claim) Validate(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	c.checkReach(f)
	return f.Err()
}

// ValidateAddition checks what somebody who is not in the base says of himself.
func (c *Claim) ValidateAddition(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	c.checkReach(f)
	c.checkRest(f)
	return f.Err()
}

// ValidateByStaff checks what a member of the staff writes of somebody: the number may be missing.
func (c *Claim) ValidateByStaff(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	c.checkReach(f)
	if c.Phone == "" {
		delete(f, "phone")
	}
	c.checkRest(f)
	return f.Err()
}

func (c *Claim) checkRest(f errs.Fields) {
	c.FirstName, c.BirthSurname = strings.TrimSpace(c.FirstName), strings.TrimSpace(c.BirthSurname)
	c.Department, c.Words = strings.TrimSpace(c.Department), strings.TrimSpace(c.Words)
	if fold.Name(c.FirstName) == "" || len(c.FirstName) > MaxName {
		f.Add("first_name", "people.claim.need_first_name")
	}
	if len(c.BirthSurname) > MaxName {
		f.Add("birth_surname", "people.claim.need_surname")
	}
	if c.School == "" {
		f.Add("school", "people.claim.need_school")
	}
	if !slices.Contains(Diplomas(), c.Diploma) {
		f.Add("diploma", "people.claim.need_diploma")
	}
	if len(c.Department) > MaxName {
		f.Add("department", "people.claim.too_long")
	}
	if len(c.Words) > MaxWords {
		f.Add("words", "people.claim.too_long")
	}
}

func (c *Claim) checkName(f errs.Fields, now time.Time) {
	c.Surname = strings.TrimSpace(c.Surname)
	if fold.Name(c.Surname) == "" || len(c.Surname) > MaxName {
		f.Add("surname", "people.claim.need_surname")
	}
	if !ValidYear(c.Year, now) {
		f.Add("year", "people.claim.need_year", map[string]any{"Example": "2010"})
	}
}

func (c *Claim) checkReach(f errs.Fields) {
	c.Email, c.Phone = strings.TrimSpace(c.Email), strings.TrimSpace(c.Phone)
	if !fold.ValidEmail(fold.Email(c.Email)) {
		f.Add("email", "people.claim.need_email")
	}
	if _, ok := fold.Phone(c.Phone, ""); !ok {
		f.Add("phone", "people.claim.need_phone")
	}
}

// ValidYear reports whether a class year can be one: the oldest school is from the nineteenth century, and students
// know theirs some years ahead.
func ValidYear(year int, now time.Time) bool { return year >= 1850 && year <= now.Year()+10 }
