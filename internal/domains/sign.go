package domains

import (
	"bytes"
	"context"
	"crypto"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/errs"
	"amicale/internal/mail"
)

// Signer signs what leaves, for the domains that it is told are ours.
type Signer struct {
	store *Store
	ours  func(domain string) bool
}

// NewSigner makes a signer for the domains for which ours says yes.
func NewSigner(s *Store, ours func(domain string) bool) *Signer { return &Signer{s, ours} }

// signed are the fields under a signature, where the message has them. From and what a letter is known by are named
// once more than they stand there, so that nobody adds another (RFC 6376 §8.15); one-click unsubscribing needs both of
// its own (RFC 8058 §4).
var signed = []string{"From", "Subject", "Date", "To", "Message-ID", "Reply-To", "Cc", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "Feedback-ID", "Auto-Submitted", "Precedence", "In-Reply-To", "References"}

var twice = []string{"From", "Subject", "Date", "To", "Message-ID"}

// Sign gives the DKIM-Signature lines to put before the message, one for each active key of the domain's stream.
// Nothing is signed for a domain that is not ours.
func (s *Signer) Sign(stream mail.Stream, fromDomain string, message []byte) (string, error) {
	if !s.ours(lower(fromDomain)) {
		return "", nil
	}
	keys, err := s.store.Keys(context.Background(), fromDomain, stream) // from memory nearly always; a letter's time is not its caller's
	if err != nil {
		return "", err
	}
	header, _ := mail.ReadHeader(message)
	var fields []string
	for _, name := range signed {
		n := header.Count(name)
		if slices.Contains(twice, name) {
			n++
		}
		for range n {
			fields = append(fields, name)
		}
	}
	var out strings.Builder
	for _, k := range keys {
		if !k.Active {
			break
		}
		line, err := signature(k, fields, message)
		if err != nil {
			return "", errs.Wrap("domains.Sign "+k.Selector, err)
		}
		out.WriteString(line)
	}
	return out.String(), nil
}

func signature(k Key, fields []string, message []byte) (string, error) {
	s, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: k.Domain, Selector: k.Selector, Signer: k.signer, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed, HeaderKeys: fields,
	})
	if err != nil {
		return "", err
	}
	if _, err := bytes.NewReader(message).WriteTo(s); err != nil {
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	return s.Signature(), nil
}
