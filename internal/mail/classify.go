package mail

import (
	"slices"
	"strings"
)

// Classify says what an answer means. Words that blame us win over everything, then what the words say of the
// mailbox, then the codes: servers say "5.1.1" of an address that they would take from somebody else.
func Classify(r Reply) Class {
	if r.Code >= 200 && r.Code < 400 {
		return Delivered
	}
	words := plain(r.Text)
	said := listen(words)
	passing := r.Code >= 400 && r.Code < 500 || r.Code == 0 && strings.HasPrefix(r.Enhanced, "4.")
	if c := numbered(words); c != "" {
		return c
	}
	switch {
	case said.has(certain) && !passing:
		return Dead
	case blames(r, said):
		return Reputation
	case r.early():
		return earlyClass(r, passing)
	case said.has(busy):
		return Temporary
	case said.has(full), passing && r.Enhanced == "4.2.2":
		return Full
	case passing:
		return Temporary
	case gone(r, words, said):
		return Dead
	case said.has(unwanted):
		return Policy
	case slices.Contains(deadCodes, r.Enhanced) && !said.has(later):
		return Dead
	}
	if c := byEnhanced(r.Enhanced); c != Unknown {
		return c
	}
	if said.has(later) {
		return Temporary
	}
	return Unknown
}

// numbered reads the numbers that Orange and La Poste put at the end of an answer: "OFR_416", "LPN007_510". What is
// not about the mailbox or the message is about who sends and how fast.
func numbered(words string) Class {
	for _, site := range []string{" ofr", " lpn"} {
		_, rest, ok := strings.Cut(words, site)
		rest = rest[digits(rest):]
		if !ok || len(rest) < 5 || rest[0] != ' ' || digits(rest[1:]) != 3 {
			continue
		}
		switch rest[1:4] {
		case "416":
			return Dead
		case "417", "420", "426":
			return Full
		case "506", "513", "514":
			return Policy
		}
		return Reputation
	}
	return ""
}

// deadCodes say that an address or its domain does not exist (RFC 3463, RFC 7505; 5.4.310 is Microsoft's).
var deadCodes = []string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4", "5.4.310"}

// earlyClass is for an answer before any recipient was named: nothing but us was known, and at MAIL the size
// (RFC 1870 §6.1) and what the message needs.
func earlyClass(r Reply, passing bool) Class {
	switch {
	case passing:
		return Temporary
	case r.Code == 552, byEnhanced(r.Enhanced) == Policy && !strings.HasPrefix(r.Enhanced, "5.7."):
		return Policy
	}
	return Reputation
}

// early reports whether the server answered before it was told a recipient.
func (r Reply) early() bool {
	return slices.Contains([]string{"connect", "hello", "tls", "auth", "mail"}, r.Stage)
}

// blames reports whether the answer is about who sends.
func blames(r Reply, said sayings) bool {
	if _, detail, ok := strings.Cut(r.Enhanced, ".7."); ok {
		// 20 to 29: DKIM, SPF, DMARC, reverse DNS (RFC 7372, RFC 8617); from 500 on Microsoft's. 27 is a null MX,
		// and is also said of the recipient's.
		if len(detail) == 2 && detail[0] == '2' && detail != "27" || len(detail) == 3 && detail >= "500" {
			return true
		}
	}
	if strings.HasSuffix(r.Enhanced, ".1.7") || strings.HasSuffix(r.Enhanced, ".1.8") {
		return true
	}
	return said.has(blamesUs) && !said.has(greylists)
}

// gone reports whether the words say that there is no such mailbox or domain.
func gone(r Reply, words string, said sayings) bool {
	if r.Stage == "data" && !slices.Contains(deadCodes, r.Enhanced) {
		return false // the recipient had been taken: this is how some gateways refuse a message
	}
	if said.has(noDomain) {
		return true
	}
	none := said.has(noMailbox)
	switch {
	case slices.Contains(deadCodes, r.Enhanced):
		return none
	case r.Enhanced == "5.4.1": // Microsoft's refusal of a recipient that its directory does not hold
		return none || strings.Contains(words, " recipient address rejected access denied ")
	case r.Enhanced == "5.1.0": // IronPort's
		return none || strings.Contains(words, " address rejected ")
	}
	if r.Stage == "rcpt" && vague(r.Enhanced) && r.Code == 550 && strings.HasSuffix(words, " recipient address rejected ") {
		return true // refused as a recipient, and no other reason given
	}
	return none && r.Stage != "report"
}

func byEnhanced(enhanced string) Class {
	switch {
	case enhanced == "5.2.1", enhanced == "5.2.2", enhanced == "5.7.13":
		return Full
	case enhanced == "5.2.3", enhanced == "5.3.4", strings.HasPrefix(enhanced, "5.6."), strings.HasPrefix(enhanced, "5.7."):
		return Policy
	case enhanced == "5.4.7", enhanced == "5.4.300", enhanced == "5.4.316":
		return Temporary
	}
	return Unknown
}
