package forwarding

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps are what the store works with.
type Deps struct {
	DB       *db.DB
	People   *people.Store
	Queue    *jobs.Queue
	Trail    *audit.Trail
	Outbox   *outbox.Outbox
	Arrivals *inbox.Inbox
	Reports  *inbox.Reporter
	Tokens   mail.Tokens
	Bundle   *i18n.Bundle
	Origin   string // the canonical address, without a slash at its end
	Now      clock.Clock
	// LangOf is the language of a person's letters, "" when he never chose one.
	LangOf func(ctx context.Context, person id.ID) (string, error)
}

// Store keeps the settings of the addresses for life and what waits here.
type Store struct {
	Deps
}

// NewStore makes the store, which from now on hears what becomes of the mail it passed on.
func NewStore(d Deps) *Store {
	s := &Store{d}
	d.Outbox.Watch(kindForward, s.watchForwarded)
	return s
}

// Own is what somebody sees of his own addresses.
type Own struct {
	Person       people.Dossier
	Addresses    []people.LifetimeAddress
	Settings     Settings
	Choices      []Choice
	Way          Way
	Waiting      int // messages that wait here
	Associations people.Associations
}

// own refuses whoever asks for another's: nobody sees where somebody's mail goes but he himself.
func own(op string, v viewer.Viewer) error {
	if !v.SignedIn() || v.Person.IsZero() {
		return errs.E(op, errs.Forbidden, nil)
	}
	return nil
}

// Own is the viewer's own addresses and settings.
func (s *Store) Own(ctx context.Context, v viewer.Viewer) (Own, error) {
	if err := own("forwarding.Own", v); err != nil {
		return Own{}, err
	}
	d, h, as, err := s.read(ctx, v)
	if err != nil {
		return Own{}, errs.Wrap("forwarding.Own", err)
	}
	out := Own{Person: d, Addresses: d.LifetimeAddresses(as), Settings: h.Settings, Choices: Choices(d, h.Settings, as),
		Way: h.WayAt(s.Now(), h.Standing), Associations: as}
	out.Waiting, err = s.waiting(ctx, d.ID)
	return out, errs.Wrap("forwarding.Own", err)
}

// ReadAt are the addresses at which the viewer reads the mail of his addresses for life.
func (s *Store) ReadAt(ctx context.Context, v viewer.Viewer) ([]string, error) {
	if err := own("forwarding.ReadAt", v); err != nil {
		return nil, err
	}
	_, h, _, err := s.read(ctx, v)
	return h.Route(), errs.Wrap("forwarding.ReadAt", err)
}

func (s *Store) read(ctx context.Context, v viewer.Viewer) (d people.Dossier, h holder, as people.Associations, err error) {
	if as, err = s.People.Associations(ctx); err != nil {
		return
	}
	if d, err = s.People.Dossier(ctx, v, v.Person); err != nil {
		return
	}
	if h, err = s.holder(ctx, v.Person, as); err == nil {
		c, ok := first(d, h.Settings)
		h.Preferred = h.Preferred && ok && c.Preferred // else another is preferred by now
	}
	return
}

// did is what a change did, for the trail.
type did struct {
	changed bool
	detail  map[string]any
}

// change runs fn on the actor's own settings, which nobody else changes meanwhile, in one transaction with the trail.
func (s *Store) change(ctx context.Context, a viewer.Actor, action string, fn func(ctx context.Context, d people.Dossier, h holder, as people.Associations) (did, error)) error {
	if err := own(action, a.Viewer); err != nil {
		return err
	}
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		if err := s.lock(ctx, a.Person); err != nil {
			return err
		}
		d, h, as, err := s.read(ctx, a.Viewer)
		if err != nil {
			return err
		}
		what, err := fn(ctx, d, h, as)
		if err != nil || !what.changed {
			return err
		}
		return s.Trail.Record(ctx, audit.Entry{Actor: a.Viewer, ActorName: a.Name, Action: action, Person: d.ID,
			Association: d.NewestAssociation(), Detail: what.detail})
	})
	return errs.Wrap(action, err)
}

// lock makes the row that changes wait for each other on.
func (s *Store) lock(ctx context.Context, person id.ID) error {
	d := Defaults()
	_, err := s.DB.Exec(ctx, `
		INSERT INTO forwarding_settings (person_id, mode, strictness, chosen, updated_at) VALUES (?, ?, ?, FALSE, ?)
		ON CONFLICT (person_id) DO UPDATE SET updated_at = excluded.updated_at`,
		person, string(d.Mode), string(d.Strictness), s.Now())
	return err
}

// Save changes where the actor's mail goes. Every address it went to before is told, and what waited for a target goes
// on its way.
func (s *Store) Save(ctx context.Context, a viewer.Actor, w Wish, version string) error {
	return s.change(ctx, a, "forwarding.targets_changed", func(ctx context.Context, d people.Dossier, h holder, as people.Associations) (did, error) {
		if h.Settings.Version() != version {
			return did{}, errs.New(errs.Conflict, "forwarding.changed_elsewhere")
		}
		in, err := w.settings(Choices(d, h.Settings, as), h.Settings)
		if err != nil {
			return did{}, err
		}
		if in.Version() == version {
			return did{}, nil
		}
		if err := s.put(ctx, d.ID, in); err != nil {
			return did{}, err
		}
		if err := s.found(ctx, d.ID); err != nil {
			return did{}, err
		}
		if err := s.lead(ctx, d, in); err != nil {
			return did{}, err
		}
		if !sameTargets(h.Settings, in) {
			if err := s.tellChanged(ctx, d, h.Settings); err != nil {
				return did{}, err
			}
		}
		return did{true, map[string]any{"targets": len(in.Route()), "mode": string(in.Mode), "strictness": string(in.Strictness)}}, nil
	})
}

// put writes the settings as the person's word.
func (s *Store) put(ctx context.Context, person id.ID, in Settings) error {
	if err := s.DB.ExecOne(ctx, `UPDATE forwarding_settings SET mode = ?, strictness = ?, preferred = ?, chosen = TRUE WHERE person_id = ?`,
		string(in.Mode), string(in.Strictness), in.Preferred, person); err != nil {
		return err
	}
	if _, err := s.DB.Exec(ctx, `DELETE FROM forwarding_targets WHERE person_id = ?`, person); err != nil {
		return err
	}
	var rows []any
	for i, t := range in.Targets {
		rows = append(rows, person, t.Key(), t.Address, string(t.Role), i+1, t.Known)
	}
	return s.DB.InsertMany(ctx, `forwarding_targets (person_id, address_key, address, role, position, known)`, 6, rows, ``)
}

// lead lets letters go to the first address behind a preferred one for life, straight: a letter that went round by it
// would tell nobody which address failed.
func (s *Store) lead(ctx context.Context, d people.Dossier, in Settings) error {
	if c, ok := first(d, in); ok && in.Preferred && !c.Preferred {
		return s.People.PreferEmail(ctx, reader(), d.ID, c.Value)
	}
	return nil
}

// Prefers reports whether the viewer's address for life is the preferred one of his addresses.
func (s *Store) Prefers(ctx context.Context, v viewer.Viewer) (bool, error) {
	if err := own("forwarding.Prefers", v); err != nil {
		return false, err
	}
	_, h, _, err := s.read(ctx, v)
	return h.Preferred, errs.Wrap("forwarding.Prefers", err)
}

// found notes that there is a way for the mail again: nobody is asked any more, and what waits goes.
func (s *Store) found(ctx context.Context, person id.ID) error {
	if err := s.forgetAsked(ctx, person); err != nil {
		return err
	}
	return s.Queue.Add(ctx, releaseJob, about{person}, jobs.Options{UniqueKey: person.String()})
}

// Pause lets the actor's mail wait here until that day.
func (s *Store) Pause(ctx context.Context, a viewer.Actor, until time.Time) error {
	return s.change(ctx, a, "forwarding.paused", func(ctx context.Context, d people.Dossier, _ holder, _ people.Associations) (did, error) {
		if err := checkPause(until, s.Now()); err != nil {
			return did{}, err
		}
		err := s.DB.ExecOne(ctx, `UPDATE forwarding_settings SET paused_until = ? WHERE person_id = ?`, until, d.ID)
		return did{true, map[string]any{"until": until.Format(time.DateOnly)}}, err
	})
}

// Resume ends the actor's pause: what waited goes on its way.
func (s *Store) Resume(ctx context.Context, a viewer.Actor) error {
	return s.change(ctx, a, "forwarding.resumed", func(ctx context.Context, d people.Dossier, h holder, _ people.Associations) (did, error) {
		if !h.PausedAt(s.Now()) {
			return did{}, nil
		}
		if err := s.DB.ExecOne(ctx, `UPDATE forwarding_settings SET paused_until = NULL WHERE person_id = ?`, d.ID); err != nil {
			return did{}, err
		}
		return did{true, nil}, s.Queue.Add(ctx, releaseJob, about{d.ID}, jobs.Options{UniqueKey: d.ID.String()})
	})
}
