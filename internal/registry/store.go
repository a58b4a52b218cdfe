package registry

import (
	"context"
	"slices"
	"time"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// InviteFunc sends the link that opens an account, in the transaction of the context.
type InviteFunc func(ctx context.Context, i Invite) error

// MergeFunc makes two persons one, with all that every feature holds of them.
type MergeFunc func(ctx context.Context, v viewer.Viewer, from, into id.ID) error

// MayCloseFunc reports whether a member of the staff may close a person's account, which somebody deceased has no more.
type MayCloseFunc func(ctx context.Context, v viewer.Viewer, person id.ID) (bool, error)

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Trail  *audit.Trail
	Invite InviteFunc
	Merge  MergeFunc
	// MayClose is asked before somebody is said to be dead. Without it only the federation's admins say so of somebody
	// whose account was opened.
	MayClose MayCloseFunc
	Now      clock.Clock
}

// Store reads and changes records in the name of the staff.
type Store struct {
	db     *db.DB
	people *people.Store
	trail  *audit.Trail
	invite InviteFunc
	merge  MergeFunc
	close  MayCloseFunc
	now    clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	return &Store{db: d.DB, people: d.People, trail: d.Trail, invite: d.Invite, merge: d.Merge, close: d.MayClose, now: d.Now}
}

// Find looks people up for the staff: those of the viewer's schools, by name and class year, login or address. It
// asks for one more than the limit, so that the caller knows whether there are more.
func (s *Store) Find(ctx context.Context, v viewer.Viewer, q Query, limit, offset int) ([]people.Dossier, error) {
	own, all := v.Associations(viewer.Webmaster, viewer.Secretary)
	if !all && len(own) == 0 {
		return nil, errs.E("registry.Find", errs.Forbidden, nil)
	}
	if q.Empty() {
		return nil, nil
	}
	scope, scoped := ``, []any(nil)
	if !all {
		scope = ` AND EXISTS (SELECT 1 FROM degrees g WHERE g.person_id = p.id AND g.association_id IN (` + db.In(len(own)) + `))`
		scoped = db.Args(own)
	}
	where, args := q.exact()
	ids, err := s.findWhere(ctx, where+scope, append(args, scoped...), limit, offset)
	if err == nil && len(ids) == 0 && q.Email == "" {
		where, args = q.named()
		ids, err = s.findWhere(ctx, where+scope, append(args, scoped...), limit, offset)
	}
	if err != nil {
		return nil, errs.Wrap("registry.Find", err)
	}
	return s.people.Dossiers(ctx, v, ids)
}

func (s *Store) findWhere(ctx context.Context, where string, args []any, limit, offset int) ([]id.ID, error) {
	return db.All[id.ID](ctx, s.db, `SELECT p.id FROM persons p WHERE p.merged_into IS NULL AND `+where+`
		ORDER BY CASE WHEN p.usage_key = '' THEN p.birth_key ELSE p.usage_key END, p.first_key, p.id LIMIT ? OFFSET ?`, append(args, limit+1, offset)...)
}

// exact is what was typed as a login or an address, which the indexes know.
func (q Query) exact() (where string, args []any) {
	return `p.id IN (SELECT l.person_id FROM logins l WHERE l.login_key = ?
		UNION SELECT c.person_id FROM contact_points c WHERE c.value_key = ? AND c.value_key <> '' AND c.kind = 'email')`, []any{q.Login, q.Email}
}

// named is what was typed as names: every word begins a part of one.
func (q Query) named() (where string, args []any) {
	where = `p.id IS NOT NULL`
	for _, w := range q.Words {
		where += ` AND (p.birth_key LIKE ? OR p.usage_key LIKE ? OR p.first_key LIKE ? OR p.birth_key LIKE ? OR p.usage_key LIKE ? OR p.first_key LIKE ?)`
		begin, inside := w+"%", "% "+w+"%" // folded words hold neither % nor _
		args = append(args, begin, begin, begin, inside, inside, inside)
	}
	if q.Year > 0 {
		where += ` AND EXISTS (SELECT 1 FROM degrees y WHERE y.person_id = p.id AND y.class_year = ?)`
		args = append(args, q.Year)
	}
	return where, args
}

// Show is a person's record. Reading it leaves a line in the trail, once an hour.
func (s *Store) Show(ctx context.Context, by viewer.Actor, person id.ID) (Record, error) {
	d, err := s.staffOnly(ctx, by, person)
	if err != nil {
		return Record{}, err
	}
	r := Record{Dossier: d, MayEdit: by.HasAtAny(d.Associations(), viewer.Webmaster)}
	if r.Schools, err = s.people.Associations(ctx); err != nil {
		return Record{}, err
	}
	if err := s.noteReading(ctx, by, d); err != nil {
		return Record{}, err
	}
	trail, err := s.trail.ForPerson(ctx, by.Viewer, d.Subject(), audit.Page{Size: 30})
	r.Trail = trail.Rows
	return r, err
}

// noteReading leaves a line in the trail of somebody whose coordinates are shown.
func (s *Store) noteReading(ctx context.Context, by viewer.Actor, d people.Dossier) error {
	if d.ID == by.Person {
		return nil
	}
	return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "staff.viewed_record", Person: d.ID,
		Association: Association(by.Viewer, &d), Coalesced: true})
}

// staffOnly is the person's dossier for the staff of one of his schools: being the person himself is no role.
func (s *Store) staffOnly(ctx context.Context, by viewer.Actor, person id.ID) (people.Dossier, error) {
	d, err := s.people.Dossier(ctx, by.Viewer, person)
	if err != nil {
		return people.Dossier{}, err
	}
	if !by.HasAtAny(d.Associations(), viewer.Webmaster, viewer.Secretary) {
		return people.Dossier{}, errs.E("registry.staffOnly "+person.String(), errs.NotFound, nil)
	}
	return d, nil
}

// change is something the staff does to a record, with its line in the trail.
type change struct {
	action string
	detail map[string]any
	run    func(ctx context.Context, d people.Dossier) error
}

func (s *Store) do(ctx context.Context, by viewer.Actor, person id.ID, c change) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.staffOnly(ctx, by, person)
		if err != nil {
			return err
		}
		if err := c.run(ctx, d); err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: c.action, Person: person,
			Association: Association(by.Viewer, &d), Detail: c.detail})
	})
	return errs.Wrap("registry "+c.action+" "+person.String(), err)
}

// SaveNames changes what a person is called. A new name in use adds logins.
func (s *Store) SaveNames(ctx context.Context, by viewer.Actor, person id.ID, n people.Names) error {
	if err := checkNames(&n); err != nil {
		return err
	}
	return s.do(ctx, by, person, change{action: "person.names_changed", run: func(ctx context.Context, _ people.Dossier) error {
		return s.people.SaveNames(ctx, by.Viewer, person, n)
	}})
}

// SaveBirth changes the date of birth; a zero one forgets it.
func (s *Store) SaveBirth(ctx context.Context, by viewer.Actor, person id.ID, date time.Time) error {
	if date.After(s.now()) || !date.IsZero() && date.Year() < 1850 {
		f := errs.Fields{}
		f.Add("birth_date", "registry.need_date")
		return f.Err()
	}
	return s.do(ctx, by, person, change{action: "person.birth_changed", run: func(ctx context.Context, _ people.Dossier) error {
		return s.people.SaveBirth(ctx, by.Viewer, person, date, 0)
	}})
}

// SaveStatus changes what somebody is to the schools.
func (s *Store) SaveStatus(ctx context.Context, by viewer.Actor, person id.ID, status people.Status, deceasedOn time.Time) error {
	f := errs.Fields{}
	if !slices.Contains(Statuses(), status) {
		f.Add("status", "registry.need_status")
	}
	if deceasedOn.After(s.now()) {
		f.Add("deceased_on", "registry.need_date")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if status != people.Deceased {
		deceasedOn = time.Time{}
	}
	return s.do(ctx, by, person, change{action: "person.status_changed", detail: map[string]any{"status": string(status)},
		run: func(ctx context.Context, d people.Dossier) error {
			if status == people.Deceased && d.Status != people.Deceased {
				if err := s.mayClose(ctx, by, d); err != nil {
					return err
				}
			}
			return s.people.SaveStatus(ctx, by.Viewer, person, status, deceasedOn)
		}})
}

// mayClose refuses to shut out somebody whose account may do more than the actor: a webmaster would be rid of the
// federation's admins by a word.
func (s *Store) mayClose(ctx context.Context, by viewer.Actor, d people.Dossier) error {
	may := by.IsFederationAdmin() || !d.Activated()
	if s.close != nil {
		var err error
		if may, err = s.close(ctx, by.Viewer, d.ID); err != nil {
			return err
		}
	}
	if !may {
		return errs.New(errs.Conflict, "registry.above")
	}
	return nil
}

// SaveDegree adds or changes a degree.
func (s *Store) SaveDegree(ctx context.Context, by viewer.Actor, g people.Degree) error {
	if err := checkDegree(&g, s.now()); err != nil {
		return err
	}
	return s.do(ctx, by, g.PersonID, change{action: "person.degree_saved", detail: map[string]any{"year": g.ClassYear},
		run: func(ctx context.Context, _ people.Dossier) error { return s.people.SaveDegree(ctx, by.Viewer, &g) }})
}

// RemoveDegree takes back a degree that was recorded by mistake; somebody without any would be nobody's.
func (s *Store) RemoveDegree(ctx context.Context, by viewer.Actor, person, degree id.ID) error {
	return s.do(ctx, by, person, change{action: "person.degree_removed", run: func(ctx context.Context, d people.Dossier) error {
		if len(d.Degrees) == 1 {
			return errs.New(errs.Conflict, "registry.last_degree")
		}
		return s.people.RemoveDegree(ctx, by.Viewer, person, degree)
	}})
}

// SaveContact adds or changes a contact point.
func (s *Store) SaveContact(ctx context.Context, by viewer.Actor, c people.ContactPoint) error {
	c.Origin = "staff"
	if check := c; !check.Normalize() {
		f := errs.Fields{}
		f.Add(contactField(c.Kind), "people.contact.bad")
		return f.Err()
	}
	return s.do(ctx, by, c.PersonID, change{action: "person.contact_saved", detail: map[string]any{"kind": string(c.Kind)},
		run: func(ctx context.Context, _ people.Dossier) error { return s.people.SaveContact(ctx, by.Viewer, &c) }})
}

func contactField(k people.ContactKind) string {
	if k == people.Postal {
		return "street"
	}
	return "value"
}

// RemoveContact deletes a contact point.
func (s *Store) RemoveContact(ctx context.Context, by viewer.Actor, person, contact id.ID) error {
	return s.do(ctx, by, person, change{action: "person.contact_removed", run: func(ctx context.Context, _ people.Dossier) error {
		return s.people.RemoveContact(ctx, by.Viewer, person, contact)
	}})
}

// AddMembership records dues paid, by the secretary or the webmaster of the association.
func (s *Store) AddMembership(ctx context.Context, by viewer.Actor, m people.Membership) error {
	m.Origin = "secretary"
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.staffOnly(ctx, by, m.PersonID); err != nil {
			return err
		}
		if err := s.people.AddMembership(ctx, by.Viewer, &m); err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "person.membership_recorded", Person: m.PersonID,
			Association: m.AssociationID, Detail: map[string]any{"from": m.StartsOn.Format(time.DateOnly), "to": m.EndsOn.Format(time.DateOnly)}})
	})
	return errs.Wrap("registry.AddMembership", err)
}

// SendLink sends the person the link that opens the account; a webmaster's to do.
func (s *Store) SendLink(ctx context.Context, by viewer.Actor, person id.ID, email string) error {
	if !fold.ValidEmail(fold.Email(email)) {
		f := errs.Fields{}
		f.Add("email", "registry.need_email")
		return f.Err()
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.staffOnly(ctx, by, person); err != nil {
			return err
		}
		return s.invite(ctx, Invite{By: by, Person: person, Email: email, Lang: "fr"})
	})
	return errs.Wrap("registry.SendLink", err)
}

// Other finds whom a record is to be merged with, by login or by the address of the record.
func (s *Store) Other(ctx context.Context, by viewer.Actor, person id.ID, typed string) (people.Dossier, error) {
	other, err := id.Parse(lastPart(typed))
	if err != nil {
		other, err = s.people.PersonByLogin(ctx, typed)
	}
	if err == nil && other == person {
		err = errs.NotFound
	}
	var d people.Dossier
	if err == nil {
		d, err = s.staffOnly(ctx, by, other)
	}
	if err == nil {
		err = s.noteReading(ctx, by, d)
	}
	if errs.KindOf(err) == errs.NotFound {
		f := errs.Fields{}
		f.Add("avec", "registry.no_other")
		return people.Dossier{}, f.Err()
	}
	return d, err
}

// MergeInto makes a double and a person one; into is the one who stays.
func (s *Store) MergeInto(ctx context.Context, by viewer.Actor, from, into id.ID) error {
	return s.do(ctx, by, into, change{action: "person.merged", detail: map[string]any{"from": from.String()}, run: func(ctx context.Context, _ people.Dossier) error {
		return s.merge(ctx, by.Viewer, from, into)
	}})
}
