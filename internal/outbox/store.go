package outbox

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/viewer"
)

// Options of the outbox.
type Options struct {
	From mail.Address // the sender of letters that name none
	// Demo keeps every letter in the mailbox: it counts as sent at once, so it never leaves, even if the same
	// database is later served with a smarthost.
	Demo bool
}

// Outbox takes letters and tells what became of them. One a process.
type Outbox struct {
	db    *db.DB
	clock clock.Clock
	o     Options

	watchers map[string]Observer // by kind of delivery

	mu   sync.Mutex
	bell chan struct{}
}

// New makes the outbox over d.
func New(d *db.DB, c clock.Clock, o Options) *Outbox {
	return &Outbox{db: d, clock: c, o: o, watchers: map[string]Observer{}, bell: make(chan struct{})}
}

func (o *Outbox) next() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bell
}

func (o *Outbox) ring() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.bell)
	o.bell = make(chan struct{})
}

// parcel is a row as the courier needs it.
type parcel struct {
	ID        id.ID
	Recipient string
	Sender    string
	Subject   string
	BodyText  string
	BodyHTML  string `db:"body_html"`
	Headers   db.JSON[map[string]string]
	Attempts  int
	CreatedAt time.Time
}

// langHeader is where the headers' column keeps the letter's language.
const langHeader = "Content-Language"

func (p parcel) letter() (mail.Letter, error) {
	from, err := mail.ParseAddress(p.Sender)
	if err != nil {
		return mail.Letter{}, err
	}
	headers := maps.Clone(p.Headers.V)
	lang := headers[langHeader]
	delete(headers, langHeader)
	return mail.Letter{
		ID: p.ID, Date: p.CreatedAt, From: from, To: mail.Address{Address: p.Recipient},
		Subject: p.Subject, Text: p.BodyText, HTML: p.BodyHTML, Lang: lang, Headers: headers,
	}, nil
}

// Send posts a letter in the transaction in the context: nothing leaves for what is rolled back. What could not
// be composed is Invalid here, not a failure later.
func (o *Outbox) Send(ctx context.Context, l Letter) error {
	to, err := mail.ParseAddress(l.To)
	if err != nil {
		return errs.Wrap("outbox.Send "+l.Kind, err)
	}
	if l.From.Address == "" {
		l.From = o.o.From
	}
	headers := map[string]string{langHeader: l.Lang}
	maps.Copy(headers, l.Headers)
	now := o.clock()
	p := parcel{
		ID: id.New(), Recipient: to.Address, Sender: l.From.String(), Subject: clean(l.Subject), BodyText: clean(l.Text), BodyHTML: clean(l.HTML),
		Headers: db.ToJSON(headers), CreatedAt: now,
	}
	composed, err := p.letter()
	if err == nil {
		_, err = mail.Compose(composed)
	}
	if err != nil {
		return errs.Wrap("outbox.Send "+l.Kind, err)
	}
	state, sentAt := Queued, time.Time{}
	if o.o.Demo {
		state, sentAt = Sent, now
	}
	_, err = o.db.Exec(ctx, `
		INSERT INTO outbox (id, kind, recipient, person_id, sender, subject, body_text, body_html, headers, state, attempts, next_at, created_at, sent_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`,
		p.ID, l.Kind, p.Recipient, l.Person, p.Sender, p.Subject, p.BodyText, p.BodyHTML, p.Headers, string(state), now, now, sentAt)
	if err != nil {
		return errs.Wrap("outbox.Send "+l.Kind, err)
	}
	o.db.AfterCommit(ctx, o.ring)
	return nil
}

// SendBody renders a body in the language of the context and posts it.
func (o *Outbox) SendBody(ctx context.Context, l Letter, b mail.Body) error {
	text, markup, err := b.Render(ctx)
	if err != nil {
		return errs.Wrap("outbox.SendBody "+l.Kind, err)
	}
	l.Text, l.HTML = text, markup
	return o.Send(ctx, l)
}

// clean keeps what both databases take as text.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// Mailbox is the demonstration's mailbox, newest first. Elsewhere there is none.
func (o *Outbox) Mailbox(ctx context.Context, limit int) ([]Posted, error) {
	if !o.o.Demo {
		return nil, errs.E("outbox.Mailbox", errs.NotFound, nil)
	}
	out := []Posted{}
	err := db.Each(ctx, o.db, `
		SELECT id, kind, recipient AS "to", sender AS "from", subject, body_text AS "text", body_html AS html, created_at AS sent_at
		FROM outbox ORDER BY created_at DESC, id DESC LIMIT ?`, []any{limit}, func(p *Posted) error {
		p.Links = mail.Links(p.Text, p.HTML)
		out = append(out, *p)
		return nil
	})
	return out, errs.Wrap("outbox.Mailbox", err)
}

func (o *Outbox) due(ctx context.Context) (bool, error) {
	n, err := db.One[int](ctx, o.db, `SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = 'queued' AND next_at <= ? LIMIT 1) AS one`, o.clock())
	return n > 0, err
}

// claim takes letters that are due; until the lease ends nobody else does.
func (o *Outbox) claim(ctx context.Context, lease time.Duration, limit int) ([]parcel, error) {
	now := o.clock()
	return db.All[parcel](ctx, o.db, `
		UPDATE outbox SET attempts = attempts + 1, next_at = ?
		WHERE id IN (
			WITH due AS MATERIALIZED (SELECT id FROM outbox WHERE state = 'queued' AND next_at <= ? ORDER BY next_at, id LIMIT ?)
			SELECT id FROM due)
			AND state = 'queued' AND next_at <= ?
		RETURNING id, recipient, sender, subject, body_text, body_html, headers, attempts, created_at`, now.Add(lease), now, limit, now)
}

func (o *Outbox) markSent(ctx context.Context, letter id.ID) error {
	_, err := o.db.Exec(ctx, `UPDATE outbox SET state = 'sent', sent_at = ?, last_error = NULL WHERE id = ?`, o.clock(), letter)
	return err
}

func (o *Outbox) markFailed(ctx context.Context, letter id.ID, text string) error {
	_, err := o.db.Exec(ctx, `UPDATE outbox SET state = 'failed', last_error = ? WHERE id = ? AND state = 'queued'`, text, letter)
	return err
}

func (o *Outbox) later(ctx context.Context, p parcel, at time.Time, text string) error {
	_, err := o.db.Exec(ctx, `UPDATE outbox SET next_at = ?, last_error = ? WHERE id = ? AND state = 'queued' AND attempts = ?`, at, text, p.ID, p.Attempts)
	return err
}

// putBack undoes a claim: the letter was not tried.
func (o *Outbox) putBack(ctx context.Context, list []parcel, at time.Time, text string) error {
	if len(list) == 0 {
		return nil
	}
	args := []any{at, text}
	for _, p := range list {
		args = append(args, p.ID)
	}
	_, err := o.db.Exec(ctx, `
		UPDATE outbox SET next_at = ?, attempts = attempts - 1, last_error = coalesce(nullif(?, ''), last_error)
		WHERE state = 'queued' AND attempts > 0 AND id IN (`+db.In(len(list))+`)`, args...)
	return err
}

// Purge blanks the words of letters that left, or failed, before that time: they hold single-use links. That they
// were sent stays.
func (o *Outbox) Purge(ctx context.Context, before time.Time) (int64, error) {
	n, err := o.db.Exec(ctx, `
		UPDATE outbox SET body_text = '', body_html = '' WHERE state <> 'queued' AND created_at < ? AND coalesce(sent_at, created_at) < ? AND body_text <> ''`, before, before)
	return n, errs.Wrap("outbox.Purge", err)
}

const slipColumns = `id, kind, recipient, subject, state, attempts, next_at, last_error, created_at, sent_at`

// List is the latest letters in a state, without their words, for the federation's admins.
func (o *Outbox) List(ctx context.Context, v viewer.Viewer, state State, limit int) ([]Slip, error) {
	if !v.IsFederationAdmin() {
		return nil, errs.E("outbox.List", errs.Forbidden, nil)
	}
	list, err := db.All[Slip](ctx, o.db, `SELECT `+slipColumns+` FROM outbox WHERE state = ? ORDER BY created_at DESC, id DESC LIMIT ?`, string(state), limit)
	return list, errs.Wrap("outbox.List", err)
}

// ForPerson is what was written to a person, without the words, for that person and background work.
func (o *Outbox) ForPerson(ctx context.Context, v viewer.Viewer, person id.ID) ([]Slip, error) {
	if !v.IsFederationAdmin() && (person.IsZero() || v.Person != person) {
		return nil, errs.E("outbox.ForPerson", errs.Forbidden, nil)
	}
	list, err := db.All[Slip](ctx, o.db, `SELECT `+slipColumns+` FROM outbox WHERE person_id = ? ORDER BY created_at DESC, id DESC`, person)
	return list, errs.Wrap("outbox.ForPerson", err)
}

// Retry lets a letter that failed be tried again, for five more days.
func (o *Outbox) Retry(ctx context.Context, v viewer.Viewer, letter id.ID) error {
	if !v.IsFederationAdmin() {
		return errs.E("outbox.Retry", errs.Forbidden, nil)
	}
	now := o.clock()
	err := o.db.ExecOne(ctx, `
		UPDATE outbox SET state = 'queued', attempts = 0, next_at = ?, created_at = ? WHERE id = ? AND state = 'failed' AND body_text <> ''`, now, now, letter)
	if err == nil {
		o.db.AfterCommit(ctx, o.ring)
	}
	return errs.Wrap("outbox.Retry", err)
}

// Stats are for the metrics.
type Stats struct {
	Queued int
	Failed int
	Oldest time.Time // of those queued
}

// Stats counts what waits and what failed.
func (o *Outbox) Stats(ctx context.Context) (Stats, error) {
	s, err := db.One[Stats](ctx, o.db, `
		SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
			min(created_at) FILTER (WHERE state = 'queued') AS oldest
		FROM outbox WHERE state <> 'sent'`)
	return s, errs.Wrap("outbox.Stats", err)
}

// Merge makes one person's letters another's, when the two turn out to be one.
func (o *Outbox) Merge(ctx context.Context, from, to id.ID) error {
	_, err := o.db.Exec(ctx, `UPDATE outbox SET person_id = ? WHERE person_id = ?`, to, from)
	return errs.Wrap("outbox.Merge", err)
}

// Erase forgets what was written to a person, except what is still on its way: that loses only its tie.
func (o *Outbox) Erase(ctx context.Context, person id.ID) error {
	err := o.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := o.db.Exec(ctx, `DELETE FROM outbox WHERE person_id = ? AND state <> 'queued'`, person); err != nil {
			return err
		}
		_, err := o.db.Exec(ctx, `UPDATE outbox SET person_id = NULL WHERE person_id = ?`, person)
		return err
	})
	return errs.Wrap("outbox.Erase", err)
}
