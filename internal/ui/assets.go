package ui

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// The bundle is made by web/build.sh. Before that only a placeholder stands here, so that the code always builds.
//
//go:embed all:assets/dist
var dist embed.FS

// AssetPrefix is where AssetHandler must be mounted.
const AssetPrefix = "/assets/"

const (
	fontLatin = "literata-latin-wght-normal.woff2"
	forever   = "public, max-age=31536000, immutable"
)

// manifest maps plain names to hashed ones, and back to "is hashed". Read once; never changed afterwards.
var manifest = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	data, err := fs.ReadFile(dist, "assets/dist/manifest.json")
	if err != nil {
		return names // not bundled yet
	}
	if err := json.Unmarshal(data, &names); err != nil {
		panic(fmt.Sprintf("ui: the bundle's manifest: %v", err)) // a broken build, not an input
	}
	return names
})

// Bundled says whether web/build.sh has run before this binary was built.
func Bundled() bool { return len(manifest()) > 0 }

// AssetURL is the address of a bundled file under its plain name: main.css, main.js, theme.js.
func AssetURL(name string) string {
	if hashed, ok := manifest()[name]; ok {
		return AssetPrefix + hashed
	}
	return AssetPrefix + name
}

// AssetHandler serves the bundle at AssetPrefix: hashed names for ever, compressed where the browser takes it.
func AssetHandler() http.Handler {
	hashed := map[string]bool{}
	for _, name := range manifest() {
		hashed[name] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, AssetPrefix)
		if !hashed[name] {
			http.NotFound(w, r)
			return
		}
		serveAsset(w, r, name)
	})
}

func serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	file := "assets/dist/" + name
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("Cache-Control", forever)
	h.Set("X-Content-Type-Options", "nosniff")
	if _, err := fs.Stat(dist, file+".gz"); err == nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			file += ".gz"
		}
	}
	http.ServeFileFS(w, r, dist, file)
}

// contentType does not ask the machine's own tables, which may lack woff2 or spell JavaScript the old way.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as this needs: gzip named and not refused.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding != "gzip" {
			continue
		}
		q := strings.ReplaceAll(params, " ", "")
		return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
	}
	return false
}
