package outbox

import (
	"context"
	"sync"

	"amicale/internal/db"
	"amicale/internal/id"
	"amicale/internal/mail"
)

// Bounds of what is loaded before its turn: the next few of a queue in one statement, and only small ones.
const (
	shelfParcels = 8
	shelfMessage = 64 << 10
)

// bulky is a source that loads several messages at once. What it leaves out is asked for by itself.
type bulky interface {
	load(ctx context.Context, list [shelfParcels]id.ID) (map[id.ID][]byte, error)
}

// shelf holds the messages of parcels whose turn comes together.
type shelf struct {
	parcels [shelfParcels]id.ID // the last is repeated
	once    sync.Once
	mu      sync.Mutex
	got     map[id.ID][]byte
}

// shelve puts the item, and those behind it, on one shelf. The courier's lock is held.
func shelve(it *item, q *queue) {
	if _, ok := it.feed.Source.(bulky); !ok || it.shelf != nil || it.ready {
		return
	}
	s := &shelf{}
	next := q.first
	for i := range s.parcels {
		s.parcels[i] = it.ID
		it.shelf = s
		if next != nil && next.shelf == nil && !next.ready {
			it, next = next, next.next
		}
	}
}

// take gives the item's message, loaded together with the others' by whoever comes first; nil when it is not there.
func (s *shelf) take(ctx context.Context, it *item) []byte {
	s.once.Do(func() {
		got, err := it.feed.Source.(bulky).load(ctx, s.parcels)
		if err != nil {
			return // each asks for its own, and says what is wrong
		}
		s.mu.Lock()
		s.got = got
		s.mu.Unlock()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	message := s.got[it.ID]
	delete(s.got, it.ID)
	return message
}

func (s deliveries) load(ctx context.Context, list [shelfParcels]id.ID) (map[id.ID][]byte, error) {
	type row struct {
		ID   id.ID
		Head string
		Raw  []byte
	}
	out := make(map[id.ID][]byte, len(list))
	err := db.Each(ctx, s.db, `
		SELECT d.id, d.head, b.raw FROM outbox_deliveries d JOIN outbox_bodies b ON b.id = d.body_id
		WHERE d.id IN (`+db.In(len(list))+`) AND octet_length(b.raw) < ?`, append(db.Args(list[:]), shelfMessage), func(r *row) error {
		out[r.ID] = mail.Prepend(r.Raw, r.Head)
		return nil
	})
	return out, err
}
