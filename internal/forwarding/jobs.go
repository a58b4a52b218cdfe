package forwarding

import (
	"context"
	"errors"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/viewer"
)

const (
	askJob     = "forwarding.ask"
	releaseJob = "forwarding.release"
)

// about is a job about a person.
type about struct {
	Person id.ID `json:"person"`
}

// Jobs is the work behind the boxes: asking for targets, sending on what waited, giving up what waited too long.
type Jobs struct{ store *Store }

// NewJobs makes them.
func NewJobs(s *Store) *Jobs { return &Jobs{s} }

// Register says who does what.
func (j *Jobs) Register(r *jobs.Runner) {
	r.Handle(askJob, jobs.Typed(j.store.askForTarget))
	r.Handle(releaseJob, jobs.Typed(func(ctx context.Context, a about) error { return j.store.Release(ctx, a.Person) }))
	r.Every("forwarding.release_all", jobs.Interval(10*time.Minute), j.store.releaseAll)
	r.Every("forwarding.sweep", jobs.Interval(24*time.Hour), j.store.Sweep)
}

// gone makes a person who is no longer there no error: a job about him has nothing left to do.
func gone(err error) error {
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// reminders are the letters to somebody without a target, and when each leaves, counted from the first.
var reminders = []struct {
	key   string
	after time.Duration
}{{"no_target", 0}, {"no_target_again", 3 * 24 * time.Hour}, {"closed", askedFor}}

// reader is who looks at a person whose mail goes nowhere.
func reader() viewer.Viewer { return viewer.ForSystem("mail of the addresses for life") }

// askForTarget writes to somebody whose mail goes nowhere, and again while that lasts.
func (s *Store) askForTarget(ctx context.Context, j about) error {
	lang, err := s.LangOf(ctx, j.Person)
	if err != nil {
		return err
	}
	if lang == "" {
		lang = i18n.Langs()[0]
	}
	ctx = s.Bundle.With(ctx, lang)
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		asked, err := s.askedOf(ctx, j.Person)
		if err != nil || asked.Letters >= len(reminders) {
			return gone(err)
		}
		h, err := s.holder(ctx, j.Person, as)
		if err != nil {
			return gone(err)
		}
		if len(h.Route()) > 0 {
			return s.forgetAsked(ctx, j.Person)
		}
		d, err := s.People.Dossier(ctx, reader(), j.Person)
		if err != nil {
			return gone(err)
		}
		if to := askAt(d, h.Settings, as); to != "" {
			if err := s.letter(ctx, d, reminders[asked.Letters].key, to, lastDay(ctx, asked.FirstAt)); err != nil {
				return err
			}
		}
		if err := s.countLetter(ctx, j.Person, asked.Letters); err != nil || asked.Letters+1 == len(reminders) {
			return err
		}
		return s.Queue.Add(ctx, askJob, j, jobs.Options{UniqueKey: j.Person.String(), RunAt: asked.FirstAt.Add(reminders[asked.Letters+1].after)})
	})
	return errs.Wrap("forwarding.askForTarget "+j.Person.String(), err)
}

// releaseAll looks at everybody for whom something waits: a pause may have ended, an address may have been confirmed.
// Then it gives up what waited too long for a target, and tells those who wrote.
func (s *Store) releaseAll(ctx context.Context) error {
	const page = 200
	var after id.ID
	for {
		list, err := s.whoWaits(ctx, after, page)
		if err != nil {
			return err
		}
		for _, person := range list {
			if err := s.Release(ctx, person); err != nil {
				return err
			}
			after = person
		}
		if len(list) < page {
			break
		}
	}
	for {
		n, err := s.giveUpSome(ctx, page)
		if err != nil || n < page {
			return err
		}
	}
}

func (s *Store) giveUpSome(ctx context.Context, limit int) (n int, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		list, err := s.giveUp(ctx, limit)
		if err != nil {
			return err
		}
		n = len(list)
		ids := make([]id.ID, n)
		for i, h := range list {
			ids[i] = h.SlipID
		}
		slips, err := s.Arrivals.ByIDs(ctx, ids)
		if err != nil {
			return err
		}
		for _, sl := range slips {
			if err := s.reportForwarded(ctx, sl, mail.DSN{Class: mail.Temporary, Original: sl.Header()}); err != nil {
				return err
			}
		}
		return nil
	})
	return n, errs.Wrap("forwarding.giveUpSome", err)
}
