package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// How long a session lives: without use, and at most.
const (
	sessionIdle  = 30 * 24 * time.Hour
	sessionTotal = 180 * 24 * time.Hour
	seenEvery    = 15 * time.Minute // how exact "last seen" is; it spares a write a request
)

// Session is one signed-in browser, kept on the server.
type Session struct {
	ID         id.ID
	AccountID  id.ID
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	Strong     bool // a second factor or a passkey was given
	IP         string
	UserAgent  string
}

// Sessions is the store of sessions. The cookie holds a secret; the database only its SHA-256.
type Sessions struct {
	db  *db.DB
	now clock.Clock
}

// NewSessions makes the store.
func NewSessions(d *db.DB, now clock.Clock) *Sessions { return &Sessions{d, now} }

const sessionColumns = `id, account_id, created_at, last_seen_at, expires_at, strong, ip, user_agent`

// Start makes a session and gives its secret.
func (s *Sessions) Start(ctx context.Context, account id.ID, strong bool, ip, userAgent string) (token string, sess Session, err error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", Session{}, errs.E("web.Sessions.Start", errs.Internal, err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw)
	if len(userAgent) > 300 {
		userAgent = strings.ToValidUTF8(userAgent[:300], "")
	}
	now := s.now()
	sess = Session{ID: id.New(), AccountID: account, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(sessionTotal),
		Strong: strong, IP: ip, UserAgent: sanitize(userAgent)}
	_, err = s.db.Exec(ctx, `INSERT INTO sessions (token_hash, `+sessionColumns+`) VALUES (`+db.In(9)+`)`,
		hash(token), sess.ID, account, now, now, sess.ExpiresAt, strong, ip, sess.UserAgent)
	return token, sess, errs.Wrap("web.Sessions.Start", err)
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Load is the session of a secret; NotFound when there is none or it is over.
func (s *Sessions) Load(ctx context.Context, token string) (Session, error) {
	sess, err := db.One[Session](ctx, s.db, `SELECT `+sessionColumns+` FROM sessions WHERE token_hash = ?`, hash(token))
	if err != nil {
		return Session{}, errs.Wrap("web.Sessions.Load", err)
	}
	now := s.now()
	if now.After(sess.ExpiresAt) || now.Sub(sess.LastSeenAt) > sessionIdle {
		return Session{}, errs.E("web.Sessions.Load", errs.NotFound, nil)
	}
	if now.Sub(sess.LastSeenAt) > seenEvery {
		if _, err := s.db.Exec(ctx, `UPDATE sessions SET last_seen_at = ? WHERE id = ?`, now, sess.ID); err != nil {
			return Session{}, errs.Wrap("web.Sessions.Load", err)
		}
	}
	return sess, nil
}

// ByAccount are an account's sessions, the latest used first.
func (s *Sessions) ByAccount(ctx context.Context, account id.ID) ([]Session, error) {
	list, err := db.All[Session](ctx, s.db, `SELECT `+sessionColumns+` FROM sessions WHERE account_id = ? AND expires_at > ? AND last_seen_at > ?
		ORDER BY last_seen_at DESC, id`, account, s.now(), s.now().Add(-sessionIdle))
	return list, errs.Wrap("web.Sessions.ByAccount", err)
}

// Strengthen notes that the session has now given a second factor.
func (s *Sessions) Strengthen(ctx context.Context, session id.ID) error {
	_, err := s.db.Exec(ctx, `UPDATE sessions SET strong = TRUE WHERE id = ?`, session)
	return errs.Wrap("web.Sessions.Strengthen", err)
}

// Revoke ends one session of an account.
func (s *Sessions) Revoke(ctx context.Context, account, session id.ID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sessions WHERE account_id = ? AND id = ?`, account, session)
	return errs.Wrap("web.Sessions.Revoke", err)
}

// RevokeOthers ends all sessions of an account but one; a zero ID spares none.
func (s *Sessions) RevokeOthers(ctx context.Context, account, keep id.ID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sessions WHERE account_id = ? AND id <> ?`, account, keep.String())
	return errs.Wrap("web.Sessions.RevokeOthers", err)
}

// Sweep deletes what is over; a periodic job calls it.
func (s *Sessions) Sweep(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sessions WHERE expires_at < ? OR last_seen_at < ?`, s.now(), s.now().Add(-sessionIdle))
	return errs.Wrap("web.Sessions.Sweep", err)
}

func (s *Site) cookieName() string {
	if s.Secure() {
		return "__Host-amicale"
	}
	return "amicale"
}

func (s *Site) cookie(name, value string, maxAge time.Duration) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(maxAge / time.Second), HttpOnly: true, Secure: s.Secure(), SameSite: http.SameSiteLaxMode}
}

// SignIn starts a session for the account in this browser; one that was open here ends. It joins the transaction of
// ctx: should that be rolled back, the browser holds a secret that opens nothing.
func (r *Request) SignIn(ctx context.Context, account id.ID, strong bool) error {
	if !r.Session.ID.IsZero() {
		if err := r.Site.Sessions.Revoke(ctx, r.Session.AccountID, r.Session.ID); err != nil {
			return err
		}
	}
	token, sess, err := r.Site.Sessions.Start(ctx, account, strong, r.IP, r.UserAgent())
	if err != nil {
		return err
	}
	r.Session = sess
	http.SetCookie(r.W, r.Site.cookie(r.Site.cookieName(), token, sessionTotal))
	return nil
}

// SignOut ends this browser's session.
func (r *Request) SignOut() error {
	if !r.Session.ID.IsZero() {
		if err := r.Site.Sessions.Revoke(r.Ctx(), r.Session.AccountID, r.Session.ID); err != nil {
			return err
		}
	}
	c := r.Site.cookie(r.Site.cookieName(), "", 0)
	c.MaxAge = -1
	http.SetCookie(r.W, c)
	return nil
}

// identify finds the session and makes the viewer from what the database says now.
func (s *Site) identify(r *Request) error {
	c, err := r.Cookie(s.cookieName())
	if err != nil || c.Value == "" {
		return nil
	}
	// These look-ups by key run to their end: to watch for a visitor who leaves meanwhile costs more than they do.
	ctx := context.WithoutCancel(r.Ctx())
	sess, err := s.Sessions.Load(ctx, c.Value)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v, who, err := s.Identify(ctx, sess)
	if errors.Is(err, errs.NotFound) { // the account is gone or closed
		return nil
	}
	if err != nil {
		return err
	}
	r.Session, r.Viewer, r.Identity = sess, v, who
	return nil
}
