package fold

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxLogin is how many octets a login has at most: it is also the local part of a mail address (RFC 5321 §4.5.3.1.1).
const MaxLogin = 64

// The reasons why a login cannot be made.
var (
	// ErrNoName says that nothing of a first name or surname is left to write in a login.
	ErrNoName = errors.New("fold: nothing of the name can be written in a login")
	// ErrNoClass says that the association's code or the class year is not one.
	ErrNoClass = errors.New("fold: a login needs an association of two or three letters and a year of four digits")
)

// LoginPart writes a first name or a surname as logins do: lower case, no accents, apostrophes and white space as
// hyphens, hyphens kept, runs of them collapsed, ends trimmed, all else that is not [a-z0-9-] dropped.
func LoginPart(s string) string {
	var buf [96]byte
	b, gap := buf[:0], false
	for _, r := range decompose(s) {
		switch classOf(r) {
		case space, hyphen, apostrophe:
			gap = true
		case letter:
			n := len(b)
			if gap && n > 0 {
				b = append(b, '-')
			}
			m := len(b)
			if b = appendLetter(b, r); len(b) == m {
				b = b[:n]
				continue
			}
			gap = false
		}
	}
	return string(b)
}

// Login is the login of one degree, firstname.surname.ly2010: of the first name in use and the usage surname.
// occurrence counts the people for whom the rule gives the same: from 2 on it is written after the surname. It has
// at most MaxLogin octets; longer names are cut at a hyphen, and the occurrence stays. Because of the cut two
// different names may agree: whoever reserves logins tries the next occurrence.
func Login(firstName, surname, association string, year, occurrence int) (string, error) {
	code := strings.ToLower(association)
	if !isCode(code) || year < 1000 || year > 9999 {
		return "", fmt.Errorf("%w: %q %d", ErrNoClass, association, year)
	}
	first, last := LoginPart(firstName), LoginPart(surname)
	if first == "" || last == "" {
		return "", ErrNoName
	}
	tail := "." + code + strconv.Itoa(year)
	if occurrence > 1 {
		tail = "-" + strconv.Itoa(occurrence) + tail
	}
	room := MaxLogin - len(tail) - len(".")
	if len(first)+len(last) > room {
		// The surname gives way first, down to half of the room; then the first name takes what is left.
		last = cut(last, max(room-len(first), room/2))
		first = cut(first, room-len(last))
	}
	return first + "." + last + tail, nil
}

// cut shortens part to n octets at most: at the last hyphen that allows it, else in the middle of the word.
func cut(part string, n int) string {
	if len(part) <= n {
		return part
	}
	if i := strings.LastIndexByte(part[:n+1], '-'); i > 0 {
		return part[:i]
	}
	return part[:n]
}

func isCode(s string) bool {
	if len(s) < 2 || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// TypedLogin is the form logins are looked up by, applied to what is stored and to what is typed alike:
// "Laure.Lavaut.LY.2010", "laure lavaut ly 2010" and " láure.lavaut.ly2010 " are laure.lavaut.ly2010. A login of the
// rule is its own form. A former login that breaks the rule keeps its ASCII punctuation, so that jean_martin and
// jean.martin stay two. Where no dot was typed, the first gap is taken for the one after the first name:
// LoginSkeleton finds those who meant another.
func TypedLogin(s string) string {
	flat := flatten(s)
	head, tail := splitClass(flat)
	if !strings.Contains(head, ".") {
		head = strings.Replace(head, " ", ".", 1)
	}
	return strings.ReplaceAll(head, " ", "-") + tail
}

// LoginSkeleton is TypedLogin with all separators gone: jean-pierre.martin.ly2010 and jean.pierre-martin.ly2010 have
// the same. It may only be used when TypedLogin finds nothing, and only if exactly one login has it.
func LoginSkeleton(s string) string {
	return strings.NewReplacer(".", "", "-", "").Replace(TypedLogin(s))
}

// flatten lowers and transliterates, and leaves one separator of each run: a dot if the run has one, else a hyphen
// (also for apostrophes), else a space.
func flatten(s string) string {
	var buf [96]byte
	b, sep := buf[:0], byte(0)
	for _, r := range decompose(s) {
		c := classOf(r)
		switch {
		case r == '.':
			sep = '.'
			continue
		case c == hyphen || c == apostrophe:
			if sep != '.' {
				sep = '-'
			}
			continue
		case c == space:
			if sep == 0 {
				sep = ' '
			}
			continue
		case c == invisible, c == symbol && r > 0x7f:
			continue
		}
		n := len(b)
		if sep != 0 && n > 0 {
			b = append(b, sep)
		}
		m := len(b)
		if c == symbol {
			b = lowerASCII(b, r)
		} else {
			b = appendLetter(b, r)
		}
		if len(b) == m {
			b = b[:n]
			continue
		}
		sep = 0
	}
	return string(b)
}

// splitClass cuts ".ly2010" off the end, however it was separated; tail is empty where there is none, or nothing
// before it.
func splitClass(s string) (head, tail string) {
	i := len(s) - 4
	if i < 0 || !isDigits(s[i:]) {
		return s, ""
	}
	year, rest := s[i:], s[:i]
	if n := len(rest); n > 0 && isSeparator(rest[n-1]) {
		rest = rest[:n-1]
	}
	j := strings.LastIndexAny(rest, ". ")
	if j <= 0 || !isCode(rest[j+1:]) {
		return s, ""
	}
	return rest[:j], "." + rest[j+1:] + year
}

func isSeparator(c byte) bool { return c == '.' || c == ' ' || c == '-' }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
