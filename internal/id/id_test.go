package id_test

import (
	"encoding/json"
	"testing"

	"amicale/internal/id"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	a, b := id.New(), id.New()
	if a == b || a.String() >= b.String() && a.String()[:13] != b.String()[:13] {
		t.Errorf("%v then %v: not in the order of their making", a, b)
	}
	v, err := a.Value()
	if err != nil || v != a.String() {
		t.Errorf("Value() = %v, %v", v, err)
	}
	for _, src := range []any{a.String(), []byte(a.String()), a[:]} {
		var got id.ID
		if err := got.Scan(src); err != nil || got != a {
			t.Errorf("Scan(%T) = %v, %v, want %v", src, got, err, a)
		}
	}
	j, err := json.Marshal(map[id.ID]id.ID{a: b})
	if err != nil {
		t.Fatal(err)
	}
	var back map[id.ID]id.ID
	if err := json.Unmarshal(j, &back); err != nil || back[a] != b {
		t.Errorf("JSON %s came back as %v, %v", j, back, err)
	}
}

func TestZeroIsNull(t *testing.T) {
	t.Parallel()
	var zero id.ID
	if v, err := zero.Value(); v != nil || err != nil || !zero.IsZero() {
		t.Errorf("Value() = %v, %v, want NULL", v, err)
	}
	got := id.New()
	if err := got.Scan(nil); err != nil || !got.IsZero() {
		t.Errorf("Scan(NULL) = %v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", "{0190b3a8-0000-7000-8000-000000000000}", "0190b3a8000070008000000000000000", "0190b3a8-0000-7000-8000-00000000000g"} {
		if got, err := id.Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, got)
		}
	}
}
