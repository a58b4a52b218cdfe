package accounts

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp/hotp"
)

// newToken is the secret of a link or a device, fit for a path: 32 random bytes in base64url.
func newToken() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // since Go 1.24 it does not fail: the process ends
	return base64.RawURLEncoding.EncodeToString(raw)
}

// tokenHash is what the database keeps of a secret.
func tokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// keyring seals with its first key and opens with any, so that a key set later does not shut out what was sealed
// before.
type keyring []cipher.AEAD

func newKeyring(secrets ...string) (keyring, error) {
	var out keyring
	for _, s := range secrets {
		if s == "" {
			continue
		}
		key, err := hkdf.Key(sha256.New, []byte(s), nil, "amicale accounts", 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		out = append(out, aead)
	}
	return out, nil
}

// seal binds the text to its owner: a sealed value copied to another account does not open.
func (k keyring) seal(text, owner string) string {
	return base64.RawStdEncoding.EncodeToString(k[0].Seal(nil, nil, []byte(text), []byte(owner)))
}

var errSealed = errors.New("accounts: a sealed value does not open: was the secret changed?")

func (k keyring) open(sealed, owner string) (string, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", errSealed
	}
	for _, aead := range k {
		if text, err := aead.Open(nil, nil, raw, []byte(owner)); err == nil {
			return string(text), nil
		}
	}
	return "", errSealed
}

// totpPeriod and totpSkew are RFC 6238 §5.2: 30 seconds, and one step early or late for clocks that differ.
const (
	totpPeriod = 30
	totpSkew   = 1
)

// totpStep is the time step that a code belongs to, later than the last one taken; ok is false when there is none.
func totpStep(secret, code string, last int64, now time.Time) (step int64, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' || r == '-' {
			return -1
		}
		return r
	}, code)
	current := now.Unix() / totpPeriod
	for step := current - totpSkew; step <= current+totpSkew; step++ {
		if step <= last {
			continue
		}
		if good, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: 6}); err == nil && good {
			return step, true
		}
	}
	return 0, false
}

// base32Secret is a TOTP secret as bytes.
func base32Secret(secret string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
}

// recoveryCodes is how many codes are given at once.
const recoveryCodes = 10

var base32Lower = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding) // no l, o, 0, 1

// newRecoveryCodes are codes of 80 random bits: abcd-efgh-ijkm-npqr.
func newRecoveryCodes() []string {
	out := make([]string, recoveryCodes)
	for i := range out {
		raw := make([]byte, 10)
		_, _ = rand.Read(raw)
		s := base32Lower.EncodeToString(raw)
		out[i] = fmt.Sprintf("%s-%s-%s-%s", s[:4], s[4:8], s[8:12], s[12:])
	}
	return out
}

// recoveryHash is what is kept of a code, in any form people write it.
func recoveryHash(code string) string {
	return tokenHash(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(code)))
}
