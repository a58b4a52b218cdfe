package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"amicale/internal/geo"
)

// unit is a commune, département or région as INSEE lists it.
type unit struct {
	Code        string   `json:"code"`
	Nom         string   `json:"nom"`
	Type        string   `json:"type"`     // commune-actuelle, -deleguee, -associee, arrondissement-municipal
	Commune     string   `json:"commune"`  // of an arrondissement
	ChefLieu    string   `json:"chefLieu"` // of a former commune: the one that it belongs to
	Departement string   `json:"departement"`
	Region      string   `json:"region"`
	Zone        string   `json:"zone"` // metro, drom, com
	Postaux     []string `json:"codesPostaux"`
	Population  int      `json:"population"`

	lat, lon  float64
	precision geo.Precision // 0: no point yet
}

func (u *unit) put(lat, lon float64, p geo.Precision) { u.lat, u.lon, u.precision = lat, lon, p }

// compileFrance makes the tables communes, communenames, postcodes, departements and regions.
func compileFrance(in string, towns []town, tables map[string][]string) error {
	folder := filepath.Join(in, "@etalab/decoupage-administratif/data")
	var all, departements, regions []*unit
	for name, into := range map[string]*[]*unit{"communes": &all, "departements": &departements, "regions": &regions} {
		if err := readJSON(filepath.Join(folder, name+".json"), into); err != nil {
			return err
		}
	}
	var communes []*unit // those of today, and the arrondissements
	byCode := map[string]*unit{}
	for _, u := range all {
		if u.Type == "commune-actuelle" || u.Type == "arrondissement-municipal" {
			communes = append(communes, u)
			byCode[u.Code] = u
		}
	}
	place(communes, byCode, towns)
	placeByNeighbours(communes)
	communes = slices.DeleteFunc(communes, func(u *unit) bool { return u.precision == 0 }) // uninhabited lands
	if len(communes) < 30_000 {
		return fmt.Errorf("only %d communes could be placed", len(communes))
	}
	tables["communes"] = communeLines(communes)
	tables["communenames"] = communeNames(all, communes)
	tables["postcodes"] = postcodeLines(communes)
	tables["departements"] = departementLines(departements, regions, communes, towns)
	for _, r := range regions {
		tables["regions"] = append(tables["regions"], line(r.Code, r.Nom))
	}
	slices.Sort(tables["regions"])
	return nil
}

// frenchDepartement is the département of the overseas parts that GeoNames has under a country of their own.
func frenchDepartement(country string) string {
	return map[string]string{"GP": "971", "MQ": "972", "GF": "973", "RE": "974", "PM": "975", "YT": "976", "BL": "977",
		"MF": "978", "TF": "984", "WF": "986", "PF": "987", "NC": "988"}[country]
}

// place gives communes the point of the town of GeoNames that stands for them best.
func place(communes []*unit, byCode map[string]*unit, towns []town) {
	byName := map[string]*unit{}   // by département and folded name
	inside := map[string][]*unit{} // by département
	for _, u := range communes {
		byName[u.Departement+" "+geo.Fold(u.Nom)] = u
		inside[u.Departement] = append(inside[u.Departement], u)
	}
	best, bestRank := map[*unit]town{}, map[*unit]int{}
	offer := func(u *unit, t town, rank int) {
		rank = rank<<32 - t.population
		if old, ok := bestRank[u]; u != nil && (!ok || rank < old) {
			best[u], bestRank[u] = t, rank
		}
	}
	for _, t := range towns {
		overseas := frenchDepartement(t.country)
		if t.country != "FR" && overseas == "" {
			continue
		}
		departement := cmp.Or(overseas, t.admin[1])
		if u := arrondissement(byCode, t); u != nil {
			offer(u, t, 0)
			continue
		}
		for _, code := range t.admin {
			if len(code) == 5 {
				offer(byCode[code], t, rankByCode(byCode[code], t))
			}
		}
		offer(byName[departement+" "+geo.Fold(t.name)], t, 20)
		for _, name := range t.alternates {
			offer(byName[departement+" "+geo.Fold(name)], t, 30)
		}
		if only := inside[departement]; len(only) == 1 {
			offer(only[0], t, 40) // Saint-Barthélemy, whose town is Gustavia
		}
	}
	for u, t := range best {
		u.put(t.lat, t.lon, geo.Town)
	}
	for i, point := range parisCentres {
		if u := byCode[fmt.Sprintf("751%02d", i+1)]; u != nil {
			u.put(point[0], point[1], geo.Town)
		}
	}
}

// rankByCode says how well a town that bears the code of a commune stands for it: best the town of its name,
// then its largest part. A town that bears only the name comes after: codes are more often right.
func rankByCode(u *unit, t town) int {
	rank := 0
	if u != nil && geo.Fold(t.name) != geo.Fold(u.Nom) {
		rank = 10
	}
	switch t.class {
	case "PPLC", "PPLA", "PPLA2", "PPLA3", "PPLA4":
		return rank
	case "PPL":
		return rank + 1
	}
	return rank + 2
}

// arrondissement is that of a town such as "Lyon 02" or "Marseille 10".
func arrondissement(byCode map[string]*unit, t town) *unit {
	var n int
	var prefix string
	switch name, number, _ := strings.Cut(t.name, " "); {
	case name == "Lyon" && t.admin[3] == "69123":
		prefix = "693" // 69381 to 69389
		_, _ = fmt.Sscanf(number, "%d", &n)
		n += 80
	case name == "Marseille" && t.admin[3] == "13055":
		prefix = "132" // 13201 to 13216
		_, _ = fmt.Sscanf(number, "%d", &n)
	}
	return byCode[fmt.Sprintf("%s%02d", prefix, n)]
}

// parisCentres are the middles of the twenty arrondissements, which GeoNames does not list; the two woods are
// left out of the 12th and the 16th.
var parisCentres = [20][2]float64{
	{48.8626, 2.3363}, {48.8683, 2.3428}, {48.8629, 2.3600}, {48.8543, 2.3576}, {48.8444, 2.3507},
	{48.8491, 2.3329}, {48.8562, 2.3122}, {48.8727, 2.3126}, {48.8772, 2.3375}, {48.8761, 2.3607},
	{48.8591, 2.3801}, {48.8408, 2.3876}, {48.8284, 2.3623}, {48.8292, 2.3265}, {48.8401, 2.2928},
	{48.8604, 2.2690}, {48.8874, 2.3068}, {48.8926, 2.3481}, {48.8871, 2.3848}, {48.8635, 2.4012},
}

// middle is the mean of points that are near each other.
type middle struct{ lat, lon, n float64 }

func (m *middle) add(u *unit) { m.lat += u.lat; m.lon += u.lon; m.n++ }

func (m *middle) point() (lat, lon float64) { return m.lat / m.n, m.lon / m.n }

// placeByNeighbours gives what has no point the middle of those that share a postcode, else of the département.
func placeByNeighbours(communes []*unit) {
	around := map[string]*middle{}
	at := func(key string) *middle {
		if around[key] == nil {
			around[key] = &middle{}
		}
		return around[key]
	}
	for _, u := range communes {
		if u.precision != geo.Town {
			continue
		}
		at("d" + u.Departement).add(u)
		for _, p := range u.Postaux {
			at(p).add(u)
		}
	}
	for _, u := range communes {
		if u.precision == geo.Town {
			continue
		}
		for _, p := range u.Postaux {
			if m := at(p); m.n > 0 && u.precision == 0 {
				lat, lon := m.point()
				u.put(lat, lon, geo.Nearby)
			}
		}
		if m := at("d" + u.Departement); u.precision == 0 && m.n > 0 {
			lat, lon := m.point()
			u.put(lat, lon, geo.WithinArea)
		}
	}
}

func communeLines(communes []*unit) []string {
	var out []string
	for _, u := range communes {
		out = append(out, line(u.Code, u.Nom, u.Departement, u.Commune, u.lat, u.lon, u.precision, u.Population,
			strings.Join(u.Postaux, " ")))
	}
	slices.Sort(out)
	return out
}

// communeNames knows a commune by its name and by those that it swallowed.
func communeNames(all, communes []*unit) []string {
	kept := map[string]bool{}
	names := index{}
	for _, u := range communes {
		kept[u.Code] = true
		if u.Commune == "" {
			names.add(geo.Fold(u.Nom), u.Code)
		}
	}
	for _, u := range all {
		if strings.HasSuffix(u.Type, "ee") && kept[u.ChefLieu] {
			names.add(geo.Fold(u.Nom), u.ChefLieu)
		}
	}
	return names.lines()
}

// postcodeLines lists communes by postcode; where there are arrondissements, those in place of their city.
func postcodeLines(communes []*unit) []string {
	divided := map[string]bool{}
	for _, u := range communes {
		divided[u.Commune] = true
	}
	postcodes := index{}
	for _, u := range communes {
		for _, p := range u.Postaux {
			if !divided[u.Code] {
				postcodes.add(p, u.Code)
			}
		}
	}
	return postcodes.lines()
}

// departementLines include the collectivities overseas, which INSEE lists with the régions only.
func departementLines(departements, regions, communes []*unit, towns []town) []string {
	zones := map[string]string{}
	for _, t := range towns {
		if d := frenchDepartement(t.country); d != "" {
			zones[d] = cmp.Or(zones[d], t.zone)
		}
	}
	var out []string
	done := map[string]bool{}
	add := func(u *unit, region string) {
		m := middle{}
		for _, c := range communes {
			if c.Departement == u.Code && c.precision == geo.Town {
				m.add(c)
			}
		}
		if m.n > 0 && !done[u.Code] {
			lat, lon := m.point()
			out = append(out, line(u.Code, u.Nom, region, lat, lon, cmp.Or(zones[u.Code], "Europe/Paris")))
			done[u.Code] = true
		}
	}
	for _, d := range departements {
		add(d, d.Region)
	}
	for _, r := range regions {
		if r.Zone == "com" {
			add(r, r.Code)
		}
	}
	slices.Sort(out)
	return out
}
