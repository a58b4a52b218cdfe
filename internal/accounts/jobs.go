package accounts

import (
	"context"
	"time"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
)

// asked is the payload of a letter somebody asked for by typing who he is.
type asked struct {
	Typed string `json:"typed"`
	Lang  string `json:"lang"` // of the page it was typed on, for a holder who never chose one
}

const (
	jobReset  = "accounts.reset"
	jobSignIn = "accounts.signin"
)

// Sweeper forgets what is over: *web.Sessions is one.
type Sweeper interface {
	Sweep(ctx context.Context) error
}

// Jobs is the work behind the pages: letters that a stranger asked for, so that his request takes the same time
// whoever is meant, and the sweeping of links, sign-ins and sessions.
type Jobs struct {
	store    *Store
	sessions Sweeper
}

// NewJobs makes the handlers.
func NewJobs(s *Store, sessions Sweeper) *Jobs { return &Jobs{store: s, sessions: sessions} }

// Register gives the handlers to a runner.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(jobReset, jobs.Typed(func(ctx context.Context, a asked) error {
		return j.store.sendTo(ctx, a, j.store.o.Letters.choose)
	}))
	r.Handle(jobSignIn, jobs.Typed(func(ctx context.Context, a asked) error {
		return j.store.sendTo(ctx, a, j.store.o.Letters.signIn)
	}))
	r.Every("accounts.sweep", jobs.Interval(6*time.Hour), func(ctx context.Context) error {
		if err := j.store.Sweep(ctx); err != nil {
			return err
		}
		return j.sessions.Sweep(ctx)
	})
}

// AskReset and AskSignIn enqueue a letter to whoever is meant, known or not: always one job.
func (s *Store) AskReset(ctx context.Context, q *jobs.Queue, typed string) error {
	return q.Add(ctx, jobReset, asked{Typed: cut(typed, 400), Lang: i18n.Lang(ctx)}, jobs.Options{})
}

// AskSignIn is AskReset for a link that signs in.
func (s *Store) AskSignIn(ctx context.Context, q *jobs.Queue, typed string) error {
	return q.Add(ctx, jobSignIn, asked{Typed: cut(typed, 400), Lang: i18n.Lang(ctx)}, jobs.Options{})
}

// sendTo writes to every open account that a typed login or address may mean: several who share an address get a
// letter each, which names the login. It goes to the address typed, if the person confirmed it, else to the one he
// prefers.
func (s *Store) sendTo(ctx context.Context, q asked, send func(context.Context, *Store, Account, Holder) error) error {
	list, err := s.candidates(ctx, q.Typed)
	if err != nil {
		return errs.Wrap("accounts.sendTo", err)
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		for _, a := range list {
			if err := s.Welcome(ctx, a); err != nil {
				if errs.KindOf(err) == errs.NotFound {
					continue
				}
				return err
			}
			h, err := s.holder(ctx, a)
			if err != nil {
				return err
			}
			if h.Email, err = s.addressFor(ctx, a, h, q.Typed); err != nil {
				return err
			}
			if h.Lang == "" {
				h.Lang = q.Lang
			}
			if err := send(ctx, s, a, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// addressFor is the typed address where the person confirmed it, as he wrote it.
func (s *Store) addressFor(ctx context.Context, a Account, h Holder, typed string) (string, error) {
	if a.Person.IsZero() {
		return h.Email, nil
	}
	d, err := s.people.Dossiers(ctx, viewer.ForSystem("account letters"), []id.ID{a.Person})
	if err != nil || len(d) == 0 {
		return h.Email, err
	}
	for _, c := range d[0].Contacts {
		if c.ValueKey == fold.Email(typed) && !c.ConfirmedAt.IsZero() {
			return c.Value, nil
		}
	}
	return h.Email, nil
}

// loginOf is the login that a letter names; "" when there is none.
func (s *Store) loginOf(ctx context.Context, a Account) string {
	if a.Person.IsZero() {
		if a.Login == "" {
			return a.Email
		}
		return a.Login
	}
	standing, err := s.people.StandingOf(ctx, a.Person)
	if err != nil {
		return "" // the letter is worth sending without it
	}
	return standing.Login
}
