package search

import (
	"bytes"
	"cmp"
	"slices"
)

// check makes sure of all that a segment relies on in a table read from a file, whose checksum says that it is what was written
// but not by whom.
func (t *table) check(s *Schema) error {
	n, fields := t.len(), s.fields()
	if n > MaxDocuments || len(t.keyEnd) != n || len(t.wordEnd) != n || t.rows.len() != n*t.stride() || len(t.rows.narrow) > 0 && len(t.rows.wide) > 0 ||
		len(t.profiles)%fields != 0 || len(t.terms) > maxTerm ||
		!ascending(t.keyEnd, len(t.keys)) || !ascending(t.wordEnd, len(t.words)) ||
		!distinctSorted(t.terms) {
		return errDamaged
	}
	for i := range t.facets {
		if !t.facets[i].sound() {
			return errDamaged
		}
	}
	profiles := uint32(len(t.profiles) / fields)
	for doc := range uint32(n) {
		if !t.rowSound(doc, profiles) || !t.wordsSound(doc, len(s.Texts)) || doc > 0 && !t.follows(doc) {
			return errDamaged
		}
	}
	return nil
}

func distinctSorted(a []string) bool {
	for i := 1; i < len(a); i++ {
		if a[i-1] >= a[i] {
			return false
		}
	}
	return len(a) == 0 || a[0] != ""
}

// sound reports whether the values are sorted and every set names several of them, ascending.
func (d *dictionary) sound() bool {
	if !distinctSorted(d.values) || !ascending(d.setEnd, len(d.sets)) || len(d.values) >= setFlag {
		return false
	}
	for i := range uint32(len(d.setEnd)) {
		set := d.set(i)
		if len(set) < 2 || set[0] == 0 || int(set[len(set)-1]) > len(d.values) {
			return false
		}
		for j := 1; j < len(set); j++ {
			if set[j-1] >= set[j] {
				return false
			}
		}
	}
	return true
}

func (t *table) rowSound(doc, profiles uint32) bool {
	if t.profile(doc) >= profiles {
		return false
	}
	for f := range t.facets {
		code := t.code(doc, f)
		if code&setFlag != 0 {
			if int(code&^setFlag) >= len(t.facets[f].setEnd) {
				return false
			}
		} else if int(code) > len(t.facets[f].values) {
			return false
		}
	}
	return true
}

func (t *table) wordsSound(doc uint32, texts int) bool {
	words := t.wordsOf(doc)
	for i, w := range words {
		if int(w>>8) >= len(t.terms) || w&0xff == 0 || w&0xff>>texts != 0 || i > 0 && words[i-1]>>8 >= w>>8 {
			return false
		}
	}
	return slices.IsSorted(words)
}

// follows reports whether a document stands behind the one before it.
func (t *table) follows(doc uint32) bool {
	return cmp.Or(bytes.Compare(t.key(doc-1), t.key(doc)), compareIDs(t.ids[doc-1], t.ids[doc])) < 0
}
