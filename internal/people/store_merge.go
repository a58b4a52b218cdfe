package people

import (
	"bytes"
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Merge makes two rows that are one person one: all that `from` has goes to `into`, whose own word wins where both
// have one, and `from` only leads there from now on. It is for the federation's admins and for whoever is webmaster
// of every school of both. The features' parts run in the same transaction, first.
func (s *Store) Merge(ctx context.Context, v viewer.Viewer, from, into id.ID, features ...Merger) (Moved, error) {
	op := "people.Merge " + from.String() + " into " + into.String()
	if from == into {
		return Moved{}, errs.E(op, errs.Invalid, nil)
	}
	var out Moved
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		f, i, err := s.lockBoth(ctx, v, from, into)
		if err != nil {
			return err
		}
		for _, m := range features {
			if err := m.Merge(ctx, v, from, into); err != nil {
				return errs.Wrap(m.Name, err)
			}
		}
		plan := planMerge(f, i)
		out = Moved{From: from, Into: into, Name: f.Name(), Filled: plan.filled}
		if err := s.carryOut(ctx, plan, f, i, &out); err != nil {
			return err
		}
		return s.Touch(ctx, from, into)
	})
	if err != nil {
		return Moved{}, errs.Wrap(op, err)
	}
	return out, nil
}

// lockBoth locks in one order, whichever way round two admins merge.
func (s *Store) lockBoth(ctx context.Context, v viewer.Viewer, from, into id.ID) (f, i Dossier, err error) {
	background := viewer.ForSystem("the right to merge is judged on both")
	first, second, swap := from, into, false
	if bytes.Compare(first[:], second[:]) > 0 {
		first, second, swap = into, from, true
	}
	if f, err = s.lock(ctx, background, first); err != nil {
		return f, i, err
	}
	if i, err = s.lock(ctx, background, second); err != nil {
		return f, i, err
	}
	if swap {
		f, i = i, f
	}
	if !mayMergeOrErase(v, f) || !mayMergeOrErase(v, i) {
		err = errs.Forbidden
		if !MayManage(v, f) || !MayManage(v, i) {
			err = errs.NotFound
		}
	}
	return f, i, err
}

func (s *Store) carryOut(ctx context.Context, p mergePlan, f, i Dossier, out *Moved) error {
	for _, step := range []func(context.Context, mergePlan, Dossier, Dossier, *Moved) error{
		s.moveDegrees, s.moveContacts, s.moveMemberships, s.moveRest, s.saveMerged,
	} {
		if err := step(ctx, p, f, i, out); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) moveDegrees(ctx context.Context, p mergePlan, f, i Dossier, out *Moved) error {
	for _, g := range f.Degrees {
		if p.renamed[g.ID] {
			if _, err := s.db.Exec(ctx, `UPDATE logins SET current = FALSE WHERE degree_id = ?`, g.ID); err != nil {
				return err
			}
		}
		twin, both := p.twins[g.ID]
		if !both {
			out.Degrees++
			continue
		}
		out.Collapsed++
		if _, err := s.db.Exec(ctx, `UPDATE logins SET degree_id = ? WHERE degree_id = ?`, twin.ID, g.ID); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `UPDATE degrees SET department = ?, study_year = ? WHERE id = ?`, twin.Department, twin.StudyYear, twin.ID); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM degrees WHERE id = ?`, g.ID); err != nil {
			return err
		}
	}
	for _, l := range f.Logins {
		out.Logins = append(out.Logins, l.Login)
	}
	if _, err := s.db.Exec(ctx, `UPDATE degrees SET person_id = ? WHERE person_id = ?`, i.ID, f.ID); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `UPDATE logins SET person_id = ? WHERE person_id = ?`, i.ID, f.ID)
	return err
}

func (s *Store) moveContacts(ctx context.Context, p mergePlan, f, i Dossier, out *Moved) error {
	for c, same := range p.contacts {
		if _, err := s.db.Exec(ctx, `UPDATE contact_points SET confirmed_at = ?, broken_at = ? WHERE id = ?`, same.ConfirmedAt, same.BrokenAt, same.ID); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM contact_points WHERE id = ?`, c); err != nil {
			return err
		}
	}
	if len(p.unprefer) > 0 {
		if _, err := s.db.Exec(ctx, `UPDATE contact_points SET preferred = FALSE WHERE id IN (`+db.In(len(p.unprefer))+`)`, db.Args(p.unprefer)...); err != nil {
			return err
		}
	}
	n, err := s.db.Exec(ctx, `UPDATE contact_points SET person_id = ? WHERE person_id = ?`, i.ID, f.ID)
	out.Contacts = int(n)
	return err
}

func (s *Store) moveMemberships(ctx context.Context, p mergePlan, f, i Dossier, out *Moved) error {
	for m, both := range p.memberships {
		if !both {
			continue
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM memberships WHERE id = ?`, m); err != nil {
			return err
		}
	}
	n, err := s.db.Exec(ctx, `UPDATE memberships SET person_id = ? WHERE person_id = ?`, i.ID, f.ID)
	out.Memberships = int(n)
	return err
}

func (s *Store) moveRest(ctx context.Context, _ mergePlan, f, i Dossier, out *Moved) error {
	n, err := s.db.Exec(ctx, `UPDATE legacy_ids SET person_id = ? WHERE person_id = ?`, i.ID, f.ID)
	if err != nil {
		return err
	}
	out.LegacyIDs = int(n)
	if n, err = s.db.Exec(ctx, `UPDATE consents SET person_id = ? WHERE person_id = ?`, i.ID, f.ID); err != nil {
		return err
	}
	out.Consents = int(n)
	if _, err = s.db.Exec(ctx, `DELETE FROM redirect_targets WHERE person_id = ? AND target IN (
		SELECT target FROM redirect_targets WHERE person_id = ?)`, f.ID, i.ID); err != nil {
		return err
	}
	n, err = s.db.Exec(ctx, `UPDATE redirect_targets SET person_id = ? WHERE person_id = ?`, i.ID, f.ID)
	out.Redirects = int(n)
	return err
}

// saveMerged writes both rows. Doubles that were merged into the double earlier lead on to the one who stays, so
// that there is never a chain; the double's row keeps the name it had, for the trail, and no other data.
func (s *Store) saveMerged(ctx context.Context, p mergePlan, f, i Dossier, _ *Moved) error {
	if _, err := s.db.Exec(ctx, `UPDATE persons SET merged_into = ? WHERE merged_into = ?`, i.ID, f.ID); err != nil {
		return err
	}
	if err := s.db.ExecOne(ctx, `
		UPDATE persons SET merged_into = ?, headline = '', presentation = '', photo = '', birth_date = NULL, birth_year = 0,
			audiences = ?, note = ? WHERE id = ?`,
		i.ID, db.ToJSON(map[string]string{}), db.ToJSON(map[string]string{}), f.ID); err != nil {
		return err
	}
	n := p.person
	err := s.db.ExecOne(ctx, `
		UPDATE persons SET civility = ?, first_names = ?, first_name = ?, birth_surname = ?, usage_surname = ?,
			first_key = ?, birth_key = ?, usage_key = ?, birth_date = ?, birth_year = ?, status = ?, deceased_on = ?,
			headline = ?, presentation = ?, photo = ?, activated_at = ?, confirmed_at = ?, audiences = ?, note = ?
		WHERE id = ?`,
		n.Civility, n.FirstNames, n.FirstName, n.BirthSurname, n.UsageSurname,
		fold.Name(n.FirstName), fold.Name(n.BirthSurname), fold.Name(n.UsageSurname), day(n.BirthDate), n.BirthYear, string(n.Status), day(n.DeceasedOn),
		n.Headline, n.Presentation, n.Photo, n.ActivatedAt, n.ConfirmedAt, db.ToJSON(p.audiences), db.ToJSON(p.note), i.ID)
	if err != nil || fold.LoginPart(n.Surname()) == fold.LoginPart(i.Surname()) {
		return err
	}
	return s.RenewLogins(ctx, i.ID)
}
