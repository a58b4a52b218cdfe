// Package lists reads lists of people as associations, schools and other software keep them.
//
// It is pure and streams: Open reads CSV in every usual dialect and encoding, and XLSX, as a Table of rows;
// MapColumns says which column is which; Mapping.Record makes of a row one normalised Record, with what was taken with
// a reservation, or says why it cannot be taken; RejectWriter hands back what was not taken in the format it came in.
// What a row costs does not depend on how many there are.
package lists

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// Table is a file of rows under a header. Rows may be read any number of times.
type Table struct {
	Name       string
	Header     []string // as written; "Colonne 1" and so on where there is none
	HeaderLine int      // 0 if the file has no header
	Encoding   Encoding
	Separator  rune   // of a CSV file; 0 for XLSX
	Escape     bool   // the CSV file escapes with a backslash
	Sheet      string // of an XLSX file
	Repaired   bool   // the header itself was broken by double encoding

	dialect dialect
	source  source
	book    *workbook
}

// Row is one line of a Table.
type Row struct {
	Line     int      // in the file, from 1, where the row begins
	Cells    []string // as many as the header has; nil if the line is malformed
	Raw      string   // the text of a malformed line
	Repaired []int    // the cells whose broken encoding was repaired
	Missing  int      // cells that the line did not have; they are empty

	broken bool // not in the file's encoding, read as Windows-1252
	last   bool // the last line, and it does not end
}

// Open recognises the file's format, encoding, separator and header, which takes one pass over a CSV file. name is
// for messages only: the content decides. Close the Table when done.
func Open(name string, r io.ReaderAt, size int64) (*Table, error) {
	switch {
	case size <= 0:
		return nil, Because("file_empty")
	case size > maxFile:
		return nil, Because("file_too_big", "limit", maxFile>>20)
	}
	t := &Table{Name: name, source: source{r: r, size: size}}
	head := make([]byte, min(size, 8))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("imports.Open %s: %w", name, err)
	}
	var err error
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		err = t.openXLSX()
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, Because("file_old_excel")
	case bytes.HasPrefix(head, []byte("%PDF")), bytes.HasPrefix(head, []byte("PK")):
		return nil, Because("file_not_table")
	default:
		t.source.gzip = bytes.HasPrefix(head, []byte("\x1f\x8b"))
		err = t.openCSV()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Close removes what unpacking a workbook left on disk.
func (t *Table) Close() error {
	if t.book == nil {
		return nil
	}
	return t.book.file.Close()
}

// Workbook reports an XLSX file, which is read at once rather than row by row.
func (t *Table) Workbook() bool { return t.book != nil }

func (t *Table) openCSV() error {
	r, err := t.source.open()
	if err != nil {
		return err
	}
	head, err := bufio.NewReader(r).Peek(3)
	if err != nil && err != io.EOF {
		return broken(err)
	}
	t.Encoding = ""
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		t.Encoding, t.source.skip = UTF8BOM, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		t.Encoding, t.source.wide = UTF16LE, UTF16LE
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		t.Encoding, t.source.wide = UTF16BE, UTF16BE
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")):
		return Because("file_not_table") // a web page that calls itself .xls
	}
	if r, err = t.source.open(); err != nil {
		return err
	}
	p, err := survey(r)
	switch {
	case err != nil:
		return broken(err)
	case p.nul:
		return Because("file_not_table")
	case p.size == 0:
		return Because("file_empty")
	}
	if t.Encoding == "" {
		t.Encoding = p.encoding()
	}
	t.dialect.escape = p.escapes > 0
	return t.findDialect()
}

func broken(err error) error {
	if r := (Reason{}); errors.As(err, &r) {
		return r
	}
	return Because("file_broken", "detail", err)
}

// findDialect tries each separator on the first rows, and keeps the one whose header is recognised best, then whose
// rows agree most in length.
func (t *Table) findDialect() error {
	best, bestScore := dialect{separator: ';', escape: t.dialect.escape}, -1
	var bestRows []Row
	for _, separator := range []byte{';', ',', '\t', '|'} {
		for _, escape := range []bool{t.dialect.escape, true} {
			if escape && !t.dialect.escape && separator != '\t' {
				continue // tab-separated exports without quotes escape with a backslash
			}
			d := dialect{separator: separator, escape: escape}
			rows, err := t.sample(d, 20)
			if err != nil {
				return err
			}
			if score := scoreRows(rows); score > bestScore {
				best, bestScore, bestRows = d, score, rows
			}
		}
	}
	if len(bestRows) == 0 {
		return Because("file_empty")
	}
	t.dialect, t.Separator, t.Escape = best, rune(best.separator), best.escape
	t.setHeader(bestRows)
	return nil
}

func (t *Table) sample(d dialect, n int) ([]Row, error) {
	r, err := t.source.open()
	if err != nil {
		return nil, err
	}
	c := newCSVReader(r, d, t.Encoding)
	var rows []Row
	for range 2 * n {
		row, err := c.next()
		if err == io.EOF || len(rows) == n {
			break
		}
		if r := (Reason{}); errors.As(err, &r) {
			continue
		} else if err != nil {
			return nil, broken(err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// scoreRows is how well rows read as a table: recognised headers weigh most.
func scoreRows(rows []Row) int {
	if len(rows) == 0 {
		return -1
	}
	header, known := headerRow(rows)
	width := len(rows[max(header, 0)].Cells)
	if width < 2 {
		return known
	}
	same := 0
	for _, row := range rows {
		if len(row.Cells) == width {
			same++
		}
	}
	return known*1000 + same*100/len(rows) + min(width, 50) + 1
}

// headerRow finds the header among the first rows: the one with most recognised names, else the first one if it
// holds no data. It is -1 if there is none.
func headerRow(rows []Row) (index, known int) {
	index = -1
	headers := newHeaderReader()
	for i, row := range rows[:min(len(rows), 10)] {
		n := 0
		for _, cell := range row.Cells {
			if f := headers.parse(cell).Field; f != "" {
				n++
			}
		}
		if n > known && (n > 1 || len(row.Cells) <= 2) && !looksLikeData(row.Cells) {
			index, known = i, n
		}
	}
	if index < 0 && !looksLikeData(rows[0].Cells) {
		index = 0
	}
	return index, known
}

// looksLikeData reports a cell that no header would have: an address, a date, a number of some length.
func looksLikeData(cells []string) bool {
	for _, cell := range cells {
		cell = strings.TrimSpace(cell)
		switch contentOf(cell) {
		case Email, Phone, BirthDate:
			return true
		}
		if len(cell) > 4 && isNumber(cell) {
			return true
		}
	}
	return false
}

func (t *Table) setHeader(rows []Row) {
	index, _ := headerRow(rows)
	if index < 0 {
		t.Header = make([]string, len(rows[0].Cells))
		for i := range t.Header {
			t.Header[i] = "Colonne " + strconv.Itoa(i+1)
		}
		t.HeaderLine = 0
		return
	}
	t.HeaderLine = rows[index].Line
	t.Header = make([]string, 0, len(rows[index].Cells))
	for _, cell := range rows[index].Cells[:min(len(rows[index].Cells), maxColumns)] {
		cell, repaired := repair(cell)
		t.Repaired = t.Repaired || repaired
		t.Header = append(t.Header, strings.Join(strings.Fields(cell), " "))
	}
	for len(t.Header) > 1 && t.Header[len(t.Header)-1] == "" {
		t.Header = t.Header[:len(t.Header)-1]
	}
}

func (t *Table) openXLSX() error {
	t.Encoding = UTF8
	book, err := openWorkbook(t.source.r, t.source.size)
	if err != nil {
		return err
	}
	t.book = book
	best, bestScore := []Row(nil), -1
	for _, sheet := range book.file.GetSheetList() {
		var rows []Row
		for row, err := range book.rows(sheet, true) {
			if err != nil || len(rows) == 20 {
				break
			}
			rows = append(rows, row)
		}
		if score := scoreRows(rows); score > bestScore {
			best, bestScore, book.sheet = rows, score, sheet
		}
	}
	if best == nil {
		return Because("file_empty")
	}
	t.Sheet = book.sheet
	t.setHeader(best)
	width := len(t.Header)
	for _, row := range best { // a sheet ends its rows where their last cell is
		width = max(width, min(len(row.Cells), maxColumns))
	}
	for len(t.Header) < width {
		t.Header = append(t.Header, "")
	}
	book.findDates()
	return nil
}

// Rows reads the rows under the header. A row that cannot be read comes with its Line and a Reason, and reading goes
// on; an error without a Line is of the file or the disk, and ends it.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for row, err := range t.lines() {
			if err == nil && t.HeaderLine > 0 && row.Line <= t.HeaderLine {
				continue
			}
			if err == nil {
				err = t.fit(&row)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func (t *Table) lines() iter.Seq2[Row, error] {
	if t.book != nil {
		return t.book.rows(t.book.sheet, true)
	}
	return func(yield func(Row, error) bool) {
		r, err := t.source.open()
		if err != nil {
			yield(Row{}, err)
			return
		}
		c := newCSVReader(r, t.dialect, t.Encoding)
		for {
			row, err := c.next()
			if err == io.EOF {
				return
			}
			malformed := err != nil && row.Line > 0
			if malformed && t.HeaderLine > 0 && row.Line < t.HeaderLine {
				continue
			}
			if err != nil && !malformed {
				err = broken(err)
			}
			if !yield(row, err) || err != nil && !malformed {
				return
			}
		}
	}
}

// fit repairs the row's texts and makes it as long as the header.
func (t *Table) fit(row *Row) error {
	for i, cell := range row.Cells {
		fixed, repaired := repair(cell)
		if repaired || row.broken && !isASCII(cell) {
			row.Repaired = append(row.Repaired, i)
		}
		row.Cells[i] = strings.TrimSpace(fixed)
	}
	want, got := len(t.Header), len(row.Cells)
	if got > want {
		for _, cell := range row.Cells[want:] {
			if cell != "" {
				row.Raw = strings.Join(row.Cells, string(max(t.Separator, '\t')))
				row.Cells = nil
				return Because("line_too_many", "got", got, "want", want)
			}
		}
		row.Cells = row.Cells[:want]
	}
	if got < want {
		if row.last {
			row.Raw = strings.Join(row.Cells, string(max(t.Separator, '\t')))
			row.Cells = nil
			return Because("line_cut", "got", got, "want", want)
		}
		if t.book == nil {
			row.Missing = want - got
		}
		row.Cells = append(row.Cells, make([]string, want-got)...)
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
