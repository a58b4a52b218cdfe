package bounces

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const featureName = "bounces"

// Names are the names of these persons, as far as the viewer may manage them.
func (s *Store) Names(ctx context.Context, v viewer.Viewer, persons []id.ID) (map[id.ID]string, error) {
	list, err := s.people.Dossiers(ctx, v, persons)
	out := make(map[id.ID]string, len(list))
	for i := range list {
		out[list[i].ID] = list[i].Name()
	}
	return out, err
}

// exported is what "download my data" tells.
type exported struct {
	Failures []exportedFailure `json:"failures,omitempty"`
	Switches []exportedSwitch  `json:"switches,omitempty"`
	About    []exportedClaim   `json:"claims_about_me,omitempty"`
	Made     []exportedClaim   `json:"claims_i_made,omitempty"`
}

type exportedFailure struct {
	Address  string    `json:"address"`
	Hour     time.Time `json:"hour"`
	Class    string    `json:"class"`
	Failures int       `json:"failures"`
}

type exportedSwitch struct {
	What    What      `json:"what"`
	Address string    `json:"address"`
	Took    string    `json:"took_over,omitempty"`
	Cause   string    `json:"cause"`
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	How     End       `json:"ended_how,omitempty" db:"ended_how"`
}

// exportedClaim leaves out the address where it is another's.
type exportedClaim struct {
	Address string    `json:"address,omitempty"`
	Day     time.Time `json:"day"`
	Words   string    `json:"words,omitempty"`
	At      time.Time `json:"at"`
}

// Exporter gives what is known of the person's addresses, and what he said of others'.
func (s *Store) Exporter() people.Exporter {
	return people.Exporter{Name: featureName, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		out, err := s.export(ctx, person)
		if err != nil || len(out.Failures)+len(out.Switches)+len(out.About)+len(out.Made) == 0 {
			return nil, errs.Wrap("bounces.Export", err)
		}
		return out, nil
	}}
}

func (s *Store) export(ctx context.Context, person id.ID) (out exported, err error) {
	keys, err := s.keysOf(ctx, person)
	if err != nil {
		return out, err
	}
	if out.Failures, err = db.All[exportedFailure](ctx, s.db, `
		SELECT address, hour, class, failures FROM bounce_failures WHERE address IN (`+db.In(len(keys))+`) ORDER BY hour, address, class`, db.Args(keys)...); err != nil {
		return out, err
	}
	if out.Switches, err = db.All[exportedSwitch](ctx, s.db, `
		SELECT what, address, took, cause, at, ended_at, ended_how FROM bounce_switches WHERE person_id = ? ORDER BY at, id`, person); err != nil {
		return out, err
	}
	if out.About, err = db.All[exportedClaim](ctx, s.db, `SELECT address, day, at FROM bounce_claims WHERE person_id = ? ORDER BY at, id`, person); err != nil {
		return out, err
	}
	out.Made, err = db.All[exportedClaim](ctx, s.db, `SELECT day, words, at FROM bounce_claims WHERE reporter_id = ? ORDER BY at, id`, person)
	return out, err
}

// keysOf are a person's addresses.
func (s *Store) keysOf(ctx context.Context, person id.ID) ([]string, error) {
	d, err := s.people.Dossier(ctx, robot(), person)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range d.Contacts {
		if c.Kind == people.Email {
			out = append(out, c.ValueKey)
		}
	}
	return out, nil
}

// Eraser forgets what came back from a person's addresses, and who he was where he spoke of others'.
func (s *Store) Eraser() people.Eraser {
	return people.Eraser{Name: featureName, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		keys, err := s.keysOf(ctx, person)
		if err != nil {
			return errs.Wrap("bounces.Erase", err)
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM bounce_failures WHERE address IN (`+db.In(len(keys))+`)`, db.Args(keys)...); err != nil {
			return errs.Wrap("bounces.Erase", err)
		}
		for _, q := range []string{
			`DELETE FROM bounce_switches WHERE person_id = ?`,
			`DELETE FROM bounce_claims WHERE person_id = ?`,
			`UPDATE bounce_claims SET reporter_id = NULL, account_id = NULL, reporter = '–', words = '' WHERE reporter_id = ?`,
		} {
			if _, err := s.db.Exec(ctx, q, person); err != nil {
				return errs.Wrap("bounces.Erase", err)
			}
		}
		return nil
	}}
}

// Merger makes a double's switches and claims those of the person he is.
func (s *Store) Merger() people.Merger {
	return people.Merger{Name: featureName, Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		for _, q := range []string{
			`UPDATE bounce_switches SET person_id = ? WHERE person_id = ?`,
			`UPDATE bounce_claims SET person_id = ? WHERE person_id = ?`,
			`UPDATE bounce_claims SET reporter_id = ? WHERE reporter_id = ?`,
		} {
			if _, err := s.db.Exec(ctx, q, into, from); err != nil {
				return errs.Wrap("bounces.Merge", err)
			}
		}
		return nil
	}}
}
