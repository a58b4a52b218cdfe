package main

import (
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// deliver hands a message to a mail server over a connection kept open, and says what was answered.
func deliver(c *smtp.Client, to, message string) error {
	if err := c.Mail("ami@ami.example"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(message)); err != nil {
		return err
	}
	return w.Close()
}

// TestALifetimeAddressPassesMailOn: octet for octet, behind a few lines that do not say where it goes; an address that
// nobody has is refused before anything is said.
func TestALifetimeAddressPassesMailOn(t *testing.T) {
	t.Parallel()
	const to = "laure.lavaut.ly2010@ail.example"
	zone, host, dir, at := startZone(t), startSmarthost(t), data(t), freePort(t)
	sign := signer(t, zone, "ami.example")
	go zone.Serve() // ends with Close
	setTarget(t, dir, "laure.lavaut.ly2010", "laure@cible.example")
	serving(t, nil, "serve", "--data", dir, "--smtp", at, "--smarthost", host.url, "--resolver", zone.Addr)
	c, err := smtp.Dial(at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	if err := c.Mail("ami@ami.example"); err != nil {
		t.Fatal(err)
	}
	for _, unknown := range []string{"personne.nulle.ly2010@ail.example", "laure.lavaut.ly2010@ailleurs.example"} {
		if no, ok := c.Rcpt(unknown).(*textproto.Error); !ok || no.Code != 550 || !strings.HasPrefix(no.Msg, "5.") {
			t.Errorf("RCPT TO:<%s> is answered %v, want 550", unknown, no)
		}
	}
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	messages := []string{letterTo(to, "octets"), letterTo(to, "long") + strings.Repeat("é", 1500) + "\r\n\t \r\n..\r\n.\tfin  \r\n\r\n"}
	for i, m := range messages {
		messages[i] = sign(m)
		if err := deliver(c, "Laure.LAVAUT.ly2010@AIL.example", messages[i]); err != nil {
			t.Fatal(err)
		}
	}
	host.wait("laure@cible.example", len(messages))
	for _, m := range messages {
		at := slices.IndexFunc(host.to("laure@cible.example"), func(l letter) bool { return strings.HasSuffix(l.source, m) })
		if at < 0 {
			t.Errorf("it did not come out as it went in:\n%s", m)
			continue
		}
		got := host.to("laure@cible.example")[at]
		head := strings.TrimSuffix(got.source, m)
		for _, line := range regexp.MustCompile(`(?m)^[^\s:]+:`).FindAllString(head, -1) {
			if !slices.Contains([]string{"Received:", "Delivered-To:", "Authentication-Results:", "X-Forwarded-For:"}, line) {
				t.Errorf("a line was put before the message: %s", line)
			}
		}
		if !strings.Contains(head, "Received: ") || strings.Contains(head, "cible.example") || strings.Contains(head, "\r\n\r\n") {
			t.Errorf("what stands before the message:\n%s", head)
		}
		if !regexp.MustCompile(`^r-[a-z2-7]+@retour\.ail\.example$`).MatchString(got.from) {
			t.Errorf("MAIL FROM is %q, no return token", got.from)
		}
		if !verifies(t, zone, got.source) {
			t.Error("the signature does not hold")
		}
	}
}

// crowd hands over many messages, each once, over several connections that are opened anew when they break.
type crowd struct {
	at, to string
	half   chan struct{} // the second half waits until it is closed

	mu    sync.Mutex
	next  int
	acked []string // the subjects of what was answered with 250
}

func (c *crowd) take(most int) (subject string, ok bool) {
	c.mu.Lock()
	c.next++
	n := c.next
	c.mu.Unlock()
	if n > most/2 {
		<-c.half
	}
	return fmt.Sprintf("charge-%03d", n), n <= most
}

func (c *crowd) run(t *testing.T, connections, most int) *sync.WaitGroup {
	all := &sync.WaitGroup{}
	for range connections {
		all.Go(func() {
			var conn *smtp.Client
			for {
				subject, ok := c.take(most)
				if !ok {
					return
				}
				for conn == nil { // the program may just be starting again
					var err error
					if conn, err = smtp.Dial(c.at); err != nil {
						time.Sleep(20 * time.Millisecond)
					}
				}
				err := deliver(conn, c.to, letterTo(c.to, subject))
				if no, ok := err.(*textproto.Error); ok {
					t.Errorf("%s is answered %v", subject, no)
				}
				if err != nil { // nobody said that it was taken
					conn.Close()
					conn = nil
					continue
				}
				c.mu.Lock()
				c.acked = append(c.acked, subject)
				c.mu.Unlock()
			}
		})
	}
	return all
}

// TestNoMailIsLost kills the program in the middle of 300 messages. What was acknowledged arrives, and at most the one
// that each connection was handing over comes twice.
func TestNoMailIsLost(t *testing.T) {
	t.Parallel()
	const messages, ways = 300, 4
	zone, host, dir := startZone(t), startSmarthost(t), data(t)
	go zone.Serve() // ends with Close
	setTarget(t, dir, "laure.lavaut.ly2010", "laure@cible.example")
	c := &crowd{at: freePort(t), to: "laure.lavaut.ly2010@ail.example", half: make(chan struct{})}
	args := []string{"serve", "--data", dir, "--smtp", c.at, "--smarthost", host.url + fmt.Sprintf("&connections=%d", ways), "--resolver", zone.Addr}
	p := serving(t, nil, args...)
	all := c.run(t, 8, messages)
	until(t, "some have arrived", 30*time.Second, func() bool { return len(host.to("laure@cible.example")) >= messages/6 })
	p.kill()
	c.mu.Lock()
	before := len(c.acked)
	c.mu.Unlock()
	t.Logf("killed with %d acknowledged, %d arrived", before, len(host.to("laure@cible.example")))
	serving(t, nil, args...)
	close(c.half)
	all.Wait()

	subject := regexp.MustCompile(`(?m)^Subject: (charge-\d+)\r$`)
	count := func() map[string]int {
		out := map[string]int{}
		for _, l := range host.to("laure@cible.example") {
			if m := subject.FindStringSubmatch(l.source); m != nil {
				out[m[1]]++
			}
		}
		return out
	}
	until(t, "all that was acknowledged has arrived", 60*time.Second, func() bool {
		arrived := count()
		return !slices.ContainsFunc(c.acked, func(s string) bool { return arrived[s] == 0 })
	})
	twice := 0
	for _, n := range count() {
		twice += n - 1
	}
	if twice > ways {
		t.Errorf("%d came twice over %d connections", twice, ways)
	}
	if len(c.acked) < messages-2*8 || before == 0 || before > messages/2 {
		t.Errorf("%d of %d were acknowledged, %d before the end: the test proves little", len(c.acked), messages, before)
	}
	t.Logf("%d acknowledged, %d twice", len(c.acked), twice)
}

// A server that is told to stop finishes what it was given.
func TestAMailServerStops(t *testing.T) {
	t.Parallel()
	at := freePort(t)
	p := serving(t, nil, "serve", "--data", data(t), "--smtp", at)
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.stop()
	if _, err := net.Dial("tcp", at); err == nil {
		t.Error("somebody still listens")
	}
}
