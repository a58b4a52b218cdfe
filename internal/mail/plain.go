package mail

import (
	"strings"
	"unicode"
)

// plain brings an answer to the form that the phrases are written in: lower case, no accents, words between single
// spaces, one at both ends. Addresses go, for what they are called says nothing; of a web address the host stays.
func plain(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, ' ')
	for _, token := range strings.Fields(s) {
		if at := strings.IndexByte(token, '@'); at >= 0 {
			at = max(0, strings.IndexAny(token[:at], "<:("))
			token = token[:at] // "TO" of "TO:<x@exemple.fr>"
		}
		if at := strings.Index(token, "://"); at >= 0 {
			host, _, _ := strings.Cut(token[at+3:], "/")
			token = token[:at] + " " + host
		}
		for _, r := range token {
			b = appendPlain(b, r)
		}
		if b[len(b)-1] != ' ' {
			b = append(b, ' ')
		}
	}
	return string(b)
}

func appendPlain(b []byte, r rune) []byte {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return append(b, byte(r))
	case 'A' <= r && r <= 'Z':
		return append(b, byte(r)+'a'-'A')
	case r >= 0x80 && (unicode.IsLetter(r) || unicode.IsMark(r)):
		return append(b, unaccented(unicode.ToLower(r))...)
	case b[len(b)-1] != ' ':
		return append(b, ' ')
	}
	return b
}

// unaccented is a letter of the languages that the phrases are in; others stay as they are.
func unaccented(r rune) string {
	switch r {
	case 'à', 'â', 'ä', 'á', 'ã', 'å':
		return "a"
	case 'ç', 'č':
		return "c"
	case 'é', 'è', 'ê', 'ë', 'ě':
		return "e"
	case 'î', 'ï', 'í', 'ì':
		return "i"
	case 'ñ', 'ň':
		return "n"
	case 'ô', 'ö', 'ó', 'ò', 'õ', 'ø':
		return "o"
	case 'ù', 'û', 'ü', 'ú', 'ů':
		return "u"
	case 'ý':
		return "y"
	case 'œ':
		return "oe"
	case 'ß':
		return "ss"
	}
	return string(r)
}
