package app

import (
	"context"
	"time"

	"amicale/internal/domains"
	"amicale/internal/i18n"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// mailTabs are the pages about mail, for who may see more than one.
func mailTabs(r *web.Request) []ui.Tab {
	if !r.Viewer.IsFederationAdmin() {
		return nil
	}
	here := r.URL.Path == leavingPath
	return []ui.Tab{{Label: r.T("app.mail.domains"), URL: mailPath, Current: !here}, {Label: r.T("app.leaving"), URL: leavingPath, Current: here}}
}

func (v domainView) path() string { return mailPath + "/" + v.Domain }

func domainCrumbs(ctx context.Context, domain string) []ui.Crumb {
	list := adminCrumbs(ctx, "app.admin.mail")
	list[len(list)-1].URL = mailPath
	return append(list, ui.Crumb{Label: domain})
}

func domainRows(ctx context.Context, list []domainView) (rows [][]ui.Cell) {
	for _, v := range list {
		rows = append(rows, []ui.Cell{{Text: v.Domain, URL: v.path()}, {Text: v.name}, {Content: ui.Badge(v.badge(ctx))}, {Text: v.checked(ctx)}})
	}
	return rows
}

// recordName is a DNS record as one says it.
func recordName(f domains.Finding) string { return f.Type + " " + f.Name }

func doneRows(ctx context.Context, list []domains.Finding) (rows [][]ui.Cell) {
	for _, f := range list {
		rows = append(rows, []ui.Cell{{Text: recordName(f)}, {Text: f.Says(ctx)}, {Content: lines(f.Found)}})
	}
	return rows
}

// findingFacts are what to type into a provider's form, and what stands there.
func findingFacts(ctx context.Context, f domains.Finding) (out []ui.Fact) {
	if f.Wanted != "" {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "app.mail.name"), Content: copied(f.Name)}, ui.Fact{Term: i18n.T(ctx, "app.mail.value"), Content: copied(f.Wanted)})
	}
	if len(f.Found) > 0 {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "app.mail.found"), Content: lines(f.Found)})
	}
	return out
}

func keyFacts(ctx context.Context, list []domains.Key) (out []ui.Fact) {
	for _, k := range list {
		out = append(out, ui.Fact{Term: k.Selector, Text: keyState(ctx, k)})
	}
	return out
}

// badge says in a word how a domain stands.
func (v domainView) badge(ctx context.Context) ui.BadgeProps {
	n := v.report.Count()
	switch {
	case v.running:
		return ui.BadgeProps{Text: i18n.T(ctx, "app.mail.busy"), Tone: ui.Info}
	case v.report.At.IsZero():
		return ui.BadgeProps{Text: i18n.T(ctx, "app.mail.never")}
	case n > 0:
		return ui.BadgeProps{Text: i18n.N(ctx, "app.mail.bad", n), Tone: ui.Warning, Icon: "warning"}
	}
	return ui.BadgeProps{Text: i18n.T(ctx, "app.mail.good"), Tone: ui.Success, Icon: "check"}
}

// checked is when the DNS was last asked.
func (v domainView) checked(ctx context.Context) string {
	if v.report.At.IsZero() {
		return "–"
	}
	return i18n.DateTime(ctx, v.report.At)
}

func severityBadge(ctx context.Context, s domains.Severity) ui.BadgeProps {
	b := ui.BadgeProps{Text: i18n.T(ctx, "domains.severity."+string(s))}
	switch s {
	case domains.OK:
		b.Tone, b.Icon = ui.Success, "check"
	case domains.Advice:
		b.Tone = ui.Info
	case domains.Missing, domains.Wrong:
		b.Tone, b.Icon = ui.Warning, "warning"
	}
	return b
}

// split are the findings about a topic: those that want something, and those in order.
func (v domainView) split(t domains.Topic) (open, done []domains.Finding) {
	for _, f := range v.report.About(t) {
		if f.Severity == domains.OK {
			done = append(done, f)
		} else {
			open = append(open, f)
		}
	}
	return open, done
}

// keyState says what a key does, with the day since when.
func keyState(ctx context.Context, k domains.Key) string {
	key, at := "app.mail.key_signs", k.CreatedAt
	switch {
	case k.Waits():
		key = "app.mail.key_waits"
	case !k.Active:
		key, at = "app.mail.key_retired", k.RetiredAt
	}
	return i18n.T(ctx, key, i18n.Data{"Date": i18n.Date(ctx, at.In(time.UTC))})
}

// keysOf are a sender's.
func (v domainView) keysOf(s domains.Sender) (out []domains.Key, waits bool) {
	for _, k := range v.keys {
		if k.Sender == s {
			out = append(out, k)
			waits = waits || k.Waits()
		}
	}
	return out, waits
}
