// Package submission is writing as one's address for life: a mail program hands in what its owner wrote, with a password
// of its own, and the message leaves for anywhere.
//
// It owns the tables forwarding_passwords and forwarding_submissions and the box "submission" of the inbox, of which it
// is the door too. It promises that nobody writes as somebody else, that no secret can be shown twice, and that whoever
// wrote hears of what did not arrive.
package submission

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"net/mail"
	"slices"
	"strings"
	"time"

	"amicale/internal/id"
	"amicale/internal/inbox"
	house "amicale/internal/mail"
	"amicale/internal/people"
)

// Password lets a mail program send as its owner's addresses for life.
type Password struct {
	ID        id.ID
	Name      string
	CreatedAt time.Time
	UsedAt    time.Time // to the hour; zero: never
}

const (
	mostPasswords = 10
	maxName       = 60 // characters
)

var secretText = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding) // no l, o, 0, 1

// newSecret is 100 random bits in four groups of five: abcde-fghij-kmnpq-rstuv.
func newSecret() string {
	raw := make([]byte, 13)
	_, _ = rand.Read(raw) // since Go 1.24 it does not fail: the process ends
	s := secretText.EncodeToString(raw)
	return s[:5] + "-" + s[5:10] + "-" + s[10:15] + "-" + s[15:20]
}

// secretHash is what is kept of a secret, in any form people type it. It holds too much chance to be guessed from the
// hash, which therefore need not be slow.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(secret))))
	return hex.EncodeToString(sum[:])
}

// dailyLimit is how many recipients somebody may name in a day: enough for letters, too few for a campaign.
const dailyLimit = 200

// notYours is the answer to who writes as somebody else.
func notYours() *inbox.Refusal {
	return inbox.Refuse(553, "5.7.1", "the sender must be one of your own lifetime addresses")
}

// checkAuthor refuses a message whose header says that somebody else wrote or sent it.
func checkAuthor(raw []byte, own []people.LifetimeAddress) *inbox.Refusal {
	h, _ := house.ReadHeader(raw)
	from := h.All("From")
	if len(from) != 1 {
		return inbox.Refuse(550, "5.6.0", "a message needs one From line")
	}
	for _, line := range append(from, h.All("Sender")...) {
		list, err := mail.ParseAddressList(line)
		if err != nil || len(list) == 0 {
			return inbox.Refuse(550, "5.6.0", "the From line cannot be read")
		}
		for _, a := range list {
			if !owns(own, a.Address) {
				return notYours()
			}
		}
	}
	for _, name := range []string{"Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Bcc"} {
		if h.Count(name) > 0 { // RFC 5322 §3.6.6: somebody else's message sent on
			return inbox.Refuse(550, "5.7.1", "send it on as a message of your own, or as an attachment")
		}
	}
	return nil
}

// owns reports whether an address is one of these.
func owns(list []people.LifetimeAddress, address string) bool {
	return slices.ContainsFunc(list, func(a people.LifetimeAddress) bool { return strings.EqualFold(a.Address, address) })
}

// private are the header lines that no recipient may see, or that only a receiving server writes.
var private = []string{"bcc", "return-path", "delivered-to"}

// prepare makes a submitted message fit to leave (RFC 6409 §8): it loses the lines that are nobody else's matter and
// gets a date and an identifier if it has none. All else stays as it is.
func prepare(raw []byte, key id.ID, domain string, now time.Time) []byte {
	h, body := house.ReadHeader(raw)
	var out bytes.Buffer
	out.Grow(len(raw) + 200)
	if h.Count("Date") == 0 {
		out.WriteString("Date: " + now.Format(time.RFC1123Z) + "\r\n")
	}
	if h.Count("Message-ID") == 0 {
		out.WriteString("Message-ID: <" + key.String() + "@" + domain + ">\r\n")
	}
	dropping, ended := false, false
	for rest := raw[:body]; len(rest) > 0; {
		line := rest
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			line = rest[:n+1]
		}
		rest = rest[len(line):]
		if line[0] != ' ' && line[0] != '\t' {
			dropping = isPrivate(line)
		}
		ended = len(bytes.TrimRight(line, "\r\n")) == 0
		if !dropping {
			out.Write(line)
		}
	}
	if !ended && body < len(raw) { // a line that is none of the header's ended it
		out.WriteString("\r\n")
	}
	out.Write(raw[body:])
	return out.Bytes()
}

func isPrivate(line []byte) bool {
	if bytes.HasPrefix(line, []byte("From ")) { // of a mailbox file: no header line
		return true
	}
	name, _, ok := bytes.Cut(line, []byte{':'})
	for _, p := range private {
		if ok && strings.EqualFold(string(bytes.TrimRight(name, " \t")), p) {
			return true
		}
	}
	return false
}
