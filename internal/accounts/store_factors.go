package accounts

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/pquerna/otp/totp"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// keys are the secrets that seal; the database's own is made at first need.
func (s *Store) keys(ctx context.Context) (keyring, error) {
	if _, err := s.db.Exec(ctx, `INSERT INTO account_secret (id, value) VALUES (1, ?) ON CONFLICT (id) DO NOTHING`, newToken()); err != nil {
		return nil, errs.Wrap("accounts.keys", err)
	}
	own, err := db.One[string](ctx, s.db, `SELECT value FROM account_secret WHERE id = 1`)
	if err != nil {
		return nil, errs.Wrap("accounts.keys", err)
	}
	k, err := newKeyring(s.o.Secret, own)
	return k, errs.Wrap("accounts.keys", err)
}

// StartCodes makes a TOTP secret that counts once a first code of it is given. issuer and name are what the
// authenticator's application shows. It gives the otpauth address and the secret in writing.
func (s *Store) StartCodes(ctx context.Context, v viewer.Viewer, issuer, name string) (url, secret string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: name, Period: totpPeriod})
	if err != nil {
		return "", "", errs.E("accounts.StartCodes", errs.Internal, err)
	}
	k, err := s.keys(ctx)
	if err != nil {
		return "", "", err
	}
	err = s.db.ExecOne(ctx, `UPDATE accounts SET totp_pending = ? WHERE id = ?`, k.seal(key.Secret(), v.Account.String()), v.Account)
	return key.URL(), key.Secret(), errs.Wrap("accounts.StartCodes", err)
}

// PendingCodes is the secret shown and not yet confirmed, to be shown again; NotFound when there is none.
func (s *Store) PendingCodes(ctx context.Context, v viewer.Viewer, issuer, name string) (url, secret string, err error) {
	sealed, err := db.One[string](ctx, s.db, `SELECT totp_pending FROM accounts WHERE id = ?`, v.Account)
	if err == nil && sealed == "" {
		err = errs.NotFound
	}
	if err != nil {
		return "", "", errs.Wrap("accounts.PendingCodes", err)
	}
	if secret, err = s.unseal(ctx, sealed, v.Account); err != nil {
		return "", "", err
	}
	raw, err := base32Secret(secret)
	if err != nil {
		return "", "", errs.E("accounts.PendingCodes", errs.Internal, err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: name, Period: totpPeriod, Secret: raw})
	if err != nil {
		return "", "", errs.E("accounts.PendingCodes", errs.Internal, err)
	}
	return key.URL(), secret, nil
}

func (s *Store) unseal(ctx context.Context, sealed string, account id.ID) (string, error) {
	k, err := s.keys(ctx)
	if err != nil {
		return "", err
	}
	secret, err := k.open(sealed, account.String())
	return secret, errs.Wrap("accounts.unseal", err)
}

// ConfirmCodes turns codes on with a first one; the account's other sessions end. It gives recovery codes when
// there were none.
func (s *Store) ConfirmCodes(ctx context.Context, v viewer.Viewer, code string, keep id.ID) (recovery []string, err error) {
	sealed, err := db.One[string](ctx, s.db, `SELECT totp_pending FROM accounts WHERE id = ?`, v.Account)
	if err == nil && sealed == "" {
		err = errs.NotFound
	}
	if err != nil {
		return nil, errs.Wrap("accounts.ConfirmCodes", err)
	}
	secret, err := s.unseal(ctx, sealed, v.Account)
	if err != nil {
		return nil, err
	}
	step, ok := totpStep(secret, code, 0, s.now())
	if !ok {
		return nil, badCode()
	}
	err = s.secure(ctx, v, keep, "account.codes_on", func(ctx context.Context) error {
		if err := s.db.ExecOne(ctx, `UPDATE accounts SET totp_secret = ?, totp_pending = '', totp_step = ? WHERE id = ? AND totp_pending = ?`,
			sealed, step, v.Account, sealed); err != nil {
			return err
		}
		left, err := s.RecoveryLeft(ctx, v)
		if err != nil || left > 0 {
			return err
		}
		recovery, err = s.putRecovery(ctx, v.Account)
		return err
	})
	return recovery, errs.Wrap("accounts.ConfirmCodes", err)
}

func badCode() error {
	f := errs.Fields{}
	f.Add("code", "accounts.code_wrong")
	return f.Err()
}

// secure adds a second factor in one transaction: the change, the trail, and the end of the other sessions, which
// were opened with less.
func (s *Store) secure(ctx context.Context, v viewer.Viewer, keep id.ID, action string, change func(ctx context.Context) error) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := change(ctx); err != nil {
			return err
		}
		a, err := s.ByID(ctx, v.Account)
		if err != nil {
			return err
		}
		if err := s.o.Sessions.RevokeOthers(ctx, a.ID, keep); err != nil {
			return err
		}
		return s.record(ctx, v, a, action, id.ID{}, nil)
	})
}

// StopCodes turns codes off.
func (s *Store) StopCodes(ctx context.Context, v viewer.Viewer) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.db.ExecOne(ctx, `UPDATE accounts SET totp_secret = '', totp_pending = '' WHERE id = ?`, v.Account); err != nil {
			return errs.Wrap("accounts.StopCodes", err)
		}
		return s.loosened(ctx, v, "account.codes_off")
	})
}

// loosened records that a second factor is gone; with the last one its recovery codes go too.
func (s *Store) loosened(ctx context.Context, v viewer.Viewer, action string) error {
	a, err := s.ByID(ctx, v.Account)
	if err != nil {
		return err
	}
	if !a.Secured() {
		if _, err := s.db.Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = ?`, a.ID); err != nil {
			return errs.Wrap("accounts.loosened", err)
		}
	}
	return s.record(ctx, v, a, action, id.ID{}, nil)
}

// CheckCode takes a TOTP code; each works once, also for two requests at once.
func (s *Store) CheckCode(ctx context.Context, account id.ID, code string) error {
	type row struct {
		TotpSecret string
		TotpStep   int64
	}
	r, err := db.One[row](ctx, s.db, `SELECT totp_secret, totp_step FROM accounts WHERE id = ?`, account)
	if err != nil {
		return errs.Wrap("accounts.CheckCode", err)
	}
	if r.TotpSecret == "" {
		return badCode()
	}
	secret, err := s.unseal(ctx, r.TotpSecret, account)
	if err != nil {
		return err
	}
	step, ok := totpStep(secret, code, r.TotpStep, s.now())
	if !ok {
		return badCode()
	}
	n, err := s.db.Exec(ctx, `UPDATE accounts SET totp_step = ? WHERE id = ? AND totp_step < ?`, step, account, step)
	if err == nil && n == 0 {
		return badCode()
	}
	return errs.Wrap("accounts.CheckCode", err)
}

// RecoveryLeft is how many recovery codes were not used yet.
func (s *Store) RecoveryLeft(ctx context.Context, v viewer.Viewer) (int, error) {
	n, err := db.One[int](ctx, s.db, `SELECT count(*) FROM recovery_codes WHERE account_id = ? AND used_at IS NULL`, v.Account.String())
	return n, errs.Wrap("accounts.RecoveryLeft", err)
}

// RenewRecovery replaces the recovery codes; they are shown this once.
func (s *Store) RenewRecovery(ctx context.Context, v viewer.Viewer) (codes []string, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.ByID(ctx, v.Account)
		if err != nil {
			return err
		}
		if !a.Secured() {
			return errs.New(errs.Conflict, "accounts.recovery_needless")
		}
		if codes, err = s.putRecovery(ctx, a.ID); err != nil {
			return err
		}
		return s.record(ctx, v, a, "account.recovery_renewed", id.ID{}, nil)
	})
	return codes, errs.Wrap("accounts.RenewRecovery", err)
}

func (s *Store) putRecovery(ctx context.Context, account id.ID) ([]string, error) {
	if _, err := s.db.Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = ?`, account); err != nil {
		return nil, errs.Wrap("accounts.putRecovery", err)
	}
	codes := newRecoveryCodes()
	for _, c := range codes {
		if _, err := s.db.Exec(ctx, `INSERT INTO recovery_codes (account_id, code_hash) VALUES (?, ?)`, account, recoveryHash(c)); err != nil {
			return nil, errs.Wrap("accounts.putRecovery", err)
		}
	}
	return codes, nil
}

// UseRecovery takes a recovery code in place of the second factor; each works once.
func (s *Store) UseRecovery(ctx context.Context, account id.ID, code string) error {
	n, err := s.db.Exec(ctx, `UPDATE recovery_codes SET used_at = ? WHERE account_id = ? AND code_hash = ? AND used_at IS NULL`,
		s.now(), account, recoveryHash(code))
	if err == nil && n == 0 {
		return badCode()
	}
	return errs.Wrap("accounts.UseRecovery", err)
}

// Passkey is a registered passkey.
type Passkey struct {
	ID         id.ID
	Account    id.ID `db:"account_id"`
	Credential db.JSON[webauthn.Credential]
	Name       string
	CreatedAt  time.Time
	UsedAt     time.Time // zero when never used to sign in
}

const passkeyColumns = `id, account_id, credential, name, created_at, used_at`

// Passkeys are an account's, the oldest first.
func (s *Store) Passkeys(ctx context.Context, account id.ID) ([]Passkey, error) {
	list, err := db.All[Passkey](ctx, s.db, `SELECT `+passkeyColumns+` FROM passkeys WHERE account_id = ? ORDER BY created_at, id`, account.String())
	return list, errs.Wrap("accounts.Passkeys", err)
}

// AddPasskey registers a passkey that was verified; the account's other sessions end and a letter says so.
func (s *Store) AddPasskey(ctx context.Context, v viewer.Viewer, c webauthn.Credential, name string, keep id.ID) error {
	err := s.secure(ctx, v, keep, "account.passkey_added", func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, `INSERT INTO passkeys (credential_id, `+passkeyColumns+`) VALUES (`+db.In(7)+`)`,
			credentialID(c.ID), id.New(), v.Account, db.ToJSON(c), name, s.now(), nil)
		if err != nil {
			return err
		}
		a, err := s.ByID(ctx, v.Account)
		if err != nil {
			return err
		}
		return s.o.Letters.passkeyAdded(ctx, s, a, name)
	})
	return errs.Wrap("accounts.AddPasskey", err)
}

func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// RenamePasskey gives one of the viewer's passkeys another name.
func (s *Store) RenamePasskey(ctx context.Context, v viewer.Viewer, passkey id.ID, name string) error {
	err := s.db.ExecOne(ctx, `UPDATE passkeys SET name = ? WHERE id = ? AND account_id = ?`, name, passkey, v.Account)
	return errs.Wrap("accounts.RenamePasskey", err)
}

// RemovePasskey forgets one of the viewer's passkeys.
func (s *Store) RemovePasskey(ctx context.Context, v viewer.Viewer, passkey id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.db.ExecOne(ctx, `DELETE FROM passkeys WHERE id = ? AND account_id = ?`, passkey, v.Account); err != nil {
			return errs.Wrap("accounts.RemovePasskey", err)
		}
		return s.loosened(ctx, v, "account.passkey_removed")
	})
}

// usedPasskey keeps the counter and the flags of a passkey that signed in.
func (s *Store) usedPasskey(ctx context.Context, c webauthn.Credential) error {
	return errs.Wrap("accounts.usedPasskey", s.db.ExecOne(ctx, `UPDATE passkeys SET credential = ?, used_at = ? WHERE credential_id = ?`,
		db.ToJSON(c), s.now(), credentialID(c.ID)))
}
