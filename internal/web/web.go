// Package web is how the house speaks HTTP: routes whose type says who may come in, handlers that return errors,
// sessions, forms, paging, limits, and the layers that stand around the whole mux (security headers, cross-origin
// protection, compression, languages, logs without personal data).
//
// It knows no feature. The app gives it the frame around a page and the way from an account to a viewer.
package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Handle answers a request or says why it could not.
type Handle func(r *Request) error

// Identity is what the top bar shows of the signed-in visitor.
type Identity struct {
	Name     string
	Login    string
	PhotoURL string
	Accent   string // code of the association whose colour accents the page; "" for the federation's
	// MustSecure is set for staff who have not yet a second factor and must have one; they reach only the pages
	// where they can get it.
	MustSecure bool
}

// Page is one page as a feature asks for it; the app draws the frame around the content.
type Page struct {
	Status      int // 0 means 200
	Title       string
	Description string
	Help        string // slug of the help page that explains this screen; "" for none
	Index       bool   // search engines may list it
	Wide        bool   // uses the full width
	Search      string // what the search box in the top bar holds
	Content     templ.Component
}

// Site is what the app gives: everything web needs and must not know.
type Site struct {
	Log      *slog.Logger
	Now      clock.Clock
	Bundle   *i18n.Bundle
	Sessions *Sessions
	// Identify makes the viewer from what the database says now.
	Identify func(ctx context.Context, s Session) (viewer.Viewer, Identity, error)
	// Frame draws the page around its content.
	Frame func(r *Request, p Page) templ.Component
	// Problem is the content of an error page.
	Problem func(r *Request, status int, message string) templ.Component
	// Origin is the canonical address, e.g. https://annuaire.example; cookies are Secure when it is https.
	Origin  string
	Proxies TrustedProxies
	// Elsewhere is the whole address where a request is answered instead, "" for here; it may be nil.
	Elsewhere func(r *Request) (string, error)
	// SecurePath is where staff without the second factor they need are sent.
	SecurePath string
	Metrics    *Metrics
}

// Secure reports whether the site is reached over https.
func (s *Site) Secure() bool { return len(s.Origin) > 8 && s.Origin[:8] == "https://" }

// Request is one request being answered.
type Request struct {
	*http.Request
	W        http.ResponseWriter
	Site     *Site
	Viewer   viewer.Viewer
	Identity Identity
	Session  Session // zero for a guest
	IP       string  // the visitor's, past trusted proxies
	form     *Form
}

// Ctx is the request's context: language, deadline, cancellation.
func (r *Request) Ctx() context.Context { return r.Request.Context() }

// Actor is who acts by the request.
func (r *Request) Actor() viewer.Actor { return viewer.Actor{Viewer: r.Viewer, Name: r.Identity.Name} }

// T is a message in the visitor's language.
func (r *Request) T(key string, data ...i18n.Data) string { return i18n.T(r.Ctx(), key, data...) }

// ID is an identifier in the path; one that does not parse is NotFound.
func (r *Request) ID(name string) (id.ID, error) {
	v, err := id.Parse(r.PathValue(name))
	if err != nil {
		return id.ID{}, errs.E("web.ID "+name, errs.NotFound, nil) // without what stands there: it may be a login
	}
	return v, nil
}

// Partial reports whether htmx asks for a part of the page only.
func (r *Request) Partial() bool {
	return r.Header.Get("HX-Request") == "true" && r.Header.Get("HX-History-Restore-Request") != "true"
}

// Page answers with a whole page.
func (r *Request) Page(p Page) error {
	if p.Status == 0 {
		p.Status = http.StatusOK
	}
	return r.render(p.Status, r.Site.Frame(r, p))
}

// Part answers with a fragment that htmx puts in place.
func (r *Request) Part(content templ.Component) error { return r.render(http.StatusOK, content) }

// render writes to a buffer first: a component that fails leaves no half page.
func (r *Request) render(status int, c templ.Component) error {
	buf := templ.GetBuffer()
	defer templ.ReleaseBuffer(buf)
	if err := c.Render(r.Ctx(), buf); err != nil {
		return errs.E("web.render", errs.Internal, err)
	}
	h := r.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "HX-Request")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	r.W.WriteHeader(status)
	_, _ = r.W.Write(buf.Bytes()) // a visitor who left early is no fault of the handler's
	return nil
}

// JSON answers with a value.
func (r *Request) JSON(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return errs.E("web.JSON", errs.Internal, err)
	}
	h := r.W.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	r.W.WriteHeader(status)
	_, _ = r.W.Write(append(b, '\n')) // a visitor who left early is no fault of the handler's
	return nil
}

// AllowFrames lets the page show documents of this site in frames.
func (r *Request) AllowFrames() {
	h := r.W.Header()
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+"; frame-src 'self'")
}

// Framed answers with a document that a page of this site shows in a frame: its own styles and this site's pictures work
// in it, nothing runs, and it is nobody's page.
func (r *Request) Framed(contentType string, document []byte) error {
	h := r.W.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	return r.document(contentType, document)
}

// Standalone answers with a document that is a page of its own, without the site's frame: its own styles and this site's
// pictures work in it, and its links; nothing runs.
func (r *Request) Standalone(contentType string, document []byte) error {
	r.W.Header().Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	return r.document(contentType, document)
}

func (r *Request) document(contentType string, document []byte) error {
	h := r.W.Header()
	h.Set("Content-Type", contentType+"; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	_, _ = r.W.Write(document) // a visitor who left early is no fault of the handler's
	return nil
}

// Redirect sends the visitor on with GET.
func (r *Request) Redirect(to string) error {
	if r.Partial() {
		r.W.Header().Set("HX-Redirect", to)
		r.W.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(r.W, r.Request, to, http.StatusSeeOther)
	return nil
}
