package lists

import (
	"bytes"
	"io"
)

// Bounds against hostile or broken input.
const (
	maxFile    = 2 << 30  // bytes of text, after decompression
	maxCell    = 64 << 10 // bytes of one cell
	maxRecord  = 1 << 20  // bytes of one row
	maxColumns = 1000
	maxLines   = 500      // lines of one row: more is a quote that was never closed
	maxRescan  = 64 << 20 // bytes read twice because of such quotes; past it, no cell spans lines
)

// dialect is how a CSV file writes its cells.
type dialect struct {
	separator byte
	escape    bool // a backslash makes the next character literal
}

// csvReader reads records one by one. A malformed record costs its first line only: reading goes on at the next one,
// which encoding/csv cannot do, nor backslash escapes.
type csvReader struct {
	dialect
	r        io.Reader
	encoding Encoding
	buf      []byte
	start    int // of what is not yet consumed in buf
	eof      bool
	err      error
	line     int // of the next record, from 1
	rescan   int

	text []byte // the cells of the record, one after the other, unquoted
	ends []int  // where each cell ends in text
}

func newCSVReader(r io.Reader, d dialect, e Encoding) *csvReader {
	return &csvReader{dialect: d, r: r, encoding: e, line: 1, buf: make([]byte, 0, 64<<10)}
}

// fill reads more, growing the buffer up to one record's bound.
func (c *csvReader) fill() {
	if c.start > 0 {
		c.buf = c.buf[:copy(c.buf, c.buf[c.start:])]
		c.start = 0
	}
	if len(c.buf) == cap(c.buf) {
		grown := make([]byte, len(c.buf), 2*cap(c.buf))
		copy(grown, c.buf)
		c.buf = grown
	}
	for range 100 {
		n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if err != nil {
			c.eof = true
			if err != io.EOF {
				c.err = err
			}
			return
		}
		if n > 0 {
			return
		}
	}
	c.eof, c.err = true, io.ErrNoProgress
}

// next returns the next record that is not blank. A malformed one comes with a Reason, its raw line as its only
// cell. io.EOF ends; any other error that is no Reason is of the reader below.
func (c *csvReader) next() (Row, error) {
	for {
		window := c.buf[c.start:]
		if len(window) == 0 && c.eof {
			if c.err != nil {
				return Row{}, c.err
			}
			return Row{}, io.EOF
		}
		n, key := c.parse(window, c.eof || len(window) >= maxRecord)
		if n == 0 && key == "" { // it may go on
			c.fill()
			continue
		}
		row := Row{Line: c.line}
		if key != "" {
			c.rescan += n
			return c.malformed(row, window, key)
		}
		row.last = c.eof && n == len(window) && window[n-1] != '\n' && window[n-1] != '\r'
		c.advance(window[:n])
		if len(bytes.TrimSpace(c.text)) == 0 {
			continue
		}
		c.cells(&row)
		return row, nil
	}
}

func (c *csvReader) advance(b []byte) {
	c.start += len(b)
	c.line += bytes.Count(b, []byte{'\n'})
	if !bytes.ContainsRune(b, '\n') && bytes.ContainsRune(b, '\r') { // lines of an old Macintosh
		c.line++
	}
}

// malformed consumes the first line of window.
func (c *csvReader) malformed(row Row, window []byte, key string) (Row, error) {
	n := bytes.IndexAny(window, "\r\n")
	for n < 0 && !c.eof && len(window) < maxRecord {
		c.fill()
		window = c.buf[c.start:]
		n = bytes.IndexAny(window, "\r\n")
	}
	raw := window
	if n >= 0 {
		raw = window[:n]
		n++
		if window[n-1] == '\r' && n < len(window) && window[n] == '\n' {
			n++
		}
		window = window[:n]
	}
	row.Raw, _ = c.encoding.decode(raw[:min(len(raw), maxCell)])
	cut := n < 0 && !c.eof
	c.advance(window)
	if cut {
		c.skipLine()
	}
	return row, Because(key, "limit", limitOf(key))
}

// skipLine drops what is left of a line that is longer than a record may be.
func (c *csvReader) skipLine() {
	for {
		window := c.buf[c.start:]
		if n := bytes.IndexByte(window, '\n'); n >= 0 {
			c.start += n + 1
			c.line++
			return
		}
		c.start = len(c.buf)
		if c.eof {
			return
		}
		c.fill()
	}
}

func limitOf(key string) int {
	switch key {
	case "line_too_long":
		return maxRecord
	case "line_wide":
		return 2 * maxColumns
	}
	return maxCell
}

// cells makes strings of the record: one for all cells where the encoding lets it.
func (c *csvReader) cells(row *Row) {
	row.Cells = make([]string, len(c.ends))
	all, broken := c.encoding.decode(c.text)
	from := 0
	for i, end := range c.ends {
		if len(all) == len(c.text) && !broken {
			row.Cells[i] = all[from:end]
		} else {
			row.Cells[i], _ = c.encoding.decode(c.text[from:end])
		}
		from = end
	}
	row.broken = broken
}

// parse reads one record from b into text and ends, and returns how many bytes it took. n is 0 if b may go on and
// final is not set; key is the reason why b cannot be read, found after n bytes.
func (c *csvReader) parse(b []byte, final bool) (n int, key string) {
	c.text, c.ends = c.text[:0], c.ends[:0]
	for i := 0; ; {
		from := len(c.text)
		var ok bool
		if i < len(b) && b[i] == '"' {
			i, ok, key = c.quoted(b, i+1, final)
		} else {
			i, ok = c.plain(b, i, final)
		}
		switch {
		case key != "":
			return i, key
		case !ok:
			return 0, ""
		case len(c.text)-from > maxCell:
			return i, "line_cell_too_long"
		case i > maxRecord || i == len(b) && len(b) >= maxRecord && !c.eof:
			return i, "line_too_long"
		case len(c.ends) > 2*maxColumns:
			return i, "line_wide"
		}
		c.ends = append(c.ends, len(c.text))
		if i == len(b) {
			return i, ""
		}
		if b[i] == c.separator {
			i++
			continue
		}
		if b[i] == '\r' {
			if i+1 == len(b) && !final {
				return 0, ""
			}
			if i+1 < len(b) && b[i+1] == '\n' {
				i++
			}
		}
		return i + 1, ""
	}
}

// plain reads an unquoted cell from i to the separator, the end of the line or of b; ok is false if b must go on.
func (c *csvReader) plain(b []byte, i int, final bool) (end int, ok bool) {
	from := i
	for ; i < len(b); i++ {
		switch ch := b[i]; {
		case ch == c.separator, ch == '\n', ch == '\r':
			c.text = append(c.text, b[from:i]...)
			return i, true
		case ch == '\\' && c.escape && i+1 < len(b):
			c.text = append(c.text, b[from:i]...)
			from = i + 1
			i++
		}
	}
	c.text = append(c.text, b[from:]...)
	return i, final
}

// quoted reads a quoted cell from i, past its opening quote, to what follows the closing one.
func (c *csvReader) quoted(b []byte, i int, final bool) (end int, ok bool, key string) {
	lines := 0
	for i < len(b) {
		switch ch := b[i]; {
		case ch == '\\' && c.escape && i+1 < len(b):
			c.text = append(c.text, b[i+1])
			i += 2
			continue
		case ch == '"' && i+1 < len(b) && b[i+1] == '"':
			c.text = append(c.text, '"')
			i += 2
			continue
		case ch == '"' && i+1 == len(b) && !final:
			return i, false, ""
		case ch == '"':
			return c.closed(b, i+1, final)
		case ch == '\n':
			if lines++; lines >= maxLines || c.rescan >= maxRescan {
				return i, false, "line_open_quote"
			}
		}
		c.text = append(c.text, b[i])
		i++
	}
	if final {
		return i, false, "line_open_quote"
	}
	return i, false, ""
}

// closed checks that only blanks stand between a closing quote and the end of the cell.
func (c *csvReader) closed(b []byte, i int, final bool) (end int, ok bool, key string) {
	for ; i < len(b); i++ {
		switch ch := b[i]; {
		case ch == c.separator, ch == '\n', ch == '\r':
			return i, true, ""
		case ch != ' ':
			return i, false, "line_stray_quote"
		}
	}
	return i, final, ""
}
