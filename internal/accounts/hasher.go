package accounts

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"

	"amicale/internal/errs"
)

// The work of one hash (RFC 9106, the house's choice): 64 MiB, one pass, two lanes, and two hashes at once.
const (
	hashMemory   = 64 * 1024 // KiB
	hashPasses   = 1
	hashLanes    = 2
	hashesAtOnce = 2
	// hashQueue is how many may wait in each line: at about 100 ms a hash and two at once, two seconds.
	hashQueue = 32
)

// nobody's hash is compared with where there is no account or no password: it costs the same and fits nothing.
const nobody = "$argon2id$v=19$m=65536,t=1,p=2$bm9ib2R5IGhhcyB0aGlzIQ$Zm9yIG5vYm9keSBldmVyIGtub3dzIHRoaXMgb25lLiA"

// hasher hashes passwords, a few at a time. Those who come from where the account was opened before go first, so
// that guessing from elsewhere does not make them wait.
type hasher struct {
	params argon2id.Params
	none   string // compared with where there is no hash
	mu     sync.Mutex
	free   int
	first  []chan struct{}
	rest   []chan struct{}
}

func newHasher() *hasher {
	return &hasher{free: hashesAtOnce, none: nobody, params: argon2id.Params{
		Memory: hashMemory, Iterations: hashPasses, Parallelism: hashLanes, SaltLength: 16, KeyLength: 32}}
}

// hash is the text to keep of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx, true); err != nil {
		return "", err
	}
	defer h.leave()
	text, err := argon2id.CreateHash(norm.NFC.String(password), &h.params)
	return text, errs.Wrap("accounts.hash", err)
}

// check compares a password with a hash; an empty one costs as much and fits nothing. old says that the hash was
// made with less work than today's and deserves another.
func (h *hasher) check(ctx context.Context, password, hash string, known bool) (match, old bool, err error) {
	if hash == "" {
		hash = h.none
	}
	if err := boundHash(hash); err != nil {
		return false, false, err
	}
	if err := h.enter(ctx, known); err != nil {
		return false, false, err
	}
	defer h.leave()
	match, params, err := argon2id.CheckHash(norm.NFC.String(password), hash)
	if err != nil {
		return false, false, errs.E("accounts.check", errs.Internal, err)
	}
	return match && hash != h.none, *params != h.params, nil
}

// boundHash refuses a hash whose parameters would cost too much: they stand in the database, not in the program.
func boundHash(hash string) error {
	params, _, _, err := argon2id.DecodeHash(hash)
	if err == nil && (params.Memory > 256*1024 || params.Memory < 8 || params.Iterations < 1 || params.Iterations > 16 ||
		params.Parallelism < 1 || params.Parallelism > 16 || params.KeyLength < 16 || params.KeyLength > 128 || params.SaltLength > 128) {
		err = fmt.Errorf("parameters out of bounds: m=%d t=%d p=%d", params.Memory, params.Iterations, params.Parallelism)
	}
	if err != nil {
		return errs.E("accounts.boundHash", errs.Internal, err)
	}
	return nil
}

// enter waits for a place; Unavailable at once when too many wait already.
func (h *hasher) enter(ctx context.Context, known bool) error {
	h.mu.Lock()
	if h.free > 0 {
		h.free--
		h.mu.Unlock()
		return nil
	}
	line := &h.rest
	if known {
		line = &h.first
	}
	if len(*line) >= hashQueue {
		h.mu.Unlock()
		return errs.New(errs.Unavailable, "accounts.busy")
	}
	turn := make(chan struct{})
	*line = append(*line, turn)
	h.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	i := slices.Index(*line, turn)
	if i >= 0 {
		*line = slices.Delete(*line, i, i+1)
	}
	h.mu.Unlock()
	if i < 0 { // the turn came at the same moment
		h.leave()
	}
	return errs.E("accounts.hasher", errs.Unavailable, ctx.Err())
}

func (h *hasher) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range []*[]chan struct{}{&h.first, &h.rest} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = (*line)[1:]
			return
		}
	}
	h.free++
}
