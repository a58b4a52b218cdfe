// Package changes is the feed of what changed: a numbered row for each person, company or posting touched.
//
// It owns the tables change_counter and changes. A number is handed out under the lock of one row, held until
// the commit: numbers appear in the order of commits and without gaps, so a reader who saw n never misses a
// smaller one. Each process replays the feed into its search index and so agrees with the others.
package changes

import (
	"errors"
	"sync"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/id"
)

// ErrGap says that the feed no longer holds what follows the reader's position (it was pruned, or the database
// is an older copy than the reader knew). The reader must build anew from the rows and follow from Latest.
var ErrGap = errors.New("changes: the feed does not continue from here")

// Change is one row touched.
type Change struct {
	Seq    int64 // 1, 2, 3… without gaps
	Kind   string
	Entity id.ID
	At     time.Time
}

// Store reads and writes the feed. One a process, so that followers wake as soon as a change is committed.
type Store struct {
	db    *db.DB
	clock clock.Clock

	mu   sync.Mutex
	bell chan struct{} // closed, and replaced, at each commit that appended
}

// NewStore makes the feed over d.
func NewStore(d *db.DB, c clock.Clock) *Store {
	return &Store{db: d, clock: c, bell: make(chan struct{})}
}

// next is closed at the next commit; take it before reading, so that no commit falls in between.
func (s *Store) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bell
}

func (s *Store) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.bell)
	s.bell = make(chan struct{})
}
