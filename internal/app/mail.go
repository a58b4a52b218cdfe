package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"amicale/internal/accounts"
	"amicale/internal/ambassadors"
	"amicale/internal/bounces"
	"amicale/internal/domains"
	"amicale/internal/errs"
	"amicale/internal/forwarding"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/magazine"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/picture"
	"amicale/internal/postings"
	"amicale/internal/submission"
	"amicale/internal/subscriptions"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// MailOptions are what the program gives for mail that arrives.
type MailOptions struct {
	Host     string        // the name that the servers greet with
	TLS      *tls.Config   // nil: neither STARTTLS nor submission
	Resolver *net.Resolver // nil: the machine's
	Rspamd   string
	Unsigned bool // what leaves is signed by the smarthost
	// Challenge answers those who ask, on the site's own port, whether the certificate's name is ours; nil: nobody does.
	Challenge Challenge
	// Listeners of the servers; nil: that one does not run.
	SMTP, LMTP, Submission net.Listener
	ImplicitTLS            bool // of submission
	// Check is how the DNS is asked about our own domains, where not by Resolver.
	Check domains.CheckerOptions
}

// Challenge stands before the site and answers what an authority asks of it (RFC 8555 §8.3).
type Challenge = func(site http.Handler) http.Handler

// receives reports whether mail arrives here, so that reports may come back.
func (m MailOptions) receives() bool { return m.SMTP != nil || m.LMTP != nil }

// notices is the domain of the site's own letters.
func (a *App) notices() string {
	return mail.DomainOf(a.o.MailFrom.Address)
}

// buildOutbox makes what leaves, and what everything about mail shares.
func (a *App) buildOutbox(ctx context.Context) error {
	a.domains = domains.NewStore(a.o.DB, a.o.Now)
	secret, err := a.domains.Secret(ctx, "return tokens")
	if err != nil {
		return err
	}
	a.tokens = mail.NewTokens(secret)
	a.outbox = outbox.New(a.o.DB, a.o.Now, outbox.Options{From: a.o.MailFrom, Demo: a.o.Demo, Tokens: a.tokens, Returns: a.returns})
	a.inbox = inbox.New(a.o.DB, a.o.Now)
	return nil
}

// returns is where reports about a stream's letters come back to: here, if mail arrives here.
func (a *App) returns(stream mail.Stream, domain string) (string, bool) {
	if !a.o.Mail.receives() {
		return "", false
	}
	if stream == mail.Campaigns {
		return domain, true // it is a domain for letters and nothing else
	}
	return mail.ReturnDomain(domain), true
}

// ours reports whether mail of a domain may be signed here.
func (a *App) ours(domain string) bool {
	if domain == a.notices() || domain == mail.LettersDomain(a.notices()) {
		return true
	}
	all, err := a.people.Associations(context.Background()) // from memory nearly always; a letter's time is not its caller's
	return err == nil && slices.ContainsFunc(all, func(as people.Association) bool {
		return domain == as.MailDomain || domain == mail.LettersDomain(as.MailDomain)
	})
}

// buildMail makes the features of mail.
func (a *App) buildMail(ctx context.Context) error {
	secret, err := a.domains.Secret(ctx, "unsubscribe")
	if err != nil {
		return err
	}
	a.subscriptions = subscriptions.NewStore(subscriptions.Deps{
		DB: a.o.DB, People: a.people, Trail: a.trail, Now: a.o.Now, Secret: secret, Origin: a.o.URL,
		Federation: a.federationName,
		Clicked: func(ctx context.Context, l subscriptions.Letter, left bool) error {
			return a.newsletters.Left(ctx, l.Person, l.Sender, string(l.Kind), !left)
		},
	})
	reports := inbox.NewReporter(a.outbox, a.bundle, a.o.Now)
	a.forwarding = forwarding.NewStore(forwarding.Deps{
		DB: a.o.DB, People: a.people, Queue: a.queue, Trail: a.trail, Outbox: a.outbox, Arrivals: a.inbox, Reports: reports, Tokens: a.tokens,
		LangOf: accountOf{a.accounts}.LangOf, Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now,
	})
	a.submission = submission.NewStore(submission.Deps{
		DB: a.o.DB, People: a.people, Trail: a.trail, Outbox: a.outbox, Arrivals: a.inbox, Reports: reports, Tokens: a.tokens,
		IsOpen: accountOf{a.accounts}.IsOpen, ReadAt: a.forwarding.ReadAt, Origin: a.o.URL, Now: a.o.Now,
	})
	a.bounces = bounces.NewStore(bounces.Deps{
		DB: a.o.DB, People: a.people, Queue: a.queue, Trail: a.trail, Post: a.outbox, Forwarding: forwarder{a.forwarding, a.outbox},
		Staff: bouncesStaff{a.accounts}, Ambassadors: ambassadorsOf{a.ambassadors, a.subscriptions, a.bundle}, AmbassadorPath: ambassadors.HomePath,
		Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now,
	})
	a.bouncePages = bounces.NewPages(a.bounces, bounces.PageOptions{People: a.people, ForwardingPath: forwarding.Path, Now: a.o.Now})
	a.postings = postings.NewStore(postings.Deps{
		DB: a.o.DB, People: a.people, Queue: a.queue, Trail: a.trail, Post: a.outbox, Files: a.o.Blobs, Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now,
	})
	d := newsletters.Deps{
		DB: a.o.DB, People: a.people, Trail: a.trail, Queue: a.queue, Post: a.outbox, Blobs: a.o.Blobs, Pictures: picture.NewReader(),
		Segments:      segments.NewStore(segments.Deps{DB: a.o.DB, People: a.people, Subscriptions: a.subscriptions, Now: a.o.Now}),
		Subscriptions: a.subscriptions, Staff: newslettersStaff{a.accounts}, Bundle: a.bundle, Origin: a.o.URL, Domain: a.notices(),
		Federation: a.federationName, Now: a.o.Now, Log: a.o.Log,
	}
	if a.o.Mail.receives() {
		d.Returns = &a.tokens
	}
	a.newsletters = newsletters.NewStore(d)
	a.magazine = magazine.NewStore(magazine.Deps{DB: a.o.DB, People: a.people, Trail: a.trail, Blobs: a.o.Blobs, Letters: a.newsletters,
		Subscriptions: a.subscriptions, Bundle: a.bundle, Origin: a.o.URL, Now: a.o.Now})
	a.buildCourier()
	return nil
}

// addressPages are the page of one's address for life, and the section on it about sending by it.
func (a *App) addressPages() (address *forwarding.Pages, programs *submission.Pages) {
	o := a.submissionOptions()
	o.Around = func(r *web.Request, section templ.Component, status int) error {
		return address.Around(r, section, status)
	}
	programs = submission.NewPages(a.submission, o)
	address = forwarding.NewPages(a.forwarding, forwarding.PageOptions{Tabs: a.accountPages.Tabs, Section: programs.Section, Now: a.o.Now})
	return address, programs
}

// submissionOptions tell people how their mail programs send.
func (a *App) submissionOptions() submission.PageOptions {
	o := submission.PageOptions{Now: a.o.Now}
	m := a.o.Mail
	if m.Submission == nil {
		return o
	}
	o.Host = m.Host
	if at, ok := m.Submission.Addr().(*net.TCPAddr); ok && m.ImplicitTLS {
		o.TLS = at.Port
	} else if ok {
		o.STARTTLS = at.Port
	}
	return o
}

func (a *App) federationName(ctx context.Context) (string, error) {
	f, err := a.federation.Current(ctx)
	return f.Name, err
}

// buildCourier makes what carries what leaves.
func (a *App) buildCourier() {
	a.counters = newMailCounters()
	o := outbox.CourierOptions{
		Smarthost: a.o.Smarthost, Sources: []outbox.Source{newsletters.NewSource(a.newsletters)}, Observers: []outbox.Observer{a.bounces.Observe}, Hello: a.o.Mail.Host, Log: a.o.Log,
		Observe: a.counters.sending,
	}
	if !a.o.Mail.Unsigned {
		o.Signer = domains.NewSigner(a.domains, a.ours)
	}
	if r := a.o.Mail.Resolver; r != nil {
		o.Resolver = r
	}
	a.courier = outbox.NewCourier(a.outbox, o)
}

// mailServer takes what arrives, for every kind of recipient there is. It asks that DNS; nil is the machine's.
func (a *App) mailServer(dns inbox.Resolver) *inbox.Server {
	door := submission.NewBox(a.submission)
	o := inbox.Options{
		Hostname: a.o.Mail.Host, Door: door, TLS: a.o.Mail.TLS, Rspamd: a.o.Mail.Rspamd, Log: a.o.Log, Observe: a.counters.arrival,
		Boxes: []inbox.Box{
			door, postings.NewBox(a.postings), forwarding.NewPostmaster(a.forwarding, a.notices(), a.keepers), forwarding.NewBox(a.forwarding),
			bounces.NewReturns(a.bounces, bounces.ReturnsOptions{Tokens: a.tokens, Domain: a.notices(),
				Recipients: recipients{a.newsletters, a.subscriptions}, Refusals: refusals{a.subscriptions}}),
		},
	}
	if dns != nil {
		o.Resolver = inbox.NewResolver(dns, a.o.Now)
	}
	return inbox.NewServer(a.inbox, o)
}

// keepers are the e-mail addresses of an association's webmasters; a zero association's those of the federation's admins.
func (a *App) keepers(ctx context.Context, association id.ID) ([]string, error) {
	role := viewer.Webmaster
	if association.IsZero() {
		role = viewer.FederationAdmin
	}
	list, err := a.accounts.AccountsWithRole(ctx, role, association)
	var out []string
	for _, h := range list {
		if h.Email != "" {
			out = append(out, h.Email)
		}
	}
	return out, err
}

// mailBackground are the servers that run, by name.
func (a *App) mailBackground() map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{"mail": a.courier.Run}
	m := a.o.Mail
	if m.SMTP == nil && m.LMTP == nil && m.Submission == nil {
		return out
	}
	var dns inbox.Resolver
	if m.Resolver != nil {
		dns = m.Resolver
	}
	server := a.mailServer(dns)
	if m.SMTP != nil {
		out["smtp"] = func(ctx context.Context) error { return server.ServeSMTP(ctx, m.SMTP) }
	}
	if m.LMTP != nil {
		out["lmtp"] = func(ctx context.Context) error { return server.ServeLMTP(ctx, m.LMTP) }
	}
	if m.Submission != nil {
		out["submission"] = func(ctx context.Context) error { return server.ServeSubmission(ctx, m.Submission, m.ImplicitTLS) }
	}
	return out
}

// accountOf tells the features of mail of people's accounts.
type accountOf struct{ accounts *accounts.Store }

// IsOpen is whether the person has an account that is open.
func (s accountOf) IsOpen(ctx context.Context, person id.ID) (bool, error) {
	acc, err := s.accounts.ByPerson(ctx, person)
	if errors.Is(err, errs.NotFound) {
		return false, nil
	}
	return acc.Open(), err
}

// LangOf is the language of the person's letters, "" when he never chose one.
func (s accountOf) LangOf(ctx context.Context, person id.ID) (string, error) {
	acc, err := s.accounts.ByPerson(ctx, person)
	if errors.Is(err, errs.NotFound) {
		return "", nil
	}
	return acc.Lang, err
}

// bouncesStaff tells the health of addresses whom to alert.
type bouncesStaff struct{ accounts *accounts.Store }

func (s bouncesStaff) AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]bounces.Holder, error) {
	return holders(ctx, s.accounts, role, association, func(h accounts.Holder) bounces.Holder {
		return bounces.Holder{Name: h.Name, Email: h.Email, Lang: h.Lang}
	})
}

func (s bouncesStaff) LangOf(ctx context.Context, person id.ID) (string, error) {
	return accountOf(s).LangOf(ctx, person)
}

// ambassadorsOf tells the health of addresses who looks after a class, without those who refuse letters about the life of
// the network from that school: what a class is told of its lost is such a letter.
type ambassadorsOf struct {
	ambassadors   *ambassadors.Store
	subscriptions *subscriptions.Store
	bundle        *i18n.Bundle
}

func (s ambassadorsOf) OfClasses(ctx context.Context, association id.ID, years []int) (map[int][]bounces.Ambassador, error) {
	list, err := s.ambassadors.OfClasses(ctx, health(), association, years)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	persons := make([]id.ID, len(list))
	for i, a := range list {
		persons[i] = a.PersonID
	}
	refusing, err := s.subscriptions.Refusing(ctx, association, string(subscriptions.Network), persons)
	if err != nil {
		return nil, err
	}
	out := map[int][]bounces.Ambassador{}
	for _, a := range list {
		if refusing[a.PersonID] {
			continue
		}
		stop, _ := s.subscriptions.Links(s.bundle.With(ctx, a.Lang), a.PersonID, association, string(subscriptions.Network))
		out[a.ClassYear] = append(out[a.ClassYear], bounces.Ambassador{Person: a.PersonID, Viewer: a.Viewer, Name: a.Name, Email: a.Email, Lang: a.Lang, Stop: stop})
	}
	return out, nil
}

// newslettersStaff tells campaigns who tests and who is alarmed.
type newslettersStaff struct{ accounts *accounts.Store }

func (s newslettersStaff) AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]newsletters.Holder, error) {
	return holders(ctx, s.accounts, role, association, func(h accounts.Holder) newsletters.Holder {
		return newsletters.Holder{Name: h.Name, Email: h.Email, Lang: h.Lang}
	})
}

// recipients tells the health of addresses to whom a campaign's message went, and the subscriptions what he answers.
type recipients struct {
	newsletters   *newsletters.Store
	subscriptions *subscriptions.Store
}

func (r recipients) RecipientOf(ctx context.Context, row id.ID) (string, id.ID, error) {
	one, err := r.newsletters.RecipientOf(ctx, row)
	return one.Address, one.Person, err
}

func (r recipients) Failed(ctx context.Context, row id.ID, class mail.Class, reply mail.Reply) error {
	return r.newsletters.Failed(ctx, row, class, reply)
}

// Unwanted ends that sender's letters of that kind, and nothing else. What is written to the address for it counts like
// the click, which is as easy to make for whoever holds the letter.
func (r recipients) Unwanted(ctx context.Context, row id.ID, by bounces.Answer) error {
	to, err := r.newsletters.RecipientOf(ctx, row)
	if err != nil || to.Person.IsZero() {
		return err // erased since
	}
	l := subscriptions.Letter{Person: to.Person, Sender: to.Sender, Kind: subscriptions.Kind(to.Kind)}
	if by == bounces.Unsubscribe {
		return r.subscriptions.Leave(ctx, l)
	}
	actor := viewer.Actor{Viewer: viewer.ForSystem("complaint")}
	return r.subscriptions.Refuse(ctx, actor, l.Person, subscriptions.Cell{Sender: l.Sender, Kind: l.Kind}, subscriptions.ByComplaint)
}

// forwarder lets the health of addresses change where mail is passed on to.
type forwarder struct {
	forwarding *forwarding.Store
	outbox     *outbox.Outbox
}

// AddressBroken tells what took over where that is one address: of several people each has his own.
func (f forwarder) AddressBroken(ctx context.Context, person id.ID, address string) (out bounces.Rerouted, err error) {
	persons, err := f.whose(ctx, person, address, forwarding.Good)
	if err == nil && len(persons) == 0 {
		err = errs.E("app.AddressBroken", errs.NotFound, nil)
	}
	if err != nil {
		return out, err
	}
	for _, p := range persons {
		s, err := f.forwarding.Died(ctx, health(), p, address)
		if err != nil {
			return out, err
		}
		out.Target = out.Target || s.Was
		if s.Was && len(s.Route) > 0 && len(persons) == 1 {
			out.Took = s.Route[0]
		}
	}
	return out, nil
}

func (f forwarder) AddressWorks(ctx context.Context, person id.ID, address string) error {
	persons, err := f.whose(ctx, person, address, forwarding.Dead)
	if err != nil {
		return err
	}
	for _, p := range persons {
		if err := f.forwarding.Revived(ctx, health(), p, address); err != nil {
			return err
		}
	}
	return nil
}

// whose are the persons meant: that one, or those whose target in that state the address is without being their own.
func (f forwarder) whose(ctx context.Context, person id.ID, address string, state forwarding.State) ([]id.ID, error) {
	if !person.IsZero() {
		return []id.ID{person}, nil
	}
	return f.forwarding.Aiming(ctx, health(), address, state)
}

// health is who changes where mail goes when an address dies or works again.
func health() viewer.Viewer { return viewer.ForSystem("address-health") }

// Returned takes a report for the end of a delivery unless it only tells of a delay: words without a code say by their
// class which of the two they are.
func (f forwarder) Returned(ctx context.Context, delivery id.ID, class mail.Class, reply mail.Reply) error {
	if !reply.Permanent() && (reply.Code != 0 || class == mail.Temporary || class == mail.Vacation || class == mail.Delivered || class == mail.Unknown) {
		return nil
	}
	err := f.outbox.Returned(ctx, delivery, class, reply)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// refusals ends the campaigns to who complained of one.
type refusals struct{ subscriptions *subscriptions.Store }

func (r refusals) Complained(ctx context.Context, person id.ID, _ string) error {
	if person.IsZero() {
		return nil
	}
	by := viewer.Actor{Viewer: viewer.ForSystem("complaint")}
	o, err := r.subscriptions.Overview(ctx, by.Viewer, person)
	if err != nil {
		return err
	}
	for _, sender := range o.Senders {
		for _, k := range subscriptions.Kinds() {
			if err := r.subscriptions.Refuse(ctx, by, person, subscriptions.Cell{Sender: sender.ID, Kind: k}, subscriptions.ByComplaint); err != nil {
				return err
			}
		}
	}
	return nil
}
