package mail_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"amicale/internal/mail"
)

// dsn is a report of the standard's form about our message <m1@lettres.example>.
func dsn(fields string) string {
	return "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: Undelivered\nAuto-Submitted: auto-replied\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\n\n--b/1\n\nSorry.\n\n--b/1\nContent-Type: message/delivery-status\n\n" +
		"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; x@exemple.fr\n" + fields + "\n\n--b/1\nContent-Type: message/rfc822\n\nMessage-ID: <m1@lettres.example>\nSubject: full spam\n\nuser unknown\n--b/1--\n"
}

// plainBounce is one in words only.
func plainBounce(text string) string {
	return "From: Mail Delivery System <mailer-daemon@mx.example>\nSubject: Mail delivery failed\n\n" + text + "\n\n------ This is a copy of the message. ------\n\nReceived: from a\nMessage-ID: <m1@lettres.example>\nSubject: 550 5.1.1 user unknown\n"
}

func TestParseReport(t *testing.T) {
	t.Parallel()
	const failed = "Action: failed\nStatus: "
	for name, c := range map[string]struct {
		raw      string
		class    mail.Class
		code     int
		enhanced string
		id       string
	}{
		"dead":                {dsn(failed + "5.1.1\nRemote-MTA: dns; mx.exemple.fr\nDiagnostic-Code: smtp; 550 5.1.1 <x@exemple.fr>:\n  User unknown"), mail.Dead, 550, "5.1.1", "m1@lettres.example"},
		"CRLF":                {strings.ReplaceAll(dsn(failed+"5.1.1\nDiagnostic-Code: smtp; 550-5.1.1 no\n 550 5.1.1 such user"), "\n", "\r\n"), mail.Dead, 550, "5.1.1", "m1@lettres.example"},
		"better code inside":  {dsn(failed + "5.0.0\nDiagnostic-Code: smtp; 550 5.2.2 over quota"), mail.Full, 550, "5.2.2", "m1@lettres.example"},
		"status alone":        {dsn(failed + "5.1.2"), mail.Dead, 0, "5.1.2", "m1@lettres.example"},
		"status with words":   {dsn(failed + "4.2.2 (Over quota)"), mail.Full, 0, "4.2.2", "m1@lettres.example"},
		"our reputation":      {dsn(failed + "5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 blocked using bl.spamcop.net"), mail.Reputation, 550, "5.1.1", "m1@lettres.example"},
		"Domino folds words":  {dsn(failed + "5.1.1\nDiagnostic-Code: X-Notes; User jean.dupont (x@exemple.f\n r) not listed in Dom\n ino Directory"), mail.Dead, 0, "5.1.1", "m1@lettres.example"},
		"Domino in words":     {"From: Postmaster@exemple.fr\nSubject: DELIVERY FAILURE\n\nYour message\n\nwas not delivered to:\n\n  x@exemple.fr\n\nbecause:\n\n  User x (x@exemple.fr) non répertorié dans l'annuaire Domino\n", mail.Dead, 0, "", ""},
		"delayed":             {dsn("Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown"), mail.Temporary, 550, "5.1.1", "m1@lettres.example"},
		"delivered":           {dsn("Action: relayed\nStatus: 2.0.0"), mail.Delivered, 0, "2.0.0", "m1@lettres.example"},
		"two, both dead":      {dsn(failed + "5.1.1\n\nFinal-Recipient: rfc822; y@exemple.fr\n" + failed + "5.1.1"), mail.Dead, 0, "5.1.1", "m1@lettres.example"},
		"two, one full":       {dsn(failed + "5.1.1\n\nFinal-Recipient: rfc822; y@exemple.fr\n" + failed + "5.2.2"), mail.Full, 0, "5.2.2", "m1@lettres.example"},
		"two, one unclear":    {dsn(failed + "5.1.1\n\nFinal-Recipient: rfc822; y@exemple.fr\n" + failed + "5.0.0\nDiagnostic-Code: smtp; 550 no"), mail.Unknown, 550, "5.0.0", "m1@lettres.example"},
		"two, not separated":  {dsn(failed + "5.1.1\nFinal-Recipient: rfc822; y@exemple.fr\n" + failed + "5.2.2"), mail.Full, 0, "5.2.2", "m1@lettres.example"},
		"boundary undeclared": {strings.Replace(dsn(failed+"5.1.1"), `; boundary="b/1"`, "", 1), mail.Dead, 0, "5.1.1", "m1@lettres.example"},
		"boundary guessed":    {"From: postmaster@mx.example\nContent-Type: multipart/report\n\n--zz\nContent-Type: text/plain\n\nSorry\n--zz\nContent-Type: message/delivery-status\n\n" + failed + "5.1.1\n", mail.Dead, 0, "5.1.1", ""},
		"fields undeclared":   {"From: postmaster@mx.example\nSubject: Undeliverable\n\nSorry.\n\nReporting-MTA: dns; a\n\nFinal-Recipient: rfc822; x@exemple.fr\n" + failed + "5.1.1\n", mail.Dead, 0, "5.1.1", ""},
		"nested":              {"From: postmaster@mx.example\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/report; boundary=i\n\n--i\nContent-Type: message/delivery-status\n\n" + failed + "5.1.1\n--i--\n--o--\n", mail.Dead, 0, "5.1.1", ""},
		"passed on":           {"From: postmaster@gate.example\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: text/plain\n\nSee below.\n--o\nContent-Type: message/rfc822\n\n" + dsn(failed+"5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user") + "\n--o--\n", mail.Dead, 550, "5.1.1", "m1@lettres.example"},
		"base64":              {"From: postmaster@mx.example\nSubject: failure notice\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte("550 5.1.1 <x@exemple.fr> user unknown\n")), mail.Dead, 550, "5.1.1", ""},
		"quoted-printable":    {"From: postmaster@mx.example\nSubject: failure notice\nContent-Transfer-Encoding: quoted-printable\n\n550 5.1.1 <x@exemple.fr> us=\ner unknown=2E\n", mail.Dead, 550, "5.1.1", ""},
		"latin 1":             {"From: postmaster@mx.example\nSubject: failure notice\nContent-Type: text/plain; charset=iso-8859-1\n\n<x@exemple.fr>: 552 5.2.0 Bo\xeete aux lettres pleine : quota d\xe9pass\xe9\n", mail.Full, 552, "5.2.0", ""},

		"words, refused at RCPT": {plainBounce("  x@exemple.fr\n    SMTP error from remote mail server after RCPT TO:<x@exemple.fr>:\n    host mx.exemple.fr [192.0.2.1]: 550 No such user here"), mail.Dead, 550, "", "m1@lettres.example"},
		"words, refused later":   {plainBounce("  x@exemple.fr\n    SMTP error from remote mail server after end of data:\n    host mx.exemple.fr [192.0.2.1]: 550 No such user here"), mail.Unknown, 550, "", "m1@lettres.example"},
		"words, several lines":   {plainBounce("<x@exemple.fr>:\nRemote host said: 550-5.7.26 This mail has been blocked because the sender\n550-5.7.26 is unauthenticated.\n550 5.7.26 See http://x.example"), mail.Reputation, 550, "5.7.26", "m1@lettres.example"},
		"words, two recipients":  {plainBounce("<x@exemple.fr>:\n550 5.1.1 user unknown\n\n<y@exemple.fr>:\n552 5.2.2 mailbox full"), mail.Full, 552, "5.2.2", "m1@lettres.example"},
		"words, a transcript":    {plainBounce("   ----- Transcript of session follows -----\n... while talking to mx.exemple.fr:\n>>> MAIL From:<r@lettres.example>\n<<< 550 5.1.1 go away\n550 5.1.1 <x@exemple.fr>... User unknown"), mail.Reputation, 550, "5.1.1", "m1@lettres.example"},
		"words, no code":         {plainBounce("  x@exemple.invalid\n    Unrouteable mail domain \"exemple.invalid\""), mail.Dead, 0, "", "m1@lettres.example"},
		"words, nothing certain": {plainBounce("  x@exemple.fr\n    User unknown"), mail.Unknown, 0, "", "m1@lettres.example"},
		"words, too long":        {plainBounce("  x@exemple.fr\n    retry timeout exceeded"), mail.Temporary, 0, "", "m1@lettres.example"},
		"words of the original":  {plainBounce("Sorry."), mail.Unknown, 0, "", "m1@lettres.example"},
		"a version is no status": {plainBounce("<x@exemple.fr>: written by mailer version 5.1.1.7 at 5.1.1.9"), mail.Unknown, 0, "", "m1@lettres.example"},

		"complaint":         {"From: fbl@site.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nabuse\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n--b\nContent-Type: message/rfc822\n\nMessage-Id: <m1@lettres.example>\n\n--b--\n", mail.Complaint, 0, "", "m1@lettres.example"},
		"failed DMARC":      {"From: dmarc@site.example\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: auth-failure\n\n--b--\n", mail.Reputation, 0, "", ""},
		"not spam":          {"From: fbl@site.example\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: not-spam\n\n--b--\n", mail.Delivered, 0, "", ""},
		"vacation":          {"From: x@exemple.fr\nAuto-Submitted: auto-replied (vacation)\nSubject: Re: Bonjour\nIn-Reply-To: <m1@lettres.example>\n\nJe rentre lundi.", mail.Vacation, 0, "", "m1@lettres.example"},
		"vacation, by word": {"From: x@exemple.fr\nSubject: =?utf-8?q?R=C3=A9ponse_automatique_:_Bonjour?=\n\nJe rentre lundi. 550 5.1.1 est un code.", mail.Vacation, 0, "", ""},
		"vacation, old":     {"From: x@exemple.fr\nX-Autoreply: yes\nSubject: x\n\ny", mail.Vacation, 0, "", ""},
		"null sender":       {"Return-Path: <>\nFrom: x@exemple.fr\nSubject: x\n\ny", mail.Unknown, 0, "", ""},
	} {
		got, ok := mail.ParseReport([]byte(c.raw))
		if !ok || got.Class != c.class || got.Reply.Code != c.code || got.Reply.Enhanced != c.enhanced || got.MessageID != c.id {
			t.Errorf("%s: ParseReport() = %+v, %v, want %s %d %q %q", name, got, ok, c.class, c.code, c.enhanced, c.id)
		}
	}
}

func TestOrdinaryMailIsNoReport(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "\n", "x", "From: jean@exemple.fr\nSubject: Bonjour\n\nÇa va ?\n",
		"From: jean@exemple.fr\nSubject: Re: news\nIn-Reply-To: <a@b>\n\nI got this:\n\n550 5.1.1 <x@y.fr>: user unknown\n",
		"From: jean@exemple.fr\nAuto-Submitted: no\nSubject: x\n\nx",
		"From: jean@exemple.fr\nSubject: Liste\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nVoici\n--b\nContent-Type: application/pdf\n\n550 5.1.1\n--b--\n",
	} {
		if got, ok := mail.ParseReport([]byte(raw)); ok {
			t.Errorf("ParseReport(%.60q) = %+v", raw, got)
		}
	}
}

// What a report may cost does not grow with what a stranger puts into it.
func TestParseReportIsBounded(t *testing.T) {
	t.Parallel()
	deep := "From: postmaster@a.example\n"
	for i := range 500 {
		deep += "Content-Type: multipart/mixed; boundary=b" + strings.Repeat("x", i) + "\n\n--b" + strings.Repeat("x", i) + "\n"
	}
	for name, raw := range map[string]string{
		"deep":           deep,
		"many parts":     "From: postmaster@a.example\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n550 5.1.1 user unknown\n", 100_000),
		"many groups":    dsn(strings.Repeat("Final-Recipient: rfc822; x@y.fr\nAction: failed\nStatus: 5.0.0\n\n", 100_000)),
		"long line":      plainBounce(strings.Repeat("550 5.1.1 user unknown ", 500_000)),
		"many lines":     plainBounce(strings.Repeat("x\n", 1_000_000)),
		"long text":      dsn("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 " + strings.Repeat("é", 300_000)),
		"equals":         "From: postmaster@a.example\nContent-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=   ", 500_000),
		"boundary parts": "From: postmaster@a.example\nContent-Type: " + strings.Repeat("boundary", 100_000) + "\n\n",
		"reports":        strings.Repeat("From: postmaster@a.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n", 10_000),
	} {
		got, _ := mail.ParseReport([]byte(raw))
		if len(got.Reply.Text) > mail.MostReplyText || !utf8.ValidString(got.Reply.Text) {
			t.Errorf("%s: text of %d octets", name, len(got.Reply.Text))
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(dsn("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown")))
	f.Add([]byte(plainBounce(">>> RCPT To:<x@y.fr>\n<<< 550-5.1.1 no\n<<< 550 5.1.1 user")))
	f.Add([]byte("From: x@y.fr\nSubject: =?utf-8?q?Out_of_office?=\n\n"))
	f.Add([]byte("Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b--"))
	f.Add([]byte("From: postmaster\nContent-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: base64\n\nG1skQg==\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, ok := mail.ParseReport(raw)
		if again, _ := mail.ParseReport(raw); again != got {
			t.Errorf("%+v, then %+v", got, again)
		}
		known := false
		for _, c := range classes {
			known = known || c == got.Class
		}
		if ok != known || len(got.Reply.Text) > mail.MostReplyText || !utf8.ValidString(got.Reply.Text+got.MessageID+got.Reply.Server) || strings.ContainsAny(got.Reply.Text+got.MessageID, "\r\n\x00") {
			t.Errorf("ParseReport() = %+v, %v", got, ok)
		}
	})
}
