package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"amicale/internal/id"
	"amicale/internal/web"
)

func TestLimitsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := web.NewLimits(func() time.Time { return now }, time.Hour, 1)
	long := strings.Repeat("x", 1<<20)
	if l.Take(long) != nil || l.Take(long) == nil || !l.Spent(long) {
		t.Error("a long key is not counted like others")
	}
	if l.Take(long+"y") != nil {
		t.Error("two long keys are taken for one")
	}
	if _, octets := l.Held(); octets > 1000 {
		t.Errorf("two keys that a stranger typed hold %d octets", octets)
	}
	l.Forget(long)
	if l.Spent(long) {
		t.Error("a long key is not forgotten")
	}
	for i := range web.MaxKeys { // a flood, while somebody guesses
		if i%1000 == 0 {
			now = now.Add(time.Millisecond)
			_ = l.Take("guesser")
		}
		_ = l.Take(strconv.Itoa(i))
	}
	if keys, _ := l.Held(); keys > web.MaxKeys {
		t.Errorf("%d keys are kept, more than %d", keys, web.MaxKeys)
	}
	if !l.Spent("guesser") {
		t.Error("a flood of other keys gives a guesser his tries back")
	}
	if l.Spent("0") {
		t.Error("of a flood of keys the oldest is still there")
	}
}

func TestSubnet(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::9": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "unix": "unix",
	} {
		if got := web.Subnet(ip); got != want {
			t.Errorf("Subnet(%s) = %s, want %s", ip, got, want)
		}
	}
}

// Staff who must have a second factor reach public pages too, and those show more to the staff.
func TestRolesCountOnlyWithTheSecondFactor(t *testing.T) {
	t.Parallel()
	roles := func(r *web.Request) error { return word(strconv.Itoa(len(r.Viewer.Roles)))(r) }
	s, h := site(t, web.Route{Pattern: "GET /public", Handler: web.Public(roles)}, web.Route{Pattern: "GET /secure", Handler: web.SignedIn(roles)})
	for who, want := range map[byte]string{'w': "1", 'i': "0"} {
		var account id.ID
		account[0] = who
		token, _, err := s.Sessions.Start(t.Context(), account, false, "192.0.2.1", "test")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/public", "/secure"} {
			rec := get(h, path, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "amicale", Value: token}) })
			if rec.Body.String() != want {
				t.Errorf("%c at %s acts with %s roles, want %s", who, path, rec.Body.String(), want)
			}
		}
	}
}
