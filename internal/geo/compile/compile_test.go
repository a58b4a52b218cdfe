package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestReadTowns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cities500.txt")
	row := "2996944\tLyon\tLyon\tLione,Лион,LYS\t45.74846\t4.84671\tP\tPPLA\tFR\t\t84\t69\t691\t69123\t522969\t\t173\tEurope/Paris\t2023-01-01\n"
	for content, ok := range map[string]bool{row: true, row + "short\trow\n": false, "": true} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		towns, err := readTowns(path)
		if (err == nil) != ok {
			t.Errorf("readTowns(%q) = %v, want ok %v", content, err, ok)
		}
		if ok && content != "" && (len(towns) != 1 || towns[0].admin[3] != "69123" || towns[0].population != 522969 || len(towns[0].alternates) != 3) {
			t.Errorf("readTowns = %+v", towns)
		}
	}
}

func TestArrondissement(t *testing.T) {
	t.Parallel()
	byCode := map[string]*unit{"69382": {Code: "69382"}, "13210": {Code: "13210"}}
	for _, tt := range []struct{ name, insee, want string }{
		{"Lyon 02", "69123", "69382"},
		{"Marseille 10", "13055", "13210"},
		{"Lyon", "69123", ""},
		{"Marseille Endoume", "13055", ""},
		{"Lyon 02", "27377", ""},
		{"Paris", "75056", ""},
	} {
		got := ""
		if u := arrondissement(byCode, town{name: tt.name, admin: [4]string{"", "", "", tt.insee}}); u != nil {
			got = u.Code
		}
		if got != tt.want {
			t.Errorf("arrondissement(%s, %s) = %q, want %q", tt.name, tt.insee, got, tt.want)
		}
	}
}

// The town that bears a commune's code and name wins over its hamlets, and a wrong code over nothing.
func TestPlace(t *testing.T) {
	t.Parallel()
	tassin := &unit{Code: "69244", Nom: "Tassin-la-Demi-Lune", Departement: "69"}
	lyon := &unit{Code: "69123", Nom: "Lyon", Departement: "69"}
	lost := &unit{Code: "69999", Nom: "Nulle-Part", Departement: "69"}
	units := []*unit{tassin, lyon, lost}
	byCode := map[string]*unit{"69244": tassin, "69123": lyon, "69999": lost}
	at := func(name, class, insee string, lat float64, population int) town {
		return town{name: name, class: class, country: "FR", admin: [4]string{"84", "69", "691", insee}, lat: lat, population: population}
	}
	place(units, byCode, []town{
		at("Vaise", "PPLX", "69123", 1, 900_000),
		at("Lyon", "PPLA", "69123", 2, 500_000),
		at("Tassin-la-Demi-Lune", "PPL", "69123", 3, 16_000),
		{name: "Lyon", country: "US", lat: 4, population: 1_000_000},
	})
	if lyon.lat != 2 || tassin.lat != 3 || lost.precision != 0 {
		t.Errorf("place: Lyon at %v, Tassin at %v, lost %v; want 2, 3, none", lyon.lat, tassin.lat, lost.precision)
	}
	lost.Postaux, tassin.Postaux = []string{"69160"}, []string{"69160"}
	placeByNeighbours(units)
	if lost.lat != 3 {
		t.Errorf("placeByNeighbours: at %v, want where its postcode is, 3", lost.lat)
	}
}

func TestMergeKeepsWhatIsSure(t *testing.T) {
	t.Parallel()
	sure, others := aliases{}, aliases{}
	sure.add("Géorgie", "GE")
	sure.add("Niger", "NE")
	others.add("Niger", "NG")  // wrong, or another language's
	others.add("Gruzja", "GE") // good
	others.add("Kongo", "CG")  // two meanings
	others.add("Kongo", "CD")  //
	others.add("ABC", "GE")    // too short to be sure
	others.add("Грузия", "GE") // another script
	want := []string{"georgie\tGE", "gruziia\tGE", "gruzja\tGE", "niger\tNE"}
	if got := merge(sure, others); !slices.Equal(got, want) {
		t.Errorf("merge = %q, want %q", got, want)
	}
	sure.add("Niger", "NG")
	if got := sure.clashes(); !slices.Equal(got, []string{"niger"}) {
		t.Errorf("clashes = %q, want niger", got)
	}
}
