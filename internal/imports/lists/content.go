package lists

import (
	"strconv"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/people"
)

// byContent recognises columns whose header says little, and mends headers that their content contradicts.
func (m *Mapping) byContent(sample [][]string, taken map[int]bool) {
	for i := range m.Columns {
		c := &m.Columns[i]
		cells := sample[i]
		if taken[i] || len(cells) == 0 {
			continue
		}
		switch c.Field {
		case Login, FormerLogin:
			if mostly(cells, isCode) {
				c.Field = LegacyIDField
			}
		case Street:
			if mostly(cells, func(s string) bool { return contentOf(s) == Email }) {
				c.Field = Email
			}
		case Department:
			if mostly(cells, isFrenchDepartment) {
				c.Field = "" // of an address
			}
		case LegacyIDField:
			if fold.Name(c.Header) == "numero" && mostly(cells, func(s string) bool { return contentOf(s) == Phone }) {
				c.Field, c.Purpose = Phone, people.Personal
			}
		case "":
			if saysLittle(c.Header) {
				m.guess(c, cells)
			}
		}
	}
}

// guess takes a column for what nearly all its cells are.
func (m *Mapping) guess(c *Column, cells []string) {
	kind := contentOf(cells[0])
	if kind == "" || !mostly(cells, func(s string) bool { return contentOf(s) == kind }) {
		return
	}
	switch kind {
	case Email, Phone:
		c.Purpose = people.Personal
	default:
		if m.Has(kind) {
			return
		}
	}
	if kind == BirthDate && !mostly(cells, isBirth) {
		return
	}
	c.Field, c.How, c.Group = kind, ByContent, 1
}

// saysLittle reports headers that name nothing.
func saysLittle(header string) bool {
	words := strings.Fields(fold.Name(header))
	for _, word := range words {
		switch word {
		case "colonne", "column", "col", "champ", "field", "f", "c", "contact", "coordonnees", "coordonnee", "info", "infos", "information", "informations",
			"valeur", "value", "data", "donnee", "divers", "joindre", "internet", "unnamed", "x", "var", "v":
			continue
		}
		if isNumber(word) || len(word) == 1 {
			continue
		}
		return false
	}
	return true
}

// contentOf recognises a cell by itself: Email, Phone, BirthDate (any full date), ClassYear (any year), Civility.
func contentOf(cell string) Field {
	switch {
	case len(cell) > 100:
		return ""
	case fold.ValidEmail(fold.Email(cell)):
		return Email
	case len(cell) == 4 && isNumber(cell) && cell > "1900" && cell < "2100":
		return ClassYear
	case civilityOf(cell) != "" && len(cell) > 1:
		return Civility
	}
	if d, ok := written(cell, dateOptions{}); ok && d.Day > 0 && !isNumber(cell) {
		return BirthDate
	}
	if len(cell) >= 9 && strings.IndexFunc(cell, func(r rune) bool { return !strings.ContainsRune("0123456789 +.-()/", r) }) < 0 {
		if _, ok := fold.Phone(cell, ""); ok {
			return Phone
		}
	}
	return ""
}

// mostly asks for nine in ten.
func mostly(cells []string, is func(string) bool) bool {
	n := 0
	for _, cell := range cells {
		if is(cell) {
			n++
		}
	}
	return n > 0 && n*10 >= len(cells)*9
}

// isCode reports a number or a UUID: an identifier of a machine, no login.
func isCode(s string) bool {
	return isNumber(s) || len(s) == 36 && strings.Count(s, "-") == 4
}

func isFrenchDepartment(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && len(s) <= 3 && n > 0 && n < 990 || s == "2A" || s == "2B"
}

// isBirth reports a date that an adult can be born on. Recent dates under a header that says nothing are of sign-ups
// and payments; the bound may grow old without harm.
func isBirth(s string) bool {
	d, ok := written(s, dateOptions{})
	return ok && d.Year < 2012
}

// isMonthFirst reports a column whose dates only read month/day: some cannot be day/month, and none month/day.
func isMonthFirst(cells []string) bool {
	swaps := 0
	for _, cell := range cells {
		parts := dateParts(cell)
		if len(parts) != 3 || len(parts[0].text) > 2 || parts[0].month+parts[1].month > 0 {
			continue
		}
		switch {
		case parts[0].n > 12:
			return false
		case parts[1].n > 12:
			swaps++
		}
	}
	return swaps > 0
}
