package inbox

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"amicale/internal/errs"
	"amicale/internal/id"
)

// Door lets people in who submit.
type Door interface {
	// SignIn gives whom a user and a password for mail programs let in: Unauthorized when they let in nobody, Limited
	// when there were too many tries.
	SignIn(ctx context.Context, user, password string, from netip.Addr) (Admission, error)
}

// Admission is who was let in, and by what. It lasts as long as the connection does: the box of submission asks at each
// recipient whether the key still stands.
type Admission struct {
	Account id.ID
	Key     id.ID // of the password
}

// submissionBox is the name of the box that is asked first, and only, for people who signed in: it takes recipients
// anywhere. Nobody else is ever offered to it, so that no fault of it makes this an open relay.
const submissionBox = "submission"

// Wrong passwords: some at once, then one more every minute. For one user they are many, so that nobody shuts another
// out by trying; a password for a mail program cannot be guessed anyway.
const (
	triesFrom = 10  // one network
	triesFor  = 100 // one user
	triesHere = 3   // in one connection
)

// AuthMechanisms are what is offered; the library offers them only over TLS.
func (x *session) AuthMechanisms() []string {
	if !x.p.submission {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth begins signing in.
func (x *session) Auth(mechanism string) (sasl.Server, error) {
	if !x.p.submission || x.over == "" {
		return nil, smtp.ErrAuthUnsupported
	}
	if x.under() != nil {
		return nil, answerOf(Refuse(503, "5.5.1", "not within a message"))
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(identity, user, password string) error {
			if identity != "" && identity != user {
				return smtp.ErrAuthFailed
			}
			return x.signIn(user, password)
		}), nil
	case sasl.Login:
		return &loginServer{signIn: x.signIn}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (x *session) signIn(user, password string) error {
	if x.w.isCut() {
		return x.goodbye()
	}
	from, name := netOf(x.w.from).String(), strings.ToLower(user)
	if x.s.triesFrom.Spent(from) || x.s.triesFor.Spent(name) {
		return x.cut(Refuse(454, "4.7.0", "too many tries, come back later"))
	}
	in, err := x.s.o.Door.SignIn(x.ctx, user, password, x.w.from)
	switch {
	case err == nil && !in.Account.IsZero():
		x.in = in
		x.s.triesFor.Forget(name)
		x.s.o.Observe(Event{What: "signed in"})
		return nil
	case errors.Is(err, errs.Limited):
		return x.refuse(Refuse(454, "4.7.0", "too many tries, come back later"))
	case err != nil && !errors.Is(err, errs.Unauthorized) && !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Forbidden):
		x.s.o.Log.Error("inbox: nobody can sign in to submit", "error", err)
		return x.refuse(Refuse(454, "4.7.0", "our fault, please try again later"))
	}
	x.s.o.Observe(Event{What: "not signed in"})
	_, _ = x.s.triesFrom.Take(from), x.s.triesFor.Take(name)
	x.failed++
	x.wait(x.s.o.Slow * time.Duration(x.failed))
	if x.failed >= triesHere {
		x.w.cutOff()
	}
	return smtp.ErrAuthFailed
}

// loginServer is the LOGIN mechanism, which old mail programs still want.
type loginServer struct {
	signIn func(user, password string) error
	user   *string
}

// Next asks for the user, then for the password.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil && l.user == nil:
		return []byte("Username:"), false, nil
	case l.user == nil:
		user := string(response)
		l.user = &user
		return []byte("Password:"), false, nil
	}
	return nil, true, l.signIn(*l.user, string(response))
}
