package people

import (
	"time"

	"amicale/internal/viewer"
)

// Export is all that the base holds of a person, in a form for reading and for other programs. Dates are
// yyyy-mm-dd, moments RFC 3339 in UTC; what is unknown is left out.
type Export struct {
	Person      ExportedPerson            `json:"person"`
	Audiences   map[Field]viewer.Audience `json:"audiences"`
	Degrees     []ExportedDegree          `json:"degrees"`
	Logins      []ExportedLogin           `json:"logins"`
	Contacts    []ExportedContact         `json:"contacts"`
	Memberships []ExportedMembership      `json:"memberships"`
	LegacyIDs   []ExportedLegacyID        `json:"legacy_ids"`
	Consents    []ExportedConsent         `json:"consents"`
	Redirects   []string                  `json:"redirects"`
	Note        map[string]string         `json:"note"`     // what an import brought that has no place of its own
	Features    map[string]any            `json:"features"` // by the feature's name
}

// ExportedPerson is the person's own row.
type ExportedPerson struct {
	ID           string    `json:"id"`
	Civility     string    `json:"civility,omitempty"`
	FirstNames   string    `json:"first_names,omitempty"`
	FirstName    string    `json:"first_name"`
	BirthSurname string    `json:"birth_surname"`
	UsageSurname string    `json:"usage_surname,omitempty"`
	BirthDate    string    `json:"birth_date,omitempty"`
	BirthYear    int       `json:"birth_year,omitempty"`
	Status       Status    `json:"status"`
	DeceasedOn   string    `json:"deceased_on,omitempty"`
	Headline     string    `json:"headline,omitempty"`
	Presentation string    `json:"presentation,omitempty"`
	Photo        string    `json:"photo,omitempty"`
	ActivatedAt  time.Time `json:"activated_at,omitzero"`
	ConfirmedAt  time.Time `json:"confirmed_at,omitzero"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// ExportedDegree is one diploma; Association is the code.
type ExportedDegree struct {
	Association string  `json:"association"`
	School      string  `json:"school"`
	ClassYear   int     `json:"class_year,omitempty"`
	Diploma     Diploma `json:"diploma"`
	StudyYear   int     `json:"study_year,omitempty"`
	Department  string  `json:"department,omitempty"`
}

// ExportedLogin is one of the person's for life.
type ExportedLogin struct {
	Login   string    `json:"login"`
	Current bool      `json:"current"`
	Origin  string    `json:"origin"`
	Since   time.Time `json:"since"`
}

// ExportedContact is one way to reach him.
type ExportedContact struct {
	Kind        ContactKind     `json:"kind"`
	Purpose     Purpose         `json:"purpose"`
	Value       string          `json:"value,omitempty"`
	Street      string          `json:"street,omitempty"`
	Postcode    string          `json:"postcode,omitempty"`
	City        string          `json:"city,omitempty"`
	Country     string          `json:"country,omitempty"`
	ValidFrom   string          `json:"valid_from,omitempty"`
	ValidTo     string          `json:"valid_to,omitempty"`
	Audience    viewer.Audience `json:"audience"`
	Preferred   bool            `json:"preferred"`
	ConfirmedAt time.Time       `json:"confirmed_at,omitzero"`
	BrokenAt    time.Time       `json:"broken_at,omitzero"` // since when mail to it comes back
	Origin      string          `json:"origin"`
	UpdatedAt   time.Time       `json:"updated_at"`
}

// ExportedMembership is dues paid.
type ExportedMembership struct {
	Association string `json:"association"`
	StartsOn    string `json:"starts_on"`
	EndsOn      string `json:"ends_on"`
	Origin      string `json:"origin"`
}

// ExportedLegacyID is the person's identifier in an older system.
type ExportedLegacyID struct {
	Source string `json:"source"`
	Value  string `json:"value"`
}

// ExportedConsent is something said yes or no to.
type ExportedConsent struct {
	Kind    string    `json:"kind"`
	Granted bool      `json:"granted"`
	At      time.Time `json:"at"`
	Origin  string    `json:"origin"`
}

// export writes a dossier down.
func (d Dossier) export(as Associations) Export {
	out := Export{
		Person: ExportedPerson{
			ID: d.ID.String(), Civility: d.Civility, FirstNames: d.FirstNames, FirstName: d.FirstName, BirthSurname: d.BirthSurname,
			UsageSurname: d.UsageSurname, BirthDate: date(d.BirthDate), BirthYear: d.BirthYear, Status: d.Status, DeceasedOn: date(d.DeceasedOn),
			Headline: d.Headline, Presentation: d.Presentation, Photo: d.Photo, ActivatedAt: d.ActivatedAt, ConfirmedAt: d.ConfirmedAt,
			CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		},
		Audiences: map[Field]viewer.Audience{}, Note: d.Note, Redirects: d.Redirects, Features: map[string]any{},
	}
	for _, f := range Fields() {
		out.Audiences[f] = d.FieldAudience(f)
	}
	for _, g := range d.Degrees {
		a, _ := as.ByID(g.AssociationID)
		out.Degrees = append(out.Degrees, ExportedDegree{a.Code, a.School, g.ClassYear, g.Diploma, g.StudyYear, g.Department})
	}
	for _, l := range d.Logins {
		out.Logins = append(out.Logins, ExportedLogin{l.Login, l.Current, l.Origin, l.CreatedAt})
	}
	for _, c := range d.Contacts {
		out.Contacts = append(out.Contacts, ExportedContact{c.Kind, c.Purpose, c.Value, c.Street, c.Postcode, c.City, c.Country,
			date(c.ValidFrom), date(c.ValidTo), c.Audience, c.Preferred, c.ConfirmedAt, c.BrokenAt, c.Origin, c.UpdatedAt})
	}
	for _, m := range d.Memberships {
		a, _ := as.ByID(m.AssociationID)
		out.Memberships = append(out.Memberships, ExportedMembership{a.Code, date(m.StartsOn), date(m.EndsOn), m.Origin})
	}
	for _, l := range d.LegacyIDs {
		out.LegacyIDs = append(out.LegacyIDs, ExportedLegacyID(l))
	}
	for _, c := range d.Consents {
		out.Consents = append(out.Consents, ExportedConsent{c.Kind, c.Granted, c.At, c.Origin})
	}
	return out
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}
