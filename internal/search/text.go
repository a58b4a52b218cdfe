package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What of a query is read, so that no request is expensive.
const (
	maxText  = 200 // bytes
	maxWords = 16
)

// Only words of this many letters are forgiven a typing error: shorter ones match too much, longer ones are no names.
const (
	minFuzzy = 4
	maxFuzzy = 40
)

// queryWord is one word that must match.
type queryWord struct {
	text  string
	fuzzy bool // a typing error is forgiven
}

// words folds a text and cuts it at spaces.
func (s *Schema) words(text string) []string {
	return strings.Fields(strings.ToValidUTF8(s.Fold(text), " "))
}

// clip cuts a text at a letter's boundary.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// parse reads the text of a query into words and the filters understood in it.
func (s *Schema) parse(text string, strict bool) ([]queryWord, []Chip) {
	words := s.words(clip(text, maxText))
	words = words[:min(len(words), maxWords)]
	var out []queryWord
	var chips []Chip
	for len(words) > 0 {
		if s.Understand != nil {
			if n, filters := s.Understand(words); n > 0 && n <= len(words) {
				chips = append(chips, Chip{Words: words[:n:n], Filters: filters})
				words = words[n:]
				continue
			}
		}
		w := queryWord{text: words[0], fuzzy: !strict && forgiving(words[0])}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
		words = words[1:]
	}
	return out, chips
}

// forgiving reports whether a typed word is one in which a typing error is forgiven: letters only, neither short nor endless.
func forgiving(word string) bool {
	n := 0
	for _, r := range word {
		if !unicode.IsLetter(r) {
			return false
		}
		n++
	}
	return n >= minFuzzy && n <= maxFuzzy
}

// oneError reports whether two words are exactly one typing error apart: a letter too many, too few, wrong, or two neighbours
// swapped (optimal string alignment distance 1).
func oneError(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && (i < len(a) && !utf8.RuneStart(a[i]) || i < len(b) && !utf8.RuneStart(b[i])) {
		i--
	}
	a, b = a[i:], b[i:]
	if a == "" || b == "" {
		return utf8.RuneCountInString(a)+utf8.RuneCountInString(b) == 1
	}
	_, m := utf8.DecodeRuneInString(a)
	_, n := utf8.DecodeRuneInString(b)
	if a[m:] == b[n:] || a[m:] == b || a == b[n:] {
		return true
	}
	_, m2 := utf8.DecodeRuneInString(a[m:])
	_, n2 := utf8.DecodeRuneInString(b[n:])
	return m2 > 0 && n2 > 0 && a[:m] == b[n:n+n2] && a[m:m+m2] == b[:n] && a[m+m2:] == b[n+n2:]
}
