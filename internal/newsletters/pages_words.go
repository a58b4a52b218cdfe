package newsletters

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/newsletters/segments"
	"amicale/internal/people"
	"amicale/internal/ui"
)

// trail is the way from the front of the back office; without more it ends at the list.
func trail(ctx context.Context, more ...ui.Crumb) []ui.Crumb {
	list := ui.Crumb{Label: i18n.T(ctx, "newsletters.title"), URL: Path}
	if len(more) == 0 {
		list.URL = ""
	}
	return append([]ui.Crumb{{Label: i18n.T(ctx, "newsletters.admin"), URL: "/admin"}, list}, more...)
}

// crumbs lead to a page of a campaign.
func crumbs(ctx context.Context, c Campaign, last string) []ui.Crumb {
	return trail(ctx, ui.Crumb{Label: c.Title, URL: campaignPath(c.ID)}, ui.Crumb{Label: i18n.T(ctx, last)})
}

// tabs are the steps of a draft, or what there is of a letter that leaves.
func tabs(ctx context.Context, c Campaign, current string) []ui.Tab {
	steps := []struct{ path, label string }{{"", "newsletters.write"}, {"/destinataires", "newsletters.recipients"}, {"/apercu", "newsletters.preview"}, {"/envoi", "newsletters.sending"}}
	if c.State.Started() {
		steps = steps[1:3]
		steps = append([]struct{ path, label string }{{"/suivi", "newsletters.tracking"}}, steps...)
	} else if c.State == Scheduled {
		steps = append(steps[3:4:4], steps[1:3]...)
	}
	var out []ui.Tab
	for _, s := range steps {
		out = append(out, ui.Tab{Label: i18n.T(ctx, s.label), URL: campaignPath(c.ID) + s.path, Current: s.path == current})
	}
	return out
}

func stateTone(s State) ui.Tone {
	switch s {
	case Sending, Scheduled:
		return ui.Info
	case Paused:
		return ui.Warning
	case Sent:
		return ui.Success
	case Stopped:
		return ui.Danger
	}
	return ui.Neutral
}

// senderName is whose letters these are.
func senderName(senders []Sender, sender id.ID) string {
	for _, s := range senders {
		if s.ID == sender {
			return s.Name
		}
	}
	return "–"
}

// when is the moment that says most of a campaign.
func when(ctx context.Context, c Campaign) string {
	switch {
	case c.State == Scheduled:
		return i18n.DateTime(ctx, c.ScheduledAt)
	case !c.FinishedAt.IsZero():
		return i18n.DateTime(ctx, c.FinishedAt)
	case !c.StartedAt.IsZero():
		return i18n.DateTime(ctx, c.StartedAt)
	}
	return i18n.DateTime(ctx, c.UpdatedAt)
}

func listTable(ctx context.Context, p listProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "newsletters.title"), Hide: true, Columns: []ui.Column{
		{Label: i18n.T(ctx, "newsletters.col.title")}, {Label: i18n.T(ctx, "newsletters.col.sender")}, {Label: i18n.T(ctx, "newsletters.col.kind")},
		{Label: i18n.T(ctx, "newsletters.col.state")}, {Label: i18n.T(ctx, "newsletters.col.when")}, {Label: i18n.T(ctx, "newsletters.col.recipients"), Numeric: true}}}
	for _, c := range p.Campaigns {
		n := "–"
		if c.State.Started() {
			n = i18n.Number(ctx, c.Recipients)
		}
		t.Rows = append(t.Rows, []ui.Cell{{Text: c.Title, URL: campaignPath(c.ID)}, {Text: senderName(p.Senders, c.SenderID)}, {Text: i18n.T(ctx, c.Kind.Message())},
			{Content: ui.Badge(ui.BadgeProps{Text: i18n.T(ctx, c.State.Message()), Tone: stateTone(c.State)})}, {Text: when(ctx, c)}, {Text: n}})
	}
	return t
}

// stateTabs filter the list.
func stateTabs(ctx context.Context, current State) []ui.Tab {
	out := []ui.Tab{{Label: i18n.T(ctx, "newsletters.all"), URL: Path, Current: current == ""}}
	for _, s := range []State{Draft, Scheduled, Sending, Paused, Sent, Stopped} {
		out = append(out, ui.Tab{Label: i18n.T(ctx, "newsletters.list."+string(s)), URL: Path + "?etat=" + string(s), Current: current == s})
	}
	return out
}

func senderOptions(list []Sender, chosen string) []ui.Option {
	var out []ui.Option
	for _, s := range list {
		value := s.ID.String()
		if s.ID.IsZero() {
			value = federationValue
		}
		out = append(out, ui.Option{Value: value, Label: s.Name, Selected: value == chosen})
	}
	return out
}

func kindOptions(ctx context.Context, chosen Kind) []ui.Option {
	var out []ui.Option
	for _, k := range Kinds() {
		out = append(out, ui.Option{Value: string(k), Label: i18n.T(ctx, k.Message()), Selected: k == chosen})
	}
	return out
}

func langOptions(ctx context.Context, c Campaign, chosen string) []ui.Option {
	var out []ui.Option
	for _, lang := range c.Langs() {
		out = append(out, ui.Option{Value: lang, Label: i18n.T(ctx, "newsletters.lang."+lang), Selected: lang == chosen})
	}
	return out
}

// choiceOptions are a criterion's choices as a form holds them.
func choiceOptions(ctx context.Context, p segmentProps, c segments.Criterion) []ui.Option {
	var out []ui.Option
	chosen := p.typed(c.Name)
	if c.Input == segments.OneOf {
		out = append(out, ui.Option{Label: i18n.T(ctx, "newsletters.any")})
	}
	for _, x := range c.Choices(p.Env) {
		label := x.Label
		if x.Key != "" {
			label = i18n.T(ctx, x.Key)
		}
		o := ui.Option{Value: x.Value, Label: label}
		for _, v := range chosen {
			o.Selected = o.Selected || v == x.Value
		}
		out = append(out, o)
	}
	return out
}

// typed are a criterion's values: those just typed, or those that stand.
func (p segmentProps) typed(name string) []string {
	if p.Refused.form != nil {
		return p.Refused.form.All(name)
	}
	return p.Segment[name]
}

func (p segmentProps) at(name string, i int) string {
	if v := p.typed(name); i < len(v) {
		return v[i]
	}
	return ""
}

func (p segmentProps) joined(name string) string { return strings.Join(p.typed(name), ", ") }

// criteriaNames are the fields of the form in their order.
func (p segmentProps) criteriaNames() []string {
	var out []string
	for _, c := range p.Criteria {
		out = append(out, c.Name)
	}
	return out
}

func reachFacts(ctx context.Context, r reach) []ui.Fact {
	var out []ui.Fact
	for _, why := range segments.Reasons() {
		if n := r.Left[why]; n > 0 {
			out = append(out, ui.Fact{Term: i18n.T(ctx, "newsletters.left."+string(why)), Text: i18n.Number(ctx, n)})
		}
	}
	return out
}

// schoolsText is where somebody graduated, in a line.
func schoolsText(s people.Seen) string {
	var years []string
	for _, g := range s.Degrees {
		if g.ClassYear > 0 {
			years = append(years, strconv.Itoa(g.ClassYear))
		}
	}
	return strings.Join(years, ", ")
}

// previewURL is the preview page with something changed.
func (p previewProps) url(path string, change map[string]string) string {
	q := url.Values{}
	set := func(name, value string) {
		if v, ok := change[name]; ok {
			value = v
		}
		if value != "" {
			q.Set(name, value)
		}
	}
	as, size := "", ""
	if !p.As.IsZero() {
		as = p.As.String()
	}
	if p.Phone {
		size = "telephone"
	}
	set("lang", p.Lang)
	set("mode", p.Mode)
	set("personne", as)
	set("taille", size)
	if len(q) == 0 {
		return campaignPath(p.ID) + path
	}
	return campaignPath(p.ID) + path + "?" + q.Encode()
}

// views are the ways to look at a letter.
func (p previewProps) views(ctx context.Context) []ui.Tab {
	var out []ui.Tab
	for _, v := range []struct{ label, mode, size string }{{"newsletters.view.light", lightMode, ""}, {"newsletters.view.dark", darkMode, ""}, {"newsletters.view.phone", lightMode, "telephone"}, {"newsletters.view.text", textMode, ""}} {
		out = append(out, ui.Tab{Label: i18n.T(ctx, v.label), URL: p.url("/apercu", map[string]string{"mode": v.mode, "taille": v.size}), Current: p.Mode == v.mode && p.Phone == (v.size != "")})
	}
	return out
}

func (p previewProps) versions(ctx context.Context) []ui.Tab {
	var out []ui.Tab
	for _, lang := range p.Langs() {
		out = append(out, ui.Tab{Label: i18n.T(ctx, "newsletters.lang."+lang), URL: p.url("/apercu", map[string]string{"lang": lang}), Current: lang == p.Lang})
	}
	return out
}

// findingText says in plain words what was noticed.
func findingText(ctx context.Context, f Found) string {
	s := i18n.T(ctx, f.Key, f.Data)
	if f.Lang != "" {
		return i18n.T(ctx, "newsletters.lang."+f.Lang) + " : " + s
	}
	return s
}

func testerOptions(list []Holder, chosen string) []ui.Option {
	var out []ui.Option
	for _, h := range list {
		out = append(out, ui.Option{Value: h.Email, Label: h.Name + " – " + h.Email, Selected: h.Email == chosen})
	}
	return out
}

func progressText(ctx context.Context, c Campaign) string {
	return i18n.T(ctx, "newsletters.progress_of", i18n.Data{"Done": i18n.Number(ctx, c.Sent+c.Failed+c.Skipped), "All": i18n.Number(ctx, c.Recipients)})
}

func trackStats(ctx context.Context, c Campaign) []ui.StatProps {
	stat := func(n int, key string) ui.StatProps {
		return ui.StatProps{Value: i18n.Number(ctx, n), Label: i18n.T(ctx, key)}
	}
	out := []ui.StatProps{stat(c.Recipients, "newsletters.stat.recipients"), stat(c.Sent, "newsletters.stat.sent"), stat(c.Failed, "newsletters.stat.failed"), stat(c.Unsubscribed, "newsletters.stat.unsubscribed")}
	if c.Skipped > 0 {
		out = append(out, stat(c.Skipped, "newsletters.stat.skipped"))
	}
	if w := c.Waiting(); w > 0 {
		out = append(out, stat(w, "newsletters.stat.waiting"))
	}
	return out
}

func causesTable(ctx context.Context, list []Cause) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "newsletters.causes"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "newsletters.col.cause")}, {Label: i18n.T(ctx, "newsletters.col.count"), Numeric: true}}}
	for _, c := range list {
		t.Rows = append(t.Rows, []ui.Cell{{Text: i18n.T(ctx, "newsletters.class."+string(c.Class))}, {Text: i18n.Number(ctx, c.Count)}})
	}
	return t
}

func linksTable(ctx context.Context, list []Link) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "newsletters.clicks"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "newsletters.col.link")}, {Label: i18n.T(ctx, "newsletters.col.clicks"), Numeric: true}}}
	for _, l := range list {
		t.Rows = append(t.Rows, []ui.Cell{{Text: l.URL}, {Text: i18n.Number(ctx, l.Clicks)}})
	}
	return t
}

func failuresTable(ctx context.Context, p failuresProps) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "newsletters.failures"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "newsletters.col.person")}, {Label: i18n.T(ctx, "newsletters.col.address")},
		{Label: i18n.T(ctx, "newsletters.col.cause")}, {Label: i18n.T(ctx, "newsletters.col.reply")}, {Label: i18n.T(ctx, "newsletters.col.when")}}}
	for _, f := range p.List {
		t.Rows = append(t.Rows, []ui.Cell{{Text: f.Person.Name(), URL: "/admin/personnes/" + f.Person.ID.String()}, {Text: f.Address}, {Text: i18n.T(ctx, "newsletters.class."+string(f.Class))},
			{Text: strings.TrimSpace(f.Reply.Enhanced + " " + f.Reply.Text)}, {Text: i18n.DateTime(ctx, f.At)}})
	}
	return t
}

// imageMarkdown is how a picture is written in a letter.
func imageMarkdown(ctx context.Context, i Image) string {
	return "![" + i18n.T(ctx, "newsletters.image.describe") + "](" + i.Path() + ")"
}

// previewPartProps is the preview beside the words being written.
type previewPartProps struct {
	Campaign
	Lang   string // of the version written at
	Errors map[string]string
}

func sortedValues(m map[string]string) []string {
	out := values(m)
	slices.Sort(out)
	return slices.Compact(out)
}

func ticked(on bool) string {
	if on {
		return "1"
	}
	return ""
}

func englishWrong(p editProps) bool {
	return p.Refused.msgs["en_subject"]+p.Refused.msgs["en_preheader"]+p.Refused.msgs["en_body"] != ""
}

func settingsWrong(p editProps) bool {
	return p.Refused.msgs["title"]+p.Refused.msgs["kind"]+p.Refused.msgs["from_name"]+p.Refused.msgs["reply_to"] != ""
}

// helpFacts say how letters are written.
func helpFacts(ctx context.Context) []ui.Fact {
	var out []ui.Fact
	for _, f := range []struct{ key, how string }{
		{"title", "# …"}, {"strong", "**…**"}, {"emphasis", "*…*"}, {"list", "- …"}, {"link", "[…](https://…)"}, {"button", "**[…](https://…)**"}, {"image", "![…](/lettres/images/…)"}, {"quote", "> …"}, {"rule", "---"},
	} {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "newsletters.help."+f.key), Text: f.how})
	}
	return out
}

func leftFacts(ctx context.Context, c Campaign) []ui.Fact {
	return reachFacts(ctx, reach{Count: segments.Count{Left: c.LeftOut}})
}

// polling makes the progress ask for itself.
func polling(c Campaign) templ.Attributes {
	if c.State != Sending {
		return nil
	}
	return templ.Attributes{"hx-get": campaignPath(c.ID) + "/suivi", "hx-trigger": "every 2s", "hx-target": "this", "hx-swap": "outerHTML"}
}
