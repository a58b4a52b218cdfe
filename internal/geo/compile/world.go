package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"amicale/internal/geo"
)

// town is a row of GeoNames.
type town struct {
	name, ascii string
	alternates  []string
	lat, lon    float64
	class       string // PPLC capital, PPLA… seat, PPL, PPLX a part of a town
	country     string
	admin       [4]string // in France the last is the INSEE code of the commune; overseas it may be another
	population  int
	zone        string
}

// readTowns reads the table of GeoNames, whose 19 columns https://download.geonames.org/export/dump/readme.txt
// explains.
func readTowns(path string) ([]town, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var towns []town
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		if len(c) != 19 {
			return nil, fmt.Errorf("%s: a row of %d columns, want 19", path, len(c))
		}
		t := town{name: c[1], ascii: c[2], class: c[7], country: c[8], admin: [4]string(c[10:14]), zone: c[17]}
		if c[3] != "" {
			t.alternates = strings.Split(c[3], ",")
		}
		var err1, err2, err3 error
		t.lat, err1 = strconv.ParseFloat(c[4], 64)
		t.lon, err2 = strconv.ParseFloat(c[5], 64)
		t.population, err3 = strconv.Atoi(cmp.Or(c[14], "0"))
		for _, err := range []error{err1, err2, err3} {
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, t.name, err)
			}
		}
		towns = append(towns, t)
	}
	return towns, lines.Err()
}

// What is kept of the world: smaller towns and rarer names cost more memory than they locate alumni.
const (
	minPopulation      = 1_000   // except capitals and seats
	alternatesFrom     = 5_000   // inhabitants, from which names in other languages are known
	foreignScriptsFrom = 100_000 // and in other scripts
)

// compileWorld makes the tables cities and citynames of all but France.
func compileWorld(towns []town, tables map[string][]string) {
	var kept []town
	for _, t := range towns {
		seat := t.class == "PPLC" || t.class == "PPLA"
		if frenchDepartement(t.country) == "" && t.country != "FR" && (t.population >= minPopulation || seat) {
			kept = append(kept, t)
		}
	}
	slices.SortStableFunc(kept, func(a, b town) int { return cmp.Compare(b.population, a.population) })
	names := index{}
	for i, t := range kept {
		tables["cities"] = append(tables["cities"], line(t.country, t.name, t.lat, t.lon, t.population, t.zone))
		add := func(name string) {
			if key := geo.Fold(name); key != "" {
				names.add(t.country+" "+key, strconv.Itoa(i))
			}
		}
		add(t.name)
		add(t.ascii)
		if t.country == "US" {
			add(t.name + " " + t.admin[0]) // Portland, OR
		}
		for _, name := range t.alternates {
			if t.population >= foreignScriptsFrom || t.population >= alternatesFrom && isLatin(name) {
				add(name)
			}
		}
	}
	tables["citynames"] = names.lines()
}

// isLatin reports a name in Latin letters, accents included.
func isLatin(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r > 0x24f && (r < 0x1e00 || r > 0x206f) })
}
