package mail

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// What reading one foreign message may cost.
const (
	mostDepth = 6       // parts within parts
	mostParts = 60      // of one message
	mostText  = 1 << 16 // octets of a part's text that are looked at
)

// part is one leaf of a message, or an enclosed message, which is not opened.
type part struct {
	kind   string // lower case: "text/plain"; empty if the part does not say
	header Header
	body   []byte // as transferred
}

// partsOf are the leaves of a message from the top. It takes multiparts as they come: with a boundary that is not
// declared, not quoted, never closed, or of a multipart that says it is something else.
func partsOf(raw []byte) []part {
	var out []part
	walk(raw, 0, &out)
	return out
}

func walk(raw []byte, depth int, out *[]part) {
	h, at := ReadHeader(raw)
	kind, boundary := contentType(h.Get("Content-Type"))
	body := raw[at:]
	if depth < mostDepth && strings.HasPrefix(kind, "multipart/") {
		if pieces := split(body, boundary, mostParts); len(pieces) > 0 {
			for _, p := range pieces {
				if len(*out) < mostParts {
					walk(p, depth+1, out)
				}
			}
			return
		}
	}
	if len(*out) < mostParts {
		*out = append(*out, part{kind, h, body})
	}
}

// contentType reads the type and the boundary of a Content-Type, however they are written.
func contentType(s string) (kind, boundary string) {
	const most = 4 << 10
	s = strings.TrimSpace(s[:min(len(s), most)])
	n := strings.IndexAny(s, "; \t")
	if n < 0 {
		n = len(s)
	}
	return strings.ToLower(s[:n]), parameter(s[n:], "boundary")
}

// parameter finds name=value among parameters; the value may be quoted.
func parameter(s, name string) string {
	for i := 0; ; {
		n := indexFold(s[i:], name)
		if n < 0 {
			return ""
		}
		i += n + len(name)
		v, ok := strings.CutPrefix(strings.TrimLeft(s[i:], " \t"), "=")
		if !ok {
			continue
		}
		v = strings.TrimLeft(v, " \t")
		if q, ok := strings.CutPrefix(v, `"`); ok {
			v, _, _ = strings.Cut(q, `"`)
			return v
		}
		if n := strings.IndexAny(v, "; \t"); n >= 0 {
			v = v[:n]
		}
		return v
	}
}

// indexFold is strings.Index without regard to the case of ASCII letters; name is lower case.
func indexFold(s, name string) int {
	for i := 0; i+len(name) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(name)], name) {
			return i
		}
	}
	return -1
}

// split cuts a multipart's body at its boundary, or, if that is nowhere, at the first line that looks like one. What
// stands before the first boundary is not a part.
func split(body []byte, boundary string, most int) [][]byte {
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary)) {
		if boundary = guess(body); boundary == "" {
			return nil
		}
	}
	mark := []byte("--" + boundary)
	var out [][]byte
	start := -1
	for at := 0; at < len(body) && len(out) < most; {
		n := bytes.Index(body[at:], mark)
		if n < 0 {
			break
		}
		line, next := at+n, 0
		if line > 0 && body[line-1] != '\n' {
			at = line + 1
			continue
		}
		if start >= 0 {
			out = append(out, body[start:line])
		}
		_, next = lineAt(body, line)
		start, at = next, next
		if bytes.HasPrefix(body[line+len(mark):], []byte("--")) {
			return out
		}
	}
	if start >= 0 && start < len(body) && len(out) < most {
		out = append(out, body[start:])
	}
	return out
}

// guess finds a boundary that nobody declared: a line "--something" right above a Content- header.
func guess(body []byte) string {
	const near = 1 << 14
	for at := 0; at < min(len(body), near); {
		line, next := lineAt(body, at)
		if len(line) > 2 && len(line) < 202 && line[0] == '-' && line[1] == '-' && next < len(body) {
			below, _ := lineAt(body, next)
			if len(below) > 8 && strings.EqualFold(string(below[:8]), "content-") {
				return string(bytes.TrimRight(line[2:], " \t"))
			}
		}
		at = next
	}
	return ""
}

// text is a part's content as valid UTF-8 with LF line ends, of bounded length.
func (p part) text() string {
	b := p.body[:min(len(p.body), 2*mostText)]
	switch strings.ToLower(strings.TrimSpace(p.header.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		b = fromQuotedPrintable(b)
	case "base64":
		b = fromBase64(b)
	}
	b = b[:min(len(b), mostText)]
	s := string(b)
	if foreign(b) {
		s = decodeCharset(b, parameter(p.header.Get("Content-Type"), "charset"))
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
}

// foreign reports whether the octets may be something else than UTF-8; an escape begins ISO-2022.
func foreign(b []byte) bool { return bytes.IndexByte(b, 0x1b) >= 0 || !utf8.Valid(b) }

// decodeCharset reads text in a named character set; one that is unknown or not named is taken for Windows-1252.
func decodeCharset(b []byte, name string) string {
	enc, err := htmlindex.Get(strings.ToLower(name))
	if err != nil || strings.EqualFold(name, "utf-8") {
		if enc, err = htmlindex.Get("windows-1252"); err != nil {
			return string(b)
		}
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return string(b)
	}
	return string(out)
}

// fromQuotedPrintable decodes what can be decoded and keeps the rest as it stands.
func fromQuotedPrintable(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			out = append(out, b[i])
			continue
		}
		if n := softBreak(b[i+1:]); n > 0 {
			i += n
			continue
		}
		if i+2 < len(b) {
			if hi, lo := unhex(b[i+1]), unhex(b[i+2]); hi < 16 && lo < 16 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, '=')
	}
	return out
}

// softBreak is how many octets of b, white space and a line end, end a line that goes on; 0 if it does not.
func softBreak(b []byte) int {
	for i, c := range b {
		switch c {
		case '\n':
			return i + 1
		case ' ', '\t', '\r':
		default:
			return 0
		}
	}
	return 0
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// fromBase64 decodes what can be decoded and passes over the rest.
func fromBase64(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1] // six bits alone say nothing
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // nothing is left that it could refuse
	return out[:n]
}
