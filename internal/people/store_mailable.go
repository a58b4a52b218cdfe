package people

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Mailable is where letters to a person go.
type Mailable struct {
	PersonID id.ID
	Value    string
	Broken   bool // nothing arrives there any more, and no other address took over
}

// Mailables are the preferred e-mail addresses of these persons; those without any are not in it. Background work only.
func (s *Store) Mailables(ctx context.Context, v viewer.Viewer, persons []id.ID) (map[id.ID]Mailable, error) {
	if v.Kind != viewer.System {
		return nil, errs.E("people.Mailables", errs.Forbidden, nil)
	}
	out := make(map[id.ID]Mailable, len(persons))
	err := db.Each(ctx, s.db, `
		SELECT person_id, value, broken_at IS NOT NULL AS broken FROM contact_points WHERE kind = 'email' AND preferred AND person_id IN (`+db.In(len(persons))+`)`,
		db.Args(persons), func(m *Mailable) error {
			out[m.PersonID] = *m
			return nil
		})
	return out, errs.Wrap("people.Mailables", err)
}
