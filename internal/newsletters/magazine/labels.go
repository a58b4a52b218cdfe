package magazine

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/goregular"
)

// A sheet of 24 labels on A4, in millimetres: three by eight, 70 × 37.
const (
	columns, rows         = 3, 8
	labelWide, labelTall  = 70.0, 37.0
	sheetTop              = (297 - rows*labelTall) / 2
	insideLeft, insideTop = 6.0, 5.0
	lineTall              = 4.6
	fontSize, smallest    = 10.0, 6.0 // points
)

// Sheets are the labels as PDF, 24 a page. The typeface has Latin, Greek and Cyrillic letters.
func Sheets(title string, list []Label) ([]byte, error) {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetTitle(title, true)
	pdf.SetMargins(0, 0, 0)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes("go", "", goregular.TTF)
	if len(list) == 0 {
		pdf.AddPage()
	}
	for i, l := range list {
		if i%(columns*rows) == 0 {
			pdf.AddPage()
		}
		x := float64(i%columns) * labelWide
		y := sheetTop + float64(i/columns%rows)*labelTall
		for n, line := range l.Lines() {
			pdf.SetFont("go", "", fitting(pdf, line))
			pdf.Text(x+insideLeft, y+insideTop+lineTall*float64(n)+lineTall*0.8, line)
		}
	}
	var b bytes.Buffer
	if err := pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("magazine.Sheets: %w", err)
	}
	return b.Bytes(), nil
}

// fitting is the size in which a line stays on its label.
func fitting(pdf *fpdf.Fpdf, line string) float64 {
	size := fontSize
	for ; size > smallest; size -= 0.5 {
		pdf.SetFont("go", "", size)
		if pdf.GetStringWidth(line) <= labelWide-2*insideLeft {
			break
		}
	}
	return size
}

// Table is the labels as a list for a printer's own program: semicolons and a mark at the beginning, as Excel in French
// expects.
func Table(head []string, list []Label) ([]byte, error) {
	b := bytes.NewBufferString("\uFEFF")
	w := csv.NewWriter(b)
	w.Comma, w.UseCRLF = ';', true
	records := [][]string{head}
	for _, l := range list {
		line := func(i int) string {
			if i < len(l.Street) {
				return l.Street[i]
			}
			return ""
		}
		records = append(records, []string{cell(l.Name), cell(line(0)), cell(line(1)), cell(strings.Join(l.Street[min(2, len(l.Street)):], " ")), cell(l.City), cell(l.Country)})
	}
	if err := w.WriteAll(records); err != nil {
		return nil, fmt.Errorf("magazine.Table: %w", err)
	}
	return b.Bytes(), nil
}

// cell keeps a program for tables from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
