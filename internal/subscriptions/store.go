package subscriptions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Trail  *audit.Trail
	Now    clock.Clock
	Secret []byte // of the installation, the same in every process: signs the links
	Origin string // the canonical address, without a slash at its end
	// Federation is what the federation calls itself.
	Federation func(ctx context.Context) (string, error)
	// Clicked is told, in the transaction that notes it, that a link in a letter ended a kind of letters, or that this was
	// taken back. It may be nil.
	Clicked func(ctx context.Context, l Letter, left bool) error
}

// Store reads and writes subscriptions.
type Store struct {
	db         *db.DB
	people     *people.Store
	trail      *audit.Trail
	now        clock.Clock
	tokens     Tokens
	origin     string
	federation func(ctx context.Context) (string, error)
	clicked    func(ctx context.Context, l Letter, left bool) error
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	if d.Clicked == nil {
		d.Clicked = func(context.Context, Letter, bool) error { return nil }
	}
	return &Store{clicked: d.Clicked, db: d.DB, people: d.People, trail: d.Trail, now: d.Now, tokens: NewTokens(d.Secret), origin: d.Origin, federation: d.Federation}
}

// Links are the two addresses that a letter shows: the one that stops this kind from this sender by a POST or asks on a
// GET (RFC 8058 §3.1), and the page of all subscriptions, which asks to sign in. The first speaks the language of the
// context.
func (s *Store) Links(ctx context.Context, person, sender id.ID, kind string) (oneClick, page string) {
	page = s.origin + Path
	token := s.tokens.Make(Letter{Person: person, Sender: sender, Kind: Kind(kind), Lang: i18n.Lang(ctx)})
	if token == "" {
		return page, page
	}
	return s.origin + leavePath + token, page
}

// Choose notes what the person himself says of some senders and kinds. What he said already is not noted again.
func (s *Store) Choose(ctx context.Context, by viewer.Actor, wishes map[Cell]bool) error {
	if !by.SignedIn() || by.Person.IsZero() {
		return errs.E("subscriptions.Choose", errs.Forbidden, nil)
	}
	o, err := s.Overview(ctx, by.Viewer, by.Person)
	if err != nil {
		return err
	}
	for c := range wishes {
		if !c.Kind.Known() || !slices.ContainsFunc(o.Senders, func(x Sender) bool { return x.ID == c.Sender }) {
			return errs.Msg("subscriptions.form_old")
		}
	}
	return s.again(ctx, "Choose", func(ctx context.Context) error {
		st, err := s.standing(ctx, by.Person)
		if err != nil {
			return err
		}
		for _, sender := range o.Senders {
			if err := s.chooseOf(ctx, by, st, sender.ID, wishes); err != nil {
				return err
			}
		}
		return nil
	})
}

// chooseOf notes the wishes about one sender, with one line in the trail.
func (s *Store) chooseOf(ctx context.Context, by viewer.Actor, st Standing, sender id.ID, wishes map[Cell]bool) error {
	var on, off []string
	for _, k := range Kinds() {
		wants, asked := wishes[Cell{sender, k}]
		if !asked || wants == st.Subscribed(sender, k) {
			continue
		}
		if err := s.note(ctx, by.Person, st, Choice{Sender: sender, Kind: k, Wants: wants, Origin: ByPerson}); err != nil {
			return err
		}
		if wants {
			on = append(on, string(k))
		} else {
			off = append(off, string(k))
		}
	}
	if len(on)+len(off) == 0 {
		return nil
	}
	return s.record(ctx, by, "subscriptions.changed", by.Person, sender, map[string]any{"on": strings.Join(on, " "), "off": strings.Join(off, " ")})
}

// Pause stops everything but letters about one's own account for some months; a second one begins anew.
func (s *Store) Pause(ctx context.Context, by viewer.Actor) error {
	return s.setPause(ctx, by, true)
}

// Resume ends the pause; without one it does nothing.
func (s *Store) Resume(ctx context.Context, by viewer.Actor) error {
	return s.setPause(ctx, by, false)
}

func (s *Store) setPause(ctx context.Context, by viewer.Actor, on bool) error {
	if !by.SignedIn() || by.Person.IsZero() {
		return errs.E("subscriptions.setPause", errs.Forbidden, nil)
	}
	return s.again(ctx, "setPause", func(ctx context.Context) error {
		st, err := s.standing(ctx, by.Person)
		if err != nil {
			return err
		}
		c, action := Choice{Kind: pause, Wants: true, Origin: ByPerson}, "subscriptions.resumed"
		if on {
			c.Wants, c.UntilAt, action = false, s.now().AddDate(0, PauseFor, 0), "subscriptions.paused"
		} else if st.PausedUntil(s.now()).IsZero() {
			return nil
		}
		if err := s.note(ctx, by.Person, st, c); err != nil {
			return err
		}
		return s.record(ctx, by, action, by.Person, Federation, nil)
	})
}

// Refuse notes that somebody no longer wants a kind from a sender, told to the staff of one of his associations, or
// learnt by background work from a complaint. Only the person himself takes it back.
func (s *Store) Refuse(ctx context.Context, by viewer.Actor, person id.ID, c Cell, origin Origin) error {
	if !c.Kind.Known() || origin != ByStaff && origin != ByComplaint {
		return errs.E("subscriptions.Refuse", errs.Invalid, fmt.Errorf("%q, %q", c.Kind, origin))
	}
	if err := s.mayManage(ctx, by.Viewer, person); err != nil {
		return err
	}
	if _, err := s.SenderName(ctx, c.Sender); err != nil {
		return err
	}
	return s.again(ctx, "Refuse", func(ctx context.Context) error {
		_, err := s.refuse(ctx, by, person, c, origin)
		return err
	})
}

// mayManage lets through the staff of the person's associations and background work; NotFound for others.
func (s *Store) mayManage(ctx context.Context, v viewer.Viewer, person id.ID) error {
	d, err := s.people.Dossier(ctx, v, person)
	if err != nil {
		return err
	}
	if v.Kind != viewer.System && !v.HasAtAny(d.Associations(), viewer.Webmaster, viewer.Secretary) {
		return errs.E("subscriptions.mayManage", errs.Forbidden, nil)
	}
	return nil
}

// refuse notes a refusal unless the same is noted already, and says whether it did.
func (s *Store) refuse(ctx context.Context, by viewer.Actor, person id.ID, c Cell, origin Origin) (bool, error) {
	st, err := s.standing(ctx, person)
	if err != nil || !st.Subscribed(c.Sender, c.Kind) {
		return false, err
	}
	if err := s.note(ctx, person, st, Choice{Sender: c.Sender, Kind: c.Kind, Origin: origin}); err != nil {
		return false, err
	}
	return true, s.record(ctx, by, "subscriptions.changed", person, c.Sender, map[string]any{"off": string(c.Kind), "reason": string(origin)})
}

// oneClick is who acts where whoever holds a letter does: nobody knows who.
func oneClick() viewer.Actor { return viewer.Actor{Viewer: viewer.ForSystem("one-click")} }

// Leave stops the kind of letter that a link stands for. It may be said any number of times.
func (s *Store) Leave(ctx context.Context, l Letter) error {
	return s.again(ctx, "Leave", func(ctx context.Context) error {
		person, err := s.present(ctx, l.Person)
		if err != nil || person.IsZero() {
			return err
		}
		l.Person = person
		said, err := s.refuse(ctx, oneClick(), person, Cell{l.Sender, l.Kind}, ByOneClick)
		if err != nil || !said {
			return err
		}
		return s.clicked(ctx, l, true)
	})
}

// Return takes a click of Leave back. It takes back nothing else: a link can be in anybody's hands.
func (s *Store) Return(ctx context.Context, l Letter) error {
	return s.again(ctx, "Return", func(ctx context.Context) error {
		person, err := s.present(ctx, l.Person)
		if err != nil || person.IsZero() {
			return err
		}
		st, err := s.standing(ctx, person)
		if err != nil {
			return err
		}
		if c, said := st.Choice(l.Sender, l.Kind); !said || c.Wants || c.Origin != ByOneClick {
			return nil
		}
		if err := s.note(ctx, person, st, Choice{Sender: l.Sender, Kind: l.Kind, Wants: true, Origin: ByOneClick}); err != nil {
			return err
		}
		l.Person = person
		if err := s.clicked(ctx, l, false); err != nil {
			return err
		}
		return s.record(ctx, oneClick(), "subscriptions.changed", person, l.Sender, map[string]any{"on": string(l.Kind)})
	})
}

// note makes a choice the current one in place of that in the standing. Where that is no longer the current one,
// because somebody else said something meanwhile, it is a Conflict.
func (s *Store) note(ctx context.Context, person id.ID, st Standing, c Choice) error {
	if old, said := st.Choice(c.Sender, c.Kind); said {
		if _, err := s.db.Exec(ctx, `UPDATE subscription_choices SET current = FALSE WHERE id = ? AND current`, old.row); err != nil {
			return err
		}
	}
	_, err := s.db.Exec(ctx, `INSERT INTO subscription_choices (id, person_id, sender_id, kind, wants, until_at, origin, basis, current, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, TRUE, ?)`,
		id.New(), person, c.Sender.String(), string(c.Kind), c.Wants, c.UntilAt, string(c.Origin), string(basisOf(c.Wants, c.Origin)), s.now())
	return err
}

func (s *Store) record(ctx context.Context, by viewer.Actor, action string, person, sender id.ID, detail map[string]any) error {
	return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: action, Person: person, Association: sender, Detail: detail})
}

// again runs fn in a transaction, and once more when somebody else said something of the same subscription meanwhile:
// a double click must not look like a failure.
func (s *Store) again(ctx context.Context, op string, fn func(ctx context.Context) error) error {
	err := s.db.Tx(ctx, fn)
	if errors.Is(err, errs.Conflict) {
		err = s.db.Tx(ctx, fn)
	}
	return errs.Wrap("subscriptions."+op, err)
}
