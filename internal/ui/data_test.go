package ui

import (
	"strings"
	"testing"
)

func TestBreakable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"", ""},
		{"Laure Lavaut, 5.1.1 no such user.", "Laure Lavaut, 5.1.1 no such user."},
		{"emploi@ et jobs@", "emploi@ et jobs@"},
		{"laure.lavaut@exemple.fr", "laure.lavaut@|exemple.fr"},
		{"laure.lavaut.ly2010@alumni.insa-lyon.example", "laure|.lavaut|.ly2010@|alumni|.insa-lyon|.example"},
		{"Attend benjamin.tremauville@poste.example. Et …", "Attend benjamin|.tremauville@|poste.example. Et …"},
		{"Sarah (recrutement@energies-hydrauliques.example).", "Sarah (recrutement@|energies-hydrauliques|.example)."},
		{"TXT amicale-2026a._domainkey.ail.example", "TXT amicale-2026a|._domainkey|.ail|.example"},
		{"mail.ail.example", "mail.ail.example"},
		{"p…@fibre.example", "p…\u2060@|fibre.example"},
		{`<a@b.fr> & "c@d.fr"`, "&lt;a@|b.fr&gt; &amp; &#34;c@|d.fr&#34;"},
	} {
		got, _ := render(t, "fr", Breakable(row.text))
		if got = strings.ReplaceAll(got, "<wbr>", "|"); got != row.want {
			t.Errorf("Breakable(%q) = %q, want %q", row.text, got, row.want)
		}
	}
}
