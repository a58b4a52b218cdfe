package lists

import (
	"archive/zip"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Bounds on what a workbook unpacks to. Sheets and shared strings beyond inMemory go to temporary files; the rest of
// the parts (styles, pictures) would stay in memory and must fit there.
const (
	inMemory    = 16 << 20
	maxParts    = 64 << 20
	maxUnpacked = 2 << 30
	maxRatio    = 100 // real workbooks pack ten to one, a million equal rows fifty to one
)

// workbook is the sheet of an XLSX file that holds the table.
type workbook struct {
	file  *excelize.File
	sheet string
	dates map[int]bool // columns whose numbers are styled as dates
	since int          // 1900 or 1904: the epoch of its dates
}

func openWorkbook(r io.ReaderAt, size int64) (w *workbook, err error) {
	defer guard(&err)
	if err := checkParts(r, size); err != nil {
		return nil, err
	}
	f, err := excelize.OpenReader(io.NewSectionReader(r, 0, size), excelize.Options{
		UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: inMemory, ShortDatePattern: "yyyy-mm-dd",
	})
	if err != nil {
		return nil, Because("file_broken", "detail", err)
	}
	w = &workbook{file: f, since: 1900}
	if p, err := f.GetWorkbookProps(); err == nil && p.Date1904 != nil && *p.Date1904 {
		w.since = 1904
	}
	return w, nil
}

// guard makes an error of a panic in the workbook library: its input is foreign.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = Because("file_broken", "detail", fmt.Sprint(p))
	}
}

// checkParts reads the directory of the archive only. The sizes it states are binding: archive/zip refuses to unpack
// more.
func checkParts(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return Because("file_broken", "detail", err)
	}
	var total, rest uint64
	for _, f := range z.File {
		total += f.UncompressedSize64
		if !strings.HasPrefix(f.Name, "xl/worksheets/sheet") && f.Name != "xl/sharedStrings.xml" {
			rest += f.UncompressedSize64
		}
		if total > maxUnpacked || rest > maxParts {
			return Because("file_too_big", "limit", maxUnpacked>>20)
		}
	}
	if total > inMemory && total > uint64(size)*maxRatio {
		return Because("file_too_big", "limit", maxUnpacked>>20)
	}
	return nil
}

// rows reads the sheet; raw says numbers as they are stored, else as they are shown.
func (w *workbook) rows(sheet string, raw bool) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows, err := w.file.Rows(sheet)
		if err != nil {
			yield(Row{}, Because("file_broken", "detail", err))
			return
		}
		defer rows.Close()
		for line := 1; ; line++ {
			cells, more, err := w.nextRow(rows, raw)
			if !more {
				if err != nil {
					yield(Row{}, err)
				}
				return
			}
			if err != nil && !yield(Row{Line: line}, err) {
				return
			}
			if err != nil || isBlank(cells) {
				continue
			}
			if !yield(Row{Line: line, Cells: cells}, nil) {
				return
			}
		}
	}
}

func (w *workbook) nextRow(rows *excelize.Rows, raw bool) (cells []string, more bool, err error) {
	defer guard(&err)
	if !rows.Next() {
		if err := rows.Error(); err != nil {
			return nil, false, Because("file_broken", "detail", err)
		}
		return nil, false, nil
	}
	cells, err = rows.Columns(excelize.Options{RawCellValue: raw})
	if err != nil {
		return nil, true, Because("line_unreadable", "detail", err)
	}
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(strings.ReplaceAll(cell, "_x000D_", ""), "\r\n", "\n")
		if len(cell) > maxCell {
			return nil, true, Because("line_cell_too_long", "limit", maxCell)
		}
		if raw && w.dates[i] {
			cells[i] = w.date(cell)
		}
	}
	return cells, true, nil
}

// date writes a serial number as an ISO date, and leaves everything else, also a bare year.
func (w *workbook) date(cell string) string {
	n, err := strconv.ParseFloat(cell, 64)
	if err != nil || n < 3000 || n > 2_958_465 {
		return cell
	}
	if w.since == 1904 {
		n += 1462
	}
	return fromSerial(n).String()
}

// findDates compares the first rows as stored and as shown: where a number shows as a date, its column holds dates.
func (w *workbook) findDates() {
	w.dates = map[int]bool{}
	next, stop := iter.Pull2(w.rows(w.sheet, false))
	defer stop()
	for stored, err := range w.rows(w.sheet, true) {
		shown, shownErr, ok := next()
		if !ok || stored.Line > 300 {
			return
		}
		if err != nil || shownErr != nil || stored.Line != shown.Line {
			continue
		}
		for i := range min(len(stored.Cells), len(shown.Cells)) {
			if stored.Cells[i] == shown.Cells[i] {
				continue
			}
			if _, err := strconv.ParseFloat(stored.Cells[i], 64); err != nil {
				continue
			}
			if _, ok := written(shown.Cells[i], dateOptions{}); ok {
				w.dates[i] = true
			}
		}
	}
}

func isBlank(cells []string) bool {
	for _, cell := range cells {
		if cell != "" {
			return false
		}
	}
	return true
}
