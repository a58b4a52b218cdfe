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
	mu    sync.RWMutex
	known map[id.ID]*people.Dossier
	turn  uint64 // grows with every change
}

// maxCards bounds the memory: about a kilobyte each.
const maxCards = 20_000

func (c *cards) forget(ids []id.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	for _, i := range ids {
		delete(c.known, i)
	}
}

// clear forgets everybody.
func (c *cards) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	clear(c.known)
}

// get gives the people in the order asked for, nil for who is not there. They are shared: nobody may change them.
func (c *cards) get(ctx context.Context, ids []id.ID, load func(context.Context, []id.ID) ([]people.Dossier, error)) ([]*people.Dossier, error) {
	out, missing, turn := c.held(ids)
	if len(missing) == 0 {
		return out, nil
	}
	list, err := load(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for at, want := range ids {
			if want == list[i].ID {
				out[at] = &list[i]
			}
		}
	}
	c.keep(list, turn)
	return out, nil
}

// held is who is known, and who is missing; turn says when that was so.
func (c *cards) held(ids []id.ID) (out []*people.Dossier, missing []id.ID, turn uint64) {
	out = make([]*people.Dossier, len(ids))
	c.mu.RLock()
	defer c.mu.RUnlock()
	for at, i := range ids {
		if out[at] = c.known[i]; out[at] == nil {
			missing = append(missing, i)
		}
	}
	return out, missing, c.turn
}

// keep takes over what was read since turn, unless somebody changed meanwhile.
func (c *cards) keep(list []people.Dossier, turn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != turn {
		return
	}
	if c.known == nil {
		c.known = make(map[id.ID]*people.Dossier, maxCards)
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
}
