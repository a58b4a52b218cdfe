package domains_test

import (
	"context"
	"sync"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/domains"
)

// turning is a clock that a test turns.
type turning struct {
	mu sync.Mutex
	at time.Time
}

func startClock() *turning {
	return &turning{at: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)}
}

func (c *turning) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clock.Trim(c.at)
}

func (c *turning) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// newStore is a store of an installation with its own domain and these associations'.
func newStore(d *db.DB, now clock.Clock, associations ...string) *domains.Store {
	return domains.NewStore(domains.Deps{DB: d, Now: now, Own: "annuaire.example",
		Associations: func(context.Context) ([]string, error) { return associations, nil }})
}
