// Package federation is the installation as a whole: its name and contact, its associations as they present
// themselves (name, host, mail domain, colour, logo), their public pages, and the page that sets everything up on an
// empty database.
//
// It owns the rows 'federation' and 'setup' of the settings; the associations' table is people's.
package federation

import (
	"strings"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/people"
)

// Federation is how the installation presents itself.
type Federation struct {
	Name    string `json:"name"`    // in the top bar and in letters
	Contact string `json:"contact"` // e-mail shown to who needs a human; may be empty
	Intro   string `json:"intro"`   // a paragraph on the public page; may be empty
}

// Validate trims the texts and says what is wrong.
func (f *Federation) Validate() error {
	wrong := errs.Fields{}
	f.Name, f.Contact, f.Intro = strings.TrimSpace(f.Name), fold.Email(f.Contact), strings.TrimSpace(f.Intro)
	if f.Name == "" || len(f.Name) > 100 {
		wrong.Add("name", "federation.name_bad")
	}
	if f.Contact != "" && !fold.ValidEmail(f.Contact) {
		wrong.Add("contact", "federation.email_bad")
	}
	if len(f.Intro) > 2000 {
		wrong.Add("intro", "federation.intro_long")
	}
	return wrong.Err()
}

// Setup is what the set-up page asks for: the federation, its first association and that association's webmaster,
// who also administers the federation until somebody else does.
type Setup struct {
	Code        string // the one-time code printed on the console
	Federation  Federation
	Association people.Association
	Webmaster   Webmaster
}

// Webmaster is the first person in charge.
type Webmaster struct {
	Name     string
	Login    string
	Email    string
	Password string
}

// Validate says what is wrong, field by field; the password's rule is the accounts' own.
func (s *Setup) Validate() error {
	wrong := errs.Fields{}
	merge := func(prefix string, err error) {
		for field, m := range errs.FieldsOf(errs.Prefix(prefix, err)) {
			wrong.Add(field, m.Key, m.Data)
		}
	}
	merge("federation_", s.Federation.Validate())
	if s.Association.Color == "" {
		s.Association.Color = "#8a2b2b"
	}
	merge("association_", s.Association.Validate())
	w := &s.Webmaster
	w.Name, w.Login, w.Email = strings.TrimSpace(w.Name), strings.TrimSpace(w.Login), fold.Email(w.Email)
	if w.Name == "" {
		wrong.Add("webmaster_name", "federation.required")
	}
	if fold.TypedLogin(w.Login) == "" || !strings.Contains(w.Login, ".") {
		wrong.Add("webmaster_login", "federation.login_bad")
	}
	if !fold.ValidEmail(w.Email) {
		wrong.Add("webmaster_email", "federation.email_bad")
	}
	return wrong.Err()
}
