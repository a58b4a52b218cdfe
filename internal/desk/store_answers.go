package desk

import (
	"context"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// LinkTo says which person of the base a claim is about, without deciding yet; a zero one takes that back.
func (s *Store) LinkTo(ctx context.Context, by viewer.Actor, on At, person id.ID) error {
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
		return errs.E("desk.claimed", errs.Invalid, nil)
	}
	return stillOpen(c)
}

// SendLink closes a case with the link: to a person the actor manages, at an address the actor has checked. The
// other addresses held get the notice.
func (s *Store) SendLink(ctx context.Context, by viewer.Actor, on At, person id.ID, email string) error {
	return s.change(ctx, by, on, "case.link_sent", func(ctx context.Context, c *Case) (map[string]any, error) {
		if c.Kind != NotMe {
			if err := claimed(c); err != nil {
				return nil, err
			}
		}
		c.PersonID = person
		if err := s.invite(ctx, by, c, email); err != nil {
			return nil, err
		}
		return nil, s.close(ctx, by, c, LinkSent)
	})
}

// invite sends the link to the case's person.
func (s *Store) invite(ctx context.Context, by viewer.Actor, c *Case, email string) error {
	return s.links.Invite(ctx, by, Invitation{Person: c.PersonID, Email: email, Lang: c.Lang, Case: c.ID, Association: c.AssociationID})
}

// AskMore writes to the claimant and waits for his answer, which he gives on a page of his own.
func (s *Store) AskMore(ctx context.Context, by viewer.Actor, on At, words string) error {
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
		f.Add("words", "desk.need_words")
	} else if len(words) > people.MaxWords {
		f.Add("words", "people.claim.too_long")
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
func (s *Store) Refuse(ctx context.Context, by viewer.Actor, on At, words string) error {
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
func (s *Store) Dismiss(ctx context.Context, by viewer.Actor, on At) error {
	return s.change(ctx, by, on, "case.dismissed", func(ctx context.Context, c *Case) (map[string]any, error) {
		return nil, s.close(ctx, by, c, Dismissed)
	})
}

// Reopen takes a decision back where it can be: a link that was sent and not yet used is worth nothing any more.
// A letter that left cannot be called back.
func (s *Store) Reopen(ctx context.Context, by viewer.Actor, on At) error {
	return s.change(ctx, by, on, "case.reopened", func(ctx context.Context, c *Case) (map[string]any, error) {
		if c.State != Closed || !c.Outcome.Undoable() {
			return nil, errs.New(errs.Conflict, "desk.not_undoable")
		}
		if c.Outcome == LinkSent {
			d, err := s.people.Dossier(ctx, by.Viewer, c.PersonID)
			if err != nil {
				return nil, err
			}
			if d.ActivatedAt.After(c.ClosedAt) {
				return nil, errs.New(errs.Conflict, "desk.opened_since")
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
	return r.toCase(), errs.Wrap("desk.askedBy", err)
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
		if err := s.trail.Record(ctx, audit.Entry{Actor: robot(), Action: "case.answered", Person: c.PersonID, Object: object(c.ID), Association: c.AssociationID}); err != nil {
			return err
		}
		return s.alert(ctx, c.ID, NewCase{Kind: c.Kind, Association: c.AssociationID, Claim: c.Claim})
	})
	return errs.Wrap("desk.Answer", err)
}
