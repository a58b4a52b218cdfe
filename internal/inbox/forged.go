package inbox

import (
	"bytes"
	"strings"
)

// withoutForged takes the Authentication-Results out of a message that claim to be ours (RFC 8601 §5): nothing that
// comes from outside can be. If a signature covers that header, the octets stay as they are: ours stands above, and
// who believes our name reads the topmost one, from which on everything below came with the message.
func withoutForged(m *Message, host string) []byte {
	raw, end := m.Raw, m.body
	forged := false
	for _, v := range m.Head.All("Authentication-Results") {
		forged = forged || claims(v, host)
	}
	if !forged {
		return raw
	}
	for _, sig := range m.Head.All("DKIM-Signature") {
		if coversResults(sig) {
			return raw
		}
	}
	out := make([]byte, 0, len(raw))
	for at := 0; at < end; {
		next := fieldEnd(raw, at, end)
		field := raw[at:next]
		name, value, _ := bytes.Cut(field, []byte(":"))
		if !strings.EqualFold(string(bytes.TrimSpace(name)), "Authentication-Results") || !claims(string(value), host) {
			out = append(out, field...)
		}
		at = next
	}
	return append(out, raw[end:]...)
}

// fieldEnd is where the field that begins at at ends, with its continued lines.
func fieldEnd(raw []byte, at, end int) int {
	for at < end {
		n := bytes.IndexByte(raw[at:end], '\n')
		if n < 0 {
			return end
		}
		at += n + 1
		if at == end || raw[at] != ' ' && raw[at] != '\t' {
			return at
		}
	}
	return end
}

// claims reports whether an Authentication-Results says that the host made it. Comments may stand before its name.
func claims(value, host string) bool {
	id, _, _ := strings.Cut(value, ";")
	for {
		before, rest, ok := strings.Cut(id, "(")
		if !ok {
			break
		}
		_, after, _ := strings.Cut(rest, ")")
		id = before + " " + after
	}
	first, _, _ := strings.Cut(strings.TrimSpace(id), " ")
	return strings.EqualFold(strings.Trim(strings.TrimSpace(first), `".`), host)
}

// coversResults reports whether a signature signs Authentication-Results: h= names it.
func coversResults(sig string) bool {
	for tag := range strings.SplitSeq(sig, ";") {
		k, v, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(k) != "h" {
			continue
		}
		for name := range strings.SplitSeq(v, ":") {
			if strings.EqualFold(strings.TrimSpace(name), "Authentication-Results") {
				return true
			}
		}
	}
	return false
}
