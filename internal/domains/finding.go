package domains

import (
	"context"
	"time"

	"amicale/internal/i18n"
)

// Severity says what a finding means.
type Severity string

// From good to bad.
const (
	OK      Severity = "ok"
	Advice  Severity = "advice"  // it works, and could be better
	Unknown Severity = "unknown" // the DNS did not answer
	Missing Severity = "missing"
	Wrong   Severity = "wrong"
)

// Bad reports whether mail suffers from it, or may.
func (s Severity) Bad() bool { return s == Missing || s == Wrong || s == Unknown }

// Topic is what a record is for; pages and the command line group by it.
type Topic string

// The topics.
const (
	Arrival   Topic = "arrival"   // where mail arrives: MX and addresses
	Sending   Topic = "sending"   // who may send: SPF, the server's name
	Signing   Topic = "signing"   // DKIM
	Policy    Topic = "policy"    // DMARC
	Transport Topic = "transport" // MTA-STS and TLS-RPT
)

// Topics are all of them, in the order of pages.
func Topics() []Topic { return []Topic{Arrival, Sending, Signing, Policy, Transport} }

// Words are what the topic is called, in the language of the context.
func (t Topic) Words(ctx context.Context) string { return i18n.T(ctx, "domains.topic."+string(t)) }

// Finding is what is to be said of one DNS record.
type Finding struct {
	Topic    Topic     `json:"topic"`
	Severity Severity  `json:"severity"`
	Name     string    `json:"name"`             // of the record, without a dot at the end
	Type     string    `json:"type"`             // "MX", "TXT", "A", …
	Wanted   string    `json:"wanted,omitempty"` // what to publish, to be copied; "" when there is nothing to do
	Found    []string  `json:"found,omitempty"`  // what stands there
	Key      string    `json:"key"`              // which text: domains.says.KEY
	Data     i18n.Data `json:"data,omitempty"`   // for the text
}

// Says is the finding in plain words, in the language of the context.
func (f Finding) Says(ctx context.Context) string {
	return i18n.T(ctx, "domains.says."+f.Key, f.Data)
}

// Report is all that is to be said of a domain.
type Report struct {
	Domain   string    `json:"domain"`
	At       time.Time `json:"at"` // when the DNS was asked
	Findings []Finding `json:"findings"`
}

// Count is how many findings are bad.
func (r Report) Count() (n int) {
	for _, f := range r.Findings {
		if f.Severity.Bad() {
			n++
		}
	}
	return n
}

// About are the findings of a topic.
func (r Report) About(t Topic) (out []Finding) {
	for _, f := range r.Findings {
		if f.Topic == t {
			out = append(out, f)
		}
	}
	return out
}
