// Package clock is the time as the house knows it: UTC, in whole microseconds, the finest both databases keep.
package clock

import "time"

// Clock tells the time. Stores and jobs are given one, so that tests can turn it.
type Clock func() time.Time

// System is the machine's clock.
func System() time.Time { return Trim(time.Now()) }

// At is a clock that stands still.
func At(t time.Time) Clock { t = Trim(t); return func() time.Time { return t } }

// Trim brings a time to UTC and to whole microseconds.
func Trim(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
