package people

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

const personColumns = `id, civility, first_names, first_name, birth_surname, usage_surname, birth_date, birth_year, status,
	deceased_on, headline, presentation, photo, activated_at, confirmed_at, merged_into, created_at, updated_at`

type personRow struct {
	Person
	Audiences db.JSON[map[Field]viewer.Audience]
	Note      db.JSON[map[string]string]
}

// See is a person as the viewer may see him today; NotFound also stands for "may not know of".
func (s *Store) See(ctx context.Context, v viewer.Viewer, person id.ID) (Seen, error) {
	list, err := s.SeeMany(ctx, v, []id.ID{person})
	if err != nil {
		return Seen{}, err
	}
	if len(list) == 0 {
		return Seen{}, errs.E("people.See "+person.String(), errs.NotFound, nil)
	}
	return list[0], nil
}

// SeeMany is See for several, in the order asked for; those the viewer may not know of are left out.
func (s *Store) SeeMany(ctx context.Context, v viewer.Viewer, persons []id.ID) ([]Seen, error) {
	dossiers, err := s.load(ctx, persons)
	if err != nil {
		return nil, err
	}
	today := s.Today()
	out := make([]Seen, 0, len(dossiers))
	for _, d := range dossiers {
		if seen, ok := d.SeenBy(v, today); ok {
			out = append(out, seen)
		}
	}
	return out, nil
}

// Dossier is everything the base holds of a person, for himself, the staff of his associations and background
// work; NotFound for others.
func (s *Store) Dossier(ctx context.Context, v viewer.Viewer, person id.ID) (Dossier, error) {
	list, err := s.load(ctx, []id.ID{person})
	if err != nil {
		return Dossier{}, err
	}
	if len(list) == 0 || !MayManage(v, list[0]) {
		return Dossier{}, errs.E("people.Dossier "+person.String(), errs.NotFound, nil)
	}
	return list[0], nil
}

// MayManage reports whether the viewer may read and change all that the base holds of a person.
func MayManage(v viewer.Viewer, d Dossier) bool {
	return viewer.OnlyMe.Allows(v, d.Subject())
}

// Dossiers is Dossier for several, without those the viewer may not manage, in the order asked for.
func (s *Store) Dossiers(ctx context.Context, v viewer.Viewer, persons []id.ID) ([]Dossier, error) {
	list, err := s.load(ctx, persons)
	if err != nil {
		return nil, err
	}
	out := list[:0]
	for _, d := range list {
		if MayManage(v, d) {
			out = append(out, d)
		}
	}
	return out, nil
}

// PersonByLogin finds whose login it is, in any form people write it and also a former one; it says nothing of
// the person. A double that was merged leads to the person it was merged into.
func (s *Store) PersonByLogin(ctx context.Context, typed string) (id.ID, error) {
	person, err := db.One[id.ID](ctx, s.db, `
		SELECT COALESCE(p.merged_into, p.id) FROM logins l JOIN persons p ON p.id = l.person_id
		WHERE l.login_key = ?`, fold.TypedLogin(typed))
	return person, errs.Wrap("people.PersonByLogin", err)
}

// PersonsByEmail are those who confirmed this e-mail address.
func (s *Store) PersonsByEmail(ctx context.Context, email string) ([]id.ID, error) {
	list, err := db.All[id.ID](ctx, s.db, `
		SELECT DISTINCT c.person_id FROM contact_points c JOIN persons p ON p.id = c.person_id
		WHERE c.value_key = ? AND c.kind = 'email' AND c.confirmed_at IS NOT NULL AND p.merged_into IS NULL
		ORDER BY c.person_id`, fold.Email(email))
	return list, errs.Wrap("people.PersonsByEmail", err)
}

// PersonsByName are those of that folded surname (birth or usage) and class year: the candidates of an
// activation. A zero year means any; background work and staff only, because it tells who is in the base.
func (s *Store) PersonsByName(ctx context.Context, v viewer.Viewer, surname string, classYear int) ([]id.ID, error) {
	if !mayLookUp(v) {
		return nil, errs.E("people.PersonsByName", errs.Forbidden, nil)
	}
	key := fold.Name(surname)
	q := `SELECT DISTINCT p.id FROM persons p LEFT JOIN degrees g ON g.person_id = p.id
		WHERE (p.birth_key = ? OR p.usage_key = ?) AND p.merged_into IS NULL`
	args := []any{key, key}
	if classYear != 0 {
		q += ` AND g.class_year = ?`
		args = append(args, classYear)
	}
	list, err := db.All[id.ID](ctx, s.db, q+` ORDER BY p.id LIMIT 200`, args...)
	return list, errs.Wrap("people.PersonsByName", err)
}

// mayLookUp is for questions whose answer tells who is in the base, of whatever association.
func mayLookUp(v viewer.Viewer) bool { return v.Has(viewer.Webmaster, viewer.Secretary) }

// IDs streams the identifiers of the whole base in order, a page after another; after is zero at first.
func (s *Store) IDs(ctx context.Context, v viewer.Viewer, after id.ID, limit int) ([]id.ID, error) {
	if v.Kind != viewer.System {
		return nil, errs.E("people.IDs", errs.Forbidden, nil)
	}
	from := after.String()
	list, err := db.All[id.ID](ctx, s.db, `
		SELECT id FROM persons WHERE id > ? AND merged_into IS NULL ORDER BY id LIMIT ?`, from, limit)
	return list, errs.Wrap("people.IDs", err)
}

// Count is how many persons the base holds, for the staff and the console.
func (s *Store) Count(ctx context.Context) (int, error) {
	n, err := db.One[int](ctx, s.db, `SELECT count(*) FROM persons WHERE merged_into IS NULL`)
	return n, errs.Wrap("people.Count", err)
}

// loadBatch bounds the IN list of one statement.
const loadBatch = 400

// load reads whole dossiers, in the order asked for; unknown and merged ones are left out.
func (s *Store) load(ctx context.Context, persons []id.ID) ([]Dossier, error) {
	out := make([]Dossier, 0, len(persons))
	for len(persons) > 0 {
		n := min(loadBatch, len(persons))
		part, err := s.loadPart(ctx, persons[:n])
		if err != nil {
			return nil, errs.Wrap("people.load", err)
		}
		out = append(out, part...)
		persons = persons[n:]
	}
	return out, nil
}

func (s *Store) loadPart(ctx context.Context, persons []id.ID) ([]Dossier, error) {
	in := ` IN (` + db.In(len(persons)) + `)`
	list, err := s.loadWhere(ctx, `id`+in, db.Args(persons), `person_id`+in, db.Args(persons))
	if err != nil {
		return nil, err
	}
	at := make(map[id.ID]*Dossier, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	out := make([]Dossier, 0, len(list))
	for _, p := range persons {
		if d := at[p]; d != nil {
			out = append(out, *d)
		}
	}
	return out, nil
}

// loadWhere reads the persons under one condition, and what belongs to them under another.
func (s *Store) loadWhere(ctx context.Context, who string, whoArgs []any, whose string, whoseArgs []any) ([]Dossier, error) {
	var list []Dossier
	err := db.Each(ctx, s.db, `SELECT `+personColumns+`, audiences, note FROM persons WHERE merged_into IS NULL AND `+who, whoArgs, func(r *personRow) error {
		list = append(list, Dossier{Person: r.Person, Audiences: r.Audiences.V, Note: r.Note.V})
		return nil
	})
	if err != nil {
		return nil, err
	}
	byID := make(map[id.ID]*Dossier, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
	}
	if err := s.loadParts(ctx, whose, whoseArgs, byID); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].sort()
	}
	return list, nil
}

// sort brings what belongs to a person into one order. The engines would collate texts differently, and sorting a
// handful here is cheaper than a batch there.
func (d *Dossier) sort() {
	slices.SortFunc(d.Degrees, func(a, b Degree) int { return cmp.Or(b.ClassYear-a.ClassYear, compareIDs(a.ID, b.ID)) })
	slices.SortFunc(d.Logins, func(a, b Login) int { return strings.Compare(a.Login, b.Login) })
	slices.SortFunc(d.Contacts, func(a, b ContactPoint) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(string(a.Purpose), string(b.Purpose)),
			a.CreatedAt.Compare(b.CreatedAt), compareIDs(a.ID, b.ID))
	})
	slices.SortFunc(d.Memberships, func(a, b Membership) int { return cmp.Or(a.StartsOn.Compare(b.StartsOn), compareIDs(a.ID, b.ID)) })
	slices.SortFunc(d.Consents, func(a, b Consent) int { return cmp.Or(a.At.Compare(b.At), compareIDs(a.ID, b.ID)) })
	slices.SortFunc(d.LegacyIDs, func(a, b LegacyID) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Value, b.Value))
	})
	slices.Sort(d.Redirects)
}

func compareIDs(a, b id.ID) int { return bytes.Compare(a[:], b[:]) }

func (s *Store) loadParts(ctx context.Context, whose string, args []any, byID map[id.ID]*Dossier) error {
	from := func(columns, table string) string { return `SELECT ` + columns + ` FROM ` + table + ` WHERE ` + whose }
	for _, load := range []func() error{
		func() error {
			return gather(ctx, s.db, from(degreeColumns, `degrees`), args, byID,
				func(g *Degree) id.ID { return g.PersonID }, func(d *Dossier, g *Degree) { d.Degrees = append(d.Degrees, *g) })
		},
		func() error {
			return gather(ctx, s.db, from(loginColumns, `logins`), args, byID,
				func(l *Login) id.ID { return l.PersonID }, func(d *Dossier, l *Login) { d.Logins = append(d.Logins, *l) })
		},
		func() error {
			return gather(ctx, s.db, from(contactColumns, `contact_points`), args, byID,
				func(c *ContactPoint) id.ID { return c.PersonID }, func(d *Dossier, c *ContactPoint) { d.Contacts = append(d.Contacts, *c) })
		},
		func() error {
			return gather(ctx, s.db, from(membershipColumns, `memberships`), args, byID,
				func(m *Membership) id.ID { return m.PersonID }, func(d *Dossier, m *Membership) { d.Memberships = append(d.Memberships, *m) })
		},
		func() error {
			return gather(ctx, s.db, from(`id, person_id, kind, granted, at, origin`, `consents`), args, byID,
				func(c *Consent) id.ID { return c.PersonID }, func(d *Dossier, c *Consent) { d.Consents = append(d.Consents, *c) })
		},
		func() error {
			return gather(ctx, s.db, from(`person_id, source, value`, `legacy_ids`), args, byID,
				func(l *legacyRow) id.ID { return l.PersonID }, func(d *Dossier, l *legacyRow) { d.LegacyIDs = append(d.LegacyIDs, l.LegacyID) })
		},
		func() error {
			return gather(ctx, s.db, from(`person_id, target`, `redirect_targets`), args, byID,
				func(r *redirectRow) id.ID { return r.PersonID }, func(d *Dossier, r *redirectRow) { d.Redirects = append(d.Redirects, r.Target) })
		},
	} {
		if err := load(); err != nil {
			return err
		}
	}
	return nil
}

type legacyRow struct {
	PersonID id.ID
	LegacyID
}

type redirectRow struct {
	PersonID id.ID
	Target   string
}

// gather reads rows that belong to persons and hands each to its dossier.
func gather[T any](ctx context.Context, d *db.DB, query string, args []any, byID map[id.ID]*Dossier, of func(*T) id.ID, add func(*Dossier, *T)) error {
	return db.Each(ctx, d, query, args, func(v *T) error {
		if dossier := byID[of(v)]; dossier != nil {
			add(dossier, v)
		}
		return nil
	})
}

const (
	degreeColumns     = `id, person_id, association_id, class_year, diploma, study_year, department, created_at`
	loginColumns      = `login, person_id, degree_id, current, origin, created_at`
	membershipColumns = `id, person_id, association_id, starts_on, ends_on, origin, recorded_by, created_at`
	contactColumns    = `id, person_id, kind, purpose, value, value_key, street, postcode, city, country, valid_from, valid_to,
		audience, preferred, confirmed_at, broken_at, origin, created_at, updated_at`
)

// StatusOn is the newest word of a person about a kind of consent; said is false when there is none.
func StatusOn(consents []Consent, kind string) (granted bool, at time.Time, said bool) {
	for _, c := range consents {
		if c.Kind == kind && !c.At.Before(at) {
			granted, at, said = c.Granted, c.At, true
		}
	}
	return granted, at, said
}
