package people

import (
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// ContactKind is e-mail, phone or postal address.
type ContactKind string

const (
	Email  ContactKind = "email"
	Phone  ContactKind = "phone"
	Postal ContactKind = "postal"
)

// Purpose is what a contact point is for.
type Purpose string

const (
	Personal     Purpose = "personal"
	Professional Purpose = "professional"
	Temporary    Purpose = "temporary" // a postal address with dates
)

// ContactPoint is one way to reach somebody.
type ContactPoint struct {
	ID          id.ID
	PersonID    id.ID
	Kind        ContactKind
	Purpose     Purpose
	Value       string // e-mail, or phone as shown; "" for a postal address
	ValueKey    string // fold.Email or E.164, for look-ups; set by Normalize
	Street      string // lines of a postal address
	Postcode    string
	City        string
	Country     string // ISO 3166-1 alpha-2
	ValidFrom   time.Time
	ValidTo     time.Time
	Audience    viewer.Audience
	Preferred   bool
	ConfirmedAt time.Time // e-mail: the link was followed
	BrokenAt    time.Time // e-mail: since when mail to it comes back; zero while it works
	Origin      string    // "import", "person", "staff", "activation"
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// DefaultAudience is who sees a contact point until its owner says otherwise: members an e-mail or a postal
// address, nobody a phone.
func DefaultAudience(k ContactKind) viewer.Audience {
	if k == Phone {
		return viewer.OnlyMe
	}
	return viewer.Members
}

// fillAudience puts the default in place of a missing audience and of one that a coordinate cannot have: whoever is
// not a member never sees one.
func (c *ContactPoint) fillAudience() {
	if !c.Audience.OneOf(viewer.CoordinateAudiences()) {
		c.Audience = DefaultAudience(c.Kind)
	}
}

// Normalize trims the texts, fills ValueKey and a missing audience. It reports whether the value can be used.
func (c *ContactPoint) Normalize() bool {
	c.Value = strings.TrimSpace(c.Value)
	c.fillAudience()
	switch c.Kind {
	case Email:
		c.ValueKey = fold.Email(c.Value)
		return fold.ValidEmail(c.ValueKey)
	case Phone:
		e164, ok := fold.Phone(c.Value, c.region())
		c.ValueKey = e164
		return ok
	}
	c.Street, c.City = strings.TrimSpace(c.Street), strings.TrimSpace(c.City)
	c.Postcode, c.Country = strings.TrimSpace(c.Postcode), strings.ToUpper(strings.TrimSpace(c.Country))
	c.Value, c.ValueKey = "", ""
	return c.Street != "" || c.City != "" || c.Postcode != ""
}

func (c *ContactPoint) region() string {
	if c.Country != "" {
		return c.Country
	}
	return "FR"
}

// CurrentOn reports whether a temporary address holds that day; others always do.
func (c *ContactPoint) CurrentOn(day time.Time) bool {
	return (c.ValidFrom.IsZero() || !day.Before(c.ValidFrom)) && (c.ValidTo.IsZero() || day.Before(c.ValidTo.AddDate(0, 0, 1)))
}
