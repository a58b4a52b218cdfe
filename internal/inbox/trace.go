package inbox

import (
	"mime"
	"strings"
)

// decoded reads the encoded words of a header value (RFC 2047); what cannot be read stays as it is.
func decoded(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	out, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		return s
	}
	return out
}

// dateLayout is RFC 5322 §3.3.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 -0700"

// received is our own trace line (RFC 5321 §4.4). Of somebody who submitted it says neither the address nor the name
// of the machine: where one sits and writes is nobody's affair. It names the recipient only if there is one.
func (x *transaction) received(m *Message) string {
	var b strings.Builder
	b.WriteString("Received: from ")
	switch {
	case !m.Account.IsZero():
		b.WriteString("authenticated-user ([127.0.0.1])")
	default:
		b.WriteString(helloName(m.Hello))
		if m.Remote.IsValid() {
			b.WriteString(" ([")
			if m.Remote.Is6() {
				b.WriteString("IPv6:")
			}
			b.WriteString(m.Remote.String() + "])")
		}
	}
	b.WriteString("\r\n\tby " + x.s.o.Hostname + " with " + x.with())
	if x.over != "" {
		b.WriteString(" (" + x.over + ")")
	}
	b.WriteString("\r\n\tid " + m.ID.String())
	if len(x.to) == 1 && m.Account.IsZero() && ascii(x.to[0].Address) {
		b.WriteString("\r\n\tfor <" + x.to[0].Address + ">")
	}
	b.WriteString("; " + m.At.Format(dateLayout) + "\r\n")
	return b.String()
}

// with is the protocol as RFC 3848 registers it.
func (x *transaction) with() string {
	out := x.p.name
	if x.over != "" {
		out += "S"
	}
	if !x.from.Account.IsZero() {
		out += "A"
	}
	return out
}

// helloName is what the other server called itself, if that may stand in a header.
func helloName(s string) string {
	ok := s != "" && len(s) <= 255
	for i := range len(s) {
		c := s[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._:[]", c) >= 0)
	}
	if !ok {
		return "unknown"
	}
	return s
}
