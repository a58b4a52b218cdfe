package geo

import (
	"slices"
	"strings"
)

// Area is a French département or région.
type Area struct {
	Code, Name string
	Region     string // of a département
}

// Departements lists them by code, overseas collectivities included.
func Departements() []Area {
	var out []Area
	for l := range departements().all() {
		out = append(out, Area{l[0], l[1], l[2]})
	}
	return out
}

// Regions lists them by code.
func Regions() []Area {
	var out []Area
	for l := range regions().all() {
		out = append(out, Area{Code: l[0], Name: l[1]})
	}
	return out
}

// DepartementName and RegionName are the labels of a code; an unknown code is its own.
func DepartementName(code string) string { return nameIn(departements(), code) }

// RegionName is the label of an INSEE code of région.
func RegionName(code string) string { return nameIn(regions(), code) }

func nameIn(t *table, code string) string {
	if l, ok := t.find(code); ok {
		return l[1]
	}
	return code
}

// CommuneByCode is the commune of an INSEE code; that of an arrondissement of Paris, Lyon or Marseille gives
// the city, at the place of the arrondissement.
func CommuneByCode(code string) (Place, bool) {
	l, ok := communes().find(code)
	if !ok {
		return Place{}, false
	}
	p := Place{
		Country: "FR", Commune: l[0], Name: l[1], Departement: l[2], Lat: number(l[4]), Lon: number(l[5]),
		Precision: Precision(number(l[6])), Population: int(number(l[7])), Postcodes: codes(l[8]),
	}
	if city, ok := communes().find(l[3]); ok {
		p.Commune, p.Name = city[0], city[1]
	}
	if d, ok := departements().find(p.Departement); ok {
		p.Region, p.TimeZone = d[2], d[5]
	}
	return p, true
}

// Communes are those that share a postcode, most inhabitants first.
func Communes(postcode string) []Place {
	l, ok := postcodes().find(normalPostcode(postcode))
	if !ok {
		return nil
	}
	return communesOf(codes(l[1]))
}

// communesNamed are those that bear a folded name, or bore it before they merged.
func communesNamed(key string) []Place {
	l, ok := communeNames().find(key)
	if !ok {
		return nil
	}
	return communesOf(codes(l[1]))
}

func communesOf(codes []string) []Place {
	var out []Place
	for _, code := range codes {
		if p, ok := CommuneByCode(code); ok {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Place) int { return b.Population - a.Population })
	return out
}

// CommuneNames are the distinct names of all communes.
func CommuneNames() []string {
	var out []string
	for l := range communes().all() {
		if l[3] == "" {
			out = append(out, l[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// normalPostcode keeps the digits and letters of a postcode, without an "F-" before it, and gives back the
// zero that spreadsheets take from 01000.
func normalPostcode(s string) string {
	b := make([]byte, 0, 8)
	for i := range len(s) {
		if c := s[i]; '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b = append(b, c)
		}
	}
	p := strings.TrimPrefix(strings.ToUpper(string(b)), "F")
	if len(p) == 4 && strings.Trim(p, "0123456789") == "" {
		p = "0" + p
	}
	return p
}

// locateFrance reads postcode and town together. A CEDEX or unknown postcode still tells the département by
// its first digits; a town alone is found if no other commune has its name.
func locateFrance(postcode, city string) (Place, bool) {
	key := foldCity(city)
	named := communesNamed(key)
	if named == nil {
		named = communesNamed(withoutArticle(key))
	}
	if postcode == "" {
		if len(named) == 1 {
			return named[0], true
		}
		return Place{}, false
	}
	if near := Communes(postcode); len(near) > 0 {
		return locateAmong(near, named, key)
	}
	return locateByPrefix(postcode, named)
}

// wellKnown is the population from which the name of a town is no hamlet's by chance.
const wellKnown = 30_000

func isWellKnown(p Place) bool { return p.Population >= wellKnown }

// locateAmong chooses among the communes of a postcode.
func locateAmong(near, named []Place, key string) (Place, bool) {
	if key != "" {
		if p, ok := match(near, named, key); ok {
			return p, true
		}
	}
	inside := inDepartementsOf(named, near)
	switch {
	case len(inside) > 0:
		return common(append(slices.Clone(near), inside...)) // town and postcode disagree within a département
	case slices.ContainsFunc(named, isWellKnown):
		return Place{}, false // or far from each other: which of the two is the slip?
	case len(near) == 1:
		return near[0], true // a hamlet or a quarter of the only commune
	}
	return common(near)
}

func sameDepartement(p Place) func(Place) bool {
	return func(q Place) bool { return p.Departement == q.Departement }
}

func inDepartementsOf(named, near []Place) []Place {
	return slices.DeleteFunc(slices.Clone(named), func(p Place) bool { return !slices.ContainsFunc(near, sameDepartement(p)) })
}

// match finds the one commune of a postcode that a folded name means: by its name or a former one, else
// shortened ("Asnières"), lengthened ("Lyon Vaise") or misspelt.
func match(near, named []Place, key string) (Place, bool) {
	tests := []func(p Place) bool{
		func(p Place) bool { return Fold(p.Name) == key },
		func(p Place) bool { return withoutArticle(Fold(p.Name)) == withoutArticle(key) },
		func(p Place) bool {
			return slices.ContainsFunc(named, func(q Place) bool { return p.Commune == q.Commune })
		},
		func(p Place) bool {
			a, b := Fold(p.Name)+" ", key+" "
			return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
		},
		func(p Place) bool { return alike(Fold(p.Name), key) },
	}
	for _, test := range tests {
		found, n := Place{}, 0
		for _, p := range near {
			if test(p) {
				found, n = p, n+1
			}
		}
		if n > 0 {
			return found, n == 1
		}
	}
	return Place{}, false
}

// common is what places have in common: their département, else their région.
func common(places []Place) (Place, bool) {
	first := places[0]
	region, departement := true, true
	for _, p := range places[1:] {
		region = region && p.Region == first.Region
		departement = departement && p.Departement == first.Departement
	}
	switch {
	case departement && allNear(places):
		// One postcode: the largest commune stands for all of them on the map.
		return Place{Country: "FR", Departement: first.Departement, Region: first.Region, Lat: first.Lat, Lon: first.Lon,
			Precision: Nearby, TimeZone: first.TimeZone}, true
	case departement:
		return area(first.Departement)
	case region:
		return regionArea(first.Region)
	}
	return Place{}, false
}

func allNear(places []Place) bool {
	return !slices.ContainsFunc(places[1:], func(p Place) bool { return Kilometres(places[0], p) > sameKM })
}

// locateByPrefix reads a postcode that belongs to no commune: a CEDEX, or a slip.
func locateByPrefix(postcode string, named []Place) (Place, bool) {
	inside := slices.DeleteFunc(slices.Clone(named), func(p Place) bool { return !hasPrefix(p.Departement, postcode) })
	if len(inside) == 1 {
		return inside[0], true
	}
	if len(postcode) != 5 || len(inside) == 0 && slices.ContainsFunc(named, isWellKnown) {
		return Place{}, false
	}
	switch {
	case strings.HasPrefix(postcode, "20"):
		return regionArea("94") // 2A or 2B: only the commune tells
	case postcode >= "97":
		return area(postcode[:3])
	}
	return area(postcode[:2])
}

// hasPrefix reports whether postcodes of a département begin like this one.
func hasPrefix(departement, postcode string) bool {
	if departement == "2A" || departement == "2B" {
		departement = "20"
	}
	return strings.HasPrefix(postcode, departement)
}

// area is a département as a whole.
func area(departement string) (Place, bool) {
	l, ok := departements().find(departement)
	if !ok {
		return Place{}, false
	}
	return Place{Country: "FR", Departement: l[0], Region: l[2], Lat: number(l[3]), Lon: number(l[4]),
		Precision: WithinArea, TimeZone: l[5]}, true
}

// regionArea is a région as a whole, at the middle of its départements.
func regionArea(region string) (Place, bool) {
	p := Place{Country: "FR", Region: region, Precision: WithinArea}
	n := 0.0
	for l := range departements().all() {
		if l[2] == region {
			p.Lat, p.Lon, p.TimeZone = p.Lat+number(l[3]), p.Lon+number(l[4]), l[5]
			n++
		}
	}
	if n == 0 {
		return Place{}, false
	}
	p.Lat, p.Lon = p.Lat/n, p.Lon/n
	return p, true
}
