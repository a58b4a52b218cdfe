package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Invitation is a link into an account that a decision sends.
type Invitation struct {
	Person      id.ID
	Email       string
	Lang        string
	Case        id.ID // zero on the telephone
	Association id.ID // whose desk it is
}

// Links is what the desk needs of activation. All join the transaction in the context.
type Links interface {
	// Invite sends the link, and refuses one that the actor may not send.
	Invite(ctx context.Context, by viewer.Actor, i Invitation) error
	// MayInvite refuses what touches an account that may do more than the actor, or of somebody whose desk he does not keep.
	MayInvite(ctx context.Context, by viewer.Actor, d people.Dossier) error
	// StopLinks makes the person's links that were not yet used worthless, and ends the sessions begun since.
	StopLinks(ctx context.Context, person id.ID, since time.Time) error
}

// Holder is somebody of the staff, and how to write to him.
type Holder struct {
	Name  string
	Email string // "" when none is known
	Lang  string // "" when never chosen
}

// Staff says whom an alarm reaches.
type Staff interface {
	// AccountsWithRole are those who hold a role at an association; a zero one is for roles of the federation.
	AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]Holder, error)
}

// MergeFunc makes two persons one, with all that every feature holds of them.
type MergeFunc func(ctx context.Context, v viewer.Viewer, from, into id.ID) error

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Queue  *jobs.Queue
	Trail  *audit.Trail
	Post   *outbox.Outbox
	Files  blob.Store
	Links  Links
	Staff  Staff
	Merge  MergeFunc
	Bundle *i18n.Bundle
	Origin string // the canonical address, without a slash at its end
	Now    clock.Clock
}

// Store keeps cases.
type Store struct {
	db     *db.DB
	people *people.Store
	queue  *jobs.Queue
	trail  *audit.Trail
	post   *outbox.Outbox
	files  blob.Store
	links  Links
	staff  Staff
	merge  MergeFunc
	bundle *i18n.Bundle
	origin string
	now    clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	return &Store{db: d.DB, people: d.People, queue: d.Queue, trail: d.Trail, post: d.Post, files: d.Files, links: d.Links, staff: d.Staff,
		merge: d.Merge, bundle: d.Bundle, origin: d.Origin, now: d.Now}
}

// robot is background work as the trail shows it: claims and their cases go by one name there.
func robot() viewer.Viewer { return viewer.ForSystem("activation") }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// secret is a new token and the digest that is kept of it.
func secret() (token, kept string, err error) {
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", "", errs.E("desk.secret", errs.Internal, err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, digest(token), nil
}

// object is how the trail names a case.
func object(caseID id.ID) string { return "case:" + caseID.String() }
