// Package geo knows the places of the world: countries and their names, French communes, départements and
// régions, the larger towns of the other countries.
//
// It owns the reading of an address (Locate) and promises never to guess: what is unknown or ambiguous is not
// located, and a Place says how precise it is. The data are compiled by internal/geo/compile and embedded;
// where that has not been done, Built is false and nothing is located. Everything here is read-only and safe
// for concurrent use; data are decoded at their first use, a few tens of milliseconds.
package geo

// Place is somewhere on the map. French places have INSEE codes, which is what to store: labels change.
type Place struct {
	Country     string // ISO 3166-1 alpha-2; FR for overseas France too
	Name        string // official name of the town; empty when only the département or région is known
	Commune     string // INSEE code of the commune; empty abroad or when not certain
	Departement string // "69", "2A", "974"; empty abroad or when not certain
	Region      string // INSEE code of the région, "84"; empty abroad
	Postcodes   []string
	Lat, Lon    float64 // degrees, WGS 84
	Precision   Precision
	Population  int    // 0 for unknown
	TimeZone    string // IANA, "Europe/Paris"; empty when not certain
}

// Precision says how far the coordinates may be from the town.
type Precision uint8

const (
	Town       Precision = iota + 1 // the town's own point
	Nearby                          // a neighbour of the same postcode: some 5 km, rarely 10
	WithinArea                      // the middle of the département or région
)

// Address is what people write of where they live. Country is required, as a code or in words: many a
// postcode and town name exist in several.
type Address struct{ Postcode, City, Country string }

// Built reports whether the reference data are embedded.
func Built() bool { return communes().len() > 0 }
