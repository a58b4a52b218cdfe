package mail

import (
	"bytes"
	"strings"
)

// Header is the header block of a message as it came. It holds slices of the message: neither may be changed.
type Header struct{ fields []field }

type field struct {
	name  []byte // as written, without white space at its end
	value []byte // what stands after the colon, with the line ends inside it and without the last
}

// mostFields bounds what one message may cost; what stands below is not seen.
const mostFields = 2000

// ReadHeader reads the header block and says where the body begins. It takes any line end, passes over an mbox line
// ("From …") at the top, and ends at an empty line or at the first line that cannot stand in a header, as mail
// servers do.
func ReadHeader(raw []byte) (Header, int) {
	var h Header
	at := 0
	for at < len(raw) {
		line, next := lineAt(raw, at)
		if len(line) == 0 {
			return h, next
		}
		switch name, value, ok := splitField(line); {
		case line[0] == ' ' || line[0] == '\t':
			if n := len(h.fields); n > 0 && n <= mostFields {
				last := &h.fields[n-1]
				start := cap(raw) - cap(last.value)
				last.value = raw[start : at+len(line)]
			}
		case ok:
			if len(h.fields) < mostFields {
				h.fields = append(h.fields, field{name, value})
			}
		case at == 0 && isMboxLine(line):
		default:
			return h, at
		}
		at = next
	}
	return h, at
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

// splitField cuts "Name: value". White space before the colon is obsolete and still met (RFC 5322 §4.5).
func splitField(line []byte) (name, value []byte, ok bool) {
	n := bytes.IndexByte(line, ':')
	if n < 1 {
		return nil, nil, false
	}
	name = bytes.TrimRight(line[:n], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return nil, nil, false
		}
	}
	return name, line[n+1:], len(name) > 0
}

// unfold is a field's value on one line (RFC 5322 §2.2.3).
func unfold(value []byte) string {
	if bytes.IndexByte(value, '\n') < 0 {
		return string(bytes.TrimSpace(value))
	}
	s := strings.NewReplacer("\r\n", "", "\n", "").Replace(string(value))
	return strings.TrimSpace(s)
}

// Get is the first value of that name on one line, not decoded; empty if there is none.
func (h Header) Get(name string) string {
	for _, f := range h.fields {
		if strings.EqualFold(string(f.name), name) {
			return unfold(f.value)
		}
	}
	return ""
}

// All are the values of that name from the top, each on one line, not decoded.
func (h Header) All(name string) []string {
	var out []string
	for _, f := range h.fields {
		if strings.EqualFold(string(f.name), name) {
			out = append(out, unfold(f.value))
		}
	}
	return out
}

// Count is how many fields of that name there are.
func (h Header) Count(name string) int {
	n := 0
	for _, f := range h.fields {
		if strings.EqualFold(string(f.name), name) {
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
		if strings.EqualFold(string(f.name), "Delivered-To") && strings.EqualFold(strings.Trim(unfold(f.value), "<>"), address) {
			return true
		}
	}
	return false
}

// Prepend puts header lines, as this package builds them, before a message, whose own octets stay as they are.
func Prepend(raw []byte, lines ...string) []byte {
	size := len(raw)
	for _, l := range lines {
		size += len(l)
	}
	out := make([]byte, 0, size)
	for _, l := range lines {
		out = append(out, l...)
	}
	return append(out, raw...)
}
