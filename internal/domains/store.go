package domains

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/mail"
)

// Store keeps keys and secrets. One a process.
type Store struct {
	db  *db.DB
	now clock.Clock

	mu   sync.Mutex
	keys map[owner][]Key
	read map[owner]time.Time
}

// owner is whose mail a key signs.
type owner struct {
	domain string
	stream mail.Stream
}

// keepKeys is for how long keys are used from memory: a new one is seen by the other processes after that.
const keepKeys = time.Minute

// NewStore makes the store.
func NewStore(d *db.DB, now clock.Clock) *Store {
	return &Store{db: d, now: now, keys: map[owner][]Key{}, read: map[owner]time.Time{}}
}

// Secret is 32 random bytes under a name, the same in every process and for ever: made when first asked for.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // since Go 1.24 it does not fail: the process ends
	_, err := s.db.Exec(ctx, `INSERT INTO mail_secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`, name, base64.StdEncoding.EncodeToString(raw))
	if err != nil {
		return nil, errs.Wrap("domains.Secret "+name, err)
	}
	value, err := db.One[string](ctx, s.db, `SELECT value FROM mail_secrets WHERE name = ?`, name)
	if err != nil {
		return nil, errs.Wrap("domains.Secret "+name, err)
	}
	raw, err = base64.StdEncoding.DecodeString(value)
	return raw, errs.Wrap("domains.Secret "+name, err)
}

// Keys are those of a domain's stream, the active first, then the newest; made now where there is no active one.
func (s *Store) Keys(ctx context.Context, domain string, stream mail.Stream) ([]Key, error) {
	o := owner{lower(domain), stream}
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.keys[o]; len(list) > 0 && s.now().Sub(s.read[o]) < keepKeys {
		return list, nil
	}
	list, err := s.load(ctx, o)
	if err == nil && !active(list) {
		if err = s.make(ctx, o); err == nil {
			list, err = s.load(ctx, o)
		}
	}
	if err != nil {
		return nil, errs.Wrap("domains.Keys "+o.domain, err)
	}
	s.keys[o], s.read[o] = list, s.now()
	return list, nil
}

func active(list []Key) bool { return len(list) > 0 && list[0].Active }

func (s *Store) load(ctx context.Context, o owner) ([]Key, error) {
	type row struct {
		Key
		Private string
	}
	var out []Key
	err := db.Each(ctx, s.db, `
		SELECT id, domain, stream, selector, algorithm, active, created_at, private FROM dkim_keys
		WHERE domain = ? AND stream = ? ORDER BY CASE WHEN active THEN 0 ELSE 1 END, created_at DESC, algorithm`,
		[]any{o.domain, string(o.stream)}, func(r *row) error {
			if err := r.open(r.Private); err != nil {
				return err
			}
			out = append(out, r.Key)
			return nil
		})
	return out, err
}

// make writes a pair of keys. Of two processes that find none at once, the first to commit wins.
func (s *Store) make(ctx context.Context, o owner) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		// A row that every maker of this owner's keys must have: the second waits here, and finds the first's keys.
		if _, err := s.db.Exec(ctx, `INSERT INTO mail_secrets (name, value) VALUES (?, '') ON CONFLICT (name) DO UPDATE SET value = ''`,
			"keys of "+o.domain+" "+string(o.stream)); err != nil {
			return err
		}
		if list, err := s.load(ctx, o); err != nil || active(list) {
			return err
		}
		return s.insertPair(ctx, o)
	})
}

func (s *Store) insertPair(ctx context.Context, o owner) error {
	for _, a := range []Algorithm{RSA, Ed25519} {
		k, private, err := newKey(o.domain, o.stream, a, s.now())
		if err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `INSERT INTO dkim_keys (id, domain, stream, selector, algorithm, private, active, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, k.ID, k.Domain, string(k.Stream), k.Selector, string(k.Algorithm), private, true, k.CreatedAt); err != nil {
			return err
		}
	}
	return nil
}

// oldKeys is for how long a key that signs no more stays published: mail that it signed may still be on its way.
const oldKeys = 7 * 24 * time.Hour

// Rotate makes new keys for a domain's stream, which sign from now on, and forgets those retired more than a week ago.
// Their records must be in the DNS before.
func (s *Store) Rotate(ctx context.Context, domain string, stream mail.Stream) error {
	o := owner{lower(domain), stream}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `DELETE FROM dkim_keys WHERE domain = ? AND stream = ? AND NOT active AND created_at < ?`,
			o.domain, string(o.stream), s.now().Add(-oldKeys)); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `UPDATE dkim_keys SET active = FALSE WHERE domain = ? AND stream = ?`, o.domain, string(o.stream)); err != nil {
			return err
		}
		return s.insertPair(ctx, o)
	})
	s.mu.Lock()
	delete(s.keys, o)
	s.mu.Unlock()
	return errs.Wrap("domains.Rotate "+o.domain, err)
}
