package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
)

// letters is the source of the site's own letters.
type letters struct{ *Outbox }

// Letters is the site's own letters as a source.
func (o *Outbox) Letters() Source { return letters{o} }

type claimedLetter struct {
	ID        id.ID
	Stream    string
	Kind      string
	PersonID  id.ID
	Recipient string
	Sender    string
	Attempts  int
	CreatedAt time.Time
}

func (s letters) Claim(ctx context.Context, lease time.Duration, n int, without []string) ([]Parcel, error) {
	list, err := persist(len(without) == 0, func() ([]claimedLetter, bool, error) { return s.claim(ctx, lease, n, without) })
	if err != nil {
		return nil, errs.Wrap("outbox.letters.Claim", err)
	}
	out := make([]Parcel, 0, len(list))
	for _, l := range list {
		out = append(out, Parcel{
			ID: l.ID, Stream: mail.Stream(l.Stream), Kind: l.Kind, Person: l.PersonID, From: s.envelopeSender(l), To: l.Recipient,
			Attempts: l.Attempts, Since: l.CreatedAt, Message: func(ctx context.Context) ([]byte, error) { return s.compose(ctx, l.ID) },
		})
	}
	slices.SortFunc(out, earlier)
	return out, nil
}

func (s letters) claim(ctx context.Context, lease time.Duration, n int, without []string) ([]claimedLetter, bool, error) {
	const most = 50 // the table has no column for the domain: each costs a comparison a letter
	now := s.clock()
	if due, err := s.due(ctx, `outbox`, now); err != nil || !due {
		return nil, false, err
	}
	around, args := ``, []any{now.Add(lease), now}
	for _, domain := range without[:min(len(without), most)] {
		around += ` AND recipient NOT LIKE ?`
		args = append(args, "%@"+domain)
	}
	list, err := db.All[claimedLetter](ctx, s.db, `
		UPDATE outbox SET attempts = attempts + 1, next_at = ?
		WHERE id IN (
			WITH due AS MATERIALIZED (SELECT id FROM outbox WHERE state = 'queued' AND next_at <= ?`+around+` ORDER BY next_at, id LIMIT ?)
			SELECT id FROM due)
			AND state = 'queued' AND next_at <= ?
		RETURNING id, stream, kind, person_id, recipient, sender, attempts, created_at`, append(args, n, now)...)
	return list, true, err
}

// persist claims again when something was due and another process took it at the same moment.
func persist[T any](again bool, claim func() (list []T, due bool, err error)) ([]T, error) {
	for range 3 {
		list, due, err := claim()
		if err != nil || len(list) > 0 || !due || !again {
			return list, err
		}
	}
	return nil, nil
}

// due reports, without the lock that a claim takes, whether there is anything to claim.
func (o *Outbox) due(ctx context.Context, table string, now time.Time) (bool, error) {
	n, err := db.One[int](ctx, o.db, `SELECT count(*) FROM (SELECT 1 FROM `+table+` WHERE state = 'queued' AND next_at <= ? LIMIT 1) AS one`, now)
	return n > 0, err
}

// earlier puts first what waits longest.
func earlier(a, b Parcel) int {
	if c := a.Since.Compare(b.Since); c != 0 {
		return c
	}
	return slices.Compare(a.ID[:], b.ID[:])
}

// envelopeSender is the letter's return token where reports are heard, else its sender.
func (s letters) envelopeSender(l claimedLetter) string {
	from, err := mail.ParseAddress(l.Sender)
	if err != nil {
		return "" // composing it fails with the same error
	}
	if s.o.Returns == nil {
		return from.Address
	}
	if domain, ok := s.o.Returns(mail.Stream(l.Stream), mail.DomainOf(from.Address)); ok {
		return s.o.Tokens.Make(mail.LetterToken, l.ID) + "@" + domain
	}
	return from.Address
}

func (s letters) compose(ctx context.Context, letter id.ID) ([]byte, error) {
	r, err := db.One[row](ctx, s.db, `SELECT id, recipient, sender, subject, body_text, body_html, headers, created_at FROM outbox WHERE id = ?`, letter)
	if err != nil {
		return nil, errs.Wrap("outbox: letter "+letter.String(), err)
	}
	l, err := r.letter()
	if err != nil {
		return nil, err
	}
	return mail.Compose(l)
}

func (s letters) Settle(ctx context.Context, list []Outcome) error {
	var sent []id.ID
	for _, o := range list {
		if o.State == Sent {
			sent = append(sent, o.ID)
		}
	}
	if len(sent) > 0 {
		_, err := s.db.Exec(ctx, `UPDATE outbox SET state = 'sent', sent_at = ?, last_error = NULL, class = ? WHERE id IN (`+db.In(len(sent))+`)`,
			append([]any{s.clock(), string(mail.Delivered)}, db.Args(sent)...)...)
		if err != nil {
			return errs.Wrap("outbox.letters.Settle", err)
		}
	}
	for _, o := range list {
		if o.State == Sent {
			continue
		}
		if err := s.unsent(ctx, o); err != nil {
			return errs.Wrap("outbox.letters.Settle", err)
		}
	}
	return nil
}

func (s letters) unsent(ctx context.Context, o Outcome) error {
	state, at := Queued, o.NextAt
	if o.State == Failed {
		state, at = Failed, s.clock()
	}
	_, err := s.db.Exec(ctx, `UPDATE outbox SET state = ?, next_at = ?, attempts = ?, last_error = ?, class = ? WHERE id = ? AND state = 'queued'`,
		string(state), at, o.counted(), o.Reply.Sentence(), string(o.Class), o.ID)
	return err
}

func (s letters) Release(ctx context.Context, list []Parcel, at time.Time) error {
	return s.PutOff(ctx, list, at, mail.Reply{})
}

func (s letters) PutOff(ctx context.Context, list []Parcel, at time.Time, why mail.Reply) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.db.Exec(ctx, `
		UPDATE outbox SET next_at = ?, attempts = attempts - 1, last_error = coalesce(nullif(?, ''), last_error)
		WHERE state = 'queued' AND attempts > 0 AND id IN (`+db.In(len(list))+`)`, append([]any{at, why.Sentence()}, parcelIDs(list)...)...)
	return errs.Wrap("outbox.letters.PutOff", err)
}

func (s letters) Hold(ctx context.Context, list []Parcel, until time.Time) error {
	return s.hold(ctx, `outbox`, list, until)
}

func (s letters) Recover(ctx context.Context, until time.Time) error {
	return s.makeDue(ctx, `outbox`, until)
}

func parcelIDs(list []Parcel) []any {
	out := make([]any, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}

func (o *Outbox) hold(ctx context.Context, table string, list []Parcel, until time.Time) error {
	_, err := o.db.Exec(ctx, `UPDATE `+table+` SET next_at = ? WHERE state = 'queued' AND next_at < ? AND id IN (`+db.In(len(list))+`)`,
		append([]any{until, until}, parcelIDs(list)...)...)
	return errs.Wrap("outbox.hold "+table, err)
}

// makeDue also makes due what was put off by less than a lease: nobody can tell the two apart, and it does no harm.
func (o *Outbox) makeDue(ctx context.Context, table string, until time.Time) error {
	now := o.clock()
	_, err := o.db.Exec(ctx, `UPDATE `+table+` SET next_at = ? WHERE state = 'queued' AND next_at > ? AND next_at <= ? AND attempts > 0`, now, now, until)
	return errs.Wrap("outbox.makeDue "+table, err)
}

// Addressee is whom a letter was for.
type Addressee struct {
	ID        id.ID
	Kind      string
	PersonID  id.ID // zero when nobody's in the base
	Recipient string
	State     State
	CreatedAt time.Time
}

// LetterOf is the letter that a return token names, for whoever hears what came back. The token is the right to ask.
func (o *Outbox) LetterOf(ctx context.Context, letter id.ID) (Addressee, error) {
	a, err := db.One[Addressee](ctx, o.db, `SELECT id, kind, person_id, recipient, state, created_at FROM outbox WHERE id = ?`, letter)
	return a, errs.Wrap(fmt.Sprintf("outbox.LetterOf %s", letter), err)
}
