package directory_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/directory"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: found %q, want %q", what, got, want)
	}
}

// eventually waits for what another process brings.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not yet after 15 s", what)
		}
	}
}

func TestAChangeIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := newProcess(t, d)
		s := p.opened("")
		p.following(s)
		eventually(t, "following", func() bool { return s.Ready() })
		for _, last := range []string{"Martinelli", "Kowalski", "Schoelcher"} {
			person := p.insert(p.graduate("Ada", last, 2010))[0]
			eventually(t, last, func() bool { return slices.Equal(names(t, s, network(), last), []string{"Ada " + last}) })
			if err := p.people.SaveNames(t.Context(), system, person, people.Names{FirstNames: "Éva", FirstName: "Éva", BirthSurname: last}); err != nil {
				t.Fatal(err)
			}
			eventually(t, last, func() bool { return slices.Equal(names(t, s, network(), last), []string{"Éva " + last}) })
		}
		if n := s.Documents(); n != 3 {
			t.Errorf("Documents() = %d, want 3", n)
		}
	})
}

// TestAHiddenPersonIsNotShownFromMemory hides a person in one process and asks another that has not yet heard of it.
func TestAHiddenPersonIsNotShownFromMemory(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		one, two := newProcess(t, d), newProcess(t, d)
		ada := one.graduate("Ada", "Martinelli", 2010)
		ada.Headline, ada.Photo = "Mathématicienne", "photos/ada"
		bea := one.graduate("Béa", "Martinelli", 2011)
		ids := one.insert(ada, bea)
		s := two.opened("")
		want(t, "before", names(t, s, network(), "martinelli"), "Ada Martinelli", "Béa Martinelli") // and keeps the cards
		err := one.people.SaveAudiences(t.Context(), system, ids[0], map[people.Field]viewer.Audience{
			people.FieldIdentity: viewer.InNetwork, people.FieldHeadline: viewer.OnlyMe, people.FieldPhoto: viewer.OnlyMe})
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Search(t.Context(), network(), directory.Ask{Text: "ada"})
		if err != nil || len(found.People) != 1 || found.People[0].Headline != "" || found.People[0].Photo != "" {
			t.Errorf("Search() = %+v, %v, want a card without headline and photo", found.People, err)
		}
		if err := one.people.SaveAudiences(t.Context(), system, ids[0], map[people.Field]viewer.Audience{people.FieldIdentity: viewer.OnlyMe}); err != nil {
			t.Fatal(err)
		}
		want(t, "hidden", names(t, s, network(), "martinelli"), "Béa Martinelli")
		two.open(s)
		if res, err := s.Count(t.Context(), network(), directory.Ask{Text: "martinelli"}); err != nil || res.Total != 1 {
			t.Errorf("Count() = %d, %v, want 1 once the change has come", res.Total, err)
		}
	})
}

func TestASecondProcessCatchesUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		one, two := newProcess(t, d), newProcess(t, d)
		s := two.opened("")
		two.following(s)
		one.insert(one.graduate("Ada", "Martinelli", 2010))
		eventually(t, "the other's change", func() bool { return len(names(t, s, network(), "martinelli")) == 1 })
		if s.Lag() != 0 {
			eventually(t, "no lag", func() bool { return s.Lag() == 0 })
		}
	})
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	p := newProcess(t, d)
	p.insert(p.graduate("Ada", "Martinelli", 2010))
	file := filepath.Join(t.TempDir(), "directory.snapshot")
	p.opened(file)
	if n := p.said.count(built); n != 1 {
		t.Fatalf("the first start built %d times, want once", n)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p.insert(p.graduate("Béa", "Martinelli", 2010))
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	turned := func(b []byte) []byte { b = slices.Clone(b); b[len(b)/2] ^= 0x55; return b }
	for _, c := range []struct {
		name, instance string
		content        []byte
		builds         int
	}{
		{"good", "here", good, 0},
		{"damaged", "here", turned(good), 1},
		{"cut short", "here", cut(good), 1},
		{"empty", "here", nil, 1},
		{"of another database", "elsewhere", good, 1},
	} {
		if err := os.WriteFile(file, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		before := p.said.count(built)
		s := p.directoryOf(c.instance, file)
		p.open(s)
		want(t, c.name, names(t, s, network(), "martinelli"), "Ada Martinelli", "Béa Martinelli")
		if n := p.said.count(built) - before; n != c.builds {
			t.Errorf("%s: built %d times, want %d", c.name, n, c.builds)
		}
	}
}

// TestSnapshotOfALaterState starts on a database that was set back, with the snapshot of what came after.
func TestSnapshotOfALaterState(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "directory.snapshot")
	later := newProcess(t, dbtest.New(t))
	later.insert(later.graduate("Ada", "Martinelli", 2010), later.graduate("Béa", "Martinelli", 2010))
	later.opened(file)
	set := newProcess(t, dbtest.New(t))
	set.insert(set.graduate("Ada", "Kowalski", 2010))
	s := set.opened(file)
	want(t, "set back", names(t, s, network(), "martinelli"))
	want(t, "set back", names(t, s, network(), "kowalski"), "Ada Kowalski")
}

func TestFollowSavesASnapshotAtTheEnd(t *testing.T) {
	t.Parallel()
	p := newProcess(t, dbtest.New(t))
	file := filepath.Join(t.TempDir(), "directory.snapshot")
	s := p.opened(file)
	stop := p.following(s)
	p.insert(p.graduate("Ada", "Martinelli", 2010))
	eventually(t, "followed", func() bool { return len(names(t, s, network(), "ada")) == 1 })
	stop()
	if _, err := p.feed.Prune(t.Context(), noon.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	before := p.said.count(built)
	again := p.opened(file)
	want(t, "from the snapshot", names(t, again, network(), "ada"), "Ada Martinelli")
	if n := p.said.count(built) - before; n != 0 {
		t.Errorf("built %d times, want none: the snapshot reaches to the last change", n)
	}
}

// TestAGapInTheFeed lets the feed forget what a directory has not yet read.
func TestAGapInTheFeed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := newProcess(t, d)
		s := p.opened("")
		forgotten := func(last string) {
			t.Helper()
			err := d.Tx(t.Context(), func(ctx context.Context) error {
				if err := p.people.Insert(ctx, system, []people.Dossier{p.graduate("Ada", last, 2010)}); err != nil {
					return err
				}
				_, err := p.feed.Prune(ctx, noon.AddDate(1, 0, 0))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		forgotten("Martinelli")
		before := p.said.count(built)
		p.open(s)
		want(t, "after Open", names(t, s, network(), "ada"), "Ada Martinelli")
		p.following(s)
		forgotten("Kowalski")
		eventually(t, "after Follow", func() bool { return len(names(t, s, network(), "ada")) == 2 })
		p.insert(p.graduate("Ada", "Schoelcher", 2010))
		eventually(t, "and on from there", func() bool { return len(names(t, s, network(), "ada")) == 3 })
		if n := p.said.count(built) - before; n < 2 {
			t.Errorf("built %d times, want once for each gap", n)
		}
	})
}

func TestNothingBeforeOpen(t *testing.T) {
	t.Parallel()
	p := newProcess(t, dbtest.New(t))
	s := p.directory("")
	if s.Ready() || s.Lag() != 0 || s.Documents() != 0 {
		t.Error("an unopened directory says it is ready")
	}
	if _, err := s.Search(t.Context(), network(), directory.Ask{}); err == nil {
		t.Error("Search() = nil before Open, want an error rather than an empty base")
	}
}

// TestSearchWhileChangesCome asks while two processes change people, for the race detector and for errors.
func TestSearchWhileChangesCome(t *testing.T) {
	t.Parallel()
	p := newProcess(t, dbtest.New(t))
	ids := p.insert(p.graduate("Ada", "Martinelli", 2010), p.graduate("Béa", "Martinelli", 2010), p.graduate("Cléa", "Martinelli", 2010))
	s := p.opened("")
	p.following(s)
	done := make(chan error, 2)
	for n := range 2 {
		go func() {
			for i := range 40 {
				a := map[people.Field]viewer.Audience{people.FieldIdentity: []viewer.Audience{viewer.InNetwork, viewer.OnlyMe}[i%2]}
				if err := p.people.SaveAudiences(t.Context(), system, ids[n], a); err != nil {
					done <- err
					return
				}
				found, err := s.Search(t.Context(), network(), directory.Ask{Text: "martinelli"})
				if err != nil {
					done <- err
					return
				}
				for _, one := range found.People {
					if one.ID == ids[n] && i%2 == 1 {
						t.Errorf("turn %d: somebody hidden a moment ago is shown", i)
					}
				}
			}
			done <- nil
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
