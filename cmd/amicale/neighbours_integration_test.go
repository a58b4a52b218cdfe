package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/app/mailbench"
	"amicale/internal/dbtest"
)

// postfix is a Postfix of Debian's as a neighbour on loopback.
type postfix struct {
	t   testing.TB
	dir string
	at  string // host:port it listens on
}

// startPostfix starts one with these lines of main.cf, or skips the test where there is none.
func startPostfix(t testing.TB, settings ...string) *postfix {
	t.Helper()
	dir, err := os.MkdirTemp("", "amicale-postfix") // its processes run as another user: not below the test's folder
	if err != nil {
		t.Fatal(err)
	}
	p := &postfix{t: t, dir: dir, at: freePort(t)}
	_, port, _ := strings.Cut(p.at, ":")
	script, err := filepath.Abs("../../scripts/postfix.sh")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(script, append([]string{"start", dir, port}, settings...)...).CombinedOutput()
	if status, ok := err.(*exec.ExitError); ok && status.ExitCode() == 3 {
		os.RemoveAll(dir)
		dbtest.Skip(t, "no Postfix, or no root to start it: apt-get install postfix")
	}
	if err != nil {
		t.Fatalf("postfix.sh start: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("Postfix at %s says:\n%s", p.at, log)
		}
		_ = exec.Command(script, "stop", dir).Run() // it may have stopped
		os.RemoveAll(dir)
	})
	return p
}

// hand gives it a message as a mail program would.
func (p *postfix) hand(from, to, message string) {
	p.t.Helper()
	var err error
	until(p.t, "Postfix takes the message", 20*time.Second, func() bool {
		err = smtp.SendMail(p.at, nil, from, []string{to}, []byte(message))
		return err == nil || !strings.Contains(err.Error(), "refused")
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// mailbox waits until so many messages lie in its mailbox, and gives them.
func (p *postfix) mailbox(n int) (out []string) {
	p.t.Helper()
	until(p.t, "the message lies in the mailbox", 40*time.Second, func() bool {
		files, _ := filepath.Glob(filepath.Join(p.dir, "mail/boite/new/*"))
		out = nil
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				p.t.Fatal(err)
			}
			out = append(out, string(b))
		}
		return len(out) >= n
	})
	return out
}

// signer is a domain with a key, known to the zone.
func signer(t testing.TB, zone *mailbench.Zone, domain string) func(message string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	zone.Text("k._domainkey."+domain, "v=DKIM1; k=ed25519; p="+base64.StdEncoding.EncodeToString(public))
	zone.Text("_dmarc."+domain, "v=DMARC1; p=reject")
	return func(message string) string {
		var out strings.Builder
		err := dkim.Sign(&out, strings.NewReader(message), &dkim.SignOptions{Domain: domain, Selector: "k", Signer: private,
			HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
}

// verifies reports whether the message's DKIM signature still holds.
func verifies(t testing.TB, zone *mailbench.Zone, message string) bool {
	t.Helper()
	list, err := dkim.VerifyWithOptions(strings.NewReader(strings.ReplaceAll(strings.ReplaceAll(message, "\r\n", "\n"), "\n", "\r\n")),
		&dkim.VerifyOptions{LookupTXT: zone.Texts})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.Err == nil {
			return true
		}
		t.Logf("signature of %s: %v", v.Domain, v.Err)
	}
	return false
}

func startZone(t testing.TB) *mailbench.Zone {
	t.Helper()
	zone, err := mailbench.StartZone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(zone.Close)
	return zone
}

// letterTo is a message as people send them.
func letterTo(to, subject string) string {
	return strings.ReplaceAll(`From: Un ami <ami@ami.example>
To: `+to+`
Subject: `+subject+`
Date: `+time.Now().Format(time.RFC1123Z)+`
Message-ID: <`+subject+`@ami.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Chère Laure,
.une ligne qui commence par un point, une autre qui finit par des blancs   
et une très longue : `+strings.Repeat("à bientôt ", 80)+`
`, "\n", "\r\n")
}

// TestPostfixOnBothSides passes a signed message from one Postfix through the program to another: as its MX by SMTP, and
// behind it by LMTP. The signature holds after the round, and nothing of ours names the target.
func TestPostfixOnBothSides(t *testing.T) {
	t.Parallel()
	target := startPostfix(t, "myhostname=mx.cible.example", "virtual_mailbox_domains=cible.example ami.example", "virtual_mailbox_maps=static:boite/",
		"mynetworks=127.0.0.0/8")
	zone := startZone(t)
	sign := signer(t, zone, "ami.example")
	zone.Text("ami.example", "v=spf1 ip4:127.0.0.1 -all")
	go zone.Serve() // ends with Close
	dir := data(t)
	setTarget(t, dir, "laure.lavaut.ly2010", "laure@cible.example")
	smtpAt, lmtpAt := freePort(t), freePort(t)
	serving(t, nil, "serve", "--data", dir, "--smtp", smtpAt, "--lmtp", lmtpAt, "--smarthost", "smtp://"+target.at+"?tls=none", "--resolver", zone.Addr)
	_, port, _ := strings.Cut(smtpAt, ":")
	_, lmtpPort, _ := strings.Cut(lmtpAt, ":")
	for n, route := range []string{"smtp:[127.0.0.1]:" + port, "lmtp:inet:127.0.0.1:" + lmtpPort} {
		sender := startPostfix(t, "myhostname=mx.ami.example", "mynetworks=127.0.0.0/8", "default_transport="+route, "relay_transport="+route)
		message := sign(letterTo("laure.lavaut.ly2010@ail.example", "tour"+string(rune('a'+n))))
		sender.hand("ami@ami.example", "laure.lavaut.ly2010@ail.example", message)
		got := target.mailbox(n + 1)
		last := got[len(got)-1]
		for _, m := range got {
			if strings.Contains(m, "Subject: tour"+string(rune('a'+n))) {
				last = m
			}
		}
		if !verifies(t, zone, last) {
			t.Errorf("by %s: no signature holds after the round:\n%s", route, last)
		}
		if head, _, _ := strings.Cut(last, "Received: from"); !strings.Contains(head, "Return-Path: <r-") {
			t.Errorf("by %s: the sender of the envelope is not a return token:\n%s", route, head)
		}
		// What stands below the target's own lines is ours and the sender's.
		_, ours, _ := strings.Cut(last, "Authentication-Results:")
		if ours == "" || strings.Contains(ours, "cible.example") {
			t.Errorf("by %s: a line of ours names the target:\n%s", route, ours)
		}
	}
}

// TestPostfixRefusesTheTarget passes a message on to an address that its server does not know: who wrote is told, by a
// report about the lifetime address that does not say where it led.
func TestPostfixRefusesTheTarget(t *testing.T) {
	t.Parallel()
	target := startPostfix(t, "myhostname=mx.cible.example", "virtual_mailbox_domains=cible.example ami.example",
		"virtual_mailbox_maps=inline:{ami@ami.example=boite/}", "mynetworks=127.0.0.0/8")
	zone := startZone(t)
	sign := signer(t, zone, "ami.example")
	go zone.Serve() // ends with Close
	dir := data(t)
	setTarget(t, dir, "laure.lavaut.ly2010", "laure@cible.example")
	smtpAt := freePort(t)
	serving(t, nil, "serve", "--data", dir, "--smtp", smtpAt, "--smarthost", "smtp://"+target.at+"?tls=none", "--resolver", zone.Addr)
	const to = "laure.lavaut.ly2010@ail.example"
	if err := smtp.SendMail(smtpAt, nil, "ami@ami.example", []string{to}, []byte(sign(letterTo(to, "perdu")))); err != nil {
		t.Fatal(err)
	}
	report := target.mailbox(1)[0]
	if !strings.Contains(report, "Return-Path: <>") || !strings.Contains(report, "Final-Recipient: rfc822; "+to) || !strings.Contains(report, "Status: 5.1.1") {
		t.Errorf("no report about %s:\n%s", to, report)
	}
	_, ours, _ := strings.Cut(report, "From: ")
	if strings.Contains(ours, "cible.example") {
		t.Errorf("the report says where the address led:\n%s", ours)
	}
}

// setTarget makes a lifetime address go there, as the older system did.
func setTarget(t testing.TB, dir, login, target string) {
	t.Helper()
	d := beside(t, "sqlite:"+filepath.Join(dir, "amicale.db"))
	exec1(t, d, `DELETE FROM redirect_targets WHERE person_id = (SELECT person_id FROM logins WHERE login = ?)`, login)
	exec1(t, d, `INSERT INTO redirect_targets (id, person_id, target, origin, created_at)
		SELECT '0199e000-0000-7000-8000-000000000001', person_id, ?, 'import', created_at FROM logins WHERE login = ?`, target, login)
}
