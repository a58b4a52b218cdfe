package directory

import (
	"context"
	"slices"
	"strconv"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// class shows one's own class: all of it, or those without news.
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
		a, ok := schools.ByID(g.AssociationID)
		if one := (class{Code: a.Code, School: a.School, Year: g.ClassYear}); ok && g.ClassYear > 0 && !slices.Contains(props.Classes, one) {
			props.Classes = append(props.Classes, one)
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
	props.WithoutNews = r.URL.Query().Get(facetNames[News]) == noNews
	paging := r.Paging(PageSize)
	c := props.Classes[props.Current]
	props.Found, err = p.store.Classmates(r.Ctx(), r.Viewer, c.Code, c.Year, props.WithoutNews, paging.Page)
	if err == nil && paging.Page > paging.Pages(props.Found.Total) {
		paging.Page = paging.Pages(props.Found.Total)
		props.Found, err = p.store.Classmates(r.Ctx(), r.Viewer, c.Code, c.Year, props.WithoutNews, paging.Page)
	}
	if err != nil {
		return err
	}
	props.Pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(props.Found.Total), URL: func(n int) string { return paging.URL(r.URL, n) }}
	return r.Page(web.Page{Title: r.T("directory.class_title"), Wide: true, Content: classPage(props)})
}

// enoughFaces is how many photos make a wall.
const enoughFaces = 3

// class is a year of a school.
type class struct {
	Code, School string
	Year         int
}

func (c class) key() string   { return c.Code + strconv.Itoa(c.Year) }
func (c class) label() string { return c.School + " " + strconv.Itoa(c.Year) }

// classProps is what the page of a class shows.
type classProps struct {
	Classes     []class
	Current     int
	WithoutNews bool
	Found       Found
	Schools     people.Associations
	Pager       ui.PagerProps
}

// faces are the photos on this page, for a wall of them; none when they are too few for one.
func (p classProps) faces() []ui.AvatarProps {
	var out []ui.AvatarProps
	for _, s := range p.Found.People {
		if photo := s.PhotoPath("small"); photo != "" {
			out = append(out, ui.AvatarProps{Name: s.Name(), PhotoURL: photo, Size: ui.AvatarLarge})
		}
	}
	if len(out) < enoughFaces {
		return nil
	}
	return out
}

// lead says who stands here.
func (p classProps) lead(ctx context.Context) string {
	if p.WithoutNews {
		return i18n.T(ctx, "directory.no_news_lead")
	}
	return i18n.T(ctx, "directory.class_lead")
}

// withoutNews is how many of the class have none, whichever tab is open.
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
