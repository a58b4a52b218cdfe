package bounces

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const switchColumns = `id, person_id, what, address, took, cause, destination, reported, failures, days, since, at, ended_at, ended_how, ended_by`

// scope is the condition on the switches that a member of the staff may see: those of the persons of his schools; the
// federation's admins all.
func scope(v viewer.Viewer) (where string, args []any, err error) {
	own, all := v.Associations(viewer.Webmaster, viewer.Secretary)
	switch {
	case all:
		return `s.id IS NOT NULL`, nil, nil
	case len(own) == 0:
		return "", nil, errs.E("bounces.scope", errs.Forbidden, nil)
	}
	where, args = atAssociations(own)
	return where, args, nil
}

func atAssociations(list []id.ID) (where string, args []any) {
	return `EXISTS (SELECT 1 FROM degrees g WHERE g.person_id = s.person_id AND g.association_id IN (` + db.In(len(list)) + `))`, db.Args(list)
}

// condition adds the filter to what the viewer may see.
func (f Filter) condition(v viewer.Viewer) (where string, args []any, err error) {
	if where, args, err = scope(v); err != nil {
		return "", nil, err
	}
	and := func(text string, more ...any) { where, args = where+` AND `+text, append(args, more...) }
	if !f.Association.IsZero() {
		text, more := atAssociations([]id.ID{f.Association})
		and(text, more...)
	}
	if !f.Day.IsZero() {
		and(`s.at >= ? AND s.at < ?`, dayOf(f.Day), dayOf(f.Day).Add(day))
	}
	if f.Cause != "" {
		and(`s.cause = ?`, string(f.Cause))
	}
	if f.Destination != "" {
		and(`s.destination = ?`, f.Destination)
	}
	if f.Open {
		and(`s.ended_at IS NULL`)
	}
	return where, args, nil
}

// List is a part of the switches that the staff may see, the latest first, and how many there are in all.
func (s *Store) List(ctx context.Context, v viewer.Viewer, f Filter, limit, offset int) ([]Switch, int, error) {
	where, args, err := f.condition(v)
	if err != nil {
		return nil, 0, err
	}
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM bounce_switches s WHERE `+where, append([]any(nil), args...)...)
	if err != nil || total == 0 {
		return nil, 0, errs.Wrap("bounces.List", err)
	}
	list, err := db.All[Switch](ctx, s.db, `SELECT `+switchColumns+` FROM bounce_switches s WHERE `+where+` ORDER BY at DESC, id DESC LIMIT ? OFFSET ?`,
		append(args, limit, offset)...)
	return list, total, errs.Wrap("bounces.List", err)
}

// Destinations are those of the switches of a day, for the choice of what to take back.
func (s *Store) Destinations(ctx context.Context, v viewer.Viewer, f Filter) ([]string, error) {
	where, args, err := f.condition(v)
	if err != nil {
		return nil, err
	}
	list, err := db.All[string](ctx, s.db, `SELECT DISTINCT destination FROM bounce_switches s WHERE `+where+` ORDER BY destination`, args...)
	return list, errs.Wrap("bounces.Destinations", err)
}

// Undo takes back, in the name of the staff, that an address is broken.
func (s *Store) Undo(ctx context.Context, by viewer.Actor, switchID id.ID) error {
	where, args, err := scope(by.Viewer)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		w, err := db.One[Switch](ctx, s.db, `SELECT `+switchColumns+` FROM bounce_switches s WHERE id = ? AND `+where, append([]any{switchID}, args...)...)
		if err != nil {
			return err
		}
		if !w.Open() {
			return errs.New(errs.Conflict, "bounces.ended_already")
		}
		return s.restore(ctx, w.PersonID, w.Address, ending{Undone, by})
	})
	return errs.Wrap("bounces.Undo "+switchID.String(), err)
}

// toUndo asks for a whole day to be taken back, in somebody's name and within his right.
type toUndo struct {
	Day         time.Time `json:"day"`
	Destination string    `json:"destination"` // "" for all
	All         bool      `json:"all"`         // of whatever association
	At          []id.ID   `json:"at"`          // only persons of these
	Account     id.ID     `json:"account"`
	Name        string    `json:"name"`
}

// UndoDay takes back the switches of a day, of one destination or all, that the actor may see. It is done behind the
// page; the answer is how many they are.
func (s *Store) UndoDay(ctx context.Context, by viewer.Actor, on time.Time, destination string) (n int, err error) {
	_, n, err = s.List(ctx, by.Viewer, Filter{Day: on, Destination: destination, Open: true}, 1, 0)
	if err != nil || n == 0 {
		return 0, err
	}
	job := toUndo{Day: dayOf(on), Destination: destination, Account: by.Account, Name: by.Name}
	job.At, job.All = by.Associations(viewer.Webmaster, viewer.Secretary)
	return n, s.queue.Add(ctx, undoJob, job, jobs.Options{})
}

// undoDay does what UndoDay asked for, a person at a time: what was done stays done if it is run again.
func (s *Store) undoDay(ctx context.Context, j toUndo) error {
	by := viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: j.Account}, Name: j.Name}
	where, args := `s.id IS NOT NULL`, []any(nil)
	if !j.All {
		where, args = atAssociations(j.At)
	}
	if j.Destination != "" {
		where, args = where+` AND s.destination = ?`, append(args, j.Destination)
	}
	type key struct {
		PersonID id.ID
		Address  string
	}
	list, err := db.All[key](ctx, s.db, `SELECT DISTINCT person_id, address FROM bounce_switches s WHERE `+where+` AND s.ended_at IS NULL AND s.at >= ? AND s.at < ?
		ORDER BY address, person_id`, append(args, j.Day, j.Day.Add(day))...)
	if err != nil {
		return errs.Wrap("bounces.undoDay", err)
	}
	for _, k := range list {
		if err := s.restore(ctx, k.PersonID, k.Address, ending{Undone, by}); err != nil {
			return errs.Wrap("bounces.undoDay", err)
		}
	}
	return nil
}

// Confirmed is told that somebody followed the link sent to an address of his: it works, and what had moved goes back.
func (s *Store) Confirmed(ctx context.Context, person id.ID, email string) error {
	return errs.Wrap("bounces.Confirmed", s.restore(ctx, person, fold.Email(email), ending{how: Confirmed}))
}

// toHeal names an address that took a message.
type toHeal struct {
	Address string `json:"address"`
}

// heal ends the switches of an address that took a message, whoever's it is.
func (s *Store) heal(ctx context.Context, j toHeal) error {
	persons, err := db.All[id.ID](ctx, s.db, `SELECT DISTINCT person_id FROM bounce_switches WHERE address = ? AND ended_at IS NULL ORDER BY person_id`, j.Address)
	if err != nil {
		return errs.Wrap("bounces.heal", err)
	}
	for _, person := range persons {
		if err := s.restore(ctx, person, j.Address, ending{how: Delivered}); err != nil {
			return errs.Wrap("bounces.heal", err)
		}
	}
	return nil
}

// ending is how a switch comes to its end, and by whom of the staff.
type ending struct {
	how End
	by  viewer.Actor // zero but for Undone
}

// restore takes an address for working again, for one person. What had moved goes back where somebody said so, not by a
// delivery alone, and unless the person chose another meanwhile.
func (s *Store) restore(ctx context.Context, person id.ID, address string, e ending) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		list, err := db.All[Switch](ctx, s.db, `
			UPDATE bounce_switches SET ended_at = ?, ended_how = ?, ended_by = ? WHERE address = ? AND person_id IS NOT DISTINCT FROM ? AND ended_at IS NULL
			RETURNING `+switchColumns, s.now(), string(e.how), e.by.Name, address, person)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, w := range list {
			if w.What != Forwarding || e.how == Removed {
				continue
			}
			if err := s.forwarding.AddressWorks(ctx, person, address); err != nil {
				return err
			}
		}
		if person.IsZero() {
			return nil
		}
		return s.restoreContact(ctx, list, e)
	})
}

// restoreContact puts a person's address back. The switches are all of it.
func (s *Store) restoreContact(ctx context.Context, list []Switch, e ending) error {
	person, address := list[0].PersonID, list[0].Address
	before, err := s.people.Dossier(ctx, robot(), person)
	if err != nil {
		return err
	}
	if e.how != Removed {
		if err := s.people.MarkWorking(ctx, robot(), person, address); err != nil {
			return err
		}
	}
	if e.how == Undone || e.how == Confirmed {
		if err := s.preferAgain(ctx, before, list); err != nil {
			return err
		}
	}
	actor := e.by.Viewer
	if e.how != Undone {
		actor = robot()
	}
	if err := s.trail.Record(ctx, audit.Entry{Actor: actor, ActorName: e.by.Name, Action: "address.restored", Person: person, Association: before.NewestAssociation(),
		Detail: map[string]any{"how": string(e.how)}}); err != nil || e.how != Undone {
		return err
	}
	return s.tellRestored(ctx, person, address)
}

// preferAgain makes the address the one to write to again, while what took its place still is.
func (s *Store) preferAgain(ctx context.Context, before people.Dossier, list []Switch) error {
	now, ok := before.PreferredEmail()
	for _, w := range list {
		if w.What == Contact && ok && now.ValueKey == w.Took {
			err := s.people.PreferEmail(ctx, robot(), w.PersonID, w.Address)
			if errs.KindOf(err) == errs.NotFound {
				return nil // removed meanwhile
			}
			return err
		}
	}
	return nil
}

// endSettled ends the switches of addresses that somebody removed, or confirmed by another way than ours.
func (s *Store) endSettled(ctx context.Context) error {
	type settled struct {
		PersonID id.ID
		Address  string
		Kept     bool
	}
	list, err := db.All[settled](ctx, s.db, `
		SELECT DISTINCT s.person_id, s.address,
			EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = s.person_id AND c.kind = 'email' AND c.value_key = s.address) AS kept
		FROM bounce_switches s WHERE s.ended_at IS NULL AND s.person_id IS NOT NULL AND NOT EXISTS (
			SELECT 1 FROM contact_points c WHERE c.person_id = s.person_id AND c.kind = 'email' AND c.value_key = s.address AND c.broken_at IS NOT NULL)
		ORDER BY s.address, s.person_id`)
	if err != nil {
		return err
	}
	for _, one := range list {
		e := ending{how: Removed}
		if one.Kept {
			e.how = Confirmed
		}
		if err := s.restore(ctx, one.PersonID, one.Address, e); err != nil {
			return err
		}
	}
	return nil
}

// Trouble is an address of somebody's that is broken, as he and the staff that manages him read it.
type Trouble struct {
	Contact   people.ContactPoint
	Cause     string
	Since     time.Time // when it was found
	Preferred bool      // it was the one written to
	Now       string    // the one written to today; "" for none
	Forwarded bool      // the mail of the lifetime address went there
	Waits     bool      // and has nowhere to go since
}

// Mine are the viewer's own addresses that are broken.
func (s *Store) Mine(ctx context.Context, v viewer.Viewer) ([]Trouble, error) {
	if !v.SignedIn() || v.Person.IsZero() {
		return nil, nil
	}
	return s.Troubles(ctx, v, v.Person)
}

// Troubles are somebody's addresses that are broken, for himself and the staff that manages him; NotFound for others. Whoever
// shows them leaves the trail of having read coordinates.
func (s *Store) Troubles(ctx context.Context, v viewer.Viewer, person id.ID) ([]Trouble, error) {
	list, err := db.All[Switch](ctx, s.db, `SELECT `+switchColumns+` FROM bounce_switches s WHERE person_id = ? AND ended_at IS NULL ORDER BY at, id`, person)
	if err != nil || len(list) == 0 && v.Person == person {
		return nil, errs.Wrap("bounces.Troubles", err)
	}
	d, err := s.people.Dossier(ctx, v, person)
	if err != nil {
		return nil, errs.Wrap("bounces.Troubles", err)
	}
	return troublesOf(d, list), nil
}

func troublesOf(d people.Dossier, list []Switch) (out []Trouble) {
	now, _ := d.PreferredEmail()
	for _, c := range d.Contacts {
		if c.Kind != people.Email || c.BrokenAt.IsZero() {
			continue
		}
		t := Trouble{Contact: c, Now: now.Value}
		for _, w := range list {
			if w.Address != c.ValueKey {
				continue
			}
			t.Cause, t.Since = string(w.Cause), w.At
			t.Preferred = t.Preferred || w.What == Contact
			t.Forwarded = t.Forwarded || w.What == Forwarding
			t.Waits = t.Waits || w.What == Forwarding && w.Took == ""
		}
		if t.Cause != "" {
			out = append(out, t)
		}
	}
	return out
}
