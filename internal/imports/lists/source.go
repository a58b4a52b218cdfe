package lists

import (
	"bufio"
	"compress/gzip"
	"io"

	"golang.org/x/text/encoding/unicode"
)

// source gives the text of a file as often as asked.
type source struct {
	r    io.ReaderAt
	size int64
	gzip bool
	skip int64 // of a byte order mark, after decompression
	wide Encoding
}

func (s source) open() (io.Reader, error) {
	var r io.Reader = io.NewSectionReader(s.r, 0, s.size)
	if s.gzip {
		z, err := gzip.NewReader(bufio.NewReader(r))
		if err != nil {
			return nil, Because("file_broken", "detail", err)
		}
		r = &bounded{r: z, left: maxFile}
	}
	switch s.wide {
	case UTF16LE:
		r = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(r)
	case UTF16BE:
		r = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Reader(r)
	}
	_, err := io.CopyN(io.Discard, r, s.skip)
	return r, err
}

// bounded is a reader that fails rather than give more than left bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, Because("file_too_big", "limit", maxFile>>20)
	}
	return n, err
}
