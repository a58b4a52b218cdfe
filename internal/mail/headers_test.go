package mail_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/mail"
)

func TestReadHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw, subject, body string
		received           int
	}{
		"CRLF":            {"Received: a\r\nSubject: un\r\n deux\r\nReceived: b\r\n\r\nbody\r\n", "un deux", "body\r\n", 2},
		"LF":              {"Subject: un\n\tdeux\n\nbody\n", "un\tdeux", "body\n", 0},
		"mixed":           {"Subject: un\nReceived: x\r\n\nbody", "un", "body", 1},
		"mbox":            {"From a@b Thu\nSubject: x\n\nbody", "x", "body", 0},
		"no body":         {"Subject: x\r\n", "x", "", 0},
		"no line end":     {"Subject: x", "x", "", 0},
		"empty line ends": {"Subject: x\n\nSubject: y\n", "x", "Subject: y\n", 0},
		"not a header":    {"Subject: x\nThis is text.\n", "x", "This is text.\n", 0},
		"space, colon":    {"Subject : x\n\nb", "x", "b", 0},
		"case":            {"sUbJeCt: x\nRECEIVED: y\n\n", "x", "", 1},
		"continued first": {" x\nSubject: y\n\n", "", " x\nSubject: y\n\n", 0},
		"nothing":         {"", "", "", 0},
		"only a line end": {"\r\nbody", "", "body", 0},
		"name of octets":  {"S\xe9: x\nSubject: y\n", "", "S\xe9: x\nSubject: y\n", 0},
	} {
		h, at := mail.ReadHeader([]byte(c.raw))
		if got := h.Get("subject"); got != c.subject || c.raw[at:] != c.body || h.CountReceived() != c.received {
			t.Errorf("%s: subject %q, want %q; body %q, want %q; %d received, want %d", name, got, c.subject, c.raw[at:], c.body, h.CountReceived(), c.received)
		}
	}
	h, _ := mail.ReadHeader([]byte("Delivered-To: <A@b.fr>\nX: 1\nx: 2\nDelivered-To: c@d.fr\n\n"))
	if got := h.All("X"); !slices.Equal(got, []string{"1", "2"}) || h.Count("x") != 2 || h.All("Y") != nil {
		t.Errorf("All() = %v", got)
	}
	for address, want := range map[string]bool{"a@B.fr": true, "c@d.fr": true, "d.fr": false, "": false} {
		if got := h.DeliveredTo(address); got != want {
			t.Errorf("DeliveredTo(%q) = %v, want %v", address, got, want)
		}
	}
}

func TestReadHeaderIsBounded(t *testing.T) {
	t.Parallel()
	raw := []byte(strings.Repeat("X: y\n z\n", 100_000) + "\nbody")
	h, at := mail.ReadHeader(raw)
	if n := h.Count("X"); n != 2000 || string(raw[at:]) != "body" {
		t.Errorf("%d fields, body %q", n, raw[at:])
	}
}

func TestPrependChangesNothing(t *testing.T) {
	t.Parallel()
	raw := []byte("Subject: x\n\nbare LF, bare\rCR, \x00, .\r\n.\r\nno end")
	out := mail.Prepend(raw, "A: 1\r\n", "B: 2\r\n")
	if want := append([]byte("A: 1\r\nB: 2\r\n"), raw...); !bytes.Equal(out, want) {
		t.Errorf("Prepend() = %q, want %q", out, want)
	}
}

func TestTraceLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
	good := mail.Trace{Hello: "mx.exemple.fr", Remote: netip.MustParseAddr("::ffff:192.0.2.1"), By: "mx.amicale.example", With: "ESMTPS", TLS: "TLS_AES_128_GCM_SHA256", ID: "0190", For: "eloise.durant.ly2027@ail.example", At: at}
	want := "Received: from mx.exemple.fr ([192.0.2.1])\r\n\tby mx.amicale.example with ESMTPS tls TLS_AES_128_GCM_SHA256 id 0190\r\n\tfor <eloise.durant.ly2027@ail.example>;\r\n\tMon, 01 Jun 2026 12:00:00 +0200\r\n"
	if got := good.Received(); got != want {
		t.Errorf("Received() = %q, want %q", got, want)
	}
	bare := mail.Trace{Hello: "[192.0.2.1]", Remote: netip.MustParseAddr("2001:db8::1%eth0"), By: "a", With: "LMTP", At: at}
	if got, want := bare.Received(), "Received: from [192.0.2.1] ([IPv6:2001:db8::1])\r\n\tby a with LMTP;\r\n\tMon, 01 Jun 2026 12:00:00 +0200\r\n"; got != want {
		t.Errorf("Received() = %q, want %q", got, want)
	}
	checks := []mail.Check{
		{Method: "spf", Result: "pass", Props: []mail.Prop{{Name: "smtp.mailfrom", Value: "a@exemple.fr"}}},
		{Method: "dmarc", Result: "fail", Reason: `p="reject"; \ é`, Props: []mail.Prop{{Name: "header.from", Value: "exemple.fr (x)"}}},
	}
	wantAuth := "Authentication-Results: mx.a.example;\r\n\tspf=pass\r\n\t smtp.mailfrom=a@exemple.fr;\r\n\tdmarc=fail reason=\"p='reject'; ' ?\"\r\n\t header.from=\"exemple.fr (x)\"\r\n"
	if got := mail.AuthResults("mx.a.example", checks); got != wantAuth {
		t.Errorf("AuthResults() = %q, want %q", got, wantAuth)
	}
	if got, want := mail.AuthResults("a", nil), "Authentication-Results: a; none\r\n"; got != want {
		t.Errorf("AuthResults() = %q, want %q", got, want)
	}
	for _, evil := range hostile {
		lines := mail.Trace{Hello: evil, By: evil, With: evil, TLS: evil, ID: evil, For: evil + "@b.fr"}.Received() + mail.DeliveredTo("a@b.fr"+evil) + mail.DeliveredTo(evil) +
			mail.AuthResults(evil, []mail.Check{{Method: evil, Result: evil, Reason: evil, Props: []mail.Prop{{Name: evil, Value: evil}}}})
		sound(t, []byte(lines))
		h, at := mail.ReadHeader([]byte(lines))
		if h.Count("Received") != 1 || h.Count("Authentication-Results") != 1 || h.Count("Bcc") != 0 || at != len(lines) {
			t.Errorf("%.20q makes %q", evil, lines)
		}
	}
}

func TestDecodeHeader(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"=?utf-8?q?=C3=89lo=C3=AFse?= Durant":          "Éloïse Durant",
		"=?iso-8859-15?q?caf=E9?=":                     "café",
		"=?windows-1252?b?4A==?=":                      "à",
		"=?utf-8?q?a=0D=0ABcc:_x@y.fr?=":               "a Bcc: x@y.fr",
		"=?klingon?q?x?=":                              "=?klingon?q?x?=",
		"=?utf-8?q?=FF=FE?=":                           "\uFFFD",
		"plain \x00\x07 text":                          "plain text",
		strings.Repeat("é", 300):                       strings.Repeat("é", 99) + "…",
		"=?utf-8?b?!!!?=":                              "=?utf-8?b?!!!?=",
		"=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=":           "テスト",
		strings.Repeat("=?utf-8?q?"+"x"+"?= ", 10_000): strings.Repeat("x", 99) + "…",
	} {
		if got := mail.DecodeHeader(in, 100); got != want {
			t.Errorf("DecodeHeader(%.40q) = %q, want %q", in, got, want)
		}
	}
}

func TestAuthor(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]mail.Address{
		"From: jean@Exemple.FR\n":                               {Address: "jean@exemple.fr"},
		"From: =?utf-8?q?=C3=89lo?= <elo@exemple.fr>\n":         {Name: "Élo", Address: "elo@exemple.fr"},
		"From: \"Dupont, Jean\" <Jean@exemple.fr>\n":            {Name: "Dupont, Jean", Address: "Jean@exemple.fr"},
		"From: Dupont, Jean <jean@exemple.fr>\n":                {Name: "Dupont, Jean", Address: "jean@exemple.fr"},
		"From: Jean [CEO] <jean@exemple.fr>\n":                  {Name: "Jean [CEO]", Address: "jean@exemple.fr"},
		"From: jean@été.fr\n":                                   {Address: "jean@xn--t-9fab.fr"},
		"From: =?iso-8859-1?q?Andr=E9?=\n <andre@exemple.fr>\n": {Name: "André", Address: "andre@exemple.fr"},
		"From: a@b.fr, c@d.fr\n":                                {},
		"From: a@b.fr\nFrom: a@b.fr\n":                          {},
		"Subject: x\n":                                          {},
		"From: \n":                                              {},
		"From: <>\n":                                            {},
		"From: undisclosed:;\n":                                 {},
		"From: jean@\n":                                         {},
		"From: x <a@b.fr> <c@d.fr>\n":                           {},
		"From: x, <a@b.fr\n":                                    {},
		"From: \"x@bank.example\" <a@b.fr>\n":                   {Name: "x@bank.example", Address: "a@b.fr"},
		"From: x@bank.example <a@b.fr>\n":                       {},
		"From: Jean <jean@[192.0.2.1]>\n":                       {},
		"From: " + strings.Repeat("x", 3000) + " <a@b.fr>\n":    {Name: strings.Repeat("x", 99) + "…", Address: "a@b.fr"}, "From: a@b.fr;\n": {},
		"From: =?utf-8?q?a=0D=0ABcc:_x?= <jean@exemple.fr>\n": {Name: "a Bcc: x", Address: "jean@exemple.fr"},
	} {
		h, _ := mail.ReadHeader([]byte(in))
		got, err := h.Author()
		if got != want || (err == nil) != (want.Address != "") {
			t.Errorf("Author(%.40q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{"a@B.fr": "b.fr", "a@b@C.fr": "c.fr", "a": "", "": "", "a@": ""} {
		if got := mail.DomainOf(in); got != want {
			t.Errorf("DomainOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	f.Add([]byte("Received: a\r\nFrom: \"x\" <a@b.fr>\r\n folded\r\n\r\nbody"), "a@b.fr")
	f.Add([]byte("From a@b\nSubject: =?utf-8?q?x?=\n\tx\n\n"), "")
	f.Add([]byte(" \n:\n\n"), "x")
	f.Fuzz(func(t *testing.T, raw []byte, address string) {
		before := bytes.Clone(raw)
		h, at := mail.ReadHeader(raw)
		for _, name := range []string{"From", "Subject", "Received"} {
			for _, v := range h.All(name) {
				if d := mail.DecodeHeader(v, 100); strings.ContainsAny(d, "\r\n\x00") {
					t.Errorf("DecodeHeader(%q) = %q", v, d)
				}
			}
		}
		if a, err := h.Author(); err == nil && (strings.ContainsAny(a.Address+a.Name, "\r\n") || mail.DomainOf(a.Address) == "") {
			t.Errorf("Author() = %+v", a)
		}
		h.DeliveredTo(address)
		if at < 0 || at > len(raw) || !bytes.Equal(before, raw) {
			t.Errorf("body at %d of %d, or the message was changed", at, len(raw))
		}
		line := mail.DeliveredTo(address)
		if again, _ := mail.ReadHeader([]byte(line + "\r\n")); line != "" && (!again.DeliveredTo(address) || again.Count("Delivered-To") != 1) {
			t.Errorf("DeliveredTo(%q) = %q", address, line)
		}
	})
}
