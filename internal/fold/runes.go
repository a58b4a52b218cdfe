package fold

import (
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode/table"
	"golang.org/x/text/unicode/norm"
)

// class says what a character is to a name, before any transliteration: unidecode itself turns apostrophes,
// quotes and soft signs into the same ASCII characters, so asking afterwards would be too late.
type class uint8

const (
	invisible  class = iota // controls, soft hyphen, zero-width characters, emoji selectors: as if not written
	letter                  // letters, digits and the marks that belong to them
	space                   // Unicode White_Space
	hyphen                  // hyphens, dashes, minus signs
	apostrophe              // apostrophes, primes, accents standing alone, half rings
	symbol                  // everything else that can be seen
)

// isApostrophe lists what people and programs write for an apostrophe. The modifier letters U+02B9–U+02CB stand
// for glottal stops and primes in transcriptions, where a French keyboard has only the apostrophe.
func isApostrophe(r rune) bool {
	switch r {
	case '\'', '`', '\u00b4', // ASCII and Latin-1
		'\u2018', '\u2019', '\u201a', '\u201b', '\u2032', '\u2035', // quotation marks, primes
		'\u02b9', '\u02bb', '\u02bc', '\u02bd', '\u02be', '\u02bf', '\u02c8', '\u02ca', '\u02cb', '\u02ee', // modifier letters
		'\u0374', '\u0384', '\u1fbd', '\u1fbf', '\u1fef', '\u1ffd', '\u1ffe', // Greek
		'\u055a', '\u05f3', '\u07f4', '\u07f5', '\ua78b', '\ua78c', // Armenian, Hebrew geresh, N'Ko, saltillo
		'\u275b', '\u275c', '\uff07', '\uff40': // ornaments, full-width
		return true
	}
	return false
}

// isHyphen is Unicode's Dash and Hyphen properties, and three look-alikes; not the soft hyphen, which is a hint
// for line breaking and cannot be seen in a name.
func isHyphen(r rune) bool {
	switch r {
	case '-', '\u02d7', '\u2043', '\u2796':
		return true
	case '\u00ad':
		return false
	}
	return r >= utf8.RuneSelf && (unicode.Is(unicode.Dash, r) || unicode.Is(unicode.Hyphen, r))
}

func classOf(r rune) class {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return letter
	case r == ' ':
		return space
	case isApostrophe(r):
		return apostrophe
	case isHyphen(r):
		return hyphen
	case unicode.IsSpace(r):
		return space
	case r < 0x20, r == 0x7f, r == utf8.RuneError:
		return invisible
	case r < utf8.RuneSelf:
		return symbol
	case unicode.IsLetter(r), unicode.IsMark(r), unicode.Is(unicode.Nd, r), unicode.Is(unicode.Nl, r):
		return letter
	case unicode.IsPunct(r), unicode.IsSymbol(r), unicode.IsNumber(r):
		return symbol
	}
	return invisible
}

// decompose takes the accents off what is written with them: it decomposes (NFD), drops the marks that are
// accents, and composes again, because kana, Hangul and Indic signs only mean something composed. Text that holds
// only Latin letters up to U+024F and typographic punctuation comes back as it is: for those letters the table of
// transliteration already says the bare letter.
func decompose(s string) string {
	for _, r := range s {
		if r > 0x24f && (r < 0x2000 || r > 0x206f) {
			d := norm.NFD.String(s)
			b := make([]byte, 0, len(d))
			for _, r := range d {
				if !isAccent(r) {
					b = utf8.AppendRune(b, r)
				}
			}
			return norm.NFC.String(string(b))
		}
	}
	return s
}

// isAccent reports the combining marks of the Latin, Greek and Cyrillic scripts.
func isAccent(r rune) bool {
	return 0x300 <= r && r <= 0x36f || 0x1ab0 <= r && r <= 0x1aff || 0x1dc0 <= r && r <= 0x1dff ||
		0x20d0 <= r && r <= 0x20ff || 0xfe20 <= r && r <= 0xfe2f
}

// appendLetter appends the lower-case letters and digits that stand for r, and nothing else: the table's own
// spaces ("Bei "), signs ("@", "[?]") and apostrophes (a soft sign) are not part of a name.
func appendLetter(b []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return appendASCII(b, byte(r))
	}
	if s := exception(r); s != "" {
		return append(b, s...)
	}
	n := len(b)
	if b = appendTable(b, r); len(b) > n {
		return b
	}
	if l := unicode.ToLower(r); l != r { // the table knows Georgian in one case only
		if b = appendTable(b, l); len(b) > n {
			return b
		}
	}
	for _, d := range norm.NFKD.String(string(r)) { // ligatures and styled letters
		if d != r {
			b = appendTable(b, d)
		}
	}
	return b
}

func appendTable(b []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		return appendASCII(b, byte(r))
	}
	t := table.Tables[r>>8]
	if int(r&0xff) >= len(t) {
		return b
	}
	s := t[r&0xff]
	for i := range len(s) {
		b = appendASCII(b, s[i])
	}
	return b
}

// appendASCII appends c in lower case if it is a letter or a digit.
func appendASCII(b []byte, c byte) []byte {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return append(b, c)
	case 'A' <= c && c <= 'Z':
		return append(b, c+'a'-'A')
	}
	return b
}

// exception says the letters the table has nothing or a sign for, though whole names begin with them.
func exception(r rune) string {
	switch r {
	case 'Ə', 'ə', 'Ә', 'ә', 'Ӛ', 'ӛ': // Azeri, Tatar: Əliyev is Aliyev in a passport
		return "a"
	case 'Ǝ', 'ǝ': // Kanuri, Tamasheq
		return "e"
	case 'ʒ': // its capital is in the table
		return "zh"
	case 'ا', 'أ', 'إ', 'ٱ', 'ع', 'ى', 'ة', 'ע': // alef, ain, final ya and ta; Hebrew ayin
		return "a"
	}
	return ""
}
