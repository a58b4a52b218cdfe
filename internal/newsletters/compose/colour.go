package compose

import (
	"fmt"
	"math"
	"strconv"
)

// colours are those of one sender, readable whatever was chosen (WCAG 2.2, 1.4.3).
type colours struct {
	accent   string // of buttons and rules
	on       string // of words on it
	link     string // of links on white
	darkLink string // of links on the dark ground
	pale     bool   // the colour as chosen is not readable on white
}

const (
	houseAccent = "#234a6b"
	lightPaper  = "#ffffff"
	darkPaper   = "#1b1d20"
	readable    = 4.5
)

func coloursOf(accent string) colours {
	base, ok := parseHex(accent)
	if !ok {
		accent = houseAccent
		base, _ = parseHex(accent)
	}
	white, _ := parseHex(lightPaper)
	dark, _ := parseHex(darkPaper)
	c := colours{accent: accent, on: lightPaper, pale: contrast(base, white) < readable}
	if c.pale {
		c.on = "#111111"
	}
	c.link = moved(base, white, 0)
	c.darkLink = moved(base, dark, 255)
	return c
}

type rgb [3]float64 // channels from 0 to 255

func parseHex(s string) (rgb, bool) {
	if len(s) != 7 || s[0] != '#' {
		return rgb{}, false
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	return rgb{float64(n >> 16 & 255), float64(n >> 8 & 255), float64(n & 255)}, err == nil
}

// moved mixes a colour with black (0) or white (255) until it can be read on that ground.
func moved(c, ground rgb, towards float64) string {
	for range 50 {
		if contrast(c, ground) >= readable {
			break
		}
		for i := range c {
			c[i] += (towards - c[i]) * 0.06
		}
	}
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
}

func (c rgb) luminance() float64 {
	l := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		x := c[i] / 255
		if x <= 0.04045 {
			x /= 12.92
		} else {
			x = math.Pow((x+0.055)/1.055, 2.4)
		}
		l += weight * x
	}
	return l
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance()+0.05, b.luminance()+0.05
	return math.Max(x, y) / math.Min(x, y)
}
