package accounts

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// helped loads an account for the staff who may mend its way in; NotFound for others.
func (s *Store) helped(ctx context.Context, v viewer.Viewer, account id.ID) (Account, id.ID, error) {
	a, err := s.ByID(ctx, account)
	if err != nil {
		return Account{}, id.ID{}, err
	}
	roles, err := s.Roles(ctx, account)
	if err != nil {
		return Account{}, id.ID{}, err
	}
	associations, err := s.associationsOf(ctx, a)
	if err != nil {
		return Account{}, id.ID{}, err
	}
	if !mayHelp(v, account, associations, roles) {
		return Account{}, id.ID{}, errs.E("accounts.helped "+account.String(), errs.Forbidden, nil)
	}
	var at id.ID
	for _, i := range associations {
		if at.IsZero() || v.HasAt(i, viewer.Webmaster) {
			at = i
		}
	}
	return a, at, nil
}

// MayHelp reports whether the viewer may mend an account's way in, for the page to decide what to show.
func (s *Store) MayHelp(ctx context.Context, v viewer.Viewer, account id.ID) (bool, error) {
	_, _, err := s.helped(ctx, v, account)
	if errs.KindOf(err) == errs.Forbidden || errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return err == nil, err
}

// ResetFactors takes away the passkeys, codes and recovery codes of somebody who lost them, and ends his sessions.
func (s *Store) ResetFactors(ctx context.Context, v viewer.Viewer, account id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		a, at, err := s.helped(ctx, v, account)
		if err != nil {
			return err
		}
		for _, q := range []string{
			`DELETE FROM passkeys WHERE account_id = ?`,
			`DELETE FROM recovery_codes WHERE account_id = ?`,
			`UPDATE accounts SET totp_secret = '', totp_pending = '' WHERE id = ?`,
		} {
			if _, err := s.db.Exec(ctx, q, account); err != nil {
				return errs.Wrap("accounts.ResetFactors", err)
			}
		}
		if err := s.o.Sessions.RevokeOthers(ctx, account, id.ID{}); err != nil {
			return err
		}
		return s.record(ctx, v, a, "account.factors_reset", at, nil)
	})
}

// Close shuts an account, or opens it again; what it holds stays. The federation's last admin stays open.
func (s *Store) Close(ctx context.Context, v viewer.Viewer, account id.ID, closed bool) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		a, at, err := s.helped(ctx, v, account)
		if err != nil {
			return err
		}
		action, when := "account.opened", any(nil)
		if closed {
			if err := s.spareAdmin(ctx, account); err != nil {
				return err
			}
			action, when = "account.closed", s.now()
			if err := s.shutOut(ctx, a); err != nil {
				return err
			}
		}
		if err := s.db.ExecOne(ctx, `UPDATE accounts SET disabled_at = ? WHERE id = ?`, when, account); err != nil {
			return errs.Wrap("accounts.Close", err)
		}
		return s.record(ctx, v, a, action, at, nil)
	})
}

// shutOut ends what is open of an account: sessions, links, and what others keep of the kind.
func (s *Store) shutOut(ctx context.Context, a Account) error {
	if err := s.o.Sessions.RevokeOthers(ctx, a.ID, id.ID{}); err != nil {
		return err
	}
	if err := s.dropLinks(ctx, a); err != nil || a.Person.IsZero() {
		return err
	}
	return s.o.Closed(ctx, a.Person)
}

// spareAdmin is spareLastAdmin for an account that may or may not be one.
func (s *Store) spareAdmin(ctx context.Context, account id.ID) error {
	roles, err := s.Roles(ctx, account)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if r.Name == viewer.FederationAdmin {
			return s.spareLastAdmin(ctx, account)
		}
	}
	return nil
}

// SendReset sends somebody a link to choose a password, at the wish of the staff; NotFound when no address of his is
// confirmed.
func (s *Store) SendReset(ctx context.Context, v viewer.Viewer, account id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		a, at, err := s.helped(ctx, v, account)
		if err != nil {
			return err
		}
		h, err := s.holder(ctx, a)
		if err != nil {
			return err
		}
		if h.Email == "" {
			return errs.New(errs.Conflict, "accounts.no_address")
		}
		if err := s.o.Letters.choose(ctx, s, a, h); err != nil {
			return err
		}
		return s.record(ctx, v, a, "account.link_sent", at, nil)
	})
}
