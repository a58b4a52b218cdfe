// Package jobs is the work done behind a request: a job is a row that joins the transaction of the change it
// follows, and a runner in any process claims it.
//
// It owns the table jobs. A job runs at least once: a worker that dies leaves a lease that runs out, and another
// takes over, so handlers must bear being run again. What fails comes back later and later, and after the last
// attempt stays in the table with its error, for the staff to see.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/id"
)

// Job is a row of the queue.
type Job struct {
	ID         id.ID
	Kind       string // "people.reindex"; names its handler
	Payload    json.RawMessage
	RunAt      time.Time // not before
	Attempts   int       // begun so far; 0 before the first, and again after a new request under the same key
	LeaseUntil time.Time // zero when nobody has it
	Worker     string
	LastError  string
	FailedAt   time.Time // zero until it is given up
	CreatedAt  time.Time
}

// Handler does a job. Its context ends only when the process must stop without waiting any longer, or when the
// job was lost to another worker.
type Handler func(ctx context.Context, payload json.RawMessage) error

// Typed makes a Handler of a function on the payload's type. A payload that does not fit is given up at once.
func Typed[T any](fn func(ctx context.Context, payload T) error) Handler {
	return func(ctx context.Context, payload json.RawMessage) error {
		var v T
		if err := json.Unmarshal(payload, &v); err != nil {
			return Permanent(fmt.Errorf("jobs: payload: %w", err))
		}
		return fn(ctx, v)
	}
}

// permanent is an error that another attempt would not mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks an error that another attempt would not mend: the job is given up at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// backoff is how long to wait after that many attempts: 5 s, 10 s, 20 s… at most an hour, give or take a quarter,
// so that what failed together does not come back together.
func backoff(attempts int) time.Duration {
	const first, most = 5 * time.Second, time.Hour
	d := most
	if attempts < 11 {
		d = min(most, first<<max(0, attempts-1))
	}
	return d*3/4 + rand.N(d/2)
}

// Schedule is the first moment of a periodic job after the one given.
type Schedule func(after time.Time) time.Time

// Interval is every d, on whole multiples of it, so that all processes mean the same moments.
func Interval(d time.Duration) Schedule {
	return func(after time.Time) time.Time { return after.Truncate(d).Add(d) }
}

// Daily is once a day at that time of the zone.
func Daily(hour, minute int, zone *time.Location) Schedule {
	return func(after time.Time) time.Time {
		a := after.In(zone)
		next := time.Date(a.Year(), a.Month(), a.Day(), hour, minute, 0, 0, zone)
		if !next.After(after) {
			next = time.Date(a.Year(), a.Month(), a.Day()+1, hour, minute, 0, 0, zone)
		}
		return next
	}
}

// periodicKind is the kind of the one row that stands for a periodic job.
func periodicKind(name string) string { return "every:" + name }

func encode(payload any) (json.RawMessage, error) {
	if payload == nil {
		return json.RawMessage(`{}`), nil
	}
	b, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	if b[0] != '{' && b[0] != '[' {
		return nil, fmt.Errorf("the payload must be an object or a list, not %.20s", b)
	}
	return b, nil
}

// errorText is what the table keeps of an error: valid text of bounded length.
func errorText(err error) string {
	const most = 2000
	s := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}

// errLost is why a job's context ends when its lease ran out under it.
var errLost = errors.New("jobs: lost to another worker")
