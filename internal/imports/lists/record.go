package lists

import (
	"cmp"
	"iter"
	"strconv"
	"strings"
	"time"

	"amicale/internal/people"
)

// Record is one row, normalised: what a list says of one person. What it does not say is zero.
type Record struct {
	Line         int               `json:"-"`
	Legacy       []people.LegacyID `json:"legacy,omitempty"`      // the first one is the row's identity
	Civility     string            `json:"civility,omitempty"`    // "", "m" or "mme"
	FirstNames   string            `json:"first_names,omitempty"` // all, in one text
	FirstName    string            `json:"first_name,omitempty"`  // the one in use
	BirthSurname string            `json:"birth_surname,omitempty"`
	UsageSurname string            `json:"usage_surname,omitempty"` // "" when it is the birth surname, or the only one known
	Birth        Date              `json:"birth,omitzero"`
	Death        Date              `json:"death,omitzero"`
	Status       people.Status     `json:"status,omitempty"`
	Degrees      []Degree          `json:"degrees,omitempty"`
	Contacts     []Contact         `json:"contacts,omitempty"`
	Logins       []string          `json:"logins,omitempty"`        // current ones, verbatim
	FormerLogins []string          `json:"former_logins,omitempty"` // verbatim
	Redirects    []string          `json:"redirects,omitempty"`     // targets of the lifetime address
	Memberships  []Membership      `json:"memberships,omitempty"`
	Refusals     []Refusal         `json:"refusals,omitempty"`
	Note         map[string]string `json:"note,omitempty"` // unknown columns by header, and what could not be read
}

// Degree is one diploma of a Record.
type Degree struct {
	Association string         `json:"association"`          // code
	ClassYear   int            `json:"class_year,omitempty"` // 0 when unknown
	Diploma     people.Diploma `json:"diploma,omitempty"`
	StudyYear   int            `json:"study_year,omitempty"`
	Department  string         `json:"department,omitempty"`
}

// Contact is one e-mail, phone or postal address of a Record.
type Contact struct {
	Kind     people.ContactKind `json:"kind"`
	Purpose  people.Purpose     `json:"purpose"`
	Value    string             `json:"value,omitempty"`  // canonical e-mail, E.164 phone
	Street   string             `json:"street,omitempty"` // lines
	Postcode string             `json:"postcode,omitempty"`
	City     string             `json:"city,omitempty"`
	Country  string             `json:"country,omitempty"` // ISO 3166-1 alpha-2 where Defaults.Country knows it, else as written
	From     Date               `json:"from,omitzero"`
	To       Date               `json:"to,omitzero"`
}

// Membership is dues that a list says were paid. A list may know one of the two days only: see fillPeriod.
type Membership struct {
	Association string `json:"association"`
	From        Date   `json:"from,omitzero"`
	To          Date   `json:"to,omitzero"`
	Open        bool   `json:"open,omitempty"` // the list gives no end: To was filled in
	Origin      string `json:"origin,omitempty"`
}

// Refusal is something the person said no to.
type Refusal struct {
	Kind   Field  `json:"kind"` // RefuseMailing, RefusePost, RefusePhone, RefuseDirectory or RefuseAll
	Date   Date   `json:"date,omitzero"`
	Origin string `json:"origin,omitempty"`
}

// KnownAssociation is a school as lists write it.
type KnownAssociation struct {
	Code  string
	Names []string
}

// Defaults are what a row falls back on.
type Defaults struct {
	Association  string // code, for rows without a school
	Associations []KnownAssociation
	Source       string         // of legacy identifiers; the Mapping's Source if empty, else "import"
	Region       string         // of phone numbers and postcodes; FR if empty
	Diploma      people.Diploma // Engineer if empty
	Today        time.Time      // what two-digit years and plausibility are judged by
	Country      func(name string) (iso string)
}

// Surname is the one in use.
func (r *Record) Surname() string { return cmp.Or(r.UsageSurname, r.BirthSurname) }

// Named reports that the record says who it is about by name. Else it only adds to a person who is known by a legacy
// identifier.
func (r *Record) Named() bool { return r.Surname() != "" }

// parsing is one row on its way to a Record.
type parsing struct {
	*Mapping
	row      Row
	defaults *Defaults
	record   *Record
	warnings []Warning
}

// Record makes one Record of a row. The error is a Reason why the row cannot be taken; warnings say what was taken
// with a reservation, or only into the note.
func (m *Mapping) Record(row Row, defaults *Defaults) (*Record, []Warning, error) {
	p := &parsing{Mapping: m, row: row, defaults: defaults, record: &Record{Line: row.Line}}
	p.texts()
	p.names()
	p.lifespan()
	p.legacy()
	p.contacts()
	p.logins()
	p.refusals()
	if err := p.degrees(); err != nil {
		return nil, p.warnings, err
	}
	p.memberships()
	r := p.record
	switch {
	case !r.Named() && len(r.Legacy) == 0:
		return nil, p.warnings, Because("no_name")
	case r.Named() && !isName(r.Surname()):
		return nil, p.warnings, Because("not_a_name", "value", r.Surname())
	case r.FirstName != "" && !isName(r.FirstName):
		return nil, p.warnings, Because("not_a_name", "value", r.FirstName)
	}
	p.plausibility()
	for i := range r.Memberships {
		m := &r.Memberships[i]
		if m.fillPeriod(p.today()); m.Open {
			p.warn(nil, Because("membership_open", "to", m.To.String()))
		}
	}
	return r, p.warnings, nil
}

func (p *parsing) warn(c *Column, r Reason) {
	w := Warning{Reason: r}
	if c != nil {
		w.Column = c.Header
	}
	p.warnings = append(p.warnings, w)
}

// keep puts a column's value into the note, verbatim.
func (p *parsing) keep(c *Column, value string) {
	if value == "" {
		return
	}
	if p.record.Note == nil {
		p.record.Note = map[string]string{}
	}
	name := cmp.Or(c.Header, strconv.Itoa(c.Index+1))
	if old := p.record.Note[name]; old != "" && old != value {
		value = old + " / " + value
	}
	p.record.Note[name] = value
}

// texts looks at every cell for what its encoding did to it, and keeps unknown columns.
func (p *parsing) texts() {
	if p.row.Missing > 0 {
		want := len(p.row.Cells)
		p.warn(nil, Because("line_short", "got", want-p.row.Missing, "want", want))
	}
	for _, i := range p.row.Repaired {
		if i < len(p.Columns) {
			p.warn(&p.Columns[i], Because("text_repaired", "value", p.row.Cells[i]))
		}
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		value := p.value(c)
		if value == "" {
			continue
		}
		switch c.Field {
		case "", Note:
			p.keep(c, value)
		case FirstName, FirstNames, Surname, BirthSurname, UsageSurname, FullName, SurnameFirst, City, Street, Department:
			if lostCharacter(value) {
				p.warn(c, Because("text_lost", "value", value))
			}
		}
	}
}

// value is the cell of a column, its code replaced by what the header says it means.
func (p *parsing) value(c *Column) string {
	if c.Index >= len(p.row.Cells) {
		return ""
	}
	value := p.row.Cells[c.Index]
	if value == "\\N" || strings.EqualFold(value, "null") && !c.isName() {
		return "" // databases write it for nothing
	}
	if meaning, ok := c.Codes[value]; ok {
		return meaning
	}
	return value
}

func (c *Column) isName() bool {
	switch c.Field {
	case Surname, BirthSurname, UsageSurname, FullName, SurnameFirst, FirstName, FirstNames:
		return true
	}
	return false
}

// all yields the columns of a field that have a value in this row.
func (p *parsing) all(f Field) iter.Seq2[*Column, string] {
	return func(yield func(*Column, string) bool) {
		for i := range p.Columns {
			if c := &p.Columns[i]; c.Field == f {
				if value := p.value(c); value != "" && !yield(c, value) {
					return
				}
			}
		}
	}
}

// one is the first value of a field, nil and "" if there is none.
func (p *parsing) one(f Field) (*Column, string) {
	for c, value := range p.all(f) {
		return c, value
	}
	return nil, ""
}

// plausibility compares what was read.
func (p *parsing) plausibility() {
	r := p.record
	if r.Named() && r.FirstName == "" {
		p.warn(nil, Because("no_first_name"))
	}
	known := false
	for _, d := range r.Degrees {
		known = known || d.ClassYear > 0
		if age := d.ClassYear - r.Birth.Year; d.ClassYear > 0 && r.Birth.Year > 0 && (age < 15 || age > 90) {
			p.warn(nil, Because("birth_implausible", "birth", r.Birth.Year, "class", d.ClassYear))
		}
	}
	if r.Named() && !known {
		p.warn(nil, Because("no_class"))
	}
	if !r.Death.IsZero() && r.Death.Before(r.Birth) {
		p.warn(nil, Because("period_reversed", "from", r.Birth.String(), "to", r.Death.String()))
	}
}
