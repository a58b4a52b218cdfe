package people

import (
	"context"
	"errors"
	"fmt"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// nameless is a degree that has no login in use yet.
type nameless struct {
	DegreeID     id.ID
	PersonID     id.ID
	Code         string
	ClassYear    int
	FirstName    string
	BirthSurname string
	UsageSurname string
}

func (g nameless) surname() string {
	if g.UsageSurname != "" {
		return g.UsageSurname
	}
	return g.BirthSurname
}

// GenerateLogins gives a login to degrees that have none, at most limit of them in the order the persons were
// added, and says how many it gave; 0 means done. A degree without a class year gets none, nor does one whose
// names leave nothing to write: those stand on the desk. Call it until it gives 0, each time in a transaction of
// its own, once every login that must be kept is in.
func (s *Store) GenerateLogins(ctx context.Context, v viewer.Viewer, after id.ID, limit int) (last id.ID, given int, err error) {
	if v.Kind != viewer.System {
		return after, 0, errs.E("people.GenerateLogins", errs.Forbidden, nil)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		list, err := db.All[nameless](ctx, s.db, `
			SELECT g.id AS degree_id, g.person_id, a.code, g.class_year, p.first_name, p.birth_surname, p.usage_surname
			FROM degrees g JOIN persons p ON p.id = g.person_id JOIN associations a ON a.id = g.association_id
			WHERE g.id > ? AND g.class_year > 0 AND p.merged_into IS NULL
				AND NOT EXISTS (SELECT 1 FROM logins l WHERE l.person_id = g.person_id AND l.degree_id = g.id AND l.current)
			ORDER BY g.id LIMIT ?`, after.String(), limit)
		if err != nil {
			return err
		}
		given, err = s.mint(ctx, list, "generated")
		if len(list) > 0 {
			last = list[len(list)-1].DegreeID
		}
		return err
	})
	return last, given, errs.Wrap("people.GenerateLogins", err)
}

// GenerateLoginsFor gives the persons' degrees the logins that they lack, within the caller's transaction.
func (s *Store) GenerateLoginsFor(ctx context.Context, persons ...id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		for len(persons) > 0 {
			n := min(loadBatch, len(persons))
			list, err := db.All[nameless](ctx, s.db, `
				SELECT g.id AS degree_id, g.person_id, a.code, g.class_year, p.first_name, p.birth_surname, p.usage_surname
				FROM degrees g JOIN persons p ON p.id = g.person_id JOIN associations a ON a.id = g.association_id
				WHERE g.class_year > 0 AND p.merged_into IS NULL
					AND NOT EXISTS (SELECT 1 FROM logins l WHERE l.person_id = g.person_id AND l.degree_id = g.id AND l.current)
					AND g.person_id IN (`+db.In(n)+`) ORDER BY g.id`, db.Args(persons[:n])...)
			if err != nil {
				return errs.Wrap("people.GenerateLoginsFor", err)
			}
			if _, err := s.mint(ctx, list, "generated"); err != nil {
				return errs.Wrap("people.GenerateLoginsFor", err)
			}
			persons = persons[n:]
		}
		return nil
	})
}

// mint writes a new login for each degree. Candidates that are taken go round again with the next occurrence;
// the primary key is the judge, so two processes cannot give the same one.
func (s *Store) mint(ctx context.Context, list []nameless, origin string) (given int, err error) {
	now := s.now()
	for occurrence := 1; len(list) > 0; occurrence++ {
		if occurrence > 10_000 {
			return given, fmt.Errorf("people.mint: %d degrees found no free login", len(list))
		}
		asked := make(map[string]id.ID, len(list)) // login → the first degree that wants it
		var open []nameless
		var rows []any
		for _, g := range list {
			login, err := fold.Login(g.FirstName, g.surname(), g.Code, g.ClassYear, occurrence)
			if err != nil {
				continue // nothing left of a name: the desk gives one
			}
			open = append(open, g)
			if _, twice := asked[login]; !twice {
				asked[login] = g.DegreeID
				rows = append(rows, fold.TypedLogin(login), login, g.PersonID, g.DegreeID, true, origin, now)
			}
		}
		added, err := s.insertLogins(ctx, rows)
		if err != nil {
			return given, err
		}
		served := make(map[id.ID]bool, len(added))
		for _, login := range added {
			served[asked[login]] = true
		}
		given += len(added)
		list = list[:0]
		for _, g := range open {
			if !served[g.DegreeID] {
				list = append(list, g)
			}
		}
	}
	return given, nil
}

func (s *Store) insertLogins(ctx context.Context, rows []any) ([]string, error) {
	const columns, per = 7, 400
	var added []string
	for len(rows) > 0 {
		n := min(per*columns, len(rows))
		one := "(" + db.In(columns) + ")"
		values := one
		for range n/columns - 1 {
			values += "," + one
		}
		part, err := db.All[string](ctx, s.db, `INSERT INTO logins (login_key, `+loginColumns+`) VALUES `+values+`
			ON CONFLICT (login_key) DO NOTHING RETURNING login`, rows[:n]...)
		if err != nil {
			return nil, err
		}
		added = append(added, part...)
		rows = rows[n:]
	}
	return added, nil
}

// RenewLogins adds a login to every degree of a person whose usage name changed; the old ones stay his and keep
// opening the door. A login he had before, under the same name, becomes the current one again.
func (s *Store) RenewLogins(ctx context.Context, person id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		list, err := db.All[nameless](ctx, s.db, `
			SELECT g.id AS degree_id, g.person_id, a.code, g.class_year, p.first_name, p.birth_surname, p.usage_surname
			FROM degrees g JOIN persons p ON p.id = g.person_id JOIN associations a ON a.id = g.association_id
			WHERE g.person_id = ? AND g.class_year > 0 ORDER BY g.id`, person)
		if err != nil {
			return errs.Wrap("people.RenewLogins", err)
		}
		for _, g := range list {
			if err := s.renew(ctx, g); err != nil {
				return errs.Wrap("people.RenewLogins "+person.String(), err)
			}
		}
		return nil
	})
}

func (s *Store) renew(ctx context.Context, g nameless) error {
	want, err := fold.Login(g.FirstName, g.surname(), g.Code, g.ClassYear, 1)
	if err != nil {
		return nil // nothing to write a login with: the old one stays
	}
	owner, err := db.One[id.ID](ctx, s.db, `SELECT person_id FROM logins WHERE login_key = ?`, fold.TypedLogin(want))
	if err != nil && !errors.Is(err, errs.NotFound) {
		return err
	}
	if _, e := s.db.Exec(ctx, `UPDATE logins SET current = FALSE WHERE person_id = ? AND degree_id = ?`, g.PersonID, g.DegreeID); e != nil {
		return e
	}
	if err == nil && owner == g.PersonID {
		return s.db.ExecOne(ctx, `UPDATE logins SET current = TRUE, degree_id = ? WHERE login_key = ?`, g.DegreeID, fold.TypedLogin(want))
	}
	_, err = s.mint(ctx, []nameless{g}, "name change")
	return err
}

// LoginsTaken says which of these logins are already somebody's, and whose.
func (s *Store) LoginsTaken(ctx context.Context, v viewer.Viewer, logins []string) (map[string]id.ID, error) {
	if !v.IsStaff() {
		return nil, errs.E("people.LoginsTaken", errs.Forbidden, nil)
	}
	out := map[string]id.ID{}
	for len(logins) > 0 {
		n := min(loadBatch, len(logins))
		keys := make([]any, n)
		for i, l := range logins[:n] {
			keys[i] = fold.TypedLogin(l)
		}
		type row struct {
			LoginKey string
			PersonID id.ID
		}
		err := db.Each(ctx, s.db, `SELECT login_key, person_id FROM logins WHERE login_key IN (`+db.In(n)+`)`, keys, func(r *row) error {
			out[r.LoginKey] = r.PersonID
			return nil
		})
		if err != nil {
			return nil, errs.Wrap("people.LoginsTaken", err)
		}
		logins = logins[n:]
	}
	return out, nil
}

// KeepLogin records a current or former login of an older system for a person, as it was written. One that is
// somebody else's is Conflict; one that is already his changes nothing but may become current.
func (s *Store) KeepLogin(ctx context.Context, l Login) error {
	key := fold.TypedLogin(l.Login)
	return s.db.Tx(ctx, func(ctx context.Context) error {
		owner, err := db.One[id.ID](ctx, s.db, `
			INSERT INTO logins (login_key, `+loginColumns+`) VALUES (`+db.In(7)+`)
			ON CONFLICT (login_key) DO UPDATE SET current = logins.current OR excluded.current,
				degree_id = COALESCE(logins.degree_id, excluded.degree_id)
			RETURNING person_id`, key, l.Login, l.PersonID, l.DegreeID, l.Current, l.Origin, s.now())
		if err != nil {
			return errs.Wrap("people.KeepLogin", err)
		}
		if owner != l.PersonID {
			return errs.E("people.KeepLogin "+key, errs.Conflict, nil)
		}
		return nil
	})
}

// ReserveStaffLogin keeps a login of an account that is no graduate out of everybody's reach.
func (s *Store) ReserveStaffLogin(ctx context.Context, login string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO logins (login_key, `+loginColumns+`) VALUES (`+db.In(7)+`)`,
		fold.TypedLogin(login), login, id.ID{}, id.ID{}, true, "staff", s.now())
	return errs.Wrap("people.ReserveStaffLogin "+login, err)
}
