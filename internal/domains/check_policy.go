package domains

import (
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"

	"amicale/internal/i18n"
)

// policy judges DMARC (RFC 9989): the domain's own record, else that of a domain above, and what overrides it below.
func (x *examination) policy() {
	r := record{"_dmarc." + x.Domain, "TXT", "v=DMARC1; p=none; rua=mailto:postmaster@" + x.Domain}
	list, above, err := x.policyRecord()
	switch {
	case err != nil:
		x.lost(Policy, r)
		return
	case len(list) == 0:
		x.say(Policy, Missing, r, "dmarc_missing")
		return
	case len(list) > 1:
		x.say(Policy, Wrong, r, "dmarc_twice", list...)
		return
	}
	p, err := dmarc.Parse(list[0])
	if err != nil {
		x.say(Policy, Wrong, r, "dmarc_syntax", list...)
		return
	}
	effective := p.Policy
	if above != "" {
		r.name, r.wanted = "_dmarc."+above, ""
		if p.SubdomainPolicy != "" {
			effective = p.SubdomainPolicy
		}
	}
	x.strictness(r, effective, above, list[0])
	x.reportsTo(r, p.ReportURIAggregate)
	x.below(p, above)
}

// policyRecord walks up from the domain, as receivers do (RFC 9989 §4.10); above is where it was found, "" for the
// domain itself.
func (x *examination) policyRecord() (list []string, above string, err error) {
	labels := strings.Split(x.Domain, ".")
	for i := 0; i < len(labels)-1; i++ {
		name := strings.Join(labels[i:], ".")
		found, err := x.zone.texts(x.ctx, "_dmarc."+name)
		if err != nil {
			return nil, "", err
		}
		if list = with(found, "v=DMARC1"); len(list) > 0 {
			if i == 0 {
				name = ""
			}
			return list, name, nil
		}
	}
	return nil, "", nil
}

// strictness: a policy that refuses needs signatures that hold; one that does nothing protects nobody in the end.
func (x *examination) strictness(r record, p dmarc.Policy, above, found string) {
	data := i18n.Data{"Policy": string(p), "Above": above}
	signed := !slices.ContainsFunc(x.out, func(f Finding) bool { return f.Topic == Signing && (f.Severity == Missing || f.Severity == Wrong) })
	switch {
	case p == dmarc.PolicyNone && signed:
		if above == "" {
			r.wanted = firmer(found)
		}
		x.tell(Policy, Advice, r, "dmarc_none", data, found)
	case p == dmarc.PolicyNone:
		r.wanted = found
		x.tell(Policy, OK, r, "dmarc_watching", data, found)
	case !signed:
		r.wanted = ""
		x.tell(Policy, Wrong, r, "dmarc_early", data, found)
	case above != "":
		x.tell(Policy, OK, r, "dmarc_above", data, found)
	default:
		r.wanted = found
		x.tell(Policy, OK, r, "dmarc_ok", data, found)
	}
}

// firmer is a record with its policy raised to quarantine.
func firmer(record string) string {
	parts := strings.Split(record, ";")
	for i, part := range parts {
		if name, value, ok := strings.Cut(part, "="); ok && (strings.TrimSpace(name) == "p" || strings.TrimSpace(name) == "sp") {
			parts[i] = name + "=" + strings.Replace(value, "none", "quarantine", 1)
		}
	}
	return strings.Join(parts, ";")
}

// reportsTo judges where reports go: an address elsewhere must say that it takes them (RFC 9990 §4).
func (x *examination) reportsTo(r record, uris []string) {
	if len(uris) == 0 {
		r.wanted = ""
		x.say(Policy, Advice, r, "dmarc_blind")
		return
	}
	for _, uri := range uris {
		address, ok := strings.CutPrefix(strings.ToLower(uri), "mailto:")
		at := strings.LastIndexByte(address, '@')
		if !ok || at < 1 {
			x.say(Policy, Wrong, record{r.name, "TXT", ""}, "dmarc_rua", uri)
			continue
		}
		host, _, _ := strings.Cut(address[at+1:], "!")
		if related(host, strings.TrimPrefix(r.name, "_dmarc.")) {
			continue
		}
		x.elsewhere(strings.TrimPrefix(r.name, "_dmarc.")+"._report._dmarc."+host, host)
	}
}

// related domains take each other's reports unasked: one is the other, or stands under it.
func related(a, b string) bool {
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

func (x *examination) elsewhere(name, host string) {
	r := record{name, "TXT", "v=DMARC1"}
	list, err := x.zone.texts(x.ctx, name)
	switch {
	case err != nil:
		x.lost(Policy, r)
	case len(with(list, "v=DMARC1")) == 0:
		x.tell(Policy, Advice, r, "dmarc_elsewhere", i18n.Data{"Reports": host})
	}
}

// below: what newsletters leave from may have a record of its own, or a weaker policy by sp=.
func (x *examination) below(p *dmarc.Record, above string) {
	r := record{"_dmarc." + x.letters(), "TXT", ""}
	list, err := x.zone.texts(x.ctx, r.name)
	own := with(list, "v=DMARC1")
	switch {
	case err != nil:
		x.lost(Policy, r)
	case len(own) > 1:
		x.say(Policy, Wrong, r, "dmarc_twice", own...)
	case len(own) == 1:
		if _, err := dmarc.Parse(own[0]); err != nil {
			x.say(Policy, Wrong, r, "dmarc_syntax", own...)
		}
	case above == "" && p.Policy != dmarc.PolicyNone && p.SubdomainPolicy == dmarc.PolicyNone:
		x.say(Policy, Advice, record{"_dmarc." + x.Domain, "TXT", ""}, "dmarc_below")
	}
}
