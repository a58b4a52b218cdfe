package domains

import (
	"context"
	"crypto"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

const keyColumns = `id, domain, stream, selector, algorithm, private, active, created_at, retired_at`

// Keys are the domain's keys of all streams whose records must be published, the newest first.
func (s *Store) Keys(ctx context.Context, domain string) ([]Key, error) {
	list, err := s.keys(ctx, domain)
	if err != nil {
		return nil, errs.Wrap("domains.Keys "+domain, err)
	}
	over := s.now().Add(-Published)
	return slices.DeleteFunc(list, func(k Key) bool { return !k.RetiredAt.IsZero() && k.RetiredAt.Before(over) }), nil
}

func (s *Store) keys(ctx context.Context, domain string) ([]Key, error) {
	type row struct {
		Key
		Private string
	}
	rows, err := db.All[row](ctx, s.db, `SELECT `+keyColumns+` FROM dkim_keys WHERE domain = ? ORDER BY created_at DESC, selector`, domain)
	if err != nil {
		return nil, err
	}
	out := make([]Key, len(rows))
	for i, r := range rows {
		out[i] = r.Key
		if out[i].private, err = decodePrivate(r.Private); err != nil {
			return nil, errs.Wrap("key "+r.Selector, err)
		}
	}
	return out, nil
}

// of are the keys of one stream.
func of(list []Key, sender Sender, which func(Key) bool) (out []Key) {
	for _, k := range list {
		if k.Sender == sender && which(k) {
			out = append(out, k)
		}
	}
	return out
}

// SigningKeys are the keys that sign for a sender now, one an algorithm; they are made when there are none.
func (s *Store) SigningKeys(ctx context.Context, sender Sender) ([]Key, error) {
	active := func(k Key) bool { return k.Active }
	list, err := s.keys(ctx, sender.Domain)
	if err == nil && len(of(list, sender, active)) == 0 {
		list, err = s.ensure(ctx, sender, active)
	}
	if err != nil {
		return nil, errs.Wrap("domains.SigningKeys "+sender.Domain, err)
	}
	return of(list, sender, active), nil
}

// Rotate makes the keys that are to follow a sender's present ones. They sign once Activate is called, best after
// their records are published. Where some wait already those are the answer.
func (s *Store) Rotate(ctx context.Context, sender Sender) ([]Key, error) {
	list, err := s.ensure(ctx, sender, Key.Waits)
	if err != nil {
		return nil, errs.Wrap("domains.Rotate "+sender.Domain, err)
	}
	return of(list, sender, Key.Waits), nil
}

// ensure adds a pair of keys for a sender unless it has one of the kind asked for, and gives all keys of the domain.
// A sender's first pair is active, for nothing signs yet.
func (s *Store) ensure(ctx context.Context, sender Sender, have func(Key) bool) ([]Key, error) {
	pair := map[Algorithm]crypto.Signer{}
	for _, a := range []Algorithm{RSA, Ed25519} { // before the transaction: RSA takes some tenths of a second
		k, err := generate(a)
		if err != nil {
			return nil, err
		}
		pair[a] = k
	}
	for {
		var list []Key
		made := false
		err := s.db.Tx(ctx, func(ctx context.Context) (err error) {
			if list, err = s.keys(ctx, sender.Domain); err != nil || len(of(list, sender, have)) > 0 {
				return err
			}
			made, err = s.insertPair(ctx, sender, list, pair)
			return err
		})
		if err != nil || !made && len(of(list, sender, have)) > 0 {
			return list, err
		} // else look again: at what was made here, or at what another process made meanwhile under the same name
	}
}

func (s *Store) insertPair(ctx context.Context, sender Sender, list []Key, pair map[Algorithm]crypto.Signer) (bool, error) {
	taken := make([]string, len(list))
	for i, k := range list {
		taken[i] = k.Selector
	}
	now := s.now()
	active := len(of(list, sender, func(k Key) bool { return k.Active })) == 0
	names := nextSelectors(now.Year(), taken)
	for _, a := range []Algorithm{RSA, Ed25519} {
		text, err := encodePrivate(pair[a])
		if err != nil {
			return false, err
		}
		n, err := s.db.Exec(ctx, `
			INSERT INTO dkim_keys (id, domain, stream, selector, algorithm, private, active, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (domain, selector) DO NOTHING`,
			id.New(), sender.Domain, string(sender.Stream), names[a], string(a), text, active, now)
		if err != nil || n == 0 {
			return false, err
		}
	}
	return true, nil
}

// Activate lets a sender's waiting keys sign and retires the ones before; without waiting keys it changes nothing.
func (s *Store) Activate(ctx context.Context, sender Sender) error {
	now := s.now()
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		waiting, err := db.One[int](ctx, s.db, `
			SELECT count(*) FROM dkim_keys WHERE domain = ? AND stream = ? AND active = FALSE AND retired_at IS NULL`,
			sender.Domain, string(sender.Stream))
		if err != nil || waiting == 0 {
			return err
		}
		if _, err := s.db.Exec(ctx, `
			UPDATE dkim_keys SET active = FALSE, retired_at = ? WHERE domain = ? AND stream = ? AND active = TRUE`,
			now, sender.Domain, string(sender.Stream)); err != nil {
			return err
		}
		_, err = s.db.Exec(ctx, `
			UPDATE dkim_keys SET active = TRUE WHERE domain = ? AND stream = ? AND active = FALSE AND retired_at IS NULL`,
			sender.Domain, string(sender.Stream))
		return err
	})
	return errs.Wrap("domains.Activate "+sender.Domain, err)
}

// Sweep forgets the keys whose records nobody needs any more.
func (s *Store) Sweep(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM dkim_keys WHERE retired_at < ?`, s.now().Add(-Published).Add(-24*time.Hour))
	return errs.Wrap("domains.Sweep", err)
}
