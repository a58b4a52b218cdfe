package inbox

import (
	"bytes"
	"mime"
	"strings"

	"amicale/internal/mail"
)

// How much of a message's structure is looked at.
const (
	mostDepth = 6
	mostParts = 200
)

// eachPart calls visit with the header of each part of a message, from the top, until it says false. It takes
// boundaries as mail programs do, and ends with the message.
func eachPart(raw []byte, depth int, visit func(mail.Header) bool) {
	n := mostParts
	walkParts(raw, depth, func(h mail.Header) bool { n--; return n >= 0 && visit(h) })
}

func walkParts(raw []byte, depth int, visit func(mail.Header) bool) bool {
	head, at := mail.ReadHeader(raw)
	if !visit(head) {
		return false
	}
	kind := head.Get("Content-Type")
	body := raw[at:]
	switch {
	case depth >= mostDepth:
		return true
	case hasPrefixFold(kind, "message/rfc822"):
		return walkParts(body, depth+1, visit)
	case !hasPrefixFold(kind, "multipart/"):
		return true
	}
	mark := []byte("--" + boundaryOf(kind))
	if len(mark) == 2 {
		return true
	}
	for at := nextMark(body, mark); at >= 0; {
		body = body[at+len(mark):]
		if bytes.HasPrefix(body, []byte("--")) {
			return true
		}
		if n := bytes.IndexByte(body, '\n'); n >= 0 {
			body = body[n+1:]
		}
		end := nextMark(body, mark)
		part := body
		if end >= 0 {
			part = body[:end]
		}
		if !walkParts(part, depth+1, visit) {
			return false
		}
		at = end
	}
	return true
}

// nextMark is where a line begins with the boundary, -1 when none does.
func nextMark(body, mark []byte) int {
	for from := 0; ; {
		n := bytes.Index(body[from:], mark)
		if n < 0 {
			return -1
		}
		if n += from; n == 0 || body[n-1] == '\n' {
			return n
		}
		from = n + 1
	}
}

func boundaryOf(kind string) string {
	if _, params, err := mime.ParseMediaType(kind); err == nil {
		return params["boundary"]
	}
	_, rest, ok := strings.Cut(kind, "boundary=")
	if !ok {
		return ""
	}
	if q, ok := strings.CutPrefix(rest, `"`); ok {
		b, _, _ := strings.Cut(q, `"`)
		return b
	}
	b, _, _ := strings.Cut(rest, ";")
	return strings.TrimSpace(b)
}
