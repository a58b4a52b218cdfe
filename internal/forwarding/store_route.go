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
	Person  id.ID
	Status  people.Status
	Schools []id.ID // of all his degrees
	Settings
	Standing
}

// addressed is a login that mail came for.
type addressed struct {
	holder
	Login  string
	School id.ID // of its degree; zero when there is none
}

type holderRow struct {
	PersonID    id.ID
	Status      people.Status
	Schools     string
	Reachable   bool
	Mode        Mode
	Strictness  Strictness
	PausedUntil time.Time
	Chosen      bool
	AskedAt     time.Time
	Targets     string // "role:state:known:address …", in their order
	Redirects   string
	Personal    string
}

type loginRow struct {
	holderRow
	Login  string
	School id.ID
}

// holderColumns are what a holder is made of, of persons p, forwarding_settings s and forwarding_asked q. No address
// holds a space. A target counts as long as it is a confirmed address of the person, or an older system knew it; the
// preferred personal address of who never said anything counts if it was confirmed or came with an import.
const holderColumns = `p.id AS person_id, p.status, s.mode, s.strictness, s.paused_until, COALESCE(s.chosen, FALSE) AS chosen, q.first_at AS asked_at,
	(p.activated_at IS NOT NULL OR EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email')) AS reachable,
	(SELECT string_agg(CAST(d.association_id AS TEXT), ' ') FROM degrees d WHERE d.person_id = p.id) AS schools,
	(SELECT string_agg(concat(t.role, ':',
		CASE WHEN t.dead_at IS NOT NULL THEN 'dead'
			WHEN t.known OR EXISTS (SELECT 1 FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email' AND c.value_key = t.address_key
				AND c.confirmed_at IS NOT NULL) THEN 'good'
			ELSE 'gone' END, ':', CASE WHEN t.known THEN 'known' ELSE '' END, ':', t.address), ' ' ORDER BY t.position, t.address_key)
		FROM forwarding_targets t WHERE t.person_id = p.id) AS targets,
	(SELECT string_agg(r.target, ' ' ORDER BY r.target) FROM redirect_targets r WHERE r.person_id = p.id) AS redirects,
	(SELECT min(c.value) FROM contact_points c WHERE c.person_id = p.id AND c.kind = 'email' AND c.preferred AND c.purpose = 'personal'
		AND (c.confirmed_at IS NOT NULL OR c.origin = 'import')) AS personal`

const holderJoins = `LEFT JOIN forwarding_settings s ON s.person_id = p.id LEFT JOIN forwarding_asked q ON q.person_id = p.id`

// byLogin finds whom a login belongs to, in any form people write it. It is one statement: each recipient of each
// message asks it.
func (s *Store) byLogin(ctx context.Context, typed string, as people.Associations) (addressed, error) {
	r, err := db.One[loginRow](ctx, s.DB, `SELECT l.login, g.association_id AS school, `+holderColumns+`
		FROM logins l JOIN persons o ON o.id = l.person_id JOIN persons p ON p.id = COALESCE(o.merged_into, o.id)
			LEFT JOIN degrees g ON g.id = l.degree_id `+holderJoins+`
		WHERE l.login_key = ?`, fold.TypedLogin(typed))
	if err != nil {
		return addressed{}, err
	}
	return addressed{r.holder(as), r.Login, r.School}, nil
}

// holder is a person; a double that was merged leads to the one it was merged into.
func (s *Store) holder(ctx context.Context, person id.ID, as people.Associations) (holder, error) {
	r, err := db.One[holderRow](ctx, s.DB, `SELECT `+holderColumns+`
		FROM persons o JOIN persons p ON p.id = COALESCE(o.merged_into, o.id) `+holderJoins+` WHERE o.id = ?`, person)
	if err != nil {
		return holder{}, err
	}
	return r.holder(as), nil
}

func (r holderRow) holder(as people.Associations) holder {
	h := holder{Person: r.PersonID, Status: r.Status, Settings: Defaults(), Standing: Standing{AskedAt: r.AskedAt, Reachable: r.Reachable}}
	for s := range strings.FieldsSeq(r.Schools) {
		if school, err := id.Parse(s); err == nil {
			h.Schools = append(h.Schools, school)
		}
	}
	if r.Mode != "" {
		h.Mode, h.Strictness, h.PausedUntil, h.Chosen = r.Mode, r.Strictness, r.PausedUntil, r.Chosen
	}
	stored := parseTargets(r.Targets)
	h.Targets = stored
	if !h.Chosen {
		h.Targets = defaultTargets(r.Redirects, r.Personal, stored)
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

// defaultTargets are those of who never said anything: all that the older system had, else the preferred personal
// address; what is stored only marks the dead ones.
func defaultTargets(redirects, personal string, marks []Target) []Target {
	from := strings.Fields(redirects)
	if len(from) == 0 && personal != "" {
		from = []string{personal}
	}
	var out []Target
	for _, address := range from {
		t := Target{Address: address, Role: Goal, State: Good, Known: true}
		if slices.ContainsFunc(marks, func(m Target) bool { return m.State == Dead && m.Key() == t.Key() }) {
			t.State = Dead
		}
		out = append(out, t)
	}
	return out
}
