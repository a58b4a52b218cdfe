package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"amicale/internal/audit"
	"amicale/internal/domains"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/mail"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// mailPath is where the back office tells of mail.
const mailPath = "/admin/courrier"

// checkKind names the job that asks the DNS about one domain.
const checkKind = "app.check_mail"

// mailDomain is a mail domain of the installation, and whose.
type mailDomain struct {
	domains.Setup
	association id.ID // zero when it is only the site's own
	name        string
}

// mailDomains are all of them, the site's own first; receives is whether mail arrives.
func (a *App) mailDomains(ctx context.Context, receives bool) ([]mailDomain, error) {
	site := "" // New was given an address
	if u, err := url.Parse(a.o.URL); err == nil {
		site = u.Hostname()
	}
	base := domains.Setup{MailHost: a.o.Mail.Host, SiteHost: site, Smarthost: a.o.Smarthost.Host, Receives: receives}
	if base.MailHost == "" {
		base.MailHost = site
	}
	all, err := a.people.Associations(ctx)
	if err != nil {
		return nil, err
	}
	var out []mailDomain
	own := strings.ToLower(a.notices())
	for _, one := range all {
		d := mailDomain{Setup: base, association: one.ID, name: one.Name}
		d.Domain, d.Association, d.Own = one.MailDomain, true, one.MailDomain == own
		out = append(out, d)
		if d.Own {
			own = ""
		}
	}
	if len(domains.Senders(own, nil)) == 0 {
		return out, nil
	}
	d := mailDomain{Setup: base, name: a.o.MailFrom.Name}
	d.Domain, d.Own = own, true
	return append([]mailDomain{d}, out...), nil
}

// visibleDomains are those whose records the viewer looks after.
func (a *App) visibleDomains(ctx context.Context, v viewer.Viewer) ([]mailDomain, error) {
	all, err := a.mailDomains(ctx, a.o.Mail.receives())
	if err != nil {
		return nil, err
	}
	var out []mailDomain
	for _, d := range all {
		if v.IsFederationAdmin() || v.HasAt(d.association, viewer.Webmaster) {
			out = append(out, d)
		}
	}
	return out, nil
}

// visibleDomain is the one that a request names.
func (a *App) visibleDomain(r *web.Request) (mailDomain, error) {
	list, err := a.visibleDomains(r.Ctx(), r.Viewer)
	if err != nil {
		return mailDomain{}, err
	}
	for _, d := range list {
		if d.Domain == r.PathValue("domain") {
			return d, nil
		}
	}
	return mailDomain{}, errs.E("app.mail "+r.PathValue("domain"), errs.NotFound, nil)
}

// checker asks the DNS, and who else there is to ask.
func (a *App) checker() *domains.Checker {
	o := a.o.Mail.Check
	if o.Resolver == nil && a.o.Mail.Resolver != nil {
		o.Resolver = a.o.Mail.Resolver
	}
	return domains.NewChecker(a.domains, o)
}

// checkPayload is what a job of checkKind is about.
type checkPayload struct {
	Domain string `json:"domain"`
}

// CheckMail asks the DNS about a mail domain of the installation; receives is whether mail arrives at a server of its.
func (c Console) CheckMail(ctx context.Context, domain string, receives bool) (domains.Report, error) {
	list, err := c.app.mailDomains(ctx, receives)
	if err != nil {
		return domains.Report{}, err
	}
	var known []string
	for _, d := range list {
		if d.Domain == strings.ToLower(strings.TrimSuffix(domain, ".")) {
			return c.app.checker().Check(ctx, d.Setup)
		}
		known = append(known, d.Domain)
	}
	if len(known) == 0 {
		return domains.Report{}, errors.New("there is no mail domain yet: set the site up first")
	}
	return domains.Report{}, fmt.Errorf("%s is no mail domain here; these are: %s", domain, strings.Join(known, ", "))
}

// registerMailChecks names to the runner what looks at the DNS: when asked, and every night. The demonstration's
// domains are in no DNS: there it looks only when asked.
func (a *App) registerMailChecks() {
	a.runner.Handle(checkKind, jobs.Typed(func(ctx context.Context, p checkPayload) error {
		list, err := a.mailDomains(ctx, a.o.Mail.receives())
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.Domain == p.Domain {
				_, err := a.checker().Check(ctx, d.Setup)
				return err
			}
		}
		return nil // it is no longer one of ours
	}))
	a.runner.Every("app.check_mail_domains", jobs.Daily(3, 40, homeZone()), a.checkAllMail)
}

func (a *App) checkAllMail(ctx context.Context) error {
	if err := a.domains.Sweep(ctx); err != nil || a.o.Demo {
		return err
	}
	list, err := a.mailDomains(ctx, a.o.Mail.receives())
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := a.askForCheck(ctx, d.Domain); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) askForCheck(ctx context.Context, domain string) error {
	return a.queue.Add(ctx, checkKind, checkPayload{domain}, jobs.Options{UniqueKey: domain})
}

// checking reports whether a check of a domain waits or runs.
func (a *App) checking(ctx context.Context, domain string) (bool, error) {
	list, err := a.queue.Waiting(ctx, shownWaiting)
	if err != nil {
		return false, err
	}
	for _, j := range list {
		var p checkPayload
		if j.Kind == checkKind && json.Unmarshal(j.Payload, &p) == nil && p.Domain == domain {
			return true, nil
		}
	}
	return false, nil
}

// mailRoutes are the pages of the mail domains, and what the domains themselves serve.
func (a *App) mailRoutes() []web.Route {
	return append(a.leavingRoutes(), []web.Route{
		{Pattern: "GET " + mailPath, Handler: web.Staff(a.mailFront, viewer.Webmaster)},
		{Pattern: "GET " + mailPath + "/{domain}", Handler: web.Staff(a.mailDomain, viewer.Webmaster)},
		{Pattern: "POST " + mailPath + "/{domain}/verifier", Handler: web.Staff(a.checkMail, viewer.Webmaster)},
		{Pattern: "POST " + mailPath + "/{domain}/cles", Handler: web.Staff(a.rotateKeys, viewer.FederationAdmin)},
		{Pattern: "POST " + mailPath + "/{domain}/cles/utiliser", Handler: web.Staff(a.activateKeys, viewer.FederationAdmin)},
		{Pattern: "GET /.well-known/mta-sts.txt", Handler: web.Public(a.mailPolicy)},
	}...)
}

// domainView is a domain with what was found when the DNS was last asked.
type domainView struct {
	mailDomain
	report  domains.Report // zero time: it never was
	running bool           // it is being asked
	keys    []domains.Key  // of its senders; for who may renew them
}

func (a *App) mailFront(r *web.Request) error {
	list, err := a.visibleDomains(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	views := make([]domainView, len(list))
	for i, d := range list {
		if views[i], err = a.domainView(r.Ctx(), d); err != nil {
			return err
		}
	}
	return r.Page(web.Page{Title: r.T("app.admin.mail"), Content: mailFrontPage(mailTabs(r), views)})
}

func (a *App) domainView(ctx context.Context, d mailDomain) (v domainView, err error) {
	v.mailDomain = d
	if v.report, err = a.domains.LastReport(ctx, d.Domain); err != nil && !errors.Is(err, errs.NotFound) {
		return v, err
	}
	v.running, err = a.checking(ctx, d.Domain)
	return v, err
}

func (a *App) mailDomain(r *web.Request) error {
	d, err := a.visibleDomain(r)
	if err != nil {
		return err
	}
	v, err := a.domainView(r.Ctx(), d)
	if err != nil {
		return err
	}
	if r.Viewer.IsFederationAdmin() {
		for _, name := range []string{d.Domain, mail.LettersDomain(d.Domain)} {
			keys, err := a.domains.Keys(r.Ctx(), name)
			if err != nil {
				return err
			}
			v.keys = append(v.keys, keys...)
		}
	}
	return r.Page(web.Page{Title: d.Domain, Content: mailDomainPage(v)})
}

// checkMail only asks for a check: the DNS may take its time.
func (a *App) checkMail(r *web.Request) error {
	d, err := a.visibleDomain(r)
	if err != nil {
		return err
	}
	if err := a.askForCheck(r.Ctx(), d.Domain); err != nil {
		return err
	}
	return r.Done(mailPath+"/"+d.Domain, "app.mail.asked")
}

// chosenSender is the sender whose keys a form is about.
func (a *App) chosenSender(r *web.Request) (d mailDomain, s domains.Sender, err error) {
	if d, err = a.visibleDomain(r); err != nil {
		return d, s, err
	}
	f, err := r.Form()
	if err != nil {
		return d, s, err
	}
	s = domains.Sender{Domain: f.Text("domain"), Stream: mail.Stream(f.Text("stream"))}
	for _, one := range d.Senders() {
		if one == s {
			return d, s, nil
		}
	}
	return d, s, errs.E("app.mail keys", errs.Invalid, nil)
}

// rotateKeys makes the keys that are to follow.
func (a *App) rotateKeys(r *web.Request) error {
	return a.changeKeys(r, "mail.keys_made", "app.mail.rotated", func(ctx context.Context, s domains.Sender) error {
		_, err := a.domains.Rotate(ctx, s)
		return err
	})
}

// activateKeys lets new keys sign although their records were not seen.
func (a *App) activateKeys(r *web.Request) error {
	return a.changeKeys(r, "mail.keys_used", "app.mail.activated", a.domains.Activate)
}

func (a *App) changeKeys(r *web.Request, action, done string, change func(context.Context, domains.Sender) error) error {
	d, s, err := a.chosenSender(r)
	if err != nil {
		return err
	}
	err = a.o.DB.Tx(r.Ctx(), func(ctx context.Context) error {
		if err := change(ctx, s); err != nil {
			return err
		}
		if err := a.askForCheck(ctx, d.Domain); err != nil {
			return err
		}
		return a.trail.Record(ctx, audit.Entry{Actor: r.Viewer, ActorName: r.Identity.Name, Action: action, Object: s.Domain, Association: d.association})
	})
	if err != nil {
		return err
	}
	return r.Done(mailPath+"/"+d.Domain, done)
}

// countMailTroubles is how many domains that the viewer looks after have something missing or wrong.
func (a *App) countMailTroubles(ctx context.Context, v viewer.Viewer) (n int, err error) {
	list, err := a.visibleDomains(ctx, v)
	if err != nil {
		return 0, err
	}
	for _, d := range list {
		report, err := a.domains.LastReport(ctx, d.Domain)
		if err != nil && !errors.Is(err, errs.NotFound) {
			return 0, err
		}
		if report.Count() > 0 {
			n++
		}
	}
	return n, nil
}

// mailPolicy is what a domain says about encryption, on a host of its own (RFC 8461 §3.2). It is strict only once the
// certificate was seen to be one that everybody believes.
func (a *App) mailPolicy(r *web.Request) error {
	list, err := a.mailDomains(r.Ctx(), a.o.Mail.receives())
	if err != nil {
		return err
	}
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	for _, d := range list {
		if !d.Receives || !d.Association || host != domains.PolicyHost(d.Domain) {
			continue
		}
		report, err := a.domains.LastReport(r.Ctx(), d.Domain)
		if err != nil && !errors.Is(err, errs.NotFound) {
			return err
		}
		r.W.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err = r.W.Write([]byte(domains.PolicyText(d.MailHost, report.Trusted())))
		return err
	}
	return errs.E("app.mailPolicy "+host, errs.NotFound, nil)
}
