// Package outbox is everything that leaves: the site's letters, messages passed on, and what other sources hold. Each
// is a row that joins the transaction of the change it follows from, and a courier takes it where it goes, again and
// again until it is taken or refused for good.
//
// It owns the tables outbox, outbox_bodies, outbox_deliveries and outbox_hours. A message leaves once as far as SMTP
// allows: only when the connection, or the process, dies between the last octet and the written outcome may it leave
// twice, and then under the same Message-ID; at most one a connection. What was passed on leaves octet for octet. In
// the demonstration nothing leaves; everything stands in its mailbox.
package outbox

import (
	"time"

	"amicale/internal/id"
	"amicale/internal/mail"
)

// Letter is what a feature sends.
type Letter struct {
	Kind    string // 'activation.link', …
	To      string // an e-mail address
	Person  id.ID  // whose letter it is; zero when nobody's in the base
	From    mail.Address
	Subject string
	Text    string
	HTML    string
	Lang    string
	Headers map[string]string
	Stream  mail.Stream // empty: notifications
}

// State is what became of a letter.
type State string

const (
	Queued State = "queued"
	Sent   State = "sent"   // a server took it, or, in the demonstration, it stands in the mailbox
	Failed State = "failed" // refused for good, or five days without success
)

// Posted is a letter in the demonstration's mailbox; its JSON is fixed (DESIGN §3).
type Posted struct {
	ID      id.ID     `json:"-"`
	Kind    string    `json:"-"`
	To      string    `json:"to"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	Links   []string  `json:"links"`
	SentAt  time.Time `json:"sentAt"`
}

// Slip is what is told of a letter without its words.
type Slip struct {
	ID        id.ID
	Kind      string
	Recipient string
	Subject   string
	State     State
	Attempts  int
	NextAt    time.Time
	LastError string
	CreatedAt time.Time
	SentAt    time.Time
}

// lifetime is how long a letter is tried.
const lifetime = 5 * 24 * time.Hour

// retryAt is when to try again after that many attempts; ok is false when it is time to give up.
func retryAt(created, now time.Time, attempts int) (at time.Time, ok bool) {
	waits := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}
	end := created.Add(lifetime)
	if !now.Before(end) {
		return time.Time{}, false
	}
	at = now.Add(waits[min(max(attempts, 1), len(waits))-1])
	if at.After(end) {
		at = end // the last chance
	}
	return at, true
}
