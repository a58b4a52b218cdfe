package app

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// journalSize is how many entries stand on a page of the trail.
const journalSize = 50

// actionKey begins the words for an action of the trail.
const actionKey = "app.action."

// actionWords is the key of what people read for an action of the trail.
func actionWords(action string) string { return actionKey + action }

// journalView is a page of the trail as the staff reads it.
type journalView struct {
	list         audit.List
	persons      map[id.ID]people.Dossier // those that the viewer may see
	associations people.Associations
	own          people.Associations // those whose trail the viewer may read
	school       string              // code; "" for all
	action       string              // "" for all
	actions      []ui.Option
	paging       web.Paging
	at           *url.URL
}

func (a *App) journal(r *web.Request) error {
	q := r.URL.Query()
	v := journalView{school: q.Get("ecole"), action: q.Get("action"), paging: r.Paging(journalSize), at: r.URL}
	var err error
	if v.associations, err = a.people.Associations(r.Ctx()); err != nil {
		return err
	}
	v.own = ownAssociations(r.Viewer, v.associations)
	page := audit.Page{Number: v.paging.Page, Size: v.paging.Size}
	if v.action != "" {
		page.Actions = []string{v.action}
	}
	var at []id.ID
	if v.school != "" {
		one, ok := v.own.ByCode(v.school)
		if !ok {
			return errs.E("app.journal "+v.school, errs.NotFound, nil)
		}
		at = append(at, one.ID)
	}
	if v.list, err = a.trail.Recent(r.Ctx(), r.Viewer, page, at...); err != nil {
		return err
	}
	if v.persons, err = a.named(r.Ctx(), r.Viewer, v.list.Rows); err != nil {
		return err
	}
	v.actions = a.actionOptions(r.Ctx(), v.action)
	return r.Page(web.Page{Title: r.T("app.admin.journal"), Wide: true, Content: journalPage(v)})
}

// ownAssociations are those whose trail the viewer may read.
func ownAssociations(v viewer.Viewer, all people.Associations) people.Associations {
	var out people.Associations
	for _, one := range all {
		if v.HasAt(one.ID, viewer.Webmaster, viewer.Secretary) {
			out = append(out, one)
		}
	}
	return out
}

// named are the persons of the rows, as far as the viewer may see them.
func (a *App) named(ctx context.Context, v viewer.Viewer, rows []audit.Row) (map[id.ID]people.Dossier, error) {
	seen := map[id.ID]people.Dossier{}
	for _, row := range rows {
		if !row.Person.IsZero() {
			seen[row.Person] = people.Dossier{}
		}
	}
	list, err := a.people.Dossiers(ctx, v, slices.Collect(maps.Keys(seen)))
	if err != nil {
		return nil, err
	}
	clear(seen)
	for _, d := range list {
		seen[d.ID] = d
	}
	return seen, nil
}

// actionOptions are all actions there are words for, in alphabetical order of the words.
func (a *App) actionOptions(ctx context.Context, chosen string) []ui.Option {
	var out []ui.Option
	for _, key := range a.bundle.Keys(i18n.Lang(ctx)) {
		if action, ok := strings.CutPrefix(key, actionKey); ok {
			out = append(out, ui.Option{Value: action, Label: i18n.T(ctx, key), Selected: action == chosen})
		}
	}
	slices.SortFunc(out, func(x, y ui.Option) int { return strings.Compare(x.Label, y.Label) })
	return append([]ui.Option{{Label: i18n.T(ctx, "app.journal.all_actions")}}, out...)
}

func (v journalView) schoolOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "app.journal.all_associations")}}
	for _, one := range v.own {
		out = append(out, ui.Option{Value: one.Code, Label: one.Name, Selected: one.Code == v.school})
	}
	return out
}

func (v journalView) rows(ctx context.Context) (rows [][]ui.Cell) {
	for _, row := range v.list.Rows {
		rows = append(rows, []ui.Cell{
			{Text: wordsFor(ctx, row.Action, actionKey)}, {Text: i18n.DateTime(ctx, row.At)}, {Text: actorWords(ctx, row)},
			v.about(ctx, row), {Content: words(detailWords(ctx, row.Detail))},
		})
	}
	return rows
}

// about is whom or what an entry is about.
func (v journalView) about(ctx context.Context, row audit.Row) ui.Cell {
	school := ""
	if one, ok := v.associations.ByID(row.Association); ok {
		school = one.Name
	}
	d, ok := v.persons[row.Person]
	switch {
	case ok && d.CurrentLogin() != "":
		return ui.Cell{Text: d.Name(), URL: "/p/" + url.PathEscape(d.CurrentLogin())}
	case ok:
		return ui.Cell{Text: d.Name()}
	case !row.Person.IsZero():
		return ui.Cell{Text: i18n.T(ctx, "app.journal.somebody")}
	}
	return ui.Cell{Content: words(school)}
}

// actorWords names who acted; work without an account is the site's own.
func actorWords(ctx context.Context, row audit.Row) string {
	if !row.Account.IsZero() {
		return row.Actor
	}
	return i18n.T(ctx, "app.journal.by_site", i18n.Data{"Reason": wordsFor(ctx, row.Actor, "app.reason.")})
}

// wordsFor is a short name of the code in the visitor's language, where one of the families of keys has it.
func wordsFor(ctx context.Context, name string, families ...string) string {
	for _, family := range families {
		if words := i18n.T(ctx, family+name); words != family+name {
			return words
		}
	}
	return name
}

// valueFamilies are the keys under which the values of a detail have words.
func valueFamilies(detail string) []string {
	families := map[string][]string{
		"role": {"accounts.role."}, "kind": {"desk.kind.", "app.account_kind.", "people.kind."}, "reason": {"desk.reason."}, "field": {"desk.field."},
		"section": {"profile.section."}, "status": {"people.status."}, "on": {"subscriptions.kind."}, "off": {"subscriptions.kind."},
		"cause": {"bounces.cause."}, "mode": {"forwarding.mode."}, "strictness": {"forwarding.strictness."},
	}
	return append(families[detail], "app.value."+detail+".")
}

// detailWords lists what else was noted, in the order of its names; identifiers say nothing to people.
func detailWords(ctx context.Context, detail map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		value := valueWords(ctx, name, detail[name])
		if _, err := id.Parse(value); err == nil || value == "" {
			continue
		}
		parts = append(parts, i18n.T(ctx, "app.journal.detail", i18n.Data{"Name": wordsFor(ctx, name, "app.detail."), "Value": value}))
	}
	return strings.Join(parts, " · ")
}

// valueWords is the value of a detail as people write it; numbers come from JSON.
func valueWords(ctx context.Context, name string, value any) string {
	n, isNumber := value.(float64)
	text := fmt.Sprint(value)
	on, err := time.Parse(time.DateOnly, text)
	switch {
	case isNumber && name == "bytes":
		return bytesText(ctx, int64(n))
	case isNumber && name == "year":
		return strconv.Itoa(int(n))
	case isNumber:
		return i18n.Number(ctx, int(n))
	case err == nil:
		return i18n.Date(ctx, on)
	case value == true || value == false:
		return i18n.T(ctx, "app.value."+text)
	case name == "on" || name == "off": // several, one after another
		var each []string
		for one := range strings.FieldsSeq(text) {
			each = append(each, wordsFor(ctx, one, valueFamilies(name)...))
		}
		return strings.Join(each, ", ")
	}
	return wordsFor(ctx, text, valueFamilies(name)...)
}

// pageURL is the address of another page of the same list.
func (v journalView) pageURL(n int) string { return v.paging.URL(v.at, n) }
