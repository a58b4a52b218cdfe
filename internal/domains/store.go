package domains

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
)

// Store keeps keys, secrets and the results of checks.
type Store struct {
	db      *db.DB
	now     clock.Clock
	secrets sync.Map // name → []byte; what is committed never changes
}

// NewStore makes the store.
func NewStore(d *db.DB, now clock.Clock) *Store { return &Store{db: d, now: now} }

// secretLength in octets, as the table's comment has it.
const secretLength = 32

// Secret is a key of the installation, the same in every process and for ever: 32 octets, made when it is first asked
// for. The caller may not change them.
func (s *Store) Secret(ctx context.Context, name string) ([]byte, error) {
	if b, ok := s.secrets.Load(name); ok {
		return b.([]byte), nil
	}
	text, err := s.secret(ctx, name)
	if err != nil {
		return nil, errs.Wrap("domains.Secret "+name, err)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(b) != secretLength {
		err = fmt.Errorf("%d octets in the table, want %d", len(b), secretLength)
	}
	if err != nil {
		return nil, errs.Wrap("domains.Secret "+name, err)
	}
	s.db.AfterCommit(ctx, func() { s.secrets.Store(name, b) }) // what is rolled back was never anybody's
	return b, nil
}

func (s *Store) secret(ctx context.Context, name string) (string, error) {
	const read = `SELECT value FROM mail_secrets WHERE name = ?`
	text, err := db.One[string](ctx, s.db, read, name)
	if !errors.Is(err, errs.NotFound) {
		return text, err
	}
	b := make([]byte, secretLength)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	// Whoever comes second waits for the first one's commit and takes its value.
	if _, err := s.db.Exec(ctx, `INSERT INTO mail_secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`,
		name, base64.StdEncoding.EncodeToString(b)); err != nil {
		return "", err
	}
	return db.One[string](ctx, s.db, read, name)
}
