// Package client speaks SMTP to one mail server: the smarthost, or that of a recipient's domain.
//
// A Dialer opens a connection, in TLS where it can be had, and signs in where that is asked; a Conn hands one message
// over after another and gives the answer as it was. It decides nothing about the message. It promises that what is
// handed over arrives octet for octet. That is why it does not use go-smtp's client, which turns a bare LF into CRLF and
// so breaks the signatures of what is passed on, and hides what the server answered where.
package client

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"

	"amicale/internal/config"
	"amicale/internal/mail"
)

// Options are how a dialler speaks. All are given but TLS.
type Options struct {
	Hello  string // the name we greet with
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	TLS    *tls.Config   // nil: the machine's authorities
	Answer time.Duration // how long a server may take for an answer, five times that for a whole message
	Grace  time.Duration // how long a message under way may take once the context of its connection ended
}

// Dialer opens connections, from many goroutines at once. It remembers whose TLS failed.
type Dialer struct {
	o Options

	mu    sync.Mutex
	plain map[string]time.Time // hosts whose TLS failed, and until when they are asked in clear at once
}

// NewDialer makes one.
func NewDialer(o Options) *Dialer { return &Dialer{o: o} }

// Bounds of looking for a server that takes mail.
const (
	connectTimeout = 30 * time.Second
	mostHosts      = 5 // of one destination that are tried in turn
	plainFor       = 6 * time.Hour
	mostPlain      = 10000
)

// Smarthost opens a connection to the smarthost: with TLS as the setting says, and signed in. An error is a *Failure.
func (d *Dialer) Smarthost(ctx context.Context, to config.Smarthost) (*Conn, error) {
	c, err := d.connect(ctx, to.Host, to.Port, to.TLS == config.ImplicitTLS)
	if err != nil {
		return nil, err
	}
	err = d.greet(c)
	if err == nil && to.TLS == config.StartTLS {
		if !c.ext.startTLS {
			err = c.broken("tls", errors.New("the server does not offer STARTTLS"))
		} else if err = c.startTLS(ctx, d.config(c.server)); err == nil {
			err = d.ehlo(c)
		}
	}
	if err == nil && to.User != "" {
		err = c.signIn(c.mechanism(to))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// MX opens a connection to the first of the hosts that serves us. TLS is taken where it is offered (RFC 7435): nobody says
// which name the certificate should bear, so none is asked for. The error, a *Failure, is the first host's.
func (d *Dialer) MX(ctx context.Context, hosts []string) (*Conn, error) {
	var first error
	for _, host := range hosts[:min(len(hosts), mostHosts)] {
		c, err := d.opportunistic(ctx, host)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

func (d *Dialer) opportunistic(ctx context.Context, host string) (*Conn, error) {
	clear := d.inClear(host)
	for {
		c, err := d.connect(ctx, host, "25", false)
		if err != nil {
			return nil, err
		}
		if err = d.greet(c); err == nil && c.ext.startTLS && !clear {
			cfg := d.config(host)
			cfg.InsecureSkipVerify, cfg.MinVersion = true, tls.VersionTLS10 // the alternative is none
			if err = c.startTLS(ctx, cfg); err == nil {
				err = d.ehlo(c)
			} else if !patienceLost(err) && ctx.Err() == nil {
				c.Close()
				d.rememberClear(host)
				clear = true
				continue
			}
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
}

// patienceLost tells a silent server from one whose TLS is broken.
func patienceLost(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func (d *Dialer) inClear(host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	until, ok := d.plain[host]
	if ok && time.Now().After(until) {
		delete(d.plain, host)
		return false
	}
	return ok
}

func (d *Dialer) rememberClear(host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.plain == nil || len(d.plain) >= mostPlain {
		d.plain = map[string]time.Time{}
	}
	d.plain[host] = time.Now().Add(plainFor)
}

func (d *Dialer) config(server string) *tls.Config {
	cfg := d.o.TLS.Clone() // of nil is nil
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.ServerName = server
	return cfg
}

func (d *Dialer) connect(ctx context.Context, host, port string, implicit bool) (*Conn, error) {
	soon, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := d.o.Dial(soon, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, &Failure{Stage: "connect", Server: host, Err: err}
	}
	if implicit {
		conn = tls.Client(conn, d.config(host))
	}
	c := newConn(conn, host, d.o.Answer)
	c.unstop = context.AfterFunc(ctx, func() { c.stop(time.Now().Add(d.o.Grace)) })
	return c, nil
}

// greet hears the greeting and says EHLO.
func (d *Dialer) greet(c *Conn) error {
	c.within(c.answer)
	reply, _, err := c.hear("connect", false)
	if err != nil {
		return err
	}
	if reply.Code != 220 {
		return unwilling(reply)
	}
	return d.ehlo(c)
}

// ehlo introduces us, in the old way where the server knows no other (RFC 5321 §3.2).
func (d *Dialer) ehlo(c *Conn) error {
	c.ext = extensions{}
	reply, text, err := c.command("hello", true, "EHLO ", d.o.Hello)
	if err != nil {
		return err
	}
	if reply.Code == 500 || reply.Code == 502 {
		if reply, _, err = c.command("hello", false, "HELO ", d.o.Hello); err != nil {
			return err
		}
	}
	if reply.Code/100 != 2 {
		return unwilling(reply)
	}
	for offer := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(offer)), " ")
		switch name {
		case "PIPELINING":
			c.ext.pipelining = true
		case "8BITMIME":
			c.ext.eightBit = true
		case "SMTPUTF8":
			c.ext.utf8 = true
		case "SIZE":
			c.ext.size = true
		case "STARTTLS":
			c.ext.startTLS = true
		case "AUTH":
			c.ext.auth = strings.Fields(rest)
		}
	}
	return nil
}

// unwilling is a server that answers, and serves nobody or not us.
func unwilling(r mail.Reply) error {
	return &Failure{Stage: r.Stage, Server: r.Server, Reply: r, Err: errors.New(strings.TrimPrefix(r.Sentence(), r.Stage+": "))}
}

func (c *Conn) startTLS(ctx context.Context, cfg *tls.Config) error {
	reply, _, err := c.command("tls", false, "STARTTLS")
	if err != nil {
		return err
	}
	if reply.Code != 220 {
		return unwilling(reply)
	}
	if c.r.Buffered() > 0 { // said before the handshake, by whoever sits between (CVE-2011-0411)
		return c.broken("tls", errors.New("an answer before the handshake"))
	}
	conn := tls.Client(c.conn, cfg)
	c.within(c.answer)
	if err := conn.HandshakeContext(ctx); err != nil {
		return c.broken("tls", err)
	}
	c.conn = conn
	c.r.Reset(conn)
	c.w.Reset(conn)
	return nil
}

func (c *Conn) mechanism(to config.Smarthost) sasl.Client {
	plain, login := false, false
	for _, m := range c.ext.auth {
		plain, login = plain || m == sasl.Plain, login || m == sasl.Login
	}
	if login && !plain {
		return sasl.NewLoginClient(to.User, to.Password.Reveal())
	}
	return sasl.NewPlainClient("", to.User, to.Password.Reveal())
}

// signIn is RFC 4954. What is said and heard may hold the password: only the server's last answer is kept.
func (c *Conn) signIn(m sasl.Client) error {
	name, first, err := m.Start()
	if err != nil {
		return c.broken("auth", err)
	}
	words := []string{"AUTH ", name}
	if first != nil {
		words = append(words, " ", initialResponse(first))
	}
	for range 5 {
		reply, text, err := c.command("auth", true, words...)
		if err != nil {
			return err
		}
		if reply.Code == 235 {
			return nil
		}
		if reply.Code != 334 {
			return unwilling(reply)
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil {
			return c.broken("auth", fmt.Errorf("the challenge is no base64"))
		}
		next, err := m.Next(challenge)
		if err != nil {
			return c.broken("auth", err)
		}
		words = []string{base64.StdEncoding.EncodeToString(next)}
	}
	return c.broken("auth", errors.New("the server asks for ever"))
}

// initialResponse is what stands behind AUTH; "=" is an empty one (RFC 4954 §4).
func initialResponse(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
