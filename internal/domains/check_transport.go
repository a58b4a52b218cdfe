package domains

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"amicale/internal/i18n"
)

// transport is how mail comes to us encrypted for sure, and who is told when it does not.
func (x *examination) transport() {
	x.policyServed(x.encryption())
	x.tlsReports()
}

// policyServed judges MTA-STS (RFC 8461): a record that says there is a policy, and the policy itself.
func (x *examination) policyServed(how encryption) {
	policy := PolicyText(x.MailHost, how == vouched)
	r := record{"_mta-sts." + x.Domain, "TXT", "v=STSv1; id=" + policyID(policy)}
	list, err := x.zone.texts(x.ctx, r.name)
	if err != nil {
		x.lost(Transport, r)
		return
	}
	list = with(list, "v=STSv1")
	if len(list) == 0 && (!public(x.MailHost) || how == clear || how == broken) {
		return // first things first
	}
	served, fault := x.fetch()
	switch {
	case len(list) == 0 && fault != nil:
		x.say(Transport, Advice, r, "sts_missing")
		x.pointed()
		return
	case len(list) == 0:
		x.say(Transport, Advice, record{r.name, "TXT", "v=STSv1; id=" + policyID(served)}, "sts_unsaid")
		return
	case len(list) > 1:
		x.say(Transport, Wrong, r, "sts_twice", list...)
		return
	case !validID(tags(list[0])["id"]):
		x.say(Transport, Wrong, r, "sts_syntax", list...)
		return
	case fault != nil:
		x.tell(Transport, Wrong, record{PolicyHost(x.Domain), "HTTPS", ""}, "sts_unserved", i18n.Data{"Fault": fault.Error()})
		x.pointed()
		return
	}
	x.policyHolds(r, list[0], served, how)
}

func validID(id string) bool {
	return id != "" && len(id) <= 32 && strings.Trim(strings.ToLower(id), "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// pointed wants the policy's host to lead to the site, which serves it.
func (x *examination) pointed() {
	r := record{PolicyHost(x.Domain), "CNAME", lower(x.SiteHost) + "."}
	list, err := x.zone.addresses(x.ctx, r.name)
	if err == nil && len(list) == 0 && public(x.SiteHost) {
		x.say(Transport, Advice, r, "sts_host")
	}
}

// policyHolds judges what is served: mail must be allowed to come to our server.
func (x *examination) policyHolds(r record, found, served string, how encryption) {
	host := record{PolicyHost(x.Domain), "HTTPS", ""}
	mode, hosts, ok := readPolicy(served)
	named := false
	for _, h := range hosts {
		named = named || h == lower(x.MailHost) || strings.HasPrefix(h, "*.") && strings.HasSuffix(lower(x.MailHost), h[1:]) &&
			!strings.Contains(strings.TrimSuffix(lower(x.MailHost), h[1:]), ".")
	}
	ours := served == PolicyText(x.MailHost, true) || served == PolicyText(x.MailHost, false)
	data := i18n.Data{"Mode": mode, "Hosts": strings.Join(hosts, ", ")}
	switch {
	case !ok:
		x.say(Transport, Wrong, host, "sts_policy", lines(served)...)
	case !named && mode != "none":
		x.tell(Transport, Wrong, host, "sts_hosts", data, lines(served)...)
	case mode == "enforce" && how != vouched && how != unreached:
		x.say(Transport, Wrong, host, "sts_shut", lines(served)...)
	case ours && tags(found)["id"] != policyID(served):
		x.say(Transport, Advice, record{r.name, "TXT", "v=STSv1; id=" + policyID(served)}, "sts_id", found)
	case mode != "enforce":
		x.tell(Transport, OK, record{r.name, "TXT", found}, "sts_testing", data, found)
	default:
		x.say(Transport, OK, record{r.name, "TXT", found}, "sts_ok", found)
	}
}

func lines(s string) []string { return strings.Fields(strings.ReplaceAll(s, ": ", ":")) }

// readPolicy reads a policy (RFC 8461 §3.2).
func readPolicy(text string) (mode string, hosts []string, ok bool) {
	version := ""
	for _, line := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch name {
		case "version":
			version = value
		case "mode":
			mode = value
		case "mx":
			hosts = append(hosts, lower(value))
		}
	}
	known := mode == "enforce" || mode == "testing" || mode == "none"
	return mode, hosts, version == "STSv1" && known && (len(hosts) > 0 || mode == "none")
}

// fetch is the policy as senders get it; the error is for the operator.
func (x *examination) fetch() (string, error) {
	const most = 64 << 10 // RFC 8461 §3.3
	ctx, cancel := context.WithTimeout(x.ctx, fetchWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+PolicyHost(x.Domain)+"/.well-known/mta-sts.txt", nil)
	if err != nil {
		return "", err
	}
	resp, err := x.o.Client.Do(req)
	if err != nil {
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return "", fmt.Errorf("%s: no such host", PolicyHost(x.Domain))
		}
		return "", errors.Unwrap(err) // without the address, which is told beside it
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(resp.Status)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return "", fmt.Errorf("Content-Type %q", resp.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	return string(body), err
}

// tlsReports judges TLS-RPT (RFC 8460).
func (x *examination) tlsReports() {
	r := record{"_smtp._tls." + x.Domain, "TXT", "v=TLSRPTv1; rua=mailto:postmaster@" + x.Domain}
	list, err := x.zone.texts(x.ctx, r.name)
	list = with(list, "v=TLSRPTv1")
	switch {
	case err != nil:
		x.lost(Transport, r)
	case len(list) == 0:
		x.say(Transport, Advice, r, "tlsrpt_missing")
	case len(list) > 1:
		x.say(Transport, Wrong, r, "tlsrpt_twice", list...)
	case !reportable(tags(list[0])["rua"]):
		x.say(Transport, Wrong, r, "tlsrpt_syntax", list...)
	default:
		r.wanted = list[0]
		x.say(Transport, OK, r, "tlsrpt_ok", list...)
	}
}

func reportable(rua string) bool {
	for _, one := range strings.Split(rua, ",") {
		if !strings.HasPrefix(one, "mailto:") && !strings.HasPrefix(one, "https://") {
			return false
		}
	}
	return true
}
