package lists

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// RejectWriter writes the rows that were not taken in the format they came in, with their line and the reason in two
// more columns at the end: corrected, the file can be imported again as it is, and these two columns are then ignored.
// The cells are written verbatim; those of a workbook are texts, never formulas.
type RejectWriter struct {
	table *Table
	lang  string
	n     int
	out   io.Writer
	text  *bufio.Writer
	close io.Closer // flushes the encoder
	book  *excelize.File
	sheet *excelize.StreamWriter
}

// NewRejectWriter writes to w what t rejects, the reasons in lang. Nothing is written before the first row.
func NewRejectWriter(w io.Writer, t *Table, lang string) *RejectWriter {
	return &RejectWriter{table: t, lang: lang, out: w}
}

// Count is how many rows were written.
func (r *RejectWriter) Count() int { return r.n }

// Write adds one row and why it was not taken.
func (r *RejectWriter) Write(row Row, why error) error {
	if r.n == 0 {
		if err := r.begin(); err != nil {
			return err
		}
	}
	r.n++
	cells := make([]string, len(r.table.Header), len(r.table.Header)+2)
	copy(cells, row.Cells)
	if row.Cells == nil {
		cells[0] = row.Raw
	}
	text := why.Error()
	if reason, ok := why.(interface{ Text(string) string }); ok {
		text = reason.Text(r.lang)
	}
	return r.line(append(cells, strconv.Itoa(row.Line), text))
}

func (r *RejectWriter) begin() error {
	header := append([]string(nil), r.table.Header...)
	if r.lang == "fr" {
		header = append(header, "Ligne d’origine", "Motif du rejet")
	} else {
		header = append(header, "Original line", "Rejected because")
	}
	if r.table.book != nil {
		r.book = excelize.NewFile()
		sheet, err := r.book.NewStreamWriter("Sheet1")
		if err != nil {
			return err
		}
		r.sheet = sheet
		return r.xlsxLine(1, header)
	}
	r.text = bufio.NewWriter(r.encoder())
	if r.table.Encoding == UTF8BOM {
		if _, err := r.text.WriteString("\ufeff"); err != nil {
			return err
		}
	}
	return r.csvLine(header)
}

// encoder writes in the table's encoding; a character that it lacks becomes a substitute, as it must.
func (r *RejectWriter) encoder() io.Writer {
	var e encoding.Encoding
	switch r.table.Encoding {
	case Windows1252:
		e = charmap.Windows1252
	case ISO885915:
		e = charmap.ISO8859_15
	case UTF16LE:
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case UTF16BE:
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	default:
		return r.out
	}
	w := transform.NewWriter(r.out, encoding.ReplaceUnsupported(e.NewEncoder()))
	r.close = w
	return w
}

func (r *RejectWriter) line(cells []string) error {
	if r.sheet != nil {
		return r.xlsxLine(r.n+1, cells)
	}
	return r.csvLine(cells)
}

func (r *RejectWriter) xlsxLine(line int, cells []string) error {
	values := make([]any, len(cells))
	for i, cell := range cells {
		values[i] = strings.ToValidUTF8(cell, "")
	}
	return r.sheet.SetRow("A"+strconv.Itoa(line), values)
}

func (r *RejectWriter) csvLine(cells []string) error {
	separator := r.table.dialect.separator
	special := string(separator) + "\"\r\n"
	for i, cell := range cells {
		if i > 0 {
			r.text.WriteByte(separator)
		}
		if r.table.dialect.escape {
			cell = strings.ReplaceAll(cell, `\`, `\\`)
		}
		if strings.ContainsAny(cell, special) {
			quote := `""`
			if r.table.dialect.escape {
				quote = `\"`
			}
			cell = `"` + strings.ReplaceAll(cell, `"`, quote) + `"`
		}
		if r.table.Encoding == ISO885915 { // it has no typographic signs, and reasons do
			cell = strings.NewReplacer("’", "'", "“", "'", "”", "'", "…", "...").Replace(cell)
		}
		r.text.WriteString(cell)
	}
	_, err := r.text.WriteString("\r\n") // the writer keeps the first error
	return err
}

// Close finishes the file. A RejectWriter that got no row has written nothing.
func (r *RejectWriter) Close() error {
	switch {
	case r.sheet != nil:
		defer r.book.Close()
		if err := r.sheet.Flush(); err != nil {
			return err
		}
		return r.book.Write(r.out)
	case r.text != nil:
		if err := r.text.Flush(); err != nil {
			return err
		}
		if r.close != nil {
			return r.close.Close()
		}
	}
	return nil
}
