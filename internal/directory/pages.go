package directory

import (
	"context"
	"embed"
	"net/url"
	"slices"
	"strings"

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
	a := Ask{Text: strings.TrimSpace(q.Get("q")), Page: page}
	if all := q.Get("tout"); slices.Contains(facetNames[:Promo], all) {
		a.All = all
	}
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
	if a.All != "" {
		q.Set("tout", a.All)
	}
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
	props, err := p.search(r)
	if err != nil {
		return err
	}
	if r.Partial() {
		return r.Part(answer(props))
	}
	return r.Page(web.Page{Title: r.T("directory.title"), Wide: true, Search: props.Ask.Text, Content: listPage(props)})
}

// search reads the question and answers it; a page past the last is the last.
func (p *Pages) search(r *web.Request) (listProps, error) {
	if !r.Viewer.Searches() {
		return listProps{}, errs.E("directory.search", errs.Forbidden, nil)
	}
	paging := r.Paging(PageSize)
	ask := readAsk(r.URL.Query(), paging.Page)
	found, err := p.store.Search(r.Ctx(), r.Viewer, ask)
	if err == nil && paging.Page > paging.Pages(found.Total) {
		paging.Page = paging.Pages(found.Total)
		ask.Page = paging.Page
		found, err = p.store.Search(r.Ctx(), r.Viewer, ask)
	}
	if err != nil {
		return listProps{}, err
	}
	schools, err := p.people.Associations(r.Ctx())
	return listProps{Ask: ask, Found: found, Schools: schools, Member: r.Viewer.Member || r.Viewer.IsStaff(),
		Pager: ui.PagerProps{Page: paging.Page, Pages: paging.Pages(found.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}}, err
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
	case Decade:
		return i18n.T(ctx, "directory.decade", i18n.Data{"Year": value})
	case Diploma:
		if d := people.Diploma(value); slices.Contains(people.Diplomas(), d) {
			return i18n.T(ctx, d.Message())
		}
	case Promo:
		for _, a := range p.Schools {
			if year, ok := strings.CutPrefix(value, a.Code); ok {
				return a.School + " " + year
			}
		}
	}
	return value
}

// active is how many filters are in force.
func (p listProps) active() int {
	n := 0
	for _, values := range p.Ask.Filters {
		n += len(values)
	}
	return n
}

// resultsID is the element that changes at each keystroke where there is JavaScript.
const resultsID = "resultats"

// lead says what this viewer finds here: coordinates are for members.
func lead(ctx context.Context, p listProps) string {
	if p.Member {
		return i18n.T(ctx, "directory.lead_member")
	}
	return i18n.T(ctx, "directory.lead")
}
