package people

import (
	"regexp"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
)

// Association is one school's alumni association.
type Association struct {
	ID         id.ID
	Code       string // "ly": part of every login
	Name       string // AIL Alumni INSA Lyon
	School     string // INSA Lyon
	Host       string // its own public page, e.g. alumni-lyon.example
	MailDomain string // of the lifetime addresses
	Color      string // #rrggbb, the one accent
	Logo       string // blob key; "" when there is none
	Position   int
	CreatedAt  time.Time
}

var (
	codePattern  = regexp.MustCompile(`^[a-z]{2,3}$`)
	colorPattern = regexp.MustCompile(`^#[0-9a-f]{6}$`)
	hostPattern  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
)

// Validate brings an association's texts to their form and says, field by field, what is wrong.
func (a *Association) Validate() error {
	f := errs.Fields{}
	a.Code = strings.ToLower(strings.TrimSpace(a.Code))
	a.Name, a.School = strings.TrimSpace(a.Name), strings.TrimSpace(a.School)
	a.Host = strings.ToLower(strings.TrimSpace(a.Host))
	a.MailDomain = strings.ToLower(strings.TrimSpace(a.MailDomain))
	a.Color = strings.ToLower(strings.TrimSpace(a.Color))
	if !codePattern.MatchString(a.Code) {
		f.Add("code", "people.association.code_bad")
	}
	if a.Name == "" {
		f.Add("name", "people.required")
	}
	if a.School == "" {
		f.Add("school", "people.required")
	}
	if !hostPattern.MatchString(a.Host) {
		f.Add("host", "people.association.host_bad")
	}
	if !hostPattern.MatchString(a.MailDomain) {
		f.Add("mail_domain", "people.association.host_bad")
	}
	if !colorPattern.MatchString(a.Color) {
		f.Add("color", "people.association.color_bad")
	}
	return f.Err()
}

// Associations is a list with look-ups.
type Associations []Association

// ByID finds one; ok is false when there is none.
func (as Associations) ByID(i id.ID) (Association, bool) {
	for _, a := range as {
		if a.ID == i {
			return a, true
		}
	}
	return Association{}, false
}

// ByCode finds one by its code.
func (as Associations) ByCode(code string) (Association, bool) {
	for _, a := range as {
		if a.Code == code {
			return a, true
		}
	}
	return Association{}, false
}
