package profiles

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"

	"amicale/internal/errs"
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
	img, err := decodePhoto(data)
	if err != nil {
		return Processed{}, err
	}
	large := square(img, orientationOf(data), PhotoLarge)
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

// decoder reads one format; the registry of package image would also read what others register.
type decoder struct {
	magic  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// decodePhoto tells the format by the content, never by a name, and looks at the dimensions before it decodes:
// a file of 190 kB can claim 40,000 × 40,000 pixels.
func decodePhoto(data []byte) (image.Image, error) {
	for _, d := range []decoder{
		{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
		{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
		{"GIF87a", gif.DecodeConfig, gif.Decode},
		{"GIF89a", gif.DecodeConfig, gif.Decode},
	} {
		if !bytes.HasPrefix(data, []byte(d.magic)) {
			continue
		}
		config, err := d.config(bytes.NewReader(data))
		if err != nil {
			return nil, damaged(err)
		}
		if int64(config.Width)*int64(config.Height) > MaxPhotoPixels {
			return nil, errs.Msg("profile.photo.too_many_pixels", map[string]any{
				"Width": config.Width, "Height": config.Height, "Megapixels": MaxPhotoPixels / 1_000_000})
		}
		img, err := d.decode(bytes.NewReader(data))
		if err != nil {
			return nil, damaged(err)
		}
		if img.Bounds().Empty() {
			return nil, damaged(fmt.Errorf("no pixels"))
		}
		if d.magic[0] == '\xff' && !hasEnd(data) {
			return nil, damaged(io.ErrUnexpectedEOF)
		}
		return img, nil
	}
	return nil, errs.Msg("profile.photo.not_an_image")
}

func damaged(cause error) error {
	return &errs.Error{Kind: errs.Invalid, Msg: errs.Message{Key: "profile.photo.damaged"}, Err: cause}
}

// square crops the middle of a wide picture and the upper part of a tall one, where the face is, turns it as
// orientation says and reduces it to at most side pixels. What is transparent becomes white.
func square(src image.Image, o orientation, side int) *image.RGBA {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if o.swaps() {
		w, h = h, w
	}
	n := min(w, h)
	x, y := (w-n)/2, (h-n)/4
	// Two opposite corners as they are seen, and where they stand in the file.
	x0, y0 := o.source(x, y, b.Dx(), b.Dy())
	x1, y1 := o.source(x+n-1, y+n-1, b.Dx(), b.Dy())
	crop := image.Rect(min(x0, x1), min(y0, y1), max(x0, x1)+1, max(y0, y1)+1).Add(b.Min)

	// The good kernel costs memory and time by the size of what it reads: a fast one comes before it.
	if n > 4*side {
		src, crop = scaled(draw.ApproxBiLinear, src, crop, 4*side)
	}
	reduced, _ := scaled(draw.CatmullRom, src, crop, min(n, side))
	return o.turn(reduced)
}

func scaled(kernel draw.Scaler, src image.Image, crop image.Rectangle, side int) (*image.RGBA, image.Rectangle) {
	dst := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	kernel.Scale(dst, dst.Bounds(), src, crop, draw.Over, nil)
	return dst, dst.Bounds()
}

// orientation is the value of the EXIF tag of that name (CIPA DC-008, 4.6.4 A): how a camera was held. 1 is
// upright; 2 is mirrored, 3 upside down, 4 both; 5 to 8 lie on their side.
type orientation int

func (o orientation) swaps() bool { return o >= 5 }

// source tells which pixel of a file of w × h pixels is seen at (x, y).
func (o orientation) source(x, y, w, h int) (int, int) {
	if o.swaps() {
		x, y = y, x
	}
	switch o {
	case 2, 3, 7, 8:
		x = w - 1 - x
	}
	switch o {
	case 3, 4, 6, 7:
		y = h - 1 - y
	}
	return x, y
}

// turn puts a square upright.
func (o orientation) turn(src *image.RGBA) *image.RGBA {
	if o <= 1 {
		return src
	}
	n := src.Bounds().Dx()
	dst := image.NewRGBA(src.Bounds())
	for y := range n {
		for x := range n {
			sx, sy := o.source(x, y, n, n)
			dst.SetRGBA(x, y, src.RGBAAt(sx, sy))
		}
	}
	return dst
}

// segments gives the marker and content of each segment of a JPEG up to its first scan, and what follows it.
func segments(data []byte, each func(marker byte, content []byte)) (rest []byte) {
	for data = data[min(2, len(data)):]; len(data) >= 4 && data[0] == 0xff; {
		marker, n := data[1], int(binary.BigEndian.Uint16(data[2:]))
		if marker == 0xff { // fill byte (ITU T.81, B.1.1.2)
			data = data[1:]
			continue
		}
		if n < 2 || 2+n > len(data) {
			return nil
		}
		each(marker, data[4:2+n])
		data = data[2+n:]
		if marker == 0xda {
			return data
		}
	}
	return nil
}

// hasEnd reports whether a JPEG that decodes has its end marker after the first scan. Package jpeg takes a
// progressive file that was cut short for a whole one, grey or blurred below the cut.
func hasEnd(data []byte) bool {
	return bytes.Contains(segments(data, func(byte, []byte) {}), []byte{0xff, 0xd9})
}

// orientationOf is that of the EXIF segment of a JPEG, else 1.
func orientationOf(data []byte) orientation {
	found := orientation(1)
	if bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		segments(data, func(marker byte, content []byte) {
			if tiff, ok := bytes.CutPrefix(content, []byte("Exif\x00\x00")); ok && marker == 0xe1 && found == 1 {
				found = tiffOrientation(tiff)
			}
		})
	}
	return found
}

// tiffOrientation looks for tag 0x0112, a short, in the first directory.
func tiffOrientation(b []byte) orientation {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(b) < 8:
		return 1
	case string(b[:4]) == "MM\x00*":
		order = binary.BigEndian
	case string(b[:4]) != "II*\x00":
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == 3 {
			if o := orientation(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
		}
		entries = entries[12:]
	}
	return 1
}
