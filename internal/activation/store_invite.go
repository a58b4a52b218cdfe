package activation

import (
	"context"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Invitation is a link that somebody of the staff sends.
type Invitation struct {
	Person      id.ID
	Email       string // that the sender has checked
	Lang        string
	Case        id.ID // on the desk, which led to it; zero from somebody's record or on the telephone
	Association id.ID // whose desk it is
}

// Invite sends the link to a person whom the actor manages, in the transaction of the context; the other addresses
// held get the notice. It is for those who keep his desk.
func (s *Store) Invite(ctx context.Context, by viewer.Actor, i Invitation) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		email := strings.TrimSpace(i.Email)
		if !fold.ValidEmail(fold.Email(email)) || !deliverable(email) {
			f := errs.Fields{}
			f.Add("email", "people.claim.need_email")
			return f.Err()
		}
		d, err := s.people.Dossier(ctx, by.Viewer, i.Person)
		if err != nil {
			return err
		}
		if d.Status == people.Deceased {
			return errs.New(errs.Conflict, "activation.is_deceased")
		}
		if err := s.MayInvite(ctx, by, d); err != nil {
			return err
		}
		if i.Case.IsZero() {
			i.Association = CandidateOf(people.Claim{}, d).Association
		}
		return s.linkByStaff(ctx, by, sending{caseID: i.Case, person: d.ID, to: email, notify: otherEmails(d, email), lang: i.Lang, association: i.Association})
	})
	return errs.Wrap("activation.Invite "+i.Person.String(), err)
}

// MayInvite refuses a link to somebody whose desk the actor does not keep (a secretary reads records too), and one
// into an account that may do more than the actor.
func (s *Store) MayInvite(ctx context.Context, by viewer.Actor, d people.Dossier) error {
	if !by.HasAtAny(d.Associations(), viewer.Webmaster) {
		return errs.E("activation.MayInvite", errs.Forbidden, nil)
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
func (s *Store) linkByStaff(ctx context.Context, by viewer.Actor, w sending) error {
	w.request, w.by = id.New(), by
	if _, err := s.db.Exec(ctx, `INSERT INTO activations (id, outcome, email, created_at) VALUES (?, '', '', ?)`, w.request, s.now()); err != nil {
		return err
	}
	return s.sendLink(ctx, w)
}
