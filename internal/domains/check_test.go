package domains_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/domains"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/mail"
)

// dns answers from memory: "TXT name" → what stands there; "!" is a server that fails.
type dns map[string][]string

func (d dns) look(kind, name string) ([]string, error) {
	name = strings.TrimSuffix(name, ".")
	v := d[kind+" "+name]
	if len(v) == 1 && v[0] == "!" {
		return nil, &net.DNSError{Err: "server failure", Name: name, IsTemporary: true}
	}
	if len(v) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return v, nil
}

func (d dns) LookupTXT(_ context.Context, name string) ([]string, error) { return d.look("TXT", name) }

func (d dns) LookupMX(_ context.Context, name string) (out []*net.MX, err error) {
	list, err := d.look("MX", name)
	for _, one := range list {
		mx := &net.MX{}
		if _, err := fmt.Sscanf(one, "%d %s", &mx.Pref, &mx.Host); err != nil {
			return nil, err
		}
		out = append(out, mx)
	}
	return out, err
}

func (d dns) LookupIPAddr(_ context.Context, host string) (out []net.IPAddr, err error) {
	list, err := d.look("A", host)
	for _, one := range list {
		out = append(out, net.IPAddr{IP: net.ParseIP(one)})
	}
	return out, err
}

func (d dns) LookupAddr(_ context.Context, addr string) ([]string, error) { return d.look("PTR", addr) }

func (d dns) LookupCNAME(_ context.Context, host string) (string, error) {
	if to := d["CNAME "+strings.TrimSuffix(host, ".")]; len(to) > 0 {
		return to[0], nil
	}
	return host, nil
}

// Where the tests' installation stands.
const (
	spfOK    = "v=spf1 a:mail.annuaire.example ~all"
	goodSTS  = "v=STSv1; id=1"
	goodTLS  = "v=TLSRPTv1; rua=mailto:tls@ail.example"
	goodRule = "v=DMARC1; p=quarantine; rua=mailto:dmarc@ail.example"
	policy   = "version: STSv1\nmode: enforce\nmx: mail.annuaire.example\nmax_age: 604800\n"
)

func goodSetup() domains.Setup {
	return domains.Setup{Domain: "ail.example", Association: true, MailHost: "mail.annuaire.example", SiteHost: "annuaire.example", Receives: true}
}

// goodZone is all that an association's domain needs.
func goodZone() dns {
	return dns{
		"MX ail.example": {"10 mail.annuaire.example."}, "MX retour.ail.example": {"10 mail.annuaire.example."}, "MX lettres.ail.example": {"10 mail.annuaire.example."},
		"A mail.annuaire.example": {"203.0.114.25", "2001:4860::25"}, "PTR 203.0.114.25": {"mail.annuaire.example."}, "PTR 2001:4860::25": {"mail.annuaire.example."},
		"TXT ail.example": {"google-site-verification=x", spfOK}, "TXT retour.ail.example": {spfOK}, "TXT lettres.ail.example": {spfOK}, "TXT mail.annuaire.example": {"v=spf1 a -all"},
		"TXT _dmarc.ail.example": {goodRule}, "TXT _mta-sts.ail.example": {goodSTS}, "TXT _smtp._tls.ail.example": {goodTLS}, "A mta-sts.ail.example": {"203.0.114.80"},
		"A annuaire.example": {"203.0.114.80"}, "MX annuaire.example": {"10 mx.ailleurs.example."},
	}
}

// publish puts the records of a domain's keys into the zone.
func publish(t *testing.T, z dns, s *domains.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		keys, err := s.Keys(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			z["TXT "+k.Host()] = []string{k.Record()}
		}
	}
}

// outside is what a check meets besides the DNS: who serves the policy, under any name, and our mail server.
type outside struct {
	policies *httptest.Server
	mail     map[string]string // address of a server by what it does about encryption
	roots    *x509.CertPool

	mu   sync.Mutex
	text string // "" is a host that does not answer
	kind string
	code int
	how  string // "vouched", "doubted", "clear", "broken"; "" is a port that does not answer
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{mail: map[string]string{}, roots: x509.NewCertPool()}
	o.good()
	o.policies = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		w.Header().Set("Content-Type", o.kind)
		w.Header().Set("Location", "/elsewhere") // followed by nobody
		w.WriteHeader(o.code)
		if r.URL.Path == "/.well-known/mta-sts.txt" {
			_, _ = w.Write([]byte(o.text))
		}
	}))
	t.Cleanup(o.policies.Close)
	ours, others := certificate(t, "mail.annuaire.example"), certificate(t, "autre.example")
	o.roots.AddCert(ours.Leaf)
	o.roots.AddCert(others.Leaf)
	o.serveMail(t, "vouched", &tls.Config{Certificates: []tls.Certificate{ours}})
	o.serveMail(t, "doubted", &tls.Config{Certificates: []tls.Certificate{others}})
	o.serveMail(t, "broken", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("no file") }})
	o.serveMail(t, "clear", nil)
	return o
}

// certificate is its own authority.
func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// unasked is a conversation in which nobody may begin a letter.
type unasked struct{ t *testing.T }

func (u unasked) Mail(string, *smtp.MailOptions) error {
	u.t.Error("a check begins a letter")
	return errors.New("no")
}
func (unasked) Rcpt(string, *smtp.RcptOptions) error { return errors.New("no") }
func (unasked) Data(io.Reader) error                 { return errors.New("no") }
func (unasked) Reset()                               {}
func (unasked) Logout() error                        { return nil }

func (o *outside) serveMail(t *testing.T, how string, c *tls.Config) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return unasked{t}, nil }))
	s.Domain, s.TLSConfig, s.ErrorLog = "mail.annuaire.example", c, log.New(io.Discard, "", 0)
	go s.Serve(ln) // ends with Close
	t.Cleanup(func() { s.Close() })
	o.mail[how] = ln.Addr().String()
}

// good puts everything in order again.
func (o *outside) good() {
	o.serve(policy, "text/plain", 200)
	o.encrypt("vouched")
}

func (o *outside) serve(text, kind string, code int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text, o.kind, o.code = text, kind, code
}

func (o *outside) encrypt(how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.how = how
}

// checker sees this DNS and this outside.
func (o *outside) checker(s *domains.Store, r domains.Resolver) *domains.Checker {
	client := o.policies.Client()
	transport, _ := client.Transport.(*http.Transport)
	transport = transport.Clone()
	transport.TLSClientConfig.ServerName = "example.com" // of the test server's certificate
	transport.DisableKeepAlives = true
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		o.mu.Lock()
		to, gone := o.policies.Listener.Addr().String(), o.text == ""
		if strings.HasSuffix(address, ":25") {
			to, gone = o.mail[o.how], o.how == ""
		}
		o.mu.Unlock()
		if gone {
			return nil, errors.New("connection refused")
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", to)
	}
	transport.DialContext = dial
	return domains.NewChecker(s, domains.CheckerOptions{Resolver: r, Client: &http.Client{Transport: transport}, Dial: dial, Roots: o.roots})
}

// bad are the findings that are not in order, a line each.
func bad(r domains.Report) string {
	var out []string
	for _, f := range r.Findings {
		if f.Severity != domains.OK {
			name := strings.ReplaceAll(f.Name, "amicale-2026a", "SEL")
			out = append(out, fmt.Sprintf("%s %s %s %s", f.Severity, f.Type, name, f.Key))
		}
	}
	return strings.Join(out, "\n")
}

// wrongCase is a zone or a setup with something that is not as it should be, and what must be said of it.
type wrongCase struct {
	name   string
	change func(z dns, s *domains.Setup, p *outside)
	want   string // as bad has it
	wanted string // the record to publish of the first of them; "" is not looked at
}

func set(record string, values ...string) func(dns, *domains.Setup, *outside) {
	return func(z dns, _ *domains.Setup, _ *outside) { z[record] = values }
}

func serving(text, kind string, code int) func(dns, *domains.Setup, *outside) {
	return func(_ dns, _ *domains.Setup, p *outside) { p.serve(text, kind, code) }
}

func arrivalCases() []wrongCase {
	return []wrongCase{
		{"all is well", func(dns, *domains.Setup, *outside) {}, "", ""},
		{"no MX", set("MX ail.example"), "missing MX ail.example mx_missing", "10 mail.annuaire.example."},
		{"the DNS fails", set("MX ail.example", "!"), "unknown MX ail.example unknown", ""},
		{"mail elsewhere", set("MX ail.example", "10 mx.autre.example."), "wrong MX ail.example mx_elsewhere", ""},
		{"elsewhere first", set("MX ail.example", "5 mx.autre.example.", "10 MAIL.annuaire.example."), "wrong MX ail.example mx_second", ""},
		{"a spare", set("MX ail.example", "10 mail.annuaire.example.", "20 mx.autre.example."), "advice MX ail.example mx_others", ""},
		{"null MX", set("MX ail.example", "0 ."), "wrong MX ail.example mx_null", ""},
		{"an alias beside the MX", set("CNAME retour.ail.example", "x.example."), "wrong MX retour.ail.example mx_alias", ""},
		{"no way back", set("MX retour.ail.example"), "missing MX retour.ail.example mx_missing", ""},
		{"no way back to newsletters", set("MX lettres.ail.example"), "missing MX lettres.ail.example mx_missing", ""},
		{"the server is an alias", set("CNAME mail.annuaire.example", "vm1.host.example."), "wrong A mail.annuaire.example host_alias", ""},
		{"the server has no address", set("A mail.annuaire.example"), "missing A mail.annuaire.example host_missing\n" +
			"wrong TXT ail.example spf_lacks\nwrong TXT retour.ail.example spf_lacks\nwrong TXT lettres.ail.example spf_lacks\nwrong TXT mail.annuaire.example spf_lacks", ""},
		{"the server's address is inside", func(z dns, _ *domains.Setup, _ *outside) {
			z["A mail.annuaire.example"] = []string{"10.0.0.1"}
		}, "wrong A mail.annuaire.example host_unreachable", ""},
		{"the server's name is its own", func(z dns, s *domains.Setup, p *outside) {
			s.MailHost = "localhost"
			for _, d := range []string{"ail", "retour.ail", "lettres.ail"} {
				z["MX "+d+".example"] = []string{"10 localhost."}
				z["TXT "+d+".example"] = []string{"v=spf1 a:localhost -all"}
			}
			z["A localhost"] = []string{"127.0.0.1"}
			p.serve(strings.ReplaceAll(policy, "mail.annuaire.example", "localhost"), "text/plain", 200)
		}, "wrong A localhost host_private", ""},
		{"mail does not arrive", func(z dns, s *domains.Setup, _ *outside) {
			s.Receives = false
			delete(z, "MX ail.example")
			delete(z, "MX retour.ail.example")
		}, "advice MX ail.example deaf\nadvice MX ail.example unanswerable", ""},
		{"no public name", func(_ dns, s *domains.Setup, _ *outside) { s.Domain = "localhost" }, "missing MX localhost private", ""},
	}
}

func sendingCases() []wrongCase {
	ailSPF := func(text ...string) func(dns, *domains.Setup, *outside) { return set("TXT ail.example", text...) }
	relay := func(host, text string) func(dns, *domains.Setup, *outside) {
		return func(z dns, s *domains.Setup, _ *outside) {
			s.Smarthost = host
			for _, d := range []string{"ail", "retour.ail", "lettres.ail"} {
				z["TXT "+d+".example"] = []string{text}
			}
			z["TXT _spf.ail.example"] = []string{"v=spf1 include:spf.mailjet.com -all"}
			z["TXT spf.mailjet.com"] = []string{"v=spf1 ip4:203.0.115.0/24 -all"}
			z["A smtp.asso.example"] = []string{"203.0.116.1"}
			z["PTR 203.0.114.25"] = nil // nobody's matter then
		}
	}
	all := func(line string) string {
		return strings.Join([]string{strings.Replace(line, "NAME", "ail.example", 1), strings.Replace(line, "NAME", "retour.ail.example", 1), strings.Replace(line, "NAME", "lettres.ail.example", 1)}, "\n")
	}
	return []wrongCase{
		{"no SPF", ailSPF("other"), "missing TXT ail.example spf_missing", spfOK},
		{"something like SPF", ailSPF("v=spf10 a ~all"), "missing TXT ail.example spf_missing", ""},
		{"two SPF", ailSPF(spfOK, "v=spf1 mx -all"), "wrong TXT ail.example spf_twice", ""},
		{"others may send", ailSPF("v=spf1 include:_spf.autre.example -all"), "wrong TXT ail.example spf_void", "v=spf1 include:_spf.autre.example a:mail.annuaire.example -all"},
		{"only others may send", func(z dns, _ *domains.Setup, _ *outside) {
			z["TXT ail.example"], z["TXT _spf.autre.example"] = []string{"v=spf1 include:_spf.autre.example -all"}, []string{"v=spf1 ip4:203.0.115.1 -all"}
		}, "wrong TXT ail.example spf_lacks", "v=spf1 include:_spf.autre.example a:mail.annuaire.example -all"},
		{"nobody may send", ailSPF("v=spf1 -all"), "wrong TXT ail.example spf_lacks", "v=spf1 a:mail.annuaire.example -all"},
		{"everybody may send", ailSPF("v=spf1 a:mail.annuaire.example +all"), "wrong TXT ail.example spf_open", ""},
		{"only one of two addresses", ailSPF("v=spf1 ip4:203.0.114.25 -all"), "wrong TXT ail.example spf_lacks", ""},
		{"by address", ailSPF("v=spf1 ip4:203.0.114.25 ip6:2001:4860::25 -all"), "", ""},
		{"by MX", ailSPF("v=spf1 mx -all"), "", ""},
		{"without an end", ailSPF("v=spf1 mx"), "advice TXT ail.example spf_neutral", ""},
		{"a mistake", ailSPF("v=spf1 mx ipv4:1.2.3.4 -all"), "wrong TXT ail.example spf_syntax", ""},
		{"eleven look-ups", ailSPF("v=spf1 a mx a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example a:mail.annuaire.example -all"),
			"wrong TXT ail.example spf_lookups", ""},
		{"three names that are not there", ailSPF("v=spf1 a:x.example a:y.example a:z.example mx -all"), "wrong TXT ail.example spf_void", ""},
		{"the DNS fails", ailSPF("!"), "unknown TXT ail.example unknown", ""},
		{"the DNS fails below", func(z dns, _ *domains.Setup, _ *outside) {
			z["TXT ail.example"], z["TXT _spf.autre.example"] = []string{"v=spf1 include:_spf.autre.example -all"}, []string{"!"}
		}, "unknown TXT ail.example unknown", ""},
		{"no SPF for what comes back", set("TXT retour.ail.example"), "missing TXT retour.ail.example spf_missing", ""},
		{"no SPF for newsletters", set("TXT lettres.ail.example"), "missing TXT lettres.ail.example spf_missing", ""},
		{"no name for an address", set("PTR 203.0.114.25"), "missing PTR 203.0.114.25 ptr_missing", "mail.annuaire.example."},
		{"another name", set("PTR 2001:4860::25", "vm1.host.example."), "wrong PTR 2001:4860::25 ptr_other", ""},
		{"the DNS fails for a name", set("PTR 203.0.114.25", "!"), "unknown PTR 203.0.114.25 unknown", ""},
		{"no SPF for reports", set("TXT mail.annuaire.example"), "advice TXT mail.annuaire.example greeting_missing", "v=spf1 a -all"},
		{"SPF for reports without us", set("TXT mail.annuaire.example", "v=spf1 -all"), "wrong TXT mail.annuaire.example spf_lacks", "v=spf1 a -all"},
		{"SPF for reports twice", set("TXT mail.annuaire.example", "v=spf1 a -all", "v=spf1 -all"), "wrong TXT mail.annuaire.example spf_twice", ""},
		{"a provider that is named", relay("in-v3.mailjet.com", "v=spf1 include:spf.mailjet.com -all"), "", ""},
		{"a provider that is named further on", relay("in-v3.mailjet.com", "v=spf1 redirect=_spf.ail.example"), "", ""},
		{"a provider that is not named", relay("in-v3.mailjet.com", spfOK), all("wrong TXT NAME spf_lacks"), "v=spf1 a:mail.annuaire.example include:spf.mailjet.com ~all"},
		{"a relay that is named", relay("smtp.asso.example", "v=spf1 a:smtp.asso.example ~all"), "", ""},
		{"a relay that may be named", relay("smtp.asso.example", "v=spf1 ip4:203.0.116.77 ~all"), all("advice TXT NAME spf_unsure"), "v=spf1 ip4:203.0.116.77 a:smtp.asso.example ~all"},
		{"a relay, and nobody may send", relay("smtp.asso.example", "v=spf1 ~all"), all("wrong TXT NAME spf_lacks"), ""},
	}
}

func signingCases(z dns) []wrongCase {
	var rsa, ed string
	for name := range z {
		if strings.HasSuffix(name, "._domainkey.ail.example") {
			if strings.Contains(name, "-ed.") {
				ed = name
			} else {
				rsa = name
			}
		}
	}
	other, key := z[strings.Replace(rsa, ".ail", ".lettres.ail", 1)][0], z[rsa][0]
	line := func(s, key string) string { return s + " TXT SEL._domainkey.ail.example " + key }
	return []wrongCase{
		{"no key", set(rsa), line("missing", "key_missing") + "\nwrong TXT _dmarc.ail.example dmarc_early", key},
		{"no second key", set(ed), "missing TXT SEL-ed._domainkey.ail.example key_missing\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"another's key", set(rsa, other), line("wrong", "key_other") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"another algorithm", set(rsa, z[ed][0]), line("wrong", "key_other") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"a key cut off", set(rsa, key[:255]), line("wrong", "key_cut") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"a revoked key", set(rsa, "v=DKIM1; k=rsa; p="), line("wrong", "key_revoked") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"no key at all", set(rsa, "v=DKIM1; k=rsa"), line("wrong", "key_syntax") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"a quotation mark", set(rsa, strings.Replace(key, "p=", `p="`, 1)), line("wrong", "key_syntax") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"two keys", set(rsa, key, other), line("wrong", "key_twice") + "\nwrong TXT _dmarc.ail.example dmarc_early", ""},
		{"written otherwise", set(rsa, strings.ReplaceAll(strings.Replace(key, "k=rsa; ", "h=sha256;", 1), "A", "A ")), "", ""},
		{"the DNS fails", set(rsa, "!"), line("unknown", "unknown"), ""},
	}
}

func policyCases() []wrongCase {
	rule := func(text ...string) func(dns, *domains.Setup, *outside) {
		return set("TXT _dmarc.ail.example", text...)
	}
	return []wrongCase{
		{"no DMARC", rule(), "missing TXT _dmarc.ail.example dmarc_missing", "v=DMARC1; p=none; rua=mailto:postmaster@ail.example"},
		{"the DNS fails", rule("!"), "unknown TXT _dmarc.ail.example unknown", ""},
		{"two rules", rule(goodRule, "v=DMARC1; p=none"), "wrong TXT _dmarc.ail.example dmarc_twice", ""},
		{"a mistake", rule("v=DMARC1; p=refuse"), "wrong TXT _dmarc.ail.example dmarc_syntax", ""},
		{"no policy", rule("v=DMARC1; rua=mailto:x@ail.example"), "wrong TXT _dmarc.ail.example dmarc_syntax", ""},
		{"only watching", rule("v=DMARC1; p=none; sp=none; rua=mailto:x@ail.example"), "advice TXT _dmarc.ail.example dmarc_none", "v=DMARC1; p=quarantine; sp=quarantine; rua=mailto:x@ail.example"},
		{"the strictest", rule("v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:x@ail.example"), "", ""},
		{"nobody reads", rule("v=DMARC1; p=reject"), "advice TXT _dmarc.ail.example dmarc_blind", ""},
		{"reports to no address", rule("v=DMARC1; p=reject; rua=x@ail.example"), "wrong TXT _dmarc.ail.example dmarc_rua", ""},
		{"reports elsewhere", rule("v=DMARC1; p=reject; rua=mailto:x@rapports.example!10m"), "advice TXT ail.example._report._dmarc.rapports.example dmarc_elsewhere", "v=DMARC1"},
		{"reports elsewhere, where they are taken", func(z dns, _ *domains.Setup, _ *outside) {
			z["TXT _dmarc.ail.example"] = []string{"v=DMARC1; p=reject; rua=mailto:x@rapports.example"}
			z["TXT ail.example._report._dmarc.rapports.example"] = []string{"v=DMARC1;"}
		}, "", ""},
		{"a hole below", rule("v=DMARC1; p=reject; sp=none; rua=mailto:x@ail.example"), "advice TXT _dmarc.ail.example dmarc_below", ""},
		{"a mistake below", set("TXT _dmarc.lettres.ail.example", "v=DMARC1"), "wrong TXT _dmarc.lettres.ail.example dmarc_syntax", ""},
		{"two below", set("TXT _dmarc.lettres.ail.example", goodRule, goodRule), "wrong TXT _dmarc.lettres.ail.example dmarc_twice", ""},
	}
}

func transportCases() []wrongCase {
	const sts = "TXT _mta-sts.ail.example"
	unserved := func(_ dns, _ *domains.Setup, p *outside) { p.serve("", "", 0) }
	mail := func(how string, announced ...string) func(dns, *domains.Setup, *outside) {
		return func(z dns, _ *domains.Setup, p *outside) { p.encrypt(how); z[sts] = announced }
	}
	return []wrongCase{
		{"nothing", func(z dns, s *domains.Setup, p *outside) {
			unserved(z, s, p)
			z[sts], z["A mta-sts.ail.example"] = nil, nil
		},
			"advice TXT _mta-sts.ail.example sts_missing\nadvice CNAME mta-sts.ail.example sts_host", ""},
		{"a policy nobody knows of", set(sts), "advice TXT _mta-sts.ail.example sts_unsaid", ""},
		{"two announcements", set(sts, goodSTS, goodSTS), "wrong TXT _mta-sts.ail.example sts_twice", ""},
		{"no number", set(sts, "v=STSv1;"), "wrong TXT _mta-sts.ail.example sts_syntax", ""},
		{"a number with a sign", set(sts, "v=STSv1; id=2026-11"), "wrong TXT _mta-sts.ail.example sts_syntax", ""},
		{"the DNS fails", set(sts, "!"), "unknown TXT _mta-sts.ail.example unknown", ""},
		{"no policy", unserved, "wrong HTTPS mta-sts.ail.example sts_unserved", ""},
		{"not found", serving("x", "text/plain", 404), "wrong HTTPS mta-sts.ail.example sts_unserved", ""},
		{"elsewhere", serving(policy, "text/plain", 302), "wrong HTTPS mta-sts.ail.example sts_unserved", ""},
		{"a page", serving(policy, "text/html", 200), "wrong HTTPS mta-sts.ail.example sts_unserved", ""},
		{"a mistake", serving("version: STSv1\nmode: strict\nmx: mail.annuaire.example\n", "text/plain", 200), "wrong HTTPS mta-sts.ail.example sts_policy", ""},
		{"another server", serving(strings.ReplaceAll(policy, "mail.", "mx."), "text/plain", 200), "wrong HTTPS mta-sts.ail.example sts_hosts", ""},
		{"any server", serving(strings.ReplaceAll(policy, "mail.", "*."), "text/plain", 200), "", ""},
		{"any server above", serving(strings.ReplaceAll(policy, "mail.annuaire", "*"), "text/plain", 200), "wrong HTTPS mta-sts.ail.example sts_hosts", ""},
		{"ours, under an old number", serving(domains.PolicyText("mail.annuaire.example", true), "text/plain; charset=utf-8", 200), "advice TXT _mta-sts.ail.example sts_id", ""},
		{"mail in clear", mail("clear"), "advice TLS mail.annuaire.example tls_clear", ""},
		{"encryption fails", mail("broken"), "wrong TLS mail.annuaire.example tls_broken", ""},
		{"another's certificate", mail("doubted"), "advice TLS mail.annuaire.example tls_doubted\nadvice TXT _mta-sts.ail.example sts_unsaid", ""},
		{"another's certificate under a strict policy", mail("doubted", goodSTS), "advice TLS mail.annuaire.example tls_doubted\nwrong HTTPS mta-sts.ail.example sts_shut", ""},
		{"the port is closed from here", mail("", goodSTS), "advice TLS mail.annuaire.example tls_unreached", ""},
		{"no reports", set("TXT _smtp._tls.ail.example"), "advice TXT _smtp._tls.ail.example tlsrpt_missing", ""},
		{"reports twice", set("TXT _smtp._tls.ail.example", goodTLS, goodTLS), "wrong TXT _smtp._tls.ail.example tlsrpt_twice", ""},
		{"reports to nobody", set("TXT _smtp._tls.ail.example", "v=TLSRPTv1; rua=x@y.example"), "wrong TXT _smtp._tls.ail.example tlsrpt_syntax", ""},
		{"the DNS fails for reports", set("TXT _smtp._tls.ail.example", "!"), "unknown TXT _smtp._tls.ail.example unknown", ""},
	}
}

func TestEveryWrongRecordIsSaid(t *testing.T) {
	t.Parallel()
	s := domains.NewStore(dbtest.New(t), clock.At(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)))
	for _, sender := range domains.Senders("", []string{"ail.example"}) {
		if _, err := s.SigningKeys(t.Context(), sender); err != nil {
			t.Fatal(err)
		}
	}
	zone := goodZone()
	publish(t, zone, s, "ail.example", "lettres.ail.example")
	bundle, err := i18n.Load(domains.Messages)
	if err != nil {
		t.Fatal(err)
	}
	out := newOutside(t)
	said := map[string]bool{}
	for _, list := range [][]wrongCase{arrivalCases(), sendingCases(), signingCases(zone), policyCases(), transportCases()} {
		for _, c := range list {
			z, setup := maps.Clone(zone), goodSetup()
			out.good()
			c.change(z, &setup, out)
			r, err := out.checker(s, z).Check(t.Context(), setup)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if got := bad(r); got != c.want {
				t.Errorf("%s: said\n%s\nwant\n%s", c.name, got, c.want)
			}
			first := true
			for _, f := range r.Findings {
				said[f.Key] = true
				if first && f.Severity != domains.OK {
					first = false
					if c.wanted != "" && f.Wanted != c.wanted {
						t.Errorf("%s: wanted record %q, want %q", c.name, f.Wanted, c.wanted)
					}
				}
				for _, lang := range i18n.Langs() {
					if text := f.Says(bundle.With(t.Context(), lang)); strings.Contains(text, "<no value>") || strings.HasPrefix(text, "domains.") {
						t.Errorf("%s: in %s: %s", c.name, lang, text)
					}
				}
			}
		}
	}
	for _, key := range bundle.Keys("fr") {
		if word, ok := strings.CutPrefix(key, "domains.says."); ok && !said[word] && !elsewhereSaid[word] {
			t.Errorf("no case says %s", word)
		}
	}
}

// elsewhereSaid are said in the tests below.
var elsewhereSaid = map[string]bool{"key_waits": true, "key_retired": true, "key_gone": true, "dmarc_above": true, "dmarc_watching": true, "sts_testing": true}

func TestTheSitesOwnDomain(t *testing.T) {
	t.Parallel()
	s := domains.NewStore(dbtest.New(t), clock.At(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)))
	setup := domains.Setup{Domain: "Annuaire.example.", Own: true, MailHost: "mail.annuaire.example", SiteHost: "annuaire.example", Receives: true}
	z := goodZone()
	z["TXT _dmarc.annuaire.example"] = []string{"v=DMARC1; p=none; rua=mailto:x@annuaire.example"}
	r, err := newOutside(t).checker(s, z).Check(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	want := `missing MX retour.annuaire.example mx_missing
missing MX lettres.annuaire.example mx_missing
missing TXT retour.annuaire.example spf_missing
missing TXT lettres.annuaire.example spf_missing
missing TXT SEL._domainkey.annuaire.example key_missing
missing TXT SEL-ed._domainkey.annuaire.example key_missing
missing TXT SEL._domainkey.lettres.annuaire.example key_missing
missing TXT SEL-ed._domainkey.lettres.annuaire.example key_missing`
	if got := bad(r); got != want || r.Domain != "annuaire.example" || r.Count() != 8 {
		t.Errorf("said of %s, %d bad:\n%s\nwant\n%s", r.Domain, r.Count(), got, want)
	}
	if got := r.About(domains.Policy); len(got) != 1 || got[0].Key != "dmarc_watching" {
		t.Errorf("a rule that watches before the keys are published: %+v, want it in order", got)
	}
}

func TestARuleFromAbove(t *testing.T) {
	t.Parallel()
	s := domains.NewStore(dbtest.New(t), clock.At(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)))
	z := dns{"TXT _dmarc.insa.example": {"v=DMARC1; p=none; sp=reject; rua=mailto:x@insa.example"}}
	check := func() domains.Report {
		t.Helper()
		r, err := newOutside(t).checker(s, z).Check(t.Context(), domains.Setup{Domain: "alumni.insa.example", Association: true, MailHost: "mail.insa.example"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := check().About(domains.Policy); len(got) != 1 || got[0].Key != "dmarc_early" || got[0].Wanted != "" {
		t.Errorf("a strict rule from above without keys: %+v", got)
	}
	publish(t, z, s, "alumni.insa.example", "lettres.alumni.insa.example")
	if got := check().About(domains.Policy); len(got) != 1 || got[0].Key != "dmarc_above" || got[0].Data["Policy"] != "reject" || got[0].Name != "_dmarc.insa.example" {
		t.Errorf("a strict rule from above: %+v", got)
	}
}

func TestAPolicyForTryingOut(t *testing.T) {
	t.Parallel()
	s := domains.NewStore(dbtest.New(t), clock.At(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)))
	out := newOutside(t)
	out.serve(strings.Replace(policy, "enforce", "testing", 1), "text/plain", 200)
	for how, trusted := range map[string]bool{"vouched": true, "doubted": false} {
		out.encrypt(how)
		r, err := out.checker(s, goodZone()).Check(t.Context(), goodSetup())
		if err != nil || len(r.About(domains.Transport)) != 3 || r.About(domains.Transport)[1].Key != "sts_testing" || r.Trusted() != trusted {
			t.Errorf("with a certificate that is %s: %+v, %v, trusted: %v, want a policy for trying out", how, r.About(domains.Transport), err, r.Trusted())
		}
	}
}

func TestReportsAreKeptAndNewKeysSignOncePublished(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, now, z, out := t.Context(), startClock(), goodZone(), newOutside(t)
		s := domains.NewStore(d, now.now)
		sender := domains.Sender{Domain: "ail.example", Stream: mail.Forwarding}
		if _, err := s.LastReport(ctx, "ail.example"); !errors.Is(err, errs.NotFound) {
			t.Errorf("LastReport() before any = %v, want not found", err)
		}
		check := func(when, wantKeys string, wantBad string) {
			t.Helper()
			r, err := out.checker(s, z).Check(ctx, goodSetup())
			if err != nil {
				t.Fatal(err)
			}
			kept, err := s.LastReport(ctx, "AIL.example")
			if err != nil || !kept.At.Equal(now.now()) || bad(kept) != bad(r) || len(kept.Findings) != len(r.Findings) {
				t.Errorf("%s: LastReport() = %v of %v, %v, want what was found just now", when, bad(kept), kept.At, err)
			}
			if got := bad(r); got != wantBad {
				t.Errorf("%s: said\n%s\nwant\n%s", when, got, wantBad)
			}
			keys, err := s.Keys(ctx, "ail.example")
			if got := selectors(keys); err != nil || got != wantKeys {
				t.Errorf("%s: keys %s, %v, want %s", when, got, err, wantKeys)
			}
		}
		if _, err := s.SigningKeys(ctx, domains.Sender{Domain: "lettres.ail.example", Stream: mail.Campaigns}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SigningKeys(ctx, sender); err != nil {
			t.Fatal(err)
		}
		publish(t, z, s, "ail.example", "lettres.ail.example")
		check("published", "+2026a +2026a-ed", "")
		fresh, err := s.Rotate(ctx, sender)
		if err != nil || len(fresh) != 2 {
			t.Fatal(fresh, err)
		}
		check("rotated", "+2026a +2026a-ed ?2026b ?2026b-ed",
			"advice TXT amicale-2026b._domainkey.ail.example key_waits\nadvice TXT amicale-2026b-ed._domainkey.ail.example key_waits")
		z["TXT "+fresh[0].Host()] = []string{fresh[0].Record()}
		now.turn(time.Hour)
		check("one of two published", "+2026a +2026a-ed ?2026b ?2026b-ed", "advice TXT "+fresh[1].Host()+" key_waits")
		z["TXT "+fresh[1].Host()] = []string{fresh[1].Record()}
		check("both published", "+2026b +2026b-ed -2026a -2026a-ed", "")
		check("both published, seen again", "+2026b +2026b-ed -2026a -2026a-ed", "")
		for name := range z {
			if strings.HasPrefix(name, "TXT amicale-2026a-ed._domainkey.ail") {
				delete(z, name)
			}
		}
		check("an old one taken away too soon", "+2026b +2026b-ed -2026a -2026a-ed", "advice TXT SEL-ed._domainkey.ail.example key_gone")
		now.turn(domains.Published + time.Minute)
		check("a week later", "+2026b +2026b-ed", "")
	})
}

func TestACheckThatIsCutShortLeavesTheLastReport(t *testing.T) {
	t.Parallel()
	s := domains.NewStore(dbtest.New(t), clock.System)
	ctx, cancel := context.WithCancel(t.Context())
	z := goodZone()
	c := newOutside(t).checker(s, cutting{z, cancel})
	if _, err := c.Check(ctx, goodSetup()); !errors.Is(err, context.Canceled) {
		t.Errorf("Check() cut short = %v, want canceled", err)
	}
	if _, err := s.LastReport(t.Context(), "ail.example"); !errors.Is(err, errs.NotFound) {
		t.Errorf("LastReport() after a check cut short = %v, want not found", err)
	}
}

// cutting ends the context at the first question.
type cutting struct {
	dns
	cancel context.CancelFunc
}

func (c cutting) LookupTXT(ctx context.Context, name string) ([]string, error) {
	c.cancel()
	return nil, ctx.Err()
}

func TestNothingIsToBePublishedUnderANameOfThisMachineAlone(t *testing.T) {
	t.Parallel()
	s := domains.NewStore(dbtest.New(t), clock.System)
	setup := domains.Setup{Domain: "ail.example", Own: true, Association: true, MailHost: "127.0.0.1", SiteHost: "localhost", Receives: true}
	r, err := newOutside(t).checker(s, dns{}).Check(t.Context(), setup)
	if err != nil || len(r.Findings) == 0 || r.Findings[0].Key != "host_private" {
		t.Errorf("Check() = %+v, %v, want the server's name first", r.Findings, err)
	}
	for _, f := range r.Findings {
		if strings.Contains(f.Wanted, "127.0.0.1") || strings.Contains(f.Wanted, "localhost") {
			t.Errorf("%s %s is wanted as %q", f.Type, f.Name, f.Wanted)
		}
	}
}
