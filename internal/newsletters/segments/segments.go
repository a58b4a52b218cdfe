// Package segments says whom a letter goes to: persons by what the base knows of them.
//
// A segment is a set of criteria with their values; it is evaluated anew whenever it is looked at. It never reaches
// beyond its sender: an association's is of its own graduates and members. Whoever is dead, merged into somebody else,
// does not want this kind of letter or has no address is left out, and counted by the reason. Later features add
// criteria of their own.
package segments

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters/compose"
	"amicale/internal/people"
)

// Segment is criterion → values. Values of one criterion are alternatives; criteria must all hold. An empty one is
// everybody the sender may write to.
type Segment map[string][]string

// Ask is a segment for a sender and a kind of letter.
type Ask struct {
	Sender  id.ID // an association; zero is the federation
	Kind    string
	Segment Segment
}

// Left is why a person of the segment gets no letter.
type Left string

// The reasons.
const (
	Deceased  Left = "deceased"
	Refused   Left = "refused"    // does not want this kind from this sender, or nothing at all
	NoAddress Left = "no_address" // none is known
	Broken    Left = "broken"     // letters to it came back
	Unusable  Left = "unusable"   // no mail server takes what was typed
)

// Reasons are all, in the order pages show them.
func Reasons() []Left { return []Left{Refused, NoAddress, Broken, Unusable, Deceased} }

// Count is a segment in numbers.
type Count struct {
	Matched int          // persons, before anybody is left out
	Reached int          // letters that would leave
	Left    map[Left]int // why the others get none
}

// Candidate is a person of a segment.
type Candidate struct {
	ID      id.ID
	Lang    string // 'fr' or 'en'
	Address string
	Left    Left // "" for who gets a letter
	Person  compose.Person
}

// Subscriptions knows who wants what.
type Subscriptions interface {
	// Refusing are those of the persons who do not want this kind of letter from this sender.
	Refusing(ctx context.Context, sender id.ID, kind string, persons []id.ID) (map[id.ID]bool, error)
}

// Input is how a form asks for a criterion.
type Input string

// The inputs.
const (
	OneOf   Input = "one"   // one of the choices, or none
	AnyOf   Input = "any"   // several of them
	Between Input = "range" // two years: from, to; either may be empty
	Words   Input = "words" // typed values, separated by commas
)

// Target is what a criterion is about: those about degrees must hold of one and the same degree.
type Target string

// The targets, each with the alias that a condition may use.
const (
	OfPerson Target = "p" // persons p
	OfDegree Target = "g" // degrees g
	OfHome   Target = "c" // contact_points c: the personal postal address
)

// Choice is a value that can be chosen. Its label is a message when Key is set.
type Choice struct{ Value, Label, Key string }

// Env is what the criteria are judged by.
type Env struct {
	Sender  id.ID // zero for the federation
	Today   time.Time
	Now     time.Time
	Schools people.Associations
}

// Criterion is one thing the base knows.
type Criterion struct {
	Name       string // field of the form and key of a segment; its label is the message newsletters.criterion.NAME
	Input      Input
	Target     Target
	Federation bool // offered to the federation's letters only
	Choices    func(Env) []Choice
	// Where is the condition, with its arguments, for values that Check took.
	Where func(values []string, e Env) (where string, args []any)
	// Check brings a value to its form; ok is false for one that is none. Nil: it must be among the choices.
	Check func(value string) (string, bool)
}

// clean takes the values of a form apart and says what is wrong.
func (c Criterion) clean(values []string, e Env) ([]string, bool) {
	var typed []string
	for _, v := range values {
		if c.Input == Words {
			typed = append(typed, strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' || r == '\n' })...)
		} else {
			typed = append(typed, v)
		}
	}
	var out []string
	for _, v := range typed {
		v = strings.TrimSpace(v)
		if v == "" && c.Input != Between {
			continue
		}
		ok := c.Check == nil && slices.ContainsFunc(c.Choices(e), func(x Choice) bool { return x.Value == v })
		if c.Check != nil && v != "" {
			v, ok = c.Check(v)
		}
		if !ok && v != "" {
			return nil, false
		}
		if c.Input == Between || !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out, len(out) <= mostValues && (c.Input != OneOf || len(out) <= 1) && (c.Input != Between || inOrder(out))
}

// mostValues bounds a condition.
const mostValues = 200

// inOrder takes nothing, or two years of which the second is not before the first.
func inOrder(v []string) bool {
	return len(v) == 0 || len(v) == 2 && (v[0] == "" || v[1] == "" || v[0] <= v[1])
}

// blank reports whether the values say nothing.
func blank(values []string) bool { return strings.Join(values, "") == "" }

// Criteria are those there are, in the order forms show them.
type Criteria []Criterion

// For are those that a sender's segments may use.
func (cs Criteria) For(sender id.ID) Criteria {
	return slices.DeleteFunc(slices.Clone(cs), func(c Criterion) bool { return c.Federation && !sender.IsZero() })
}

// Read makes a segment of a form's values. What cannot be understood is Invalid, by criterion.
func (cs Criteria) Read(e Env, values func(name string) []string) (Segment, error) {
	out, f := Segment{}, errs.Fields{}
	for _, c := range cs.For(e.Sender) {
		v, ok := c.clean(values(c.Name), e)
		if !ok {
			f.Add(c.Name, "newsletters.segment.bad."+string(c.Input))
		} else if !blank(v) {
			out[c.Name] = v
		}
	}
	return out, f.Err()
}

// Check says whether a stored segment can still be evaluated: what it names may be gone.
func (cs Criteria) Check(e Env, s Segment) error {
	mine := cs.For(e.Sender)
	for name := range s {
		if !slices.ContainsFunc(mine, func(c Criterion) bool { return c.Name == name }) {
			return errs.Msg("newsletters.segment.gone", map[string]any{"Name": name})
		}
	}
	_, err := mine.Read(e, func(name string) []string { return s[name] })
	return err
}

// where is the condition of a segment on persons p, without the sender's bounds.
func (cs Criteria) where(e Env, s Segment) (string, []any) {
	by := map[Target][]string{}
	args := map[Target][]any{}
	for _, c := range cs.For(e.Sender) {
		if blank(s[c.Name]) {
			continue
		}
		w, a := c.Where(s[c.Name], e)
		by[c.Target] = append(by[c.Target], "("+w+")")
		args[c.Target] = append(args[c.Target], a...)
	}
	out, all := append([]string{"TRUE"}, by[OfPerson]...), args[OfPerson]
	if len(by[OfDegree]) > 0 {
		own := ""
		if !e.Sender.IsZero() {
			own = "g.association_id = ? AND "
			all = append(all, e.Sender)
		}
		out = append(out, "EXISTS (SELECT 1 FROM degrees g WHERE g.person_id = p.id AND "+own+strings.Join(by[OfDegree], " AND ")+")")
		all = append(all, args[OfDegree]...)
	}
	if len(by[OfHome]) > 0 {
		out = append(out, "EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'postal' AND c.purpose = 'personal' AND "+strings.Join(by[OfHome], " AND ")+")")
		all = append(all, args[OfHome]...)
	}
	return strings.Join(out, " AND "), all
}

// scope is what a sender may write to, whatever the segment says: as one set, for a look at all of them.
func scope(e Env) (string, []any) {
	if e.Sender.IsZero() {
		return "TRUE", nil
	}
	return `p.id IN (SELECT o.person_id FROM degrees o WHERE o.association_id = ?
		UNION SELECT o.person_id FROM memberships o WHERE o.association_id = ? AND o.starts_on <= ? AND o.ends_on >= ?)`,
		[]any{e.Sender, e.Sender, e.Today, e.Today}
}

// scopeOfEach is scope for a few persons at a time: asked of each, not made as a set.
func scopeOfEach(e Env) (string, []any) {
	if e.Sender.IsZero() {
		return "TRUE", nil
	}
	return `(EXISTS (SELECT 1 FROM degrees o WHERE o.person_id = p.id AND o.association_id = ?)
		OR EXISTS (SELECT 1 FROM memberships o WHERE o.person_id = p.id AND o.association_id = ? AND (o.starts_on <= ? AND o.ends_on >= ?) IS TRUE))`,
		[]any{e.Sender, e.Sender, e.Today, e.Today}
}
