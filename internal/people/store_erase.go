package people

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Export is all that the house holds of a person, for himself and for the staff of his associations; what the
// features hold stands under their names.
func (s *Store) Export(ctx context.Context, v viewer.Viewer, person id.ID, features ...Exporter) (Export, error) {
	op := "people.Export " + person.String()
	d, err := s.Dossier(ctx, v, person)
	if err != nil {
		return Export{}, errs.Wrap(op, err)
	}
	as, err := s.Associations(ctx)
	if err != nil {
		return Export{}, errs.Wrap(op, err)
	}
	out := d.export(as)
	for _, f := range features {
		value, err := f.Export(ctx, v, person)
		if err != nil {
			return Export{}, errs.Wrap(op+" "+f.Name, err)
		}
		if value != nil {
			out.Features[f.Name] = value
		}
	}
	return out, nil
}

// Erase removes a person and his doubles for good. His logins stay, as nobody's: they are never given again. It is
// for the person himself, the federation's admins and whoever is webmaster of every school of his. The features'
// parts run in the same transaction, first: they still see the person.
func (s *Store) Erase(ctx context.Context, v viewer.Viewer, person id.ID, features ...Eraser) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.lock(ctx, v, person)
		if err != nil {
			return err
		}
		if own := v.SignedIn() && v.Person == person; !own && !mayMergeOrErase(v, d) {
			return errs.Forbidden
		}
		for _, f := range features {
			if err := f.Erase(ctx, v, person); err != nil {
				return errs.Wrap(f.Name, err)
			}
		}
		if _, err := s.db.Exec(ctx, `
			UPDATE logins SET person_id = NULL, degree_id = NULL, current = FALSE
			WHERE person_id IN (SELECT id FROM persons WHERE id = ? OR merged_into = ?)`, person, person); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM persons WHERE merged_into = ?`, person); err != nil {
			return err
		}
		if err := s.db.ExecOne(ctx, `DELETE FROM persons WHERE id = ?`, person); err != nil {
			return err
		}
		return s.Touch(ctx, person)
	})
	return errs.Wrap("people.Erase "+person.String(), err)
}
