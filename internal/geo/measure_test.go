package geo_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"amicale/internal/geo"
)

// rows reads a sample table.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	folder := os.Getenv("AMICALE_SAMPLES")
	if folder == "" {
		t.Skip("AMICALE_SAMPLES is not set")
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return out[1:]
}

// Birth towns of scientists, with coordinates that come from elsewhere. The country of each is that of the
// nearest town known, so that only the name is on trial. English names of today's towns are found; districts,
// castles and former names are not, and must not be mistaken for other towns.
func TestLocateWikidataTowns(t *testing.T) {
	t.Parallel()
	built(t)
	people := rows(t, "population/wikidata-scientists-le1900.csv.gz")
	near := nearest()
	seen := map[string]bool{}
	var found, right, all int
	for _, r := range people {
		lat, err1 := strconv.ParseFloat(r[5], 64)
		lon, err2 := strconv.ParseFloat(r[6], 64)
		truth := geo.Place{Lat: lat, Lon: lon}
		country := near(truth)
		if err1 != nil || err2 != nil || country == "" || seen[r[7]] {
			continue
		}
		seen[r[7]] = true
		all++
		p, ok := geo.Locate(geo.Address{City: r[4], Country: country})
		if !ok {
			continue
		}
		found++
		if geo.Kilometres(p, truth) < 25 {
			right++
		}
	}
	t.Logf("%d towns: %.1f %% found; of these %.2f %% right", all, percent(found, all), percent(right, found))
	if all < 1000 || percent(found, all) < 60 || percent(right, found) < 97.5 {
		t.Errorf("%d towns, %.1f %% found, %.2f %% of them right; want 1000, 60 %%, 97.5 %%", all, percent(found, all), percent(right, found))
	}
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// nearest gives the country of the town nearest to a point, within 50 km.
func nearest() func(geo.Place) string {
	type cell [2]int
	at := func(p geo.Place) cell { return cell{int(math.Floor(p.Lat)), int(math.Floor(p.Lon))} }
	grid := map[cell][]geo.Place{}
	for _, c := range geo.Countries("fr") {
		for letter := 'a'; letter <= 'z'; letter++ {
			for _, p := range geo.Suggest(string(letter), c.Code, 1<<20) {
				grid[at(p)] = append(grid[at(p)], p)
			}
		}
	}
	return func(p geo.Place) string {
		best, country := 50.0, ""
		c := at(p)
		for _, d := range []cell{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
			for _, q := range grid[cell{c[0] + d[0], c[1] + d[1]}] {
				if km := geo.Kilometres(p, q); km < best {
					best, country = km, q.Country
				}
			}
		}
		return country
	}
}

// Birth towns of deputies, as a civil register writes them.
func TestLocateDeputies(t *testing.T) {
	t.Parallel()
	built(t)
	people := rows(t, "population/an-deputes.csv.gz")
	found, countries := 0, 0
	for _, r := range people {
		if r[6] == "" {
			countries++
			continue
		}
		if _, ok := geo.ParseCountry(r[6]); ok {
			countries++
		} else {
			t.Logf("country not understood: %q", r[6])
		}
		if _, ok := geo.Locate(geo.Address{City: r[5], Country: r[6]}); ok {
			found++
		}
	}
	t.Logf("%d people: %.1f %% located by town and country alone", len(people), percent(found, len(people)))
	if percent(found, len(people)) < 70 || percent(countries, len(people)) < 98 {
		t.Errorf("%d people: %.1f %% located, %.1f %% of the countries understood; want 70 %%, 98 %%",
			len(people), percent(found, len(people)), percent(countries, len(people)))
	}
}

func FuzzParseCountry(f *testing.F) {
	for _, s := range []string{"France", "États-Unis", "Côte d’Ivoire", "l'", "", "\xff", "U.S.A.", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := geo.ParseCountry(text)
		if ok != (code != "") {
			t.Errorf("ParseCountry(%q) = %q, %v", text, code, ok)
		}
		if _, known := geo.CountryByCode(code, "fr"); ok && !known {
			t.Errorf("ParseCountry(%q) = %q, which is no country", text, code)
		}
	})
}

func FuzzLocate(f *testing.F) {
	f.Add("69621", "Villeurbanne Cedex", "France")
	f.Add("20000", "", "FR")
	f.Add("", "New York, NY", "USA")
	f.Add("97", "\xff,(", "RE")
	f.Add("2\x00000", "\t", "MC")
	f.Fuzz(func(t *testing.T, postcode, city, country string) {
		p, ok := geo.Locate(geo.Address{Postcode: postcode, City: city, Country: country})
		if !ok {
			if p.Country != "" || p.Region != "" {
				t.Errorf("Locate(%q, %q, %q) = %+v, though not located", postcode, city, country, p)
			}
			return
		}
		if p.Country == "" || p.Precision == 0 || math.Abs(p.Lat) > 90 || math.Abs(p.Lon) > 180 || p.Lat == 0 && p.Lon == 0 {
			t.Errorf("Locate(%q, %q, %q) = %+v", postcode, city, country, p)
		}
		if p.Country == "FR" && p.Region == "" || p.Commune != "" && p.Departement == "" {
			t.Errorf("Locate(%q, %q, %q) = %+v, without what it is part of", postcode, city, country, p)
		}
		geo.Suggest(city, country, 3)
	})
}

func BenchmarkLocateFrance(b *testing.B) {
	built(b)
	for b.Loop() {
		geo.Locate(geo.Address{Postcode: "76800", City: "St Etienne du Rouvray", Country: "France"})
	}
}

func BenchmarkLocateAbroad(b *testing.B) {
	built(b)
	for b.Loop() {
		geo.Locate(geo.Address{City: "Londres", Country: "Royaume-Uni"})
	}
}

func BenchmarkSuggest(b *testing.B) {
	built(b)
	for b.Loop() {
		geo.Suggest("saint", "FR", 8)
	}
}
