package activation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/changes"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// world is a store over a fresh database, with two schools, a clock that can be turned, and a mailbox.
type world struct {
	*activation.Store
	t      *testing.T
	db     *db.DB
	people *people.Store
	queue  *jobs.Queue
	runner *jobs.Runner
	box    *outbox.Outbox
	trail  *audit.Trail
	files  blob.Store
	links  *links
	above  map[id.ID]bool // whose accounts may do more than a webmaster's
	ly, re people.Association

	mu sync.Mutex
	at time.Time
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

// pass turns the clock.
func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

// links stands for the accounts: it gives secrets and remembers what was stopped.
type links struct {
	mu      sync.Mutex
	issued  []activation.Link
	stopped []id.ID
}

func (l *links) IssueLink(_ context.Context, k activation.Link) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.issued = append(l.issued, k)
	return fmt.Sprintf("secret-%d", len(l.issued)), nil
}

func (l *links) StopLinks(_ context.Context, person id.ID, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = append(l.stopped, person)
	return nil
}

type roles struct{ ly id.ID }

func (r roles) AccountsWithRole(_ context.Context, role viewer.RoleName, association id.ID) ([]activation.Holder, error) {
	switch {
	case role == viewer.FederationAdmin && association.IsZero():
		return []activation.Holder{{Name: "Fédé", Email: "federation@exemple.fr"}}, nil
	case association == r.ly:
		return []activation.Holder{{Name: "Anne", Email: string(role) + "@ly.example", Lang: "fr"}}, nil
	}
	return nil, nil // the other school has nobody
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, links: &links{}, above: map[id.ID]bool{}, at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	w.people = people.NewStore(d, changes.NewStore(d, w.now), w.now)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		if err := w.people.SaveAssociation(t.Context(), viewer.ForSystem("test"), a); err != nil {
			t.Fatal(err)
		}
	}
	bundle, err := i18n.Load(activation.Messages, people.Messages, mail.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if w.files, err = blob.OpenDisk(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	w.queue = jobs.NewQueue(d, w.now)
	w.runner = jobs.NewRunner(w.queue, jobs.RunnerOptions{})
	w.trail = audit.NewTrail(d, w.now)
	w.box = outbox.New(d, w.now, outbox.Options{From: mail.Address{Address: "site@exemple.fr"}, Demo: true})
	w.Store = activation.NewStore(activation.Deps{DB: d, People: w.people, Queue: w.queue, Trail: w.trail, Post: w.box, Files: w.files, Links: w.links,
		Staff: roles{w.ly.ID}, Bundle: bundle, Origin: "https://amicale.example", Now: w.now,
		MayInvite: func(_ context.Context, v viewer.Viewer, person id.ID) (bool, error) {
			return v.IsFederationAdmin() || !w.above[person], nil
		},
		Merge: func(ctx context.Context, v viewer.Viewer, from, into id.ID) error {
			_, err := w.people.Merge(ctx, v, from, into, w.Merger())
			return err
		}})
	activation.NewJobs(w.Store).Register(w.runner)
	return w
}

// add puts somebody in the base.
func (w *world) add(d people.Dossier) people.Dossier {
	w.t.Helper()
	list := []people.Dossier{d}
	if err := w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list); err != nil {
		w.t.Fatal(err)
	}
	if err := w.people.GenerateLoginsFor(w.t.Context(), list[0].ID); err != nil {
		w.t.Fatal(err)
	}
	return w.dossier(list[0].ID)
}

func (w *world) dossier(person id.ID) people.Dossier {
	w.t.Helper()
	d, err := w.people.Dossier(w.t.Context(), viewer.ForSystem("test"), person)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// graduate is somebody of one degree with these e-mail addresses and one phone number, not yet activated.
func graduate(first, last string, a people.Association, year int, emails ...string) people.Dossier {
	d := people.Dossier{Person: people.Person{FirstName: first, BirthSurname: last},
		Degrees:  []people.Degree{{AssociationID: a.ID, ClassYear: year, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Phone, Purpose: people.Personal, Value: "06 12 34 56 78", Origin: "import"}}}
	for _, e := range emails {
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: e, Origin: "import"})
	}
	return d
}

// work runs every job that is due.
func (w *world) work() {
	w.t.Helper()
	if err := w.runner.RunDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// ask makes a request for activation and lets the job decide.
func (w *world) ask(surname string, year int, email string) {
	w.t.Helper()
	w.askWith(activation.Claim{Surname: surname, Year: year, Email: email, Phone: "06 99 88 77 66"})
}

func (w *world) askWith(c activation.Claim) {
	w.t.Helper()
	if err := w.Ask(w.t.Context(), c, "fr"); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

// letters are those that left since the last call, as "kind recipient", sorted.
func (w *world) letters() []string {
	w.t.Helper()
	var out []string
	for _, p := range w.mailbox() {
		out = append(out, strings.TrimPrefix(p.Kind, "activation.")+" "+p.To)
	}
	slices.Sort(out)
	if _, err := w.db.Exec(w.t.Context(), `DELETE FROM outbox`); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) mailbox() []outbox.Posted {
	w.t.Helper()
	list, err := w.box.Mailbox(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// link is the last part of the first link with that path in the letters that left.
func (w *world) link(path string) string {
	w.t.Helper()
	for _, p := range w.mailbox() {
		for _, l := range p.Links {
			if _, token, ok := strings.Cut(l, path); ok {
				return token
			}
		}
	}
	w.t.Fatalf("no letter has a link to %s", path)
	return ""
}

func (w *world) wantLetters(what string, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.letters(); !slices.Equal(got, want) {
		w.t.Errorf("%s: letters = %q, want %q", what, got, want)
	}
}

// cases are those on the desk of the federation, open ones first.
func (w *world) cases() []activation.Case {
	w.t.Helper()
	list, _, err := w.List(w.t.Context(), federation().Viewer, activation.Filter{}, 100, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// one is the only waiting case.
func (w *world) one() activation.Case {
	w.t.Helper()
	list := w.cases()
	if len(list) != 1 {
		w.t.Fatalf("%d cases wait, want 1", len(list))
	}
	return list[0]
}

func (w *world) closed() []activation.Case {
	w.t.Helper()
	list, _, err := w.List(w.t.Context(), federation().Viewer, activation.Filter{Closed: true}, 100, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// actions are what the trail says of a case, the first first.
func (w *world) actions(c activation.Case) []string {
	w.t.Helper()
	l, err := w.trail.ForObject(w.t.Context(), federation().Viewer, "case:"+c.ID.String(), nil, audit.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range l.Rows {
		out = append(out, r.Action)
	}
	slices.Reverse(out)
	return out
}

func at(c activation.Case) activation.At { return activation.At{Case: c.ID, Version: c.Version} }

func actor(name viewer.RoleName, a id.ID) activation.Actor {
	return activation.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: name, Association: a}}}, Name: string(name)}
}

func federation() activation.Actor { return actor(viewer.FederationAdmin, id.ID{}) }

func (w *world) webmaster() activation.Actor { return actor(viewer.Webmaster, w.ly.ID) }

func (w *world) must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func (w *world) refused(what string, err error, kind errs.Kind) {
	w.t.Helper()
	if !errors.Is(err, kind) {
		w.t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// again reads a case as it is now.
func (w *world) again(c activation.Case) activation.Case {
	w.t.Helper()
	now, err := w.Case(w.t.Context(), federation().Viewer, c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return now
}
