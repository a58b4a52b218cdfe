package accounts

import (
	"context"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
)

// plainText are the attributes of a field where phones must not capitalise or correct.
func plainText() templ.Attributes {
	return templ.Attributes{"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}
}

// attributes are what the script of passkeys reads.
func (p passkeyProps) attributes(ctx context.Context) templ.Attributes {
	kind := "get"
	if p.Create {
		kind = "create"
	}
	a := templ.Attributes{
		"hidden": true, "data-passkey": kind, "data-begin": p.Begin, "data-finish": p.Finish, "data-next": p.Next,
		"data-cancelled": i18n.T(ctx, "accounts.key.cancelled"), "data-failed": i18n.T(ctx, "accounts.key_refused"),
	}
	if p.NameField != "" {
		a["data-name-field"] = p.NameField
	}
	return a
}

func withoutLead(ctx context.Context, keys bool) string {
	if keys {
		return i18n.T(ctx, "accounts.without.lead")
	}
	return i18n.T(ctx, "accounts.without.lead_mail")
}

func hello(ctx context.Context, name string) string {
	if name == "" {
		return i18n.T(ctx, "accounts.hello")
	}
	return i18n.T(ctx, "accounts.hello_name", i18n.Data{"Name": name})
}

func chooseLead(ctx context.Context, first bool) string {
	if first {
		return i18n.T(ctx, "accounts.choose.first_lead")
	}
	return i18n.T(ctx, "accounts.choose.lead")
}

func stepLabel(ctx context.Context, codes bool) string {
	if codes {
		return i18n.T(ctx, "accounts.step.code")
	}
	return i18n.T(ctx, "accounts.step.recovery")
}

func langOptions(ctx context.Context, now string) []ui.Option {
	var out []ui.Option
	for _, l := range i18n.Langs() {
		out = append(out, ui.Option{Value: l, Label: i18n.T(ctx, "accounts.lang."+l), Selected: l == now})
	}
	return out
}

func passwordLead(ctx context.Context, a Account) string {
	if !a.HasPassword {
		return i18n.T(ctx, "accounts.password_none")
	}
	return i18n.T(ctx, "accounts.password_since", i18n.Data{"Date": i18n.Date(ctx, a.PasswordAt)})
}

// recoveryQuestion is asked before codes that still work are replaced.
func recoveryQuestion(ctx context.Context, left int) string {
	if left == 0 {
		return ""
	}
	return i18n.T(ctx, "accounts.recovery.sure")
}

func keyPath(k Passkey) string { return SecurePath + "/cles/" + k.ID.String() }

func keyUse(ctx context.Context, k Passkey) string {
	added := i18n.T(ctx, "accounts.key.added", i18n.Data{"Date": i18n.Date(ctx, k.CreatedAt)})
	if k.UsedAt.IsZero() {
		return added
	}
	return added + " " + i18n.T(ctx, "accounts.key.used", i18n.Data{"Date": i18n.DateTime(ctx, k.UsedAt)})
}

func deviceText(ctx context.Context, userAgent string) string {
	if d := DeviceOf(userAgent); d != (Device{}) {
		return d.String()
	}
	return i18n.T(ctx, "accounts.device_unknown")
}

func sessionRows(ctx context.Context, v securityView) [][]ui.Cell {
	var out [][]ui.Cell
	for _, s := range v.Sessions {
		out = append(out, []ui.Cell{
			{Text: deviceText(ctx, s.UserAgent)}, {Text: i18n.DateTime(ctx, s.LastSeenAt)}, {Text: i18n.Date(ctx, s.CreatedAt)},
			{Content: sessionAction(s, v.Current)},
		})
	}
	return out
}

func entryRows(ctx context.Context, list []Entry) [][]ui.Cell {
	var out [][]ui.Cell
	for _, e := range list {
		out = append(out, []ui.Cell{
			{Text: i18n.DateTime(ctx, e.At)}, {Text: i18n.T(ctx, "accounts.by."+string(e.How))}, {Text: deviceText(ctx, e.UserAgent)}, {Text: e.IP},
		})
	}
	return out
}

func lines(list []string) string { return strings.Join(list, "\n") }

func roleText(ctx context.Context, r Role, associations people.Associations) string {
	name := i18n.T(ctx, roleKey(r.Name))
	if a, ok := associations.ByID(r.Association); ok {
		return name + " · " + a.Name
	}
	return name
}

func codeOf(r Role, associations people.Associations) string {
	a, _ := associations.ByID(r.Association)
	return a.Code
}

func factorsText(ctx context.Context, a Account) string {
	if a.Secured() {
		return i18n.T(ctx, "accounts.on")
	}
	return i18n.T(ctx, "accounts.off")
}

func seenText(ctx context.Context, a Account) string {
	if a.SignedInAt.IsZero() {
		return i18n.T(ctx, "accounts.never")
	}
	return i18n.DateTime(ctx, a.SignedInAt)
}

func accessRows(ctx context.Context, v accessesView) [][]ui.Cell {
	var out [][]ui.Cell
	for _, a := range v.List {
		out = append(out, []ui.Cell{
			{Text: a.ShownName, URL: accessPath + "/" + a.ID.String()}, {Content: text(a.ShownLogin)}, {Content: roleList(a.Roles, v.Associations)},
			{Text: factorsText(ctx, a.Account)}, {Text: seenText(ctx, a.Account)},
		})
	}
	return out
}

func roleRows(ctx context.Context, v accessView) [][]ui.Cell {
	var out [][]ui.Cell
	for _, r := range v.Access.Roles {
		out = append(out, []ui.Cell{{Text: roleText(ctx, r, v.Associations)}, {Text: i18n.Date(ctx, r.CreatedAt)}, {Content: revokeForm(v, r)}})
	}
	return out
}

func accessFacts(ctx context.Context, a Access) []ui.Fact {
	password := i18n.T(ctx, "accounts.never")
	if a.HasPassword {
		password = i18n.Date(ctx, a.PasswordAt)
	}
	return []ui.Fact{
		{Term: i18n.T(ctx, "accounts.login"), Text: a.ShownLogin},
		{Term: i18n.T(ctx, "accounts.access.kind"), Text: i18n.T(ctx, "accounts.kind."+string(a.Kind))},
		{Term: i18n.T(ctx, "accounts.access.password"), Text: password},
		{Term: i18n.T(ctx, "accounts.factors.title"), Text: factorsText(ctx, a.Account)},
		{Term: i18n.T(ctx, "accounts.access.seen"), Text: seenText(ctx, a.Account)},
	}
}

func notFoundText(ctx context.Context, missing bool) string {
	if !missing {
		return ""
	}
	return i18n.T(ctx, "accounts.access.nobody")
}
