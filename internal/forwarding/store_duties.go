package forwarding

import (
	"context"
	"math"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "forwarding"

// exported is what somebody downloads of the forwarding.
type exported struct {
	Mode        Mode              `json:"mode"`
	Strictness  Strictness        `json:"strictness"`
	PausedUntil time.Time         `json:"paused_until,omitzero"`
	Chosen      bool              `json:"chosen"`
	Preferred   bool              `json:"preferred"`
	Targets     []exportedTarget  `json:"targets"`
	Messages    []exportedMessage `json:"messages"` // of thirty days
}

type exportedTarget struct {
	Address string `json:"address"`
	Role    Role   `json:"role"`
	State   State  `json:"state"`
}

type exportedMessage struct {
	At      time.Time    `json:"at"`
	To      string       `json:"to"`
	From    string       `json:"from"`
	Subject string       `json:"subject"`
	Refused string       `json:"refused,omitempty"`
	Went    []exportedTo `json:"went"`
}

type exportedTo struct {
	To    string       `json:"to"`
	State outbox.State `json:"state"`
	Class mail.Class   `json:"class,omitempty"`
}

// Exporter gives the settings, and what came in thirty days.
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		as, err := s.People.Associations(ctx)
		if err != nil {
			return nil, err
		}
		h, err := s.holder(ctx, person, as)
		if err != nil {
			return nil, errs.Wrap("forwarding.Exporter", err)
		}
		out := exported{Mode: h.Mode, Strictness: h.Strictness, PausedUntil: h.PausedUntil, Chosen: h.Chosen, Preferred: h.Preferred}
		for _, t := range h.Targets {
			out.Targets = append(out.Targets, exportedTarget{t.Address, t.Role, t.State})
		}
		passages, _, err := s.passages(ctx, person, "", math.MaxInt32, 0)
		for _, p := range passages {
			m := exportedMessage{At: p.At, To: p.To, From: p.From, Subject: p.Subject, Refused: p.Refused}
			for _, l := range p.Legs {
				m.Went = append(m.Went, exportedTo{l.To, l.State, l.Class})
			}
			out.Messages = append(out.Messages, m)
		}
		return out, err
	}}
}

// Eraser forgets the settings, what waits, and what became of a person's mail; the logins stay reserved.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		if err := s.forgetMail(ctx, person); err != nil {
			return errs.Wrap("forwarding.Eraser", err)
		}
		for _, table := range ofPersons {
			if _, err := s.DB.Exec(ctx, `DELETE FROM `+table+` WHERE person_id = ?`, person); err != nil {
				return errs.Wrap("forwarding.Eraser", err)
			}
		}
		return nil
	}}
}

// ofPersons are the tables with a person's column.
var ofPersons = []string{`forwarding_settings`, `forwarding_targets`, `forwarding_asked`, `forwarding_held`}

// forgetMail drops what came for a person, wherever it is.
func (s *Store) forgetMail(ctx context.Context, person id.ID) error {
	slips, err := db.All[id.ID](ctx, s.DB, `SELECT id FROM inbox WHERE owner_id = ? AND box = ?`, person, boxForwarding)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(slips, 400) {
		traces, err := s.Outbox.TracesOf(ctx, kindForward, part)
		if err != nil {
			return err
		}
		for _, t := range traces {
			if err := s.forgetTried(ctx, t.ID); err != nil {
				return err
			}
		}
		for _, kind := range []string{kindForward, inbox.ReportKind} {
			if err := s.Outbox.Forget(ctx, kind, part); err != nil {
				return err
			}
		}
	}
	return s.Arrivals.Erase(ctx, boxForwarding, person)
}

// Merger makes over to the one who stays what the double had: his own word wins, else the double's counts.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		loser, err := s.withoutSay(ctx, from, into)
		if err != nil {
			return errs.Wrap("forwarding.Merger", err)
		}
		if !loser.IsZero() {
			for _, table := range []string{`forwarding_targets`, `forwarding_settings`} {
				if _, err := s.DB.Exec(ctx, `DELETE FROM `+table+` WHERE person_id = ?`, loser); err != nil {
					return errs.Wrap("forwarding.Merger", err)
				}
			}
		}
		if err := s.moveRest(ctx, from, into); err != nil {
			return errs.Wrap("forwarding.Merger", err)
		}
		return s.Queue.Add(ctx, releaseJob, about{into}, jobs.Options{UniqueKey: into.String()})
	}}
}

// withoutSay is the one of two whose settings give way; zero when neither chose targets: their marks of dead addresses
// count together.
func (s *Store) withoutSay(ctx context.Context, from, into id.ID) (id.ID, error) {
	chose, err := db.All[id.ID](ctx, s.DB, `SELECT person_id FROM forwarding_settings WHERE chosen AND person_id IN (?, ?)`, from, into)
	switch {
	case err != nil || len(chose) == 0:
		return id.ID{}, err
	case slices.Contains(chose, into):
		return from, nil
	}
	return into, nil
}

func (s *Store) moveRest(ctx context.Context, from, into id.ID) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM forwarding_targets WHERE person_id = ?
		AND address_key IN (SELECT t.address_key FROM forwarding_targets t WHERE t.person_id = ?)`, from, into); err != nil {
		return err
	}
	if _, err := s.DB.Exec(ctx, `DELETE FROM forwarding_settings WHERE person_id = ?
		AND EXISTS (SELECT 1 FROM forwarding_settings s WHERE s.person_id = ?)`, from, into); err != nil {
		return err
	}
	if _, err := s.DB.Exec(ctx, `DELETE FROM forwarding_asked WHERE person_id = ?`, from); err != nil {
		return err
	}
	for _, table := range []string{`forwarding_settings`, `forwarding_targets`, `forwarding_held`} {
		if _, err := s.DB.Exec(ctx, `UPDATE `+table+` SET person_id = ? WHERE person_id = ?`, into, from); err != nil {
			return err
		}
	}
	return s.Arrivals.Merge(ctx, boxForwarding, from, into)
}

// Overview is what the staff of somebody's associations sees of his forwarding: where it leads and whether it works, not
// who writes to him. Its targets are coordinates: whoever shows them leaves the trail of having read some.
type Overview struct {
	Addresses []people.LifetimeAddress
	Settings  Settings
	Way       Way
	Tally     Tally
}

// Overview is for the person himself and the staff that manages him; NotFound for others.
func (s *Store) Overview(ctx context.Context, v viewer.Viewer, person id.ID) (Overview, error) {
	const op = "forwarding.Overview"
	d, err := s.People.Dossier(ctx, v, person)
	if err != nil {
		return Overview{}, errs.Wrap(op, err)
	}
	as, err := s.People.Associations(ctx)
	if err != nil {
		return Overview{}, errs.Wrap(op, err)
	}
	h, err := s.holder(ctx, d.ID, as)
	if err != nil {
		return Overview{}, errs.Wrap(op, err)
	}
	out := Overview{Addresses: d.LifetimeAddresses(as), Settings: h.Settings, Way: h.WayAt(s.Now(), h.Standing)}
	out.Tally, err = s.tally(ctx, d.ID)
	return out, errs.Wrap(op, err)
}
