package ui

import (
	"fmt"
	"io"
	"math"
	"strconv"
)

// AccentColour is an association's colour, as its people chose it.
type AccentColour struct {
	Code string // as for AccentClass; another code is passed over
	Hex  string // #rrggbb; another text is passed over
}

// Contrast that WCAG 2.2 asks of text (1.4.3), and the margin kept above it so that soft backgrounds pass too.
const (
	contrastText   = 4.5
	contrastMargin = 5.2
)

// Surfaces on which an accent must be readable, from tokens.css: the least favourable of each mode.
const (
	lightGround = "#f2ebdf"
	darkGround  = "#231f1a"
	darkOn      = "#14110e"
)

// Accents writes the stylesheet that gives each association its colour in the light and in the dark. The hue is the
// association's; lightness is moved until text in it is readable, so any colour may be chosen.
func Accents(w io.Writer, colours []AccentColour) error {
	for _, c := range colours {
		class := AccentClass(c.Code)
		base, ok := parseHex(c.Hex)
		if class == "" || !ok {
			continue
		}
		light, dark := accentLight(base), accentDark(base)
		_, err := fmt.Fprintf(w, ".%[1]s{--brand:%[4]s;%[2]s}\n@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]) .%[1]s{--brand:%[5]s;%[3]s}}\n@media screen{:root[data-theme=dark] .%[1]s{--brand:%[5]s;%[3]s}}\n", class, light, dark, base, dark.accent)
		if err != nil {
			return fmt.Errorf("ui.Accents: %w", err)
		}
	}
	return nil
}

// accentSet are the four colours an accent gives.
type accentSet struct{ accent, hover, soft, on rgb }

func (s accentSet) String() string {
	return fmt.Sprintf("--accent:%s;--accent-hover:%s;--accent-soft:%s;--on-accent:%s", s.accent, s.hover, s.soft, s.on)
}

func accentLight(base rgb) accentSet {
	ground, _ := parseHex(lightGround)
	c := base.oklch()
	for contrast(c.rgb(), ground) < contrastMargin && c.l > 0.05 {
		c.l -= 0.005
	}
	hover, soft := c, c
	hover.l -= 0.07
	soft.l, soft.c = 0.935, math.Min(c.c*0.3, 0.03)
	return accentSet{c.rgb(), hover.rgb(), soft.rgb(), rgb{1, 1, 1}}
}

func accentDark(base rgb) accentSet {
	ground, _ := parseHex(darkGround)
	on, _ := parseHex(darkOn)
	c := base.oklch()
	c.c = math.Min(c.c, 0.13) // strong colours glow on a dark ground
	for contrast(c.rgb(), ground) < contrastMargin && c.l < 0.97 {
		c.l += 0.005
	}
	hover, soft := c, c
	hover.l = math.Min(c.l+0.07, 0.97)
	soft.l, soft.c = 0.27, math.Min(c.c*0.4, 0.045)
	return accentSet{c.rgb(), hover.rgb(), soft.rgb(), on}
}

// rgb holds sRGB channels from 0 to 1; oklch is the same colour as lightness, chroma and hue (Ottosson 2020), in which
// moving the lightness alone keeps the hue to the eye.
type rgb [3]float64
type oklch struct{ l, c, h float64 }

func parseHex(s string) (rgb, bool) {
	if len(s) != 7 || s[0] != '#' {
		return rgb{}, false
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return rgb{}, false
	}
	return rgb{float64(n>>16&255) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, true
}

func (c rgb) String() string {
	b := func(x float64) int { return int(math.Round(x * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", b(c[0]), b(c[1]), b(c[2]))
}

func linear(x float64) float64 {
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

func gamma(x float64) float64 {
	x = math.Min(math.Max(x, 0), 1)
	if x <= 0.0031308 {
		return x * 12.92
	}
	return 1.055*math.Pow(x, 1/2.4) - 0.055
}

func (c rgb) oklch() oklch {
	r, g, b := linear(c[0]), linear(c[1]), linear(c[2])
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	a := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	bb := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return oklch{0.2104542553*l + 0.7936177850*m - 0.0040720468*s, math.Hypot(a, bb), math.Atan2(bb, a)}
}

// rgb gives up chroma until the colour can be shown.
func (o oklch) rgb() rgb {
	for c := o.c; c > 0; c -= 0.005 {
		if out, fits := (oklch{o.l, c, o.h}).convert(); fits {
			return out
		}
	}
	out, _ := (oklch{o.l, 0, o.h}).convert()
	return out
}

func (o oklch) convert() (rgb, bool) {
	a, b := o.c*math.Cos(o.h), o.c*math.Sin(o.h)
	l := math.Pow(o.l+0.3963377774*a+0.2158037573*b, 3)
	m := math.Pow(o.l-0.1055613458*a-0.0638541728*b, 3)
	s := math.Pow(o.l-0.0894841775*a-1.2914855480*b, 3)
	lin := [3]float64{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	}
	fits, out := true, rgb{}
	for i, x := range lin {
		fits = fits && x >= -0.001 && x <= 1.001
		out[i] = gamma(x)
	}
	return out, fits
}

func (c rgb) luminance() float64 {
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance()+0.05, b.luminance()+0.05
	return math.Max(x, y) / math.Min(x, y)
}
