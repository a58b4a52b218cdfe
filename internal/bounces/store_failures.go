package bounces

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// atOnce bounds the addresses of one statement.
const atOnce = 400

// success is an address that a server took a message for.
type success struct {
	address string
	row     id.ID
}

// sift tells the addresses that took a message from those that did not. Of several outcomes of one address what follows
// the last success counts.
func sift(list []outbox.Outcome, now time.Time) (good []success, bad []Failure) {
	hour := hourOf(now)
	for _, o := range list {
		address := fold.Email(o.To)
		if strangers(o.Kind) || address == "" {
			continue
		}
		of := func(f Failure) bool { return f.Address == address }
		switch {
		case o.State == outbox.Sent:
			bad = slices.DeleteFunc(bad, of)
			good = append(good, success{address, o.ID})
		case o.Class == mail.Full || o.Class == mail.Dead && o.State == outbox.Failed:
			f := Failure{Address: address, Hour: hour, Class: o.Class, Destination: o.Destination, Failures: 1}
			same := func(b Failure) bool { return of(b) && b.Class == f.Class && b.Destination == f.Destination }
			if at := slices.IndexFunc(bad, same); at >= 0 {
				bad[at].Failures++
			} else {
				bad = append(bad, f)
			}
		}
	}
	return good, bad
}

// strangers reports whether mail of that kind goes to people outside: whether their addresses work is not ours to know.
func strangers(kind string) bool { return kind == "submission" || kind == "report" }

// Observe takes note of what became of parcels, in the transaction that settles them.
func (s *Store) Observe(ctx context.Context, list []outbox.Outcome) error {
	good, bad := sift(list, s.now())
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		for part := range slices.Chunk(good, atOnce) {
			if err := s.succeed(ctx, part); err != nil {
				return err
			}
		}
		return s.note(ctx, bad)
	})
	return errs.Wrap("bounces.Observe", err)
}

// succeed resets what is known of addresses that took a message. Nearly always nothing is, and one reading says so. A
// server that reports afterwards may still do so: its earlier reports are in doubt until it had the time.
func (s *Store) succeed(ctx context.Context, list []success) error {
	addresses := make([]any, len(list))
	for i, g := range list {
		addresses[i] = g.address
	}
	in := `(` + db.In(len(list)) + `)`
	known, err := db.All[string](ctx, s.db, `
		SELECT address FROM bounce_failures WHERE address IN `+in+`
		UNION SELECT address FROM bounce_switches WHERE ended_at IS NULL AND address IN `+in, append(addresses, addresses...)...)
	if err != nil || len(known) == 0 {
		return err
	}
	slices.Sort(known)
	if _, err := s.db.Exec(ctx, `DELETE FROM bounce_failures WHERE NOT reported AND address IN (`+db.In(len(known))+`)`, db.Args(known)...); err != nil {
		return err
	}
	for _, address := range known {
		at := slices.IndexFunc(list, func(g success) bool { return g.address == address })
		for _, q := range []string{
			`UPDATE bounce_failures SET doubt_at = ?, doubt_row = ? WHERE address = ? AND reported AND doubt_at IS NULL AND class <> 'reputation'`,
			`UPDATE bounce_switches SET doubt_at = ?, doubt_row = ? WHERE address = ? AND reported AND doubt_at IS NULL AND ended_at IS NULL`,
		} {
			if _, err := s.db.Exec(ctx, q, s.now(), list[at].row, address); err != nil {
				return err
			}
		}
		if err := s.healSoon(ctx, address); err != nil {
			return err
		}
	}
	return nil
}

// healSoon asks for an address to be taken for working again, where servers had refused it in the conversation and now
// took a message. It is work of its own: a fault in it must not hold up the mail.
func (s *Store) healSoon(ctx context.Context, address string) error {
	n, err := db.One[int](ctx, s.db, `SELECT count(*) FROM bounce_switches WHERE address = ? AND ended_at IS NULL AND NOT reported`, address)
	if err != nil || n == 0 {
		return err
	}
	return s.queue.Add(ctx, healJob, toHeal{address}, jobs.Options{UniqueKey: address})
}

// note adds failures to what is known. They come in one order, so that two batches do not wait for each other.
func (s *Store) note(ctx context.Context, list []Failure) error {
	slices.SortFunc(list, func(a, b Failure) int { return strings.Compare(a.Address, b.Address) })
	rows := make([]any, 0, 6*len(list))
	for _, f := range list {
		rows = append(rows, f.Address, f.Hour, string(f.Class), f.Destination, f.Reported, f.Failures)
	}
	return s.db.InsertMany(ctx, `bounce_failures (address, hour, class, destination, reported, failures)`, 6, rows,
		`ON CONFLICT (address, hour, class, destination) DO UPDATE SET failures = bounce_failures.failures + excluded.failures`)
}

// Report is what a report says of a message that had left.
type Report struct {
	Row     id.ID // of the message
	Address string
	Class   mail.Class
	At      time.Time
}

// Reported takes note of a report, once a message: whoever got a copy of its return token cannot say more with it. That
// a server took the message was no success after all.
func (s *Store) Reported(ctx context.Context, r Report) error {
	address := fold.Email(r.Address)
	if r.Class == mail.Delivered || r.Class == mail.Vacation || r.Class == mail.Complaint || address == "" {
		return nil
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		for _, q := range []string{
			`UPDATE bounce_failures SET doubt_at = NULL, doubt_row = NULL WHERE address = ? AND doubt_row = ?`,
			`UPDATE bounce_switches SET doubt_at = NULL, doubt_row = NULL WHERE address = ? AND doubt_row = ?`,
		} {
			if _, err := s.db.Exec(ctx, q, address, r.Row); err != nil {
				return err
			}
		}
		if r.Class != mail.Dead && r.Class != mail.Full && r.Class != mail.Reputation {
			return nil
		}
		n, err := s.db.Exec(ctx, `INSERT INTO bounce_reports (row_id, at) VALUES (?, ?) ON CONFLICT (row_id) DO NOTHING`, r.Row, r.At)
		if err != nil || n == 0 {
			return err
		}
		return s.note(ctx, []Failure{{Address: address, Hour: hourOf(r.At), Class: r.Class, Destination: address[strings.LastIndexByte(address, '@'):],
			Reported: true, Failures: 1}})
	})
	return errs.Wrap("bounces.Reported", err)
}

// failuresOf is what is known of an address.
func (s *Store) failuresOf(ctx context.Context, address string) ([]Failure, error) {
	return db.All[Failure](ctx, s.db, `
		SELECT address, hour, class, destination, reported, failures, doubt_at FROM bounce_failures WHERE address = ? ORDER BY hour, class, destination`, address)
}

// candidates are the addresses that may be broken: what is frozen or of today is not yet left out.
func (s *Store) candidates(ctx context.Context) ([]string, error) {
	return db.All[string](ctx, s.db, `
		SELECT address FROM bounce_failures WHERE hour < ? GROUP BY address
		HAVING sum(CASE WHEN class IN ('dead', 'claim') THEN failures ELSE 0 END) >= ? OR count(*) FILTER (WHERE class = 'full') >= ?
		ORDER BY address`, s.today(), deadFailures, fullDays)
}

// hours are the answers, since that time, of the destinations that blamed us in it. Of reports, which nobody else
// counts, each address's domain is a destination, and their sum stands for the answers.
func (s *Store) hours(ctx context.Context, since time.Time) ([]Hour, error) {
	answers, err := db.All[Hour](ctx, s.db, `
		SELECT destination, hour, sent, reputation, failed FROM outbox_hours
		WHERE hour >= ? AND destination IN (SELECT destination FROM outbox_hours WHERE hour >= ? AND reputation > 0)`, since, since)
	if err != nil {
		return nil, err
	}
	reports, err := db.All[Hour](ctx, s.db, `
		SELECT destination, hour, 0 AS sent, CAST(sum(CASE WHEN class = 'reputation' THEN failures ELSE 0 END) AS BIGINT) AS reputation,
			CAST(sum(CASE WHEN class = 'reputation' THEN 0 ELSE failures END) AS BIGINT) AS failed
		FROM bounce_failures WHERE reported AND hour >= ? GROUP BY destination, hour`, since)
	return append(answers, reports...), err
}

// letterTo is to whom a letter of the site went.
func (s *Store) letterTo(ctx context.Context, letter id.ID) (address string, person id.ID, err error) {
	type row struct {
		Recipient string
		PersonID  id.ID
	}
	r, err := db.One[row](ctx, s.db, `SELECT recipient, person_id FROM outbox WHERE id = ?`, letter)
	return r.Recipient, r.PersonID, errs.Wrap("bounces.letterTo "+letter.String(), err)
}
