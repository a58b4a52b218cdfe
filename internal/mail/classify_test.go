package mail_test

import (
	"strings"
	"testing"

	"amicale/internal/mail"
)

// TestClassify holds answers as the servers give them, by what they mean for an address.
func TestClassify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want     mail.Class
		code     int
		enhanced string
		stage    string
		text     string
	}{
		{mail.Delivered, 250, "2.0.0", "data", "OK queued as 12"},
		// dead
		{mail.Dead, 550, "5.1.1", "rcpt", "<x@exemple.fr>: Recipient address rejected: User unknown in virtual mailbox table"},
		{mail.Dead, 550, "5.1.1", "rcpt", "The email account that you tried to reach does not exist. Please try double-checking the recipient's email address"},
		{mail.Dead, 550, "5.1.1", "rcpt", "Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]"},
		{mail.Dead, 550, "5.5.0", "rcpt", "Adresse destinataire invalide. Invalid recipient. LPN007_416"},
		{mail.Dead, 550, "5.7.1", "rcpt", "<x@sfr.fr>: Recipient address rejected: User unknown"},
		{mail.Dead, 550, "", "rcpt", "Requested action not taken: mailbox unavailable"},
		{mail.Dead, 550, "5.5.0", "rcpt", "Requested action not taken: mailbox unavailable (S2017062302)"},
		{mail.Dead, 554, "", "data", "delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]"},
		{mail.Dead, 552, "", "data", "1 Requested mail action aborted, mailbox not found"},
		{mail.Dead, 550, "5.4.1", "rcpt", "Recipient address rejected: Access denied. [AM1.prod.protection.outlook.com]"},
		{mail.Dead, 550, "5.1.10", "rcpt", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"},
		{mail.Dead, 550, "5.1.1", "rcpt", ""},
		{mail.Dead, 550, "", "", "5xx: utilisateur inconnu"},
		{mail.Dead, 556, "5.1.10", "", "Recipient address has null MX"},
		{mail.Dead, 0, "5.4.4", "", "Host or domain name not found. Name service error for name=exemple.fr type=AAAA: Host not found"},
		{mail.Dead, 550, "5.1.1", "data", "user unknown"},
		{mail.Dead, 550, "", "rcpt", "User jean(jean@exemple.fr) not listed in Domino Directory"},
		// full or suspended
		{mail.Full, 552, "5.2.2", "rcpt", "Mailbox full"},
		{mail.Full, 452, "4.2.2", "rcpt", "The recipient's inbox is out of storage space. Please direct the recipient to"},
		{mail.Full, 552, "5.1.1", "rcpt", "Boite du destinataire pleine. Recipient overquota. OFR_417 [417]"},
		{mail.Full, 550, "5.1.1", "rcpt", "Boite du destinataire archivee. Archived recipient. LPN004_420 [420]"},
		{mail.Full, 550, "5.5.0", "rcpt", "Le compte du destinataire est bloque. The recipient account is blocked. LPN007_426"},
		{mail.Full, 550, "5.2.1", "rcpt", "The email account that you tried to reach is inactive."},
		{mail.Full, 554, "", "data", "30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30)."},
		{mail.Full, 550, "5.2.1", "rcpt", ""},
		{mail.Full, 422, "", "rcpt", "La boîte aux lettres est pleine : quota dépassé"},
		// content or policy
		{mail.Policy, 550, "", "data", "spam detected"},
		{mail.Policy, 550, "5.2.0", "data", "Mail rejete. Mail rejected. OFR_506 [506]"},
		{mail.Policy, 552, "5.7.0", "data", "This message was blocked because its content presents a potential security issue."},
		{mail.Policy, 552, "5.3.4", "data", "Message size exceeds fixed maximum message size"},
		{mail.Policy, 550, "5.6.0", "data", "Header error"},
		{mail.Policy, 552, "", "mail", "Message size exceeds fixed limit"},
		{mail.Policy, 552, "5.3.4", "mail", "Message too big"},
		{mail.Policy, 553, "5.6.7", "mail", "the server does not take addresses beyond ASCII"},
		{mail.Policy, 550, "5.1.1", "rcpt", "RCP-P2 Refused due to recipient preferences"},
		{mail.Policy, 554, "5.7.1", "rcpt", "<x@y.fr>: Relay access denied"},
		{mail.Policy, 550, "5.7.1", "data", ""},
		// who sends
		{mail.Reputation, 550, "5.7.1", "mail", "Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140)."},
		{mail.Reputation, 554, "5.7.1", "rcpt", "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"},
		{mail.Reputation, 550, "5.1.1", "rcpt", "<x@y.fr> rejected: 192.0.2.1 is listed in a DNSBL, see http://rbl.example"},
		{mail.Reputation, 421, "", "connect", "mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104 [104]"},
		{mail.Reputation, 550, "", "connect", "mwinf5c10 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming issues. OFR006_102"},
		{mail.Reputation, 550, "5.7.1", "data", "Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510"},
		{mail.Reputation, 550, "5.7.26", "data", "Your email has been blocked because the sender is unauthenticated."},
		{mail.Reputation, 550, "5.7.515", "data", "Access denied, sending domain exemple.fr doesn't meet the required authentication level."},
		{mail.Reputation, 550, "5.7.25", "rcpt", "The IP address sending this message does not have a PTR record"},
		{mail.Reputation, 421, "4.7.0", "mail", "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints"},
		{mail.Reputation, 451, "4.7.650", "rcpt", "The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation."},
		{mail.Reputation, 421, "", "connect", "Too many spams from your IP (192.0.2.1), please visit http://postmaster.free.fr/"},
		{mail.Reputation, 553, "5.1.8", "mail", "Domain of sender address x@y.fr does not exist"},
		{mail.Reputation, 550, "", "mail", "5.1.1 no such user"},
		{mail.Reputation, 550, "5.7.1", "mail", "Access denied"},
		{mail.Reputation, 554, "", "connect", "No SMTP service here"},
		{mail.Reputation, 550, "5.1.1", "rcpt", "Sender address rejected: Domain not found"},
		{mail.Reputation, 550, "", "rcpt", "This server does not accept mail from dynamic addresses"},
		{mail.Reputation, 501, "5.1.0", "mail", "Emetteur invalide. Invalid Sender. LPN105_405"},
		// not now
		{mail.Temporary, 450, "4.2.0", "rcpt", "<x@y.fr>: Recipient address rejected: Greylisted, see http://postgrey.example"},
		{mail.Temporary, 451, "4.7.1", "rcpt", "Greylisting in action, please come back later; your IP is new here"},
		{mail.Temporary, 450, "4.1.1", "rcpt", "unverified address: user unknown"},
		{mail.Temporary, 421, "4.4.2", "data", "connection timed out"},
		{mail.Temporary, 0, "4.4.1", "", "connect to mx.exemple.fr[192.0.2.1]:25: Connection timed out"},
		{mail.Temporary, 550, "5.4.7", "", "message expired"},
		{mail.Temporary, 550, "5.2.1", "rcpt", "The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered."},
		// nothing certain
		{mail.Unknown, 550, "5.0.0", "data", "unknown user"}, // taken at RCPT, so it exists
		{mail.Unknown, 550, "", "report", "user unknown"},    // who knows when it was said
		{mail.Unknown, 554, "5.3.0", "data", "Mailer error"},
		{mail.Unknown, 550, "", "rcpt", "No"},
		{mail.Unknown, 0, "", "", ""},
	} {
		r := mail.Reply{Code: c.code, Enhanced: c.enhanced, Stage: c.stage, Text: c.text}
		if got := mail.Classify(r); got != c.want {
			t.Errorf("Classify(%d %s %q at %q) = %s, want %s", c.code, c.enhanced, c.text, c.stage, got, c.want)
		}
	}
}

// What an address is called says nothing about it.
func TestClassifyReadsNoAddresses(t *testing.T) {
	t.Parallel()
	r := mail.Reply{Code: 550, Enhanced: "5.1.1", Stage: "rcpt", Text: "<mailbox.full@spamhaus.example>: no such user"}
	if got := mail.Classify(r); got != mail.Dead {
		t.Errorf("Classify() = %s, want dead", got)
	}
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{550: true, 421: false, 250: false, 0: false, 600: false} {
		if got := (mail.Reply{Code: code}).Permanent(); got != want {
			t.Errorf("Permanent(%d) = %v, want %v", code, got, want)
		}
	}
}

var classes = []mail.Class{mail.Delivered, mail.Dead, mail.Full, mail.Policy, mail.Reputation, mail.Temporary, mail.Vacation, mail.Complaint, mail.Unknown}

func FuzzClassify(f *testing.F) {
	f.Add(550, "5.1.1", "rcpt", "<a@b.fr>: user unknown")
	f.Add(421, "4.7.0", "connect", "OFR004_104 [104]")
	f.Add(0, "9.x", "", "\xff\x00 ofr lpn")
	f.Fuzz(func(t *testing.T, code int, enhanced, stage, text string) {
		r := mail.Reply{Code: code, Enhanced: enhanced, Stage: stage, Text: text}
		got := mail.Classify(r)
		if !strings.Contains("delivered dead full policy reputation temporary unknown", string(got)) || got == "" || got != mail.Classify(r) {
			t.Errorf("Classify(%+v) = %q", r, got)
		}
		if got == mail.Dead && (stage == "mail" || stage == "connect") && !strings.Contains(strings.ToLower(text), "o") && !strings.Contains(text, "416") {
			t.Errorf("Classify(%+v) = dead before anybody was named", r)
		}
	})
}
