package profiles

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"amicale/internal/errs"
	"amicale/internal/picture"
)

var (
	red, green = color.NRGBA{200, 30, 30, 255}, color.NRGBA{30, 160, 30, 255}
	blue, gold = color.NRGBA{30, 30, 200, 255}, color.NRGBA{220, 200, 30, 255}
)

// corners is a picture of four coloured quarters: a b above c d.
func corners(w, h int, a, b, c, d color.Color) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, [2][2]color.Color{{a, b}, {c, d}}[2*y/h][2*x/w])
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exif is a JPEG with an EXIF segment of an orientation, and a GPS directory and a text that nobody shall see.
func exif(data []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{0x0112, 3}, {0x8825, 4}} { // orientation, GPS directory
		tiff = order.AppendUint16(tiff, e[0])
		tiff = order.AppendUint16(tiff, e[1])
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, orientation)
		tiff = order.AppendUint16(tiff, 0)
	}
	tiff = append(tiff, "\x00\x00\x00\x00GPS 45.7640N 4.8357E"...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2))
	return append(append(head, segment...), data[2:]...)
}

func process(t testing.TB, data []byte) (large, small image.Image, out Processed) {
	t.Helper()
	out, err := NewPhotos().Process(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatalf("Process(%d bytes) = %v", len(data), err)
	}
	decode := func(b []byte) image.Image {
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	return decode(out.Large), decode(out.Small), out
}

// near tells whether a pixel, its place given in hundredths of the picture, has about a colour.
func near(img image.Image, x, y int, want color.Color) bool {
	n := img.Bounds().Dx()
	r, g, b, _ := img.At(x*n/100, y*n/100).RGBA()
	wr, wg, wb, _ := want.RGBA()
	far := func(a, b uint32) bool { return max(a, b)-min(a, b) > 30<<8 }
	return !far(r, wr) && !far(g, wg) && !far(b, wb)
}

func wantCorners(t *testing.T, name string, img image.Image, a, b, c, d color.Color) {
	t.Helper()
	for i, want := range []color.Color{a, b, c, d} {
		x, y := 15+70*(i%2), 15+70*(i/2)
		if !near(img, x, y, want) {
			t.Errorf("%s: at %d %% %d %% stands %v, want %v", name, x, y, img.At(x*img.Bounds().Dx()/100, y*img.Bounds().Dx()/100), want)
		}
	}
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	// What is seen, by EXIF 2.32: row 0 and column 0 of the file are the visual…
	for o, want := range map[uint16][4]color.Color{
		0: {red, green, blue, gold}, // not a value: as it is
		1: {red, green, blue, gold}, // top, left
		2: {green, red, gold, blue}, // top, right
		3: {gold, blue, green, red}, // bottom, right
		4: {blue, gold, red, green}, // bottom, left
		5: {red, blue, green, gold}, // left, top
		6: {blue, red, gold, green}, // right, top
		7: {gold, green, blue, red}, // right, bottom
		8: {green, gold, red, blue}, // left, bottom
		9: {red, green, blue, gold},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, size := range [][2]int{{200, 200}, {700, 500}} {
				name := fmt.Sprint(o, order, size)
				large, small, _ := process(t, exif(asJPEG(t, corners(size[0], size[1], red, green, blue, gold)), order, o))
				if size[0] == size[1] {
					wantCorners(t, name, large, want[0], want[1], want[2], want[3])
					wantCorners(t, name, small, want[0], want[1], want[2], want[3])
				}
				if b := large.Bounds(); b.Dx() != b.Dy() || b.Dx() != min(PhotoLarge, size[1]) {
					t.Errorf("%s: large is %v", name, b)
				}
			}
		}
	}
}

func TestCrop(t *testing.T) {
	t.Parallel()
	// A face in the upper third, the middle of it in gold.
	tall := image.NewNRGBA(image.Rect(0, 0, 300, 600))
	wide := image.NewNRGBA(image.Rect(0, 0, 600, 300))
	for y := range 600 {
		for x := range 600 {
			c := blue
			if y > 150 && y < 300 {
				c = gold
			}
			tall.Set(x, y, c)
			c = blue
			if x > 225 && x < 375 {
				c = gold
			}
			wide.Set(x, y, c)
		}
	}
	// Seen upright, both show gold in the middle and blue at two edges.
	for _, tt := range []struct {
		name string
		data []byte
		edge [2][2]int
	}{
		{"tall", asPNG(t, tall), [2][2]int{{50, 10}, {50, 90}}},
		{"wide", asPNG(t, wide), [2][2]int{{10, 50}, {90, 50}}},
		{"wide, seen tall", exif(asJPEG(t, turned(tall)), binary.BigEndian, 6), [2][2]int{{50, 10}, {50, 90}}},
	} {
		large, _, _ := process(t, tt.data)
		if large.Bounds().Dx() != 300 {
			t.Errorf("%s: large is %v, want 300 pixels", tt.name, large.Bounds())
		}
		if !near(large, 50, 45, gold) || !near(large, tt.edge[0][0], tt.edge[0][1], blue) || !near(large, tt.edge[1][0], tt.edge[1][1], blue) {
			t.Errorf("%s: the middle was lost", tt.name)
		}
	}
}

// turned is what a camera stores when it is held so that orientation 6 tells how to see img.
func turned(img *image.NRGBA) *image.NRGBA {
	b := img.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(y, b.Dx()-1-x, img.At(x, y))
		}
	}
	return out
}

func TestMetadataAreGone(t *testing.T) {
	t.Parallel()
	drawn := corners(640, 640, red, green, blue, gold)
	script := "<script>alert(1)</script>"
	jpg := exif(asJPEG(t, drawn), binary.LittleEndian, 1)
	comment := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xfe}, uint16(len(script)+2))
	withComment := append(append(comment, script...), jpg[2:]...)
	var anim bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 200, 200), color.Palette{red, blue})
	if err := gif.EncodeAll(&anim, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"jpeg":     append(withComment, "PK\x03\x04 "+script...), // a JPEG that is also a ZIP and a page
		"png":      append(pngWith(asPNG(t, drawn), "tEXt", "Comment\x00"+script+" GPS 45.7640N"), script...),
		"gif":      append(anim.Bytes(), script...),
		"exif png": pngWith(asPNG(t, drawn), "eXIf", "II*\x00 GPS 45.7640N"),
	} {
		if name != "gif" && !bytes.Contains(data, []byte("GPS")) {
			t.Fatalf("%s: the test lost its GPS", name)
		}
		_, _, out := process(t, data)
		for _, b := range [][]byte{out.Large, out.Small} {
			for _, secret := range []string{"GPS", "Exif", "script", "PK\x03\x04", "45.7640", "Comment"} {
				if bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s: the result holds %q", name, secret)
				}
			}
			picture.Segments(b, func(marker byte, _ []byte) {
				if marker >= 0xe0 && marker != 0xe0 {
					t.Errorf("%s: the result has a segment %#x", name, marker)
				}
			})
			if !bytes.HasSuffix(b, []byte{0xff, 0xd9}) {
				t.Errorf("%s: bytes follow the end of the picture", name)
			}
		}
	}
}

// pngWith adds a chunk after the header.
func pngWith(data []byte, kind, content string) []byte {
	const header = 8 + 25
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	chunk = append(chunk, kind+content...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return append(append(append([]byte{}, data[:header]...), chunk...), data[header:]...)
}

func TestTransparentIsWhite(t *testing.T) {
	t.Parallel()
	img := corners(600, 600, color.NRGBA{}, red, color.NRGBA{0, 0, 0, 128}, color.NRGBA{})
	large, small, _ := process(t, asPNG(t, img))
	grey := color.Gray{127}
	wantCorners(t, "large", large, color.White, red, grey, color.White)
	wantCorners(t, "small", small, color.White, red, grey, color.White)
}

func TestSizeOfFile(t *testing.T) {
	t.Parallel()
	picture := asJPEG(t, corners(300, 300, red, green, blue, gold))
	for size, key := range map[int]string{
		2_000_000: "", 2_000_001: "", 2_097_152: "", 2_097_153: "profile.photo.too_big", 9_000_000: "profile.photo.too_big",
	} {
		data := append(bytes.Clone(picture), make([]byte, size-len(picture))...)
		_, err := NewPhotos().Process(t.Context(), bytes.NewReader(data))
		wantKey(t, fmt.Sprint(size, " bytes"), err, key)
	}
}

func wantKey(t *testing.T, name string, err error, key string) {
	t.Helper()
	if key == "" {
		if err != nil {
			t.Errorf("%s: %v, want a photo", name, err)
		}
		return
	}
	m, _ := errs.MessageOf(err)
	if !errors.Is(err, errs.Invalid) || m.Key != key {
		t.Errorf("%s: %v, want invalid, %s", name, err, key)
	}
}

// A bomb is refused by its header: no test beside it runs yet, so that what is allocated is its own.
func TestTooManyPixels(t *testing.T) {
	header := func(w, h uint32) []byte {
		ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("IHDR"), w), h)
		ihdr = append(ihdr, 8, 6, 0, 0, 0)
		out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(ihdr))
		return append(out, make([]byte, 190_000)...)
	}
	giff := append([]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,"), make([]byte, 1000)...)
	jpg := asJPEG(t, corners(16, 16, red, green, blue, gold))
	sof := bytes.Index(jpg, []byte{0xff, 0xc0})
	copy(jpg[sof+5:], "\xff\xf0\xff\xf0")
	for name, data := range map[string][]byte{
		"40000 x 40000": header(40_000, 40_000), "5001 x 5000": header(5001, 5000), "2^31 x 1": header(1<<31-1, 1), "gif": giff, "jpeg": jpg,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := NewPhotos().Process(t.Context(), bytes.NewReader(data))
		runtime.ReadMemStats(&after)
		wantKey(t, name, err, "profile.photo.too_many_pixels")
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: refused after %v only", name, took)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
			t.Errorf("%s: refused after allocating %d kB", name, used>>10)
		}
	}
}

func TestNotAPhoto(t *testing.T) {
	t.Parallel()
	whole := asJPEG(t, corners(300, 300, red, green, blue, gold))
	wholePNG := asPNG(t, corners(300, 300, red, green, blue, gold))
	for _, tt := range []struct{ name, data, key string }{
		{"nothing", "", "profile.photo.not_an_image"},
		{"text", "bonjour", "profile.photo.not_an_image"},
		{"svg named png", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`, "profile.photo.not_an_image"},
		{"page", "<!DOCTYPE html><img src=x>", "profile.photo.not_an_image"},
		{"pdf", "%PDF-1.7\n" + string(whole), "profile.photo.not_an_image"},
		{"webp", "RIFF\x24\x00\x00\x00WEBPVP8 ", "profile.photo.not_an_image"},
		{"bmp", "BM\x46\x00\x00\x00", "profile.photo.not_an_image"},
		{"gif that is a script", "GIF89a/*\x00\x00*/=1;alert(1)//", "profile.photo.damaged"},
		{"jpeg of three bytes", "\xff\xd8\xff", "profile.photo.damaged"},
		{"half a jpeg", string(whole[:len(whole)/2]), "profile.photo.damaged"},
		{"jpeg without its end", string(whole[:len(whole)-2]), "profile.photo.damaged"},
		{"half a png", string(wholePNG[:len(wholePNG)/2]), "profile.photo.damaged"},
		{"png of a signature", string(wholePNG[:8]), "profile.photo.damaged"},
	} {
		_, err := NewPhotos().Process(t.Context(), strings.NewReader(tt.data))
		wantKey(t, tt.name, err, tt.key)
	}
}

func TestBrokenUpload(t *testing.T) {
	t.Parallel()
	cause := errors.New("hung up")
	_, err := NewPhotos().Process(t.Context(), io.MultiReader(strings.NewReader("\xff\xd8\xff"), iotest.ErrReader(cause)))
	if !errors.Is(err, cause) {
		t.Errorf("Process of a broken upload = %v, want %v", err, cause)
	}
}

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	p := NewPhotos()
	p.slot <- struct{}{} // somebody else's
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	data := asJPEG(t, corners(20, 20, red, green, blue, gold))
	if _, err := p.Process(ctx, bytes.NewReader(data)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Process beside another = %v, want it to wait", err)
	}
	<-p.slot
	for range 3 { // and it frees its own
		if _, err := p.Process(t.Context(), bytes.NewReader(data)); err != nil {
			t.Error(err)
		}
	}
}

func samples(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("AMICALE_SAMPLES")
	if folder == "" {
		t.Skip("AMICALE_SAMPLES is not set")
	}
	return filepath.Join(folder, "images")
}

func TestSamplePhotos(t *testing.T) {
	t.Parallel()
	folder := samples(t)
	const damaged = "profile.photo.damaged"
	bad := map[string]string{
		"go-invalid-crc32.png": damaged, "go-invalid-noend.png": damaged, "go-invalid-trunc.png": damaged,
		"go-invalid-zlib.png": damaged,
		"pillow-hopper.webp":  "profile.photo.not_an_image",
	} // the "truncated" progressive one has fewer scans and a proper end: a whole picture, only coarser
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) < 30 {
		t.Fatal(len(entries), err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out, err := NewPhotos().Process(t.Context(), bytes.NewReader(data))
		wantKey(t, e.Name(), err, bad[e.Name()])
		if err == nil && (len(out.Small) > len(out.Large) || len(out.Large) > 200_000 || bytes.Contains(out.Large, []byte("Exif"))) {
			t.Errorf("%s: %d and %d bytes", e.Name(), len(out.Large), len(out.Small))
		}
	}
}

// Package jpeg decodes a progressive file that was cut anywhere after its first scan, and says nothing.
func TestCutProgressive(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(samples(t), "go-video-001.progressive.jpeg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{len(data) - 2, len(data) * 9 / 10, len(data) / 2, len(data) / 4} {
		_, err := NewPhotos().Process(t.Context(), bytes.NewReader(data[:n]))
		wantKey(t, fmt.Sprint("cut to ", n, " bytes"), err, "profile.photo.damaged")
	}
}

// The samples 1 to 8 are one picture, held in eight ways.
func TestSampleOrientations(t *testing.T) {
	t.Parallel()
	folder := samples(t)
	read := func(o int) image.Image {
		data, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("imaging-orientation_%d.jpg", o)))
		if err != nil {
			t.Fatal(err)
		}
		large, _, _ := process(t, data)
		return large
	}
	upright := read(1)
	for o := 2; o <= 8; o++ {
		img, off := read(o), 0
		for x := 5; x < 100; x += 10 {
			for y := 5; y < 100; y += 10 {
				if !near(img, x, y, upright.At(x*upright.Bounds().Dx()/100, y*upright.Bounds().Dx()/100)) {
					off++
				}
			}
		}
		if off > 5 {
			t.Errorf("orientation %d: %d of 100 points differ from the upright picture", o, off)
		}
	}
}

func FuzzPhoto(f *testing.F) {
	small := corners(24, 16, red, green, blue, gold)
	f.Add(asPNG(f, small))
	f.Add(asJPEG(f, small))
	f.Add(exif(asJPEG(f, small), binary.BigEndian, 6))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	p := NewPhotos()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 100_000 {
			return
		}
		out, err := p.Process(context.Background(), bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, errs.Invalid) {
				t.Errorf("Process = %v, want invalid", err)
			}
			return
		}
		for _, b := range [][]byte{out.Large, out.Small} {
			config, err := jpeg.DecodeConfig(bytes.NewReader(b))
			if err != nil || config.Width != config.Height || config.Width > PhotoLarge {
				t.Errorf("the result is %+v, %v", config, err)
			}
		}
	})
}

func BenchmarkPhoto(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(samples(b), "recurser-Landscape_8.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	p := NewPhotos()
	for b.Loop() {
		if _, err := p.Process(context.Background(), bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
