package submission

import (
	"strings"
	"testing"
	"time"

	"amicale/internal/id"
	"amicale/internal/people"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestPrepare(t *testing.T) {
	t.Parallel()
	key, at := id.New(), noon
	added := "Date: Mon, 01 Jun 2026 12:00:00 +0000\r\nMessage-ID: <" + key.String() + "@ly-alumni.example>\r\n"
	for _, tt := range []struct{ name, raw, want string }{
		{"complete", "Date: x\r\nMessage-Id: <1@x>\r\nFrom: a\r\n\r\nBcc: in the text\r\n", "Date: x\r\nMessage-Id: <1@x>\r\nFrom: a\r\n\r\nBcc: in the text\r\n"},
		{"nothing", "From: a\r\n\r\nx", added + "From: a\r\n\r\nx"},
		{"hidden copies", "date: x\r\nmessage-id: y\r\nBCC : b@x.fr,\r\n\tc@x.fr\r\nReturn-Path: <r>\r\nTo: d@x.fr,\r\n e@x.fr\r\nbcc:f@x.fr\r\n\r\n.\r\n",
			"date: x\r\nmessage-id: y\r\nTo: d@x.fr,\r\n e@x.fr\r\n\r\n.\r\n"},
		{"of a mailbox file", "From a@x.fr Mon\r\nDate: x\r\nMessage-ID: y\r\n\r\nz", "Date: x\r\nMessage-ID: y\r\n\r\nz"},
		{"no body", "Date: x\r\nMessage-ID: y\r\nFrom: a\r\n", "Date: x\r\nMessage-ID: y\r\nFrom: a\r\n"},
	} {
		if got := string(prepare([]byte(tt.raw), key, "ly-alumni.example", at)); got != tt.want {
			t.Errorf("%s: prepare() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add([]byte("From: a\r\nBcc: b\r\n\r\nx"))
	f.Add([]byte("Bcc: b"))
	f.Add([]byte("\r\n"))
	f.Add([]byte(" x\r\nBcc:b\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := prepare(raw, id.ID{}, "x.example", noon)
		again := prepare(got, id.ID{}, "x.example", noon)
		if string(got) != string(again) {
			t.Errorf("prepare() twice of %q: %q, then %q", raw, got, again)
		}
	})
}

func TestCheckAuthor(t *testing.T) {
	t.Parallel()
	own := []people.LifetimeAddress{{Address: "laure.lavaut.ly2010@ly-alumni.example"}, {Address: "laure.dupont.ly2010@ly-alumni.example"}}
	for _, tt := range []struct {
		name, head string
		code       int
	}{
		{"himself", "From: Laure Lavaut <Laure.Lavaut.LY2010@ly-alumni.example>\r\n", 0},
		{"by a former login, with a name in UTF-8", "From: =?utf-8?q?=C3=89lo=C3=AFse?= <laure.dupont.ly2010@ly-alumni.example>\r\n", 0},
		{"somebody else", "From: jean.martin.ly2010@ly-alumni.example\r\n", 553},
		{"somebody else's name around it", "From: \"laure.lavaut.ly2010@ly-alumni.example\" <jean@exemple.fr>\r\n", 553},
		{"two authors", "From: laure.lavaut.ly2010@ly-alumni.example, jean@exemple.fr\r\n", 553},
		{"two lines", "From: laure.lavaut.ly2010@ly-alumni.example\r\nFrom: jean@exemple.fr\r\n", 550},
		{"another sender", "From: laure.lavaut.ly2010@ly-alumni.example\r\nSender: jean@exemple.fr\r\n", 553},
		{"none", "Subject: x\r\n", 550},
		{"nonsense", "From: <<>>\r\n", 550},
		{"somebody else's message", "From: laure.lavaut.ly2010@ly-alumni.example\r\nResent-From: laure.lavaut.ly2010@ly-alumni.example\r\n", 550},
	} {
		no := checkAuthor([]byte(tt.head+"\r\nx"), own)
		if no == nil && tt.code != 0 || no != nil && no.Code != tt.code {
			t.Errorf("%s: checkAuthor() = %v, want %d", tt.name, no, tt.code)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 50 {
		s := newSecret()
		if len(s) != 23 || seen[s] || strings.ContainsAny(s, "lo01") {
			t.Errorf("newSecret() = %q", s)
		}
		seen[s] = true
		if secretHash(strings.ToUpper(strings.ReplaceAll(s, "-", " "))) != secretHash(s) {
			t.Errorf("%q is not known again as people type it", s)
		}
	}
}
