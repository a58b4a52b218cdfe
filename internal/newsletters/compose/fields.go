package compose

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Person is what a letter may say of whom it goes to.
type Person struct {
	FirstName string `json:"f,omitempty"`
	Name      string `json:"n,omitempty"` // surname in use
	Class     string `json:"c,omitempty"` // "2010"; "" when unknown
	School    string `json:"s,omitempty"` // "INSA Lyon"
	Login     string `json:"l,omitempty"`
	Address   string `json:"a,omitempty"` // the lifetime address
}

// Values fill the gaps of a letter to one person.
type Values struct {
	Person
	Unsubscribe string // address of the page that ends this kind of letters
	All         string // address of the page of all subscriptions
}

// slot is a gap by what fills it.
type slot int

const (
	firstName slot = iota
	surname
	classYear
	school
	login
	lifetime
	unsubscribe
	all
)

// names are the fields an author may write, in the order help shows them.
var names = []string{firstName: "prenom", surname: "nom", classYear: "promo", school: "ecole", login: "identifiant", lifetime: "adresse_a_vie"}

// FieldNames are the personal fields there are, as they are written.
func FieldNames() []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "{{" + n + "}}"
	}
	return out
}

func (v *Values) of(s slot) string {
	return [...]string{firstName: v.FirstName, surname: v.Name, classYear: v.Class, school: v.School, login: v.Login, lifetime: v.Address,
		unsubscribe: v.Unsubscribe, all: v.All}[s]
}

// fieldPattern is a field, with what stands in its place for whom nothing is known: {{prenom|toi}}.
var fieldPattern = regexp.MustCompile(`\{\{\s*([^{}|\n]*?)\s*(?:\|([^{}\n]*))?\}\}`)

// UnknownFields are the fields in a text that there are not, each once.
func UnknownFields(text string) []string {
	var out []string
	for _, m := range fieldPattern.FindAllStringSubmatch(text, -1) {
		if shown := "{{" + m[1] + "}}"; !slices.Contains(names, m[1]) && !slices.Contains(out, shown) {
			out = append(out, shown)
		}
	}
	return out
}

// unnamed is a field for whom nothing is known, with the blanks before it; atStart are those that begin a line, with what
// leads up to them and what they lead into.
var (
	unnamed = regexp.MustCompile(`[ \t]*\{\{[^{}|\n]*\}\}`)
	atStart = regexp.MustCompile(`(?m)^([#>*\-\s]*)(?:\{\{[^{}|\n]*\}\}[ \t]*)+,?[ \t]*(\p{L}?)`)
)

// Nobodys is the letter as it reads when it goes to nobody in particular: what it says of its reader is left out where
// its author put nothing in the place of it.
func (w Written) Nobodys() Written {
	for _, text := range []*string{&w.Subject, &w.Preheader, &w.Body} {
		*text = atStart.ReplaceAllStringFunc(*text, func(s string) string {
			m := atStart.FindStringSubmatch(s)
			return m[1] + strings.ToUpper(m[2])
		})
		*text = unnamed.ReplaceAllString(*text, "")
	}
	return w
}

// ref is one gap.
type ref struct {
	slot     slot
	fallback string
}

// Gaps travel through the parser as characters for private use (U+E000 to U+F8FF), two a gap: the second stands where
// the gap is part of an address. Such characters in what is written are dropped.
const (
	firstMark = '\uE000'
	lastMark  = '\uF8FF'
	mostRefs  = (lastMark - firstMark + 1) / 2
)

func isMark(r rune) bool { return r >= firstMark && r <= lastMark }

// marks are the gaps found so far.
type marks struct{ refs []ref }

// mark puts marks in the place of fields. Past mostRefs different gaps a field stays empty; no letter has as many.
func (m *marks) mark(text string) string {
	text = strings.Map(func(r rune) rune {
		if isMark(r) || r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	return fieldPattern.ReplaceAllStringFunc(text, func(s string) string {
		sub := fieldPattern.FindStringSubmatch(s)
		n := slices.Index(names, sub[1])
		if n < 0 {
			return s
		}
		return m.add(ref{slot(n), strings.TrimSpace(sub[2])})
	})
}

func (m *marks) add(r ref) string {
	n := slices.Index(m.refs, r)
	if n < 0 {
		if len(m.refs) == mostRefs {
			return ""
		}
		n = len(m.refs)
		m.refs = append(m.refs, r)
	}
	return string(rune(firstMark + 2*n))
}

// inURL says that the gaps of a text are parts of an address.
func inURL(s string) string {
	return strings.Map(func(r rune) rune {
		if isMark(r) {
			return r | 1
		}
		return r
	}, s)
}

func hasMark(s string) bool { return strings.ContainsFunc(s, isMark) }

// piece is text that is the same for everybody, and the gap after it.
type piece struct {
	text string
	ref  int // of the template; -1 after the last piece
	url  bool
}

type pieces []piece

// split cuts a text at its marks.
func split(s string) pieces {
	var out pieces
	start := 0
	for i, r := range s {
		if isMark(r) {
			n := int(r - firstMark)
			out = append(out, piece{s[start:i], n / 2, n%2 == 1})
			start = i + utf8.RuneLen(r)
		}
	}
	return append(out, piece{s[start:], -1, false})
}

// encoder writes a value where it stands.
type encoder func(dst []byte, value string, url bool) []byte

func plainValue(dst []byte, value string, inURL bool) []byte {
	if inURL {
		value = url.QueryEscape(value)
	}
	return append(dst, value...)
}

func htmlValue(dst []byte, value string, inURL bool) []byte {
	if inURL {
		return append(dst, url.QueryEscape(value)...)
	}
	if !strings.ContainsAny(value, `<>&'"`) {
		return append(dst, value...)
	}
	return append(dst, html.EscapeString(value)...)
}

func (p pieces) fill(dst []byte, refs []ref, v Values, write encoder) []byte {
	for _, one := range p {
		dst = append(dst, one.text...)
		if one.ref < 0 {
			continue
		}
		r := refs[one.ref]
		value := v.of(r.slot)
		if value == "" {
			value = r.fallback
		}
		dst = write(dst, value, one.url)
	}
	return dst
}
