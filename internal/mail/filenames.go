package mail

import (
	"mime"
	"regexp"
)

// FileNames are the names of the files that a message brings along, also inside messages that it encloses, as mail
// programs would show them; of parts that are written badly, whatever could be one.
func FileNames(raw []byte) []string {
	var out []string
	fileNames(raw, mostDepth, &out)
	return out
}

func fileNames(raw []byte, depth int, out *[]string) {
	for _, p := range partsOf(raw) {
		for _, field := range []string{p.header.Get("Content-Disposition"), p.header.Get("Content-Type")} {
			for _, name := range namesIn(field) {
				if name != "" {
					*out = append(*out, DecodeHeader(name, 500))
				}
			}
		}
		if p.kind == "message/rfc822" && depth > 0 {
			fileNames(p.body, depth-1, out)
		}
	}
}

// loose finds file names where parameters are not written as they should be.
var loose = regexp.MustCompile(`(?i)name\*?[0-9]*\*?\s*=\s*"?([^";]+)`)

func namesIn(field string) []string {
	if indexFold(field, "name") < 0 {
		return nil
	}
	if _, params, err := mime.ParseMediaType(field); err == nil { // reads RFC 2231 too
		return []string{params["filename"], params["name"]}
	}
	var out []string
	for _, m := range loose.FindAllStringSubmatch(field, 20) {
		out = append(out, m[1])
	}
	return out
}
