// Package audit is the trail: who saw or changed whose data.
//
// It owns the table audit. Rows are only ever added; what a merge moves and an erasure blanks is done here too,
// so that no other statement touches them. A person reads who looked at his coordinates; the staff of his
// associations reads all of it.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Window is how long the same view by the same viewer counts as one.
const Window = time.Hour

// Entry is what is recorded.
type Entry struct {
	Actor       viewer.Viewer  // who acted; background work is recorded with its reason
	ActorName   string         // as it reads today; may be empty for background work
	Action      string         // 'profile.viewed_coordinates', 'case.resolved', …
	Person      id.ID          // whose data; zero when nobody's in particular
	Object      string         // what else it was about, e.g. a case's identifier
	Association id.ID          // whose staff sees it among the latest; zero: the federation's alone
	Detail      map[string]any // for the staff only; no secrets, no values of coordinates
	// Coalesced is for views: the same viewer, action, person and object within Window is one row.
	Coalesced bool
}

// Row is what is read.
type Row struct {
	ID          id.ID
	At          time.Time
	Account     id.ID `db:"account_id"`
	Actor       string
	Action      string
	Person      id.ID `db:"person_id"`
	Object      string
	Association id.ID          `db:"association_id"`
	Detail      map[string]any `db:"-"` // nil when the person himself reads
}

// Page is which part of a list is wanted.
type Page struct {
	Number  int      // from 1; 0 means 1
	Size    int      // 0 means 50
	Actions []string // only these; none means all
}

func (p Page) limits() (size, offset int) {
	size, number := p.Size, max(1, p.Number)
	if size <= 0 {
		size = 50
	}
	return size, (number - 1) * size
}

// List is one page, the latest first, and how many rows there are in all.
type List struct {
	Rows  []Row
	Total int
}

// mayRead says whether v may read the trail of s, and whether with its details.
func mayRead(v viewer.Viewer, s viewer.Subject) (details bool, err error) {
	switch {
	case v.HasAtAny(s.Associations, viewer.Webmaster, viewer.Secretary):
		return true, nil
	case v.SignedIn() && !s.Person.IsZero() && v.Person == s.Person:
		return false, nil
	case v.SignedIn():
		return false, errs.Forbidden
	}
	return false, errs.Unauthorized
}

// actor is how who acted is written down.
func (e Entry) actor() string {
	switch {
	case e.ActorName != "":
		return e.ActorName
	case e.Actor.Kind == viewer.System:
		return e.Actor.Reason
	}
	return "?"
}

// viewID is the identifier of a coalesced row: the same for the same view in the same hour, so that two requests
// at once make one row. It keeps the form and the order of a version 7 identifier.
func (e Entry) viewID(at time.Time) id.ID {
	hour := at.Truncate(Window)
	h := sha256.New()
	h.Write(e.Actor.Account[:])
	h.Write(e.Person[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(hour.Unix())))
	h.Write([]byte(e.Action + "\x00" + e.Object + "\x00" + e.Actor.Reason))
	var out id.ID
	copy(out[:], h.Sum(nil))
	ms := uint64(hour.UnixMilli())
	copy(out[:6], binary.BigEndian.AppendUint64(nil, ms)[2:])
	out[6] = out[6]&0x0f | 0x70
	out[8] = out[8]&0x3f | 0x80
	return out
}
