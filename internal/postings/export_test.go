package postings

import (
	"context"

	"amicale/internal/id"
)

// TakeApart runs the job of a message.
func TakeApart(ctx context.Context, s *Store, draft id.ID) error {
	return s.takeApart(ctx, toRead{draft})
}

// Sweep runs the nightly one.
func Sweep(ctx context.Context, s *Store) error { return s.sweep(ctx) }
