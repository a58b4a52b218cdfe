package newsletters

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/picture"
	"amicale/internal/viewer"
)

// Limits of pictures.
const (
	MaxImageBytes = 8 << 20 // as sent; what is kept is much smaller
	maxImages     = 30      // a campaign
	imageWidth    = 600     // as shown, in pixels; the file has up to twice as many, for fine screens
)

// Image is a picture of a campaign's.
type Image struct {
	ID        id.ID
	Name      string // in its address; not to be guessed
	FileName  string // as it was called
	Width     int    // as shown
	Height    int
	Size      int // bytes
	CreatedAt time.Time
}

// Path is where the picture is, for everybody who knows it.
func (i Image) Path() string { return imagePath + i.Name }

func imageKey(name string) string { return "newsletters/images/" + name }

// Images are a campaign's pictures, the oldest first.
func (s *Store) Images(ctx context.Context, v viewer.Viewer, campaign id.ID) ([]Image, error) {
	if _, err := s.ByID(ctx, v, campaign); err != nil {
		return nil, err
	}
	return s.images(ctx, campaign)
}

func (s *Store) images(ctx context.Context, campaign id.ID) ([]Image, error) {
	list, err := db.All[Image](ctx, s.DB, `SELECT id, name, file_name, width, height, size, created_at FROM campaign_images WHERE campaign_id = ? ORDER BY created_at, id`, campaign)
	return list, errs.Wrap("newsletters.images", err)
}

// AddImage takes a picture into a draft.
func (s *Store) AddImage(ctx context.Context, by viewer.Actor, campaign id.ID, fileName string, r io.Reader) (Image, error) {
	c, err := s.ByID(ctx, by.Viewer, campaign)
	if err != nil {
		return Image{}, err
	}
	there, err := s.images(ctx, campaign)
	if err != nil {
		return Image{}, err
	}
	switch {
	case c.State != Draft:
		return Image{}, errs.New(errs.Conflict, "newsletters.moved")
	case len(there) >= maxImages:
		return Image{}, badImage("newsletters.image.too_many", map[string]any{"Most": maxImages})
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxImageBytes+1))
	if err != nil {
		return Image{}, errs.Wrap("newsletters.AddImage", err)
	}
	if len(data) > MaxImageBytes {
		return Image{}, badImage("newsletters.image.too_big", map[string]any{"Megabytes": MaxImageBytes >> 20})
	}
	p, err := s.Pictures.Fit(ctx, data, 2*imageWidth)
	if err != nil {
		return Image{}, imageProblem(err)
	}
	img := Image{ID: id.New(), Name: rand.Text() + p.Ext, FileName: shortName(fileName), Width: p.Width, Height: p.Height, Size: len(p.Data), CreatedAt: s.Now()}
	if img.Width > imageWidth {
		img.Width, img.Height = imageWidth, max(1, p.Height*imageWidth/p.Width)
	}
	if err := s.Blobs.Put(ctx, imageKey(img.Name), bytes.NewReader(p.Data), int64(len(p.Data)), p.Type); err != nil {
		return Image{}, err
	}
	err = s.edit(ctx, by, c, func(ctx context.Context) error {
		_, err := s.DB.Exec(ctx, `INSERT INTO campaign_images (id, campaign_id, name, file_name, width, height, size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			img.ID, campaign, img.Name, img.FileName, img.Width, img.Height, img.Size, img.CreatedAt)
		return err
	})
	if err != nil {
		_ = s.Blobs.Delete(ctx, imageKey(img.Name)) // nothing points to it
		return Image{}, err
	}
	return img, nil
}

// shortName keeps the end of a file's path, as some browsers send all of it.
func shortName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return name
}

func badImage(key string, data map[string]any) error {
	f := errs.Fields{}
	f.Add("image", key, data)
	return f.Err()
}

// imageProblem says in the author's words what is wrong with a picture.
func imageProblem(err error) error {
	var large picture.TooLarge
	switch {
	case errors.As(err, &large):
		return badImage("newsletters.image.too_many_pixels", map[string]any{"Width": large.Width, "Height": large.Height})
	case errors.Is(err, picture.ErrNone):
		return badImage("newsletters.image.none", nil)
	case errors.Is(err, picture.ErrDamaged):
		return badImage("newsletters.image.damaged", nil)
	}
	return errs.Wrap("newsletters.AddImage", err)
}

// RemoveImage takes a picture out of a draft. Test letters that show it show a gap from then on.
func (s *Store) RemoveImage(ctx context.Context, by viewer.Actor, campaign, image id.ID) error {
	return s.edit(ctx, by, Campaign{ID: campaign}, func(ctx context.Context) error {
		name, err := db.One[string](ctx, s.DB, `
			DELETE FROM campaign_images WHERE id = ? AND campaign_id IN (SELECT id FROM campaigns WHERE id = ? AND state = 'draft') RETURNING name`, image, campaign)
		if err == nil {
			s.DB.AfterCommit(ctx, func() { _ = s.Blobs.Delete(context.WithoutCancel(ctx), imageKey(name)) }) // a file left over harms nobody
		}
		return err
	})
}

// dropImages lets the files of a draft that is thrown away go.
func (s *Store) dropImages(ctx context.Context, campaign id.ID) error {
	list, err := s.images(ctx, campaign)
	s.DB.AfterCommit(ctx, func() {
		for _, i := range list {
			_ = s.Blobs.Delete(context.WithoutCancel(ctx), imageKey(i.Name)) // a file left over harms nobody
		}
	})
	return err
}

// copyImages gives a copy of a campaign pictures of its own, and says which path stands in whose place.
func (s *Store) copyImages(ctx context.Context, from, to id.ID) (map[string]string, error) {
	list, err := s.images(ctx, from)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, old := range list {
		img := old
		img.ID, img.Name, img.CreatedAt = id.New(), rand.Text()+path.Ext(old.Name), s.Now()
		if err := s.copyBlob(ctx, imageKey(old.Name), imageKey(img.Name)); err != nil {
			return nil, err
		}
		if _, err := s.DB.Exec(ctx, `INSERT INTO campaign_images (id, campaign_id, name, file_name, width, height, size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			img.ID, to, img.Name, img.FileName, img.Width, img.Height, img.Size, img.CreatedAt); err != nil {
			return nil, errs.Wrap("newsletters.copyImages", err)
		}
		out[old.Path()] = img.Path()
	}
	return out, nil
}

func (s *Store) copyBlob(ctx context.Context, from, to string) error {
	f, info, err := s.Blobs.Open(ctx, from)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.Blobs.Put(ctx, to, f, info.Size, info.ContentType)
}

var imageName = regexp.MustCompile(`^[A-Z2-7]{26}\.(jpg|png)$`)

// Picture is a file ready to be shown.
type Picture struct {
	Data []byte
	Type string
}

// Picture is the picture of that name, for whoever knows it.
func (s *Store) Picture(ctx context.Context, name string) (Picture, error) {
	if !imageName.MatchString(name) {
		return Picture{}, errs.E("newsletters.Picture", errs.NotFound, nil)
	}
	f, info, err := s.Blobs.Open(ctx, imageKey(name))
	if err != nil {
		return Picture{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxImageBytes))
	return Picture{data, info.ContentType}, errs.Wrap("newsletters.Picture", err)
}
