package ambassadors

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// keepEnded is how long it can be taken back that somebody stopped.
const keepEnded = 24 * time.Hour

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Trail  *audit.Trail
	Now    clock.Clock
}

// Store keeps who looks after which class.
type Store struct {
	db     *db.DB
	people *people.Store
	trail  *audit.Trail
	now    clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store { return &Store{db: d.DB, people: d.People, trail: d.Trail, now: d.Now} }

const columns = `a.id, a.person_id, a.association_id, a.class_year, a.since`

// openAccount is whether a person, as the statement names him, has an account that the staff did not close.
func openAccount(person string) string {
	return `EXISTS (SELECT 1 FROM accounts c WHERE c.person_id = ` + person + ` AND c.disabled_at IS NULL)`
}

// Name lets somebody of a class look after it; the identifier is of the naming, zero where he does already. NotFound
// stands for a person whom the actor may not manage.
func (s *Store) Name(ctx context.Context, by viewer.Actor, c Class, person id.ID) (named id.ID, err error) {
	if !mayName(by.Viewer, c.AssociationID) {
		return named, errs.E("ambassadors.Name", errs.Forbidden, nil)
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.people.Dossier(ctx, by.Viewer, person)
		if err != nil {
			return err
		}
		open, err := db.One[bool](ctx, s.db, `SELECT `+openAccount(`?`), person)
		if err != nil {
			return err
		}
		if !Serves(d, open, c) {
			return errs.Msg("ambassadors.not_of_class")
		}
		row := id.New()
		n, err := s.db.Exec(ctx, `INSERT INTO class_ambassadors (id, person_id, association_id, class_year, since, named_by) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`, row, person, c.AssociationID, c.ClassYear, s.now(), by.Account)
		if err != nil || n == 0 {
			return err
		}
		named = row
		return s.record(ctx, by, "ambassador.named", Ambassador{PersonID: person, Class: c})
	})
	return named, errs.Wrap("ambassadors.Name "+person.String(), err)
}

// End takes an ambassador off, by the staff of the school or by himself; one who is none any more stays none. NotFound
// for others.
func (s *Store) End(ctx context.Context, by viewer.Actor, row id.ID) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.touchable(ctx, by, row)
		if err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, `UPDATE class_ambassadors SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL`, s.now(), by.Account, row)
		if err != nil || n == 0 {
			return err
		}
		return s.record(ctx, by, "ambassador.ended", a)
	})
	return errs.Wrap("ambassadors.End "+row.String(), err)
}

// Restore takes back an End of the actor's own. NotFound where there is none, or its time is over.
func (s *Store) Restore(ctx context.Context, by viewer.Actor, row id.ID) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.touchable(ctx, by, row)
		if err != nil {
			return err
		}
		// Who was named anew meanwhile needs no second row.
		n, err := s.db.Exec(ctx, `UPDATE class_ambassadors SET ended_at = NULL, ended_by = NULL WHERE id = ? AND ended_by = ? AND ended_at >= ? AND NOT EXISTS (
			SELECT 1 FROM class_ambassadors n WHERE n.person_id = ? AND n.association_id = ? AND n.class_year = ? AND n.ended_at IS NULL)`,
			row, by.Account, s.now().Add(-keepEnded), a.PersonID, a.AssociationID, a.ClassYear)
		if err == nil && n == 0 {
			err = errs.NotFound
		}
		if err != nil {
			return err
		}
		return s.record(ctx, by, "ambassador.restored", a)
	})
	return errs.Wrap("ambassadors.Restore "+row.String(), err)
}

// touchable is a row that the actor may end.
func (s *Store) touchable(ctx context.Context, by viewer.Actor, row id.ID) (Ambassador, error) {
	a, err := db.One[Ambassador](ctx, s.db, `SELECT `+columns+` FROM class_ambassadors a WHERE a.id = ?`, row)
	if err == nil && !mayEnd(by.Viewer, a) {
		err = errs.NotFound
	}
	return a, err
}

func (s *Store) record(ctx context.Context, by viewer.Actor, action string, a Ambassador) error {
	return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Person: a.PersonID, Association: a.AssociationID,
		Detail: map[string]any{"year": a.ClassYear}})
}

// sweep forgets who stopped, once that can no longer be taken back.
func (s *Store) sweep(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM class_ambassadors WHERE ended_at < ?`, s.now().Add(-keepEnded))
	return errs.Wrap("ambassadors.sweep", err)
}

// scope is where the viewer says who looks after the classes: of one association, or with a zero one of all of his.
func scope(v viewer.Viewer, association id.ID) (where string, args []any, err error) {
	own, all := v.Associations(viewer.Webmaster, viewer.Secretary)
	switch {
	case !association.IsZero() && mayName(v, association):
		return `a.association_id = ?`, []any{association}, nil
	case !association.IsZero() || !all && len(own) == 0:
		return "", nil, errs.E("ambassadors.scope", errs.Forbidden, nil)
	case all:
		return `a.association_id IS NOT NULL`, nil, nil
	}
	return `a.association_id IN (` + db.In(len(own)) + `)`, db.Args(own), nil
}

// List is who looks after the classes of an association, or with a zero one of all of the viewer's, by class, and how
// many there are.
func (s *Store) List(ctx context.Context, v viewer.Viewer, association id.ID, limit, offset int) ([]Listed, int, error) {
	where, args, err := scope(v, association)
	if err != nil {
		return nil, 0, err
	}
	where += ` AND a.ended_at IS NULL`
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM class_ambassadors a WHERE `+where, args...)
	if err != nil || total == 0 {
		return nil, 0, errs.Wrap("ambassadors.List", err)
	}
	type row struct {
		Ambassador
		Open bool
	}
	rows, err := db.All[row](ctx, s.db, `SELECT `+columns+`, `+openAccount(`a.person_id`)+` AS open
		FROM class_ambassadors a JOIN associations s ON s.id = a.association_id JOIN persons p ON p.id = a.person_id WHERE `+where+`
		ORDER BY s.position, s.code, a.class_year, `+byName+` LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	if err != nil {
		return nil, 0, errs.Wrap("ambassadors.List", err)
	}
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.PersonID
	}
	of, err := s.dossiers(ctx, v, ids)
	if err != nil {
		return nil, 0, errs.Wrap("ambassadors.List", err)
	}
	out := make([]Listed, len(rows))
	for i, r := range rows {
		d := of[r.PersonID]
		out[i] = Listed{Ambassador: r.Ambassador, Dossier: d, Serves: Serves(d, r.Open, r.Class)}
	}
	return out, total, nil
}

// byName orders persons as lists do.
const byName = `CASE WHEN p.usage_key = '' THEN p.birth_key ELSE p.usage_key END, p.first_key, p.id`

func (s *Store) dossiers(ctx context.Context, v viewer.Viewer, ids []id.ID) (map[id.ID]people.Dossier, error) {
	list, err := s.people.Dossiers(ctx, v, ids)
	out := make(map[id.ID]people.Dossier, len(list))
	for _, d := range list {
		out[d.ID] = d
	}
	return out, err
}

// Candidates are people of a class who could look after it and do not yet, by name. It asks for one more than the limit,
// so that the caller knows whether there are more.
func (s *Store) Candidates(ctx context.Context, v viewer.Viewer, q Query, limit int) ([]people.Dossier, error) {
	if !mayName(v, q.AssociationID) {
		return nil, errs.E("ambassadors.Candidates", errs.Forbidden, nil)
	}
	where, args := ``, []any{q.ClassYear, q.AssociationID, q.AssociationID, q.ClassYear}
	for _, w := range q.Words {
		where += ` AND (p.birth_key LIKE ? OR p.usage_key LIKE ? OR p.first_key LIKE ? OR p.birth_key LIKE ? OR p.usage_key LIKE ? OR p.first_key LIKE ?)`
		begin, inside := w+"%", "% "+w+"%" // folded words hold neither % nor _
		args = append(args, begin, begin, begin, inside, inside, inside)
	}
	ids, err := db.All[id.ID](ctx, s.db, `SELECT p.id FROM persons p
		WHERE p.id IN (SELECT g.person_id FROM degrees g WHERE g.class_year = ? AND g.association_id = ?)
			AND p.merged_into IS NULL AND p.activated_at IS NOT NULL AND p.status IN ('graduate', 'student')
			AND `+openAccount(`p.id`)+`
			AND NOT EXISTS (SELECT 1 FROM class_ambassadors a WHERE a.person_id = p.id AND a.association_id = ? AND a.class_year = ? AND a.ended_at IS NULL)`+where+`
		ORDER BY `+byName+` LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, errs.Wrap("ambassadors.Candidates", err)
	}
	list, err := s.people.Dossiers(ctx, v, ids)
	return list, errs.Wrap("ambassadors.Candidates", err)
}

// Own are the classes that the viewer looks after.
func (s *Store) Own(ctx context.Context, v viewer.Viewer) ([]Ambassador, error) {
	if !v.SignedIn() || v.Person.IsZero() {
		return nil, errs.E("ambassadors.Own", errs.Forbidden, nil)
	}
	list, err := db.All[Ambassador](ctx, s.db, `SELECT `+columns+` FROM class_ambassadors a WHERE a.person_id = ? AND a.ended_at IS NULL ORDER BY a.class_year, a.id`, v.Person)
	return list, errs.Wrap("ambassadors.Own", err)
}

// OfClasses are those in effect of some classes of an association who confirmed an address that works, by class and the
// order of their naming; for background work.
func (s *Store) OfClasses(ctx context.Context, v viewer.Viewer, association id.ID, years []int) ([]Serving, error) {
	if v.Kind != viewer.System {
		return nil, errs.E("ambassadors.OfClasses", errs.Forbidden, nil)
	}
	type row struct {
		Ambassador
		Lang string
	}
	rows, err := db.All[row](ctx, s.db, `SELECT `+columns+`, c.lang FROM class_ambassadors a JOIN accounts c ON c.person_id = a.person_id
		WHERE a.association_id = ? AND a.class_year IN (`+db.In(len(years))+`) AND a.ended_at IS NULL AND c.disabled_at IS NULL ORDER BY a.class_year, a.since, a.id`,
		append([]any{association}, db.Args(years)...)...)
	if err != nil {
		return nil, errs.Wrap("ambassadors.OfClasses", err)
	}
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.PersonID
	}
	of, err := s.dossiers(ctx, v, ids)
	if err != nil {
		return nil, errs.Wrap("ambassadors.OfClasses", err)
	}
	var out []Serving
	for _, r := range rows {
		d := of[r.PersonID]
		email, ok := d.PreferredEmail()
		if !ok || email.ConfirmedAt.IsZero() || !Serves(d, true, r.Class) {
			continue
		}
		out = append(out, Serving{Ambassador: r.Ambassador, Name: d.FirstName, Email: email.Value, Lang: r.Lang,
			Viewer: viewer.Viewer{Kind: viewer.Network, Person: d.ID, Member: d.MemberOn(s.people.Today())}})
	}
	return out, nil
}
