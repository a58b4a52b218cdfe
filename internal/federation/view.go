package federation

import (
	"context"
	"sort"

	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
)

func pathCode(a people.Association) string {
	if a.ID.IsZero() {
		return newCode
	}
	return a.Code
}

func admin(ctx context.Context, key string) []ui.Crumb {
	return []ui.Crumb{{Label: i18n.T(ctx, "federation.admin"), URL: "/admin"}, {Label: i18n.T(ctx, key)}}
}

// Schools are the associations as a list of links shows them.
func Schools(all people.Associations) []ui.SchoolProps {
	out := make([]ui.SchoolProps, len(all))
	for i, a := range all {
		out[i] = ui.SchoolProps{Code: a.Code, Name: a.Name, School: a.School, URL: publicPath + "/" + a.Code, LogoURL: LogoURL(a)}
	}
	return out
}

func publicFacts(ctx context.Context, f Federation, a people.Association) []ui.Fact {
	out := []ui.Fact{{Term: i18n.T(ctx, "federation.lifetime"), Content: lifetimeFact(a), Note: i18n.T(ctx, "federation.lifetime_note")}}
	if f.Contact != "" {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "federation.contact_us"), Content: contactFact(f.Contact)})
	}
	return out
}

// summary lists what is wrong with a form, in a fixed order.
func summary(wrong map[string]string) []ui.FieldError {
	var out []ui.FieldError
	for field, text := range wrong {
		out = append(out, ui.FieldError{Field: field, Message: text})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Field < out[j].Field })
	return out
}

func rows(all people.Associations) [][]ui.Cell {
	var out [][]ui.Cell
	for _, a := range all {
		out = append(out, []ui.Cell{{Text: a.Name, URL: associationsPath + "/" + a.Code}, {Text: a.Code}, {Text: a.School}, {Text: a.Host}, {Text: a.MailDomain}})
	}
	return out
}
