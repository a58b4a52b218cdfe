package inbox

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/idna"

	"amicale/internal/mail"
)

// What of a message is checked at most: the library's work grows with the product of these, and strangers choose them.
const (
	mostSignatures = 5
	mostSignature  = 4 << 10   // octets of one signature's field
	mostHead       = 256 << 10 // octets
	mostHeadLines  = 3_000
)

// signature is what one DKIM signature came to.
type signature struct {
	domain string
	result Result
}

// authenticate evaluates SPF, DKIM and DMARC, at once and within the time. What cannot be known in time is TempError
// and refuses nobody.
func (s *Server) authenticate(ctx context.Context, m *Message) []signature {
	ctx, cancel := context.WithTimeout(ctx, s.o.Checks)
	defer cancel()
	d := &dmarc{ctx: ctx, dns: s.o.Resolver}
	var signed []signature
	var all sync.WaitGroup
	if m.Head.Count("DKIM-Signature") > 0 {
		all.Go(func() { signed = s.checkDKIM(ctx, m) })
	}
	all.Go(func() { d.find(m.Head) })
	a := &m.Auth
	a.SPF, a.SPFDomain = s.checkSPF(ctx, m.Envelope)
	all.Wait()
	a.DKIM = None
	for _, want := range []Result{PermError, TempError, Fail, Pass} { // the best of them counts
		if slices.ContainsFunc(signed, func(g signature) bool { return g.result == want }) {
			a.DKIM = want
		}
	}
	for _, g := range signed {
		if g.result == Pass && !slices.Contains(a.DKIMDomain, g.domain) {
			a.DKIMDomain = append(a.DKIMDomain, g.domain)
		}
	}
	d.judge(a, signed, m.Remote.IsValid())
	return signed
}

// checkSPF says whether the other server may send for the envelope's sender, or for itself when there is none (RFC
// 7208 §2.4). Behind another server nobody knows.
func (s *Server) checkSPF(ctx context.Context, e Envelope) (Result, string) {
	local, domain := "postmaster", asciiName(e.Hello)
	if at := strings.LastIndexByte(e.From, '@'); at >= 0 {
		local, domain = e.From[:at], asciiName(e.From[at+1:])
	}
	if !e.Remote.IsValid() || !strings.Contains(domain, ".") || strings.HasPrefix(domain, "[") {
		return None, ""
	}
	r, _ := spf.CheckHostWithSender(net.IP(e.Remote.AsSlice()), e.Hello, local+"@"+domain, spf.WithContext(ctx), spf.WithResolver(s.o.Resolver))
	return Result(r), domain
}

func (s *Server) checkDKIM(ctx context.Context, m *Message) []signature {
	raw, end := m.Raw, m.body
	heavy := end > mostHead || bytes.Count(raw[:end], []byte("\n")) > mostHeadLines
	for _, f := range m.Head.All("DKIM-Signature") {
		heavy = heavy || len(f) > mostSignature
	}
	if heavy {
		return []signature{{result: PermError}}
	}
	if end == len(raw) && !bytes.HasSuffix(raw, []byte("\r\n\r\n")) {
		raw = append(bytes.Clone(raw), "\r\n"...) // the library wants the empty line even when no body follows
	}
	list, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{
		MaxVerifications: mostSignatures,
		LookupTXT:        func(name string) ([]string, error) { return s.o.Resolver.LookupTXT(ctx, asciiName(name)) },
	})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return []signature{{result: PermError}}
	}
	var out []signature
	for _, v := range list {
		g := signature{domain: asciiName(v.Domain), result: Fail}
		switch {
		case v.Err == nil:
			g.result = Pass
		case dkim.IsTempFail(v.Err):
			g.result = TempError
		case dkim.IsPermFail(v.Err):
			g.result = PermError
		}
		out = append(out, g)
	}
	return out
}

// asciiName is a domain as the DNS has it: lower case, A-labels, no dot at the end.
func asciiName(s string) string {
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if ascii(s) {
		return s
	}
	if a, err := idna.Lookup.ToASCII(s); err == nil {
		return a
	}
	return s
}

// results is our Authentication-Results line (RFC 8601).
func (s *Server) results(m *Message, signed []signature) string {
	a := m.Auth
	by := mail.Prop{Name: "smtp.mailfrom", Value: m.Envelope.From}
	if m.Envelope.From == "" {
		by = mail.Prop{Name: "smtp.helo", Value: a.SPFDomain}
	}
	list := []mail.Check{check("spf", a.SPF, by)}
	for _, g := range signed {
		list = append(list, check("dkim", g.result, mail.Prop{Name: "header.d", Value: g.domain}))
	}
	if len(signed) == 0 {
		list = append(list, check("dkim", None, mail.Prop{}))
	}
	list = append(list, check("dmarc", a.DMARC, mail.Prop{Name: "header.from", Value: a.Domain}))
	return mail.AuthResults(s.o.Hostname, list)
}

func check(method string, r Result, p mail.Prop) mail.Check {
	c := mail.Check{Method: method, Result: string(r)}
	if p.Value != "" {
		c.Props = []mail.Prop{p}
	}
	return c
}
