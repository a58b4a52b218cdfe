package mail

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseReply reads an answer as servers and reports write it: "550 5.1.1 text", "550-5.7.1 more 550 5.7.1 text",
// "5.1.1 text", or words alone. Codes may stand anywhere in it; the most telling of the enhanced ones counts.
func parseReply(s string) Reply {
	s = oneLine(s)
	var r Reply
	if at := codeAt(s, 0); at >= 0 {
		r.Code, _ = strconv.Atoi(s[at : at+3])
	}
	for from := 0; ; {
		at, end := enhancedAt(s, from)
		if at < 0 {
			break
		}
		if s[at] != '2' && (r.Enhanced == "" || vague(r.Enhanced) && !vague(s[at:end])) {
			r.Enhanced = s[at:end]
		}
		from = end
	}
	r.Text = withoutCodes(s)
	return r
}

// vague reports whether an enhanced code says no more than its first digit, or only that it is about an address.
func vague(enhanced string) bool {
	return enhanced == "" || strings.HasSuffix(enhanced, ".0.0") || enhanced == "5.1.0"
}

// codeAt is where the next reply code (RFC 5321 §4.2) stands in s; -1 if there is none.
func codeAt(s string, from int) int {
	for i := from; i+3 <= len(s); i++ {
		c := s[i]
		if c != '4' && c != '5' || !isDigit(s[i+1]) || !isDigit(s[i+2]) || s[i+1] > '5' && s[i:i+3] != "571" {
			continue
		}
		if i > 0 && !strings.ContainsRune(" \t\"'([<:;=,#>", rune(s[i-1])) {
			continue
		}
		if i+3 == len(s) {
			return i
		}
		switch next := s[i+3]; next {
		case ' ', ':', ';', ',', '\'', '"', '#', ')', ']':
			return i
		case '-': // another line of the same answer follows; "550-1234" is a number of something
			if i+4 == len(s) || !isDigit(s[i+4]) || i+5 < len(s) && s[i+5] == '.' {
				return i
			}
		}
	}
	return -1
}

// enhancedAt is where the next enhanced status code (RFC 3463) stands in s; -1 if there is none. Addresses of
// hosts and numbers of versions are none.
func enhancedAt(s string, from int) (start, end int) {
	for i := from; i+5 <= len(s); i++ {
		if c := s[i]; c != '4' && c != '5' && c != '2' || s[i+1] != '.' {
			continue
		}
		if i > 0 && (isAlnum(s[i-1]) || s[i-1] == '.' || s[i-1] == '/') {
			continue
		}
		subject := digits(s[i+2:])
		j := i + 2 + subject
		if subject == 0 || subject > 3 || j >= len(s) || s[j] != '.' {
			continue
		}
		detail := digits(s[j+1:])
		end := j + 1 + detail
		if detail == 0 || detail > 3 || end < len(s) && (isAlnum(s[end]) || s[end] == '.' && end+1 < len(s) && isDigit(s[end+1])) {
			continue
		}
		if subject > 1 || s[i+2] > '7' {
			continue
		}
		return i, end
	}
	return -1, -1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// withoutCodes takes the codes out of an answer, those of its further lines too, and bounds it.
func withoutCodes(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if at := codeAt(s[:min(len(s), i+6)], i); at == i && (i == 0 || s[i-1] == ' ' || s[i-1] == '\'') {
			i += 3
			if i < len(s) && (s[i] == '-' || s[i] == ' ') {
				i++
			}
			continue
		}
		if start, end := enhancedAt(s[:min(len(s), i+12)], i); start == i {
			i = end
			continue
		}
		b = append(b, s[i])
		i++
	}
	return cutOctets(oneLine(string(b)), MostReplyText)
}

// cutOctets keeps at most n octets of valid text and breaks no character.
func cutOctets(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
