package forwarding

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// Bounds of what waits here for one person: nobody's mail may fill the disk.
const (
	mostHeld      = 500
	mostHeldBytes = 100 << 20
)

// held is a delivery that waits here.
type held struct {
	DeliveryID id.ID
	SlipID     id.ID
	PersonID   id.ID
	Size       int64
	Why        Way
	Since      time.Time
	GivenUpAt  time.Time
}

const heldColumns = `delivery_id, slip_id, person_id, size, why, since, given_up_at`

// hold notes deliveries that wait, and asks those who have no target for one.
func (s *Store) hold(ctx context.Context, list []held) error {
	var rows []any
	var lost []id.ID
	for _, h := range list {
		rows = append(rows, h.DeliveryID, h.SlipID, h.PersonID, h.Size, string(h.Why), s.Now())
		if h.Why == Asked && !slices.Contains(lost, h.PersonID) {
			lost = append(lost, h.PersonID)
		}
	}
	if err := s.DB.InsertMany(ctx, `forwarding_held (delivery_id, slip_id, person_id, size, why, since)`, 6, rows, ``); err != nil {
		return errs.Wrap("forwarding.hold", err)
	}
	slices.SortFunc(lost, compareIDs) // two processes wait for each other rather than lock each other out
	for _, person := range lost {
		if err := s.ask(ctx, person); err != nil {
			return err
		}
	}
	return nil
}

func compareIDs(a, b id.ID) int { return bytes.Compare(a[:], b[:]) }

// ask begins to ask somebody for a target, unless that has begun.
func (s *Store) ask(ctx context.Context, person id.ID) error {
	n, err := s.DB.Exec(ctx, `INSERT INTO forwarding_asked (person_id, first_at, letters) VALUES (?, ?, 0) ON CONFLICT (person_id) DO NOTHING`, person, s.Now())
	if err != nil || n == 0 {
		return errs.Wrap("forwarding.ask", err)
	}
	return s.Queue.Add(ctx, askJob, about{person}, jobs.Options{UniqueKey: person.String()})
}

func (s *Store) forgetAsked(ctx context.Context, person id.ID) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM forwarding_asked WHERE person_id = ?`, person)
	return errs.Wrap("forwarding.forgetAsked", err)
}

// asked is since when somebody is asked for a target, and how many letters did so.
type asked struct {
	FirstAt time.Time
	Letters int
}

// askedOf is NotFound when the person is not asked any more.
func (s *Store) askedOf(ctx context.Context, person id.ID) (asked, error) {
	a, err := db.One[asked](ctx, s.DB, `SELECT first_at, letters FROM forwarding_asked WHERE person_id = ?`, person)
	return a, errs.Wrap("forwarding.askedOf", err)
}

// countLetter notes one more letter after that many; Conflict when another process did so meanwhile.
func (s *Store) countLetter(ctx context.Context, person id.ID, after int) error {
	n, err := s.DB.Exec(ctx, `UPDATE forwarding_asked SET letters = letters + 1 WHERE person_id = ? AND letters = ?`, person, after)
	if err == nil && n == 0 {
		err = errs.Conflict
	}
	return errs.Wrap("forwarding.countLetter", err)
}

// room reports whether one more message of that size may wait here for a person.
func (s *Store) room(ctx context.Context, person id.ID, size int64) (bool, error) {
	type full struct{ Messages, Bytes int64 }
	f, err := db.One[full](ctx, s.DB, `SELECT count(*) AS messages, COALESCE(sum(size), 0) AS bytes FROM forwarding_held WHERE person_id = ?`, person)
	return f.Messages < mostHeld && f.Bytes+size <= mostHeldBytes, errs.Wrap("forwarding.room", err)
}

// waiting is how many messages wait for a person.
func (s *Store) waiting(ctx context.Context, person id.ID) (int, error) {
	n, err := db.One[int](ctx, s.DB, `SELECT count(*) FROM forwarding_held WHERE person_id = ? AND given_up_at IS NULL`, person)
	return n, errs.Wrap("forwarding.waiting", err)
}

// Release sends on what waits for a person, if there is a way for it now; what waited out a pause and finds no target
// waits for one. What was given up stays, for its owner to send on by hand: its senders were told that it did not
// arrive.
func (s *Store) Release(ctx context.Context, person id.ID) error {
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		h, err := s.holder(ctx, person, as)
		if err != nil {
			return gone(err)
		}
		switch h.WayAt(s.Now(), h.Standing) {
		case Paused:
			return nil
		case Open:
			if err := s.forgetAsked(ctx, h.Person); err != nil {
				return err
			}
			return s.releaseTo(ctx, h)
		}
		n, err := s.DB.Exec(ctx, `UPDATE forwarding_held SET why = 'asked', since = ? WHERE person_id = ? AND why = 'paused'`, s.Now(), h.Person)
		if err != nil || n == 0 {
			return err
		}
		return s.ask(ctx, h.Person)
	})
	return errs.Wrap("forwarding.Release "+person.String(), err)
}

// releaseTo sends what waits for a person where his mail goes now.
func (s *Store) releaseTo(ctx context.Context, h holder) error {
	list, err := db.All[id.ID](ctx, s.DB, `DELETE FROM forwarding_held WHERE person_id = ? AND given_up_at IS NULL RETURNING delivery_id`, h.Person)
	if err != nil {
		return err
	}
	for _, delivery := range list {
		if err := s.sendOn(ctx, delivery, h.goals()); err != nil && !errors.Is(err, errs.NotFound) { // the message is kept no longer
			return err
		}
	}
	return nil
}

// sendOn sends the one copy of a message that waited to the first address, and others of it to the rest.
func (s *Store) sendOn(ctx context.Context, delivery id.ID, to []string) error {
	var more []outbox.Delivery
	if len(to) > 1 {
		t, err := s.Outbox.TraceOf(ctx, delivery)
		if err != nil {
			return err
		}
		for _, target := range to[1:] {
			d := outbox.Delivery{ID: id.New(), Stream: mail.Forwarding, Kind: t.Kind, Ref: t.Ref, To: target}
			if t.Sender != "" {
				d.From = s.Tokens.Make(mail.DeliveryToken, d.ID) + "@" + mail.DomainOf(t.Sender)
			}
			more = append(more, d)
		}
	}
	if err := s.Outbox.Again(ctx, delivery, to[0]); err != nil || len(more) == 0 {
		return err
	}
	return s.Outbox.Copy(ctx, delivery, more)
}

// whoWaits are the persons for whom something waits, or who are asked, a page after another.
func (s *Store) whoWaits(ctx context.Context, after id.ID, limit int) ([]id.ID, error) {
	list, err := db.All[id.ID](ctx, s.DB, `
		SELECT person_id FROM forwarding_held WHERE given_up_at IS NULL AND person_id > ?
		UNION SELECT person_id FROM forwarding_asked WHERE person_id > ? ORDER BY person_id LIMIT ?`, after.String(), after.String(), limit)
	return list, errs.Wrap("forwarding.whoWaits", err)
}

// giveUp is what waited too long for a target, some of it: it counts as refused from now on.
func (s *Store) giveUp(ctx context.Context, limit int) ([]held, error) {
	list, err := db.All[held](ctx, s.DB, `
		UPDATE forwarding_held SET given_up_at = ?
		WHERE delivery_id IN (SELECT delivery_id FROM forwarding_held WHERE why = 'asked' AND given_up_at IS NULL AND since <= ? ORDER BY since, delivery_id LIMIT ?)
		RETURNING `+heldColumns, s.Now(), s.Now().Add(-askedFor), limit)
	return list, errs.Wrap("forwarding.giveUp", err)
}

// heldOf are the deliveries that wait here, of messages, by delivery.
func (s *Store) heldOf(ctx context.Context, slips []id.ID) (map[id.ID]held, error) {
	out := map[id.ID]held{}
	err := db.Each(ctx, s.DB, `SELECT `+heldColumns+` FROM forwarding_held WHERE slip_id IN (`+db.In(len(slips))+`)`, db.Args(slips), func(h *held) error {
		out[h.DeliveryID] = *h
		return nil
	})
	return out, errs.Wrap("forwarding.heldOf", err)
}
