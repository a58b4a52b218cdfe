package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"amicale/internal/app"
	"amicale/internal/config"
)

// mailOptions is what the app needs to know of mail, without a listener: for commands that do not serve.
func mailOptions(s config.Settings) app.MailOptions {
	return app.MailOptions{Host: s.MailHost, Rspamd: s.Rspamd, Resolver: resolver(s), Unsigned: !s.Sign, ImplicitTLS: s.ImplicitTLS()}
}

// quiet is for what is served to nobody.
func quiet(s config.Settings) (app.MailOptions, error) { return mailOptions(s), nil }

// listening opens the listeners of the mail servers that the settings ask for, and their certificate.
func listening(s config.Settings) (m app.MailOptions, err error) {
	m = mailOptions(s)
	if m.TLS, m.Challenge, err = mailCertificate(s); err != nil {
		return m, err
	}
	for _, l := range []struct {
		address string
		to      *net.Listener
	}{{s.SMTP, &m.SMTP}, {s.LMTP, &m.LMTP}, {s.Submission, &m.Submission}} {
		if l.address == "" {
			continue
		}
		network := "tcp"
		if path, ok := strings.CutPrefix(l.address, "unix:"); ok {
			network, l.address = "unix", path
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return m, fmt.Errorf("the socket of the last run: %w", err)
			}
		}
		if *l.to, err = net.Listen(network, l.address); err != nil {
			return m, fmt.Errorf("mail: %w", err)
		}
	}
	return m, nil
}

// mailCertificate is that of the mail servers: of two files, or by ACME; nil when there is none.
func mailCertificate(s config.Settings) (*tls.Config, app.Challenge, error) {
	switch {
	case s.TLSCert != "":
		c, err := config.OpenCertificate(s.TLSCert, s.TLSKey)
		if err != nil {
			return nil, nil, err
		}
		return &tls.Config{GetCertificate: c.Get, MinVersion: tls.VersionTLS12}, nil, nil
	case s.ACME != "":
		m := &autocert.Manager{Prompt: autocert.AcceptTOS, Email: s.ACME, HostPolicy: autocert.HostWhitelist(s.MailHost),
			Cache: autocert.DirCache(filepath.Join(s.Data, "acme"))}
		named := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName == "" {
				hello.ServerName = s.MailHost // mail servers often do not say whom they call
			}
			return m.GetCertificate(hello)
		}
		return &tls.Config{GetCertificate: named, MinVersion: tls.VersionTLS12}, m.HTTPHandler, nil
	}
	return nil, nil, nil
}

// resolver asks the DNS server of the settings; nil: the machine's.
func resolver(s config.Settings) *net.Resolver {
	if s.Resolver == "" {
		return nil
	}
	return config.ResolverAt(s.Resolver)
}

// homemade is a certificate that nobody vouches for, so that the demonstration can show submission.
func homemade(host string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	of := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, nil
}
