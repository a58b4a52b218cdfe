package imports

import (
	"context"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/id"
	"amicale/internal/people"
)

// lookBatch bounds the values of one look-up.
const lookBatch = 500

// heldRecord is what lists said last in a row's name, and of whom.
type heldRecord struct {
	Identity id.ID
	PersonID id.ID // zero for somebody who was erased
	Record   string
}

// recordsOf finds what lists said before under these identities. A person merged since is whom he was merged into.
func (s *Store) recordsOf(ctx context.Context, identities []id.ID) (map[id.ID]heldRecord, error) {
	out := make(map[id.ID]heldRecord, len(identities))
	for part := range slices.Chunk(identities, lookBatch) {
		err := db.Each(ctx, s.db, `
			SELECT r.identity, r.record, COALESCE(p.merged_into, r.person_id) AS person_id
			FROM import_records r LEFT JOIN persons p ON p.id = r.person_id WHERE r.identity IN (`+db.In(len(part))+`)`, db.Args(part), func(h *heldRecord) error {
			out[h.Identity] = *h
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// look reads what a round needs to know, in a bounded number of look-ups.
func (r *run) look(ctx context.Context, entries []*entry) (*held, error) {
	h := &held{dossiers: map[id.ID]*people.Dossier{}}
	var identifiers []people.LegacyID
	var logins []string
	for _, e := range entries {
		identifiers = append(identifiers, e.record.Legacy...)
		logins = append(logins, e.record.Logins...)
		logins = append(logins, e.record.FormerLogins...)
	}
	var err error
	if h.legacy, err = r.ownersOf(ctx, identifiers); err != nil {
		return nil, err
	}
	if h.logins, err = r.people.LoginsTaken(ctx, system(), logins); err != nil {
		return nil, err
	}
	var persons []id.ID
	for _, e := range entries {
		if !e.person.IsZero() {
			persons = append(persons, e.person)
			continue
		}
		for _, l := range e.record.Legacy {
			if owner := h.legacy[l]; !owner.IsZero() {
				persons = append(persons, owner)
			}
		}
	}
	dossiers, err := r.people.Dossiers(ctx, system(), persons)
	for i := range dossiers {
		h.dossiers[dossiers[i].ID] = &dossiers[i]
	}
	return h, err
}

// ownersOf finds whose these identifiers of older systems are.
func (s *Store) ownersOf(ctx context.Context, list []people.LegacyID) (map[people.LegacyID]id.ID, error) {
	out := make(map[people.LegacyID]id.ID, len(list))
	bySource := map[string][]string{}
	for _, l := range list {
		bySource[l.Source] = append(bySource[l.Source], l.Value)
	}
	type row struct {
		Value    string
		PersonID id.ID
	}
	for source, values := range bySource {
		for part := range slices.Chunk(values, lookBatch) {
			err := db.Each(ctx, s.db, `
				SELECT l.value, COALESCE(p.merged_into, l.person_id) AS person_id FROM legacy_ids l JOIN persons p ON p.id = l.person_id
				WHERE l.source = ? AND l.value IN (`+db.In(len(part))+`)`, append([]any{source}, db.Args(part)...), func(v *row) error {
				out[people.LegacyID{Source: source, Value: v.Value}] = v.PersonID
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// namesake is somebody whose folded name was asked for, and one of his degrees.
type namesake struct {
	Surname       string
	First         string
	ID            id.ID
	BirthDate     time.Time
	ClassYear     int
	AssociationID id.ID
}

// personName is a folded surname, at birth or in use, and first name.
type personName struct{ surname, first string }

// namesakes finds who has these folded names, at birth or in use.
func (s *Store) namesakes(ctx context.Context, names []personName) (map[personName][]namesake, error) {
	out := make(map[personName][]namesake, len(names))
	names = slices.DeleteFunc(names, func(n personName) bool { // each once
		_, twice := out[n]
		out[n] = nil
		return twice
	})
	for _, key := range []string{`birth_key`, `usage_key`} {
		for part := range slices.Chunk(names, lookBatch) {
			args := make([]any, 0, 2*len(part))
			for _, n := range part {
				args = append(args, n.surname, n.first)
			}
			err := db.Each(ctx, s.db, `
				WITH k (surname, given) AS (VALUES `+pairs(len(part))+`)
				SELECT k.surname, k.given AS first, p.id, p.birth_date, g.class_year, g.association_id
				FROM k JOIN persons p ON p.`+key+` = k.surname AND p.first_key = k.given LEFT JOIN degrees g ON g.person_id = p.id
				WHERE p.merged_into IS NULL`, args, func(n *namesake) error {
				at := personName{n.Surname, n.First}
				out[at] = append(out[at], *n)
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func pairs(n int) string {
	b := make([]byte, 0, 6*n)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "(?,?)"...)
	}
	return string(b)
}

// sharing are the first and the last of those who have an e-mail address.
type sharing struct {
	ValueKey    string
	First, Last id.ID
}

// holders finds who has these e-mail addresses.
func (s *Store) holders(ctx context.Context, emails []string) (map[string]sharing, error) {
	out := make(map[string]sharing, len(emails))
	for part := range slices.Chunk(emails, lookBatch) {
		err := db.Each(ctx, s.db, `
			SELECT c.value_key, MIN(CAST(c.person_id AS TEXT)) AS first, MAX(CAST(c.person_id AS TEXT)) AS last
			FROM contact_points c JOIN persons p ON p.id = c.person_id
			WHERE c.value_key IN (`+db.In(len(part))+`) AND c.value_key <> '' AND c.kind = 'email' AND p.merged_into IS NULL GROUP BY c.value_key`, db.Args(part), func(h *sharing) error {
			out[h.ValueKey] = *h
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
