package geo_test

import (
	"slices"
	"strings"
	"testing"

	"amicale/internal/geo"
)

// built skips a test that needs the reference data.
func built(t testing.TB) {
	t.Helper()
	if !geo.Built() {
		t.Skip("reference data are not built: run make build")
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Saint-Étienne-du-Rouvray": "saint etienne du rouvray",
		"ST ETIENNE DU ROUVRAY":    "saint etienne du rouvray",
		"Ste Colombe":              "sainte colombe",
		"Villefranche s/Saône":     "villefranche sur saone",
		"L’Haÿ-les-Roses":          "l hay les roses",
		"":                         "",
		" - ":                      "",
	} {
		if got := geo.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLocateFrance(t *testing.T) {
	t.Parallel()
	built(t)
	for _, tt := range []struct {
		postcode, city                     string
		commune, name, departement, region string
		lat, lon                           float64
	}{
		// Spot checks over the country, by postcode and town.
		{"69100", "Villeurbanne", "69266", "Villeurbanne", "69", "84", 45.766, 4.880},
		{"69160", "Tassin-la-Demi-Lune", "69244", "Tassin-la-Demi-Lune", "69", "84", 45.764, 4.780},
		{"35000", "Rennes", "35238", "Rennes", "35", "53", 48.112, -1.674},
		{"31400", "Toulouse", "31555", "Toulouse", "31", "76", 43.604, 1.444},
		{"67000", "Strasbourg", "67482", "Strasbourg", "67", "44", 48.584, 7.746},
		{"18000", "Bourges", "18033", "Bourges", "18", "24", 47.081, 2.399},
		{"76800", "Saint-Étienne-du-Rouvray", "76575", "Saint-Étienne-du-Rouvray", "76", "28", 49.379, 1.105},
		{"97411", "Saint-Paul", "97415", "Saint-Paul", "974", "04", -21.010, 55.271},
		{"20000", "Ajaccio", "2A004", "Ajaccio", "2A", "94", 41.919, 8.739},
		{"38520", "Le Bourg-d'Oisans", "38052", "Le Bourg-d'Oisans", "38", "84", 45.056, 6.030},
		{"75013", "Paris", "75056", "Paris", "75", "11", 48.828, 2.362},
		{"98800", "Nouméa", "98818", "Nouméa", "988", "988", -22.276, 166.458},
		// By postcode alone, where one commune has it.
		{"69100", "", "69266", "Villeurbanne", "69", "84", 45.766, 4.880},
		{"75013", "", "75056", "Paris", "75", "11", 48.828, 2.362},
		{"98800", "", "98818", "Nouméa", "988", "988", -22.276, 166.458},
		{"13 008", "", "13055", "Marseille", "13", "93", 43.255, 5.381},
		{"69003", "Lyon 3e", "69123", "Lyon", "69", "84", 45.760, 4.854},
		{"75116", "PARIS 16EME ARRONDISSEMENT", "75056", "Paris", "75", "11", 48.860, 2.262},
		// As people write it.
		{"F-69100", "VILLEURBANNE", "69266", "Villeurbanne", "69", "84", 45.766, 4.880},
		{"1000", "Bourg en Bresse", "01053", "Bourg-en-Bresse", "01", "84", 46.205, 5.228},
		{"76800", "St Etienne du Rouvray", "76575", "Saint-Étienne-du-Rouvray", "76", "28", 49.379, 1.105},
		{"76600", "Havre", "76351", "Le Havre", "76", "28", 49.494, 0.108},
		{"92600", "Asnières", "92004", "Asnières-sur-Seine", "92", "11", 48.915, 2.285},
		{"13115", "Saint-Paul-lez-Durance", "13099", "Saint-Paul-lès-Durance", "13", "93", 43.687, 5.708},
		{"69100", "Vileurbane", "69266", "Villeurbanne", "69", "84", 45.766, 4.880},
		{"69100", "Cusset", "69266", "Villeurbanne", "69", "84", 45.766, 4.880}, // a quarter; a town of 03 as well
		// CEDEX: département from the digits, commune from the town.
		{"69621", "Villeurbanne Cedex", "69266", "Villeurbanne", "69", "84", 45.766, 4.880},
		{"75382", "PARIS CEDEX 08", "75056", "Paris", "75", "11", 48.853, 2.349},
		{"20176", "Ajaccio cedex", "2A004", "Ajaccio", "2A", "94", 41.919, 8.739},
		{"20293", "BASTIA CEDEX", "2B033", "Bastia", "2B", "94", 42.703, 9.450},
		{"97490", "Sainte-Clotilde", "97411", "Saint-Denis", "974", "04", -20.882, 55.450},
		// A postcode of another département than its commune.
		{"42620", "Saint-Pierre-Laval", "03250", "Saint-Pierre-Laval", "03", "84", 46.180, 3.730},
		{"20200", "Bastia", "2B033", "Bastia", "2B", "94", 42.703, 9.450},
		{"97133", "Gustavia", "97701", "Saint-Barthélemy", "977", "977", 17.896, -62.850},
		// A name alone, where no other commune has it; a name of before a merger.
		{"", "Villeurbanne", "69266", "Villeurbanne", "69", "84", 45.766, 4.880},
		{"", "PARIS", "75056", "Paris", "75", "11", 48.853, 2.349},
		{"01300", "Arbignieu", "01015", "Arboys en Bugey", "01", "84", 45.720, 5.650},
	} {
		a := geo.Address{Postcode: tt.postcode, City: tt.city, Country: "France"}
		p, ok := geo.Locate(a)
		if !ok || p.Country != "FR" || p.Commune != tt.commune || p.Name != tt.name || p.Departement != tt.departement || p.Region != tt.region {
			t.Errorf("Locate(%+v) = %+v, %v, want %s %s in %s, %s", a, p, ok, tt.commune, tt.name, tt.departement, tt.region)
			continue
		}
		if d := geo.Kilometres(p, geo.Place{Lat: tt.lat, Lon: tt.lon}); d > 6 {
			t.Errorf("Locate(%+v) is %.1f km off", a, d)
		}
	}
}

func TestLocateArea(t *testing.T) {
	t.Parallel()
	built(t)
	for _, tt := range []struct{ postcode, city, departement, region string }{
		{"92078", "Paris La Défense Cedex", "92", "11"},
		{"38520", "", "38", "84"},                 // several communes
		{"97999", "", "", ""},                     // no such département
		{"20999", "", "", "94"},                   // 2A or 2B
		{"69100", "Lyon", "69", "84"},             // they agree on the département only
		{"98799", "Papeete", "987", "987"},        // not a postcode in use
		{"97199", "Cedex", "971", "01"},           // Guadeloupe
		{"42620", "", "", "84"},                   // one commune of the Loire, one of the Allier
		{"69100", "Marseille", "", ""},            // which is the slip?
		{"69621", "Marseille Cedex 02", "", ""},   // likewise
		{"", "Sainte-Colombe", "", ""},            // a dozen of them
		{"", "Saint-Denis", "", ""},               // in 93 and in 974
		{"", "Nulle-Part-les-Oies", "", ""},       // none
		{"00100", "Armées", "", ""},               // the army's
		{"", "", "", ""},                          // nothing said
		{"ABCDE", "Nulle-Part-les-Oies", "", ""},  // no French postcode
		{"691000", "Nulle-Part-les-Oies", "", ""}, // too long
	} {
		a := geo.Address{Postcode: tt.postcode, City: tt.city, Country: "FR"}
		p, ok := geo.Locate(a)
		if ok != (tt.region != "") || p.Departement != tt.departement || p.Region != tt.region {
			t.Errorf("Locate(%+v) = %+v, %v, want %q in %q", a, p, ok, tt.departement, tt.region)
		}
		if ok && (p.Commune != "" || p.Precision == geo.Town || p.Lat == 0 && p.Lon == 0) && p.Departement != "987" {
			t.Errorf("Locate(%+v) = %+v, want an area", a, p)
		}
	}
}

func TestLocateTerritory(t *testing.T) {
	t.Parallel()
	built(t)
	for _, tt := range []struct {
		a       geo.Address
		country string
		name    string
	}{
		{geo.Address{Postcode: "97411", City: "Saint-Paul", Country: "La Réunion"}, "FR", "Saint-Paul"},
		{geo.Address{City: "Nouméa", Country: "NC"}, "FR", "Nouméa"},
		{geo.Address{Postcode: "75013", City: "Paris", Country: "Guadeloupe"}, "", ""},
		{geo.Address{Postcode: "98000", City: "Monaco", Country: "France"}, "MC", "Monaco"},
		{geo.Address{Postcode: "98000", City: "Monte-Carlo", Country: "MC"}, "MC", "Monte-Carlo"},
	} {
		p, ok := geo.Locate(tt.a)
		if ok != (tt.country != "") || p.Country != tt.country || p.Name != tt.name {
			t.Errorf("Locate(%+v) = %+v, %v, want %s in %s", tt.a, p, ok, tt.name, tt.country)
		}
	}
}

func TestLocateAbroad(t *testing.T) {
	t.Parallel()
	built(t)
	for _, tt := range []struct{ city, country, name, zone string }{
		{"Londres", "Royaume-Uni", "London", "Europe/London"},
		{"LONDON", "UK", "London", "Europe/London"},
		{"Pékin", "Chine", "Beijing", "Asia/Shanghai"},
		{"Bombay", "Inde", "Mumbai", "Asia/Kolkata"},
		{"La Haye", "Pays-Bas", "The Hague", "Europe/Amsterdam"},
		{"Den Haag", "NL", "The Hague", "Europe/Amsterdam"},
		{"Cologne", "Allemagne", "Köln", "Europe/Berlin"},
		{"Köln", "Deutschland", "Köln", "Europe/Berlin"},
		{"Saint-Pétersbourg", "Russie", "Saint Petersburg", "Europe/Moscow"},
		{"St. Petersburg", "Russia", "Saint Petersburg", "Europe/Moscow"},
		{"Munich", "Germany", "Munich", "Europe/Berlin"},
		{"München", "Allemagne", "Munich", "Europe/Berlin"},
		{"Genève", "Suisse", "Genève", "Europe/Zurich"},
		{"Bruxelles", "Belgique", "Brussels", "Europe/Brussels"},
		{"Liège", "Belgium", "Liège", "Europe/Brussels"},
		{"Montréal", "Canada", "Montréal", "America/Toronto"},
		{"Montréal, QC", "Canada", "Montréal", "America/Toronto"},
		{"New York", "États-Unis", "New York City", "America/New_York"},
		{"New York, NY", "Etats-Unis", "New York City", "America/New_York"},
		{"San Francisco (Californie)", "U.S.A.", "San Francisco", "America/Los_Angeles"},
		{"Le Caire", "Égypte", "Cairo", "Africa/Cairo"},
		{"Casablanca", "Maroc", "Casablanca", "Africa/Casablanca"},
		{"東京", "Japon", "Tokyo", "Asia/Tokyo"},
		{"Singapour", "Singapour", "Singapore", "Asia/Singapore"},
		{"Varsovie", "Pologne", "Warsaw", "Europe/Warsaw"},
		{"Lisbonne", "Portugal", "Lisbon", "Europe/Lisbon"},
		{"Portland, OR", "USA", "Portland", "America/Los_Angeles"},
		{"Cambridge MA", "USA", "Cambridge", "America/New_York"},
		{"Milan", "USA", "", ""},       // several, and the former name of a larger one
		{"Springfield", "USA", "", ""}, // which one?
		{"Paris", "USA", "", ""},
		{"Villeurbanne", "Belgique", "", ""},
		{"Londres", "", "", ""},
		{"Londres", "Atlantide", "", ""},
		{"", "Belgique", "", ""},
	} {
		a := geo.Address{Postcode: "69100", City: tt.city, Country: tt.country} // five digits mean nothing abroad
		p, ok := geo.Locate(a)
		if ok != (tt.name != "") || p.Name != tt.name || p.TimeZone != tt.zone || p.Commune != "" || p.Region != "" {
			t.Errorf("Locate(%+v) = %+v, %v, want %s, %s", a, p, ok, tt.name, tt.zone)
		}
	}
}

func TestParseCountry(t *testing.T) {
	t.Parallel()
	built(t)
	for text, want := range map[string]string{
		"France": "FR", "FRANCE ": "FR", "fr": "FR", "FRA": "FR", "la France": "FR", "Frankreich": "FR",
		"États-Unis": "US", "Etats-Unis": "US", "etats unis": "US", "USA": "US", "U.S.A.": "US", "United States": "US",
		"États-Unis d’Amérique": "US", "the United States": "US",
		"Côte d’Ivoire": "CI", "Cote d'Ivoire": "CI", "COTE DʼIVOIRE": "CI", "Ivory Coast": "CI",
		"Royaume-Uni": "GB", "UK": "GB", "Angleterre": "GB", "Écosse": "GB",
		"Tchéquie": "CZ", "République tchèque": "CZ", "Eswatini": "SZ", "Swaziland": "SZ",
		"Pays-Bas": "NL", "les Pays-Bas": "NL", "Hollande": "NL", "Deutschland": "DE", "España": "ES", "Suisse": "CH", "Schweiz": "CH",
		"Türkiye": "TR", "Turquie": "TR", "Viêt Nam": "VN", "Vietnam": "VN", "RDC": "CD", "Congo-Brazzaville": "CG",
		"Corée du Sud": "KR", "Réunion": "RE", "La Réunion": "RE", "Nouvelle Calédonie": "NC", "Monaco": "MC", "Hong Kong": "HK",
		"Maroc": "MA", "Tunisie": "TN", "中国": "CN", "Россия": "RU", "Kosovo": "XK",
		"": "", "Atlantide": "", "Corée": "", "DOM": "", "Union européenne": "", "Paris": "", "x": "", "Europe": "",
	} {
		code, ok := geo.ParseCountry(text)
		if code != want || ok != (want != "") {
			t.Errorf("ParseCountry(%q) = %q, %v, want %q", text, code, ok, want)
		}
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	built(t)
	for lang, want := range map[string][]string{"fr": {"Afghanistan", "Zimbabwe"}, "en": {"Afghanistan", "Zimbabwe"}} {
		all := geo.Countries(lang)
		if len(all) != 250 {
			t.Fatalf("Countries(%s) lists %d, want 250", lang, len(all))
		}
		if got := []string{all[0].Label, all[249].Label}; !slices.Equal(got, want) {
			t.Errorf("Countries(%s) runs from %s to %s", lang, got[0], got[1])
		}
		for _, c := range all {
			if code, ok := geo.ParseCountry(c.Label); !ok || code != c.Code {
				t.Errorf("ParseCountry(%q) = %q, want its own code %s", c.Label, code, c.Code)
			}
			if code, ok := geo.ParseCountry(c.Code); !ok || code != c.Code {
				t.Errorf("ParseCountry(%q) = %q", c.Code, code)
			}
		}
	}
	for _, tt := range []struct{ code, lang, want string }{
		{"DE", "fr", "Allemagne"}, {"DE", "en", "Germany"}, {"de", "fr", "Allemagne"}, {"CI", "fr", "Côte d’Ivoire"},
		{"SZ", "fr", "Eswatini"}, {"HK", "fr", "Hong Kong"}, {"US", "fr", "États-Unis"}, {"ZZ", "fr", "ZZ"}, {"", "fr", ""},
	} {
		if got := geo.Label(tt.code, tt.lang); got != tt.want {
			t.Errorf("Label(%q, %s) = %q, want %q", tt.code, tt.lang, got, tt.want)
		}
	}
}

func TestCommunes(t *testing.T) {
	t.Parallel()
	built(t)
	got := geo.Communes("42620")
	if len(got) != 2 || got[0].Departement != "42" || got[1].Departement != "03" {
		t.Errorf("Communes(42620) = %+v, want one of the Loire and one of the Allier", got)
	}
	several := geo.Communes("38520")
	if len(several) < 5 || several[0].Name != "Le Bourg-d'Oisans" {
		t.Errorf("Communes(38520) = %+v, want Le Bourg-d'Oisans and its neighbours", several)
	}
	if got := geo.Communes("99999"); got != nil {
		t.Errorf("Communes(99999) = %+v", got)
	}
}

func TestAreas(t *testing.T) {
	t.Parallel()
	built(t)
	if got := geo.RegionName("84"); got != "Auvergne-Rhône-Alpes" {
		t.Errorf("RegionName(84) = %q", got)
	}
	if got := geo.DepartementName("2A"); got != "Corse-du-Sud" {
		t.Errorf("DepartementName(2A) = %q", got)
	}
	regions := map[string]bool{}
	for _, r := range geo.Regions() {
		regions[r.Code] = true
	}
	departements := geo.Departements()
	if len(departements) < 101 || len(regions) < 18 {
		t.Errorf("%d départements, %d régions, want at least 101 and 18", len(departements), len(regions))
	}
	for _, d := range departements {
		if !regions[d.Region] {
			t.Errorf("département %s is of the unknown région %q", d.Code, d.Region)
		}
	}
}

func TestCommuneNames(t *testing.T) {
	t.Parallel()
	built(t)
	names := geo.CommuneNames()
	if len(names) < 30_000 || !slices.Contains(names, "Saint-Étienne-du-Rouvray") || slices.Contains(names, "Paris 13e Arrondissement") {
		t.Errorf("CommuneNames gives %d names", len(names))
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("CommuneNames are not sorted and distinct")
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	built(t)
	for _, tt := range []struct {
		prefix, country string
		limit           int
		want            string // names, the first ones
	}{
		{"villeur", "FR", 3, "Villeurbanne"},
		{"Saint Et", "France", 1, "Saint-Étienne"},
		{"St-Ét", "France", 1, "Saint-Étienne"},
		{"691", "FR", 1, "Villeurbanne"},
		{"69100", "FR", 5, "Villeurbanne"},
		{"paris", "FR", 1, "Paris"},
		{"saint d", "RE", 1, "Saint-Denis"},
		{"lond", "GB", 1, "London"},
		{"Londr", "Royaume-Uni", 1, "London"},
		{"muni", "DE", 1, "Munich"},
		{"lond", "", 5, ""},
		{"", "FR", 5, ""},
		{"zzzz", "FR", 5, ""},
		{"paris", "FR", 0, ""},
	} {
		var names []string
		for _, p := range geo.Suggest(tt.prefix, tt.country, tt.limit) {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, ", "); !strings.HasPrefix(got, tt.want) || len(names) > tt.limit || (got == "") != (tt.want == "") {
			t.Errorf("Suggest(%q, %s, %d) = %q, want %q", tt.prefix, tt.country, tt.limit, got, tt.want)
		}
	}
}
