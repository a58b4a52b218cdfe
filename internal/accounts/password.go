package accounts

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The rules of a password: length alone, and what everybody would try first is refused. Lengths are in characters of
// the NFC form (NIST SP 800-63B-4 §3.1.1.2).
const (
	minPassword = 12
	maxPassword = 256
)

// commonWords are what common passwords are made of: one or two of them, with digits around.
//
//go:embed words.txt
var commonWords string

// weakness is the message that says why a password cannot be chosen; "" when it can. own are the holder's names,
// logins and addresses.
func weakness(password string, own []string) string {
	if !utf8.ValidString(password) {
		return "accounts.password_bad"
	}
	nfc := norm.NFC.String(password)
	switch n := utf8.RuneCountInString(nfc); {
	case n < minPassword:
		return "accounts.password_short"
	case n > maxPassword:
		return "accounts.password_long"
	}
	plain := squeeze(nfc)
	if monotonous(nfc) || monotonous(plain) || walked(plain) {
		return "accounts.password_common"
	}
	mine := ownParts(own)
	for _, form := range []string{plain, squeeze(unleet(nfc))} {
		rest := form
		for _, part := range mine {
			rest = strings.ReplaceAll(rest, part, " ")
		}
		if rest != form && guessable(rest, 1) {
			return "accounts.password_own"
		}
		if guessable(form, 2) {
			return "accounts.password_common"
		}
	}
	return ""
}

// squeeze keeps letters and digits, in lower case and without accents.
func squeeze(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unleet reads digits and signs between letters as the letters they are drawn for.
func unleet(s string) string {
	drawn := map[rune]rune{'0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b', '9': 'g', '@': 'a', '$': 's', '!': 'i', '€': 'e', '(': 'c'}
	runes := []rune(s)
	for i := 0; i < len(runes); {
		end := i
		for end < len(runes) && drawn[runes[end]] != 0 {
			end++
		}
		if i > 0 && end > i && end < len(runes) && unicode.IsLetter(runes[i-1]) && unicode.IsLetter(runes[end]) {
			for k := i; k < end; k++ {
				runes[k] = drawn[runes[k]]
			}
		}
		i = end + 1
	}
	return string(runes)
}

// monotonous reports that a text is few characters, or a short piece again and again.
func monotonous(s string) bool {
	runes := []rune(s)
	if len(runes) == 0 {
		return true
	}
	distinct := slices.Clone(runes)
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) < 5 {
		return true
	}
	const shortPiece = 8
	for n := 1; n < shortPiece && n*2 <= len(runes); n++ {
		same := true
		for i := n; i < len(runes) && same; i++ {
			same = runes[i] == runes[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// walks are the ways fingers take over keyboards and alphabets; each is walked in both directions.
func walks() []string {
	rows := []string{
		"abcdefghijklmnopqrstuvwxyzabc", "012345678901234567890", "13579", "24680", "02468",
		"azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm",
		"aqwzsxedcrfvtgbyhnujikolpm", "qazwsxedcrfvtgbyhnujmikolp", "1aq2zs3ed4rf5tg6yh7uj8ik9ol0pm",
		"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "1a2z3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
		"a1z2e3r4t5y6u7i8o9p0", "1a2b3c4d5e6f7g8h9i", "a1b2c3d4e5f6g7h8i9", "aaabbbcccdddeeefff", "112233445566778899", "147258369", "159753",
		"aabbccddeeffgghh", "abcabcd", "123123123", "321321321", "123321", "741852963", "789456123", "123654789", "azeqsdwxc", "qweasdzxc",
	}
	out := slices.Clone(rows)
	for _, r := range rows {
		back := []byte(r)
		slices.Reverse(back)
		out = append(out, string(back))
	}
	return out
}

// walked reports that almost all of a text is such ways, or years.
func walked(s string) bool { return len(strip(s)) < 4 }

// strip takes years and ways of at least three steps out of a text.
func strip(s string) string {
	ways := walks()
	var rest strings.Builder
	for i := 0; i < len(s); {
		if n := longestWalk(s[i:], ways); n >= 3 {
			i += n
			continue
		}
		if isYear(s[i:]) {
			i += 4
			continue
		}
		rest.WriteByte(s[i])
		i++
	}
	return rest.String()
}

func longestWalk(s string, ways []string) int {
	best := 0
	for n := 1; n < len(s) && s[n] == s[0]; n++ { // the same key, held down
		best = n + 1
	}
	for _, w := range ways {
		for n := best + 1; n <= len(s) && strings.Contains(w, s[:n]); n++ {
			best = n
		}
	}
	return best
}

func isYear(s string) bool {
	if len(s) < 4 || s[:2] != "19" && s[:2] != "20" {
		return false
	}
	return s[2] >= '0' && s[2] <= '9' && s[3] >= '0' && s[3] <= '9'
}

// guessable reports that a text is at most so many common words, with little around them.
func guessable(s string, words int) bool {
	if little(s) {
		return true
	}
	if words == 0 {
		return false
	}
	for w := range strings.SplitSeq(commonWords, "\n") {
		if len(w) > 2 && strings.Contains(s, w) && guessable(strings.ReplaceAll(s, w, " "), words-1) {
			return true
		}
	}
	return false
}

// little reports that what is left of a password is not worth guessing: at most one letter, and four digits that are
// no year and no counting.
func little(s string) bool {
	letters, digits := 0, 0
	for _, r := range strip(s) {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return letters <= 1 && digits <= 4
}

// ownParts are the pieces of the holder's names and addresses that are long enough to mean something, the longest
// first.
func ownParts(own []string) []string {
	var out []string
	for _, o := range own {
		out = append(out, squeeze(o))
		for _, piece := range strings.FieldsFunc(o, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			out = append(out, squeeze(piece))
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return len(s) < 3 })
	slices.Sort(out)
	out = slices.Compact(out)
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}
