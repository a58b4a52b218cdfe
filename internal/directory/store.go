package directory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"amicale/internal/changes"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/search"
	"amicale/internal/viewer"
)

// Store answers questions about the base from memory and keeps that memory true.
type Store struct {
	people    *people.Store
	feed      *changes.Store
	index     *search.Index
	follower  atomic.Pointer[changes.Follower] // nil until Open
	following atomic.Bool                      // Follow runs: what is committed comes by itself
	snapshot  string                           // file of the snapshot; "" for none
	log       *slog.Logger
	cards     cards

	saving sync.Mutex
	saved  uint64 // position of the snapshot on disk
}

// NewStore makes an empty directory; Open fills it. instance names the database that a snapshot belongs to.
func NewStore(p *people.Store, feed *changes.Store, instance, snapshot string, log *slog.Logger) (*Store, error) {
	ix, err := search.New(schema(instance), search.Options{})
	if err != nil {
		return nil, errs.E("directory.NewStore", errs.Internal, err)
	}
	return &Store{people: p, feed: feed, index: ix, snapshot: snapshot, log: log}, nil
}

// reader is who builds the index.
func reader() viewer.Viewer { return viewer.ForSystem("directory index") }

// Open makes the directory ready: from the snapshot where there is a good one, else from the base; then it applies
// what changed since. It may be called again, as tests do, and only catches up then. Follow must not run meanwhile.
func (s *Store) Open(ctx context.Context) error {
	if s.follower.Load() == nil {
		if err := s.load(ctx); err != nil {
			return err
		}
	}
	err := s.follower.Load().CatchUp(ctx)
	if errors.Is(err, changes.ErrGap) {
		if err := s.rebuild(ctx); err != nil {
			return err
		}
		err = s.follower.Load().CatchUp(ctx)
	}
	return errs.Wrap("directory.Open", err)
}

// load fills the index, and follows the feed from where that was true.
func (s *Store) load(ctx context.Context) error {
	if s.snapshot != "" {
		latest, err := s.feed.Latest(ctx)
		if err != nil {
			return errs.Wrap("directory.Open", err)
		}
		if err := s.index.Load(s.snapshot); err == nil && s.reaches(ctx, int64(s.index.Seq()), latest) {
			s.saved = s.index.Seq()
			s.followFrom(int64(s.index.Seq()))
			return nil
		}
	}
	return s.rebuild(ctx)
}

// rebuild fills the index from the base, whatever it held.
func (s *Store) rebuild(ctx context.Context) error {
	start := time.Now()
	latest, err := s.feed.Latest(ctx)
	if err != nil {
		return errs.Wrap("directory.rebuild", err)
	}
	if err := s.build(ctx, latest); err != nil {
		return err
	}
	s.cards.clear()
	s.followFrom(latest)
	s.log.Info("directory built", "people", s.index.Stats().Documents, "ms", time.Since(start).Milliseconds())
	s.trySave() // without a snapshot the next start takes longer, that is all
	return nil
}

func (s *Store) followFrom(seq int64) {
	s.follower.Store(s.feed.Follower(seq, []string{people.Kind}, s.apply, s.log))
}

// reaches reports whether the feed still holds every change after a snapshot's position.
func (s *Store) reaches(ctx context.Context, from, latest int64) bool {
	if from > latest {
		return false // of another database, or of one that was restored since
	}
	next, err := s.feed.After(ctx, from, 1)
	return err == nil && (len(next) == 0 && from == latest || len(next) == 1 && next[0].Seq == from+1)
}

func (s *Store) build(ctx context.Context, seq int64) error {
	codes, err := s.codes(ctx)
	if err != nil {
		return err
	}
	var docs iter.Seq2[search.Doc, error] = func(yield func(search.Doc, error) bool) {
		err := s.people.EachDossier(ctx, reader(), id.ID{}, func(d *people.Dossier) error {
			if !yield(document(d, codes), nil) {
				return context.Canceled
			}
			return nil
		})
		if err != nil {
			yield(search.Doc{}, err)
		}
	}
	return errs.Wrap("directory.build", s.index.Build(uint64(seq), docs))
}

func (s *Store) codes(ctx context.Context) (map[id.ID]string, error) {
	list, err := s.people.Associations(ctx)
	if err != nil {
		return nil, errs.Wrap("directory.codes", err)
	}
	out := make(map[id.ID]string, len(list))
	for _, a := range list {
		out[a.ID] = a.Code
	}
	return out, nil
}

// apply brings a batch of the feed into the index.
func (s *Store) apply(ctx context.Context, list []changes.Change) error {
	ids := make([]id.ID, 0, len(list))
	seen := make(map[id.ID]bool, len(list))
	for _, c := range list {
		if !seen[c.Entity] {
			seen[c.Entity] = true
			ids = append(ids, c.Entity)
		}
	}
	dossiers, err := s.people.Dossiers(ctx, reader(), ids)
	if err != nil {
		return errs.Wrap("directory.apply", err)
	}
	codes, err := s.codes(ctx)
	if err != nil {
		return err
	}
	found := make(map[id.ID]*people.Dossier, len(dossiers))
	for i := range dossiers {
		found[dossiers[i].ID] = &dossiers[i]
	}
	out := make([]search.Change, 0, len(ids))
	for _, i := range ids {
		c := search.Change{ID: i}
		if d := found[i]; d != nil {
			doc := document(d, codes)
			c.Doc = &doc
		}
		out = append(out, c)
	}
	s.cards.forget(ids)
	return errs.Wrap("directory.apply", s.index.Apply(uint64(list[len(list)-1].Seq), out))
}

// saveEvery is how old a snapshot of a directory that changes may grow.
const saveEvery = 10 * time.Minute

// Follow replays the feed until ctx ends, builds anew should the feed not go on from here, saves a snapshot now and
// then, and once more at the end.
func (s *Store) Follow(ctx context.Context) error {
	s.following.Store(true)
	defer s.following.Store(false)
	var saver sync.WaitGroup
	saver.Go(func() {
		for wait(ctx, saveEvery) {
			s.trySave()
		}
	})
	err := s.replay(ctx)
	saver.Wait()
	s.index.Wait()
	s.trySave()
	return err
}

// replay follows the feed over its gaps.
func (s *Store) replay(ctx context.Context) error {
	for {
		err := s.follower.Load().Follow(ctx)
		for errors.Is(err, changes.ErrGap) {
			s.log.Warn("directory: the feed does not go on from here, building anew", "position", s.follower.Load().Position())
			if e := s.rebuild(ctx); e == nil {
				break
			} else if ctx.Err() == nil {
				s.log.Error("directory: building anew", "error", e)
			}
			if !wait(ctx, 10*time.Second) {
				return nil
			}
		}
		if ctx.Err() != nil || !errors.Is(err, changes.ErrGap) {
			return err
		}
	}
}

// wait reports whether the time has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Save writes the snapshot when something changed; a missing one only costs a rebuild.
func (s *Store) Save() error {
	s.saving.Lock()
	defer s.saving.Unlock()
	seq := s.index.Seq()
	if s.snapshot == "" || seq == s.saved && seq != 0 {
		return nil
	}
	if err := s.index.Save(s.snapshot); err != nil {
		return fmt.Errorf("directory.Save: %w", err)
	}
	s.saved = seq
	return nil
}

func (s *Store) trySave() {
	if err := s.Save(); err != nil {
		s.log.Warn("directory snapshot", "error", err)
	}
}

// Ready reports whether the directory has caught up, for /readyz.
func (s *Store) Ready() bool {
	f := s.follower.Load()
	if f == nil {
		return false
	}
	_, age := f.Lag()
	return age < 30*time.Second
}

// Lag is how many changes wait, for /metrics.
func (s *Store) Lag() int64 {
	f := s.follower.Load()
	if f == nil {
		return 0
	}
	n, _ := f.Lag()
	return n
}

// Documents is how many people the directory knows, for /metrics.
func (s *Store) Documents() int { return s.index.Stats().Documents }
