package desk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// viewedRecord is the trail's word for coordinates that the staff read.
const viewedRecord = "staff.viewed_record"

// maxCandidates is how many persons a case shows beside the claim.
const maxCandidates = 8

// deceasedWeighs against a candidate: the dead do not ask for accounts, homonyms of theirs do.
const deceasedWeighs = 8

// Match is a person of the base beside a claim.
type Match struct {
	Dossier people.Dossier
	Lines   []Comparison
	Score   int
	Linked  bool // the case was linked to this person
}

// File is a case with all that its page shows.
type File struct {
	Case
	Association people.Association // zero while nobody knows the school
	Schools     people.Associations
	Matches     []Match          // of a claim, the likeliest first
	Persons     []people.Dossier // of the other kinds: whom it is about
	Messages    []Message
	Trail       []audit.Row
}

// Show reads a case for its page. Persons of other schools are left out; whose coordinates are shown gets a line in
// the trail.
func (s *Store) Show(ctx context.Context, by viewer.Actor, caseID id.ID, search string) (File, error) {
	c, err := s.Case(ctx, by.Viewer, caseID)
	if err != nil {
		return File{}, err
	}
	f := File{Case: c}
	if f.Schools, err = s.people.Associations(ctx); err != nil {
		return File{}, err
	}
	f.Association, _ = f.Schools.ByID(c.AssociationID)
	if f.Messages, err = s.messages(ctx, caseID); err != nil {
		return File{}, err
	}
	trail, err := s.trail.ForObject(ctx, by.Viewer, object(caseID), []id.ID{c.AssociationID}, audit.Page{Size: 100})
	if err != nil {
		return File{}, err
	}
	f.Trail = trail.Rows
	if err := s.addPersons(ctx, by, &f, search); err != nil {
		return File{}, err
	}
	return f, s.noteReading(ctx, by, f)
}

func (s *Store) addPersons(ctx context.Context, by viewer.Actor, f *File, search string) error {
	if !f.Kind.Claimed() {
		ids := slices.DeleteFunc([]id.ID{f.PersonID, f.OtherID}, id.ID.IsZero)
		list, err := s.people.Dossiers(ctx, by.Viewer, ids)
		f.Persons = list
		return err
	}
	ids, err := s.likely(ctx, by, f.Case, search)
	if err != nil {
		return err
	}
	list, err := s.people.Dossiers(ctx, by.Viewer, ids)
	if err != nil {
		return err
	}
	for _, d := range list {
		lines := Compare(f.Claim, d, f.Schools)
		m := Match{Dossier: d, Lines: lines, Score: Score(lines), Linked: d.ID == f.PersonID}
		if d.Status == people.Deceased {
			m.Score -= deceasedWeighs
		}
		f.Matches = append(f.Matches, m)
	}
	slices.SortStableFunc(f.Matches, func(a, b Match) int {
		if a.Linked != b.Linked {
			if a.Linked {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Score, a.Score)
	})
	f.Matches = f.Matches[:min(len(f.Matches), maxCandidates)]
	return nil
}

// likely are those whom a claim may mean: by name in that class, else by name in any; by address and number; by
// what the staff typed, a name or a login; and whom the case was linked to.
func (s *Store) likely(ctx context.Context, by viewer.Actor, c Case, search string) ([]id.ID, error) {
	var out []id.ID
	add := func(ids ...id.ID) {
		for _, p := range ids {
			if !p.IsZero() && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	add(c.PersonID)
	if search != "" {
		if p, err := s.people.PersonByLogin(ctx, search); err == nil {
			add(p)
		} else if errs.KindOf(err) != errs.NotFound {
			return nil, err
		}
		named, err := s.people.PersonsByName(ctx, by.Viewer, search, 0)
		if err != nil {
			return nil, err
		}
		add(named...)
	}
	for _, surname := range []string{c.Claim.Surname, c.Claim.BirthSurname} {
		if fold.Name(surname) == "" {
			continue
		}
		named, err := s.people.PersonsByName(ctx, by.Viewer, surname, c.Claim.Year)
		if err == nil && len(named) == 0 {
			named, err = s.people.PersonsByName(ctx, by.Viewer, surname, 0)
		}
		if err != nil {
			return nil, err
		}
		add(named...)
	}
	keys := []string{fold.Email(c.Claim.Email)}
	if phone, ok := fold.Phone(c.Claim.Phone, ""); ok {
		keys = append(keys, phone)
	}
	found, err := s.people.PersonsByContact(ctx, by.Viewer, keys...)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		add(found[key]...)
	}
	return out, nil
}

// noteReading leaves a line in the trail of everybody whose coordinates the page shows.
func (s *Store) noteReading(ctx context.Context, by viewer.Actor, f File) error {
	var entries []audit.Entry
	note := func(d people.Dossier) {
		if len(d.Contacts) > 0 && d.ID != by.Person {
			entries = append(entries, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: viewedRecord, Person: d.ID,
				Association: f.AssociationID, Object: object(f.ID), Coalesced: true})
		}
	}
	for _, m := range f.Matches {
		note(m.Dossier)
	}
	for _, d := range f.Persons {
		note(d)
	}
	return s.trail.Record(ctx, entries...)
}

// change runs an action on a case that nobody else has touched since the version the actor saw; otherwise it is a
// Conflict that says so kindly. The trail gets the action in the same transaction.
func (s *Store) change(ctx context.Context, by viewer.Actor, on At, action string, fn func(ctx context.Context, c *Case) (map[string]any, error)) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `UPDATE cases SET version = version + 1, updated_at = ? WHERE id = ? AND version = ?`, s.now(), on.Case, on.Version)
		if err != nil {
			return err
		}
		c, err := s.Case(ctx, by.Viewer, on.Case)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "desk.moved", map[string]any{"Who": c.Assignee})
		}
		detail, err := fn(ctx, &c)
		if err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Person: c.PersonID, Object: object(c.ID),
			Association: c.AssociationID, Detail: detail})
	})
	return errs.Wrap("activation "+action+" "+on.Case.String(), err)
}

// At is a case as somebody saw it.
type At struct {
	Case    id.ID
	Version int
}

// stillOpen refuses what can only be done to a case that waits.
func stillOpen(c *Case) error {
	if c.State == Closed {
		return errs.New(errs.Conflict, "desk.closed_already")
	}
	return nil
}

// close ends a case: the scan goes, and a claim's key is freed, so that the same person may ask again.
func (s *Store) close(ctx context.Context, by viewer.Actor, c *Case, outcome Outcome) error {
	if err := stillOpen(c); err != nil {
		return err
	}
	if err := s.dropScan(ctx, c); err != nil {
		return err
	}
	free := c.Kind.asked()
	c.State, c.Outcome, c.ClosedAt = Closed, outcome, s.now()
	if c.AssigneeID.IsZero() {
		c.AssigneeID, c.Assignee, c.AssignedAt = by.Account, by.Name, c.ClosedAt
	}
	return s.db.ExecOne(ctx, `
		UPDATE cases SET state = 'closed', outcome = ?, closed_at = ?, person_id = ?, assignee_id = ?, assignee = ?, assigned_at = ?, answer_hash = NULL,
			unique_key = CASE WHEN ? THEN NULL ELSE unique_key END
		WHERE id = ?`, string(outcome), c.ClosedAt, c.PersonID, c.AssigneeID, c.Assignee, c.AssignedAt, free, c.ID)
}

// Take says that the actor takes care of a case, or no longer does. It locks nothing: others are told.
func (s *Store) Take(ctx context.Context, by viewer.Actor, on At, take bool) error {
	return s.change(ctx, by, on, takeAction(take), func(ctx context.Context, c *Case) (map[string]any, error) {
		if err := stillOpen(c); err != nil {
			return nil, err
		}
		who, name, at := by.Account, by.Name, s.now()
		if !take {
			who, name, at = id.ID{}, "", time.Time{}
		}
		return nil, s.db.ExecOne(ctx, `UPDATE cases SET assignee_id = ?, assignee = ?, assigned_at = ? WHERE id = ?`, who, name, at, c.ID)
	})
}

func takeAction(take bool) string {
	if take {
		return "case.taken"
	}
	return "case.left"
}

// Transfer puts a case on another school's desk.
func (s *Store) Transfer(ctx context.Context, by viewer.Actor, on At, association id.ID) error {
	return s.change(ctx, by, on, "case.transferred", func(ctx context.Context, c *Case) (map[string]any, error) {
		if err := stillOpen(c); err != nil {
			return nil, err
		}
		schools, err := s.people.Associations(ctx)
		if err != nil {
			return nil, err
		}
		to, ok := schools.ByID(association)
		if !ok {
			return nil, errs.Msg("people.claim.need_school")
		}
		if err := s.db.ExecOne(ctx, `UPDATE cases SET association_id = ?, assignee_id = NULL, assignee = '', assigned_at = NULL WHERE id = ?`, to.ID, c.ID); err != nil {
			return nil, err
		}
		return map[string]any{"to": to.Code}, s.alert(ctx, c.ID, NewCase{Kind: c.Kind, Association: to.ID, Claim: c.Claim})
	})
}
