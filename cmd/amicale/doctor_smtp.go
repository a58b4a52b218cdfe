package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"amicale/internal/config"
)

// smtpTimeout is for the whole conversation.
const smtpTimeout = 20 * time.Second

// mail talks with the smarthost as far as signing in, and sends nothing.
func (x *examination) mail(ctx context.Context) {
	const about = "mail"
	host, err := x.settings.Way()
	if err != nil {
		return // Complete has said it
	}
	if host.IsZero() {
		x.wrong(about, "set AMICALE_SMTP to your mail server, e.g. smtp://user:password@mail.example:587", "no mail server is set: no link, no notice and no alarm leaves")
		return
	}
	if domain := senderDomain(x.settings.MailFrom); !strings.Contains(domain, ".") || net.ParseIP(domain) != nil {
		x.wrong(about, "set AMICALE_MAIL_FROM to an address of a domain you may send for", "letters would come from %q, which other servers refuse", x.settings.MailFrom)
	}
	if host.Direct {
		x.good(about, "letters go to each recipient's own server; run amicale doctor mail for what the DNS must say")
		return
	}
	if said, todo, err := converse(ctx, host, nil); err != nil {
		x.wrong(about, todo, "%s: %v", host.Address(), err)
	} else {
		x.good(about, "%s %s", host.Address(), said)
	}
	if host.TLS == config.NoTLS && !loopback(host.Host) {
		x.note(about, "use tls=starttls or tls=tls where the server can", "letters travel to %s in clear", host.Host)
	}
}

func senderDomain(from string) string {
	_, domain, _ := strings.Cut(from, "@")
	return strings.TrimRight(domain, "> ")
}

// converse is EHLO, STARTTLS, AUTH and QUIT. It says what the server agreed to, or what failed and what to do. A nil
// tls.Config takes the machine's authorities.
func converse(ctx context.Context, host config.Smarthost, trust *tls.Config) (said, todo string, err error) {
	ctx, cancel := context.WithTimeout(ctx, smtpTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", host.Address())
	if err != nil {
		return "", "check the host and port, and that the firewall lets this machine out", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(smtpTimeout)) // a connection that refuses it fails at the next read
	if trust == nil {
		trust = &tls.Config{}
	}
	trust = trust.Clone()
	trust.ServerName = host.Host
	client, err := greet(conn, host.TLS, trust)
	if err != nil {
		return "", tlsAdvice(err, host.TLS), err
	}
	said = map[config.TLS]string{config.NoTLS: "answers", config.StartTLS: "answers, encrypted by STARTTLS", config.ImplicitTLS: "answers, encrypted"}[host.TLS]
	if host.User != "" {
		if err := client.Auth(mechanism(client, host)); err != nil {
			return "", "check user and password of AMICALE_SMTP; special characters must be percent-encoded", fmt.Errorf("signing in: %w", err)
		}
		said += ", takes our password"
	}
	_ = client.Quit() // what matters has been said
	return said, "", nil
}

func greet(conn net.Conn, how config.TLS, trust *tls.Config) (client *smtp.Client, err error) {
	switch how {
	case config.ImplicitTLS:
		client = smtp.NewClient(tls.Client(conn, trust))
	case config.StartTLS:
		if client, err = smtp.NewClientStartTLS(conn, trust); err != nil {
			return nil, fmt.Errorf("STARTTLS: %w", err)
		}
	default:
		client = smtp.NewClient(conn)
	}
	if err := client.Hello("localhost"); err != nil {
		return nil, fmt.Errorf("EHLO: %w", err)
	}
	return client, nil
}

func mechanism(c *smtp.Client, host config.Smarthost) sasl.Client {
	if !c.SupportsAuth(sasl.Plain) && c.SupportsAuth(sasl.Login) {
		return sasl.NewLoginClient(host.User, host.Password.Reveal())
	}
	return sasl.NewPlainClient("", host.User, host.Password.Reveal())
}

// tlsAdvice tells a wrong certificate from a wrong kind of encryption.
func tlsAdvice(err error, how config.TLS) string {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return "use the name that stands in the server's certificate, and a certificate that this machine trusts"
	case errors.As(err, &record):
		return "the server does not speak TLS from the first byte here: use port 587 with tls=starttls"
	case how == config.StartTLS:
		return "does the server offer STARTTLS on this port? Port 465 wants tls=tls; a server on this very machine may need tls=none"
	}
	return "is this the submission port of a mail server (587 or 465)?"
}
