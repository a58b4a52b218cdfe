package activation

import (
	"context"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// LinkTo says which person of the base a claim is about, without deciding yet; a zero one takes that back.
func (s *Store) LinkTo(ctx context.Context, by Actor, on At, person id.ID) error {
	return s.change(ctx, by, on, "case.linked", func(ctx context.Context, c *Case) (map[string]any, error) {
		if err := claimed(c); err != nil {
			return nil, err
		}
		if !person.IsZero() {
			if _, err := s.people.Dossier(ctx, by.Viewer, person); err != nil {
				return nil, err
			}
		}
		c.PersonID = person
		return nil, s.db.ExecOne(ctx, `UPDATE cases SET person_id = ? WHERE id = ?`, person, c.ID)
	})
}

// claimed refuses what only a waiting claim can get.
func claimed(c *Case) error {
	if !c.Kind.Claimed() {
		return errs.E("activation.claimed", errs.Invalid, nil)
	}
	return stillOpen(c)
}

// SendLink closes a case with the link: to a person the actor manages, at an address the actor has checked. The
// other addresses held get the notice.
func (s *Store) SendLink(ctx context.Context, by Actor, on At, person id.ID, email string) error {
	return s.change(ctx, by, on, "case.link_sent", func(ctx context.Context, c *Case) (map[string]any, error) {
		if c.Kind != NotMe {
			if err := claimed(c); err != nil {
				return nil, err
			}
		}
		c.PersonID = person
		if err := s.linkFromDesk(ctx, by, c, email); err != nil {
			return nil, err
		}
		return nil, s.close(ctx, by, c, LinkSent)
	})
}

// linkFromDesk sends the link to the case's person.
func (s *Store) linkFromDesk(ctx context.Context, by Actor, c *Case, email string) error {
	email = strings.TrimSpace(email)
	if !fold.ValidEmail(fold.Email(email)) || !deliverable(email) {
		f := errs.Fields{}
		f.Add("email", "activation.need_email")
		return f.Err()
	}
	d, err := s.people.Dossier(ctx, by.Viewer, c.PersonID)
	if err != nil {
		return err
	}
	if d.Status == people.Deceased {
		return errs.New(errs.Conflict, "activation.is_deceased")
	}
	if err := s.mayInvite(ctx, by, d); err != nil {
		return err
	}
	return s.linkByStaff(ctx, by, sending{caseID: c.ID, person: d.ID, to: email, notify: otherEmails(d, email), lang: c.Lang, association: c.AssociationID})
}

// mayInvite refuses a link to somebody whose desk the actor does not keep (a secretary reads records too), and one
// into an account that may do more than the actor.
func (s *Store) mayInvite(ctx context.Context, by Actor, d people.Dossier) error {
	if !by.HasAtAny(d.Associations(), deskRole) {
		return errs.E("activation.mayInvite", errs.Forbidden, nil)
	}
	may := by.IsFederationAdmin() || !d.Activated()
	if s.invite != nil {
		var err error
		if may, err = s.invite(ctx, by.Viewer, d.ID); err != nil {
			return err
		}
	}
	if !may {
		return errs.New(errs.Conflict, "activation.not_yours")
	}
	return nil
}

// linkByStaff writes the row that a request would have, and sends the link.
func (s *Store) linkByStaff(ctx context.Context, by Actor, w sending) error {
	w.request, w.by = id.New(), by
	if _, err := s.db.Exec(ctx, `INSERT INTO activations (id, outcome, email, created_at) VALUES (?, '', '', ?)`, w.request, s.now()); err != nil {
		return err
	}
	return s.sendLink(ctx, w)
}

// SendLinkTo sends the link without a case, as from somebody's record or on the telephone; for the staff who manage
// the person.
func (s *Store) SendLinkTo(ctx context.Context, by Actor, person id.ID, email, lang string) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.people.Dossier(ctx, by.Viewer, person)
		if err != nil {
			return err
		}
		c := Case{PersonID: person, Lang: lang, AssociationID: CandidateOf(Claim{}, d).Association}
		if _, _, err := desk(by.Viewer); err != nil {
			return err
		}
		return s.linkFromDesk(ctx, by, &c, email)
	})
	return errs.Wrap("activation.SendLinkTo "+person.String(), err)
}

// Create closes a claim by adding the person it describes, as the staff corrected it, and sends the link.
func (s *Store) Create(ctx context.Context, by Actor, on At, claim Claim) error {
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
		if err := s.linkFromDesk(ctx, by, c, claim.Email); err != nil {
			return nil, err
		}
		if _, err := s.db.Exec(ctx, `UPDATE cases SET association_id = ? WHERE id = ?`, c.AssociationID, c.ID); err != nil {
			return nil, err
		}
		return nil, s.close(ctx, by, c, Created)
	})
}

// insert adds the person a claim describes, with the login.
func (s *Store) insert(ctx context.Context, by Actor, claim Claim) (people.Dossier, error) {
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return people.Dossier{}, err
	}
	school, ok := schools.ByCode(claim.School)
	if !ok {
		f := errs.Fields{}
		f.Add("school", "activation.need_school")
		return people.Dossier{}, f.Err()
	}
	list := []people.Dossier{NewPerson(claim, school)}
	if err := s.people.Insert(ctx, by.Viewer, list); err != nil {
		return people.Dossier{}, err
	}
	return list[0], s.people.GenerateLoginsFor(ctx, list[0].ID)
}

// Doubles are persons the staff should look at before adding somebody: of the same name, address or number.
func (s *Store) Doubles(ctx context.Context, by Actor, claim Claim) ([]Match, error) {
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
func (s *Store) CreateOnPhone(ctx context.Context, by Actor, claim Claim, sure bool) (person id.ID, doubles []Match, err error) {
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
		return s.linkFromDesk(ctx, by, &Case{PersonID: person, Lang: "fr", AssociationID: made.Degrees[0].AssociationID}, claim.Email)
	})
	return person, nil, errs.Wrap("activation.CreateOnPhone", err)
}

// NewPerson makes a person of a claim. The address is confirmed when the link is followed, not before.
func NewPerson(c Claim, school people.Association) people.Dossier {
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

// AskMore writes to the claimant and waits for his answer, which he gives on a page of his own.
func (s *Store) AskMore(ctx context.Context, by Actor, on At, words string) error {
	return s.change(ctx, by, on, "case.asked", func(ctx context.Context, c *Case) (map[string]any, error) {
		if err := claimed(c); err != nil {
			return nil, err
		}
		words, err := checkWords(words)
		if err != nil {
			return nil, err
		}
		token, kept, err := secret()
		if err != nil {
			return nil, err
		}
		if err := s.addMessage(ctx, c.ID, Message{Author: by.Name, Body: words}); err != nil {
			return nil, err
		}
		if err := s.db.ExecOne(ctx, `UPDATE cases SET state = 'asked', answer_hash = ?, waiting_since = ? WHERE id = ?`, kept, s.now(), c.ID); err != nil {
			return nil, err
		}
		return nil, s.mailClaimant(ctx, "ask", c, words, token)
	})
}

func checkWords(words string) (string, error) {
	words = strings.TrimSpace(words)
	f := errs.Fields{}
	if words == "" {
		f.Add("words", "activation.need_words")
	} else if len(words) > maxWords {
		f.Add("words", "activation.too_long")
	}
	return words, f.Err()
}

func (s *Store) schoolOf(ctx context.Context, association id.ID) (people.Association, error) {
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return people.Association{}, err
	}
	a, _ := schools.ByID(association)
	return a, nil
}

// Refuse closes a claim and tells the claimant why.
func (s *Store) Refuse(ctx context.Context, by Actor, on At, words string) error {
	return s.change(ctx, by, on, "case.refused", func(ctx context.Context, c *Case) (map[string]any, error) {
		if err := claimed(c); err != nil {
			return nil, err
		}
		words, err := checkWords(words)
		if err != nil {
			return nil, err
		}
		if err := s.addMessage(ctx, c.ID, Message{Author: by.Name, Body: words}); err != nil {
			return nil, err
		}
		if err := s.mailClaimant(ctx, "refuse", c, words, ""); err != nil {
			return nil, err
		}
		return nil, s.close(ctx, by, c, Refused)
	})
}

// Dismiss closes a case without a word to anybody.
func (s *Store) Dismiss(ctx context.Context, by Actor, on At) error {
	return s.change(ctx, by, on, "case.dismissed", func(ctx context.Context, c *Case) (map[string]any, error) {
		return nil, s.close(ctx, by, c, Dismissed)
	})
}

// Reopen takes a decision back where it can be: a link that was sent and not yet used is worth nothing any more.
// A letter that left cannot be called back.
func (s *Store) Reopen(ctx context.Context, by Actor, on At) error {
	return s.change(ctx, by, on, "case.reopened", func(ctx context.Context, c *Case) (map[string]any, error) {
		if c.State != Closed || !c.Outcome.Undoable() {
			return nil, errs.New(errs.Conflict, "activation.not_undoable")
		}
		if c.Outcome == LinkSent {
			d, err := s.people.Dossier(ctx, by.Viewer, c.PersonID)
			if err != nil {
				return nil, err
			}
			if d.ActivatedAt.After(c.ClosedAt) {
				return nil, errs.New(errs.Conflict, "activation.opened_since")
			}
			if err := s.links.StopLinks(ctx, c.PersonID, c.ClosedAt); err != nil {
				return nil, err
			}
		}
		before := c.Outcome
		return map[string]any{"was": string(before)}, s.db.ExecOne(ctx,
			`UPDATE cases SET state = 'open', outcome = '', closed_at = NULL, waiting_since = ?, alarm = 0 WHERE id = ?`, s.now(), c.ID)
	})
}

// Question is what a claimant was asked.
type Question struct {
	School   string
	Messages []Message
}

// Question reads what the link of "ask for more" is about; NotFound once it is answered or decided.
func (s *Store) Question(ctx context.Context, token string) (Question, error) {
	c, err := s.askedBy(ctx, token)
	if err != nil {
		return Question{}, err
	}
	school, err := s.schoolOf(ctx, c.AssociationID)
	if err != nil {
		return Question{}, err
	}
	list, err := s.messages(ctx, c.ID)
	for i := range list {
		list[i].Author = "" // who answers for the school is the school's affair
	}
	return Question{School: school.School, Messages: list}, err
}

func (s *Store) askedBy(ctx context.Context, token string) (Case, error) {
	r, err := db.One[caseRow](ctx, s.db, `SELECT `+caseColumns+` FROM cases WHERE answer_hash = ? AND state = 'asked'`, digest(token))
	return r.toCase(), errs.Wrap("activation.askedBy", err)
}

// Answer is the claimant's: the case is the staff's turn again. The link serves once.
func (s *Store) Answer(ctx context.Context, token, words string) error {
	words, err := checkWords(words)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		c, err := s.askedBy(ctx, token)
		if err != nil {
			return err
		}
		if err := s.db.ExecOne(ctx, `
			UPDATE cases SET state = 'open', answer_hash = NULL, waiting_since = ?, updated_at = ?, alarm = 0, version = version + 1
			WHERE id = ? AND state = 'asked'`, s.now(), s.now(), c.ID); err != nil {
			return err
		}
		if err := s.addMessage(ctx, c.ID, Message{Incoming: true, Body: words}); err != nil {
			return err
		}
		if err := s.trail.Record(ctx, audit.Entry{Actor: robot().Viewer, Action: "case.answered", Person: c.PersonID, Object: object(c.ID), Association: c.AssociationID}); err != nil {
			return err
		}
		return s.alert(ctx, c.ID, NewCase{Kind: c.Kind, Association: c.AssociationID, Claim: c.Claim})
	})
	return errs.Wrap("activation.Answer", err)
}
