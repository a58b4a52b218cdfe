package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"amicale/internal/geo"
)

// compileCountries makes the tables countries, with the labels of CLDR, and countrynames, with all that a
// country may be called.
func compileCountries(in string, tables map[string][]string) error {
	var isoCodes [][]string // alpha-2, alpha-3, number, reference
	if err := readJSON(filepath.Join(in, "i18n-iso-countries/codes.json"), &isoCodes); err != nil {
		return err
	}
	fr, err := territories(in, "fr")
	if err != nil {
		return err
	}
	en, err := territories(in, "en")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	sure := aliases{}
	for _, c := range isoCodes {
		code := c[0]
		if fr[code] == "" || en[code] == "" {
			return fmt.Errorf("no label of %s", code)
		}
		known[code] = true
		tables["countries"] = append(tables["countries"], line(code, label(fr, code), label(en, code)))
		sure.add(code, code)
		if c[1] != "DOM" { // the Dominican Republic; in France, the départements overseas
			sure.add(c[1], code)
		}
	}
	slices.Sort(tables["countries"])
	for _, names := range []map[string]string{fr, en} {
		for key, name := range names {
			if code, _, _ := strings.Cut(key, "-"); known[code] {
				sure.add(name, code)
			}
		}
	}
	for code, names := range usual {
		for _, name := range names {
			sure.add(name, code)
		}
	}
	if clash := sure.clashes(); len(clash) > 0 {
		return fmt.Errorf("names of two countries: %v", clash)
	}
	others, err := otherLanguages(in, known)
	if err != nil {
		return err
	}
	tables["countrynames"] = merge(sure, others)
	return nil
}

// territories are the names of CLDR by code; "CZ-alt-variant" is another name of CZ.
func territories(in, lang string) (map[string]string, error) {
	var file struct {
		Main map[string]struct {
			LocaleDisplayNames struct {
				Territories map[string]string `json:"territories"`
			} `json:"localeDisplayNames"`
		} `json:"main"`
	}
	err := readJSON(filepath.Join(in, "cldr-localenames-full/main", lang, "territories.json"), &file)
	return file.Main[lang].LocaleDisplayNames.Territories, err
}

// label is the name to show: CLDR's, but the short one where that is a name people use and no abbreviation.
func label(names map[string]string, code string) string {
	switch code {
	case "HK", "MO", "PS":
		if short := names[code+"-alt-short"]; short != "" {
			return short
		}
	}
	return names[code]
}

// aliases are codes by folded name.
type aliases map[string][]string

func (a aliases) add(name, code string) { index(a).add(geo.Fold(name), code) }

func (a aliases) clashes() []string {
	var out []string
	for name, codes := range a {
		if len(codes) > 1 {
			out = append(out, name)
		}
	}
	return out
}

// otherLanguages are the names in all languages of i18n-iso-countries.
func otherLanguages(in string, known map[string]bool) (aliases, error) {
	paths, err := filepath.Glob(filepath.Join(in, "i18n-iso-countries/langs/*.json"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no names of countries in %s: %w", in, err)
	}
	out := aliases{}
	for _, path := range paths {
		var file struct {
			Countries map[string]any `json:"countries"` // a name, or a list of them
		}
		if err := readJSON(path, &file); err != nil {
			return nil, err
		}
		for code, names := range file.Countries {
			if !known[code] {
				continue
			}
			switch names := names.(type) {
			case string:
				out.add(names, code)
			case []any:
				for _, name := range names {
					out.add(fmt.Sprint(name), code)
				}
			}
		}
	}
	return out, nil
}

// merge adds to the sure names those of other languages that mean one country and are long enough not to be
// somebody's abbreviation.
func merge(sure, others aliases) []string {
	for name, codes := range others {
		if sure[name] == nil && len(codes) == 1 && len(name) >= 4 {
			sure[name] = codes
		}
	}
	return index(sure).lines()
}

// usual are names that people write and neither source has: former names, parts of a country, abbreviations.
var usual = map[string][]string{
	"AE": {"EAU", "UAE", "Émirats", "Emirates", "É.A.U.", "U.A.E."},
	"BF": {"Haute-Volta"},
	"BY": {"Belarus", "Bélarus"},
	"CD": {"RDC", "DRC", "R.D.C.", "Zaïre", "Congo Kinshasa", "Congo RDC", "République démocratique du Congo"},
	"CF": {"RCA", "Centrafrique"},
	"CG": {"Congo Brazzaville"},
	"CN": {"RPC", "PRC", "Chine populaire", "République populaire de Chine", "P.R. China", "PR China", "Mainland China"},
	"CV": {"Cap Vert", "Cape Verde"},
	"DE": {"RFA", "R.F.A.", "République fédérale d'Allemagne"},
	"FR": {"République française", "France métropolitaine"},
	"GB": {"Grande-Bretagne", "Great Britain", "Britain", "Angleterre", "England", "Écosse", "Scotland", "Pays de Galles", "Wales",
		"Irlande du Nord", "Northern Ireland", "U.K.", "R.U.", "Royaume-Uni de Grande-Bretagne et d'Irlande du Nord"},
	"HK": {"Hongkong"},
	"IE": {"Eire", "République d'Irlande"},
	"IR": {"Perse"},
	"KP": {"RPDC"},
	"KR": {"République de Corée", "Republic of Korea", "Korea (South)"},
	"LK": {"Ceylan", "Ceylon"},
	"MK": {"Macédoine", "Macedonia"},
	"MM": {"Birmanie", "Burma", "Myanmar"},
	"NL": {"Hollande", "Holland"},
	"PF": {"Tahiti", "Polynésie"},
	"RE": {"Réunion", "Île de la Réunion"},
	"RU": {"Fédération de Russie", "Russian Federation"},
	"SA": {"KSA", "Arabie"},
	"SY": {"Syrie"},
	"TW": {"Formose"},
	"TZ": {"Tanzanie"},
	"US": {"U.S.A.", "U.S.", "États-Unis d'Amérique", "É.U.", "Etats Unis Amérique", "Amérique", "America", "United States of America"},
	"VA": {"Vatican", "Saint-Siège"},
	"VN": {"Viêt Nam", "Viet-Nam"},
	"ZA": {"RSA", "R.S.A."},
}
