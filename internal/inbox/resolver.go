package inbox

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"amicale/internal/clock"
)

// Resolver asks the DNS. *net.Resolver is one; tests and measurements have their own, which answer from memory.
// A name that does not exist, or has no such record, is a *net.DNSError with IsNotFound.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// For how long answers are kept. The resolver below does not say how long it may be, so it is short; faults of the
// DNS are not kept at all.
const (
	keepAnswer  = 5 * time.Minute
	keepNothing = time.Minute
	mostAnswer  = 20_000 // kept at once
	widest      = 4 << 10
	askWithin   = 10 * time.Second
)

// cache keeps answers for a while, and asks the same thing once for all who want to know.
type cache struct {
	inner Resolver
	clock clock.Clock

	mu    sync.Mutex
	kept  map[question]*reply
	asked map[question]*reply
}

type question struct{ kind, name string }

type reply struct {
	done  chan struct{} // closed when it is there
	value any
	err   error
	until time.Time
}

// NewResolver puts a bounded cache before a resolver.
func NewResolver(inner Resolver, c clock.Clock) Resolver {
	return &cache{inner: inner, clock: c, kept: map[question]*reply{}, asked: map[question]*reply{}}
}

func (c *cache) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return ask(ctx, c, question{"TXT", absolute(name)}, c.inner.LookupTXT)
}

func (c *cache) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return ask(ctx, c, question{"MX", absolute(name)}, c.inner.LookupMX)
}

func (c *cache) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return ask(ctx, c, question{"A", absolute(host)}, c.inner.LookupIPAddr)
}

func (c *cache) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return ask(ctx, c, question{"PTR", addr}, c.inner.LookupAddr)
}

// absolute keeps the machine's search list out of other people's names.
func absolute(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, ".")) + "."
}

func ask[T any](ctx context.Context, c *cache, q question, inner func(context.Context, string) (T, error)) (T, error) {
	r := c.find(q, func(r *reply) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
		defer cancel()
		r.value, r.err = inner(own, q.name)
	})
	var none T
	select {
	case <-r.done:
	case <-ctx.Done():
		return none, &net.DNSError{Err: "no answer in time", Name: q.name, IsTimeout: true, IsTemporary: true}
	}
	if r.err != nil {
		return none, r.err
	}
	v, _ := r.value.(T)
	return v, nil
}

// find gives the kept answer, or the one that somebody waits for already, or has it asked.
func (c *cache) find(q question, ask func(*reply)) *reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.kept[q]; r != nil {
		if c.clock().Before(r.until) {
			return r
		}
		delete(c.kept, q)
	}
	if r := c.asked[q]; r != nil {
		return r
	}
	r := &reply{done: make(chan struct{})}
	c.asked[q] = r
	go func() {
		ask(r)
		c.keep(q, r)
		close(r.done)
	}()
	return r
}

func (c *cache) keep(q question, r *reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asked, q)
	var e *net.DNSError
	switch {
	case r.err == nil && widthOf(r.value) <= widest:
		r.until = c.clock().Add(keepAnswer)
	case errors.As(r.err, &e) && e.IsNotFound:
		r.until = c.clock().Add(keepNothing)
	default:
		return
	}
	if len(c.kept) >= mostAnswer {
		c.sweep()
	}
	c.kept[q] = r
}

func widthOf(v any) int {
	switch v := v.(type) {
	case []string:
		n := 0
		for _, s := range v {
			n += len(s)
		}
		return n
	case []*net.MX:
		return 64 * len(v)
	case []net.IPAddr:
		return 64 * len(v)
	}
	return 0
}

// sweep forgets what is over, and if that is little, a quarter of the rest as it comes.
func (c *cache) sweep() {
	now := c.clock()
	for q, r := range c.kept {
		if !now.Before(r.until) {
			delete(c.kept, q)
		}
	}
	for q := range c.kept {
		if len(c.kept) <= mostAnswer*3/4 {
			return
		}
		delete(c.kept, q)
	}
}
