package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

const linkColumns = `purpose, person_id, account_id, email, created_at, expires_at, used_at`

// IssueLink makes a single-use secret and gives it back once: the database keeps only its hash. It joins the
// caller's transaction.
func (s *Store) IssueLink(ctx context.Context, l Link) (token string, err error) {
	return s.issue(ctx, l, nil)
}

// issue is IssueLink with what a sign-in under way must remember.
func (s *Store) issue(ctx context.Context, l Link, data any) (token string, err error) {
	if l.TTL <= 0 {
		return "", errs.E("accounts.IssueLink", errs.Internal, fmt.Errorf("a link of %s without a time to live", l.Purpose))
	}
	now := s.now()
	token = newToken()
	_, err = s.db.Exec(ctx, `INSERT INTO links (token_hash, data, `+linkColumns+`) VALUES (`+db.In(9)+`)`,
		tokenHash(token), db.ToJSON(data), string(l.Purpose), l.Person, l.Account, l.Email, now, now.Add(l.TTL), nil)
	return token, errs.Wrap("accounts.IssueLink "+string(l.Purpose), err)
}

// Peek is a link that is still good, without using it; NotFound otherwise.
func (s *Store) Peek(ctx context.Context, token string, purposes ...Purpose) (Link, error) {
	args := append([]any{tokenHash(token), s.now()}, purposeArgs(purposes)...)
	l, err := db.One[Link](ctx, s.db, `
		SELECT `+linkColumns+` FROM links WHERE token_hash = ? AND used_at IS NULL AND expires_at > ? AND purpose IN (`+db.In(len(purposes))+`)`, args...)
	return l, linkError("accounts.Peek", err)
}

// UseLink uses up a link: of two requests at once exactly one gets it, the other NotFound. It joins the caller's
// transaction, so that what is refused afterwards leaves the link good.
func (s *Store) UseLink(ctx context.Context, token string, purposes ...Purpose) (Link, error) {
	l, _, err := s.use(ctx, token, purposes...)
	return l, linkError("accounts.UseLink", err)
}

type usedLink struct {
	Link
	Data db.JSON[json.RawMessage]
}

func (s *Store) use(ctx context.Context, token string, purposes ...Purpose) (Link, json.RawMessage, error) {
	now := s.now()
	args := append([]any{now, tokenHash(token), now}, purposeArgs(purposes)...)
	l, err := db.One[usedLink](ctx, s.db, `
		UPDATE links SET used_at = ? WHERE token_hash = ? AND used_at IS NULL AND expires_at > ? AND purpose IN (`+db.In(len(purposes))+`)
		RETURNING `+linkColumns+`, data`, args...)
	return l.Link, l.Data.V, err
}

func purposeArgs(purposes []Purpose) []any {
	out := make([]any, len(purposes))
	for i, p := range purposes {
		out[i] = string(p)
	}
	return out
}

// linkError gives a link that is no good the words for it.
func linkError(op string, err error) error {
	if err != nil && errs.KindOf(err) == errs.NotFound {
		return &errs.Error{Kind: errs.NotFound, Op: op, Msg: errs.Message{Key: "accounts.link_dead"}, Err: err}
	}
	return errs.Wrap(op, err)
}

// dropLinks makes an account's other ways to a password and into a session useless, once a password was chosen.
func (s *Store) dropLinks(ctx context.Context, a Account) error {
	_, err := s.db.Exec(ctx, `
		UPDATE links SET used_at = ? WHERE used_at IS NULL AND purpose IN ('activate', 'reset', 'signin', 'verify')
			AND (account_id = ? OR person_id = ?)`, s.now(), a.ID, a.Person)
	return errs.Wrap("accounts.dropLinks", err)
}

// DropLinksOf makes every link of a person useless, as when an activation is refused at the desk.
func (s *Store) DropLinksOf(ctx context.Context, person id.ID) error {
	_, err := s.db.Exec(ctx, `UPDATE links SET used_at = ? WHERE used_at IS NULL AND person_id = ?`, s.now(), person)
	return errs.Wrap("accounts.DropLinksOf", err)
}

// TakeBack undoes what somebody else did to an account since a moment, as when he chose its password by a link that was
// not for him: the password goes, the passkeys and browsers of that time, the codes where nobody had come in before, and
// the confirmation of addresses, which else would bring him another link. The owner comes in by the desk. It joins the
// caller's transaction.
func (s *Store) TakeBack(ctx context.Context, a Account, since time.Time) error {
	const nobodyBefore = ` AND NOT EXISTS (SELECT 1 FROM sign_ins i WHERE i.account_id = ? AND i.ok AND i.at < ?)`
	for _, step := range []struct {
		q    string
		args []any
	}{
		{`UPDATE accounts SET password_hash = '', password_at = NULL WHERE id = ?`, []any{a.ID}},
		{`UPDATE accounts SET totp_secret = '', totp_pending = '' WHERE id = ?` + nobodyBefore, []any{a.ID, a.ID, since}},
		{`DELETE FROM recovery_codes WHERE account_id = ?` + nobodyBefore, []any{a.ID, a.ID, since}},
		{`DELETE FROM passkeys WHERE account_id = ? AND created_at >= ?`, []any{a.ID, since}},
		{`DELETE FROM devices WHERE account_id = ? AND created_at >= ?`, []any{a.ID, since}},
	} {
		if _, err := s.db.Exec(ctx, step.q, step.args...); err != nil {
			return errs.Wrap("accounts.TakeBack", err)
		}
	}
	if a.Person.IsZero() {
		return nil
	}
	return s.people.UnconfirmEmails(ctx, a.Person, since)
}
