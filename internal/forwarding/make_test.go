package forwarding_test

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
	"amicale/internal/forwarding"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

var (
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

// world is the feature on a fresh database, with two associations and a clock that tests turn.
type world struct {
	t      testing.TB
	db     *db.DB
	people *people.Store
	store  *forwarding.Store
	outbox *outbox.Outbox
	trail  *audit.Trail
	runner *jobs.Runner
	bundle *i18n.Bundle
	tokens mail.Tokens
	ly, re people.Association
	box    *forwarding.Box

	mu   sync.Mutex
	time time.Time
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, time: noon, tokens: mail.NewTokens([]byte("a secret of the tests"))}
	now := clock.Clock(w.now)
	var err error
	w.bundle, err = i18n.Load(ui.Messages, web.Messages, people.Messages, mail.Messages, forwarding.Messages)
	w.must(err)
	queue := jobs.NewQueue(d, now)
	w.people = people.NewStore(d, changes.NewStore(d, now), now)
	w.trail = audit.NewTrail(d, now)
	w.outbox = outbox.New(d, now, outbox.Options{From: mail.Address{Address: "site@amicale.example"}})
	w.store = forwarding.NewStore(forwarding.Deps{DB: d, People: w.people, Queue: queue, Trail: w.trail, Outbox: w.outbox, Arrivals: inbox.New(d, now),
		Reports: inbox.NewReporter(w.outbox, w.bundle, now), Tokens: w.tokens, Bundle: w.bundle, Origin: "https://amicale.example", Now: now,
		LangOf: func(context.Context, id.ID) (string, error) { return "fr", nil }})
	w.runner = jobs.NewRunner(queue, jobs.RunnerOptions{})
	forwarding.NewJobs(w.store).Register(w.runner)
	w.box = forwarding.NewBox(w.store)
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

func (w *world) run() { w.t.Helper(); w.must(w.runner.RunDue(w.t.Context())) }

// someone is an activated graduate of Lyon with two confirmed addresses, a personal one, preferred, and a professional
// one; tweak changes him first.
func (w *world) someone(first, last string, tweak ...func(*people.Dossier)) people.Dossier {
	w.t.Helper()
	name := strings.ToLower(first)
	d := people.Dossier{
		Person:  people.Person{FirstName: first, BirthSurname: last, Status: people.Graduate, ActivatedAt: noon.AddDate(-1, 0, 0)},
		Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer}},
		Contacts: []people.ContactPoint{
			{Kind: people.Email, Purpose: people.Personal, Value: name + "@exemple.fr", Preferred: true, ConfirmedAt: noon, Origin: "person"},
			{Kind: people.Email, Purpose: people.Professional, Value: name + "@travail.fr", ConfirmedAt: noon, Origin: "person"},
		},
	}
	for _, t := range tweak {
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

func self(d people.Dossier) viewer.Actor {
	return viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: d.ID}, Name: d.Name()}
}

func staffOf(a people.Association, role viewer.RoleName) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a.ID}}}
}

// choose saves targets: address, place, address, place…
func (w *world) choose(d people.Dossier, mode forwarding.Mode, pairs ...string) {
	w.t.Helper()
	own, err := w.store.Own(w.t.Context(), self(d).Viewer)
	w.must(err)
	wish := forwarding.Wish{Mode: mode, Strictness: own.Settings.Strictness, Places: map[string]forwarding.Place{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		wish.Places[pairs[i]] = forwarding.Place(pairs[i+1])
	}
	w.must(w.store.Save(w.t.Context(), self(d), wish, own.Settings.Version()))
}

// message is one that came from a sender who is who he says.
func (w *world) message(from, body string) *inbox.Message {
	m := &inbox.Message{Raw: []byte("From: " + from + "\r\nSubject: Bonjour\r\nMessage-ID: <1@ailleurs.fr>\r\n\r\n" + body + "\r\n"),
		Trace: "Received: from ailleurs.fr\r\n", From: from, Subject: "Bonjour", Key: "1@ailleurs.fr"}
	m.Envelope = inbox.Envelope{ID: id.New(), From: from, At: w.now()}
	if from != "" {
		m.Auth = inbox.Auth{DMARC: inbox.Pass, Domain: from[strings.LastIndexByte(from, '@')+1:]}
	}
	return m
}

// deliver hands messages over as the inbox does: each to a recipient, all in one transaction with their rows. It gives
// the rows' identifiers, and the first refusal.
func (w *world) deliver(box inbox.Box, m *inbox.Message, to ...string) ([]id.ID, error) {
	w.t.Helper()
	var list []inbox.Arrival
	var ids []id.ID
	for _, address := range to {
		rcpt, err := box.Find(w.t.Context(), m.Envelope, address)
		if err != nil {
			return nil, err
		}
		rcpt.Box = box.Name()
		if err := box.Screen(w.t.Context(), m, rcpt); err != nil {
			w.writeDown(w.t.Context(), id.New(), m, rcpt, err)
			return nil, err
		}
		a := inbox.Arrival{ID: id.New(), Message: m, Rcpt: rcpt}
		list, ids = append(list, a), append(ids, a.ID)
	}
	w.must(w.db.Tx(w.t.Context(), func(ctx context.Context) error {
		for _, a := range list {
			w.writeDown(ctx, a.ID, m, a.Rcpt, nil)
		}
		return box.Accept(ctx, list)
	}))
	return ids, nil
}

func (w *world) writeDown(ctx context.Context, slip id.ID, m *inbox.Message, to inbox.Rcpt, refused error) {
	w.t.Helper()
	state, reason := inbox.Taken, ""
	if refused != nil {
		state, reason = inbox.Refused, refused.Error()
	}
	_, err := w.db.Exec(ctx, `INSERT INTO inbox (id, message_id, box, owner_id, recipient, sender, header_from, subject, message_key, size, remote, auth, score, state, reason, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?)`, slip, m.ID, to.Box, to.Owner, to.Address, m.Envelope.From, m.From, m.Subject, m.Key, len(m.Raw),
		db.ToJSON(m.Auth), m.Score, string(state), reason, m.At)
	w.must(err)
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
		out = append(out, strings.TrimSpace(s.Recipient+" "+string(s.State)))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// fate settles deliveries as the outbox does: their rows first, then who watches them, in one transaction.
func (w *world) fate(class mail.Class, list ...sent) {
	w.t.Helper()
	state, reply := outbox.Failed, mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "no such user " + list[0].Recipient, Server: "mx.exemple.fr", Stage: "rcpt"}
	switch class {
	case mail.Delivered:
		state, reply = outbox.Sent, mail.Reply{Code: 250}
	case mail.Temporary:
		state, reply = outbox.Queued, mail.Reply{Code: 450, Text: "greylisted"}
	}
	w.must(w.db.Tx(w.t.Context(), func(ctx context.Context) error {
		var told []outbox.Outcome
		for _, s := range list {
			done := w.now()
			if state == outbox.Queued {
				done = time.Time{}
			}
			if err := w.db.ExecOne(ctx, `UPDATE outbox_deliveries SET state = ?, class = ?, reply = ?, done_at = ?, attempts = attempts + 1 WHERE id = ?`,
				string(state), string(class), db.ToJSON(reply), done, s.ID); err != nil {
				return err
			}
			told = append(told, outbox.Outcome{Parcel: outbox.Parcel{ID: s.ID, Kind: s.Kind, Ref: s.Ref, From: s.Sender, To: s.Recipient,
				Message: func(context.Context) ([]byte, error) { return mail.Prepend(s.Raw, s.Head), nil }}, State: state, Class: class, Reply: reply})
		}
		return forwarding.WatchForwarded(w.store, ctx, told)
	}))
}

// letters are "kind to" of those posted, the oldest first; it forgets them.
func (w *world) letters() []string {
	w.t.Helper()
	list, err := db.All[string](w.t.Context(), w.db, `SELECT concat(kind, ' ', recipient) FROM outbox ORDER BY created_at, id`)
	w.must(err)
	_, err = w.db.Exec(w.t.Context(), `DELETE FROM outbox`)
	w.must(err)
	for i := range list {
		list[i] = strings.TrimPrefix(list[i], "forwarding.")
	}
	return list
}

func (w *world) wantLetters(what string, want ...string) {
	w.t.Helper()
	if got := w.letters(); !slices.Equal(got, want) {
		w.t.Errorf("%s: letters %q, want %q", what, got, want)
	}
}

// actions are what the trail says of a person, the first first.
func (w *world) actions(d people.Dossier) string {
	w.t.Helper()
	l, err := w.trail.ForPerson(w.t.Context(), system, d.Subject(), audit.Page{})
	w.must(err)
	var out []string
	for _, r := range l.Rows {
		out = append(out, strings.TrimPrefix(r.Action, "forwarding."))
	}
	slices.Reverse(out)
	return strings.Join(out, " ")
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
