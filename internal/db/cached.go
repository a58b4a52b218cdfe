package db

import (
	"context"
	"sync/atomic"
	"time"
)

// Fresh is how long a Cached value may be behind what another process wrote; this process's own writes show at once.
const Fresh = 2 * time.Second

// Cached keeps one small value that every page needs (the associations, the federation's name). It is for what
// presents, never for rights. The zero value is ready.
type Cached[T any] struct {
	held atomic.Pointer[held[T]]
}

type held[T any] struct {
	value T
	until time.Time
}

// Read is the value, read anew when it is no longer fresh. Inside a transaction it is always read anew.
func (c *Cached[T]) Read(ctx context.Context, d *DB, read func(ctx context.Context) (T, error)) (T, error) {
	inside := d.current(ctx) != nil
	if h := c.held.Load(); h != nil && !inside && time.Now().Before(h.until) {
		return h.value, nil
	}
	before := c.held.Load()
	v, err := read(ctx)
	if err == nil && !inside {
		c.held.CompareAndSwap(before, &held[T]{v, time.Now().Add(Fresh)}) // not over what was forgotten meanwhile
	}
	return v, err
}

// Forget drops the value once the transaction in the context is committed.
func (c *Cached[T]) Forget(ctx context.Context, d *DB) {
	d.AfterCommit(ctx, func() { c.held.Store(&held[T]{}) })
}
