package client

import (
	"bytes"
	"strings"

	"amicale/internal/mail"
)

// Message is a message in its envelope, fit to be handed over.
type Message struct {
	envelope
	parts [][]byte // in order
}

// envelope is what stands outside of a message.
type envelope struct {
	from, to string
	size     int
	utf8     bool // an address holds more than ASCII
	headUTF8 bool // a header does
	eightBit bool
}

// NewMessage puts a message, whose parts follow one another and whose last part begins in its header, into an envelope;
// from "" is the null sender. A reply with a code refuses what no server may be shown.
func NewMessage(from, to string, parts [][]byte) (Message, mail.Reply) {
	refuse := func(enhanced, text string) (Message, mail.Reply) {
		return Message{}, mail.Reply{Code: 554, Enhanced: enhanced, Text: text, Stage: "message"}
	}
	e := envelope{from: asciiAddress(from), to: asciiAddress(to)}
	if !speakable(e.from) || !speakable(e.to) || e.to == "" {
		return refuse("5.1.3", "an address that cannot be said")
	}
	e.utf8 = !ascii(e.from) || !ascii(e.to)
	for _, part := range parts {
		e.size += len(part)
		e.eightBit = e.eightBit || !ascii(part)
		if ambiguous(part) {
			return refuse("5.6.0", "the message holds line ends that servers read in different ways")
		}
	}
	if e.eightBit {
		message := parts[len(parts)-1]
		_, body := mail.ReadHeader(message)
		e.headUTF8 = !ascii(message[:body])
	}
	return Message{e, parts}, mail.Reply{}
}

// ambiguous reports whether a message holds a dot alone behind a bare CR or LF: some servers would end the message
// there and take what follows as commands of ours.
func ambiguous(message []byte) bool {
	for _, end := range []string{"\n.", "\r."} {
		for at := 0; ; {
			i := bytes.Index(message[at:], []byte(end))
			if i < 0 {
				break
			}
			at += i + len(end)
			bare := end[0] == '\r' || at < 3 || message[at-3] != '\r'
			if bare && at < len(message) && (message[at] == '\r' || message[at] == '\n') {
				return true
			}
		}
	}
	return false
}

func ascii[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// asciiAddress writes the domain in ASCII where the local part is: then every server takes the address.
func asciiAddress(a string) string {
	at := strings.LastIndexByte(a, '@')
	if at < 0 || ascii(a) || !ascii(a[:at]) {
		return a
	}
	if domain := mail.ASCIIDomain(a[at+1:]); domain != "" {
		return a[:at+1] + domain
	}
	return a
}

// speakable reports whether an address can stand in a command without ending it.
func speakable(a string) bool {
	if strings.ContainsAny(a, "<>") && !strings.Contains(a, `"`) {
		return false
	}
	return bytes.IndexFunc([]byte(a), func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}
