package registry

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
)

// What the pages say of records, in the visitor's language.

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func fieldID(path, about, field string) string {
	return "f-" + strings.ReplaceAll(path, "/", "-") + "-" + about + "-" + field
}

// summary lists what is wrong with a form, each leading to its field.
func summary(msgs map[string]string, path, about string, fields ...string) []ui.FieldError {
	var out []ui.FieldError
	for _, field := range fields {
		if m := msgs[field]; m != "" {
			out = append(out, ui.FieldError{ID: fieldID(path, about, field), Message: m})
		}
	}
	return out
}

func schoolName(schools people.Associations, a id.ID) string {
	one, _ := schools.ByID(a)
	return one.School
}

func degreeText(ctx context.Context, schools people.Associations, g people.Degree) string {
	parts := []string{schoolName(schools, g.AssociationID), number(g.ClassYear), i18n.T(ctx, g.Diploma.Message()), g.Department}
	if g.StudyYear > 0 {
		parts = append(parts, i18n.T(ctx, "people.study_year", i18n.Data{"Year": g.StudyYear}))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func degreesText(ctx context.Context, schools people.Associations, list []people.Degree) string {
	var out []string
	for _, g := range list {
		out = append(out, strings.TrimSpace(schoolName(schools, g.AssociationID)+" "+number(g.ClassYear)))
	}
	return strings.Join(out, ", ")
}

func foundTable(ctx context.Context, p listProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "registry.found"), Hide: true, Columns: []ui.Column{
		{Label: i18n.T(ctx, "registry.name")}, {Label: i18n.T(ctx, "registry.degrees")},
		{Label: i18n.T(ctx, "registry.login")}, {Label: i18n.T(ctx, "registry.account")}}}
	for i := range p.Found {
		d := &p.Found[i]
		t.Rows = append(t.Rows, []ui.Cell{{Content: foundName(d)}, {Text: degreesText(ctx, p.Schools, d.Degrees)}, {Content: words(d.CurrentLogin())}, {Content: accountBadge(d.Person)}})
	}
	return t
}

func nameOf(ctx context.Context, d *people.Dossier) string {
	if d.Name() == "" {
		return i18n.T(ctx, "registry.nameless")
	}
	return d.Name()
}

// origin is where something came from, in words where there are some.
func origin(ctx context.Context, o string) string {
	key := "registry.origin." + strings.ReplaceAll(o, " ", "_")
	if s := i18n.T(ctx, key); s != key {
		return s
	}
	return o
}

func identityFacts(ctx context.Context, p recordProps) []ui.Fact {
	birth := i18n.Date(ctx, p.BirthDate)
	if birth == "" {
		birth = number(p.BirthYear)
	}
	return facts(
		ui.Fact{Term: i18n.T(ctx, "registry.civility"), Text: i18n.T(ctx, people.CivilityMessage(p.Civility))},
		ui.Fact{Term: i18n.T(ctx, "registry.first_name"), Text: p.FirstName},
		ui.Fact{Term: i18n.T(ctx, "registry.first_names"), Text: p.FirstNames},
		ui.Fact{Term: i18n.T(ctx, "registry.birth_surname"), Text: p.BirthSurname},
		ui.Fact{Term: i18n.T(ctx, "registry.usage_surname"), Text: p.UsageSurname},
		ui.Fact{Term: i18n.T(ctx, "registry.birth_date"), Text: birth},
		ui.Fact{Term: i18n.T(ctx, "registry.status"), Text: i18n.T(ctx, p.Status.Message()), Note: i18n.Date(ctx, p.DeceasedOn)},
		ui.Fact{Term: i18n.T(ctx, "registry.headline"), Text: p.Headline},
		ui.Fact{Term: i18n.T(ctx, "registry.presentation"), Text: p.Presentation},
	)
}

// facts are those that say something.
func facts(list ...ui.Fact) []ui.Fact {
	return slices.DeleteFunc(list, func(f ui.Fact) bool { return f.Text == "" && f.Content == nil })
}

func contactText(c people.ContactPoint) string {
	if c.Kind != people.Postal {
		return c.Value
	}
	parts := slices.DeleteFunc([]string{c.Street, strings.TrimSpace(c.Postcode + " " + c.City), c.Country}, func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

// contactNote is where a contact point came from, who sees it, whether it was confirmed, and whether it works.
func contactNote(ctx context.Context, c people.ContactPoint) string {
	parts := []string{i18n.T(ctx, c.Purpose.Message()), origin(ctx, c.Origin), i18n.T(ctx, people.AudienceMessage(c.Audience))}
	if c.Kind == people.Email {
		confirmed := i18n.T(ctx, "registry.unconfirmed")
		if !c.ConfirmedAt.IsZero() {
			confirmed = i18n.T(ctx, "registry.confirmed", i18n.Data{"When": i18n.Date(ctx, c.ConfirmedAt)})
		}
		parts = append(parts, confirmed)
	}
	if !c.BrokenAt.IsZero() {
		parts = append(parts, i18n.T(ctx, "registry.broken", i18n.Data{"When": i18n.Date(ctx, c.BrokenAt)}))
	}
	if c.Preferred {
		parts = append(parts, i18n.T(ctx, "registry.preferred"))
	}
	if !c.ValidFrom.IsZero() || !c.ValidTo.IsZero() {
		parts = append(parts, i18n.Date(ctx, c.ValidFrom)+" – "+i18n.Date(ctx, c.ValidTo))
	}
	return strings.Join(parts, " · ")
}

func membershipTable(ctx context.Context, p recordProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "registry.memberships"), Hide: true, Columns: []ui.Column{
		{Label: i18n.T(ctx, "registry.association")}, {Label: i18n.T(ctx, "registry.from")}, {Label: i18n.T(ctx, "registry.to")}, {Label: i18n.T(ctx, "registry.source")}}}
	for _, m := range slices.Backward(p.Memberships) {
		t.Rows = append(t.Rows, []ui.Cell{{Text: schoolName(p.Schools, m.AssociationID)}, {Text: i18n.Date(ctx, m.StartsOn)}, {Text: i18n.Date(ctx, m.EndsOn)}, {Text: origin(ctx, m.Origin)}})
	}
	return t
}

// originFacts are what the base knows besides: logins, identifiers of older systems, consents, redirects, notes.
func originFacts(ctx context.Context, p recordProps) []ui.Fact {
	var out []ui.Fact
	for _, l := range p.Logins {
		note := origin(ctx, l.Origin)
		if l.Current {
			note = i18n.T(ctx, "registry.current") + " · " + note
		}
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.login"), Text: l.Login, Note: note})
	}
	for _, l := range p.LegacyIDs {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.legacy", i18n.Data{"Source": l.Source}), Text: l.Value})
	}
	for _, c := range p.Consents {
		word := "registry.refused"
		if c.Granted {
			word = "registry.granted"
		}
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.consent", i18n.Data{"Kind": c.Kind}), Text: i18n.T(ctx, word), Note: i18n.Date(ctx, c.At) + " · " + origin(ctx, c.Origin)})
	}
	for _, r := range p.Redirects {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.redirect"), Text: r})
	}
	for _, column := range sortedKeys(p.Note) {
		out = append(out, ui.Fact{Term: column, Text: p.Note[column], Note: i18n.T(ctx, "registry.note")})
	}
	return facts(out...)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func trailMoments(ctx context.Context, p recordProps) []ui.Moment {
	var out []ui.Moment
	for _, r := range p.Trail {
		title := r.Action
		if p.ActionKey != nil {
			if key := p.ActionKey(r.Action); i18n.T(ctx, key) != key {
				title = i18n.T(ctx, key)
			}
		}
		who := r.Actor
		if r.Account.IsZero() {
			who = i18n.T(ctx, "registry.machine")
		}
		out = append(out, ui.Moment{When: i18n.DateTime(ctx, r.At), Title: title, Text: who})
	}
	return out
}

func schoolOptions(ctx context.Context, list people.Associations, chosen string) []ui.Option {
	var out []ui.Option
	if len(list) != 1 {
		out = append(out, ui.Option{Label: i18n.T(ctx, "registry.choose"), Selected: chosen == ""})
	}
	for _, a := range list {
		out = append(out, ui.Option{Value: a.ID.String(), Label: a.School, Selected: a.ID.String() == chosen})
	}
	return out
}

// choices are options whose labels are messages.
func choices[T ~string](ctx context.Context, list []T, chosen string, key func(T) string) []ui.Option {
	var out []ui.Option
	for _, v := range list {
		out = append(out, ui.Option{Value: string(v), Label: i18n.T(ctx, key(v)), Selected: string(v) == chosen})
	}
	return out
}

func purposes(k people.ContactKind) []people.Purpose {
	if k == people.Postal {
		return []people.Purpose{people.Personal, people.Professional, people.Temporary}
	}
	return []people.Purpose{people.Personal, people.Professional}
}

// emails are the addresses a link can go to.
func emails(p recordProps) []ui.Option {
	var out []ui.Option
	for _, c := range p.Contacts {
		if c.Kind == people.Email {
			out = append(out, ui.Option{Value: c.Value, Label: c.Value, Selected: c.Preferred})
		}
	}
	return out
}

func profilePath(d *people.Dossier) string {
	if login := d.CurrentLogin(); login != "" {
		return "/p/" + login
	}
	return ""
}

// audiences are those that the staff may choose for somebody's contact point.
func audiences(ctx context.Context, held, chosen viewer.Audience) []ui.Option {
	return choices(ctx, viewer.NoWider(held), string(chosen), people.AudienceMessage)
}

// mergeFacts is a record in short, beside another.
func mergeFacts(ctx context.Context, d *people.Dossier, schools people.Associations) []ui.Fact {
	out := []ui.Fact{
		{Term: i18n.T(ctx, "registry.first_names"), Text: d.FirstNames},
		{Term: i18n.T(ctx, "registry.birth_surname"), Text: d.BirthSurname},
		{Term: i18n.T(ctx, "registry.usage_surname"), Text: d.UsageSurname},
		{Term: i18n.T(ctx, "registry.birth_date"), Text: i18n.Date(ctx, d.BirthDate)},
		{Term: i18n.T(ctx, "registry.status"), Text: i18n.T(ctx, d.Status.Message())},
	}
	for _, g := range d.Degrees {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.degree"), Text: degreeText(ctx, schools, g)})
	}
	for _, l := range d.Logins {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.login"), Text: l.Login})
	}
	for _, c := range d.Contacts {
		out = append(out, ui.Fact{Term: i18n.T(ctx, c.Kind.Message()), Text: contactText(c)})
	}
	if d.Activated() {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "registry.account"), Text: i18n.T(ctx, "registry.activated", i18n.Data{"When": i18n.Date(ctx, d.ActivatedAt)})})
	}
	return facts(out...)
}

func inputType(k people.ContactKind) ui.FieldType {
	if k == people.Phone {
		return ui.PhoneField
	}
	return ui.EmailField
}

func noneActions(ctx context.Context, p listProps) []ui.LinkButtonProps {
	if !p.MayAdd {
		return nil
	}
	return []ui.LinkButtonProps{{Label: i18n.T(ctx, "registry.new"), URL: p.newPath(), Icon: "plus"}}
}

// keepLabel tells two records of the same name apart.
func keepLabel(ctx context.Context, d *people.Dossier) string {
	if login := d.CurrentLogin(); login != "" {
		return nameOf(ctx, d) + " · " + login
	}
	return nameOf(ctx, d) + " · " + i18n.Date(ctx, d.CreatedAt)
}

func mergeErrors(p mergeProps) []ui.FieldError { return ui.FieldErrors(p.Errors, "avec", "sure") }
