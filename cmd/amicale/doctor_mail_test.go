package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"amicale/internal/app/mailbench"
)

// dnsServer answers on loopback for what fill puts into it.
func dnsServer(t testing.TB, fill func(*mailbench.Zone)) string {
	t.Helper()
	z, err := mailbench.StartZone()
	if err != nil {
		t.Fatal(err)
	}
	fill(z)
	ended := make(chan error, 1)
	go func() { ended <- z.Serve() }()
	t.Cleanup(func() {
		z.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return z.Addr
}

// What no two runs share: keys, and the year in their names.
var (
	publicKey = regexp.MustCompile(`p=[A-Za-z0-9+/=]{40,}`)
	keyYear   = regexp.MustCompile(`amicale-20\d\d`)
)

func settled(out string) string {
	return keyYear.ReplaceAllString(publicKey.ReplaceAllString(out, "p=…"), "amicale-YEAR")
}

const lySays = `
Mail that arrives
advice   MX    ly.example
         Mail does not arrive here: lifetime addresses at ly.example do not work yet. Set AMICALE_SMTP_LISTEN (or AMICALE_LMTP_LISTEN behind another server), then check again.

Who may send
WRONG    TXT   ly.example
         The SPF record of ly.example does not name us: add include:spf.mailjet.com.
         publish  v=spf1 a include:spf.mailjet.com -all
         found    v=spf1 a -all
MISSING  TXT   lettres.ly.example
         Nothing says who may send for lettres.ly.example: many servers will refuse our messages.
         publish  v=spf1 include:spf.mailjet.com ~all

Signatures
MISSING  TXT   amicale-YEARa._domainkey.ly.example
         The key that signs what people write from lifetime addresses is not published: our signatures are worth nothing. Some providers want this text in pieces of 255 signs, each between quotes.
         publish  v=DKIM1; k=rsa; p=…
MISSING  TXT   amicale-YEARa-ed._domainkey.ly.example
         The key that signs what people write from lifetime addresses is not published: our signatures are worth nothing. Some providers want this text in pieces of 255 signs, each between quotes.
         publish  v=DKIM1; k=ed25519; p=…
MISSING  TXT   amicale-YEARa._domainkey.lettres.ly.example
         The key that signs newsletters is not published: our signatures are worth nothing. Some providers want this text in pieces of 255 signs, each between quotes.
         publish  v=DKIM1; k=rsa; p=…
MISSING  TXT   amicale-YEARa-ed._domainkey.lettres.ly.example
         The key that signs newsletters is not published: our signatures are worth nothing. Some providers want this text in pieces of 255 signs, each between quotes.
         publish  v=DKIM1; k=ed25519; p=…

What other servers do with a forgery
MISSING  TXT   _dmarc.ly.example
         Nothing says what to do with a forged message of ly.example, and Gmail, Yahoo and Microsoft ask for this record. Begin by watching (p=none).
         publish  v=DMARC1; p=none; rua=mailto:postmaster@ly.example
`

func TestDoctorMailSaysWhatToPublish(t *testing.T) {
	t.Parallel()
	data := install(t)
	args := func(resolver string, more ...string) []string {
		return append([]string{"doctor", "--data", data, "--smarthost", "smtp://in-v3.mailjet.com:587", "--resolver", resolver}, more...)
	}
	poor := dnsServer(t, func(z *mailbench.Zone) {
		z.Text("ly.example", "v=spf1 a -all")
		z.Mail("ly.example", "mx.ailleurs.example")
	})
	out, err := command(t, args(poor, "mail", "LY.example")...)
	if err == nil || !strings.Contains(err.Error(), "7 of 8 records") {
		t.Errorf("doctor mail = %v, want an error that counts", err)
	}
	if got := settled(out); got != lySays {
		t.Errorf("doctor mail says\n%s\nwant\n%s", got, lySays)
	}
	out, err = command(t, args(poor, "mail", "ly.example", "--json")...)
	var report struct {
		Domain   string
		Bad      int
		Findings []struct{ Name, Type, Severity, Wanted, Says string }
	}
	if e := json.Unmarshal([]byte(out), &report); e != nil || err == nil || report.Domain != "ly.example" || report.Bad != 7 || len(report.Findings) != 8 {
		t.Fatalf("doctor mail --json: %v, %v: %s", err, e, out)
	}
	rich := dnsServer(t, func(z *mailbench.Zone) {
		z.Mail("ly.example", "mx.ailleurs.example")
		z.Text("spf.mailjet.com", "v=spf1 ip4:203.0.115.0/24 -all")
		for _, f := range report.Findings {
			if f.Says == "" {
				t.Errorf("%s %s is said in no words", f.Type, f.Name)
			}
			if f.Wanted != "" {
				z.Text(f.Name, f.Wanted)
			}
		}
		z.Host("ly.example", [4]byte{203, 0, 115, 1})
	})
	out, err = command(t, args(rich, "mail", "ly.example")...)
	if err != nil || !strings.HasSuffix(out, "\nNothing is missing or wrong.\n") || strings.Contains(out, "MISSING") {
		t.Errorf("doctor mail with all that it asked for = %v:\n%s", err, out)
	}
}

func TestDoctorMailKnowsItsDomains(t *testing.T) {
	t.Parallel()
	data := install(t)
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--data", data, "mail", "autre.example"}, "autre.example is no mail domain here; these are: ly.example"},
		{[]string{"--data", data, "--url", "https://annuaire.example", "mail", "autre.example"}, "these are: annuaire.example, ly.example"},
		{[]string{"--data", t.TempDir(), "mail", "ly.example"}, "there is no database"},
		{[]string{"--data", data, "mail"}, "expected"},
	} {
		if _, err := command(t, append([]string{"doctor"}, row.args...)...); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("doctor %v = %v, want %q", row.args, err, row.want)
		}
	}
}
