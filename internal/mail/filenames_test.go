package mail_test

import (
	"slices"
	"strings"
	"testing"

	"amicale/internal/mail"
)

func TestFileNames(t *testing.T) {
	t.Parallel()
	multipart := "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\nfilename=\"preamble.exe\"\r\n--b 1\r\nContent-Type: text/plain\r\n\r\n" +
		"It is called\r\nContent-Disposition: attachment; filename=\"text.exe\"\r\n--b 1\r\nPART\r\n--b 1--\r\n"
	for part, want := range map[string][]string{
		"Content-Disposition: attachment; filename=\"cv.docx\"\r\n\r\nx":                                        {"cv.docx"},
		"Content-Type: image/png; name=photo.png\r\nContent-Disposition: INLINE; FILENAME=\"A.PNG\"\r\n\r\nx":   {"A.PNG", "photo.png"},
		"Content-Disposition: attachment; filename*=utf-8''fa%C3%A7ade.pdf\r\n\r\nx":                            {"façade.pdf"},
		"Content-Disposition: attachment;\r\n filename*0=\"long\";\r\n filename*1=\".pdf\"\r\n\r\nx":            {"long.pdf"},
		"Content-Disposition: attachment; filename=\"=?utf-8?q?fa=C3=A7ade=2Epdf?=\"\r\n\r\nx":                  {"façade.pdf"},
		"Content-Disposition: attachment; filename=my file.pdf\r\n\r\nx":                                        {"my file.pdf"},
		"Content-Type: message/rfc822\r\n\r\nFrom: b@b.example\r\nContent-Type: application/x; name=in.pdf\r\n": {"in.pdf"},
		"Content-Type: text/plain; charset=utf-8\r\n\r\nfilename=\"x.pdf\"":                                     nil,
	} {
		got := mail.FileNames([]byte(strings.Replace(multipart, "PART", part, 1)))
		if !slices.Equal(got, want) {
			t.Errorf("FileNames(%q) = %q, want %q", part, got, want)
		}
	}
}
