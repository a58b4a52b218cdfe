package accounts

import (
	"context"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// How long a browser or an address counts as one the account is opened from, and how long sign-ins are kept.
const (
	knownFor    = 180 * 24 * time.Hour
	keepSignIns = 365 * 24 * time.Hour
	keepFailed  = 30 * 24 * time.Hour
)

func cutAddress(email string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return "", "", false
	}
	return email[:at], email[at+1:], true
}

// Known reports whether the account was opened before from this browser (the hash of its secret) and from this
// address. For a zero account it does the same work.
func (s *Store) Known(ctx context.Context, account id.ID, device, ip string) (browser, address bool, err error) {
	type row struct{ Browser, Address bool }
	since := s.now().Add(-knownFor)
	r, err := db.One[row](ctx, s.db, `
		SELECT EXISTS (SELECT 1 FROM devices WHERE token_hash = ? AND account_id = ? AND used_at > ?) AS browser,
			EXISTS (SELECT 1 FROM sign_ins WHERE account_id = ? AND ok AND at > ? AND ip = ?) AS address`,
		device, account.String(), since, account.String(), since, ip)
	return r.Browser, r.Address, errs.Wrap("accounts.Known", err)
}

// Failed notes a sign-in that failed; a zero account stands for one that nobody has and costs the same.
func (s *Store) Failed(ctx context.Context, account id.ID, e Entry) error {
	return s.insertEntry(ctx, account, e, false)
}

func (s *Store) insertEntry(ctx context.Context, account id.ID, e Entry, ok bool) error {
	_, err := s.db.Exec(ctx, `INSERT INTO sign_ins (id, account_id, at, how, ok, ip, user_agent) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id.New(), account, s.now(), string(e.How), ok, e.IP, cut(e.UserAgent, 300))
	return errs.Wrap("accounts.insertEntry", err)
}

func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// Entered notes a sign-in: it opens the session, remembers the browser (the hash of its secret), activates the person
// the first time, and sends the letter that the holder may have asked for. One transaction: a sign-in waits for the
// disk once.
func (s *Store) Entered(ctx context.Context, a Account, e Entry, device string, open func(context.Context) error) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		now := s.now()
		if err := open(ctx); err != nil {
			return err
		}
		if err := s.insertEntry(ctx, a.ID, e, true); err != nil {
			return err
		}
		if err := s.db.ExecOne(ctx, `UPDATE accounts SET signed_in_at = ? WHERE id = ? AND disabled_at IS NULL`, now, a.ID); err != nil {
			return errs.Wrap("accounts.Entered", err)
		}
		n, err := s.db.Exec(ctx, `UPDATE devices SET used_at = ? WHERE token_hash = ? AND account_id = ?`, now, device, a.ID)
		if err != nil {
			return errs.Wrap("accounts.Entered", err)
		}
		if n == 0 {
			if _, err := s.db.Exec(ctx, `INSERT INTO devices (token_hash, account_id, created_at, used_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				device, a.ID, now, now); err != nil {
				return errs.Wrap("accounts.Entered", err)
			}
			if a.Notice && !a.SignedInAt.IsZero() {
				if err := s.o.Letters.newDevice(ctx, s, a, e); err != nil {
					return err
				}
			}
		}
		if a.Person.IsZero() {
			return nil
		}
		return s.people.Activate(ctx, a.Person)
	})
}

// Welcome reports whether an account's holder may come in at all: it is open, and the person is alive and not
// merged. NotFound otherwise.
func (s *Store) Welcome(ctx context.Context, a Account) error {
	if !a.Open() || a.ID.IsZero() {
		return errs.E("accounts.Welcome", errs.NotFound, nil)
	}
	if a.Person.IsZero() {
		return nil
	}
	standing, err := s.people.StandingOf(ctx, a.Person)
	if err != nil {
		return errs.Wrap("accounts.Welcome", err)
	}
	if standing.Status == people.Deceased {
		return errs.E("accounts.Welcome", errs.NotFound, nil)
	}
	return nil
}

// Entries are an account's latest sign-ins: the good ones, and apart from them those that failed, so that guessing
// does not push the good ones out of sight. Only the holder sees them.
func (s *Store) Entries(ctx context.Context, v viewer.Viewer, limit int) (good, failed []Entry, err error) {
	for _, ok := range []bool{true, false} {
		list, err := db.All[Entry](ctx, s.db, `
			SELECT at, how, ok, ip, user_agent FROM sign_ins WHERE account_id = ? AND ok = ? ORDER BY at DESC, id DESC LIMIT ?`, v.Account.String(), ok, limit)
		if err != nil {
			return nil, nil, errs.Wrap("accounts.Entries", err)
		}
		if ok {
			good = list
		} else {
			failed = list
		}
	}
	return good, failed, nil
}

// Sweep forgets what is over: links, old sign-ins, browsers long unseen. A periodic job calls it.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.now()
	for _, step := range []struct {
		q    string
		args []any
	}{
		{`DELETE FROM links WHERE expires_at < ?`, []any{now.Add(-7 * 24 * time.Hour)}},
		{`DELETE FROM sign_ins WHERE at < ?`, []any{now.Add(-keepSignIns)}},
		{`DELETE FROM sign_ins WHERE at < ? AND NOT ok`, []any{now.Add(-keepFailed)}},
		{`DELETE FROM devices WHERE used_at < ?`, []any{now.Add(-knownFor)}},
	} {
		if _, err := s.db.Exec(ctx, step.q, step.args...); err != nil {
			return errs.Wrap("accounts.Sweep", err)
		}
	}
	return nil
}
