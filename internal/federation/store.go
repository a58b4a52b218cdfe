package federation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Accounts makes the first account; the accounts feature offers it.
type Accounts interface {
	// CreateFirst makes a staff account with its password and roles, within the transaction.
	CreateFirst(ctx context.Context, w Webmaster, association id.ID) error
}

// Store reads and writes the installation's settings.
type Store struct {
	db       *db.DB
	people   *people.Store
	trail    *audit.Trail
	accounts Accounts
	now      clock.Clock
	current  db.Cached[Federation]
}

// NewStore makes the store.
func NewStore(d *db.DB, p *people.Store, t *audit.Trail, a Accounts, now clock.Clock) *Store {
	return &Store{db: d, people: p, trail: t, accounts: a, now: now}
}

const readSetting = `SELECT value FROM settings WHERE name = ?`

const writeSetting = `INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`

// Current is the federation as it presents itself; its name is "Amicale" until somebody says otherwise.
func (s *Store) Current(ctx context.Context) (Federation, error) {
	f, err := s.current.Read(ctx, s.db, func(ctx context.Context) (Federation, error) {
		f, err := db.One[db.JSON[Federation]](ctx, s.db, readSetting, "federation")
		if errors.Is(err, errs.NotFound) {
			return Federation{Name: "Amicale"}, nil
		}
		return f.V, err
	})
	return f, errs.Wrap("federation.Current", err)
}

// Save changes how the federation presents itself.
func (s *Store) Save(ctx context.Context, v viewer.Viewer, f Federation) error {
	if !v.IsFederationAdmin() {
		return errs.E("federation.Save", errs.Forbidden, nil)
	}
	if err := f.Validate(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		s.current.Forget(ctx, s.db)
		if _, err := s.db.Exec(ctx, writeSetting, "federation", db.ToJSON(f), s.now()); err != nil {
			return errs.Wrap("federation.Save", err)
		}
		return s.trail.Record(ctx, audit.Entry{Actor: v, Action: "federation.changed", Object: "federation"})
	})
}

// SaveAssociation creates or changes an association, with a trail.
func (s *Store) SaveAssociation(ctx context.Context, v viewer.Viewer, a *people.Association) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.people.SaveAssociation(ctx, v, a); err != nil {
			return err
		}
		return s.trail.Record(ctx, audit.Entry{Actor: v, Action: "association.changed", Object: a.Code})
	})
}

// Installed reports whether there is an association already: the set-up page is closed then.
func (s *Store) Installed(ctx context.Context) (bool, error) {
	list, err := s.people.Associations(ctx)
	return len(list) > 0, err
}

type instanceRow struct {
	ID string `json:"id"`
}

// Instance names this database, once and for ever: what is kept beside it (a snapshot) carries the name, so that
// another database's is never taken for its own.
func (s *Store) Instance(ctx context.Context) (string, error) {
	_, err := s.db.Exec(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ('instance', ?, ?) ON CONFLICT (name) DO NOTHING`,
		db.ToJSON(instanceRow{id.New().String()}), s.now())
	if err != nil {
		return "", errs.Wrap("federation.Instance", err)
	}
	row, err := db.One[db.JSON[instanceRow]](ctx, s.db, readSetting, "instance")
	return row.V.ID, errs.Wrap("federation.Instance", err)
}

type setupRow struct {
	Hash string `json:"hash"`
}

// NewCode makes the one-time code for the set-up page and keeps its hash; an older code ends. The caller prints it.
func (s *Store) NewCode(ctx context.Context) (string, error) {
	raw := make([]byte, 10)
	if _, err := rand.Read(raw); err != nil {
		return "", errs.E("federation.NewCode", errs.Internal, err)
	}
	code := base32.StdEncoding.EncodeToString(raw) // 16 characters, 80 bits
	_, err := s.db.Exec(ctx, writeSetting, "setup", db.ToJSON(setupRow{hashCode(code)}), s.now())
	return code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:], errs.Wrap("federation.NewCode", err)
}

func hashCode(code string) string {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// Install sets everything up in one transaction, once: the code is used up with it.
func (s *Store) Install(ctx context.Context, in *Setup) error {
	if err := in.Validate(); err != nil {
		return err
	}
	system := viewer.ForSystem("set-up")
	return s.db.Tx(ctx, func(ctx context.Context) error {
		done, err := s.Installed(ctx)
		if err != nil {
			return err
		}
		if done {
			return errs.E("federation.Install", errs.NotFound, nil)
		}
		row, err := db.One[db.JSON[setupRow]](ctx, s.db, readSetting, "setup")
		if err != nil && !errors.Is(err, errs.NotFound) {
			return errs.Wrap("federation.Install", err)
		}
		if err != nil || subtle.ConstantTimeCompare([]byte(row.V.Hash), []byte(hashCode(in.Code))) != 1 {
			f := errs.Fields{}
			f.Add("code", "federation.code_bad")
			return f.Err()
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM settings WHERE name = 'setup'`); err != nil {
			return errs.Wrap("federation.Install", err)
		}
		if err := s.people.SaveAssociation(ctx, system, &in.Association); err != nil {
			return err
		}
		if err := s.Save(ctx, system, in.Federation); err != nil {
			return err
		}
		return s.accounts.CreateFirst(ctx, in.Webmaster, in.Association.ID)
	})
}
