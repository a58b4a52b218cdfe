package geo

import (
	"math"
	"strconv"
	"strings"
)

// Locate finds an address, or says that it cannot. A French address whose parts contradict each other gives
// the département or région in which they agree, if there is one.
func Locate(a Address) (Place, bool) {
	country, ok := ParseCountry(a.Country)
	if !ok {
		return Place{}, false
	}
	postcode := normalPostcode(a.Postcode)
	if country == "FR" && strings.HasPrefix(postcode, "980") {
		return locateAbroad("Monaco", "MC") // served by the French post; no such département
	}
	prefix, french := frenchTerritory(country)
	if !french {
		return locateAbroad(a.City, country)
	}
	p, ok := locateFrance(postcode, a.City)
	if !ok || !strings.HasPrefix(p.Departement, prefix) {
		return Place{}, false
	}
	return p, true
}

// frenchTerritory tells the départements of France, or of the part of it that has a country code of its own.
func frenchTerritory(country string) (departement string, ok bool) {
	switch country {
	case "FR":
		return "", true
	case "GP":
		return "971", true
	case "MQ":
		return "972", true
	case "GF":
		return "973", true
	case "RE":
		return "974", true
	case "PM":
		return "975", true
	case "YT":
		return "976", true
	case "BL":
		return "977", true
	case "MF":
		return "978", true
	case "WF":
		return "986", true
	case "PF":
		return "987", true
	case "NC":
		return "988", true
	}
	return "", false
}

// cityAt is the place on a line of the cities table.
func cityAt(i int) Place {
	l := cities().line(i)
	return Place{
		Country: l[0], Name: l[1], Lat: number(l[2]), Lon: number(l[3]), Precision: Town,
		Population: int(number(l[4])), TimeZone: l[5],
	}
}

// Two towns of one name in one country are told apart where one is much larger, or near enough not to matter.
// A name that is not the town's first one counts less: Syracuse was once called Milan.
const (
	muchLarger = 10 // times the inhabitants
	lesserName = 10 // divides them
	sameKM     = 25
)

// locateAbroad finds a town by its name, or by what stands before a comma or a bracket in it.
func locateAbroad(city, country string) (Place, bool) {
	short, _, _ := strings.Cut(strings.NewReplacer("(", ",", "/", ",").Replace(city), ",")
	full := Fold(city)
	for _, key := range []string{full, foldCity(city), foldCity(short), withoutArticle(full)} {
		if key == "" {
			continue
		}
		if l, ok := cityNames().find(country + " " + key); ok {
			return largest(codes(l[1]), key)
		}
	}
	return Place{}, false
}

// largest chooses among the towns, given as lines of their table, that a folded name may mean.
func largest(lines []string, key string) (Place, bool) {
	var best Place
	var most int
	rivals := make([]Place, 0, len(lines))
	weigh := func(p Place) int {
		if Fold(p.Name) != key {
			return p.Population / lesserName
		}
		return p.Population
	}
	for _, l := range lines {
		i, _ := strconv.Atoi(l)
		p := cityAt(i)
		if w := weigh(p); len(rivals) == 0 || w > most {
			best, most = p, w
		}
		rivals = append(rivals, p)
	}
	for _, p := range rivals {
		if weigh(p)*muchLarger > most && Kilometres(best, p) > sameKM {
			return Place{}, false
		}
	}
	return best, true
}

// Kilometres is the distance over a spherical earth (haversine), wrong by at most 0.5 %.
func Kilometres(a, b Place) float64 {
	const radius, degree = 6371, math.Pi / 180
	sin2 := func(x float64) float64 { s := math.Sin(x / 2); return s * s }
	h := sin2((b.Lat-a.Lat)*degree) + math.Cos(a.Lat*degree)*math.Cos(b.Lat*degree)*sin2((b.Lon-a.Lon)*degree)
	return 2 * radius * math.Asin(math.Sqrt(min(h, 1)))
}
