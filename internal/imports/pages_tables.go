package imports

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"amicale/internal/i18n"
	"amicale/internal/ui"
)

// columns are heads by the ends of their keys; # marks figures, and | what stands alone on a phone.
func columns(ctx context.Context, keys ...string) []ui.Column {
	out := make([]ui.Column, len(keys))
	for i, key := range keys {
		name, numeric := strings.CutSuffix(key, "#")
		name, bare := strings.CutSuffix(name, "|")
		out[i] = ui.Column{Label: i18n.T(ctx, "imports.head."+name), Numeric: numeric, Bare: bare}
	}
	return out
}

func historyTable(ctx context.Context, p listProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "imports.history"), Hide: true, Columns: columns(ctx, "file", "when", "who", "school", "state", "inserted#", "updated#", "rejected#")}
	for _, i := range p.Imports {
		school, _ := p.Schools.ByID(i.AssociationID)
		figures := []string{"", "", ""} // of what was only tried, none
		if !i.Report.DryRun && i.State != Draft {
			figures = []string{i18n.Number(ctx, i.Report.Inserted), i18n.Number(ctx, i.Report.Updated), i18n.Number(ctx, i.Report.Rejected)}
		}
		t.Rows = append(t.Rows, []ui.Cell{
			{Text: i.FileName, URL: importsPath + "/" + i.ID.String()}, {Text: i18n.DateTime(ctx, i.CreatedAt)}, {Text: i.Actor},
			{Text: cmp.Or(school.Name, i18n.T(ctx, "imports.each_row"))}, {Content: stateBadge(i)},
			{Text: figures[0]}, {Text: figures[1]}, {Text: figures[2]},
		})
	}
	return t
}

func columnsTable(ctx context.Context, p showProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "imports.columns"), Hide: true, Columns: columns(ctx, "column", "samples|", "field|")}
	for n, c := range p.Preview.Columns {
		t.Rows = append(t.Rows, []ui.Cell{{Text: cmp.Or(c.Header, "("+strconv.Itoa(n+1)+")")}, {Content: samples(c.Samples)}, {Content: columnField(p, n)}})
	}
	return t
}

func rejectsTable(ctx context.Context, p showProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "imports.rejects_first"), Hide: p.Report.Rejected <= len(p.Report.Rejects), Columns: columns(ctx, "line", "why|", "cells|")}
	for _, r := range p.Report.Rejects {
		t.Rows = append(t.Rows, []ui.Cell{{Text: i18n.Number(ctx, r.Line)}, {Text: r.Reason.Text(p.Lang)}, {Content: samples(r.Cells)}})
	}
	return t
}

func warningsTable(ctx context.Context, p showProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "imports.warnings_caption"), Hide: true, Columns: columns(ctx, "warning", "times#", "line#")}
	for _, w := range p.Report.Warnings {
		t.Rows = append(t.Rows, []ui.Cell{{Text: w.text(p.Lang)}, {Text: i18n.Number(ctx, w.N)}, {Text: i18n.Number(ctx, w.Line)}})
	}
	return t
}

func facts(ctx context.Context, p showProps) []ui.Fact {
	out := []ui.Fact{
		{Term: i18n.T(ctx, "imports.head.state"), Content: stateBadge(p.Import)},
		{Term: i18n.T(ctx, "imports.head.who"), Text: p.Actor},
		{Term: i18n.T(ctx, "imports.head.when"), Text: i18n.DateTime(ctx, p.CreatedAt)},
		{Term: i18n.T(ctx, "imports.head.school"), Text: cmp.Or(p.School, i18n.T(ctx, "imports.each_row"))},
		{Term: i18n.T(ctx, "imports.head.size"), Text: size(ctx, p.FileSize)},
	}
	if len(p.Preview.Columns) > 0 {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "imports.head.format"), Text: format(ctx, p.Preview)})
	}
	if p.Report.Took >= time.Second {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "imports.head.took"), Text: i18n.N(ctx, "imports.seconds", int(p.Report.Took/time.Second))})
	}
	if p.FileKey == "" && p.State != Draft {
		out[len(out)-1].Note = i18n.T(ctx, "imports.file_removed")
	}
	return out
}

func reportTitle(ctx context.Context, p showProps) string {
	switch {
	case p.Report.DryRun:
		return i18n.T(ctx, "imports.report_try")
	case p.State == Done:
		return i18n.T(ctx, "imports.report_done")
	}
	return i18n.T(ctx, "imports.report_stopped")
}

func reportLead(ctx context.Context, p showProps) string {
	if p.Report.DryRun {
		return i18n.T(ctx, "imports.report_try_lead")
	}
	return ""
}

func progressText(ctx context.Context, i Import) string {
	switch {
	case i.State == Queued:
		return i18n.T(ctx, "imports.waiting")
	case i.DryRun:
		return i18n.T(ctx, "imports.trying")
	case i.Report.Stage == GivingOut:
		return i18n.T(ctx, "imports.giving_logins")
	}
	return i18n.T(ctx, "imports.importing")
}

// tryKind makes trying the first thing to do, until it was done.
func tryKind(p showProps) ui.Kind {
	if p.tried() || p.State == Stopped {
		return ui.Secondary
	}
	return ui.Primary
}

func importKind(p showProps) ui.Kind {
	if tryKind(p) == ui.Primary {
		return ui.Secondary
	}
	return ui.Primary
}

func importLabel(ctx context.Context, p showProps) string {
	if p.State == Stopped {
		return i18n.T(ctx, "imports.go_on")
	}
	return i18n.T(ctx, "imports.import")
}

// confirmText asks once more before a file is imported that was never tried.
func confirmText(ctx context.Context, p showProps) string {
	if p.tried() || p.State == Stopped {
		return ""
	}
	return i18n.T(ctx, "imports.untried")
}
