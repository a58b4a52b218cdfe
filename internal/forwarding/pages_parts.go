package forwarding

import (
	"context"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// What the address for life shows on the pages of others.

// Home is the owner's address on his own space, with whether its mail arrives; nil for who has none.
func (p *Pages) Home(r *web.Request, d people.Dossier) (templ.Component, error) {
	as, err := p.store.People.Associations(r.Ctx())
	if err != nil {
		return nil, err
	}
	list := current(d.LifetimeAddresses(as), true)
	if len(list) == 0 {
		return nil, nil
	}
	t, err := p.store.Tally(r.Ctx(), r.Viewer)
	return homePart(list, t), err
}

// Record is what the staff reads of somebody's address for life in his record, whose reading leaves the trail.
func (p *Pages) Record(r *web.Request, d people.Dossier) (templ.Component, error) {
	o, err := p.store.Overview(r.Ctx(), r.Viewer, d.ID)
	if err != nil {
		return nil, err
	}
	return recordPart(o, d), nil
}

// cameWords say how many messages came.
func cameWords(ctx context.Context, t Tally) string {
	if t.Taken == 0 {
		return i18n.T(ctx, "forwarding.tally.none")
	}
	return i18n.N(ctx, "forwarding.tally.taken", t.Taken)
}

// troubleWords say what did not arrive; "" when all did.
func troubleWords(ctx context.Context, t Tally) string {
	return strings.Join(counted(ctx, map[string]int{"waiting": t.Waiting, "failed": t.Failed}, "waiting", "failed"), " ")
}

// counted are the numbers above zero, in that order, as sentences.
func counted(ctx context.Context, of map[string]int, order ...string) []string {
	var out []string
	for _, what := range order {
		if of[what] > 0 {
			out = append(out, i18n.N(ctx, "forwarding.tally."+what, of[what]))
		}
	}
	return out
}

// recordFacts are the addresses, where they lead, and what came of the mail.
func recordFacts(ctx context.Context, o Overview, d people.Dossier) []ui.Fact {
	var out []ui.Fact
	for _, a := range o.Addresses {
		term := "forwarding.record.address"
		if !a.Current {
			term = "forwarding.record.former"
		}
		out = append(out, ui.Fact{Term: i18n.T(ctx, term), Content: ui.Copyable(a.Address)})
	}
	state := ui.Fact{Term: i18n.T(ctx, "forwarding.record.way"), Text: i18n.T(ctx, "forwarding.record.way."+string(o.Way), i18n.Data{"Day": i18n.Date(ctx, o.Settings.PausedUntil)})}
	if !o.Settings.Chosen {
		state.Note = i18n.T(ctx, "forwarding.record.not_chosen")
	}
	out = append(append(out, state), targetFacts(ctx, o.Settings, d)...)
	t := o.Tally
	came := append([]string{cameWords(ctx, t)}, counted(ctx, map[string]int{"waiting": t.Waiting, "failed": t.Failed, "refused": t.Refused}, "waiting", "failed", "refused")...)
	return append(out, ui.Fact{Term: i18n.T(ctx, "forwarding.record.days"), Text: strings.Join(came, " ")},
		ui.Fact{Term: i18n.T(ctx, "forwarding.strictness"), Text: i18n.T(ctx, o.Settings.Strictness.Message())})
}

// targetFacts are the addresses that mail goes to or would, and how it chooses among several.
func targetFacts(ctx context.Context, s Settings, d people.Dossier) []ui.Fact {
	var out []ui.Fact
	goals := 0
	for _, t := range s.Targets {
		if t.Role == Goal {
			goals++
		}
		term := "forwarding.record." + string(t.Role)
		if t.State != Good {
			term = "forwarding.record.lapsed"
		}
		out = append(out, ui.Fact{Term: i18n.T(ctx, term), Text: t.Address, Note: targetNote(ctx, t, d)})
	}
	if goals > 1 {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "forwarding.record.mode"), Text: i18n.T(ctx, s.Mode.Message())})
	}
	return out
}

func targetNote(ctx context.Context, t Target, d people.Dossier) string {
	confirmed := slices.ContainsFunc(d.Contacts, func(c people.ContactPoint) bool {
		return c.Kind == people.Email && c.ValueKey == t.Key() && !c.ConfirmedAt.IsZero()
	})
	switch {
	case t.State != Good:
		return i18n.T(ctx, "forwarding.record.state."+string(t.State))
	case !confirmed:
		return i18n.T(ctx, "forwarding.choice.known")
	}
	return ""
}
