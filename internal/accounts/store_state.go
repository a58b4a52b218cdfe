package accounts

import (
	"context"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// state is what every request needs to know of an account, from one query.
type state struct {
	Person     id.ID `db:"person_id"`
	Kind       Kind
	Name       string
	Login      string
	DisabledAt time.Time
	Secured    bool
	roles      []viewer.Role
	accent     string // the association's code, where all roles are at one
}

func (s *Store) state(ctx context.Context, account id.ID) (state, error) {
	type row struct {
		state
		Role        string
		Association id.ID `db:"association_id"`
		Code        string
	}
	rows, err := db.All[row](ctx, s.db, `
		SELECT a.person_id, a.kind, a.name, a.login, a.disabled_at,
			(a.totp_secret <> '' OR EXISTS (SELECT 1 FROM passkeys k WHERE k.account_id = a.id)) AS secured,
			r.role, r.association_id, s.code
		FROM accounts a LEFT JOIN roles r ON r.account_id = a.id LEFT JOIN associations s ON s.id = r.association_id
		WHERE a.id = ? ORDER BY r.created_at, r.id`, account)
	if err != nil {
		return state{}, errs.Wrap("accounts.state", err)
	}
	if len(rows) == 0 {
		return state{}, errs.E("accounts.state "+account.String(), errs.NotFound, nil)
	}
	out := rows[0].state
	for i, r := range rows {
		if r.Role == "" {
			continue
		}
		out.roles = append(out.roles, viewer.Role{Name: viewer.RoleName(r.Role), Association: r.Association})
		switch {
		case i == 0:
			out.accent = r.Code
		case out.accent != r.Code:
			out.accent = ""
		}
	}
	return out, nil
}
