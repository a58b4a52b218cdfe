// Package domains is the mail domains of the installation: which streams leave from them, the keys that sign, the
// secrets that every process must share, and the records that the DNS must hold for all that.
//
// It owns the tables dkim_keys and mail_secrets. Keys are made when they are first needed, two for each domain and
// stream: RSA, which every receiver knows (RFC 6376, RFC 8301), and Ed25519 (RFC 8463), which costs a fortieth.
package domains

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"amicale/internal/id"
	"amicale/internal/mail"
)

// Algorithm is how a key signs.
type Algorithm string

const (
	RSA     Algorithm = "rsa"
	Ed25519 Algorithm = "ed25519"
)

// Key signs the mail of one stream of a domain. Its private half never leaves the package.
type Key struct {
	ID        id.ID
	Domain    string
	Stream    mail.Stream
	Selector  string
	Algorithm Algorithm
	Active    bool // it signs; one that does not stays published for a while
	CreatedAt time.Time

	signer crypto.Signer
}

// Name is where the DNS holds the key's record (RFC 6376 §3.6.2.1).
func (k Key) Name() string { return k.Selector + "._domainkey." + k.Domain }

// Record is the TXT record that receivers look for.
func (k Key) Record() (string, error) {
	switch public := k.signer.Public().(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), err
	}
	return "", fmt.Errorf("domains.Record: an unknown kind of key")
}

const rsaBits = 2048 // RFC 8301 §3.2: at least 1024, and receivers verify up to 2048 everywhere

// newKey makes a key. Its selector tells the year, the algorithm and, among keys of one year, which.
func newKey(domain string, stream mail.Stream, a Algorithm, now time.Time) (Key, string, error) {
	k := Key{ID: id.New(), Domain: domain, Stream: stream, Algorithm: a, Active: true, CreatedAt: now}
	letter := "r"
	var err error
	if a == Ed25519 {
		letter = "e"
		_, k.signer, err = ed25519.GenerateKey(rand.Reader)
	} else {
		k.signer, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return k, "", err
	}
	which := k.ID.String()
	k.Selector = fmt.Sprintf("am%s%d%s", letter, now.Year(), which[len(which)-4:])
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	return k, base64.StdEncoding.EncodeToString(der), err
}

// open reads a stored private key.
func (k *Key) open(private string) error {
	der, err := base64.StdEncoding.DecodeString(private)
	if err != nil {
		return fmt.Errorf("domains: key %s: %w", k.Selector, err)
	}
	one, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return fmt.Errorf("domains: key %s: %w", k.Selector, err)
	}
	signer, ok := one.(crypto.Signer)
	if !ok {
		return fmt.Errorf("domains: key %s cannot sign", k.Selector)
	}
	k.signer = signer
	return nil
}

// lower is a domain as it is stored and compared.
func lower(domain string) string { return strings.ToLower(strings.TrimSuffix(domain, ".")) }
