package postings_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"amicale/internal/dbtest"
	"amicale/internal/postings"
)

// part is one part of a message.
type part struct {
	kind string // "text/plain; charset=utf-8"
	name string // of a file; "" for none
	data string
}

// letter writes a message with CRLF line ends: headers as name, value, name, value…
func letter(parts []part, headers ...string) []byte {
	var b strings.Builder
	has := map[string]bool{}
	for i := 0; i+1 < len(headers); i += 2 {
		has[headers[i]] = true
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	for name, value := range map[string]string{"From": "Rosa Recrute <rh@acme.example>", "Subject": "Offre", "Message-ID": "<1@acme.example>"} {
		if !has[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	if len(parts) == 1 && parts[0].name == "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n\r\n%s", parts[0].kind, crlf(parts[0].data))
		return []byte(b.String())
	}
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "--=_b\r\nContent-Type: %s\r\n", p.kind)
		if p.name == "" {
			b.WriteString("\r\n" + crlf(p.data) + "\r\n")
			continue
		}
		fmt.Fprintf(&b, "Content-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n", p.name)
		for s := range slicesOf(base64.StdEncoding.EncodeToString([]byte(p.data)), 76) {
			b.WriteString(s + "\r\n")
		}
	}
	b.WriteString("--=_b--\r\n")
	return []byte(b.String())
}

func slicesOf(s string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			k := min(n, len(s))
			if !yield(s[:k]) {
				return
			}
			s = s[k:]
		}
	}
}

func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

// within makes a message fit to stand in another.
func within(raw []byte) string { return strings.ReplaceAll(string(raw), "=_b", "=_c") }

func text(s string) part           { return part{"text/plain; charset=utf-8", "", s} }
func pdf(name string) part         { return part{"application/pdf", name, "%PDF-1.4\nune offre\n%%EOF\n"} }
func word(name, data string) part  { return part{"application/octet-stream", name, data} }
func other(kind, name string) part { return part{kind, name, "x"} }

// docx makes a Word file of paragraphs, with further entries of the archive.
func docx(t testing.TB, paragraphs []string, more ...string) string {
	t.Helper()
	body := ""
	for _, p := range paragraphs {
		body += "<w:p><w:r><w:t>" + p + "</w:t></w:r></w:p>"
	}
	entries := append([]string{
		"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + body + `</w:body></w:document>`,
	}, more...)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i])
		if err == nil {
			_, err = io.WriteString(w, entries[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func verdicts(o postings.Offer) string {
	var out []string
	for _, f := range o.Files {
		out = append(out, f.Name+" "+string(f.Verdict))
	}
	return strings.Join(out, ", ")
}

func TestReadTakesAMessageApart(t *testing.T) {
	t.Parallel()
	html := func(s string) part { return part{"text/html; charset=utf-8", "", s} }
	alternative := "MIME-Version: 1.0\r\nFrom: a@b.fr\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\n%s\r\n--x\r\n" +
		"Content-Type: text/html\r\n\r\n%s\r\n--x--\r\n"
	for _, c := range []struct {
		name, text, files string
		raw               []byte
	}{
		{"plain", "Ingénieur à Lyon\n\n  - CDI", "", letter([]part{text("Ingénieur à Lyon\n\n\n\n  - CDI\n\n")})},
		{"latin1, not said", "Ingénieur", "", letter([]part{{"text/plain", "", "Ing\xe9nieur"}})},
		{"latin1, said", "Ingénieur", "", letter([]part{{"text/plain; charset=iso-8859-15", "", "Ing\xe9nieur"}})},
		{"a character set nobody knows", "Ingenieur", "", letter([]part{{"text/plain; charset=x-klingon", "", "Ingenieur"}})},
		{"quoted-printable", "Ingénieur à l’essai", "", []byte("From: a@b.fr\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nIng=C3=A9nieur =C3=A0 l=E2=80=\r\n=99essai\r\n")},
		{"no content type", "Bonjour", "", []byte("From: a@b.fr\r\n\r\nBonjour\r\n")},
		{"html", "Ingénieur\n\n- CDI\n- Lyon\n\nRépondre ici <https://acme.example/x>", "",
			letter([]part{html("<html><head><title>t</title><style>p{}</style></head><body><p>Ing&eacute;nieur</p><ul><li>CDI</li><li>Lyon</li></ul><a href='https://acme.example/x'>Répondre ici</a></body></html>")})},
		{"both: the plain text", "Ingénieur à Lyon", "", fmt.Appendf(nil, alternative, "Ingénieur à Lyon", "<p>Ingénieur <b>à</b> Lyon</p>")},
		{"both: a plain text that says nothing", strings.TrimSpace(strings.Repeat("un poste ", 40)), "",
			fmt.Appendf(nil, alternative, "Votre logiciel n'affiche pas le HTML.", "<p>"+strings.Repeat("un poste ", 40)+"</p>")},
		{"a Word file", "Voir ci-joint.\n\n— offre.docx —\n\nIngénieur\nLyon", "offre.docx read", letter([]part{text("Voir ci-joint."), word("offre.docx", docx(t, []string{"Ingénieur", "Lyon"}))})},
		{"a Word file alone", "— offre.docx —\n\nIngénieur", "offre.docx read", letter([]part{word("offre.docx", docx(t, []string{"Ingénieur"}))})},
		{"macros within", "a", "offre.docx macros", letter([]part{text("a"), word("offre.docx", docx(t, []string{"x"}, "word/vbaProject.bin", "x"))})},
		{"macros by name", "a", "offre.docm macros, liste.xlsm macros", letter([]part{text("a"), other("application/octet-stream", "offre.docm"), other("application/octet-stream", "liste.xlsm")})},
		{"a Word file that is none", "a", "offre.docx broken", letter([]part{text("a"), word("offre.docx", "rien")})},
		{"a PDF", "a", "offre.pdf kept", letter([]part{text("a"), pdf("offre.pdf")})},
		{"a PDF that is none", "a", "offre.pdf broken", letter([]part{text("a"), other("application/pdf", "offre.pdf")})},
		{"other files", "a", "logo.png kind, offre.doc kind, notes.txt kind, winmail.dat kind", letter([]part{text("a"), other("image/png", "logo.png"), other("application/msword", "offre.doc"),
			other("text/plain", "notes.txt"), other("application/ms-tnef", "winmail.dat")})},
		{"passed on whole", "Pour info\n\nIngénieur", "offre.pdf kept", letter([]part{text("Pour info"), {"message/rfc822", "", within(letter([]part{text("Ingénieur"), pdf("offre.pdf")}))}})},
		{"names that mislead", "a", "offre.pdf kept, offrefdp.exe kind, passwd kind", letter([]part{text("a"), pdf(`C:\tmp\offre.pdf`), other("application/pdf2", "offre\u202efdp.exe"), other("x/y", "../../etc/passwd")})},
		{"a boundary that is not there", "--y\nContent-Type: text/plain\n\nIngénieur", "", []byte("From: a@b.fr\r\nContent-Type: multipart/mixed\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\nIngénieur\r\n")},
		{"a multipart that never ends", "Ingénieur", "", []byte("From: a@b.fr\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\nContent-Type: text/plain\r\n\r\nIngénieur\r\n")},
		{"no header", "bonjour tout le monde", "", []byte("bonjour tout le monde")},
		{"nothing", "", "", nil},
		{"control characters", "ab", "", letter([]part{text("a\x00\x07b")})},
	} {
		o := postings.Read(c.raw)
		if o.Text != c.text || verdicts(o) != c.files {
			t.Errorf("%s: Read() = %q, files %q, want %q, %q", c.name, o.Text, verdicts(o), c.text, c.files)
		}
		for _, f := range o.Files {
			if (f.Data != nil) != (f.Verdict == postings.FileKept) {
				t.Errorf("%s: %s is %s with %d bytes", c.name, f.Name, f.Verdict, len(f.Data))
			}
		}
	}
	if o := postings.Read(letter([]part{text("a")}, "Subject", "=?utf-8?q?Ing=C3=A9nieur?=\r\n de test", "From", "=?iso-8859-1?q?R=E9mi?= <RH@Acme.Example>")); o.Subject != "Ingénieur de test" ||
		o.Author.Name != "Rémi" || o.Author.Address != "RH@acme.example" {
		t.Errorf("Read() = %q, %v", o.Subject, o.Author)
	}
	for header, want := range map[string]bool{"Auto-Submitted: no": false, "Auto-Submitted: auto-generated": true, "Precedence: bulk": true, "List-Id: <a.b>": true, "X-A: b": false} {
		name, value, _ := strings.Cut(header, ": ")
		if got := postings.Read(letter([]part{text("a")}, name, value)).Machine; got != want {
			t.Errorf("%s: Machine = %v, want %v", header, got, want)
		}
	}
}

func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	deep := ""
	for i := range 300 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	many := make([]part, 500)
	for i := range many {
		many[i] = other("image/png", fmt.Sprintf("%d.png", i))
	}
	var docs []part
	for i := range 8 {
		docs = append(docs, word(fmt.Sprintf("%d.docx", i), docx(t, []string{"x"})))
	}
	postings.Read([]byte("From: a@b.fr\r\n" + deep + "\r\nfin"))
	if o := postings.Read(letter(many)); len(o.Files) > 40 {
		t.Errorf("%d files are told of", len(o.Files))
	}
	if o := postings.Read(letter(docs)); strings.Count(verdicts(o), "read") != 5 || strings.Count(verdicts(o), "big") != 3 {
		t.Errorf("Word files: %s, want five read", verdicts(o))
	}
	if o := postings.Read(letter([]part{text(strings.Repeat("é", 100_000))})); utf8.RuneCountInString(o.Text) != 60_000 || !strings.HasSuffix(o.Text, "…") {
		t.Errorf("a long text has %d characters, want 60,000", utf8.RuneCountInString(o.Text))
	}
	if o := postings.Read(letter([]part{text("a"), other("x/y", strings.Repeat("é", 300)+".pdf")})); utf8.RuneCountInString(o.Files[0].Name) > 121 || !strings.HasSuffix(o.Files[0].Name, ".pdf") {
		t.Errorf("a long name is %q", o.Files[0].Name)
	}
}

// Word files and pages of offers as others make them.
func TestReadRealInputs(t *testing.T) {
	t.Parallel()
	dir := dbtest.Samples(t)
	for name, want := range map[string]string{"docs/single-paragraph.docx": "Walking on imported air", "docs/simple-list.docx": "- Apple", "docs/tables.docx": "Top left\tTop right\n",
		"docs/strict-format.docx": "Test", "docs/utf8-bom.docx": "This XML has a byte order mark.", "docs/empty.docx": ""} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		o := postings.Read(letter([]part{text("Voir ci-joint."), word(filepath.Base(name), string(b))}))
		if verdicts(o) != filepath.Base(name)+" read" || !strings.Contains(o.Text, want) || !strings.HasPrefix(o.Text, "Voir ci-joint.") {
			t.Errorf("%s: %s, %q, want it to hold %q", name, verdicts(o), o.Text, want)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "jobs", "*.html"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, name := range pages {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		o := postings.Read(letter([]part{{"text/html; charset=utf-8", "", string(b)}}))
		if strings.Contains(o.Text, "<p") || strings.Contains(o.Text, "@context") {
			t.Errorf("%s: markup in %q", filepath.Base(name), o.Text)
		}
		if strings.Contains(name, "microdata") || strings.Contains(name, "rdfa") {
			for _, want := range []string{"Software Engineer\n", "Location: Kirkland WA\n", "Salary: USD 100000", "ABC Company Inc. seeks"} {
				if !strings.Contains(o.Text, want) {
					t.Errorf("%s lacks %q:\n%s", filepath.Base(name), want, o.Text)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(letter([]part{text("a"), pdf("b.pdf"), word("c.docx", docx(f, []string{"d"}))}))
	f.Add([]byte("Content-Type: text/html\r\n\r\n<p>a<a href=https://b>c</a><td>&#0;&amp;lt;"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"))
	f.Add([]byte("From: \x00\r\nContent-Disposition: attachment; filename*=utf-8''%00%2F\r\n\r\n\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o := postings.Read(raw)
		texts := []string{o.Text, o.Subject}
		for _, e := range o.Files {
			texts = append(texts, e.Name)
			if strings.ContainsAny(e.Name, "/\\\r\n") {
				t.Errorf("a file is called %q", e.Name)
			}
		}
		for _, s := range texts {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("Read() gives %q, which no database keeps", s)
			}
		}
	})
}
