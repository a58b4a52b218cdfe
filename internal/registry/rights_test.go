package registry_test

import (
	"testing"
	"time"

	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Somebody deceased has no account: a webmaster must not be rid of who may do more than he by a word.
func TestNobodyIsSaidDeadByWhoMayDoLess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	admin, other := w.add("Laure", "Lavaut", w.ly, 2010), w.add("Luc", "Martin", w.ly, 2010)
	w.must(w.people.Activate(t.Context(), admin.ID))
	webmaster := viewer.Actor{Name: "Anne", Viewer: viewer.Viewer{Kind: viewer.Staff, Roles: []viewer.Role{{Name: viewer.Webmaster, Association: w.ly.ID}}}}
	federation := viewer.Actor{Name: "Fédé", Viewer: viewer.Viewer{Kind: viewer.Staff, Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}}
	w.refused("whose account is open", w.SaveStatus(t.Context(), webmaster, admin.ID, people.Deceased, time.Time{}), errs.Conflict)
	w.must(w.SaveStatus(t.Context(), webmaster, admin.ID, people.Other, time.Time{}))
	w.must(w.SaveStatus(t.Context(), webmaster, other.ID, people.Deceased, time.Time{}))
	w.must(w.SaveStatus(t.Context(), federation, admin.ID, people.Deceased, time.Time{}))
	w.must(w.SaveStatus(t.Context(), webmaster, admin.ID, people.Deceased, time.Time{})) // it is said already
}
