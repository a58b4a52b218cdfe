package accounts

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const roleColumns = `id, account_id, role, association_id, created_at`

// Grant gives a role; see MayGrant. A role held already stays as it is.
func (s *Store) Grant(ctx context.Context, v viewer.Viewer, account id.ID, role viewer.RoleName, association id.ID) error {
	if !MayGrant(v, role, association) {
		return errs.E("accounts.Grant", errs.Forbidden, nil)
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.ByID(ctx, account)
		if err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, `
			INSERT INTO roles (`+roleColumns+`, granted_by) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			id.New(), account, string(role), association, s.now(), v.Account)
		if err != nil || n == 0 {
			return err
		}
		return s.record(ctx, v, a, "role.granted", association, map[string]any{"role": string(role)})
	})
	return errs.Wrap("accounts.Grant "+account.String(), err)
}

// GrantTo is Grant to whoever a login or an address means. A person of the base who has no account gets one, without a
// password; several who share an address are nobody.
func (s *Store) GrantTo(ctx context.Context, v viewer.Viewer, typed string, role viewer.RoleName, association id.ID) error {
	if !MayGrant(v, role, association) {
		return roleRefused(v)
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		found, err := s.Find(ctx, typed, "")
		if err != nil {
			return err
		}
		a := found.Account
		if a.ID.IsZero() && !found.Shared {
			persons, err := s.personsBy(ctx, typed)
			if err != nil {
				return err
			}
			if len(persons) == 1 {
				if a, err = s.OpenFor(ctx, persons[0]); err != nil {
					return err
				}
			}
		}
		if a.ID.IsZero() {
			f := errs.Fields{}
			f.Add("who", "accounts.access.nobody")
			return f.Err()
		}
		return s.Grant(ctx, v, a.ID, role, association)
	})
}

// roleRefused tells staff that a role cannot be given there, beside the form; it is Forbidden to others.
func roleRefused(v viewer.Viewer) error {
	if !v.Has(viewer.Webmaster) {
		return errs.E("accounts.GrantTo", errs.Forbidden, nil)
	}
	f := errs.Fields{}
	f.Add("association", "accounts.access.not_there")
	return f.Err()
}

// Revoke takes a role; it stops counting with the next request. The federation's last admin stays one.
func (s *Store) Revoke(ctx context.Context, v viewer.Viewer, account id.ID, role viewer.RoleName, association id.ID) error {
	if !MayGrant(v, role, association) {
		return errs.E("accounts.Revoke", errs.Forbidden, nil)
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		a, err := s.ByID(ctx, account)
		if err != nil {
			return err
		}
		if role == viewer.FederationAdmin {
			if err := s.spareLastAdmin(ctx, account); err != nil {
				return err
			}
		}
		if err := s.db.ExecOne(ctx, `DELETE FROM roles WHERE account_id = ? AND role = ? AND association_id IS NOT DISTINCT FROM ?`,
			account, string(role), association); err != nil {
			return err
		}
		return s.record(ctx, v, a, "role.revoked", association, map[string]any{"role": string(role)})
	})
	return errs.Wrap("accounts.Revoke "+account.String(), err)
}

// spareLastAdmin refuses when no other open account administers the federation. The update locks the rows, so that
// two admins who dismiss each other at once do not both succeed.
func (s *Store) spareLastAdmin(ctx context.Context, account id.ID) error {
	if _, err := s.db.Exec(ctx, `UPDATE roles SET role = role WHERE role = 'federation_admin'`); err != nil {
		return err
	}
	others, err := db.One[int](ctx, s.db, `
		SELECT count(*) FROM roles r JOIN accounts a ON a.id = r.account_id
		WHERE r.role = 'federation_admin' AND a.disabled_at IS NULL AND a.id <> ?`, account)
	if err == nil && others == 0 {
		return errs.New(errs.Conflict, "accounts.last_admin")
	}
	return err
}

// Roles are an account's.
func (s *Store) Roles(ctx context.Context, account id.ID) ([]Role, error) {
	list, err := db.All[Role](ctx, s.db, `SELECT `+roleColumns+` FROM roles WHERE account_id = ? ORDER BY created_at, id`, account)
	return list, errs.Wrap("accounts.Roles", err)
}

// Holder is somebody who holds a role, and how to write to him.
type Holder struct {
	Account id.ID
	Person  id.ID // zero for staff who are no graduates
	Name    string
	Email   string // "" when none is confirmed
	Lang    string
}

// AccountsWithRole are the open accounts that hold a role at an association (zero for the federation), for letters
// from background work.
func (s *Store) AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]Holder, error) {
	list, err := db.All[Account](ctx, s.db, `
		SELECT `+accountColumns+` FROM accounts a JOIN roles r ON r.account_id = a.id
		WHERE r.role = ? AND r.association_id IS NOT DISTINCT FROM ? AND a.disabled_at IS NULL ORDER BY r.created_at, r.id`, string(role), association)
	if err != nil {
		return nil, errs.Wrap("accounts.AccountsWithRole", err)
	}
	out := make([]Holder, 0, len(list))
	for _, a := range list {
		h, err := s.holder(ctx, a)
		if err != nil {
			return nil, errs.Wrap("accounts.AccountsWithRole", err)
		}
		if h.Name != "" {
			out = append(out, h)
		}
	}
	return out, nil
}

// holder finds name and address of an account; the name is empty when the person is gone.
func (s *Store) holder(ctx context.Context, a Account) (Holder, error) {
	h := Holder{Account: a.ID, Person: a.Person, Name: a.Name, Email: a.Email, Lang: a.Lang}
	if a.Person.IsZero() {
		return h, nil
	}
	d, err := s.people.Dossiers(ctx, viewer.ForSystem("account letters"), []id.ID{a.Person})
	if err != nil || len(d) == 0 {
		return Holder{}, err
	}
	h.Name = d[0].Name()
	for _, c := range d[0].Contacts {
		if c.Kind == people.Email && !c.ConfirmedAt.IsZero() && (h.Email == "" || c.Preferred) {
			h.Email = c.Value
		}
	}
	return h, nil
}

// Access is an account with its roles, for the staff's screen.
type Access struct {
	Account
	ShownName  string
	ShownLogin string
	Roles      []Role
}

// Accesses are the accounts with roles that the viewer may see: all for the federation's admins, those of their
// associations for webmasters.
func (s *Store) Accesses(ctx context.Context, v viewer.Viewer) ([]Access, error) {
	associations, all := v.Associations(viewer.Webmaster)
	if !all && len(associations) == 0 {
		return nil, errs.E("accounts.Accesses", errs.Forbidden, nil)
	}
	q, args := `SELECT `+roleColumns+` FROM roles`, []any(nil)
	if !all {
		q += ` WHERE association_id IN (` + db.In(len(associations)) + `)`
		args = db.Args(associations)
	}
	roles, err := db.All[Role](ctx, s.db, q+` ORDER BY created_at, id`, args...)
	if err != nil {
		return nil, errs.Wrap("accounts.Accesses", err)
	}
	var out []Access
	at := map[id.ID]int{}
	for _, r := range roles {
		i, ok := at[r.Account]
		if !ok {
			a, err := s.access(ctx, r.Account)
			if err != nil {
				return nil, errs.Wrap("accounts.Accesses", err)
			}
			i = len(out)
			at[r.Account] = i
			out = append(out, a)
		}
		out[i].Roles = append(out[i].Roles, r)
	}
	return out, nil
}

// access is an account as the staff's list calls it, without roles.
func (s *Store) access(ctx context.Context, account id.ID) (Access, error) {
	a, err := s.ByID(ctx, account)
	if err != nil {
		return Access{}, err
	}
	out := Access{Account: a, ShownName: a.Name, ShownLogin: a.Login}
	if a.Kind == OfRecruiter {
		out.ShownLogin = a.Email
	}
	if a.Person.IsZero() {
		return out, nil
	}
	standing, err := s.people.StandingOf(ctx, a.Person)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return Access{}, err
	}
	out.ShownName, out.ShownLogin = standing.Name, standing.Login
	return out, nil
}

// AccessOf is one account for the staff who may help it or change a role of it; NotFound for others.
func (s *Store) AccessOf(ctx context.Context, v viewer.Viewer, account id.ID) (Access, error) {
	a, err := s.access(ctx, account)
	if err != nil {
		return Access{}, errs.Wrap("accounts.AccessOf", err)
	}
	if a.Roles, err = s.Roles(ctx, account); err != nil {
		return Access{}, err
	}
	may := v.IsFederationAdmin()
	if !may {
		where, err := s.associationsOf(ctx, a.Account)
		if err != nil {
			return Access{}, err
		}
		for _, r := range a.Roles {
			where = append(where, r.Association)
		}
		may = v.HasAtAny(where, viewer.Webmaster)
	}
	if !may {
		return Access{}, errs.E("accounts.AccessOf", errs.NotFound, nil)
	}
	return a, nil
}

// associationsOf are those of the holder's degrees.
func (s *Store) associationsOf(ctx context.Context, a Account) ([]id.ID, error) {
	if a.Person.IsZero() {
		return nil, nil
	}
	d, err := s.people.Dossiers(ctx, viewer.ForSystem("account rights"), []id.ID{a.Person})
	if err != nil || len(d) == 0 {
		return nil, err
	}
	return d[0].Associations(), nil
}
