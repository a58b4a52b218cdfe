package desk

import (
	"context"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Create closes a claim by adding the person it describes, as the staff corrected it, and sends the link.
func (s *Store) Create(ctx context.Context, by viewer.Actor, on At, claim people.Claim) error {
	if err := claim.ValidateByStaff(s.now()); err != nil {
		return err
	}
	return s.change(ctx, by, on, "case.created_person", func(ctx context.Context, c *Case) (map[string]any, error) {
		if err := claimed(c); err != nil {
			return nil, err
		}
		made, err := s.insert(ctx, by, claim)
		if err != nil {
			return nil, err
		}
		c.PersonID, c.AssociationID = made.ID, made.Degrees[0].AssociationID
		if err := s.invite(ctx, by, c, claim.Email); err != nil {
			return nil, err
		}
		if _, err := s.db.Exec(ctx, `UPDATE cases SET association_id = ? WHERE id = ?`, c.AssociationID, c.ID); err != nil {
			return nil, err
		}
		return nil, s.close(ctx, by, c, Created)
	})
}

// insert adds the person a claim describes, with the login.
func (s *Store) insert(ctx context.Context, by viewer.Actor, claim people.Claim) (people.Dossier, error) {
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return people.Dossier{}, err
	}
	school, ok := schools.ByCode(claim.School)
	if !ok {
		f := errs.Fields{}
		f.Add("school", "people.claim.need_school")
		return people.Dossier{}, f.Err()
	}
	list := []people.Dossier{NewPerson(claim, school)}
	if err := s.people.Insert(ctx, by.Viewer, list); err != nil {
		return people.Dossier{}, err
	}
	return list[0], s.people.GenerateLoginsFor(ctx, list[0].ID)
}

// Doubles are persons the staff should look at before adding somebody: of the same name, address or number.
func (s *Store) Doubles(ctx context.Context, by viewer.Actor, claim people.Claim) ([]Match, error) {
	f := File{Case: Case{Kind: Addition, Claim: claim}}
	var err error
	if f.Schools, err = s.people.Associations(ctx); err != nil {
		return nil, err
	}
	if err := s.addPersons(ctx, by, &f, ""); err != nil {
		return nil, err
	}
	return f.Matches, s.noteReading(ctx, by, f)
}

// CreateOnPhone adds somebody who calls, and sends the link, in one go. Unless the staff is sure, possible doubles
// are given back instead and nothing is changed.
func (s *Store) CreateOnPhone(ctx context.Context, by viewer.Actor, claim people.Claim, sure bool) (person id.ID, doubles []Match, err error) {
	if err := claim.ValidateByStaff(s.now()); err != nil {
		return id.ID{}, nil, err
	}
	if !sure {
		if doubles, err = s.Doubles(ctx, by, claim); err != nil || len(doubles) > 0 {
			return id.ID{}, doubles, err
		}
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		made, err := s.insert(ctx, by, claim)
		if err != nil {
			return err
		}
		person = made.ID
		if err := s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "person.created", Person: person,
			Association: made.Degrees[0].AssociationID}); err != nil {
			return err
		}
		return s.invite(ctx, by, &Case{PersonID: person, Lang: "fr", AssociationID: made.Degrees[0].AssociationID}, claim.Email)
	})
	return person, nil, errs.Wrap("desk.CreateOnPhone", err)
}

// NewPerson makes a person of a claim. The address is confirmed when the link is followed, not before.
func NewPerson(c people.Claim, school people.Association) people.Dossier {
	d := people.Dossier{
		Person:  people.Person{FirstName: c.FirstName, FirstNames: c.FirstName, BirthSurname: c.Surname, Status: people.Graduate},
		Degrees: []people.Degree{{AssociationID: school.ID, ClassYear: c.Year, Diploma: c.Diploma, Department: c.Department}},
	}
	if c.BirthSurname != "" && fold.Name(c.BirthSurname) != fold.Name(c.Surname) {
		d.BirthSurname, d.UsageSurname = c.BirthSurname, c.Surname
	}
	if c.Diploma == people.StudentDiploma {
		d.Status = people.Student
	}
	for kind, value := range map[people.ContactKind]string{people.Email: c.Email, people.Phone: c.Phone} {
		p := people.ContactPoint{Kind: kind, Purpose: people.Personal, Value: value, Origin: "staff"}
		if value != "" && p.Normalize() {
			d.Contacts = append(d.Contacts, p)
		}
	}
	return d
}
