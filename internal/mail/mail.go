// Package mail composes letters and reads what arrives: from words to the bytes that leave (RFC 5322, MIME), and from
// foreign bytes to what they mean. It does no I/O.
//
// A Letter is what is sent; a Body is what a feature writes, laid out here once as plain text and as HTML. No
// value, whatever is in it, can add a header, a recipient or a part. A Reply is what a server answered and a Class
// what that says about an address; a Report is the same from a message that came back; a token names the row that a
// returned message belongs to. Readers take any octets, cost a bounded amount and never change what they are given.
package mail

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"amicale/internal/errs"
	"amicale/internal/id"
)

// Address is a name, which may be empty, and an e-mail address.
type Address = mail.Address

// Letter is one letter to one person.
type Letter struct {
	ID      id.ID // makes the Message-ID, the same on every attempt, so that a receiver can tell a repetition
	Date    time.Time
	From    Address
	To      Address
	ReplyTo Address // may be empty
	Subject string
	Text    string
	HTML    string // may be empty: then the letter is plain text
	Lang    string // 'fr' or 'en'
	// Bulk marks a letter that people wrote to many: it is nobody's automatic answer (RFC 3834), and its list headers
	// say what it is.
	Bulk bool
	// Headers are further ones, say List-Unsubscribe or Reply-To. Those this package writes cannot be set.
	Headers map[string]string
}

// ParseAddress reads one address, with or without a name, and brings its domain to the ASCII form that every mail
// server takes. Letters outside ASCII before the @ are refused: most servers do not take them.
func ParseAddress(s string) (Address, error) {
	a, err := mail.ParseAddress(strings.TrimSpace(s))
	if err != nil {
		return Address{}, errs.E("mail.ParseAddress", errs.Invalid, err)
	}
	return checked(*a)
}

func checked(a Address) (Address, error) {
	const most = 254 // RFC 5321 §4.5.3.1.3, without the angle brackets
	at := strings.LastIndexByte(a.Address, '@')
	if at < 1 || at > 64 {
		return Address{}, errs.E("mail.ParseAddress", errs.Invalid, fmt.Errorf("no address"))
	}
	domain, err := idna.Lookup.ToASCII(a.Address[at+1:])
	wrong := func(label string) bool { return label == "" || len(label) > 63 } // RFC 1035 §2.3.4
	if err != nil || slices.ContainsFunc(strings.Split(domain, "."), wrong) {
		return Address{}, errs.E("mail.ParseAddress", errs.Invalid, fmt.Errorf("the domain is none"))
	}
	out := Address{Name: cut(displayName(a.Name), 100), Address: a.Address[:at+1] + domain}
	bad := func(r rune) bool { return r <= ' ' || r >= unicode.MaxASCII || strings.ContainsRune(`<>"(),:;[]\`, r) }
	if len(out.Address) > most || strings.ContainsFunc(out.Address, bad) || strings.Count(out.Address, "@") != 1 {
		return Address{}, errs.E("mail.ParseAddress", errs.Invalid, fmt.Errorf("characters that no mail server takes"))
	}
	return out, nil
}

// own are the headers written here, in canonical form; all of Content-* and Resent-* are too.
func own(name string) bool {
	if strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "resent-") {
		return true
	}
	return slices.Contains([]string{"from", "to", "cc", "bcc", "sender", "date", "subject", "message-id", "mime-version", "received",
		"return-path", "auto-submitted", "dkim-signature"}, name)
}

// MessageID is the letter's Message-ID, without the angle brackets, on the sender's domain.
func MessageID(letter id.ID, from Address) string {
	return letter.String() + from.Address[strings.LastIndexByte(from.Address, '@'):]
}

// token reports whether s can be a header's name (RFC 5322 §2.2).
func token(s string) bool {
	return s != "" && len(s) < 70 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// oneLine makes a value fit for a header: valid text, and every run of white space and control characters a
// single space.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// displayName is a name fit for an address. The standard library leaves a backslash bare in an encoded word,
// which no parser takes.
func displayName(s string) string { return oneLine(strings.ReplaceAll(s, "\\", "/")) }

// cut keeps at most n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// body brings a text to valid characters and to line ends that the transfer encoding knows.
func body(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ReplaceAll(s, "\n", "\r\n")
}
