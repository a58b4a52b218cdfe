package web

import (
	"compress/gzip"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"amicale/internal/i18n"
)

// MaxUpload is the standing limit of a request body in bytes; routes that take files move it (LimitBody).
const MaxUpload = 4 << 20

// around puts the layers about the mux, outermost first: log and recover, headers, cross-origin protection,
// body limit, language, compression.
func (s *Site) around(mux http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Error(w, "cross-origin request refused", http.StatusForbidden)
	}))
	h := s.compress(mux)
	h = s.language(h)
	h = limitBody(h)
	h = origin.Handler(h)
	h = s.headers(h)
	return s.observe(h)
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req.Body = &body{req.Body, MaxUpload}
		next.ServeHTTP(w, req)
	})
}

// csp lets the page load what this site serves, and nothing else; no inline script, no inline style.
const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

func (s *Site) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), browsing-topics=()")
		if s.Secure() {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, req)
	})
}

const langCookie = "amicale-lang"

func (s *Site) language(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		lang := ""
		if c, err := req.Cookie(langCookie); err == nil {
			lang = c.Value
		}
		if lang != "fr" && lang != "en" {
			lang = i18n.Match(req.Header.Get("Accept-Language"))
		}
		w.Header().Set("Content-Language", lang)
		next.ServeHTTP(w, req.WithContext(s.Bundle.With(req.Context(), lang)))
	})
}

// SpeakLanguage keeps the visitor's choice of language.
func (r *Request) SpeakLanguage(lang string) {
	http.SetCookie(r.W, r.Site.cookie(langCookie, lang, 365*24*time.Hour))
}

// PreferLanguage answers in a language that the visitor's browser does not know of, as that of the letter whose link was
// followed. A visitor who chose one keeps it.
func (r *Request) PreferLanguage(lang string) {
	if _, err := r.Cookie(langCookie); err == nil {
		return
	}
	r.W.Header().Set("Content-Language", lang)
	r.Request = r.Request.WithContext(r.Site.Bundle.With(r.Ctx(), lang))
}

// observe counts, logs without personal data, and turns a panic into a 500.
func (s *Site) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		start := time.Now()
		m := &metric{}
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.Log.Error("panic", "method", req.Method, "pattern", m.pattern, "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(rec, "500", http.StatusInternalServerError)
				}
			}
			took := time.Since(start)
			s.Metrics.request(m.pattern, rec.status, took)
			s.Log.Log(req.Context(), slog.LevelDebug, "request", "method", req.Method, "pattern", m.pattern, "status", rec.status, "ms", took.Milliseconds())
		}()
		next.ServeHTTP(rec, req.WithContext(withMetric(req.Context(), m)))
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// compress gzips what is text and not yet compressed. A page that mixes a secret with what an attacker chose
// could be guessed by its length; ours keep no secret in their text (sessions and tokens live in cookies and mail).
func (s *Site) compress(next http.Handler) http.Handler {
	pool := sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return z }}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") || req.Header.Get("Range") != "" {
			next.ServeHTTP(w, req)
			return
		}
		z := &zipper{ResponseWriter: w, pool: &pool}
		defer z.close()
		next.ServeHTTP(z, req)
	})
}

type zipper struct {
	http.ResponseWriter
	pool *sync.Pool
	zip  *gzip.Writer
	done bool // the header is out
}

func (z *zipper) WriteHeader(status int) {
	if z.done {
		return
	}
	z.done = true
	h := z.Header()
	ct := h.Get("Content-Type")
	text := strings.HasPrefix(ct, "text/") || strings.HasPrefix(ct, "application/json") || strings.HasPrefix(ct, "image/svg")
	if text && h.Get("Content-Encoding") == "" && status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
		h.Del("Content-Length")
		z.zip = z.pool.Get().(*gzip.Writer)
		z.zip.Reset(z.ResponseWriter)
	}
	z.ResponseWriter.WriteHeader(status)
}

func (z *zipper) Write(b []byte) (int, error) {
	if !z.done {
		z.WriteHeader(http.StatusOK)
	}
	if z.zip != nil {
		return z.zip.Write(b)
	}
	return z.ResponseWriter.Write(b)
}

func (z *zipper) Unwrap() http.ResponseWriter { return z.ResponseWriter }

// Flush lets progress reach the visitor while a long answer is still being written.
func (z *zipper) Flush() {
	if z.zip != nil {
		_ = z.zip.Flush()
	}
	_ = http.NewResponseController(z.ResponseWriter).Flush()
}

func (z *zipper) close() {
	if z.zip != nil {
		_ = z.zip.Close()
		z.pool.Put(z.zip)
	}
}

// TrustedProxies are the addresses whose X-Forwarded-For is believed.
type TrustedProxies []netip.Prefix

// Client is the visitor's address: the last one in X-Forwarded-For that no trusted proxy added.
func (p TrustedProxies) Client(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	if !p.trusts(host) {
		return host
	}
	hops := strings.Split(strings.Join(req.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			return host
		}
		host = hop
		if !p.trusts(hop) {
			return hop
		}
	}
	return host
}

func (p TrustedProxies) trusts(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, prefix := range p {
		if prefix.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}
