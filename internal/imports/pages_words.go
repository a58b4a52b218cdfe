package imports

import (
	"context"
	"slices"
	"strings"

	"amicale/internal/i18n"
	"amicale/internal/imports/lists"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/web"
)

func lang(r *web.Request) string { return i18n.Lang(r.Ctx()) }

// listProps is the history and the form for another file.
type listProps struct {
	Imports []Import
	Schools people.Associations
	Choices []ui.Option
	Wrong   map[string]string
	Pager   ui.PagerProps
}

func (p listProps) errors() []ui.FieldError {
	if p.Wrong["file"] == "" {
		return nil
	}
	return []ui.FieldError{{Field: "file", Message: p.Wrong["file"]}}
}

// showProps is one import.
type showProps struct {
	Import
	School  string
	Choices []ui.Option
	Fields  []ui.Option
	Picked  []string // what was picked for the columns, if it was refused
	Wrong   string
	Lang    string
}

func (p showProps) path(more string) string { return importsPath + "/" + p.ID.String() + more }

// step is where the import stands among the steps above it.
func (p showProps) step() int {
	switch {
	case p.State == Draft && p.tried():
		return 2
	case p.State == Draft:
		return 1
	case p.DryRun && p.State != Done:
		return 2
	}
	return 3
}

// tried reports that a dry run has ended.
func (p showProps) tried() bool { return p.State == Draft && p.DryRun && !p.FinishedAt.IsZero() }

// picked is what a column is shown as: what was just picked for it, else how it is read.
func (p showProps) picked(i int) string {
	if i < len(p.Picked) && p.Picked[i] != "" {
		return p.Picked[i]
	}
	return p.Preview.Columns[i].Name
}

// editable reports that the columns can still be looked at.
func (p showProps) editable() bool {
	return p.FileKey != "" && !p.State.Active() && len(p.Preview.Columns) > 0
}

// columnOptions are what a column can be, with what it is taken for.
func (p showProps) columnOptions(ctx context.Context, i int) []ui.Option {
	name := p.picked(i)
	out := slices.Clone(p.Fields)
	known := false
	for n := range out {
		out[n].Selected = out[n].Value == name
		known = known || out[n].Selected
	}
	if !known {
		out = append([]ui.Option{{Value: name, Label: fieldLabel(ctx, name), Selected: true}}, out...)
	}
	return out
}

// fieldChoices are all fields, as they read, those kept aside first.
func fieldChoices(ctx context.Context) []ui.Option {
	var out []ui.Option
	add := func(name string) { out = append(out, ui.Option{Value: name, Label: fieldLabel(ctx, name)}) }
	add(string(lists.Note))
	add(string(lists.Ignore))
	for _, f := range lists.Fields() {
		switch {
		case f == lists.Note, f == lists.Ignore:
		case f == lists.AddressFrom, f == lists.AddressTo:
			add(string(f) + "_" + string(people.Temporary))
		case f.IsContact():
			add(string(f) + "_" + string(people.Personal))
			add(string(f) + "_" + string(people.Professional))
			if f != lists.Email && f != lists.Phone {
				add(string(f) + "_" + string(people.Temporary))
			}
		default:
			add(string(f))
		}
	}
	return out
}

// fieldLabel is a field as it reads: email_professional.2 is “E-mail (professionnel) 2”.
func fieldLabel(ctx context.Context, name string) string {
	base, group, _ := strings.Cut(name, ".")
	purpose := ""
	for _, p := range []people.Purpose{people.Personal, people.Professional, people.Temporary} {
		if rest, ok := strings.CutSuffix(base, "_"+string(p)); ok {
			base, purpose = rest, i18n.T(ctx, p.Message())
		}
	}
	label := i18n.T(ctx, "imports.field."+base)
	if purpose != "" {
		label += " (" + strings.ToLower(purpose) + ")"
	}
	if group != "" {
		label += " " + group
	}
	return label
}

// stats are the figures of a report.
func stats(ctx context.Context, r Report) []ui.StatProps {
	out := []ui.StatProps{}
	add := func(key string, n int, always bool, url string) {
		if n > 0 || always {
			out = append(out, ui.StatProps{Value: i18n.Number(ctx, n), Label: i18n.T(ctx, "imports.count."+key), URL: url})
		}
	}
	desk := ""
	if !r.DryRun {
		desk = "/admin/guichet"
	}
	add("rows", r.Rows, true, "")
	add("inserted", r.Inserted, true, "")
	add("updated", r.Updated, true, "")
	add("unchanged", r.Unchanged, true, "")
	add("rejected", r.Rejected, true, "")
	add("logins", r.Logins, false, "")
	add("conflicts", r.Conflicts, false, desk)
	add("duplicates", r.Duplicates, false, desk)
	add("no_class", r.NoClass, false, desk)
	return out
}

// problemText is why an import stopped, in words.
func (p showProps) problemText(ctx context.Context) string {
	text := i18n.T(ctx, p.Problem.Key, p.Problem.data())
	if p.Problem.Reason.Key != "" {
		text += " " + p.Problem.Reason.Text(p.Lang)
	}
	return text
}

func stateTone(s State) ui.Tone {
	switch s {
	case Done:
		return ui.Success
	case Stopped:
		return ui.Warning
	case Failed:
		return ui.Danger
	case Queued, Running:
		return ui.Info
	}
	return ui.Neutral
}

// size is a file's length as people read it.
func size(ctx context.Context, n int64) string {
	switch {
	case n >= 1<<20:
		return i18n.T(ctx, "imports.megabytes", i18n.Data{"N": i18n.Number(ctx, int(n>>20))})
	default:
		return i18n.T(ctx, "imports.kilobytes", i18n.Data{"N": i18n.Number(ctx, int(max(1, n>>10)))})
	}
}

// how the file is written, for those who wonder about an odd letter.
func format(ctx context.Context, p Preview) string {
	if p.Sheet != "" {
		return i18n.T(ctx, "imports.workbook", i18n.Data{"Sheet": p.Sheet})
	}
	separators := map[string]string{";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
	return i18n.T(ctx, "imports.csv", i18n.Data{"Encoding": string(p.Encoding), "Separator": i18n.T(ctx, "imports."+separators[p.Separator])})
}

// pieces are where a cell may be broken on a narrow screen: after its signs.
func pieces(s string) []string {
	var out []string
	from := 0
	for i, c := range s {
		if strings.ContainsRune("@._-/", c) {
			out, from = append(out, s[from:i+1]), i+1
		}
	}
	return append(out, s[from:])
}

func (w WarningKind) text(lang string) string {
	return lists.Warning{Reason: w.Reason, Column: w.Column}.Text(lang)
}
