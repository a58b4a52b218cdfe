package outbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads other encodings than UTF-8
	gomail "github.com/emersion/go-message/mail"

	"amicale/internal/db"
	"amicale/internal/mail"
)

// posted is how a message looks in the demonstration's mailbox.
func posted(p Parcel, parts [][]byte) *Posted {
	raw := bytes.Join(parts, nil)
	out := &Posted{Kind: p.Kind, To: p.To, From: p.From}
	r, err := gomail.CreateReader(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) {
		out.Text = clean(string(raw[:min(len(raw), mostShown)]))
		return out
	}
	if subject, err := r.Header.Subject(); err == nil {
		out.Subject = clean(strings.Join(strings.Fields(subject), " "))
	}
	if list, err := r.Header.AddressList("From"); err == nil && len(list) > 0 {
		out.From = clean((&mail.Address{Name: list[0].Name, Address: list[0].Address}).String())
	}
	for range mostParts {
		part, err := r.NextPart()
		if err != nil && !message.IsUnknownCharset(err) {
			break // the end, or what nobody can read
		}
		out.add(part)
	}
	return out
}

// Bounds of what the mailbox shows of one message.
const (
	mostShown = 1 << 20
	mostParts = 50
)

func (p *Posted) add(part *gomail.Part) {
	h, ok := part.Header.(*gomail.InlineHeader)
	if !ok {
		return
	}
	kind, _, _ := h.ContentType()
	into := &p.Text
	switch kind {
	case "text/html":
		into = &p.HTML
	case "text/plain", "":
	default:
		return
	}
	b, err := io.ReadAll(io.LimitReader(part.Body, mostShown))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || *into != "" {
		return
	}
	*into = strings.ReplaceAll(clean(string(b)), "\r\n", "\n")
}

// keepPosted puts what was posted into the mailbox, in the transaction of the outcomes.
func (o *Outbox) keepPosted(ctx context.Context, batch []*result) error {
	now := o.clock()
	for _, r := range batch {
		p := r.posted
		if p == nil {
			continue
		}
		_, err := o.db.Exec(ctx, `
			INSERT INTO outbox (id, stream, kind, recipient, person_id, sender, subject, body_text, body_html, headers, state, attempts, next_at, created_at, sent_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'sent', 0, ?, ?, ?)`,
			r.ID, string(r.Stream), p.Kind, p.To, r.Person, p.From, p.Subject, p.Text, p.HTML, db.ToJSON(map[string]string{}), now, now, now)
		if err != nil {
			return err
		}
	}
	return nil
}
