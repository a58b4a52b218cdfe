package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"
)

// Email is the form mail addresses are compared by: without white space and invisible characters at the ends,
// lower case, NFC, and bare where a program wrote <it> or mailto:it. It does not judge: see ValidEmail.
func Email(s string) string {
	s = strings.ToLower(norm.NFC.String(trim(strings.ToValidUTF8(s, ""))))
	s = trim(strings.TrimPrefix(s, "mailto:"))
	if len(s) > 2 && s[0] == '<' && s[len(s)-1] == '>' {
		s = trim(s[1 : len(s)-1])
	}
	return s
}

func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || classOf(r) == invisible })
}

// ValidEmail reports that mail could be sent to s: one @, a dot-atom before it (RFC 5322 §3.4.1; letters of any
// script, RFC 6531), a domain with at least two labels after it, lengths within RFC 5321 §4.5.3.1. Quoted local
// parts and address literals are legal there and a typing error everywhere else.
func ValidEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 254 || len(local) > 64 || !utf8.ValidString(s) {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool {
			return !isWord(r) && (r == 0 || !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r))
		}) {
			return false
		}
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool { return !isWord(r) && r != '-' }) {
			return false
		}
	}
	top := labels[len(labels)-1]
	return len(labels) > 1 && utf8.RuneCountInString(top) > 1 && !isDigits(top)
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || '0' <= r && r <= '9'
}

// Phone is the E.164 form of a phone number as people and spreadsheets write it; region is the ISO 3166 country of
// numbers without a prefix, FR if empty. A leading zero that a spreadsheet dropped is understood, and the ".0" that
// it added. ok is false, and e164 empty, if there is no such number.
func Phone(s, region string) (e164 string, ok bool) {
	if region == "" {
		region = "FR"
	}
	s = strings.TrimSuffix(trim(s), ".0")
	if len(s) > 60 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) && r != 'x' && r != 'X' }) {
		return "", false // a vanity number in letters is more often two columns run into one
	}
	number, err := phonenumbers.Parse(s, strings.ToUpper(region))
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", false
	}
	return phonenumbers.Format(number, phonenumbers.E164), true
}
