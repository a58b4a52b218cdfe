package forwarding

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/ui"
)

// trailOf is the way from my space to a page of the address for life.
func trailOf(ctx context.Context, titles ...string) []ui.Crumb {
	out := []ui.Crumb{{Label: i18n.T(ctx, "forwarding.me"), URL: "/moi"}, {Label: i18n.T(ctx, "forwarding.settings"), URL: "/moi/parametres"}}
	if len(titles) > 0 {
		out = append(out, ui.Crumb{Label: i18n.T(ctx, "forwarding.title"), URL: Path})
		return append(out, ui.Crumb{Label: titles[0]})
	}
	return append(out, ui.Crumb{Label: i18n.T(ctx, "forwarding.title")})
}

// placeID is the field of the n-th choice's place.
func placeID(n int) string { return "place-" + strconv.Itoa(n) }

func placeOptions(ctx context.Context, p pageProps, c Choice) []ui.Option {
	chosen := c.Place
	if p.Wish != nil {
		chosen = p.Wish.Places[c.Key()]
	}
	var out []ui.Option
	for _, place := range Places(len(selectable(p.Choices))) {
		if place == InReserve && !c.Confirmed {
			continue
		}
		out = append(out, ui.Option{Value: string(place), Label: placeWord(ctx, place), Selected: place == chosen})
	}
	return out
}

// selectable are the addresses that mail may go to.
func selectable(list []Choice) []Choice {
	return slices.DeleteFunc(slices.Clone(list), func(c Choice) bool { return c.Ours })
}

func placeWord(ctx context.Context, p Place) string {
	if rank, ok := p.rank(); ok {
		return i18n.T(ctx, "forwarding.place."+strconv.Itoa(rank))
	}
	if p == InReserve {
		return i18n.T(ctx, "forwarding.place.reserve")
	}
	return i18n.T(ctx, "forwarding.place.none")
}

// choiceHint is what there is to know of an address before choosing it.
func choiceHint(ctx context.Context, c Choice) string {
	var out []string
	switch c.State {
	case Dead:
		out = append(out, i18n.T(ctx, "forwarding.choice.dead"))
	default:
		if !c.Confirmed {
			out = append(out, i18n.T(ctx, "forwarding.choice.known"))
		}
	}
	if c.Purpose == "professional" {
		out = append(out, i18n.T(ctx, "forwarding.choice.professional"))
	}
	return strings.Join(out, " ")
}

func preferred(p pageProps) bool {
	if p.Wish != nil {
		return p.Wish.Preferred
	}
	return p.Settings.Preferred
}

func modeOptions(ctx context.Context, p pageProps) []ui.Option {
	now := p.Settings.Mode
	if p.Wish != nil {
		now = p.Wish.Mode
	}
	var out []ui.Option
	for _, m := range Modes() {
		out = append(out, ui.Option{Value: string(m), Label: i18n.T(ctx, m.Message()), Hint: i18n.T(ctx, m.Message()+"_hint"), Selected: m == now})
	}
	return out
}

func strictnessOptions(ctx context.Context, p pageProps) []ui.Option {
	now := p.Settings.Strictness
	if p.Wish != nil {
		now = p.Wish.Strictness
	}
	var out []ui.Option
	for _, s := range Strictnesses() {
		out = append(out, ui.Option{Value: string(s), Label: i18n.T(ctx, s.Message()), Hint: i18n.T(ctx, s.Message()+"_hint"), Selected: s == now})
	}
	return out
}

// targetErrors lead from the summary to the choices that were refused.
func targetErrors(p pageProps) []ui.FieldError {
	if p.Form != formTargets {
		return nil
	}
	out := ui.FieldErrors(p.Msgs, "mode", "strictness")
	if m := p.Msgs["targets"]; m != "" {
		out = append(out, ui.FieldError{Field: "targets", ID: placeID(0), Message: m})
	}
	for n, c := range p.Choices {
		if m := p.Msgs[PlaceField(c.Key())]; m != "" {
			out = append(out, ui.FieldError{Field: PlaceField(c.Key()), ID: placeID(n), Message: m})
		}
	}
	return out
}

// said is what was refused of a form as a whole.
func (p pageProps) said(form string) string {
	if p.Form != form {
		return ""
	}
	return p.Msgs[""]
}

func (p pageProps) at(form, field string) string {
	if p.Form != form {
		return ""
	}
	return p.Msgs[field]
}

// lapsed are the targets that are used no longer because they are no confirmed address of the person any more.
func lapsed(s Settings) string {
	var out []string
	for _, t := range s.Targets {
		if t.State == Gone && s.Chosen {
			out = append(out, t.Address)
		}
	}
	return strings.Join(out, ", ")
}

// current are the addresses of logins in use; former are the others.
func current(list []people.LifetimeAddress, is bool) []people.LifetimeAddress {
	return slices.DeleteFunc(slices.Clone(list), func(a people.LifetimeAddress) bool { return a.Current != is })
}

// pauseDay is what the field of a pause holds.
func pauseDay(p pageProps) string {
	if p.Form == formPause {
		return p.Until
	}
	return ""
}

func dayValue(t time.Time) string { return t.Format(time.DateOnly) }

// passageRows are a table of messages.
func passageRows(ctx context.Context, list []Passage) [][]ui.Cell {
	var out [][]ui.Cell
	for _, m := range list {
		out = append(out, []ui.Cell{{Content: passageFrom(m)}, {Text: subject(ctx, m)}, {Text: i18n.DateTime(ctx, m.At)}, {Content: passageFate(m)}})
	}
	return out
}

func subject(ctx context.Context, m Passage) string {
	if strings.TrimSpace(m.Subject) == "" {
		return i18n.T(ctx, "forwarding.passages.no_subject")
	}
	return m.Subject
}

// writer is who wrote, as the message says, with the address where it says a name too; of a report the machine, if it
// says nothing.
func writer(ctx context.Context, m Passage) (name, address string) {
	for _, s := range []string{m.From, m.Sender} {
		if a, err := mail.ParseAddress(s); err == nil && a.Name != "" {
			return a.Name, a.Address
		} else if err == nil {
			return a.Address, ""
		}
		if strings.TrimSpace(s) != "" {
			return s, ""
		}
	}
	return i18n.T(ctx, "forwarding.passages.machine"), ""
}

// fate is what became of a message on the way to one target, in words.
func fate(ctx context.Context, l Leg) string {
	data := i18n.Data{"To": l.To, "Why": why(ctx, l.Class), "When": i18n.DateTime(ctx, l.DoneAt), "Next": i18n.DateTime(ctx, l.NextAt)}
	switch {
	case l.State == outbox.Sent:
		return i18n.T(ctx, "forwarding.fate.sent", data)
	case l.State == outbox.Failed:
		return i18n.T(ctx, "forwarding.fate.failed", data)
	case l.State == outbox.Held && l.GivenUp:
		return i18n.T(ctx, "forwarding.fate.given_up")
	case l.State == outbox.Held && l.Why == Paused:
		return i18n.T(ctx, "forwarding.fate.paused")
	case l.State == outbox.Held:
		return i18n.T(ctx, "forwarding.fate.asked")
	case l.Class == "":
		return i18n.T(ctx, "forwarding.fate.leaving", data)
	}
	return i18n.T(ctx, "forwarding.fate.waiting", data)
}

// why is the reason of an answer, in plain words.
func why(ctx context.Context, c mail.Class) string {
	switch c {
	case mail.Dead, mail.Full, mail.Policy, mail.Reputation, mail.Temporary:
		return i18n.T(ctx, "forwarding.why."+string(c))
	}
	return i18n.T(ctx, "forwarding.why.unknown")
}

// tone is how serious it is.
func tone(l Leg) ui.Tone {
	switch {
	case l.State == outbox.Sent:
		return ui.Success
	case l.MayResend():
		return ui.Danger
	}
	return ui.Warning
}

func toneWord(ctx context.Context, l Leg) string {
	switch tone(l) {
	case ui.Success:
		return i18n.T(ctx, "forwarding.state.arrived")
	case ui.Danger:
		return i18n.T(ctx, "forwarding.state.failed")
	}
	return i18n.T(ctx, "forwarding.state.waits")
}

// refusedWhy is why a message was refused at our door, in plain words.
func refusedWhy(ctx context.Context, reason string) string {
	has := func(s string) bool { return strings.Contains(reason, s) }
	switch {
	case has("5.4.6"):
		return i18n.T(ctx, "forwarding.refused.loop")
	case has("5.3.4") || strings.HasPrefix(reason, "552"):
		return i18n.T(ctx, "forwarding.refused.size")
	case has("spam"):
		return i18n.T(ctx, "forwarding.refused.spam")
	case has(" 5.7."):
		return i18n.T(ctx, "forwarding.refused.forged")
	}
	return i18n.T(ctx, "forwarding.refused.other")
}

// answerOf is what a server said, for who wants to know exactly.
func answerOf(r mail.Reply) string {
	code := ""
	if r.Code > 0 {
		code = strconv.Itoa(r.Code)
	}
	return strings.Join(strings.Fields(code+" "+r.Enhanced+" "+r.Text), " ")
}
