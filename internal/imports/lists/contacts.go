package lists

import (
	"cmp"
	"iter"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/people"
)

// contacts reads e-mails and phones, several to a cell perhaps, and postal addresses from their columns.
func (p *parsing) contacts() {
	for c, value := range p.all(Email) {
		for part := range splitList(value) {
			mail := fold.Email(part)
			if !fold.ValidEmail(mail) {
				p.keep(c, part)
				p.warn(c, Because("email_invalid", "value", part))
				continue
			}
			p.addContact(Contact{Kind: people.Email, Purpose: c.Purpose, Value: mail})
		}
	}
	for i := range p.Columns {
		if c := &p.Columns[i]; c.Field == Street || c.Field == Postcode || c.Field == City {
			p.address(c)
		}
	}
	for c, value := range p.all(Phone) {
		for part := range splitPhones(plainNumber(value)) {
			region := p.region(c.Purpose)
			e164, ok := frenchPhone(part, region)
			if !ok {
				e164, ok = fold.Phone(part, region)
			}
			if !ok {
				p.keep(c, part)
				p.warn(c, Because("phone_invalid", "value", part))
				continue
			}
			p.addContact(Contact{Kind: people.Phone, Purpose: c.Purpose, Value: e164})
		}
	}
}

// addContact keeps the first of equal ones.
func (p *parsing) addContact(c Contact) {
	for _, other := range p.record.Contacts {
		if c.Kind != people.Postal && other.Kind == c.Kind && other.Value == c.Value {
			return
		}
	}
	p.record.Contacts = append(p.record.Contacts, c)
}

// region is where the row's phone numbers without a prefix are: the country of its address.
func (p *parsing) region(purpose people.Purpose) string {
	for _, c := range p.record.Contacts {
		if c.Kind == people.Postal && c.Purpose == purpose && len(c.Country) == 2 {
			return c.Country
		}
	}
	return p.defaults.Region
}

// address reads the postal address that c belongs to, once: when c is its first column with a value.
func (p *parsing) address(c *Column) {
	a := Contact{Kind: people.Postal, Purpose: c.Purpose}
	var lines [10]string
	for i := range p.Columns {
		other := &p.Columns[i]
		value := p.value(other)
		if other.Purpose != c.Purpose || other.Group != c.Group || value == "" || !other.Field.IsContact() {
			continue
		}
		switch other.Field {
		case Street, Postcode, City:
			if i < c.Index {
				return // read already
			}
		}
		switch other.Field {
		case Street:
			lines[min(max(other.Line, 1), 9)] += value + "\n"
		case Postcode:
			a.Postcode = plainNumber(value)
		case City:
			a.City = oneLine(value)
		case Country:
			a.Country = p.country(value)
		case AddressFrom:
			a.From = p.date(other, value, p.ahead(other))
		case AddressTo:
			a.To = p.date(other, value, p.ahead(other))
		}
	}
	a.Street = strings.TrimSpace(strings.Join(lines[:], ""))
	if a.Street == "" && a.City == "" && a.Postcode == "" {
		return
	}
	if !a.To.IsZero() && a.To.Last().Before(a.From) {
		p.warn(c, Because("period_reversed", "from", a.From.String(), "to", a.To.String()))
	}
	if french := a.Country == "FR" || a.Country == "" && cmp.Or(p.defaults.Region, "FR") == "FR"; french && len(a.Postcode) == 4 && isNumber(a.Postcode) {
		a.Postcode = "0" + a.Postcode // a spreadsheet dropped it
	}
	p.addContact(a)
}

// ahead are the options of dates that may lie ahead.
func (p *parsing) ahead(c *Column) dateOptions {
	o := p.dates(c)
	o.latest += 20
	return o
}

// country is the ISO code of a country, or the text as it is.
func (p *parsing) country(value string) string {
	if len(value) == 2 {
		return strings.ToUpper(value)
	}
	if p.defaults.Country != nil {
		if iso := p.defaults.Country(value); iso != "" {
			return iso
		}
	}
	if fold.Name(value) == "france" {
		return "FR"
	}
	return oneLine(value)
}

// splitList cuts a cell that lists addresses or logins. Names with spaces are not cut, so only its signs count, and
// spaces where an @ stands on both sides.
func splitList(value string) iter.Seq[string] {
	spaces := strings.Count(value, "@") > 1
	return func(yield func(string) bool) {
		for part := range strings.FieldsFuncSeq(value, func(r rune) bool {
			return r == ';' || r == ',' || r == '|' || r == '\n' || r == '\r' || r == '\t' || spaces && (r == ' ' || r == '/')
		}) {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}

// splitPhones cuts a cell that lists phone numbers.
func splitPhones(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !strings.ContainsFunc(value, func(r rune) bool { return r >= 'a' || r == ';' || r == ',' || r == '/' || r == '\n' }) {
			yield(value) // as nearly all are; a | is past 'a' too
			return
		}
		value = strings.NewReplacer(" ou ", ";", " et ", ";", " or ", ";", "\n", ";", "|", ";", ",", ";").Replace(value)
		if strings.Count(value, "/") == 1 { // 06… / 04…, but 06/12/34/56/78 is one
			value = strings.Replace(value, "/", ";", 1)
		}
		for part := range strings.SplitSeq(value, ";") {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}

// frenchPhone is fold.Phone for the numbers that lists are full of: French ones, of lines and mobiles, in digits with
// spaces, dots or hyphens. It only knows what is certainly valid (the ranges of the national plan); fold.Phone, which
// takes ten times as long, judges the rest.
func frenchPhone(s, region string) (e164 string, ok bool) {
	var digits [16]byte
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if n == 12 {
				return "", false
			}
			digits[n] = c
			n++
		case c == ' ' || c == '.' || c == '-', c == '+' && i == 0:
		default:
			return "", false
		}
	}
	var d []byte // nine digits
	switch {
	case n == 10 && digits[0] == '0' && s[0] != '+' && (region == "FR" || region == ""):
		d = digits[1:10]
	case n == 11 && s[0] == '+' && digits[0] == '3' && digits[1] == '3':
		d = digits[2:11]
	default:
		return "", false
	}
	line := d[0] >= '1' && d[0] <= '3' || d[0] == '4' && d[1] >= '1' || d[0] == '5' && d[1] <= '8'
	mobile := d[0] == '6' && d[1] <= '8' && (d[1] != '3' || d[2] <= '8') || d[0] == '7' && d[1] >= '3'
	overseas := d[0] == '2' && d[1] == '6' && d[2] == '2' // La Réunion, whose numbers are of another country code
	if !line && !mobile || overseas {
		return "", false
	}
	return "+33" + string(d), true
}
