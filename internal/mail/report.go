package mail

import "strings"

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
//
// Of several recipients it says Dead only if all are: behind one address of ours there may be a list of others'.
func ParseReport(raw []byte) (Report, bool) {
	const most = 1 << 20 // reports say what they have to say at the top
	return parseReport(raw[:min(len(raw), most)], 0)
}

func parseReport(raw []byte, depth int) (Report, bool) {
	h, _ := ReadHeader(raw)
	parts := partsOf(raw)
	out := Report{MessageID: originalID(h, parts)}
	if out.Class = complaintOf(h, parts); out.Class != "" {
		return out, true
	}
	list := statusOf(parts)
	answers, rest := readText(textOf(parts))
	bounce := len(list) > 0 || looksLikeBounce(h)
	if !bounce && answeredByMachine(h) {
		out.Class = Vacation
		return out, true
	}
	if !bounce && h.Get("Return-Path") != "<>" && !(quotesAnswer(answers) && h.Count("In-Reply-To") == 0) {
		return Report{}, false
	}
	out.Class, out.Reply = judge(list, answers, rest)
	if out.Class == Unknown && out.Reply.Code == 0 && depth < 2 {
		for _, p := range parts { // somebody passed a report on
			if p.kind == "message/rfc822" {
				if in, ok := parseReport(p.body, depth+1); ok && in.Class != Unknown && in.Class != Vacation {
					return in, true
				}
			}
		}
	}
	return out, true
}

// quotesAnswer reports whether a text holds what only mail servers write: both codes of a refusal.
func quotesAnswer(list []outcome) bool {
	for _, o := range list {
		if o.reply.Code >= 500 && strings.HasPrefix(o.reply.Enhanced, "5.") {
			return true
		}
	}
	return false
}

// judge decides between what the status parts and the words of a report say. The status parts come first, where
// they quote an answer; the words, where they do not, and always for when an answer was given.
func judge(list, answers []outcome, rest string) (Class, Reply) {
	silent := true // no status part quotes an answer
	for i := range list {
		r := &list[i].reply
		if len(answers) > 0 {
			if s := answers[0].reply.Stage; s != "report" {
				r.Stage = s
			}
			if len(list) == 1 && r.silent() {
				*r = answers[0].reply
			}
		}
		silent = silent && r.silent()
	}
	class, reply := verdict(list, true)
	if class == Unknown && silent {
		if c, r := verdict(answers, false); c != Unknown || len(list) == 0 {
			class, reply = c, r
		}
	}
	if class == Unknown && reply.silent() {
		reply.Text, reply.Stage = oneLine(rest), "report"
		class = Classify(reply)
		reply.Text = cutOctets(reply.Text, MostReplyText)
	}
	return class, reply
}

// silent reports whether an answer has no words; the exit code of a program is none.
func (r Reply) silent() bool { return strings.Trim(r.Text, "0123456789") == "" }

// textOf is what a report says in words, all parts of it.
func textOf(parts []part) string {
	var words strings.Builder
	for _, p := range parts {
		if (p.kind == "text/plain" || p.kind == "") && words.Len() < mostText {
			words.WriteString(p.text())
			words.WriteString("\n\n")
		}
	}
	return words.String()
}

// verdict is the class of several outcomes: the first that does not condemn an address, else Dead. In words the
// same failure is often told twice, once without saying anything: strict is for lists that hold each once.
func verdict(list []outcome, strict bool) (Class, Reply) {
	var dead, unknown *Reply
	for i := range list {
		o := &list[i]
		c := o.class()
		switch c {
		case Dead:
			if dead == nil {
				dead = &o.reply
			}
		case Unknown:
			if unknown == nil {
				unknown = &o.reply
			}
		default:
			return c, o.reply
		}
	}
	switch {
	case dead != nil && (unknown == nil || !strict):
		return Dead, *dead
	case unknown != nil:
		return Unknown, *unknown
	}
	return Unknown, Reply{}
}

func (o outcome) class() Class {
	switch o.action {
	case "delivered", "relayed", "expanded":
		return Delivered
	}
	c := Classify(o.reply)
	if o.action == "delayed" && (c == Dead || c == Unknown || c == Policy) {
		return Temporary
	}
	return c
}

// statusOf are the outcomes of all status parts, and of text that holds such fields without being declared so.
func statusOf(parts []part) []outcome {
	var out []outcome
	for _, p := range parts {
		switch {
		case p.kind == "message/delivery-status", p.kind == "message/global-delivery-status":
			out = append(out, readStatus(p.text())...)
		case p.kind == "text/plain" || p.kind == "":
			t := p.text()
			if n := strings.Index(t, "\nFinal-Recipient:"); n >= 0 {
				out = append(out, readStatus(t[n:])...)
			}
		}
	}
	return out[:min(len(out), mostOutcomes)]
}

// complaintOf is Complaint for a feedback report. One about failed authentication (RFC 6591) blames us, one that
// says "not spam" nobody.
func complaintOf(h Header, parts []part) Class {
	for _, p := range parts {
		if p.kind != "message/feedback-report" {
			continue
		}
		f, _ := ReadHeader([]byte(strings.TrimLeft(p.text(), "\n")))
		switch strings.ToLower(f.Get("Feedback-Type")) {
		case "auth-failure", "dkim", "virus":
			return Reputation
		case "not-spam":
			return Delivered
		}
		return Complaint
	}
	subject := strings.ToLower(h.Get("Subject"))
	if strings.HasPrefix(subject, "complaint about message") || subject == "unsubscribe" && h.Get("Auto-Submitted") != "" {
		return Complaint
	}
	return ""
}

// originalID is the Message-ID of the message reported on.
func originalID(h Header, parts []part) string {
	for _, p := range parts {
		switch p.kind {
		case "message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global", "message/global-headers":
			o, _ := ReadHeader([]byte(strings.TrimLeft(string(p.body[:min(len(p.body), mostText)]), "\r\n")))
			if s := angled(o.Get("Message-ID")); s != "" {
				return s
			}
		}
	}
	for _, p := range parts {
		if p.kind == "text/plain" || p.kind == "" {
			if s := idInText(p.text()); s != "" {
				return s
			}
		}
	}
	return angled(h.Get("In-Reply-To"))
}

func idInText(t string) string {
	const name = "message-id:"
	for t != "" {
		var line string
		line, t, _ = strings.Cut(t, "\n")
		if len(line) > len(name) && strings.EqualFold(line[:len(name)], name) {
			return angled(line)
		}
	}
	return ""
}

// angled is what stands between the first < and >, if it can be a Message-ID.
func angled(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, ok := strings.Cut(s, ">")
	if !ok || len(s) > 250 || strings.ContainsFunc(s, unprintable) {
		return ""
	}
	return s
}
