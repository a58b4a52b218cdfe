package forwarding_test

import (
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/id"
)

// TestThePreferredAddressForLife: letters go where it leads, as long as its owner prefers no other.
func TestThePreferredAddressForLife(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		save := func(preferred bool, places map[string]forwarding.Place) {
			t.Helper()
			own, err := w.store.Own(t.Context(), self(p).Viewer)
			w.must(err)
			w.must(w.store.Save(t.Context(), self(p), forwarding.Wish{Mode: forwarding.ToAll, Strictness: forwarding.Normal, Preferred: preferred, Places: places}, own.Settings.Version()))
		}
		want := func(when, letters string, preferred bool) {
			t.Helper()
			m, err := w.people.Mailables(t.Context(), system, []id.ID{p.ID})
			w.must(err)
			got, err := w.store.Prefers(t.Context(), self(p).Viewer)
			if m[p.ID].Value != letters || got != preferred || err != nil {
				t.Errorf("%s: letters go to %s, Prefers() = %t, %v; want %s, %t", when, m[p.ID].Value, got, err, letters, preferred)
			}
		}
		want("nothing said", "laure@exemple.fr", false)
		save(true, map[string]forwarding.Place{"laure@travail.fr": "1"})
		want("preferred", "laure@travail.fr", true)
		save(true, map[string]forwarding.Place{"laure@exemple.fr": "1", "laure@travail.fr": "2"})
		want("it leads elsewhere", "laure@exemple.fr", true)
		w.must(w.people.PreferEmail(t.Context(), self(p).Viewer, p.ID, "laure@travail.fr"))
		want("another is preferred", "laure@travail.fr", false)
		save(false, map[string]forwarding.Place{"laure@exemple.fr": "1"})
		want("no more", "laure@travail.fr", false)
	})
}
