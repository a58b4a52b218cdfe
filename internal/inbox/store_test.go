package inbox_test

import (
	"errors"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/viewer"
)

var (
	admin = viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
	guest = viewer.Viewer{}
)

func TestLists(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, box := t.Context(), inbox.New(d, clock.System)
		now := clock.System()
		mine, other := id.New(), id.New()
		put := func(kind string, owner id.ID, state inbox.SlipState, at time.Time) id.ID {
			slip := id.New()
			_, err := d.Exec(ctx, `
				INSERT INTO inbox (id, message_id, box, owner_id, recipient, sender, header_from, subject, message_key, size, remote, auth, score, state, reason, at)
				VALUES (?, ?, ?, ?, 'a@ly.example', '', 'Anne', 'News', '<1@x>', 7, '192.0.2.1', ?, 25, ?, '', ?)`,
				slip, id.New(), kind, owner, db.ToJSON(inbox.Auth{SPF: inbox.Pass, DMARC: inbox.Pass}), string(state), at)
			if err != nil {
				t.Fatal(err)
			}
			return slip
		}
		old := put("shelf", mine, inbox.Taken, now.Add(-40*24*time.Hour))
		newest := put("shelf", mine, inbox.Taken, now)
		put("shelf", mine, inbox.Refused, now.Add(-time.Hour))
		put("other", mine, inbox.Taken, now)
		theirs := put("shelf", other, inbox.Taken, now)

		l, err := box.ByOwner(ctx, "shelf", mine, now.Add(-inbox.Kept), inbox.Page{Size: 1})
		if err != nil || l.Total != 2 || len(l.Rows) != 1 || l.Rows[0].ID != newest || l.Rows[0].Auth.SPF != inbox.Pass || l.Rows[0].Score != 25 || l.Rows[0].At != now {
			t.Errorf("ByOwner() = %+v, %v", l, err)
		}
		if l, err = box.ByOwner(ctx, "shelf", mine, time.Time{}, inbox.Page{Number: 2, Size: 2}); err != nil || l.Total != 3 || len(l.Rows) != 1 || l.Rows[0].ID != old {
			t.Errorf("its second page = %+v, %v", l, err)
		}
		if s, err := box.ByID(ctx, "shelf", mine, newest); err != nil || s.Subject != "News" {
			t.Errorf("ByID() = %+v, %v", s, err)
		}
		if _, err := box.ByID(ctx, "shelf", mine, theirs); !errors.Is(err, errs.NotFound) {
			t.Errorf("ByID() of somebody else's = %v", err)
		}
		if got, err := box.ByIDs(ctx, []id.ID{old, theirs, id.New()}); err != nil || len(got) != 2 || got[old].Auth.SPF != inbox.Pass || got[theirs].OwnerID != other {
			t.Errorf("ByIDs() = %+v, %v", got, err)
		}
		if got, err := box.ByIDs(ctx, nil); err != nil || len(got) != 0 {
			t.Errorf("ByIDs() of none = %+v, %v", got, err)
		}
		if _, err := box.Recent(ctx, guest, "", inbox.Page{}); !errors.Is(err, errs.Forbidden) {
			t.Errorf("Recent() for a guest = %v", err)
		}
		if l, err := box.Recent(ctx, admin, inbox.Refused, inbox.Page{}); err != nil || l.Total != 1 {
			t.Errorf("Recent() = %+v, %v", l, err)
		}
		counts, err := box.Counts(ctx, now.Add(-24*time.Hour))
		if err != nil || len(counts) != 3 || counts[2] != (inbox.Count{Box: "shelf", State: inbox.Taken, N: 2}) {
			t.Errorf("Counts() = %+v, %v", counts, err)
		}
		if n, err := box.Purge(ctx, now.Add(-inbox.Kept)); err != nil || n != 1 {
			t.Errorf("Purge() = %d, %v", n, err)
		}
		if err := box.Merge(ctx, "shelf", other, mine); err != nil {
			t.Error(err)
		}
		if l, err := box.ByOwner(ctx, "shelf", mine, now.Add(-inbox.Kept), inbox.Page{}); err != nil || l.Total != 3 {
			t.Errorf("after Merge() = %+v, %v", l, err)
		}
		if err := box.Erase(ctx, "shelf", mine); err != nil {
			t.Error(err)
		}
		if l, err := box.Recent(ctx, admin, "", inbox.Page{}); err != nil || l.Total != 1 || l.Rows[0].Box != "other" {
			t.Errorf("after Erase() = %+v, %v", l, err)
		}
	})
}
