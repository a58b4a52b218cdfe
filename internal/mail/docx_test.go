package mail_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/mail"
)

const docxTypes = `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`

const docxRels = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`

// archive makes a zip of names and contents, in pairs.
func archive(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err == nil {
			_, err = io.WriteString(w, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// docx makes a Word file whose body is the given markup, with further files.
func docx(t testing.TB, body string, more ...string) []byte {
	t.Helper()
	document := `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>` + body + `</w:body></w:document>`
	return archive(t, append([]string{"[Content_Types].xml", docxTypes, "_rels/.rels", docxRels, "word/document.xml", document}, more...)...)
}

func para(s string) string { return "<w:p><w:r><w:t>" + s + "</w:t></w:r></w:p>" }

func TestDocxText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"paragraphs":    {para("Ingénieur &amp; chef") + para("") + para("") + para("") + para("Lyon"), "Ingénieur & chef\n\nLyon"},
		"runs":          {`<w:p><w:r><w:t xml:space="preserve">Un </w:t></w:r><w:r><w:t>deux</w:t></w:r></w:p>`, "Un deux"},
		"tabs, breaks":  {`<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>`, "a\tb\nc-d"},
		"tab stops":     {`<w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>a</w:t></w:r></w:p>`, "a"},
		"list":          {`<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>un</w:t></w:r></w:p>` + para("fin"), "- un\nfin"},
		"table":         {`<w:tbl><w:tr><w:tc>` + para("Poste") + `</w:tc><w:tc>` + para("CDI") + para("Lyon") + `</w:tc></w:tr><w:tr><w:tc>` + para("Salaire") + `</w:tc><w:tc>` + para("45 k€") + `</w:tc></w:tr></w:tbl>` + para("fin"), "Poste\tCDI\nLyon\nSalaire\t45 k€\nfin"},
		"revisions":     {`<w:p><w:ins><w:r><w:t>neuf</w:t></w:r></w:ins><w:del><w:r><w:delText>vieux</w:delText></w:r></w:del></w:p>`, "neuf"},
		"fields":        {`<w:p><w:r><w:instrText>HYPERLINK</w:instrText></w:r><w:r><w:t>ici</w:t></w:r></w:p>`, "ici"},
		"drawings once": {`<w:p><mc:AlternateContent><mc:Choice><w:r><w:t>boîte</w:t></w:r></mc:Choice><mc:Fallback><w:r><w:t>boîte</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>`, "boîte"},
		"nothing":       {"", ""},
	} {
		got, err := mail.DocxText(docx(t, c.body))
		if err != nil || got != c.want {
			t.Errorf("%s: DocxText() = %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestDocxRefuses(t *testing.T) {
	t.Parallel()
	many := []string{"[Content_Types].xml", docxTypes}
	for i := range 2500 {
		many = append(many, fmt.Sprint("x", i), "")
	}
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"empty":             {nil, mail.ErrNotDocx},
		"old .doc":          {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600)), mail.ErrNotDocx},
		"a zip":             {archive(t, "a.txt", "bonjour"), mail.ErrNotDocx},
		"a spreadsheet":     {archive(t, "[Content_Types].xml", docxTypes, "_rels/.rels", docxRels, "word/document.xml", "<workbook/>"), mail.ErrNotDocx},
		"no document":       {archive(t, "[Content_Types].xml", docxTypes, "_rels/.rels", docxRels), mail.ErrNotDocx},
		"cut":               {docx(t, para("a"))[:200], mail.ErrNotDocx},
		"broken XML":        {docx(t, "<w:p>"), mail.ErrNotDocx},
		"macros":            {docx(t, para("a"), "word/vbaProject.bin", "x"), mail.ErrMacros},
		"macros, disguised": {docx(t, para("a"), `word\VBAPROJECT.BIN`, "x"), mail.ErrMacros},
		".docm renamed":     {archive(t, "[Content_Types].xml", strings.Replace(docxTypes, "openxmlformats-officedocument.wordprocessingml.document.main", "ms-word.document.macroEnabled.main", 1), "_rels/.rels", docxRels, "word/document.xml", "<document/>"), mail.ErrMacros},
		"bomb: one file":    {docx(t, para(strings.Repeat("0", 30<<20))), mail.ErrTooMuch},
		"bomb: together":    {docx(t, para("a"), "word/media/a.bin", strings.Repeat("\x00", 101<<20)), mail.ErrTooMuch},
		"bomb: entries":     {archive(t, many...), mail.ErrTooMuch},
		"bomb: depth":       {docx(t, strings.Repeat("<w:p>", 5000)+strings.Repeat("</w:p>", 5000)), mail.ErrTooMuch},
		"bomb: text":        {docx(t, strings.Repeat(para("Quatorze mots, qui se suivent, et pas un de trop, puis encore d'autres."), 5000)), mail.ErrTooMuch},
		"external entity":   {archive(t, "[Content_Types].xml", docxTypes, "_rels/.rels", docxRels, "word/document.xml", `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><document><p><t>&x;</t></p></document>`), mail.ErrNotDocx},
	} {
		got, err := mail.DocxText(c.raw)
		if got != "" || !errors.Is(err, c.want) || !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: DocxText() = %.40q, %v, want %v", name, got, err, c.want)
		}
	}
}

func TestDocxSamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dbtest.Samples(t), "docs")
	for name, want := range map[string]string{
		"single-paragraph.docx": "Walking on imported air", "tables.docx": "Above\nTop left\tTop right\nBottom left\tBottom right\nBelow",
		"simple-list.docx": "- Apple\n- Banana", "strict-format.docx": "Test", "utf8-bom.docx": "This XML has a byte order mark.", "text-box.docx": "Datum plane", "empty.docx": "",
	} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := mail.DocxText(raw); err != nil || got != want {
			t.Errorf("%s: DocxText() = %q, %v, want %q", name, got, err, want)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.docx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mail.DocxText(raw); err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}

func FuzzDocxText(f *testing.F) {
	f.Add(docx(f, para("a")), "")
	f.Add([]byte("PK\x05\x06"+strings.Repeat("\x00", 18)), `<w:tbl><w:tr><w:tc>`+para("a")+`</w:tc></w:tr></w:tbl>`)
	f.Add([]byte(nil), `<w:p><w:del><w:t>a</w:t></w:del><w:br/><w:tab/></w:p>`)
	f.Fuzz(func(t *testing.T, raw []byte, body string) {
		for _, raw := range [][]byte{raw, docx(t, body)} {
			text, err := mail.DocxText(raw)
			if err != nil && (text != "" || errs.KindOf(err) != errs.Invalid) {
				t.Errorf("DocxText() = %q, %v", text, err)
			}
			if !utf8.ValidString(text) || len(text) > 300_000 {
				t.Errorf("text of %d octets, valid %v", len(text), utf8.ValidString(text))
			}
		}
	})
}
