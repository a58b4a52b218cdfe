package domains

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/id"
)

// Algorithm of a signing key.
type Algorithm string

// The algorithms: every verifier knows RSA; Ed25519 (RFC 8463) costs a fortieth of it and few know it yet.
const (
	RSA     Algorithm = "rsa"
	Ed25519 Algorithm = "ed25519"
)

const (
	rsaBits = 2048 // RFC 8301 §3.2; longer ones do not fit into what some DNS panels take
	// Published is how long the record of a key that signs no more must stay: what it signed may still be on its way.
	Published = 7 * 24 * time.Hour
)

// Key is one signing key.
type Key struct {
	ID id.ID
	Sender
	Selector  string
	Algorithm Algorithm
	Active    bool // it signs
	CreatedAt time.Time
	RetiredAt time.Time // zero while it signs, or waits to
	private   crypto.Signer
}

// Waits reports whether the key is new and does not sign yet.
func (k Key) Waits() bool { return !k.Active && k.RetiredAt.IsZero() }

// Host is the name of the key's DNS record.
func (k Key) Host() string { return k.Selector + "._domainkey." + k.Domain }

// Record is the text of the key's DNS record (RFC 6376 §3.6.1).
func (k Key) Record() string {
	switch public := k.private.Public().(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public) // RFC 8463 §4.2: the bare key
	case *rsa.PublicKey:
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(marshalPublic(public))
	}
	return ""
}

// marshalPublic cannot fail for a key that was generated or parsed here.
func marshalPublic(k *rsa.PublicKey) []byte {
	b, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		panic("domains.marshalPublic: " + err.Error())
	}
	return b
}

// generate makes a private key.
func generate(a Algorithm) (crypto.Signer, error) {
	if a == Ed25519 {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return rsa.GenerateKey(rand.Reader, rsaBits)
}

// encodePrivate is a key as the table holds it: PKCS #8 in base64.
func encodePrivate(k crypto.Signer) (string, error) {
	b, err := x509.MarshalPKCS8PrivateKey(k)
	return base64.StdEncoding.EncodeToString(b), err
}

func decodePrivate(text string) (crypto.Signer, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(b)
	if err != nil {
		return nil, err
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", k)
	}
	return signer, nil
}

// nextSelectors names a new pair of keys by its year and the first free letter: "amicale-2026a" for RSA and
// "amicale-2026a-ed" beside it.
func nextSelectors(year int, taken []string) map[Algorithm]string {
	for n := 0; ; n++ {
		stem := "amicale-" + strconv.Itoa(year) + letters(n)
		pair := map[Algorithm]string{RSA: stem, Ed25519: stem + "-ed"}
		if !slices.Contains(taken, pair[RSA]) && !slices.Contains(taken, pair[Ed25519]) {
			return pair
		}
	}
}

// letters counts a, b, … z, aa, ab, ….
func letters(n int) string {
	var b strings.Builder
	if n >= 26 {
		b.WriteString(letters(n/26 - 1))
	}
	b.WriteByte(byte('a' + n%26))
	return b.String()
}
