package newsletters

import (
	"errors"
	"net/http"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters/compose"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// badRequest is a form that no page of ours sends.
var badRequest = errs.E("newsletters", errs.Invalid, errors.New("a value that no form holds"))

type editProps struct {
	Campaign
	Sender  Sender
	Images  []Image
	Refused refused
}

// edit is where a draft is written; a letter that has begun to leave is looked at elsewhere.
func (p *Pages) edit(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	switch {
	case c.State.Started():
		return r.Redirect(campaignPath(c.ID) + "/suivi")
	case c.State == Scheduled:
		return r.Redirect(campaignPath(c.ID) + "/envoi")
	}
	return p.editWith(r, c, refused{}, 0)
}

func (p *Pages) editWith(r *web.Request, c Campaign, ref refused, status int) error {
	props := editProps{Campaign: c, Refused: ref}
	var err error
	if props.Sender, err = p.store.sender(r.Ctx(), c.SenderID); err != nil {
		return err
	}
	if props.Images, err = p.store.images(r.Ctx(), c.ID); err != nil {
		return err
	}
	r.AllowFrames()
	return r.Page(web.Page{Status: status, Title: c.Title, Help: helpSlug, Wide: true, Content: editPage(props)})
}

// update saves a draft. The page does so by itself while its author writes, and takes the preview in return.
func (p *Pages) update(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	before := c.Versions
	typed(&c, f)
	shown := "fr"
	if c.Versions["en"] != before["en"] && c.Versions["fr"] == before["fr"] {
		shown = "en" // what is being written
	}
	err = p.store.Save(r.Ctx(), r.Actor(), c)
	msgs, mend := map[string]string(nil), false
	if err != nil {
		if msgs, mend = r.Refused(err); !mend {
			return err
		}
	}
	switch {
	case r.Partial():
		return r.Part(previewPart(previewPartProps{c, shown, msgs}))
	case mend:
		return p.editWith(r, c, refused{msgs, f}, web.Status(err))
	}
	return r.Done(campaignPath(c.ID), "newsletters.done.saved")
}

// typed puts a form's values into a campaign.
func typed(c *Campaign, f *web.Form) {
	c.Title, c.Kind, c.FromName, c.ReplyTo, c.Public = f.Text("title"), Kind(f.Text("kind")), f.Text("from_name"), f.Text("reply_to"), f.Checked("public")
	c.Version, _ = f.Int("version")
	c.Versions = map[string]compose.Written{}
	for _, lang := range []string{"fr", "en"} {
		w := compose.Written{Subject: f.Text(lang + "_subject"), Preheader: f.Text(lang + "_preheader"), Body: strings.TrimSpace(f.Raw(lang + "_body"))}
		if !w.Empty() {
			c.Versions[lang] = w
		}
	}
}

// maxUpload is how much of a picture that is too big is read all the same, for the kind words.
const maxUpload = 3 * MaxImageBytes

func (p *Pages) addImage(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	r.LimitBody(maxUpload)
	f, err := r.Form()
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return p.imageRefused(r, c, badImage("newsletters.image.too_big", map[string]any{"Megabytes": MaxImageBytes >> 20}))
	}
	if err != nil {
		return err
	}
	file, head, err := f.File("image")
	if err != nil {
		return err
	}
	if file == nil {
		return p.imageRefused(r, c, badImage("newsletters.image.none", nil))
	}
	defer file.Close()
	if _, err := p.store.AddImage(r.Ctx(), r.Actor(), c.ID, head.Filename, file); err != nil {
		return p.imageRefused(r, c, err)
	}
	return r.Done(campaignPath(c.ID)+"#images", "newsletters.done.image_added")
}

func (p *Pages) imageRefused(r *web.Request, c Campaign, err error) error {
	msgs, ok := r.Refused(err)
	if !ok {
		return err
	}
	return p.editWith(r, c, refused{msgs: msgs}, web.Status(err))
}

func (p *Pages) removeImage(r *web.Request, f *web.Form, by viewer.Actor, campaign id.ID) error {
	image, err := id.Parse(f.Text("image"))
	if err != nil {
		return badRequest
	}
	return p.store.RemoveImage(r.Ctx(), by, campaign, image)
}

// copy goes on to the copy.
func (p *Pages) copy(r *web.Request, _ *web.Form, by viewer.Actor, campaign id.ID) error {
	c, err := p.store.ByID(r.Ctx(), by.Viewer, campaign)
	if err != nil {
		return err
	}
	made, err := p.store.Copy(r.Ctx(), by, campaign, r.T("newsletters.copy_of", map[string]any{"Title": c.Title}))
	if err != nil {
		return err
	}
	return gone{campaignPath(made)}
}

func (p *Pages) remove(r *web.Request, _ *web.Form, by viewer.Actor, campaign id.ID) error {
	if err := p.store.Remove(r.Ctx(), by, campaign); err != nil {
		return err
	}
	return gone{Path}
}
