package activation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"time"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Link is a way in for one person, which goes to one address and opens once.
type Link struct {
	Person id.ID
	Email  string
	TTL    time.Duration
}

// Links is what activation needs of the accounts.
type Links interface {
	// IssueLink gives the secret of /connexion/mot-de-passe/{token}. It joins the transaction in the context.
	IssueLink(ctx context.Context, l Link) (token string, err error)
	// StopLinks makes the person's links that were not yet used worthless, and ends the sessions begun since.
	StopLinks(ctx context.Context, person id.ID, since time.Time) error
}

// Desk is where a person decides what a machine must not.
type Desk interface {
	// OpenCase lays a case there, in the transaction of the context.
	OpenCase(ctx context.Context, c Case) (id.ID, error)
	// Stopped are those of these persons whose "it was not me" still waits for a decision.
	Stopped(ctx context.Context, persons []id.ID) ([]id.ID, error)
}

// MayInviteFunc reports whether a member of the staff may send a link that opens or reopens a person's account: who
// keeps a desk must not come into an account that may do more than his own.
type MayInviteFunc func(ctx context.Context, v viewer.Viewer, person id.ID) (bool, error)

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Queue  *jobs.Queue
	Trail  *audit.Trail
	Post   *outbox.Outbox
	Desk   Desk
	Links  Links
	// MayInvite is asked before the staff sends a link. Without it only the federation's admins may send one to
	// somebody whose account was opened before.
	MayInvite MayInviteFunc
	Bundle    *i18n.Bundle
	Origin    string // the canonical address, without a slash at its end
	Now       clock.Clock
}

// Store keeps requests.
type Store struct {
	db     *db.DB
	people *people.Store
	queue  *jobs.Queue
	trail  *audit.Trail
	post   *outbox.Outbox
	desk   Desk
	links  Links
	invite MayInviteFunc
	bundle *i18n.Bundle
	origin string
	now    clock.Clock
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	return &Store{db: d.DB, people: d.People, queue: d.Queue, trail: d.Trail, post: d.Post, desk: d.Desk, links: d.Links,
		invite: d.MayInvite, bundle: d.Bundle, origin: d.Origin, now: d.Now}
}

const decideJob = "activation.decide"

// request is what the job decides.
type request struct {
	ID    id.ID        `json:"id"`
	Claim people.Claim `json:"claim"`
	Lang  string       `json:"lang"`
}

// Ask takes a request for activation. It reads nothing of the base and writes one job, whoever is asked for.
func (s *Store) Ask(ctx context.Context, claim people.Claim, lang string) error {
	if err := claim.Validate(s.now()); err != nil {
		return err
	}
	return s.queue.Add(ctx, decideJob, request{id.New(), claim, lang}, jobs.Options{UniqueKey: claimKey(claim)})
}

// claimKey is the same for the same claim, asked again. It is a digest: keys stand in logs.
func claimKey(c people.Claim) string {
	phone, _ := fold.Phone(c.Phone, "")
	return digest(c.Target() + "\x00" + fold.Email(c.Email) + "\x00" + phone)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// secret is a new token and the digest that is kept of it.
func secret() (token, kept string, err error) {
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", "", errs.E("activation.secret", errs.Internal, err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, digest(token), nil
}

// decide does what the rule says about a request, once, however often the job runs.
func (s *Store) decide(ctx context.Context, q request) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		n, err := s.db.Exec(ctx, `INSERT INTO activations (id, outcome, email, created_at) VALUES (?, '', '', ?) ON CONFLICT (id) DO NOTHING`, q.ID, s.now())
		if err != nil || n == 0 {
			return err
		}
		candidates, err := s.candidates(ctx, q.Claim)
		if err != nil {
			return err
		}
		d := Decide(q.Claim, candidates)
		if d.To != "" && !deliverable(d.To) {
			d = Decision{Verb: OpenCase, Reason: Unreachable, Person: d.Person, Association: d.Association}
		}
		switch d.Verb {
		case SendLink:
			return s.sendLink(ctx, sending{request: q.ID, person: d.Person, to: d.To, notify: d.Notify, lang: q.Lang, by: robot(), association: d.Association})
		case SayAlready:
			return s.sayAlready(ctx, q, d)
		case OpenCase:
			return s.openForClaim(ctx, q, d)
		}
		return s.settle(ctx, settled{request: q.ID, person: d.Person, outcome: string(StaySilent)})
	})
	return errs.Wrap("activation.decide", err)
}

// robot is background work as the trail shows it.
func robot() viewer.Actor { return viewer.Actor{Viewer: viewer.ForSystem("activation")} }

// candidates are those whom the claim may mean.
func (s *Store) candidates(ctx context.Context, claim people.Claim) ([]Candidate, error) {
	system := robot().Viewer
	named, err := s.people.PersonsByName(ctx, system, claim.Surname, claim.Year)
	if err != nil {
		return nil, err
	}
	key := fold.Email(claim.Email)
	byEmail, err := s.people.PersonsByContact(ctx, system, key)
	if err != nil {
		return nil, err
	}
	ids := slices.Clone(named)
	for _, p := range byEmail[key] {
		if !slices.Contains(ids, p) {
			ids = append(ids, p)
		}
	}
	dossiers, err := s.people.Dossiers(ctx, system, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Candidate, len(dossiers))
	for i, d := range dossiers {
		out[i] = CandidateOf(claim, d)
		out[i].Elsewhere = !slices.Contains(named, d.ID)
	}
	return out, s.addHistory(ctx, out)
}

// addHistory notes who stopped an activation and how many links left in the last day.
func (s *Store) addHistory(ctx context.Context, list []Candidate) error {
	type row struct {
		PersonID id.ID
		N        int
	}
	at := make(map[id.ID]int, len(list))
	persons := make([]id.ID, len(list))
	for i, c := range list {
		at[c.Person], persons[i] = i, c.Person
	}
	stopped, err := s.desk.Stopped(ctx, persons)
	if err != nil {
		return err
	}
	for _, p := range stopped {
		list[at[p]].Stopped = true
	}
	return db.Each(ctx, s.db, `SELECT person_id, count(*) AS n FROM activations
		WHERE outcome IN ('link', 'already') AND created_at > ? AND person_id IN (`+db.In(len(persons))+`) GROUP BY person_id`, append([]any{s.now().Add(-day)}, db.Args(persons)...), func(r *row) error { list[at[r.PersonID]].Links = r.N; return nil })
}

// settled is what became of a request.
type settled struct {
	request  id.ID
	person   id.ID
	caseID   id.ID
	outcome  string
	email    string
	stopHash string
}

func (s *Store) settle(ctx context.Context, r settled) error {
	var stop any
	if r.stopHash != "" {
		stop = r.stopHash
	}
	return s.db.ExecOne(ctx, `UPDATE activations SET person_id = ?, case_id = ?, outcome = ?, email = ?, stop_hash = ? WHERE id = ?`,
		r.person, r.caseID, r.outcome, r.email, stop, r.request)
}

// sending is a link about to leave.
type sending struct {
	request     id.ID // its row in activations
	caseID      id.ID // zero when no case led to it
	person      id.ID
	to          string
	notify      []string // the other addresses held
	lang        string
	by          viewer.Actor
	association id.ID
}

// sendLink issues the link, sends it, and tells the other addresses.
func (s *Store) sendLink(ctx context.Context, w sending) error {
	d, err := s.people.Dossier(ctx, robot().Viewer, w.person)
	if err != nil {
		return err
	}
	token, err := s.links.IssueLink(ctx, Link{Person: w.person, Email: w.to, TTL: LinkTTL})
	if err != nil {
		return err
	}
	stop, stopHash, err := secret()
	if err != nil {
		return err
	}
	if err := s.mailLink(ctx, d, w, token); err != nil {
		return err
	}
	notices, err := s.mailNotices(ctx, d, w, stop)
	if err != nil {
		return err
	}
	outcome := string(SendLink)
	if !w.caseID.IsZero() {
		outcome = "staff"
	}
	if err := s.settle(ctx, settled{w.request, w.person, w.caseID, outcome, w.to, stopHash}); err != nil {
		return err
	}
	return s.trail.Record(ctx, audit.Entry{Actor: w.by.Viewer, ActorName: w.by.Name, Action: "activation.link_sent", Person: w.person,
		Object: object(w.caseID), Association: w.association, Detail: map[string]any{"notices": notices}})
}

// sayAlready tells the owner of an open account how to sign in.
func (s *Store) sayAlready(ctx context.Context, q request, d Decision) error {
	dossier, err := s.people.Dossier(ctx, robot().Viewer, d.Person)
	if err != nil {
		return err
	}
	if err := s.mailAlready(ctx, dossier, d.To, q.Lang); err != nil {
		return err
	}
	if err := s.settle(ctx, settled{request: q.ID, person: d.Person, outcome: string(SayAlready), email: d.To}); err != nil {
		return err
	}
	return s.trail.Record(ctx, audit.Entry{Actor: robot().Viewer, Action: "activation.already", Person: d.Person, Association: d.Association})
}

// openForClaim puts a claim on the desk.
func (s *Store) openForClaim(ctx context.Context, q request, d Decision) error {
	c, err := s.desk.OpenCase(ctx, Case{Kind: Activation, Association: d.Association, Person: d.Person, UniqueKey: "claim:" + claimKey(q.Claim),
		Reason: d.Reason, Claim: q.Claim, Lang: q.Lang})
	if err != nil {
		return err
	}
	return s.settle(ctx, settled{request: q.ID, person: d.Person, caseID: c, outcome: string(OpenCase)})
}

// otherEmails are a person's addresses besides one.
func otherEmails(d people.Dossier, but string) []string {
	var out []string
	for _, c := range d.Contacts {
		if c.Kind == people.Email && c.ValueKey != fold.Email(but) {
			out = append(out, c.Value)
		}
	}
	return out
}

// object is how the trail names a case.
func object(caseID id.ID) string {
	if caseID.IsZero() {
		return ""
	}
	return "case:" + caseID.String()
}
