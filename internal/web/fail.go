package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"amicale/internal/errs"
)

// errDone says that the answer is written and nothing is left to do.
var errDone = errors.New("web: answered")

var statuses = map[errs.Kind]int{
	errs.NotFound: http.StatusNotFound, errs.Invalid: http.StatusUnprocessableEntity, errs.Forbidden: http.StatusForbidden,
	errs.Unauthorized: http.StatusUnauthorized, errs.Conflict: http.StatusConflict, errs.Limited: http.StatusTooManyRequests,
	errs.Unavailable: http.StatusServiceUnavailable,
}

// Status is the HTTP status of an error.
func Status(err error) int {
	if s, ok := statuses[errs.KindOf(err)]; ok {
		return s
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// fail is the one place where an error is logged and told. The page never shows the error's own text.
func (s *Site) fail(r *Request, err error) {
	if errors.Is(err, errDone) || errors.Is(err, context.Canceled) && r.Ctx().Err() != nil {
		return
	}
	status := Status(err)
	if status >= 500 {
		s.Log.ErrorContext(r.Ctx(), "request failed", "method", r.Method, "pattern", r.Pattern, "error", err)
	} else {
		s.Log.DebugContext(r.Ctx(), "request refused", "method", r.Method, "pattern", r.Pattern, "status", status, "error", err)
	}
	if status == http.StatusUnauthorized && r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api/") {
		_ = r.Redirect(SignInPath(r.URL.RequestURI()))
		return
	}
	if status == http.StatusTooManyRequests {
		r.W.Header().Set("Retry-After", "60")
	}
	message := r.Message(err)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		_ = r.JSON(status, map[string]any{"status": status, "title": message, "fields": r.FieldErrors(err)})
		return
	}
	p := Page{Status: status, Title: message, Content: s.Problem(r, status, message)}
	if e := r.Page(p); e != nil {
		s.Log.ErrorContext(r.Ctx(), "error page failed", "error", e)
		http.Error(r.W, strconv.Itoa(status), status)
	}
}

// Message is an error in the visitor's language: its own message, else that of its kind.
func (r *Request) Message(err error) string {
	if m, ok := errs.MessageOf(err); ok {
		return r.T(m.Key, m.Data)
	}
	return r.T("web.error." + strconv.Itoa(Status(err)))
}

// FieldErrors are the messages by form field in the visitor's language; nil when there are none.
func (r *Request) FieldErrors(err error) map[string]string {
	fields := errs.FieldsOf(err)
	if fields == nil {
		return nil
	}
	out := make(map[string]string, len(fields))
	for f, m := range fields {
		out[f] = r.T(m.Key, m.Data)
	}
	return out
}

// Refused reports whether the error is the visitor's to mend, and if so the messages to show beside the form he
// filled in: by field, and under "" for the form as a whole. Other errors are to be returned.
func (r *Request) Refused(err error) (map[string]string, bool) {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict, errs.Limited, errs.Unavailable:
	default:
		var tooLarge *http.MaxBytesError
		if !errors.As(err, &tooLarge) {
			return nil, false
		}
	}
	out := r.FieldErrors(err)
	if out == nil {
		out = map[string]string{"": r.Message(err)}
	}
	return out, true
}
