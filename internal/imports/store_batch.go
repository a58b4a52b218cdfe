package imports

import (
	"context"
	"encoding/json"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// result is what became of the rows of a batch, by their place in it.
type result struct {
	Counts
	rejects   map[int]error
	postponed map[int]bool
}

func (o *result) reject(i int, why error) {
	if _, already := o.rejects[i]; !already {
		o.rejects[i] = why
		o.Rejected++
	}
}

// entry is a row that has something to say, with what the base holds of its person.
type entry struct {
	*item
	at     int
	person id.ID           // zero for somebody new
	last   *lists.Record   // what lists said before; nil if they said nothing in this row's name
	base   *people.Dossier // nil for somebody new
	fresh  people.Dossier  // of somebody new
	update update          // of somebody known
	cases  []Case
	look   bool // for doubles
}

// transact takes rows in one transaction; a dry run writes nothing and needs none.
func (r *run) transact(ctx context.Context, stage Stage, items []item) (result, error) {
	var out result
	do := func(ctx context.Context) error {
		out = result{rejects: map[int]error{}, postponed: map[int]bool{}}
		entries, err := r.known(ctx, items, &out)
		if err != nil {
			return err
		}
		for _, round := range rounds(entries) {
			if err := r.round(ctx, stage, round, &out); err != nil {
				return err
			}
		}
		out.Rows = len(items) - len(out.postponed)
		return nil
	}
	if r.options.DryRun {
		return out, do(ctx)
	}
	err := r.db.Tx(ctx, func(ctx context.Context) error {
		if err := r.renew(ctx); err != nil {
			return err
		}
		if err := do(ctx); err != nil {
			return err
		}
		return r.note(ctx, stage, out.Counts, items[len(items)-1].row.Line)
	})
	return out, err
}

// known leaves the rows that say something new, each with what lists said in its name before.
func (r *run) known(ctx context.Context, items []item, out *result) ([]*entry, error) {
	identities := make([]id.ID, 0, len(items))
	for i := range items {
		if items[i].reject == nil {
			identities = append(identities, items[i].identity)
		}
	}
	held, err := r.recordsOf(ctx, identities)
	if err != nil {
		return nil, err
	}
	var entries []*entry
	for i := range items {
		it := &items[i]
		e := &entry{item: it, at: i}
		if it.reject == nil {
			it.reject = r.mayTake(it.record)
		}
		h, before := held[it.identity]
		switch {
		case it.reject != nil:
			out.reject(i, it.reject)
			continue
		case before && h.PersonID.IsZero():
			out.reject(i, lists.Because("erased"))
			continue
		case before:
			same, err := e.lay(h)
			if err != nil {
				return nil, errs.Wrap("imports.record "+it.identity.String(), err)
			}
			if same {
				out.Unchanged++
				continue
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// lay puts the row over what lists said before; same reports that it says nothing new.
func (e *entry) lay(h heldRecord) (same bool, err error) {
	if h.Record == e.said {
		return true, nil
	}
	e.person, e.last = h.PersonID, &lists.Record{}
	if err := json.Unmarshal([]byte(h.Record), e.last); err != nil {
		return false, err
	}
	said, err := json.Marshal(over(e.last, e.record))
	if err != nil {
		return false, err
	}
	e.said = string(said)
	return h.Record == e.said, nil
}

// mayTake judges the importer's right on what a row says of schools.
func (r *run) mayTake(rec *lists.Record) error {
	for _, g := range rec.Degrees {
		if a, _ := r.schools.ByCode(g.Association); !r.viewer.HasAt(a.ID, viewer.Webmaster) {
			return lists.Because("not_yours")
		}
	}
	for _, m := range rec.Memberships {
		if a, _ := r.schools.ByCode(m.Association); !r.viewer.HasAt(a.ID, viewer.Webmaster) {
			return lists.Because("not_yours")
		}
	}
	return nil
}

// rounds puts rows about the same person one after the other: each must see what the one before it wrote.
func rounds(entries []*entry) [][]*entry {
	next := map[people.LegacyID]int{}
	var out [][]*entry
	for _, e := range entries {
		n := 0
		for _, l := range e.record.Legacy {
			n = max(n, next[l])
		}
		for _, l := range e.record.Legacy {
			next[l] = n + 1
		}
		if n == len(out) {
			out = append(out, nil)
		}
		out[n] = append(out[n], e)
	}
	return out
}

// round takes rows about different persons.
func (r *run) round(ctx context.Context, stage Stage, entries []*entry, out *result) error {
	b, err := r.look(ctx, entries)
	if err != nil {
		return err
	}
	taken := entries[:0:0]
	for _, e := range entries {
		why := r.plan(e, b)
		if why != nil {
			out.reject(e.at, why)
			continue
		}
		if e.update.mints && stage == Reading && r.keepsLogins() {
			out.postponed[e.at] = true
		}
		taken = append(taken, e)
	}
	if r.options.DryRun {
		return r.pretend(ctx, taken, out)
	}
	if err := r.write(ctx, taken, out); err != nil {
		return err
	}
	return r.openCases(ctx, taken, out)
}

// keepsLogins reports that the file has logins of its own, which go before any that is made.
func (r *run) keepsLogins() bool {
	return r.mapping.Has(lists.Login) || r.mapping.Has(lists.FormerLogin)
}

// plan decides what becomes of a row; an error is why it is not taken.
func (r *run) plan(e *entry, b *held) error {
	for _, l := range e.record.Legacy {
		owner := b.legacy[l]
		if e.person.IsZero() {
			e.person = owner
		}
	}
	if e.person.IsZero() {
		return r.planNew(e, b)
	}
	base, there := b.dossiers[e.person]
	if !there {
		return lists.Because("row_failed", "detail", e.person)
	}
	if !r.viewer.HasAtAny(base.Associations(), viewer.Webmaster) {
		return lists.Because("not_yours")
	}
	last := e.last
	if last == nil {
		last = &lists.Record{}
	}
	if somebodyElse(e.record, last, base) {
		return lists.Because("identifier_other", "value", e.record.Legacy[0].Value)
	}
	e.base = base
	e.update = compare(last, e.record, base, r.schools)
	r.planLogins(e, b)
	r.planLegacy(e, b)
	e.look = e.update.names != nil || e.update.birth != nil || len(e.update.contacts)+len(e.update.degrees) > 0
	for _, c := range e.update.conflicts {
		e.cases = append(e.cases, r.conflictCase(e, c))
	}
	return nil
}

// planNew makes a new person, unless one of his logins is somebody else's: nothing is taken from anybody, and the
// row may well be that somebody.
func (r *run) planNew(e *entry, b *held) error {
	if r.ghosts.knows(e.record) {
		return nil // a row before would have brought him
	}
	if !e.record.Named() {
		return lists.Because("unknown_identifier", "value", e.record.Legacy[0].Value)
	}
	d := newDossier(e.record, r.schools)
	for _, l := range d.Logins {
		if b.claimed(l.Login, d.ID) || r.ghosts.hasLogin(l.Login) {
			return lists.Because("login_taken", "login", l.Login)
		}
	}
	for _, l := range d.Logins {
		b.claim(l.Login, d.ID)
	}
	e.fresh, e.look = d, true
	return nil
}

func (r *run) planLogins(e *entry, b *held) {
	kept := e.update.logins[:0]
	for _, l := range e.update.logins {
		if b.claimed(l.Login, e.person) {
			e.update.conflicts = append(e.update.conflicts, conflict{field: "login", file: l.Login})
			continue
		}
		b.claim(l.Login, e.person)
		kept = append(kept, l)
	}
	e.update.logins = kept
}

// planLegacy proposes to merge whoever has another identifier of the same row.
func (r *run) planLegacy(e *entry, b *held) {
	kept := e.update.legacy[:0]
	for _, l := range e.update.legacy {
		if owner := b.legacy[l]; !owner.IsZero() && owner != e.person {
			e.cases = append(e.cases, r.duplicateCase(e, e.person, owner, nil, SameIdentifier))
			continue
		}
		kept = append(kept, l)
	}
	e.update.legacy = kept
}

// held is what a round looked up, and what its rows have claimed since.
type held struct {
	legacy   map[people.LegacyID]id.ID
	logins   map[string]id.ID // key → owner; zero for one that is nobody's any more
	dossiers map[id.ID]*people.Dossier
}

// claimed reports that a login is somebody else's.
func (h *held) claimed(login string, by id.ID) bool {
	owner, taken := h.logins[fold.TypedLogin(login)]
	return taken && owner != by
}

func (h *held) claim(login string, by id.ID) { h.logins[fold.TypedLogin(login)] = by }
