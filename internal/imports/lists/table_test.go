package lists

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"amicale/internal/dbtest"
)

// openText opens text as a file, and closes it with the test.
func openText(t testing.TB, text string) *Table {
	t.Helper()
	table, err := Open("test.csv", strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatalf("Open(%.60q): %v", text, err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// rowsOf reads all rows, as "line: a|b|c" or "line! reason".
func rowsOf(t testing.TB, table *Table) []string {
	t.Helper()
	var out []string
	for row, err := range table.Rows() {
		if r := (Reason{}); errors.As(err, &r) && row.Line > 0 {
			out = append(out, fmt.Sprintf("%d! %s", row.Line, r.Key))
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d: %s", row.Line, strings.Join(row.Cells, "|")))
	}
	return out
}

func encode(t testing.TB, m *charmap.Charmap, s string) string {
	t.Helper()
	out, err := m.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wide(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const text = "Nom;Prénom;Ville\nL’Hôpital;Éloïse;Œuilly\nDupont;René;Nîmes\n"
	const plain = "Nom;Prénom;Ville\nL'Hôpital;Éloïse;Œuilly\nDupont;René;Nîmes\n"
	for _, c := range []struct {
		name, text string
		want       Encoding
		surname    string
	}{
		{"utf-8", text, UTF8, "L’Hôpital"},
		{"utf-8 with BOM", "\ufeff" + text, UTF8BOM, "L’Hôpital"},
		{"ascii", "Nom;Prenom;Ville\nHopital;Eloise;Œuilly\n", UTF8, "Hopital"},
		{"windows-1252", encode(t, charmap.Windows1252, text), Windows1252, "L’Hôpital"},
		{"iso-8859-15", encode(t, charmap.ISO8859_15, plain), ISO885915, "L'Hôpital"},
		{"utf-16", wide(text), UTF16LE, "L’Hôpital"},
		{"an acute accent for an apostrophe", encode(t, charmap.Windows1252, "Nom;Prénom;Ville\nL´Hôpital;Éloïse;Œuilly\n"), Windows1252, "L´Hôpital"},
	} {
		table := openText(t, c.text)
		if table.Encoding != c.want {
			t.Errorf("%s: Encoding = %s, want %s", c.name, table.Encoding, c.want)
		}
		for row, err := range table.Rows() {
			if err != nil || row.Cells[0] != c.surname || row.Cells[2] != "Œuilly" || len(row.Repaired) > 0 {
				t.Errorf("%s: first row = %q (repaired %v), %v, want surname %s", c.name, row.Cells, row.Repaired, err, c.surname)
			}
			break
		}
	}
}

func TestMixedEncodings(t *testing.T) {
	t.Parallel()
	table := openText(t, "Nom;Prénom\nDurant;Éloïse\nDupont;Ren\xe9\nMartin;Zoé\n")
	if table.Encoding != UTF8 {
		t.Errorf("Encoding = %s, want UTF-8", table.Encoding)
	}
	var repaired []int
	for row, err := range table.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if row.Line == 3 {
			repaired = row.Repaired
			if row.Cells[1] != "René" {
				t.Errorf("row 3 = %q, want René", row.Cells)
			}
		}
	}
	if !slices.Equal(repaired, []int{1}) {
		t.Errorf("repaired = %v, want [1]", repaired)
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	twice := func(s string) string { // what reading UTF-8 as Windows-1252 makes of s
		var b strings.Builder
		for _, c := range []byte(s) {
			b.WriteRune(decodeByte(charmap.Windows1252, c))
		}
		return b.String()
	}
	for _, want := range []string{"Éloïse", "L’Hôpital", "Œuvrard à Nîmes", "Łukasz", "10 €", "« été »", "Дмитрий", "…–—"} {
		for n, broken := 1, twice(want); n <= 3; n, broken = n+1, twice(broken) {
			if got, ok := repair(broken); got != want || !ok {
				t.Errorf("repair(%q) = %q, %t, want %q", broken, got, ok, want)
			}
		}
		if got, ok := repair(want); got != want || ok {
			t.Errorf("repair(%q) = %q, %t, want it untouched", want, got, ok)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"RenÃ© L’Hôpital", "René L’Hôpital"},
		{"L\u0092Hame", "L’Hame"},
		{"João Ângelo Å Ãlvaro", "João Ângelo Å Ãlvaro"},
		{"L?HAME", "L?HAME"},
		{"CAFÉ»", "CAFÉ»"},
		{"NÎ’IMES", "NÎ’IMES"},
	} {
		if got, _ := repair(c.in); got != c.want {
			t.Errorf("repair(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLostCharacter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"L?HAME": true, "d?un": true, "Ren\ufffd": true, "Pourquoi ?": false, "René": false, "?": false} {
		if got := lostCharacter(in); got != want {
			t.Errorf("lostCharacter(%q) = %t, want %t", in, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		separator  rune
		header     int
		want       []string
	}{
		{"semicolon", "Nom;Prénom\nDurant;Éloïse\n", ';', 1, []string{"2: Durant|Éloïse"}},
		{"comma", "Nom,Prénom\r\nDurant,Éloïse\r\n", ',', 1, []string{"2: Durant|Éloïse"}},
		{"tab", "Nom\tPrénom\nDurant\tÉloïse", '\t', 1, []string{"2: Durant|Éloïse"}},
		{"semicolons in commas", "nom,prenom,info\nDurant,Zoé,a;b;c\n", ',', 1, []string{"2: Durant|Zoé|a;b;c"}},
		{"old macintosh", "Nom;Prenom\rDurant;Zoe\rDupont;Jean\r", ';', 1, []string{"2: Durant|Zoe", "3: Dupont|Jean"}},
		{"quoted", "Nom;Prénom;Note\n\"Du;rant\";\"Dit \"\"Zo\"\"\";\"deux\nlignes\"\nDupont;Jean;x\n", ';', 1,
			[]string{"2: Du;rant|Dit \"Zo\"|deux\nlignes", "4: Dupont|Jean|x"}},
		{"backslash", "\"Nom\",\"Prénom\",\"Note\"\n\"Durant\",\"Zoé\",\"dite \\\"Zo\\\", oui\"\n", ',', 1, []string{"2: Durant|Zoé|dite \"Zo\", oui"}},
		{"quotes inside", "Nom;Prénom\nDurant;Zoé \"Zo\" Anne\n", ';', 1, []string{"2: Durant|Zoé \"Zo\" Anne"}},
		{"blank lines", "\n\nNom;Prénom\n\nDurant;Zoé\n;\n\n", ';', 3, []string{"5: Durant|Zoé"}},
		{"title above", "Liste des adhérents\nNom;Prénom;Promo\nDurant;Zoé;2010\n", ';', 2, []string{"3: Durant|Zoé|2010"}},
		{"no header", "Durant;Zoé;zoe@example.org\nDupont;Jean;jean@example.org\n", ';', 0,
			[]string{"1: Durant|Zoé|zoe@example.org", "2: Dupont|Jean|jean@example.org"}},
		{"stray quote", "Nom;Prénom\n\"Durant\"x;Zoé\nDupont;Jean\n", ';', 1, []string{"2! line_stray_quote", "3: Dupont|Jean"}},
		{"open quote", "Nom;Prénom\n\"Durant;Zoé\nDupont;Jean\nMartin;Anne\n", ';', 1,
			[]string{"2! line_open_quote", "3: Dupont|Jean", "4: Martin|Anne"}},
		{"too many", "Nom;Prénom\nDurant;Zoé;x\nDupont;Jean;;\n", ';', 1, []string{"2! line_too_many", "3: Dupont|Jean"}},
		{"short", "Nom;Prénom;Promo\nDurant\nDupont;Jean;2010\n", ';', 1, []string{"2: Durant||", "3: Dupont|Jean|2010"}},
		{"cut", "Nom;Prénom;Promo\nDupont;Jean;2010\nDur", ';', 1, []string{"2: Dupont|Jean|2010", "3! line_cut"}},
		{"spaces", "Nom ; Prénom\n Durant\u00a0;\tZoé \n", ';', 1, []string{"2: Durant|Zoé"}},
		{"one column", "Nom\nDurant\nDupont\n", ';', 1, []string{"2: Durant", "3: Dupont"}},
	} {
		table := openText(t, c.text)
		if table.Separator != c.separator || table.HeaderLine != c.header {
			t.Errorf("%s: separator %q, header in line %d, want %q, %d", c.name, table.Separator, table.HeaderLine, c.separator, c.header)
		}
		if got := rowsOf(t, table); !slices.Equal(got, c.want) {
			t.Errorf("%s: rows = %q, want %q", c.name, got, c.want)
		}
		if again := rowsOf(t, table); !slices.Equal(again, c.want) {
			t.Errorf("%s: rows read again = %q", c.name, again)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxCell+1)
	table := openText(t, "Nom;Prénom\n"+long+";Zoé\n\""+long+"\";Zoé\n"+strings.Repeat("y", 3*maxRecord)+"\n"+strings.Repeat(";", 5000)+"\nDupont;Jean\n")
	want := []string{"2! line_cell_too_long", "3! line_cell_too_long", "4! line_cell_too_long", "5! line_wide", "6: Dupont|Jean"}
	if got := rowsOf(t, table); !slices.Equal(got, want) {
		for i, row := range got {
			got[i] = row[:min(len(row), 60)]
		}
		t.Errorf("rows = %q, want %q", got, want)
	}
}

// Lines that leave a quote open whatever stood before cost each a look at what follows; the sum must stay bounded.
func TestManyOpenQuotes(t *testing.T) {
	t.Parallel()
	line := "z;\"\"\"" + strings.Repeat("a", 1000) + "\n"
	table := openText(t, "Nom;Prénom\n"+strings.Repeat(line, 20_000)+"Dupont;Jean\n")
	rows := rowsOf(t, table)
	if got := rows[len(rows)-1]; got != "20002: Dupont|Jean" {
		t.Errorf("last row = %q", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "file_empty"},
		{"blank", "\n\n \n", "file_empty"},
		{"old excel", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 100), "file_old_excel"},
		{"pdf", "%PDF-1.7\n", "file_not_table"},
		{"html", "<html><table><tr><td>Nom</td></tr></table>", "file_not_table"},
		{"binary", "Nom;Pr\x00nom\n", "file_not_table"},
		{"no archive", "PK\x03\x04 nothing", "file_broken"},
		{"no gzip", "\x1f\x8b nothing", "file_broken"},
	} {
		table, err := Open("x", strings.NewReader(c.text), int64(len(c.text)))
		if r := (Reason{}); !errors.As(err, &r) || r.Key != c.want {
			t.Errorf("%s: Open = %v, %v, want %s", c.name, table, err, c.want)
		}
	}
}

func TestOpenRefusesBombs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		part string
		size int64
	}{
		{"xl/worksheets/sheet1.xml", 40 << 20},
		{"xl/media/image1.png", maxParts + 1},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create(c.part)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, zeros{}, c.size); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = Open("bomb.xlsx", bytes.NewReader(b.Bytes()), int64(b.Len()))
		if r := (Reason{}); !errors.As(err, &r) || r.Key != "file_too_big" {
			t.Errorf("%s: Open = %v, want file_too_big", c.part, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// generated is a CSV file of n people that is never in memory.
type generated struct{ rows int }

const generatedHeader = "Matricule;Nom;Prénom;Date de naissance;Promo;Département;E-mail;Téléphone;Adresse;CP;Ville      \n"

func (g generated) row(i int) string {
	letters := strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%07d", i))
	return fmt.Sprintf("%010d;Dürand%s;Éloïse;%02d/07/1980;2003;GM;p%07d@example.org;06 12 34 56 78;1, rue du Lac ;69100;Villeurbanne\n", i, letters, i%28+1, i)
}

func (g generated) ReadAt(p []byte, off int64) (int, error) {
	size := int64(len(g.row(0)))
	n := 0
	for n < len(p) {
		var line string
		if at := off + int64(n); at < int64(len(generatedHeader)) {
			line = generatedHeader[at:]
		} else {
			at -= int64(len(generatedHeader))
			if at/size >= int64(g.rows) {
				return n, io.EOF
			}
			line = g.row(int(at / size))[at%size:]
		}
		n += copy(p[n:], line)
	}
	return n, nil
}

func (g generated) size() int64 {
	return int64(len(generatedHeader)) + int64(g.rows)*int64(len(g.row(0)))
}

func TestStreams(t *testing.T) {
	g := generated{rows: 200_000}
	table, err := Open("people.csv", g, g.size())
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := MapColumns(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	defaults := testDefaults()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rows, peak := 0, uint64(0)
	for row, err := range table.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if rows%10 == 0 {
			if _, _, err := mapping.Record(row, defaults); err != nil {
				t.Fatal(err)
			}
		}
		if rows++; rows%50_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	if rows != g.rows {
		t.Errorf("%d rows, want %d", rows, g.rows)
	}
	if peak > before.HeapAlloc+8<<20 {
		t.Errorf("heap grew from %d to %d bytes", before.HeapAlloc, peak)
	}
}

// sample opens a file of the samples, or skips the test where there are none.
func sample(t testing.TB, name string) *Table {
	t.Helper()
	data := readSample(t, name)
	table, err := Open(name, strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

// readSample is a real input, whole.
func readSample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dbtest.Samples(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("Nom;Prénom\n\"a\"\"b\nc\";d\n\\\"x;\"\n"))
	f.Add([]byte("\xff\xfeN\x00;\x00"))
	f.Add([]byte("a,b\r\n\"\\\"q\\\"\",\xe9\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Open("fuzz.csv", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		defer table.Close()
		mapping, mapErr := MapColumns(table, nil)
		line := 0
		for row, err := range table.Rows() {
			if err != nil && row.Line == 0 {
				break
			}
			if row.Line <= line && table.book == nil {
				t.Fatalf("line %d after line %d", row.Line, line)
			}
			line = row.Line
			if err == nil && len(row.Cells) != len(table.Header) {
				t.Fatalf("row %d has %d cells, the header %d", row.Line, len(row.Cells), len(table.Header))
			}
			if err == nil && mapErr == nil {
				mapping.Record(row, testDefaults())
			}
		}
	})
}

func FuzzRepair(f *testing.F) {
	f.Add("RenÃ©")
	f.Add("â€™Ð”Ð¼")
	f.Fuzz(func(t *testing.T, s string) {
		got, repaired := repair(s)
		if !repaired && got != s {
			t.Errorf("repair(%q) = %q, and says it did nothing", s, got)
		}
		if len(got) > len(s)+8 {
			t.Errorf("repair(%q) = %q grew", s, got)
		}
	})
}

func BenchmarkRows(b *testing.B) {
	g := generated{rows: 20_000}
	data := make([]byte, g.size())
	if _, err := g.ReadAt(data, 0); err != nil && err != io.EOF {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		table, err := Open("people.csv", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			b.Fatal(err)
		}
		mapping, err := MapColumns(table, nil)
		if err != nil {
			b.Fatal(err)
		}
		defaults := testDefaults()
		for row, err := range table.Rows() {
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := mapping.Record(row, defaults); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(g.rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
