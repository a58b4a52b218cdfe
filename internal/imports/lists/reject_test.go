package lists

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
)

// workbookOf makes an XLSX file of cells; times get a date style.
func workbookOf(t testing.TB, sheets ...[][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	style, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	french := "dd/mm/yyyy"
	custom, err := f.NewStyle(&excelize.Style{CustomNumFmt: &french})
	if err != nil {
		t.Fatal(err)
	}
	for n, rows := range sheets {
		name := fmt.Sprintf("Sheet%d", n+1)
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for y, row := range rows {
			for x, value := range row {
				cell, _ := excelize.CoordinatesToCellName(x+1, y+1)
				if err := f.SetCellValue(name, cell, value); err != nil {
					t.Fatal(err)
				}
				if _, ok := value.(time.Time); ok {
					s := style
					if x%2 == 1 {
						s = custom
					}
					if err := f.SetCellStyle(name, cell, cell, s); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openBytes(t testing.TB, data []byte) *Table {
	t.Helper()
	table, err := Open("test", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { table.Close() })
	return table
}

func TestXLSX(t *testing.T) {
	t.Parallel()
	day := time.Date(1989, 12, 31, 0, 0, 0, 0, time.UTC)
	data := workbookOf(t,
		[][]any{{"Mode d’emploi"}, {"Remplis la feuille suivante"}},
		[][]any{
			{"Liste des diplômés"},
			{},
			{"Nom", "Prénom", "Date de naissance", "Vu le", "Promo", "Mobile", "CP", "Note"},
			{"Martin", "Zoé", day, day, 2010, 612345678, 1000, "=1+1"},
			{},
			{"Dupont", "Jean", "31/12/1990", 1989, "2011", 6.12345678e8, "01000"},
		})
	table := openBytes(t, data)
	if table.Sheet != "Sheet2" || table.HeaderLine != 3 || table.Encoding != UTF8 {
		t.Errorf("sheet %s, header in line %d, want Sheet2, 3", table.Sheet, table.HeaderLine)
	}
	want := []string{"4: Martin|Zoé|1989-12-31|1989-12-31|2010|612345678|1000|=1+1", "6: Dupont|Jean|31/12/1990|1989|2011|612345678|01000|"}
	for range 2 {
		if got := rowsOf(t, table); !slices.Equal(got, want) {
			t.Errorf("rows = %q,\nwant %q", got, want)
		}
	}
	mapping, err := MapColumns(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	for row := range table.Rows() {
		r, _, err := mapping.Record(row, testDefaults())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := describe(r), "first=Zoé birth=Martin born=1989-12-31 degree=ly/2010/engineer ppe=01000 ppe=+33612345678 note=map[Note:=1+1 Vu le:1989-12-31]"; got != want {
			t.Errorf("record = %s,\nwant %s", got, want)
		}
		break
	}
}

func TestRejectWriter(t *testing.T) {
	t.Parallel()
	const text = "Nom;Prénom;Promo\n69100 Lyon;Zoé;1990\n\"Du;rant\";\"Jean\n\"\"Jo\"\"\";1991;trop\nÉté;Noël;1992\n\"ouvert;x;1993\n"
	for name, data := range map[string][]byte{
		"utf-8":        []byte(text),
		"bom":          []byte("\ufeff" + text),
		"windows-1252": []byte(encode(t, charmap.Windows1252, text)),
		"iso-8859-15":  []byte(encode(t, charmap.ISO8859_15, strings.ReplaceAll(text, "Été", "Œté"))),
		"utf-16":       []byte(wide(text)),
		"tab":          []byte(strings.ReplaceAll(strings.ReplaceAll(text, ";", "\t"), "Du\trant", "Du;rant")),
		"backslash":    []byte(strings.ReplaceAll(text, `""Jo""`, `\"Jo\"`)),
	} {
		table := openBytes(t, data)
		var out bytes.Buffer
		w := NewRejectWriter(&out, table, "fr")
		for row, err := range table.Rows() {
			if err == nil {
				err = Because("not_a_name", "value", row.Cells[0])
			}
			if err := w.Write(row, err); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again := openBytes(t, out.Bytes())
		if again.Encoding != table.Encoding || again.Separator != table.Separator || w.Count() != 4 {
			t.Errorf("%s: written as %s by %q, %d rows, want %s by %q, 4", name, again.Encoding, again.Separator, w.Count(), table.Encoding, table.Separator)
		}
		var got []string
		for row, err := range again.Rows() {
			if err != nil {
				t.Fatalf("%s: %v in %q", name, err, out.String())
			}
			got = append(got, strings.Join(row.Cells[:3], "|")+" @"+row.Cells[3])
		}
		sep := string(table.Separator)
		want := []string{"69100 Lyon|Zoé|1990 @2", strings.Join([]string{"Du;rant", "Jean\n\"Jo\"", "1991", "trop"}, sep) + "|| @3",
			map[bool]string{true: "Œté", false: "Été"}[name == "iso-8859-15"] + "|Noël|1992 @5", "\"ouvert" + sep + "x" + sep + "1993|| @6"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: rejects = %q,\nwant %q", name, got, want)
		}
		mapping, err := MapColumns(again, nil)
		if err != nil || mapping.Columns[3].Field != Ignore || mapping.Columns[4].Field != Ignore {
			t.Errorf("%s: the reason would be imported: %v, %v", name, mapping.Columns, err)
		}
	}
}

func TestRejectWriterXLSX(t *testing.T) {
	t.Parallel()
	table := openBytes(t, workbookOf(t, [][]any{{"Nom", "Prénom"}, {"=cmd", "+33"}, {"Dupont", "Jean", "trop"}}))
	var out bytes.Buffer
	w := NewRejectWriter(&out, table, "en")
	for row, err := range table.Rows() {
		if err == nil {
			err = Because("no_name")
		}
		if err := w.Write(row, err); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"2: =cmd|+33||2|Neither a name nor an identifier.", "3: Dupont|Jean|trop|3|Neither a name nor an identifier."}
	if got := rowsOf(t, openBytes(t, out.Bytes())); !slices.Equal(got, want) {
		t.Errorf("rejects = %q, want %q", got, want)
	}
}

func TestRejectWriterWritesNothingForNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewRejectWriter(&out, openText(t, "Nom\nx\n"), "fr")
	if err := w.Close(); err != nil || out.Len() > 0 {
		t.Errorf("Close = %v, wrote %q", err, out.String())
	}
}
