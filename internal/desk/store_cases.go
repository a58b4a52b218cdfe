package desk

import (
	"context"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const caseColumns = `id, kind, association_id, person_id, other_id, reason, claim, detail, lang, times, state, outcome,
	assignee_id, assignee, assigned_at, scan_key, scan_name, scan_type, alarm, version, opened_at, waiting_since, closed_at, updated_at`

// caseRow is a case as the table keeps it; its two JSON columns stand before the fields of the same name.
type caseRow struct {
	ClaimColumn  db.JSON[people.Claim] `db:"claim"`
	DetailColumn db.JSON[Detail]       `db:"detail"`
	Case
}

func (r caseRow) toCase() Case {
	r.Case.Claim, r.Case.Detail = r.ClaimColumn.V, r.DetailColumn.V
	return r.Case
}

// Open puts a case on the desk, in the transaction of the context. With a unique key that stands there already,
// open or decided, nothing changes: importing a file again asks nothing again.
func (s *Store) Open(ctx context.Context, v viewer.Viewer, n NewCase) error {
	if n.Kind.asked() || !v.IsFederationAdmin() && !v.HasAt(n.Association, viewer.Webmaster) {
		return errs.E("desk.Open", errs.Forbidden, nil)
	}
	_, err := s.open(ctx, n, viewer.Actor{Viewer: v, Name: v.Reason})
	return errs.Wrap("desk.Open "+string(n.Kind), err)
}

// OpenClaim puts on the desk what somebody asked for himself, with the diploma that came with it, and writes to those
// who keep the desk. It is for background work, which found that no machine must decide. The same key counts again a
// case that waits.
func (s *Store) OpenClaim(ctx context.Context, v viewer.Viewer, n NewCase) (id.ID, error) {
	if !n.Kind.asked() || v.Kind != viewer.System {
		return id.ID{}, errs.E("desk.OpenClaim", errs.Forbidden, nil)
	}
	if n.Scan != nil {
		n.scanKey = scanPrefix + id.New().String()
		if err := s.files.Put(ctx, n.scanKey, n.Scan.Content, n.Scan.Size, n.Scan.Type); err != nil {
			return id.ID{}, errs.Wrap("desk.OpenClaim", err)
		}
	}
	caseID, err := s.open(ctx, n, viewer.Actor{Viewer: v})
	if err != nil && n.Scan != nil {
		_ = s.files.Delete(ctx, n.scanKey) // the sweep finds what this leaves
	}
	return caseID, errs.Wrap("desk.OpenClaim "+string(n.Kind), err)
}

func (s *Store) open(ctx context.Context, n NewCase, by viewer.Actor) (id.ID, error) {
	caseID, now, scan := id.New(), s.now(), Scan{}
	if n.Scan != nil {
		scan = *n.Scan
	}
	var key any
	if n.UniqueKey != "" {
		key = n.UniqueKey
	}
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		added, err := s.db.Exec(ctx, `
			INSERT INTO cases (unique_key, `+caseColumns+`) VALUES (`+db.In(25)+`) ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING`,
			key, caseID, string(n.Kind), n.Association, n.Person, n.Other, string(n.Reason), db.ToJSON(n.Claim), db.ToJSON(n.Detail), n.Lang, 1, string(Open), "",
			nil, "", nil, n.scanKey, scan.Name, scan.Type, 0, 1, now, now, nil, now)
		if err != nil {
			return err
		}
		if added == 0 {
			caseID, err = s.askedAgain(ctx, n)
			return err
		}
		if err := s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "case.opened", Person: n.Person, Object: object(caseID),
			Association: n.Association, Detail: map[string]any{"kind": string(n.Kind), "reason": string(n.Reason)}}); err != nil {
			return err
		}
		if n.Kind.asked() {
			return s.alert(ctx, caseID, n)
		}
		return nil
	})
	return caseID, err
}

// askedAgain counts a claim that waits already; what imports propose again is left alone.
func (s *Store) askedAgain(ctx context.Context, n NewCase) (id.ID, error) {
	if !n.Kind.asked() {
		return id.ID{}, nil
	}
	now := s.now()
	return db.One[id.ID](ctx, s.db, `
		UPDATE cases SET times = times + 1, version = version + 1, updated_at = ?, detail = ?,
			waiting_since = CASE WHEN state = 'asked' THEN ? ELSE waiting_since END, state = 'open'
		WHERE unique_key = ? RETURNING id`, now, db.ToJSON(n.Detail), now, n.UniqueKey)
}

// Filter narrows the list of cases.
type Filter struct {
	Kind   Kind // "" for all
	Closed bool // those decided, the latest first, instead of those that wait
	Mine   bool // only those the viewer takes care of
}

// CaseCount is how many cases of a kind wait, and how long the oldest does.
type CaseCount struct {
	Kind   Kind
	N      int
	Oldest time.Time
}

// List is a part of the desk, those that wait longest first, and how many there are in all.
func (s *Store) List(ctx context.Context, v viewer.Viewer, f Filter, limit, offset int) ([]Case, int, error) {
	where, args, err := desk(v)
	if err != nil {
		return nil, 0, err
	}
	order := `waiting_since, id`
	if f.Closed {
		where, order = where+` AND state = 'closed'`, `closed_at DESC, id`
	} else {
		where, order = where+` AND state <> 'closed'`, `CASE WHEN state = 'open' THEN 0 ELSE 1 END, `+order
	}
	if f.Kind != "" {
		where, args = where+` AND kind = ?`, append(args, string(f.Kind))
	}
	if f.Mine {
		where, args = where+` AND assignee_id = ?`, append(args, v.Account)
	}
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM cases WHERE `+where, append([]any(nil), args...)...)
	if err != nil {
		return nil, 0, errs.Wrap("desk.List", err)
	}
	rows, err := db.All[caseRow](ctx, s.db, `SELECT `+caseColumns+` FROM cases WHERE `+where+` ORDER BY `+order+` LIMIT ? OFFSET ?`,
		append(args, limit, offset)...)
	if err != nil {
		return nil, 0, errs.Wrap("desk.List", err)
	}
	out := make([]Case, len(rows))
	for i, r := range rows {
		out[i] = r.toCase()
	}
	return out, total, nil
}

// Counts says what waits on the viewer's desk, by kind.
func (s *Store) Counts(ctx context.Context, v viewer.Viewer) ([]CaseCount, error) {
	where, args, err := desk(v)
	if err != nil {
		return nil, err
	}
	list, err := db.All[CaseCount](ctx, s.db, `SELECT kind, count(*) AS n, min(waiting_since) AS oldest FROM cases
		WHERE `+where+` AND state = 'open' GROUP BY kind ORDER BY kind`, args...)
	return list, errs.Wrap("desk.Counts", err)
}

// desk is the condition on the cases that a viewer may see: a webmaster's own schools, the federation's all.
func desk(v viewer.Viewer) (where string, args []any, err error) {
	own, all := v.Associations(viewer.Webmaster)
	switch {
	case all:
		return `id IS NOT NULL`, nil, nil
	case len(own) == 0:
		return "", nil, errs.E("desk.desk", errs.Forbidden, nil)
	}
	return `association_id IN (` + db.In(len(own)) + `)`, db.Args(own), nil
}

// Case is one case for those on whose desk it stands; NotFound for others.
func (s *Store) Case(ctx context.Context, v viewer.Viewer, caseID id.ID) (Case, error) {
	where, args, err := desk(v)
	if err != nil {
		return Case{}, err
	}
	r, err := db.One[caseRow](ctx, s.db, `SELECT `+caseColumns+` FROM cases WHERE id = ? AND `+where, append([]any{caseID}, args...)...)
	return r.toCase(), errs.Wrap("desk.Case "+caseID.String(), err)
}

// Stopped are those of these persons who said "it was not me" and wait for the desk to decide; for background work.
func (s *Store) Stopped(ctx context.Context, v viewer.Viewer, persons []id.ID) ([]id.ID, error) {
	if v.Kind != viewer.System {
		return nil, errs.E("desk.Stopped", errs.Forbidden, nil)
	}
	list, err := db.All[id.ID](ctx, s.db, `SELECT DISTINCT person_id FROM cases WHERE kind = 'not_me' AND state <> 'closed' AND person_id IN (`+db.In(len(persons))+`)`,
		db.Args(persons)...)
	return list, errs.Wrap("desk.Stopped", err)
}

// Message is what was written to a claimant or by him.
type Message struct {
	Incoming  bool
	Author    string // of the staff; "" for the claimant
	Body      string
	CreatedAt time.Time
}

// Messages are a case's, the oldest first. The caller has read the case, and so may see them.
func (s *Store) messages(ctx context.Context, caseID id.ID) ([]Message, error) {
	list, err := db.All[Message](ctx, s.db, `SELECT incoming, author, body, created_at FROM case_messages WHERE case_id = ? ORDER BY created_at, id`, caseID)
	return list, errs.Wrap("desk.messages", err)
}

func (s *Store) addMessage(ctx context.Context, caseID id.ID, m Message) error {
	_, err := s.db.Exec(ctx, `INSERT INTO case_messages (id, case_id, incoming, author, body, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		id.New(), caseID, m.Incoming, m.Author, m.Body, s.now())
	return errs.Wrap("desk.addMessage", err)
}
