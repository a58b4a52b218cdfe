package inbox

import (
	"context"
	"errors"
	"net"
	"strings"

	"amicale/internal/mail"
)

// dmarc evaluates RFC 9989 for one message. The records are read here, for go-msgauth reads those of RFC 7489: without
// the tree walk and its tags, and refusing a whole record for a tag it does not know the value of.
type dmarc struct {
	ctx   context.Context
	dns   Resolver
	known map[string]found // by domain

	// What find found.
	domain string // the author's; empty when there is none to ask about
	unfit  bool   // there is a From, but not one author whose domain could be asked (RFC 9989 §5.3.1)
	rec    record
	policy string
	err    error
}

// record is a DMARC policy record (RFC 9989 §4.7).
type record struct {
	policy, sub, missing string // p, sp, np: "none", "quarantine", "reject"; sub and missing may be empty
	strictDKIM           bool   // adkim=s
	strictSPF            bool   // aspf=s
	testing              bool   // t=y: one step milder
	suffix               byte   // psd: 'y' a public suffix, 'n' the organization itself, 'u' unknown
	void                 bool   // it says nothing that can be applied: there is a record, and no DMARC
}

type found struct {
	record
	ok bool
}

var errDNS = errors.New("the DNS does not answer")

// find reads what the author's domain asks for.
func (d *dmarc) find(head mail.Header) {
	author, err := head.Author()
	if err != nil {
		d.unfit = head.Count("From") > 0
		return
	}
	d.domain = mail.DomainOf(author.Address)
	d.rec, d.policy, d.err = d.policyOf(d.domain)
}

// judge completes what is known of the sender. known says that SPF could be asked.
func (d *dmarc) judge(a *Auth, signed []signature, known bool) {
	a.DMARC, a.Domain = None, d.domain
	switch {
	case d.unfit:
		a.DMARC = PermError
		return
	case errors.Is(d.err, errDNS):
		a.DMARC = TempError
		return
	case d.domain == "" || d.err != nil: // nothing is asked for
		return
	}
	a.Policy = d.policy
	byDKIM, err1 := d.anyAligned(signed)
	bySPF, err2 := false, error(nil)
	if a.SPF == Pass {
		bySPF, err2 = d.aligned(a.SPFDomain, d.rec.strictSPF)
	}
	switch {
	case byDKIM || bySPF:
		a.DMARC, a.BySPFOnly = Pass, !byDKIM
	case err1 != nil || err2 != nil || a.SPF == TempError || a.DKIM == TempError:
		a.DMARC = TempError
	case !known:
		// The server in front knows who sent it and may have seen SPF pass; from here it cannot be told.
	default:
		a.DMARC = Fail
	}
}

func (d *dmarc) anyAligned(signed []signature) (bool, error) {
	var failed error
	for _, g := range signed {
		if g.result != Pass {
			continue
		}
		ok, err := d.aligned(g.domain, d.rec.strictDKIM)
		if ok {
			return true, nil
		}
		if err != nil {
			failed = err
		}
	}
	return false, failed
}

// aligned reports whether a domain belongs together with the author's (RFC 9989 §4.4).
func (d *dmarc) aligned(other string, strict bool) (bool, error) {
	author := d.domain
	if author == other {
		return true, nil
	}
	// The last labels that they share hold the organization's name, if they share it.
	if strict || lastLabel(author) != lastLabel(other) {
		return false, nil
	}
	one, err := d.organization(author)
	if err != nil {
		return false, err
	}
	two, err := d.organization(other)
	return err == nil && one == two, err
}

func lastLabel(s string) string { return s[strings.LastIndexByte(s, '.')+1:] }

var errNoPolicy = errors.New("no policy")

// policyOf is what applies to mail from the domain (RFC 9989 §4.10.1): its own record, its organization's, or that of the
// public suffix above.
func (d *dmarc) policyOf(domain string) (record, string, error) {
	own, err := d.at(domain)
	if err != nil {
		return record{}, "", err
	}
	if own.void {
		return record{}, "", errNoPolicy
	}
	if own.ok {
		return own.record, milder(own.policy, own.testing), nil
	}
	org, err := d.organization(domain)
	if err != nil {
		return record{}, "", err
	}
	for _, name := range []string{org, parent(org)} {
		r, err := d.at(name)
		if err != nil {
			return record{}, "", err
		}
		if !r.ok || name != org && r.suffix != 'y' {
			continue
		}
		if r.void {
			break
		}
		p := r.policy
		if r.sub != "" {
			p = r.sub
		}
		if r.missing != "" && !d.exists(domain) {
			p = r.missing
		}
		return r.record, milder(p, r.testing), nil
	}
	return record{}, "", errNoPolicy
}

// milder is the policy, one step down for a domain that still tries (RFC 9989 §4.7, t).
func milder(policy string, testing bool) string {
	switch {
	case !testing:
		return policy
	case policy == "reject":
		return "quarantine"
	}
	return "none"
}

// organization is the organizational domain of a name, by the tree walk (RFC 9989 §4.10).
func (d *dmarc) organization(domain string) (string, error) {
	org := domain
	for _, name := range ladder(domain) {
		r, err := d.at(name)
		if err != nil {
			return "", err
		}
		if !r.ok {
			continue
		}
		switch {
		case r.suffix == 'n', r.suffix == 'y' && name == domain: // the walk ends at its start
			return name, nil
		case r.suffix == 'y':
			return below(domain, name), nil
		}
		org = name // the one with the fewest labels so far
	}
	return org, nil
}

// ladder is the names that the walk asks for: the name itself and its parents, but never more than eight.
func ladder(domain string) []string {
	out := []string{domain}
	labels := strings.Split(domain, ".")
	rest := labels[1:]
	if len(labels) > 8 {
		rest = labels[len(labels)-7:]
	}
	for i := range rest {
		out = append(out, strings.Join(rest[i:], "."))
	}
	return out
}

// below is the name one label under suffix that domain ends with.
func below(domain, suffix string) string {
	head := strings.TrimSuffix(domain, "."+suffix)
	return head[strings.LastIndexByte(head, '.')+1:] + "." + suffix
}

func parent(domain string) string {
	_, rest, _ := strings.Cut(domain, ".")
	return rest
}

// at is the record that stands at a name; two are as good as none.
func (d *dmarc) at(name string) (found, error) {
	if name == "" {
		return found{}, nil
	}
	if f, ok := d.known[name]; ok {
		return f, nil
	}
	list, err := d.dns.LookupTXT(d.ctx, "_dmarc."+name)
	if err != nil && !notFound(err) {
		return found{}, errDNS
	}
	f, n := found{}, 0
	for _, txt := range list {
		if r, ok := parseRecord(txt); ok {
			f, n = found{r, true}, n+1
		}
	}
	if n > 1 {
		f = found{}
	}
	if d.known == nil {
		d.known = map[string]found{}
	}
	d.known[name] = f
	return f, nil
}

func notFound(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

// exists reports whether a name has any record that mail could come from; a DNS that does not answer says yes.
func (d *dmarc) exists(name string) bool {
	if _, err := d.dns.LookupMX(d.ctx, name); err == nil || !notFound(err) {
		return true
	}
	_, err := d.dns.LookupIPAddr(d.ctx, name)
	return err == nil || !notFound(err)
}

// parseRecord reads a record; tags that are unknown or make no sense are passed over (RFC 9989 §4.7). One whose policy
// makes none asks for nothing where it names somebody to report to, and is void where it does not (§4.10.1).
func parseRecord(txt string) (record, bool) {
	r := record{suffix: 'u'}
	reports, sense := false, true
	word := func(s string) string {
		sense = sense && (s == "none" || s == "quarantine" || s == "reject")
		return s
	}
	for i, part := range strings.Split(txt, ";") {
		k, v, _ := strings.Cut(part, "=")
		k, v = strings.ToLower(strings.TrimSpace(k)), strings.TrimSpace(v)
		if i == 0 && (k != "v" || v != "DMARC1") {
			return record{}, false
		}
		l := strings.ToLower(v)
		switch k {
		case "p":
			r.policy = word(l)
		case "sp":
			r.sub = word(l)
		case "np":
			r.missing = word(l)
		case "adkim":
			r.strictDKIM = l == "s"
		case "aspf":
			r.strictSPF = l == "s"
		case "t":
			r.testing = l == "y"
		case "psd":
			if l == "y" || l == "n" {
				r.suffix = l[0]
			}
		case "rua":
			reports = strings.Contains(l, "mailto:")
		}
	}
	if !sense || r.policy == "" {
		r.policy, r.sub, r.missing, r.void = "none", "", "", !reports
	}
	return r, true
}
