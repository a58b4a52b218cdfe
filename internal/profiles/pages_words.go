package profiles

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"amicale/internal/geo"
	"amicale/internal/i18n"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
)

func audienceOptions(ctx context.Context, choices []viewer.Audience, chosen string) []ui.Option {
	out := make([]ui.Option, len(choices))
	for i, a := range choices {
		out[i] = ui.Option{Value: string(a), Label: i18n.T(ctx, people.AudienceMessage(a)), Selected: string(a) == chosen}
	}
	return out
}

// fieldAudience is the choice beside a field.
func (f form) fieldAudience(ctx context.Context, d people.Dossier, field people.Field) *ui.AudienceProps {
	stored := audiencesOf(d, []people.Field{field})[field]
	name := "audience_" + string(field)
	return &ui.AudienceProps{Name: name, ID: f.ID + "-" + name, Options: audienceOptions(ctx, FieldChoices(stored), f.Values[name]),
		Label: i18n.T(ctx, "profile.who_sees", i18n.Data{"What": i18n.T(ctx, field.Message())})}
}

func civilities(ctx context.Context) []ui.Option {
	var out []ui.Option
	for _, c := range []string{"", "mme", "m"} {
		out = append(out, ui.Option{Value: c, Label: i18n.T(ctx, people.CivilityMessage(c))})
	}
	return out
}

func purposeOptions(ctx context.Context, k people.ContactKind) []ui.Option {
	var out []ui.Option
	for _, p := range Purposes(k) {
		out = append(out, ui.Option{Value: string(p), Label: purposeWord(ctx, k, p)})
	}
	return out
}

// purposeWord agrees with what it qualifies: un e-mail personnel, une adresse personnelle.
func purposeWord(ctx context.Context, k people.ContactKind, p people.Purpose) string {
	if k == people.Postal {
		return i18n.T(ctx, "profile.postal_purpose."+string(p))
	}
	return i18n.T(ctx, p.Message())
}

func countryOptions(lang string) []ui.Option {
	list := geo.Countries(lang)
	out := make([]ui.Option, len(list))
	for i, c := range list {
		out[i] = ui.Option{Value: c.Code, Label: c.Label}
	}
	return out
}

// lifetimeTitle is the address for life in one line.
func lifetimeTitle(ctx context.Context, p editProps) string {
	words := []string{p.Address, i18n.T(ctx, people.FieldLifetime.Message())}
	if p.Prefers {
		words = append(words, i18n.T(ctx, "profile.email.preferred"))
	}
	return strings.Join(words, " · ")
}

// contactTitle is a contact point in one line, with what matters of its state.
func contactTitle(ctx context.Context, p editProps, c people.ContactPoint) string {
	words := []string{purposeWord(ctx, c.Kind, c.Purpose)}
	if c.Kind == people.Email {
		switch {
		case !c.BrokenAt.IsZero():
			words = append(words, i18n.T(ctx, "profile.email.broken"))
		case c.ConfirmedAt.IsZero():
			words = append(words, i18n.T(ctx, "profile.email.unconfirmed"))
		case c.Preferred && p.Prefers:
			words = append(words, i18n.T(ctx, "profile.email.behind"))
		case c.Preferred:
			words = append(words, i18n.T(ctx, "profile.email.preferred"))
		}
	}
	return contactLine(ctx, c) + " · " + strings.Join(words, " · ")
}

// contactLine is a contact point on one line.
func contactLine(ctx context.Context, c people.ContactPoint) string {
	if c.Kind != people.Postal {
		return c.Value
	}
	var parts []string
	for _, s := range []string{strings.ReplaceAll(c.Street, "\n", ", "), strings.TrimSpace(c.Postcode + " " + c.City), country(ctx, c)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// country is named where it is not France.
func country(ctx context.Context, c people.ContactPoint) string {
	if c.Country == "" || c.Country == "FR" {
		return ""
	}
	return geo.Label(c.Country, i18n.Lang(ctx))
}

// contactURL is what a click on a contact point opens; "" for a postal address.
func contactURL(c people.ContactPoint) string {
	switch c.Kind {
	case people.Email:
		return "mailto:" + url.PathEscape(c.Value)
	case people.Phone:
		return "tel:" + c.ValueKey
	}
	return ""
}

func contactDates(ctx context.Context, c people.ContactPoint) string {
	if c.ValidFrom.IsZero() && c.ValidTo.IsZero() {
		return ""
	}
	return i18n.T(ctx, "profile.from_to", i18n.Data{"From": i18n.Date(ctx, c.ValidFrom), "To": i18n.Date(ctx, c.ValidTo)})
}

// badges are the schools of a person's degrees.
func badges(as people.Associations, degrees []people.Degree) []ui.SchoolBadgeProps {
	var out []ui.SchoolBadgeProps
	for _, g := range degrees {
		a, _ := as.ByID(g.AssociationID)
		out = append(out, ui.SchoolBadgeProps{Code: a.Code, Label: a.School, Year: g.ClassYear})
	}
	return out
}

// studies says what a degree is, as far as it may be seen: Ingénieur · Génie électrique.
func studies(ctx context.Context, g people.Degree) string {
	var parts []string
	if g.Diploma != "" {
		parts = append(parts, i18n.T(ctx, g.Diploma.Message()))
	}
	if g.StudyYear > 0 {
		parts = append(parts, i18n.T(ctx, "people.study_year", i18n.Data{"Year": g.StudyYear}))
	}
	if g.Department != "" {
		parts = append(parts, g.Department)
	}
	return strings.Join(parts, " · ")
}

func degreeFacts(ctx context.Context, as people.Associations, degrees []people.Degree) []ui.Fact {
	var out []ui.Fact
	for _, g := range degrees {
		a, _ := as.ByID(g.AssociationID)
		term := a.School
		if g.ClassYear > 0 {
			term += " " + strconv.Itoa(g.ClassYear)
		}
		what := studies(ctx, g)
		if what == "" {
			continue
		}
		out = append(out, ui.Fact{Term: term, Text: what})
	}
	return out
}

func paragraphs(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func paragraphLines(s string) []string { return strings.Split(s, "\n") }

// nextStep is what to do about a missing item.
func nextStep(i Item) string {
	switch i {
	case ItemEmail:
		return pathProfile + "#" + formEmails
	case ItemPhoto:
		return pathProfile + "#" + formPhoto
	case ItemPhone:
		return pathProfile + "#" + formPhones
	case ItemAddress:
		return pathProfile + "#" + formPostal
	}
	return pathProfile + "#" + formText
}

func standingWords(ctx context.Context, s Standing) string {
	return i18n.T(ctx, "profile.standing."+string(s.State), i18n.Data{"Name": s.Association.Name, "Day": i18n.Date(ctx, s.Day)})
}

func standingTone(s State) ui.Tone {
	if s == Current {
		return ui.Success
	}
	return ui.Neutral
}

// trailWords is what happened, for the person it happened to: in this package's words, else in those of the house.
func (p viewsProps) trailWords(ctx context.Context, action string) string {
	keys := []string{"profile.trail." + action}
	if p.ActionKey != nil {
		keys = append(keys, p.ActionKey(action))
	}
	for _, key := range keys {
		if s := i18n.T(ctx, key); s != key {
			return s
		}
	}
	return i18n.T(ctx, "profile.trail.other")
}

func (p viewsProps) rows(ctx context.Context) [][]ui.Cell {
	out := make([][]ui.Cell, len(p.List.Rows))
	for i, row := range p.List.Rows {
		out[i] = []ui.Cell{{Text: row.Actor}, {Text: p.trailWords(ctx, row.Action)}, {Text: i18n.DateTime(ctx, row.At)}}
	}
	return out
}

func previewTabs(ctx context.Context, now Eyes) []ui.Tab {
	var out []ui.Tab
	for _, e := range AllEyes() {
		out = append(out, ui.Tab{Label: i18n.T(ctx, "profile.eyes."+string(e)), URL: pathPreview + "?comme=" + string(e), Current: e == now})
	}
	return out
}

func viewsTabs(ctx context.Context, all bool) []ui.Tab {
	return []ui.Tab{
		{Label: i18n.T(ctx, "profile.views.read"), URL: pathViews, Current: !all},
		{Label: i18n.T(ctx, "profile.views.all"), URL: pathViews + "?tout=1", Current: all},
	}
}

func quickLinks(ctx context.Context, p homeProps) []ui.NavItem {
	t := func(key string) string { return i18n.T(ctx, "profile.home."+key) }
	if p.D == nil {
		out := []ui.NavItem{{Label: t("settings"), URL: pathSettings}}
		if p.Staff {
			out = append([]ui.NavItem{{Label: t("admin"), URL: "/admin"}}, out...)
		}
		if p.Searches {
			out = append(out, ui.NavItem{Label: t("directory"), URL: "/annuaire"})
		}
		return out
	}
	out := []ui.NavItem{}
	if p.Login != "" {
		out = append(out, ui.NavItem{Label: t("profile"), URL: "/p/" + url.PathEscape(p.Login)})
	}
	return append(out,
		ui.NavItem{Label: t("edit"), URL: pathProfile},
		ui.NavItem{Label: t("preview"), URL: pathPreview},
		ui.NavItem{Label: t("class"), URL: pathClass},
		ui.NavItem{Label: t("directory"), URL: "/annuaire"},
		ui.NavItem{Label: t("views"), URL: pathViews},
		ui.NavItem{Label: t("data"), URL: pathData},
		ui.NavItem{Label: t("settings"), URL: pathSettings})
}

func homeStats(ctx context.Context, p homeProps) []ui.StatProps {
	out := []ui.StatProps{{Label: i18n.T(ctx, "profile.home.views_label"), Value: i18n.Number(ctx, p.Views), Hint: i18n.T(ctx, "profile.home.views_hint"), URL: pathViews}}
	for _, g := range p.D.Degrees {
		if g.ClassYear == 0 {
			continue
		}
		a, _ := p.As.ByID(g.AssociationID)
		return append(out, ui.StatProps{Label: i18n.T(ctx, "profile.home.class"), Value: strconv.Itoa(g.ClassYear), Hint: a.School, URL: pathClass})
	}
	return out
}

func sections(ctx context.Context) []ui.NavItem {
	var out []ui.NavItem
	for _, s := range []string{formIdentity, formStudies, formText, formPhoto, formEmails, formPhones, formPostal} {
		out = append(out, ui.NavItem{Label: i18n.T(ctx, "profile.section."+s), URL: "#" + s})
	}
	return out
}

// suggestAttrs asks for the towns of a postcode while it is typed, where there is JavaScript.
func suggestAttrs(f form) templ.Attributes {
	return templ.Attributes{"hx-get": pathTowns, "hx-trigger": "input changed delay:250ms", "hx-include": "closest form", "hx-target": "#" + f.townsID(), "hx-swap": "innerHTML",
		"hx-params": "postcode,city,country"}
}

// cityAttrs ties the town's field to the towns proposed.
func cityAttrs(f form) templ.Attributes { return templ.Attributes{"list": f.townsID()} }

func (f form) townsID() string { return f.ID + "-towns" }

// towns are those of the postcode in the form.
func (f form) towns() []string {
	return Towns(people.ContactPoint{Postcode: f.Values["postcode"], Country: f.Values["country"]})
}

func photoField(p ui.FieldProps) ui.FieldProps {
	p.Value = "" // a file cannot be given back
	return p
}

// full reports whether no contact point of a kind can be added.
func full(d people.Dossier, k people.ContactKind) bool {
	for _, p := range Purposes(k) {
		if others(d, people.ContactPoint{Kind: k, Purpose: p}) < Most(k, p) {
			return false
		}
	}
	return true
}

func (p editProps) summary() []ui.FieldError {
	return p.Refused.errors("civility", "first_name", "first_names", "birth_surname", "usage_surname", "birth_date", "headline", "presentation",
		"photo", "value", "street", "postcode", "city", "country", "purpose", "from", "to")
}

func viewBadges(ctx context.Context, s people.Seen) []ui.BadgeProps {
	if s.Status == people.Deceased && s.Activated {
		return []ui.BadgeProps{{Text: i18n.T(ctx, s.Status.Message())}}
	}
	return nil
}

func viewActions(s people.Seen) templ.Component {
	if !s.Own {
		return nil
	}
	return ownActions()
}

// told says whether anything is told of the person besides name and coordinates.
func told(ctx context.Context, p viewProps) bool {
	return p.Seen.Presentation != "" || len(viewFacts(ctx, p)) > 0
}

// reached says whether the page speaks of coordinates: it shows some, or says why there are none.
func reached(p viewProps) bool {
	return len(p.Seen.Contacts) > 0 || !p.Seen.LifetimeAt.IsZero() || p.Reader != ""
}

// lifetimeChoices are the audiences offered for the lifetime address.
func lifetimeChoices(ctx context.Context, p editProps) []ui.Option {
	stored := audiencesOf(p.D, []people.Field{people.FieldLifetime})[people.FieldLifetime]
	return audienceOptions(ctx, CoordinateChoices(stored), p.Lifetime.Values["audience_lifetime"])
}

// contactIcon is the mark of an e-mail or a phone.
func contactIcon(c people.ContactPoint) string {
	if c.Kind == people.Phone {
		return "phone"
	}
	return "mail"
}

func standingFacts(ctx context.Context, list []Standing) []ui.Fact {
	out := make([]ui.Fact, len(list))
	for i, s := range list {
		out[i] = ui.Fact{Term: s.Association.Name, Content: standingBadge(s), Note: standingWords(ctx, s)}
	}
	return out
}

func viewFacts(ctx context.Context, p viewProps) []ui.Fact {
	out := degreeFacts(ctx, p.As, p.Seen.Degrees)
	if p.Seen.BirthSurname != "" {
		out = append(out, ui.Fact{Term: i18n.T(ctx, people.FieldBirthSurname.Message()), Text: p.Seen.BirthSurname})
	}
	if !p.Seen.BirthDate.IsZero() {
		out = append(out, ui.Fact{Term: i18n.T(ctx, people.FieldBirthDate.Message()), Text: i18n.Date(ctx, p.Seen.BirthDate)})
	}
	return out
}

func contactFacts(ctx context.Context, p viewProps) []ui.Fact {
	var out []ui.Fact
	s := p.Seen
	if address := p.As.Lifetime(s.Login, s.LifetimeAt); address != "" {
		out = append(out, ui.Fact{Term: i18n.T(ctx, people.FieldLifetime.Message()), Content: contactValue(people.ContactPoint{Kind: people.Email, Value: address})})
	}
	for _, c := range s.Contacts {
		f := ui.Fact{Term: i18n.T(ctx, c.Kind.Message()) + " · " + strings.ToLower(purposeWord(ctx, c.Kind, c.Purpose)), Content: contactValue(c), Note: contactDates(ctx, c)}
		if s.Own {
			f.Note = strings.TrimPrefix(f.Note+" · "+i18n.T(ctx, "profile.seen_by", i18n.Data{"Who": strings.ToLower(i18n.T(ctx, people.AudienceMessage(c.Audience)))}), " · ")
		}
		out = append(out, f)
	}
	return out
}
