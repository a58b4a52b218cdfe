package mail_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"amicale/internal/errs"
	"amicale/internal/mail"
)

func list() mail.List {
	return mail.List{
		ID: "news.ly.lettres.example", Name: "Actualités de l'AIL", Unsubscribe: "https://ail.example/desabonner/abc", Mailto: "r-abc@lettres.example",
		Help: "https://ail.example/aide", Feedback: [4]string{"2026-06", "news", "ly:1", "amicale"},
	}
}

func TestListHeaders(t *testing.T) {
	t.Parallel()
	got, err := list().Headers()
	want := map[string]string{
		"List-Id":               "Actualités de l'AIL <news.ly.lettres.example>",
		"List-Unsubscribe":      "<https://ail.example/desabonner/abc>, <mailto:r-abc@lettres.example?subject=unsubscribe>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"List-Help":             "<https://ail.example/aide>",
		"Feedback-ID":           "2026-06:news:ly-1:amicale",
		"Precedence":            "bulk",
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("Headers() = %v, %v, want %v", got, err, want)
	}
	bare, err := mail.List{ID: "a.b", Unsubscribe: "https://a.example/x"}.Headers()
	if err != nil || len(bare) != 4 || bare["List-Id"] != "<a.b>" || bare["List-Unsubscribe"] != "<https://a.example/x>" {
		t.Errorf("Headers() = %v, %v", bare, err)
	}
	l := letter()
	l.Headers, l.Bulk, l.ReplyTo = want, true, mail.Address{Name: "Élo", Address: "groupe@ail.example"}
	h, _ := parsed(t, must(t, l))
	for name, value := range want {
		if got := decoded(t, h.Get(name)); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	if reply, err := h.AddressList("Reply-To"); err != nil || len(reply) != 1 || *reply[0] != l.ReplyTo || h.Get("Auto-Submitted") != "" {
		t.Errorf("Reply-To %v, %v; Auto-Submitted %q", reply, err, h.Get("Auto-Submitted"))
	}
}

func TestListHeadersRefuse(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*mail.List){
		"no id": func(l *mail.List) { l.ID = "" }, "one label": func(l *mail.List) { l.ID = "news" }, "id with a line": func(l *mail.List) { l.ID = "a.b\r\nX: y" },
		"no link": func(l *mail.List) { l.Unsubscribe = "" }, "http": func(l *mail.List) { l.Unsubscribe = "http://a.example/" }, "script": func(l *mail.List) { l.Unsubscribe = "javascript:1" },
		"link with a bracket": func(l *mail.List) { l.Unsubscribe = "https://a.example/>, <https://b.example/" }, "long link": func(l *mail.List) { l.Unsubscribe = "https://a.example/" + strings.Repeat("x", 600) },
		"no address": func(l *mail.List) { l.Mailto = "x" }, "help": func(l *mail.List) { l.Help = "aide" },
	} {
		l := list()
		set(&l)
		if got, err := l.Headers(); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: Headers() = %v, %v, want invalid", name, got, err)
		}
	}
	for _, evil := range hostile {
		l := list()
		l.Name, l.Feedback[0], l.Feedback[1], l.Feedback[2] = evil, evil, evil, evil
		headers, err := l.Headers()
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			if strings.ContainsAny(value, "\r\n\x00") || len(value) > 900 {
				t.Errorf("%.20q: %s is %q", evil, name, value)
			}
		}
		whole := letter()
		whole.Headers = headers
		sound(t, must(t, whole))
	}
}

func TestComposeIsDeterministic(t *testing.T) {
	t.Parallel()
	l := campaign()
	if a, b := must(t, l), must(t, l); string(a) != string(b) {
		t.Error("the same letter gave other octets")
	}
	l.Subject = "=?utf-8?q?ceci?= n'est pas codé, =?x?"
	if h, _ := parsed(t, must(t, l)); decoded(t, h.Get("Subject")) != l.Subject {
		t.Errorf("subject %q, want %q", decoded(t, h.Get("Subject")), l.Subject)
	}
}
