package magazine

import (
	"context"
	"slices"
	"strings"

	"amicale/internal/i18n"
	"amicale/internal/ui"
)

// crumbs lead back to the front of the back office, and from an issue to the list.
func crumbs(ctx context.Context, issue string) []ui.Crumb {
	out := []ui.Crumb{{Label: i18n.T(ctx, "magazine.admin"), URL: "/admin"}}
	if issue == "" {
		return append(out, ui.Crumb{Label: i18n.T(ctx, "magazine.title")})
	}
	return append(out, ui.Crumb{Label: i18n.T(ctx, "magazine.title"), URL: AdminPath}, ui.Crumb{Label: issue})
}

func shelfLinks(p shelfProps) []ui.NavItem {
	var out []ui.NavItem
	for _, i := range p.Issues {
		out = append(out, ui.NavItem{Label: i.Title, URL: Path(i.ID)})
	}
	return out
}

func issuesTable(ctx context.Context, p listProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "magazine.title"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "magazine.field.title")}, {Label: i18n.T(ctx, "magazine.field.association")}, {Label: i18n.T(ctx, "magazine.added")}}}
	for _, i := range p.Issues {
		var names []string
		for _, e := range i.Editions {
			a, _ := p.Schools.ByID(e.AssociationID)
			names = append(names, a.Name)
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: i.Title, URL: issuePath(i.ID)}, {Text: strings.Join(names, ", ")}, {Text: i18n.Date(ctx, i.CreatedAt)}})
	}
	return t
}

func makerOptions(p listProps) []ui.Option {
	var out []ui.Option
	for _, a := range p.Makers {
		v := a.ID.String()
		out = append(out, ui.Option{Value: v, Label: a.Name, Selected: slices.Contains(p.Typed, v) || len(p.Makers) == 1})
	}
	return out
}

func sizeText(ctx context.Context, i Issue) string {
	return i18n.T(ctx, "magazine.size", i18n.Data{"Kilobytes": i18n.Number(ctx, int(i.FileSize+999)/1000)})
}

func publishedText(ctx context.Context, e Edition) string {
	if e.PublishedAt.IsZero() {
		return i18n.T(ctx, "magazine.not_published")
	}
	return i18n.T(ctx, "magazine.published", i18n.Data{"When": i18n.Date(ctx, e.PublishedAt)})
}

func (p showProps) name(e Edition) string {
	a, _ := p.Schools.ByID(e.AssociationID)
	return a.Name
}

func (p showProps) code(e Edition) string {
	a, _ := p.Schools.ByID(e.AssociationID)
	return a.Code
}

// makesOne reports whether the viewer makes one of the editions, and so may open the file.
func (p showProps) makesOne() bool {
	return slices.ContainsFunc(p.Editions, func(e Edition) bool { return mayMake(p.Viewer, e.AssociationID) })
}

func countText(ctx context.Context, c Count) string {
	s := i18n.N(ctx, "magazine.label_count", c.Labels)
	if c.Missing > 0 {
		s += " " + i18n.N(ctx, "magazine.label_missing", c.Missing)
	}
	return s
}
