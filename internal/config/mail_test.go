package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"amicale/internal/config"
)

func TestMailSettings(t *testing.T) {
	t.Parallel()
	const certified = "--tls-cert=c.pem --tls-key=k.pem "
	for args, want := range map[string]string{ // "" is that nothing is wrong
		"--smtp=:25 --lmtp=unix:/run/amicale.sock":                    "",
		"--smtp=127.0.0.1:2525 --lmtp=[::1]:24 --resolver=[::1]:53":   "",
		"--smarthost=mx --rspamd=http://127.0.0.1:11333":              "",
		certified + "--submission=:465":                               "",
		"--acme=nous@annuaire.example --submission=:587":              "",
		"--smtp=smtp://mail.example:587":                              "the server that it leaves by is smarthost",
		"--smtp=25":                                                   "smtp \"25\" is not like",
		"--smtp=unix:/run/amicale.sock":                               "smtp",
		"--lmtp=24":                                                   "lmtp \"24\" is not like",
		"--submission=:587":                                           "submission needs a certificate",
		"--submission=587 " + certified:                               "submission \"587\" is not like",
		"--tls-cert=c.pem":                                            "belong together",
		"--tls-key=k.pem":                                             "belong together",
		certified + "--acme=nous@annuaire.example":                    "not both",
		"--acme=yes":                                                  "acme \"yes\" is no e-mail address",
		"--rspamd=127.0.0.1:11333":                                    "rspamd",
		"--rspamd=ftp://127.0.0.1":                                    "rspamd",
		"--resolver=9.9.9.9":                                          "resolver \"9.9.9.9\" is not like",
		"--smarthost=mail.example":                                    "smarthost",
		"--url=https://annuaire.example --mail-host=mail.ail.example": "",
	} {
		_, err := parse(t, "", strings.Fields(args)...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
}

func TestMailHostIsTheSitesUnlessSaid(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--url=https://annuaire.example:8443":                         "annuaire.example",
		"--url=https://annuaire.example --mail-host=mail.ail.example": "mail.ail.example",
		"--listen=127.0.0.1:8080":                                     "127.0.0.1",
	} {
		c, err := parse(t, "", strings.Fields(args)...)
		if err != nil || c.Serve.MailHost != want {
			t.Errorf("%s: mail host %q, %v, want %q", args, c.Serve.MailHost, err, want)
		}
	}
}

func TestImplicitTLSIsThatOfPort465(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{"": false, ":587": false, ":465": true, "127.0.0.1:465": true, "127.0.0.1:4650": false} {
		s := config.Settings{Submission: address}
		if got := s.ImplicitTLS(); got != want {
			t.Errorf("ImplicitTLS() of %q = %v, want %v", address, got, want)
		}
	}
}

// pair writes a certificate of that name and its key, as changed at that moment.
func pair(t *testing.T, dir, name string, at time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "c.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), at)
	put(t, filepath.Join(dir, "k.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), at)
}

func put(t *testing.T, path string, content []byte, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), time.Now().Add(-time.Hour)
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	if _, err := config.OpenCertificate(cert, key); err == nil {
		t.Error("OpenCertificate() without files = nil, want an error")
	}
	pair(t, dir, "a.example", at)
	c, err := config.OpenCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what   string
		change func()
		want   string
	}{
		{"as opened", func() {}, "a.example"},
		{"renewed", func() { pair(t, dir, "b.example", at.Add(time.Minute)) }, "b.example"},
		{"half replaced", func() { put(t, cert, []byte("x"), at.Add(2*time.Minute)) }, "b.example"},
		{"gone", func() { _ = os.Remove(key) }, "b.example"},
		{"whole again", func() { pair(t, dir, "c.example", at.Add(3*time.Minute)) }, "c.example"},
	} {
		step.change()
		got, err := c.Get(nil)
		if err != nil || got.Leaf == nil || got.Leaf.DNSNames[0] != step.want {
			t.Errorf("%s: Get() = %v, %v, want %s", step.what, got, err, step.want)
		}
	}
}
