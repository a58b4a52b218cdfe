package audit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

func member(person id.ID) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: person, Member: true}
}

func staff(role viewer.RoleName, association id.ID) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: association}}}
}

func TestWhoMayReadTheTrailOfAPerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		trail := audit.NewTrail(d, clock.System)
		laure, lyon, rennes := id.New(), id.New(), id.New()
		err := trail.Record(ctx, audit.Entry{
			Actor: member(id.New()), ActorName: "Jean <b>Dupont</b>", Action: "profile.viewed_coordinates",
			Person: laure, Object: "case 7", Detail: map[string]any{"from": "desk"},
		})
		if err != nil {
			t.Fatal(err)
		}
		subject := viewer.Subject{Person: laure, Associations: []id.ID{lyon}}
		for _, c := range []struct {
			name    string
			v       viewer.Viewer
			want    error
			details bool
		}{
			{"a guest", viewer.Viewer{}, errs.Unauthorized, false},
			{"somebody else", member(id.New()), errs.Forbidden, false},
			{"the person", member(laure), nil, false},
			{"the webmaster of her school", staff(viewer.Webmaster, lyon), nil, true},
			{"the webmaster of another", staff(viewer.Webmaster, rennes), errs.Forbidden, false},
			{"an editor", staff(viewer.Editor, lyon), errs.Forbidden, false},
			{"a federation admin", staff(viewer.FederationAdmin, id.ID{}), nil, true},
			{"background work", viewer.ForSystem("export"), nil, true},
		} {
			list, err := trail.ForPerson(ctx, c.v, subject, audit.Page{})
			if !errors.Is(err, c.want) {
				t.Errorf("ForPerson() by %s = %v, want %v", c.name, err, c.want)
				continue
			}
			if c.want != nil {
				if len(list.Rows) != 0 {
					t.Errorf("ForPerson() by %s gave rows", c.name)
				}
				continue
			}
			if list.Total != 1 || len(list.Rows) != 1 || list.Rows[0].Actor != "Jean <b>Dupont</b>" || list.Rows[0].Object != "case 7" {
				t.Errorf("ForPerson() by %s = %+v", c.name, list)
				continue
			}
			if got := list.Rows[0].Detail["from"] == "desk"; got != c.details {
				t.Errorf("details for %s: %v, want %v", c.name, got, c.details)
			}
			_, err = trail.ForObject(ctx, c.v, "case 7", []id.ID{lyon}, audit.Page{})
			if (err == nil) != c.details {
				t.Errorf("ForObject() by %s = %v, want allowed: %v", c.name, err, c.details)
			}
		}
	})
}

func TestTheSameViewWithinAnHourIsOneRow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		now := time.Date(2026, 6, 1, 12, 50, 0, 0, time.UTC)
		var mu sync.Mutex
		trail := audit.NewTrail(d, func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
		jean, person := member(id.New()), id.New()
		view := audit.Entry{Actor: jean, ActorName: "Jean", Action: "view", Person: person, Coalesced: true}
		var w sync.WaitGroup
		for range 8 { // at once
			w.Go(func() {
				if err := trail.Record(ctx, view); err != nil {
					t.Error(err)
				}
			})
		}
		w.Wait()
		count := func() int {
			l, err := trail.ForPerson(ctx, viewer.ForSystem("test"), viewer.Subject{Person: person}, audit.Page{})
			if err != nil {
				t.Fatal(err)
			}
			return l.Total
		}
		if n := count(); n != 1 {
			t.Errorf("eight views at once: %d rows, want 1", n)
		}
		other := view
		other.Actor = member(id.New())
		edit := view
		edit.Action, edit.Coalesced = "edit", false
		for _, step := range []struct {
			after time.Duration
			e     audit.Entry
			want  int
		}{{20 * time.Minute, view, 1}, {0, other, 2}, {41 * time.Minute, view, 3}, {0, edit, 4}, {0, edit, 5}} {
			now = now.Add(step.after)
			if err := trail.Record(ctx, step.e); err != nil {
				t.Fatal(err)
			}
			if n := count(); n != step.want {
				t.Errorf("%v later: %d rows, want %d", step.after, n, step.want)
			}
		}
	})
}

func TestRecentIsByAssociation(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		trail := audit.NewTrail(d, clock.System)
		lyon, rennes := id.New(), id.New()
		boom := errors.New("boom")
		err := d.Tx(ctx, func(ctx context.Context) error {
			if err := trail.Record(ctx, audit.Entry{Actor: viewer.ForSystem("x"), Action: "undone", Association: lyon}); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		for _, a := range []id.ID{lyon, lyon, rennes, {}} {
			if err := trail.Record(ctx, audit.Entry{Actor: viewer.ForSystem("import"), Action: "import.done", Association: a}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			name string
			v    viewer.Viewer
			of   []id.ID
			want int
			err  error
		}{
			{"admin", staff(viewer.FederationAdmin, id.ID{}), nil, 4, nil},
			{"admin of one", staff(viewer.FederationAdmin, id.ID{}), []id.ID{rennes}, 1, nil},
			{"webmaster", staff(viewer.Webmaster, lyon), nil, 2, nil},
			{"webmaster of another's", staff(viewer.Webmaster, lyon), []id.ID{rennes}, 0, errs.Forbidden},
			{"editor", staff(viewer.Editor, lyon), nil, 0, errs.Forbidden},
			{"member", member(id.New()), nil, 0, errs.Forbidden},
		} {
			l, err := trail.Recent(ctx, c.v, audit.Page{Actions: []string{"import.done", "undone"}}, c.of...)
			if !errors.Is(err, c.err) || l.Total != c.want {
				t.Errorf("Recent() by %s = %d, %v, want %d, %v", c.name, l.Total, err, c.want, c.err)
			}
		}
		l, err := trail.Recent(ctx, viewer.ForSystem("test"), audit.Page{Number: 2, Size: 3})
		if err != nil || l.Total != 4 || len(l.Rows) != 1 || l.Rows[0].Actor != "import" {
			t.Errorf("page 2 of 3 = %+v, %v, want one row of four", l, err)
		}
	})
}

func TestMergeAndErase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		trail := audit.NewTrail(d, clock.System)
		a, b := id.New(), id.New()
		jean := member(id.New())
		if err := trail.Record(ctx, audit.Entry{Actor: jean, ActorName: "Jean", Action: "x", Person: a, Detail: map[string]any{"city": "Lyon"}}); err != nil {
			t.Fatal(err)
		}
		if err := trail.Merge(ctx, a, b); err != nil {
			t.Fatal(err)
		}
		if err := trail.Erase(ctx, b, id.ID{}); err != nil {
			t.Fatal(err)
		}
		if err := trail.Erase(ctx, jean.Person, jean.Account); err != nil {
			t.Fatal(err)
		}
		l, err := trail.ForPerson(ctx, viewer.ForSystem("test"), viewer.Subject{Person: b}, audit.Page{})
		if err != nil || l.Total != 1 || l.Rows[0].Detail != nil || l.Rows[0].Actor != "–" {
			t.Errorf("after merge and erasure: %+v, %v, want one row without name or detail", l, err)
		}
	})
}
