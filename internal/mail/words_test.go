package mail

import (
	"strings"
	"testing"
)

// Phrases stand as plain gives texts, or they would match nothing; and none is needless beside a shorter one.
func TestPhrasesArePlain(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][]string{
		"blamesUs": blamesUsPhrases, "full": fullPhrases, "unwanted": unwantedPhrases, "noMailbox": noMailboxPhrases, "noDomain": noDomainPhrases,
		"certain": certainPhrases, "busy": busyPhrases, "later": laterPhrases,
		"bounceSubjects": bounceSubjects, "awaySubjects": awaySubjects,
	} {
		for i, p := range list {
			if got := strings.TrimSpace(plain(p)); got != strings.TrimSpace(p) || got == "" {
				t.Errorf("%s: %q would have to be %q", name, p, got)
			}
			for j, q := range list {
				if i != j && (strings.HasPrefix(p, q) || strings.Contains(p, " "+q)) {
					t.Errorf("%s: %q is needless beside %q", name, p, q)
				}
			}
		}
	}
}
