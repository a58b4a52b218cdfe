package mail

import "strings"

// mostLines bounds how far a bounce in free text is read.
const mostLines = 400

// readText reads what a bounce says in words, up to where the returned message begins: the answers it quotes, each
// with the stage at which it was given, and the rest.
func readText(text string) (answers []outcome, rest string) {
	t := transcript{stage: "report"}
	for n := 0; n < mostLines && text != ""; n++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if beginsOriginal(strings.TrimSpace(line)) {
			break
		}
		t.take(line)
	}
	t.flush()
	if t.server != nil { // what the server said counts more than how the reporter words it
		return t.server, t.rest.String()
	}
	return t.answers, t.rest.String()
}

// transcript collects lines into units, one for each answer.
type transcript struct {
	unit    strings.Builder
	indent  int    // of the unit's first line: what belongs to it stands further to the right
	quoted  bool   // the unit is what a server said: "<<< 550 …"
	stage   string // of the conversation, as far as it was told
	answers []outcome
	server  []outcome
	rest    strings.Builder
}

func (t *transcript) take(full string) {
	line := strings.TrimSpace(full)
	indent := len(full) - len(strings.TrimLeft(full, " \t"))
	said, quoted := strings.CutPrefix(line, "<<<")
	switch {
	case line == "", strings.HasPrefix(line, ">>>"):
		t.flush()
		if s := stageOf(plain(line)); s != "" {
			t.stage = s
		}
		return
	case quoted:
		line = strings.TrimSpace(said)
		if !t.quoted || !t.continues(line) {
			t.flush()
		}
		t.quoted = true
	case t.quoted, codeAt(line, 0) == 0 && !t.continues(line), indent <= t.indent && opensRecipient(line):
		t.flush()
	}
	if t.unit.Len() == 0 {
		t.indent = indent
	}
	t.unit.WriteString(line)
	t.unit.WriteByte(' ')
}

// continues reports whether a line is a further line of the answer that the unit holds.
func (t *transcript) continues(line string) bool {
	u := t.unit.String()
	at := codeAt(u, 0)
	return at >= 0 && at+3 < len(u) && u[at+3] == '-' && strings.HasPrefix(line, u[at:at+3])
}

// opensRecipient reports whether a line begins with an address, as reports list recipients; "<a@b>... Unknown" is
// how servers begin an answer.
func opensRecipient(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	at := strings.IndexByte(word, '@')
	return at > 0 && at < len(word)-1 && !strings.HasSuffix(word, "...")
}

// flush ends the unit.
func (t *transcript) flush() {
	u, quoted := t.unit.String(), t.quoted
	t.unit.Reset()
	t.quoted = false
	if u == "" {
		return
	}
	words := plain(u)
	if s := stageOf(words); s != "" {
		t.stage = s
	}
	at := codeAt(u, 0)
	if e, _ := enhancedAt(u, 0); at < 0 && e >= 0 {
		at = 0 // "Sorry, no such host. (#5.1.2)"
	}
	if at < 0 || len(t.answers)+len(t.server) >= mostOutcomes {
		if t.rest.Len() < 4*MostReplyText {
			t.rest.WriteString(u)
		}
		return
	}
	r := parseReply(u[at:])
	if r.Code == 503 || r.Code == 554 && strings.Contains(words, " no valid recipients ") || strings.Contains(words, " rcpt first ") {
		return // what follows from the failure is not another
	}
	r.Stage, r.Server = t.stage, hostSaid(u[:at])
	if quoted {
		t.server = append(t.server, outcome{reply: r})
	} else {
		t.answers = append(t.answers, outcome{reply: r})
	}
}

// hostSaid finds who answered in "… host mx.example.org[192.0.2.1] said: ".
func hostSaid(s string) string {
	_, s, ok := strings.Cut(s, "host ")
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, "[")
	return hostName(strings.TrimLeft(s, " "))
}

// stages are the words that say when an answer was given, the most exact first.
var stages = []struct{ words, stage string }{
	{" in reply to rcpt to ", "rcpt"}, {" in reply to end of data ", "data"}, {" in reply to data ", "data"}, {" in reply to mail from ", "mail"},
	{" in reply to ehlo ", "hello"}, {" in reply to helo ", "hello"}, {" after rcpt to ", "rcpt"}, {" after rcpt command", "rcpt"}, {" following rcpt command", "rcpt"},
	{" after end of data", "data"}, {" after pipelined", "data"}, {" after data", "data"}, {" after mail from", "mail"}, {" after initial connection", "connect"}, {" after ehlo", "hello"}, {" after helo", "hello"},
	{" did not like our rcpt to", "rcpt"}, {" did not like our final data", "data"}, {" did not like our data", "data"}, {" did not like our mail from", "mail"}, {" did not like our", "hello"},
	{" does not like recipient", "rcpt"}, {" failed after i sent the message", "data"}, {" sender was rejected", "mail"}, {" refused to talk to me", "connect"}, {" but greeting failed", "connect"},
	{" smtp rcpt host", "rcpt"}, {" rejected recipient", "rcpt"}, {" refused to accept your message", "data"}, {" rcpt to ", "rcpt"}, {" mail from ", "mail"},
}

func stageOf(words string) string {
	for _, s := range stages {
		if strings.Contains(words, s.words) {
			return s.stage
		}
	}
	if words == " data " {
		return "data"
	}
	return ""
}

// beginsOriginal reports whether the returned message begins here.
func beginsOriginal(line string) bool {
	if len(line) == 0 || len(line) > 200 {
		return false
	}
	lower := strings.ToLower(line)
	for _, p := range []string{"return-path:", "received: from", "received: by", "received: (", "delivered-to:", "x-sender:", "mime-version:"} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	dressed := strings.ContainsRune("-=*_", rune(line[0]))
	if !dressed && !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, ".") {
		return false
	}
	for _, p := range []string{"copy of the", "copy of your", "copy of message", "original message", "message header", "returned message", "unsent message", "original mail", "headers follow", "message follows", "message d'origine", "message d’origine", "message original", "ursprüngliche nachricht", "mensaje original", "mensagem original", "messaggio originale"} {
		if strings.Contains(lower, p) {
			return dressed || strings.HasSuffix(line, ":") || strings.Contains(lower, "follow")
		}
	}
	return false
}
