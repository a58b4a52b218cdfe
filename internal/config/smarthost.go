package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// TLS is how the way to the smarthost is protected.
type TLS string

const (
	StartTLS    TLS = "starttls" // asked for after the greeting; without it nothing is sent
	ImplicitTLS TLS = "tls"      // from the first byte (port 465)
	NoTLS       TLS = "none"     // in clear: for a mail server on this very machine
)

// Smarthost is the way that mail leaves by: smtp://user:password@host:port?tls=starttls|tls|none&connections=N is a mail server that
// passes everything on; mx is no such server: each recipient's own is looked up and asked. Empty means none: mail waits.
type Smarthost struct {
	Direct   bool // mx; the other fields are empty
	Host     string
	Port     string
	User     string
	Password Secret
	TLS      TLS
	// Connections is how many at once it likes; 0: as the sender thinks fit.
	Connections int
}

// IsZero reports whether there is none.
func (s Smarthost) IsZero() bool { return s.Host == "" && !s.Direct }

// Address is host:port.
func (s Smarthost) Address() string { return net.JoinHostPort(s.Host, s.Port) }

// String is what logs may show.
func (s Smarthost) String() string {
	if s.IsZero() {
		return ""
	}
	if s.Direct {
		return direct
	}
	return "smtp://" + s.Address() + "?tls=" + string(s.TLS)
}

// direct is the setting without a smarthost.
const direct = "mx"

// UnmarshalText reads the setting. Errors never repeat it: it holds a password.
func (s *Smarthost) UnmarshalText(b []byte) error {
	const form = "smtp://user:password@host:587?tls=starttls"
	*s = Smarthost{}
	if len(b) == 0 {
		return nil
	}
	if string(b) == direct {
		s.Direct = true
		return nil
	}
	u, err := url.Parse(string(b))
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("the smarthost must look like %s (special characters of the password percent-encoded), or be %s", form, direct)
	}
	out := Smarthost{Host: u.Hostname(), Port: u.Port(), User: u.User.Username(), TLS: TLS(u.Query().Get("tls"))}
	password, _ := u.User.Password()
	out.Password = Secret(password)
	for key := range u.Query() {
		if key != "tls" && key != "connections" {
			return fmt.Errorf("the smarthost has no option %q; only tls and connections", key)
		}
	}
	if n := u.Query().Get("connections"); n != "" {
		if out.Connections, err = strconv.Atoi(n); err != nil || out.Connections < 1 || out.Connections > 100 {
			return fmt.Errorf("the smarthost's connections must be a number from 1 to 100, not %q", n)
		}
	}
	out.defaults(u.Scheme)
	if !slices.Contains([]TLS{StartTLS, ImplicitTLS, NoTLS}, out.TLS) {
		return fmt.Errorf("the smarthost's tls must be starttls, tls or none, not %q", out.TLS)
	}
	if out.TLS == NoTLS && out.User != "" && !loopback(out.Host) {
		return fmt.Errorf("the smarthost's password would travel in clear: use tls=starttls or tls=tls")
	}
	*s = out
	return nil
}

func (s *Smarthost) defaults(scheme string) {
	switch {
	case s.TLS != "":
	case scheme == "smtps" || s.Port == "465":
		s.TLS = ImplicitTLS
	case s.Port == "25" && loopback(s.Host):
		s.TLS = NoTLS
	default:
		s.TLS = StartTLS
	}
	if s.Port == "" {
		s.Port = map[TLS]string{ImplicitTLS: "465", NoTLS: "25"}[s.TLS]
	}
	if s.Port == "" {
		s.Port = "587"
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
