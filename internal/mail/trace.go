package mail

import (
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

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

// Trace is what a Received line says of one step of a message's way.
type Trace struct {
	Hello  string     // by what name the client greeted; whatever it was
	Remote netip.Addr // from where; the zero address: not said
	By     string     // our host name
	With   string     // "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "LMTP" (RFC 3848)
	TLS    string     // the cipher suite, by its registered name (RFC 8314 §7.4); empty: not said
	ID     string     // of the acceptance, as the log has it
	For    string     // the recipient, only if there is one alone (RFC 5321 §7.6); empty: not said
	At     time.Time
}

// Received is the header line (RFC 5321 §4.4), with its line end.
func (t Trace) Received() string {
	var b strings.Builder
	b.WriteString("Received: from " + hostWord(t.Hello))
	if t.Remote.IsValid() {
		b.WriteString(" ([" + addressLiteral(t.Remote) + "])")
	}
	b.WriteString("\r\n\tby " + hostWord(t.By) + " with " + hostWord(t.With))
	if t.TLS != "" {
		b.WriteString(" tls " + hostWord(t.TLS))
	}
	if t.ID != "" {
		b.WriteString(" id " + hostWord(t.ID))
	}
	if mailbox := mailboxWord(t.For); mailbox != "" {
		b.WriteString("\r\n\tfor <" + mailbox + ">")
	}
	b.WriteString(";\r\n\t" + t.At.Format("Mon, 02 Jan 2006 15:04:05 -0700") + "\r\n")
	return b.String()
}

func addressLiteral(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		return "IPv6:" + a.String()
	}
	return a.String()
}

// hostWord is s if it can stand bare in a trace line: letters, digits and what names and literals have.
func hostWord(s string) string {
	bad := func(r rune) bool {
		return !strings.ContainsRune(".-_:[]", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if s == "" || len(s) > 255 || strings.ContainsFunc(s, bad) {
		return "unknown"
	}
	return s
}

// mailboxWord is an address if it can stand between angle brackets, else nothing.
func mailboxWord(s string) string {
	at := strings.LastIndexByte(s, '@')
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>()[]\,;:"`, r) }
	if at < 1 || len(s) > 254 || strings.ContainsFunc(s, bad) {
		return ""
	}
	return s
}

// DeliveredTo is the header line by which a loop is known again, with its line end; empty for what is no address.
func DeliveredTo(address string) string {
	if address = mailboxWord(address); address == "" {
		return ""
	}
	return "Delivered-To: " + address + "\r\n"
}

// Check is one result of authentication: spf=pass smtp.mailfrom=example.org.
type Check struct {
	Method string // "spf", "dkim", "dmarc", "iprev", "auth"
	Result string // "pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"
	Reason string // in words; may be empty
	Props  []Prop
}

// Prop is what was checked: {"header.d", "example.org"}.
type Prop struct{ Name, Value string }

// AuthResults is the Authentication-Results line (RFC 8601), with its line end. by names who checked.
func AuthResults(by string, checks []Check) string {
	var b strings.Builder
	b.WriteString("Authentication-Results: " + hostWord(by))
	if len(checks) == 0 {
		b.WriteString("; none")
	}
	for _, c := range checks {
		b.WriteString(";\r\n\t" + hostWord(c.Method) + "=" + hostWord(c.Result))
		if c.Reason != "" {
			b.WriteString(" reason=" + quoted(c.Reason))
		}
		for _, p := range c.Props {
			b.WriteString("\r\n\t " + hostWord(p.Name) + "=" + propValue(p.Value))
		}
	}
	b.WriteString("\r\n")
	return b.String()
}

// propValue is a value bare, where the grammar allows it, else quoted.
func propValue(s string) string {
	special := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>,;:\"/[]?=`, r) }
	if s == "" || len(s) > 320 || strings.ContainsFunc(s, special) {
		return quoted(s)
	}
	return s
}

// quoted is a quoted-string (RFC 5322 §3.2.4) of bounded length in ASCII.
func quoted(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\\':
			return '\''
		case r >= utf8.RuneSelf:
			return '?'
		}
		return r
	}, oneLine(s))
	return `"` + s[:min(len(s), 320)] + `"`
}
