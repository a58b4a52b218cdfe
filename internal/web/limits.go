package web

import (
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

// maxKeys bounds the memory; past it the oldest keys are forgotten first.
const maxKeys = 200_000

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
	now := l.now()
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
	k := l.keys[key]
	return k != nil && k.limiter.TokensAt(l.now()) < 1
}

// Forget gives a key its tries back, as after a right password.
func (l *Limits) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, key)
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
	for k := range l.keys {
		if len(l.keys) < maxKeys {
			break
		}
		delete(l.keys, k)
	}
}
