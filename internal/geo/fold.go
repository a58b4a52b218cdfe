package geo

import (
	"strings"

	"amicale/internal/fold"
)

// Fold is the form in which names of places are compared: case, accents and hyphens do not count, and "St",
// "Ste" and "s/" are what they stand for.
func Fold(name string) string {
	words := strings.Fields(fold.Name(name))
	for i, w := range words {
		switch w {
		case "st":
			words[i] = "saint"
		case "ste":
			words[i] = "sainte"
		case "s":
			words[i] = "sur"
		}
	}
	return strings.Join(words, " ")
}

// foldCity folds a town as written on an envelope: without CEDEX and its office, nor the number of an
// arrondissement.
func foldCity(city string) string {
	var kept []string
	for _, w := range strings.Fields(Fold(city)) {
		switch {
		case w == "cedex":
			return strings.Join(kept, " ")
		case w == "arrondissement", isOrdinal(w):
		default:
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// isOrdinal reports 8, 08, 1er, 2e, 3eme, 15th.
func isOrdinal(w string) bool {
	switch strings.TrimLeft(w, "0123456789") {
	case w:
		return false
	case "", "e", "er", "re", "ere", "eme", "nd", "nde", "th", "st", "rd":
		return true
	}
	return false
}

// withoutArticle drops the article that some write and others do not: Le Havre, L'Isle-Adam.
func withoutArticle(key string) string {
	for _, article := range []string{"le ", "la ", "les ", "l ", "the "} {
		if rest, ok := strings.CutPrefix(key, article); ok && rest != "" {
			return rest
		}
	}
	return key
}

// alike reports that two folded names differ by a slip of the pen: one letter in five, at most two, never the
// first one.
func alike(a, b string) bool {
	allowed := min(len(a), len(b)) / 5
	if allowed == 0 || a[0] != b[0] {
		return false
	}
	return distance(a, b) <= min(allowed, 2)
}

// distance counts the letters to add, drop, change or swap with the next (optimal string alignment).
func distance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cur[j+1] = min(cur[j+1], before[j-1]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
