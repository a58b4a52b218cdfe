package lists

import (
	"cmp"
	"strconv"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/people"
)

// degrees reads every group of degree columns. A row without any is a degree of the default association without a
// class year; a row that only adds to a known person needs none.
func (p *parsing) degrees() error {
	groups := 0
	for _, c := range p.Columns {
		switch c.Field {
		case ClassYear, Diploma, StudyYear, Department, Association:
			groups = max(groups, c.Group)
		}
	}
	for group := 1; group <= max(groups, 1); group++ {
		degree, given, err := p.degree(group)
		if err != nil {
			return err
		}
		switch {
		case group > 1 && !given, !p.record.Named() && !given:
			continue
		case degree.Association == "":
			return Because("no_association")
		}
		p.record.Degrees = append(p.record.Degrees, degree)
	}
	r := p.record
	if r.Status == "" && r.Named() {
		r.Status = people.Graduate
		for _, d := range r.Degrees {
			if d.Diploma == people.StudentDiploma || d.ClassYear > p.today().Year && d.Diploma != people.Doctorate {
				r.Status = people.Student
			}
		}
	}
	return nil
}

// degree reads one group of columns; given reports that the row says anything of it.
func (p *parsing) degree(group int) (d Degree, given bool, err error) {
	d.Diploma = cmp.Or(p.defaults.Diploma, people.Engineer)
	if p.record.Status == people.Student {
		d.Diploma = people.StudentDiploma
	}
	association := ""
	for i := range p.Columns {
		c := &p.Columns[i]
		value := p.value(c)
		if value == "" || c.Group != group {
			continue
		}
		switch c.Field {
		case Association:
			association = value
			if d.Association = p.associationOf(value); d.Association == "" {
				if p.defaults.Association == "" {
					return d, true, Because("association_unknown", "value", value)
				}
				p.keep(c, value)
				p.warn(c, Because("association_unknown", "value", value))
				association = ""
			}
		case ClassYear:
			d.ClassYear = p.classYear(c, value)
		case Diploma:
			p.diploma(c, value, &d)
		case StudyYear:
			if year := leadingYear(value); year > 0 {
				d.StudyYear = year
			} else {
				p.keep(c, value)
			}
		case Department:
			d.Department = oneLine(value)
		default:
			continue
		}
		given = given || c.Field != Association || association != ""
	}
	if d.Association == "" && len(p.record.Degrees) > 0 {
		d.Association = p.record.Degrees[0].Association
	}
	d.Association = cmp.Or(d.Association, p.defaults.Association)
	return d, given, nil
}

// associationOf finds the code of a school by any of its names.
func (p *parsing) associationOf(value string) string {
	name := fold.Name(value)
	for _, a := range p.defaults.Associations {
		if fold.Name(a.Code) == name {
			return a.Code
		}
		for _, n := range a.Names {
			if fold.Name(n) == name {
				return a.Code
			}
		}
	}
	return ""
}

// classYear reads 2010, Promo 2010, P2010, 2007-2010 (the last), 98, a date of graduation.
func (p *parsing) classYear(c *Column, value string) int {
	latest := p.today().Year + 8
	digits := plainNumber(value)
	year := 0
	if d, _, ok := parseDate(digits, p.ahead(c)); ok && d.Day > 0 {
		year = d.Year
	} else {
		for word := range strings.FieldsFuncSeq(digits, func(r rune) bool { return r < '0' || r > '9' }) {
			n, _ := strconv.Atoi(word)
			switch {
			case len(word) == 4 && n >= 1800 && n <= latest:
				year = n
			case len(word) == 2 && year == 0 && len(digits) <= 5:
				year = latest - latest%100 + n
				if year > latest {
					year -= 100
				}
			}
		}
	}
	if year < 1800 || year > latest {
		p.keep(c, value)
		p.warn(c, Because("class_invalid", "value", value))
		return 0
	}
	return year
}

// diploma reads the type of a degree, and the year of a student. What says more than the type stays in the note.
func (p *parsing) diploma(c *Column, value string, d *Degree) {
	words := " " + fold.Name(value) + " "
	known := true
	switch {
	case strings.Contains(words, " doct"), strings.Contains(words, " phd "), strings.Contains(words, " these "), strings.Contains(words, " ph d "):
		d.Diploma = people.Doctorate
	case strings.Contains(words, " etudiant"), strings.Contains(words, " student"), strings.Contains(words, " eleve"):
		d.Diploma = people.StudentDiploma
		d.StudyYear = cmp.Or(d.StudyYear, leadingYear(value))
	case strings.Contains(words, " master"), strings.Contains(words, " mastere"), strings.Contains(words, " msc "), strings.Contains(words, " dea "), strings.Contains(words, " dess "), strings.Contains(words, " mba "):
		d.Diploma = people.Master
	case strings.Contains(words, " architect"):
		d.Diploma = people.Architect
	case strings.Contains(words, " ing"), strings.Contains(words, " engineer"), strings.Contains(words, " dipl ing "):
		d.Diploma = people.Engineer
	case strings.Contains(words, " autre"), strings.Contains(words, " other "):
		d.Diploma = people.OtherDiploma
	default:
		known = false
		p.warn(c, Because("diploma_unknown", "value", value))
	}
	if !known || len(strings.Fields(words)) > 2 {
		p.keep(c, value)
	}
}

// leadingYear reads the year of study: 3, 3A, 3e année, "étudiant en 3ème année", "student year 3".
func leadingYear(value string) int {
	for word := range strings.FieldsSeq(fold.Name(value)) {
		if word[0] >= '1' && word[0] <= '8' && (len(word) == 1 || word[1] < '0' || word[1] > '9') {
			return int(word[0] - '0')
		}
		if len(word) == 2 && word[0] >= 'a' && word[1] >= '1' && word[1] <= '8' { // M1, A3
			return int(word[1] - '0')
		}
	}
	return 0
}

// memberships reads periods, group by group, and years paid.
func (p *parsing) memberships() {
	_, origin := p.one(MembershipOrigin)
	association := p.membershipAssociation()
	for group := 1; group <= 9; group++ {
		m := Membership{Association: association, Origin: origin}
		for i := range p.Columns {
			c := &p.Columns[i]
			value := p.value(c)
			if c.Group != group || value == "" {
				continue
			}
			switch c.Field {
			case MembershipFrom:
				m.From = p.date(c, value, p.ahead(c)).First()
			case MembershipTo:
				m.To = p.date(c, value, p.ahead(c)).Last()
			}
		}
		switch {
		case m.From.IsZero() && m.To.IsZero():
		case !m.To.IsZero() && m.To.Before(m.From):
			p.warn(nil, Because("period_reversed", "from", m.From.String(), "to", m.To.String()))
		default:
			p.record.Memberships = append(p.record.Memberships, m)
		}
	}
	for c, value := range p.all(MembershipPaid) {
		p.paid(c, value, Membership{Association: association, Origin: origin})
	}
}

func (p *parsing) membershipAssociation() string {
	if c, value := p.one(MembershipAssociation); value != "" {
		if code := p.associationOf(value); code != "" {
			return code
		}
		p.keep(c, value)
		p.warn(c, Because("association_unknown", "value", value))
	}
	if len(p.record.Degrees) > 0 {
		return p.record.Degrees[0].Association
	}
	return p.defaults.Association
}

// paid reads a year, a date or a yes; a yes means the year of its header, and nothing can be made of it without.
func (p *parsing) paid(c *Column, value string, m Membership) {
	yes, isFlag := flagOf(value)
	if c.Group > 1900 {
		if isFlag && !yes {
			return
		}
		if amount, err := strconv.ParseFloat(strings.Replace(value, ",", ".", 1), 64); err == nil && amount <= 0 {
			return
		}
		m.From, m.To = Date{c.Group, 1, 1}, Date{c.Group, 12, 31}
		p.record.Memberships = append(p.record.Memberships, m)
		return
	}
	if isFlag && !yes {
		return
	}
	d, _, ok := parseDate(plainNumber(value), p.ahead(c))
	if !ok || d.IsZero() || isFlag {
		p.keep(c, value)
		if len(p.record.Memberships) == 0 {
			p.warn(c, Because("membership_no_dates"))
		}
		return
	}
	m.From, m.To = d.First(), d.Last()
	if d.Day > 0 { // the day of a payment
		m.To = d.AddDays(1, -1)
	}
	p.record.Memberships = append(p.record.Memberships, m)
}

// fillPeriod completes a membership of which a list knows one day only. An end alone ends a year. A beginning alone
// (an open mandate, "member since") runs to the end of the academic year the list is imported in, 31 August: the
// person stays a member while lists say so, and nobody for ever by a missing cell.
func (m *Membership) fillPeriod(today Date) {
	switch {
	case m.From.IsZero():
		m.From = m.To.AddDays(-1, 1)
	case m.To.IsZero():
		since := today
		if since.Before(m.From) {
			since = m.From
		}
		m.Open, m.To = true, Date{since.Year, 8, 31}
		if m.To.Before(since) {
			m.To.Year++
		}
	}
}
