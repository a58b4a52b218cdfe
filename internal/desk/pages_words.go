package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/audit"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
)

// What the desk's pages say of cases and people, in the visitor's language.

func ageText(ctx context.Context, c Case, now time.Time) string {
	days := int(now.Sub(c.WaitingSince) / day)
	if days < 1 {
		return i18n.T(ctx, "desk.today")
	}
	return i18n.T(ctx, "desk.since", i18n.Data{"Days": i18n.N(ctx, "desk.days", days)})
}

// ageIcon says what the colour says, for those who do not see it.
func ageIcon(c Case, now time.Time) string {
	if AlarmAt(now.Sub(c.WaitingSince)) >= secondAlarm {
		return "warning"
	}
	return ""
}

func caseTable(ctx context.Context, p listProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "desk.cases"), Hide: true, Columns: []ui.Column{
		{Label: i18n.T(ctx, "desk.who")}, {Label: i18n.T(ctx, "desk.what")}, {Label: i18n.T(ctx, "desk.field.school")},
		{Label: i18n.T(ctx, "desk.state")}, {Label: i18n.T(ctx, "desk.assignee")}}}
	for _, c := range p.Cases {
		t.Rows = append(t.Rows, []ui.Cell{{Content: caseName(c)}, {Text: i18n.T(ctx, c.Kind.Message())}, {Text: deskName(ctx, p.Schools, c.AssociationID)},
			{Content: caseState(c, p.Now)}, {Text: c.Assignee}})
	}
	return t
}

// deskName is the school on whose desk a case stands.
func deskName(ctx context.Context, schools people.Associations, association id.ID) string {
	if association.IsZero() {
		return i18n.T(ctx, "desk.federation")
	}
	return schoolName(schools, association)
}

func schoolName(schools people.Associations, association id.ID) string {
	a, _ := schools.ByID(association)
	return a.School
}

func caseFacts(ctx context.Context, p caseProps) []ui.Fact {
	facts := []ui.Fact{
		{Term: i18n.T(ctx, "desk.at_desk"), Text: deskName(ctx, p.Schools, p.AssociationID)},
		{Term: i18n.T(ctx, "desk.opened"), Text: i18n.DateTime(ctx, p.OpenedAt)},
	}
	if p.Assignee != "" {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "desk.assignee"), Text: p.Assignee, Note: i18n.DateTime(ctx, p.AssignedAt)})
	}
	if p.Times > 1 {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "desk.asked_times"), Text: i18n.N(ctx, "desk.times", p.Times)})
	}
	return facts
}

func takePath(p caseProps) string {
	if p.AssigneeID == p.Me {
		return "laisser"
	}
	return "prendre"
}

func takeLabel(p caseProps) string {
	if p.AssigneeID == p.Me {
		return "desk.leave"
	}
	return "desk.take"
}

func fieldLabel(ctx context.Context, field string) string {
	key := "desk.field." + field
	if s := i18n.T(ctx, key); s != key {
		return s
	}
	return field
}

// shownValue is a value as people read it: codes of diplomas and the like are no words.
func shownValue(ctx context.Context, field, value string) string {
	key := ""
	switch field {
	case "diploma":
		key = people.Diploma(value).Message()
	case "status":
		if status, died, ok := parseStatus(value); ok {
			return strings.TrimSpace(i18n.T(ctx, status.Message()) + " " + i18n.Date(ctx, died))
		}
	case "civility":
		key = people.CivilityMessage(value)
	case "birth_date":
		if t, err := time.Parse(time.DateOnly, value); err == nil {
			return i18n.Date(ctx, t)
		}
	}
	if key != "" {
		if s := i18n.T(ctx, key); s != key {
			return s
		}
	}
	if value == "" {
		return "–"
	}
	return value
}

// shownField is shownValue with the schools' names in place of their codes.
func (p caseProps) shownField(ctx context.Context, field, value string) string {
	if a, ok := p.Schools.ByCode(value); ok && field == "school" {
		return a.School
	}
	return shownValue(ctx, field, value)
}

func claimFacts(ctx context.Context, p caseProps) []ui.Fact {
	var facts []ui.Fact
	for _, f := range []struct{ field, value string }{
		{"first_name", p.Claim.FirstName}, {"surname", p.Claim.Surname}, {"birth_surname", p.Claim.BirthSurname}, {"school", p.Claim.School}, {"year", yearText(p.Claim.Year)},
		{"diploma", string(p.Claim.Diploma)}, {"department", p.Claim.Department}, {"email", p.Claim.Email}, {"phone", p.Claim.Phone}, {"words", p.Claim.Words},
	} {
		if f.value != "" {
			facts = append(facts, ui.Fact{Term: fieldLabel(ctx, f.field), Text: p.shownField(ctx, f.field, f.value)})
		}
	}
	return facts
}

// matchTable is what was claimed beside what the base holds.
func matchTable(ctx context.Context, p caseProps, m Match) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "desk.compare", i18n.Data{"Name": m.Dossier.Name()}), Hide: true, Columns: []ui.Column{
		{Label: i18n.T(ctx, "desk.field_name")}, {Label: i18n.T(ctx, "desk.claimed")}, {Label: i18n.T(ctx, "desk.in_base")}}}
	for _, c := range m.Lines {
		if c.Claimed == "" && len(c.Held) == 0 {
			continue
		}
		held := make([]string, len(c.Held))
		for i, h := range c.Held {
			held[i] = p.shownField(ctx, c.Field, h)
		}
		claimed := ""
		if c.Claimed != "" {
			claimed = p.shownField(ctx, c.Field, c.Claimed)
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: fieldLabel(ctx, c.Field)}, {Content: words(claimed)}, {Content: heldCell(held, c)}})
	}
	return t
}

// matchTitle names a candidate whose comparison is folded away.
func matchTitle(ctx context.Context, p caseProps, m Match) string {
	parts := []string{m.Dossier.Name()}
	for _, g := range m.Dossier.Degrees {
		parts = append(parts, strings.TrimSpace(schoolName(p.Schools, g.AssociationID)+" "+yearText(g.ClassYear)))
	}
	return strings.Join(parts, " · ")
}

// foremost reports whether a candidate is shown at once: the likeliest, and whoever comes close to him.
func (p caseProps) foremost(i int) bool {
	return i == 0 || i < 3 && !p.Matches[0].Linked && p.Matches[i].Score >= p.Matches[0].Score-2
}

func kindLabel(ctx context.Context, p listProps, k Kind) string {
	label := i18n.T(ctx, k.Message())
	if n := p.count(k); n > 0 && p.state() == "" {
		label += " (" + i18n.Number(ctx, n) + ")"
	}
	return label
}

// personFacts is what the base holds of somebody, in short.
func personFacts(ctx context.Context, d people.Dossier, schools people.Associations) []ui.Fact {
	var facts []ui.Fact
	add := func(key, text string) {
		if text != "" {
			facts = append(facts, ui.Fact{Term: i18n.T(ctx, key), Text: text})
		}
	}
	add("desk.field.first_names", d.FirstNames)
	if d.BirthSurname != d.Surname() {
		add("desk.field.birth_surname", d.BirthSurname)
	}
	add("desk.field.birth_date", i18n.Date(ctx, d.BirthDate))
	for _, g := range d.Degrees {
		parts := []string{schoolName(schools, g.AssociationID), yearText(g.ClassYear), i18n.T(ctx, g.Diploma.Message()), g.Department}
		add("desk.field.degree", strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · "))
	}
	for _, l := range d.Logins {
		add("desk.field.login", l.Login)
	}
	for _, c := range d.Contacts {
		text := c.Value
		if c.Kind == people.Postal {
			text = strings.TrimSpace(c.Postcode + " " + c.City)
		}
		add(c.Kind.Message(), text)
	}
	if d.Activated() {
		add("desk.activated", i18n.Date(ctx, d.ActivatedAt))
	}
	return facts
}

// trailMoments is who did what, the latest first.
func trailMoments(ctx context.Context, rows []audit.Row) []ui.Moment {
	var out []ui.Moment
	for _, r := range rows {
		if r.Action == viewedRecord {
			continue // it stands in the trail of the person
		}
		key := "desk.trail." + r.Action
		title := i18n.T(ctx, key)
		if title == key {
			title = r.Action
		}
		who := r.Actor
		if r.Account.IsZero() {
			who = i18n.T(ctx, "desk.machine")
		}
		out = append(out, ui.Moment{When: i18n.DateTime(ctx, r.At), Title: title, Text: who})
	}
	return out
}

// emailFor is the address in a candidate's form: as typed where that was refused, else the one claimed.
func (p caseProps) emailFor(m Match) string {
	if p.Refused.path == "lien" && p.Refused.person == m.Dossier.ID {
		return p.Refused.typed.Email
	}
	return p.Claim.Email
}

// errsFor is what is wrong with an action about one of several candidates.
func (p caseProps) errsFor(m Match, path string) map[string]string {
	if p.Refused.person == m.Dossier.ID {
		return p.errs(path)
	}
	return nil
}

func matchFieldID(name string, i int) string { return "f-" + name + "-" + versionText(i) }

// firstPrimary makes the likeliest candidate's button the page's primary one.
func firstPrimary(i int) ui.Kind {
	if i == 0 {
		return ui.Primary
	}
	return ui.Secondary
}

func fileName(ctx context.Context, source string) string {
	if source == "" {
		return i18n.T(ctx, "desk.in_file")
	}
	return source
}

func schoolTabs(p replyProps) []ui.Tab {
	var tabs []ui.Tab
	for _, a := range p.Schools {
		tabs = append(tabs, ui.Tab{Label: a.School, URL: repliesPath + "?ecole=" + a.Code, Current: a.ID == p.School.ID})
	}
	return tabs
}

// newReply is the form of an answer to be added, as typed where that was refused.
func newReply(p replyProps) Reply {
	if p.adding() {
		return p.Typed
	}
	return Reply{Purpose: ToAsk, Lang: "fr"}
}

func newErrors(p replyProps) map[string]string {
	if p.adding() {
		return p.Errors
	}
	return nil
}
