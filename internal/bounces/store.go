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

// Ambassador is a volunteer who looks after a class, and how to write to him.
type Ambassador struct {
	Person id.ID
	Viewer viewer.Viewer // as he looks at his classmates
	Name   string        // first name
	Email  string
	Lang   string // "" when never chosen
	Stop   string // the address that ends these letters to him, by a POST too (RFC 8058)
}

// Ambassadors says who looks after a class.
type Ambassadors interface {
	// OfClasses are those of some classes of an association who wish to hear of people that are lost, by year.
	OfClasses(ctx context.Context, association id.ID, years []int) (map[int][]Ambassador, error)
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
	// Ambassadors are told of people of their classes; nil: there are none.
	Ambassadors Ambassadors
	// AmbassadorPath is where an ambassador reads what he is, and stops.
	AmbassadorPath string
	Bundle         *i18n.Bundle
	Origin         string // the canonical address, without a slash at its end
	Now            clock.Clock
}

// Store keeps what came back, and acts on it.
type Store struct {
	db             *db.DB
	people         *people.Store
	queue          *jobs.Queue
	trail          *audit.Trail
	post           *outbox.Outbox
	forwarding     Forwarder
	staff          Staff
	ambassadors    Ambassadors
	ambassadorPath string
	bundle         *i18n.Bundle
	origin         string
	now            clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	if d.Forwarding == nil {
		d.Forwarding = nothingForwarded{}
	}
	if d.Ambassadors == nil {
		d.Ambassadors = noAmbassadors{}
	}
	return &Store{db: d.DB, people: d.People, queue: d.Queue, trail: d.Trail, post: d.Post, forwarding: d.Forwarding, staff: d.Staff,
		ambassadors: d.Ambassadors, ambassadorPath: d.AmbassadorPath, bundle: d.Bundle, origin: d.Origin, now: d.Now}
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

// noAmbassadors stands where nobody looks after a class.
type noAmbassadors struct{}

func (noAmbassadors) OfClasses(context.Context, id.ID, []int) (map[int][]Ambassador, error) {
	return nil, nil
}

// robot is background work as the trail shows it.
func robot() viewer.Viewer { return viewer.ForSystem("address-health") }

// today is the day that is not over.
func (s *Store) today() time.Time { return dayOf(s.now()) }

// once reports whether a letter of those that leave once a day has not left, and notes that it does.
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
