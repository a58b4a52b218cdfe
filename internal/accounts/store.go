package accounts

import (
	"context"
	"errors"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Sessions is what the store asks of the open sessions: *web.Sessions is one.
type Sessions interface {
	// RevokeOthers ends all sessions of an account but one; a zero ID spares none.
	RevokeOthers(ctx context.Context, account, keep id.ID) error
}

// Options are what the store needs to know of the site.
type Options struct {
	Trail    *audit.Trail
	Sessions Sessions
	// Closed is told, in the same transaction, that a person's account was closed, for what else lets somebody act in his
	// name to end too; nil where there is nothing.
	Closed func(ctx context.Context, person id.ID) error
	// Letters sends the account's own letters within the transaction; see Letters.
	Letters *Letters
	// Secret seals TOTP secrets. Empty: a key made at first need and kept in the database, which then protects a
	// stolen export of single tables only. Setting one later keeps what was sealed before.
	Secret string
	// RequireSecondFactor sends staff without a passkey or codes to where they can get them. True outside the
	// demonstration.
	RequireSecondFactor bool
}

// Store reads and writes accounts.
type Store struct {
	db     *db.DB
	people *people.Store
	now    clock.Clock
	o      Options
	hasher *hasher
}

// NewStore makes a store on a database. One a process: it holds the queue of password hashes.
func NewStore(d *db.DB, p *people.Store, now clock.Clock, o Options) *Store {
	if o.Closed == nil {
		o.Closed = func(context.Context, id.ID) error { return nil }
	}
	return &Store{db: d, people: p, now: now, o: o, hasher: newHasher()}
}

const accountColumns = `a.id, a.person_id, a.kind, a.login, a.name, a.email, a.password_hash <> '' AS has_password, a.password_at, a.lang, a.notice,
	a.totp_secret <> '' AS has_codes, (SELECT count(*) FROM passkeys k WHERE k.account_id = a.id) AS passkeys,
	a.created_at, a.signed_in_at, a.disabled_at`

// ByID is an account. It shows nothing to anybody: the caller has checked who asks.
func (s *Store) ByID(ctx context.Context, account id.ID) (Account, error) {
	a, err := db.One[Account](ctx, s.db, `SELECT `+accountColumns+` FROM accounts a WHERE a.id = ?`, account)
	return a, errs.Wrap("accounts.ByID "+account.String(), err)
}

// ByPerson is a person's account; NotFound when he has none yet.
func (s *Store) ByPerson(ctx context.Context, person id.ID) (Account, error) {
	a, err := db.One[Account](ctx, s.db, `SELECT `+accountColumns+` FROM accounts a WHERE a.person_id = ?`, person)
	return a, errs.Wrap("accounts.ByPerson "+person.String(), err)
}

// OpenFor is a person's account, made when he has none; it has no password then. It joins the caller's transaction.
func (s *Store) OpenFor(ctx context.Context, person id.ID) (Account, error) {
	err := s.insert(ctx, Account{ID: id.New(), Person: person, Kind: OfNetwork}, `ON CONFLICT (person_id) DO NOTHING`)
	if err != nil {
		return Account{}, errs.Wrap("accounts.OpenFor "+person.String(), err)
	}
	return s.ByPerson(ctx, person)
}

func (s *Store) insert(ctx context.Context, a Account, tail string) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO accounts (id, person_id, kind, login, login_key, name, email, email_key, password_hash, lang, notice,
			totp_secret, totp_pending, totp_step, created_at)
		VALUES (`+db.In(15)+`) `+tail,
		a.ID, a.Person, string(a.Kind), a.Login, loginKey(a.Login), a.Name, a.Email, fold.Email(a.Email), "", a.Lang, false, "", "", 0, s.now())
	return err
}

func loginKey(login string) string {
	if login == "" {
		return ""
	}
	return fold.TypedLogin(login)
}

// New is what is known of an account that no person of the base stands behind.
type New struct {
	Kind  Kind // OfStaff or OfRecruiter
	Login string
	Name  string
	Email string
}

// Validate says, field by field, what is wrong.
func (n *New) Validate() error {
	f := errs.Fields{}
	n.Login, n.Name, n.Email = strings.TrimSpace(n.Login), strings.TrimSpace(n.Name), strings.TrimSpace(n.Email)
	if n.Name == "" {
		f.Add("name", "accounts.name_missing")
	}
	if !fold.ValidEmail(fold.Email(n.Email)) {
		f.Add("email", "accounts.email_bad")
	}
	if n.Kind == OfStaff && (len(n.Login) > fold.MaxLogin || len(fold.TypedLogin(n.Login)) < 3 || fold.TypedLogin(n.Login) != n.Login || strings.Contains(n.Login, "@")) {
		f.Add("login", "accounts.login_bad")
	}
	return f.Err()
}

// CreateStaff makes an account for somebody who is no graduate; the federation's admins may. A login that anybody
// has or had is refused. It has no password: see IssueLink.
func (s *Store) CreateStaff(ctx context.Context, v viewer.Viewer, n New) (Account, error) {
	if !v.IsFederationAdmin() {
		return Account{}, errs.E("accounts.CreateStaff", errs.Forbidden, nil)
	}
	n.Kind = OfStaff
	return s.create(ctx, v, n)
}

// CreateRecruiter makes an account that opens by its e-mail address; background work calls it.
func (s *Store) CreateRecruiter(ctx context.Context, v viewer.Viewer, n New) (Account, error) {
	if v.Kind != viewer.System {
		return Account{}, errs.E("accounts.CreateRecruiter", errs.Forbidden, nil)
	}
	n.Kind, n.Login = OfRecruiter, ""
	return s.create(ctx, v, n)
}

func (s *Store) create(ctx context.Context, v viewer.Viewer, n New) (a Account, err error) {
	if err := n.Validate(); err != nil {
		return Account{}, err
	}
	a = Account{ID: id.New(), Kind: n.Kind, Login: n.Login, Name: n.Name, Email: n.Email, CreatedAt: s.now()}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		if n.Login != "" {
			if err := s.people.ReserveStaffLogin(ctx, n.Login); err != nil {
				return taken(err, "login", "accounts.login_taken")
			}
		}
		if err := s.insert(ctx, a, ""); err != nil {
			return taken(err, "email", "accounts.email_taken")
		}
		return s.record(ctx, v, a, "account.created", id.ID{}, map[string]any{"kind": string(n.Kind), "login": n.Login})
	})
	return a, errs.Wrap("accounts.create", err)
}

// taken turns a conflict into a message beside its field.
func taken(err error, field, key string) error {
	if !errors.Is(err, errs.Conflict) {
		return err
	}
	f := errs.Fields{}
	f.Add(field, key)
	return f.Err()
}

// record writes to the trail what was done to an account.
func (s *Store) record(ctx context.Context, v viewer.Viewer, a Account, action string, association id.ID, detail map[string]any) error {
	return s.o.Trail.Record(ctx, audit.Entry{
		Actor: v, ActorName: s.actorName(ctx, v), Action: action, Person: a.Person, Object: a.ID.String(), Association: association, Detail: detail,
	})
}

// actorName is how who acts is called today.
func (s *Store) actorName(ctx context.Context, v viewer.Viewer) string {
	if !v.SignedIn() {
		return ""
	}
	name, err := s.nameOf(ctx, Account{ID: v.Account, Person: v.Person})
	if err != nil {
		return "" // the trail then says "?": what was done must not fail for it
	}
	return name
}

// nameOf is how the holder is called.
func (s *Store) nameOf(ctx context.Context, a Account) (string, error) {
	if !a.Person.IsZero() {
		standing, err := s.people.StandingOf(ctx, a.Person)
		return standing.Name, err
	}
	if a.Name != "" {
		return a.Name, nil
	}
	a, err := s.ByID(ctx, a.ID)
	return a.Name, err
}

// SaveLanguage keeps the language of letters and pages; an unknown one is Invalid.
func (s *Store) SaveLanguage(ctx context.Context, v viewer.Viewer, lang string) error {
	if lang != "fr" && lang != "en" {
		return errs.E("accounts.SaveLanguage", errs.Invalid, nil)
	}
	return errs.Wrap("accounts.SaveLanguage", s.db.ExecOne(ctx, `UPDATE accounts SET lang = ? WHERE id = ?`, lang, v.Account))
}

// SaveNotice says whether a sign-in from a new device sends a letter.
func (s *Store) SaveNotice(ctx context.Context, v viewer.Viewer, on bool) error {
	return errs.Wrap("accounts.SaveNotice", s.db.ExecOne(ctx, `UPDATE accounts SET notice = ? WHERE id = ?`, on, v.Account))
}
