package subscriptions

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"

	"amicale/internal/i18n"
	"amicale/internal/id"
)

// Letter is what an unsubscribe link stands for: a kind of letter from a sender to a person, and the language it was
// written in, which its pages speak too.
type Letter struct {
	Person id.ID
	Sender id.ID
	Kind   Kind
	Lang   string
}

// Tokens makes and reads what stands in unsubscribe links (RFC 8058). A token names its letter and is signed; nothing
// is kept of it, it works any number of times and as long as the installation's secret does. It is of lower-case
// letters and digits only, and read in any case, so that no mail program breaks it and a reader can type it.
type Tokens struct{ key []byte }

// tokenVersion begins every token. Links in letters live for years: another form gets another version beside this one.
const tokenVersion = 1

const (
	tokenSaid = 1 + 16 + 16 + 1 + 1 // version, person, sender, kind, language
	tokenMAC  = 12                  // octets of the HMAC: guessing one takes 2^96 requests
)

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// tokenKinds are the kinds by the number that stands for them in a token. They only ever grow at the end.
func tokenKinds() []Kind { return []Kind{"", News, Events, Careers, Magazine, Network, Paper} }

// NewTokens derives its own key from a secret of the installation, of at least 16 octets.
func NewTokens(secret []byte) Tokens {
	if len(secret) < 16 {
		panic("subscriptions.NewTokens: a secret of fewer than 16 octets")
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("amicale unsubscribe token"))
	return Tokens{key: h.Sum(nil)}
}

// Make is the token of a letter; "" for a kind that there is not.
func (t Tokens) Make(l Letter) string {
	kind := slices.Index(tokenKinds(), l.Kind)
	if kind < 1 {
		return ""
	}
	lang := max(0, slices.Index(i18n.Langs(), l.Lang))
	b := make([]byte, 0, tokenSaid+tokenMAC)
	b = append(b, tokenVersion)
	b = append(b, l.Person[:]...)
	b = append(b, l.Sender[:]...)
	b = append(b, byte(kind), byte(lang))
	return tokenText.EncodeToString(append(b, t.mac(b)...))
}

func (t Tokens) mac(said []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write(said)
	return h.Sum(nil)[:tokenMAC]
}

// Parse reads a token. It is false for whatever Make did not make with this secret.
func (t Tokens) Parse(s string) (Letter, bool) {
	if len(s) != tokenText.EncodedLen(tokenSaid+tokenMAC) || len(t.key) == 0 {
		return Letter{}, false
	}
	s = strings.ToLower(s)
	b, err := tokenText.DecodeString(s)
	if err != nil || len(b) != tokenSaid+tokenMAC || tokenText.EncodeToString(b) != s { // the last letter holds bits that say nothing
		return Letter{}, false
	}
	said, signed := b[:tokenSaid], b[tokenSaid:]
	if !hmac.Equal(signed, t.mac(said)) || said[0] != tokenVersion {
		return Letter{}, false
	}
	kind, lang := int(said[33]), int(said[34])
	if kind < 1 || kind >= len(tokenKinds()) || lang >= len(i18n.Langs()) {
		return Letter{}, false
	}
	return Letter{Person: id.ID(said[1:17]), Sender: id.ID(said[17:33]), Kind: tokenKinds()[kind], Lang: i18n.Langs()[lang]}, true
}
