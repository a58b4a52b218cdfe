package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Console is what the operator does at the terminal, past the pages: who holds the machine holds the site. It is
// written into the trail like everything else.
type Console struct{ app *App }

// Console opens it.
func (a *App) Console() Console { return Console{a} }

// Words makes the texts of what the console is told English.
func (c Console) Words(ctx context.Context) context.Context { return c.app.bundle.With(ctx, "en") }

// operator is who acts at the console.
func operator() viewer.Viewer { return viewer.ForSystem("console") }

// Staff is somebody with a role, or with an account that can be given one.
type Staff struct {
	Login, Name string
	Roles       []string // "webmaster ly", "federation_admin"
	Password    bool     // one was chosen
	Secured     bool     // a second factor is set
	Closed      bool
	SignedInAt  time.Time
}

// CreateStaff makes an account for somebody who is no graduate, with a role unless it is "", and gives a single-use
// link to choose a password.
func (c Console) CreateStaff(ctx context.Context, n accounts.New, role viewer.RoleName, code string) (link string, err error) {
	err = c.app.o.DB.Tx(ctx, func(ctx context.Context) error {
		acc, err := c.app.accounts.CreateStaff(ctx, operator(), n)
		if err != nil {
			return err
		}
		if role != "" {
			if err := c.grant(ctx, acc, role, code); err != nil {
				return err
			}
		}
		link, err = c.link(ctx, acc)
		return err
	})
	return link, c.explain(err)
}

// Invite gives another single-use link to choose a password; those given before stay good until one is used.
func (c Console) Invite(ctx context.Context, login string) (link string, err error) {
	acc, err := c.account(ctx, login)
	if err != nil {
		return "", err
	}
	err = c.app.o.DB.Tx(ctx, func(ctx context.Context) error {
		link, err = c.link(ctx, acc)
		return err
	})
	return link, c.explain(err)
}

// Send sends that link to the address the account has confirmed, instead of giving it.
func (c Console) Send(ctx context.Context, login string) error {
	acc, err := c.account(ctx, login)
	if err != nil {
		return err
	}
	return c.explain(c.app.accounts.SendReset(ctx, operator(), acc.ID))
}

func (c Console) link(ctx context.Context, acc accounts.Account) (string, error) {
	purpose := accounts.ForActivation
	if acc.HasPassword {
		purpose = accounts.ForReset
	}
	token, err := c.app.accounts.IssueLink(ctx, accounts.Link{Purpose: purpose, Person: acc.Person, Account: acc.ID, TTL: accounts.ActivationTTL})
	if err != nil {
		return "", err
	}
	err = c.app.trail.Record(ctx, audit.Entry{Actor: operator(), Action: "account.link_printed", Person: acc.Person, Object: acc.ID.String()})
	return c.app.o.URL + accounts.PasswordPath(token), err
}

// Grant gives a role; code is the association's, "" for the federation's.
func (c Console) Grant(ctx context.Context, login string, role viewer.RoleName, code string) error {
	acc, err := c.account(ctx, login)
	if err != nil {
		return err
	}
	return c.explain(c.grant(ctx, acc, role, code))
}

func (c Console) grant(ctx context.Context, acc accounts.Account, role viewer.RoleName, code string) error {
	at, err := c.association(ctx, role, code)
	if err != nil {
		return err
	}
	return c.app.accounts.Grant(ctx, operator(), acc.ID, role, at)
}

// Revoke takes a role away.
func (c Console) Revoke(ctx context.Context, login string, role viewer.RoleName, code string) error {
	acc, err := c.account(ctx, login)
	if err != nil {
		return err
	}
	at, err := c.association(ctx, role, code)
	if err != nil {
		return err
	}
	err = c.app.accounts.Revoke(ctx, operator(), acc.ID, role, at)
	if errors.Is(err, errs.NotFound) {
		return fmt.Errorf("%s does not hold the role %s", login, roleText(role, code))
	}
	return c.explain(err)
}

// ResetFactors takes away the passkeys and codes of somebody who lost them, and ends all sessions.
func (c Console) ResetFactors(ctx context.Context, login string) error {
	acc, err := c.account(ctx, login)
	if err != nil {
		return err
	}
	return c.explain(c.app.accounts.ResetFactors(ctx, operator(), acc.ID))
}

// List is everybody who holds a role.
func (c Console) List(ctx context.Context) ([]Staff, error) {
	list, err := c.app.accounts.Accesses(ctx, operator())
	if err != nil {
		return nil, err
	}
	all, err := c.app.people.Associations(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Staff, 0, len(list))
	for _, a := range list {
		s := Staff{Login: a.ShownLogin, Name: a.ShownName, Password: a.HasPassword, Secured: a.Secured(), Closed: !a.Open(), SignedInAt: a.SignedInAt}
		for _, r := range a.Roles {
			one, _ := all.ByID(r.Association)
			s.Roles = append(s.Roles, roleText(r.Name, one.Code))
		}
		out = append(out, s)
	}
	return out, nil
}

// NoteBackup writes into the trail that a backup was finished: the page of the site's state shows when.
func NoteBackup(ctx context.Context, d *db.DB, size int64) error {
	return audit.NewTrail(d, clock.System).Record(ctx, audit.Entry{Actor: operator(), Action: backupMade, Detail: map[string]any{"bytes": size}})
}

// LastBackup is when the last backup known was finished; zero when none is.
func LastBackup(ctx context.Context, d *db.DB) (time.Time, error) {
	list, err := audit.NewTrail(d, clock.System).Recent(ctx, operator(), audit.Page{Size: 1, Actions: []string{backupMade}})
	if err != nil || len(list.Rows) == 0 {
		return time.Time{}, err
	}
	return list.Rows[0].At, nil
}

// NoteRestore writes into the trail that came with a backup that it was restored.
func NoteRestore(ctx context.Context, d *db.DB) error {
	return audit.NewTrail(d, clock.System).Record(ctx, audit.Entry{Actor: operator(), Action: "site.restored"})
}

// account is whom a login or address means.
func (c Console) account(ctx context.Context, login string) (accounts.Account, error) {
	found, err := c.app.accounts.Find(ctx, login, "")
	if err != nil {
		return accounts.Account{}, err
	}
	if !found.Account.ID.IsZero() {
		return found.Account, nil
	}
	if found.Shared {
		return accounts.Account{}, fmt.Errorf("several accounts share %s: give the login", login)
	}
	if _, err := c.app.people.PersonByLogin(ctx, login); err == nil {
		return accounts.Account{}, fmt.Errorf("%s is in the base and has not activated the account yet: that is done at %s/connexion/activer, then run this again", login, c.app.o.URL)
	}
	return accounts.Account{}, fmt.Errorf("nobody has the login or address %s; see: amicale admin list", login)
}

// association is where a role counts: none for the federation's.
func (c Console) association(ctx context.Context, role viewer.RoleName, code string) (id.ID, error) {
	if role == viewer.FederationAdmin {
		if code != "" {
			return id.ID{}, fmt.Errorf("the role %s is the federation's: leave out the association", role)
		}
		return id.ID{}, nil
	}
	all, err := c.app.people.Associations(ctx)
	if err != nil {
		return id.ID{}, err
	}
	one, ok := all.ByCode(strings.ToLower(code))
	if !ok {
		return id.ID{}, fmt.Errorf("the role %s needs an association: one of %s", role, codes(all))
	}
	return one.ID, nil
}

func codes(all people.Associations) string {
	var out []string
	for _, one := range all {
		out = append(out, one.Code)
	}
	if len(out) == 0 {
		return "(there is none yet: set the site up first)"
	}
	return strings.Join(out, ", ")
}

func roleText(role viewer.RoleName, code string) string {
	if code == "" {
		return string(role)
	}
	return string(role) + " " + code
}

// explain says an error in plain English: the console has no other place for it.
func (c Console) explain(err error) error {
	if err == nil {
		return nil
	}
	ctx := c.Words(context.Background())
	fields := errs.FieldsOf(err)
	if len(fields) > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			parts = append(parts, name+": "+i18n.T(ctx, fields[name].Key, fields[name].Data))
		}
		return errors.New(strings.Join(parts, "; "))
	}
	if m, ok := errs.MessageOf(err); ok {
		return errors.New(i18n.T(ctx, m.Key, m.Data))
	}
	return err
}
