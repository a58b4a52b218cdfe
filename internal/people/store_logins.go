package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// namelessQuery asks for degrees without a login: of a known class year, where no degree of the same person, school
// and year has one in use. Two diplomas of one year and school open by one login.
const namelessQuery = `
	SELECT g.id AS degree_id, g.person_id, a.code, g.class_year, p.first_name, p.birth_surname, p.usage_surname
	FROM degrees g JOIN persons p ON p.id = g.person_id JOIN associations a ON a.id = g.association_id
	WHERE g.class_year > 0 AND p.merged_into IS NULL AND NOT EXISTS (
		SELECT 1 FROM logins l JOIN degrees o ON o.id = l.degree_id
		WHERE l.person_id = g.person_id AND l.current AND o.association_id = g.association_id AND o.class_year = g.class_year)`

// GenerateLogins gives a login to degrees after that one that have none, some limit of them in the order they were
// added, and says how many it gave and where it stopped; 0 means done. A degree without a class year gets none, nor
// does one whose names leave nothing to write: those stand on the desk. Call it until it gives 0, each time in a
// transaction of its own, once every login that must be kept is in.
func (s *Store) GenerateLogins(ctx context.Context, v viewer.Viewer, after id.ID, limit int) (last id.ID, given int, err error) {
	if v.Kind != viewer.System {
		return after, 0, errs.E("people.GenerateLogins", errs.Forbidden, nil)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		for last = after; given == 0; {
			list, err := db.All[nameless](ctx, s.db, namelessQuery+` AND g.id > ? ORDER BY g.id LIMIT ?`, last.String(), limit)
			if err != nil || len(list) == 0 {
				return err
			}
			last = list[len(list)-1].DegreeID
			if given, err = s.mint(ctx, list, "generated"); err != nil {
				return err
			}
		}
		return nil
	})
	return last, given, errs.Wrap("people.GenerateLogins", err)
}

// GenerateLoginsFor gives the persons' degrees the logins that they lack, within the caller's transaction.
func (s *Store) GenerateLoginsFor(ctx context.Context, persons ...id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		for len(persons) > 0 {
			n := min(loadBatch, len(persons))
			list, err := db.All[nameless](ctx, s.db, namelessQuery+` AND g.person_id IN (`+db.In(n)+`) ORDER BY g.id`, db.Args(persons[:n])...)
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

// mint writes a login for each degree: a new one, or one that the person had before and that fits again. Those that
// are somebody else's go round again with the next occurrence; the primary key is the judge, so two processes cannot
// give the same one.
func (s *Store) mint(ctx context.Context, list []nameless, origin string) (given int, err error) {
	list = oneEach(list)
	for occurrence := 1; len(list) > 0; occurrence++ {
		if occurrence > 10_000 {
			return given, fmt.Errorf("people.mint: %d degrees found no free login", len(list))
		}
		asked := make(map[string]id.ID, len(list)) // login_key → the first degree that wants it
		var open []nameless
		var wanted []Login
		for _, g := range list {
			login, err := fold.Login(g.FirstName, g.surname(), g.Code, g.ClassYear, occurrence)
			if err != nil {
				continue // nothing left of a name: the desk gives one
			}
			open = append(open, g)
			key := fold.TypedLogin(login)
			if _, twice := asked[key]; !twice {
				asked[key] = g.DegreeID
				wanted = append(wanted, Login{Login: login, PersonID: g.PersonID, DegreeID: g.DegreeID, Current: true, Origin: origin, CreatedAt: s.now()})
			}
		}
		added, err := s.insertLogins(ctx, wanted)
		if err != nil {
			return given, err
		}
		served := make(map[id.ID]bool, len(added))
		for _, key := range added {
			served[asked[key]] = true
		}
		given += len(added)
		list = slices.DeleteFunc(open, func(g nameless) bool { return served[g.DegreeID] })
	}
	return given, nil
}

// oneEach leaves one degree of each person, school and year.
func oneEach(list []nameless) []nameless {
	type key struct {
		person id.ID
		code   string
		year   int
	}
	seen := make(map[key]bool, len(list))
	return slices.DeleteFunc(list, func(g nameless) bool {
		k := key{g.PersonID, g.Code, g.ClassYear}
		twice := seen[k]
		seen[k] = true
		return twice
	})
}

// insertLogins says which of the wanted ones their persons have now. They are written in the order of their keys,
// so that two processes wait for each other rather than lock each other out.
func (s *Store) insertLogins(ctx context.Context, wanted []Login) ([]string, error) {
	slices.SortFunc(wanted, func(a, b Login) int { return strings.Compare(a.Login, b.Login) })
	var added []string
	for part := range slices.Chunk(wanted, loadBatch) {
		one, rows := `(`+db.In(7)+`)`, make([]any, 0, 7*len(part))
		for _, l := range part {
			rows = append(rows, loginArgs(l)...)
		}
		got, err := db.All[string](ctx, s.db, `INSERT INTO logins (login_key, `+loginColumns+`)
			VALUES `+one+strings.Repeat(`,`+one, len(part)-1)+`
			ON CONFLICT (login_key) DO UPDATE SET current = TRUE, degree_id = excluded.degree_id
				WHERE logins.person_id = excluded.person_id
			RETURNING login_key`, rows...)
		if err != nil {
			return nil, err
		}
		added = append(added, got...)
	}
	return added, nil
}

func loginArgs(l Login) []any {
	return []any{fold.TypedLogin(l.Login), l.Login, l.PersonID, l.DegreeID, l.Current, l.Origin, l.CreatedAt}
}

// RenewLogins gives a login to every degree of a person whose usage name changed; the old ones stay his and keep
// opening the door. A login he had before, under the same name, becomes the current one again.
func (s *Store) RenewLogins(ctx context.Context, person id.ID) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		list, err := db.All[nameless](ctx, s.db, `
			SELECT g.id AS degree_id, g.person_id, a.code, g.class_year, p.first_name, p.birth_surname, p.usage_surname
			FROM degrees g JOIN persons p ON p.id = g.person_id JOIN associations a ON a.id = g.association_id
			WHERE g.person_id = ? AND g.class_year > 0 ORDER BY g.id`, person)
		if err != nil {
			return err
		}
		for _, g := range list {
			if _, err := fold.Login(g.FirstName, g.surname(), g.Code, g.ClassYear, 1); err != nil {
				continue // nothing to write a login with: the old one stays
			}
			if _, err := s.db.Exec(ctx, `UPDATE logins SET current = FALSE WHERE person_id = ? AND degree_id = ?`, person, g.DegreeID); err != nil {
				return err
			}
		}
		_, err = s.mint(ctx, list, "name change")
		return err
	})
	return errs.Wrap("people.RenewLogins "+person.String(), err)
}

// LoginsTaken says which of these logins are already somebody's, and whose.
func (s *Store) LoginsTaken(ctx context.Context, v viewer.Viewer, logins []string) (map[string]id.ID, error) {
	if !mayLookUp(v) {
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
// somebody else's is Conflict and changes nothing; one that is already his may become current.
func (s *Store) KeepLogin(ctx context.Context, l Login) error {
	l.CreatedAt = s.now()
	key := fold.TypedLogin(l.Login)
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		kept, err := db.All[string](ctx, s.db, `
			INSERT INTO logins (login_key, `+loginColumns+`) VALUES (`+db.In(7)+`)
			ON CONFLICT (login_key) DO UPDATE SET current = logins.current OR excluded.current,
				degree_id = COALESCE(logins.degree_id, excluded.degree_id)
				WHERE logins.person_id = excluded.person_id
			RETURNING login_key`, loginArgs(l)...)
		if err != nil {
			return err
		}
		if len(kept) == 0 {
			return errs.Conflict
		}
		if l.Current && !l.DegreeID.IsZero() { // a degree shows one
			if _, err := s.db.Exec(ctx, `UPDATE logins SET current = FALSE WHERE person_id = ? AND degree_id = ? AND login_key <> ?`,
				l.PersonID, l.DegreeID, key); err != nil {
				return err
			}
		}
		return s.Touch(ctx, l.PersonID)
	})
	return errs.Wrap("people.KeepLogin", err)
}

// ReserveStaffLogin keeps a login of an account that is no graduate out of everybody's reach.
func (s *Store) ReserveStaffLogin(ctx context.Context, login string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO logins (login_key, `+loginColumns+`) VALUES (`+db.In(7)+`)`,
		fold.TypedLogin(login), login, id.ID{}, id.ID{}, true, "staff", s.now())
	return errs.Wrap("people.ReserveStaffLogin", err)
}
