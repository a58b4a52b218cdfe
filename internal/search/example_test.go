package search_test

import (
	"fmt"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/search"
)

// A directory of people with two facets, asked by a signed-in graduate.
func Example() {
	const guest, network = search.Tier(0), search.Tier(1)
	const school, class = 0, 1
	ix, err := search.New(search.Schema{
		Version: "1",
		Texts:   []search.TextField{{Name: "surname"}, {Name: "first names"}, {Name: "login", Kind: search.Code}},
		Facets:  []search.FacetField{{Name: "school"}, {Name: "class"}},
		Tiers:   2,
		Fold:    fold.Name,
	}, search.Options{})
	if err != nil {
		panic(err)
	}
	person := func(last, given, year string) search.Change {
		signedIn := search.Only(network)
		d := search.Doc{
			ID: id.New(), Mask: search.Everyone, SortKey: fold.Name(last + " " + given), SortMask: search.Everyone,
			Texts:  []search.Text{{Value: last, Mask: search.Everyone}, {Value: given, Mask: search.Everyone}, {Value: given + "." + last, Mask: signedIn}},
			Facets: []search.Values{{Values: []string{"ly"}, Mask: search.Everyone}, {Values: []string{year}, Mask: signedIn}},
		}
		return search.Change{ID: d.ID, Doc: &d}
	}
	err = ix.Apply(1, []search.Change{person("Durand", "Jean-Pierre", "1998"), person("Durant", "Éloïse", "2027"), person("Li", "Wei", "2010")})
	if err != nil {
		panic(err)
	}
	res, err := ix.Search(search.Query{
		Tier: network, Text: "durand", Limit: 20, Facets: []int{class},
		Filters: []search.Filter{{Facet: school, Values: []string{"ly"}}},
	})
	if err != nil {
		panic(err)
	}
	for _, h := range res.Hits {
		fmt.Println(h.Match, h.Corrections)
	}
	fmt.Println(res.Total, res.Facets[0].Values)
	// Output:
	// exact []
	// corrected [{durand durant}]
	// 2 [{1998 1 false} {2027 1 false}]
}
