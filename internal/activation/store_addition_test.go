package activation_test

import (
	"io"
	"strings"
	"testing"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desktest"
	"amicale/internal/errs"
	"amicale/internal/people"
)

func TestRequestAddition(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		for name, c := range map[string]struct {
			field  string
			upload *activation.Upload
			claim  func(*people.Claim)
		}{
			"no scan":       {"scan", nil, nil},
			"SVG as png":    {"scan", &activation.Upload{Name: "a.png", Size: 5, Content: strings.NewReader("<svg>")}, nil},
			"too large":     {"scan", &activation.Upload{Name: "a.pdf", Size: 6 << 20, Content: strings.NewReader("%PDF-")}, nil},
			"page as pdf":   {"scan", &activation.Upload{Name: "a.pdf", Size: 20, Content: strings.NewReader("<html>%PDF-1.7     ")}, nil},
			"unknown class": {"year", desktest.PDF(), func(c *people.Claim) { c.Year = 12 }},
			"no school":     {"school", desktest.PDF(), func(c *people.Claim) { c.School = "zz" }},
			"no first name": {"first_name", desktest.PDF(), func(c *people.Claim) { c.FirstName = "" }},
		} {
			claim := desktest.Addition()
			if c.claim != nil {
				c.claim(&claim)
			}
			err := w.RequestAddition(t.Context(), claim, "fr", c.upload)
			if _, ok := errs.FieldsOf(err)[c.field]; !ok {
				t.Errorf("%s: %v, want %s refused", name, err, c.field)
			}
		}
		if w.Scans() != 0 {
			t.Error("a refused request left a file")
		}
		w.Must("addition", w.RequestAddition(t.Context(), desktest.Addition(), "fr", desktest.PDF()))
		w.WantLetters("addition", "alert webmaster@ly.example")
		c, file, err := w.Scan(t.Context(), w.Webmaster(), w.One().ID)
		w.Must("scan", err)
		content, err := io.ReadAll(file)
		file.Close()
		if err != nil || string(content) != "%PDF-1.7 a diploma" || c.ScanType != "application/pdf" || c.ScanName != "mon diplôme.pdf" {
			t.Errorf("Scan() = %q %s %q, %v", content, c.ScanType, c.ScanName, err)
		}
	})
}
