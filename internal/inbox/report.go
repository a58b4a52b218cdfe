package inbox

import (
	"context"
	"errors"
	"strings"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// ReportKind is the kind under which reports leave; the Ref of one is the slip it is about.
const ReportKind = "report"

// Reporter tells who wrote that his message, which was taken, did not arrive after all: whoever takes a message answers
// for it (RFC 5321 §6.1).
type Reporter struct {
	out    *outbox.Outbox
	bundle *i18n.Bundle
	clock  clock.Clock
}

// NewReporter makes one.
func NewReporter(o *outbox.Outbox, b *i18n.Bundle, c clock.Clock) *Reporter {
	return &Reporter{o, b, c}
}

// Report writes to the sender of a message about the recipient he named, as the postmaster of a mail domain of ours. Of
// d the caller gives what happened: class, reply, secrets, original. He is certain that it was the sender who wrote.
func (r *Reporter) Report(ctx context.Context, sl Slip, home string, d mail.DSN) error {
	d.ID, d.Date, d.Arrived = id.New(), r.clock(), sl.At
	d.From = mail.Address{Name: "Postmaster", Address: "postmaster@" + home}
	d.To, d.Alias, d.By = sl.Sender, sl.Recipient, home
	raw, err := mail.ComposeDSN(ctx, r.bundle, d)
	if errors.Is(err, errs.Invalid) {
		return nil // an address that no report can go to, or be about
	}
	if err != nil {
		return errs.Wrap("inbox.Report "+sl.ID.String(), err)
	}
	return r.out.Relay(ctx, []outbox.Relayed{{Raw: raw, Each: []outbox.Delivery{{Stream: mail.Forwarding, Kind: ReportKind, Ref: sl.ID, To: sl.Sender}}}})
}

// Original is the message whose delivery ended, at least what its sender knows it again by.
func (sl Slip) Original(ctx context.Context, o outbox.Outcome) []byte {
	if o.Message != nil {
		if raw, err := o.Message(ctx); err == nil {
			return raw
		}
	}
	return sl.Header()
}

// Header is what is known of a message whose own header is not at hand.
func (sl Slip) Header() []byte {
	clean := strings.NewReplacer("\r", " ", "\n", " ").Replace
	var b strings.Builder
	if key := strings.Trim(clean(sl.MessageKey), "<> "); key != "" {
		b.WriteString("Message-ID: <" + key + ">\r\n")
	}
	b.WriteString("Subject: " + clean(sl.Subject) + "\r\n\r\n")
	return []byte(b.String())
}
