package inbox

import (
	"strings"
	"unicode/utf8"

	"amicale/internal/mail"
)

// mostAddress is the longest address taken (RFC 5321 §4.5.3.1.3, without the brackets).
const mostAddress = 254

// wellFormed reports whether an address, as the library unquoted it, can be one: whatever else it holds, no control
// character and no broken UTF-8 goes on from here.
func wellFormed(a string) bool {
	at := strings.LastIndexByte(a, '@')
	if len(a) > mostAddress || at < 1 || at == len(a)-1 || !utf8.ValidString(a) {
		return false
	}
	for _, c := range a {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return !strings.ContainsAny(a[at+1:], " \"(),;<>\\")
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// requote gives back the quotes that the local part needs (RFC 5321 §4.1.2).
func requote(a string) string {
	at := strings.LastIndexByte(a, '@')
	if at < 0 {
		return a
	}
	local := a[:at]
	dots := strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..")
	if !dots && !strings.ContainsAny(local, " \"(),:;<>@[\\]") {
		return a
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"` + a[at:]
}

// oneLine makes text safe for an answer or a header line.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f {
			return '?'
		}
		return c
	}, s)
}

// cleaned is text that both databases take, of bounded length.
func cleaned(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// describe reads what people are shown of a message.
func describe(m *Message) {
	m.From = mail.DecodeHeader(m.Head.Get("From"), 300)
	m.Subject = mail.DecodeHeader(m.Head.Get("Subject"), 300)
	m.Key = cleaned(m.Head.Get("Message-ID"), 500)
}
