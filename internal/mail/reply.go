package mail

import (
	"fmt"
	"strings"
)

// Reply is what a server answered, or what a report says that one answered.
type Reply struct {
	Code     int    // 550; 0 where there was none
	Enhanced string // "5.1.1" (RFC 3463); empty where there was none
	Text     string // without codes, valid UTF-8, at most MostReplyText octets; it may name the recipient: Scrub before showing it
	Stage    string // when it was said: "connect", "hello", "tls", "auth", "mail", "rcpt", "data"; "report": a report does not tell
	Server   string // host name of who answered; empty if unknown
}

// MostReplyText is how many octets of an answer are kept.
const MostReplyText = 500

// Class is what an answer means for the recipient's address, and whose fault it is.
type Class string

// The classes. Only Dead, and Full for long, say anything about an address.
const (
	Delivered  Class = "delivered"  // it is there, or with the next server
	Dead       Class = "dead"       // the mailbox or its domain does not exist
	Full       Class = "full"       // the mailbox exists, and is full or suspended
	Policy     Class = "policy"     // this message, or any from us, is not wanted: content, size, a rule of the site
	Reputation Class = "reputation" // we are not trusted: a blocklist, a rate, a missing PTR, failed authentication
	Temporary  Class = "temporary"  // not now; also: tried until the time was over
	Vacation   Class = "vacation"   // the message arrived and a machine answered it
	Complaint  Class = "complaint"  // the recipient called the message unwanted (RFC 5965)
	Unknown    Class = "unknown"    // none of these for certain
)

// Permanent reports whether the answer is final: trying again changes nothing (RFC 5321 §4.2.1).
func (r Reply) Permanent() bool { return r.Code >= 500 && r.Code < 600 }

// Sentence is the reply on one line, for people who look after the site; "" when there is none.
func (r Reply) Sentence() string {
	if r.Code == 0 && r.Text == "" {
		return ""
	}
	words := []string{r.Stage + ":"}
	if r.Code != 0 {
		words = append(words, fmt.Sprint(r.Code))
	}
	for _, w := range []string{r.Enhanced, r.Text} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// ReplyText is what is kept of an answer's words: valid text of bounded length.
func ReplyText(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) > MostReplyText {
		s = strings.ToValidUTF8(s[:MostReplyText], "")
	}
	return s
}
