package segments

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/newsletters/compose"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps is what the store is made of.
type Deps struct {
	DB            *db.DB
	People        *people.Store
	Subscriptions Subscriptions
	Criteria      Criteria // nil: Own
	Now           clock.Clock
}

// Store evaluates segments. It writes nothing.
type Store struct {
	db       *db.DB
	people   *people.Store
	subs     Subscriptions
	criteria Criteria
	now      clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	if d.Criteria == nil {
		d.Criteria = Own()
	}
	return &Store{db: d.DB, people: d.People, subs: d.Subscriptions, criteria: d.Criteria, now: d.Now}
}

// MayWrite reports whether the viewer may write in the name of a sender, and so ask about its segments.
func MayWrite(v viewer.Viewer, sender id.ID) bool {
	if sender.IsZero() {
		return v.IsFederationAdmin()
	}
	return v.HasAt(sender, viewer.Editor, viewer.Webmaster)
}

// Env is what segments of a sender are judged by now.
func (s *Store) Env(ctx context.Context, sender id.ID) (Env, error) {
	all, err := s.people.Associations(ctx)
	return Env{Sender: sender, Today: s.people.Today(), Now: s.now(), Schools: all}, errs.Wrap("segments.Env", err)
}

// Criteria are those that a sender's segments may use.
func (s *Store) Criteria(sender id.ID) Criteria { return s.criteria.For(sender) }

// Read makes a segment of a form.
func (s *Store) Read(ctx context.Context, sender id.ID, values func(name string) []string) (Segment, error) {
	e, err := s.Env(ctx, sender)
	if err != nil {
		return nil, err
	}
	return s.criteria.Read(e, values)
}

// condition is the whole WHERE of a question, for persons p; bounds are the sender's.
func (s *Store) condition(ctx context.Context, a Ask, bounds func(Env) (string, []any)) (string, []any, error) {
	e, err := s.Env(ctx, a.Sender)
	if err != nil {
		return "", nil, err
	}
	if err := s.criteria.Check(e, a.Segment); err != nil {
		return "", nil, err
	}
	mine, args := bounds(e)
	where, more := s.criteria.where(e, a.Segment)
	return "p.merged_into IS NULL AND " + mine + " AND " + where, append(args, more...), nil
}

// system is who looks at addresses and refusals, whose numbers alone are told.
func system() viewer.Viewer { return viewer.ForSystem("a letter to many") }

// chunk is how many persons are asked about at once.
const chunk = 2000

// person is a row of a segment.
type person struct {
	ID     id.ID
	Status people.Status
}

// Count counts a segment for somebody who may write in the sender's name.
func (s *Store) Count(ctx context.Context, v viewer.Viewer, a Ask) (Count, error) {
	if !MayWrite(v, a.Sender) {
		return Count{}, errs.E("segments.Count", errs.Forbidden, nil)
	}
	where, args, err := s.condition(ctx, a, scope)
	if err != nil {
		return Count{}, err
	}
	out := Count{Left: map[Left]int{}}
	var living []id.ID
	err = db.Each(ctx, s.db, `SELECT p.id, p.status FROM persons p WHERE `+where, args, func(p *person) error {
		out.Matched++
		if p.Status == people.Deceased {
			out.Left[Deceased]++
		} else {
			living = append(living, p.ID)
		}
		return nil
	})
	if err == nil {
		err = s.judge(ctx, a, living, &out)
	}
	return out, errs.Wrap("segments.Count", err)
}

// judge counts who of the living gets a letter, a few chunks at a time.
func (s *Store) judge(ctx context.Context, a Ask, living []id.ID, out *Count) error {
	const atOnce = 2
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		first error
		slots = make(chan struct{}, atOnce)
	)
	for len(living) > 0 {
		part := living[:min(chunk, len(living))]
		living = living[len(part):]
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			left, err := s.leftOf(ctx, a, part)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = err
			}
			for _, why := range left {
				if why.Left == "" {
					out.Reached++
				} else {
					out.Left[why.Left]++
				}
			}
		})
	}
	all.Wait()
	return first
}

// judged is what a letter to a person would meet.
type judged struct {
	Address string
	Left    Left
}

// leftOf judges living persons, in their order.
func (s *Store) leftOf(ctx context.Context, a Ask, persons []id.ID) ([]judged, error) {
	mailable, err := s.people.Mailables(ctx, system(), persons)
	if err != nil {
		return nil, err
	}
	refusing, err := s.subs.Refusing(ctx, a.Sender, a.Kind, persons)
	if err != nil {
		return nil, err
	}
	out := make([]judged, len(persons))
	for i, p := range persons {
		m, known := mailable[p]
		address := fold.Email(m.Value)
		switch {
		case refusing[p]:
			out[i].Left = Refused
		case !known || address == "":
			out[i].Left = NoAddress
		case m.Broken:
			out[i].Left = Broken
		case !usable(address):
			out[i].Left = Unusable
		default:
			out[i].Address = address
		}
	}
	return out, nil
}

// usable reports whether a mail server takes an address: most take ASCII alone before the @, and we write no other
// after it.
func usable(address string) bool {
	for i := range len(address) {
		if address[i] >= 0x80 {
			return false
		}
	}
	return fold.ValidEmail(address)
}

// row is a person of a segment with what letters say of him.
type row struct {
	ID                                    id.ID
	Status                                people.Status
	FirstName, BirthSurname, UsageSurname string
	Lang                                  string
}

// After are the persons of a segment that come after one in the order of identifiers, for background work that makes
// a campaign's recipients; fewer than n are the last.
func (s *Store) After(ctx context.Context, a Ask, after id.ID, n int) ([]Candidate, error) {
	where, args, err := s.condition(ctx, a, scopeOfEach)
	if err != nil {
		return nil, err
	}
	rows, err := db.All[row](ctx, s.db, `SELECT p.id, p.status, p.first_name, p.birth_surname, p.usage_surname, (SELECT l.lang FROM accounts l WHERE l.person_id = p.id) AS lang
		FROM persons p WHERE p.id > ? AND `+where+` ORDER BY p.id LIMIT ?`, append(append([]any{after.String()}, args...), n)...)
	if err != nil {
		return nil, errs.Wrap("segments.After", err)
	}
	out, err := s.candidates(ctx, a, rows)
	return out, errs.Wrap("segments.After", err)
}

// One is a single person of a segment; NotFound when he is not in it.
func (s *Store) One(ctx context.Context, a Ask, who id.ID) (Candidate, error) {
	where, args, err := s.condition(ctx, a, scopeOfEach)
	if err != nil {
		return Candidate{}, err
	}
	r, err := db.One[row](ctx, s.db, `SELECT p.id, p.status, p.first_name, p.birth_surname, p.usage_surname, (SELECT l.lang FROM accounts l WHERE l.person_id = p.id) AS lang
		FROM persons p WHERE p.id = ? AND `+where, append([]any{who}, args...)...)
	if err != nil {
		return Candidate{}, errs.Wrap("segments.One", err)
	}
	out, err := s.candidates(ctx, a, []row{r})
	if err != nil {
		return Candidate{}, errs.Wrap("segments.One", err)
	}
	return out[0], nil
}

func (s *Store) candidates(ctx context.Context, a Ask, rows []row) ([]Candidate, error) {
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	judgements, err := s.leftOf(ctx, a, ids)
	if err != nil {
		return nil, err
	}
	schools, err := s.schoolsOf(ctx, a.Sender, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Candidate, len(rows))
	for i, r := range rows {
		p := people.Person{FirstName: r.FirstName, BirthSurname: r.BirthSurname, UsageSurname: r.UsageSurname}
		c := Candidate{ID: r.ID, Lang: r.Lang, Address: judgements[i].Address, Left: judgements[i].Left, Person: schools[r.ID]}
		if r.Status == people.Deceased {
			c.Left, c.Address = Deceased, ""
		}
		if c.Lang != "en" {
			c.Lang = "fr"
		}
		c.Person.FirstName, c.Person.Name = strings.TrimSpace(p.FirstName), strings.TrimSpace(p.Surname())
		out[i] = c
	}
	return out, nil
}

// schoolsOf is where and when the persons graduated, as letters of a sender say it: at its own school if they did, else
// at the newest of theirs.
func (s *Store) schoolsOf(ctx context.Context, sender id.ID, persons []id.ID) (map[id.ID]compose.Person, error) {
	type degree struct {
		PersonID, AssociationID id.ID
		ClassYear               int
		Login                   string
	}
	all, err := s.people.Associations(ctx)
	if err != nil {
		return nil, err
	}
	best := make(map[id.ID]degree, len(persons))
	better := func(a, b degree) bool {
		if own := a.AssociationID == sender; own != (b.AssociationID == sender) {
			return own
		}
		if a.ClassYear != b.ClassYear {
			return a.ClassYear > b.ClassYear
		}
		return a.Login > b.Login
	}
	err = db.Each(ctx, s.db, `
		SELECT g.person_id, g.association_id, g.class_year, (SELECT max(l.login) FROM logins l WHERE l.person_id = g.person_id AND l.degree_id = g.id AND l.current) AS login
		FROM degrees g WHERE g.person_id IN (`+db.In(len(persons))+`)`, db.Args(persons), func(d *degree) error {
		if held, ok := best[d.PersonID]; !ok || better(*d, held) {
			best[d.PersonID] = *d
		}
		return nil
	})
	out := make(map[id.ID]compose.Person, len(best))
	for who, d := range best {
		a, _ := all.ByID(d.AssociationID)
		p := compose.Person{School: a.School, Login: d.Login}
		if d.ClassYear > 0 {
			p.Class = strconv.Itoa(d.ClassYear)
		}
		if d.Login != "" && a.MailDomain != "" {
			p.Address = d.Login + "@" + a.MailDomain
		}
		out[who] = p
	}
	return out, err
}

// Sample are a few persons of a segment as the viewer may see them, and how many of those looked at he may not see.
func (s *Store) Sample(ctx context.Context, v viewer.Viewer, a Ask, n int) (seen []people.Seen, hidden int, err error) {
	return s.look(ctx, v, a, "", n)
}

// Named are persons of a segment whose name begins like this, as far as the viewer may see them.
func (s *Store) Named(ctx context.Context, v viewer.Viewer, a Ask, typed string, n int) ([]people.Seen, error) {
	seen, _, err := s.look(ctx, v, a, typed, n)
	return seen, err
}

func (s *Store) look(ctx context.Context, v viewer.Viewer, a Ask, typed string, n int) (seen []people.Seen, hidden int, err error) {
	if !MayWrite(v, a.Sender) {
		return nil, 0, errs.E("segments.look", errs.Forbidden, nil)
	}
	where, args, err := s.condition(ctx, a, scope)
	if err != nil {
		return nil, 0, err
	}
	for i, w := range strings.Fields(fold.Name(typed)) {
		if i == 5 {
			break
		}
		where += ` AND (p.birth_key LIKE ? OR p.usage_key LIKE ? OR p.first_key LIKE ?)` // folded words hold neither % nor _
		args = append(args, w+"%", w+"%", w+"%")
	}
	ids, err := db.All[id.ID](ctx, s.db, `SELECT p.id FROM persons p WHERE p.status <> 'deceased' AND `+where+` ORDER BY p.birth_key, p.first_key, p.id LIMIT ?`, append(args, n)...)
	if err == nil {
		seen, err = s.people.SeeMany(ctx, v, ids)
	}
	return seen, len(ids) - len(seen), errs.Wrap("segments.look", err)
}
