package lists

import (
	"fmt"
	"strconv"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/people"
)

// How says why a column was taken for what it is.
type How string

// The ways a column is recognised.
const (
	ByHeader  How = "header"
	ByContent How = "content"
	ByMap     How = "map"
)

// Column is one column and what it holds.
type Column struct {
	Index      int // in the row, from 0
	Header     string
	Field      Field          // "" if unknown: kept in the note
	Purpose    people.Purpose // of contact fields
	Group      int            // which of several e-mails, degrees, addresses, from 1; for MembershipPaid a year, or 1
	Line       int            // of an address
	How        How
	Codes      map[string]string // value to meaning, where the header lists them: "Statut (Actif [0] / Décédé [1])"
	MonthFirst bool              // its dates are month/day

	numbered bool // Group is the number that ends the header
}

// Name is the field as --map takes it: class_year, email_professional, email_personal.2.
func (c Column) Name() string {
	name := string(c.Field)
	if c.Field.IsContact() {
		name += "_" + string(c.Purpose)
	}
	if c.Group > 1 {
		name += "." + strconv.Itoa(c.Group)
	}
	return name
}

// Override is one --map FIELD=COLUMN.
type Override struct {
	Field   Field
	Purpose people.Purpose
	Group   int
	Column  string // header, or number from 1
}

// ParseOverride reads FIELD=COLUMN, as "class_year=Année", "email_professional.2=Mail bureau" or "note=12".
func ParseOverride(s string) (Override, error) {
	name, column, _ := strings.Cut(s, "=")
	o := Override{Group: 1, Column: strings.TrimSpace(column)}
	name = strings.ToLower(strings.TrimSpace(name))
	if base, n, ok := strings.Cut(name, "."); ok {
		o.Group, _ = strconv.Atoi(n)
		name = base
	}
	for _, purpose := range []people.Purpose{people.Personal, people.Professional, people.Temporary} {
		if base, ok := strings.CutSuffix(name, "_"+string(purpose)); ok {
			name, o.Purpose = base, purpose
		}
	}
	var known []string
	for _, field := range Fields() {
		if string(field) == name {
			o.Field = field
		}
		known = append(known, string(field))
	}
	if o.Field == "" || o.Group < 1 || o.Purpose != "" && !o.Field.IsContact() {
		return o, Because("map_field", "field", s, "known", strings.Join(known, ", "))
	}
	if o.Purpose == "" && o.Field.IsContact() {
		o.Purpose = people.Personal
	}
	return o, nil
}

// Mapping says for every column of a table what it holds.
type Mapping struct {
	Columns []Column
	Source  string // the software whose export the header is, where it says so
}

// sampleSize is how many rows are looked at to recognise columns by their content.
const sampleSize = 200

// MapColumns recognises the columns of t: as overrides say, by header, then by content where the header says little.
// It fails if nothing tells who the rows are about.
func MapColumns(t *Table, overrides []Override) (*Mapping, error) {
	m := &Mapping{Columns: make([]Column, len(t.Header)), Source: familyOf(t.Header)}
	headers := newHeaderReader()
	for i, header := range t.Header {
		m.Columns[i] = headers.parse(header)
		m.Columns[i].Index, m.Columns[i].How = i, ByHeader
	}
	sample, err := t.Cells()
	if err != nil {
		return nil, err
	}
	taken, err := m.override(t.Header, overrides)
	if err != nil {
		return nil, err
	}
	m.byContent(sample, taken)
	m.settleIDs(taken)
	m.settleNames(sample, taken)
	m.settleGroups(taken)
	for i := range m.Columns {
		m.Columns[i].MonthFirst = isMonthFirst(sample[i])
	}
	if !m.Has(Surname) && !m.Has(UsageSurname) && !m.Has(BirthSurname) && !m.Has(FullName) && !m.Has(SurnameFirst) && !m.Has(LegacyIDField) {
		return m, Because("file_no_columns")
	}
	return m, nil
}

// cellsOf reads the first rows, column by column, empty cells left out.
func (t *Table) Cells() ([][]string, error) {
	sample := make([][]string, len(t.Header))
	n := 0
	for row, err := range t.Rows() {
		if err != nil && row.Line == 0 {
			return nil, err
		}
		if n++; n > sampleSize {
			break
		}
		for i, cell := range row.Cells {
			if cell != "" {
				sample[i] = append(sample[i], cell)
			}
		}
	}
	return sample, nil
}

func (m *Mapping) Has(f Field) bool { return m.first(f) >= 0 }

func (m *Mapping) first(f Field) int {
	for i, c := range m.Columns {
		if c.Field == f {
			return i
		}
	}
	return -1
}

// override applies the operator's word, and reports which columns it settled. A field that he names is no longer
// looked for elsewhere in the same group.
func (m *Mapping) override(header []string, overrides []Override) (map[int]bool, error) {
	taken := map[int]bool{}
	for _, o := range overrides {
		at := columnNamed(header, o.Column, taken)
		if at < 0 {
			return nil, Because("map_column", "column", o.Column)
		}
		for i := range m.Columns {
			c := &m.Columns[i]
			if !taken[i] && c.Field == o.Field && c.Group == o.Group && c.Purpose == o.Purpose {
				c.Field = ""
			}
		}
		c := &m.Columns[at]
		c.Field, c.Purpose, c.Group, c.Line, c.How = o.Field, o.Purpose, o.Group, 0, ByMap
		taken[at] = true
	}
	return taken, nil
}

// columnNamed finds a header as written, else folded, else by number.
func columnNamed(header []string, name string, taken map[int]bool) int {
	for _, same := range []func(string) bool{
		func(h string) bool { return h == name },
		func(h string) bool { return fold.Name(h) == fold.Name(name) },
	} {
		for i, h := range header {
			if name != "" && !taken[i] && same(h) {
				return i
			}
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(header) {
		return n - 1
	}
	return -1
}

// settleIDs drops a row's own number where another column has the person's: the mandates of a deputy have an id and a
// depId.
func (m *Mapping) settleIDs(taken map[int]bool) {
	own, person := -1, false
	for i, c := range m.Columns {
		if c.Field != LegacyIDField || taken[i] {
			continue
		}
		switch fold.Name(c.Header) {
		case "id":
			own = i
		case "depid", "dep id", "person id", "personid", "id personne", "user id", "userid", "member id":
			person = true
		}
	}
	if own >= 0 && person {
		m.Columns[own].Field = ""
	}
}

// settleNames decides what a lone "nom" or "name" means beside the others.
func (m *Mapping) settleNames(sample [][]string, taken map[int]bool) {
	first := m.Has(FirstName) || m.Has(FirstNames)
	for i := range m.Columns {
		c := &m.Columns[i]
		if taken[i] {
			continue
		}
		if c.Field == "" && fold.Name(c.Header) == "name" {
			c.Field = FullName
			if first {
				c.Field = Surname
			}
		}
		if c.Field == Surname && !first && mostly(sample[i], func(s string) bool { return strings.Contains(s, " ") }) {
			c.Field = FullName // "nom" alone, and it holds "Jean DUPONT"
		}
	}
	for i := range m.Columns {
		c := &m.Columns[i]
		if c.Field != Surname || taken[i] {
			continue
		}
		switch {
		case m.Has(BirthSurname):
			c.Field = UsageSurname
		case m.Has(UsageSurname):
			c.Field = BirthSurname
		}
	}
}

// settleGroups numbers what stands several times: two columns "e-mail", or one more class year for a second degree.
// A further line of an address is no further address.
func (m *Mapping) settleGroups(taken map[int]bool) {
	type slot struct {
		field   Field
		purpose people.Purpose
		group   int
		line    int
	}
	used := map[slot]bool{}
	for i := range m.Columns {
		c := &m.Columns[i]
		if c.Field == Street && c.numbered && c.Group > 1 && !m.hasTown(c.Purpose, c.Group) {
			c.Group, c.Line = 1, c.Group
		}
		if c.Field == "" || c.Field == Note || c.Field == Ignore {
			continue
		}
		s := slot{c.Field, c.Purpose, c.Group, c.Line}
		for !taken[i] && used[s] {
			if c.Field == Street && c.Line > 0 {
				s.line++
			} else {
				s.group++
			}
		}
		c.Group, c.Line = s.group, s.line
		used[s] = true
	}
}

func (m *Mapping) hasTown(p people.Purpose, group int) bool {
	for _, c := range m.Columns {
		if (c.Field == City || c.Field == Postcode) && c.Purpose == p && c.Group == group {
			return true
		}
	}
	return false
}

// Unknown are the columns that go to the note.
func (m *Mapping) Unknown() []Column {
	var out []Column
	for _, c := range m.Columns {
		if c.Field == "" {
			out = append(out, c)
		}
	}
	return out
}

// Text shows the person who imports what was understood, one column a line.
func (m *Mapping) Text(lang string) string {
	how := map[How]string{ByHeader: "", ByContent: " (d’après son contenu)", ByMap: " (--map)"}
	kept, dropped := "gardée en note", "pas gardée"
	if lang != "fr" {
		how[ByContent], kept, dropped = " (by its content)", "kept as a note", "not kept"
	}
	var b strings.Builder
	for _, c := range m.Columns {
		header := c.Header
		if header == "" {
			header = strconv.Itoa(c.Index + 1)
		}
		switch c.Field {
		case "", Note:
			fmt.Fprintf(&b, "%s → %s\n", header, kept)
		case Ignore:
			fmt.Fprintf(&b, "%s → %s\n", header, dropped)
		default:
			fmt.Fprintf(&b, "%s → %s%s\n", header, c.Name(), how[c.How])
		}
	}
	return b.String()
}

// familyOf recognises the software that wrote the header: its name tells one system's identifiers from another's.
func familyOf(header []string) string {
	all := strings.ToLower(strings.Join(header, "|"))
	for _, f := range []struct{ mark, name string }{
		{"nom_adh", "galette"}, {"alumnforce", "alumnforce"}, {"identifiant af", "alumnforce"}, {"wikidata", "wikidata"},
		{"anneenais", "assemblee-nationale"}, {"depid", "assemblee-nationale"}, {"social_mastodon", "osuny"},
	} {
		if strings.Contains(all, f.mark) {
			return f.name
		}
	}
	return ""
}
