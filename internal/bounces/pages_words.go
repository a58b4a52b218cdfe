package bounces

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/ui"
)

// helpSlug is the help page that explains these screens.
const helpSlug = "mes-emails"

// What the pages say, in the visitor's language.

// destinationName is a destination as people read it: of reports, the domain they are about.
func destinationName(ctx context.Context, destination string) string {
	switch domain, reported := strings.CutPrefix(destination, "@"); {
	case reported:
		return i18n.T(ctx, "bounces.reported_by", i18n.Data{"Domain": domain})
	case destination == "":
		return i18n.T(ctx, "bounces.nowhere")
	}
	return destination
}

// recordPath is the staff's record of a person.
func recordPath(person id.ID) string { return "/admin/personnes/" + person.String() }

func dateValue(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// crumbs lead back to the front of the back office, and from a page below to the list.
func crumbs(ctx context.Context, key string) []ui.Crumb {
	out := []ui.Crumb{{Label: i18n.T(ctx, "bounces.admin"), URL: "/admin"}}
	if key == "" {
		return append(out, ui.Crumb{Label: i18n.T(ctx, "bounces.title")})
	}
	return append(out, ui.Crumb{Label: i18n.T(ctx, "bounces.title"), URL: Path}, ui.Crumb{Label: i18n.T(ctx, key)})
}

func tabs(ctx context.Context, here string) []ui.Tab {
	var out []ui.Tab
	for _, t := range [][2]string{{Path, "bounces.tab.switches"}, {lostPath, "bounces.tab.lost"}, {claimsPath, "bounces.tab.claims"}, {hotPath, "bounces.tab.hot"}} {
		out = append(out, ui.Tab{Label: i18n.T(ctx, t[1]), URL: t[0], Current: t[0] == here})
	}
	return out
}

func schoolOptions(ctx context.Context, p listProps) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "bounces.filter.all")}}
	for _, a := range p.Schools {
		out = append(out, ui.Option{Value: a.ID.String(), Label: a.School, Selected: a.ID.String() == p.School})
	}
	return out
}

func causeOptions(ctx context.Context, chosen mail.Class) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "bounces.filter.all_causes")}}
	for _, c := range Causes() {
		out = append(out, ui.Option{Value: string(c), Label: i18n.T(ctx, causeMessage(c)), Selected: c == chosen})
	}
	return out
}

func destinationOptions(ctx context.Context, p dayProps) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "bounces.filter.all_destinations")}}
	for _, d := range p.Destinations {
		if d != "" {
			out = append(out, ui.Option{Value: d, Label: destinationName(ctx, d), Selected: d == p.Destination})
		}
	}
	return out
}

// evidence is what a verdict was made of.
func evidence(ctx context.Context, s Switch) string {
	return i18n.T(ctx, "bounces.evidence", i18n.Data{"Failures": i18n.N(ctx, "bounces.failures", s.Failures), "Days": i18n.N(ctx, "bounces.days", s.Days),
		"Since": i18n.Date(ctx, s.Since), "Destination": destinationName(ctx, s.Destination)})
}

func switchTable(ctx context.Context, p switchesProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.N(ctx, "bounces.count", p.Total), Columns: []ui.Column{
		{Label: i18n.T(ctx, "bounces.col.person")}, {Label: i18n.T(ctx, "bounces.col.address")}, {Label: i18n.T(ctx, "bounces.col.what")},
		{Label: i18n.T(ctx, "bounces.col.cause")}, {Label: i18n.T(ctx, "bounces.col.at")}, {Label: i18n.T(ctx, "bounces.col.state"), Bare: true}}}
	for _, s := range p.Switches {
		t.Rows = append(t.Rows, []ui.Cell{{Content: personCell(s, p.Names[s.PersonID])}, {Content: addressCell(s)}, {Text: i18n.T(ctx, s.What.Message())},
			{Content: causeCell(s)}, {Text: i18n.Date(ctx, s.At)}, {Content: stateCell(s)}})
	}
	return t
}

// dayWords say what taking a day back would do.
func dayWords(ctx context.Context, p dayProps) string {
	on, err := time.Parse(time.DateOnly, p.Day)
	if err != nil {
		return ""
	}
	where := i18n.T(ctx, "bounces.filter.all_destinations")
	if p.Destination != "" {
		where = destinationName(ctx, p.Destination)
	}
	return i18n.N(ctx, "bounces.day.words", p.N, i18n.Data{"Day": i18n.Date(ctx, on), "Destination": where})
}

// frozenWords say how a destination blamed us.
func frozenWords(ctx context.Context, d FrozenDay) string {
	return i18n.T(ctx, "bounces.hot.words", i18n.Data{"Destination": destinationName(ctx, d.Destination), "Day": i18n.Date(ctx, d.Day), "Blamed": i18n.Number(ctx, d.Reputation), "Answers": i18n.Number(ctx, d.Answers)})
}

// frozenSpan is which part of the day counts for nobody.
func frozenSpan(ctx context.Context, d FrozenDay) string {
	if d.Whole {
		return i18n.T(ctx, "bounces.hot.whole")
	}
	return i18n.N(ctx, "bounces.hot.hours", len(d.Hours), i18n.Data{"First": i18n.DateTime(ctx, d.Hours[0])})
}

func frozenTable(ctx context.Context, days []FrozenDay) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "bounces.hot.title"), Hide: true, Columns: []ui.Column{
		{Label: i18n.T(ctx, "bounces.col.destination")}, {Label: i18n.T(ctx, "bounces.col.day")}, {Label: i18n.T(ctx, "bounces.col.frozen")},
		{Label: i18n.T(ctx, "bounces.col.blamed"), Numeric: true}, {Label: i18n.T(ctx, "bounces.col.answers"), Numeric: true}}}
	for _, d := range days {
		t.Rows = append(t.Rows, []ui.Cell{{Text: destinationName(ctx, d.Destination)}, {Text: i18n.Date(ctx, d.Day)}, {Text: frozenSpan(ctx, d)},
			{Text: i18n.Number(ctx, d.Reputation)}, {Text: i18n.Number(ctx, d.Answers)}})
	}
	return t
}

func lostTable(ctx context.Context, p lostProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.N(ctx, "bounces.people", p.Total), Columns: []ui.Column{
		{Label: i18n.T(ctx, "bounces.col.person")}, {Label: i18n.T(ctx, "bounces.col.class")}, {Label: i18n.T(ctx, "bounces.col.last")},
		{Label: i18n.T(ctx, "bounces.col.cause")}, {Label: i18n.T(ctx, "bounces.col.since")}}}
	for i := range p.Lost {
		l := &p.Lost[i]
		t.Rows = append(t.Rows, []ui.Cell{{Text: l.Name(), URL: recordPath(l.ID)}, {Text: classes(p.Schools, l.Degrees)}, {Text: Mask(l.Address)},
			{Text: i18n.T(ctx, causeMessage(mail.Class(l.Cause)))}, {Text: i18n.Date(ctx, l.At)}})
	}
	return t
}

// classes are schools and years, of the schools that the viewer works for.
func classes(schools people.Associations, list []people.Degree) string {
	var out []string
	for _, g := range list {
		if a, ok := schools.ByID(g.AssociationID); ok {
			out = append(out, strings.TrimSpace(a.School+" "+year(g.ClassYear)))
		}
	}
	return strings.Join(out, ", ")
}

func claimTable(ctx context.Context, p claimsProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.N(ctx, "bounces.claims.count", p.Total), Columns: []ui.Column{
		{Label: i18n.T(ctx, "bounces.col.person")}, {Label: i18n.T(ctx, "bounces.col.address")}, {Label: i18n.T(ctx, "bounces.col.came_back")},
		{Label: i18n.T(ctx, "bounces.col.reporter")}, {Label: i18n.T(ctx, "bounces.col.words")}, {Label: i18n.T(ctx, "bounces.col.warned")}}}
	for _, c := range p.Claims {
		address := i18n.T(ctx, "bounces.what.forwarding")
		if c.Address != "" {
			address = Mask(c.Address)
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: c.Name, URL: recordPath(c.PersonID)}, {Text: address}, {Text: i18n.Date(ctx, c.Day)}, {Text: c.Reporter},
			{Text: c.Words}, {Text: i18n.N(ctx, "bounces.claims.warned", c.Warned)}})
	}
	return t
}

// troubleWords say what is the matter with an address, and what was done.
func troubleWords(ctx context.Context, t Trouble) string {
	return i18n.T(ctx, "bounces.notice.text", i18n.Data{"Since": i18n.Date(ctx, t.Since), "Cause": t.Cause, "Now": t.Now, "Moved": t.Preferred,
		"Forwarded": t.Forwarded, "Waits": t.Waits})
}

// recordFacts are somebody's broken addresses, each with its cause, since when, and what came of it.
func recordFacts(ctx context.Context, list []Trouble) []ui.Fact {
	var out []ui.Fact
	for _, t := range list {
		note := []string{i18n.T(ctx, "bounces.record.since", i18n.Data{"Since": i18n.Date(ctx, t.Since)})}
		switch {
		case t.Now == "":
			note = append(note, i18n.T(ctx, "bounces.took_none"))
		case t.Preferred:
			note = append(note, i18n.T(ctx, "bounces.took", i18n.Data{"Address": t.Now}))
		}
		switch {
		case t.Waits:
			note = append(note, i18n.T(ctx, "bounces.record.waits"))
		case t.Forwarded:
			note = append(note, i18n.T(ctx, "bounces.record.forwarded"))
		}
		out = append(out, ui.Fact{Term: t.Contact.Value, Text: i18n.T(ctx, causeMessage(mail.Class(t.Cause))), Note: strings.Join(note, " · ")})
	}
	return out
}

func offerOptions(ctx context.Context, p claimProps) []ui.Option {
	var out []ui.Option
	for _, c := range p.Emails {
		out = append(out, ui.Option{Value: c.ID.String(), Label: c.Value, Selected: p.Which == c.ID.String()})
	}
	if p.Lifetime != "" {
		out = append(out, ui.Option{Value: byLifetime, Label: p.Lifetime, Hint: i18n.T(ctx, "bounces.claim.lifetime"), Selected: p.Which == byLifetime})
	}
	return out
}

func mailto(c people.ContactPoint) string { return "mailto:" + url.PathEscape(c.Value) }

func year(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// noneText is why a list is empty.
func noneText(ctx context.Context, p switchesProps) string {
	if p.Filter == (Filter{}) && p.School == "" {
		return i18n.T(ctx, "bounces.none_at_all")
	}
	return i18n.T(ctx, "bounces.none_text")
}
