// Package compose turns what the staff writes into letters: Markdown with personal fields becomes, once a campaign and
// language, a text and an HTML page, and a message to one person is those with the gaps filled in.
//
// It does no I/O. What is written never becomes markup: raw HTML stays text, links lead to the web or to an address,
// pictures are the site's own. Nothing in a letter tells who read it.
package compose

import (
	"fmt"
	"slices"
	"strings"

	"amicale/internal/errs"
)

// Limits of what is written, in octets.
const (
	MaxSubject = 200
	MaxBody    = 64 << 10
	// MaxBlock is what is parsed at once: the parser's time grows with the square of its input.
	MaxBlock = 16 << 10
)

// Written is a letter in one language as its author wrote it.
type Written struct {
	Subject   string `json:"subject"`
	Preheader string `json:"preheader"` // the line that mailboxes show after the subject
	Body      string `json:"body"`      // Markdown
}

// Empty reports whether nothing is written.
func (w Written) Empty() bool { return w.Subject == "" && w.Preheader == "" && w.Body == "" }

// Image is a picture of the site's as a letter shows it.
type Image struct {
	URL           string
	Width, Height int // as shown, in pixels
}

// Setting is what stands around the words, in the letter's language.
type Setting struct {
	Lang   string
	Sender string // "AIL Alumni INSA Lyon"
	URL    string // the site, above the letter and for paths in it: https://annuaire.example
	Accent string // #rrggbb

	// Image finds a picture by its path on the site.
	Image func(path string) (Image, bool)
	// Link says where a link of the letter leads; nil: where it says. Links with a personal field are not asked about.
	Link func(url string) string

	Browser     string // address of the public version; "" when there is none
	Why         string // why the letter came; "" together with the next two for a version that is nobody's
	Unsubscribe string // label of the link
	All         string // label of the link to all subscriptions
	ViewLabel   string // label of the link to the public version
}

// Template is a letter in one language, ready but for whom it goes to. It is safe for concurrent use.
type Template struct {
	lang, preheader     string
	refs                []ref
	subject, text, html pieces
	encoded             struct{ subject, text, html pieces } // as they stand in a message
	found               found
}

// found is what a letter holds, for the checks.
type found struct {
	links    []link
	images   []picture
	words    int
	badLinks []string
}

type link struct {
	text, url string
	personal  bool // holds a field
	own       bool // of the site
}

type picture struct {
	alt, path string
	known     bool
}

// Prepare renders what was written. Unknown fields and a body too long to parse are Invalid, by the form's fields.
func Prepare(w Written, s Setting) (*Template, error) {
	f := errs.Fields{}
	w.check(f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	m := &marks{}
	subject, preheader, body := m.mark(oneLine(w.Subject)), m.mark(oneLine(w.Preheader)), m.mark(w.Body)
	t := &Template{lang: s.Lang}
	r := &renderer{s: s, colours: coloursOf(s.Accent)}
	markup, plain := r.render(body)
	t.found = r.found
	t.found.words = len(strings.Fields(plain))
	page, text := s.frame(m, r.colours, framed{subject: subject, preheader: preheader, html: markup, text: plain})
	t.refs, t.preheader = m.refs, preheader
	t.subject, t.html, t.text = split(subject), split(page), split(text)
	t.encoded.html, t.encoded.text = t.html.quoted(), t.text.quoted()
	t.encoded.subject = t.subject
	return t, nil
}

// check notes what cannot be rendered.
func (w Written) check(f errs.Fields) {
	if len(w.Subject) > MaxSubject {
		f.Add("subject", "newsletters.compose.too_long")
	}
	if len(w.Preheader) > MaxSubject {
		f.Add("preheader", "newsletters.compose.too_long")
	}
	if _, ok := blocks(w.Body); len(w.Body) > MaxBody || !ok {
		f.Add("body", "newsletters.compose.body_too_long", map[string]any{"Most": MaxBody >> 10, "Block": MaxBlock >> 10})
	}
	for name, text := range map[string]string{"subject": w.Subject, "preheader": w.Preheader, "body": w.Body} {
		if bad := UnknownFields(text); len(bad) > 0 {
			f.Add(name, "newsletters.compose.unknown_field", map[string]any{"Unknown": strings.Join(bad, ", "), "Known": strings.Join(FieldNames(), ", ")})
		}
	}
}

// Check says what of a letter cannot be rendered.
func (w Written) Check() error {
	f := errs.Fields{}
	w.check(f)
	return f.Err()
}

// blocks cuts a text at empty lines into parts that may be parsed each; ok is false when a part stays too long.
func blocks(body string) (out []string, ok bool) {
	var b strings.Builder
	for part := range strings.SplitSeq(body, "\n\n") {
		if len(part) > MaxBlock {
			return nil, false
		}
		if b.Len() > 0 && b.Len()+2+len(part) > MaxBlock {
			out = append(out, b.String())
			b.Reset()
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(part)
	}
	return append(out, b.String()), true
}

// oneLine keeps a subject on its line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Subject is the subject for somebody.
func (t *Template) Subject(v Values) string {
	return string(t.subject.fill(nil, t.refs, v, plainValue))
}

// Text is the letter as plain text for somebody.
func (t *Template) Text(v Values) string { return string(t.text.fill(nil, t.refs, v, plainValue)) }

// HTML is the letter as a page for somebody.
func (t *Template) HTML(v Values) string { return string(t.html.fill(nil, t.refs, v, htmlValue)) }

// InTheDark is a page as mailboxes with a dark background show it.
func InTheDark(page string) string { return strings.Replace(page, darkQuery, "@media all", 1) }

// Links are where a letter's links lead, each once, without those that hold a personal field.
func (t *Template) Links() []string {
	var out []string
	for _, l := range t.found.links {
		if !l.personal && !slices.Contains(out, l.url) {
			out = append(out, l.url)
		}
	}
	return out
}

func (t *Template) String() string { return fmt.Sprintf("compose.Template(%s)", t.lang) }
