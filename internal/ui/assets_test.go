package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// needBundle skips where web/build.sh has not run; `make test` runs it first.
func needBundle(t *testing.T) {
	t.Helper()
	if !Bundled() {
		t.Skip("the bundle is not built: run web/build.sh")
	}
}

func fetch(t *testing.T, url, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, url, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	AssetHandler().ServeHTTP(w, r)
	return w.Result()
}

func TestAssetHandler(t *testing.T) {
	t.Parallel()
	needBundle(t)
	for _, c := range []struct{ name, contentType, encoding string }{
		{"main.css", "text/css; charset=utf-8", "gzip"},
		{"main.js", "text/javascript; charset=utf-8", "gzip"},
		{"theme.js", "text/javascript; charset=utf-8", "gzip"},
		{"icon.svg", "image/svg+xml", "gzip"},
		{fontLatin, "font/woff2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := fetch(t, AssetURL(c.name), "br, gzip;q=0.8")
			if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != forever {
				t.Errorf("status %d, Cache-Control %q", res.StatusCode, res.Header.Get("Cache-Control"))
			}
			if got := res.Header.Get("Content-Type"); got != c.contentType {
				t.Errorf("Content-Type = %q, want %q", got, c.contentType)
			}
			if got := res.Header.Get("Content-Encoding"); got != c.encoding {
				t.Errorf("Content-Encoding = %q, want %q", got, c.encoding)
			}
			squeezed, _ := io.ReadAll(res.Body)
			plain, _ := io.ReadAll(fetch(t, AssetURL(c.name), "").Body)
			if c.encoding == "" {
				return
			}
			z, err := gzip.NewReader(bytes.NewReader(squeezed))
			if err != nil {
				t.Fatal(err)
			}
			if unpacked, _ := io.ReadAll(z); !bytes.Equal(unpacked, plain) {
				t.Error("the compressed file is another one")
			}
		})
	}
}

func TestAssetHandlerGivesNothingElse(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"/assets/", "/assets/manifest.json", "/assets/placeholder.txt", "/assets/main.css", "/assets/../ui.go", "/assets/%2e%2e/ui.go"} {
		if res := fetch(t, url, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", url, res.StatusCode)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{"": false, "gzip": true, "br, gzip": true, "gzip;q=0": false, "gzip; q=0.0": false, "gzip;q=0.5": true, "identity": false, "xgzip": false} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("acceptsGzip(%q) = %v, want %v", header, got, want)
		}
	}
}

// TestFirstPageIsLight keeps the promise of 100 kB for the first page: 90 for what is cached for ever, the rest for HTML.
func TestFirstPageIsLight(t *testing.T) {
	t.Parallel()
	needBundle(t)
	total := 0
	for _, name := range []string{"main.css", "main.js", "theme.js", "icon.svg", fontLatin} {
		body, err := io.ReadAll(fetch(t, AssetURL(name), "gzip").Body)
		if err != nil || len(body) == 0 {
			t.Fatalf("%s: %d bytes, %v", name, len(body), err)
		}
		t.Logf("%-36s %6d", name, len(body))
		total += len(body)
	}
	t.Logf("%-36s %6d", "in all", total)
	const most = 90_000
	if total > most {
		t.Errorf("the first page fetches %d bytes, want at most %d", total, most)
	}
}

// TestBundleKeepsThePolicy looks for what the content security policy would refuse or what would leave the site.
func TestBundleKeepsThePolicy(t *testing.T) {
	t.Parallel()
	needBundle(t)
	css, _ := io.ReadAll(fetch(t, AssetURL("main.css"), "").Body)
	for _, bad := range []string{"http:", "https:", "data:", "@import"} {
		if bytes.Contains(css, []byte(bad)) {
			t.Errorf("main.css contains %q", bad)
		}
	}
	for _, layer := range []string{"reset", "tokens", "base", "layout", "components", "utilities", "print"} {
		if !strings.Contains(string(css), "@layer "+layer+"{") {
			t.Errorf("main.css has no layer %s", layer)
		}
	}
}

func BenchmarkPersonGrid(b *testing.B) {
	people := make([]PersonCardProps, 0, 50)
	for len(people) < 50 {
		people = append(people, samplePeople()...)
	}
	people = people[:50]
	c := PersonGrid(people)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Render(b.Context(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
