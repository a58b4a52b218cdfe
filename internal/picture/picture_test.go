package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// drawn is red above and blue below.
func drawn(w, h int, a uint8) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{200, 0, 0, a}
			if y >= h/2 {
				c = color.NRGBA{0, 0, 200, a}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func encoded(t *testing.T, kind string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	err := map[string]func() error{
		"jpg": func() error { return jpeg.Encode(&b, img, nil) }, "png": func() error { return png.Encode(&b, img) }, "gif": func() error { return gif.Encode(&b, img, nil) },
	}[kind]()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// held writes how a camera was held into a jpg.
func held(data []byte, o uint16) []byte {
	tiff := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00")
	tiff = append(binary.LittleEndian.AppendUint16(tiff, o), 0, 0, 0, 0, 0, 0)
	seg := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(tiff)+2))
	return append(append(seg, tiff...), data[2:]...)
}

func TestFit(t *testing.T) {
	t.Parallel()
	r := NewReader()
	for _, c := range []struct {
		name       string
		data       []byte
		kind       string
		w, h       int
		redX, redY int // where it is red, in hundredths
	}{
		{"a small photo", encoded(t, "jpg", drawn(300, 200, 255)), "image/jpeg", 300, 200, 50, 10},
		{"a wide photo", encoded(t, "jpg", drawn(2400, 600, 255)), "image/jpeg", 1200, 300, 50, 10},
		{"upside down", held(encoded(t, "jpg", drawn(300, 200, 255)), 3), "image/jpeg", 300, 200, 50, 90},
		{"on its side", held(encoded(t, "jpg", drawn(3000, 2000, 255)), 6), "image/jpeg", 1200, 1800, 90, 50},
		{"a drawing", encoded(t, "png", drawn(100, 50, 255)), "image/png", 100, 50, 50, 10},
		{"a gif", encoded(t, "gif", drawn(100, 50, 255)), "image/png", 100, 50, 50, 10},
		{"very flat", encoded(t, "png", drawn(5000, 1, 255)), "image/png", 1200, 1, 50, 0},
	} {
		got, err := r.Fit(t.Context(), c.data, 1200)
		if err != nil || got.Type != c.kind || got.Width != c.w || got.Height != c.h {
			t.Errorf("%s: %s %d × %d, %v, want %s %d × %d", c.name, got.Type, got.Width, got.Height, err, c.kind, c.w, c.h)
			continue
		}
		img, _, err := image.Decode(bytes.NewReader(got.Data))
		if err != nil || img.Bounds().Dx() != c.w || img.Bounds().Dy() != c.h {
			t.Errorf("%s: what is kept has %v, %v", c.name, img.Bounds(), err)
			continue
		}
		if r, _, b, _ := img.At(c.redX*c.w/100, c.redY*c.h/100).RGBA(); c.h > 1 && r < b {
			t.Errorf("%s: not upright", c.name)
		}
		if bytes.Contains(got.Data, []byte("Exif")) {
			t.Errorf("%s: what was hidden stays", c.name)
		}
	}
	got, err := r.Fit(t.Context(), encoded(t, "png", drawn(10, 10, 100)), 1200)
	if err != nil {
		t.Fatal(err)
	}
	img, _ := png.Decode(bytes.NewReader(got.Data))
	if _, _, _, a := img.At(5, 5).RGBA(); a == 0xffff {
		t.Error("what was transparent is not")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	good := encoded(t, "jpg", drawn(300, 200, 255))
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"text": {[]byte("bonjour"), ErrNone}, "svg": {[]byte("<svg/>"), ErrNone}, "nothing": {nil, ErrNone},
		"half": {good[:len(good)/2], ErrDamaged}, "head": {good[:20], ErrDamaged},
	} {
		if _, err := NewReader().Fit(t.Context(), c.data, 100); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, _, err := Decode(good, 1000); !errors.As(err, &TooLarge{}) {
		t.Errorf("too many pixels: %v", err)
	}
}
