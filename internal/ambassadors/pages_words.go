package ambassadors

import (
	"context"
	"net/url"
	"strconv"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
)

func crumbs(ctx context.Context) []ui.Crumb {
	return []ui.Crumb{{Label: i18n.T(ctx, "ambassadors.admin"), URL: "/admin"}, {Label: i18n.T(ctx, "ambassadors.title")}}
}

// recordPath is the staff's record of a person.
func recordPath(d people.Dossier) string { return "/admin/personnes/" + d.ID.String() }

// className is a class as people say it: "INSA Lyon 1989".
func className(as people.Associations, c Class) string {
	a, _ := as.ByID(c.AssociationID)
	return a.School + " " + strconv.Itoa(c.ClassYear)
}

func schoolURL(a people.Association) string {
	if a.Code == "" {
		return Path
	}
	return Path + "?" + url.Values{"ecole": {a.Code}}.Encode()
}

// schoolOptions are the schools that a search can be in; several begin with none.
func (p listProps) schoolOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "ambassadors.choose")}}
	for _, a := range p.Schools {
		out = append(out, ui.Option{Value: a.Code, Label: a.School, Selected: a.Code == p.School.Code})
	}
	return out
}

func (p listProps) table(ctx context.Context) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "ambassadors.title"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "ambassadors.col.person")},
		{Label: i18n.T(ctx, "ambassadors.col.class")}, {Label: i18n.T(ctx, "ambassadors.col.since")}, {Label: i18n.T(ctx, "ambassadors.col.lost"), Numeric: true},
		{Label: i18n.T(ctx, "ambassadors.col.action"), Bare: true}}}
	for _, l := range p.Listed {
		t.Rows = append(t.Rows, []ui.Cell{{Content: nameCell(l)}, {Text: className(p.Schools, l.Class)}, {Text: i18n.Date(ctx, l.Since)},
			{Text: i18n.Number(ctx, p.Lost[l.Class])}, {Content: removeForm(l)}})
	}
	return t
}

// found are the candidates as a table.
func (p listProps) found(ctx context.Context) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "ambassadors.found", i18n.Data{"Class": className(p.Schools, p.Class)}),
		Columns: []ui.Column{{Label: i18n.T(ctx, "ambassadors.col.person")}, {Label: i18n.T(ctx, "ambassadors.col.login")}, {Label: i18n.T(ctx, "ambassadors.col.action"), Bare: true}}}
	for _, d := range p.Found {
		t.Rows = append(t.Rows, []ui.Cell{{Text: d.Name(), URL: recordPath(d)}, {Content: breakable(d.CurrentLogin())}, {Content: nameForm(p.Class, d)}})
	}
	return t
}
