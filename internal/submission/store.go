package submission

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps are what the store works with.
type Deps struct {
	DB       *db.DB
	People   *people.Store
	Trail    *audit.Trail
	Outbox   *outbox.Outbox
	Arrivals *inbox.Inbox
	Reports  *inbox.Reporter
	Tokens   mail.Tokens
	Origin   string // the canonical address, without a slash at its end
	Now      clock.Clock
	// IsOpen is whether the person has an account that is open.
	IsOpen func(ctx context.Context, person id.ID) (bool, error)
	// ReadAt are the addresses at which the viewer reads the mail of his addresses for life.
	ReadAt func(ctx context.Context, v viewer.Viewer) ([]string, error)
}

// Store keeps the passwords of mail programs, and counts whom people write to in a day.
type Store struct {
	Deps
}

// NewStore makes the store, which from now on hears what becomes of the mail it took.
func NewStore(d Deps) *Store {
	s := &Store{d}
	d.Outbox.Watch(kind, s.watch)
	return s
}

// Own is what somebody sees of his own.
type Own struct {
	Addresses []people.LifetimeAddress
	Passwords []Password
}

// Own is the viewer's.
func (s *Store) Own(ctx context.Context, v viewer.Viewer) (out Own, err error) {
	const op = "submission.Own"
	if err := own(op, v); err != nil {
		return out, err
	}
	if out.Addresses, err = s.addressesOf(ctx, v, v.Person); err != nil {
		return out, errs.Wrap(op, err)
	}
	out.Passwords, err = s.passwords(ctx, v.Person)
	return out, errs.Wrap(op, err)
}

// own refuses whoever asks for another's.
func own(op string, v viewer.Viewer) error {
	if !v.SignedIn() || v.Person.IsZero() {
		return errs.E(op, errs.Forbidden, nil)
	}
	return nil
}

func (s *Store) addressesOf(ctx context.Context, v viewer.Viewer, person id.ID) ([]people.LifetimeAddress, error) {
	as, err := s.People.Associations(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.People.Dossier(ctx, v, person)
	return d.LifetimeAddresses(as), err
}

// passwords: the caller has checked who asks.
func (s *Store) passwords(ctx context.Context, person id.ID) ([]Password, error) {
	return db.All[Password](ctx, s.DB, `SELECT id, name, created_at, used_at FROM forwarding_passwords WHERE person_id = ? ORDER BY created_at, id`, person)
}

// change runs fn on the actor's own passwords, in one transaction with the trail, where fn gives what it says. Of two
// that make one at once the later sees the earlier's, unless it is the first.
func (s *Store) change(ctx context.Context, a viewer.Actor, action string, fn func(ctx context.Context, d people.Dossier) (map[string]any, error)) error {
	if err := own(action, a.Viewer); err != nil {
		return err
	}
	err := s.DB.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.DB.Exec(ctx, `UPDATE forwarding_passwords SET name = name WHERE person_id = ?`, a.Person); err != nil {
			return err
		}
		d, err := s.People.Dossier(ctx, a.Viewer, a.Person)
		if err != nil {
			return err
		}
		detail, err := fn(ctx, d)
		if err != nil {
			return err
		}
		return s.Trail.Record(ctx, audit.Entry{Actor: a.Viewer, ActorName: a.Name, Action: action, Person: d.ID,
			Association: d.NewestAssociation(), Detail: detail})
	})
	return errs.Wrap(action, err)
}

// MakePassword makes a password for one mail program and gives it, this once.
func (s *Store) MakePassword(ctx context.Context, a viewer.Actor, name string) (secret string, err error) {
	name = strings.Join(strings.Fields(name), " ")
	err = s.change(ctx, a, "submission.password_made", func(ctx context.Context, d people.Dossier) (map[string]any, error) {
		f := errs.Fields{}
		if name == "" {
			f.Add("name", "submission.nameless")
		} else if utf8.RuneCountInString(name) > maxName {
			f.Add("name", "submission.too_long", map[string]any{"Max": maxName})
		}
		list, err := s.passwords(ctx, d.ID)
		if err != nil {
			return nil, err
		}
		if len(list) >= mostPasswords {
			f.Add("name", "submission.many", map[string]any{"Max": mostPasswords})
		}
		if err := f.Err(); err != nil {
			return nil, err
		}
		secret = newSecret()
		if _, err := s.DB.Exec(ctx, `INSERT INTO forwarding_passwords (id, person_id, name, hash, created_at) VALUES (?, ?, ?, ?, ?)`,
			id.New(), d.ID, name, secretHash(secret), s.Now()); err != nil {
			return nil, err
		}
		return map[string]any{"name": name}, s.tellPassword(ctx, a, d, name)
	})
	return secret, err
}

// RevokePassword takes a password back: its program can send no more.
func (s *Store) RevokePassword(ctx context.Context, a viewer.Actor, password id.ID) error {
	return s.change(ctx, a, "submission.password_revoked", func(ctx context.Context, d people.Dossier) (map[string]any, error) {
		return nil, s.DB.ExecOne(ctx, `DELETE FROM forwarding_passwords WHERE id = ? AND person_id = ?`, password, d.ID)
	})
}

// RevokePasswords takes back the passwords that were made in a person's name since a moment, as when his account was
// somebody else's for a while; a zero one takes back all. It joins the transaction in the context.
func (s *Store) RevokePasswords(ctx context.Context, person id.ID, since time.Time) error {
	if since.IsZero() {
		since = time.Unix(0, 0) // a zero time is NULL, and nothing is after that
	}
	_, err := s.DB.Exec(ctx, `DELETE FROM forwarding_passwords WHERE person_id = ? AND created_at >= ?`, person, since)
	return errs.Wrap("submission.RevokePasswords", err)
}

// signIn finds whom a login and a password belong to; NotFound when they belong to nobody, or to two.
func (s *Store) signIn(ctx context.Context, login, secret string) (inbox.Admission, error) {
	type row struct {
		ID       id.ID
		PersonID id.ID
		UsedAt   time.Time
	}
	r, err := db.One[row](ctx, s.DB, `
		SELECT w.id, w.person_id, w.used_at FROM forwarding_passwords w JOIN persons p ON p.id = w.person_id JOIN logins l ON l.person_id = p.id
		WHERE w.hash = ? AND l.login_key = ? AND p.status <> 'deceased' AND p.merged_into IS NULL`, secretHash(secret), fold.TypedLogin(login))
	in := inbox.Admission{Account: r.PersonID, Key: r.ID}
	if err != nil || s.Now().Sub(r.UsedAt) < time.Hour {
		return in, err
	}
	_, err = s.DB.Exec(ctx, `UPDATE forwarding_passwords SET used_at = ? WHERE id = ?`, s.Now(), r.ID)
	return in, err
}

// stands reports whether a password is still there and that person's. Who closes an account takes its passwords back.
func (s *Store) stands(ctx context.Context, person, password id.ID) (bool, error) {
	n, err := db.One[int](ctx, s.DB, `SELECT count(*) FROM forwarding_passwords WHERE id = ? AND person_id = ?`, password, person)
	return n > 0, errs.Wrap("submission.stands", err)
}

// nameRecipient counts one more recipient of somebody's today; false when the day's are used up. Each is counted when
// it is named, so that many connections at once cannot go beyond.
func (s *Store) nameRecipient(ctx context.Context, person id.ID) (bool, error) {
	list, err := db.All[int](ctx, s.DB, `
		INSERT INTO forwarding_submissions (person_id, day, named) VALUES (?, ?, 1)
		ON CONFLICT (person_id, day) DO UPDATE SET named = forwarding_submissions.named + 1 WHERE forwarding_submissions.named < ?
		RETURNING named`, person, s.Now().Truncate(24*time.Hour), dailyLimit)
	return len(list) > 0, errs.Wrap("submission.nameRecipient", err)
}

// watch tells people what of their own mail did not arrive.
func (s *Store) watch(ctx context.Context, list []outbox.Outcome) error {
	failed := slices.DeleteFunc(slices.Clone(list), func(o outbox.Outcome) bool { return o.State != outbox.Failed })
	refs := make([]id.ID, len(failed))
	for i, o := range failed {
		refs[i] = o.Ref
	}
	slips, err := s.Arrivals.ByIDs(ctx, refs)
	if err != nil {
		return err
	}
	for _, o := range failed {
		sl, kept := slips[o.Ref]
		if !kept {
			continue
		}
		d := mail.DSN{Class: o.Class, Reply: o.Reply, Original: sl.Original(ctx, o)}
		if err := s.Reports.Report(ctx, sl, mail.DomainOf(sl.Sender), d); err != nil {
			return err
		}
	}
	return nil
}

// countedFor is how long it is kept how many recipients somebody named in a day.
const countedFor = 30 * 24 * time.Hour

// Sweep forgets what is counted no longer.
func (s *Store) Sweep(ctx context.Context) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM forwarding_submissions WHERE day < ?`, s.Now().Add(-countedFor))
	return errs.Wrap("submission.Sweep", err)
}
