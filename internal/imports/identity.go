package imports

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
)

// Identity is what makes two rows the same person from one import to the next: the legacy identifier, else folded
// name, birth date and degree, and which of several equal ones it is (occurrence, from 1).
func Identity(r *lists.Record, occurrence int) string {
	n := strconv.Itoa(max(occurrence, 1))
	switch {
	case len(r.Legacy) == 0:
		return "name|" + nameKey(r) + "|" + r.Birth.String() + "|" + n
	case !r.Named(): // it adds dues to somebody: which ones
		return "dues|" + legacyKey(r) + "|" + duesKey(r) + "|" + n
	case occurrence > 1: // one more row of the same person, for another degree mostly
		d := degreeOf(r)
		return "id|" + legacyKey(r) + "|" + d.Association + "|" + strconv.Itoa(d.ClassYear) + "|" + string(d.Diploma) + "|" + n
	}
	return "id|" + legacyKey(r)
}

func legacyKey(r *lists.Record) string { return r.Legacy[0].Source + "|" + r.Legacy[0].Value }

// nameKey is the same for all who may be the same person: folded name, school and class year.
func nameKey(r *lists.Record) string {
	d := degreeOf(r)
	return fold.Key(r.FirstName, r.Surname(), d.Association, d.ClassYear)
}

func duesKey(r *lists.Record) string {
	if len(r.Memberships) == 0 {
		return ""
	}
	return r.Memberships[0].Association + "|" + r.Memberships[0].From.String()
}

// degreeOf is the first one, or none.
func degreeOf(r *lists.Record) lists.Degree {
	if len(r.Degrees) == 0 {
		return lists.Degree{}
	}
	return r.Degrees[0]
}

// digest is the form in which an identity is kept: it can be recognised, and tells nothing.
func digest(identity string) id.ID {
	sum := sha256.Sum256([]byte(identity))
	return id.ID(sum[:16])
}

// occurrences numbers the rows of one file that would have the same identity. It costs about fourteen bytes a row,
// the only thing of an import that grows with the file.
type occurrences struct {
	once  map[uint64]struct{}
	again map[uint64]int
}

func newOccurrences() *occurrences {
	return &occurrences{once: map[uint64]struct{}{}, again: map[uint64]int{}}
}

// identity is the kept form of the identity of the next row of the file.
func (o *occurrences) identity(r *lists.Record) id.ID {
	first := digest(Identity(r, 1))
	if n := o.next(binary.BigEndian.Uint64(first[:])); n > 1 {
		return digest(Identity(r, n))
	}
	return first
}

func (o *occurrences) next(key uint64) int {
	if _, seen := o.once[key]; !seen {
		o.once[key] = struct{}{}
		return 1
	}
	o.again[key]++
	return o.again[key] + 1
}
