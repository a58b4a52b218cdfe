package directory

import (
	"context"
	"slices"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/ui"
)

// How many values of a facet are shown before "all", and how many years are few enough to stand there without being
// asked for.
const (
	foldedAt = 8
	fewYears = 12
)

// facets is the panel beside the results: what the question may be narrowed by, with how many that leaves.
func (p listProps) facets(ctx context.Context) ui.FacetPanelProps {
	panel := ui.FacetPanelProps{Action: Path, Live: resultsID, Beside: true, Results: p.Found.Total}
	if slices.Contains(facetNames[:], p.Ask.All) {
		panel.Hidden = append(panel.Hidden, ui.Option{Value: "tout", Label: p.Ask.All})
	}
	for _, counts := range p.Found.Facets {
		if g := p.group(ctx, counts); len(g.Values) > 0 {
			panel.Groups = append(panel.Groups, g)
		}
	}
	return panel
}

// group is one facet of the panel. The years of 70 classes would be a wall: decades stand for them until one is
// chosen or few are left.
func (p listProps) group(ctx context.Context, counts search.FacetCounts) ui.FacetGroup {
	name := facetNames[counts.Facet]
	g := ui.FacetGroup{Title: i18n.T(ctx, "directory.facet."+name), Name: name}
	values := p.ordered(counts)
	folded := foldedAt
	switch counts.Facet {
	case Class:
		values, folded = p.years(values), len(values)
	case Decade:
		folded = len(values)
		if years := p.countsOf(Class); p.Ask.All != facetNames[Class] && len(years) > len(p.years(years)) {
			g.More = p.more(ctx, Class, len(years))
		}
	}
	if p.Ask.All != name && len(values) > folded {
		g.More = p.more(ctx, counts.Facet, len(values))
	}
	g.Values = make([]ui.FacetValue, 0, len(values))
	for i, c := range values {
		if i < folded || p.Ask.All == name || c.Selected {
			g.Values = append(g.Values, p.value(ctx, counts.Facet, c))
		}
	}
	return g
}

func (p listProps) value(ctx context.Context, facet int, c search.Count) ui.FacetValue {
	v := ui.FacetValue{Value: c.Value, Label: c.Value, Count: c.N, Selected: c.Selected}
	if facet != Class { // the facet's title says what the year is
		v.Label = p.label(ctx, facet, c.Value)
	}
	if facet == School {
		v.Code = c.Value
	}
	return v
}

func (p listProps) countsOf(facet int) []search.Count {
	for _, f := range p.Found.Facets {
		if f.Facet == facet {
			return f.Values
		}
	}
	return nil
}

// years are the classes to show: all when asked for, else those of the decades chosen, or all when they are few; and
// those chosen.
func (p listProps) years(values []search.Count) []search.Count {
	decades := p.Ask.Filters[Decade]
	if p.Ask.All == facetNames[Class] || len(decades) == 0 && len(values) <= fewYears {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(c search.Count) bool {
		return !c.Selected && !slices.Contains(decades, decadeOf(c.Value))
	})
}

// more leads to the same question with all values of a facet.
func (p listProps) more(ctx context.Context, facet, n int) *ui.LinkButtonProps {
	all := p.Ask
	all.All = facetNames[facet]
	return &ui.LinkButtonProps{Label: i18n.N(ctx, "directory.show_all."+facetNames[facet], n), URL: all.Path() + "#" + ui.FacetsID, Kind: ui.Quiet}
}

// ordered puts schools in the federation's order, years newest first, the rest by how many they are.
func (p listProps) ordered(counts search.FacetCounts) []search.Count {
	out := slices.Clone(counts.Values)
	switch counts.Facet {
	case School:
		place := func(code string) int {
			return slices.IndexFunc(p.Schools, func(a people.Association) bool { return a.Code == code })
		}
		slices.SortStableFunc(out, func(a, b search.Count) int { return place(a.Value) - place(b.Value) })
	case Class, Decade:
		slices.Reverse(out) // years come in their order
	default:
		slices.SortStableFunc(out, func(a, b search.Count) int { return b.N - a.N })
	}
	return out
}
