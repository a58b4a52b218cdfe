package segments

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/geo"
	"amicale/internal/people"
)

// Own are the criteria that the common base allows.
func Own() Criteria {
	return Criteria{
		{Name: "school", Input: AnyOf, Target: OfDegree, Federation: true, Choices: schools, Where: in("g.association_id")},
		{Name: "class", Input: Between, Target: OfDegree, Check: year, Where: classBetween},
		{Name: "diploma", Input: AnyOf, Target: OfDegree, Choices: diplomas, Where: in("g.diploma")},
		{Name: "department", Input: Words, Target: OfDegree, Check: word, Where: department},
		{Name: "status", Input: AnyOf, Target: OfPerson, Choices: statuses, Where: in("p.status")},
		{Name: "member", Input: OneOf, Target: OfPerson, Choices: yesNo, Where: member},
		{Name: "country", Input: Words, Target: OfHome, Check: countryCode, Where: country},
		{Name: "departement", Input: Words, Target: OfHome, Check: departementCode, Where: departement},
		{Name: "postcode", Input: Words, Target: OfHome, Check: postcode, Where: postcodes},
		{Name: "activated", Input: OneOf, Target: OfPerson, Choices: yesNo, Where: activated},
		{Name: "confirmed", Input: OneOf, Target: OfPerson, Choices: ages, Where: confirmed},
		{Name: "language", Input: OneOf, Target: OfPerson, Choices: languages, Where: language},
	}
}

// in holds for any of the values.
func in(column string) func([]string, Env) (string, []any) {
	return func(values []string, _ Env) (string, []any) {
		return column + " IN (" + db.In(len(values)) + ")", db.Args(values)
	}
}

func schools(e Env) []Choice {
	out := make([]Choice, len(e.Schools))
	for i, a := range e.Schools {
		out[i] = Choice{Value: a.ID.String(), Label: a.School}
	}
	return out
}

func year(v string) (string, bool) {
	n, err := strconv.Atoi(v)
	return v, err == nil && len(v) == 4 && n >= 1850 && n <= 2200
}

func classBetween(values []string, _ Env) (string, []any) {
	where, args := "g.class_year > 0", []any(nil)
	for i, op := range []string{" >= ?", " <= ?"} {
		if n, err := strconv.Atoi(values[i]); err == nil {
			where += " AND g.class_year" + op
			args = append(args, n)
		}
	}
	return where, args
}

func diplomas(Env) []Choice {
	var out []Choice
	for _, d := range people.Diplomas() {
		out = append(out, Choice{Value: string(d), Key: d.Message()})
	}
	return out
}

func statuses(Env) []Choice {
	var out []Choice
	for _, s := range []people.Status{people.Graduate, people.Student, people.Other} {
		out = append(out, Choice{Value: string(s), Key: s.Message()})
	}
	return out
}

func yesNo(Env) []Choice {
	return []Choice{{Value: "yes", Key: "newsletters.yes"}, {Value: "no", Key: "newsletters.no"}}
}

func word(v string) (string, bool) { return v, len(v) <= 100 }

// department compares as typed, and in capitals and small letters: departments are short names that schools spell one way.
func department(values []string, _ Env) (string, []any) {
	var args []any
	for _, v := range values {
		args = append(args, v, strings.ToUpper(v), strings.ToLower(v))
	}
	return "g.department IN (" + db.In(len(args)) + ")", args
}

// member is about the sender's dues; for the federation, anybody's.
func member(values []string, e Env) (string, []any) {
	where, args := "m.person_id = p.id AND (m.starts_on <= ? AND m.ends_on >= ?) IS TRUE", []any{e.Today, e.Today}
	if !e.Sender.IsZero() {
		where += " AND m.association_id = ?"
		args = append(args, e.Sender)
	}
	not := ""
	if values[0] == "no" {
		not = "NOT "
	}
	return not + "EXISTS (SELECT 1 FROM memberships m WHERE " + where + ")", args
}

// countryCode takes a country's name in either language, or its code.
func countryCode(v string) (string, bool) { return geo.ParseCountry(v) }

// country: an address without one is in France, as everywhere in the base.
func country(values []string, _ Env) (string, []any) {
	args := db.Args(values)
	for _, v := range values {
		if v == "FR" {
			args = append(args, "")
			break
		}
	}
	return "c.country IN (" + db.In(len(args)) + ")", args
}

var departementPattern = regexp.MustCompile(`^([0-9]{2}|2[AB]|9[78][0-9])$`)

func departementCode(v string) (string, bool) {
	v = strings.ToUpper(v)
	return v, departementPattern.MatchString(v)
}

// departement is read off the postcode, whose first digits name it; the two of Corsica share theirs.
func departement(values []string, _ Env) (string, []any) {
	var prefixes []string
	for _, v := range values {
		switch v {
		case "2A":
			prefixes = append(prefixes, "200", "201")
		case "2B":
			prefixes = append(prefixes, "202", "206")
		default:
			prefixes = append(prefixes, v)
		}
	}
	where, args := beginsWith("c.postcode", prefixes)
	return "c.country IN ('', 'FR', 'GP', 'MQ', 'GF', 'RE', 'PM', 'YT', 'BL', 'MF', 'WF', 'PF', 'NC') AND (" + where + ")", args
}

func beginsWith(column string, prefixes []string) (string, []any) {
	var parts []string
	var args []any
	for _, p := range prefixes {
		parts = append(parts, column+" LIKE ?")
		args = append(args, p+"%")
	}
	return strings.Join(parts, " OR "), args
}

// postcode takes the beginning of one; the signs that LIKE reads otherwise are in none.
func postcode(v string) (string, bool) {
	v = strings.ToUpper(v)
	bad := strings.ContainsFunc(v, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && r != '-' && r != ' ' })
	return v, !bad && len(v) <= 10
}

func postcodes(values []string, _ Env) (string, []any) { return beginsWith("c.postcode", values) }

func activated(values []string, _ Env) (string, []any) {
	if values[0] == "yes" {
		return "p.activated_at IS NOT NULL", nil
	}
	return "p.activated_at IS NULL", nil
}

// Ages of what the base holds of a person, by when he last said that it is right.
const (
	withinYear  = "within_1"
	olderPrefix = "older_" // years; who never said anything included
	never       = "never"
)

func ages(Env) []Choice {
	var out []Choice
	for _, v := range []string{withinYear, olderPrefix + "1", olderPrefix + "2", olderPrefix + "5", never} {
		out = append(out, Choice{Value: v, Key: "newsletters.age." + v})
	}
	return out
}

func confirmed(values []string, e Env) (string, []any) {
	ago := func(years int) time.Time { return e.Now.AddDate(-years, 0, 0) }
	switch v := values[0]; v {
	case withinYear:
		return "p.confirmed_at >= ?", []any{ago(1)}
	case never:
		return "p.confirmed_at IS NULL", nil
	default:
		years, _ := strconv.Atoi(strings.TrimPrefix(v, olderPrefix))
		return "p.confirmed_at IS NULL OR p.confirmed_at < ?", []any{ago(years)}
	}
}

func languages(Env) []Choice {
	return []Choice{{Value: "fr", Key: "newsletters.lang.fr"}, {Value: "en", Key: "newsletters.lang.en"}}
}

// language: who never chose one reads French.
func language(values []string, _ Env) (string, []any) {
	const english = "EXISTS (SELECT 1 FROM accounts l WHERE l.person_id = p.id AND l.lang = 'en')"
	if values[0] == "en" {
		return english, nil
	}
	return "NOT " + english, nil
}
