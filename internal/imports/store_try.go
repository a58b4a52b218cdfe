package imports

import (
	"context"
	"encoding/binary"

	"amicale/internal/fold"
	"amicale/internal/imports/lists"
	"amicale/internal/people"
)

// ghosts are what a dry run would have written, as far as later rows would have met it. A nil *ghosts, of a run that
// writes, knows nothing: the base does.
type ghosts struct {
	legacy, logins, names, emails map[uint64]struct{}
}

func newGhosts() *ghosts {
	return &ghosts{map[uint64]struct{}{}, map[uint64]struct{}{}, map[uint64]struct{}{}, map[uint64]struct{}{}}
}

func mark(parts string) uint64 {
	d := digest(parts)
	return binary.BigEndian.Uint64(d[:])
}

// knows reports that a row before would have brought the person of this one.
func (g *ghosts) knows(r *lists.Record) bool {
	if g == nil || len(r.Legacy) == 0 {
		return false
	}
	_, ok := g.legacy[mark(legacyKey(r))]
	return ok
}

func (g *ghosts) hasLogin(login string) bool {
	if g == nil {
		return false
	}
	_, ok := g.logins[mark(fold.TypedLogin(login))]
	return ok
}

// add notes a person who would be new, and reports whether one like him was noted before.
func (g *ghosts) add(e *entry) (double bool) {
	r := e.record
	for _, l := range r.Legacy {
		g.legacy[mark(l.Source+"|"+l.Value)] = struct{}{}
	}
	for _, l := range e.fresh.Logins {
		g.logins[mark(fold.TypedLogin(l.Login))] = struct{}{}
	}
	see := func(set map[uint64]struct{}, key string) {
		m := mark(key)
		_, seen := set[m]
		double = double || seen
		set[m] = struct{}{}
	}
	if degreeOf(r).ClassYear > 0 {
		see(g.names, nameKey(r))
	}
	for _, c := range r.Contacts {
		if c.Kind == people.Email {
			see(g.emails, c.Value)
		}
	}
	return double
}

// pretend counts what a round would do.
func (r *run) pretend(ctx context.Context, entries []*entry, out *result) error {
	for _, e := range entries {
		switch {
		case out.postponed[e.at]:
		case e.base != nil:
			r.countKnown(e, out)
		case r.ghosts.knows(e.record):
			out.Updated++
		default:
			r.countNew(e, out)
		}
	}
	doubles, err := r.doubles(ctx, entries, out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if out.postponed[e.at] {
			continue
		}
		known := len(doubles[e])
		for _, c := range e.cases {
			if c.Kind == Duplicate {
				known++
			}
		}
		if e.base == nil && !e.fresh.ID.IsZero() && r.ghosts.add(e) && known == 0 {
			known = 1
		}
		out.Duplicates += known
	}
	return nil
}
