package mail

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"amicale/internal/errs"
)

// Why a Word file is refused; errors.Is finds them under errs.Invalid.
var (
	ErrNotDocx = errors.New("not a .docx file")
	ErrMacros  = errors.New("the file holds macros")
	ErrTooMuch = errors.New("the file holds more than a letter does")
)

// What reading one Word file may cost.
const (
	mostDocx     = 20 << 20  // octets of the file
	mostEntries  = 2000      // files in it
	mostUnpacked = 100 << 20 // octets they say they have together
	mostXML      = 10 << 20  // octets of the one that is read, counted while it is read
	mostRatio    = 200       // to one, of it: text packs well, nothing packs better than a bomb
	mostNesting  = 256       // elements within elements
	mostLetters  = 200_000   // octets of the text that comes out
)

// DocxText is the text of a Word file (ECMA-376): a line a paragraph, "- " before those of a list, cells between
// tabs. Footnotes, comments, headers and what was struck out by revision are left out. A file with macros is refused
// whatever its name.
func DocxText(raw []byte) (string, error) {
	const op = "mail.DocxText"
	if len(raw) > mostDocx {
		return "", errs.E(op, errs.Invalid, ErrTooMuch)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return "", errs.E(op, errs.Invalid, errors.Join(ErrNotDocx, err))
	}
	if err := checkArchive(z); err != nil {
		return "", errs.E(op, errs.Invalid, err)
	}
	name, err := mainDocument(z)
	if err == nil {
		var text string
		if text, err = readDocument(z, name); err == nil {
			return text, nil
		}
	}
	return "", errs.E(op, errs.Invalid, err)
}

// checkArchive refuses bombs by what the archive says of itself, and macros.
func checkArchive(z *zip.Reader) error {
	if len(z.File) > mostEntries {
		return ErrTooMuch
	}
	var unpacked uint64
	for _, f := range z.File {
		name := strings.ToLower(path.Base(strings.ReplaceAll(f.Name, `\`, "/")))
		if name == "vbaproject.bin" || name == "vbadata.xml" || strings.HasSuffix(name, ".docm") || strings.HasSuffix(name, ".dotm") {
			return ErrMacros
		}
		if unpacked += min(f.UncompressedSize64, 1<<40); unpacked > mostUnpacked {
			return ErrTooMuch
		}
	}
	types, err := readEntry(z, "[Content_Types].xml")
	if err != nil {
		return err
	}
	if strings.Contains(strings.ToLower(string(types)), "macroenabled") {
		return ErrMacros
	}
	return nil
}

// readEntry unpacks one file within limits that do not trust what the archive says.
func readEntry(z *zip.Reader, name string) ([]byte, error) {
	for _, f := range z.File {
		if !strings.EqualFold(strings.TrimPrefix(f.Name, "/"), name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, errors.Join(ErrNotDocx, err)
		}
		defer r.Close()
		most := min(mostXML, 1<<16+mostRatio*int64(min(f.CompressedSize64, mostDocx)))
		b, err := io.ReadAll(io.LimitReader(r, most+1))
		if err != nil {
			return nil, errors.Join(ErrNotDocx, err)
		}
		if int64(len(b)) > most {
			return nil, ErrTooMuch
		}
		return b, nil
	}
	return nil, fmt.Errorf("%w: no %s", ErrNotDocx, name)
}

// mainDocument is where the package says that its document is.
func mainDocument(z *zip.Reader) (string, error) {
	b, err := readEntry(z, "_rels/.rels")
	if err != nil {
		return "", err
	}
	var rels struct {
		Relationship []struct {
			Type   string `xml:",attr"`
			Target string `xml:",attr"`
		}
	}
	if err := xml.Unmarshal(b, &rels); err != nil {
		return "", errors.Join(ErrNotDocx, err)
	}
	for _, r := range rels.Relationship {
		if strings.HasSuffix(r.Type, "/officeDocument") {
			return strings.TrimPrefix(path.Clean("/"+r.Target), "/"), nil
		}
	}
	return "", fmt.Errorf("%w: no document in it", ErrNotDocx)
}

func readDocument(z *zip.Reader, name string) (string, error) {
	b, err := readEntry(z, name)
	if err != nil {
		return "", err
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	r := docxReader{}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !r.document {
				return "", fmt.Errorf("%w: %s is none", ErrNotDocx, name)
			}
			return r.result(), nil
		}
		if err != nil {
			return "", errors.Join(ErrNotDocx, err)
		}
		if err := r.take(t); err != nil {
			return "", err
		}
	}
}
