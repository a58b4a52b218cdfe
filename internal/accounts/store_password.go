package accounts

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// CheckPassword says, under the field "password", why a password cannot be chosen for an account or, before there
// is an account, for a person.
func (s *Store) CheckPassword(ctx context.Context, a Account, password string) error {
	own := []string{a.Name, a.Login, a.Email}
	if !a.Person.IsZero() {
		d, err := s.people.Dossiers(ctx, viewer.ForSystem("password rules"), []id.ID{a.Person})
		if err != nil {
			return errs.Wrap("accounts.CheckPassword", err)
		}
		for _, p := range d {
			own = append(own, p.FirstName, p.FirstNames, p.BirthSurname, p.UsageSurname)
			for _, l := range p.Logins {
				own = append(own, l.Login)
			}
			for _, c := range p.Contacts {
				own = append(own, c.Value)
			}
		}
	}
	if key := weakness(password, own); key != "" {
		f := errs.Fields{}
		f.Add("password", key)
		return f.Err()
	}
	return nil
}

// SetPassword changes an account's password after the rules agreed, ends its sessions but one (zero spares none),
// and makes links sent before useless. It hashes before it opens its transaction: call it outside one.
func (s *Store) SetPassword(ctx context.Context, account id.ID, password string, keep id.ID) error {
	a, err := s.ByID(ctx, account)
	if err != nil {
		return err
	}
	if err := s.CheckPassword(ctx, a, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context) error { return s.putPassword(ctx, a, hash, keep) })
}

// putPassword is the part of every change of a password that is one transaction.
func (s *Store) putPassword(ctx context.Context, a Account, hash string, keep id.ID) error {
	if err := s.db.ExecOne(ctx, `UPDATE accounts SET password_hash = ?, password_at = ? WHERE id = ? AND disabled_at IS NULL`, hash, s.now(), a.ID); err != nil {
		return errs.Wrap("accounts.putPassword "+a.ID.String(), err)
	}
	if err := s.dropLinks(ctx, a); err != nil {
		return err
	}
	if err := s.o.Sessions.RevokeOthers(ctx, a.ID, keep); err != nil {
		return err
	}
	if keep.IsZero() { // chosen by a link: the browsers that knew the old one are strangers again
		if _, err := s.db.Exec(ctx, `DELETE FROM devices WHERE account_id = ?`, a.ID); err != nil {
			return errs.Wrap("accounts.putPassword", err)
		}
	}
	return s.record(ctx, s.selfOf(a), a, "account.password", id.ID{}, nil)
}

// selfOf is the holder acting on his own account, as the trail writes him.
func (s *Store) selfOf(a Account) viewer.Viewer {
	kind := viewer.Network
	switch a.Kind {
	case OfStaff:
		kind = viewer.Staff
	case OfRecruiter:
		kind = viewer.Recruiter
	}
	return viewer.Viewer{Kind: kind, Account: a.ID, Person: a.Person}
}

// Hash is the text to keep of a password, for SetHash.
func (s *Store) Hash(ctx context.Context, password string) (string, error) {
	return s.hasher.hash(ctx, password)
}

// SetHash gives an account a hash made elsewhere (argon2id), past the rules: for the console and the demonstration.
func (s *Store) SetHash(ctx context.Context, account id.ID, hash string) error {
	if err := boundHash(hash); err != nil {
		return err
	}
	return errs.Wrap("accounts.SetHash", s.db.ExecOne(ctx, `UPDATE accounts SET password_hash = ?, password_at = ? WHERE id = ?`, hash, s.now(), account))
}

// ChangePassword is the holder's own change: the present password is asked for, and his other sessions end.
func (s *Store) ChangePassword(ctx context.Context, v viewer.Viewer, present, password string, keep id.ID) error {
	a, err := s.ByID(ctx, v.Account)
	if err != nil {
		return err
	}
	if a.HasPassword {
		ok, err := s.Verify(ctx, a, present, true)
		if err != nil {
			return err
		}
		if !ok {
			f := errs.Fields{}
			f.Add("present", "accounts.present_wrong")
			return f.Err()
		}
	}
	if err := s.CheckPassword(ctx, a, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.putPassword(ctx, a, hash, keep); err != nil {
			return err
		}
		return s.o.Letters.passwordChanged(ctx, s, a)
	})
}

// Choose is the password chosen through a link of ForActivation or ForReset: the link is used up, the account opened
// if there was none, the address the link went to confirmed, every session ended, all or nothing. Of two requests at
// once one succeeds; the other's link is dead. It hashes outside the transaction.
func (s *Store) Choose(ctx context.Context, token, password string) (Account, error) {
	l, err := s.Peek(ctx, token, ForActivation, ForReset)
	if err != nil {
		return Account{}, err
	}
	if err := s.CheckPassword(ctx, Account{ID: l.Account, Person: l.Person}, password); err != nil {
		return Account{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	var a Account
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		// The account first: it is the one lock that two links of one person have in common.
		if a, err = s.accountOf(ctx, l); err != nil {
			return err
		}
		if err := s.lock(ctx, a.ID); err != nil {
			return err
		}
		if l, err = s.UseLink(ctx, token, ForActivation, ForReset); err != nil {
			return err
		}
		first := !a.HasPassword
		if err := s.putPassword(ctx, a, hash, id.ID{}); err != nil {
			return err
		}
		if l.Email != "" && !a.Person.IsZero() {
			if err := s.people.ConfirmEmail(ctx, a.Person, l.Email, "activation"); err != nil {
				return err
			}
		}
		if first {
			return nil
		}
		return s.o.Letters.passwordChanged(ctx, s, a)
	})
	return a, err
}

// lock makes other transactions that change the account wait.
func (s *Store) lock(ctx context.Context, account id.ID) error {
	return errs.Wrap("accounts.lock", s.db.ExecOne(ctx, `UPDATE accounts SET lang = lang WHERE id = ?`, account))
}

// accountOf is whose account a link opens; a person's is made when he has none.
func (s *Store) accountOf(ctx context.Context, l Link) (Account, error) {
	if !l.Account.IsZero() {
		return s.ByID(ctx, l.Account)
	}
	return s.OpenFor(ctx, l.Person)
}

// Verify compares a password with an account's; a zero account costs as much and is false. known says that the
// request comes from where the account was opened before, and goes first when many wait. Unavailable when too many
// wait.
func (s *Store) Verify(ctx context.Context, a Account, password string, known bool) (bool, error) {
	stored, err := db.All[string](ctx, s.db, `SELECT password_hash FROM accounts WHERE id = ?`, a.ID.String())
	if err != nil {
		return false, errs.Wrap("accounts.Verify", err)
	}
	hash := ""
	if len(stored) == 1 {
		hash = stored[0]
	}
	if len(password) > maxPassword*4 {
		password = "" // nobody's: and no work for it
	}
	match, old, err := s.hasher.check(ctx, password, hash, known)
	if err != nil || !match {
		return false, err
	}
	if old {
		if text, err := s.hasher.hash(ctx, password); err == nil { // else the next sign-in does it
			_, err = s.db.Exec(ctx, `UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?`, text, a.ID, hash)
			if err != nil {
				return false, errs.Wrap("accounts.Verify", err)
			}
		}
	}
	return true, nil
}

// Found is what somebody typed to say who he is.
type Found struct {
	Account Account // zero when nobody, or more than one, is meant
	Shared  bool    // an e-mail address of several accounts
	// Key stands for whoever was meant, also for nobody, where the tries of a place he came from before are counted.
	Key string
	// Typed stands for what was typed, where the tries of strangers are counted: it must not tell that a login and an
	// address are the same account's, nor that there is one.
	Typed string
}

// Find looks for the account that was meant: by login in every form people write it, by a confirmed e-mail, by the
// lifetime address, by a staff login. device is the hash of the browser's secret: it decides between several who
// share an address, where only one of them used this browser. What it finds is never shown.
func (s *Store) Find(ctx context.Context, typed, device string) (Found, error) {
	list, err := s.candidates(ctx, typed)
	if err != nil {
		return Found{}, errs.Wrap("accounts.Find", err)
	}
	out := Found{Shared: len(list) > 1}
	if out.Typed, err = s.typedKey(ctx, typed); err != nil {
		return Found{}, errs.Wrap("accounts.Find", err)
	}
	out.Key = out.Typed
	if len(list) > 1 {
		var known []Account
		for _, a := range list {
			ok, _, err := s.Known(ctx, a.ID, device, "")
			if err != nil {
				return Found{}, err
			}
			if ok {
				known = append(known, a)
			}
		}
		list = known
	}
	if len(list) == 1 {
		out.Account, out.Key = list[0], "account:"+list[0].ID.String()
	}
	return out, nil
}

// typedKey is the same for every form of a login, its lifetime addresses among them.
func (s *Store) typedKey(ctx context.Context, typed string) (string, error) {
	if local, domain, isAddress := cutAddress(fold.Email(typed)); isAddress {
		ours, err := s.lifetime(ctx, domain)
		if err != nil {
			return "", err
		}
		if ours {
			typed = local
		}
	}
	return "typed:" + fold.TypedLogin(typed), nil
}

// lifetime reports whether a domain is that of an association's lifetime addresses.
func (s *Store) lifetime(ctx context.Context, domain string) (bool, error) {
	associations, err := s.people.Associations(ctx)
	return associations.HaveMailDomain(domain), err
}

// candidates are the accounts a typed login or address may mean.
func (s *Store) candidates(ctx context.Context, typed string) ([]Account, error) {
	if len(typed) > 400 {
		return nil, nil
	}
	persons, err := s.personsBy(ctx, typed)
	if err != nil {
		return nil, err
	}
	args := append([]any{fold.TypedLogin(typed), fold.Email(typed)}, db.Args(persons)...)
	return db.All[Account](ctx, s.db, `
		SELECT `+accountColumns+` FROM accounts a
		WHERE (a.login_key = ? AND a.login_key <> '') OR (a.email_key = ? AND a.email_key <> '') OR a.person_id IN (`+db.In(len(persons))+`)
		ORDER BY a.id LIMIT 20`, args...)
}

// personsBy are the persons a typed login or address may mean, with or without an account.
func (s *Store) personsBy(ctx context.Context, typed string) ([]id.ID, error) {
	email := fold.Email(typed)
	local, domain, isAddress := cutAddress(email)
	login := typed
	var persons []id.ID
	if isAddress {
		var err error
		if persons, err = s.people.PersonsByEmail(ctx, email); err != nil {
			return nil, err
		}
		login = ""
		ours, err := s.lifetime(ctx, domain)
		if err != nil {
			return nil, err
		}
		if ours {
			login = local
		}
	}
	if login == "" {
		return persons, nil
	}
	person, err := s.people.PersonByLogin(ctx, login)
	if err != nil {
		if errs.KindOf(err) == errs.NotFound {
			return persons, nil
		}
		return nil, err
	}
	for _, p := range persons {
		if p == person {
			return persons, nil
		}
	}
	if person.IsZero() { // a staff login: people only keeps it reserved
		return persons, nil
	}
	return append(persons, person), nil
}
