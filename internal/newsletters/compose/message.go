package compose

import (
	"bytes"
	"mime"
	"mime/quotedprintable"
	"strings"
	"sync"
	"time"
)

// Head is what a message says above its words, for one person.
type Head struct {
	From      string // as it stands in the header: Name <address>, encoded
	ReplyTo   string // the same; "" for none
	To        string
	MessageID string // without the angle brackets
	Date      time.Time
	ListID    string // "Name <kind.lettres.example>"
	Feedback  string // campaign:kind:sender:site
	OneClick  string // https address that takes a POST (RFC 8058); "" for none
	Mailto    string // mailto: address for the same; "" for none
}

// boundary stands between the parts. Nothing of quoted-printable text begins with "--=".
const boundary = "=_lettre_="

// Message is the letter to one person, ready to be signed: header and two parts, with CRLF line ends. It never says
// Auto-Submitted: a person wrote it, and holiday notices are kept off by Precedence.
func (t *Template) Message(h Head, v Values) []byte {
	dst := make([]byte, 0, t.size())
	line := func(name, value string) {
		if value != "" {
			dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
		}
	}
	line("From", h.From)
	line("To", h.To)
	line("Reply-To", h.ReplyTo)
	line("Subject", encodeHeader(string(t.subject.fill(nil, t.refs, v, plainValue))))
	line("Date", h.Date.Format(time.RFC1123Z))
	line("Message-ID", "<"+h.MessageID+">")
	line("List-Id", h.ListID)
	line("List-Unsubscribe", unsubscribeLine(h))
	if h.OneClick != "" {
		line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	line("Feedback-ID", h.Feedback)
	line("Precedence", "bulk")
	line("Content-Language", t.lang)
	line("MIME-Version", "1.0")
	line("Content-Type", "multipart/alternative; boundary=\""+boundary+"\"")
	part := func(kind string, p pieces, write encoder) {
		dst = append(dst, "\r\n--"+boundary+"\r\nContent-Type: "+kind+"; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"...)
		dst = p.fill(dst, t.refs, v, write)
	}
	part("text/plain", t.encoded.text, quotedPlain)
	part("text/html", t.encoded.html, quotedHTML)
	return append(dst, "\r\n--"+boundary+"--\r\n"...)
}

// size is a little more than a message needs.
func (t *Template) size() int {
	n := 3000
	for _, p := range t.encoded.text {
		n += len(p.text) + 40
	}
	for _, p := range t.encoded.html {
		n += len(p.text) + 40
	}
	return n
}

// unsubscribeLine names both ways out, the page first (RFC 2369 §2).
func unsubscribeLine(h Head) string {
	var out []string
	for _, to := range []string{h.OneClick, h.Mailto} {
		if to != "" {
			out = append(out, "<"+to+">")
		}
	}
	return strings.Join(out, ",\r\n ")
}

// encodeHeader is a text fit for a header, on lines that are not too long (RFC 2047 §2).
func encodeHeader(s string) string {
	s = oneLine(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
	return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", s), "?= =?", "?=\r\n =?")
}

// softBreak ends a line of quoted-printable text that goes on (RFC 2045 §6.7).
const softBreak = "=\r\n"

// quoted encodes what is the same for everybody, once. Each piece ends at the beginning of a line, so that pieces and
// values, encoded apart, make one text.
func (p pieces) quoted() pieces {
	out := make(pieces, len(p))
	for i, one := range p {
		var b bytes.Buffer
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write([]byte(one.text)) // a buffer takes everything
		_ = w.Close()
		out[i] = one
		out[i].text = closed(b.String())
		if i == len(p)-1 {
			out[i].text = b.String()
		}
	}
	return out
}

// closed ends an open line.
func closed(s string) string {
	if s == "" || strings.HasSuffix(s, "\r\n") {
		return s
	}
	return s + softBreak
}

func quotedPlain(dst []byte, value string, inURL bool) []byte {
	var room [256]byte
	return quote(dst, plainValue(room[:0], value, inURL))
}

func quotedHTML(dst []byte, value string, inURL bool) []byte {
	var room [256]byte
	return quote(dst, htmlValue(room[:0], value, inURL))
}

// quotedLine is how long a line may be before its soft break.
const quotedLine = 75

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// quote appends a value with the end of its line.
func quote(dst, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	if len(value) <= quotedLine && plainASCII(value) {
		return append(append(dst, value...), softBreak...)
	}
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	w := quotedprintable.NewWriter(b)
	_, _ = w.Write(value) // a buffer takes everything
	_ = w.Close()
	dst = append(dst, b.Bytes()...)
	if !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) {
		dst = append(dst, softBreak...)
	}
	buffers.Put(b)
	return dst
}

// plainASCII reports whether a value stands for itself in quoted-printable text; a space at its end does not.
func plainASCII(value []byte) bool {
	for _, c := range value {
		if c < ' ' || c > '~' || c == '=' {
			return false
		}
	}
	return value[len(value)-1] != ' '
}
