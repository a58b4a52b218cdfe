package newsletters

import (
	"amicale/internal/errs"
	"amicale/internal/newsletters/segments"
	"amicale/internal/people"
	"amicale/internal/web"
)

// sampleSize is how many names are shown before a letter leaves.
const sampleSize = 10

// reach is a segment in numbers, with some names.
type reach struct {
	segments.Count
	Sample []people.Seen
	Hidden int // of those looked at, whom the viewer may not see
}

func (p *Pages) reach(r *web.Request, a segments.Ask) (out reach, err error) {
	if out.Count, err = p.store.Segments.Count(r.Ctx(), r.Viewer, a); err != nil {
		return out, err
	}
	out.Sample, out.Hidden, err = p.store.Segments.Sample(r.Ctx(), r.Viewer, a, sampleSize)
	return out, err
}

type segmentProps struct {
	Campaign
	Criteria segments.Criteria
	Env      segments.Env
	Reach    reach
	Refused  refused
}

func (p *Pages) segment(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	return p.segmentWith(r, c, refused{}, 0)
}

func (p *Pages) segmentWith(r *web.Request, c Campaign, ref refused, status int) error {
	props := segmentProps{Campaign: c, Criteria: p.store.Segments.Criteria(c.SenderID), Refused: ref}
	var err error
	if props.Env, err = p.store.Segments.Env(r.Ctx(), c.SenderID); err != nil {
		return err
	}
	if ref.msgs == nil {
		props.Reach, err = p.reach(r, c.Ask())
		if errs.KindOf(err) == errs.Invalid && err != nil { // what it names is gone
			props.Refused.msgs, _ = r.Refused(err)
		} else if err != nil {
			return err
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("newsletters.recipients"), Help: helpSlug, Wide: true, Content: segmentPage(props)})
}

// updateSegment saves to whom a draft goes. Asked by the page while it is being filled in, it only counts.
func (p *Pages) updateSegment(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	segment, err := p.store.Segments.Read(r.Ctx(), c.SenderID, f.All)
	if r.Partial() {
		return p.countPart(r, c, segment, err)
	}
	if err == nil {
		err = p.store.SaveSegment(r.Ctx(), r.Actor(), c.ID, segment)
	}
	if msgs, ok := r.Refused(err); err != nil && ok {
		return p.segmentWith(r, c, refused{msgs, f}, web.Status(err))
	}
	if err != nil {
		return err
	}
	return r.Done(campaignPath(c.ID)+"/destinataires", "newsletters.done.saved")
}

func (p *Pages) countPart(r *web.Request, c Campaign, segment segments.Segment, err error) error {
	var out reach
	if err == nil {
		c.Segment = segment
		out, err = p.reach(r, c.Ask())
	}
	if err == nil {
		return r.Part(reachPart(out, ""))
	}
	msgs, ok := r.Refused(err)
	if !ok {
		return err
	}
	for _, m := range msgs {
		return r.Part(reachPart(reach{}, m))
	}
	return err
}
