package mail_test

import (
	"strings"
	"testing"

	"amicale/internal/mail"
)

// campaign is a letter of the size that a newsletter has: thirty sentences, in text and in HTML.
func campaign() mail.Letter {
	l := letter()
	sentence := "L'association réunit à Lyon, comme chaque année, celles et ceux qui veulent se revoir ; viens, c'est ouvert à tous.\n\n"
	l.Text = "Bonjour Éloïse,\n\n" + strings.Repeat(sentence, 30)
	l.HTML = "<!doctype html><html><body><p>" + strings.ReplaceAll(l.Text, "\n\n", "</p>\n<p>") + "</p></body></html>"
	l.Headers = map[string]string{"List-Id": "<news.ly.lettres.example>", "List-Unsubscribe": "<https://ail.example/d/abc>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
	return l
}

func BenchmarkCompose(b *testing.B) {
	l := campaign()
	b.ReportAllocs()
	for b.Loop() {
		raw, err := mail.Compose(l)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(raw)))
	}
}
