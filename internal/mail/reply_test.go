package mail_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"amicale/internal/mail"
)

func TestSentence(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]mail.Reply{
		"":                             {Stage: "rcpt", Enhanced: "5.1.1"},
		"rcpt: 550 5.1.1 no such user": {Stage: "rcpt", Code: 550, Enhanced: "5.1.1", Text: "no such user"},
		"data: 451":                    {Stage: "data", Code: 451},
		"connect: no route to host":    {Stage: "connect", Text: "no route to host"},
	} {
		if got := r.Sentence(); got != want {
			t.Errorf("Sentence() of %+v = %q, want %q", r, got, want)
		}
	}
}

func TestReplyText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"no\x00 such": "no such", "\xff": "\uFFFD", strings.Repeat("é", 300): strings.Repeat("é", 250), "x" + strings.Repeat("é", 300): "x" + strings.Repeat("é", 249)} {
		if got := mail.ReplyText(text); got != want || !utf8.ValidString(got) {
			t.Errorf("ReplyText(%.20q) = %q, want %q", text, got, want)
		}
	}
}

func TestASCIIDomain(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{"Exemple.FR": "exemple.fr", "exemple.fr.": "exemple.fr", "été.fr": "xn--t-9fab.fr", "": "", "a b.fr": "", "-.fr": ""} {
		if got := mail.ASCIIDomain(domain); got != want {
			t.Errorf("ASCIIDomain(%q) = %q, want %q", domain, got, want)
		}
	}
}
