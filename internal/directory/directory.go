// Package directory is the search over people: the quick search by name and class, its facets, and one's own class.
//
// It owns an in-memory index of the base (package search) that follows the change feed; the database stays the
// truth. What a viewer may not see neither matches nor counts: each field goes into the index with the tiers that
// its audience names, and every card is drawn from people's one rule, SeenBy.
package directory

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/viewer"
)

// Facets of the index, by number.
const (
	School = iota // code of the association
	Class         // year
	Department
	Diploma
	Decade // of the class: "1990"
	Promo  // code and year together: a person of two schools has two
	News   // "none" for whoever never activated an account and is not known to be dead
)

// Names of the facets in addresses.
var facetNames = [...]string{School: "ecole", Class: "promo", Department: "departement", Diploma: "diplome", Decade: "decennie",
	Promo: "classe", News: "nouvelles"}

// noNews is the value of News for somebody without news.
const noNews = "none"

// shown are the facets of the panel, in its order.
func shown() []int { return []int{School, Decade, Class, Department, Diploma} }

// schema is what a person's document has. instance ties a snapshot to one database.
func schema(instance string) search.Schema {
	return search.Schema{
		Version:    "people 2 " + instance,
		Texts:      []search.TextField{{Name: "surname"}, {Name: "first"}, {Name: "birth"}, {Name: "login", Kind: search.Code}},
		Facets:     []search.FacetField{{Name: "school"}, {Name: "class"}, {Name: "department"}, {Name: "diploma"}, {Name: "decade"}, {Name: "promo"}, {Name: "news"}},
		Tiers:      int(viewer.Tiers),
		Fold:       fold.Name,
		Understand: understand,
	}
}

var (
	yearPattern  = regexp.MustCompile(`^(19[0-9]{2}|20[0-9]{2})$`)
	promoPattern = regexp.MustCompile(`^([a-z]{2,3})(19[0-9]{2}|20[0-9]{2})$`)
)

// understand reads "promo 2010", "2010" and "ly2010" as filters; they are shown as chips that can be removed.
func understand(words []string) (int, []search.Filter) {
	head := words[0]
	if (head == "promo" || head == "promotion" || head == "class") && len(words) > 1 && yearPattern.MatchString(words[1]) {
		return 2, []search.Filter{{Facet: Class, Values: []string{words[1]}}}
	}
	if yearPattern.MatchString(head) {
		return 1, []search.Filter{{Facet: Class, Values: []string{head}}}
	}
	if m := promoPattern.FindStringSubmatch(head); m != nil {
		return 1, []search.Filter{{Facet: Promo, Values: []string{head}}}
	}
	return 0, nil
}

// mask is who may see a field: the tiers its audience names.
func mask(a viewer.Audience) search.Mask {
	var m search.Mask
	for t := viewer.TierGuest; t < viewer.Tiers; t++ {
		if a.ByTier(t) {
			m |= search.Only(search.Tier(t))
		}
	}
	return m
}

// document is a person as the index knows him. codes are the associations' by identifier.
func document(d *people.Dossier, codes map[id.ID]string) search.Doc {
	who := mask(d.FieldAudience(people.FieldIdentity))
	studies := who & mask(d.FieldAudience(people.FieldStudies))
	var schools, classes, decades, promos, departments, diplomas, news []string
	for _, g := range d.Degrees {
		code := codes[g.AssociationID]
		schools = append(schools, code)
		if g.ClassYear > 0 {
			year := strconv.Itoa(g.ClassYear)
			classes = append(classes, year)
			decades = append(decades, decadeOf(year))
			promos = append(promos, code+year)
		}
		departments = append(departments, g.Department)
		diplomas = append(diplomas, string(g.Diploma))
	}
	if !d.Activated() && d.Status != people.Deceased {
		news = []string{noNews}
	}
	var logins []string
	for _, l := range d.Logins {
		if l.Current {
			logins = append(logins, l.Login)
		}
	}
	birth := search.Text{Mask: who & mask(d.FieldAudience(people.FieldBirthSurname))}
	if d.BirthSurname != d.Surname() {
		birth.Value = d.BirthSurname
	}
	return search.Doc{
		ID: d.ID, Mask: who, SortKey: d.SortKey(), SortMask: who,
		Texts: []search.Text{
			{Value: d.Surname(), Mask: who}, {Value: d.FirstName, Mask: who}, birth, {Value: strings.Join(logins, " "), Mask: who},
		},
		Facets: []search.Values{
			School: {Values: schools, Mask: who}, Class: {Values: classes, Mask: who}, Department: {Values: departments, Mask: studies},
			Diploma: {Values: diplomas, Mask: studies}, Decade: {Values: decades, Mask: who}, Promo: {Values: promos, Mask: who}, News: {Values: news, Mask: who},
		},
	}
}

// Ask is a question as the address of the results page holds it.
type Ask struct {
	Text    string
	Filters [Promo][]string // by facet of the panel
	Page    int             // from 1
	All     string          // name of the facet whose values are all shown
}

// PageSize is how many people stand on a page of results.
const PageSize = 24

// query makes the search that a viewer may ask. own are the codes a staff account is kept to; nil for no bound.
func (a Ask) query(v viewer.Viewer, own []string) search.Query {
	q := search.Query{Tier: search.Tier(v.Tier()), Text: a.Text, Limit: PageSize, Offset: (max(1, a.Page) - 1) * PageSize, Facets: shown()}
	if v.Kind == viewer.Network {
		q.Contacts = []search.Contact{{ID: v.Person, As: search.Everyone}} // one's own page hides nothing from oneself
	}
	for f, values := range a.Filters {
		if f == School && own != nil {
			values = within(values, own)
		}
		if len(values) > 0 {
			q.Filters = append(q.Filters, search.Filter{Facet: f, Values: values})
		}
	}
	return q
}

// within keeps a staff account to the codes it works for: those asked for that are among them, all of them when none
// was asked for. It is never empty, for a filter without values would demand nothing.
func within(asked, own []string) []string {
	out := own
	if len(asked) > 0 {
		out = slices.DeleteFunc(slices.Clone(asked), func(c string) bool { return !slices.Contains(own, c) })
	}
	if len(out) == 0 {
		return []string{""} // no school has that code
	}
	return out
}

// decadeOf is the decade of a year, both as texts.
func decadeOf(year string) string {
	if len(year) != 4 {
		return ""
	}
	return year[:3] + "0"
}
