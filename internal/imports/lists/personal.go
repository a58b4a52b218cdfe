package lists

import (
	"cmp"
	"slices"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/people"
)

func (p *parsing) names() {
	r := p.record
	for _, f := range []Field{FullName, SurnameFirst} {
		if c, full := p.one(f); full != "" {
			if bare := bareName(full); bare != "" && bare != full {
				p.keep(c, full)
				full = bare
			}
			r.Civility, r.FirstName, r.BirthSurname = splitName(full, f == SurnameFirst)
			r.FirstNames = r.FirstName
		}
	}
	if c, value := p.one(Civility); value != "" {
		if r.Civility = cmp.Or(civilityOf(value), r.Civility); civilityOf(value) == "" {
			p.keep(c, value)
		}
	}
	if _, first := p.one(FirstName); first != "" {
		r.FirstName, r.FirstNames = firstInUse(first), first
	}
	if _, all := p.one(FirstNames); all != "" {
		switch {
		case r.FirstName == "":
			r.FirstName, r.FirstNames = firstOfAll(all), all
		case strings.Contains(" "+fold.Name(all)+" ", " "+fold.Name(r.FirstName)+" "):
			r.FirstNames = all
		default: // second and third ones
			r.FirstNames = r.FirstName + " " + all
		}
	}
	r.FirstNames = strings.Join(strings.FieldsFunc(r.FirstNames, func(c rune) bool { return c == ' ' || c == ',' || c == ';' || c == '\n' }), " ")
	for _, f := range []Field{Surname, BirthSurname} {
		if _, name := p.one(f); name != "" {
			r.BirthSurname = oneLine(name)
		}
	}
	if _, usage := p.one(UsageSurname); usage != "" && fold.Name(usage) != fold.Name(r.BirthSurname) {
		r.UsageSurname = oneLine(usage)
		if r.BirthSurname == "" {
			r.BirthSurname, r.UsageSurname = r.UsageSurname, ""
		}
	}
	r.FirstName = oneLine(r.FirstName)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// lifespan reads birth, death and status.
func (p *parsing) lifespan() {
	r := p.record
	r.Birth = p.past(BirthDate)
	r.Death = p.past(DeathDate)
	for c, value := range p.all(Status) {
		if status := statusOf(value); status == "" {
			p.keep(c, value)
			if c.How == ByMap {
				p.warn(c, Because("status_unknown", "value", value))
			}
		} else if r.Status == "" || status == people.Deceased {
			r.Status = status
		}
	}
	if c, value := p.one(Deceased); value != "" {
		if yes, ok := flagOf(value); ok {
			if yes {
				r.Status = people.Deceased
			}
		} else if d, _, ok := parseDate(value, p.dates(c)); ok && !d.IsZero() {
			r.Status, r.Death = people.Deceased, d
		} else {
			p.keep(c, value)
			p.warn(c, Because("flag_unknown", "value", value))
		}
	}
	if !r.Death.IsZero() {
		r.Status = people.Deceased
	}
}

func (p *parsing) dates(c *Column) dateOptions {
	return dateOptions{latest: p.today().Year, monthFirst: c.MonthFirst}
}

func (p *parsing) today() Date {
	t := p.defaults.Today
	return Date{t.Year(), int(t.Month()), t.Day()}
}

// date reads one cell; what is no date goes to the note.
func (p *parsing) date(c *Column, value string, o dateOptions) Date {
	d, swapped, ok := parseDate(value, o)
	if !ok {
		p.keep(c, value)
		p.warn(c, Because("date_invalid", "value", value))
		return Date{}
	}
	if swapped {
		p.warn(c, Because("date_swapped", "value", value, "date", d.String()))
	}
	return d
}

// past reads a date that cannot lie ahead.
func (p *parsing) past(f Field) Date {
	c, value := p.one(f)
	if value == "" {
		return Date{}
	}
	d := p.date(c, value, p.dates(c))
	if p.today().Before(d) {
		p.keep(c, value)
		p.warn(c, Because("date_implausible", "date", d.String()))
		return Date{}
	}
	return d
}

func (p *parsing) legacy() {
	_, source := p.one(LegacySource)
	source = cmp.Or(source, p.defaults.Source, p.Source, "import")
	for c, value := range p.all(LegacyIDField) {
		id := people.LegacyID{Source: source, Value: plainNumber(value)}
		if c.Group > 1 { // of another system, which the header names
			id.Source += "/" + fold.Name(c.Header)
		}
		p.record.Legacy = append(p.record.Legacy, id)
	}
}

func (p *parsing) logins() {
	for c, value := range p.all(Login) {
		for login := range splitList(value) {
			login, _, _ = strings.Cut(login, "@") // the lifetime address
			p.addLogin(c, &p.record.Logins, login)
		}
	}
	for c, value := range p.all(FormerLogin) {
		for login := range splitList(value) {
			login, _, _ = strings.Cut(login, "@")
			p.addLogin(c, &p.record.FormerLogins, login)
		}
	}
	for c, value := range p.all(Redirect) {
		for target := range splitList(value) {
			mail := fold.Email(target)
			if !fold.ValidEmail(mail) {
				p.keep(c, target)
				p.warn(c, Because("email_invalid", "value", target))
			} else if !slices.Contains(p.record.Redirects, mail) {
				p.record.Redirects = append(p.record.Redirects, mail)
			}
		}
	}
}

func (p *parsing) addLogin(c *Column, to *[]string, login string) {
	switch {
	case fold.TypedLogin(login) == "" || len(login) > 2*fold.MaxLogin:
		p.keep(c, login)
		p.warn(c, Because("login_invalid", "value", login))
	case !slices.Contains(*to, login):
		*to = append(*to, login)
	}
}

// refusals reads flags under headers of refusal and of consent, with the date and origin the row has.
func (p *parsing) refusals() {
	var date Date
	if c, value := p.one(RefusalDate); value != "" {
		date = p.date(c, value, p.dates(c))
	}
	_, origin := p.one(RefusalOrigin)
	flagged := false
	for _, f := range []Field{RefuseMailing, RefusePost, RefusePhone, RefuseDirectory, RefuseAll, AcceptMailing, AcceptDirectory} {
		for c, value := range p.all(f) {
			flagged = true
			p.refusal(c, value, Refusal{Kind: f, Date: date, Origin: origin})
		}
	}
	if !flagged && !date.IsZero() { // a date of refusal is one
		p.addRefusal(Refusal{Kind: RefuseMailing, Date: date, Origin: origin})
	}
}

func (p *parsing) refusal(c *Column, value string, r Refusal) {
	yes, ok := flagOf(value)
	if !ok {
		d, _, isDate := parseDate(value, p.dates(c))
		if !isDate || d.IsZero() {
			p.keep(c, value)
			p.warn(c, Because("flag_unknown", "value", value))
			return
		}
		yes = true
		if r.Date.IsZero() {
			r.Date = d
		}
	}
	switch r.Kind {
	case AcceptMailing:
		r.Kind, yes = RefuseMailing, !yes
	case AcceptDirectory:
		r.Kind, yes = RefuseDirectory, !yes
	}
	if yes {
		p.addRefusal(r)
	}
}

func (p *parsing) addRefusal(r Refusal) {
	for _, other := range p.record.Refusals {
		if other.Kind == r.Kind {
			return
		}
	}
	p.record.Refusals = append(p.record.Refusals, r)
}

// statusOf reads a status, "" if it is none.
func statusOf(s string) people.Status {
	words := " " + fold.Name(s) + " "
	for _, w := range []struct {
		mark   string
		status people.Status
	}{
		{" decede", people.Deceased}, {" deceased ", people.Deceased}, {" dcd ", people.Deceased}, {" dead ", people.Deceased}, {" defunt", people.Deceased},
		{" etudiant", people.Student}, {" student ", people.Student}, {" eleve ", people.Student}, {" eleves ", people.Student}, {" apprenti", people.Student},
		{" diplome", people.Graduate}, {" graduate", people.Graduate}, {" ancien", people.Graduate}, {" alumn", people.Graduate}, {" docteur ", people.Graduate},
		{" enseignant", people.Other}, {" personnel ", people.Other}, {" veuf", people.Other}, {" veuve", people.Other}, {" honneur ", people.Other}, {" honoraire ", people.Other},
	} {
		if strings.Contains(words, w.mark) {
			if w.status == people.Student && strings.Contains(words, " ancien") {
				return people.Graduate // "ancien élève"
			}
			return w.status
		}
	}
	return ""
}

// flagOf reads yes or no; ok is false if it is neither.
func flagOf(s string) (yes, ok bool) {
	switch strings.TrimSpace(s) {
	case "✓", "✔", "☑":
		return true, true
	}
	switch fold.Name(s) {
	case "1", "oui", "o", "yes", "y", "true", "vrai", "x", "t", "on", "ok", "refus", "refuse", "opt out", "accepte":
		return true, true
	case "0", "non", "n", "no", "false", "faux", "off", "", "aucun", "aucune", "neant": // "-" folds to nothing
		return false, true
	}
	return false, false
}
