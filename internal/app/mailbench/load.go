package mailbench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load hands messages to a server over several connections kept open, one conversation after another, without
// pipelining, as MTAs do.
type load struct {
	addr        string
	connections int
	recipients  []string
	senders     []sender
	n           int64

	next    atomic.Int64
	mu      sync.Mutex
	acked   []string
	refused int
	accept  []time.Duration
}

// sender is who writes: an address and a message, to which the number is put before.
type sender struct {
	address string
	message string
}

// run sends until n messages were acknowledged or refused. A connection that breaks is opened anew, and its message
// forgotten: it was not acknowledged. While the server does not answer, it waits for it.
func (l *load) run(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make(chan error, l.connections)
	for range l.connections {
		all.Go(func() {
			if err := l.connection(ctx); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

func (l *load) connection(ctx context.Context) error {
	for ctx.Err() == nil {
		c, err := dialLine(l.addr)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
		done, err := l.messages(c)
		stop()
		_ = c.conn.Close()
		if done {
			return nil
		}
		if err != nil && ctx.Err() == nil && c.wrong {
			return err
		}
	}
	return ctx.Err()
}

func (l *load) messages(c *line) (done bool, err error) {
	for {
		i := l.next.Add(1) - 1
		if i >= l.n {
			return true, nil
		}
		key := strconv.FormatInt(i, 36)
		who := l.senders[int(i)%len(l.senders)]
		begun := time.Now()
		code, err := c.send(who.address, l.recipients[int(i)%len(l.recipients)], "X-Load: "+key+"\r\n"+who.message)
		if err != nil {
			return false, err
		}
		l.mu.Lock()
		if code == 250 {
			l.acked = append(l.acked, key)
			l.accept = append(l.accept, time.Since(begun))
		} else {
			l.refused++
		}
		l.mu.Unlock()
	}
}

// line is one SMTP connection of the load.
type line struct {
	conn  net.Conn
	r     *bufio.Reader
	wrong bool // the server said what nobody expects
}

func dialLine(addr string) (*line, error) {
	conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err != nil {
		return nil, err
	}
	c := &line{conn: conn, r: bufio.NewReaderSize(conn, 4<<10)}
	if code, err := c.answer(); err != nil || code != 220 {
		conn.Close()
		return nil, fmt.Errorf("mailbench: greeting %d: %w", code, err)
	}
	if code, err := c.say("EHLO sender.example\r\n"); err != nil || code != 250 {
		conn.Close()
		return nil, fmt.Errorf("mailbench: EHLO %d: %w", code, err)
	}
	return c, nil
}

func (c *line) say(text string) (int, error) {
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute)) // a write or read says so
	if _, err := c.conn.Write([]byte(text)); err != nil {
		return 0, err
	}
	return c.answer()
}

func (c *line) answer() (int, error) {
	for {
		s, err := c.r.ReadString('\n')
		if err != nil {
			return 0, err
		}
		if len(s) >= 4 && s[3] == ' ' {
			return strconv.Atoi(s[:3])
		}
	}
}

// send is one conversation; code is the last answer, of whichever command.
func (c *line) send(from, to, message string) (code int, err error) {
	for _, step := range []struct {
		text string
		want int
	}{{"MAIL FROM:<" + from + ">\r\n", 250}, {"RCPT TO:<" + to + ">\r\n", 250}, {"DATA\r\n", 354}, {message + ".\r\n", 250}} {
		if code, err = c.say(step.text); err != nil {
			return 0, err
		}
		if code == 421 {
			return 0, fmt.Errorf("mailbench: 421 to %s", strings.TrimSpace(step.text[:min(40, len(step.text))]))
		}
		if code != step.want {
			_, err := c.say("RSET\r\n")
			return code, err
		}
	}
	return code, nil
}
