package directory

import (
	"context"
	"sync"

	"amicale/internal/id"
	"amicale/internal/people"
)

// cards keeps the people drawn lately, so that a page of results asks the database for nothing. An entry is
// forgotten as soon as the feed says that the person changed; what was read while a change came in is not kept.
type cards struct {
	mu    *sync.Mutex
	known map[id.ID]*people.Dossier
	turn  uint64 // grows with every change
}

// maxCards bounds the memory: about a kilobyte each.
const maxCards = 20_000

func newCards() cards { return cards{mu: &sync.Mutex{}, known: map[id.ID]*people.Dossier{}} }

func (c *cards) forget(ids []id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	for _, i := range ids {
		delete(c.known, i)
	}
}

func (c *cards) get(ctx context.Context, ids []id.ID, load func(context.Context, []id.ID) ([]people.Dossier, error)) (map[id.ID]*people.Dossier, error) {
	out := make(map[id.ID]*people.Dossier, len(ids))
	var missing []id.ID
	c.mu.Lock()
	turn := c.turn
	for _, i := range ids {
		if d := c.known[i]; d != nil {
			out[i] = d
		} else {
			missing = append(missing, i)
		}
	}
	c.mu.Unlock()
	if len(missing) == 0 {
		return out, nil
	}
	list, err := load(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i := range list {
		out[list[i].ID] = &list[i]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != turn {
		return out, nil
	}
	for i := range c.known { // any: the order of a map is random enough
		if len(c.known)+len(list) <= maxCards {
			break
		}
		delete(c.known, i)
	}
	for i := range list {
		c.known[list[i].ID] = &list[i]
	}
	return out, nil
}
