// Package domains is the mail domains of the installation: which domain each stream of mail leaves from, the keys
// it is signed with, the DNS records all that needs, and whether they are there.
//
// It owns the tables dkim_keys, mail_secrets and mail_checks. A key is made when it is first needed and signs from
// then on; its successor signs once its record is seen in the DNS, and the old record stays published for a week. It
// never changes a zone: it says what to publish and what is wrong.
package domains

import (
	"net/netip"
	"slices"
	"strings"

	"amicale/internal/mail"
)

// Sender is a domain that a stream leaves from, with its own signing key.
type Sender struct {
	Domain string
	Stream mail.Stream
}

// Senders are those of an installation: its own letters and newsletters, and each association's forwarding and
// newsletters. own is the domain of the setting mail-from. Names that are none of the public DNS send nothing.
func Senders(own string, associations []string) []Sender {
	var out []Sender
	add := func(base string, first mail.Stream) {
		if base = lower(base); !public(base) {
			return
		}
		for _, s := range []Sender{{base, first}, {mail.LettersDomain(base), mail.Campaigns}} {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	add(own, mail.Notifications)
	for _, d := range associations {
		add(d, mail.Forwarding)
	}
	return out
}

// public reports whether a name can stand in the public DNS: a machine's own name and an address cannot.
func public(domain string) bool {
	_, err := netip.ParseAddr(domain)
	return err != nil && strings.Contains(strings.Trim(domain, "."), ".") && !strings.HasSuffix(domain, ".localhost")
}

// lower is a domain as it is stored and compared.
func lower(domain string) string { return strings.ToLower(strings.TrimSuffix(domain, ".")) }
