package domains

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/errs"
	"amicale/internal/mail"
)

const (
	keysKept   = time.Minute      // after that another process's new key is seen
	keysWithin = 10 * time.Second // what one signature may wait for the database
)

// Signer signs what leaves by DKIM (RFC 6376), with both keys of its sender. It is safe for concurrent use. It reads
// keys outside any transaction of its caller, and writes a sender's first ones: nothing may be signed while holding a
// transaction that writes.
type Signer struct {
	store *Store
	ours  func(domain string) bool

	mu    sync.Mutex
	rings map[Sender]*ring
}

// ring is the keys of one sender.
type ring struct {
	mu   sync.Mutex
	keys []Key
	read time.Time
}

// NewSigner makes a signer for the domains for which ours says yes.
func NewSigner(s *Store, ours func(domain string) bool) *Signer {
	return &Signer{store: s, ours: ours, rings: map[Sender]*ring{}}
}

// Sign gives the header lines to put before a message of that stream whose From is at that domain; none when the
// domain is not ours, as that of mail passed on.
func (s *Signer) Sign(stream mail.Stream, fromDomain string, message []byte) (headers string, err error) {
	sender := Sender{lower(fromDomain), stream}
	if !public(sender.Domain) || !s.ours(sender.Domain) {
		return "", nil
	}
	keys, err := s.keys(sender)
	if err != nil {
		return "", err
	}
	return sign(keys, message)
}

// keys reads a sender's keys once a minute; while the database does not answer the known ones sign.
func (s *Signer) keys(sender Sender) ([]Key, error) {
	s.mu.Lock()
	r := s.rings[sender]
	if r == nil {
		r = &ring{}
		s.rings[sender] = r
	}
	s.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := s.store.now()
	if r.keys != nil && now.Sub(r.read) <= keysKept {
		return r.keys, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), keysWithin) // a letter's time is not its caller's
	defer cancel()
	keys, err := s.store.SigningKeys(ctx, sender)
	if err != nil && r.keys == nil {
		return nil, err
	}
	if err == nil {
		r.keys = keys
	}
	r.read = now
	return r.keys, nil
}

// sealed are signed once more often than they stand in the message, so that none can be added: a second From or
// Subject is what a reader would see, and one-click must be in h= (RFC 8058 §4).
var sealed = []string{"From", "Subject", "Date", "To", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "List-Id"}

// signed are signed where they stand in the message.
var signed = []string{"Sender", "Reply-To", "Cc", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "In-Reply-To", "References", "Auto-Submitted", "List-Help"}

// headerKeys are the names for h=. What a person writes as the lifetime address may go to a discussion list, which adds
// its own List fields; sealing their absence would break the signature there, and with it DMARC.
func headerKeys(stream mail.Stream, h mail.Header) (out []string) {
	for _, name := range sealed {
		n := h.Count(name)
		if list := strings.HasPrefix(name, "List-") || name == "Feedback-ID"; n > 0 || !list || stream != mail.Forwarding {
			n++
		}
		for range n {
			out = append(out, name)
		}
	}
	for _, name := range signed {
		for range h.Count(name) {
			out = append(out, name)
		}
	}
	return out
}

// sign makes one DKIM-Signature a key.
func sign(keys []Key, message []byte) (string, error) {
	var out strings.Builder
	h, body := mail.ReadHeader(message)
	if body == len(message) && !bytes.HasSuffix(message, []byte("\r\n\r\n")) {
		message = append(bytes.TrimRight(slices.Clone(message), "\r\n"), "\r\n\r\n"...) // a header alone is a message without a body
	}
	for _, k := range keys {
		s, err := dkim.NewSigner(&dkim.SignOptions{
			Domain: k.Domain, Selector: k.Selector, Signer: k.private, HeaderKeys: headerKeys(k.Stream, h),
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		})
		if err != nil {
			return "", errs.Wrap("domains.sign "+k.Domain, err)
		}
		_, err = s.Write(message)
		if e := s.Close(); e != nil {
			err = e // why the reader stopped says more than that it did
		}
		if err != nil {
			return "", errs.Wrap("domains.sign "+k.Domain, err)
		}
		out.WriteString(s.Signature())
	}
	return out.String(), nil
}
