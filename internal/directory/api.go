package directory

import (
	"net/http"

	"amicale/internal/people"
	"amicale/internal/web"
)

// APIPath is the search as JSON, described by /api/v1/openapi.json.
const APIPath = "/api/v1/people"

type apiDegree struct {
	School     string `json:"school"`
	ClassYear  int    `json:"classYear,omitempty"`
	Diploma    string `json:"diploma,omitempty"`
	Department string `json:"department,omitempty"`
}

type apiPerson struct {
	Login     string      `json:"login,omitempty"`
	FirstName string      `json:"firstName"`
	Surname   string      `json:"surname"`
	Status    string      `json:"status"`
	Headline  string      `json:"headline,omitempty"`
	URL       string      `json:"url,omitempty"`
	Photo     string      `json:"photo,omitempty"`
	Degrees   []apiDegree `json:"degrees"`
}

type apiCount struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

type apiAnswer struct {
	Total  int                   `json:"total"`
	Page   int                   `json:"page"`
	Pages  int                   `json:"pages"`
	People []apiPerson           `json:"people"`
	Facets map[string][]apiCount `json:"facets"`
}

// api answers what the results page shows, in the same rights and without coordinates.
func (p *Pages) api(r *web.Request) error {
	props, err := p.search(r)
	if err != nil {
		return err
	}
	out := apiAnswer{Total: props.Found.Total, Page: props.Pager.Page, Pages: props.Pager.Pages, People: []apiPerson{}, Facets: map[string][]apiCount{}}
	for _, s := range props.Found.People {
		out.People = append(out.People, apiPersonOf(s, props.Schools))
	}
	for _, f := range props.Found.Facets {
		counts := []apiCount{}
		for _, c := range f.Values {
			counts = append(counts, apiCount{c.Value, c.N})
		}
		out.Facets[facetNames[f.Facet]] = counts
	}
	return r.JSON(http.StatusOK, out)
}

func apiPersonOf(s people.Seen, schools people.Associations) apiPerson {
	out := apiPerson{Login: s.Login, FirstName: s.FirstName, Surname: s.Surname, Status: string(s.Status), Headline: s.Headline,
		URL: s.Path(), Photo: s.PhotoPath("small"), Degrees: []apiDegree{}}
	for _, g := range s.Degrees {
		a, _ := schools.ByID(g.AssociationID)
		out.Degrees = append(out.Degrees, apiDegree{School: a.Code, ClassYear: g.ClassYear, Diploma: string(g.Diploma), Department: g.Department})
	}
	return out
}
