package forwarding

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// Password lets a mail program send as its owner's addresses for life.
type Password struct {
	ID        id.ID
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time // to the hour; zero: never
}

const (
	mostPasswords = 10
	maxName       = 60 // characters
)

var secretText = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding) // no l, o, 0, 1

// newSecret is 100 random bits in four groups of five: abcde-fghij-kmnpq-rstuv.
func newSecret() string {
	raw := make([]byte, 13)
	_, _ = rand.Read(raw) // since Go 1.24 it does not fail: the process ends
	s := secretText.EncodeToString(raw)
	return s[:5] + "-" + s[5:10] + "-" + s[10:15] + "-" + s[15:20]
}

// secretHash is what is kept of a secret, in any form people type it. It holds too much chance to be guessed from the
// hash, which therefore need not be slow.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(secret))))
	return hex.EncodeToString(sum[:])
}

func (s *Store) passwords(ctx context.Context, person id.ID) ([]Password, error) {
	return db.All[Password](ctx, s.DB, `SELECT id, name, created_at, used_at FROM forwarding_passwords WHERE person_id = ? ORDER BY created_at, id`, person)
}

// MakePassword makes a password for one mail program and gives it, this once.
func (s *Store) MakePassword(ctx context.Context, a Actor, name string) (secret string, err error) {
	name = strings.Join(strings.Fields(name), " ")
	err = s.change(ctx, a, "forwarding.password_made", func(ctx context.Context, d people.Dossier, h holder, _ people.Associations) (did, error) {
		f := errs.Fields{}
		if name == "" {
			f.Add("name", "forwarding.password_nameless")
		} else if utf8.RuneCountInString(name) > maxName {
			f.Add("name", "forwarding.too_long", map[string]any{"Max": maxName})
		}
		list, err := s.passwords(ctx, d.ID)
		if err != nil {
			return did{}, err
		}
		if len(list) >= mostPasswords {
			f.Add("name", "forwarding.password_many", map[string]any{"Max": mostPasswords})
		}
		if err := f.Err(); err != nil {
			return did{}, err
		}
		secret = newSecret()
		if _, err := s.DB.Exec(ctx, `INSERT INTO forwarding_passwords (id, person_id, name, hash, created_at) VALUES (?, ?, ?, ?, ?)`,
			id.New(), d.ID, name, secretHash(secret), s.Now()); err != nil {
			return did{}, err
		}
		return did{true, map[string]any{"name": name}}, s.tellPassword(ctx, d, h.Settings, name)
	})
	return secret, err
}

// RevokePassword takes a password back: its program can send no more.
func (s *Store) RevokePassword(ctx context.Context, a Actor, password id.ID) error {
	return s.change(ctx, a, "forwarding.password_revoked", func(ctx context.Context, d people.Dossier, _ holder, _ people.Associations) (did, error) {
		err := s.DB.ExecOne(ctx, `DELETE FROM forwarding_passwords WHERE id = ? AND person_id = ?`, password, d.ID)
		return did{true, nil}, err
	})
}

// RevokePasswords takes back the passwords that were made in a person's name since a moment, as when his account was
// somebody else's for a while; a zero one takes back all. It joins the transaction in the context.
func (s *Store) RevokePasswords(ctx context.Context, person id.ID, since time.Time) error {
	if since.IsZero() {
		since = time.Unix(0, 0) // a zero time is NULL, and nothing is after that
	}
	_, err := s.DB.Exec(ctx, `DELETE FROM forwarding_passwords WHERE person_id = ? AND created_at >= ?`, person, since)
	return errs.Wrap("forwarding.RevokePasswords", err)
}

// signIn finds whom a login and a password belong to; NotFound when they belong to nobody, or to two.
func (s *Store) signIn(ctx context.Context, login, secret string) (id.ID, error) {
	type row struct {
		ID       id.ID
		PersonID id.ID
		UsedAt   time.Time
	}
	r, err := db.One[row](ctx, s.DB, `
		SELECT w.id, w.person_id, w.used_at FROM forwarding_passwords w JOIN persons p ON p.id = w.person_id JOIN logins l ON l.person_id = p.id
		WHERE w.hash = ? AND l.login_key = ? AND p.status <> 'deceased' AND p.merged_into IS NULL`, secretHash(secret), fold.TypedLogin(login))
	if err != nil || s.Now().Sub(r.UsedAt) < time.Hour {
		return r.PersonID, err
	}
	_, err = s.DB.Exec(ctx, `UPDATE forwarding_passwords SET used_at = ? WHERE id = ?`, s.Now(), r.ID)
	return r.PersonID, err
}

// nameRecipient counts one more recipient of somebody's today; false when the day's are used up. Each is counted when
// it is named, so that many connections at once cannot go beyond.
func (s *Store) nameRecipient(ctx context.Context, person id.ID) (bool, error) {
	list, err := db.All[int](ctx, s.DB, `
		INSERT INTO forwarding_submissions (person_id, day, named) VALUES (?, ?, 1)
		ON CONFLICT (person_id, day) DO UPDATE SET named = forwarding_submissions.named + 1 WHERE forwarding_submissions.named < ?
		RETURNING named`, person, s.Now().Truncate(24*time.Hour), dailyLimit)
	return len(list) > 0, errs.Wrap("forwarding.nameRecipient", err)
}
