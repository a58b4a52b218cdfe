package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"amicale/internal/id"
)

// TokenKind says what a return token names.
type TokenKind byte

// The kinds of token.
const (
	LetterToken   TokenKind = 'l' // a letter of the site
	DeliveryToken TokenKind = 'd' // a message passed on to one target
	CampaignToken TokenKind = 'c' // a recipient of a campaign
)

// Tokens makes and reads return tokens: local parts of envelope senders that name a row of ours, so that a failure
// that comes back says which. A stranger cannot make one, and a mail server can neither lengthen nor break one: 38
// characters, no case, no sign but '-'.
type Tokens struct{ key []byte }

const (
	tokenPrefix = "r-"
	tokenMAC    = 5 // octets of the HMAC: a guess costs a conversation, and 2^40 of them are none
	tokenLength = 1 + len(id.ID{}) + tokenMAC
)

// TokenChars is the length of a token.
const TokenChars = len(tokenPrefix) + (tokenLength*8+4)/5

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewTokens derives its own key from the installation's secret, which has at least 16 octets.
func NewTokens(key []byte) Tokens {
	if len(key) < 16 {
		panic("mail.NewTokens: a key of fewer than 16 octets")
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("amicale return token"))
	return Tokens{key: h.Sum(nil)}
}

// Make is the token of a row.
func (t Tokens) Make(kind TokenKind, row id.ID) string {
	b := make([]byte, 0, tokenLength)
	b = append(append(b, byte(kind)), row[:]...)
	return tokenPrefix + tokenText.EncodeToString(append(b, t.mac(b)...))
}

func (t Tokens) mac(b []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write(b)
	return h.Sum(nil)[:tokenMAC]
}

// Parse reads the local part of a recipient, in any case. It is false for whatever Make did not make with this key.
func (t Tokens) Parse(local string) (TokenKind, id.ID, bool) {
	if len(local) != TokenChars || len(t.key) == 0 {
		return 0, id.ID{}, false
	}
	local = strings.ToLower(local)
	if !strings.HasPrefix(local, tokenPrefix) {
		return 0, id.ID{}, false
	}
	b, err := tokenText.DecodeString(local[len(tokenPrefix):])
	if err != nil || len(b) != tokenLength {
		return 0, id.ID{}, false
	}
	said, signed := b[:tokenLength-tokenMAC], b[tokenLength-tokenMAC:]
	if !hmac.Equal(signed, t.mac(said)) || tokenText.EncodeToString(b) != local[len(tokenPrefix):] {
		return 0, id.ID{}, false
	}
	switch kind := TokenKind(said[0]); kind {
	case LetterToken, DeliveryToken, CampaignToken:
		return kind, id.ID(said[1:]), true
	}
	return 0, id.ID{}, false
}
