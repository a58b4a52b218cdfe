package accounts

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Parts are what accounts add to "export my data", "erase me" and the merging of two persons.
func (s *Store) Parts() (people.Exporter, people.Eraser, people.Merger) {
	const name = "accounts"
	return people.Exporter{Name: name, Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) { return s.Export(ctx, person) }},
		people.Eraser{Name: name, Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error { return s.Erase(ctx, person) }},
		people.Merger{Name: name, Merge: s.MergeInto}
}

// Exported is what "export my data" gives of an account: no secrets.
type Exported struct {
	Account  Account
	Roles    []Role
	Passkeys []string // their names
	SignIns  []Entry
}

// Export is all that the account of a person holds; nil when he has none.
func (s *Store) Export(ctx context.Context, person id.ID) (any, error) {
	a, err := s.ByPerson(ctx, person)
	if errs.KindOf(err) == errs.NotFound && err != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := Exported{Account: a}
	if out.Roles, err = s.Roles(ctx, a.ID); err != nil {
		return nil, err
	}
	keys, err := s.Passkeys(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		out.Passkeys = append(out.Passkeys, k.Name)
	}
	good, failed, err := s.Entries(ctx, s.selfOf(a), 1000)
	out.SignIns = append(good, failed...)
	return out, err
}

// Erase removes a person's account with everything that hangs on it. It joins the caller's transaction. The
// federation's last admin is refused.
func (s *Store) Erase(ctx context.Context, person id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `DELETE FROM links WHERE person_id = ?`, person); err != nil {
			return errs.Wrap("accounts.Erase", err)
		}
		a, err := s.ByPerson(ctx, person)
		if err != nil {
			if errs.KindOf(err) == errs.NotFound {
				return nil
			}
			return err
		}
		if err := s.spareAdmin(ctx, a.ID); err != nil {
			return err
		}
		return s.remove(ctx, a)
	})
}

// remove deletes an account; what hangs on it goes with it.
func (s *Store) remove(ctx context.Context, a Account) error {
	if err := s.o.Sessions.RevokeOthers(ctx, a.ID, id.ID{}); err != nil {
		return err
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM links WHERE account_id = ?`, a.ID); err != nil {
		return errs.Wrap("accounts.remove", err)
	}
	_, err := s.db.Exec(ctx, `DELETE FROM accounts WHERE id = ?`, a.ID)
	return errs.Wrap("accounts.remove", err)
}

// MergeInto gives what one person's account holds to another's, when the two turn out to be one. Where both have an
// account the second one's password and second factors stay, roles of both add up, and the first account goes. An
// account that may do more than the viewer is refused: its roles would come to whom he chose, or another's address
// would open it. It joins the caller's transaction.
func (s *Store) MergeInto(ctx context.Context, v viewer.Viewer, from, into id.ID) error {
	return s.db.Tx(ctx, func(ctx context.Context) error {
		for _, person := range []id.ID{from, into} {
			if err := s.mayMerge(ctx, v, person); err != nil {
				return err
			}
		}
		if _, err := s.db.Exec(ctx, `UPDATE links SET person_id = ?, used_at = COALESCE(used_at, ?) WHERE person_id = ?`, into, s.now(), from); err != nil {
			return errs.Wrap("accounts.MergeInto", err)
		}
		old, err := s.ByPerson(ctx, from)
		if err != nil {
			if errs.KindOf(err) == errs.NotFound {
				return nil
			}
			return err
		}
		kept, err := s.ByPerson(ctx, into)
		switch {
		case err == nil:
			err = s.mergeAccounts(ctx, old, kept)
		case errs.KindOf(err) == errs.NotFound:
			_, err = s.db.Exec(ctx, `UPDATE accounts SET person_id = ? WHERE id = ?`, into, old.ID)
			kept = old
		}
		if err != nil {
			return errs.Wrap("accounts.MergeInto", err)
		}
		kept.Person = into
		return s.record(ctx, v, kept, "account.merged", id.ID{}, map[string]any{"from": old.ID.String()})
	})
}

// mayMerge refuses the account of somebody who holds a role that the viewer could not take; his own holds his own.
func (s *Store) mayMerge(ctx context.Context, v viewer.Viewer, person id.ID) error {
	a, err := s.ByPerson(ctx, person)
	if err != nil && errs.KindOf(err) == errs.NotFound || err == nil && a.ID == v.Account {
		return nil
	}
	if err != nil {
		return err
	}
	roles, err := s.Roles(ctx, a.ID)
	if err == nil && !mayTakeAll(v, roles) {
		return errs.New(errs.Conflict, "accounts.merge_above")
	}
	return err
}

func (s *Store) mergeAccounts(ctx context.Context, old, kept Account) error {
	roles, err := s.Roles(ctx, old.ID)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if _, err := s.db.Exec(ctx, `INSERT INTO roles (`+roleColumns+`) VALUES (`+db.In(5)+`) ON CONFLICT DO NOTHING`,
			id.New(), kept.ID, string(r.Name), r.Association, r.CreatedAt); err != nil {
			return err
		}
	}
	if !kept.HasPassword && !kept.Secured() {
		if _, err := s.db.Exec(ctx, `
			UPDATE accounts SET password_hash = (SELECT o.password_hash FROM accounts o WHERE o.id = ?), password_at = ? WHERE id = ?`,
			old.ID, old.PasswordAt, kept.ID); err != nil {
			return err
		}
	}
	if _, err := s.db.Exec(ctx, `UPDATE sign_ins SET account_id = ? WHERE account_id = ?`, kept.ID, old.ID); err != nil {
		return err
	}
	return s.remove(ctx, old)
}
