package web

import (
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/viewer"
)

// Route is a pattern of the standard mux ("GET /aide/{slug}") and its handler, whose type says who may come in.
type Route struct {
	Pattern string
	Handler Handler
}

// Handler is a Handle with a guard: Public, SignedIn, Network, Member or Staff.
type Handler interface {
	// Guard names who may come in, for the table of routes.
	Guard() string
	admit(v viewer.Viewer) bool
	serve(r *Request) error
}

// Public lets everybody in.
type Public Handle

// SignedIn lets in whoever has an account.
type SignedIn Handle

// Network lets in signed-in students and graduates.
type Network Handle

// Member lets in those whose dues are paid today.
type Member Handle

type staff struct {
	handle Handle
	roles  []viewer.RoleName
}

// Staff lets in who holds one of the roles anywhere; the store checks at which association. Without roles, any
// staff may come in.
func Staff(h Handle, roles ...viewer.RoleName) Handler { return staff{h, roles} }

func (Public) Guard() string   { return "public" }
func (SignedIn) Guard() string { return "signed in" }
func (Network) Guard() string  { return "network" }
func (Member) Guard() string   { return "member" }
func (s staff) Guard() string {
	if len(s.roles) == 0 {
		return "staff"
	}
	names := make([]string, len(s.roles))
	for i, r := range s.roles {
		names[i] = string(r)
	}
	return "staff: " + strings.Join(names, ", ")
}

func (Public) admit(viewer.Viewer) bool     { return true }
func (SignedIn) admit(v viewer.Viewer) bool { return v.SignedIn() }
func (Network) admit(v viewer.Viewer) bool  { return v.InNetwork() }
func (Member) admit(v viewer.Viewer) bool   { return v.InNetwork() && v.Member }
func (s staff) admit(v viewer.Viewer) bool {
	if len(s.roles) == 0 {
		return v.IsStaff()
	}
	return v.Has(s.roles...)
}

func (h Public) serve(r *Request) error   { return h(r) }
func (h SignedIn) serve(r *Request) error { return h(r) }
func (h Network) serve(r *Request) error  { return h(r) }
func (h Member) serve(r *Request) error   { return h(r) }
func (s staff) serve(r *Request) error    { return s.handle(r) }

// Table is the site map: one line a route, pattern and guard, sorted by path. It is checked in as a golden file.
func Table(routes []Route) string {
	lines := make([]string, len(routes))
	for i, rt := range routes {
		method, path, _ := strings.Cut(rt.Pattern, " ")
		lines[i] = fmt.Sprintf("%-52s %-6s %s", path, method, rt.Handler.Guard())
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n") + "\n"
}

// Handler is the whole site: the mux with its layers around it, outermost first.
func (s *Site) Handler(routes []Route, assets map[string]http.Handler) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		s.answer(w, req, Public(func(r *Request) error { return errs.E("web.Handler", errs.NotFound, nil) }))
	})
	for _, rt := range routes {
		method, path, ok := strings.Cut(rt.Pattern, " ")
		if !ok || !strings.HasPrefix(path, "/") {
			return nil, fmt.Errorf("web: route %q needs a method and a path", rt.Pattern)
		}
		h := rt.Handler
		pattern := method + " " + path
		mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			if m := metricOf(req); m != nil {
				m.pattern = pattern
			}
			s.answer(w, req, h)
		})
	}
	for pattern, h := range assets {
		mux.Handle("GET "+pattern, h)
	}
	return s.around(mux), nil
}

// answer runs one handler behind its guard.
func (s *Site) answer(w http.ResponseWriter, req *http.Request, h Handler) {
	r := &Request{Request: req, W: w, Site: s, IP: s.Proxies.Client(req)}
	err := s.sendOn(r)
	if err == nil {
		err = s.identify(r)
	}
	if err == nil {
		err = s.admit(r, h)
	}
	if err == nil {
		err = h.serve(r)
	}
	if r.form != nil {
		r.form.clean()
	}
	if err != nil {
		s.fail(r, err)
	}
}

// sendOn sends away a request that another address answers.
func (s *Site) sendOn(r *Request) error {
	if s.Elsewhere == nil {
		return nil
	}
	to, err := s.Elsewhere(r)
	if err != nil || to == "" {
		return err
	}
	http.Redirect(r.W, r.Request, to, http.StatusSeeOther)
	return errDone
}

func (s *Site) admit(r *Request, h Handler) error {
	if !h.admit(r.Viewer) {
		kind := errs.Forbidden
		if !r.Viewer.SignedIn() {
			kind = errs.Unauthorized
		}
		return errs.E("web.admit", kind, nil) // without the path, which may hold a login or a link
	}
	if !r.Identity.MustSecure {
		return nil
	}
	if _, public := h.(Public); public || strings.HasPrefix(r.URL.Path, s.SecurePath) {
		r.Viewer.Roles = nil // until then he sees what he would without them: a public page shows more to the staff
		return nil
	}
	if r.Method != http.MethodGet {
		return errs.E("web.admit", errs.Forbidden, nil)
	}
	http.Redirect(r.W, r.Request, s.SecurePath, http.StatusSeeOther)
	return errDone
}

// SignInPath is where a guest is sent who asks for what needs an account; it brings him back afterwards.
func SignInPath(back string) string {
	return "/connexion?next=" + url.QueryEscape(back)
}

// LocalPath is a path on this site, or the fallback: a link that brings back must not lead elsewhere.
func LocalPath(path, fallback string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.Contains(path, `\`) || strings.ContainsAny(path, "\r\n\t") {
		return fallback
	}
	return path
}
