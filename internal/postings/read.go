package postings

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the character sets that mail is written in
	"golang.org/x/text/encoding/charmap"

	"amicale/internal/mail"
)

// Offer is a message taken apart.
type Offer struct {
	Author  mail.Address // zero when nobody can tell
	Subject string
	Text    string // of the message, then of each Word file under its name
	Files   []Enclosed
	Machine bool // a machine wrote it, or it went to a list: nobody waits for an answer
}

// Enclosed is a file that came with a message.
type Enclosed struct {
	Name    string
	Size    int64
	Verdict Verdict
	Data    []byte // of a file to be kept; nil otherwise
}

// What reading one message may cost.
const (
	mostDepth = 8
	mostParts = 100
	mostFiles = 40 // that are told of
	mostDocs  = 5  // Word files that are read
	mostName  = 120
	mostPart  = 16 << 20 // bytes of one part, decoded
)

// Read takes a message apart. It takes anything: what it cannot read it tells as a file that was not taken, and of a
// message that is none its text.
func Read(raw []byte) Offer {
	r := reader{}
	h, at := mail.ReadHeader(raw)
	r.offer.Subject = mail.DecodeHeader(h.Get("Subject"), mostLine)
	r.offer.Machine = byMachine(h)
	if a, err := h.Author(); err == nil {
		r.offer.Author = a
	}
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil { // not even a header that the library takes
		r.plain = append(r.plain, legible(raw[min(at, len(raw)):]))
	} else {
		r.take(e, err, 0)
	}
	if r.offer.Text = r.text(); len(r.plain)+len(r.html)+len(r.offer.Files) == 0 { // parts that cannot be told apart
		r.plain = append(r.plain, legible(raw[min(at, len(raw)):]))
		r.offer.Text = r.text()
	}
	return r.offer
}

// byMachine reports whether nobody waits for an answer (RFC 3834 §2).
func byMachine(h mail.Header) bool {
	if auto := h.Get("Auto-Submitted"); auto != "" && !strings.EqualFold(auto, "no") {
		return true
	}
	switch strings.ToLower(h.Get("Precedence")) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	return h.Count("List-Id") > 0
}

// reader gathers what a message holds.
type reader struct {
	offer Offer
	plain []string // texts of the message
	html  []string // the same in HTML, mostly
	docs  []string // texts of Word files, each under its name
	read  int      // Word files that were read
	parts int
}

// take goes through a part and those in it. err is what the library did not like about its encoding.
func (r *reader) take(e *message.Entity, err error, depth int) {
	if r.parts++; r.parts > mostParts {
		return
	}
	kind, params, _ := e.Header.ContentType()
	kind = strings.ToLower(kind)
	if parts := e.MultipartReader(); parts != nil && depth < mostDepth {
		r.multipart(parts, depth)
		return
	}
	body, _ := io.ReadAll(io.LimitReader(e.Body, mostPart)) // as far as it can be decoded
	name := fileName(e, params)
	disposition, _, _ := e.Header.ContentDisposition()
	attached := name != "" || strings.EqualFold(disposition, "attachment")
	switch {
	case kind == "message/rfc822" && depth < mostDepth: // an offer that was passed on whole
		if inner, err := message.Read(bytes.NewReader(body)); inner != nil {
			r.take(inner, err, depth+1)
		}
	case !attached && (kind == "text/html" || kind == "application/xhtml+xml"):
		r.html = append(r.html, legible(body))
	case !attached && (strings.HasPrefix(kind, "text/") || kind == ""):
		r.plain = append(r.plain, legible(body))
	default:
		r.file(name, kind, body)
	}
}

func (r *reader) multipart(parts message.MultipartReader, depth int) {
	for r.parts < mostParts {
		p, err := parts.NextPart()
		if p == nil { // the end, or no boundary to be found any more
			return
		}
		r.take(p, err, depth+1)
	}
}

// fileName is the name under which a part was sent, without folders and signs that do harm; "" when it has none.
func fileName(e *message.Entity, params map[string]string) string {
	name := params["name"]
	if _, p, err := e.Header.ContentDisposition(); err == nil && p["filename"] != "" {
		name = p["filename"]
	}
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/"))
	name = strings.Map(func(c rune) rune {
		if unicode.In(c, unicode.Cc, unicode.Cf) || c == '/' { // what turns the direction of writing hides an ending
			return -1
		}
		return c
	}, name)
	if name = strings.TrimSpace(name); name == "" || name == "." {
		return ""
	}
	return cutName(name)
}

// cutName keeps a name's ending, which says what it is.
func cutName(name string) string {
	n := utf8.RuneCountInString(name)
	if n <= mostName {
		return name
	}
	r := []rune(name)
	return string(r[:mostName/2]) + "…" + string(r[n-mostName/2+1:])
}

// file judges a file. What is neither a PDF nor a Word file is told of and not kept.
func (r *reader) file(name, kind string, data []byte) {
	if len(r.offer.Files) >= mostFiles {
		return
	}
	if name == "" {
		name = nameless(kind)
	}
	f := Enclosed{Name: name, Size: int64(len(data)), Verdict: FileKind}
	ending := strings.ToLower(path.Ext(name))
	switch {
	case slices.Contains(macroEndings, ending) || strings.Contains(kind, "macroenabled"):
		f.Verdict = FileMacros
	case ending == ".pdf" || kind == "application/pdf":
		if f.Verdict = FileBroken; bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) { // where readers look for it
			f.Verdict, f.Data = FileKept, data
		}
	case ending == ".docx" || kind == wordKind:
		f.Verdict = r.word(name, data)
	}
	r.offer.Files = append(r.offer.Files, f)
}

// wordKind is what mail programs call a Word file.
const wordKind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

// nameless is what a file without a name is called.
func nameless(kind string) string {
	switch kind {
	case "application/pdf":
		return "document.pdf"
	case wordKind:
		return "document.docx"
	}
	return "document"
}

// macroEndings are the names of Office files that may hold programs.
var macroEndings = []string{".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".pptm", ".potm", ".ppsm", ".ppam"}

// word takes the text of a Word file.
func (r *reader) word(name string, data []byte) Verdict {
	if r.read++; r.read > mostDocs {
		return FileBig
	}
	text, err := mail.DocxText(data)
	switch {
	case errors.Is(err, mail.ErrMacros):
		return FileMacros
	case errors.Is(err, mail.ErrTooMuch):
		return FileBig
	case err != nil:
		return FileBroken
	}
	if text != "" {
		r.docs = append(r.docs, "— "+name+" —\n\n"+text)
	}
	return FileRead
}

// text is that of the message, or of its HTML where the plain text says nothing, then that of the Word files.
func (r *reader) text() string {
	plain := tidy(strings.Join(r.plain, "\n\n"))
	if len(r.html) > 0 {
		var read []string
		for _, h := range r.html {
			read = append(read, htmlText(h))
		}
		// Some programs send a plain text that only says to look at the other one.
		if rich := tidy(strings.Join(read, "\n\n")); plain == "" || len(plain) < 200 && len(rich) > 3*len(plain) {
			plain = rich
		}
	}
	all := strings.TrimSpace(strings.Join(append([]string{plain}, r.docs...), "\n\n"))
	return shorten(all, mostBody)
}

// legible is text as valid UTF-8 without control characters; what is not UTF-8 is taken for Windows-1252, which
// programs that name no character set write.
func legible(b []byte) string {
	if !utf8.Valid(b) {
		if out, err := charmap.Windows1252.NewDecoder().Bytes(b); err == nil {
			b = out
		}
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, strings.ToValidUTF8(string(b), "\uFFFD"))
}
