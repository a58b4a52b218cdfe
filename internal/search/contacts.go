package search

import "slices"

// contact is a document of the segment of which the viewer sees something else than the tier does.
type contact struct {
	doc uint32
	vis uint64 // the fields that the viewer sees of it: more than the tier does, so never none
}

// pickContacts finds those. They are few: the walks skip them, and each is judged by itself.
func (r *run) pickContacts() {
	for x, as := range r.ask.contacts {
		doc, ok := r.seg.find(x)
		if !ok || r.view.dead.has(doc) {
			continue
		}
		profile := r.seg.profile(doc)
		vis := r.seg.seen(profile, Only(r.tier)|as)
		if vis == r.vis[profile] {
			continue
		}
		if len(r.contacts) == 0 {
			r.skip = newBitset(r.seg.len())
			copy(r.skip, r.view.dead)
		}
		r.skip.add(doc)
		r.contacts = append(r.contacts, contact{doc, vis})
	}
}

// judgeContacts takes the contacts, after the walks.
func (r *run) judgeContacts() {
	if len(r.sets) < len(r.words) {
		return // some word stands for no term of the segment
	}
	for _, c := range r.contacts {
		m := Exact
		for i := range r.sets {
			m = max(m, r.lookUp(c.doc, &r.sets[i], c.vis))
		}
		if m == none {
			continue
		}
		missed := r.missed(c.doc, c.vis)
		for _, f := range r.counted {
			if missed == hitsAll || missed == f {
				r.countOne(c.doc, c.vis, f, 1)
			}
		}
		if missed == hitsAll {
			r.hitContact(c, m)
		}
	}
}

// hitContact puts a contact in its place among the hits.
func (r *run) hitContact(c contact, m Match) {
	r.totals[m]++
	if c.vis&(1<<sortField) == 0 {
		r.unsorted[m] = append(r.unsorted[m], c.doc)
		return
	}
	i, _ := slices.BinarySearch(r.ordered[m], c.doc)
	r.ordered[m] = slices.Insert(r.ordered[m], i, c.doc)
	r.ordered[m] = r.ordered[m][:min(len(r.ordered[m]), r.need)]
}
