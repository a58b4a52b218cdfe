package profiles

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// maxUpload is how much of a photo that is too big is read all the same: who is answered while still sending gets a
// broken connection instead of the kind words.
const maxUpload = 24 << 20

// ownPhotoURL is where a person sees his own photo, also without a login.
func ownPhotoURL(photo string, size PhotoSize) string {
	if photo == "" {
		return ""
	}
	return pathProfile + "/photo/" + string(size) + "?v=" + photoVersion(photo)
}

// updatePhoto takes a new photo and who sees it; without a file it is the audience alone.
func (p *Pages) updatePhoto(r *web.Request) error {
	r.LimitBody(maxUpload)
	f, err := r.Form()
	if err != nil {
		return p.photoRefused(r, form{ID: formPhoto}, err)
	}
	typed := typedForm(formPhoto, f, "audience_photo")
	if err := p.heavy.Take(r.Viewer.Account.String()); err != nil {
		return p.photoRefused(r, typed, err)
	}
	file, _, err := f.File("photo")
	if err != nil {
		return err
	}
	undo, err := p.savePhoto(r, file, typed.Values["audience_photo"])
	if err != nil {
		return p.photoRefused(r, typed, err)
	}
	return p.saved(r, formPhoto, undo, "profile.saved")
}

func (p *Pages) savePhoto(r *web.Request, file multipart.File, audience string) (undo id.ID, err error) {
	if file != nil {
		defer file.Close()
		if undo, err = p.store.SavePhoto(r.Ctx(), r.Actor(), file); err != nil {
			return undo, err
		}
	}
	if audience == "" {
		return undo, nil
	}
	back, err := p.store.SaveAudience(r.Ctx(), r.Actor(), people.FieldPhoto, viewer.Audience(audience))
	if undo.IsZero() {
		undo = back
	}
	return undo, err
}

// photoRefused shows the words beside the field of the file.
func (p *Pages) photoRefused(r *web.Request, typed form, err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = errs.Msg("profile.photo.too_big", map[string]any{"Megabytes": 2})
	}
	if errs.FieldsOf(err) == nil {
		if m, ok := errs.MessageOf(err); ok {
			err = &errs.Error{Kind: errs.KindOf(err), Fields: errs.Fields{"photo": m}, Err: err}
		}
	}
	return p.refused(r, typed, err)
}

func (p *Pages) removePhoto(r *web.Request) error {
	undo, err := p.store.RemovePhoto(r.Ctx(), r.Actor())
	if err != nil {
		return err
	}
	return p.saved(r, formPhoto, undo, "profile.photo_removed")
}

func (p *Pages) showPhoto(r *web.Request) error {
	pic, err := p.store.Photo(r.Ctx(), r.Viewer, r.PathValue("login"), PhotoSize(r.PathValue("size")))
	if err != nil {
		return err
	}
	return serve(r, pic)
}

func (p *Pages) showOwnPhoto(r *web.Request) error {
	pic, err := p.store.OwnPhoto(r.Ctx(), r.Viewer, PhotoSize(r.PathValue("size")))
	if err != nil {
		return err
	}
	return serve(r, pic)
}

// serve answers with a photo. Rights were read a moment ago; the browser of whoever may see it keeps it for a day
// under its version, no cache in between does, and another session in the same browser asks anew.
func serve(r *web.Request, pic Picture) error {
	h := r.W.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("ETag", `"`+pic.Version+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if r.URL.Query().Get("v") == pic.Version {
		h.Set("Cache-Control", "private, max-age=86400")
	}
	h.Add("Vary", "Cookie")
	h.Set("Content-Disposition", "inline")
	http.ServeContent(r.W, r.Request, "", time.Time{}, bytes.NewReader(pic.Data))
	return nil
}
