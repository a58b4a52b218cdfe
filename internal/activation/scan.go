package activation

import (
	"bytes"
	"io"
	"path"
	"strings"
	"unicode"
)

// MaxScan is how large a diploma may be, in bytes.
const MaxScan = 5 << 20

// ScanTypes are the kinds of file a diploma may be.
func ScanTypes() []string {
	return []string{"application/pdf", "image/jpeg", "image/png", "image/webp"}
}

// Upload is a file as it came; its type is what its content says.
type Upload struct {
	Name    string
	Size    int64
	Content io.Reader
}

// Scan is a diploma fit to be kept: of a type that is taken, under a name that is safe.
type Scan struct {
	Name    string
	Type    string
	Size    int64
	Content io.Reader
}

// sniff tells the type by the first bytes, which are given back before the rest; "" for what is not taken.
func (u *Upload) sniff() (string, error) {
	head := make([]byte, 16)
	n, err := io.ReadFull(u.Content, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return "", err
	}
	head = head[:n]
	u.Content = io.MultiReader(bytes.NewReader(head), u.Content)
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return "application/pdf", nil
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "image/jpeg", nil
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png", nil
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return "image/webp", nil
	}
	return "", nil
}

// scanName is a name for the file that is safe to show and to save under; its ending is that of its true type.
func scanName(typed, mime string) string {
	base := path.Base(strings.ReplaceAll(typed, `\`, "/"))
	base = strings.TrimSuffix(base, path.Ext(base))
	base = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -_.", r) {
			return r
		}
		return -1
	}, base)
	if r := []rune(base); len(r) > 60 {
		base = string(r[:60])
	}
	if base = strings.Trim(base, " ."); base == "" {
		base = "diplome"
	}
	return base + map[string]string{"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}[mime]
}
