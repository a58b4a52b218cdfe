package people

import (
	"cmp"
	"context"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// SaveContact adds or changes a contact point; its kind stays. Making it preferred takes that from the others of
// its kind, and the first e-mail address is preferred without being asked. Only ConfirmEmail and background work
// confirm an address: one that changes is no longer confirmed, nor broken. A broken one does not take the preference
// from one that works. Only the person himself shows one to more people than before, or than by default.
func (s *Store) SaveContact(ctx context.Context, v viewer.Viewer, c *ContactPoint) error {
	if !c.Normalize() {
		return errs.Msg("people.contact.bad")
	}
	return s.change(ctx, "people.SaveContact", v, c.PersonID, func(ctx context.Context, d Dossier) error {
		old, known := d.contact(c.ID)
		if known && old.Kind != c.Kind || !known && !c.ID.IsZero() {
			return errs.NotFound
		}
		if err := checkAudience(v, *c, old); err != nil {
			return err
		}
		c.UpdatedAt = s.now()
		c.keepState(v, old)
		if c.Kind == Email && (old.Preferred || !d.hasPreferred(Email)) {
			c.Preferred = true // it passes on only to another
		}
		if c.Preferred && !old.Preferred && !c.BrokenAt.IsZero() && d.hasPreferred(Email) {
			return errs.Msg("people.contact.broken")
		}
		if c.Preferred {
			if err := s.unprefer(ctx, c.PersonID, c.Kind); err != nil {
				return err
			}
		}
		if !known {
			return s.insertContact(ctx, c)
		}
		c.Origin, c.CreatedAt = old.Origin, old.CreatedAt
		return s.db.ExecOne(ctx, `
			UPDATE contact_points SET purpose = ?, value = ?, value_key = ?, street = ?, postcode = ?, city = ?, country = ?,
				valid_from = ?, valid_to = ?, audience = ?, preferred = ?, confirmed_at = ?, broken_at = ?, updated_at = ?
			WHERE id = ? AND person_id = ?`,
			string(c.Purpose), c.Value, c.ValueKey, c.Street, c.Postcode, c.City, c.Country,
			day(c.ValidFrom), day(c.ValidTo), string(c.Audience), c.Preferred, c.ConfirmedAt, c.BrokenAt, c.UpdatedAt, c.ID, c.PersonID)
	})
}

// keepState keeps what is known of the value while that stays: whether it was confirmed, and whether it is broken. Who
// changes a contact point says neither.
func (c *ContactPoint) keepState(v viewer.Viewer, old ContactPoint) {
	same := !old.ID.IsZero() && old.ValueKey == c.ValueKey
	switch {
	case same:
		c.BrokenAt = old.BrokenAt
	case v.Kind != viewer.System || !old.ID.IsZero():
		c.BrokenAt = time.Time{}
	}
	if v.Kind == viewer.System {
		return
	}
	c.ConfirmedAt = time.Time{}
	if same {
		c.ConfirmedAt = old.ConfirmedAt
	}
}

// checkAudience keeps the staff from showing somebody's contact point more widely than it was; old is zero for a new one.
func checkAudience(v viewer.Viewer, c, old ContactPoint) error {
	if v.Kind == viewer.System || v.Person == c.PersonID {
		return nil
	}
	held := old.Audience
	if old.ID.IsZero() {
		held = DefaultAudience(c.Kind)
	}
	if c.Audience.OneOf(viewer.NoWider(held)) {
		return nil
	}
	f := errs.Fields{}
	f.Add("audience", "people.contact.too_wide")
	return f.Err()
}

// insertContact gives a new contact point its identifier.
func (s *Store) insertContact(ctx context.Context, c *ContactPoint) error {
	c.ID, c.CreatedAt = id.New(), c.UpdatedAt
	_, err := s.db.Exec(ctx, `INSERT INTO contact_points (`+contactColumns+`) VALUES (`+db.In(19)+`)`, contactArgs(*c)...)
	return err
}

func (s *Store) unprefer(ctx context.Context, person id.ID, k ContactKind) error {
	_, err := s.db.Exec(ctx, `UPDATE contact_points SET preferred = FALSE WHERE person_id = ? AND kind = ? AND preferred`, person, string(k))
	return err
}

// RemoveContact deletes a contact point. When it was the preferred e-mail address, the next one takes over.
func (s *Store) RemoveContact(ctx context.Context, v viewer.Viewer, person, contact id.ID) error {
	return s.change(ctx, "people.RemoveContact", v, person, func(ctx context.Context, d Dossier) error {
		gone, _ := d.contact(contact)
		if err := s.db.ExecOne(ctx, `DELETE FROM contact_points WHERE id = ? AND person_id = ?`, contact, person); err != nil {
			return err
		}
		if !gone.Preferred || gone.Kind != Email {
			return nil
		}
		next, ok := d.nextEmail(contact)
		if !ok {
			return nil
		}
		_, err := s.db.Exec(ctx, `UPDATE contact_points SET preferred = TRUE WHERE id = ?`, next.ID)
		return err
	})
}

// ConfirmEmail notes that the link sent to this address was followed; the address is added when the person has
// it not yet, as activation needs, and works again where it was broken. It becomes the preferred one where no other
// that is preferred was confirmed. The proof is the caller's single-use token.
func (s *Store) ConfirmEmail(ctx context.Context, person id.ID, email, origin string) error {
	c := ContactPoint{PersonID: person, Kind: Email, Purpose: Personal, Value: email, Origin: origin}
	if !c.Normalize() {
		return errs.Msg("people.contact.bad")
	}
	c.ConfirmedAt = s.now()
	c.UpdatedAt = c.ConfirmedAt
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		d, err := s.lock(ctx, viewer.ForSystem("an address was confirmed"), person)
		if err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, `UPDATE contact_points SET confirmed_at = ?, broken_at = NULL, updated_at = ? WHERE person_id = ? AND kind = 'email' AND value_key = ?`,
			c.ConfirmedAt, c.UpdatedAt, person, c.ValueKey)
		if err == nil && n == 0 {
			err = s.insertContact(ctx, &c)
		}
		if err == nil && !d.writesTo() {
			err = s.prefer(ctx, person, c.ValueKey)
		}
		if err != nil {
			return err
		}
		return s.Touch(ctx, person)
	})
	return errs.Wrap("people.ConfirmEmail "+person.String(), err)
}

// UnconfirmEmails takes back what was confirmed since a moment: the links were followed by somebody else.
func (s *Store) UnconfirmEmails(ctx context.Context, person id.ID, since time.Time) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, `UPDATE contact_points SET confirmed_at = NULL, updated_at = ? WHERE person_id = ? AND kind = 'email' AND confirmed_at >= ?`,
			s.now(), person, since); err != nil {
			return err
		}
		return s.Touch(ctx, person)
	})
	return errs.Wrap("people.UnconfirmEmails "+person.String(), err)
}

// prefer makes one address, should it stand there twice too, the preferred one.
func (s *Store) prefer(ctx context.Context, person id.ID, key string) error {
	if err := s.unprefer(ctx, person, Email); err != nil {
		return err
	}
	return s.db.ExecOne(ctx, `
		UPDATE contact_points SET preferred = TRUE WHERE id = (
			SELECT id FROM contact_points WHERE person_id = ? AND kind = 'email' AND value_key = ? ORDER BY created_at, id LIMIT 1)`, person, key)
}

// PreferredEmail is the address to write to; ok is false when none is known that works.
func (d Dossier) PreferredEmail() (c ContactPoint, ok bool) {
	for _, c := range d.Contacts {
		if c.Kind == Email && c.Preferred && c.BrokenAt.IsZero() {
			return c, true
		}
	}
	return ContactPoint{}, false
}

// writesTo reports whether the preferred address was confirmed.
func (d Dossier) writesTo() bool {
	c, ok := d.PreferredEmail()
	return ok && !c.ConfirmedAt.IsZero()
}

// hasPreferred reports whether one of a kind is preferred and works. A broken address stays marked as preferred until
// another takes over.
func (d Dossier) hasPreferred(k ContactKind) bool {
	for _, c := range d.Contacts {
		if c.Kind == k && c.Preferred && c.BrokenAt.IsZero() {
			return true
		}
	}
	return false
}

// nextEmail is the e-mail address that takes over when one of them goes: a confirmed one first, then a personal one,
// then the oldest; never a broken one.
func (d Dossier) nextEmail(gone id.ID) (next ContactPoint, ok bool) {
	rank := func(c ContactPoint) int {
		n := 0
		if c.ConfirmedAt.IsZero() {
			n += 2
		}
		if c.Purpose != Personal {
			n++
		}
		return n
	}
	for _, c := range d.Contacts {
		if c.Kind != Email || c.ID == gone || !c.BrokenAt.IsZero() {
			continue
		}
		if !ok || cmp.Or(rank(c)-rank(next), c.CreatedAt.Compare(next.CreatedAt), compareIDs(c.ID, next.ID)) < 0 {
			next, ok = c, true
		}
	}
	return next, ok
}

func (d Dossier) contact(i id.ID) (ContactPoint, bool) {
	for _, c := range d.Contacts {
		if c.ID == i {
			return c, true
		}
	}
	return ContactPoint{}, false
}

// PersonsByContact finds who has these e-mail addresses or phone numbers, confirmed or not, as folded by fold.Email
// and fold.Phone: the candidates of an activation or of an import. Background work and staff only.
func (s *Store) PersonsByContact(ctx context.Context, v viewer.Viewer, keys ...string) (map[string][]id.ID, error) {
	if !mayLookUp(v) {
		return nil, errs.E("people.PersonsByContact", errs.Forbidden, nil)
	}
	type row struct {
		ValueKey string
		PersonID id.ID
	}
	out := make(map[string][]id.ID, len(keys))
	for part := range slices.Chunk(keys, loadBatch) {
		err := db.Each(ctx, s.db, `
			SELECT DISTINCT c.value_key, c.person_id FROM contact_points c JOIN persons p ON p.id = c.person_id
			WHERE c.value_key IN (`+db.In(len(part))+`) AND c.value_key <> '' AND p.merged_into IS NULL
			ORDER BY c.value_key, c.person_id`, db.Args(part), func(r *row) error {
			out[r.ValueKey] = append(out[r.ValueKey], r.PersonID)
			return nil
		})
		if err != nil {
			return nil, errs.Wrap("people.PersonsByContact", err)
		}
	}
	return out, nil
}
