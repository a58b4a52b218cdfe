package mail

import (
	"mime"
	"strings"
)

// DecodeHeader is a header's value as people read it (RFC 2047): one line of valid text, at most most characters.
// What cannot be decoded stays as it is.
func DecodeHeader(s string, most int) string {
	const much = 1 << 14
	s = s[:min(len(s), much)]
	if strings.Contains(s, "=?") {
		d := mime.WordDecoder{CharsetReader: charsetReader}
		if out, err := d.DecodeHeader(s); err == nil {
			s = out
		}
	}
	return cut(oneLine(s), most)
}
