package submission_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/submission"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

const laure = "laure.lavaut.ly2010@ly-alumni.example"

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

// world is the feature on a fresh database, with two associations and a clock that tests turn. Everybody has an open
// account, but those shut, and reads his mail at his preferred address.
type world struct {
	t      testing.TB
	db     *db.DB
	people *people.Store
	store  *submission.Store
	trail  *audit.Trail
	bundle *i18n.Bundle
	tokens mail.Tokens
	inbox  *inbox.Inbox
	box    *submission.Box
	shut   map[id.ID]bool
	ly, re people.Association

	mu   sync.Mutex
	time time.Time
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, time: noon, tokens: mail.NewTokens([]byte("a secret of the tests")), shut: map[id.ID]bool{}}
	now := clock.Clock(w.now)
	var err error
	w.bundle, err = i18n.Load(ui.Messages, web.Messages, people.Messages, mail.Messages, submission.Messages)
	w.must(err)
	w.people = people.NewStore(d, changes.NewStore(d, now), now)
	w.trail, w.inbox = audit.NewTrail(d, now), inbox.New(d, now)
	out := outbox.New(d, now, outbox.Options{From: mail.Address{Address: "site@amicale.example"}})
	w.store = submission.NewStore(submission.Deps{DB: d, People: w.people, Trail: w.trail, Outbox: out, Arrivals: w.inbox,
		Reports: inbox.NewReporter(out, w.bundle, now), Tokens: w.tokens, Origin: "https://amicale.example", Now: now,
		IsOpen: func(_ context.Context, person id.ID) (bool, error) { return !w.shut[person], nil },
		ReadAt: func(ctx context.Context, v viewer.Viewer) ([]string, error) {
			d, err := w.people.Dossier(ctx, v, v.Person)
			c, _ := d.PreferredEmail()
			return []string{c.Value}, err
		}})
	w.box = submission.NewBox(w.store)
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "Alumni " + code, School: "INSA " + code, Host: "alumni-" + code + ".example", MailDomain: code + "-alumni.example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(t.Context(), system, a))
	}
	return w
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.time }

func (w *world) later(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.time = w.time.Add(d) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// someone is an activated graduate of Lyon; tweak changes him first.
func (w *world) someone(first, last string, tweak ...func(*people.Dossier)) people.Dossier {
	w.t.Helper()
	d := people.Dossier{
		Person:  people.Person{FirstName: first, BirthSurname: last, Status: people.Graduate, ActivatedAt: noon.AddDate(-1, 0, 0)},
		Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{
			{Kind: people.Email, Purpose: people.Personal, Value: strings.ToLower(first) + "@exemple.fr", Preferred: true, ConfirmedAt: noon, Origin: "person"},
		},
	}
	for _, t := range tweak {
		t(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), system, list))
	w.must(w.people.GenerateLoginsFor(w.t.Context(), list[0].ID))
	d, err := w.people.Dossier(w.t.Context(), system, list[0].ID)
	w.must(err)
	return d
}

func self(d people.Dossier) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: d.ID}, Name: d.Name()}
}

// makePassword gives the secret of a new password.
func (w *world) makePassword(d people.Dossier, program string) string {
	w.t.Helper()
	secret, err := w.store.MakePassword(w.t.Context(), self(d), program)
	w.must(err)
	return secret
}

// signedIn is the envelope of somebody who signed in with a new password.
func (w *world) signedIn(d people.Dossier, from string) inbox.Envelope {
	w.t.Helper()
	in, err := w.box.SignIn(w.t.Context(), d.CurrentLogin(), w.makePassword(d, "Téléphone de "+d.FirstName), noAddress)
	w.must(err)
	return inbox.Envelope{From: from, Account: in.Account, Key: in.Key}
}

// own are somebody's passwords, as he sees them.
func (w *world) own(d people.Dossier) []submission.Password {
	w.t.Helper()
	own, err := w.store.Own(w.t.Context(), self(d).Viewer)
	w.must(err)
	return own.Passwords
}

// submit hands a message in as the inbox does: each to a recipient, all in one transaction with their rows. It gives the
// first refusal.
func (w *world) submit(e inbox.Envelope, head string, to ...string) error {
	w.t.Helper()
	e.ID, e.At = id.New(), w.now()
	m := &inbox.Message{Envelope: e, Raw: []byte(head + "\r\nBcc: in the text\r\n"), Trace: "Received: from authenticated-user\r\n"}
	var list []inbox.Arrival
	for _, address := range to {
		rcpt, err := w.box.Find(w.t.Context(), m.Envelope, address)
		if err == nil {
			err = w.box.Screen(w.t.Context(), m, rcpt)
		}
		if err != nil {
			return err
		}
		list = append(list, inbox.Arrival{ID: id.New(), Message: m, Rcpt: rcpt})
	}
	w.must(w.db.Tx(w.t.Context(), func(ctx context.Context) error {
		for _, a := range list {
			if _, err := w.db.Exec(ctx, `INSERT INTO inbox (id, message_id, box, owner_id, recipient, sender, header_from, subject, message_key, size, remote, auth, score, state, reason, at)
				VALUES (?, ?, 'submission', ?, ?, ?, '', '', '', ?, '', ?, 0, 'taken', '', ?)`, a.ID, m.ID, a.Rcpt.Owner, a.Rcpt.Address, e.From, len(m.Raw),
				db.ToJSON(m.Auth), m.At); err != nil {
				return err
			}
		}
		return w.box.Accept(ctx, list)
	}))
	return nil
}

// sent is a delivery with its message, as the outbox keeps it.
type sent struct {
	ID        id.ID
	Kind      string
	Ref       id.ID
	Head      string
	Sender    string
	Recipient string
	State     outbox.State
	Raw       []byte
}

// sent are the deliveries of a kind, the oldest first.
func (w *world) sent(kind string) []sent {
	w.t.Helper()
	list, err := db.All[sent](w.t.Context(), w.db, `SELECT d.id, d.kind, d.ref, d.head, d.sender, d.recipient, d.state, b.raw
		FROM outbox_deliveries d JOIN outbox_bodies b ON b.id = d.body_id WHERE d.kind = ? ORDER BY d.created_at, d.id`, kind)
	w.must(err)
	return list
}

// brief are deliveries as "recipient state".
func brief(list []sent) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Recipient+" "+string(s.State))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// ended tells the feature what became of a delivery, as the outbox does.
func (w *world) ended(state outbox.State, class mail.Class, s sent) {
	w.t.Helper()
	o := outbox.Outcome{Parcel: outbox.Parcel{ID: s.ID, Kind: s.Kind, Ref: s.Ref, From: s.Sender, To: s.Recipient,
		Message: func(context.Context) ([]byte, error) { return mail.Prepend(s.Raw, s.Head), nil }},
		State: state, Class: class, Reply: mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "no such user", Server: "mx.ailleurs.fr", Stage: "rcpt"}}
	w.must(w.db.Tx(w.t.Context(), func(ctx context.Context) error { return submission.Watch(w.store, ctx, []outbox.Outcome{o}) }))
}

// letters are "kind to" of those posted, the oldest first; it forgets them.
func (w *world) letters() []string {
	w.t.Helper()
	list, err := db.All[string](w.t.Context(), w.db, `SELECT concat(kind, ' ', recipient) FROM outbox ORDER BY created_at, id`)
	w.must(err)
	_, err = w.db.Exec(w.t.Context(), `DELETE FROM outbox`)
	w.must(err)
	return list
}

// actions are what the trail says of a person, the first first.
func (w *world) actions(d people.Dossier) string {
	w.t.Helper()
	l, err := w.trail.ForPerson(w.t.Context(), system, d.Subject(), audit.Page{})
	w.must(err)
	var out []string
	for _, r := range l.Rows {
		out = append(out, strings.TrimPrefix(r.Action, "submission."))
	}
	slices.Reverse(out)
	return strings.Join(out, " ")
}

// count is a number that the database knows.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	n, err := db.One[int](w.t.Context(), w.db, query, args...)
	w.must(err)
	return n
}

// answer is a refusal as "550 5.1.1"; "" for none, "not found" when no such address is known.
func answer(err error) string {
	var no *inbox.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &no):
		return fmt.Sprint(no.Code, " ", no.Enhanced)
	case errors.Is(err, errs.NotFound):
		return "not found"
	}
	return err.Error()
}
