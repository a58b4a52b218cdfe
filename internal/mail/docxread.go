package mail

import (
	"encoding/xml"
	"slices"
	"strings"
)

// docxReader collects the text of a document from its elements, which it knows by their local names: the two
// namespaces of the standard, strict and transitional, mean the same.
type docxReader struct {
	out      strings.Builder
	line     strings.Builder // the paragraph, and within a table the row
	depth    int
	skip     int  // the depth of an element whose content is left out; 0: none
	text     bool // within w:t
	rows     int  // table rows that are open
	cells    int  // cells of the innermost row so far
	ended    bool // a paragraph of the cell ended: what follows stands on a line of its own
	bullet   bool // the paragraph belongs to a list, and nothing of it was written yet
	document bool // there was a document
}

// leftOut are elements whose content is no text of the document: the older twin of a drawing, revisions that took
// text out, what fields are made of.
var leftOut = []string{"Fallback", "del", "moveFrom", "instrText", "delText", "rPrChange", "pPrChange", "sectPrChange", "tblPrChange"}

func (r *docxReader) take(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if r.depth++; r.depth > mostNesting {
			return ErrTooMuch
		}
		if r.skip == 0 && slices.Contains(leftOut, t.Name.Local) {
			r.skip = r.depth
		}
		if r.skip == 0 {
			r.open(t.Name.Local)
		}
	case xml.EndElement:
		if r.skip == 0 {
			r.close(t.Name.Local)
		}
		if r.skip == r.depth {
			r.skip = 0
		}
		r.depth--
	case xml.CharData:
		if r.text && r.skip == 0 {
			r.write(string(t))
		}
	}
	if r.out.Len()+r.line.Len() > mostLetters {
		return ErrTooMuch
	}
	return nil
}

// write adds to the paragraph.
func (r *docxReader) write(s string) {
	if r.ended {
		r.line.WriteByte('\n')
	}
	if r.bullet {
		r.line.WriteString("- ")
	}
	r.ended, r.bullet = false, false
	r.line.WriteString(s)
}

func (r *docxReader) open(name string) {
	switch name {
	case "document":
		r.document = true
	case "t":
		r.text = true
	case "tab", "ptab":
		if r.line.Len() > 0 { // tab stops of a style are elements of the same name
			r.write("\t")
		}
	case "br", "cr":
		r.write("\n")
	case "noBreakHyphen":
		r.write("-")
	case "numPr":
		r.bullet = true
	case "tr":
		if r.rows++; r.line.Len() > 0 {
			r.endLine()
		}
		r.cells = 0
	case "tc":
		if r.ended = false; r.cells > 0 {
			r.line.WriteByte('\t')
		}
		r.cells++
	}
}

func (r *docxReader) close(name string) {
	switch name {
	case "t":
		r.text = false
	case "p":
		r.bullet = false
		if r.rows == 0 {
			r.endLine()
		} else if r.line.Len() > 0 {
			r.ended = true
		}
	case "tr":
		r.rows--
		r.endLine()
	}
}

// endLine writes the paragraph or row out; its white space at the ends means nothing.
func (r *docxReader) endLine() {
	r.out.WriteString(strings.TrimSpace(r.line.String()))
	r.out.WriteByte('\n')
	r.line.Reset()
	r.ended = false
}

// result is the text: no more than one empty line in a row, none at the ends.
func (r *docxReader) result() string {
	r.endLine()
	var b strings.Builder
	empty := 0
	for l := range strings.SplitSeq(strings.TrimSpace(r.out.String()), "\n") {
		if l = strings.TrimRight(l, " \t\r"); l == "" {
			empty++
		} else {
			empty = 0
		}
		if empty < 2 {
			b.WriteString(l)
			b.WriteByte('\n')
		}
	}
	return strings.ToValidUTF8(strings.TrimSuffix(b.String(), "\n"), "\uFFFD")
}
