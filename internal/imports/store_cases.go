package imports

import (
	"bytes"
	"context"
	"encoding/hex"
	"strconv"

	"amicale/internal/db"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// source is where a row stands, for the desk.
func (r *run) source(e *entry) string { return r.file + ":" + strconv.Itoa(e.row.Line) }

// conflictCase asks which of two values is right. The same value of a list is asked about once.
func (r *run) conflictCase(e *entry, c conflict) Case {
	value := digest(c.file)
	return Case{Kind: ImportConflict, Association: r.desks(e.base.Associations()), Person: e.person, Degree: c.degree,
		UniqueKey: "import:conflict:" + e.person.String() + ":" + c.field + ":" + hex.EncodeToString(value[:8]),
		Field:     c.field, Base: c.base, File: c.file, Source: r.source(e)}
}

// desks is the association whose desk decides: the list's where it is one of these, else the first.
func (r *run) desks(of []id.ID) id.ID {
	for _, a := range of {
		if a == r.school.ID {
			return a
		}
	}
	if len(of) == 0 {
		return r.school.ID
	}
	return of[0]
}

// duplicateCase proposes to merge two persons. The desk is their school's, or the federation's where they have none
// in common: a webmaster merges his own graduates only.
func (r *run) duplicateCase(e *entry, person, other id.ID, others []id.ID, why Why) Case {
	first, second := person, other
	if bytes.Compare(first[:], second[:]) > 0 {
		first, second = second, first
	}
	c := Case{Kind: Duplicate, Person: person, Other: other, Why: why, Source: r.source(e),
		UniqueKey: "import:duplicate:" + first.String() + ":" + second.String()}
	for _, a := range others {
		for _, g := range e.degrees() {
			if g.AssociationID == a {
				c.Association = a
			}
		}
	}
	return c
}

// degrees are those the entry's person has after it.
func (e *entry) degrees() []people.Degree {
	if e.base == nil {
		return e.fresh.Degrees
	}
	return append(append([]people.Degree(nil), e.base.Degrees...), e.update.degrees...)
}

// openCases puts on the desk what a round did not decide. Doubles are looked for once its rows are in the base, so
// that two rows of one file find each other.
func (r *run) openCases(ctx context.Context, entries []*entry, out *result) error {
	doubles, err := r.doubles(ctx, entries, out)
	if err != nil {
		return err
	}
	opened := map[string]bool{} // two new rows find each other
	for _, e := range entries {
		if out.postponed[e.at] {
			continue
		}
		for _, c := range append(e.cases, doubles[e]...) {
			if opened[c.UniqueKey] {
				continue
			}
			opened[c.UniqueKey] = true
			if c.Kind == Duplicate {
				out.Duplicates++
			}
			if err := r.desk.Open(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// names are the folded names that the entry's person goes by.
func (e *entry) names() []personName {
	first := fold.Name(e.record.FirstName)
	birth, usage := fold.Name(e.record.BirthSurname), fold.Name(e.record.UsageSurname)
	if birth == "" || first == "" {
		return nil
	}
	if usage == "" || usage == birth {
		return []personName{{birth, first}}
	}
	return []personName{{birth, first}, {usage, first}}
}

func (e *entry) emails() []string {
	var out []string
	for _, c := range e.record.Contacts {
		if c.Kind == people.Email {
			out = append(out, c.Value)
		}
	}
	return out
}

// doubles finds who looks like somebody else: at most one by name and one by address for each row, whoever was there
// first.
func (r *run) doubles(ctx context.Context, entries []*entry, out *result) (map[*entry][]Case, error) {
	var names []personName
	var emails []string
	for _, e := range entries {
		if e.look && !out.postponed[e.at] {
			names, emails = append(names, e.names()...), append(emails, e.emails()...)
		}
	}
	if len(names)+len(emails) == 0 {
		return nil, nil
	}
	byName, err := r.namesakes(ctx, names)
	if err != nil {
		return nil, err
	}
	byEmail, err := r.holders(ctx, emails)
	if err != nil {
		return nil, err
	}
	found := map[*entry][]Case{}
	for _, e := range entries {
		if !e.look || out.postponed[e.at] {
			continue
		}
		if n, why, ok := e.namesake(byName); ok {
			found[e] = append(found[e], r.duplicateCase(e, e.person, n.ID, []id.ID{n.AssociationID}, why))
		}
		for _, mail := range e.emails() {
			h := byEmail[mail]
			other := h.First
			if other == e.person {
				other = h.Last
			}
			if other.IsZero() || other == e.person {
				continue
			}
			theirs, err := r.schoolsOf(ctx, other)
			if err != nil {
				return nil, err
			}
			found[e] = append(found[e], r.duplicateCase(e, e.person, other, theirs, SameEmail))
			break
		}
	}
	return found, nil
}

// schoolsOf are the associations of a person's degrees.
func (s *Store) schoolsOf(ctx context.Context, person id.ID) ([]id.ID, error) {
	return db.All[id.ID](ctx, s.db, `SELECT DISTINCT association_id FROM degrees WHERE person_id = ?`, person)
}

// namesake is the first in the base with the entry's folded name and class, or name and birth date.
func (e *entry) namesake(byName map[personName][]namesake) (first namesake, why Why, ok bool) {
	for _, name := range e.names() {
		for _, n := range byName[name] {
			if n.ID == e.person || ok && bytes.Compare(n.ID[:], first.ID[:]) >= 0 {
				continue
			}
			switch {
			case e.sameClass(n):
				first, why, ok = n, SameNameAndClass, true
			case e.record.Birth.Day > 0 && dateOf(n.BirthDate) == e.record.Birth:
				first, why, ok = n, SameNameAndBirth, true
			}
		}
	}
	return first, why, ok
}

func (e *entry) sameClass(n namesake) bool {
	for _, g := range e.degrees() {
		if n.ClassYear > 0 && g.ClassYear == n.ClassYear && g.AssociationID == n.AssociationID {
			return true
		}
	}
	return false
}
