package inbox_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/clock"
	"amicale/internal/dbtest"
	"amicale/internal/inbox"
)

// keys are a pair of signing keys and what the DNS says of them.
var keys = sync.OnceValue(func() (k struct {
	rsa     crypto.Signer
	ed      crypto.Signer
	records map[string]string // by algorithm
}) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&r.PublicKey)
	if err != nil {
		panic(err)
	}
	p, e, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	k.rsa, k.ed = r, e
	k.records = map[string]string{
		"rsa":     "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(pub),
		"ed25519": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(p),
	}
	return k
})

// signed is a message signed for a domain, with the selector "rsa" or "ed25519".
func signed(t testing.TB, message, domain, algorithm string) string {
	t.Helper()
	key := keys().rsa
	if algorithm == "ed25519" {
		key = keys().ed
	}
	var out bytes.Buffer
	err := dkim.Sign(&out, strings.NewReader(message), &dkim.SignOptions{Domain: domain, Selector: algorithm, Signer: key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// world is a DNS in which 127.0.0.1 may send for a few domains.
func world(more map[string][]string) *dns {
	d := &dns{records: map[string][]string{
		"TXT there.example":                        {"some=thing", "v=spf1 ip4:127.0.0.0/8 -all"},
		"TXT list.there.example":                   {"v=spf1 ip4:127.0.0.0/8 -all"},
		"TXT other.example":                        {"v=spf1 ip4:127.0.0.0/8 -all"},
		"TXT never.example":                        {"v=spf1 -all"},
		"TXT rsa._domainkey.there.example":         {keys().records["rsa"]},
		"TXT rsa._domainkey.list.there.example":    {keys().records["rsa"]},
		"TXT rsa._domainkey.other.example":         {keys().records["rsa"]},
		"TXT ed25519._domainkey.there.example":     {keys().records["ed25519"]},
		"A there.example":                          {"127.0.0.1"},
		"TXT two._domainkey.there.example":         {"v=DKIM1; p=a", "v=DKIM1; p=b"},
		"TXT revoked._domainkey.there.example":     {"v=DKIM1; p="},
		"TXT rsa._domainkey.xn--bcher-kva.example": {keys().records["rsa"]},
		"TXT _dmarc.xn--bcher-kva.example":         {"v=DMARC1; p=reject"},
		"TXT _dmarc.reject.example":                {"v=DMARC1; p=reject"},
	}}
	for k, v := range more {
		d.records[k] = v
	}
	return d
}

func message(from string) string {
	return "From: " + from + "\r\nTo: laure@ly.example\r\nSubject: News\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nMessage-ID: <1@there.example>\r\n\r\nHello\r\n"
}

// deliver sends a message and gives the answer with what the box was given, nil when it was refused.
func deliver(t testing.TB, s *site, sender, message string) (string, *inbox.Message) {
	t.Helper()
	before := len(s.shelf.all())
	k := call(t, s.addr).say(hello...).say("> MAIL FROM:<"+sender+">", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354")
	k.send(strings.ReplaceAll(message, "\r\n.", "\r\n..") + ".\r\n")
	answer := k.answer()
	if kept := s.shelf.all(); len(kept) > before {
		return answer, kept[before].Message
	}
	return answer, nil
}

func TestSPF(t *testing.T) {
	t.Parallel()
	d := world(map[string][]string{
		"TXT soft.example": {"v=spf1 ~all"}, "TXT neutral.example": {"v=spf1 ?all"}, "TXT two.example": {"v=spf1 -all", "v=spf1 +all"},
		"TXT wrong.example": {"v=spf1 nonsense:x -all"}, "TXT include.example": {"v=spf1 include:there.example -all"},
		"TXT redirect.example": {"v=spf1 redirect=there.example"}, "TXT mx.example": {"v=spf1 mx -all"}, "MX mx.example": {"there.example"},
		"TXT a.example": {"v=spf1 a:there.example -all"}, "TXT away.example": {"v=spf1 include:broken.example -all"},
		"TXT round.example": {"v=spf1 include:round.example -all"},
	})
	d.broken = map[string]bool{"TXT broken.example": true}
	s := open(t, dbtest.New(t), inbox.Options{Resolver: d}, overSMTP)
	for sender, want := range map[string]inbox.Result{
		"a@there.example": inbox.Pass, "a@THERE.example": inbox.Pass, "a@never.example": inbox.Fail, "a@soft.example": inbox.SoftFail,
		"a@neutral.example": inbox.Neutral, "a@nothing.example": inbox.None, "a@two.example": inbox.PermError, "a@wrong.example": inbox.PermError,
		"a@include.example": inbox.Pass, "a@redirect.example": inbox.Pass, "a@mx.example": inbox.Pass, "a@a.example": inbox.Pass,
		"a@broken.example": inbox.TempError, "a@away.example": inbox.TempError, "a@round.example": inbox.PermError,
		"": inbox.Pass, // of the HELO name
	} {
		answer, m := deliver(t, s, sender, message("a@nothing.example"))
		if m == nil || m.Auth.SPF != want {
			t.Errorf("SPF of %q = %+v (%s), want %s", sender, m, answer, want)
		}
	}
}

func TestDKIM(t *testing.T) {
	t.Parallel()
	plain := message("Anne <anne@there.example>")
	good := signed(t, plain, "there.example", "rsa")
	d := world(nil)
	d.broken = map[string]bool{"TXT rsa._domainkey.broken.example": true}
	s := open(t, dbtest.New(t), inbox.Options{Resolver: d}, overSMTP)
	for _, c := range []struct {
		name, message string
		want          inbox.Result
		domains       string
	}{
		{"none", plain, inbox.None, ""},
		{"RSA", good, inbox.Pass, "there.example"},
		{"Ed25519", signed(t, plain, "there.example", "ed25519"), inbox.Pass, "there.example"},
		{"both", signed(t, good, "there.example", "ed25519"), inbox.Pass, "there.example"},
		{"two domains", signed(t, good, "other.example", "rsa"), inbox.Pass, "other.example there.example"},
		{"body changed", strings.Replace(good, "Hello", "Hullo", 1), inbox.Fail, ""},
		{"subject changed", strings.Replace(good, "Subject: News", "Subject: Olds", 1), inbox.Fail, ""},
		{"one of two broken", strings.Replace(signed(t, plain, "there.example", "rsa"), "DKIM-Signature", strings.TrimSuffix(firstField(strings.Replace(good, "bh=", "bh=A", 1)), "\r\n")+"\r\nDKIM-Signature", 1), inbox.Pass, "there.example"},
		{"no key", signed(t, plain, "nokey.example", "rsa"), inbox.PermError, ""},
		{"key that does not come", signed(t, plain, "broken.example", "rsa"), inbox.TempError, ""},
		{"revoked", strings.Replace(good, "s=rsa", "s=revoked", 1), inbox.PermError, ""},
		{"two keys", strings.Replace(good, "s=rsa", "s=two", 1), inbox.PermError, ""},
		{"nonsense", "DKIM-Signature: nonsense\r\n" + plain, inbox.PermError, ""},
		{"too large a signature", "DKIM-Signature: v=1; h=" + strings.Repeat("a:", 4000) + "\r\n" + plain, inbox.PermError, ""},
		{"too many lines", strings.Replace(good, "Subject:", "X-Long:"+strings.Repeat("\r\n x", 4000)+"\r\nSubject:", 1), inbox.PermError, ""},
		{"head alone", signed(t, "From: a@there.example\r\n\r\n", "there.example", "rsa"), inbox.Pass, "there.example"},
	} {
		answer, m := deliver(t, s, "a@there.example", c.message)
		if m == nil || m.Auth.DKIM != c.want || strings.Join(m.Auth.DKIMDomain, " ") != c.domains {
			t.Errorf("%s: %s, %+v, want %s for %q", c.name, answer, m, c.want, c.domains)
		}
		if m != nil && string(m.Raw) != c.message {
			t.Errorf("%s: the message was changed", c.name)
		}
	}
}

// firstField is a message's first header field, with its continued lines.
func firstField(m string) string {
	end := 0
	for {
		n := strings.Index(m[end:], "\r\n")
		end += n + 2
		if m[end] != ' ' && m[end] != '\t' {
			return m[:end]
		}
	}
}

// TestDMARC is the table of alignment and policies (RFC 9989): who the From says, who the envelope says, who signs.
func TestDMARC(t *testing.T) {
	t.Parallel()
	reject := "v=DMARC1; p=reject"
	for _, c := range []struct {
		name, from, sender, signer string
		records                    map[string]string // of _dmarc names
		want                       inbox.Result
		policy                     string
		refused                    bool
		spfOnly                    bool
	}{
		{name: "no record", from: "a@there.example", sender: "a@never.example", want: inbox.None},
		{name: "SPF, the same domain", from: "a@there.example", sender: "b@there.example", records: map[string]string{"there.example": reject}, want: inbox.Pass, policy: "reject", spfOnly: true},
		{name: "DKIM, the same domain", from: "a@there.example", sender: "b@never.example", signer: "there.example", records: map[string]string{"there.example": reject}, want: inbox.Pass, policy: "reject"},
		{name: "both", from: "a@there.example", sender: "b@there.example", signer: "there.example", records: map[string]string{"there.example": reject}, want: inbox.Pass, policy: "reject"},
		{name: "neither", from: "a@there.example", sender: "b@never.example", records: map[string]string{"there.example": reject}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "of somebody else", from: "a@there.example", sender: "b@other.example", signer: "other.example", records: map[string]string{"there.example": reject, "other.example": reject}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "a subdomain signs", from: "a@there.example", sender: "", signer: "list.there.example", records: map[string]string{"there.example": "v=DMARC1; p=reject"}, want: inbox.Pass, policy: "reject"},
		{name: "a subdomain signs, strict", from: "a@there.example", sender: "a@never.example", signer: "list.there.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; adkim=s"}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "the domain signs for a subdomain", from: "a@list.there.example", sender: "a@never.example", signer: "there.example", records: map[string]string{"there.example": reject}, want: inbox.Pass, policy: "reject"},
		{name: "a subdomain's envelope", from: "a@there.example", sender: "a@list.there.example", records: map[string]string{"there.example": reject}, want: inbox.Pass, policy: "reject", spfOnly: true},
		{name: "a subdomain's envelope, strict", from: "a@there.example", sender: "a@list.there.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; aspf=s"}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "siblings without an organization", from: "a@there.example", sender: "a@other.example", signer: "other.example", records: map[string]string{"there.example": "v=DMARC1; p=quarantine"}, want: inbox.Fail, policy: "quarantine"},
		{name: "policy of the organization", from: "a@deep.list.there.example", sender: "a@never.example", records: map[string]string{"there.example": reject}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "its policy for subdomains", from: "a@list.there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; sp=none"}, want: inbox.Fail, policy: "none"},
		{name: "its policy for names that do not exist", from: "a@ghost.there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; p=none; sp=none; np=reject"}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "own policy goes first", from: "a@list.there.example", sender: "a@never.example", records: map[string]string{"there.example": reject, "list.there.example": "v=DMARC1; p=none"}, want: inbox.Fail, policy: "none"},
		{name: "psd=n ends the organization", from: "a@list.there.example", sender: "a@never.example", signer: "there.example", records: map[string]string{"there.example": reject, "list.there.example": "v=DMARC1; p=quarantine; psd=n"}, want: inbox.Fail, policy: "quarantine"},
		{name: "psd=y is above the organization", from: "a@there.example", sender: "a@never.example", signer: "other.example", records: map[string]string{"example": "v=DMARC1; p=reject; psd=y"}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "psd=y ends the walk where it began", from: "a@there.example", sender: "a@never.example", signer: "other.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; psd=y", "example": reject}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "a policy that makes no sense, with reports", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; sp=later; rua=mailto:d@there.example"}, want: inbox.Fail, policy: "none"},
		{name: "a policy that makes no sense", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; np=later"}, want: inbox.None},
		{name: "a void record keeps the organization's away", from: "a@list.there.example", sender: "a@never.example", records: map[string]string{"there.example": reject, "list.there.example": "v=DMARC1; adkim=s"}, want: inbox.None},
		{name: "still testing", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; p=reject; t=y"}, want: inbox.Fail, policy: "quarantine"},
		{name: "quarantine still testing", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; p=quarantine; t=y"}, want: inbox.Fail, policy: "none"},
		{name: "reports alone", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; rua=mailto:d@there.example"}, want: inbox.Fail, policy: "none"},
		{name: "no policy", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1; adkim=s"}, want: inbox.None},
		{name: "another version", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC2; p=reject"}, want: inbox.None},
		{name: "unknown tags and spaces", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "v=DMARC1 ;p = Reject ; pct=100; rf=xx; x=y;;"}, want: inbox.Fail, policy: "reject", refused: true},
		{name: "no From", from: "", sender: "a@there.example", want: inbox.None},
		{name: "two authors", from: "a@there.example, b@other.example", sender: "a@there.example", records: map[string]string{"there.example": reject}, want: inbox.PermError},
		{name: "two From", from: "a@there.example\r\nFrom: b@reject.example", sender: "a@there.example", want: inbox.PermError},
		{name: "an address in the name", from: `"president@reject.example" <a@there.example>`, sender: "a@there.example", records: map[string]string{"there.example": reject}, want: inbox.Pass, policy: "reject", spfOnly: true},
		{name: "badly written", from: `Le Président <a@reject.example>`, sender: "a@there.example", want: inbox.Fail, policy: "reject", refused: true},
		{name: "bare", from: "a@reject.example", sender: "a@there.example", want: inbox.Fail, policy: "reject", refused: true},
		{name: "an international domain", from: "a@Bücher.example", sender: "a@never.example", signer: "xn--bcher-kva.example", want: inbox.Pass, policy: "reject"},
		{name: "the DNS is away", from: "a@there.example", sender: "a@never.example", records: map[string]string{"there.example": "away"}, want: inbox.TempError},
		{name: "SPF cannot be known", from: "a@reject.example", sender: "a@away.example", want: inbox.TempError, policy: "reject"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := world(nil)
			d.broken = map[string]bool{"TXT away.example": true}
			for name, txt := range c.records {
				d.records["TXT _dmarc."+name] = []string{txt}
				d.broken["TXT _dmarc."+name] = txt == "away"
			}
			m := message(c.from)
			if c.from == "" {
				m = strings.Replace(m, "From: \r\n", "", 1)
			}
			if c.signer != "" {
				m = signed(t, m, c.signer, "rsa")
			}
			s := open(t, dbtest.New(t), inbox.Options{Resolver: d}, overSMTP)
			answer, got := deliver(t, s, c.sender, m)
			if c.refused {
				if !strings.HasPrefix(answer, "550 5.7.1 ") || got != nil || !strings.Contains(answer, "DMARC p=reject") {
					t.Fatalf("answer %q, want 550 5.7.1", answer)
				}
				return
			}
			if got == nil || got.Auth.DMARC != c.want || got.Auth.Policy != c.policy || got.Auth.BySPFOnly != c.spfOnly {
				t.Fatalf("answer %q, %+v, want %s, %q, by SPF only %v", answer, got, c.want, c.policy, c.spfOnly)
			}
			if !strings.Contains(got.Trace, "dmarc="+string(c.want)) {
				t.Errorf("Trace = %q", got.Trace)
			}
		})
	}
}

// TestChecksEnd: a DNS that never answers holds mail up for the set time and refuses nothing.
func TestChecksEnd(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Resolver: inbox.NewResolver(silent{}, clock.System), Checks: 50 * time.Millisecond}, overSMTP)
	answer, m := deliver(t, s, "a@there.example", signed(t, message("a@reject.example"), "there.example", "rsa"))
	if m == nil || m.Auth.SPF != inbox.TempError || m.Auth.DKIM != inbox.TempError || m.Auth.DMARC != inbox.TempError {
		t.Errorf("answer %q, %+v", answer, m)
	}
}

// TestBehindAnother: who hands over by LMTP knows whether SPF passes; what cannot be known refuses nobody.
func TestBehindAnother(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Resolver: world(nil)}, overLMTP)
	lmtp := func(m string) string {
		k := call(t, s.addr).say("< 220", "> LHLO front.example", "< 250", "> MAIL FROM:<a@never.example>", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354")
		k.send(m + ".\r\n")
		return k.answer()
	}
	if a := lmtp(message("a@reject.example")); !strings.HasPrefix(a, "250") {
		t.Errorf("unsigned: %q", a)
	}
	good := signed(t, message("a@xn--bcher-kva.example"), "xn--bcher-kva.example", "rsa")
	if a := lmtp(good); !strings.HasPrefix(a, "250") {
		t.Errorf("signed: %q", a)
	}
	kept := s.shelf.all()
	if len(kept) != 2 || kept[0].Message.Auth.SPF != inbox.None || kept[0].Message.Auth.Authenticated() || !kept[1].Message.Auth.Authenticated() {
		t.Errorf("kept %+v", kept)
	}
}

// TestForged: nothing that comes from outside speaks in our name, and no signature is broken for that.
func TestForged(t *testing.T) {
	t.Parallel()
	s := open(t, dbtest.New(t), inbox.Options{Resolver: world(nil)}, overSMTP)
	plain := message("a@there.example")
	ours := "Authentication-Results: mx.ly.example;\r\n\tdmarc=pass header.from=bank.example\r\n"
	commented := "authentication-results: (x) MX.ly.example 1; spf=pass\r\n"
	theirs := "Authentication-Results: mx.there.example; spf=pass\r\n"
	for _, c := range []struct{ name, sent, kept string }{
		{"none", plain, plain},
		{"theirs", theirs + plain, theirs + plain},
		{"ours", ours + theirs + commented + plain, theirs + plain},
		{"ours, beside a signature", ours + signed(t, plain, "there.example", "rsa"), ""},
		{"ours, signed", signed(t, ours+plain, "there.example", "rsa"), ""},
	} {
		want := c.kept
		switch c.name {
		case "ours, beside a signature":
			want = strings.TrimPrefix(c.sent, ours)
		case "ours, signed":
			want = c.sent
		}
		_, m := deliver(t, s, "a@there.example", c.sent)
		if m == nil || string(m.Raw) != want {
			t.Errorf("%s: kept %q, want %q", c.name, m.Raw, want)
		}
		if strings.Contains(c.name, "sign") && m.Auth.DKIM != inbox.Pass {
			t.Errorf("%s: DKIM %s", c.name, m.Auth.DKIM)
		}
		if !strings.HasPrefix(m.Trace, "Authentication-Results: mx.ly.example;\r\n\tspf=pass\r\n\t smtp.mailfrom=a@there.example;\r\n\tdkim=") {
			t.Errorf("%s: Trace = %q", c.name, m.Trace)
		}
	}
}

// TestResolver: an answer is asked for once, by however many at once, and again when it is old.
func TestResolver(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var mu sync.Mutex
	tell := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	inner := &dns{records: map[string][]string{"TXT a.example": {"x"}, "MX a.example": {"mx.example"}, "A a.example": {"192.0.2.1"}, "PTR 192.0.2.1": {"a.example"}},
		broken: map[string]bool{"TXT broken.example": true}}
	r := inbox.NewResolver(inner, tell)
	asked := func(want int, what string) {
		t.Helper()
		inner.mu.Lock()
		defer inner.mu.Unlock()
		if len(inner.asked) != want {
			t.Errorf("%s: asked %v, want %d questions", what, inner.asked, want)
		}
	}
	look := func() {
		for range 3 {
			if list, err := r.LookupTXT(t.Context(), "A.example."); err != nil || len(list) != 1 {
				t.Error(list, err)
			}
			if list, err := r.LookupMX(t.Context(), "a.example"); err != nil || list[0].Host != "mx.example." {
				t.Error(list, err)
			}
			if list, err := r.LookupIPAddr(t.Context(), "a.example"); err != nil || !list[0].IP.Equal(net.ParseIP("192.0.2.1")) {
				t.Error(list, err)
			}
			if list, err := r.LookupAddr(t.Context(), "192.0.2.1"); err != nil || len(list) != 1 {
				t.Error(list, err)
			}
			if _, err := r.LookupTXT(t.Context(), "nothing.example"); err == nil {
				t.Error("nothing was found")
			}
		}
	}
	look()
	asked(5, "at first")
	mu.Lock()
	now = now.Add(2 * time.Minute)
	mu.Unlock()
	look()
	asked(6, "what did not exist, two minutes later")
	mu.Lock()
	now = now.Add(4 * time.Minute)
	mu.Unlock()
	look()
	asked(11, "all of it, six minutes later")
	for range 2 {
		if _, err := r.LookupTXT(t.Context(), "broken.example"); err == nil {
			t.Error("a broken answer came")
		}
	}
	asked(13, "what is broken is not kept")
	var all sync.WaitGroup
	slow := &gate{open: make(chan struct{})}
	r = inbox.NewResolver(slow, tell)
	for range 20 {
		all.Go(func() { _, _ = r.LookupTXT(t.Context(), "same.example") })
	}
	close(slow.open)
	all.Wait()
	if slow.n != 1 {
		t.Errorf("twenty who want the same asked %d times, want 1", slow.n)
	}
	for i := range 30_000 {
		_, _ = r.LookupTXT(t.Context(), fmt.Sprintf("n%d.example", i))
	}
}
