package submission

import (
	"context"
	"strconv"

	"amicale/internal/i18n"
	"amicale/internal/ui"
)

// trail is the way from my space to the page of a new password.
func trail(ctx context.Context) []ui.Crumb {
	return []ui.Crumb{
		{Label: i18n.T(ctx, "submission.crumb.me"), URL: "/moi"}, {Label: i18n.T(ctx, "submission.crumb.settings"), URL: "/moi/parametres"},
		{Label: i18n.T(ctx, "submission.crumb.address"), URL: page}, {Label: i18n.T(ctx, "submission.password.new")},
	}
}

// programFacts are what a mail program needs to know to send.
func programFacts(ctx context.Context, p sectionProps) []ui.Fact {
	facts := []ui.Fact{{Term: i18n.T(ctx, "submission.program.server"), Content: ui.Copyable(p.Options.Host)}}
	if p.Options.TLS > 0 {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "submission.program.tls"), Text: strconv.Itoa(p.Options.TLS)})
	}
	if p.Options.STARTTLS > 0 {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "submission.program.starttls"), Text: strconv.Itoa(p.Options.STARTTLS)})
	}
	if len(p.Addresses) > 0 {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "submission.program.user"), Content: ui.Copyable(p.Addresses[0].Address)})
	}
	return append(facts, ui.Fact{Term: i18n.T(ctx, "submission.program.password"), Text: i18n.T(ctx, "submission.program.password_is")})
}

func passwordRows(ctx context.Context, list []Password) [][]ui.Cell {
	var out [][]ui.Cell
	for _, w := range list {
		used := i18n.T(ctx, "submission.password.never")
		if !w.UsedAt.IsZero() {
			used = i18n.DateTime(ctx, w.UsedAt)
		}
		out = append(out, []ui.Cell{{Text: w.Name}, {Text: i18n.Date(ctx, w.CreatedAt)}, {Text: used}, {Content: revokeButton(w)}})
	}
	return out
}
