package fold

import (
	"strings"
	"testing"
)

func TestEmail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		valid    bool
	}{
		{"Laure.Lavaut@Example.ORG", "laure.lavaut@example.org", true},
		{" \u00a0laure@example.org\u200b\r\n", "laure@example.org", true},
		{"mailto:laure@example.org", "laure@example.org", true},
		{"<laure@example.org>", "laure@example.org", true},
		{"laure+ins@sub.example.co.uk", "laure+ins@sub.example.co.uk", true},
		{"o'neil@example.org", "o'neil@example.org", true},
		{"E\u0301lo@exemple.fr", "élo@exemple.fr", true},
		{"laure@müller.example", "laure@müller.example", true},
		{"", "", false},
		{"laure", "laure", false},
		{"laure@example", "laure@example", false},
		{"laure@@example.org", "laure@@example.org", false},
		{"laure @example.org", "laure @example.org", false},
		{"laure.@example.org", "laure.@example.org", false},
		{"la..ure@example.org", "la..ure@example.org", false},
		{"laure@-example.org", "laure@-example.org", false},
		{"laure@example..org", "laure@example..org", false},
		{"laure@127.0.0.1", "laure@127.0.0.1", false},
		{"a@example.org;b@example.org", "a@example.org;b@example.org", false},
		{"laure@example.org\x00x", "laure@example.org\x00x", false},
		{strings.Repeat("a", 65) + "@example.org", strings.Repeat("a", 65) + "@example.org", false},
	} {
		got := Email(c.in)
		if got != c.want {
			t.Errorf("Email(%q) = %q, want %q", c.in, got, c.want)
		}
		if ValidEmail(got) != c.valid {
			t.Errorf("ValidEmail(%q) = %t, want %t", got, !c.valid, c.valid)
		}
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, region, want string }{
		{"06 12 34 56 78", "", "+33612345678"},
		{"06.12.34.56.78", "FR", "+33612345678"},
		{"612345678", "", "+33612345678"},
		{"612345678.0", "", "+33612345678"},
		{"472438383", "", "+33472438383"},
		{"+33 (0)6 12 34 56 78", "", "+33612345678"},
		{"0033612345678", "", "+33612345678"},
		{"33612345678", "", "+33612345678"},
		{"\u00a006-12-34-56-78 ", "fr", "+33612345678"},
		{"030 123456", "DE", "+4930123456"},
		{"+44 20 7946 0958", "FR", "+442079460958"},
		{"0692123456", "RE", "+262692123456"},
		{"12", "", ""},
		{"", "", ""},
		{"n/a", "", ""},
		{"0612345678 bureau", "", ""},
		{"0612345678", "XX", ""},
	} {
		got, ok := Phone(c.in, c.region)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("Phone(%q, %q) = %q, %t, want %q", c.in, c.region, got, ok, c.want)
		}
	}
}

func FuzzContact(f *testing.F) {
	f.Add("mailto:< a@b.cd>")
	f.Add("+33 (0)6 12 34 56 78 x9")
	f.Fuzz(func(t *testing.T, s string) {
		mail := Email(s)
		if ValidEmail(mail) && Email(mail) != mail {
			t.Errorf("Email(%q) = %q, not stable", mail, Email(mail))
		}
		if e164, ok := Phone(s, "FR"); ok {
			if again, ok := Phone(e164, "FR"); !ok || again != e164 {
				t.Errorf("Phone(%q) = %q, then %q", s, e164, again)
			}
		}
	})
}
