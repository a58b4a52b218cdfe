package domains

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"strings"
	"time"

	"amicale/internal/i18n"
)

// encryption is how mail reaches our server.
type encryption int

const (
	unreached encryption = iota // it cannot be seen from here
	clear                       // it offers no encryption
	broken                      // it offers what fails
	doubted                     // under a certificate that nobody vouches for
	vouched
)

// encryption calls our server like another one does, as far as its certificate.
func (x *examination) encryption() encryption {
	host := lower(x.MailHost)
	r := record{host, "TLS", ""}
	if list, err := x.zone.addresses(x.ctx, host); err != nil || len(list) == 0 || !public(host) {
		return unreached // that was told
	}
	how, err := x.call(host)
	data := i18n.Data{}
	if err != nil {
		data["Fault"] = err.Error()
	}
	said := map[encryption]struct {
		s   Severity
		key string
	}{unreached: {Advice, "tls_unreached"}, clear: {Advice, "tls_clear"}, broken: {Wrong, "tls_broken"}, doubted: {Advice, "tls_doubted"}, vouched: {OK, trusted}}[how]
	x.tell(Transport, said.s, r, said.key, data)
	return how
}

// trusted is the finding that our server's certificate is one that everybody believes.
const trusted = "tls_ok"

// Trusted reports whether our server's certificate was believed when it was last looked at.
func (r Report) Trusted() bool {
	for _, f := range r.Findings {
		if f.Key == trusted {
			return true
		}
	}
	return false
}

// call is a conversation up to the certificate (RFC 3207).
func (x *examination) call(host string) (encryption, error) {
	conn, err := x.o.Dial(x.ctx, "tcp", net.JoinHostPort(host, "25"))
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Err != nil {
			err = op.Err // the address is known
		}
		return unreached, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(fetchWithin)) // a connection that refuses it fails at the next read
	talk := textproto.NewConn(conn)
	if _, _, err := talk.ReadResponse(220); err != nil {
		return unreached, err
	}
	said, err := command(talk, 250, "EHLO "+host)
	if err != nil {
		return unreached, err
	}
	if !offers(said, "STARTTLS") {
		_ = talk.PrintfLine("QUIT") // a courtesy
		return clear, nil
	}
	if _, err := command(talk, 220, "STARTTLS"); err != nil {
		return broken, err
	}
	return x.handshake(conn, host)
}

func command(talk *textproto.Conn, code int, line string) (string, error) {
	if err := talk.PrintfLine("%s", line); err != nil {
		return "", err
	}
	_, said, err := talk.ReadResponse(code)
	return said, err
}

func offers(said, extension string) bool {
	for _, line := range strings.Split(said, "\n") {
		if strings.EqualFold(strings.TrimSpace(line), extension) {
			return true
		}
	}
	return false
}

func (x *examination) handshake(conn net.Conn, host string) (encryption, error) {
	var doubt error
	secured := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: x.o.Roots, InsecureSkipVerify: true, // judged below, to tell doubt from failure
		VerifyConnection: func(s tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, doubt = s.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: host, Roots: x.o.Roots, Intermediates: between})
			return nil
		}})
	if err := secured.HandshakeContext(x.ctx); err != nil {
		return broken, err
	}
	_ = textproto.NewConn(secured).PrintfLine("QUIT") // a courtesy
	if doubt != nil {
		return doubted, doubt
	}
	return vouched, nil
}
