// Package fold folds text, purely: what two ways of writing the same name, login, e-mail address or phone number
// have in common.
//
// It owns the login rule (Login), the search form of a name (Name), and the canonical forms that stored values are
// compared by (TypedLogin, Email, Phone). All functions are deterministic and total: they never panic, whatever the
// bytes, and folding a folded text changes nothing.
package fold

import (
	"strconv"
	"unicode/utf8"
)

// Name is the form names are searched and matched by: lower case, transliterated to ASCII, without accents; every
// run of white space, apostrophes, hyphens and punctuation is one space, and the ends are trimmed. A name that is
// folded already is returned as it is, without allocating.
func Name(s string) string {
	if isFolded(s) {
		return s
	}
	var buf [96]byte
	b := appendName(buf[:0], decompose(s))
	return string(b)
}

func appendName(b []byte, s string) []byte {
	start, gap := len(b), false
	for _, r := range s {
		if c := classOf(r); c != letter {
			gap = gap || c != invisible
			continue
		}
		n := len(b)
		if gap && n > start {
			b = append(b, ' ')
		}
		m := len(b)
		if b = appendLetter(b, r); len(b) == m {
			b = b[:n] // a letter nothing stands for leaves no trace, its gap waits for the next
			continue
		}
		gap = false
	}
	return b
}

// isFolded reports that s consists of lower-case words and digits, one space between them.
func isFolded(s string) bool {
	gap := true
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			gap = false
		case c == ' ' && !gap:
			gap = true
		default:
			return false
		}
	}
	return !gap || s == ""
}

// Key is one text for a folded first name and surname, and what tells namesakes apart: the association's code and
// class year, where known (empty and zero where not). Two rows with the same key are probably the same person.
func Key(firstName, surname, association string, year int) string {
	var buf [128]byte
	b := appendName(buf[:0], decompose(firstName))
	b = append(b, '|')
	b = append(b, Name(surname)...)
	b = append(b, '|')
	b = append(b, Name(association)...)
	b = append(b, '|')
	if year != 0 {
		b = strconv.AppendInt(b, int64(year), 10)
	}
	return string(b)
}

// lowerASCII appends r, in lower case if it is an ASCII letter.
func lowerASCII(b []byte, r rune) []byte {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return utf8.AppendRune(b, r)
}
