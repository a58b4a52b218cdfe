package mail

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
)

// DSN is what we tell a correspondent whose message could not be passed on (RFC 3464). It names the address that he
// wrote to and nothing that stands behind it. Its envelope sender is the null one.
type DSN struct {
	ID       id.ID // makes the Message-ID
	Date     time.Time
	From     Address // the postmaster of the address's domain
	To       string  // the envelope sender of the message
	Alias    string  // the address that he wrote to
	By       string  // our host name
	Arrived  time.Time
	Class    Class    // chooses the words
	Reply    Reply    // of the target's server; scrubbed here
	Secrets  []string // the targets: what must not show
	Original []byte   // the message as it arrived; only its header goes back
}

// ComposeDSN writes the report, with CRLF line ends, in each language of the bundle: nobody knows that of a stranger.
func ComposeDSN(ctx context.Context, b *i18n.Bundle, d DSN) ([]byte, error) {
	const op = "mail.ComposeDSN"
	from, err := checked(d.From)
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	to, err := ParseAddress(d.To)
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	alias, err := ParseAddress(d.Alias)
	if err != nil {
		return nil, errs.Wrap(op, err)
	}
	var subjects, words []string
	for _, lang := range i18n.Langs() {
		in := b.With(ctx, lang)
		subjects, words = append(subjects, i18n.T(in, "mail.dsn.subject")), append(words, d.words(in, alias.Address))
	}
	return d.compose(from, to.Address, alias.Address, strings.Join(subjects, " / "), strings.Join(words, "\n* * *\n\n"))
}

func (d DSN) compose(from Address, to, alias, subject, words string) ([]byte, error) {
	boundary := "=_" + d.ID.String()
	var b bytes.Buffer
	writeField(&b, "Date", d.Date.Format(dateFormat))
	writeField(&b, "From", from.String())
	writeField(&b, "To", "<"+to+">")
	writeField(&b, "Subject", encoded(subject))
	writeField(&b, "Message-ID", "<"+MessageID(d.ID, from)+">")
	h, _ := ReadHeader(d.Original)
	if ref := angled(h.Get("Message-ID")); ref != "" {
		writeField(&b, "In-Reply-To", "<"+ref+">")
	}
	writeField(&b, "Auto-Submitted", "auto-replied")
	writeField(&b, "MIME-Version", "1.0")
	writeField(&b, "Content-Type", `multipart/report; report-type=delivery-status; boundary="`+boundary+`"`)
	part := func() { b.WriteString("\r\n--" + boundary + "\r\n") }
	part()
	if err := writeText(&b, "text/plain", words); err != nil {
		return nil, errs.Wrap("mail.ComposeDSN", err)
	}
	part()
	b.WriteString("Content-Type: message/delivery-status\r\n\r\n")
	d.writeStatus(&b, alias)
	part()
	b.WriteString("Content-Type: text/rfc822-headers\r\n\r\n")
	writeOriginal(&b, h, d.Secrets)
	b.WriteString("\r\n--" + boundary + "--\r\n")
	return b.Bytes(), nil
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

// words are the report for people: what happened, why, and what can be done.
func (d DSN) words(ctx context.Context, alias string) string {
	why := i18n.T(ctx, "mail.dsn.why."+d.reason())
	parts := []string{i18n.T(ctx, "mail.greeting"), i18n.T(ctx, "mail.dsn.what", i18n.Data{"Address": alias}), why}
	if said := d.diagnostic(); said != "" {
		parts = append(parts, i18n.T(ctx, "mail.dsn.said", i18n.Data{"Said": said}))
	}
	return strings.Join(append(parts, i18n.T(ctx, "mail.dsn.small")), "\n\n") + "\n"
}

// reason is the class in the words of the messages.
func (d DSN) reason() string {
	switch d.Class {
	case Dead, Full, Policy, Reputation, Temporary:
		return string(d.Class)
	}
	return string(Unknown)
}

// diagnostic is the answer of the target's server without what it must not tell, in ASCII.
func (d DSN) diagnostic() string {
	text := Scrub(d.Reply.Text, append([]string{d.Reply.Server}, d.Secrets...)...)
	code := ""
	if d.Reply.Code > 0 {
		code = strconv.Itoa(d.Reply.Code)
	}
	return strings.Join(strings.Fields(code+" "+d.enhanced()+" "+cutOctets(inASCII(text), 300)), " ")
}

// enhanced is the target's code if it is one.
func (d DSN) enhanced() string {
	if start, end := enhancedAt(d.Reply.Enhanced, 0); start != 0 || end != len(d.Reply.Enhanced) {
		return ""
	}
	return d.Reply.Enhanced
}

// status is the enhanced code to report: the target's, else what the class says.
func (d DSN) status() string {
	if e := d.enhanced(); strings.HasPrefix(e, "5") {
		return e
	}
	switch d.Class {
	case Dead:
		return "5.1.1"
	case Full:
		return "5.2.2"
	case Policy, Reputation:
		return "5.7.1"
	case Temporary:
		return "5.4.7" // tried until the time was over
	}
	return "5.0.0"
}

func (d DSN) writeStatus(b *bytes.Buffer, alias string) {
	writeField(b, "Reporting-MTA", "dns; "+hostWord(d.By))
	if !d.Arrived.IsZero() {
		writeField(b, "Arrival-Date", d.Arrived.Format(dateFormat))
	}
	b.WriteString("\r\n")
	writeField(b, "Final-Recipient", "rfc822; "+alias)
	writeField(b, "Action", "failed")
	writeField(b, "Status", d.status())
	if said := d.diagnostic(); said != "" && d.Reply.Code > 0 {
		writeField(b, "Diagnostic-Code", "smtp; "+said)
	}
	writeField(b, "Last-Attempt-Date", d.Date.Format(dateFormat))
}

// writeOriginal writes the header that came, as far as it is text that every server takes, at most 16 kB of it, and
// without the fields that hold a target's address, wherever they have it from.
func writeOriginal(b *bytes.Buffer, h Header, secrets []string) {
	const most, mostField = 16 << 10, 4 << 10
	start := b.Len()
	for _, f := range h.fields {
		name, value := string(h.raw[f.name:f.nameEnd]), inASCII(oneLine(h.text(f)))
		longWord := slices.ContainsFunc(strings.Fields(value), func(w string) bool { return len(w) > 900 })
		tells := slices.ContainsFunc(secrets, func(s string) bool { return replaceFold(value, s, anywhere) != value })
		if !token(name) || len(value) > mostField || longWord || tells || b.Len()-start+len(value) > most {
			continue
		}
		writeField(b, name, value)
	}
}

func inASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x7f {
			return '?'
		}
		return r
	}, s)
}
