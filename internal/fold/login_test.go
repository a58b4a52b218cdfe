package fold

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

var pattern = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+\.[a-z]{2,3}[0-9]{4}$`)

func TestLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, last, code string
		year, occurrence  int
		want              string
	}{
		{"Éloïse", "Durant", "ly", 2027, 1, "eloise.durant.ly2027"},
		{"Pierre-Henri", "L’HAME", "ly", 1989, 1, "pierre-henri.l-hame.ly1989"},
		{"Pierre-Henri", "L'HAME", "LY", 1989, 0, "pierre-henri.l-hame.ly1989"},
		{"Pierre‑Henri", "LʼHAME", "ly", 1989, 1, "pierre-henri.l-hame.ly1989"},
		{"Anne-Laure", "Lavaut", "ly", 2010, 1, "anne-laure.lavaut.ly2010"},
		{"Jean", "Martin", "ly", 2010, 2, "jean.martin-2.ly2010"},
		{"Jean", "Martin", "ly", 2010, 13, "jean.martin-13.ly2010"},
		{"Jean  Paul", "d'Irumberry de Salaberry", "re", 1970, 1, "jean-paul.d-irumberry-de-salaberry.re1970"},
		{"Łucja", "ÖZTÜRK-N'Dong--Nzue", "to", 2001, 1, "lucja.ozturk-n-dong-nzue.to2001"},
		{"Gwénolé", "Malloc'h", "ro", 2001, 1, "gwenole.malloc-h.ro2001"},
		{"Lætitia", "Œuvrard", "st", 2001, 1, "laetitia.oeuvrard.st2001"},
		{"Jürgen", "Weiß", "cv", 2001, 1, "jurgen.weiss.cv2001"},
		{"E\u0301loi\u0308se", "Durant", "ly", 2027, 1, "eloise.durant.ly2027"},
		{"Дмитрий", "Соловьёв", "ly", 1999, 1, "dmitrii.solovev.ly1999"},
		{"小明", "王", "ly", 1999, 1, "xiaoming.wang.ly1999"},
		{"أحمد", "عباس", "ly", 1999, 1, "ahmd.abas.ly1999"},
		{"ジャン・ピエール", "サトー", "ly", 1999, 1, "ziyan-pieru.sato.ly1999"},
		{"Jean.", "O“Neil”, Jr", "ly", 1999, 1, "jean.oneil-jr.ly1999"},
		{" -Jean- ", "’t Hooft", "ly", 1999, 1, "jean.t-hooft.ly1999"},
		{"Jean\u00a0Luc", "Ben\u2003Cheikh", "ly", 1999, 1, "jean-luc.ben-cheikh.ly1999"},
		{"J²", "Mª ©", "ins", 1999, 1, "j.ma.ins1999"},
		{"Anne", strings.Repeat("a", 80), "ly", 2010, 2, "anne." + strings.Repeat("a", 50) + "-2.ly2010"},
		{"Maria-Magdalena-Theresia-Wilhelmina", "von-Hohenzollern-Sigmaringen-und-Altenburg", "ly", 2010, 12,
			"maria-magdalena-theresia-wilhelmina.von-hohenzollern-12.ly2010"},
	} {
		got, err := Login(c.first, c.last, c.code, c.year, c.occurrence)
		if err != nil || got != c.want {
			t.Errorf("Login(%q, %q, %q, %d, %d) = %q, %v, want %q", c.first, c.last, c.code, c.year, c.occurrence, got, err, c.want)
		}
		if len(got) > MaxLogin || !pattern.MatchString(got) {
			t.Errorf("Login(%q, %q) = %q breaks the pattern", c.first, c.last, got)
		}
		if typed := TypedLogin(got); typed != got {
			t.Errorf("TypedLogin(%q) = %q, want the same", got, typed)
		}
	}
}

func TestLoginErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, last, code string
		year              int
		want              error
	}{
		{"", "Durant", "ly", 2010, ErrNoName},
		{"Jean", " - ", "ly", 2010, ErrNoName},
		{"Jean", "😀", "ly", 2010, ErrNoName},
		{"Jean", "Durant", "", 2010, ErrNoClass},
		{"Jean", "Durant", "lyon", 2010, ErrNoClass},
		{"Jean", "Durant", "l1", 2010, ErrNoClass},
		{"Jean", "Durant", "ly", 0, ErrNoClass},
		{"Jean", "Durant", "ly", 20100, ErrNoClass},
	} {
		if got, err := Login(c.first, c.last, c.code, c.year, 1); !errors.Is(err, c.want) || got != "" {
			t.Errorf("Login(%q, %q, %q, %d) = %q, %v, want %v", c.first, c.last, c.code, c.year, got, err, c.want)
		}
	}
}

func TestTypedLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"laure.lavaut.ly2010", "laure.lavaut.ly2010"},
		{"Laure.Lavaut.LY.2010", "laure.lavaut.ly2010"},
		{"LAURE.LAVAUT.LY2010", "laure.lavaut.ly2010"},
		{"laure lavaut ly 2010", "laure.lavaut.ly2010"},
		{"  Laure . Lavaut . ly 2010 \u00a0", "laure.lavaut.ly2010"},
		{"laure.lavaut.ly-2010", "laure.lavaut.ly2010"},
		{"Éloïse.Durant.ly2027", "eloise.durant.ly2027"},
		{"Pierre-Henri.L’Hame.LY1989", "pierre-henri.l-hame.ly1989"},
		{"pierre henri.l'hame.ly 1989", "pierre-henri.l-hame.ly1989"},
		{"pierre‑henri l hame ly1989", "pierre-henri.l-hame.ly1989"},
		{"jean martin 2 ly 2010", "jean.martin-2.ly2010"},
		{"jean.martin-2.ly2010", "jean.martin-2.ly2010"},
		{"Jean_Martin", "jean_martin"},
		{"JMARTIN89", "jmartin89"},
		{"jean martin", "jean.martin"},
		{"admin@ly.example", "admin@ly.example"},
		{"federation.admin", "federation.admin"},
		{"ly2010", "ly2010"},
		{"ly 2010", "ly.2010"},
		{"..", ""},
		{"", ""},
	} {
		if got := TypedLogin(c.in); got != c.want {
			t.Errorf("TypedLogin(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := TypedLogin(c.want); got != c.want {
			t.Errorf("TypedLogin(%q) = %q, want the same", c.want, got)
		}
	}
}

func TestLoginSkeleton(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"jean-pierre.martin.ly2010", "jean.pierre-martin.ly2010", "Jean Pierre Martin LY 2010", "jeanpierre.martin.ly2010"} {
		if got, want := LoginSkeleton(in), "jeanpierremartinly2010"; got != want {
			t.Errorf("LoginSkeleton(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLoginOfEverySurname(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, file := range []string{"names/insee-surnames-all.txt.gz", "names/insee-surnames-special.txt.gz"} {
		for _, name := range lines(t, file) {
			checkLogin(t, "Anne-Laure", name)
			checked++
		}
	}
	if checked < 218_982 {
		t.Errorf("%d surnames checked, want 218982 at least", checked)
	}
}

func TestLoginOfFirstNames(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"names/insee-firstnames-special.tsv.gz", "names/insee-firstnames-top5000.tsv.gz"} {
		for _, line := range lines(t, file)[1:] {
			name, _, _ := strings.Cut(line, "\t")
			checkLogin(t, name, "L’HAME")
		}
	}
}

func checkLogin(t *testing.T, first, last string) {
	t.Helper()
	for _, occurrence := range []int{1, 2} {
		got, err := Login(first, last, "ly", 2010, occurrence)
		if err != nil || !pattern.MatchString(got) || len(got) > MaxLogin || TypedLogin(got) != got {
			t.Errorf("Login(%q, %q, ly, 2010, %d) = %q, %v", first, last, occurrence, got, err)
		}
	}
}

func FuzzLogin(f *testing.F) {
	f.Add("Pierre-Henri", "L’HAME", "ly", 1989, 2)
	f.Add("王", "\u0301-", "LY", 9999, -1)
	f.Fuzz(func(t *testing.T, first, last, code string, year, occurrence int) {
		got, err := Login(first, last, code, year, occurrence)
		if err != nil {
			return
		}
		if !pattern.MatchString(got) || len(got) > MaxLogin {
			t.Errorf("Login(%q, %q, %q, %d, %d) = %q breaks the pattern", first, last, code, year, occurrence, got)
		}
		if strings.Contains(got, "--") || strings.Contains(got, "-.") || strings.Contains(got, ".-") || got[0] == '-' {
			t.Errorf("Login(%q, %q) = %q has hyphens in excess", first, last, got)
		}
		if TypedLogin(got) != got {
			t.Errorf("TypedLogin(%q) = %q, want the same", got, TypedLogin(got))
		}
	})
}

func FuzzTypedLogin(f *testing.F) {
	f.Add("laure lavaut ly 2010")
	f.Add("a b.cd-2010.ef 2011")
	f.Fuzz(func(t *testing.T, s string) {
		once := TypedLogin(s)
		if twice := TypedLogin(once); twice != once {
			t.Errorf("TypedLogin(TypedLogin(%q)) = %q, want %q", s, twice, once)
		}
		LoginSkeleton(s)
	})
}

func BenchmarkLogin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Login("Pierre-Henri", "L’Hôpital", "ly", 1989, 1); err != nil {
			b.Fatal(err)
		}
	}
}
