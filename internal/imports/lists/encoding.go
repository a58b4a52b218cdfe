package lists

import (
	"bufio"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Encoding names how a text file writes its characters.
type Encoding string

// The encodings read. XLSX is UTF8.
const (
	UTF8        Encoding = "UTF-8"
	UTF8BOM     Encoding = "UTF-8 (BOM)"
	UTF16LE     Encoding = "UTF-16LE"
	UTF16BE     Encoding = "UTF-16BE"
	Windows1252 Encoding = "Windows-1252"
	ISO885915   Encoding = "ISO-8859-15"
)

// profile is what one pass over a text says of it.
type profile struct {
	size      int64
	nul       bool
	sequences int // UTF-8 sequences of two bytes or more
	invalid   int // bytes that are no UTF-8
	c1        int // bytes 0x80–0x9F outside of UTF-8: printable in Windows-1252 only
	latin9    int // bytes that are letters in ISO-8859-15 and signs in Windows-1252, standing in a word
	escapes   int // \" that neither ends a cell nor is followed by a quote: the backslash escapes
	newline   bool
}

// survey reads all of r, in constant memory.
func survey(r io.Reader) (profile, error) {
	var p profile
	br := bufio.NewReaderSize(r, 64<<10)
	prev := byte('\n')
	for {
		b, err := br.Peek(4)
		if len(b) == 0 {
			p.newline = prev == '\n' || prev == '\r'
			if err == io.EOF {
				err = nil
			}
			return p, err
		}
		if window, _ := br.Peek(br.Buffered()); len(window) > 4 {
			b = window // all but the last bytes of it can be judged without reading on
		}
		n := 0
		for n < len(b) && (n == 0 || n+4 <= len(b)) {
			if c := b[n]; c < utf8.RuneSelf && c != '"' && c != 0 {
				prev = c
				n++
				continue
			}
			k := p.look(b[n:], prev)
			prev = b[n+k-1]
			n += k
		}
		p.size += int64(n)
		if _, err := br.Discard(n); err != nil {
			return p, err
		}
	}
}

// look judges the first character of b, which follows prev, and returns its length.
func (p *profile) look(b []byte, prev byte) int {
	c := b[0]
	switch {
	case c == 0:
		p.nul = true
	case c == '"' && prev == '\\' && len(b) > 1 && !strings.ContainsRune(";,\t|\r\n\"", rune(b[1])):
		p.escapes++
	case c >= utf8.RuneSelf:
		if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
			p.sequences++
			return n
		}
		p.invalid++
		if c < 0xa0 {
			p.c1++
		}
		next := byte(' ')
		if len(b) > 1 {
			next = b[1]
		}
		if c == 0xa4 || strings.IndexByte("\xa6\xa8\xb8\xbc\xbd\xbe", c) >= 0 && (isASCIILetter(prev) || isASCIILetter(next)) {
			p.latin9++
		}
	}
	return 1
}

func isASCIILetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// encoding decides. A few foreign bytes in UTF-8 text are a file pasted together: it stays UTF-8 and the lines that
// break it are read as Windows-1252.
func (p *profile) encoding() Encoding {
	switch {
	case p.sequences >= p.invalid:
		return UTF8
	case p.c1 == 0 && p.latin9 > 0:
		return ISO885915
	}
	return Windows1252
}

// decode makes b text, and reports whether b broke the encoding (UTF-8 only) and was read as Windows-1252 instead.
func (e Encoding) decode(b []byte) (s string, broken bool) {
	table := charmap.Windows1252
	switch e {
	case ISO885915:
		table = charmap.ISO8859_15
	case Windows1252:
	default:
		if utf8.Valid(b) {
			return string(b), false
		}
		broken = true
	}
	out := make([]byte, 0, len(b)+len(b)/4)
	for i := 0; i < len(b); i++ {
		if b[i] < utf8.RuneSelf {
			out = append(out, b[i])
			continue
		}
		if broken {
			if r, n := utf8.DecodeRune(b[i:]); n > 1 {
				out = utf8.AppendRune(out, r)
				i += n - 1
				continue
			}
		}
		out = utf8.AppendRune(out, decodeByte(table, b[i]))
	}
	return string(out), broken
}

// decodeByte says the C1 control for the five bytes that Windows-1252 leaves out, as browsers do.
func decodeByte(table *charmap.Charmap, b byte) rune {
	if r := table.DecodeByte(b); r != utf8.RuneError {
		return r
	}
	return rune(b)
}

// repair undoes UTF-8 that was read as Windows-1252 or ISO-8859-1 and written as UTF-8 again ("Ã©" for "é"), up to
// three times over, and C1 controls that were meant for Windows-1252 signs. It touches only sequences that cannot be
// meant: a lead and its continuations that decode to a letter or sign of European text.
func repair(s string) (string, bool) {
	if !suspicious(s) || !utf8.ValidString(s) {
		return s, false
	}
	repaired := false
	for range 3 {
		if !suspicious(s) {
			break
		}
		t := repairOnce(s)
		if t == s {
			break
		}
		s, repaired = t, true
	}
	return s, repaired
}

// suspicious is a cheap test that most text fails: is there a character that UTF-8 bytes become?
func suspicious(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		switch s[i] {
		case 0xc2:
			if s[i+1] < 0xa0 {
				return true
			}
		case 0xc3:
			if s[i+1] < 0x92 || s[i+1] == 0xa2 || s[i+1] == 0xaf || s[i+1] == 0xb0 {
				return true
			}
		}
	}
	return false
}

func repairOnce(s string) string {
	runes := []rune(s)
	out := make([]byte, 0, len(s))
	pairs := foreignPairs(runes)
	for i := 0; i < len(runes); i++ {
		if d, n := misread(runes[i:]); n > 0 && (pairs > 1 || !isForeign(d)) {
			if d != '\ufeff' {
				out = utf8.AppendRune(out, d)
			}
			i += n - 1
			continue
		}
		r := runes[i]
		if 0x80 <= r && r < 0xa0 {
			if d := charmap.Windows1252.DecodeByte(byte(r)); d >= 0xa0 && d != utf8.RuneError {
				r = d
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// misread reads the character that runes begin with as UTF-8 bytes, each shown as one character. n is how many
// characters it took, 0 if it is none.
func misread(runes []rune) (d rune, n int) {
	lead, ok := asByte(runes[0])
	switch {
	case !ok || lead < 0xc2 || lead > 0xf4:
		return 0, 0
	case lead < 0xe0:
		n = 2
	case lead < 0xf0:
		n = 3
	default:
		n = 4
	}
	if len(runes) < n {
		return 0, 0
	}
	b := []byte{lead}
	for _, r := range runes[1:n] {
		c, ok := asByte(r)
		if !ok || c < 0x80 || c > 0xbf {
			return 0, 0
		}
		b = append(b, c)
	}
	d, size := utf8.DecodeRune(b)
	if size != n || !plausible(d) {
		return 0, 0
	}
	return d, n
}

// plausible is what names and addresses hold: Latin letters, combining accents, typography, the euro, ligatures,
// emoji, Greek and Cyrillic.
func plausible(d rune) bool {
	return 0x80 <= d && d <= 0x17f || d == 'ƒ' || 0x218 <= d && d <= 0x21b || 0x2b9 <= d && d <= 0x36f || isForeign(d) ||
		0x2010 <= d && d <= 0x203a || d == '€' || d == '™' || d == '\u202f' || d == '\ufeff' ||
		0xfb00 <= d && d <= 0xfb06 || 0x1f300 <= d && d <= 0x1faff
}

// isForeign reports Greek and Cyrillic, whose misread bytes can be innocent French: one alone proves nothing.
func isForeign(d rune) bool { return 0x370 <= d && d <= 0x45f }

func foreignPairs(runes []rune) int {
	count := 0
	for i := range runes {
		if d, n := misread(runes[i:]); n > 0 && isForeign(d) {
			count++
		}
	}
	return count
}

// asByte is the byte that Windows-1252, or ISO-8859-1 for its gaps, shows as r.
func asByte(r rune) (byte, bool) {
	if r >= 0x80 && r <= 0xff {
		return byte(r), true
	}
	if r < 0x80 {
		return 0, false
	}
	return charmap.Windows1252.EncodeRune(r)
}

// lostCharacter reports text in which a conversion left a question mark, or a character nobody can name: L?HAME,
// d?un. It cannot be repaired, only shown to somebody who knows.
func lostCharacter(s string) bool {
	runes := []rune(s)
	for i, r := range runes {
		if r == utf8.RuneError {
			return true
		}
		if r == '?' && i > 0 && i+1 < len(runes) && unicode.IsLetter(runes[i-1]) && unicode.IsLetter(runes[i+1]) {
			return true
		}
	}
	return false
}
