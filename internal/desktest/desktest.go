// Package desktest joins activation and the desk on a fresh database, as the app does, for the tests of both: claims
// become cases, and decisions send links.
package desktest

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
	"amicale/internal/desk"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Activation and Desk are the two stores, under names that can stand beside each other in a World.
type (
	Activation = activation.Store
	Desk       = desk.Store
)

// World is both stores over a fresh database, with two schools, a clock that can be turned, and a mailbox.
type World struct {
	*Activation
	*Desk
	DB     *db.DB
	People *people.Store
	Queue  *jobs.Queue
	Trail  *audit.Trail
	Files  blob.Store
	Links  *Links
	Above  map[id.ID]bool // whose accounts may do more than a webmaster's
	Ly, Re people.Association

	t      *testing.T
	runner *jobs.Runner
	box    *outbox.Outbox

	mu sync.Mutex
	at time.Time
}

// Now is what the clock shows.
func (w *World) Now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

// Pass turns the clock.
func (w *World) Pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

// Links stands for the accounts: it gives secrets and remembers what was stopped.
type Links struct {
	mu      sync.Mutex
	Issued  []activation.Link
	Stopped []id.ID
}

// IssueLink gives a secret.
func (l *Links) IssueLink(_ context.Context, k activation.Link) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Issued = append(l.Issued, k)
	return fmt.Sprintf("secret-%d", len(l.Issued)), nil
}

// StopLinks remembers whose links were stopped.
func (l *Links) StopLinks(_ context.Context, person id.ID, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Stopped = append(l.Stopped, person)
	return nil
}

type roles struct{ ly id.ID }

func (r roles) AccountsWithRole(_ context.Context, role viewer.RoleName, association id.ID) ([]desk.Holder, error) {
	switch {
	case role == viewer.FederationAdmin && association.IsZero():
		return []desk.Holder{{Name: "Fédé", Email: "federation@exemple.fr"}}, nil
	case association == r.ly:
		return []desk.Holder{{Name: "Anne", Email: string(role) + "@ly.example", Lang: "fr"}}, nil
	}
	return nil, nil // the other school has nobody
}

// New makes the world.
func New(t *testing.T, d *db.DB) *World {
	t.Helper()
	w := &World{t: t, DB: d, Links: &Links{}, Above: map[id.ID]bool{}, at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	w.People = people.NewStore(d, changes.NewStore(d, w.Now), w.Now)
	for code, a := range map[string]*people.Association{"ly": &w.Ly, "re": &w.Re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		if err := w.People.SaveAssociation(t.Context(), viewer.ForSystem("test"), a); err != nil {
			t.Fatal(err)
		}
	}
	bundle, err := i18n.Load(activation.Messages, desk.Messages, people.Messages, mail.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if w.Files, err = blob.OpenDisk(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	w.Queue = jobs.NewQueue(d, w.Now)
	w.runner = jobs.NewRunner(w.Queue, jobs.RunnerOptions{})
	w.Trail = audit.NewTrail(d, w.Now)
	w.box = outbox.New(d, w.Now, outbox.Options{From: mail.Address{Address: "site@exemple.fr"}, Demo: true})
	w.Desk = desk.NewStore(desk.Deps{DB: d, People: w.People, Queue: w.Queue, Trail: w.Trail, Post: w.box, Files: w.Files, Links: deskLinks{w},
		Staff: roles{w.Ly.ID}, Bundle: bundle, Origin: "https://amicale.example", Now: w.Now, Merge: w.merge})
	w.Activation = activation.NewStore(activation.Deps{DB: d, People: w.People, Queue: w.Queue, Trail: w.Trail, Post: w.box, Desk: claims{w.Desk}, Links: w.Links,
		Bundle: bundle, Origin: "https://amicale.example", Now: w.Now, MayInvite: w.mayInvite})
	activation.NewJobs(w.Activation).Register(w.runner)
	desk.NewJobs(w.Desk).Register(w.runner)
	return w
}

func (w *World) mayInvite(_ context.Context, v viewer.Viewer, person id.ID) (bool, error) {
	return v.IsFederationAdmin() || !w.Above[person], nil
}

func (w *World) merge(ctx context.Context, v viewer.Viewer, from, into id.ID) error {
	_, err := w.People.Merge(ctx, v, from, into, w.Activation.Merger(), w.Desk.Merger())
	return err
}

// claims is the desk as activation knows it.
type claims struct{ desk *desk.Store }

func (c claims) OpenCase(ctx context.Context, x activation.Case) (id.ID, error) {
	n := desk.NewCase{Kind: desk.Kind(x.Kind), Association: x.Association, Person: x.Person, UniqueKey: x.UniqueKey, Reason: desk.Reason(x.Reason),
		Claim: x.Claim, Lang: x.Lang, Detail: desk.Detail{At: x.LinkAt, Opened: x.Opened}}
	if x.Scan != nil {
		scan := desk.Scan(*x.Scan)
		n.Scan = &scan
	}
	return c.desk.OpenClaim(ctx, viewer.ForSystem("activation"), n)
}

func (c claims) Stopped(ctx context.Context, persons []id.ID) ([]id.ID, error) {
	return c.desk.Stopped(ctx, viewer.ForSystem("activation"), persons)
}

// deskLinks is activation as the desk knows it.
type deskLinks struct{ w *World }

func (l deskLinks) Invite(ctx context.Context, by viewer.Actor, i desk.Invitation) error {
	return l.w.Activation.Invite(ctx, viewer.Actor(by), activation.Invitation(i))
}

func (l deskLinks) MayInvite(ctx context.Context, by viewer.Actor, d people.Dossier) error {
	return l.w.Activation.MayInvite(ctx, viewer.Actor(by), d)
}

func (l deskLinks) StopLinks(ctx context.Context, person id.ID, since time.Time) error {
	return l.w.Links.StopLinks(ctx, person, since)
}

// Add puts somebody in the base.
func (w *World) Add(d people.Dossier) people.Dossier {
	w.t.Helper()
	list := []people.Dossier{d}
	if err := w.People.Insert(w.t.Context(), viewer.ForSystem("test"), list); err != nil {
		w.t.Fatal(err)
	}
	if err := w.People.GenerateLoginsFor(w.t.Context(), list[0].ID); err != nil {
		w.t.Fatal(err)
	}
	return w.Dossier(list[0].ID)
}

// Dossier reads somebody.
func (w *World) Dossier(person id.ID) people.Dossier {
	w.t.Helper()
	d, err := w.People.Dossier(w.t.Context(), viewer.ForSystem("test"), person)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// Graduate is somebody of one degree with these e-mail addresses and one phone number, not yet activated.
func Graduate(first, last string, a people.Association, year int, emails ...string) people.Dossier {
	d := people.Dossier{Person: people.Person{FirstName: first, BirthSurname: last},
		Degrees:  []people.Degree{{AssociationID: a.ID, ClassYear: year, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{{Kind: people.Phone, Purpose: people.Personal, Value: "06 12 34 56 78", Origin: "import"}}}
	for _, e := range emails {
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Purpose: people.Personal, Value: e, Origin: "import"})
	}
	return d
}

// Work runs every job that is due.
func (w *World) Work() {
	w.t.Helper()
	if err := w.runner.RunDue(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// AskFor makes a request for activation and lets the job decide.
func (w *World) AskFor(surname string, year int, email string) {
	w.t.Helper()
	w.AskWith(people.Claim{Surname: surname, Year: year, Email: email, Phone: "06 99 88 77 66"})
}

// AskWith makes this request and lets the job decide.
func (w *World) AskWith(c people.Claim) {
	w.t.Helper()
	if err := w.Ask(w.t.Context(), c, "fr"); err != nil {
		w.t.Fatal(err)
	}
	w.Work()
}

// Letters are those that left since the last call, as "kind recipient", sorted.
func (w *World) Letters() []string {
	w.t.Helper()
	var out []string
	for _, p := range w.Mailbox() {
		_, name, _ := strings.Cut(p.Kind, ".")
		out = append(out, name+" "+p.To)
	}
	slices.Sort(out)
	if _, err := w.DB.Exec(w.t.Context(), `DELETE FROM outbox`); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// Mailbox is every letter since the last Letters.
func (w *World) Mailbox() []outbox.Posted {
	w.t.Helper()
	list, err := w.box.Mailbox(w.t.Context(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// LinkIn is the last part of the first link with that path in the letters that left.
func (w *World) LinkIn(path string) string {
	w.t.Helper()
	for _, p := range w.Mailbox() {
		for _, l := range p.Links {
			if _, token, ok := strings.Cut(l, path); ok {
				return token
			}
		}
	}
	w.t.Fatalf("no letter has a link to %s", path)
	return ""
}

// WantLetters checks which letters left.
func (w *World) WantLetters(what string, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.Letters(); !slices.Equal(got, want) {
		w.t.Errorf("%s: letters = %q, want %q", what, got, want)
	}
}

// Cases are those on the desk of the federation, open ones first.
func (w *World) Cases() []desk.Case {
	w.t.Helper()
	list, _, err := w.List(w.t.Context(), Federation().Viewer, desk.Filter{}, 100, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// One is the only waiting case.
func (w *World) One() desk.Case {
	w.t.Helper()
	list := w.Cases()
	if len(list) != 1 {
		w.t.Fatalf("%d cases wait, want 1", len(list))
	}
	return list[0]
}

// Closed are the decided cases.
func (w *World) Closed() []desk.Case {
	w.t.Helper()
	list, _, err := w.List(w.t.Context(), Federation().Viewer, desk.Filter{Closed: true}, 100, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// Actions are what the trail says of a case, the first first.
func (w *World) Actions(c desk.Case) []string {
	w.t.Helper()
	l, err := w.Trail.ForObject(w.t.Context(), Federation().Viewer, "case:"+c.ID.String(), nil, audit.Page{})
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

// At is a case as it was read.
func At(c desk.Case) desk.At { return desk.At{Case: c.ID, Version: c.Version} }

// Actor is a member of the staff with a role.
func Actor(name viewer.RoleName, a id.ID) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: name, Association: a}}}, Name: string(name)}
}

// Federation is an administrator of the federation.
func Federation() viewer.Actor { return Actor(viewer.FederationAdmin, id.ID{}) }

// Webmaster keeps the desk of the first school.
func (w *World) Webmaster() viewer.Actor { return Actor(viewer.Webmaster, w.Ly.ID) }

// Must ends the test at an error.
func (w *World) Must(what string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// Refused checks that something was refused so.
func (w *World) Refused(what string, err error, kind errs.Kind) {
	w.t.Helper()
	if !errors.Is(err, kind) {
		w.t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

// Again reads a case as it is now.
func (w *World) Again(c desk.Case) desk.Case {
	w.t.Helper()
	now, err := w.Case(w.t.Context(), Federation().Viewer, c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return now
}

// Scans is how many diplomas are kept.
func (w *World) Scans() (n int) {
	w.t.Helper()
	for _, err := range w.Files.List(w.t.Context(), "scans/") {
		if err != nil {
			w.t.Fatal(err)
		}
		n++
	}
	return n
}

// Set sets the clock.
func (w *World) Set(at time.Time) { w.mu.Lock(); defer w.mu.Unlock(); w.at = at }

// Addition is what somebody who is not in the base says.
func Addition() people.Claim {
	return people.Claim{FirstName: "Éloïse", Surname: "Durant", BirthSurname: "Petit", Year: 2015, School: "ly", Diploma: people.Engineer, Department: "GCU",
		Email: "eloise@exemple.fr", Phone: "06 98 76 54 32"}
}

// PDF is a diploma under a name that wants care.
func PDF() *activation.Upload {
	const text = "%PDF-1.7 a diploma"
	return &activation.Upload{Name: `C:\scans\mon "diplôme".exe`, Size: int64(len(text)), Content: strings.NewReader(text)}
}
