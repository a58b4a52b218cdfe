package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"amicale/internal/config"
)

// verdict is what a failed conversation means for the letter.
type verdict uint8

const (
	again   verdict = iota // try this letter later
	refused                // never: the smarthost answered 5xx about this very letter
	closed                 // the smarthost itself does not serve us; no letter is to blame
)

// failure is a conversation that did not end with the letter taken.
type failure struct {
	stage   string
	verdict verdict
	err     error
}

func (f *failure) Error() string { return f.stage + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// line is one connection to the smarthost, kept for the next letters.
type line struct {
	client *smtp.Client
	conn   net.Conn
	used   time.Time // when the last letter was handed over; zero for a new line
}

// dialler opens lines.
type dialler struct {
	host  config.Smarthost
	hello string      // the name we greet with
	tls   *tls.Config // nil: the machine's authorities
}

func (d dialler) open(ctx context.Context) (*line, error) {
	fail := func(stage string, err error) (*line, error) {
		return nil, &failure{stage, closed, err}
	}
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, "tcp", d.host.Address())
	if err != nil {
		return fail("connect", err)
	}
	cfg := d.tls.Clone() // of nil is nil
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.ServerName = d.host.Host
	if d.host.TLS == config.ImplicitTLS {
		conn = tls.Client(conn, cfg)
	}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute)) // for the greeting and the handshakes
	client := smtp.NewClient(conn)
	if d.host.TLS == config.StartTLS {
		if client, err = smtp.NewClientStartTLS(conn, cfg); err != nil {
			conn.Close()
			return fail("starttls", err)
		}
	}
	client.CommandTimeout, client.SubmissionTimeout = time.Minute, 5*time.Minute
	if err := client.Hello(d.hello); err != nil {
		conn.Close()
		return fail("hello", err)
	}
	if d.host.User != "" {
		if err := client.Auth(d.mechanism(client)); err != nil {
			conn.Close()
			return fail("sign-in", err)
		}
	}
	return &line{client: client, conn: conn}, nil
}

func (d dialler) mechanism(c *smtp.Client) sasl.Client {
	if !c.SupportsAuth(sasl.Plain) && c.SupportsAuth(sasl.Login) {
		return sasl.NewLoginClient(d.host.User, d.host.Password.Reveal())
	}
	return sasl.NewPlainClient("", d.host.User, d.host.Password.Reveal())
}

// hand gives one letter over. After nil the smarthost has answered for it.
func (l *line) hand(from, to string, message []byte) error {
	if err := l.client.Mail(from, nil); err != nil {
		return judged("mail", err)
	}
	if err := l.client.Rcpt(to, nil); err != nil {
		return judged("rcpt", err)
	}
	w, err := l.client.Data()
	if err != nil {
		return judged("data", err)
	}
	if _, err := w.Write(message); err != nil {
		return judged("message", err)
	}
	if err := w.Close(); err != nil {
		return judged("message", err)
	}
	l.used = time.Now()
	return nil
}

// judged tells an answer about the letter from one about us, and both from a broken connection.
func judged(stage string, err error) error {
	var answer *smtp.SMTPError
	switch {
	case !errors.As(err, &answer):
		return &failure{stage, again, err}
	case answer.Code == 421: // RFC 5321 §3.8: the service closes
		return &failure{stage, again, err}
	case answer.Code == 530 || answer.Code == 535 || answer.Code == 538: // RFC 4954 §6: sign in first
		return &failure{stage, closed, err}
	case answer.Code >= 500:
		return &failure{stage, refused, err}
	}
	return &failure{stage, again, err}
}

// broken reports whether the line cannot be used any more.
func broken(err error) bool {
	var answer *smtp.SMTPError
	return !errors.As(err, &answer) || answer.Code == 421
}

// reset makes the line ready for another letter after one was refused.
func (l *line) reset() error {
	if err := l.client.Reset(); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	return nil
}

// hangUp says goodbye; whether it is heard does not matter.
func (l *line) hangUp() {
	_ = l.conn.SetDeadline(time.Now().Add(5 * time.Second))
	l.client.CommandTimeout = 5 * time.Second
	_ = l.client.Quit()
	_ = l.conn.Close()
}
