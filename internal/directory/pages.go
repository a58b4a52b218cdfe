package directory

import (
	"context"
	"embed"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// Messages are the package's texts.
//
//go:embed messages.*.toml
var Messages embed.FS

// Path is where the directory stands.
const Path = "/annuaire"

// Pages shows the directory to signed-in visitors.
type Pages struct {
	store  *Store
	people *people.Store
}

// NewPages makes the pages of a directory.
func NewPages(s *Store, p *people.Store) *Pages { return &Pages{s, p} }

// Routes are the directory's addresses.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + Path, Handler: web.SignedIn(p.list)},
		{Pattern: "GET /ma-promo", Handler: web.Network(p.class)},
		{Pattern: "GET " + APIPath, Handler: web.SignedIn(p.api)},
	}
}

// readAsk reads a question from an address.
func readAsk(q url.Values, page int) Ask {
	a := Ask{Text: strings.TrimSpace(q.Get("q")), Page: page, All: q.Get("tout")}
	if len(a.Text) > 200 {
		a.Text = strings.ToValidUTF8(a.Text[:200], "")
	}
	for f := range a.Filters {
		for _, v := range q[facetNames[f]] {
			if v = strings.TrimSpace(v); v != "" && len(v) < 100 && len(a.Filters[f]) < 50 && !slices.Contains(a.Filters[f], v) {
				a.Filters[f] = append(a.Filters[f], v)
			}
		}
	}
	return a
}

// address is the question as an address; without drops one value of a facet (-1: none).
func (a Ask) address(facet int, without string, text string) string {
	q := url.Values{}
	if text != "" {
		q.Set("q", text)
	}
	for f, values := range a.Filters {
		for _, v := range values {
			if f != facet || v != without {
				q.Add(facetNames[f], v)
			}
		}
	}
	if len(q) == 0 {
		return Path
	}
	return Path + "?" + q.Encode()
}

// Path is the address of the question's first page.
func (a Ask) Path() string { return a.address(-1, "", a.Text) }

func (p *Pages) list(r *web.Request) error {
	if !r.Viewer.Searches() {
		return errs.E("directory.list", errs.Forbidden, nil)
	}
	paging := r.Paging(PageSize)
	ask := readAsk(r.URL.Query(), paging.Page)
	found, err := p.store.Search(r.Ctx(), r.Viewer, ask)
	if err != nil {
		return err
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := listProps{Ask: ask, Found: found, Schools: schools, Member: r.Viewer.Member || r.Viewer.IsStaff(),
		Pager: ui.PagerProps{Page: paging.Page, Pages: paging.Pages(found.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}}
	if r.Partial() {
		return r.Part(answer(props))
	}
	return r.Page(web.Page{Title: r.T("directory.title"), Wide: true, Search: ask.Text, Content: listPage(props)})
}

// listProps is what the results page shows.
type listProps struct {
	Ask     Ask
	Found   Found
	Schools people.Associations
	Member  bool
	Pager   ui.PagerProps
}

// cards are the people found, ready to draw.
func (p listProps) cards(ctx context.Context) []ui.PersonCardProps {
	return Cards(ctx, p.Found.People, p.Schools)
}

// Cards draws people as the directory does.
func Cards(ctx context.Context, list []people.Seen, schools people.Associations) []ui.PersonCardProps {
	out := make([]ui.PersonCardProps, len(list))
	for i, s := range list {
		c := ui.PersonCardProps{Name: s.Name(), URL: s.Path(), PhotoURL: s.PhotoPath("small"), Headline: s.Headline}
		for _, g := range s.Degrees {
			a, _ := schools.ByID(g.AssociationID)
			c.Schools = append(c.Schools, ui.SchoolBadgeProps{Code: a.Code, Label: a.School, Year: g.ClassYear, Detail: g.Department})
		}
		switch {
		case s.Status == people.Deceased:
			c.Badges = append(c.Badges, ui.BadgeProps{Text: i18n.T(ctx, "directory.deceased")})
		case s.Status == people.Student:
			c.Badges = append(c.Badges, ui.BadgeProps{Text: i18n.T(ctx, "directory.student")})
		}
		c.Dim = !s.Activated && s.Status != people.Deceased
		out[i] = c
	}
	return out
}

// corrected are the words taken for what was typed, each once.
func (p listProps) corrected() []search.Correction {
	var out []search.Correction
	for _, h := range p.Found.Hits {
		for _, c := range h.Corrections {
			if !slices.Contains(out, c) && len(out) < 5 {
				out = append(out, c)
			}
		}
	}
	return out
}

func (p listProps) chips(ctx context.Context) []ui.Chip {
	var out []ui.Chip
	for _, c := range p.Found.Chips { // what the text was understood as
		rest := without(p.Ask.Text, c.Words)
		for _, f := range c.Filters {
			for _, v := range f.Values {
				out = append(out, ui.Chip{Label: p.label(ctx, f.Facet, v), RemoveURL: p.Ask.address(-1, "", rest)})
			}
		}
	}
	for f, values := range p.Ask.Filters {
		for _, v := range values {
			out = append(out, ui.Chip{Label: p.label(ctx, f, v), RemoveURL: p.Ask.address(f, v, p.Ask.Text)})
		}
	}
	return out
}

// without takes words out of a text as it was typed, comparing them as the index does.
func without(text string, words []string) string {
	var left []string
	for _, w := range strings.Fields(text) {
		if !slices.Contains(words, strings.ToLower(w)) {
			left = append(left, w)
		}
	}
	return strings.Join(left, " ")
}

func (p listProps) label(ctx context.Context, facet int, value string) string {
	switch facet {
	case School:
		if a, ok := p.Schools.ByCode(value); ok {
			return a.School
		}
	case Class:
		return i18n.T(ctx, "directory.class_of", i18n.Data{"Year": value})
	case Diploma:
		return i18n.T(ctx, "people.diploma."+value)
	case Promo:
		for _, a := range p.Schools {
			if year, ok := strings.CutPrefix(value, a.Code); ok {
				return a.School + " " + year
			}
		}
	}
	return value
}

// foldedAt is how many values of a facet are shown before "all".
const foldedAt = 8

func (p listProps) facets(ctx context.Context) ui.FacetPanelProps {
	panel := ui.FacetPanelProps{Action: Path, Live: resultsID, Results: p.Found.Total}
	if p.Ask.Text != "" {
		panel.Hidden = append(panel.Hidden, ui.Option{Value: "q", Label: p.Ask.Text})
	}
	for _, counts := range p.Found.Facets {
		name := facetNames[counts.Facet]
		g := ui.FacetGroup{Title: i18n.T(ctx, "directory.facet."+name), Name: name}
		values := p.ordered(counts)
		for i, c := range values {
			if i >= foldedAt && p.Ask.All != name && !c.Selected {
				continue
			}
			v := ui.FacetValue{Value: c.Value, Label: c.Value, Count: c.N, Selected: c.Selected}
			if counts.Facet != Class { // the facet's title says what the year is
				v.Label = p.label(ctx, counts.Facet, c.Value)
			}
			if counts.Facet == School {
				v.Code = c.Value
			}
			g.Values = append(g.Values, v)
		}
		if len(g.Values) < len(values) {
			at := p.Ask.address(-1, "", p.Ask.Text)
			sep := "?"
			if strings.Contains(at, "?") {
				sep = "&"
			}
			g.More = &ui.LinkButtonProps{Label: i18n.N(ctx, "directory.show_all", len(values)), URL: at + sep + "tout=" + name}
		}
		if len(g.Values) > 0 {
			panel.Groups = append(panel.Groups, g)
		}
	}
	return panel
}

// ordered puts schools in the federation's order, classes newest first, the rest by how many they are.
func (p listProps) ordered(counts search.FacetCounts) []search.Count {
	out := slices.Clone(counts.Values)
	switch counts.Facet {
	case School:
		place := func(code string) int {
			return slices.IndexFunc(p.Schools, func(a people.Association) bool { return a.Code == code })
		}
		slices.SortStableFunc(out, func(a, b search.Count) int { return place(a.Value) - place(b.Value) })
	case Class:
		slices.Reverse(out) // years come in their order
	default:
		slices.SortStableFunc(out, func(a, b search.Count) int { return b.N - a.N })
	}
	return out
}

// carried are the filters that the search box keeps when a new text is typed.
func (p listProps) carried() []ui.Option {
	var out []ui.Option
	for f, values := range p.Ask.Filters {
		for _, v := range values {
			out = append(out, ui.Option{Value: facetNames[f], Label: v})
		}
	}
	return out
}

func (p *Pages) class(r *web.Request) error {
	me, err := p.people.See(r.Ctx(), r.Viewer, r.Viewer.Person)
	if err != nil {
		return err
	}
	schools, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props := classProps{Schools: schools}
	for _, g := range me.Degrees {
		if a, ok := schools.ByID(g.AssociationID); ok && g.ClassYear > 0 {
			props.Classes = append(props.Classes, class{Code: a.Code, School: a.School, Year: g.ClassYear})
		}
	}
	if len(props.Classes) == 0 {
		return r.Page(web.Page{Title: r.T("directory.class_title"), Content: noClassPage()})
	}
	for i, c := range props.Classes {
		if r.URL.Query().Get("classe") == c.key() {
			props.Current = i
		}
	}
	props.WithoutNews = r.URL.Query().Get("nouvelles") == noNews
	paging := r.Paging(PageSize)
	c := props.Classes[props.Current]
	if props.Found, err = p.store.Classmates(r.Ctx(), r.Viewer, c.Code, c.Year, props.WithoutNews, paging.Page); err != nil {
		return err
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(props.Found.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Title: r.T("directory.class_title"), Wide: true, Content: classPage(props)})
}

type class struct {
	Code, School string
	Year         int
}

func (c class) key() string   { return c.Code + strconv.Itoa(c.Year) }
func (c class) label() string { return c.School + " " + strconv.Itoa(c.Year) }

type classProps struct {
	Classes     []class
	Current     int
	WithoutNews bool
	Found       Found
	Schools     people.Associations
	Pager       ui.PagerProps
}

// without news is how many of the class have none, whichever tab is open.
func (p classProps) withoutNews() int {
	for _, f := range p.Found.Facets {
		for _, c := range f.Values {
			if f.Facet == News && c.Value == noNews {
				return c.N
			}
		}
	}
	return 0
}

func (p classProps) tabs(ctx context.Context) []ui.Tab {
	var out []ui.Tab
	for i, c := range p.Classes {
		here := i == p.Current
		out = append(out, ui.Tab{Label: c.label(), URL: "/ma-promo?classe=" + c.key(), Current: here && !p.WithoutNews})
		if here {
			out = append(out, ui.Tab{Label: i18n.T(ctx, "directory.no_news"), URL: "/ma-promo?classe=" + c.key() + "&" + facetNames[News] + "=" + noNews,
				Count: i18n.Number(ctx, p.withoutNews()), Current: p.WithoutNews})
		}
	}
	return out
}

const resultsID = "resultats"

// quickAttrs ties the search box to the results, which change at each keystroke where there is JavaScript.
func quickAttrs() templ.Attributes { return ui.Live(resultsID) }

// lead says what this viewer finds here: coordinates are for members.
func lead(ctx context.Context, p listProps) string {
	if p.Member {
		return i18n.T(ctx, "directory.lead_member")
	}
	return i18n.T(ctx, "directory.lead")
}
