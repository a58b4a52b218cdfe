package mail

import (
	"bytes"
	"strings"
)

// outcome is what one report, or one paragraph of it, says of one recipient.
type outcome struct {
	action string // "failed", "delayed", "delivered", "relayed", "expanded"; empty in free text
	reply  Reply
}

// mostOutcomes bounds how many recipients of one report are looked at.
const mostOutcomes = 40

// readStatus reads the fields of a delivery-status part (RFC 3464 §2). Groups need not be separated as the standard
// says: a field that comes a second time begins the next.
func readStatus(text string) []outcome {
	var out []outcome
	group := map[string]string{}
	flush := func() {
		if group["action"] != "" || group["status"] != "" || group["diagnostic-code"] != "" {
			out = append(out, statusOutcome(group))
		}
		clear(group)
	}
	raw := []byte(text)
	for len(raw) > 0 && len(out) < mostOutcomes {
		h, n := ReadHeader(raw)
		for _, f := range h.fields {
			name := strings.ToLower(string(raw[f.name:f.nameEnd]))
			switch name {
			case "action", "status", "diagnostic-code", "remote-mta", "final-recipient":
				if group[name] != "" {
					flush()
				}
				group[name] = statusValue(h, f)
			}
		}
		if len(h.fields) > 0 {
			flush()
		}
		if n == 0 { // a line that is no field
			_, n = lineAt(raw, 0)
		}
		raw = raw[n:]
	}
	flush()
	return out
}

// statusValue is a field's value on one line. Domino folds within words.
func statusValue(h Header, f field) string {
	const domino = "x-notes"
	v := string(bytes.TrimSpace(h.raw[f.value:f.valueEnd]))
	if len(v) > len(domino) && strings.EqualFold(v[:len(domino)], domino) {
		return strings.NewReplacer("\r\n ", "", "\n ", "").Replace(v)
	}
	return h.text(f)
}

func statusOutcome(group map[string]string) outcome {
	action, _, _ := strings.Cut(strings.ToLower(group["action"]), " ")
	kind, diagnostic, typed := strings.Cut(group["diagnostic-code"], ";")
	if !typed || strings.Contains(strings.TrimSpace(kind), " ") {
		diagnostic = group["diagnostic-code"]
	}
	r := parseReply(diagnostic)
	if start, end := enhancedAt(group["status"], 0); start >= 0 && (r.Enhanced == "" || vague(r.Enhanced) && !vague(group["status"][start:end])) {
		r.Enhanced = group["status"][start:end]
	}
	if r.Text == "" {
		r.Text = parseReply(parenthesis(group["status"])).Text
	}
	if _, host, ok := strings.Cut(group["remote-mta"], ";"); ok {
		r.Server = hostName(host)
	}
	r.Stage = "report"
	if group["status"] != "" && vague(r.Enhanced) && strings.Contains(diagnostic, "@") {
		r.Stage = "rcpt" // an answer that names the recipient was given when it was named
	}
	return outcome{action: action, reply: r}
}

// parenthesis is the remark behind a status: "4.2.2 (Over quota)".
func parenthesis(s string) string {
	_, s, _ = strings.Cut(s, "(")
	return strings.TrimSuffix(strings.TrimSpace(s), ")")
}

// hostName is the first word of s if it can be a host's name.
func hostName(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	if len(s) > 253 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return ""
	}
	return strings.ToLower(strings.Trim(s, "."))
}
