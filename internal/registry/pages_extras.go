package registry

import (
	"github.com/a-h/templ"

	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Extras are parts of a record that other features give; each may be nil.
type Extras struct {
	Panels []Panel
	// ActionKey is the key of what people call an action of the trail, of whatever feature; without it actions go by name.
	ActionKey func(action string) string
}

// Panel is a part of a record, below the coordinates. It is drawn after the line in the trail that whoever reads
// coordinates leaves, and checks itself what its viewer may see.
type Panel struct {
	// Show draws it; nil for nothing to say. After a form that was refused the request still holds what was sent.
	Show func(r *web.Request, d people.Dossier) (templ.Component, error)
	// Form is where its form is sent, below the record, and Done the key of what is said when Save took it; "" for a part
	// without one.
	Form, Done string
	// Save does what the form asks for, if the visitor may, with a line in the trail.
	Save func(r *web.Request, person id.ID) error
}

// With adds what other features give.
func (p *Pages) With(e Extras) *Pages {
	p.extras = e
	return p
}

// panels are those that have something to say.
func (p *Pages) panels(r *web.Request, d people.Dossier) ([]templ.Component, error) {
	var out []templ.Component
	for _, panel := range p.extras.Panels {
		c, err := panel.Show(r, d)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, c)
		}
	}
	return out, nil
}

// panelForms are the forms that panels hold.
func (p *Pages) panelForms() []edit {
	var out []edit
	for _, panel := range p.extras.Panels {
		if panel.Form != "" {
			out = append(out, edit{panel.Form, panel.Done, func(r *web.Request, _ *web.Form, _ viewer.Actor, person id.ID) error {
				return panel.Save(r, person)
			}})
		}
	}
	return out
}
