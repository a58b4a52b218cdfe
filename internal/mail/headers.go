package mail

import (
	"bytes"
	"strings"
)

// Header is the header block of a message as it came. It points into the message, which must not be changed.
type Header struct {
	raw    []byte
	fields []field
}

// field is where one field stands in the message.
type field struct {
	name, nameEnd   int // without white space before the colon
	value, valueEnd int // after the colon, with the line ends inside it and without the last
}

// mostFields bounds what one message may cost; what stands below is not seen.
const mostFields = 2000

// ReadHeader reads the header block and says where the body begins. It takes any line end, passes over mbox lines
// ("From …") at the top, and ends at an empty line or at the first line that cannot stand in a header, as mail
// servers do.
func ReadHeader(raw []byte) (Header, int) {
	h := Header{raw: raw}
	more := false // a continued line belongs to a field that was taken
	for at := 0; at < len(raw); {
		line, next := lineAt(raw, at)
		if len(line) == 0 {
			return h, next
		}
		name, ok := fieldName(line)
		switch {
		case line[0] == ' ' || line[0] == '\t':
			if more {
				h.fields[len(h.fields)-1].valueEnd = at + len(line)
			} else if len(h.fields) == 0 {
				return h, at
			}
		case ok:
			if more = len(h.fields) < mostFields; more {
				colon := at + bytes.IndexByte(line, ':')
				h.fields = append(h.fields, field{at, at + name, colon + 1, at + len(line)})
			}
		case len(h.fields) == 0 && isMboxLine(line):
		default:
			return h, at
		}
		at = next
	}
	return h, len(raw)
}

// lineAt is the line that begins at at, without its end, and where the next begins.
func lineAt(raw []byte, at int) (line []byte, next int) {
	n := bytes.IndexByte(raw[at:], '\n')
	if n < 0 {
		return bytes.TrimSuffix(raw[at:], []byte{'\r'}), len(raw)
	}
	return bytes.TrimSuffix(raw[at:at+n], []byte{'\r'}), at + n + 1
}

func isMboxLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))
}

// fieldName is how long the name in "Name: value" is. White space before the colon is obsolete and still met
// (RFC 5322 §4.5).
func fieldName(line []byte) (length int, ok bool) {
	n := bytes.IndexByte(line, ':')
	if n < 1 {
		return 0, false
	}
	name := bytes.TrimRight(line[:n], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return 0, false
		}
	}
	return len(name), len(name) > 0
}

func (h Header) is(f field, name string) bool {
	return f.nameEnd-f.name == len(name) && strings.EqualFold(string(h.raw[f.name:f.nameEnd]), name)
}

// text is a field's value on one line (RFC 5322 §2.2.3).
func (h Header) text(f field) string {
	v := bytes.TrimSpace(h.raw[f.value:f.valueEnd])
	if bytes.IndexByte(v, '\n') < 0 {
		return string(v)
	}
	return strings.NewReplacer("\r\n", "", "\n", "").Replace(string(v))
}

// Get is the first value of that name on one line, not decoded; empty if there is none.
func (h Header) Get(name string) string {
	for _, f := range h.fields {
		if h.is(f, name) {
			return h.text(f)
		}
	}
	return ""
}

// All are the values of that name from the top, each on one line, not decoded.
func (h Header) All(name string) []string {
	var out []string
	for _, f := range h.fields {
		if h.is(f, name) {
			out = append(out, h.text(f))
		}
	}
	return out
}

// Count is how many fields of that name there are.
func (h Header) Count(name string) int {
	n := 0
	for _, f := range h.fields {
		if h.is(f, name) {
			n++
		}
	}
	return n
}

// CountReceived is how many servers the message says it passed.
func (h Header) CountReceived() int { return h.Count("Received") }

// DeliveredTo reports whether the message says that it was delivered to that address before.
func (h Header) DeliveredTo(address string) bool {
	for _, f := range h.fields {
		if h.is(f, "Delivered-To") && strings.EqualFold(strings.Trim(h.text(f), "<> \t"), address) {
			return true
		}
	}
	return false
}
