package accounts_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/audit"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

const good = "quatre nuages pour 7 girafes" // a password that every rule takes

// house is the accounts with what they stand on, and a clock that can be turned.
type house struct {
	*accounts.Store
	db       *db.DB
	people   *people.Store
	sessions *web.Sessions
	queue    *jobs.Queue
	runner   *jobs.Runner
	outbox   *outbox.Outbox
	trail    *audit.Trail
	bundle   *i18n.Bundle
	ly, re   people.Association

	letterWriter *accounts.Letters

	mu  sync.Mutex
	now time.Time
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func newHouse(t testing.TB, d *db.DB, change ...func(*accounts.Options)) *house {
	t.Helper()
	h := &house{db: d, now: noon}
	now := clock.Clock(h.clock)
	bundle, err := i18n.Load(accounts.Messages, mail.Messages, web.Messages)
	if err != nil {
		t.Fatal(err)
	}
	h.bundle = bundle
	h.people = people.NewStore(d, changes.NewStore(d, now), now)
	h.sessions = web.NewSessions(d, now)
	h.queue = jobs.NewQueue(d, now)
	h.runner = jobs.NewRunner(h.queue, jobs.RunnerOptions{})
	h.outbox = outbox.New(d, now, outbox.Options{From: mail.Address{Address: "amicale@amicale.example"}, Demo: true})
	h.trail = audit.NewTrail(d, now)
	h.letterWriter = accounts.NewLetters(h.outbox, bundle, "https://amicale.example", mail.Brand{Name: "Amicale"})
	o := accounts.Options{Trail: h.trail, Sessions: h.sessions, Letters: h.letterWriter}
	for _, c := range change {
		c(&o)
	}
	h.Store = accounts.NewStore(d, h.people, now, o)
	h.QuickHashes()
	accounts.NewJobs(h.Store, h.sessions).Register(h.runner)
	h.ly, h.re = association("ly"), association("re")
	for _, a := range []*people.Association{&h.ly, &h.re} {
		if err := h.people.SaveAssociation(t.Context(), system, a); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func association(code string) people.Association {
	return people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: "alumni-" + code + ".example",
		MailDomain: code + ".example", Color: "#8a1538"}
}

// person adds a graduate with confirmed addresses.
func (h *house) person(t testing.TB, first, last string, a people.Association, year int, emails ...string) id.ID {
	t.Helper()
	d := people.Dossier{
		Person:  people.Person{FirstName: first, BirthSurname: last},
		Degrees: []people.Degree{{AssociationID: a.ID, ClassYear: year}},
	}
	for _, e := range emails {
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Value: e, ConfirmedAt: noon, Origin: "person"})
	}
	list := []people.Dossier{d}
	if err := h.people.Insert(t.Context(), system, list); err != nil {
		t.Fatal(err)
	}
	if err := h.people.GenerateLoginsFor(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	return list[0].ID
}

// account opens a person's account with a password.
func (h *house) account(t testing.TB, person id.ID, password string) accounts.Account {
	t.Helper()
	a, err := h.OpenFor(t.Context(), person)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		if err := h.SetPassword(t.Context(), a.ID, password, id.ID{}); err != nil {
			t.Fatal(err)
		}
		if a, err = h.ByID(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// staff makes a staff account with roles.
func (h *house) staff(t testing.TB, login string, roles ...viewer.Role) (accounts.Account, viewer.Viewer) {
	t.Helper()
	a, err := h.CreateStaff(t.Context(), system, accounts.New{Login: login, Name: "Staff " + login, Email: login + "@staff.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles {
		if err := h.Grant(t.Context(), system, a.ID, r.Name, r.Association); err != nil {
			t.Fatal(err)
		}
	}
	return a, viewer.Viewer{Kind: viewer.Staff, Account: a.ID, Roles: roles}
}

func of(a accounts.Account) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Network, Account: a.ID, Person: a.Person}
}

// letters runs what is due and gives the letters, newest first.
func (h *house) letters(t testing.TB) []outbox.Posted {
	t.Helper()
	if err := h.runner.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := h.outbox.Mailbox(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// token is the secret in a letter's link.
func token(t testing.TB, l outbox.Posted) string {
	t.Helper()
	for _, link := range l.Links {
		for _, mark := range []string{"/mot-de-passe/", "/lien/"} {
			if _, after, ok := strings.Cut(link, mark); ok {
				return after
			}
		}
	}
	t.Fatalf("no link in the letter %q to %s: %v", l.Subject, l.To, l.Links)
	return ""
}

var auditPage = audit.Page{}
