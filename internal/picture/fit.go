package picture

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
)

// Reader makes pictures fit for letters and pages, one at a time, whatever the number of visitors: decoding is what
// costs memory.
type Reader struct{ slot chan struct{} }

// NewReader returns one that is free.
func NewReader() *Reader { return &Reader{slot: make(chan struct{}, 1)} }

// Fitted is a picture encoded anew.
type Fitted struct {
	Data          []byte
	Type          string // "image/jpeg" or "image/png"
	Ext           string // ".jpg" or ".png"
	Width, Height int
}

// MostPixels is what is decoded: at worst some 400 MB, a progressive JPEG without subsampling holding 15 bytes a pixel.
const MostPixels = 25_000_000

const (
	quality = 85      // of 100
	mostPNG = 400_000 // bytes; a drawing takes less, and a photo that came as png is better a jpg
)

// Fit reads a picture and reduces it to at most that width; a smaller one is not enlarged. Drawings stay png, with what
// is transparent in them.
func (r *Reader) Fit(ctx context.Context, data []byte, width int) (Fitted, error) {
	select {
	case r.slot <- struct{}{}:
		defer func() { <-r.slot }()
	case <-ctx.Done():
		return Fitted{}, ctx.Err()
	}
	img, turned, err := Decode(data, MostPixels)
	if err != nil {
		return Fitted{}, err
	}
	drawing := !bytes.HasPrefix(data, []byte("\xff\xd8"))
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if turned.Swaps() {
		w, h = h, w
	}
	if w > width {
		w, h = width, max(1, h*width/w)
	}
	small := image.Rect(0, 0, w, h)
	if turned.Swaps() {
		small = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(small)
	draw.CatmullRom.Scale(dst, small, img, img.Bounds(), draw.Src, nil)
	dst = turned.Turn(dst)
	out := Fitted{Width: w, Height: h}
	if drawing {
		var b bytes.Buffer
		if err := png.Encode(&b, dst); err != nil {
			return Fitted{}, err
		}
		if out.Data, out.Type, out.Ext = b.Bytes(), "image/png", ".png"; b.Len() <= mostPNG {
			return out, nil
		}
	}
	white := image.NewRGBA(dst.Bounds())
	draw.Draw(white, white.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(white, white.Bounds(), dst, image.Point{}, draw.Over)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, white, &jpeg.Options{Quality: quality}); err != nil {
		return Fitted{}, err
	}
	out.Data, out.Type, out.Ext = b.Bytes(), "image/jpeg", ".jpg"
	return out, nil
}
