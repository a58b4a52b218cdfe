package inbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/dbtest"
	"amicale/internal/inbox"
)

func TestScore(t *testing.T) {
	t.Parallel()
	d := world(map[string][]string{"TXT _dmarc.quarantine.example": {"v=DMARC1; p=quarantine"}, "TXT _dmarc.lenient.example": {"v=DMARC1; p=none"}, "TXT soft.example": {"v=spf1 ~all"},
		"TXT there.example": {"v=spf1 ip4:192.0.2.7 -all"}})
	s := open(t, dbtest.New(t), inbox.Options{Resolver: d}, away("192.0.2.7"))
	plain := message("a@there.example")
	without := func(field string) string {
		var out []string
		for _, line := range strings.SplitAfter(plain, "\r\n") {
			if !strings.HasPrefix(line, field+":") {
				out = append(out, line)
			}
		}
		return strings.Join(out, "")
	}
	for _, c := range []struct {
		name, hello, sender, message string
		marks                        []string
		score                        int
	}{
		{"clean", "there.example", "a@there.example", plain, nil, 0},
		{"no From", "there.example", "a@there.example", without("From"), []string{"no From"}, 40},
		{"several From", "there.example", "a@there.example", "From: b@there.example\r\n" + plain, []string{"several From"}, 50},
		{"no Date", "there.example", "a@there.example", without("Date"), []string{"no Date"}, 10},
		{"no Message-ID", "there.example", "a@there.example", without("Message-ID"), []string{"no Message-ID"}, 10},
		{"no To", "there.example", "a@there.example", without("To"), []string{"no To"}, 5},
		{"tomorrow is near", "there.example", "a@there.example", "Date: " + time.Now().Add(24*time.Hour).Format(time.RFC1123Z) + "\r\n" + without("Date"), nil, 0},
		{"far in the future", "there.example", "a@there.example", "Date: " + time.Now().Add(72*time.Hour).Format(time.RFC1123Z) + "\r\n" + without("Date"), []string{"Date in the future"}, 20},
		{"a date that is none", "there.example", "a@there.example", "Date: soon\r\n" + without("Date"), nil, 0},
		{"a number as name", "192.0.2.7", "a@there.example", plain, []string{"HELO is an address"}, 15},
		{"a number in brackets", "[192.0.2.7]", "a@there.example", plain, []string{"HELO is an address"}, 15},
		{"IPv6 in brackets", "[IPv6:2001:db8::1]", "a@there.example", plain, []string{"HELO is an address"}, 15},
		{"our name", "MX.ly.example", "a@there.example", plain, []string{"HELO is our name"}, 40},
		{"no domain", "windows-pc", "a@there.example", plain, []string{"HELO is no domain"}, 10},
		{"marked before", "there.example", "a@there.example", "X-Spam-Flag: YES\r\n" + plain, []string{"marked before"}, 40},
		{"marked by status", "there.example", "a@there.example", "X-Spam-Status: Yes, score=9\r\n" + plain, []string{"marked before"}, 40},
		{"SPF fail", "there.example", "a@never.example", plain, []string{"SPF fail"}, 25},
		{"SPF softfail", "there.example", "a@soft.example", plain, []string{"SPF softfail"}, 10},
		{"quarantine", "there.example", "a@there.example", message("a@quarantine.example"), []string{"DMARC quarantine"}, 40},
		{"lenient", "there.example", "a@there.example", message("a@lenient.example"), []string{"DMARC none"}, 10},
	} {
		before := len(s.shelf.all())
		k := call(t, s.addr).say("< 220", "> EHLO "+c.hello, "< 250", "> MAIL FROM:<"+c.sender+">", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354")
		k.say(c.message+".\r\n", "< 250")
		m := s.shelf.all()[before].Message
		if m.Score != c.score || !slices.Equal(m.Marks, c.marks) {
			t.Errorf("%s: score %d for %q, want %d for %q", c.name, m.Score, m.Marks, c.score, c.marks)
		}
	}
	call(t, s.addr).say(hello...).say("> MAIL FROM:<>", "< 250", "> RCPT TO:<a@ly.example>", "< 250", "> RCPT TO:<b@ly.example>", "< 250", "> DATA", "< 354", plain+".\r\n", "< 250")
	list := s.shelf.all()
	if m := list[len(list)-1].Message; !slices.Contains(m.Marks, "report to many") {
		t.Errorf("a report to two: %q", m.Marks)
	}
	row, err := s.box.Recent(t.Context(), admin, inbox.Taken, inbox.Page{Size: 1})
	if err != nil || row.Rows[0].Score != 40 {
		t.Errorf("the row says %+v (%v), want 40 points", row.Rows, err)
	}
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{}, overSMTP)
	multipart := func(disposition string) string {
		return "From: a@there.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\nname=\"preamble.exe\"\r\n--b 1\r\nContent-Type: text/plain\r\n\r\n" +
			"It is called\r\nContent-Disposition: attachment; filename=\"x.exe\"\r\n--b 1\r\n" + disposition + "\r\n\r\nTVqQ\r\n--b 1--\r\n"
	}
	for disposition, refused := range map[string]bool{
		`Content-Disposition: attachment; filename="cv.docx"`:                                                                          false,
		`Content-Disposition: attachment; filename="exe.pdf"`:                                                                          false,
		`Content-Disposition: attachment; filename="x.exe"`:                                                                            true,
		`content-disposition: ATTACHMENT; FILENAME="X.EXE"`:                                                                            true,
		"Content-Disposition: attachment;\r\n filename=x.scr":                                                                          true,
		`Content-Type: application/octet-stream; name="facture.pdf.js"`:                                                                true,
		`Content-Disposition: attachment; filename*=utf-8''fa%C3%A7ade.vbs`:                                                            true,
		`Content-Disposition: attachment; filename="=?utf-8?q?fa=C3=A7ade=2Ehta?="`:                                                    true,
		`Content-Disposition: attachment; filename*0="long"; filename*1=".ex"; filename*2="e"`:                                         true,
		`Content-Disposition: attachment; filename="x.exe. "`:                                                                          true,
		`Content-Disposition: attachment; filename=my file.exe`:                                                                        true,
		"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Disposition: attachment; filename=\"x.bat\"\r\n\r\n\r\n--c--": true,
		"Content-Type: message/rfc822\r\n\r\nFrom: b@there.example\r\nContent-Type: application/x; name=x.msi":                         true,
	} {
		k := call(t, s.addr).say(hello...).say(envelope...).say("> DATA", "< 354", multipart(disposition)+".\r\n")
		if got := k.answer(); strings.HasPrefix(got, "554 5.7.1 an attachment is a program") != refused {
			t.Errorf("%q: %s, want refused %v", disposition, got, refused)
		}
	}
}

func TestRspamd(t *testing.T) {
	t.Parallel()
	var action string
	var head http.Header
	var body []byte
	filter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.Path != "/checkv2" || action == "broken" {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"action": action, "score": 1.5, "symbols": map[string]any{}})
	}))
	t.Cleanup(filter.Close)
	s := open(t, dbtest.New(t), inbox.Options{Rspamd: filter.URL + "/", Resolver: world(nil)}, overSMTP)
	plain := message("a@there.example")
	for a, want := range map[string]int{"no action": 0, "greylist": 20, "soft reject": 40, "add header": 60, "rewrite subject": 60, "reject": 150, "broken": 0, "dance": 0} {
		action = a
		answer, m := deliver(t, s, "a@there.example", plain)
		if m == nil || m.Score != want {
			t.Errorf("%s: %q, %+v, want %d points", a, answer, m, want)
		}
	}
	if head.Get("Ip") != "127.0.0.1" || head.Get("Helo") != "there.example" || head.Get("From") != "<a@there.example>" || head.Get("Rcpt") != "<laure@ly.example>" || string(body) != plain {
		t.Errorf("it was asked with %v and %q", head, body)
	}
	filter.Close()
	if answer, m := deliver(t, s, "a@there.example", plain); m == nil || m.Score != 0 {
		t.Errorf("without it: %q", answer)
	}
}

// TestDeepParts: structure made to cost much costs little.
func TestDeepParts(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{}, overSMTP)
	var b strings.Builder
	b.WriteString("From: a@there.example\r\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	if answer, m := deliver(t, s, "a@there.example", b.String()); m == nil {
		t.Error(answer)
	}
}
