package forwarding

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// holder is somebody in the base, as the way of his mail depends on him.
type holder struct {
	Person id.ID
	Status people.Status
	Settings
	Standing
}

// addressed is a login that mail came for.
type addressed struct {
	holder
	Login   string
	School  id.ID   // of its degree; zero when there is none
	Schools []id.ID // of all its owner's degrees, where it has none itself
}

type holderRow struct {
	PersonID    id.ID
	Status      people.Status
	Mode        Mode
	Strictness  Strictness
	PausedUntil time.Time
	Chosen      bool
	Preferred   bool
	Targets     string // "role:state:known:address …", in their order
	Defaults    string // addresses of who never chose
}

type loginRow struct {
	holderRow
	Login   string
	School  id.ID
	Schools string // only of a login without a degree
}

// holderColumns are what a holder is made of, of persons p and forwarding_settings s. No address holds a space. A target counts as long as it is a confirmed address of the person, or one known from an older system
// that still stands there; the preferred personal address of who never said anything counts if it was confirmed or came
// with an import.
//
// What is not needed is not looked up: this runs for each recipient of each message.
const holderColumns = `p.id AS person_id, p.status, s.mode, s.strictness, s.paused_until, COALESCE(s.chosen, FALSE) AS chosen, COALESCE(s.preferred, FALSE) AS preferred,
	CASE WHEN s.person_id IS NULL THEN NULL ELSE (SELECT string_agg(concat(t.role, ':',
		CASE WHEN t.dead_at IS NOT NULL THEN 'dead'
			WHEN EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email' AND c.value_key = t.address_key
				AND (t.known OR c.confirmed_at IS NOT NULL)) THEN 'good'
			WHEN t.known AND EXISTS (SELECT 1 FROM redirect_targets r WHERE r.person_id = p.id AND r.target = t.address) THEN 'good'
			ELSE 'gone' END, ':', CASE WHEN t.known THEN 'known' ELSE '' END, ':', t.address), ' ' ORDER BY t.position, t.address_key)
		FROM forwarding_targets t WHERE t.person_id = p.id) END AS targets,
	CASE WHEN s.chosen THEN NULL ELSE COALESCE(
		(SELECT string_agg(r.target, ' ' ORDER BY r.target) FROM redirect_targets r WHERE r.person_id = p.id),
		(SELECT min(c.value) FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email' AND c.preferred AND c.purpose = 'personal'
			AND (c.confirmed_at IS NOT NULL OR c.origin = 'import'))) END AS defaults`

const holderJoins = `LEFT JOIN forwarding_settings s ON s.person_id = p.id`

// byLogin finds whom a login belongs to, in any form people write it; a merge takes the logins along. It is one
// statement: each recipient of each message asks it.
func (s *Store) byLogin(ctx context.Context, typed string, as people.Associations) (addressed, error) {
	r, err := db.One[loginRow](ctx, s.DB, `SELECT l.login, g.association_id AS school,
			CASE WHEN g.id IS NULL THEN (SELECT string_agg(CAST(d.association_id AS TEXT), ' ') FROM degrees d WHERE d.person_id = p.id) END AS schools, `+holderColumns+`
		FROM logins l JOIN persons p ON p.id = l.person_id LEFT JOIN degrees g ON g.id = l.degree_id `+holderJoins+`
		WHERE l.login_key = ?`, fold.TypedLogin(typed))
	if err != nil {
		return addressed{}, err
	}
	out := addressed{Login: r.Login, School: r.School}
	for one := range strings.FieldsSeq(r.Schools) {
		if school, err := id.Parse(one); err == nil {
			out.Schools = append(out.Schools, school)
		}
	}
	out.holder, err = s.complete(ctx, r.holderRow, as)
	return out, err
}

// holder is a person; a double that was merged leads to the one it was merged into.
func (s *Store) holder(ctx context.Context, person id.ID, as people.Associations) (holder, error) {
	r, err := db.One[holderRow](ctx, s.DB, `SELECT `+holderColumns+`
		FROM persons o JOIN persons p ON p.id = COALESCE(o.merged_into, o.id) `+holderJoins+` WHERE o.id = ?`, person)
	if err != nil {
		return holder{}, err
	}
	return s.complete(ctx, r, as)
}

// complete asks whether and since when somebody is asked for a target only where that decides.
func (s *Store) complete(ctx context.Context, r holderRow, as people.Associations) (holder, error) {
	h := r.holder(as)
	if len(h.Route()) > 0 {
		return h, nil
	}
	var err error
	h.Standing, err = db.One[Standing](ctx, s.DB, `
		SELECT q.first_at AS asked_at, (p.activated_at IS NOT NULL OR EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email')) AS reachable
		FROM persons p LEFT JOIN forwarding_asked q ON q.person_id = p.id WHERE p.id = ?`, h.Person)
	return h, err
}

func (r holderRow) holder(as people.Associations) holder {
	h := holder{Person: r.PersonID, Status: r.Status, Settings: Defaults()}
	if r.Mode != "" {
		h.Mode, h.Strictness, h.PausedUntil, h.Chosen, h.Preferred = r.Mode, r.Strictness, r.PausedUntil, r.Chosen, r.Preferred
	}
	stored := parseTargets(r.Targets)
	h.Targets = stored
	if !h.Chosen {
		h.Targets = defaultTargets(r.Defaults, stored)
	}
	for i := range h.Targets {
		if !routable(h.Targets[i].Address, as) {
			h.Targets[i].State = Gone
		}
	}
	return h
}

func parseTargets(s string) []Target {
	var out []Target
	for one := range strings.FieldsSeq(s) {
		part := strings.SplitN(one, ":", 4)
		if len(part) == 4 {
			out = append(out, Target{Role: Role(part[0]), State: State(part[1]), Known: part[2] != "", Address: part[3]})
		}
	}
	return out
}

// defaultTargets are those of who never said anything; what is stored only marks the ones that died. One that is no
// default any more was the preferred address: mail goes on there, once it works again, and meanwhile waits, for the
// address that took its place for letters gets no mail of others unasked.
func defaultTargets(addresses string, marks []Target) []Target {
	var out []Target
	known := strings.Fields(addresses)
	if slices.ContainsFunc(marks, func(m Target) bool {
		return m.State != Gone && !slices.ContainsFunc(known, func(a string) bool { return fold.Email(a) == m.Key() })
	}) {
		return marks
	}
	for _, address := range known {
		t := Target{Address: address, Role: Goal, State: Good, Known: true}
		if slices.ContainsFunc(marks, func(m Target) bool { return m.State == Dead && m.Key() == t.Key() }) {
			t.State = Dead
		}
		out = append(out, t)
	}
	return out
}
