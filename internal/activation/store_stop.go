package activation

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
)

// noticeTTL is how long "it was not me" can be said.
const noticeTTL = 30 * day

// Notice is an activation as the page of the "it was not me" link tells it: nothing about the person.
type Notice struct {
	At      time.Time
	Stopped bool
}

type noticeRow struct {
	ID        id.ID
	PersonID  id.ID
	CreatedAt time.Time
	StoppedAt time.Time
}

func (s *Store) notice(ctx context.Context, token string) (noticeRow, error) {
	r, err := db.One[noticeRow](ctx, s.db, `SELECT id, person_id, created_at, stopped_at FROM activations WHERE stop_hash = ? AND created_at > ?`,
		digest(token), s.now().Add(-noticeTTL))
	return r, errs.Wrap("activation.notice", err)
}

// Notice reads what the link of a notice is about; NotFound when it is too old or none of ours.
func (s *Store) Notice(ctx context.Context, token string) (Notice, error) {
	r, err := s.notice(ctx, token)
	return Notice{At: r.CreatedAt, Stopped: !r.StoppedAt.IsZero()}, err
}

// Stop is "it was not me": links die, what was opened with them ends, and the desk has a case. Saying it twice
// changes nothing more.
func (s *Store) Stop(ctx context.Context, token, lang string) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.notice(ctx, token)
		if err != nil {
			return err
		}
		changed, err := s.db.Exec(ctx, `UPDATE activations SET stopped_at = ? WHERE id = ? AND stopped_at IS NULL`, s.now(), n.ID)
		if err != nil || changed == 0 {
			return err
		}
		if err := s.links.StopLinks(ctx, n.PersonID, n.CreatedAt); err != nil {
			return err
		}
		d, err := s.people.Dossier(ctx, robot().Viewer, n.PersonID)
		if err != nil {
			return err
		}
		association := CandidateOf(people.Claim{}, d).Association
		if err := s.trail.Record(ctx, audit.Entry{Actor: robot().Viewer, ActorName: "", Action: "activation.stopped", Person: d.ID, Association: association}); err != nil {
			return err
		}
		_, err = s.desk.OpenCase(ctx, Case{Kind: NotMe, Association: association, Person: d.ID, UniqueKey: "not_me:" + d.ID.String(), Reason: SaidNotMe, Lang: lang,
			Claim: claimOf(d), LinkAt: n.CreatedAt, Opened: d.ActivatedAt.After(n.CreatedAt)})
		return err
	})
	return errs.Wrap("activation.Stop", err)
}

// claimOf names a person on the desk as a claim does, without coordinates.
func claimOf(d people.Dossier) people.Claim {
	c := people.Claim{FirstName: d.FirstName, Surname: d.Surname()}
	if len(d.Degrees) > 0 {
		c.Year = d.Degrees[0].ClassYear
	}
	return c
}
