package subscriptions

import (
	"context"

	"amicale/internal/i18n"
	"amicale/internal/ui"
)

// clickFunc is what a click in a letter does.
type clickFunc func(ctx context.Context, l Letter) error

func trail(ctx context.Context) []ui.Crumb {
	return []ui.Crumb{{Label: i18n.T(ctx, "subscriptions.crumb.me"), URL: "/moi"}, {Label: i18n.T(ctx, "subscriptions.crumb.settings"), URL: "/moi/parametres"},
		{Label: i18n.T(ctx, "subscriptions.title")}}
}

// ticked is whether a switch stands on: as it was ticked where the form was refused, else as the rule has it.
func (p pageProps) ticked(c Cell) bool {
	if on, ok := p.Typed[c]; ok {
		return on
	}
	return p.Standing.Subscribed(c.Sender, c.Kind)
}

// was is the hidden companion of a switch: how it stood when the page was shown.
func (p pageProps) was(c Cell) string {
	if p.Standing.Subscribed(c.Sender, c.Kind) {
		return cellValue(c) + ".on"
	}
	return cellValue(c) + ".off"
}

// why is what a switch that is off says beside itself; "" when the person turned it off here himself.
func (p pageProps) why(ctx context.Context, c Cell) string {
	if p.Standing.Subscribed(c.Sender, c.Kind) {
		return ""
	}
	origin, at := p.Standing.refusal(c)
	if origin == ByPerson {
		return ""
	}
	return i18n.T(ctx, "subscriptions.why."+string(origin), i18n.Data{"Date": i18n.Date(ctx, at)})
}

// fromLists reports whether a refusal of an older list still holds anywhere.
func (p pageProps) fromLists() bool {
	for _, s := range p.Senders {
		for _, k := range Kinds() {
			if !p.Standing.listed(s.ID, k).IsZero() {
				return true
			}
		}
	}
	return false
}

func (p pageProps) pausedUntil(ctx context.Context) string {
	return i18n.Date(ctx, p.Standing.PausedUntil(p.now()))
}

// grid is the table of switches: a row a kind, a column a sender.
func (p pageProps) grid(ctx context.Context) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "subscriptions.grid"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "subscriptions.what")}}}
	for _, s := range p.Senders {
		t.Columns = append(t.Columns, ui.Column{Label: s.Name})
	}
	for _, k := range Kinds() {
		row := []ui.Cell{{Content: kindCell(k)}}
		for _, s := range p.Senders {
			row = append(row, ui.Cell{Content: toggle(p, s, k)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// shortcuts are all or nothing, by sender.
func (p pageProps) shortcuts() []ui.Fact {
	var out []ui.Fact
	for _, s := range p.Senders {
		out = append(out, ui.Fact{Term: s.Name, Content: shortcut(s)})
	}
	return out
}

// always are the letters that no subscription stops.
func always(ctx context.Context) []string {
	var out []string
	for _, what := range []string{"signin", "account", "answers", "dues"} {
		out = append(out, i18n.T(ctx, "subscriptions.always."+what))
	}
	return out
}

// past is the history as a table.
func (p pageProps) past(ctx context.Context) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "subscriptions.history.title"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "subscriptions.history.when")},
		{Label: i18n.T(ctx, "subscriptions.history.what")}, {Label: i18n.T(ctx, "subscriptions.history.said")}, {Label: i18n.T(ctx, "subscriptions.history.origin")},
		{Label: i18n.T(ctx, "subscriptions.history.basis")}}}
	for _, e := range p.Events {
		t.Rows = append(t.Rows, []ui.Cell{{Text: i18n.DateTime(ctx, e.At)}, {Text: p.eventWhat(ctx, e)}, {Text: eventSaid(ctx, e)}, {Text: eventOrigin(ctx, e)},
			{Text: i18n.T(ctx, "subscriptions.basis."+string(e.Basis))}})
	}
	return t
}

func (p pageProps) eventWhat(ctx context.Context, e Event) string {
	switch {
	case e.Pause():
		return i18n.T(ctx, "subscriptions.event.everything")
	case e.List != "":
		return i18n.T(ctx, "subscriptions.event."+e.List)
	}
	for _, s := range p.Senders {
		if s.ID == e.Sender {
			return i18n.T(ctx, "subscriptions.event.one", i18n.Data{"Kind": i18n.T(ctx, e.Kind.Message()), "Sender": s.Name})
		}
	}
	return i18n.T(ctx, e.Kind.Message()) // of a sender he no longer belongs to
}

func eventSaid(ctx context.Context, e Event) string {
	switch {
	case e.Pause() && !e.Wants:
		return i18n.T(ctx, "subscriptions.event.paused", i18n.Data{"Date": i18n.Date(ctx, e.UntilAt)})
	case e.Pause():
		return i18n.T(ctx, "subscriptions.event.resumed")
	case e.Wants:
		return i18n.T(ctx, "subscriptions.event.yes")
	}
	return i18n.T(ctx, "subscriptions.event.no")
}

func eventOrigin(ctx context.Context, e Event) string {
	text := i18n.T(ctx, "subscriptions.origin."+string(e.Origin))
	if e.Whence != "" && e.Whence != string(ByImport) {
		text += " (" + e.Whence + ")"
	}
	return text
}

// state is which of its words the page behind a link says: "ask", "left", "gone", "back" or "kept".
func (p linkProps) state() string {
	switch {
	case p.Wants && p.Done == "back":
		return "back"
	case p.Wants:
		return "ask"
	case p.Done == "left":
		return "left"
	case p.Done == "back":
		return "kept"
	}
	return "gone"
}

func (p linkProps) title(ctx context.Context) string {
	return i18n.T(ctx, "subscriptions.link."+p.state()+".title")
}

// lead says it in whole words, without who the person is.
func (p linkProps) lead(ctx context.Context) string {
	sender := p.Sender
	if sender == "" {
		sender = i18n.T(ctx, "subscriptions.link.somebody")
	}
	return i18n.T(ctx, "subscriptions.link."+p.state()+".lead", i18n.Data{"Sender": sender, "Kind": i18n.T(ctx, p.Kind.Message())})
}
