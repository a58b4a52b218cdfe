package fold

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"durant", "durant"},
		{"DURANT", "durant"},
		{"Éloïse  Durant", "eloise durant"},
		{"E\u0301loi\u0308se", "eloise"},
		{"Pierre-Henri L’HAME", "pierre henri l hame"},
		{"D'AGOSTINO", "d agostino"},
		{"Dʼagostino", "d agostino"},
		{"  Le\u00a0Clerc\tde  Bussy ", "le clerc de bussy"},
		{"Jean\u2011Paul – Sartre", "jean paul sartre"},
		{"Lætitia Œuvrard", "laetitia oeuvrard"},
		{"Łukasz Strauß Đorđe Søren Işık", "lukasz strauss dorde soren isik"},
		{"Dupont (née Martin)", "dupont nee martin"},
		{"J.-P.", "j p"},
		{"Дмитрий Менделеев", "dmitrii mendeleev"},
		{"王 小明", "wang xiaoming"},
		{"Əliyev", "aliyev"},
		{"Du\u00adrand\u200b", "durand"},
		{" - ", ""},
		{"a ", "a"},
		{"\xff\xfeabc", "abc"},
		{"Ἀριστοτέλης", "aristoteles"},
		{"ﬁ Ⅻ", "fi xii"},
		{"がくせい", "gakusei"},
		{"김", "gim"},
	} {
		if got := Name(c.in); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := Name(Name(c.in)); got != c.want {
			t.Errorf("Name(Name(%q)) = %q, want %q", c.in, got, c.want)
		}
	}
}

// The short way round for Latin letters must say what decomposing would.
func TestLatinNeedsNoDecomposition(t *testing.T) {
	t.Parallel()
	for r := rune(0xc0); r <= 0x24f; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		var long []byte
		for _, d := range norm.NFD.String(string(r)) {
			if !isAccent(d) {
				long = appendLetter(long, d)
			}
		}
		if short := appendLetter(nil, r); string(short) != string(long) {
			t.Errorf("appendLetter(%q) = %q, decomposed %q", r, short, long)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	if got, want := Key("Éloïse", "L’Hame", "LY", 2010), "eloise|l hame|ly|2010"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
	if got, want := Key("É", "", "", 0), "e|||"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
}

// lines reads a compressed sample, or skips the test where there are no samples.
func lines(t testing.TB, name string) []string {
	t.Helper()
	dir := os.Getenv("AMICALE_SAMPLES")
	if dir == "" {
		t.Skip("AMICALE_SAMPLES is not set")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for s := bufio.NewScanner(z); s.Scan(); {
		out = append(out, s.Text())
	}
	return out
}

func FuzzName(f *testing.F) {
	f.Add("Éloïse L’HAME")
	f.Add("\u0627\u0301 ー王")
	f.Fuzz(func(t *testing.T, s string) {
		got := Name(s)
		if Name(got) != got || !isFolded(got) || strings.ToLower(got) != got {
			t.Errorf("Name(%q) = %q is not folded", s, got)
		}
	})
}

func BenchmarkName(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"folded", "laure lavaut"}, {"ascii", "Laure LAVAUT"}, {"accents", "Éloïse L'Hôpital"}, {"cyrillic", "Дмитрий Менделеев"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Name(c.in)
			}
		})
	}
}
