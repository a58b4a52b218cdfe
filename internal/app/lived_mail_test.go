package app_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptest"
	"net/smtp"
	"net/url"
	"strings"
	"testing"
	"time"

	"amicale/internal/ambassadors"
	"amicale/internal/app"
	"amicale/internal/app/mailbench"
	"amicale/internal/bounces"
	"amicale/internal/config"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/people"
	"amicale/internal/postings"
	"amicale/internal/subscriptions"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// post are the site's mail servers on loopback, in a world whose DNS knows nobody.
type post struct {
	t                testing.TB
	smtp, submission string
	domain           string // mail domain of Lyon
}

func startPost(t testing.TB, w *webtest.World) post {
	t.Helper()
	zone, err := mailbench.StartZone()
	if err != nil {
		t.Fatal(err)
	}
	go zone.Serve() // ends with Close
	withTLS := httptest.NewTLSServer(nil)
	server := w.App.MailServer(app.MailOptions{Host: "mx.annuaire.example", TLS: withTLS.TLS, Resolver: config.ResolverAt(zone.Addr)})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	listen := func(serve func(ln net.Listener) error) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- serve(ln) }()
		return ln.Addr().String()
	}
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ly, _ := all.ByCode("ly")
	p := post{t: t, domain: ly.MailDomain, smtp: listen(func(ln net.Listener) error { return server.ServeSMTP(ctx, ln) }),
		submission: listen(func(ln net.Listener) error { return server.ServeSubmission(ctx, ln, true) })}
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		withTLS.Close()
		zone.Close()
	})
	return p
}

// hand gives a message to a server, as whoever signs in with auth.
func (p post) hand(conn net.Conn, auth smtp.Auth, from, to, message string) {
	p.t.Helper()
	do := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	c, err := smtp.NewClient(conn, "127.0.0.1")
	do(err)
	defer c.Close()
	do(c.Hello("client.example"))
	if auth != nil {
		do(c.Auth(auth))
	}
	do(c.Mail(from))
	do(c.Rcpt(to))
	body, err := c.Data()
	do(err)
	_, err = body.Write([]byte(message))
	do(err)
	do(body.Close())
	do(c.Quit())
}

// letter is what somebody writes.
func letter(from, to string) string {
	return "From: " + from + "\r\nTo: " + to + "\r\nSubject: Bonjour\r\nDate: Mon, 02 Nov 2026 10:00:00 +0100\r\nMessage-ID: <" + id.New().String() +
		"@client.example>\r\n\r\nDes nouvelles.\r\n"
}

// arrives brings a message of somebody unknown.
func (p post) arrives(to string) {
	p.t.Helper()
	const from = "quelqu.un@ailleurs.example"
	p.brings(from, to, letter(from, to))
}

// returns brings what comes back to a token of a campaign.
func (p post) returns(token, message string) {
	p.t.Helper()
	p.brings("", token+"@lettres."+p.domain, message)
}

func (p post) brings(from, to, message string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.smtp)
	if err != nil {
		p.t.Fatal(err)
	}
	p.hand(conn, nil, from, to, message)
}

// submitted is what a mail program sends with a password for it.
func (p post) submitted(login, password, from, to string) {
	p.t.Helper()
	conn, err := tls.Dial("tcp", p.submission, &tls.Config{InsecureSkipVerify: true}) // the test's own certificate
	if err != nil {
		p.t.Fatal(err)
	}
	p.hand(conn, smtp.PlainAuth("", login, password, "127.0.0.1"), from, to, letter(from, to))
}

// livedByMail leaves something of a person in every table about mail: what she chose, what was sent to her and by her,
// what came back, what waits.
func livedByMail(t *testing.T, w *webtest.World, d people.Dossier, name string) {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p, c, login := startPost(t, w), w.As(d.CurrentLogin()), d.CurrentLogin()
	all, err := w.App.People().Associations(t.Context())
	do(err)
	ly, _ := all.ByCode("ly")
	lifetime, email := login+"@"+ly.MailDomain, d.Contacts[0].Value

	// What she says: where her mail goes, from which program she writes, what she wants to read.
	c.Submit(c.Get(forwarding.Path), forwarding.Path).Want(303)
	account, err := w.App.AccountByLogin(t.Context(), login)
	do(err)
	her := viewer.Viewer{Kind: viewer.Network, Account: account, Person: d.ID}
	secret, err := w.App.Submission().MakePassword(t.Context(), viewer.Actor{Viewer: her, Name: name}, "Téléphone de "+name)
	do(err)
	p.submitted(login, secret, lifetime, "ami@ailleurs.example")
	c.Submit(c.Get(subscriptions.Path), subscriptions.Path, "all", ly.ID.String()).Want(303)
	sendToClass(w, ly.ID, "2001")

	// What others say: mail to her came back, and hers to somebody.
	for login, by := range map[string]*webtest.Client{login: w.As(webtest.Member), webtest.Member: c} {
		by.Post(bounces.ReturnedPath(login), "which", "a-vie", "day", w.App.Now().Format(time.DateOnly), "words", "Un mot de "+name).Want(303)
	}

	// Her address dies; what comes then waits, and she is asked for another.
	dies(t, w, email)
	p.arrives(lifetime)
	w.Run()
}

// sendToClass begins a letter to a class of an association, as its webmaster does, and gives its address.
func sendToClass(w *webtest.World, sender id.ID, class string) string {
	w.T.Helper()
	staff, at := w.As(webtest.Webmaster), draftToClass(w, sender, class)
	count := strings.TrimSpace(staff.Get(at + "/envoi").Want(200).Doc().Find("#compte .stat-value").Text())
	staff.Post(at+"/envoyer", "count", count).Want(303)
	w.Run()
	return at
}

// draftToClass is a letter before it leaves.
func draftToClass(w *webtest.World, sender id.ID, class string) string {
	w.T.Helper()
	staff := w.As(webtest.Webmaster)
	at := staff.Post(newsletters.Path, "sender", sender.String(), "kind", "news", "title", "Des nouvelles").Want(303).Header.Get("Location")
	staff.Submit(staff.Get(at), at, "fr_subject", "Des nouvelles de Lyon", "fr_body", "Bonjour {{prenom}},\n\nvoici les nouvelles de ta promo.").Want(303)
	staff.Post(at+"/destinataires", "class", class, "class", class).Want(303)
	return at
}

// dies lets mail to an address come back until it counts as broken.
func dies(t testing.TB, w *webtest.World, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		for _, days := range []int{3, 2, 2} {
			err := w.App.Bounces().Reported(t.Context(), bounces.Report{Row: id.New(), Address: address, Class: mail.Dead, At: w.App.Now().AddDate(0, 0, -days)})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	w.As(webtest.Federation).Post(bounces.Path + "/verdicts").Want(303)
	w.Run()
}

// mailAbout makes whatever pages about mail may tell of persons: letters written to them, that fail, addresses that died,
// what others say of them. It gives the pages' addresses.
func mailAbout(t testing.TB, w *webtest.World, list []subject) []string {
	t.Helper()
	school := list[0].person.Degrees[0].AssociationID
	draft, started := draftToClass(w, school, "2010"), sendToClass(w, school, "2010")
	if _, err := w.DB.Exec(t.Context(), `UPDATE campaign_recipients SET state = 'failed', class = 'dead', done_at = ?`, w.App.Now()); err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, s := range list {
		addresses = append(addresses, s.person.Contacts[0].Value)
	}
	dies(t, w, addresses...)
	for _, login := range []string{list[0].login, list[len(list)-2].login} {
		w.As(webtest.Webmaster).Post(bounces.ReturnedPath(login), "which", "a-vie", "day", w.App.Now().Format(time.DateOnly)).Want(303)
	}
	w.Run()
	out := []string{bounces.Path, bounces.Path + "/perdus", bounces.Path + "/signalements", bounces.Path + "/destinations", bounces.Path + "/jour?jour=" + w.App.Now().Format(time.DateOnly),
		forwarding.Path, forwarding.PassagesPath, subscriptions.Path, newsletters.Path, draft, draft + "/destinataires", draft + "/apercu", draft + "/envoi", started + "/suivi", started + "/echecs",
		"/admin/magazine", magazine.ReadPath, postings.Path, ambassadors.Path, ambassadors.Path + "?ecole=ly&promo=2010&q=qx"}
	// Were these pages empty, they would prove nothing.
	admin := w.As(webtest.Federation)
	for _, s := range list {
		admin.Get(bounces.Path).Want(200, s.person.UsageSurname)
		admin.Get(started+"/echecs").Want(200, s.person.UsageSurname, s.person.Contacts[0].Value)
	}
	admin.Get(bounces.Path+"/signalements").Want(200, list[0].person.UsageSurname)
	for _, s := range list {
		as := "?personne=" + s.person.ID.String()
		out = append(out, draft+"/apercu"+as, draft+"/rendu"+as, draft+"/apercu?q="+url.QueryEscape(s.secrets[0].forms[0][:8]))
	}
	return out
}
