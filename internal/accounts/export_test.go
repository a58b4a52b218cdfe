package accounts

import "github.com/alexedwards/argon2id"

// quick is a hasher whose hashes cost next to nothing, where something else is tested.
func quick() *hasher {
	h := newHasher()
	h.params = argon2id.Params{Memory: 16, Iterations: 1, Parallelism: 2, SaltLength: 16, KeyLength: 32}
	h.none = "$argon2id$v=19$m=16,t=1,p=2$bm9ib2R5IGhhcyB0aGlzIQ$Zm9yIG5vYm9keSBldmVyIGtub3dzIHRoaXMgb25lLiA"
	return h
}

// QuickHashes makes the store's hashes cost next to nothing.
func (s *Store) QuickHashes() { s.hasher = quick() }
