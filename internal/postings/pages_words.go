package postings

import (
	"context"
	"net/url"
	"strconv"

	"amicale/internal/i18n"
	"amicale/internal/ui"
)

// stateNames are the states as the address of a list says them.
func stateNames() map[State]string {
	return map[State]string{New: "", Kept: "gardees", Refused: "refusees"}
}

func stateOf(name string) State {
	for s, n := range stateNames() {
		if n == name {
			return s
		}
	}
	return New
}

func (p listProps) url(s State, school string) string {
	q := url.Values{}
	if name := stateNames()[s]; name != "" {
		q.Set("etat", name)
	}
	if school != "" {
		q.Set("ecole", school)
	}
	if len(q) == 0 {
		return Path
	}
	return Path + "?" + q.Encode()
}

func (p listProps) tabs(ctx context.Context) []ui.Tab {
	var out []ui.Tab
	for _, s := range States() {
		t := ui.Tab{Label: i18n.T(ctx, s.Message()+"_many"), URL: p.url(s, p.School.Code), Current: s == p.State}
		if s == New && p.Waiting > 0 {
			t.Count = i18n.Number(ctx, p.Waiting)
		}
		out = append(out, t)
	}
	return out
}

func (p listProps) schoolOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Label: i18n.T(ctx, "postings.every_school")}}
	for _, a := range p.Schools {
		out = append(out, ui.Option{Value: a.Code, Label: a.School, Selected: a.Code == p.School.Code})
	}
	return out
}

func (p listProps) table(ctx context.Context) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "postings.title"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "postings.field.title")},
		{Label: i18n.T(ctx, "postings.field.company")}, {Label: i18n.T(ctx, "postings.sender")}, {Label: i18n.T(ctx, "postings.received")}, {Label: i18n.T(ctx, "postings.files"), Numeric: true}}}
	several := len(p.Schools) > 1
	if several {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "postings.school")})
	}
	for _, d := range p.Drafts {
		row := []ui.Cell{{Content: draftName(d)}, {Content: guessed(d.Company, d.CompanyGuessed)}, {Text: d.author(ctx)}, {Text: i18n.DateTime(ctx, d.ReceivedAt)},
			{Text: i18n.Number(ctx, d.Files)}}
		if several {
			a, _ := p.Schools.ByID(d.AssociationID)
			row = append(row, ui.Cell{Text: a.School})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// author is the sender as people read him.
func (d Draft) author(ctx context.Context) string {
	switch {
	case d.SenderName != "" && d.Sender != "":
		return d.SenderName + " (" + d.Sender + ")"
	case d.Sender != "":
		return d.Sender
	}
	return i18n.T(ctx, "postings.nobody")
}

// heading names a draft, also one of which nothing is known.
func (p draftProps) heading(ctx context.Context) string {
	if h := p.Heading(); h != "" {
		return h
	}
	return i18n.T(ctx, "postings.untitled")
}

func (p draftProps) facts(ctx context.Context) []ui.Fact {
	proof := "postings.proven"
	if !p.Authenticated {
		proof = "postings.unproven"
	}
	out := []ui.Fact{
		{Term: i18n.T(ctx, "postings.sender"), Text: p.author(ctx), Note: i18n.T(ctx, proof)},
		{Term: i18n.T(ctx, "postings.subject"), Text: p.Subject},
		{Term: i18n.T(ctx, "postings.received"), Text: i18n.DateTime(ctx, p.ReceivedAt), Note: localPart(p.Lang) + "@" + p.School.MailDomain},
	}
	if p.State != New {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "postings.decided"), Text: i18n.T(ctx, p.State.Message()), Note: i18n.T(ctx, "postings.decided_by",
			i18n.Data{"Who": p.DecidedBy, "When": i18n.DateTime(ctx, p.DecidedAt)})})
	}
	if p.Note != "" {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "postings.field.note"), Text: p.Note})
	}
	return out
}

func (p draftProps) path(to string) string { return draftPath(p.ID) + to }

// words are those of the form: as typed where it was refused, else as held.
func (p draftProps) words() Words {
	if p.Refused.form && p.Refused.path == "" {
		return p.Refused.words
	}
	return Words{p.Title, p.Company, p.Body}
}

// errs is what is wrong with a form.
func (p draftProps) errs(path string) map[string]string {
	if p.Refused.form && p.Refused.path == path {
		return p.Refused.msgs
	}
	return nil
}

// general is what is wrong with no field in particular.
func (p draftProps) general() string { return p.Refused.msgs[""] }

// typed is a decision as it was typed in the form that was refused.
func (p draftProps) typed(path string) Decision {
	if p.Refused.form && p.Refused.path == path {
		return p.Refused.decision
	}
	return Decision{}
}

func hintIf(ctx context.Context, guessed bool, key string) string {
	if guessed {
		return i18n.T(ctx, key)
	}
	return ""
}

func replyOptions(ctx context.Context, list []Reply, chosen int) []ui.Option {
	out := []ui.Option{{Value: "0", Label: i18n.T(ctx, "postings.no_letter"), Selected: chosen == 0}}
	for i, r := range list {
		out = append(out, ui.Option{Value: strconv.Itoa(i + 1), Label: r.Title, Selected: chosen == i+1})
	}
	return out
}

func sizeText(ctx context.Context, n int64) string {
	if n < 1_000_000 {
		return i18n.T(ctx, "postings.size_kb", i18n.Data{"N": i18n.Number(ctx, int((n+999)/1000))})
	}
	return i18n.T(ctx, "postings.size_mb", i18n.Data{"N": i18n.Number(ctx, int((n+999_999)/1_000_000))})
}

func (p draftProps) filePath(f File) string { return p.path("/fichiers/" + f.ID.String()) }

// decisionErrors lead to the fields of the form of a decision.
func decisionErrors(msgs map[string]string, prefix string) []ui.FieldError {
	var out []ui.FieldError
	for _, field := range []string{"note", "reply", "words"} {
		if m := msgs[field]; m != "" {
			out = append(out, ui.FieldError{ID: prefix + "-" + field, Message: m})
		}
	}
	return out
}

// crumbs are the way from the front of the back office to a draft; "" is their list.
func crumbs(ctx context.Context, draft string) []ui.Crumb {
	out := []ui.Crumb{{Label: i18n.T(ctx, "postings.admin"), URL: "/admin"}}
	if draft == "" {
		return append(out, ui.Crumb{Label: i18n.T(ctx, "postings.title")})
	}
	return append(out, ui.Crumb{Label: i18n.T(ctx, "postings.title"), URL: Path}, ui.Crumb{Label: draft})
}
