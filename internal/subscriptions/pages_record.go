package subscriptions

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// RecordForm is where the form on somebody's record is sent, below the record.
const RecordForm = "abonnements"

// recordProps are somebody's subscriptions on the record that the staff reads.
type recordProps struct {
	Overview
	now    time.Time
	Open   bool // the form, which was refused
	Ticked map[Cell]bool
}

// Record is what the staff reads of somebody's subscriptions in his record, with the form for what he refuses on the
// phone; nil for who died: nothing is sent to him.
func (p *Pages) Record(r *web.Request, d people.Dossier) (templ.Component, error) {
	if d.Status == people.Deceased {
		return nil, nil
	}
	o, err := p.store.Overview(r.Ctx(), r.Viewer, d.ID)
	if err != nil {
		return nil, err
	}
	props := recordProps{Overview: o, now: p.now(), Ticked: map[Cell]bool{}}
	if props.Open = r.URL.Path == recordPath(d.ID); props.Open {
		f, err := r.Form()
		if err != nil {
			return nil, err
		}
		for _, c := range refusedIn(f) {
			props.Ticked[c] = true
		}
	}
	return recordPart(props), nil
}

// Refuse notes what somebody refused on the phone, from the form on his record.
func (p *Pages) Refuse(r *web.Request, person id.ID) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	cells := refusedIn(f)
	if sender, err := id.Parse(f.Text("none")); err == nil {
		for _, k := range Kinds() {
			cells = append(cells, Cell{sender, k})
		}
	}
	if len(cells) == 0 {
		return errs.Msg("subscriptions.record.nothing")
	}
	for _, c := range cells {
		if err := p.store.Refuse(r.Ctx(), r.Actor(), person, c, ByStaff); err != nil {
			return err
		}
	}
	return nil
}

func refusedIn(f *web.Form) (out []Cell) {
	for _, s := range f.All("refuse") {
		if c, rest, ok := parseCell(s); ok && rest == "" {
			out = append(out, c)
		}
	}
	return out
}

func recordPath(person id.ID) string { return "/admin/personnes/" + person.String() + "/" + RecordForm }

func (p recordProps) pausedUntil(ctx context.Context) string {
	return i18n.Date(ctx, p.Standing.PausedUntil(p.now))
}

// facts are what is received from each sender, in short.
func (p recordProps) facts(ctx context.Context) []ui.Fact {
	var out []ui.Fact
	for _, s := range p.Senders {
		var not []string
		for _, k := range Kinds() {
			if !p.Standing.Subscribed(s.ID, k) {
				not = append(not, i18n.T(ctx, k.Message()))
			}
		}
		text := i18n.T(ctx, "subscriptions.record.but", i18n.Data{"Kinds": strings.Join(not, ", ")})
		switch len(not) {
		case 0:
			text = i18n.T(ctx, "subscriptions.record.everything")
		case len(Kinds()):
			text = i18n.T(ctx, "subscriptions.record.nothing_left")
		}
		out = append(out, ui.Fact{Term: s.Name, Text: text})
	}
	return out
}

// grid is the table of what is received: a row a kind, a column a sender.
func (p recordProps) grid(ctx context.Context) ui.TableProps {
	t := ui.TableProps{Caption: i18n.T(ctx, "subscriptions.record.by_phone"), Hide: true, Columns: []ui.Column{{Label: i18n.T(ctx, "subscriptions.what")}}}
	for _, s := range p.Senders {
		t.Columns = append(t.Columns, ui.Column{Label: s.Name})
	}
	for _, k := range Kinds() {
		row := []ui.Cell{{Text: i18n.T(ctx, k.Message())}}
		for _, s := range p.Senders {
			row = append(row, ui.Cell{Content: refusal(p, s, k)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// why is whose word a refusal is, and of when.
func (p recordProps) why(ctx context.Context, c Cell) string {
	origin, at := p.Standing.refusal(c)
	key := "subscriptions.why." + string(origin)
	if origin == ByPerson || origin == ByComplaint {
		key = "subscriptions.record.why." + string(origin)
	}
	return i18n.T(ctx, key, i18n.Data{"Date": i18n.Date(ctx, at)})
}
