package newsletters

import (
	"strings"
	"time"
	"unicode"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

type sendProps struct {
	Campaign
	Findings []Found
	Reach    reach
	Broken   string // why the segment cannot be counted; "" when it can
	Testers  []Holder
	Refused  refused
}

// ready reports whether nothing keeps the letter from leaving.
func (p sendProps) ready() bool {
	for _, f := range p.Findings {
		if f.Stops {
			return false
		}
	}
	return p.Broken == "" && p.Reach.Reached > 0
}

// send is where a draft leaves from: what was noticed, how many get it, tests, now or later.
func (p *Pages) send(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	if c.State.Started() {
		return r.Redirect(campaignPath(c.ID) + "/suivi")
	}
	return p.sendWith(r, c, refused{}, 0)
}

func (p *Pages) sendWith(r *web.Request, c Campaign, ref refused, status int) error {
	props := sendProps{Campaign: c, Refused: ref}
	var err error
	if props.Findings, err = p.store.Findings(r.Ctx(), c); err != nil {
		return err
	}
	if props.Testers, err = p.store.Testers(r.Ctx(), r.Viewer, c.ID); err != nil {
		return err
	}
	props.Reach, err = p.reach(r, c.Ask())
	if msgs, ok := r.Refused(err); err != nil && ok {
		props.Broken, err = strings.Join(values(msgs), " "), nil
	}
	if err != nil {
		return err
	}
	return r.Page(web.Page{Status: status, Title: r.T("newsletters.sending"), Help: helpSlug, Wide: true, Content: sendPage(props)})
}

func values(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func (p *Pages) test(r *web.Request, f *web.Form, by viewer.Actor, campaign id.ID) error {
	return p.store.Test(r.Ctx(), by, campaign, f.Text("lang"), f.Text("to"))
}

func (p *Pages) start(r *web.Request, f *web.Form, by viewer.Actor, campaign id.ID) error {
	n, ok := number(f.Text("count"))
	if !ok {
		e := errs.Fields{}
		e.Add("count", "newsletters.need_count")
		return e.Err()
	}
	return p.store.Start(r.Ctx(), by, campaign, n)
}

// number reads a whole number that people may have grouped.
func number(s string) (n int, ok bool) {
	for _, c := range s {
		switch {
		case c == ',' || c == '.' || unicode.IsSpace(c):
		case c < '0' || c > '9' || n > 1e8:
			return 0, false
		default:
			n, ok = 10*n+int(c-'0'), true
		}
	}
	return n, ok
}

func (p *Pages) schedule(r *web.Request, f *web.Form, by viewer.Actor, campaign id.ID) error {
	at, ok := moment(f.Text("day"), f.Text("hour"))
	if !ok {
		e := errs.Fields{}
		e.Add("at", "newsletters.need_time")
		return e.Err()
	}
	return p.store.Schedule(r.Ctx(), by, campaign, at)
}

// moment is a day and an hour where the federation lives.
func moment(day, hour string) (time.Time, bool) {
	at, err := time.ParseInLocation("2006-01-02 15:04", day+" "+hour, zone())
	return at.UTC(), err == nil
}

// zone is where the federation lives: hours are read and shown as its people do.
func zone() *time.Location {
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return z
}

type trackProps struct {
	Numbers
	Errors    map[string]string
	MaySee    bool // whose letters failed
	PublicURL string
}

// track is how a letter that has begun to leave does.
func (p *Pages) track(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	if !c.State.Started() {
		return r.Redirect(campaignPath(c.ID))
	}
	if r.Partial() {
		if c.State != Sending {
			return r.Redirect(campaignPath(c.ID) + "/suivi")
		}
		return r.Part(progressPart(c))
	}
	return p.trackWith(r, c, nil, 0)
}

func (p *Pages) trackWith(r *web.Request, c Campaign, msgs map[string]string, status int) error {
	props := trackProps{Errors: msgs, MaySee: MaySeeFailures(r.Viewer, c.SenderID)}
	var err error
	if props.Numbers, err = p.store.Numbers(r.Ctx(), r.Viewer, c.ID); err != nil {
		return err
	}
	if c.Public {
		props.PublicURL = p.store.Origin + publicPath + "/" + c.ID.String()
	}
	return r.Page(web.Page{Status: status, Title: c.Title, Help: helpSlug, Wide: true, Content: trackPage(props)})
}

type failuresProps struct {
	Campaign Campaign
	List     []Failure
	Total    int
	Pager    ui.PagerProps
}

// failures are the letters that did not arrive, for those who may know of coordinates.
func (p *Pages) failures(r *web.Request) error {
	campaign, err := r.ID("id")
	if err != nil {
		return err
	}
	paging := r.Paging(pageSize)
	list, total, err := p.store.Failures(r.Ctx(), r.Actor(), campaign, paging.Size, paging.Offset())
	if err != nil {
		return err
	}
	c, err := p.store.campaign(r.Ctx(), campaign)
	if err != nil {
		return err
	}
	props := failuresProps{c, list, total, ui.PagerProps{Page: paging.Page, Pages: paging.Pages(total), URL: func(n int) string { return paging.URL(r.URL, n) }}}
	return r.Page(web.Page{Title: r.T("newsletters.failures"), Help: helpSlug, Wide: true, Content: failuresPage(props)})
}
