package mail

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// scrubbed stands where something was taken out.
const scrubbed = "***"

// Scrub takes out of another server's text whatever tells an address that a correspondent must not learn: every
// e-mail address, whosever it is, for a target may lead to a further one; of the secret addresses also the local
// part, where it stands as a word, and the domain, alone or at the end of a host's name; and the queries of links.
func Scrub(text string, secrets ...string) string {
	text = withoutQueries(oneLine(text))
	for _, s := range secrets {
		if s = strings.TrimSpace(s); s != "" {
			text = replaceFold(text, s, anywhere)
		}
	}
	text = withoutAddresses(text)
	for _, s := range secrets {
		at := strings.LastIndexByte(s, '@')
		if at < 0 {
			continue
		}
		local, domain := strings.TrimSpace(s[:at]), strings.TrimSpace(s[at+1:])
		text = replaceFold(text, domain, asDomain)
		if u, err := idna.ToUnicode(domain); err == nil && u != domain {
			text = replaceFold(text, u, asDomain)
		}
		if base, _, tagged := strings.Cut(local, "+"); tagged {
			text = replaceFold(text, local, asWord)
			local = base
		}
		if len(local) > 1 {
			text = replaceFold(text, local, asWord)
		}
	}
	return text
}

// Where a secret counts as found, by the octets before and after it; 0 at the ends of the text.
func anywhere(_, _ byte) bool        { return true }
func asWord(before, after byte) bool { return !isWordOctet(before) && !isWordOctet(after) }
func asDomain(_, after byte) bool    { return !isWordOctet(after) && after != '-' }

func isWordOctet(c byte) bool { return c < utf8.RuneSelf && isAlnum(c) }

// replaceFold replaces secret where it stands, without regard to the case of ASCII letters. Of a host's name that
// ends in the secret all goes.
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
		start := i
		for start > from && (isAlnum(text[start-1]) || text[start-1] == '.' || text[start-1] == '-') {
			start--
		}
		b.WriteString(text[from:start] + scrubbed)
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

// withoutAddresses replaces every word around an @, in plain or as links write it.
func withoutAddresses(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		if !strings.Contains(w, "@") && !strings.Contains(strings.ToLower(w), "%40") && !strings.Contains(strings.ToLower(w), "=40") {
			continue
		}
		inner := strings.TrimLeft(w, `<("'[:`)
		open := w[:len(w)-len(inner)]
		words[i] = open + scrubbed + inner[len(strings.TrimRight(inner, `>)"'],;:.`)):]
	}
	return strings.Join(words, " ")
}

// withoutQueries cuts links at their first question mark.
func withoutQueries(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		if at := strings.Index(w, "://"); at >= 0 {
			if q := strings.IndexAny(w[at:], "?#"); q >= 0 {
				words[i] = w[:at+q]
			}
		}
	}
	return strings.Join(words, " ")
}
