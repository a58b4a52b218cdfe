package mail_test

import (
	"strings"
	"testing"

	"amicale/internal/id"
	"amicale/internal/mail"
)

var (
	ours   = mail.NewTokens([]byte("0123456789abcdef0123456789abcdef"))
	theirs = mail.NewTokens([]byte("0123456789abcdef0123456789abcdeg"))
)

func TestTokens(t *testing.T) {
	t.Parallel()
	row := id.New()
	for _, kind := range []mail.TokenKind{mail.LetterToken, mail.DeliveryToken, mail.CampaignToken} {
		made := ours.Make(kind, row)
		if len(made) != mail.TokenChars || mail.TokenChars != 38 || made != strings.ToLower(made) || strings.Trim(made[2:], "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("Make() = %q, of %d characters", made, len(made))
		}
		for name, local := range map[string]string{"as made": made, "upper case": strings.ToUpper(made), "mixed": strings.ToUpper(made[:9]) + made[9:]} {
			if k, r, ok := ours.Parse(local); !ok || k != kind || r != row {
				t.Errorf("%s: Parse(%q) = %c, %v, %v, want %c, %v", name, local, k, r, ok, kind, row)
			}
		}
	}
}

func TestTokensRefuse(t *testing.T) {
	t.Parallel()
	made := ours.Make(mail.DeliveryToken, id.New())
	other := "a"
	if made[10] == 'a' {
		other = "b"
	}
	for name, local := range map[string]string{
		"empty": "", "prefix alone": "r-", "cut": made[:37], "longer": made + "a", "with its domain": made + "@x.fr", "tagged": made[:30] + "+" + made[31:],
		"changed": made[:10] + other + made[11:], "foreign key": theirs.Make(mail.DeliveryToken, id.New()), "wrong kind": ours.Make('x', id.New()),
		"no kind": ours.Make(0, id.ID{}), "no prefix": "x-" + made[2:], "not base32": "r-" + strings.Repeat("1", 36), "beyond ASCII": "r-" + strings.Repeat("é", 18),
		"same octets, other text": made[:37] + string(next(made[37])),
	} {
		if k, row, ok := ours.Parse(local); ok {
			t.Errorf("%s: Parse(%q) = %c, %v", name, local, k, row)
		}
	}
	if _, _, ok := (mail.Tokens{}).Parse(mail.Tokens{}.Make(mail.LetterToken, id.New())); ok {
		t.Error("tokens without a key were taken")
	}
}

// next is a last character that stands for the same octets: its low bits are not used.
func next(c byte) byte {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	return alphabet[strings.IndexByte(alphabet, c)|1]
}

func TestTokensWantAKey(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a short key was taken")
		}
	}()
	mail.NewTokens([]byte("short"))
}

func FuzzTokens(f *testing.F) {
	f.Add(ours.Make(mail.LetterToken, id.New()))
	f.Add(theirs.Make(mail.LetterToken, id.New()))
	f.Add("r-")
	f.Fuzz(func(t *testing.T, local string) {
		if kind, row, ok := ours.Parse(local); ok && ours.Make(kind, row) != strings.ToLower(local) {
			t.Errorf("Parse(%q) = %c, %v, which makes another token", local, kind, row)
		}
	})
}
