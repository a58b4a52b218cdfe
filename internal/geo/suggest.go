package geo

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Suggest proposes at most limit towns of a country whose name, in any language known, or French postcode
// begins with prefix: largest first. Without a country that ParseCountry understands it proposes none.
func Suggest(prefix, country string, limit int) []Place {
	code, ok := ParseCountry(country)
	key := Fold(prefix)
	if !ok || key == "" || limit <= 0 {
		return nil
	}
	if departement, french := frenchTerritory(code); french {
		return suggestCommunes(key, departement, limit)
	}
	return suggestCities(code+" "+key, limit)
}

func suggestCommunes(key, departement string, limit int) []Place {
	table := communeNames()
	if digits := strings.ReplaceAll(key, " ", ""); strings.Trim(digits, "0123456789") == "" {
		table, key = postcodes(), digits
	}
	population := map[string]float64{} // by code; of thousands of "Saint-…" only the largest are read in full
	for l := range table.prefixed(key) {
		for _, code := range codes(l[1]) {
			if c, ok := communes().find(code); ok && strings.HasPrefix(c[2], departement) {
				code = cmp.Or(c[3], code) // the city of an arrondissement
				population[code] = max(population[code], number(c[7]))
			}
		}
	}
	largest := slices.SortedFunc(maps.Keys(population), func(a, b string) int {
		return cmp.Or(cmp.Compare(population[b], population[a]), strings.Compare(a, b))
	})
	var found []Place
	for _, code := range largest[:min(limit, len(largest))] {
		if p, ok := CommuneByCode(code); ok {
			found = append(found, p)
		}
	}
	return found
}

func suggestCities(key string, limit int) []Place {
	var lines []int
	for l := range cityNames().prefixed(key) {
		for _, n := range codes(l[1]) {
			if i, err := strconv.Atoi(n); err == nil {
				lines = append(lines, i)
			}
		}
	}
	slices.Sort(lines) // the table is sorted by population
	lines = slices.Compact(lines)
	var found []Place
	for _, i := range lines[:min(limit, len(lines))] {
		found = append(found, cityAt(i))
	}
	return found
}
