package mail

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// scrubbed stands where something was taken out.
const scrubbed = "***"

// Scrub takes out of another server's text whatever tells an address that a correspondent must not learn: every
// e-mail address, whosever it is, for a target may lead to a further one; links and names and addresses of hosts; and
// of the secret addresses also the local part, where it stands as a word, and the domain.
func Scrub(text string, secrets ...string) string {
	text = oneLine(text)
	for _, s := range secrets {
		text = replaceFold(text, strings.TrimSpace(s), anywhere)
	}
	text = withoutNames(text)
	for _, s := range secrets {
		at := strings.LastIndexByte(s, '@')
		if at < 0 {
			continue
		}
		local, domain := strings.TrimSpace(s[:at]), strings.TrimSpace(s[at+1:])
		text = replaceFold(text, domain, asWord)
		if u, err := idna.ToUnicode(domain); err == nil && u != domain {
			text = replaceFold(text, u, asWord)
		}
		base, _, _ := strings.Cut(local, "+")
		for _, l := range []string{local, base} {
			if len(l) > 1 {
				text = replaceFold(text, l, asWord)
			}
		}
	}
	return text
}

// Where a secret counts as found, by the octets before and after it; 0 at the ends of the text.
func anywhere(_, _ byte) bool        { return true }
func asWord(before, after byte) bool { return !isWordOctet(before) && !isWordOctet(after) }

func isWordOctet(c byte) bool { return c < utf8.RuneSelf && isAlnum(c) }

// replaceFold replaces secret where it stands, without regard to the case of ASCII letters.
func replaceFold(text, secret string, counts func(before, after byte) bool) string {
	if secret == "" {
		return text
	}
	var b strings.Builder
	from := 0
	for i := 0; i+len(secret) <= len(text); {
		end := i + len(secret)
		if !equalASCII(text[i:end], secret) || !counts(octet(text, i-1), octet(text, end)) {
			i++
			continue
		}
		b.WriteString(text[from:i] + scrubbed)
		from, i = end, end
	}
	return b.String() + text[from:]
}

func octet(s string, i int) byte {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

func equalASCII(a, b string) bool {
	for i := range len(a) {
		if lowerOctet(a[i]) != lowerOctet(b[i]) {
			return false
		}
	}
	return true
}

func lowerOctet(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// withoutNames replaces the words that name somebody or some place: addresses, plain or as links write them, links,
// hosts.
func withoutNames(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		lower := strings.ToLower(w)
		inner := strings.TrimLeft(w, `<("'[:{`)
		end := strings.TrimRight(inner, `>)"'],;:.!?}`)
		if strings.Contains(w, "@") || strings.Contains(lower, "%40") || strings.Contains(lower, "=40") || strings.Contains(w, "://") || hasHost(end) {
			after := inner[len(end):]
			if strings.Contains(end, "[") { // "mx.exemple.fr[192.0.2.1]"
				after = strings.TrimPrefix(after, "]")
			}
			words[i] = w[:len(w)-len(inner)] + scrubbed + after
		}
	}
	return strings.Join(words, " ")
}

// hasHost reports whether a word holds a host's name or an IP address; a status code is neither.
func hasHost(w string) bool {
	if strings.Count(w, ":") > 2 && strings.ContainsFunc(w, func(r rune) bool { return '0' <= r && r <= '9' }) {
		return true // an IPv6 address, or near enough
	}
	for i := 1; i+1 < len(w); i++ {
		if w[i] != '.' || !isAlnum(w[i-1]) || !isAlnum(w[i+1]) {
			continue
		}
		rest := w[i+1:]
		if isDigit(rest[0]) && strings.Count(w, ".") != 3 {
			continue // 5.1.1
		}
		return true
	}
	return false
}
