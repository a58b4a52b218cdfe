package outbox

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

// dialler opens lines.
type dialler struct {
	hello  string // the name we greet with
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tls    *tls.Config   // nil: the machine's authorities
	answer time.Duration // how long a server may take for one
	grace  time.Duration // how long a message under way may take once the context ended
	host   config.Smarthost

	mu    sync.Mutex
	plain map[string]time.Time // hosts whose TLS failed, and until when they are asked in clear at once
}

// Bounds of looking for a server that takes mail.
const (
	connectTimeout = 30 * time.Second
	mostHosts      = 5 // of one destination that are tried in turn
	plainFor       = 6 * time.Hour
	mostPlain      = 10000
)

// smarthost opens a line to the smarthost: with TLS as the setting says, and signed in.
func (d *dialler) smarthost(ctx context.Context) (*line, error) {
	l, err := d.connect(ctx, d.host.Host, d.host.Port, d.host.TLS == config.ImplicitTLS)
	if err != nil {
		return nil, err
	}
	err = d.greet(l)
	if err == nil && d.host.TLS == config.StartTLS {
		if !l.ext.startTLS {
			err = l.broken("tls", errors.New("the server does not offer STARTTLS"))
		} else if err = l.startTLS(ctx, d.config(l.server)); err == nil {
			err = d.ehlo(l)
		}
	}
	if err == nil && d.host.User != "" {
		err = l.signIn(d.mechanism(l))
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// mx opens a line to the first of the hosts that serves us. TLS is taken where it is offered (RFC 7435): nobody says
// which name the certificate should bear, so none is asked for.
func (d *dialler) mx(ctx context.Context, hosts []string) (*line, error) {
	var first error
	for _, host := range hosts[:min(len(hosts), mostHosts)] {
		l, err := d.opportunistic(ctx, host)
		if err == nil {
			return l, nil
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

func (d *dialler) opportunistic(ctx context.Context, host string) (*line, error) {
	clear := d.inClear(host)
	for {
		l, err := d.connect(ctx, host, "25", false)
		if err != nil {
			return nil, err
		}
		if err = d.greet(l); err == nil && l.ext.startTLS && !clear {
			cfg := d.config(host)
			cfg.InsecureSkipVerify, cfg.MinVersion = true, tls.VersionTLS10 // the alternative is none
			if err = l.startTLS(ctx, cfg); err == nil {
				err = d.ehlo(l)
			} else if !patienceLost(err) && ctx.Err() == nil {
				l.close()
				d.rememberClear(host)
				clear = true
				continue
			}
		}
		if err != nil {
			l.close()
			return nil, err
		}
		return l, nil
	}
}

// patienceLost tells a silent server from one whose TLS is broken.
func patienceLost(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func (d *dialler) inClear(host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	until, ok := d.plain[host]
	if ok && time.Now().After(until) {
		delete(d.plain, host)
		return false
	}
	return ok
}

func (d *dialler) rememberClear(host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.plain == nil || len(d.plain) >= mostPlain {
		d.plain = map[string]time.Time{}
	}
	d.plain[host] = time.Now().Add(plainFor)
}

func (d *dialler) config(server string) *tls.Config {
	cfg := d.tls.Clone() // of nil is nil
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.ServerName = server
	return cfg
}

func (d *dialler) connect(ctx context.Context, host, port string, implicit bool) (*line, error) {
	soon, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := d.dial(soon, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, &failure{stage: "connect", server: host, err: err}
	}
	if implicit {
		conn = tls.Client(conn, d.config(host))
	}
	l := newLine(conn, host, d.answer)
	l.unstop = context.AfterFunc(ctx, func() { l.stop(time.Now().Add(d.grace)) })
	return l, nil
}

// greet hears the greeting and says EHLO.
func (d *dialler) greet(l *line) error {
	l.within(l.answer)
	reply, _, err := l.hear("connect", false)
	if err != nil {
		return err
	}
	if reply.Code != 220 {
		return unwilling(reply)
	}
	return d.ehlo(l)
}

// ehlo introduces us, in the old way where the server knows no other (RFC 5321 §3.2).
func (d *dialler) ehlo(l *line) error {
	l.ext = extensions{}
	reply, text, err := l.command("hello", true, "EHLO ", d.hello)
	if err != nil {
		return err
	}
	if reply.Code == 500 || reply.Code == 502 {
		if reply, _, err = l.command("hello", false, "HELO ", d.hello); err != nil {
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
			l.ext.pipelining = true
		case "8BITMIME":
			l.ext.eightBit = true
		case "SMTPUTF8":
			l.ext.utf8 = true
		case "SIZE":
			l.ext.size = true
		case "STARTTLS":
			l.ext.startTLS = true
		case "AUTH":
			l.ext.auth = strings.Fields(rest)
		}
	}
	return nil
}

// unwilling is a server that answers, and serves nobody or not us.
func unwilling(r mail.Reply) error {
	return &failure{stage: r.Stage, server: r.Server, reply: r, err: errors.New(strings.TrimPrefix(sentence(r), r.Stage+": "))}
}

func (l *line) startTLS(ctx context.Context, cfg *tls.Config) error {
	reply, _, err := l.command("tls", false, "STARTTLS")
	if err != nil {
		return err
	}
	if reply.Code != 220 {
		return unwilling(reply)
	}
	if l.r.Buffered() > 0 { // said before the handshake, by whoever sits between (CVE-2011-0411)
		return l.broken("tls", errors.New("an answer before the handshake"))
	}
	conn := tls.Client(l.conn, cfg)
	l.within(l.answer)
	if err := conn.HandshakeContext(ctx); err != nil {
		return l.broken("tls", err)
	}
	l.conn = conn
	l.r.Reset(conn)
	l.w.Reset(conn)
	return nil
}

func (d *dialler) mechanism(l *line) sasl.Client {
	plain, login := false, false
	for _, m := range l.ext.auth {
		plain, login = plain || m == sasl.Plain, login || m == sasl.Login
	}
	if login && !plain {
		return sasl.NewLoginClient(d.host.User, d.host.Password.Reveal())
	}
	return sasl.NewPlainClient("", d.host.User, d.host.Password.Reveal())
}

// signIn is RFC 4954. What is said and heard may hold the password: only the server's last answer is kept.
func (l *line) signIn(m sasl.Client) error {
	name, first, err := m.Start()
	if err != nil {
		return l.broken("auth", err)
	}
	words := []string{"AUTH ", name}
	if first != nil {
		words = append(words, " ", initialResponse(first))
	}
	for range 5 {
		reply, text, err := l.command("auth", true, words...)
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
			return l.broken("auth", fmt.Errorf("the challenge is no base64"))
		}
		next, err := m.Next(challenge)
		if err != nil {
			return l.broken("auth", err)
		}
		words = []string{base64.StdEncoding.EncodeToString(next)}
	}
	return l.broken("auth", errors.New("the server asks for ever"))
}

// initialResponse is what stands behind AUTH; "=" is an empty one (RFC 4954 §4).
func initialResponse(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
