package bounces_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/bounces"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

var system = viewer.ForSystem("test")

// passedOn forwards people's mail as far as bounces knows: which target goes to which reserve.
type passedOn struct {
	reserve map[string]string // target → reserve; "" where none was named
	dead    map[string]bool
	log     []string
}

func (p *passedOn) AddressBroken(_ context.Context, person id.ID, address string) (bounces.Rerouted, error) {
	to, target := p.reserve[address]
	if person.IsZero() && p.dead[address] {
		target = false // of an owner, and told already
	}
	if target {
		p.dead[address] = true
		p.log = append(p.log, fmt.Sprintf("broken %s known=%v", address, !person.IsZero()))
	}
	return bounces.Rerouted{Target: target, Took: to}, nil
}

func (p *passedOn) AddressWorks(_ context.Context, _ id.ID, address string) error {
	delete(p.dead, address)
	p.log = append(p.log, "works "+address)
	return nil
}

func (p *passedOn) Returned(_ context.Context, _ id.ID, class mail.Class, reply mail.Reply) error {
	p.log = append(p.log, fmt.Sprintf("returned %s %d", class, reply.Code))
	return nil
}

// world is the feature on a fresh database with two schools and a clock that tests turn.
type world struct {
	*bounces.Store
	t          *testing.T
	db         *db.DB
	people     *people.Store
	trail      *audit.Trail
	outbox     *outbox.Outbox
	runner     *jobs.Runner
	bundle     *i18n.Bundle
	forwarding *passedOn
	ly, re     people.Association
	classes    map[int][]bounces.Ambassador // who looks after which of Lyon

	mu       sync.Mutex
	now      time.Time
	sessions *web.Sessions
	viewers  map[id.ID]viewer.Actor
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, now: noon, forwarding: &passedOn{reserve: map[string]string{}, dead: map[string]bool{}}, viewers: map[id.ID]viewer.Actor{}, classes: map[int][]bounces.Ambassador{}}
	now := clock.Clock(func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now })
	var err error
	w.bundle, err = i18n.Load(ui.Messages, web.Messages, people.Messages, mail.Messages, bounces.Messages)
	w.must(err)
	queue := jobs.NewQueue(d, now)
	w.people = people.NewStore(d, changes.NewStore(d, now), now)
	w.trail = audit.NewTrail(d, now)
	w.outbox = outbox.New(d, now, outbox.Options{From: mail.Address{Address: "site@amicale.example"}, Demo: true})
	w.Store = bounces.NewStore(bounces.Deps{DB: d, People: w.people, Queue: queue, Trail: w.trail, Post: w.outbox, Forwarding: w.forwarding,
		Staff: w, Ambassadors: w, AmbassadorPath: "/moi#ambassadeur", Bundle: w.bundle, Origin: "https://amicale.example", Now: now})
	w.runner = jobs.NewRunner(queue, jobs.RunnerOptions{})
	bounces.NewJobs(w.Store).Register(w.runner)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + "-alumni.example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), system, a))
	}
	return w
}

// AccountsWithRole and LangOf make the world its own staff: one holder a role.
func (w *world) AccountsWithRole(_ context.Context, role viewer.RoleName, association id.ID) ([]bounces.Holder, error) {
	switch {
	case role == viewer.FederationAdmin:
		return []bounces.Holder{{Name: "Fédé", Email: "admin@federation.example"}, {Name: "sans adresse"}}, nil
	case role == viewer.Webmaster && association == w.ly.ID:
		return []bounces.Holder{{Name: "Anne", Email: "webmaster@ly.example", Lang: "en"}}, nil
	}
	return nil, nil
}

// OfClasses makes it its own ambassadors, too.
func (w *world) OfClasses(_ context.Context, association id.ID, years []int) (map[int][]bounces.Ambassador, error) {
	out := map[int][]bounces.Ambassador{}
	for _, year := range years {
		if association == w.ly.ID {
			out[year] = w.classes[year]
		}
	}
	return out, nil
}

func (w *world) LangOf(context.Context, id.ID) (string, error) { return "fr", nil }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) turn(to time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = to
}

// tomorrow turns the clock to nine in the morning of the next day.
func (w *world) tomorrow() { w.turn(w.clock().Truncate(24 * time.Hour).Add(33 * time.Hour)) }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

type tweak func(*people.Dossier)

func email(value string, change ...func(*people.ContactPoint)) tweak {
	c := people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: value, Audience: viewer.Members, ConfirmedAt: noon, Origin: "import"}
	for _, f := range change {
		f(&c)
	}
	return func(d *people.Dossier) { d.Contacts = append(d.Contacts, c) }
}

func unconfirmed(c *people.ContactPoint)  { c.ConfirmedAt = time.Time{} }
func professional(c *people.ContactPoint) { c.Purpose = people.Professional }
func hidden(c *people.ContactPoint)       { c.Audience = viewer.OnlyMe }

// add is an activated graduate with these addresses, the first preferred.
func (w *world) add(first, last string, a people.Association, tweaks ...tweak) people.Dossier {
	w.t.Helper()
	d := people.Dossier{Person: people.Person{FirstName: first, BirthSurname: last, Status: people.Graduate, ActivatedAt: noon.AddDate(-1, 0, 0)},
		Degrees: []people.Degree{{AssociationID: a.ID, ClassYear: 2010, Diploma: people.Engineer}}}
	for _, t := range tweaks {
		t(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), system, list))
	w.must(w.people.GenerateLoginsFor(w.t.Context(), list[0].ID))
	return w.dossier(list[0].ID)
}

func (w *world) dossier(person id.ID) people.Dossier {
	w.t.Helper()
	d, err := w.people.Dossier(w.t.Context(), system, person)
	w.must(err)
	return d
}

// writesTo is the address to write to, and which are broken.
func (w *world) writesTo(person id.ID) string {
	w.t.Helper()
	d := w.dossier(person)
	c, _ := d.PreferredEmail()
	out := c.Value
	for _, c := range d.Contacts {
		if !c.BrokenAt.IsZero() {
			out += " ✗" + c.Value
		}
	}
	return out
}

// outcome is what became of a message to an address.
func outcome(to string, class mail.Class) outbox.Outcome {
	o := outbox.Outcome{Parcel: outbox.Parcel{ID: id.New(), Kind: "forward", To: to}, State: outbox.Failed, Class: class, Destination: "orange"}
	switch class {
	case mail.Delivered:
		o.State = outbox.Sent
	case mail.Temporary:
		o.State = outbox.Queued
	}
	return o
}

// observe tells of these outcomes, as the outbox does, in its transaction.
func (w *world) observe(list ...outbox.Outcome) {
	w.t.Helper()
	w.must(w.db.Tx(w.t.Context(), func(ctx context.Context) error { return w.Observe(ctx, list) }))
}

// dies lets mail to an address come back on two days, the last being yesterday.
func (w *world) dies(addresses ...string) {
	w.t.Helper()
	for range 2 {
		for _, a := range addresses {
			w.observe(outcome(a, mail.Dead), outcome(a, mail.Dead))
		}
		w.tomorrow()
	}
}

func (w *world) judge() {
	w.t.Helper()
	w.must(w.Judge(w.t.Context()))
}

// answers says how a destination answered in an hour, as the outbox counts it.
func (w *world) answers(h bounces.Hour) {
	w.t.Helper()
	_, err := w.db.Exec(w.t.Context(), `INSERT INTO outbox_hours (destination, hour, sent, reputation, failed) VALUES (?, ?, ?, ?, ?)`,
		h.Destination, h.Hour, h.Sent, h.Reputation, h.Failed)
	w.must(err)
}

func (w *world) run() {
	w.t.Helper()
	w.must(w.runner.RunDue(w.t.Context()))
}

// letters are those that left, "kind to", oldest first.
func (w *world) letters() []string {
	w.t.Helper()
	list, err := w.outbox.Mailbox(w.t.Context(), 100)
	w.must(err)
	out := make([]string, len(list))
	for i, l := range list {
		out[len(list)-1-i] = strings.TrimPrefix(l.Kind, "bounces.") + " " + l.To
	}
	return out
}

func (w *world) lastLetter() outbox.Posted {
	w.t.Helper()
	list, err := w.outbox.Mailbox(w.t.Context(), 1)
	w.must(err)
	if len(list) == 0 {
		w.t.Fatal("no letter left")
	}
	return list[0]
}

// actions are what the trail says of a person, the first first.
func (w *world) actions(d people.Dossier) []string {
	w.t.Helper()
	l, err := w.trail.ForPerson(w.t.Context(), federation().Viewer, d.Subject(), audit.Page{})
	w.must(err)
	var out []string
	for _, r := range l.Rows {
		out = append(out, r.Action)
	}
	slices.Reverse(out)
	return out
}

func (w *world) switches(f bounces.Filter) []bounces.Switch {
	w.t.Helper()
	list, _, err := w.List(w.t.Context(), federation().Viewer, f, 100, 0)
	w.must(err)
	return list
}

func actor(name viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: name, Association: a}}}, Name: string(name)}
}

func federation() viewer.Actor { return actor(viewer.FederationAdmin, id.ID{}) }

func self(d people.Dossier) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: d.ID}, Name: d.Name()}
}

func member(d people.Dossier) viewer.Actor {
	a := self(d)
	a.Member = true
	return a
}
