package inbox

import (
	netmail "net/mail"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"amicale/internal/mail"
)

// The checks that cost next to nothing. Each is a rule with its points, in tenths; what a sum means is the
// recipient's own choice (Box.Screen).

// clue is what the rules look at.
type clue struct {
	m    *Message
	head mail.Header
	to   int    // recipients
	host string // our own name
}

type rule struct {
	name   string
	points int
	hit    func(c *clue) bool
}

// rules are in no order: all are asked.
func rules() []rule {
	return []rule{
		{"no From", 40, func(c *clue) bool { return c.head.Count("From") == 0 }},
		{"several From", 50, func(c *clue) bool { return c.head.Count("From") > 1 }},
		{"no Message-ID", 10, func(c *clue) bool { return c.m.Key == "" }},
		{"no Date", 10, func(c *clue) bool { return c.head.Count("Date") == 0 }},
		{"Date in the future", 20, func(c *clue) bool { return c.dated().After(c.m.At.Add(2 * 24 * time.Hour)) }},
		{"no To", 5, func(c *clue) bool { return c.head.Count("To")+c.head.Count("Cc") == 0 }},
		{"HELO is an address", 15, func(c *clue) bool { return c.greeted() && isAddress(c.m.Hello) }},
		{"HELO is our name", 40, func(c *clue) bool { return c.greeted() && strings.EqualFold(c.m.Hello, c.host) }},
		{"HELO is no domain", 10, func(c *clue) bool { return c.greeted() && !strings.ContainsAny(c.m.Hello, ".:") }},
		{"report to many", 40, func(c *clue) bool { return c.m.Envelope.From == "" && c.to > 1 }},
		{"DMARC quarantine", 40, func(c *clue) bool { return c.m.Auth.DMARC == Fail && c.m.Auth.Policy != "none" }},
		{"DMARC none", 10, func(c *clue) bool { return c.m.Auth.DMARC == Fail && c.m.Auth.Policy == "none" }},
		{"SPF fail", 25, func(c *clue) bool { return c.m.Auth.SPF == Fail && c.m.Auth.DMARC != Pass }},
		{"SPF softfail", 10, func(c *clue) bool { return c.m.Auth.SPF == SoftFail && c.m.Auth.DMARC != Pass }},
		{"marked before", 40, func(c *clue) bool {
			return strings.EqualFold(c.head.Get("X-Spam-Flag"), "yes") || hasPrefixFold(c.head.Get("X-Spam-Status"), "yes")
		}},
	}
}

// greeted reports whether the name given is that of a stranger's server: not one on this machine, nor one in front.
func (c *clue) greeted() bool { return c.m.Remote.IsValid() && !c.m.Remote.IsLoopback() }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// dated is the Date header's, zero when it cannot be read.
func (c *clue) dated() time.Time {
	s := c.head.Get("Date")
	if t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", s); err == nil { // as nearly all write it
		return t
	}
	t, err := netmail.ParseDate(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// isAddress reports whether a server calls itself by a number, in brackets (RFC 5321 §4.1.3) or without.
func isAddress(hello string) bool {
	s := strings.TrimSuffix(strings.TrimPrefix(hello, "["), "]")
	if hasPrefixFold(s, "ipv6:") {
		s = s[5:]
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// score adds up the rules.
func (s *Server) score(m *Message, to int) {
	c := &clue{m, m.Head, to, s.o.Hostname}
	for _, r := range s.rules {
		if r.hit(c) {
			m.Score += r.points
			m.Marks = append(m.Marks, r.name)
		}
	}
}

// program is a file name that is run when it is opened, as the largest provider lists them: nobody's target would take
// it (https://support.google.com/mail/answer/6590).
var program = regexp.MustCompile(`(?i)\.(ade|adp|apk|appx|appxbundle|bat|cab|chm|cmd|com|cpl|diagcab|diagcfg|diagpkg|dll|dmg|ex|ex_|exe|hta|` +
	`img|ins|iso|isp|jar|jnlp|js|jse|lib|lnk|mde|mjs|msc|msi|msix|msixbundle|msp|mst|nsh|pif|ps1|scr|sct|shb|sys|vb|vbe|vbs|vhd|vxd|wsc|wsf|wsh|xll)$`)

// programIn is the ending of an attachment that is a program, "" when there is none.
func programIn(raw []byte) string {
	for _, name := range mail.FileNames(raw) {
		if m := program.FindString(strings.TrimRight(name, ". ")); m != "" { // as Windows reads it
			return m
		}
	}
	return ""
}
