package bounces

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/clock"
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

// Rerouted is what became of the mail that was passed on to an address that broke.
type Rerouted struct {
	Target bool   // mail was passed on to it
	Took   string // the reserve that takes over; "" where none was named, and mail waits
}

// Forwarder passes mail on to people's own addresses. All join the transaction in the context.
type Forwarder interface {
	// AddressBroken stops passing a person's mail on to an address. The person is zero for those whose target it is and
	// who do not have it among their own: NotFound says that there is nobody.
	AddressBroken(ctx context.Context, person id.ID, address string) (Rerouted, error)
	// AddressWorks takes that back.
	AddressWorks(ctx context.Context, person id.ID, address string) error
	// Returned tells of a report on a message that had been passed on, long after a server took it. Of class Temporary
	// it may be a notice of delay: only a reply that is permanent ends the delivery.
	Returned(ctx context.Context, delivery id.ID, class mail.Class, reply mail.Reply) error
}

// Holder is somebody of the staff, and how to write to him.
type Holder struct {
	Name  string
	Email string // "" when none is known
	Lang  string // "" when never chosen
}

// Staff says whom to alert, and in which language people read.
type Staff interface {
	// AccountsWithRole are those who hold a role at an association; a zero one is for roles of the federation.
	AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]Holder, error)
	// LangOf is the language that a person chose; "" when he never did.
	LangOf(ctx context.Context, person id.ID) (string, error)
}

// Deps is what the store is made of.
type Deps struct {
	DB         *db.DB
	People     *people.Store
	Queue      *jobs.Queue
	Trail      *audit.Trail
	Post       *outbox.Outbox
	Forwarding Forwarder // nil: no mail is passed on here
	Staff      Staff
	Bundle     *i18n.Bundle
	Origin     string // the canonical address, without a slash at its end
	Now        clock.Clock
}

// Store keeps what came back, and acts on it.
type Store struct {
	db         *db.DB
	people     *people.Store
	queue      *jobs.Queue
	trail      *audit.Trail
	post       *outbox.Outbox
	forwarding Forwarder
	staff      Staff
	bundle     *i18n.Bundle
	origin     string
	now        clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	if d.Forwarding == nil {
		d.Forwarding = nothingForwarded{}
	}
	return &Store{db: d.DB, people: d.People, queue: d.Queue, trail: d.Trail, post: d.Post, forwarding: d.Forwarding, staff: d.Staff,
		bundle: d.Bundle, origin: d.Origin, now: d.Now}
}

// nothingForwarded stands where no mail is passed on.
type nothingForwarded struct{}

func (nothingForwarded) AddressBroken(context.Context, id.ID, string) (Rerouted, error) {
	return Rerouted{}, nil
}
func (nothingForwarded) AddressWorks(context.Context, id.ID, string) error { return nil }
func (nothingForwarded) Returned(context.Context, id.ID, mail.Class, mail.Reply) error {
	return nil
}

// robot is background work as the trail shows it.
func robot() viewer.Viewer { return viewer.ForSystem("address-health") }

// today is the day that is not over.
func (s *Store) today() time.Time { return dayOf(s.now()) }

// once reports whether a letter to the staff has not left today, and notes that it does.
func (s *Store) once(ctx context.Context, name string, on time.Time) (bool, error) {
	n, err := s.db.Exec(ctx, `INSERT INTO bounce_notices (name, day) VALUES (?, ?) ON CONFLICT (name, day) DO NOTHING`, name, dayOf(on))
	return n > 0, err
}

// sweep forgets what is too old to count, and in time what was settled.
func (s *Store) sweep(ctx context.Context) error {
	uncounted, settled := s.now().Add(-keepFor), s.now().Add(-keepSettled)
	for _, q := range []struct {
		text   string
		before time.Time
	}{
		{`DELETE FROM bounce_failures WHERE hour < ?`, uncounted},
		{`DELETE FROM bounce_reports WHERE at < ?`, uncounted},
		{`DELETE FROM bounce_notices WHERE day < ?`, uncounted},
		{`DELETE FROM bounce_switches WHERE ended_at < ?`, settled},
		{`DELETE FROM bounce_claims WHERE at < ?`, settled},
	} {
		if _, err := s.db.Exec(ctx, q.text, q.before); err != nil {
			return errs.Wrap("bounces.sweep", err)
		}
	}
	return nil
}
