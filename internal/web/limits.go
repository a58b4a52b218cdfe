package web

import (
	"cmp"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"amicale/internal/clock"
	"amicale/internal/errs"
)

// Limits slows down what is done too often, by key (an address, an account, a target). It is kept in memory, a
// process for itself: a guesser gains at most a factor of the number of processes. Idle keys are forgotten.
type Limits struct {
	mu    sync.Mutex
	now   clock.Clock
	every time.Duration // one more try each so long…
	burst int           // …after this many at once
	keys  map[string]*limited
	swept time.Time
}

type limited struct {
	limiter *rate.Limiter
	used    time.Time
}

// maxKeys and maxKey, in octets, bound the memory: keys come from strangers. Past that many the least lately used go
// first, a quarter at a time, so that a flood of new ones costs little.
const (
	maxKeys = 200_000
	maxKey  = 200
)

// short is a key of bounded length; a longer one is its digest.
func short(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return string(sum[:])
}

// Subnet is an address as tries are counted by: one host has a whole /64 of IPv6 (RFC 6177).
func Subnet(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	prefix, err := a.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return prefix.String()
}

// NewLimits allows burst at once and then one more each every.
func NewLimits(now clock.Clock, every time.Duration, burst int) *Limits {
	return &Limits{now: now, every: every, burst: burst, keys: map[string]*limited{}, swept: now()}
}

// Take uses up one try; Limited when there is none left.
func (l *Limits) Take(key string) error {
	if l.take(key) {
		return nil
	}
	return errs.New(errs.Limited, "web.limited")
}

func (l *Limits) take(key string) bool {
	now, key := l.now(), short(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	k := l.keys[key]
	if k == nil {
		k = &limited{limiter: rate.NewLimiter(rate.Every(l.every), l.burst)}
		l.keys[key] = k
	}
	k.used = now
	return k.limiter.AllowN(now, 1)
}

// Spent reports whether the key has no try left, without using one.
func (l *Limits) Spent(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[short(key)]
	return k != nil && k.limiter.TokensAt(l.now()) < 1
}

// Forget gives a key its tries back, as after a right password.
func (l *Limits) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, short(key))
}

// sweep drops keys that are full again, every few minutes or when there are too many.
func (l *Limits) sweep(now time.Time) {
	full := time.Duration(l.burst) * l.every
	if len(l.keys) < maxKeys && now.Sub(l.swept) < 5*time.Minute {
		return
	}
	l.swept = now
	for k, v := range l.keys {
		if now.Sub(v.used) > full {
			delete(l.keys, k)
		}
	}
	if len(l.keys) >= maxKeys {
		l.evict()
	}
}

// evict drops the quarter of the keys that was used the longest ago.
func (l *Limits) evict() {
	type entry struct {
		key  string
		used time.Time
	}
	all := make([]entry, 0, len(l.keys))
	for k, v := range l.keys {
		all = append(all, entry{k, v.used})
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.key, b.key)) })
	for _, e := range all[:len(all)/4] {
		delete(l.keys, e.key)
	}
}
