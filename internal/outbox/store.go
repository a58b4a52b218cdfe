package outbox

import (
	"context"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
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
	// Returns says where reports about letters of a domain come back to, a domain of ours whose mail arrives here; false:
	// nowhere, and they go to the letter's sender. It may be nil.
	Returns func(stream mail.Stream, domain string) (string, bool)
	Tokens  mail.Tokens // of the envelopes' senders, where there are returns
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
	atWork   atomic.Pointer[run] // the courier that runs in this process; nil: none

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

// Wake tells the courier of this process that something came due. Send and Relay do so; it is for other sources, after
// their commit.
func (o *Outbox) Wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.bell)
	o.bell = make(chan struct{})
}

// row is a letter with its words.
type row struct {
	ID        id.ID
	Recipient string
	Sender    string
	Subject   string
	BodyText  string
	BodyHTML  string `db:"body_html"`
	Headers   db.JSON[map[string]string]
	CreatedAt time.Time
}

// langHeader is where the headers' column keeps the letter's language.
const langHeader = "Content-Language"

func (p row) letter() (mail.Letter, error) {
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
	if l.Stream == "" {
		l.Stream = mail.Notifications
	}
	headers := map[string]string{langHeader: l.Lang}
	maps.Copy(headers, l.Headers)
	now := o.clock()
	p := row{
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
		INSERT INTO outbox (id, stream, kind, recipient, person_id, sender, subject, body_text, body_html, headers, state, attempts, next_at, created_at, sent_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`,
		p.ID, string(l.Stream), l.Kind, p.Recipient, l.Person, p.Sender, p.Subject, p.BodyText, p.BodyHTML, p.Headers, string(state), now, now, sentAt)
	if err != nil {
		return errs.Wrap("outbox.Send "+l.Kind, err)
	}
	o.db.AfterCommit(ctx, o.Wake)
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
		o.db.AfterCommit(ctx, o.Wake)
	}
	return errs.Wrap("outbox.Retry", err)
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
