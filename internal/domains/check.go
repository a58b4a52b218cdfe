package domains

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"slices"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
)

// Checker looks whether the DNS holds what a domain needs, and our server answers as it should.
type Checker struct {
	store *Store
	o     CheckerOptions
}

// CheckerOptions are how a checker reaches the world; what is nil or zero is the machine's own.
type CheckerOptions struct {
	Resolver Resolver
	Client   *http.Client // for policies over https; redirections are not followed
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool
}

// fetchWithin is for a policy over https, and for the server's greeting and certificate.
const fetchWithin = 15 * time.Second

// NewChecker makes a checker.
func NewChecker(s *Store, o CheckerOptions) *Checker {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Dial == nil {
		own, _ := o.Resolver.(*net.Resolver) // else the machine's
		o.Dial = (&net.Dialer{Resolver: own}).DialContext
	}
	one := http.Client{Transport: &http.Transport{DialContext: o.Dial, TLSClientConfig: &tls.Config{RootCAs: o.Roots}, DisableKeepAlives: true}}
	if o.Client != nil {
		one = *o.Client
	}
	one.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // RFC 8461 §3.3
	o.Client = &one
	return &Checker{store: s, o: o}
}

// Check asks the DNS, keeps the report, and lets new keys sign whose records are there. Keys that a sender of the
// domain lacks are made first, so that the report can say what to publish.
func (c *Checker) Check(ctx context.Context, s Setup) (Report, error) {
	s.Domain = lower(s.Domain)
	keys, err := c.keys(ctx, s)
	if err != nil {
		return Report{}, errs.Wrap("domains.Check "+s.Domain, err)
	}
	x := &examination{Setup: s, ctx: ctx, o: c.o, zone: newZone(c.o.Resolver), keys: keys}
	x.run()
	if err := ctx.Err(); err != nil {
		return Report{}, errs.Wrap("domains.Check "+s.Domain, err) // what was found is not what there is
	}
	report := Report{Domain: s.Domain, At: c.store.now(), Findings: x.out}
	for _, sender := range x.ready() {
		if err := c.store.Activate(ctx, sender); err != nil {
			return Report{}, err
		}
	}
	return report, c.store.keep(ctx, report)
}

// keys are those of the domain and of those below it that send.
func (c *Checker) keys(ctx context.Context, s Setup) (out []Key, err error) {
	names := []string{s.Domain, s.letters()}
	for _, sender := range s.Senders() {
		if _, err := c.store.SigningKeys(ctx, sender); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		list, err := c.store.Keys(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// examination is one check under way.
type examination struct {
	Setup
	ctx  context.Context
	o    CheckerOptions
	zone *zone
	keys []Key
	seen []Key // whose record is there
	out  []Finding
}

func (x *examination) run() {
	if !public(x.Domain) {
		x.say(Arrival, Missing, record{x.Domain, "MX", ""}, "private")
		return
	}
	x.prefetch()
	x.arrival()
	x.sending()
	x.signing()
	x.policy()
	if x.Receives && x.Association {
		x.transport()
	}
}

func (x *examination) prefetch() {
	txt := []string{x.Domain, x.letters(), x.returns(), lower(x.MailHost), "_dmarc." + x.Domain, "_dmarc." + x.letters(),
		"_mta-sts." + x.Domain, "_smtp._tls." + x.Domain}
	for _, k := range x.keys {
		txt = append(txt, k.Host())
	}
	hosts := []string{lower(x.MailHost), PolicyHost(x.Domain)}
	if x.Smarthost != "" {
		hosts = append(hosts, lower(x.Smarthost))
	}
	x.zone.prefetch(x.ctx, txt, []string{x.Domain, x.letters(), x.returns()}, hosts)
}

// record is a DNS record: its name, its type and what is wanted of it.
type record struct{ name, kind, wanted string }

// say adds a finding; found is what stands in the DNS.
func (x *examination) say(t Topic, s Severity, r record, key string, found ...string) {
	x.tell(t, s, r, key, i18n.Data{}, found...)
}

// tell is say with more for the text than the record, the domain and the hosts.
func (x *examination) tell(t Topic, s Severity, r record, key string, data i18n.Data, found ...string) {
	for name, value := range map[string]string{"Name": r.name, "Domain": x.Domain, "Host": lower(x.MailHost), "Smarthost": lower(x.Smarthost)} {
		if _, ok := data[name]; !ok {
			data[name] = value
		}
	}
	x.out = append(x.out, Finding{Topic: t, Severity: s, Name: r.name, Type: r.kind, Wanted: r.wanted, Found: found, Key: key, Data: data})
}

// lost says that the DNS did not answer.
func (x *examination) lost(t Topic, r record) { x.say(t, Unknown, r, "unknown") }

// ready are the senders all of whose waiting keys are published.
func (x *examination) ready() (out []Sender) {
	for _, k := range x.keys {
		if !k.Waits() || slices.Contains(out, k.Sender) {
			continue
		}
		if !slices.ContainsFunc(of(x.keys, k.Sender, Key.Waits), func(k Key) bool { return !slices.ContainsFunc(x.seen, func(s Key) bool { return s.ID == k.ID }) }) {
			out = append(out, k.Sender)
		}
	}
	return out
}
