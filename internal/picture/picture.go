// Package picture reads the pictures that people send: gif, png and jpg, told by their content, looked at before they
// are decoded, upright. It does no I/O. What is made of them is encoded anew, so that nothing hidden in a file stays.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// What can be wrong with a picture, besides TooLarge.
var (
	ErrNone    = errors.New("picture: neither gif nor png nor jpg")
	ErrDamaged = errors.New("picture: damaged")
)

// TooLarge says that a picture has more pixels than may be decoded.
type TooLarge struct{ Width, Height int }

func (t TooLarge) Error() string { return fmt.Sprintf("picture: %d × %d pixels", t.Width, t.Height) }

// decoder reads one format; the registry of package image would also read what others register.
type decoder struct {
	magic  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// Decode tells the format by the content, never by a name, and looks at the dimensions before it decodes: a file of
// 190 kB can claim 40,000 × 40,000 pixels. The picture stands as in the file; how it is to be turned is said beside it.
func Decode(data []byte, mostPixels int64) (image.Image, Orientation, error) {
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
			return nil, 0, damaged(err)
		}
		if int64(config.Width)*int64(config.Height) > mostPixels {
			return nil, 0, TooLarge{config.Width, config.Height}
		}
		img, err := d.decode(bytes.NewReader(data))
		if err != nil {
			return nil, 0, damaged(err)
		}
		if img.Bounds().Empty() {
			return nil, 0, damaged(errors.New("no pixels"))
		}
		if d.magic[0] == '\xff' && !hasEnd(data) {
			return nil, 0, damaged(io.ErrUnexpectedEOF)
		}
		return img, orientationOf(data), nil
	}
	return nil, 0, ErrNone
}

func damaged(cause error) error { return fmt.Errorf("%w: %w", ErrDamaged, cause) }

// Orientation is the value of the EXIF tag of that name (CIPA DC-008, 4.6.4 A): how a camera was held. 1 is
// upright; 2 is mirrored, 3 upside down, 4 both; 5 to 8 lie on their side.
type Orientation int

// Swaps reports whether width and height change places.
func (o Orientation) Swaps() bool { return o >= 5 }

// Source tells which pixel of a file of w × h pixels is seen at (x, y).
func (o Orientation) Source(x, y, w, h int) (int, int) {
	if o.Swaps() {
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

// Turn puts a picture upright.
func (o Orientation) Turn(src *image.RGBA) *image.RGBA {
	if o <= 1 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	seen := image.Rect(0, 0, w, h)
	if o.Swaps() {
		seen = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(seen)
	for y := range seen.Dy() {
		for x := range seen.Dx() {
			sx, sy := o.Source(x, y, w, h)
			dst.SetRGBA(x, y, src.RGBAAt(sx, sy))
		}
	}
	return dst
}

// Segments gives the marker and content of each segment of a JPEG up to its first scan, and what follows it.
func Segments(data []byte, each func(marker byte, content []byte)) (rest []byte) {
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
	return bytes.Contains(Segments(data, func(byte, []byte) {}), []byte{0xff, 0xd9})
}

// orientationOf is that of the EXIF segment of a JPEG, else 1.
func orientationOf(data []byte) Orientation {
	found := Orientation(1)
	if bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		Segments(data, func(marker byte, content []byte) {
			if tiff, ok := bytes.CutPrefix(content, []byte("Exif\x00\x00")); ok && marker == 0xe1 && found == 1 {
				found = tiffOrientation(tiff)
			}
		})
	}
	return found
}

// tiffOrientation looks for tag 0x0112, a short, in the first directory.
func tiffOrientation(b []byte) Orientation {
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
			if o := Orientation(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
		}
		entries = entries[12:]
	}
	return 1
}
