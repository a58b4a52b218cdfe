package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"

	"amicale/internal/errs"
)

// Compose writes the letter out, with CRLF line ends. The same letter gives the same octets.
func Compose(l Letter) ([]byte, error) {
	from, err := checked(l.From)
	if err != nil {
		return nil, fmt.Errorf("mail.Compose: sender: %w", err)
	}
	to, err := checked(l.To)
	if err != nil {
		return nil, fmt.Errorf("mail.Compose: recipient: %w", err)
	}
	var b bytes.Buffer
	b.Grow(1024 + (len(l.Text)+len(l.HTML))*5/4)
	writeField(&b, "Date", l.Date.Format(dateFormat))
	writeField(&b, "From", from.String())
	writeField(&b, "To", to.String())
	writeField(&b, "Subject", encoded(cut(oneLine(l.Subject), 250)))
	writeField(&b, "Message-ID", "<"+MessageID(l.ID, from)+">")
	if l.ReplyTo.Address != "" {
		reply, err := checked(l.ReplyTo)
		if err != nil {
			return nil, fmt.Errorf("mail.Compose: reply address: %w", err)
		}
		writeField(&b, "Reply-To", reply.String())
	}
	if err := writeFurther(&b, l); err != nil {
		return nil, err
	}
	if !l.Bulk {
		writeField(&b, "Auto-Submitted", "auto-generated") // RFC 3834 §5: no holiday notices, please
	}
	writeField(&b, "X-Auto-Response-Suppress", "All")
	if token(l.Lang) {
		writeField(&b, "Content-Language", l.Lang)
	}
	writeField(&b, "MIME-Version", "1.0")
	if err := writeParts(&b, l); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeParts writes the text, and beside it the HTML if there is one.
func writeParts(b *bytes.Buffer, l Letter) error {
	if l.HTML == "" {
		return writeText(b, "text/plain", l.Text)
	}
	boundary := "=_" + l.ID.String() // "=_" stands in no quoted-printable text (RFC 2045 §6.7)
	writeField(b, "Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	for _, p := range []struct{ kind, text string }{{"text/plain", l.Text}, {"text/html", l.HTML}} {
		b.WriteString("\r\n--" + boundary + "\r\n")
		if err := writeText(b, p.kind, p.text); err != nil {
			return err
		}
	}
	b.WriteString("\r\n--" + boundary + "--\r\n")
	return nil
}

// dateFormat is RFC 5322 §3.3.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 -0700"

// writeFurther writes the headers that the feature asks for, in the order of their names.
func writeFurther(b *bytes.Buffer, l Letter) error {
	const most = 900 // a line is at most 998 octets (RFC 5322 §2.1.1), and one word cannot be folded
	names := make([]string, 0, len(l.Headers))
	for name := range l.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !token(name) || own(strings.ToLower(name)) {
			return errs.E("mail.Compose", errs.Invalid, fmt.Errorf("header %q cannot be set", name))
		}
		value := oneLine(l.Headers[name])
		if len(value) > most {
			return errs.E("mail.Compose", errs.Invalid, fmt.Errorf("header %s is too long", name))
		}
		writeField(b, name, encoded(value))
	}
	return nil
}

// encoded is a value as a header may carry it (RFC 2047). What only looks encoded is encoded too, so that it is
// read as it was written.
func encoded(s string) string {
	if !strings.Contains(s, "=?") {
		return mime.QEncoding.Encode("utf-8", s)
	}
	var words []string
	for s != "" {
		head := cutOctets(s, 40) // a word is at most 75 octets
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(head))+"?=")
		s = s[len(head):]
	}
	return strings.Join(words, " ")
}

// writeField writes one field and folds it at spaces, so that no line is longer than 78 octets where that can be.
func writeField(b *bytes.Buffer, name, value string) {
	const most = 78
	b.WriteString(name)
	b.WriteString(": ")
	used := len(name) + 2
	for first := true; value != ""; first = false {
		n := strings.IndexByte(value, ' ')
		if n < 0 {
			n = len(value)
		}
		word := value[:n]
		value = strings.TrimPrefix(value[n:], " ")
		if !first {
			if used+1+len(word) > most {
				b.WriteString("\r\n")
				used = 0
			}
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
	}
	b.WriteString("\r\n")
}

// writeText writes a part: its two headers, the empty line and the text.
func writeText(b *bytes.Buffer, kind, text string) error {
	b.WriteString("Content-Type: " + kind + "; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(b)
	if _, err := w.Write([]byte(body(text))); err != nil {
		return fmt.Errorf("mail.Compose: %w", err)
	}
	return w.Close()
}
