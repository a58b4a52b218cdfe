package directory_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/directory"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

// process is what one running program has of a database.
type process struct {
	t      testing.TB
	db     *db.DB
	feed   *changes.Store
	people *people.Store
	ly, re people.Association
	said   *journal
}

// journal keeps what was logged.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }
func (j *journal) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, r.Message)
	return nil
}

// count is how often something was said.
func (j *journal) count(message string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if l == message {
			n++
		}
	}
	return n
}

const built = "directory built"

func newProcess(t testing.TB, d *db.DB) *process {
	t.Helper()
	feed := changes.NewStore(d, clock.At(noon))
	p := &process{t: t, db: d, feed: feed, people: people.NewStore(d, feed, clock.At(noon)), said: &journal{}}
	all, err := p.people.Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		for _, code := range []string{"ly", "re"} {
			a := people.Association{Code: code, Name: "AIL " + code, School: "École " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
			if err := p.people.SaveAssociation(t.Context(), system, &a); err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
	}
	p.ly, _ = all.ByCode("ly")
	p.re, _ = all.ByCode("re")
	return p
}

// directory is an empty one; snapshot may be "".
func (p *process) directory(snapshot string) *directory.Store { return p.directoryOf("here", snapshot) }

func (p *process) directoryOf(instance, snapshot string) *directory.Store {
	p.t.Helper()
	s, err := directory.NewStore(p.people, p.feed, instance, snapshot, slog.New(p.said))
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// opened is one that has read the base.
func (p *process) opened(snapshot string) *directory.Store {
	p.t.Helper()
	s := p.directory(snapshot)
	p.open(s)
	return s
}

func (p *process) open(s *directory.Store) {
	p.t.Helper()
	if err := s.Open(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// following runs Follow until the function it gives is called.
func (p *process) following(s *directory.Store) (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.t.Context()))
	var w sync.WaitGroup
	w.Go(func() {
		if err := s.Follow(ctx); err != nil {
			p.t.Errorf("Follow() = %v", err)
		}
	})
	stop = func() { cancel(); w.Wait() }
	p.t.Cleanup(stop)
	return stop
}

func (p *process) insert(list ...people.Dossier) []id.ID {
	p.t.Helper()
	if err := p.people.Insert(p.t.Context(), system, list); err != nil {
		p.t.Fatal(err)
	}
	ids := make([]id.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

// graduate is somebody activated, of one degree, as yet in no database.
func (p *process) graduate(first, last string, year int) people.Dossier {
	return people.Dossier{
		Person:  people.Person{FirstName: first, BirthSurname: last, ActivatedAt: noon.AddDate(-1, 0, 0)},
		Degrees: []people.Degree{{AssociationID: p.ly.ID, ClassYear: year, Diploma: people.Engineer, Department: "Biosciences"}},
	}
}

// names are those found, in order.
func names(t testing.TB, s *directory.Store, v viewer.Viewer, text string) (out []string) {
	t.Helper()
	found, err := s.Search(t.Context(), v, directory.Ask{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found.People {
		out = append(out, p.Name())
	}
	return out
}

func network() viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()}
}

func staff(role viewer.RoleName, at ...people.Association) viewer.Viewer {
	v := viewer.Viewer{Kind: viewer.Staff, Account: id.New()}
	for _, a := range at {
		v.Roles = append(v.Roles, viewer.Role{Name: role, Association: a.ID})
	}
	if len(at) == 0 {
		v.Roles = []viewer.Role{{Name: role}}
	}
	return v
}

// Words so far from each other that none is a beginning or a typing error of another.
func surnames() []string {
	return []string{"Martinelli", "Bernadotte", "Kowalski", "Nguyen", "Schoelcher"}
}
func firsts() []string { return []string{"Philippe", "Yasmina", "Wolfgang"} }
func births() []string { return []string{"Fontenelle", "Dumouriez"} }
func departments() []string {
	return []string{"Informatique", "Biosciences", ""}
}

// someone is anybody: of one or two schools, activated or not, open or not.
func (p *process) someone(r *rand.Rand, n int) people.Dossier {
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	d := people.Dossier{Person: people.Person{FirstName: pick(firsts()), BirthSurname: pick(surnames()),
		Headline: "Devise", Status: []people.Status{people.Graduate, people.Graduate, people.Student, people.Deceased, people.Other}[r.IntN(5)]}}
	if r.IntN(3) == 0 {
		d.UsageSurname, d.BirthSurname = d.BirthSurname, pick(births())
	}
	if r.IntN(4) > 0 {
		d.ActivatedAt = noon.AddDate(0, -1, 0)
	}
	d.Audiences = map[people.Field]viewer.Audience{}
	for _, f := range people.Fields() {
		if r.IntN(2) == 0 {
			d.Audiences[f] = viewer.FieldAudiences()[r.IntN(len(viewer.FieldAudiences()))]
		}
	}
	for _, a := range []people.Association{p.ly, p.re} {
		if len(d.Degrees) == 0 && a.Code == "re" || r.IntN(2) == 0 {
			d.Degrees = append(d.Degrees, people.Degree{AssociationID: a.ID, ClassYear: []int{0, 1998, 2010}[r.IntN(3)],
				Diploma: people.Diplomas()[r.IntN(3)], Department: pick(departments())})
		}
	}
	d.Logins = []people.Login{{Login: fmt.Sprintf("zz%dqq", n), Current: true, Origin: "test"}}
	d.Contacts = []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: fmt.Sprintf("p%d@exemple.fr", n), Audience: viewer.Members}}
	return d
}
