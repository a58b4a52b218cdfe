package config

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Way is how mail leaves; the zero value is that it waits.
func (s *Settings) Way() (Smarthost, error) {
	var out Smarthost
	if err := out.UnmarshalText([]byte(s.Smarthost)); err != nil {
		return Smarthost{}, fmt.Errorf("config: smarthost: %w", err)
	}
	return out, nil
}

// checkMail says what is wrong with the settings of mail.
func (s *Settings) checkMail() error {
	if strings.Contains(s.SMTP, "://") {
		return fmt.Errorf("config: smtp is where mail arrives, e.g. :25; the server that it leaves by is smarthost")
	}
	for _, a := range []struct{ name, address string }{{"smtp", s.SMTP}, {"submission", s.Submission}, {"lmtp", s.LMTP}, {"resolver", s.Resolver}} {
		if a.address == "" || a.name == "lmtp" && strings.HasPrefix(a.address, "unix:") {
			continue
		}
		_, port, err := net.SplitHostPort(a.address)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("config: %s %q is not like 127.0.0.1:25", a.name, a.address)
		}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return fmt.Errorf("config: tls-cert and tls-key belong together")
	}
	if s.TLSCert != "" && s.ACME != "" {
		return fmt.Errorf("config: the certificate comes from tls-cert or by acme, not both")
	}
	if _, err := mail.ParseAddress(s.ACME); s.ACME != "" && err != nil {
		return fmt.Errorf("config: acme %q is no e-mail address", s.ACME)
	}
	if s.Submission != "" && s.TLSCert == "" && s.ACME == "" {
		return fmt.Errorf("config: submission needs a certificate: passwords do not travel in clear (tls-cert and tls-key, or acme)")
	}
	if u, err := url.Parse(s.Rspamd); err != nil || s.Rspamd != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("config: rspamd %q is not like http://127.0.0.1:11333", s.Rspamd)
	}
	_, err := s.Way()
	return err
}

// ImplicitTLS reports whether submission speaks TLS from the first byte (RFC 8314 §3.3).
func (s *Settings) ImplicitTLS() bool {
	_, port, _ := net.SplitHostPort(s.Submission)
	return port == "465"
}

// Certificate is a certificate in two files, read again when one of them changes.
type Certificate struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	of     [2]time.Time // when the files were last changed, as they were read
}

// OpenCertificate reads it for the first time.
func OpenCertificate(cert, key string) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key}
	_, err := c.Get(nil)
	return c, err
}

// Get is for tls.Config.GetCertificate. Files that cannot be read, or do not fit while they are being replaced, leave
// the certificate in use that was read before.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of, err := c.changed()
	if err == nil && (c.loaded == nil || of != c.of) {
		var one tls.Certificate
		if one, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.loaded, c.of = &one, of
		}
	}
	if c.loaded != nil {
		return c.loaded, nil
	}
	return nil, fmt.Errorf("config: certificate: %w", err)
}

func (c *Certificate) changed() (of [2]time.Time, err error) {
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return of, err
		}
		of[i] = info.ModTime()
	}
	return of, nil
}

// ResolverAt asks the DNS server at that host:port, over UDP or TCP as the question needs.
func ResolverAt(address string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
}
