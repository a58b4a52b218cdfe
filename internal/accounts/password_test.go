package accounts

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/errs"
)

func TestWeakness(t *testing.T) {
	t.Parallel()
	own := []string{"Anne-Laure", "Lavaut", "anne-laure.lavaut.ly2010", "annelaure@exemple.fr"}
	for _, c := range []struct{ password, want string }{
		{"onze-car.ok", "accounts.password_short"},
		{strings.Repeat("é", 11), "accounts.password_short"},
		{strings.Repeat("e\u0301", 11), "accounts.password_short"}, // 22 code points, 11 characters
		{strings.Repeat("quelques mots ", 19), "accounts.password_long"},
		{"aaaaaaaaaaaa", "accounts.password_common"},
		{"abcabcabcabcabc", "accounts.password_common"},
		{"bonjourbonjour", "accounts.password_common"},
		{"123456789012", "accounts.password_common"},
		{"azertyuiopqs", "accounts.password_common"},
		{"qwertyuiop12", "accounts.password_common"},
		{"1q2w3e4r5t6y", "accounts.password_common"},
		{"abcdefghijkl", "accounts.password_common"},
		{"motdepasse123", "accounts.password_common"},
		{"MotDePasse2024!", "accounts.password_common"},
		{"Passw0rd1234", "accounts.password_common"},
		{"P@ssword2026!", "accounts.password_common"},
		{"bonjour123456", "accounts.password_common"},
		{"soleil & chocolat", "accounts.password_common"},
		{"amicale-insa-2010", "accounts.password_common"},
		{"19871987198719", "accounts.password_common"},
		{"............", "accounts.password_common"},
		{"correcthorsebatterystaple", "accounts.password_common"},
		{"annelaurelavaut", "accounts.password_own"},
		{"Lavaut-Anne-1988", "accounts.password_own"},
		{"anne-laure.lavaut.ly2010", "accounts.password_own"},
		{"annelaure@exemple.fr", "accounts.password_own"},
		{"lavaut motdepasse", "accounts.password_own"},
		{"bad\xffutf8 bytes here", "accounts.password_bad"},
		{"quatre nuages pour 7 girafes", ""},
		{"Tr0ub4dor&3xK", ""},
		{"kX9#vQ2mLp7$", ""},
		{"83920471650284", ""},
		{"soleil cheval bougie tartine", ""},
		{"le lavaut dort sous la tonnelle", ""},
		{"пароль из слов", ""},
		{"パスワードはここにあります", ""},
	} {
		if got := weakness(c.password, own); got != c.want {
			t.Errorf("weakness(%q) = %q, want %q", c.password, got, c.want)
		}
	}
}

func TestHashBounds(t *testing.T) {
	t.Parallel()
	h := newHasher()
	for _, c := range []struct {
		hash string
		ok   bool
	}{
		{nobody, true},
		{"$argon2id$v=19$m=4194304,t=1,p=2$bm9ib2R5IGhhcyB0aGlzIQ$Zm9yIG5vYm9keSBldmVyIGtub3dzIHRoaXMgb25lLiA", false},
		{"$argon2id$v=19$m=65536,t=1000,p=2$bm9ib2R5IGhhcyB0aGlzIQ$Zm9yIG5vYm9keSBldmVyIGtub3dzIHRoaXMgb25lLiA", false},
		{"$argon2id$v=19$m=65536,t=0,p=2$bm9ib2R5IGhhcyB0aGlzIQ$Zm9yIG5vYm9keSBldmVyIGtub3dzIHRoaXMgb25lLiA", false},
		{"$argon2id$v=19$m=65536,t=1,p=0$bm9ib2R5IGhhcyB0aGlzIQ$Zm9yIG5vYm9keSBldmVyIGtub3dzIHRoaXMgb25lLiA", false},
		{"$argon2id$v=19$m=65536,t=1,p=2$bm9ib2R5IGhhcyB0aGlzIQ$YQ", false},
		{"$2a$10$abcdefghijklmnopqrstuv", false},
		{"nonsense", false},
	} {
		match, _, err := h.check(t.Context(), "for nobody", c.hash, true)
		if match || (err == nil) != c.ok {
			t.Errorf("check(%s) = %v, %v, want no match and an error %v", c.hash, match, err, !c.ok)
		}
	}
}

func TestHashRehashesOldParameters(t *testing.T) {
	t.Parallel()
	h := quick()
	text, err := h.hash(t.Context(), "e\u0301cole et nuages")
	if err != nil {
		t.Fatal(err)
	}
	if match, old, err := newHasher().check(t.Context(), "\u00e9cole et nuages", text, true); err != nil || !match || !old {
		t.Errorf("check(the same password, composed) = %v, old %v, %v", match, old, err)
	}
}

func TestHasherQueue(t *testing.T) {
	t.Parallel()
	h := quick()
	for range hashesAtOnce {
		if err := h.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	order := make(chan string, 2*hashQueue)
	var wg sync.WaitGroup
	wait := func(known bool, name string) {
		wg.Go(func() {
			if err := h.enter(t.Context(), known); err != nil {
				t.Errorf("enter(%s) = %v", name, err)
				return
			}
			order <- name
			h.leave()
		})
	}
	for range hashQueue {
		wait(false, "stranger")
	}
	waiting(t, h, hashQueue)
	if err := h.enter(t.Context(), false); !errors.Is(err, errs.Unavailable) {
		t.Errorf("enter(one stranger too many) = %v, want unavailable", err)
	}
	wait(true, "known")
	waiting(t, h, hashQueue+1)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.enter(gone, true); !errors.Is(err, errs.Unavailable) {
		t.Errorf("enter(a visitor who left) = %v, want unavailable", err)
	}
	h.leave()
	wg.Wait()
	if first := <-order; first != "known" {
		t.Errorf("the first let in was a %s, want the known one", first)
	}
	if h.leave(); h.free != hashesAtOnce {
		t.Errorf("%d places are free at the end, want %d", h.free, hashesAtOnce)
	}
}

// waiting waits until so many stand in the two lines.
func waiting(t *testing.T, h *hasher, n int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		got := len(h.first) + len(h.rest)
		h.mu.Unlock()
		if got == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, want %d", got, n)
		}
	}
}
