package mail_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
)

func TestScrub(t *testing.T) {
	t.Parallel()
	const target = "Elo.Durant+ail@maison-durant.fr"
	for in, want := range map[string]string{
		"<elo.durant+ail@maison-durant.fr>: user unknown":                    "<***>: user unknown",
		"ELO.DURANT+AIL@MAISON-DURANT.FR unknown":                            "*** unknown",
		"user elo.durant unknown":                                            "user *** unknown",
		"user elo.durant+ail, unknown":                                       "user ***, unknown",
		"«elo.durant» inconnu":                                               "*** inconnu",
		"mailbox of maison-durant.fr is full":                                "mailbox of *** is full",
		"host mx1.maison-durant.fr[192.0.2.1] said: 550 5.1.1 no":            "host *** said: 550 5.1.1 no",
		"see https://maison-durant.fr/why?to=elo.durant%40maison-durant.fr.": "see ***.",
		"passed on to <someone.else@autre.example>":                          "passed on to <***>",
		"mailto:elo.durant=40maison-durant.fr":                               "***",
		"550 5.1.1 is 10.5 MB, try at 12:30, 5.7.26":                         "550 5.1.1 is 10.5 MB, try at 12:30, 5.7.26",
		"from 2001:db8::1":                                                   "from ***",
		"nothing to hide":                                                    "nothing to hide",
		"line\r\nBcc: x@y.fr":                                                "line Bcc: ***",
		"":                                                                   "",
	} {
		if got := mail.Scrub(in, target); got != want {
			t.Errorf("Scrub(%q) = %q, want %q", in, got, want)
		}
	}
	if got, want := mail.Scrub("été.fr est plein, xn--t-9fab.fr aussi", "elo@xn--t-9fab.fr"), "*** est plein, *** aussi"; got != want {
		t.Errorf("Scrub() = %q, want %q", got, want)
	}
	if got, want := mail.Scrub("a@b.fr is gone"), "*** is gone"; got != want {
		t.Errorf("Scrub() without secrets = %q, want %q", got, want)
	}
}

func FuzzScrub(f *testing.F) {
	f.Add("<a.b+c@d.fr>: unknown a.b at d.fr", "a.b+c@d.fr")
	f.Add("A.B%40D.FR https://d.fr/?a.b", "a.b@d.fr")
	f.Fuzz(func(t *testing.T, text, secret string) {
		a, err := mail.ParseAddress(secret)
		if err != nil || strings.Contains(a.Address, "*") {
			return
		}
		got := strings.ToLower(mail.Scrub(text, a.Address))
		if strings.Contains(got, strings.ToLower(a.Address)) || strings.Contains(got, "@") {
			t.Errorf("Scrub(%q, %q) = %q", text, a.Address, got)
		}
	})
}

// house is the package's own texts.
func house(t *testing.T) *i18n.Bundle {
	t.Helper()
	b, err := i18n.Load(mail.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if fr, en := b.Keys("fr"), b.Keys("en"); !slices.Equal(fr, en) {
		t.Errorf("French keys %v, English %v", fr, en)
	}
	return b
}

func failure() mail.DSN {
	return mail.DSN{
		ID: id.New(), Date: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), Arrived: time.Date(2026, 6, 1, 11, 0, 0, 0, time.UTC),
		From: mail.Address{Name: "AIL Alumni", Address: "postmaster@ail.example"}, To: "jean@exemple.fr", Alias: "eloise.durant.ly2027@ail.example", By: "mx.ail.example",
		Class: mail.Dead, Reply: mail.Reply{Code: 550, Enhanced: "5.1.1", Server: "mx.maison-durant.fr", Text: "<elo@maison-durant.fr>: no elo here at mx.maison-durant.fr"},
		Secrets:  []string{"elo@maison-durant.fr"},
		Original: []byte("Received: from a\r\nDelivered-To: elo@maison-durant.fr\r\nFrom: jean@exemple.fr\r\nTo: eloise.durant.ly2027@ail.example\r\nSubject: =?utf-8?q?=C3=A7a?= \xe9\r\nMessage-ID: <m1@exemple.fr>\r\n\r\nsecret body\r\n"),
	}
}

func TestComposeDSN(t *testing.T) {
	t.Parallel()
	words := []string{"Ton message à eloise.durant.ly2027@ail.example n’a pas pu être remis.", "Cette adresse ne mène plus", "550 5.1.1 <***>: no *** here at ***",
		"Your message to eloise.durant.ly2027@ail.example could not be delivered.", "no longer leads to a mailbox"}
	raw, err := mail.ComposeDSN(t.Context(), house(t), failure())
	if err != nil {
		t.Fatal(err)
	}
	sound(t, raw)
	for _, secret := range []string{"maison-durant", "elo@", "secret body"} {
		if bytes.Contains(bytes.ToLower(raw), []byte(secret)) {
			t.Errorf("the report tells %q:\n%s", secret, raw)
		}
	}
	h, parts := report(t, raw)
	for name, want := range map[string]string{"Auto-Submitted": "auto-replied", "To": "<jean@exemple.fr>", "In-Reply-To": "<m1@exemple.fr>", "Date": "Mon, 01 Jun 2026 12:00:00 +0000"} {
		if got := h.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, want := range words {
		if !strings.Contains(parts["text/plain"], want) {
			t.Errorf("no %q in %q", want, parts["text/plain"])
		}
	}
	want := "Reporting-MTA: dns; mx.ail.example\r\nArrival-Date: Mon, 01 Jun 2026 11:00:00 +0000\r\n\r\nFinal-Recipient: rfc822; eloise.durant.ly2027@ail.example\r\nAction: failed\r\nStatus: 5.1.1\r\n" +
		"Diagnostic-Code: smtp; 550 5.1.1 <***>: no *** here at ***\r\nLast-Attempt-Date: Mon, 01 Jun 2026 12:00:00 +0000\r\n"
	if got := parts["message/delivery-status"]; got != want {
		t.Errorf("status %q, want %q", got, want)
	}
	if got, want := parts["text/rfc822-headers"], "Received: from a\r\nFrom: jean@exemple.fr\r\nTo: eloise.durant.ly2027@ail.example\r\nSubject: =?utf-8?q?=C3=A7a?= ?\r\nMessage-ID: <m1@exemple.fr>\r\n"; got != want {
		t.Errorf("original %q, want %q", got, want)
	}
	if got, ok := mail.ParseReport(raw); !ok || got.Class != mail.Dead || got.MessageID != "m1@exemple.fr" {
		t.Errorf("ParseReport() of ours = %+v, %v", got, ok)
	}
}

// report reads a multipart/report back.
func report(t *testing.T, raw []byte) (h netmail.Header, parts map[string]string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Fatalf("%s %v, %v", kind, params, err)
	}
	parts = map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m.Header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		parts[kind] = string(b)
	}
}

func TestComposeDSNByClass(t *testing.T) {
	t.Parallel()
	b := house(t)
	for class, want := range map[mail.Class]string{
		mail.Full: "5.2.2", mail.Policy: "5.7.1", mail.Reputation: "5.7.1", mail.Temporary: "5.4.7", mail.Unknown: "5.0.0", "": "5.0.0",
	} {
		d := failure()
		d.Class, d.Reply = class, mail.Reply{Enhanced: "4.4.1"}
		raw, err := mail.ComposeDSN(t.Context(), b, d)
		if err != nil {
			t.Fatal(err)
		}
		_, parts := report(t, raw)
		if got := parts["message/delivery-status"]; !strings.Contains(got, "\r\nStatus: "+want+"\r\n") || strings.Contains(got, "Diagnostic-Code") {
			t.Errorf("%s: %q, want status %s", class, got, want)
		}
		if strings.Contains(parts["text/plain"], "mail.dsn") {
			t.Errorf("%s: a key has no words: %q", class, parts["text/plain"])
		}
	}
}

func TestComposeDSNTakesNoCommands(t *testing.T) {
	t.Parallel()
	b := house(t)
	for _, evil := range hostile {
		for field, set := range map[string]func(*mail.DSN){
			"text": func(d *mail.DSN) { d.Reply.Text = evil }, "code": func(d *mail.DSN) { d.Reply.Enhanced = evil }, "server": func(d *mail.DSN) { d.Reply.Server = evil },
			"by": func(d *mail.DSN) { d.By = evil }, "to": func(d *mail.DSN) { d.To = "a@b.fr" + evil }, "alias": func(d *mail.DSN) { d.Alias = evil },
			"original": func(d *mail.DSN) {
				d.Original = []byte("Subject: " + evil + "\r\nMessage-ID: <" + evil + ">\r\n" + evil)
			}, "name": func(d *mail.DSN) { d.From.Name = evil },
		} {
			d := failure()
			set(&d)
			raw, err := mail.ComposeDSN(t.Context(), b, d)
			if err != nil {
				if !errors.Is(err, errs.Invalid) {
					t.Errorf("%s %.20q: %v", field, evil, err)
				}
				continue
			}
			sound(t, raw)
			h, parts := report(t, raw)
			if h.Get("Bcc") != "" || len(parts) != 3 || strings.Count(parts["message/delivery-status"], "Final-Recipient:") != 1 {
				t.Errorf("%s %.20q: %v, %v", field, evil, h, parts)
			}
		}
	}
}
