package domains

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"amicale/internal/mail"
)

// Setup is what the records of a domain depend on.
type Setup struct {
	Domain      string // an association's mail domain, or that of the site's own letters
	Own         bool   // the site's own letters come from it
	Association bool   // it has lifetime addresses
	MailHost    string // the name our mail server greets with
	SiteHost    string // the host of the site's address
	Smarthost   string // the host that mail leaves by; "" when it leaves from here
	Receives    bool   // mail arrives here
}

// Senders are those of the domain and below it.
func (s Setup) Senders() []Sender {
	var own string
	var associations []string
	if s.Own {
		own = s.Domain
	}
	if s.Association {
		associations = []string{s.Domain}
	}
	return Senders(own, associations)
}

// letters and returns are the domains below it.
func (s Setup) letters() string { return mail.LettersDomain(s.Domain) }
func (s Setup) returns() string { return mail.ReturnDomain(s.Domain) }

// PolicyText is the text served at https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 §3.2): mail for the domain goes
// to this host. Enforced, it goes nowhere else, and only under a certificate that everybody believes.
func PolicyText(mailHost string, enforced bool) string {
	mode := "testing"
	if enforced {
		mode = "enforce"
	}
	return "version: STSv1\r\nmode: " + mode + "\r\nmx: " + lower(mailHost) + "\r\nmax_age: 604800\r\n" // a week
}

// PolicyHost is the host that serves a domain's policy.
func PolicyHost(domain string) string { return "mta-sts." + domain }

// policyID changes with the policy, as senders expect (RFC 8461 §3.1).
func policyID(policy string) string {
	sum := sha256.Sum256([]byte(policy))
	return hex.EncodeToString(sum[:10])
}

// spfHints are what providers ask to be named by, found by the end of the smarthost's name.
var spfHints = []struct{ host, term string }{
	{"amazonaws.com", "include:amazonses.com"},
	{"brevo.com", "include:spf.brevo.com"},
	{"gandi.net", "include:_mailcust.gandi.net"},
	{"gmail.com", "include:_spf.google.com"},
	{"google.com", "include:_spf.google.com"},
	{"infomaniak.com", "include:spf.infomaniak.ch"},
	{"mailgun.org", "include:mailgun.org"},
	{"mailjet.com", "include:spf.mailjet.com"},
	{"office365.com", "include:spf.protection.outlook.com"},
	{"ovh.net", "include:mx.ovh.com"},
	{"postmarkapp.com", "include:spf.mtasv.net"},
	{"scw.cloud", "include:_spf.tem.scaleway.com"},
	{"sendgrid.net", "include:sendgrid.net"},
}

// spfTerm is how SPF names the way that mail leaves by; known is whether it is certain.
func (s Setup) spfTerm() (term string, known bool) {
	if s.Smarthost == "" {
		return "a:" + lower(s.MailHost), true
	}
	host := lower(s.Smarthost)
	i := slices.IndexFunc(spfHints, func(h struct{ host, term string }) bool {
		return host == h.host || strings.HasSuffix(host, "."+h.host)
	})
	if i >= 0 {
		return spfHints[i].term, true
	}
	return "a:" + host, false
}
