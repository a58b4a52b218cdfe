package directory_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/directory"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/viewer"
)

// shown is what a card may tell of a person: the words and the values by facet, from what people's rule lets the
// viewer see and nothing else.
type shown struct {
	person id.ID
	words  []string
	values [5][]string
}

// naive is whom the viewer may find, by asking the rule for each person of the base.
func (p *process) naive(v viewer.Viewer, list []people.Dossier) []shown {
	codes := map[id.ID]string{p.ly.ID: "ly", p.re.ID: "re"}
	if v.Kind == viewer.Network {
		v.Roles = nil
	}
	kept := v.Kind == viewer.Staff && v.Has(viewer.Webmaster, viewer.Secretary) // to the schools the account works for
	var out []shown
	for i := range list {
		d := &list[i]
		seen, ok := d.SeenBy(v, p.people.Today())
		if !ok || kept && !v.HasAtAny(d.Associations(), viewer.Webmaster, viewer.Secretary) {
			continue
		}
		one := shown{person: d.ID}
		for _, text := range []string{seen.Surname, seen.FirstName, seen.BirthSurname, seen.Login} {
			one.words = append(one.words, strings.Fields(fold.Name(text))...)
		}
		for _, g := range seen.Degrees {
			if !kept || v.HasAt(g.AssociationID, viewer.Webmaster, viewer.Secretary) {
				one.values[directory.School] = append(one.values[directory.School], codes[g.AssociationID])
			}
			if g.ClassYear > 0 {
				one.values[directory.Class] = append(one.values[directory.Class], strconv.Itoa(g.ClassYear))
				one.values[directory.Decade] = append(one.values[directory.Decade], strconv.Itoa(g.ClassYear/10*10))
			}
			one.values[directory.Department] = append(one.values[directory.Department], g.Department)
			one.values[directory.Diploma] = append(one.values[directory.Diploma], string(g.Diploma))
		}
		out = append(out, one)
	}
	return out
}

// answers reports whether a person answers a question, leaving out the filter on one facet (-1: none).
func (s shown) answers(a directory.Ask, but int) bool {
	for _, w := range strings.Fields(fold.Name(a.Text)) {
		if !slices.Contains(s.words, w) {
			return false
		}
	}
	for f, demanded := range a.Filters {
		if f != but && len(demanded) > 0 && !slices.ContainsFunc(demanded, func(v string) bool { return slices.Contains(s.values[f], v) }) {
			return false
		}
	}
	return true
}

// counted is the total and the counts by facet, by counting one by one.
func counted(list []shown, a directory.Ask) (total int, counts [5]map[string]int) {
	for f := range counts {
		counts[f] = map[string]int{}
	}
	for _, s := range list {
		if s.answers(a, -1) {
			total++
		}
		for f := range counts {
			if !s.answers(a, f) {
				continue
			}
			for _, v := range slices.Compact(slices.Sorted(slices.Values(s.values[f]))) {
				if v != "" {
					counts[f][v]++
				}
			}
		}
	}
	return total, counts
}

func facetsOf(res search.Result) (counts [5]map[string]int) {
	for _, f := range res.Facets {
		counts[f.Facet] = map[string]int{}
		for _, c := range f.Values {
			if c.N > 0 {
				counts[f.Facet][c.Value] = c.N
			}
		}
	}
	return counts
}

// question is anything somebody may ask.
func question(r *rand.Rand, list []people.Dossier) directory.Ask {
	var a directory.Ask
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	d := &list[r.IntN(len(list))]
	a.Text = []string{"", pick(surnames()), pick(firsts()), pick(births()), d.FirstName + " " + d.BirthSurname, d.Logins[0].Login, pick(births()) + " " + pick(firsts())}[r.IntN(7)]
	for f, values := range [5][]string{{"ly", "re", "xx"}, {"1998", "2010", "1900"}, {"Informatique", "Biosciences"}, {"engineer", "architect", "master"}, {"1990", "2010"}} {
		if r.IntN(3) == 0 {
			a.Filters[f] = []string{pick(values)}
			if other := pick(values); r.IntN(3) == 0 && other != a.Filters[f][0] {
				a.Filters[f] = append(a.Filters[f], other)
			}
		}
	}
	return a
}

// TestNobodyFindsOrCountsWhatHeMayNotSee holds every kind of viewer's totals, counts and people against people's rule,
// asked person by person: what matched is what the rule shows, and the rule's people are all found.
func TestNobodyFindsOrCountsWhatHeMayNotSee(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := newProcess(t, d)
		r := rand.New(rand.NewPCG(7, 11))
		var list []people.Dossier
		for n := range 150 {
			list = append(list, p.someone(r, n))
		}
		half := len(list) / 2
		p.insert(list[:half]...)
		s := p.opened("")
		p.insert(list[half:]...) // these stand in the delta
		p.open(s)
		for name, v := range p.viewers(list) {
			can := p.naive(v, list)
			for range 60 {
				ask := question(r, list)
				p.compare(fmt.Sprintf("%s asks %+v", name, ask), s, v, ask, can)
			}
		}
	})
}

// viewers are one of each kind; some are people of the base.
func (p *process) viewers(list []people.Dossier) map[string]viewer.Viewer {
	out := map[string]viewer.Viewer{
		"guest":     {},
		"recruiter": {Kind: viewer.Recruiter, Account: id.New()},
		"graduate":  network(), "member": network(),
		"webmaster": staff(viewer.Webmaster, p.ly), "secretary": staff(viewer.Secretary, p.re), "both": staff(viewer.Secretary, p.re, p.ly),
		"editor": staff(viewer.Editor, p.ly), "federation": staff(viewer.FederationAdmin),
		"system": viewer.ForSystem("test"),
	}
	hidden := slices.IndexFunc(list, func(d people.Dossier) bool {
		return d.Audiences[people.FieldIdentity] == viewer.OnlyMe && d.Activated()
	})
	self := viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: list[hidden].ID}
	out["somebody hidden"] = self
	self.Roles = []viewer.Role{{Name: viewer.Webmaster, Association: p.ly.ID}}
	out["somebody hidden, webmaster too"] = self
	m := out["member"]
	m.Member = true
	out["member"] = m
	return out
}

func (p *process) compare(what string, s *directory.Store, v viewer.Viewer, ask directory.Ask, can []shown) {
	p.t.Helper()
	total, counts := counted(can, ask)
	var got []id.ID
	for ask.Page = 1; ; ask.Page++ {
		found, err := s.Search(p.t.Context(), v, ask)
		if err != nil {
			p.t.Fatal(err)
		}
		if found.Total != total {
			p.t.Errorf("%s: total %d, want %d", what, found.Total, total)
			return
		}
		for f, want := range counts {
			if g := facetsOf(found.Result)[f]; !maps.Equal(g, want) {
				p.t.Errorf("%s: counts of facet %d = %v, want %v", what, f, g, want)
			}
		}
		for _, one := range found.People {
			got = append(got, one.ID)
			if len(one.Contacts) > 0 {
				p.t.Errorf("%s: a card holds a coordinate", what)
			}
		}
		if len(found.People) == 0 || ask.Page > 20 {
			break
		}
	}
	var want []id.ID
	for _, one := range can {
		if one.answers(ask, -1) {
			want = append(want, one.person)
		}
	}
	compare := func(a, b id.ID) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(got, compare)
	slices.SortFunc(want, compare)
	if !slices.Equal(got, want) {
		p.t.Errorf("%s: %d people, want %d", what, len(got), len(want))
	}
}
