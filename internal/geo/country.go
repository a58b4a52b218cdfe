package geo

import (
	"slices"
	"strings"
)

// Country is a country or territory with an ISO 3166-1 code of its own, and Kosovo (XK).
type Country struct {
	Code  string // alpha-2
	Label string // in the language asked for, from CLDR
}

// Countries lists them by label. Lang "en" gives English, anything else French.
func Countries(lang string) []Country {
	var out []Country
	for l := range countries().all() {
		out = append(out, Country{l[0], labelOf(l, lang)})
	}
	slices.SortFunc(out, func(a, b Country) int { return strings.Compare(Fold(a.Label), Fold(b.Label)) })
	return out
}

// CountryByCode is the country of an alpha-2 code, in either case.
func CountryByCode(code, lang string) (Country, bool) {
	l, ok := countries().find(strings.ToUpper(code))
	if !ok {
		return Country{}, false
	}
	return Country{l[0], labelOf(l, lang)}, true
}

// Label is what a country is called in lang; an unknown code is its own label.
func Label(code, lang string) string {
	if c, ok := CountryByCode(code, lang); ok {
		return c.Label
	}
	return code
}

func labelOf(line []string, lang string) string {
	if lang == "en" {
		return line[2]
	}
	return line[1]
}

// ParseCountry understands a country as people write it: by its name in any of many languages, with or
// without accents, article and hyphens, by a usual abbreviation, or by an ISO code. What names two of them
// ("Corée") is not understood.
func ParseCountry(text string) (code string, ok bool) {
	key := Fold(text)
	for _, k := range []string{key, withoutArticle(key)} {
		if l, ok := countryLookup().find(k); ok {
			return l[1], true
		}
	}
	return "", false
}
