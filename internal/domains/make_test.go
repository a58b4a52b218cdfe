package domains_test

import (
	"sync"
	"time"

	"amicale/internal/clock"
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
