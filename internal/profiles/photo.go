package profiles

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"

	"golang.org/x/image/draw"

	"amicale/internal/errs"
	"amicale/internal/picture"
)

// Limits of a photo. People are told "2 Mo", which some read as 2,000,000 bytes and some as 2 MiB: the larger
// is taken. The pixels bound the memory that one decoding may need, at worst some 400 MB (a progressive JPEG
// without subsampling holds 15 bytes a pixel); a picture of 6000 × 4000 passes.
const (
	MaxPhotoBytes  = 2 << 20
	MaxPhotoPixels = 25_000_000
)

// Sides of the squares that are kept, in pixels; a smaller picture is not enlarged.
const (
	PhotoLarge = 480
	PhotoSmall = 160
)

const photoQuality = 85 // of 100; past that a face takes more bytes and looks the same

// Processed is a photo fit to be shown: two squares, JPEG, without a byte of the file that came in, and so
// without its place, its date or anything hidden in it.
type Processed struct{ Large, Small []byte }

// Photos processes photos one at a time, whatever the number of visitors.
type Photos struct{ slot chan struct{} }

// NewPhotos returns one that is free.
func NewPhotos() *Photos { return &Photos{slot: make(chan struct{}, 1)} }

// Process reads a gif, png or jpg and makes the squares of it. What is wrong with it is told by errs.Invalid
// errors: profile.photo.too_big, not_an_image, too_many_pixels, damaged.
func (p *Photos) Process(ctx context.Context, r io.Reader) (Processed, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxPhotoBytes+1))
	if err != nil {
		return Processed{}, errs.Wrap("profiles.Process", err)
	}
	if len(data) > MaxPhotoBytes {
		return Processed{}, errs.Msg("profile.photo.too_big", map[string]any{"Megabytes": 2})
	}
	select {
	case p.slot <- struct{}{}:
		defer func() { <-p.slot }()
	case <-ctx.Done():
		return Processed{}, errs.Wrap("profiles.Process", ctx.Err())
	}
	img, turned, err := decodePhoto(data)
	if err != nil {
		return Processed{}, err
	}
	large := square(img, turned, PhotoLarge)
	small := large
	if large.Bounds().Dx() > PhotoSmall {
		small = image.NewRGBA(image.Rect(0, 0, PhotoSmall, PhotoSmall))
		draw.CatmullRom.Scale(small, small.Bounds(), large, large.Bounds(), draw.Src, nil)
	}
	var out Processed
	if out.Large, err = encodePhoto(large); err != nil {
		return Processed{}, err
	}
	out.Small, err = encodePhoto(small)
	return out, err
}

func encodePhoto(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: photoQuality}); err != nil {
		return nil, errs.E("profiles.encodePhoto", errs.Internal, err)
	}
	return b.Bytes(), nil
}

// decodePhoto says in the person's words what is wrong with a picture.
func decodePhoto(data []byte) (image.Image, picture.Orientation, error) {
	img, o, err := picture.Decode(data, MaxPhotoPixels)
	var large picture.TooLarge
	switch {
	case errors.As(err, &large):
		return nil, 0, errs.Msg("profile.photo.too_many_pixels", map[string]any{
			"Width": large.Width, "Height": large.Height, "Megapixels": MaxPhotoPixels / 1_000_000})
	case errors.Is(err, picture.ErrNone):
		return nil, 0, errs.Msg("profile.photo.not_an_image")
	case err != nil:
		return nil, 0, &errs.Error{Kind: errs.Invalid, Msg: errs.Message{Key: "profile.photo.damaged"}, Err: err}
	}
	return img, o, nil
}

// square crops the middle of a wide picture and the upper part of a tall one, where the face is, turns it as
// orientation says and reduces it to at most side pixels. What is transparent becomes white.
func square(src image.Image, o picture.Orientation, side int) *image.RGBA {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if o.Swaps() {
		w, h = h, w
	}
	n := min(w, h)
	x, y := (w-n)/2, (h-n)/4
	// Two opposite corners as they are seen, and where they stand in the file.
	x0, y0 := o.Source(x, y, b.Dx(), b.Dy())
	x1, y1 := o.Source(x+n-1, y+n-1, b.Dx(), b.Dy())
	crop := image.Rect(min(x0, x1), min(y0, y1), max(x0, x1)+1, max(y0, y1)+1).Add(b.Min)

	// The good kernel costs memory and time by the size of what it reads: a fast one comes before it.
	if n > 4*side {
		src, crop = scaled(draw.ApproxBiLinear, src, crop, 4*side)
	}
	reduced, _ := scaled(draw.CatmullRom, src, crop, min(n, side))
	return o.Turn(reduced)
}

func scaled(kernel draw.Scaler, src image.Image, crop image.Rectangle, side int) (*image.RGBA, image.Rectangle) {
	dst := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	kernel.Scale(dst, dst.Bounds(), src, crop, draw.Over, nil)
	return dst, dst.Bounds()
}
