package lists

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"amicale/internal/fold"
)

// Whatever the short way takes, the library takes, and as the same number.
func TestFrenchPhoneAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	taken := 0
	for prefix := range 10_000 {
		digits := fmt.Sprintf("%04d%06d", prefix, r.IntN(1_000_000))
		for _, s := range []string{digits, "+33" + digits[1:], digits[:2] + " " + digits[2:4] + "." + digits[4:6] + "-" + digits[6:], digits + "0", digits[:9]} {
			for _, region := range []string{"FR", "", "BE"} {
				short, ok := frenchPhone(s, region)
				long, valid := fold.Phone(s, region)
				if ok && (!valid || short != long) {
					t.Fatalf("frenchPhone(%q, %q) = %s, the library says %s, %t", s, region, short, long, valid)
				}
				if ok {
					taken++
				}
			}
		}
	}
	if taken < 15_000 {
		t.Errorf("only %d numbers went the short way", taken)
	}
}

func TestFrenchPhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, region, want string
	}{
		{"06 12 34 56 78", "FR", "+33612345678"}, {"04.72.43.83.83", "", "+33472438383"}, {"+33 6 12 34 56 78", "DE", "+33612345678"},
		{"0612345678", "DE", ""}, {"+33 (0)6 12 34 56 78", "FR", ""}, {"0 800 12 34 56", "FR", ""}, {"06 12 34 56 7", "FR", ""}, {"", "FR", ""}, {"+0612345678", "FR", ""},
	} {
		if got, _ := frenchPhone(c.in, c.region); got != c.want {
			t.Errorf("frenchPhone(%q, %q) = %q, want %q", c.in, c.region, got, c.want)
		}
	}
}
